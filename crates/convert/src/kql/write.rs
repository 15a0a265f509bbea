//! A detection as a KQL query.

use super::quoted;
use super::test::Over;
use crate::about;
use crate::layout::{Doc, Words};
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Condition, Detection, Field, FieldPart, Holds, Is, Pattern, Piece, Test};
use crate::missing;
use crate::names::{self, Logs};
use crate::parts;
use crate::pattern::{self, Shape};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use std::fmt::Write;

const WORDS: Words = Words { not: "not" };

/// The query, and what it loses. `table`: which one to take, instead of the first that has all fields.
///
/// # Errors
/// What KQL has no form for.
pub fn write(detection: &Detection, table: Option<&str>) -> Result<(String, Losses), Diagnostics> {
    let logs = names::logs(&detection.logs).ok_or_else(|| no_table(detection))?;
    let candidates: Vec<&str> = match table {
        Some(table) => vec![table],
        None => logs.kql.iter().map(String::as_str).collect(),
    };
    let mut refused = Diagnostics::default();
    for (rank, name) in candidates.iter().enumerate() {
        let Some(table) = names::table(name) else {
            refused =
                refuse(codes::NO_TABLE, Span::at(0), format!("the columns of `{name}` are not known to `convert`"))
                    .suggest(name, names::tables())
                    .into();
            continue;
        };
        let nothing = std::iter::once(String::new()).chain(table.missing.iter().cloned()).collect();
        let over = Over { name, table, source: detection.spellings.clone(), nothing };
        let condition = missing::paired(&suited(&over, &detection.condition));
        let mut losses = Losses::default();
        match query(&over, detection, &logs, &condition, rank > 0, &mut losses) {
            Ok(text) => return Ok((text, losses)),
            // What the preferred table lacks is what the rule's author wants to hear.
            Err(e) if refused.is_empty() => refused = e,
            Err(_) => {}
        }
    }
    if refused.is_empty() { Err(no_table(detection)) } else { Err(refused) }
}

fn no_table(detection: &Detection) -> Diagnostics {
    let message = format!("there is no KQL table for the log source {}", about::logs(&detection.logs));
    refuse(codes::NO_TABLE, Span::at(0), message).into()
}

fn query(
    over: &Over<'_>,
    detection: &Detection,
    logs: &Logs,
    condition: &Condition,
    fallback: bool,
    losses: &mut Losses,
) -> Result<String, Diagnostics> {
    let mut out = about::comment(&detection.about, "// ");
    out.push_str(over.name);
    let mut computed: Vec<(String, String)> = Vec::new();
    for field in fields(detection, condition) {
        if let Some(place) = over.place(&field)
            && let Some(expr) = place.computed
            && !computed.iter().any(|(name, _)| *name == place.text)
        {
            computed.push((place.text, expr));
        }
    }
    for (name, expr) in &computed {
        let _ = write!(out, "\n| extend {name} = {expr}");
    }
    for line in source_lines(over, detection, logs, condition, losses) {
        let _ = write!(out, "\n| where {line}");
    }
    if let (true, Some(lost)) = (fallback, &logs.lost) {
        losses.add(
            codes::TELEMETRY,
            Effect::Narrows,
            Span::at(0),
            format!("`{}` has all fields of the rule, but not {lost}", over.name),
        );
    }
    let mut wrong = Diagnostics::default();
    let parts = match condition {
        Condition::All(parts) => parts.clone(),
        Condition::Always(true) => Vec::new(),
        other => vec![other.clone()],
    };
    for part in &parts {
        match doc(over, part, false, losses) {
            Ok(doc) => {
                let text = doc.text(&WORDS, 8, 0);
                let _ = write!(out, "\n| where {text}");
            }
            Err(e) => wrong.push(e),
        }
    }
    if wrong.has_errors() {
        return Err(wrong);
    }
    after(over, detection, &mut out, losses)?;
    out.push('\n');
    if parallax_kql::parse(&out).is_err() {
        return Err(refuse(codes::DEFECT, Span::at(0), format!("the converted query does not parse:\n{out}")).into());
    }
    Ok(out)
}

