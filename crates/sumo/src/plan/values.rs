//! Typed expressions and the casts between them.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, cast, lit, when};

/// What a column or an expression holds. Known while planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    /// Utf8View, nullable.
    Text,
    /// Float64.
    Double,
    /// Int64.
    Long,
    /// Int64, milliseconds since the Unix epoch.
    Time,
    /// Boolean.
    Bool,
}

impl Ty {
    pub(super) fn arrow(self) -> DataType {
        match self {
            Ty::Text => DataType::Utf8View,
            Ty::Double => DataType::Float64,
            Ty::Long | Ty::Time => DataType::Int64,
            Ty::Bool => DataType::Boolean,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Ty::Text => "string",
            Ty::Double => "double",
            Ty::Long | Ty::Time => "long",
            Ty::Bool => "boolean",
        }
    }

    pub(super) fn whole(self) -> bool {
        matches!(self, Ty::Long | Ty::Time)
    }
}

/// An expression and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) expr: Expr,
    pub(super) ty: Ty,
}

impl Value {
    pub(super) fn new(expr: Expr, ty: Ty) -> Self {
        Value { expr, ty }
    }

    pub(super) fn text(text: &str) -> Self {
        Value::new(text_literal(text), Ty::Text)
    }

    pub(super) fn null() -> Self {
        Value::new(lit(ScalarValue::Utf8View(None)), Ty::Text)
    }

    /// The text of a literal.
    pub(super) fn literal_text(&self) -> Option<&str> {
        match &self.expr {
            Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => Some(text),
            _ => None,
        }
    }

    /// As text; numbers as they are shown.
    pub(super) fn to_text(&self) -> Expr {
        match self.ty {
            Ty::Text => self.expr.clone(),
            Ty::Double => call("sumo_text_of_real", vec![self.expr.clone()]),
            Ty::Long | Ty::Time => call("sumo_text_of_long", vec![self.expr.clone()]),
            Ty::Bool => call("sumo_text_of_bool", vec![self.expr.clone()]),
        }
    }

    /// As a number: whole where it is known to be, else a double. Text that is no number is null.
    pub(super) fn to_number(&self) -> Value {
        match self.ty {
            Ty::Text => Value::new(call("sumo_number", vec![self.expr.clone()]), Ty::Double),
            Ty::Bool => Value::new(cast(self.expr.clone(), DataType::Int64), Ty::Long),
            _ => self.clone(),
        }
    }

    /// As a double.
    pub(super) fn to_double(&self) -> Expr {
        let number = self.to_number();
        if number.ty.whole() { cast(number.expr, DataType::Float64) } else { number.expr }
    }

    /// As a whole number, the fraction cut off.
    pub(super) fn to_long(&self) -> Expr {
        match self.ty {
            Ty::Text => call("sumo_whole", vec![self.expr.clone()]),
            Ty::Double => call("sumo_whole_of_real", vec![self.expr.clone()]),
            Ty::Long | Ty::Time => self.expr.clone(),
            Ty::Bool => cast(self.expr.clone(), DataType::Int64),
        }
    }

    /// As a condition; null counts as false.
    pub(super) fn to_bool(&self) -> Expr {
        match self.ty {
            Ty::Bool => self.expr.clone(),
            Ty::Text => call("sumo_true", vec![self.expr.clone()]),
            Ty::Double => self.expr.clone().not_eq(lit(0.0)),
            Ty::Long | Ty::Time => self.expr.clone().not_eq(lit(0i64)),
        }
    }

    /// As that type.
    pub(super) fn to(&self, ty: Ty) -> Expr {
        match ty {
            Ty::Text => self.to_text(),
            Ty::Double => self.to_double(),
            Ty::Long | Ty::Time => self.to_long(),
            Ty::Bool => self.to_bool(),
        }
    }
}

/// The type that can hold both.
pub(super) fn common(a: Ty, b: Ty) -> Ty {
    match (a, b) {
        _ if a == b => a,
        (Ty::Long | Ty::Time, Ty::Long | Ty::Time) => Ty::Long,
        (Ty::Double, Ty::Long | Ty::Time) | (Ty::Long | Ty::Time, Ty::Double) => Ty::Double,
        _ => Ty::Text,
    }
}

/// A literal text.
pub(super) fn text_literal(text: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(text.to_owned())))
}

/// A call of one of our functions, which this crate's own code names.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    match parallax_functions::sumo::scalar(name) {
        Some(function) => Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments)),
        // A test calls every function that the planner can name; null keeps a slip from being a panic.
        None => lit(ScalarValue::Null),
    }
}

/// The first that is not null.
pub(super) fn coalesce(first: Expr, second: Expr) -> Expr {
    datafusion::functions::core::expr_fn::coalesce(vec![first, second])
}

/// `CASE WHEN condition THEN yes ELSE no END`.
pub(super) fn choose(condition: Expr, yes: Expr, no: Expr) -> Expr {
    when(condition, yes).otherwise(no.clone()).unwrap_or(no)
}
