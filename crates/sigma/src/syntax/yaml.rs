//! YAML with its places and the order of its keys.
//!
//! Rules are pointed at by line and column, and explained in the order in which they are written, so the reader's events
//! are put into a tree of our own. Plain scalars are read by the core schema of YAML 1.2: `yes` is a text and `0x10` a
//! number. A rule is a few kilobytes; the limits are there for texts that are no rules.

use granit_parser::{Event, Parser, ScalarStyle};
use parallax_diagnostics::{Diagnostic, Span};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How deep collections may nest.
const DEPTH: usize = 64;
/// How many nodes a text may have, those that aliases repeat counted again.
const NODES: usize = 2_000_000;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) data: Data,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    /// A number, the text that it is compared by, and other texts of the same number: as written, where that is not
    /// decimal, and without zeros that say nothing.
    Number(f64, String, Vec<String>),
    /// A text, and whether it was written without quotes.
    Text(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// What an anchor names, once more. Shared, since an alias of aliases grows without bounds.
    Same(Arc<Node>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, seen through aliases.
    pub(crate) fn data(&self) -> &Data {
        let mut data = &self.data;
        while let Data::Same(node) = data {
            data = &node.data;
        }
        data
    }

    /// The entries of a map.
    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match self.data() {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Option<&[Node]> {
        match self.data() {
            Data::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.data() {
            Data::Text(text, _) | Data::Number(_, text, _) => Some(text),
            Data::Bool(true) => Some("true"),
            Data::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// What it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self.data() {
            Data::Null => "nothing",
            Data::Bool(_) => "a truth value",
            Data::Number(..) => "a number",
            Data::Text(..) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) | Data::Same(_) => "a map",
        }
    }
}

/// The entry of that key.
pub(crate) fn get<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|e| e.key == key)
}

/// The documents of a text, up to the first error.
pub(crate) fn documents(text: &str) -> (Vec<Node>, Option<Diagnostic>) {
    let mut documents = Vec::new();
    let mut build = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => return (documents, Some(unreadable(text, &error))),
        };
        let span = place(text, &span);
        match event {
            Event::DocumentStart(..) => build = Builder { nodes: build.nodes, ..Builder::default() },
            Event::DocumentEnd => documents.extend(build.root.take()),
            event => {
                if let Err(error) = build.event(event, span) {
                    return (documents, Some(*error));
                }
            }
        }
    }
    (documents, None)
}

fn place(text: &str, span: &granit_parser::Span) -> Span {
    let at = |m: &granit_parser::Marker| on_character(text, m.byte_offset().unwrap_or(0));
    let (start, end) = (at(&span.start), at(&span.end));
    Span::new(start, end.max(start))
}

fn on_character(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn unreadable(text: &str, error: &granit_parser::ScanError) -> Diagnostic {
    let at = on_character(text, error.marker().byte_offset().unwrap_or(0));
    Diagnostic::error("SIGMA0101", Span::at(at), format!("this is not YAML: {}", error.info()))
}

/// A collection that is being read.
enum Open {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(String, Span)>),
}

#[derive(Default)]
struct Builder {
    open: Vec<(Open, Span, usize)>,
    root: Option<Node>,
    anchors: HashMap<usize, (Arc<Node>, Size)>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.as_ref().and_then(|t| t.core_suffix().map(str::to_owned));
                let data = scalar(&text, style == ScalarStyle::Plain, tagged.as_deref());
                self.add(Node { span, data }, anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => self.start(Open::List(Vec::new()), span, anchor),
            Event::MappingStart(_, anchor, _) => self.start(Open::Map(Vec::new(), None), span, anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(id) => match self.anchors.get(&id) {
                Some((node, size)) => {
                    let (node, size) = (Arc::clone(node), *size);
                    if self.open.len() + size.depth > DEPTH {
                        return Err(Box::new(too_deep(span)));
                    }
                    self.add(Node { span: node.span, data: Data::Same(node) }, 0, size.nodes)
                }
                None => {
                    Err(Box::new(Diagnostic::error("SIGMA0101", span, "this alias stands inside of what it names")))
                }
            },
            _ => Ok(()),
        }
    }

