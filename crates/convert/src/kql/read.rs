//! A KQL query as a detection: one table, conditions on its rows, and what is shown of them.

use super::rows::{Rows, Value};
use crate::about;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{After, Condition, Detection, FieldPart, Holds, Meta, Shown, Test};
use crate::names;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_kql::Tree;
use parallax_kql::syntax::tree::{
    Argument, Expr, ExprKind, LetValue, Naming, Operator, OperatorKind, Order, Query, StatementKind,
};

/// Reads a query, and says what of it is no condition on single rows.
///
/// # Errors
/// The text is no KQL, or something in it looks at more than one row.
pub fn read(text: &str) -> Result<(Detection, Losses), Diagnostics> {
    let tree = parallax_kql::parse(text)?;
    let mut reader = Reader { text, losses: Losses::default(), after: After::default(), grouped: false };
    let detection = reader.tree(&tree)?;
    Ok((detection, reader.losses))
}

pub(super) type Reading<T> = Result<T, Diagnostic>;

struct Reader<'a> {
    text: &'a str,
    losses: Losses,
    after: After,
    /// Whether rows stand for several events from here on.
    grouped: bool,
}

impl Reader<'_> {
    fn tree(&mut self, tree: &Tree) -> Reading<Detection> {
        let mut lets: Vec<(&str, &Expr)> = Vec::new();
        let mut query = None;
        for statement in &tree.statements {
            match &statement.kind {
                StatementKind::Let(binding) => match &binding.value {
                    LetValue::Expr(value) => lets.push((&binding.name.text, value)),
                    LetValue::Function(_) | LetValue::EntityGroup(_) => {
                        let message = format!("`{}` is a function: its calls are not converted", binding.name.text);
                        return Err(refuse(codes::EXPRESSION, statement.span, message));
                    }
                },
                StatementKind::Query(expr) if query.is_none() => query = Some(expr),
                StatementKind::Query(_) => {
                    return Err(refuse(codes::OPERATOR, statement.span, "there is a second query in this text"));
                }
                StatementKind::Set { .. } => {}
                _ => return Err(refuse(codes::EXPRESSION, statement.span, "this statement is not converted")),
            }
        }
        let query = query.ok_or_else(|| refuse(codes::NOTHING, Span::at(0), "there is no query in this text"))?;
        let mut operators: Vec<&Operator> = Vec::new();
        let source = self.source(query, &lets, &mut operators, 0)?;
        let (name, at) = source;
        let (Some(table), Some(logs)) = (names::table(name), names::logs_of_table(name)) else {
            let message = format!("Sigma has no log source for the table `{name}`");
            return Err(refuse(codes::NO_TABLE, at, message).suggest(name, names::tables()));
        };
        let mut rows = Rows::new(name, table, lets);
        let mut conditions = Vec::new();
        for operator in operators {
            self.operator(operator, &mut rows, &mut conditions)?;
        }
        for loss in std::mem::take(&mut rows.losses).0 {
            self.losses.push(loss);
        }
        let mut detection = Detection {
            about: commented(self.text),
            logs,
            spellings: table.missing.iter().cloned().chain([String::new()]).collect(),
            condition: Condition::all(conditions),
            after: std::mem::take(&mut self.after),
        };
        actions(name, &mut detection, &mut self.losses)?;
        if matches!(detection.condition, Condition::Always(_)) {
            return Err(refuse(codes::NOTHING, at, "no condition is left: the result would be about every event"));
        }
        Ok(detection)
    }

    /// The table that a query begins with; its operators are put behind each other.
    fn source<'t>(
        &self,
        expr: &'t Expr,
        lets: &[(&str, &'t Expr)],
        operators: &mut Vec<&'t Operator>,
        depth: usize,
    ) -> Reading<(&'t str, Span)> {
        if depth > 16 {
            return Err(refuse(codes::EXPRESSION, expr.span, "this refers to itself"));
        }
        match &expr.kind {
            ExprKind::Name(name) => match lets.iter().find(|(n, _)| *n == name.text) {
                Some((_, value)) => self.source(value, lets, operators, depth + 1),
                None => Ok((&name.text, expr.span)),
            },
            ExprKind::Paren(inner) => self.source(inner, lets, operators, depth + 1),
            ExprKind::Query(query) => {
                let Query { source, operators: own, .. } = &**query;
                let Some(source) = source else {
                    let at = own.first().map_or(expr.span, |o| o.keyword);
                    let message =
                        format!("a query that begins with `{}` looks at more than one table", word(own.first()));
                    return Err(refuse(codes::OPERATOR, at, message).help("convert a query over each of the tables"));
                };
                let found = self.source(source, lets, operators, depth + 1)?;
                operators.extend(own);
                Ok(found)
            }
            ExprKind::Call(call) => {
                let message = format!("`{}(…)` stands for a query that is not in this text", call.name.text);
                Err(refuse(codes::OPERATOR, call.span, message))
            }
            _ => Err(refuse(codes::OPERATOR, expr.span, "the query does not begin with a table's name")),
        }
    }

    fn operator(&mut self, operator: &Operator, rows: &mut Rows<'_>, conditions: &mut Vec<Condition>) -> Reading<()> {
        use OperatorKind as O;
        match &operator.kind {
            O::Where { predicate, naming: Naming::None, .. } => {
                if self.grouped {
                    let message = "this condition is on groups of events";
                    return Err(refuse(codes::OPERATOR, predicate.span, message)
                        .help("Sigma says such things by a correlation, which has to be written by hand"));
                }
                for part in flat(predicate) {
                    if let Some(condition) = rows.filter(part)? {
                        conditions.push(condition);
                    }
                }
            }
            O::Extend(columns) => {
                for column in columns {
                    let known = rows.table.computed(column.value.span.of(self.text));
                    let value = match known {
                        Some((field, ty)) => Value::Field { field, ty, lower: false },
                        None => rows.value(&column.value),
                    };
                    match &column.naming {
                        Naming::One(name) => rows.set(&name.text, value),
                        Naming::None => {}
                        Naming::Many(names) => {
                            names.iter().for_each(|n| rows.set(&n.text, Value::Unknown(column.span)));
                        }
                    }
                }
            }
            O::Project(columns) => self.project(columns, rows),
            O::ProjectAway(_) | O::ProjectKeep(_) | O::ProjectReorder(_) | O::ProjectRename(_) => {
                if let O::ProjectRename(columns) = &operator.kind {
                    for column in columns {
                        if let Naming::One(name) = &column.naming {
                            let value = rows.value(&column.value);
                            rows.set(&name.text, value);
                        }
                    }
                }
                let message = format!("`{}` is left out: which columns are shown differs", word(Some(operator)));
                self.losses.add(codes::COLUMNS, Effect::Shown, operator.keyword, message);
            }
            O::Sort(sort) if !self.grouped => {
                for key in &sort.by {
                    if let ExprKind::Name(name) = &key.value.value.kind {
                        self.after.sort.push((name.text.clone(), key.order == Some(Order::Asc)));
                    }
                }
            }
            O::Top { .. } | O::Take { .. } | O::Sample { .. } => {
                let message = format!("`{}` is left out: all events are found", word(Some(operator)));
                self.losses.add(codes::LIMIT, Effect::Widens, operator.span, message);
            }
            O::Summarize(_) | O::Distinct { .. } | O::Count(_) | O::TopHitters { .. } | O::MakeSeries(_) => {
                self.grouped = true;
                let message = format!("`{}` is left out: single events are shown, not groups", word(Some(operator)));
                self.losses.add(codes::COUNT, Effect::Shown, operator.span, message);
            }
            O::As { .. } | O::Serialize { .. } | O::Consume(_) => {}
            O::Sort(_) | O::Render { .. } | O::GetSchema(_) => {
                let message = format!("`{}` is left out", word(Some(operator)));
                self.losses.add(codes::COLUMNS, Effect::Shown, operator.keyword, message);
            }
            _ => {
                let message = format!("`{}` looks beyond the single row", word(Some(operator)));
                return Err(refuse(codes::OPERATOR, operator.keyword, message));
            }
        }
        Ok(())
    }

    fn project(&mut self, columns: &[Argument], rows: &mut Rows<'_>) {
        if self.grouped {
            return;
        }
        let mut shown = Vec::new();
        for column in columns {
            let value = rows.value(&column.value);
            let name = match (&column.naming, &column.value.kind) {
                (Naming::One(name), _) => name.text.clone(),
                (_, ExprKind::Name(name)) => name.text.clone(),
                _ => String::new(),
            };
            if let Naming::One(name) = &column.naming {
                rows.set(&name.text, value.clone());
            }
            let holds = match value {
                Value::Time => Some(Holds::Time),
                Value::Field { field, .. } if rows.is_host(&field) => Some(Holds::Host),
                Value::Field { field, .. } => Some(Holds::Field(field)),
                Value::Truth(condition) => Some(Holds::Truth(condition)),
                Value::Score(lines) => Some(Holds::Score(lines)),
                _ => None,
            };
            match holds.filter(|_| !name.is_empty()) {
                Some(holds) => shown.push(Shown { name, holds }),
                None => {
                    let message = "this column is left out: it is no field of the event";
                    self.losses.add(codes::COLUMNS, Effect::Shown, column.span, message);
                }
            }
        }
        self.after.columns = shown;
    }
}

