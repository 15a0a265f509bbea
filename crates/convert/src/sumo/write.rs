//! A detection as a Sumo Logic search.

use super::text::{name, quoted, slashed};
use crate::about;
use crate::layout::{Doc, Words};
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Case, Condition, Detection, Field, FieldPart, Holds, Is, Order, Test};
use crate::missing::{self, Target};
use crate::names;
use crate::parts;
use crate::pattern::{self, Shape};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_sigma::tree::Part;
use std::fmt::Write;

const WORDS: Words = Words { not: "!" };

/// Fields that messages of Defender have under Sigma's names; the others are there under Defender's own.
const COMMON: [&str; 11] = [
    "Image",
    "ParentImage",
    "CommandLine",
    "ParentCommandLine",
    "User",
    "ProcessId",
    "EventID",
    "Computer",
    "ActionType",
    "Channel",
    "Provider",
];

/// The search, and what it loses. `scope`: where to search, instead of the usual categories.
///
/// # Errors
/// What Sumo has no form for.
pub fn write(detection: &Detection, scope: Option<&str>) -> Result<(String, Losses), Diagnostics> {
    let logs = names::logs(&detection.logs);
    let usual = logs.as_ref().map(|l| l.sumo.clone()).unwrap_or_default();
    let mut out = about::comment(&detection.about, "// ");
    let mut writer = Writer {
        losses: Losses::default(),
        spellings: spellings(detection),
        endpoint: scope.is_none() && usual.iter().any(|s| s.contains("*endpoint*")),
        form: Form::Search,
    };
    let scope = match (scope, usual.as_slice()) {
        (Some(scope), _) => scope.to_owned(),
        (None, []) => {
            let message =
                format!("there is no usual `_sourceCategory` for the log source {}", about::logs(&detection.logs));
            return Err(refuse(codes::NO_TABLE, Span::at(0), message)
                .help("say where to search with `--scope`, as in `--scope '_sourceCategory=*okta*'`")
                .into());
        }
        (None, [one]) => one.clone(),
        (None, many) => many.iter().map(|s| format!("({s})")).collect::<Vec<_>>().join("\nOR "),
    };
    out.push_str(&scope);
    if let Some((field, values)) = logs.as_ref().and_then(|l| l.field.as_ref()) {
        let values: Vec<String> = values.iter().map(|v| quoted(v)).collect();
        let _ = write!(out, "\n| where {} in ({})", name(field), values.join(", "));
    }
    let condition = missing::paired(&detection.condition).map(&mut |t| parts::whole(t));
    let parts = match &condition {
        Condition::All(parts) => parts.clone(),
        Condition::Always(true) => Vec::new(),
        other => vec![other.clone()],
    };
    let mut wrong = Diagnostics::default();
    for part in &parts {
        match writer.doc(part, false) {
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
    writer.after(detection, &mut out)?;
    out.push('\n');
    if let Err(e) = parallax_sumo::parse(&out) {
        let message = format!("the converted search does not parse: {e}\n{out}");
        return Err(refuse(codes::DEFECT, Span::at(0), message).into());
    }
    Ok((out, writer.losses))
}

/// Texts of the telemetry that say nothing, are missing fields in messages, and were not where the source was written for.
fn spellings(detection: &Detection) -> Vec<String> {
    let all: &[&str] = match detection.logs.product.as_deref() {
        Some("linux" | "macos") => &["(null)"],
        Some("windows") | None => &["-", "(null)", "<unknown process>"],
        _ => &[],
    };
    let new = all.iter().filter(|s| !detection.spellings.iter().any(|known| known == *s));
    new.map(|s| (*s).to_owned()).collect()
}

/// What conditions are written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Messages of a search.
    Search,
    /// Records of Cloud SIEM.
    Record,
}

pub(super) struct Writer {
    pub(super) losses: Losses,
    pub(super) spellings: Vec<String>,
    pub(super) endpoint: bool,
    pub(super) form: Form,
}

/// Sumo's name of a field.
fn field_name(field: &Field) -> String {
    name(match field.name.as_str() {
        "Provider_Name" => "Provider",
        other => other,
    })
}

impl Writer {
    /// The name of a field.
    fn name(&self, field: &Field) -> String {
        match self.form {
            Form::Search => field_name(field),
            Form::Record => super::record::attribute(field),
        }
    }

    /// A text between quotes; nothing where it cannot stand there.
    fn quoted(&self, text: &str) -> Option<String> {
        match self.form {
            Form::Search => (!text.contains('`')).then(|| quoted(text)),
            // A backslash is a backslash.
            Form::Record => match (text.contains('"'), text.contains('\'')) {
                _ if text.contains(['\n', '\r', '\t']) || text.ends_with('\\') => None,
                (false, _) => Some(format!("\"{text}\"")),
                (true, false) => Some(format!("'{text}'")),
                (true, true) => None,
            },
        }
    }

    pub(super) fn doc(&mut self, condition: &Condition, negated: bool) -> Result<Doc, Diagnostic> {
        if let Some((field, test)) = missing::says_nothing(condition) {
            if !self.spellings.is_empty() {
                let message = format!("a `{}` that is `-` is missing in messages, and counts as empty", field.name);
                self.losses.add(codes::MISSING, Effect::Widens.negated(negated), test.at, message);
            }
            return Ok(Doc::Leaf(format!("isEmpty({})", self.name(&field))));
        }
        Ok(match condition {
            Condition::All(parts) => Doc::all(parts.iter().map(|c| self.doc(c, negated)).collect::<Result<_, _>>()?),
            Condition::Any(parts) => Doc::any(self.any(parts, negated)?),
            Condition::Not(inner) => Doc::Not(Box::new(self.doc(inner, !negated)?)),
            Condition::Test(test) => self.test(test, negated)?,
            Condition::Always(true) => Doc::Leaf("1 = 1".to_owned()),
            Condition::Always(false) => Doc::Leaf("1 = 0".to_owned()),
        })
    }

    /// Alternatives; patterns of one form over one field become one regular expression.
    fn any(&mut self, parts: &[Condition], negated: bool) -> Result<Vec<Doc>, Diagnostic> {
        let mut docs: Vec<Doc> = Vec::new();
        let mut groups: Vec<(Field, Ends, Case, usize, Vec<String>)> = Vec::new();
        for part in parts {
            let grouped = match part {
                Condition::Test(Test { field: Some(field), is: Is::Like(p), .. }) => match pattern::shape(p) {
                    Shape::Contains(t) => Some((field, Ends::Open, p.case, t)),
                    Shape::Starts(t) => Some((field, Ends::Left, p.case, t)),
                    Shape::Ends(t) => Some((field, Ends::Right, p.case, t)),
                    Shape::Exact(t) if !t.is_empty() => Some((field, Ends::Exact, p.case, t)),
                    _ => None,
                },
                Condition::Test(Test { field: Some(field), is: Is::Term(t), .. }) => {
                    Some((field, Ends::Term(pattern::edges(t)), t.case, t.text.clone()))
                }
                _ => None,
            };
            let doc = self.doc(part, negated)?;
            let Some((field, form, case, text)) = grouped else {
                docs.push(doc);
                continue;
            };
            match groups.iter_mut().find(|g| g.0 == *field && g.1 == form && g.2 == case) {
                Some(group) => group.4.push(text),
                None => {
                    groups.push((field.clone(), form, case, docs.len(), vec![text]));
                    docs.push(doc);
                }
            }
        }
        for (field, form, case, at, mut texts) in groups {
            texts.dedup();
            if texts.len() < 2 {
                continue;
            }
            let name = self.name(&field);
            let listed: Option<Vec<String>> = texts
                .iter()
                .map(|t| self.quoted(t).filter(|_| form == Ends::Exact && (case == Case::Counts || caseless(t))))
                .collect();
            if let Some(items) = listed {
                docs[at] = Doc::List { head: format!("{name} in"), items };
                continue;
            }
            let flags = if case == Case::Ignored { "(?i)" } else { "" };
            let escaped: Vec<String> = texts.iter().map(|t| pattern::escape(t)).collect();
            // A regular expression has a largest size.
            let parts = chunks(&escaped).map(|part| {
                let body = format!("({})", part.join("|"));
                let regex = match form {
                    Ends::Open => format!("{flags}{body}"),
                    Ends::Left => format!("{flags}^{body}"),
                    Ends::Right => format!("{flags}{body}$"),
                    Ends::Exact => format!("{flags}^{body}$"),
                    Ends::Term(edges) => pattern::terms(&body, edges, case),
                };
                Doc::Leaf(format!("{name} matches {}", slashed(&regex)))
            });
            docs[at] = Doc::any(parts.collect());
        }
        Ok(docs)
    }

    fn test(&mut self, test: &Test, negated: bool) -> Result<Doc, Diagnostic> {
        let Some(field) = &test.field else { return self.keyword(test) };
        if field.part != FieldPart::Whole {
            let message = format!("this test of a part of `{}` has no form in Sumo", field.name);
            return Err(refuse(codes::NO_FORM, test.at, message));
        }
        let column = self.name(field);
        // Defender's own fields are there under their own names.
        let own = ["InitiatingProcess", "ProcessVersionInfo"].iter().any(|p| field.name.starts_with(p));
        if self.endpoint && !own && !COMMON.iter().any(|c| c.eq_ignore_ascii_case(&field.name)) {
            self.losses.add(
                codes::FIELD,
                Effect::Narrows.negated(negated),
                test.at,
                format!("messages of Defender and of the Security log have no field `{}`", field.name),
            );
        }
        let holds = missing::answer(&test.is, None).unwrap_or(false);
        if let Some(effect) = missing::effect(&test.is, &Target::Null, &self.spellings, holds) {
            let message = format!("a `{}` that is `-` or `(null)` is missing in messages", field.name);
            self.losses.add(codes::MISSING, effect.negated(negated), test.at, message);
        }
        let text = match &test.is {
            Is::Like(p) => match pattern::shape(p) {
                Shape::Anything => format!("!isNull({column})"),
                // A missing field counts as empty in comparisons.
                Shape::Exact(t) if t.is_empty() => {
                    return Ok(Doc::All(vec![
                        Doc::Leaf(format!("!isNull({column})")),
                        Doc::Leaf(format!("{column} = \"\"")),
                    ]));
                }
                Shape::Exact(t) if p.case == Case::Counts || caseless(&t) => match self.quoted(&t) {
                    Some(text) => format!("{column} = {text}"),
                    None => format!("{column} matches {}", slashed(&pattern::regex_of(p))),
                },
                _ => format!("{column} matches {}", slashed(&pattern::regex_of(p))),
            },
            Is::Matches(regex) => {
                let text = pattern::with_flags(regex);
                runs(&text, test)?;
                format!("{column} matches {}", slashed(&text))
            }
            Is::Term(term) => format!("{column} matches {}", slashed(&pattern::term(term))),
            Is::In(network) => return network_test(&column, network, test),
            Is::Compares(order, number) => {
                let word = match order {
                    Order::Less => "<",
                    Order::LessOrEqual => "<=",
                    Order::Greater => ">",
                    Order::GreaterOrEqual => ">=",
                    Order::NotEqual => {
                        return Ok(Doc::All(vec![
                            Doc::Leaf(format!("isNumeric({column})")),
                            Doc::Leaf(format!("{column} != {number}")),
                        ]));
                    }
                };
                format!("{column} {word} {number}")
            }
            Is::Field(part, other, case) => return Ok(fields(&column, &self.name(other), *part, *case)),
            Is::Null | Is::Exists(false) => format!("isNull({column})"),
            Is::Exists(true) => format!("!isNull({column})"),
            Is::TimePart(..) => {
                return Err(refuse(codes::NO_FORM, test.at, "parts of a time have no form in Sumo that is the same"));
            }
        };
        Ok(Doc::Leaf(text))
    }

    /// A test of any value of the event.
    fn keyword(&mut self, test: &Test) -> Result<Doc, Diagnostic> {
        let regex = match &test.is {
            Is::Like(p) => {
                let mut open = p.clone();
                for (at, end) in [(0, true), (usize::MAX, false)] {
                    let is_open =
                        if end { open.parts.first() } else { open.parts.last() } == Some(&crate::middle::Piece::Any);
                    if !is_open {
                        open.parts.insert(at.min(open.parts.len()), crate::middle::Piece::Any);
                    }
                }
                pattern::regex_of(&open)
            }
            Is::Matches(regex) => {
                let text = pattern::with_flags(regex);
                runs(&text, test)?;
                text
            }
            Is::Term(term) => pattern::term(term),
            _ => return Err(refuse(codes::NO_FORM, test.at, "a keyword that is no text has no form in Sumo")),
        };
        if self.form == Form::Record {
            return Err(refuse(codes::NO_FORM, test.at, "a rule of Cloud SIEM does not look through the whole record"));
        }
        self.losses.add(
            codes::KEYWORD,
            Effect::Either,
            test.at,
            "the keyword is looked for in the message as it was recorded, where values may be escaped",
        );
        Ok(Doc::Leaf(format!("_raw matches {}", slashed(&regex))))
    }

    fn after(&mut self, detection: &Detection, out: &mut String) -> Result<(), Diagnostics> {
        let mut shown: Vec<String> = Vec::new();
        let at = |name: &str| match name {
            "" => "_messageTime".to_owned(),
            other => other.to_owned(),
        };
        for column in &detection.after.columns {
            let alias = name(&column.name);
            match &column.holds {
                Holds::Time => shown.push(at("")),
                Holds::Host => shown.push("_sourceHost".to_owned()),
                Holds::Field(field) if field.part == FieldPart::Whole => shown.push(field_name(field)),
                Holds::Field(field) if field.part == FieldPart::Base => {
                    let regex = r"^(?:.*[\\/])?(?<base>[^\\/]*)$".replace("base", &column.name);
                    let _ = write!(out, "\n| parse regex field={} {} nodrop", field_name(field), quoted(&regex));
                    shown.push(alias);
                }
                Holds::Field(_) => {
                    let message = format!("the column `{}` is left out", column.name);
                    self.losses.add(codes::COLUMNS, Effect::Shown, Span::at(0), message);
                }
                Holds::Truth(condition) => {
                    let text = self.shown(condition)?;
                    let _ = write!(out, "\n| if({text}, \"true\", \"false\") as {alias}");
                    shown.push(alias);
                }
                Holds::Score(lines) => {
                    let mut terms = Vec::new();
                    for (condition, points) in lines {
                        terms.push(format!("if({}, {points}, 0)", self.shown(condition)?));
                    }
                    let _ = write!(out, "\n| {} as {alias}", terms.join("\n    + "));
                    shown.push(alias);
                }
            }
        }
        if shown.is_empty() && !detection.about.fields.is_empty() {
            shown = vec![at(""), "_sourceHost".to_owned()];
            shown.extend(detection.about.fields.iter().map(|f| field_name(&Field::whole(f))));
        }
        let mut seen: Vec<String> = Vec::new();
        for column in shown {
            if !seen.iter().any(|s| s.eq_ignore_ascii_case(&column)) {
                seen.push(column);
            }
        }
        if !seen.is_empty() {
            let _ = write!(out, "\n| fields {}", seen.join(", "));
        }
        let keys: Vec<String> = (detection.after.sort.iter())
            .map(|(key, ascending)| {
                let holds = detection.after.columns.iter().find(|c| c.name == *key).map(|c| &c.holds);
                let key = match holds {
                    Some(Holds::Time) => "_messageTime".to_owned(),
                    Some(Holds::Host) => "_sourceHost".to_owned(),
                    Some(Holds::Field(field)) if field.part == FieldPart::Whole => field_name(field),
                    _ => name(key),
                };
                format!("{key} {}", if *ascending { "asc" } else { "desc" })
            })
            .collect();
        if !keys.is_empty() {
            let _ = write!(out, "\n| sort by {}", keys.join(", "));
        }
        Ok(())
    }

    fn shown(&mut self, condition: &Condition) -> Result<String, Diagnostic> {
        let condition = missing::paired(condition).map(&mut |t| parts::whole(t));
        Ok(self.doc(&condition, true)?.text(&WORDS, 20, 4))
    }
}

/// Where a text stands in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Open,
    Left,
    Right,
    Exact,
    Term((bool, bool)),
}

