//! Typed expressions and the casts between them.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, lit};

/// What a name or an expression holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Nothing: `null`.
    Null,
    /// Boolean.
    Bool,
    /// Utf8View, nullable; an array or a map is JSON text.
    Text,
    /// Float64.
    Number,
    /// Int64, of columns only.
    Whole,
}

/// An expression and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) expr: Expr,
    pub(super) ty: Ty,
}

/// A call of one of the search language's functions: those are the same in both languages (documented as equivalent).
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let function = parallax_functions::sumo::scalar(name).unwrap_or_else(|| panic!("no function {name}"));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))
}

pub(super) fn text_literal(text: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(text.to_owned())), None)
}

impl Value {
    pub(super) fn new(expr: Expr, ty: Ty) -> Self {
        Value { expr, ty }
    }

    pub(super) fn null() -> Self {
        Value::new(Expr::Literal(ScalarValue::Utf8View(None), None), Ty::Null)
    }

    pub(super) fn number(n: f64) -> Self {
        Value::new(lit(n), Ty::Number)
    }

    pub(super) fn literal(text: &str) -> Self {
        Value::new(text_literal(text), Ty::Text)
    }

    pub(super) fn is_false() -> Self {
        Value::new(lit(false), Ty::Bool)
    }

    /// The text of a literal.
    pub(super) fn constant(&self) -> Option<&str> {
        match &self.expr {
            Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => Some(text),
            _ => None,
        }
    }

    /// True or false, never null.
    pub(super) fn condition(self) -> Expr {
        match self.ty {
            Ty::Null => lit(false),
            Ty::Bool if never_null(&self.expr) => self.expr,
            Ty::Bool => self.expr.is_true(),
            Ty::Text => call("sumo_true", vec![self.expr]),
            Ty::Number | Ty::Whole => self.expr.not_eq(lit(0.0)).is_true(),
        }
    }

    pub(super) fn text(self) -> Expr {
        match (self.ty, &self.expr) {
            (Ty::Number, Expr::Literal(ScalarValue::Float64(Some(n)), _)) if *n == n.trunc() && n.abs() < 1e15 => {
                text_literal(&format!("{n:.0}"))
            }
            (Ty::Number, _) => call("sumo_text_of_real", vec![self.expr]),
            (Ty::Whole, _) => call("sumo_text_of_long", vec![self.expr]),
            (Ty::Bool, _) => call("sumo_text_of_bool", vec![self.expr]),
            (Ty::Text | Ty::Null, _) => self.expr,
        }
    }

    /// A number; null where it is none.
    pub(super) fn number_of(self) -> Expr {
        match (self.ty, self.constant()) {
            (Ty::Null, _) => Expr::Literal(ScalarValue::Float64(None), None),
            (Ty::Text, Some(text)) => match text.trim().parse::<f64>() {
                Ok(n) if n.is_finite() => lit(n),
                _ => Expr::Literal(ScalarValue::Float64(None), None),
            },
            (Ty::Text, None) => call("sumo_number", vec![self.expr]),
            (Ty::Bool, _) => datafusion::logical_expr::cast(self.expr, DataType::Float64),
            (Ty::Number | Ty::Whole, _) => self.expr,
        }
    }
}

/// Whether a condition that the planner made has two values already.
fn never_null(expr: &Expr) -> bool {
    match expr {
        Expr::IsTrue(_) | Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::IsNotTrue(_) => true,
        Expr::Literal(value, _) => !value.is_null(),
        Expr::Not(inner) => never_null(inner),
        Expr::BinaryExpr(b) => {
            matches!(b.op, datafusion::logical_expr::Operator::And | datafusion::logical_expr::Operator::Or)
        }
        Expr::ScalarFunction(f) => TWO_VALUED.contains(&f.name()),
        _ => false,
    }
}

/// Functions that are never null, whatever they are given.
const TWO_VALUED: [&str; 5] = ["sumo_like", "sumo_matches", "sumo_rlike", "sumo_true", "sumo_jsonarraycontains"];