/// The condition over what the table has columns for: parts of fields, or whole ones.
fn suited(over: &Over<'_>, condition: &Condition) -> Condition {
    let hash = Field { name: "Hashes".to_owned(), part: FieldPart::Hash("SHA256".to_owned()) };
    let condition = if over.place(&hash).is_some() { hashes(condition) } else { condition.clone() };
    condition.map(&mut |test| match &test.field {
        Some(field) if field.part != FieldPart::Whole && over.place(field).is_none() => parts::whole(test),
        _ => Condition::Test(test.clone()),
    })
}

/// All fields that the query names.
fn fields(detection: &Detection, condition: &Condition) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut of = |condition: &Condition| {
        for (test, _) in condition.tests() {
            fields.extend(test.field.clone());
            if let Is::Field(_, other, _) = &test.is {
                fields.push(other.clone());
            }
        }
    };
    of(condition);
    for shown in &detection.after.columns {
        match &shown.holds {
            Holds::Truth(condition) => of(condition),
            Holds::Score(lines) => lines.iter().for_each(|(c, _)| of(c)),
            Holds::Field(_) | Holds::Time | Holds::Host => {}
        }
    }
    let shown = detection.after.columns.iter().filter_map(|s| match &s.holds {
        Holds::Field(field) => Some(field.clone()),
        _ => None,
    });
    fields.extend(shown);
    fields.extend(detection.about.fields.iter().map(Field::whole));
    fields
}

/// The conditions that make a table's rows those of the log source.
fn source_lines(
    over: &Over<'_>,
    detection: &Detection,
    logs: &Logs,
    condition: &Condition,
    losses: &mut Losses,
) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(logs.filter.get(over.name).cloned());
    if over.name == "WindowsEvent" {
        if let Some(provider) = &logs.events.provider {
            lines.push(format!("Provider == {}", quoted(provider)));
        }
        let channels: Vec<String> = logs.events.channel.iter().map(|c| quoted(c)).collect();
        match channels.len() {
            0 => {}
            1 => lines.push(format!("Channel == {}", channels.concat())),
            _ => lines.push(format!("Channel in ({})", channels.join(", "))),
        }
        let ids: Vec<String> = logs.events.ids.iter().map(u32::to_string).collect();
        match ids.len() {
            0 => {}
            1 => lines.push(format!("EventID == {}", ids.concat())),
            _ => lines.push(format!("EventID in ({})", ids.join(", "))),
        }
        if let Some((field, values)) = &logs.field
            && let Some(place) = over.place(&Field::whole(field))
        {
            let values: Vec<String> = values.iter().map(|v| quoted(v)).collect();
            lines.push(format!("{} in ({})", place.text, values.join(", ")));
        }
        return lines;
    }
    let Some(os) = &over.table.os else { return lines };
    match detection.logs.product.as_deref() {
        Some("windows") if !implies(condition, '\\') => lines.push(format!("{os} !startswith \"/\"")),
        Some(product @ ("linux" | "macos")) => {
            if !implies(condition, '/') {
                lines.push(format!("{os} startswith \"/\""));
            }
            let other = if product == "linux" { "macOS" } else { "Linux" };
            losses.add(
                codes::TELEMETRY,
                Effect::Widens,
                Span::at(0),
                format!("`{}` does not say the operating system: events of {other} are searched too", over.name),
            );
        }
        _ => {}
    }
    lines
}

/// Whether an event that fulfils the condition has a path with that separator.
fn implies(condition: &Condition, separator: char) -> bool {
    const PATHS: [&str; 4] = ["Image", "ParentImage", "TargetFilename", "ImageLoaded"];
    match condition {
        Condition::All(parts) => parts.iter().any(|c| implies(c, separator)),
        Condition::Any(parts) => parts.iter().all(|c| implies(c, separator)),
        Condition::Test(Test { field: Some(field), is: Is::Like(Pattern { parts, .. }), .. }) => {
            field.part == FieldPart::Whole
                && PATHS.contains(&field.name.as_str())
                && parts.iter().any(|p| matches!(p, Piece::Text(t) if t.contains(separator)))
        }
        _ => false,
    }
}