/// The texts in runs that are no longer than a regular expression may be.
fn chunks(texts: &[String]) -> impl Iterator<Item = &[String]> {
    const MOST: usize = 6_000;
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut length = 0;
        let count = rest.iter().take_while(|t| {
            length += t.len();
            length <= MOST
        });
        let (part, after) = rest.split_at(count.count().max(1).min(rest.len()));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// Whether case makes no difference to a text.
fn caseless(text: &str) -> bool {
    !text.chars().any(char::is_alphabetic)
}

fn network_test(column: &str, network: &crate::middle::Network, test: &Test) -> Result<Doc, Diagnostic> {
    if network.address.is_ipv4() {
        let call = format!("compareCIDRPrefix(\"{}\", {column}, toInt({}))", network.address, network.bits);
        return Ok(Doc::All(vec![Doc::Leaf(format!("isValidIPv4({column})")), Doc::Leaf(call)]));
    }
    let std::net::IpAddr::V6(address) = network.address else {
        return Err(refuse(codes::NO_FORM, test.at, "no network"));
    };
    if network.bits == 128 {
        return Ok(Doc::Leaf(format!("{column} = {}", quoted(&address.to_string()))));
    }
    // The first group is written with four digits, if it begins with none that is zero.
    let first = address.segments()[0];
    let bits = u32::from(network.bits);
    let zero = address.segments()[1..].iter().all(|s| *s == 0);
    if (4..=16).contains(&bits) && first >= 0x1000 && zero {
        let low = u32::from(first);
        let groups: Vec<String> = (0..4)
            .map(|place| {
                let shift = 12 - 4 * place;
                let fixed = bits.saturating_sub(4 * place).min(4);
                let digit = (low >> shift) & 15;
                let values: String = (0..16u32)
                    .filter(|v| fixed == 0 || v >> (4 - fixed) == digit >> (4 - fixed))
                    .filter_map(|v| char::from_digit(v, 16))
                    .collect();
                if values.chars().count() == 1 { values } else { format!("[{values}]") }
            })
            .collect();
        return Ok(Doc::Leaf(format!("{column} matches {}", slashed(&format!("(?i)^{}:", groups.concat())))));
    }
    let message = format!("Sumo has no test for the network {}/{}", network.address, network.bits);
    Err(refuse(codes::NO_FORM, test.at, message))
}

/// A comparison of two fields.
fn fields(one: &str, other: &str, part: Part, case: Case) -> Doc {
    let fold = |t: String| if case == Case::Ignored { format!("toLowerCase({t})") } else { t };
    let (a, b) = (fold(one.to_owned()), fold(other.to_owned()));
    let text = match part {
        Part::Whole => format!("{a} = {b}"),
        Part::Somewhere => format!("contains({a}, {b})"),
        Part::Start => format!("substring({a}, 0, length({other})) = {b}"),
        Part::End => format!("substring({a}, length({one}) - length({other}), length({one})) = {b}"),
    };
    let mut docs = vec![Doc::Leaf(format!("!isNull({one})")), Doc::Leaf(format!("!isNull({other})"))];
    if part == Part::End {
        docs.push(Doc::Leaf(format!("length({one}) >= length({other})")));
    }
    docs.push(Doc::Leaf(text));
    Doc::All(docs)
}

/// Refuses a regular expression that needs more than a linear-time engine has.
fn runs(regex: &str, test: &Test) -> Result<(), Diagnostic> {
    match regex::Regex::new(regex) {
        Ok(_) => Ok(()),
        Err(e) => {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(refuse(codes::REGEX, test.at, format!("`matches` cannot run this regular expression: {why}"))
                .help("it takes RE2's, without lookaround and back-references"))
        }
    }
}
