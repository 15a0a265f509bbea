//! The section of detections: names, each with what it stands for.

use super::item::{item, keyword};
use super::said::Said;
use super::written::Written;
use super::yaml::{Data, Entry, Node};
use super::{Placeholders, Text, condition};
use crate::tree::Condition;
use parallax_diagnostics::Span;

/// How many tests a rule may have, once its names are put in.
const TESTS: usize = 500_000;

/// A detection with its name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) written: Written,
}

/// What a section of detections says.
#[derive(Debug)]
pub(crate) struct Detections {
    pub(crate) detections: Vec<(String, Condition)>,
    pub(crate) conditions: Vec<String>,
    pub(crate) written: Written,
}

/// Reads a section of detections; `skip` are keys that are something else.
pub(crate) fn detections(
    node: &Node,
    skip: &[&str],
    text: Text<'_>,
    placeholders: Placeholders<'_>,
    said: &mut Said,
) -> Option<Detections> {
    let Some(entries) = node.map() else {
        return said.refuse("SIGMA0203", node.span, "the detections are a map", "give each a name");
    };
    let mut named = Vec::new();
    let mut good = true;
    for entry in entries {
        if skip.contains(&entry.key.as_str()) || entry.key == "condition" {
            continue;
        }
        if entry.key == "timeframe" {
            let help = "write a correlation rule with a `timespan`";
            said.warn("SIGMA0601", entry.key_span, "`timeframe` means nothing to single events", help);
            continue;
        }
        match detection(&entry.value, text, placeholders, said) {
            Some(written) => named.push(Named { name: entry.key.clone(), span: entry.key_span, written }),
            None => {
                good = false;
                // Its name is there, and the condition may be wrong, too.
                let written = Written::Any(entry.key_span, Vec::new());
                named.push(Named { name: entry.key.clone(), span: entry.key_span, written });
            }
        }
    }
    let Some(entry) = super::yaml::get(entries, "condition") else {
        return said.refuse(
            "SIGMA0202",
            node.span,
            "there is no `condition`",
            "name the detection: `condition: selection`",
        );
    };
    let strings = conditions(entry, said)?;
    let written: Option<Vec<Written>> = strings.iter().map(|s| condition::join(s, text, &named, TESTS, said)).collect();
    let mut written = written?;
    condition::unused(&strings, &named, said);
    if !good {
        return None;
    }
    let written = if written.len() == 1 { written.swap_remove(0) } else { Written::Any(entry.value.span, written) };
    if written.tests() > TESTS {
        return said.error("SIGMA0405", entry.value.span, format!("the condition stands for more than {TESTS} tests"));
    }
    let detections = named.iter().map(|n| (n.name.clone(), n.written.condition())).collect();
    let conditions = strings.iter().map(|n| n.text().unwrap_or_default().to_owned()).collect();
    Some(Detections { detections, conditions, written })
}

/// The condition, or the list of them.
fn conditions<'a>(entry: &'a Entry, said: &mut Said) -> Option<Vec<&'a Node>> {
    let nodes: Vec<&Node> = match entry.value.data() {
        Data::List(nodes) => nodes.iter().collect(),
        _ => vec![&entry.value],
    };
    if nodes.is_empty() || nodes.iter().any(|n| !matches!(n.data(), Data::Text(..) | Data::Number(..) | Data::Bool(_)))
    {
        return said.error("SIGMA0202", entry.value.span, "the condition is a text, or a list of texts");
    }
    Some(nodes)
}

/// A detection: a map of fields, a list of maps and keywords, or a keyword.
fn detection(node: &Node, text: Text<'_>, placeholders: Placeholders<'_>, said: &mut Said) -> Option<Written> {
    let (nodes, map) = match node.data() {
        Data::Map(entries) => (entries.len(), true),
        Data::List(nodes) => (nodes.len(), false),
        Data::Null => (0, false),
        _ => return keyword(node, placeholders, said),
    };
    if nodes == 0 {
        return said.error("SIGMA0206", node.span, "this detection is empty");
    }
    // Each part is read even where another is wrong, so that all is said at once.
    let mut parts: Vec<Option<Written>> = Vec::with_capacity(nodes);
    for entry in node.map().into_iter().flatten() {
        parts.push(item(entry, text, placeholders, said));
    }
    for node in node.list().into_iter().flatten() {
        parts.push(detection(node, text, placeholders, said));
    }
    let mut parts: Vec<Written> = parts.into_iter().collect::<Option<_>>()?;
    Some(match (parts.len(), map) {
        (1, _) => parts.swap_remove(0),
        (_, true) => Written::All(node.span, parts),
        (_, false) => Written::Any(node.span, parts),
    })
}