/// A condition as an expression.
pub(super) fn doc(
    over: &Over<'_>,
    condition: &Condition,
    negated: bool,
    losses: &mut Losses,
) -> Result<Doc, Diagnostic> {
    if let Some((field, test)) = missing::says_nothing(condition)
        && let Some(place) = over.place(&field)
    {
        // Both together are what a column of KQL has: nothing is lost but the spellings of nothing.
        let both = [&Is::Null, &Is::Like(Pattern { parts: Vec::new(), case: crate::middle::Case::Counts })];
        if let Some(effect) = missing::effect(&both, &over.source, &over.nothing, true) {
            let message = format!("whether a value that is `-` is missing is not the same in `{}`", place.text);
            losses.add(codes::MISSING, effect.negated(negated), test.at, message);
        }
        let function = if place.ty == names::Type::Text { "isempty" } else { "isnull" };
        return Ok(Doc::Leaf(format!("{function}({})", place.text)));
    }
    Ok(match condition {
        Condition::All(parts) => {
            Doc::all(parts.iter().map(|c| doc(over, c, negated, losses)).collect::<Result<_, _>>()?)
        }
        Condition::Any(parts) => Doc::any(any(over, parts, negated, losses)?),
        Condition::Not(inner) => match doc(over, inner, !negated, losses)? {
            Doc::Leaf(text) if text.starts_with("isempty(") => Doc::Leaf(text.replacen("isempty(", "isnotempty(", 1)),
            inner => Doc::Not(Box::new(inner)),
        },
        Condition::Test(test) => over.test(test, negated, losses)?,
        Condition::Always(yes) => Doc::Leaf(yes.to_string()),
    })
}

/// Alternatives; values of one column become a list.
fn any(over: &Over<'_>, parts: &[Condition], negated: bool, losses: &mut Losses) -> Result<Vec<Doc>, Diagnostic> {
    let mut docs: Vec<Doc> = Vec::new();
    let mut lists: Vec<(String, usize, usize)> = Vec::new();
    for part in parts {
        let written = doc(over, part, negated, losses)?;
        let Some((head, value)) = listed(over, part, &written) else {
            docs.push(written);
            continue;
        };
        match lists.iter_mut().find(|(h, ..)| *h == head) {
            Some((_, at, count)) => {
                *count += 1;
                if let Doc::List { items, .. } = &mut docs[*at]
                    && !items.contains(&value)
                {
                    items.push(value);
                }
            }
            None => {
                lists.push((head.clone(), docs.len(), 1));
                docs.push(Doc::List { head, items: vec![value] });
            }
        }
    }
    // A list of one is a comparison.
    for doc in &mut docs {
        if let Doc::List { head, items } = doc
            && items.len() == 1
        {
            let (column, list) = head.rsplit_once(' ').unwrap_or((head.as_str(), "in"));
            let word = if list == "in~" { "=~" } else { "==" };
            *doc = Doc::Leaf(format!("{column} {word} {}", items[0]));
        }
    }
    Ok(docs)
}

/// `column in~`, `value` of a comparison that can stand in a list.
fn listed(over: &Over<'_>, condition: &Condition, written: &Doc) -> Option<(String, String)> {
    let Condition::Test(test) = condition else { return None };
    let (Some(field), Is::Like(p), Doc::Leaf(text)) = (&test.field, &test.is, written) else { return None };
    let Shape::Exact(_) = pattern::shape(p) else { return None };
    let column = over.place(field)?.text;
    let rest = text.strip_prefix(&column)?.strip_prefix(' ')?;
    if let Some(value) = rest.strip_prefix("=~ ") {
        return Some((format!("{column} in~"), value.to_owned()));
    }
    let value = rest.strip_prefix("== ")?;
    // A text without letters is equal in any case, and joins the others.
    let text = over.place(field)?.ty == names::Type::Text;
    let list = if text && p.case == crate::middle::Case::Ignored { "in~" } else { "in" };
    Some((format!("{column} {list}"), value.to_owned()))
}

