//! A Sigma rule as a detection.

use crate::loss::{codes, refuse};
use crate::middle::{After, Condition, Detection, Field, Is, Test};
use parallax_diagnostics::{Diagnostics, Span};
use parallax_sigma::tree;

/// A rule as a detection. `text` is where it was read from: places of its tests are looked up in it.
///
/// # Errors
/// The document is no rule over single events.
pub fn read(document: &tree::Document, text: &str) -> Result<Detection, Diagnostics> {
    match document {
        tree::Document::Rule(rule) => Ok(of_rule(rule, text)),
        tree::Document::Correlation(c) => {
            let message = format!("`{}` is a correlation: it looks at the matches of rules, not at events", c.meta.title);
            Err(refuse(codes::DOCUMENT, Span::at(0), message)
                .help("convert its rules; how often and in which order they match has to be written by hand")
                .into())
        }
        tree::Document::Filter(f) => {
            let message = format!("`{}` is a filter: a condition for rules, without one of its own", f.meta.title);
            Err(refuse(codes::DOCUMENT, Span::at(0), message).into())
        }
    }
}

/// A rule as a detection.
pub fn of_rule(rule: &tree::Rule, text: &str) -> Detection {
    let mut places = Places { text };
    Detection {
        about: rule.meta.clone(),
        logs: rule.logsource.clone(),
        spellings: Vec::new(),
        condition: condition(&rule.condition, &mut places),
        after: After::default(),
    }
}

fn condition(tree: &tree::Condition, places: &mut Places<'_>) -> Condition {
    match tree {
        tree::Condition::And(parts) => Condition::all(parts.iter().map(|c| condition(c, places)).collect::<Vec<_>>()),
        tree::Condition::Or(parts) => Condition::any(parts.iter().map(|c| condition(c, places)).collect::<Vec<_>>()),
        tree::Condition::Not(inner) => Condition::not(condition(inner, places)),
        tree::Condition::Test(test) => Condition::Test(Test {
            field: test.field.clone().map(Field::whole),
            is: Is::of_sigma(&test.is),
            at: places.of(test),
        }),
    }
}

/// Where a rule's text says something. The tree has no places, so the text of a value is looked for.
struct Places<'a> {
    text: &'a str,
}

impl Places<'_> {
    fn of(&mut self, test: &tree::Test) -> Span {
        let value = match &test.is {
            tree::Is::Like(p) => p.parts.iter().find_map(|p| match p {
                tree::Piece::Text(t) => Some(t.clone()),
                _ => None,
            }),
            tree::Is::Matches(r) => Some(r.text.clone()),
            tree::Is::In(n) => Some(n.address.to_string()),
            tree::Is::Compares(_, n) => Some(n.to_string()),
            _ => None,
        };
        let body = self.text.find("detection:").unwrap_or(0);
        let field = test.field.as_deref().and_then(|f| self.text[body..].find(f)).map(|at| body + at);
        let from = field.unwrap_or(body);
        let found = value.filter(|v| !v.is_empty()).and_then(|v| {
            let at = self.text[from..].find(&v).map(|at| from + at)?;
            Some(Span::new(at, at + v.len()))
        });
        let name = || {
            let at = field?;
            Some(Span::new(at, at + test.field.as_ref()?.len()))
        };
        found.or_else(name).unwrap_or(Span::at(0))
    }
}