    fn start(&mut self, open: Open, span: Span, anchor: usize) -> Result<(), Box<Diagnostic>> {
        if self.open.len() >= DEPTH {
            return Err(Box::new(too_deep(span)));
        }
        // A key that is a collection has no place in a rule.
        if let Some((Open::Map(_, key @ None), ..)) = self.open.last_mut() {
            *key = Some((String::new(), span));
            return Err(Box::new(Diagnostic::error("SIGMA0103", span, "a key must be a text")));
        }
        self.open.push((open, span, anchor));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Box<Diagnostic>> {
        let Some((open, span, anchor)) = self.open.pop() else { return Ok(()) };
        let node = match open {
            Open::List(nodes) => Node { span: cover(span, nodes.last().map(|n| n.span)), data: Data::List(nodes) },
            Open::Map(entries, _) => {
                let last = entries.last().map(|e| e.key_span.to(e.value.span));
                Node { span: cover(span, last), data: Data::Map(merged(entries)?) }
            }
        };
        self.add(node, anchor, 1)
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes = self.nodes.saturating_add(size);
        if self.nodes > NODES {
            return Err(Box::new(Diagnostic::error("SIGMA0102", node.span, format!("more than {NODES} values"))));
        }
        if anchor != 0 {
            let size = size_of(&node);
            self.anchors.insert(anchor, (Arc::new(node.clone()), size));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(nodes), ..)) => nodes.push(node),
            Some((Open::Map(entries, key), ..)) => match key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => match node.data() {
                    Data::Null => *key = Some((String::new(), node.span)),
                    _ => match node.text() {
                        Some(text) => *key = Some((text.to_owned(), node.span)),
                        None => {
                            return Err(Box::new(Diagnostic::error("SIGMA0103", node.span, "a key must be a text")));
                        }
                    },
                },
            },
        }
        Ok(())
    }
}

/// From a collection's opening to the end of its last element; its own end is the beginning of what follows.
fn cover(span: Span, last: Option<Span>) -> Span {
    last.map_or(span, |last| if last.end > span.start { Span::new(span.start, last.end) } else { span })
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("SIGMA0102", span, format!("nested deeper than {DEPTH} levels"))
}

/// How many nodes a node stands for, and how deep they nest.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

fn size_of(node: &Node) -> Size {
    let inside = |size: Size, inner: &Node| {
        let inner = size_of(inner);
        Size { nodes: size.nodes.saturating_add(inner.nodes), depth: size.depth.max(inner.depth + 1) }
    };
    let one = Size { nodes: 1, depth: 0 };
    match &node.data {
        Data::List(nodes) => nodes.iter().fold(one, inside),
        Data::Map(entries) => entries.iter().map(|e| &e.value).fold(one, inside),
        Data::Same(node) => size_of(node),
        _ => one,
    }
}

/// The entries with those of `<<` among them, each key once.
fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, Box<Diagnostic>> {
    let mut seen = HashSet::with_capacity(entries.len());
    for e in &entries {
        if !seen.insert(e.key.as_str()) {
            let d = Diagnostic::error("SIGMA0104", e.key_span, format!("`{}` is there twice", e.key));
            let help = "one of the two would be lost: give the second a name of its own, or join their values";
            return Err(Box::new(d.label("the second time").help(help)));
        }
    }
    if !seen.contains("<<") {
        drop(seen);
        return Ok(entries);
    }
    let mut out: Vec<Entry> = Vec::new();
    for e in &entries {
        if e.key != "<<" {
            out.push(e.clone());
            continue;
        }
        let maps: Vec<&Node> = e.value.list().map_or_else(|| vec![&e.value], |l| l.iter().collect());
        for map in maps {
            let Some(more) = map.map() else {
                return Err(Box::new(Diagnostic::error("SIGMA0103", e.value.span, "`<<` takes a map")));
            };
            for m in more {
                if !seen.contains(m.key.as_str()) && !out.iter().any(|o| o.key == m.key) {
                    out.push(m.clone());
                }
            }
        }
    }
    Ok(out)
}

/// A scalar by the core schema.
fn scalar(text: &str, plain: bool, tag: Option<&str>) -> Data {
    if tag == Some("str") || (!plain && tag.is_none()) {
        return Data::Text(text.to_owned(), false);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    match number(text) {
        Some((value, decimal)) => {
            let whole = decimal.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
            let mut others = Vec::new();
            if whole && text.contains(['x', 'o']) {
                others.push(text.to_owned());
            } else if !whole && value.to_string() != decimal {
                others.push(value.to_string());
            }
            Data::Number(value, decimal, others)
        }
        None => Data::Text(text.to_owned(), true),
    }
}

/// A number and the text that it is compared by: decimal digits for an integer, as written for a fraction.
///
/// Digits after a leading zero (`0123`) are a text: some readers take them for octal, some for decimal.
fn number(text: &str) -> Option<(f64, String)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let radix = |rest: &str, radix: u32| {
        let value = u128::from_str_radix(rest, radix).ok()?;
        (!rest.starts_with('+')).then(|| (value as f64, value.to_string()))
    };
    if let Some(rest) = text.strip_prefix("0x") {
        return radix(rest, 16);
    }
    if let Some(rest) = text.strip_prefix("0o") {
        return radix(rest, 8);
    }
    let leading = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if leading || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some((text.parse().ok()?, format!("{sign}{digits}")));
    }
    let shape = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = text.parse().ok().filter(|_| shape)?;
    value.is_finite().then(|| (value, format!("{sign}{digits}")))
}
