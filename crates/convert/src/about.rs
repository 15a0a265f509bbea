//! What people say of a detection, as comments.

use crate::middle::{LogSource, Meta};
use std::fmt::Write;

/// Comment lines with title, id, level and ATT&CK; nothing where nothing is said.
pub(crate) fn comment(about: &Meta, mark: &str) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        // A line break in a title would end the comment.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(out, "{mark}{}", text.trim());
    };
    if !about.title.is_empty() {
        line(&about.title);
    }
    let said: Vec<String> = [("id", &about.id), ("level", &about.level), ("status", &about.status)]
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|v| format!("{name}: {v}")))
        .collect();
    if !said.is_empty() {
        line(&said.join(", "));
    }
    let attack = attack(&about.tags);
    if !attack.is_empty() {
        line(&format!("ATT&CK: {}", attack.join(", ")));
    }
    if let Some(author) = &about.author {
        line(&format!("author: {author}"));
    }
    out
}

/// Tactics and techniques of Sigma's tags.
pub(crate) fn attack(tags: &[String]) -> Vec<String> {
    let tags = tags.iter().filter_map(|t| t.strip_prefix("attack."));
    tags.map(|t| if is_technique(t) { t.to_uppercase() } else { t.to_owned() }).collect()
}

/// Whether a tag's end is a technique's id.
pub(crate) fn is_technique(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.eq_ignore_ascii_case(&'t')) && chars.next().is_some_and(|c| c.is_ascii_digit())
}

/// A log source for messages.
pub(crate) fn logs(source: &LogSource) -> String {
    let parts = [("category", &source.category), ("product", &source.product), ("service", &source.service)];
    let parts: Vec<String> =
        parts.iter().filter_map(|(name, value)| value.as_ref().map(|v| format!("{name}: {v}"))).collect();
    if parts.is_empty() {
        "without category, product and service".to_owned()
    } else {
        format!("`{}`", parts.join(", "))
    }
}

/// What the comments before a query say of it: the first line is its title.
pub(crate) fn of_comments<'a>(lines: impl Iterator<Item = &'a str>) -> Meta {
    let mut about = Meta::default();
    for line in lines.filter(|l| !l.is_empty()) {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("id:") || lower.starts_with("level:") || lower.starts_with("status:") {
            for part in line.split(',') {
                let Some((name, value)) = part.split_once(':') else { continue };
                let value = Some(value.trim().to_owned());
                match name.trim().to_ascii_lowercase().as_str() {
                    "id" => about.id = value,
                    "level" => about.level = value,
                    "status" => about.status = value,
                    _ => {}
                }
            }
        } else if lower.starts_with("att&ck:") {
            let tags = line.split_once(':').map_or("", |(_, rest)| rest).split(',');
            about.tags.extend(tags.map(|t| format!("attack.{}", t.trim().to_ascii_lowercase())));
        } else if lower.starts_with("author:") {
            about.author = line.split_once(':').map(|(_, rest)| rest.trim().to_owned());
        } else if about.title.is_empty() {
            about.title = line.to_owned();
        }
    }
    about
}
