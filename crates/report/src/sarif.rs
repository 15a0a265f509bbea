//! What is wrong with rules, and what rules found, as SARIF 2.1.0, which code hosts and editors show.

use parallax_detect::Finding;
use parallax_detect::pack::Severity;
use parallax_diagnostics::{Diagnostics, Severity as Level, Span};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn log(version: &str, rules: Vec<Json>, results: Vec<Json>) -> Json {
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Parallax", "version": version, "rules": rules } },
            // Columns are counted in characters, as Parallax shows them.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// Diagnostics of query and rule files.
#[derive(Debug, Default)]
pub struct Diagnosed {
    /// The codes that were met, with their places among the rules.
    codes: BTreeMap<String, usize>,
    rules: Vec<Json>,
    results: Vec<Json>,
}

impl Diagnosed {
    /// Takes in what is said of a file's text.
    pub fn add(&mut self, file: &str, text: &str, all: &Diagnostics) {
        self.take(file, Some(text), "", all);
    }

    /// Takes in what is said of a text that is a part of a file: the place of a diagnostic is not one of the file, and
    /// `place` says which part it is.
    pub fn add_within(&mut self, file: &str, place: &str, all: &Diagnostics) {
        self.take(file, None, place, all);
    }

    fn take(&mut self, file: &str, text: Option<&str>, place: &str, all: &Diagnostics) {
        for d in all.iter() {
            let rule = *self.codes.entry(d.code.to_owned()).or_insert_with(|| {
                self.rules.push(json!({ "id": d.code }));
                self.rules.len() - 1
            });
            let level = match d.severity {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "note",
            };
            let before = if place.is_empty() { String::new() } else { format!("{place}: ") };
            let help = d.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
            let message = format!("{before}{}{help}", d.message);
            let uri = uri(file);
            let mut result = json!({
                "ruleId": d.code,
                "ruleIndex": rule,
                "level": level,
                "message": { "text": message },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri } } }],
            });
            if let Some(text) = text {
                result["locations"][0]["physicalLocation"]["region"] = region(d.span, text);
            }
            if let Some((fix, text)) = d.fix.as_ref().zip(text) {
                let replacement =
                    json!({ "deletedRegion": region(fix.span, text), "insertedContent": { "text": fix.replacement } });
                result["fixes"] = json!([{
                    "description": { "text": d.help.as_deref().unwrap_or("as the product has it") },
                    "artifactChanges": [{ "artifactLocation": { "uri": uri }, "replacements": [replacement] }],
                }]);
            }
            self.results.push(result);
        }
    }

    /// The log.
    pub fn json(self, version: &str) -> Json {
        log(version, self.rules, self.results)
    }
}

/// Lines and columns from 1; the end is the column behind the last character.
fn region(span: Span, text: &str) -> Json {
    let at = |offset: usize| {
        let before = text.get(..offset).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    };
    let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end.max(span.start)));
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as an address: relative as it is, with what is no part of an address escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    let path = path.replace('\\', "/");
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for b in path.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// The most findings of one log: code hosts take no more than 25,000 results.
pub const RESULTS: usize = 25_000;

/// Findings.
#[derive(Debug, Default)]
pub struct Found {
    names: BTreeMap<String, usize>,
    rules: Vec<Json>,
    results: Vec<Json>,
    left_out: usize,
}

impl Found {
    /// Takes in a finding.
    pub fn add(&mut self, f: &Finding) {
        if self.results.len() >= RESULTS {
            self.left_out += 1;
            return;
        }
        let rule = *self.names.entry(f.rule.clone()).or_insert_with(|| {
            self.rules.push(rule(f));
            self.rules.len() - 1
        });
        let e = f.event.clone().unwrap_or_default();
        let text = match e.command_line.as_deref().or(e.image.as_deref()) {
            Some(what) => format!("{}: {what}", f.title),
            None => f.title.clone(),
        };
        let mut result = json!({
            "ruleId": f.rule,
            "ruleIndex": rule,
            "level": level(f.severity),
            "message": { "text": text },
            "partialFingerprints": { "parallaxFinding/v1": f.id },
            "properties": { "severity": f.severity.word(), "event": e.json(), "columns": f.columns_json() },
        });
        // Where in the file an event stands is no line of it: it is among the properties.
        if let Some(source) = &e.source {
            result["locations"] = json!([{ "physicalLocation": { "artifactLocation": { "uri": uri(source) } } }]);
        }
        self.results.push(result);
    }

    /// How many findings were left out: there are more than [`RESULTS`].
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The log.
    pub fn json(self, version: &str) -> Json {
        log(version, self.rules, self.results)
    }
}

fn rule(f: &Finding) -> Json {
    let about = &f.about;
    let mut rule = json!({
        "id": f.rule,
        "shortDescription": { "text": about.title },
        "defaultConfiguration": { "level": level(about.severity) },
        "properties": {
            "tags": about.tags,
            // The scale of code hosts: over 9 is critical, 7 high, 4 medium.
            "security-severity": security(about.severity),
        },
    });
    if !about.description.is_empty() {
        rule["fullDescription"] = json!({ "text": about.description });
    }
    if let Some(url) = about.references.iter().find(|r| r.starts_with("https://") || r.starts_with("http://")) {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

fn security(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Informational => "0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let text = "a\né b";
        let wanted = json!({ "startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 4 });
        assert_eq!(region(Span::new(5, 6), text), wanted);
        assert_eq!(uri("a b/ü.kql"), "a%20b/%C3%BC.kql");
        assert_eq!(uri("/x/y.kql"), "file:///x/y.kql");
    }
}
