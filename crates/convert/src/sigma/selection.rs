//! Conditions as named selections and the expression that joins them.

use super::yaml;
use crate::loss::{codes, refuse};
use crate::middle::{Case, Condition, Is, Order, Pattern, Piece, Test, TimePart};
use crate::pattern::{self, Shape};
use parallax_diagnostics::Diagnostic;
use parallax_sigma::tree::Part;
use std::fmt::Write;

/// Selections: their names, and their text behind `name:`.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) Vec<(String, String)>);

impl Names {
    fn add(&mut self, kind: &str, body: String) -> String {
        if let Some((name, _)) = self.0.iter().find(|(name, b)| *b == body && name.starts_with(kind)) {
            return name.clone();
        }
        let same = self.0.iter().filter(|(name, _)| name.starts_with(kind)).count();
        let name = if same == 0 { kind.to_owned() } else { format!("{kind}_{}", same + 1) };
        self.0.push((name.clone(), body));
        name
    }
}

/// The expression of a condition, its selections added to `names`.
pub(super) fn expression(condition: &Condition, names: &mut Names) -> Result<String, Diagnostic> {
    written(condition, names, "selection", false)
}

fn written(condition: &Condition, names: &mut Names, kind: &str, inner: bool) -> Result<String, Diagnostic> {
    if let Some(body) = body(condition)? {
        return Ok(names.add(kind, body));
    }
    match condition {
        Condition::All(parts) => {
            // What can stand in one map of fields does.
            let (mut together, mut texts) = (Vec::new(), Vec::new());
            let mut rest = Vec::new();
            for part in parts {
                match map(std::slice::from_ref(part))? {
                    Some(_) if map(&[together.clone(), vec![part.clone()]].concat())?.is_some() => {
                        together.push(part.clone());
                    }
                    _ => rest.push(part),
                }
            }
            if !together.is_empty() {
                let joined = if together.len() == 1 { together.remove(0) } else { Condition::All(together) };
                texts.push(written(&joined, names, kind, true)?);
            }
            for part in rest {
                texts.push(written(part, names, kind, true)?);
            }
            Ok(joined(&texts, " and ", inner))
        }
        Condition::Any(parts) => {
            let texts = parts.iter().map(|p| written(p, names, kind, true)).collect::<Result<Vec<_>, _>>()?;
            Ok(joined(&texts, " or ", inner))
        }
        Condition::Not(negated) => {
            let kind = if kind == "selection" { "filter" } else { "selection" };
            Ok(format!("not {}", written(negated, names, kind, true)?))
        }
        Condition::Test(test) => Err(refuse(codes::NO_FORM, test.at, "Sigma has no such test")),
        Condition::Always(_) => Err(refuse(
            codes::NO_FORM,
            parallax_diagnostics::Span::at(0),
            "a part of the condition is always or never true",
        )),
    }
}

fn joined(texts: &[String], word: &str, inner: bool) -> String {
    match texts {
        [one] => one.clone(),
        many if inner => format!("({})", many.join(word)),
        many => many.join(word),
    }
}

