//! What the comments at the beginning of a query say of it: `// title: …`.

use super::loaded::Fault;
use super::{About, tags};
use crate::pack::{Confidence, Severity};
use parallax_diagnostics::{Diagnostic, Span};

/// Takes over what the leading comments say. A word that is none of its list is remarked on.
pub(super) fn read(about: &mut About) -> Option<Fault> {
    let mut wrong = Vec::new();
    let text = about.text.clone();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let place = Span::new(at, at + line.trim_end().len());
        at += line.len();
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        let Some(comment) = trimmed.strip_prefix("//") else { break };
        let Some((key, value)) = comment.split_once(':') else { continue };
        if let Err(known) = take(about, key.trim(), value.trim()) {
            let why = format!("`{}` is none of {known}", value.trim());
            wrong.push(Diagnostic::warning("DETECT0004", place, why));
        }
    }
    if about.tags.is_empty() {
        about.tags = tags::of(&about.attack, &about.tactics);
    } else {
        let new = |own: &[String], all: Vec<String>| all.into_iter().filter(|t| !own.contains(t)).collect::<Vec<_>>();
        about.attack.extend(new(&about.attack, tags::techniques(&about.tags)));
        about.tactics.extend(new(&about.tactics, tags::tactics(&about.tags)));
    }
    (!wrong.is_empty()).then(|| Fault::new(&about.file, &about.text, parallax_diagnostics::Diagnostics(wrong)))
}

fn take(about: &mut About, key: &str, value: &str) -> Result<(), String> {
    let list = || value.split([',', ' ']).map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned);
    let lower = value.to_ascii_lowercase();
    match key.to_ascii_lowercase().as_str() {
        "title" if !value.is_empty() => about.title = value.to_owned(),
        "id" if !value.is_empty() => {
            about.id = Some(value.to_owned());
            about.name = value.to_owned();
        }
        "description" => about.description = value.to_owned(),
        "author" => about.author = Some(value.to_owned()),
        "status" => about.status = Some(lower),
        "reference" | "references" => about.references.extend(list()),
        "tags" => about.tags.extend(list()),
        "attack" | "technique" | "techniques" => about.attack.extend(list().map(|t| t.to_ascii_uppercase())),
        "severity" | "level" => match Severity::from_word(&lower) {
            Some(severity) => (about.severity, about.severity_given) = (severity, true),
            None => return Err(words(Severity::WORDS.iter().map(|(w, _)| *w))),
        },
        "confidence" => match Confidence::from_word(&lower) {
            Some(confidence) => about.confidence = Some(confidence),
            None => return Err(words(Confidence::WORDS.iter().map(|(w, _)| *w))),
        },
        _ => {}
    }
    Ok(())
}

fn words(all: impl Iterator<Item = &'static str>) -> String {
    all.collect::<Vec<_>>().join(", ")
}
