//! A rule as YAML, in one form: keys in the order of the specification, modifiers in place of wildcards.
//!
//! Reading it back gives the same tree.

use super::shape::{Element, Entry, Shape, shape};
use super::{layout, scalar};
use crate::tree::{Condition, LogSource, Meta, Rule};

const INDENT: &str = "    ";

/// A rule as YAML.
///
/// Its detections keep their names where each can be written as one; where not (a rule that was put together by a
/// program), the condition is split into others.
pub fn print(rule: &Rule) -> String {
    let shapes: Option<Vec<(&str, Shape)>> =
        rule.detections.iter().map(|(name, c)| Some((name.as_str(), shape(c, true)?))).collect();
    let Some(shapes) = shapes.filter(|s| !s.is_empty()) else {
        let again = layout::rule(rule.meta.clone(), rule.logsource.clone(), &rule.condition);
        let shapes: Vec<(&str, Shape)> =
            again.detections.iter().filter_map(|(name, c)| Some((name.as_str(), shape(c, true)?))).collect();
        return whole(&again, &shapes);
    };
    whole(rule, &shapes)
}

/// Whether one detection can say it, without negation.
pub(crate) fn fits(condition: &Condition) -> bool {
    shape(condition, false).is_some()
}

fn whole(rule: &Rule, shapes: &[(&str, Shape)]) -> String {
    let mut out = Out(String::new());
    out.head(&rule.meta);
    out.log_source(&rule.logsource);
    out.line(0, "detection:");
    for (name, shape) in shapes {
        out.detection(name, shape);
    }
    match rule.conditions.as_slice() {
        [one] => out.line(1, &format!("condition: {}", scalar::text(one))),
        several => {
            out.line(1, "condition:");
            several.iter().for_each(|c| out.line(2, &format!("- {}", scalar::text(c))));
        }
    }
    out.texts("fields", &rule.meta.fields);
    out.texts("falsepositives", &rule.meta.falsepositives);
    out.text("level", rule.meta.level.as_deref());
    out.0
}

struct Out(String);

impl Out {
    fn line(&mut self, depth: usize, text: &str) {
        self.0.push_str(&INDENT.repeat(depth));
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn head(&mut self, meta: &Meta) {
        self.text("title", Some(&meta.title));
        self.text("id", meta.id.as_deref());
        self.text("name", meta.name.as_deref());
        if !meta.related.is_empty() {
            self.line(0, "related:");
        }
        for (kind, id) in &meta.related {
            self.line(1, &format!("- id: {}", scalar::text(id)));
            self.line(1, &format!("  type: {}", scalar::text(kind)));
        }
        self.text("status", meta.status.as_deref());
        self.text("description", meta.description.as_deref());
        self.texts("references", &meta.references);
        self.text("author", meta.author.as_deref());
        self.text("date", meta.date.as_deref());
        self.text("modified", meta.modified.as_deref());
        self.texts("tags", &meta.tags);
    }

    fn log_source(&mut self, source: &LogSource) {
        self.line(0, "logsource:");
        for (key, value) in [("category", &source.category), ("product", &source.product), ("service", &source.service)]
        {
            if let Some(value) = value {
                self.line(1, &format!("{key}: {}", scalar::text(value)));
            }
        }
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            let value = match scalar::block(text, INDENT) {
                Some(block) => block,
                None if is_date(text) => text.to_owned(),
                None => scalar::text(text),
            };
            self.line(0, &format!("{key}: {value}"));
        }
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.line(0, &format!("{key}:"));
            texts.iter().for_each(|t| self.line(1, &format!("- {}", scalar::text(t))));
        }
    }

    fn detection(&mut self, name: &str, shape: &Shape) {
        self.line(1, &format!("{}:", scalar::key(name)));
        match shape {
            Shape::Map(entries) => entries.iter().for_each(|e| self.entry(2, "", e)),
            Shape::List(elements) => elements.iter().for_each(|element| match element {
                Element::Keyword(keyword) => self.line(2, &format!("- {keyword}")),
                Element::Map(entries) => {
                    for (at, entry) in entries.iter().enumerate() {
                        self.entry(2, if at == 0 { "- " } else { "  " }, entry);
                    }
                }
            }),
        }
    }

    fn entry(&mut self, depth: usize, before: &str, entry: &Entry) {
        let key = scalar::key(&entry.key);
        match entry.values.as_slice() {
            [one] if !entry.list => self.line(depth, &format!("{before}{key}: {one}")),
            several => {
                self.line(depth, &format!("{before}{key}:"));
                let depth = depth + 1 + usize::from(!before.is_empty());
                several.iter().for_each(|v| self.line(depth, &format!("- {v}")));
            }
        }
    }
}

/// A day needs no quotes: `2026-11-22`.
fn is_date(text: &str) -> bool {
    let digit = |(at, b): (usize, u8)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(digit)
}
