//! A field with its modifiers and values.

use super::chunks::{self, Chunk, Chunks};
use super::encode::{self, Cannot, Expand};
use super::modifiers::{Chain, Kind, Step};
use super::said::Said;
use super::values;
use super::written::Written;
use super::yaml::{Data, Entry, Node};
use super::{Placeholders, Text};
use crate::tree::{Case, Is, Part, Test};
use parallax_diagnostics::Span;

/// The tests that an entry of a detection stands for.
pub(crate) fn item(entry: &Entry, text: Text<'_>, placeholders: Placeholders<'_>, said: &mut Said) -> Option<Written> {
    let (field, names) = split(entry, text);
    if field.is_empty() && names.is_empty() {
        return said.refuse("SIGMA0204", entry.key_span, "this value has no field", "name the field before the colon");
    }
    let chain = Chain::read(&names, said)?;
    let key = Key { field: (!field.is_empty()).then_some(field), span: entry.key_span, chain, placeholders };
    if key.field.is_none() && !matches!(key.chain.kind, Kind::Text | Kind::Regex { .. }) {
        let help = "a keyword is a text that is sought in the whole event; name a field for anything else";
        return said.refuse("SIGMA0303", entry.key_span, "this modifier needs a field", help);
    }
    key.values(&entry.value, said)
}

/// A value without a field.
pub(crate) fn keyword(value: &Node, placeholders: Placeholders<'_>, said: &mut Said) -> Option<Written> {
    let chain = Chain::read(&[], said)?;
    let key = Key { field: None, span: value.span, chain, placeholders };
    key.value(value, said)
}

/// The field's name, and the names of the modifiers with their places.
fn split<'a>(entry: &'a Entry, text: Text<'_>) -> (&'a str, Vec<(&'a str, Span)>) {
    let key = entry.key.as_str();
    // The key as it stands in the text may be quoted, or escaped beyond recognition.
    let start = entry.key_span.of(text.0).find(key).map(|at| entry.key_span.start + at);
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default();
    let mut at = field.len();
    let names = parts.map(|name| {
        let from = at + 1;
        at = from + name.len();
        (name, start.map_or(entry.key_span, |s| Span::new(s + from, s + at)))
    });
    (field, names.collect())
}

struct Key<'a> {
    field: Option<&'a str>,
    span: Span,
    chain: Chain,
    placeholders: Placeholders<'a>,
}

