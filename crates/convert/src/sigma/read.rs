//! A Sigma rule as a detection.

use crate::loss::{Losses, codes, refuse};
use crate::middle::{After, Condition, Detection, Field, Is, Test};
use crate::{Found, Placeholders};
use parallax_diagnostics::{Diagnostics, Span};
use parallax_sigma::syntax::{Located, Written};
use parallax_sigma::tree;

/// The rules of a file, each with the filters of the same file that are for it.
pub fn read_all(text: &str, placeholders: &Placeholders) -> Vec<Found> {
    let options = parallax_sigma::Options { placeholders: placeholders.clone() };
    let read = parallax_sigma::read(text, &options);
    let filters: Vec<&tree::Filter> = read
        .documents
        .iter()
        .filter_map(|d| match &d.document {
            tree::Document::Filter(filter) => Some(filter),
            _ => None,
        })
        .collect();
    let mut found: Vec<Found> = Vec::new();
    for located in &read.documents {
        // A filter without a rule is told, one beside its rule is part of it.
        if matches!(located.document, tree::Document::Filter(_)) && read.documents.len() > filters.len() {
            continue;
        }
        found.push(self::read(located).map(|mut detection| {
            let own = filters.iter().filter(|f| is_for(f, &detection.about));
            let more = own.map(|f| of_condition(&f.condition, Span::at(located.span.start)));
            let all: Vec<Condition> = std::iter::once(detection.condition.clone()).chain(more).collect();
            detection.condition = Condition::all(all);
            (detection, Losses::default())
        }));
    }
    if read.diagnostics.has_errors() {
        found.push(Err(read.diagnostics));
    }
    found
}

/// Whether a filter is for a rule: it names it, or any.
pub fn is_for(filter: &tree::Filter, about: &tree::Meta) -> bool {
    let names = [about.id.as_deref(), about.name.as_deref(), Some(about.title.as_str())];
    filter.rules.is_empty() || filter.rules.iter().any(|rule| names.contains(&Some(rule.as_str())))
}

/// A document of a rule file as a detection.
///
/// # Errors
/// The document is no rule over single events.
pub fn read(located: &Located) -> Result<Detection, Diagnostics> {
    let at = Span::at(located.span.start);
    match &located.document {
        tree::Document::Rule(rule) => {
            let mut detection = of_rule(rule);
            if let Some(written) = &located.written {
                detection.condition = of_written(written);
            }
            Ok(detection)
        }
        tree::Document::Correlation(c) => {
            let message =
                format!("`{}` is a correlation: it looks at the matches of rules, not at events", c.meta.title);
            Err(refuse(codes::DOCUMENT, at, message)
                .help("convert its rules; how often and in which order they match has to be written by hand")
                .into())
        }
        tree::Document::Filter(f) => {
            let message = format!("`{}` is a filter: a condition for rules, without one of its own", f.meta.title);
            Err(refuse(codes::DOCUMENT, at, message).into())
        }
    }
}

/// A rule as a detection, without places.
pub fn of_rule(rule: &tree::Rule) -> Detection {
    Detection {
        about: rule.meta.clone(),
        logs: rule.logsource.clone(),
        spellings: Vec::new(),
        condition: of_condition(&rule.condition, Span::at(0)),
        after: After::default(),
    }
}

fn of_condition(tree: &tree::Condition, at: Span) -> Condition {
    match tree {
        tree::Condition::And(parts) => Condition::all(parts.iter().map(|c| of_condition(c, at)).collect::<Vec<_>>()),
        tree::Condition::Or(parts) => Condition::any(parts.iter().map(|c| of_condition(c, at)).collect::<Vec<_>>()),
        tree::Condition::Not(inner) => Condition::not(of_condition(inner, at)),
        tree::Condition::Test(test) => of_test(test, at),
    }
}

fn of_written(written: &Written) -> Condition {
    match written {
        Written::All(_, parts) => Condition::all(parts.iter().map(of_written).collect::<Vec<_>>()),
        Written::Any(_, parts) => Condition::any(parts.iter().map(of_written).collect::<Vec<_>>()),
        Written::Not(_, inner) => Condition::not(of_written(inner)),
        Written::Named(_, _, inner) => of_written(inner),
        Written::Test(at, test) => of_test(test, *at),
    }
}

fn of_test(test: &tree::Test, at: Span) -> Condition {
    Condition::Test(Test { field: test.field.clone().map(Field::whole), is: Is::of_sigma(&test.is), at })
}
