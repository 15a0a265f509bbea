//! A detection as a Sigma rule.

use super::selection::{Names, expression};
use super::yaml;
use crate::about;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Condition, Detection, FieldPart, Holds, Is, Meta};
use crate::missing;
use crate::parts;
use parallax_diagnostics::{Diagnostics, Span};
use std::fmt::Write;

/// The rule, and what it loses.
///
/// # Errors
/// What Sigma has no form for.
pub fn write(detection: &Detection) -> Result<(String, Losses), Diagnostics> {
    let mut losses = Losses::default();
    let condition = missing::paired(&detection.condition.map(&mut |t| parts::whole(t)));
    let mut wrong = Diagnostics::default();
    for (test, _) in condition.tests() {
        let part = |f: &crate::middle::Field| f.part != FieldPart::Whole;
        let other = matches!(&test.is, Is::Field(_, other, _) if part(other));
        if let Some(field) = test.field.as_ref().filter(|f| part(f) || other) {
            let message = format!("this test of a part of `{}` has no form in Sigma", field.name);
            wrong.push(refuse(codes::NO_FORM, test.at, message));
        }
    }
    for (tests, negated) in missing::units(&condition) {
        let is: Vec<&Is> = tests.iter().map(|t| &t.is).collect();
        if let Some(effect) = missing::effect(&is, &detection.spellings, &[], missing::none(&is)) {
            let name = tests[0].field.as_ref().map_or("the event", |f| f.name.as_str());
            let message =
                format!("a `{name}` that is `-` or empty was missing where the query was written for; Sigma sees it");
            losses.add(codes::MISSING, effect.negated(negated), tests[0].at, message);
        }
    }
    if wrong.has_errors() {
        return Err(wrong);
    }
    if matches!(condition, Condition::Always(_)) {
        return Err(refuse(codes::NOTHING, Span::at(0), "the condition is always or never true").into());
    }
    let mut names = Names::default();
    let text = expression(&condition, &mut names)?;
    let mut out = String::new();
    head(detection, &mut out, &mut losses);
    let _ = writeln!(out, "logsource:");
    let logs = &detection.logs;
    for (key, value) in [("category", &logs.category), ("product", &logs.product), ("service", &logs.service)] {
        if let Some(value) = value {
            let _ = writeln!(out, "    {key}: {}", yaml::plain_or_quoted(value));
        }
    }
    let _ = writeln!(out, "detection:");
    for (name, body) in &names.0 {
        let _ = writeln!(out, "    {name}:{body}");
    }
    let _ = writeln!(out, "    condition: {}", yaml::plain_or_quoted(&text));
    tail(detection, &mut out, &mut losses);
    if let Err(e) = parallax_sigma::parse(&out) {
        let message = format!("the converted rule does not parse: {e}\n{out}");
        return Err(refuse(codes::DEFECT, Span::at(0), message).into());
    }
    Ok((out, losses))
}

/// What people say of it, in the order of SigmaHQ's rules.
fn head(detection: &Detection, out: &mut String, losses: &mut Losses) {
    let Meta { title, id, status, description, author, references, date, modified, tags, related, .. } =
        &detection.about;
    let mut made = Vec::new();
    let title = if title.is_empty() {
        made.push("title");
        format!("Converted Detection Over {}", about::logs(&detection.logs).trim_matches('`'))
    } else {
        title.clone()
    };
    let _ = writeln!(out, "title: {}", yaml::plain_or_quoted(&title));
    let id = id.clone().unwrap_or_else(|| {
        made.push("id");
        crate::uuid::of(&format!("{title}\n{:?}", detection.condition))
    });
    let _ = writeln!(out, "id: {}", yaml::plain_or_quoted(&id));
    if !related.is_empty() {
        let _ = writeln!(out, "related:");
        for (kind, id) in related {
            let (id, kind) = (yaml::plain_or_quoted(id), yaml::plain_or_quoted(kind));
            let _ = writeln!(out, "    - id: {id}\n      type: {kind}");
        }
    }
    let _ = writeln!(out, "status: {}", yaml::plain_or_quoted(status.as_deref().unwrap_or("experimental")));
    if let Some(description) = description {
        let _ = writeln!(out, "description: {}", yaml::plain_or_quoted(description));
    }
    if !references.is_empty() {
        let _ = writeln!(out, "references:");
        for reference in references {
            let _ = writeln!(out, "    - {}", yaml::plain_or_quoted(reference));
        }
    }
    for (key, value) in [("author", author), ("date", date), ("modified", modified)] {
        if let Some(value) = value {
            let _ = writeln!(out, "{key}: {}", yaml::plain_or_quoted(value));
        }
    }
    if !tags.is_empty() {
        let _ = writeln!(out, "tags:");
        for tag in tags {
            let _ = writeln!(out, "    - {}", yaml::plain_or_quoted(tag));
        }
    }
    if detection.about.level.is_none() {
        made.push("level");
    }
    if !made.is_empty() {
        let message = format!("{} made up: the query says none", made.join(", "));
        losses.add(codes::META, Effect::Shown, Span::at(0), message);
    }
}

fn tail(detection: &Detection, out: &mut String, losses: &mut Losses) {
    let mut fields = detection.about.fields.clone();
    for column in &detection.after.columns {
        match &column.holds {
            Holds::Field(field) if !fields.contains(&field.name) => fields.push(field.name.clone()),
            Holds::Field(_) | Holds::Time | Holds::Host => {}
            Holds::Truth(_) | Holds::Score(_) => {
                let message = format!(
                    "the computed column `{}` is left out: a rule finds events, and computes nothing",
                    column.name
                );
                losses.add(codes::COLUMNS, Effect::Shown, Span::at(0), message);
            }
        }
    }
    if !detection.after.sort.is_empty() {
        losses.add(codes::COLUMNS, Effect::Shown, Span::at(0), "the order of the rows is left out");
    }
    if !fields.is_empty() {
        let _ = writeln!(out, "fields:");
        for field in fields {
            let _ = writeln!(out, "    - {}", yaml::plain_or_quoted(&field));
        }
    }
    if !detection.about.falsepositives.is_empty() {
        let _ = writeln!(out, "falsepositives:");
        for one in &detection.about.falsepositives {
            let _ = writeln!(out, "    - {}", yaml::plain_or_quoted(one));
        }
    }
    let _ = writeln!(out, "level: {}", yaml::plain_or_quoted(detection.about.level.as_deref().unwrap_or("medium")));
}