impl Key<'_> {
    fn values(&self, node: &Node, said: &mut Said) -> Option<Written> {
        let whole = self.span.to(node.span);
        let written = match node.data() {
            Data::List(nodes) => self.list(nodes, whole, said)?,
            Data::Map(_) => {
                let help = "a nested field is written with dots: `outer.inner: value`";
                return said.refuse("SIGMA0205", node.span, "a field's value can't be a map", help);
            }
            _ => {
                if self.chain.all {
                    let help = "`all` joins the values of a list; leave it out";
                    said.warn("SIGMA0603", self.span, "`all` of a single value", help);
                }
                widen(self.value(node, said)?, whole)
            }
        };
        Some(if self.chain.negated { Written::Not(whole, Box::new(written)) } else { written })
    }

    fn list(&self, nodes: &[Node], whole: Span, said: &mut Said) -> Option<Written> {
        if nodes.is_empty() {
            return said.error("SIGMA0206", whole, "this list of values is empty");
        }
        if nodes.len() == 1 && self.chain.all {
            said.warn(
                "SIGMA0603",
                self.span,
                "`all` of a single value",
                "`all` joins the values of a list; leave it out",
            );
        }
        if self.chain.kind == Kind::Exists && nodes.len() > 1 {
            return said.refuse("SIGMA0304", whole, "a field exists or does not", "write one of `true` and `false`");
        }
        let mut parts = Vec::with_capacity(nodes.len());
        let mut good = true;
        for node in nodes {
            if matches!(node.data(), Data::Null) && nodes.len() > 1 {
                let help = "make it a detection of its own and join the two in the condition";
                said.warn(
                    "SIGMA0604",
                    node.span,
                    "null stands among other values, which the specification forbids",
                    help,
                );
            }
            match self.value(node, said) {
                Some(part) => parts.push(part),
                None => good = false,
            }
        }
        if !good {
            return None;
        }
        Some(match parts.len() {
            1 => widen(parts.swap_remove(0), whole),
            _ if self.chain.all => Written::All(whole, parts),
            _ => Written::Any(whole, parts),
        })
    }

    /// One value: a test, or the alternatives that it expands to.
    fn value(&self, node: &Node, said: &mut Said) -> Option<Written> {
        let test = |is: Is| Written::Test(node.span, Test { field: self.field.map(str::to_owned), is });
        match node.data() {
            Data::List(_) | Data::Map(_) => {
                return said.error("SIGMA0205", node.span, format!("{} can't be a value of a field", node.kind()));
            }
            Data::Null => return self.null(node.span, said).map(test),
            _ => {}
        }
        let mut tests = match self.chain.kind {
            Kind::Text => self.texts(node, said)?,
            Kind::Regex { .. } => self.regexes(node, said)?,
            Kind::Network => vec![Is::In(values::network(node, said)?)],
            Kind::Compare(order) => vec![Is::Compares(order, values::number(node, said)?)],
            Kind::Exists => vec![Is::Exists(values::truth(node, said)?)],
            Kind::TimePart(part) => vec![Is::TimePart(part, values::time_part(part, node, said)?)],
            Kind::Field(part) => vec![Is::Field(part, values::field(node, said)?, self.case())],
        };
        if tests.len() == 1 {
            return tests.pop().map(test);
        }
        Some(Written::Any(node.span, tests.into_iter().map(test).collect()))
    }

    fn case(&self) -> Case {
        if self.chain.cased { Case::Counts } else { Case::Ignored }
    }

    fn null(&self, span: Span, said: &mut Said) -> Option<Is> {
        if self.field.is_none() {
            return said.refuse("SIGMA0303", span, "null needs a field", "name the field that has no value");
        }
        if self.chain.kind != Kind::Text || !self.chain.steps.is_empty() {
            let help = "leave out the modifiers, or quote the value if the text `null` is meant";
            return said.refuse("SIGMA0303", span, "null takes no modifiers", help);
        }
        Some(Is::Null)
    }

    fn texts(&self, node: &Node, said: &mut Said) -> Option<Vec<Is>> {
        let mut texts = match node.data() {
            Data::Text(text, plain) => {
                values::doubtful(text, *plain, node.span, said);
                let start = chunks::parsed(text);
                self.habits(&start, node.span, said);
                vec![start]
            }
            Data::Number(_, text, others) => {
                values::other_base(text, others, node.span, said);
                std::iter::once(text).chain(others).map(|t| chunks::literal(t)).collect()
            }
            _ => vec![chunks::literal(node.text()?)],
        };
        for step in &self.chain.steps {
            texts = self.step(*step, texts, node.span, said)?;
        }
        if self.field.is_none() {
            let anchored = |s: &Step| matches!(s, Step::Place(Part::Start | Part::End));
            if self.chain.steps.iter().any(anchored) {
                let help = "leave out `startswith` and `endswith`, or name a field";
                return said.refuse("SIGMA0303", self.span, "a keyword is sought anywhere in the event", help);
            }
            texts.iter_mut().for_each(|t| place(t, Part::Somewhere));
        }
        let mut out = Vec::with_capacity(texts.len());
        for text in &texts {
            let Some(pattern) = chunks::pattern(text, self.case()) else {
                let help = "write `|base64` or `|base64offset` behind the encoding";
                return said.refuse(
                    "SIGMA0306",
                    node.span,
                    "an encoded text that is no text can't stand in a field",
                    help,
                );
            };
            out.push(Is::Like(pattern));
        }
        Some(out)
    }

    fn step(&self, step: Step, mut texts: Vec<Chunks>, span: Span, said: &mut Said) -> Option<Vec<Chunks>> {
        if let Step::Place(part) = step {
            texts.iter_mut().for_each(|t| place(t, part));
            return Some(texts);
        }
        let mut out = Vec::new();
        for text in &texts {
            match step {
                Step::Base64 => out.push(done(encode::base64(text), span, said)?),
                Step::Base64Offset => out.extend(done(encode::base64_offset(text), span, said)?),
                Step::Wide(layout) => out.push(done(encode::wide(text, layout), span, said)?),
                Step::Windash => out.extend(done(encode::windash(text), span, said)?),
                Step::Expand => out.extend(self.expand(text, span, chunks::parsed, said)?),
                Step::Place(_) => {}
            }
            if out.len() > encode::ALTERNATIVES || out.iter().map(size).sum::<usize>() > encode::BYTES {
                return too_many(span, said);
            }
        }
        Some(out)
    }

    fn expand(
        &self,
        text: &[Chunk],
        span: Span,
        read: impl Fn(&str) -> Chunks,
        said: &mut Said,
    ) -> Option<Vec<Chunks>> {
        let values = |name: &str| Some((self.placeholders)(name)?.iter().map(|v| read(v)).collect());
        match encode::expand(text, values) {
            Ok(texts) => Some(texts),
            Err(Expand::Unknown(name)) => {
                let help = "give it a list of values: `[sigma.placeholders]` in parallax.toml, or a list of a pack";
                said.refuse("SIGMA0307", span, format!("the placeholder `%{name}%` has no values here"), help)
            }
            Err(Expand::NotText) => done(Err(Cannot::NotText), span, said),
            Err(Expand::TooMany) => too_many(span, said),
        }
    }

    fn regexes(&self, node: &Node, said: &mut Said) -> Option<Vec<Is>> {
        let Kind::Regex { ignore_case, multi_line, dot_all } = self.chain.kind else { return None };
        let mut texts = vec![node.text()?.to_owned()];
        if self.chain.steps.contains(&Step::Expand) {
            // A placeholder's values are texts with wildcards, in an expression too.
            let read = |value: &str| chunks::literal(&values::expression(&chunks::parsed(value)));
            let expanded = self.expand(&chunks::literal(&texts[0]), node.span, read, said)?;
            let text = |t: &Chunks| String::from_utf8(chunks::plain(t)?).ok();
            texts = expanded.iter().filter_map(text).collect();
        }
        let regex = |text: String| values::regex(text, ignore_case, multi_line, dot_all, node.span, said);
        let regexes: Option<Vec<_>> = texts.into_iter().map(regex).collect();
        Some(regexes?.into_iter().map(Is::Matches).collect())
    }

    /// What is allowed and has a better form, or hardly means what it says.
    fn habits(&self, text: &[Chunk], span: Span, said: &mut Said) {
        let placed = self.chain.steps.iter().any(|s| matches!(s, Step::Place(_)));
        if placed && text.iter().all(|c| *c == Chunk::Any) {
            said.warn(
                "SIGMA0605",
                span,
                "an empty text is in every value",
                "`|exists: true` says that the field is there",
            );
        }
        let offset = self.chain.steps.contains(&Step::Base64Offset);
        if offset && !placed {
            said.warn(
                "SIGMA0606",
                span,
                "`base64offset` gives parts of a value, never a whole one",
                "write `|base64offset|contains`",
            );
        }
        if self.field.is_none() || !self.chain.steps.is_empty() {
            return;
        }
        let better = match text {
            [Chunk::Any, Chunk::Bytes(_), Chunk::Any] => "contains",
            [Chunk::Bytes(_), Chunk::Any] => "startswith",
            [Chunk::Any, Chunk::Bytes(_)] => "endswith",
            _ => return,
        };
        said.warn(
            "SIGMA0607",
            span,
            "a wildcard where a modifier says the same",
            format!("write `|{better}` without `*`"),
        );
    }
}

