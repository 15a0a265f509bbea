//! Bound scalars: an expression of the plan and its KQL type; conversion between types; calls of functions by name.

use super::error::{self, Result, error, fail};
use super::types::Type;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Cast, Expr, Operator, binary_expr};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use parallax_diagnostics::Span;
use parallax_functions::kql;
use parallax_functions::udf;

/// A bound scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
}

impl Value {
    pub(crate) fn new(expr: Expr, ty: Type) -> Self {
        Value { expr, ty }
    }

    pub(crate) fn literal(value: ScalarValue, ty: Type) -> Self {
        Value { expr: Expr::Literal(value, None), ty }
    }

    pub(crate) fn bool(b: bool) -> Self {
        Value::literal(ScalarValue::Boolean(Some(b)), Type::Bool)
    }

    pub(crate) fn long(n: i64) -> Self {
        Value::literal(ScalarValue::Int64(Some(n)), Type::Long)
    }

    pub(crate) fn string(s: impl Into<String>) -> Self {
        Value::literal(ScalarValue::Utf8View(Some(s.into())), Type::String)
    }

    pub(crate) fn dynamic(json: impl Into<String>) -> Self {
        Value::literal(ScalarValue::Utf8View(Some(json.into())), Type::Dynamic)
    }

    pub(crate) fn null(ty: Type) -> Self {
        Value::literal(ty.null(), ty)
    }

    /// The constant, where it is one.
    pub(crate) fn constant(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(v, _) => Some(v),
            _ => None,
        }
    }

    /// The constant as text: a string, a guid, or a dynamic's JSON.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.constant() {
            Some(ScalarValue::Utf8View(Some(s))) => Some(s),
            _ => None,
        }
    }

    /// The constant as an integer: a whole number, or ticks.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self.constant() {
            Some(ScalarValue::Int64(Some(n))) => Some(*n),
            Some(ScalarValue::Int32(Some(n))) => Some(i64::from(*n)),
            _ => None,
        }
    }

    /// Whether it can never be null: a string, or a constant that is not null.
    pub(crate) fn never_null(&self) -> bool {
        self.ty == Type::String || self.constant().is_some_and(|v| !v.is_null())
    }

    /// Computes what is constant in it, so that `let x = 2 * 12h` is a literal.
    pub(crate) fn folded(self) -> Self {
        if matches!(self.expr, Expr::Literal(..) | Expr::Column(_)) || !is_closed(&self.expr) {
            return self;
        }
        let simplifier = ExprSimplifier::new(SimplifyContext::default());
        match simplifier.simplify(self.expr.clone()) {
            Ok(Expr::Literal(v, m)) if v.data_type() == self.ty.arrow() => {
                Value { expr: Expr::Literal(v, m), ty: self.ty }
            }
            _ => self,
        }
    }
}

/// Whether an expression reads no column and no subquery.
fn is_closed(expr: &Expr) -> bool {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let mut closed = true;
    let _ = expr.apply(|e| {
        if matches!(
            e,
            Expr::Column(_)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        ) {
            closed = false;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    closed
}

pub(crate) fn cast(expr: Expr, to: Type) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to.arrow()))
}

pub(crate) fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    binary_expr(left, op, right)
}

/// The value as another type, by the language's conversion where types differ. Text becomes empty where it was null.
pub(crate) fn convert(value: Value, to: Type, span: Span) -> Result<Value> {
    let from = value.ty;
    if from == to {
        return Ok(value);
    }
    if value.constant().is_some_and(ScalarValue::is_null) {
        return Ok(Value::null(to));
    }
    let name = match (from, to) {
        (a, b) if a.is_number() && b.is_number() && b.wider(a) == b && b != Type::Decimal => {
            return Ok(Value::new(cast(value.expr, to), to).folded());
        }
        (_, Type::Dynamic) => format!("kql_dynamic_{}", from.name()),
        (_, to) => format!("kql_to{}_{}", to.name(), from.name()),
    };
    match kql::scalar(&name) {
        Some(function) => {
            let call = Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value.expr]));
            Ok(Value::new(call, to).folded())
        }
        // Where no function is needed, Arrow's own cast says the same.
        None if plain_cast(from, to) => Ok(Value::new(cast(value.expr, to), to).folded()),
        None => fail(error::TYPE, span, format!("a value of type {} cannot become {}", from.name(), to.name())),
    }
}