/// The parts of a conjunction.
fn flat(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().flat_map(flat).collect(),
        ExprKind::Paren(inner) => flat(inner),
        _ => vec![expr],
    }
}

/// An operator's word.
fn word(operator: Option<&Operator>) -> String {
    let Some(operator) = operator else { return String::new() };
    let name = format!("{:?}", operator.kind);
    let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// `ActionType` says of which kind an event is: a category of Sigma, where it stands alone.
fn actions(table: &str, detection: &mut Detection, losses: &mut Losses) -> Reading<()> {
    let mut category = None;
    let parts = match &detection.condition {
        Condition::All(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let mut left = Vec::new();
    for part in parts {
        match (&part, chosen(&part)) {
            (_, Some(values)) if table == "DeviceNetworkEvents" => left.push(initiated(&part, &values, losses)?),
            (_, Some(values)) => {
                let found = names::category(table, &values);
                let at = part.tests().first().map_or(Span::at(0), |(t, _)| t.at);
                category = Some(found.ok_or_else(|| {
                    let message = format!("Sigma has no category for `ActionType` {}", values.join(", "));
                    refuse(codes::NO_TABLE, at, message)
                })?);
            }
            _ => left.push(part),
        }
    }
    let rest = Condition::all(left);
    if let Some((test, _)) = rest.tests().iter().find(|(t, _)| is_action(t)) {
        return Err(refuse(codes::NO_FIELD, test.at, "Sigma has no field for `ActionType`"));
    }
    detection.condition = rest;
    match category {
        Some(category) => detection.logs.category = Some(category.to_owned()),
        None if table == "DeviceFileEvents" => {
            return Err(refuse(codes::NO_TABLE, Span::at(0), "Sigma has a category for each kind of file event")
                .help("say which one: `where ActionType == \"FileCreated\"`"));
        }
        None => {}
    }
    Ok(())
}

/// Kinds of connections: who began them.
fn initiated(part: &Condition, values: &[String], losses: &mut Losses) -> Reading<Condition> {
    let at = part.tests().first().map_or(Span::at(0), |(t, _)| t.at);
    let inbound = |v: &String| v.starts_with("Inbound");
    let known = |v: &String| v.starts_with("Connection") || inbound(v);
    let all_in = values.iter().all(inbound);
    if !values.iter().all(known) || (!all_in && values.iter().any(inbound)) {
        let message = format!("Sigma has no field for `ActionType` {}", values.join(", "));
        return Err(refuse(codes::NO_FIELD, at, message));
    }
    let message = "`ActionType` is read as who began the connection, not as what became of it";
    losses.add(codes::FIELD, Effect::Widens, at, message);
    let text = if all_in { "false" } else { "true" };
    let is = crate::pattern::pattern(crate::pattern::Shape::Exact(text.to_owned()), crate::middle::Case::Ignored);
    let is = is.map(crate::middle::Is::Like).ok_or_else(|| refuse(codes::NO_FORM, at, "this has no form"))?;
    Ok(Condition::test(crate::middle::Field::whole("Initiated"), is, at))
}

fn is_action(test: &Test) -> bool {
    test.field.as_ref().is_some_and(|f| f.name == "ActionType" && f.part == FieldPart::Whole)
}

/// The values of `ActionType` that a condition is for, and nothing else.
fn chosen(condition: &Condition) -> Option<Vec<String>> {
    match condition {
        Condition::Any(parts) => parts.iter().map(chosen).collect::<Option<Vec<_>>>().map(|v| v.concat()),
        Condition::Test(test) if is_action(test) => match &test.is {
            crate::middle::Is::Like(p) => match crate::pattern::shape(p) {
                crate::pattern::Shape::Exact(text) => Some(vec![text]),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// What the comments before a query say of it.
pub(crate) fn commented(text: &str) -> Meta {
    let lines = text.lines().map(str::trim).take_while(|l| l.starts_with("//"));
    about::of_comments(lines.map(|l| l.trim_start_matches('/').trim()))
}
