//! The text that joins detections.

use super::Text;
use super::detection::Named;
use super::said::Said;
use super::written::Written;
use super::yaml::Node;
use parallax_diagnostics::{Diagnostic, Span};
use rsigma_parser::ast::{ConditionExpr, Quantifier, SelectorPattern};

/// How deep parentheses and negations may nest, and how many words a condition may have. The parser below recurses, and
/// copies what it has at each operator.
const DEPTH: usize = 60;
const WORDS: usize = 4000;
/// How many selections `N of` may stand for.
const CHOICES: usize = 1000;

/// What a condition says, the names in it replaced by what they stand for.
pub(crate) fn join(node: &Node, text: Text<'_>, named: &[Named], most: usize, said: &mut Said) -> Option<Written> {
    let source = node.text()?;
    let source = prepared(source, node.span, text, said)?;
    let tree = match rsigma_parser::parse_condition(&source) {
        Ok(tree) => tree,
        Err(error) => {
            return said.error("SIGMA0401", node.span, format!("this condition can't be read: {}", reason(&error)));
        }
    };
    let mut join = Joiner { node, text, named, tests: 0, most };
    join.expression(&tree, said)
}

/// Says which detections no condition uses.
pub(crate) fn unused(conditions: &[&Node], named: &[Named], said: &mut Said) {
    let mut used = vec![false; named.len()];
    for condition in conditions {
        let source = condition.text().unwrap_or_default();
        let mut words = words(source).map(|(_, word)| word).peekable();
        while let Some(word) = words.next() {
            let pattern = word == "of";
            let target = if pattern { words.next().unwrap_or_default() } else { word };
            for (n, used) in named.iter().zip(used.iter_mut()) {
                *used |= if pattern { selects(target, &n.name) } else { n.name == target };
            }
        }
    }
    for (n, _) in named.iter().zip(used).filter(|(_, used)| !used) {
        let help = "name it in the condition, or take it out";
        said.warn("SIGMA0611", n.span, format!("the condition does not use `{}`", n.name), help);
    }
}

/// Whether a pattern of names takes that name. `them` are all; those that begin with `_` have to be asked for.
fn selects(pattern: &str, name: &str) -> bool {
    if name.starts_with('_') && !pattern.starts_with('_') {
        return false;
    }
    pattern == "them" || glob(pattern, name)
}

fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The words of a condition with their places.
fn words(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*');
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + source[at..].find(part)?;
        let end = source[start..].find(|c| !part(c)).map_or(source.len(), |e| start + e);
        at = end;
        Some((start, &source[start..end]))
    })
}

/// Where a part of a condition stands in the rule.
fn place(node: &Node, text: Text<'_>, start: usize, part: &str) -> Span {
    let source = node.text().unwrap_or_default();
    match node.span.of(text.0).find(source) {
        Some(at) => Span::new(node.span.start + at + start, node.span.start + at + start + part.len()),
        None => node.span,
    }
}

/// The condition as the parser takes it: refused where it is of the old form or too long, with operators in lower case.
fn prepared(source: &str, span: Span, text: Text<'_>, said: &mut Said) -> Option<String> {
    if let Some(at) = source.find('|') {
        let bar =
            span.of(text.0).find('|').map_or(span, |b| Span::new(span.start + b, span.start + b + source.len() - at));
        let help = "write a correlation rule beside it: `correlation: {type: event_count, …}`";
        return said.refuse("SIGMA0402", bar, "aggregations behind `|` are no longer part of Sigma", help);
    }
    let (mut depth, mut most) = (0_usize, 0);
    for c in source.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    let mut nots = 0;
    let mut out = String::with_capacity(source.len());
    let (mut at, mut count) = (0, 0);
    for (start, word) in words(source) {
        count += 1;
        let lower = word.to_ascii_lowercase();
        nots = if lower == "not" { nots + 1 } else { 0 };
        most = most.max(nots);
        out.push_str(&source[at..start]);
        at = start + word.len();
        let operator = matches!(lower.as_str(), "and" | "or" | "not" | "of" | "all" | "any" | "them");
        if operator && lower != word {
            said.warn("SIGMA0612", span, format!("`{word}` is written `{lower}`"), "other tools refuse it");
            out.push_str(&lower);
        } else {
            out.push_str(word);
        }
    }
    out.push_str(&source[at..]);
    if most > DEPTH || count > WORDS {
        return said.error(
            "SIGMA0405",
            span,
            format!("a condition has at most {WORDS} words and nests at most {DEPTH} deep"),
        );
    }
    if count == 0 {
        return said.error("SIGMA0401", span, "this condition is empty");
    }
    Some(out.replace('\r', " "))
}

/// What the parser says, without its own picture of the place.
fn reason(error: &rsigma_parser::SigmaParserError) -> String {
    let text = error.to_string();
    let line = text.lines().map(str::trim).find_map(|l| l.strip_prefix("= "));
    line.or_else(|| text.lines().next()).unwrap_or("it does not parse").to_owned()
}

