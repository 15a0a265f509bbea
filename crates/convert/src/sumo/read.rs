//! A Sumo Logic search as a detection: what is searched, conditions on its messages, and what is shown of them.

use super::rows::{Rows, Value};
use super::source;
use crate::about;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{After, Condition, Detection, Field, Holds, Is, LogSource, Shown};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_sumo::syntax::{Expr, ExprKind, Name, Operator, OperatorKind, Parse, ParseStyle};

/// Values that say nothing, and are missing fields in messages.
const NOTHING: [&str; 4] = ["", "-", "(null)", "<unknown process>"];

pub(super) type Reading<T> = Result<T, Diagnostic>;

/// Reads a search, and says what of it is no condition on single messages. `logs`: what telemetry it is about, instead
/// of what its scope says.
///
/// # Errors
/// The text is no search, or something in it looks at more than one message.
pub fn read(text: &str, logs: Option<&LogSource>) -> Result<(Detection, Losses), Diagnostics> {
    let tree = parallax_sumo::parse(text)?;
    let mut rows = Rows::default();
    let mut conditions = Vec::new();
    if let Some(scope) = &tree.query.scope {
        conditions.push(rows.scope(scope)?);
    }
    let mut reader = Reader { after: After::default(), grouped: false };
    for operator in &tree.query.operators {
        reader.operator(operator, &mut rows, &mut conditions)?;
    }
    let mut losses = std::mem::take(&mut rows.losses);
    let condition = Condition::all(conditions);
    let (logs, condition) = source::split(&condition, logs, &mut losses)?;
    if matches!(condition, Condition::Always(_)) {
        let message = "no condition is left: the result would be about every event";
        return Err(refuse(codes::NOTHING, Span::at(0), message).into());
    }
    let lines = text.lines().map(str::trim).take_while(|l| l.starts_with("//"));
    let detection = Detection {
        about: about::of_comments(lines.map(|l| l.trim_start_matches('/').trim())),
        logs,
        spellings: NOTHING.iter().map(|s| (*s).to_owned()).collect(),
        condition,
        after: reader.after,
    };
    Ok((detection, losses))
}

struct Reader {
    after: After,
    /// Whether rows stand for several messages from here on.
    grouped: bool,
}

impl Reader {
    fn operator(&mut self, operator: &Operator, rows: &mut Rows, conditions: &mut Vec<Condition>) -> Reading<()> {
        use OperatorKind as O;
        let at = operator.at.0;
        let left_out = |rows: &mut Rows, code, effect, what: &str| {
            rows.losses.add(code, effect, at, what);
        };
        match &operator.kind {
            O::Where(condition) => {
                if self.grouped {
                    return Err(refuse(codes::OPERATOR, at, "this condition is on groups of messages")
                        .help("Sigma says such things by a correlation, which has to be written by hand"));
                }
                for part in flat(condition) {
                    conditions.push(rows.condition(part)?);
                }
            }
            O::Assign { value, alias: Some(name) } => {
                let value = rows.value(value);
                rows.set(&name.text, value);
            }
            O::Assign { value, alias: None } => self.bare(value, rows),
            O::Eval(items) => {
                for (name, value) in items {
                    let value = rows.value(value);
                    rows.set(&name.text, value);
                }
            }
            O::Parse(parse) => conditions.extend(parsed(parse, rows, at)?),
            O::Json(json)
                if json.auto.is_none()
                    && (json.names.is_empty() || json.paths.len() == json.names.len())
                    && json.paths.iter().all(|p| !p.text.contains(['[', '*'])) =>
            {
                for (n, path) in json.paths.iter().enumerate() {
                    // Without names the keys are.
                    let name = match json.names.get(n) {
                        Some(name) => name.text.as_str(),
                        None => path.text.rsplit('.').next().unwrap_or_default(),
                    };
                    let field = Field::whole(path.text.trim_start_matches('$').trim_start_matches('.'));
                    if !json.nodrop {
                        conditions.push(Condition::test(field.clone(), Is::Exists(true), at));
                    }
                    rows.set(name, Value::field(field));
                }
            }
            O::Json(json) if json.nodrop && json.auto.is_none() => {
                json.names.iter().for_each(|n| rows.set(&n.text, Value::Unknown(at)));
            }
            O::Json(json) if json.auto.is_some() => {}
            O::Json(_) | O::KeyValue(_) | O::Split(_) | O::Xml(_) => {
                let message = "what this takes out of the text has no name in Sigma";
                return Err(refuse(codes::EXPRESSION, at, message));
            }
            O::Fields { remove: false, names, .. } if !self.grouped => self.shown(names, rows),
            O::Fields { .. } => left_out(rows, codes::COLUMNS, Effect::Shown, "`fields` is left out"),
            O::Sort(keys) if !self.grouped => {
                for key in keys {
                    if let ExprKind::Field(name) = &key.value.kind {
                        self.after.sort.push((name.clone(), key.ascending));
                    }
                }
            }
            O::Sort(_) => {}
            O::Limit(_) | O::Top { .. } | O::TopK { .. } | O::Dedup { .. } => {
                left_out(rows, codes::LIMIT, Effect::Widens, "this limit is left out: all events are found");
            }
            O::Timeslice(_) => {}
            O::Aggregate(_) | O::Transpose { .. } | O::FillMissing(_) | O::Running(_) => {
                self.grouped = true;
                left_out(rows, codes::COUNT, Effect::Shown, "this is left out: single events are shown, not groups");
            }
            O::Save { .. } => left_out(rows, codes::COLUMNS, Effect::Shown, "`save` is left out"),
            O::WithTime(_) | O::GeoIp(..) => {
                left_out(rows, codes::COLUMNS, Effect::Shown, "these columns are left out");
            }
            O::Lookup(lookup) => {
                for (column, alias) in &lookup.columns {
                    rows.set(&alias.as_ref().unwrap_or(column).text, Value::Unknown(at));
                }
            }
            _ => return Err(refuse(codes::OPERATOR, at, "this looks beyond the single message")),
        }
        Ok(())
    }

