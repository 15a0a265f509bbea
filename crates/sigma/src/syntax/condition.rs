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
    let own = node.text()?;
    let source = prepared(own, node.span, text, said)?;
    let tree = match rsigma_parser::parse_condition(&source) {
        Ok(tree) => tree,
        Err(error) => {
            let at = error.location().map_or(0, |l| offset(&source, l.line, l.col));
            let part = own.get(at..).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
            let span = place(node, text, at, part);
            return said.error("SIGMA0401", span, format!("this condition can't be read: {}", reason(&error)));
        }
    };
    let leaves = leaves(own).into_iter().map(|(start, part)| place(node, text, start, part)).collect();
    let mut join = Joiner { node, named, tests: 0, most, leaves, next: 0 };
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

/// The names and selections of a condition, in the order of the text, in which the parser's tree has them too.
fn leaves(source: &str) -> Vec<(usize, &str)> {
    let words: Vec<(usize, &str)> = words(source).collect();
    let mut out = Vec::new();
    let mut rest = words.as_slice();
    while let [(start, word), after @ ..] = rest {
        let operator = matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | "not");
        rest = match after {
            [(_, of), (last, target), after @ ..] if !operator && of.eq_ignore_ascii_case("of") => {
                out.push((*start, &source[*start..last + target.len()]));
                after
            }
            _ => {
                if !operator {
                    out.push((*start, word));
                }
                after
            }
        };
    }
    out
}

/// The offset of a line and a column, both from 1.
fn offset(source: &str, line: u32, column: u32) -> usize {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

/// Where a part of a condition stands in the rule. Of a condition over several lines, which YAML joins, the words of
/// both are counted.
fn place(node: &Node, text: Text<'_>, start: usize, part: &str) -> Span {
    let source = node.text().unwrap_or_default();
    let raw = node.span.of(text.0);
    if let Some(at) = raw.find(source) {
        return Span::new(node.span.start + at + start, node.span.start + at + start + part.len());
    }
    let (own, there): (Vec<_>, Vec<_>) = (words(source).collect(), words(raw).collect());
    // What stands before the first word (`>-`) is no part of the condition.
    let more = there.len().saturating_sub(own.len());
    let same = own.iter().zip(&there[more..]).all(|((_, a), (_, b))| a == b);
    let of = |at: usize| own.iter().position(|(start, word)| (*start..start + word.len()).contains(&at));
    match (of(start), of((start + part.len()).saturating_sub(1))) {
        (Some(first), Some(last)) if same && there.len() >= own.len() => {
            let (from, (to, word)) = (there[more + first].0, there[more + last]);
            Span::new(node.span.start + from, node.span.start + to + word.len())
        }
        _ => node.span,
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
    named: &'a [Named],
    tests: usize,
    most: usize,
    /// Where names and selections stand, and how many of them were met.
    leaves: Vec<Span>,
    next: usize,
}

impl Joiner<'_> {
    fn expression(&mut self, tree: &ConditionExpr, said: &mut Said) -> Option<Written> {
        match tree {
            ConditionExpr::And(parts) => self.parts(parts, said).map(|(span, parts)| Written::All(span, parts)),
            ConditionExpr::Or(parts) => self.parts(parts, said).map(|(span, parts)| Written::Any(span, parts)),
            ConditionExpr::Not(inner) => {
                let at = self.next;
                let inner = self.expression(inner, said)?;
                Some(Written::Not(self.covered(at), Box::new(inner)))
            }
            ConditionExpr::Identifier(name) => {
                let span = self.leaf();
                self.identifier(name, span, said)
            }
            ConditionExpr::Selector { quantifier, pattern } => {
                let span = self.leaf();
                self.selector(quantifier, pattern, span, said)
            }
        }
    }

    /// Where the next name or selection stands.
    fn leaf(&mut self) -> Span {
        self.next += 1;
        self.leaves.get(self.next - 1).copied().unwrap_or(self.node.span)
    }

    /// Where everything from that leaf on stands.
    fn covered(&self, from: usize) -> Span {
        let met = self.leaves.get(from..self.next.min(self.leaves.len())).unwrap_or_default();
        met.iter().copied().reduce(Span::to).unwrap_or(self.node.span)
    }

    fn parts(&mut self, parts: &[ConditionExpr], said: &mut Said) -> Option<(Span, Vec<Written>)> {
        let at = self.next;
        // All names that are wrong are named.
        let parts: Vec<Option<Written>> = parts.iter().map(|p| self.expression(p, said)).collect();
        Some((self.covered(at), parts.into_iter().collect::<Option<_>>()?))
    }

    fn identifier(&mut self, name: &str, span: Span, said: &mut Said) -> Option<Written> {
        let Some(at) = self.named.iter().position(|n| n.name == name) else {
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

    fn selector(
        &mut self,
        how_many: &Quantifier,
        pattern: &SelectorPattern,
        span: Span,
        said: &mut Said,
    ) -> Option<Written> {
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
        self.choices(&chosen, wanted, span, said)
    }

    /// So many of them.
    fn choices(&mut self, chosen: &[usize], wanted: usize, span: Span, said: &mut Said) -> Option<Written> {
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
