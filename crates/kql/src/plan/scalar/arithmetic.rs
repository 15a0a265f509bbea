//! Arithmetic: numbers, instants and lengths of time.
//!
//! Integer division of integers is integer division, and by zero null. int widens to long (measured against the
//! official binder). Instants and lengths are ticks.

use crate::plan::error::{self, Result, error};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, cast, convert, raw_call};
use crate::syntax::tree::BinaryOp;
use datafusion::logical_expr::{Expr as Plan, Operator};
use parallax_diagnostics::Span;

pub(super) fn negate(value: Value, span: Span) -> Result<Value> {
    let value = if value.ty == Type::Dynamic { convert(value, Type::Real, span)? } else { value };
    if value.ty.is_number() || value.ty == Type::TimeSpan {
        return Ok(Value::new(Plan::Negative(Box::new(value.expr)), value.ty).folded());
    }
    Err(error(error::TYPE, span, format!("a {} has no sign", value.ty.name())))
}

pub(super) fn compute(op: BinaryOp, left: Value, right: Value, span: Span) -> Result<Value> {
    use BinaryOp::{Add, Divide, Modulo, Multiply, Subtract};
    use Type::{DateTime, Dynamic, TimeSpan};
    let (l, r) = (left.ty, right.ty);
    match (l, r) {
        (Dynamic, Dynamic) => {
            let (l, r) = (convert(left, Type::Real, span)?, convert(right, Type::Real, span)?);
            return convert(compute(op, l, r, span)?, Dynamic, span);
        }
        (Dynamic, other) if op == Subtract && other == DateTime => {
            return compute(op, convert(left, DateTime, span)?, right, span);
        }
        (Dynamic, other) => return compute(op, convert(left, other, span)?, right, span),
        (other, Dynamic) => return compute(op, left, convert(right, other, span)?, span),
        _ => {}
    }
    let undefined = || {
        let e =
            error(error::TYPE, span, format!("`{}` is not defined between {} and {}", op.text(), l.name(), r.name()));
        if l == Type::String || r == Type::String {
            return Box::new((*e).help("join text with `strcat(…)`, or convert with `tolong(…)`, `todouble(…)`"));
        }
        e
    };
    let value = match (op, l, r) {
        (_, l, r) if l.is_number() && r.is_number() => return numbers(op, left, right, span),
        (Add | Subtract, DateTime, TimeSpan) => ticks(op, left, right, DateTime),
        (Add, TimeSpan, DateTime) => ticks(op, left, right, DateTime),
        (Subtract, DateTime, DateTime) => ticks(op, left, right, TimeSpan),
        (Add | Subtract, TimeSpan, TimeSpan) => ticks(op, left, right, TimeSpan),
        (Multiply, TimeSpan, n) if n.is_number() => scale("kql_multiply_timespan", left, right, span)?,
        (Multiply, n, TimeSpan) if n.is_number() => scale("kql_multiply_timespan", right, left, span)?,
        (Divide, TimeSpan, n) if n.is_number() => scale("kql_divide_timespan", left, right, span)?,
        // Of an instant, its ticks (the official binder gives these types; that ticks are counted is inferred).
        (Divide, TimeSpan, TimeSpan) | (Divide, DateTime, TimeSpan | DateTime) => {
            Value::new(raw_call("kql_divide_timespan", vec![left.expr, right.expr], span)?, Type::Real)
        }
        (Modulo, TimeSpan | DateTime, TimeSpan) => {
            Value::new(raw_call("kql_modulo_timespan", vec![left.expr, right.expr], span)?, TimeSpan)
        }
        _ => return Err(undefined()),
    };
    Ok(value.folded())
}

fn numbers(op: BinaryOp, left: Value, right: Value, span: Span) -> Result<Value> {
    let ty = match left.ty.wider(right.ty) {
        Type::Int => Type::Long,
        // A decimal keeps its exactness beside a real (measured against the official binder).
        _ if left.ty == Type::Decimal || right.ty == Type::Decimal => Type::Decimal,
        other => other,
    };
    let (l, r) = (convert(left, ty, span)?, convert(right, ty, span)?);
    let expr = match op {
        BinaryOp::Add => binary(l.expr, Operator::Plus, r.expr),
        BinaryOp::Subtract => binary(l.expr, Operator::Minus, r.expr),
        BinaryOp::Multiply => binary(l.expr, Operator::Multiply, r.expr),
        // Division has rules of its own: by zero, and of negative numbers.
        BinaryOp::Divide => raw_call(&format!("kql_divide_{}", ty.name()), vec![l.expr, r.expr], span)?,
        _ => raw_call(&format!("kql_modulo_{}", ty.name()), vec![l.expr, r.expr], span)?,
    };
    // Arrow widens the scale of a decimal product; ours is fixed.
    let expr = if ty == Type::Decimal { cast(expr, ty) } else { expr };
    Ok(Value::new(expr, ty).folded())
}

fn ticks(op: BinaryOp, left: Value, right: Value, ty: Type) -> Value {
    let operator = if op == BinaryOp::Add { Operator::Plus } else { Operator::Minus };
    Value::new(binary(left.expr, operator, right.expr), ty)
}

/// A length of time, multiplied or divided by a number: by a whole one exactly, to the tick.
fn scale(function: &str, length: Value, by: Value, span: Span) -> Result<Value> {
    let ty = if matches!(by.ty, Type::Int | Type::Long) { Type::Long } else { Type::Real };
    let by = convert(by, ty, span)?;
    let function = format!("{function}_{}", ty.name());
    Ok(Value::new(raw_call(&function, vec![length.expr, by.expr], span)?, Type::TimeSpan))
}

/// `bin(value, size)`: the largest multiple of the size that is not above the value.
pub(super) fn bin(value: Value, size: Value, span: Span) -> Result<Value> {
    let value = if value.ty == Type::Dynamic { convert(value, size.ty, span)? } else { value };
    let (ty, by) = match (value.ty, size.ty) {
        (Type::DateTime, Type::TimeSpan | Type::DateTime) => (Type::DateTime, Type::TimeSpan),
        (Type::TimeSpan, Type::TimeSpan) => (Type::TimeSpan, Type::TimeSpan),
        (a, b) if a.is_number() && b.is_number() => (a.wider(b), a.wider(b)),
        (a, b) => {
            return Err(error(error::TYPE, span, format!("a {} cannot be rounded to a {}", a.name(), b.name())));
        }
    };
    let size = if size.ty.is_number() { convert(size, by, span)? } else { size };
    let value = if value.ty.is_number() { convert(value, ty, span)? } else { value };
    let name = format!("kql_bin_{}", ty.name());
    if let Ok(call) = raw_call(&name, vec![value.expr.clone(), size.expr.clone()], span) {
        return Ok(Value::new(call, ty).folded());
    }
    Ok(Value::new(raw_call("kql_bin", vec![value.expr, size.expr], span)?, ty).folded())
}