struct Joiner<'a> {
    node: &'a Node,
    text: Text<'a>,
    named: &'a [Named],
    tests: usize,
    most: usize,
}

impl Joiner<'_> {
    fn expression(&mut self, tree: &ConditionExpr, said: &mut Said) -> Option<Written> {
        let span = self.node.span;
        match tree {
            ConditionExpr::And(parts) => Some(Written::All(span, self.parts(parts, said)?)),
            ConditionExpr::Or(parts) => Some(Written::Any(span, self.parts(parts, said)?)),
            ConditionExpr::Not(inner) => Some(Written::Not(span, Box::new(self.expression(inner, said)?))),
            ConditionExpr::Identifier(name) => self.identifier(name, said),
            ConditionExpr::Selector { quantifier, pattern } => self.selector(quantifier, pattern, said),
        }
    }

    fn parts(&mut self, parts: &[ConditionExpr], said: &mut Said) -> Option<Vec<Written>> {
        // All names that are wrong are named.
        let parts: Vec<Option<Written>> = parts.iter().map(|p| self.expression(p, said)).collect();
        parts.into_iter().collect()
    }

    fn identifier(&mut self, name: &str, said: &mut Said) -> Option<Written> {
        let Some(at) = self.named.iter().position(|n| n.name == name) else {
            let source = self.node.text().unwrap_or_default();
            let found = words(source).find(|(_, word)| *word == name);
            let span = found.map_or(self.node.span, |(start, word)| place(self.node, self.text, start, word));
            let d = Diagnostic::error("SIGMA0403", span, format!("there is no detection `{name}`"));
            said.push(d.suggest(name, self.named.iter().map(|n| n.name.as_str())));
            return None;
        };
        self.put(at, said)
    }

    /// The detection at that place, if there is still room for it.
    fn put(&mut self, at: usize, said: &mut Said) -> Option<Written> {
        let named = &self.named[at];
        let before = self.tests;
        self.tests = self.tests.saturating_add(named.written.tests());
        if before > self.most {
            // Said already.
            return None;
        }
        if self.tests > self.most {
            let message = format!("the condition stands for more than {} tests", self.most);
            return said.error("SIGMA0405", self.node.span, message);
        }
        Some(Written::Named(named.span, named.name.clone(), Box::new(named.written.clone())))
    }

    fn selector(&mut self, how_many: &Quantifier, pattern: &SelectorPattern, said: &mut Said) -> Option<Written> {
        let span = self.node.span;
        let pattern = match pattern {
            SelectorPattern::Them => "them",
            SelectorPattern::Pattern(pattern) => pattern,
        };
        let chosen: Vec<usize> = (0..self.named.len()).filter(|i| selects(pattern, &self.named[*i].name)).collect();
        if chosen.is_empty() {
            let d = Diagnostic::error("SIGMA0403", span, format!("`of {pattern}` finds no detection"));
            let names = self.named.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join("`, `");
            said.push(d.help(format!("there are `{names}`; those that begin with `_` have to be named")));
            return None;
        }
        let wanted = match how_many {
            Quantifier::Any => 1,
            Quantifier::All => chosen.len(),
            Quantifier::Count(n) => usize::try_from(*n).unwrap_or(usize::MAX),
        };
        if wanted == 0 || wanted > chosen.len() {
            let message = format!("`{wanted} of {pattern}` can't be: it finds {}", chosen.len());
            return said.error("SIGMA0404", span, message);
        }
        self.choices(&chosen, wanted, said)
    }

    /// So many of them.
    fn choices(&mut self, chosen: &[usize], wanted: usize, said: &mut Said) -> Option<Written> {
        let span = self.node.span;
        if wanted == 1 || wanted == chosen.len() {
            let mut parts: Vec<Written> = chosen.iter().map(|i| self.put(*i, said)).collect::<Option<_>>()?;
            return Some(match parts.len() {
                1 => parts.swap_remove(0),
                _ if wanted == 1 => Written::Any(span, parts),
                _ => Written::All(span, parts),
            });
        }
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for (seen, i) in chosen.iter().enumerate() {
            let more: Vec<Vec<usize>> =
                sets.iter().filter(|s| s.len() < wanted).map(|s| [s.as_slice(), &[*i]].concat()).collect();
            // Sets that can't be filled any more are of no use.
            let left = chosen.len() - seen - 1;
            sets.retain(|s| s.len() + left >= wanted);
            sets.extend(more.into_iter().filter(|s| s.len() + left >= wanted));
            if sets.len() > CHOICES {
                return said.error(
                    "SIGMA0405",
                    span,
                    format!("`{wanted} of` stands for more than {CHOICES} selections"),
                );
            }
        }
        let mut parts = Vec::with_capacity(sets.len());
        for set in sets {
            let all: Vec<Written> = set.iter().map(|i| self.put(*i, said)).collect::<Option<_>>()?;
            parts.push(Written::All(span, all));
        }
        Some(Written::Any(span, parts))
    }
}
