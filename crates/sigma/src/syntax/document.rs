//! The documents of a rule file: collections are put together, and each document is read as what it is.

use super::correlation::correlation;
use super::detection::detections;
use super::meta::{log_source, meta, strings};
use super::said::Said;
use super::written::Written;
use super::yaml::{Data, Entry, Node, get};
use super::{Placeholders, Text};
use crate::tree::{Document, Filter, Rule};
use parallax_diagnostics::Span;

/// A document with its place.
#[derive(Clone, Debug)]
pub struct Located {
    /// What it says.
    pub document: Document,
    /// Where it stands in the text.
    pub span: Span,
    /// Its condition as written, where it has one of its own.
    pub written: Option<Written>,
}

/// The documents of a collection, with what `action` says carried out: `global` is merged into each document that
/// follows until `reset`, and `repeat` is the document before it with changes.
pub(crate) fn collected(nodes: Vec<Node>, said: &mut Said) -> Vec<Node> {
    let mut global: Option<Node> = None;
    let mut previous: Option<Node> = None;
    let mut out = Vec::new();
    let alone = nodes.len() == 1;
    for mut node in nodes {
        let Data::Map(entries) = &mut node.data else {
            if !matches!(node.data(), Data::Null) {
                let help = "a rule begins with `title:`, `logsource:` and `detection:`";
                let _: Option<()> =
                    said.refuse("SIGMA0105", node.span, format!("this document is {} and no rule", node.kind()), help);
            }
            continue;
        };
        let action = entries.iter().position(|e| e.key == "action").map(|at| entries.remove(at));
        match action.as_ref().map(|a| a.value.text().unwrap_or_default()) {
            None if alone => out.push(node),
            None => {
                let merged = global.clone().map_or_else(|| node.clone(), |g| merge(g, node.clone()));
                previous = Some(merged.clone());
                out.push(merged);
            }
            Some("global") => global = Some(node),
            Some("reset") => global = None,
            Some("repeat") => match previous.clone() {
                Some(before) => {
                    let merged = merge(before, node);
                    previous = Some(merged.clone());
                    out.push(merged);
                }
                None => {
                    let _: Option<()> = said.error("SIGMA0106", node.span, "there is no document before it to repeat");
                }
            },
            Some(other) => {
                let span = action.as_ref().map_or(node.span, |a| a.value.span);
                let message = format!("there is no action `{other}`");
                let _: Option<()> = said.refuse("SIGMA0106", span, message, "one of global, reset, repeat");
            }
        }
    }
    out
}

/// The first with the changes of the second: maps are merged, all else is replaced.
fn merge(into: Node, from: Node) -> Node {
    let span = from.span;
    match (into.data().clone(), from.data().clone()) {
        (Data::Map(mut entries), Data::Map(changes)) => {
            for change in changes {
                match entries.iter_mut().find(|e| e.key == change.key) {
                    Some(entry) => {
                        let value = std::mem::replace(&mut entry.value, Node { span, data: Data::Null });
                        *entry = Entry { value: merge(value, change.value), ..change };
                    }
                    None => entries.push(change),
                }
            }
            Node { span, data: Data::Map(entries) }
        }
        _ => from,
    }
}

/// Reads a document.
pub(crate) fn document(
    node: &Node,
    text: Text<'_>,
    placeholders: Placeholders<'_>,
    said: &mut Said,
) -> Option<Located> {
    let entries = node.map()?;
    let located = |document, written| Located { document, span: node.span, written };
    if let Some(section) = get(entries, "correlation") {
        let correlation = correlation(entries, section, node.span, said)?;
        return Some(located(Document::Correlation(correlation), None));
    }
    if let Some(section) = get(entries, "filter") {
        let (filter, written) = filter(entries, section, node.span, text, placeholders, said)?;
        return Some(located(Document::Filter(filter), Some(written)));
    }
    let (rule, written) = rule(entries, node.span, text, placeholders, said)?;
    Some(located(Document::Rule(rule), Some(written)))
}

fn rule(
    entries: &[Entry],
    span: Span,
    text: Text<'_>,
    placeholders: Placeholders<'_>,
    said: &mut Said,
) -> Option<(Rule, Written)> {
    let meta = meta(entries, span, said);
    extensions(entries, said);
    let source = match get(entries, "logsource") {
        Some(entry) => log_source(entry, said),
        None => {
            let help = "write `logsource: {product: windows, category: process_creation}`";
            said.refuse("SIGMA0207", Span::at(span.start), "this rule has no log source", help)
        }
    };
    let detection = match get(entries, "detection") {
        Some(entry) => detections(&entry.value, &[], text, placeholders, said),
        None => {
            let help = "a rule has `detection:`; a correlation `correlation:`, a filter `filter:`";
            said.refuse("SIGMA0202", Span::at(span.start), "this document detects nothing", help)
        }
    };
    let (meta, logsource, detection) = (meta?, source?, detection?);
    let condition = detection.written.condition();
    let rule = Rule { meta, logsource, detections: detection.detections, conditions: detection.conditions, condition };
    Some((rule, detection.written))
}

fn filter(
    entries: &[Entry],
    section: &Entry,
    span: Span,
    text: Text<'_>,
    placeholders: Placeholders<'_>,
    said: &mut Said,
) -> Option<(Filter, Written)> {
    let meta = meta(entries, span, said);
    let logsource = get(entries, "logsource").map(|entry| log_source(entry, said));
    if logsource.is_none() {
        said.warn(
            "SIGMA0620",
            section.key_span,
            "this filter has no log source",
            "it is taken for rules of all of them",
        );
    }
    let inner = section.value.map().unwrap_or_default();
    let rules = get(inner, "rules").map(|e| strings(&e.value, "rules", said));
    let Some(mut rules) = rules else {
        let help = "list their ids or names, or write `rules: any`";
        return said.refuse("SIGMA0508", section.key_span, "a filter names the rules that it is for", help);
    };
    if matches!(rules.as_slice(), [any] if any.eq_ignore_ascii_case("any")) {
        rules.clear();
    } else if rules.is_empty() {
        return said.error("SIGMA0508", section.key_span, "this filter is for no rule");
    }
    let detection = detections(&section.value, &["rules"], text, placeholders, said)?;
    let logsource = match logsource {
        None => None,
        Some(source) => Some(source?),
    };
    let condition = detection.written.condition();
    Some((Filter { meta: meta?, logsource, rules, condition }, detection.written))
}

/// What asks for a later specification: its array matching changes what `[` means in names of fields.
fn extensions(entries: &[Entry], said: &mut Said) {
    let Some(entry) = get(entries, "sigma-version") else { return };
    let major = entry.value.text().and_then(|t| t.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|m| m > 2) {
        let help = "leave out `sigma-version`, or write the rule by version 2";
        let _: Option<()> =
            said.refuse("SIGMA0107", entry.value.span, "rules are read by version 2 of the specification", help);
    }
}