/// The text of one selection, where the condition is one: a map of fields, a list of such maps, or a list of keywords.
fn body(condition: &Condition) -> Result<Option<String>, Diagnostic> {
    let parts: Vec<Condition> = match condition {
        Condition::All(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    if let Some(lines) = map(&parts)? {
        return Ok(Some(render(&lines, "        ")));
    }
    if let Some(words) = keywords(condition) {
        return Ok(Some(words.iter().fold(String::new(), |mut out, w| {
            let _ = write!(out, "\n        - {w}");
            out
        })));
    }
    let Condition::Any(alternatives) = condition else { return Ok(None) };
    let mut maps: Vec<Vec<Line>> = Vec::new();
    for alternative in alternatives {
        let parts = match alternative {
            Condition::All(parts) => parts.clone(),
            other => vec![other.clone()],
        };
        let Some(lines) = map(&parts)? else { return Ok(None) };
        // Values of one key stand in one list.
        let last = maps.iter_mut().find(|m| m.len() == 1 && lines.len() == 1 && m[0].key == lines[0].key && !m[0].all);
        match (last, lines.as_slice()) {
            (Some(known), [one]) if !one.all => known[0].values.extend(one.values.iter().cloned()),
            _ => maps.push(lines),
        }
    }
    let mut out = String::new();
    for lines in maps {
        let text = render(&lines, "          ");
        // The first line of a map in a list stands behind its dash.
        out.push_str(&text.replacen("\n          ", "\n        - ", 1));
    }
    Ok(Some(out))
}

/// `key: value`, or `key:` with a list.
#[derive(Clone, Debug)]
struct Line {
    key: String,
    values: Vec<String>,
    /// Whether all values must hold, not one of them.
    all: bool,
}

fn render(lines: &[Line], indent: &str) -> String {
    let mut out = String::new();
    for line in lines {
        let key = written_key(&format!("{}{}", line.key, if line.all { "|all" } else { "" }));
        match line.values.as_slice() {
            [one] => {
                let _ = write!(out, "\n{indent}{key}: {one}");
            }
            many => {
                let _ = write!(out, "\n{indent}{key}:");
                for value in many {
                    let _ = write!(out, "\n{indent}    - {value}");
                }
            }
        }
    }
    out
}

/// A key as it is where that reads as a key, else quoted.
fn written_key(key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_|.-".contains(c))
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if plain { key.to_owned() } else { yaml::quoted(key) }
}

/// Conditions that hold together as the lines of one map, where each is a test, or alternatives of one key.
fn map(parts: &[Condition]) -> Result<Option<Vec<Line>>, Diagnostic> {
    let mut lines: Vec<Line> = Vec::new();
    for part in parts {
        let Some(line) = line(part)? else { return Ok(None) };
        match lines.iter_mut().find(|l| l.key == line.key) {
            None => lines.push(line),
            // Several single values of one key are `|all`.
            Some(known) if line.values.len() == 1 && (known.all || known.values.len() == 1) && listable(&known.key) => {
                known.all = true;
                known.values.extend(line.values);
            }
            Some(_) => return Ok(None),
        }
    }
    Ok((!lines.is_empty()).then_some(lines))
}

/// Whether a key may have `|all`.
fn listable(key: &str) -> bool {
    !["|exists", "|lt", "|lte", "|gt", "|gte"].iter().any(|m| key.ends_with(m))
}

fn line(condition: &Condition) -> Result<Option<Line>, Diagnostic> {
    match condition {
        Condition::Test(test) => {
            let Some((key, value)) = value(test)? else { return Ok(None) };
            Ok(Some(Line { key, values: vec![value], all: false }))
        }
        Condition::Any(parts) => {
            let mut all: Option<Line> = None;
            for part in parts {
                let Condition::Test(test) = part else { return Ok(None) };
                let Some((key, value)) = value(test)? else { return Ok(None) };
                match &mut all {
                    None => all = Some(Line { key, values: vec![value], all: false }),
                    Some(line) if line.key == key && !key.ends_with("|exists") => {
                        if !line.values.contains(&value) {
                            line.values.push(value);
                        }
                    }
                    Some(_) => return Ok(None),
                }
            }
            Ok(all)
        }
        _ => Ok(None),
    }
}

/// Keywords, any of which an event holds.
fn keywords(condition: &Condition) -> Option<Vec<String>> {
    let parts = match condition {
        Condition::Any(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let word = |condition: &Condition| match condition {
        Condition::Test(Test { field: None, is: Is::Like(p), .. }) if p.case == Case::Ignored => {
            // A keyword may stand anywhere in a text; wildcards at its ends are not written.
            let [Piece::Any, inner @ .., Piece::Any] = p.parts.as_slice() else { return None };
            (!inner.is_empty()).then(|| yaml::quoted(&plain(inner)))
        }
        _ => None,
    };
    parts.iter().map(word).collect()
}

/// The key and the value of a test of a field.
fn value(test: &Test) -> Result<Option<(String, String)>, Diagnostic> {
    let field = match &test.field {
        Some(field) => field.name.as_str(),
        // A keyword with a modifier has an empty field.
        None if matches!(test.is, Is::Term(_) | Is::Matches(_)) => "",
        None => return Ok(None),
    };
    let key = |modifiers: &str| format!("{field}{modifiers}");
    Ok(Some(match &test.is {
        Is::Like(p) => {
            let cased = if p.case == Case::Counts { "|cased" } else { "" };
            let text = |t: &str| {
                let t = plain(&[Piece::Text(t.to_owned())]);
                if t.parse::<u64>().is_ok_and(|n| n.to_string() == t) { t } else { yaml::quoted(&t) }
            };
            match pattern::shape(p) {
                Shape::Contains(t) => (key(&format!("|contains{cased}")), text(&t)),
                Shape::Starts(t) => (key(&format!("|startswith{cased}")), text(&t)),
                Shape::Ends(t) => (key(&format!("|endswith{cased}")), text(&t)),
                Shape::Exact(t) if cased.is_empty() || !t.chars().any(char::is_alphabetic) => (key(""), text(&t)),
                Shape::Exact(t) => (key(cased), text(&t)),
                Shape::Anything => (key(""), "'*'".to_owned()),
                Shape::Other => (key(cased), yaml::quoted(&wild(p))),
            }
        }
        Is::Matches(regex) => {
            let mut modifiers = String::from("|re");
            for (on, flag) in [(regex.ignore_case, "|i"), (regex.multi_line, "|m"), (regex.dot_all, "|s")] {
                if on {
                    modifiers.push_str(flag);
                }
            }
            runs(&regex.text, test)?;
            (key(&modifiers), yaml::quoted(&regex.text))
        }
        Is::Term(term) => (key("|re"), yaml::quoted(&pattern::term(term))),
        Is::In(network) => (key("|cidr"), yaml::quoted(&format!("{}/{}", network.address, network.bits))),
        Is::Compares(order, number) => {
            let modifier = match order {
                Order::Less => "|lt",
                Order::LessOrEqual => "|lte",
                Order::Greater => "|gt",
                Order::GreaterOrEqual => "|gte",
                Order::NotEqual => return Err(refuse(codes::NO_FORM, test.at, "Sigma has no `!=` of numbers")),
            };
            (key(modifier), number.to_string())
        }
        Is::Field(part, other, case) => {
            let modifier = match part {
                Part::Whole => "|fieldref",
                Part::Somewhere => "|fieldref|contains",
                Part::Start => "|fieldref|startswith",
                Part::End => "|fieldref|endswith",
            };
            let cased = if *case == Case::Counts { "|cased" } else { "" };
            (key(&format!("{modifier}{cased}")), yaml::plain_or_quoted(&other.name))
        }
        Is::Exists(yes) => (key("|exists"), yes.to_string()),
        Is::Null => (key(""), "null".to_owned()),
        Is::TimePart(part, number) => {
            let modifier = match part {
                TimePart::Minute => "|minute",
                TimePart::Hour => "|hour",
                TimePart::Day => "|day",
                TimePart::Week => "|week",
                TimePart::Month => "|month",
                TimePart::Year => "|year",
            };
            (key(modifier), number.to_string())
        }
    }))
}

fn runs(regex: &str, test: &Test) -> Result<(), Diagnostic> {
    match regex::Regex::new(regex) {
        Ok(_) => Ok(()),
        Err(_) => Err(refuse(codes::REGEX, test.at, "this regular expression is not one that Sigma's engines run")),
    }
}

/// A pattern with its wildcards.
fn wild(p: &Pattern) -> String {
    plain(&p.parts)
}

/// Texts and wildcards as Sigma writes them: a backslash stands for itself unless what follows could be escaped by it.
fn plain(parts: &[Piece]) -> String {
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        match part {
            Piece::One => out.push('?'),
            Piece::Any => out.push('*'),
            Piece::Text(text) => {
                let chars: Vec<char> = text.chars().collect();
                for (at, c) in chars.iter().enumerate() {
                    let next = chars.get(at + 1).copied();
                    // The wildcard of the next part counts too.
                    let next = next.or_else(|| match parts.get(i + 1) {
                        Some(Piece::Any | Piece::One) => Some('*'),
                        _ => None,
                    });
                    match c {
                        '*' | '?' => out.extend(['\\', *c]),
                        '\\' if matches!(next, Some('*' | '?' | '\\')) => out.push_str("\\\\"),
                        c => out.push(*c),
                    }
                }
            }
        }
    }
    out
}
