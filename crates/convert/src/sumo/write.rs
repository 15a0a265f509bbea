//! A detection as a Sumo Logic search.

use super::forms::{Ends, caseless, chunks, fields, network_test, runs};
use super::text::{name, quoted, slashed};
use crate::about;
use crate::layout::{Doc, Words};
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Case, Condition, Detection, Field, FieldPart, Holds, Is, Order, Pattern, Test};
use crate::missing;
use crate::names;
use crate::parts;
use crate::pattern::{self, Shape};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
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

/// Fields that Sigma puts together from others: unnamed data, names with spaces, one of several hashes.
const UNLIKE: [&str; 15] = [
    "Data",
    "ThreatName",
    "ProcessName",
    "NewValue",
    "OldValue",
    "Feature_Name",
    "Severity_Name",
    "Category_Name",
    "Action_Name",
    "Detection_User",
    "SourceName",
    "Imphash",
    "md5",
    "sha1",
    "sha256",
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
        source: detection.spellings.clone(),
        nothing: nothing(detection),
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
    let condition = missing::paired(&detection.condition.map(&mut |t| parts::whole(t)));
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

/// Texts of the telemetry that are missing in messages.
fn nothing(detection: &Detection) -> Vec<String> {
    let all: &[&str] = match detection.logs.product.as_deref() {
        Some("linux" | "macos") => &["", "(null)"],
        Some("windows") | None => &["", "-", "(null)", "<unknown process>"],
        _ => &[""],
    };
    all.iter().map(|s| (*s).to_owned()).collect()
}

/// What conditions are written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Messages of a search.
    Search,
    /// Records of Cloud SIEM.
    Record,
    /// Records of loaded libraries, where an attribute is not what it is elsewhere.
    LibraryRecord,
}

pub(super) struct Writer {
    pub(super) losses: Losses,
    /// Texts that are missing where the source was written for.
    pub(super) source: Vec<String>,
    /// Texts that are missing here.
    pub(super) nothing: Vec<String>,
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
            Form::LibraryRecord => super::record::own(&field.name),
        }
    }

    /// A text between quotes; nothing where it cannot stand there.
    fn quoted(&self, text: &str) -> Option<String> {
        match self.form {
            Form::Search => (!text.contains('`')).then(|| quoted(text)),
            // A backslash is a backslash.
            Form::Record | Form::LibraryRecord => match (text.contains('"'), text.contains('\'')) {
                _ if text.contains(['\n', '\r', '\t']) || text.ends_with('\\') => None,
                (false, _) => Some(format!("\"{text}\"")),
                (true, false) => Some(format!("'{text}'")),
                (true, true) => None,
            },
        }
    }

    pub(super) fn doc(&mut self, condition: &Condition, negated: bool) -> Result<Doc, Diagnostic> {
        if let Some((field, test)) = missing::says_nothing(condition) {
            let both = [&Is::Null, &Is::Like(Pattern { parts: Vec::new(), case: Case::Counts })];
            if let Some(effect) = missing::effect(&both, &self.source, &self.nothing, true) {
                let message = format!("whether a `{}` that is `-` is missing is not the same in messages", field.name);
                self.losses.add(codes::MISSING, effect.negated(negated), test.at, message);
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
        if self.form == Form::Record && !own && column.starts_with("fields[") {
            let message = format!("records of Defender and of Linux audit have no field `{}`", field.name);
            self.losses.add(codes::FIELD, Effect::Narrows.negated(negated), test.at, message);
        }
        if self.form == Form::Search && matches!(field.name.as_str(), "User" | "ParentUser") {
            let message = "messages of the Security log have system accounts under the machine's name";
            self.losses.add(codes::FIELD, Effect::Either, test.at, message);
        }
        if self.form == Form::Search && UNLIKE.contains(&field.name.as_str()) {
            let message = format!("messages of some channels have no field `{}`, but others in its place", field.name);
            self.losses.add(codes::FIELD, Effect::Narrows.negated(negated), test.at, message);
        }
        let holds = missing::answer(&test.is, None).unwrap_or(false);
        if let Some(effect) = missing::effect(&[&test.is], &self.source, &self.nothing, holds) {
            let message = format!("a `{}` that is empty, `-` or `(null)` is missing in messages", field.name);
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
            Is::In(network) => {
                if network.address.is_ipv6() {
                    let message = "an address that is written in another form is not found";
                    self.losses.add(codes::FIELD, Effect::Narrows.negated(negated), test.at, message);
                }
                return network_test(&column, network, test);
            }
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
        if self.form != Form::Search {
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
        let condition = missing::paired(&condition.map(&mut |t| parts::whole(t)));
        Ok(self.doc(&condition, true)?.text(&WORDS, 20, 4))
    }
}