/// `Hashes` is a column for each algorithm in Defender.
fn hashes(condition: &Condition) -> Condition {
    condition.map(&mut |test| {
        let original = || Condition::Test(test.clone());
        let (Some(field), Is::Like(p)) = (&test.field, &test.is) else { return original() };
        if !field.name.eq_ignore_ascii_case("Hashes") || field.part != FieldPart::Whole {
            return original();
        }
        let (Shape::Contains(text) | Shape::Exact(text) | Shape::Starts(text) | Shape::Ends(text)) = pattern::shape(p)
        else {
            return original();
        };
        let Some((key, value)) = text.split_once('=') else { return original() };
        let length = match key.to_ascii_uppercase().as_str() {
            "MD5" => 32,
            "SHA1" => 40,
            "SHA256" => 64,
            _ => return original(),
        };
        if value.len() != length || !value.chars().all(|c| c.is_ascii_hexdigit()) {
            return original();
        }
        let field = Field { name: "Hashes".to_owned(), part: FieldPart::Hash(key.to_ascii_uppercase()) };
        let is = pattern::pattern(Shape::Exact(value.to_owned()), crate::middle::Case::Ignored).map(Is::Like);
        is.map_or_else(original, |is| Condition::test(field, is, test.at))
    })
}

/// What is made of the events.
fn after(over: &Over<'_>, detection: &Detection, out: &mut String, losses: &mut Losses) -> Result<(), Diagnostics> {
    let mut shown = Vec::new();
    for column in &detection.after.columns {
        let name = &column.name;
        let text = match &column.holds {
            Holds::Time => over.table.time.clone(),
            Holds::Host => over.table.host.clone().unwrap_or_else(|| "Computer".to_owned()),
            Holds::Field(field) => match over.place(field) {
                Some(place) => place.text,
                None => {
                    losses.add(codes::COLUMNS, Effect::Shown, Span::at(0), format!("the column `{name}` is left out"));
                    continue;
                }
            },
            Holds::Truth(condition) => {
                let text = doc(over, condition, true, losses)?.text(&WORDS, 12 + name.len(), 4);
                let _ = write!(out, "\n| extend {name} = {text}");
                shown.push(name.clone());
                continue;
            }
            Holds::Score(lines) => {
                let mut terms = Vec::new();
                for (condition, points) in lines {
                    terms
                        .push(format!("iff({}, {points}, 0)", doc(over, condition, true, losses)?.text(&WORDS, 20, 4)));
                }
                let _ = write!(out, "\n| extend {name} = {}", terms.join("\n    + "));
                shown.push(name.clone());
                continue;
            }
        };
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        shown.push(if plain { text } else { format!("{name} = {text}") });
    }
    if shown.is_empty() && !detection.about.fields.is_empty() {
        shown.push(over.table.time.clone());
        shown.extend(over.table.host.clone());
        for name in &detection.about.fields {
            let Some(place) = over.place(&Field::whole(name)) else { continue };
            let plain = place.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let alias: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            shown.push(if plain { place.text } else { format!("{alias} = {}", place.text) });
        }
    }
    let mut seen = Vec::new();
    shown.retain(|s| {
        !seen.contains(s) && {
            seen.push(s.clone());
            true
        }
    });
    if !shown.is_empty() {
        let _ = write!(out, "\n| project {}", shown.join(", "));
    }
    let keys: Vec<String> = (detection.after.sort.iter())
        .map(|(name, ascending)| {
            let shown = detection.after.columns.iter().find(|c| c.name == *name);
            let name = match shown.map(|s| &s.holds) {
                Some(Holds::Time) => over.table.time.clone(),
                Some(Holds::Host) => over.table.host.clone().unwrap_or_default(),
                Some(Holds::Field(field)) => over.place(field).map_or_else(|| name.clone(), |p| p.text),
                _ => name.clone(),
            };
            format!("{name} {}", if *ascending { "asc" } else { "desc" })
        })
        .collect();
    if !keys.is_empty() {
        let _ = write!(out, "\n| sort by {}", keys.join(", "));
    }
    Ok(())
}