fn plain_cast(from: Type, to: Type) -> bool {
    (from.is_number() && to.is_number()) || matches!((from, to), (Type::Guid, Type::String))
}

/// Calls the function of that KQL name over values of these types: the variant for the first argument's type if there
/// is one, else the plain one. The result is converted to `result`.
pub(crate) fn invoke(name: &str, arguments: Vec<Value>, result: Type, span: Span) -> Result<Value> {
    match try_invoke(name, &arguments, result, span)? {
        Some(value) => Ok(value),
        None => fail(error::NO_FUNCTION, span, format!("the function `{name}` is not supported here yet")),
    }
}

/// As [`invoke`]; none where there is no such function.
pub(crate) fn try_invoke(name: &str, arguments: &[Value], result: Type, span: Span) -> Result<Option<Value>> {
    for candidate in candidates(name, arguments) {
        let (Some(function), Some(declared)) = (kql::scalar(&candidate), kql::declared(&candidate)) else { continue };
        if !declared.accepts(arguments.len()) {
            continue;
        }
        let mut exprs = Vec::with_capacity(arguments.len());
        for (i, argument) in arguments.iter().enumerate() {
            let Some(parameter) = declared.param(i) else { continue };
            let to = match parameter.ty {
                udf::Type::Any => argument.ty,
                udf::Type::Of(ty) => Type::from_name(ty.name()).unwrap_or(argument.ty),
            };
            match convert(argument.clone(), same_meaning(argument.ty, to), span) {
                Ok(v) => exprs.push(v.expr),
                Err(_) => break,
            }
        }
        if exprs.len() < arguments.len() {
            continue;
        }
        let returns = Type::from_name(declared.returns.name()).unwrap_or(result);
        let call = Value::new(Expr::ScalarFunction(ScalarFunction::new_udf(function, exprs)), returns).folded();
        if returns.arrow() == result.arrow() {
            return Ok(Some(Value::new(call.expr, result)));
        }
        return convert(call, result, span).map(Some);
    }
    Ok(None)
}

/// A function over ticks may be declared over longs.
fn same_meaning(from: Type, to: Type) -> Type {
    if to == Type::Long && matches!(from, Type::DateTime | Type::TimeSpan) { from } else { to }
}

/// The names under which a variant may stand, nearest first.
fn candidates(name: &str, arguments: &[Value]) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(first) = arguments.first() {
        names.push(format!("kql_{name}_{}", first.ty.name()));
    }
    names.push(format!("kql_{name}"));
    match arguments.first().map(|a| a.ty) {
        Some(Type::Int) => names.extend(["long", "real"].map(|t| format!("kql_{name}_{t}"))),
        Some(Type::Long | Type::Decimal) => names.push(format!("kql_{name}_real")),
        Some(Type::Guid) => names.push(format!("kql_{name}_string")),
        Some(Type::Dynamic) => names.push(format!("kql_{name}_string")),
        None => {}
        Some(_) => names.push(format!("kql_{name}_dynamic")),
    }
    names
}

/// `tostring(value)`.
pub(crate) fn to_string(value: Value, span: Span) -> Result<Value> {
    convert(value, Type::String, span)
}

/// The first of the values that is not null.
pub(crate) fn coalesce(exprs: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(datafusion::functions::core::coalesce(), exprs))
}

/// A call of a function that must be there.
pub(crate) fn raw_call(name: &str, arguments: Vec<Expr>, span: Span) -> Result<Expr> {
    let function = kql::scalar(name)
        .ok_or_else(|| error(error::NO_FUNCTION, span, format!("`{name}` is missing from the function library")))?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments)))
}
