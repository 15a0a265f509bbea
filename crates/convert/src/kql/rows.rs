//! What the names of a query stand for at one point of its pipeline.

use super::read::Reading;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Condition, Field, FieldPart};
use crate::names::{Table, Type};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_kql::syntax::tree::{BinaryOp, Expr, ExprKind, Json, Literal, Selector};

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A field, or a part of one; `lower` after `tolower`.
    Field { field: Field, ty: Type, lower: bool },
    /// A condition.
    Truth(Condition),
    /// Points for conditions.
    Score(Vec<(Condition, f64)>),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Texts.
    List(Vec<String>),
    /// The time of the event.
    Time,
    /// A time that was computed, or given.
    Instant,
    /// Something else.
    Unknown(Span),
}

/// The rows of a pipeline.
pub(super) struct Rows<'t> {
    pub(super) name: &'t str,
    pub(super) table: &'static Table,
    lets: Vec<(&'t str, &'t Expr)>,
    made: Vec<(String, Value)>,
    pub(super) losses: Losses,
    /// Tests whose null is said to be false.
    pub(super) guarded: Vec<Span>,
    depth: usize,
}

impl<'t> Rows<'t> {
    pub(super) fn new(name: &'t str, table: &'static Table, lets: Vec<(&'t str, &'t Expr)>) -> Self {
        Rows { name, table, lets, made: Vec::new(), losses: Losses::default(), guarded: Vec::new(), depth: 0 }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.made.retain(|(n, _)| n != name);
        self.made.push((name.to_owned(), value));
    }

    pub(super) fn is_host(&self, field: &Field) -> bool {
        field.part == FieldPart::Whole && field.name == "Computer"
    }

    /// A condition of `where`; nothing where it only bounds the time.
    pub(super) fn filter(&mut self, expr: &Expr) -> Reading<Option<Condition>> {
        if self.bounds_time(expr) {
            self.losses.add(
                codes::WINDOW,
                Effect::Widens,
                expr.span,
                "the bound on the time of events is left out: when a rule runs is not said in it",
            );
            return Ok(None);
        }
        self.condition(expr).map(Some)
    }