    /// An expression without a name goes nowhere, but for a cast, which changes nothing that a condition sees.
    fn bare(&mut self, value: &Expr, rows: &mut Rows) {
        if !matches!(value.kind, ExprKind::Call(..)) {
            rows.losses.add(codes::COLUMNS, Effect::Shown, value.at.0, "this value goes nowhere, and is left out");
        }
    }

    fn shown(&mut self, names: &[Name], rows: &mut Rows) {
        self.after.columns.clear();
        for name in names {
            let holds = match rows.named(&name.text) {
                Value::Time => Holds::Time,
                Value::Host => Holds::Host,
                Value::Field { field, .. } => Holds::Field(field),
                Value::Truth(condition) => Holds::Truth(condition),
                Value::Score(lines) => Holds::Score(lines),
                _ => {
                    let message = format!("the column `{}` is left out: it is no field of the event", name.text);
                    rows.losses.add(codes::COLUMNS, Effect::Shown, name.at.0, message);
                    continue;
                }
            };
            self.after.columns.push(Shown { name: name.text.clone(), holds });
        }
    }
}

/// The parts of a conjunction.
fn flat(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().flat_map(flat).collect(),
        _ => vec![expr],
    }
}

/// `parse field=x "*" as y` gives a field another name. Messages without the field are dropped, unless `nodrop` says
/// otherwise; then what `y` was before stays.
fn parsed(parse: &Parse, rows: &mut Rows, at: Span) -> Reading<Option<Condition>> {
    let whole = parse.style == ParseStyle::Anchor && parse.pattern.text == "*" && parse.more.is_empty() && !parse.multi;
    match (&parse.source, parse.names.as_slice()) {
        (Some(source), [name]) if whole => {
            let value = rows.named(&source.text);
            let Value::Field { field, .. } = &value else {
                return Err(refuse(codes::EXPRESSION, at, format!("`{}` is no field of the event", source.text)));
            };
            let field = field.clone();
            match rows.made(&name.text) {
                // The same field by another name.
                Some(Value::Field { field: before, .. }) if *before == field => {}
                Some(_) if parse.nodrop => {
                    let message = format!("`{}` is one field in some messages and another in others", name.text);
                    return Err(refuse(codes::EXPRESSION, at, message));
                }
                _ => rows.set(&name.text, value),
            }
            Ok((!parse.nodrop).then(|| Condition::test(field, Is::Exists(true), at)))
        }
        _ if parse.nodrop => {
            for name in &parse.names {
                rows.set(&name.text, Value::Unknown(at));
            }
            Ok(None)
        }
        _ => Err(refuse(codes::EXPRESSION, at, "what `parse` takes out of the text has no name in Sigma")
            .help("a test of the whole field by a regular expression can be converted")),
    }
}