/// A single value is pointed at together with its key.
fn widen(written: Written, whole: Span) -> Written {
    match written {
        Written::Test(_, test) => Written::Test(whole, test),
        Written::Any(_, parts) => Written::Any(whole, parts),
        other => other,
    }
}

/// How many bytes it has.
fn size(text: &Chunks) -> usize {
    text.iter().map(|c| if let Chunk::Bytes(bytes) = c { bytes.len() } else { 1 }).sum()
}

/// Wildcards around a text, where they are not there already.
fn place(text: &mut Chunks, part: Part) {
    if matches!(part, Part::Somewhere | Part::End) && text.first() != Some(&Chunk::Any) {
        text.insert(0, Chunk::Any);
    }
    if matches!(part, Part::Somewhere | Part::Start) && (text.len() < 2 || text.last() != Some(&Chunk::Any)) {
        text.push(Chunk::Any);
    }
}

fn done<T>(encoded: Result<T, Cannot>, span: Span, said: &mut Said) -> Option<T> {
    match encoded {
        Ok(text) => Some(text),
        Err(Cannot::Wildcards) => {
            let help =
                "escape `*` and `?` with `\\`, and write `contains`, `startswith` and `endswith` behind the encoding";
            said.refuse("SIGMA0305", span, "wildcards can't be encoded", help)
        }
        Err(Cannot::TooShort) => {
            let help = "give it two characters at least";
            said.refuse("SIGMA0305", span, "a single byte leaves no certain character in base64", help)
        }
        Err(Cannot::NotText) => said.refuse(
            "SIGMA0306",
            span,
            "what is encoded already is no text any more",
            "change the order of the modifiers",
        ),
        Err(Cannot::TooMany) => too_many(span, said),
    }
}

fn too_many<T>(span: Span, said: &mut Said) -> Option<T> {
    let message = format!("this value stands for more than {} texts, or for too long ones", encode::ALTERNATIVES);
    said.refuse("SIGMA0309", span, message, "split it into several values")
}