    fn bounds_time(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Paren(inner) => self.bounds_time(inner),
            ExprKind::Binary { op, left, right, .. } => {
                use BinaryOp as B;
                let compares =
                    matches!(op, B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual | B::Equal | B::NotEqual);
                compares && [left, right].iter().any(|side| matches!(self.value(side), Value::Time))
            }
            ExprKind::Between { operand, .. } => matches!(self.value(operand), Value::Time),
            _ => false,
        }
    }

    /// What an expression is.
    pub(super) fn value(&mut self, expr: &Expr) -> Value {
        if self.depth > 64 {
            return Value::Unknown(expr.span);
        }
        self.depth += 1;
        let value = self.value_of(expr);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, expr: &Expr) -> Value {
        let unknown = Value::Unknown(expr.span);
        match &expr.kind {
            ExprKind::Paren(inner) => self.value(inner),
            ExprKind::Literal(literal) => of_literal(literal).unwrap_or(unknown),
            ExprKind::Name(name) => self.named(&name.text, expr.span).unwrap_or(unknown),
            ExprKind::Path { .. } | ExprKind::Index { .. } => {
                self.path(expr).map_or(unknown, |name| match self.dotted(&name) {
                    Some(field) => Value::Field { field, ty: Type::Text, lower: false },
                    None => Value::Unknown(expr.span),
                })
            }
            ExprKind::Call(call) => {
                let arguments: Vec<&Expr> = call.arguments.iter().map(|a| &a.value).collect();
                self.called(&call.name.text, &arguments, expr).unwrap_or(unknown)
            }
            ExprKind::Binary { op: BinaryOp::Add, left, right, .. } => match (self.value(left), self.value(right)) {
                (Value::Score(mut a), Value::Score(b)) => {
                    a.extend(b);
                    Value::Score(a)
                }
                (Value::Time | Value::Instant, _) => Value::Instant,
                _ => unknown,
            },
            ExprKind::Binary { op: BinaryOp::Subtract, left, .. }
                if matches!(self.value(left), Value::Time | Value::Instant) =>
            {
                Value::Instant
            }
            ExprKind::Unary { operand, .. } => match self.value(operand) {
                Value::Number(n) => Value::Number(-n),
                _ => unknown,
            },
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Binary { .. }
            | ExprKind::In { .. }
            | ExprKind::Between { .. } => {
                let before = self.losses.0.len();
                match self.condition(expr) {
                    Ok(condition) => Value::Truth(condition),
                    Err(_) => {
                        self.losses.0.truncate(before);
                        unknown
                    }
                }
            }
            _ => unknown,
        }
    }

    fn named(&mut self, name: &str, at: Span) -> Option<Value> {
        if let Some((_, value)) = self.made.iter().find(|(n, _)| n == name) {
            return Some(value.clone());
        }
        if name == self.table.time || matches!(name, "Timestamp" | "TimeGenerated") {
            return Some(Value::Time);
        }
        if let Some((field, ty)) = self.table.field(self.name, name) {
            return Some(Value::Field { field, ty, lower: false });
        }
        if let Some((field, ty, lost)) = self.table.nearly(name) {
            let message = format!("`{name}` is read as `{}`: {lost}", field.name);
            self.losses.add(codes::FIELD, Effect::Either, at, message);
            return Some(Value::Field { field, ty, lower: false });
        }
        if self.table.is_own(self.name, name) {
            if !name.contains("VersionInfo") {
                let message = format!("`{name}` is a field of Defender's rows alone");
                self.losses.add(codes::FIELD, Effect::Narrows, at, message);
            }
            return Some(Value::Field { field: Field::whole(name), ty: Type::Text, lower: false });
        }
        // ActionType is put in its place by who reads the query.
        if name == "ActionType" && self.name.starts_with("Device") {
            return Some(Value::Field { field: Field::whole(name), ty: Type::Text, lower: false });
        }
        let (_, expr) = self.lets.iter().find(|(n, _)| *n == name)?;
        let expr = *expr;
        Some(self.value(expr))
    }

    /// `a.b.c` and `a["b"]` as a dotted name.
    fn path(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Name(name) => Some(name.text.clone()),
            ExprKind::Path { base, selector: Selector::Name(name) } => {
                Some(format!("{}.{}", self.path(base)?, name.text))
            }
            ExprKind::Index { base, index } => match &index.kind {
                ExprKind::Literal(Literal::String { value, .. }) => Some(format!("{}.{value}", self.path(base)?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The field that a path into a dynamic column is.
    fn dotted(&self, path: &str) -> Option<Field> {
        let (head, rest) = path.split_once('.')?;
        if self.table.dynamic() == Some(head) {
            return Some(Field::whole(rest));
        }
        self.table.place(self.name, &Field::whole(path)).filter(|_| self.table.dynamic().is_none())?;
        Some(Field::whole(path))
    }

    fn called(&mut self, name: &str, arguments: &[&Expr], expr: &Expr) -> Option<Value> {
        match (name, arguments) {
            ("tolower" | "toupper", [one]) => match self.value(one) {
                Value::Field { field, ty, .. } if name == "tolower" => Some(Value::Field { field, ty, lower: true }),
                Value::Text(t) if name == "tolower" => Some(Value::Text(t.to_lowercase())),
                Value::Text(t) => Some(Value::Text(t.to_uppercase())),
                _ => None,
            },
            ("toreal" | "todouble" | "toint" | "tolong", [one]) if matches!(self.value(one), Value::Field { .. }) => {
                match self.value(one) {
                    Value::Field { field, lower, .. } => Some(Value::Field { field, ty: Type::Real, lower }),
                    _ => None,
                }
            }
            ("tostring" | "toint" | "tolong" | "todynamic" | "parse_json" | "trim", [one]) => match self.value(one) {
                Value::Truth(condition) if name.starts_with("to") && name != "tostring" => {
                    Some(Value::Score(vec![(condition, 1.0)]))
                }
                Value::Field { field, ty, lower } if name == "tostring" => Some(Value::Field { field, ty, lower }),
                value @ (Value::Text(_) | Value::Number(_) | Value::List(_)) => Some(value),
                _ => None,
            },
            ("ingestion_time", []) => Some(Value::Time),
            ("ago" | "now" | "datetime_add" | "startofday" | "endofday" | "todatetime" | "bin", _) => {
                Some(Value::Instant)
            }
            ("dynamic" | "pack_array", items) => {
                let items = items.iter().map(|i| match self.value(i) {
                    Value::Text(t) => Some(t),
                    _ => None,
                });
                items.collect::<Option<Vec<_>>>().map(Value::List)
            }
            ("iff" | "iif", [condition, yes, no]) => {
                let condition = self.condition(condition).ok()?;
                match (self.value(yes), self.value(no)) {
                    (Value::Number(yes), Value::Number(no)) => {
                        let mut lines = vec![(condition.clone(), yes)];
                        if no != 0.0 {
                            lines.push((Condition::not(condition), no));
                        }
                        lines.retain(|(_, points)| *points != 0.0);
                        Some(Value::Score(lines))
                    }
                    (Value::Truth(yes), Value::Truth(no)) => Some(Value::Truth(Condition::any([
                        Condition::all([condition.clone(), yes]),
                        Condition::all([Condition::not(condition), no]),
                    ]))),
                    _ => None,
                }
            }
            _ => self.condition(expr).ok().map(Value::Truth),
        }
    }

    /// The texts of a list's items.
    pub(super) fn texts(&mut self, items: &[Expr]) -> Reading<Vec<String>> {
        let mut texts = Vec::new();
        for item in items {
            match self.value(item) {
                Value::Text(t) => texts.push(t),
                Value::Number(n) => texts.push(n.to_string()),
                Value::List(list) => texts.extend(list),
                Value::Truth(Condition::Always(yes)) => texts.push(yes.to_string()),
                _ => return Err(no_constant(item)),
            }
        }
        Ok(texts)
    }
}

pub(super) fn no_constant(expr: &Expr) -> Diagnostic {
    refuse(codes::EXPRESSION, expr.span, "this is no constant of the query's text")
        .help("Sigma compares fields with values that stand in the rule")
}

fn of_literal(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::String { value, .. } => Value::Text(value.clone()),
        Literal::Bool(Some(yes)) => Value::Truth(Condition::Always(*yes)),
        Literal::Int(Some(n)) => Value::Number(f64::from(*n)),
        #[allow(clippy::cast_precision_loss)] // texts of numbers are compared, which are short
        Literal::Long(Some(n)) if n.unsigned_abs() < 1 << 53 => Value::Number(*n as f64),
        Literal::Real(Some(n)) => Value::Number(*n),
        Literal::DateTime(_) | Literal::TimeOfDay(_) => Value::Instant,
        Literal::Guid(Some(text)) => Value::Text(text.clone()),
        Literal::Dynamic(json) => match &**json {
            Json::Array(items) => {
                let texts = items.iter().map(|item| match item {
                    Json::Scalar(literal) => match of_literal(literal)? {
                        Value::Text(t) => Some(t),
                        Value::Number(n) => Some(n.to_string()),
                        _ => None,
                    },
                    _ => None,
                });
                Value::List(texts.collect::<Option<Vec<_>>>()?)
            }
            Json::Scalar(literal) => of_literal(literal)?,
            _ => return None,
        },
        _ => return None,
    })
}
