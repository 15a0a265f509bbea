//! Comparison and the string operators.
//!
//! Nulls (measured): with one null operand `==` is false and `!=` true; `<` and its kind are null; with both null all
//! are null. In a filter null and false mean the same, and the plan may say it more simply.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, convert, raw_call, to_string};
use crate::syntax::tree::{BinaryOp, Call, ExprKind};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as Plan, Operator, expr_fn, lit, when};
use parallax_diagnostics::{Diagnostic, Span};

/// Brings two values to the one type in which they are compared.
pub(super) fn unify(op: BinaryOp, left: Value, right: Value, span: Span) -> Result<(Value, Value)> {
    let (l, r) = (left.ty, right.ty);
    let to = match (l, r) {
        (l, r) if l == r => return Ok((left, right)),
        (l, r) if l.is_number() && r.is_number() => l.wider(r),
        (Type::Dynamic, other) | (other, Type::Dynamic) => other,
        (Type::Guid, Type::String) | (Type::String, Type::Guid) => Type::String,
        // Text and something else: the text is read as the other (the official binder accepts it; what text that
        // does not read means is a guess, and null).
        (Type::String, other) | (other, Type::String) if op == BinaryOp::Equal => other,
        // A truth value is a number of one bit.
        (Type::Bool, n) | (n, Type::Bool) if n.is_integer() => n,
        (l, r) => {
            return Err(Box::new(
                (*error(error::TYPE, span, format!("a {} and a {} cannot be compared", l.name(), r.name())))
                    .help(hint(l, r)),
            ));
        }
    };
    Ok((convert(left, to, span)?, convert(right, to, span)?))
}

fn hint(left: Type, right: Type) -> String {
    let other = if left == Type::String { right } else { left };
    match other {
        Type::DateTime => "write the instant as `datetime(2024-01-31)`, or convert with `todatetime(…)`".to_string(),
        Type::TimeSpan => "write the length as `1h`, or convert with `totimespan(…)`".to_string(),
        other => format!("convert one side: `tostring(…)`, or `to{}(…)`", other.name()),
    }
}

pub(super) fn compare(op: BinaryOp, left: Value, right: Value, span: Span, filter: bool) -> Result<Value> {
    let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
    let (left, right) = unify(if equality { BinaryOp::Equal } else { op }, left, right, span)?;
    let expr = match op {
        BinaryOp::Equal => equal(left, right, filter),
        BinaryOp::NotEqual => not_equal(left, right, filter),
        _ => {
            let operator = match op {
                BinaryOp::Less => Operator::Lt,
                BinaryOp::LessOrEqual => Operator::LtEq,
                BinaryOp::Greater => Operator::Gt,
                _ => Operator::GtEq,
            };
            let (left, right) = match left.ty {
                Type::Dynamic => (convert(left, Type::Real, span)?, convert(right, Type::Real, span)?),
                Type::String | Type::Guid => {
                    return fail(
                        error::TYPE,
                        span,
                        format!("`{}` is not defined between two values of type {}", op.text(), left.ty.name()),
                    )
                    .map_err(|d| Box::new((*d).help("compare text with `strcmp(a, b)`")));
                }
                _ => (left, right),
            };
            ordered(left, operator, right)
        }
    };
    Ok(Value::new(expr, Type::Bool))
}

/// Arrow puts what is no number above all numbers; to the language it is neither above nor below.
fn ordered(left: Value, operator: Operator, right: Value) -> Plan {
    let above = if matches!(operator, Operator::Gt | Operator::GtEq) { &left } else { &right };
    let a_number = matches!(above.constant(), Some(ScalarValue::Float64(Some(v))) if !v.is_nan());
    let guard =
        (above.ty == Type::Real && !a_number).then(|| binary(above.expr.clone(), Operator::LtEq, lit(f64::INFINITY)));
    let compared = binary(left.expr, operator, right.expr);
    match guard {
        Some(guard) => compared.and(guard),
        None => compared,
    }
}

pub(super) fn equal(left: Value, right: Value, filter: bool) -> Plan {
    if filter || (left.never_null() && right.never_null()) {
        binary(left.expr, Operator::Eq, right.expr)
    } else if left.never_null() || right.never_null() {
        binary(left.expr, Operator::IsNotDistinctFrom, right.expr)
    } else {
        unless_both_null(left.expr, right.expr, Operator::IsNotDistinctFrom)
    }
}

pub(super) fn not_equal(left: Value, right: Value, filter: bool) -> Plan {
    if left.never_null() && right.never_null() {
        binary(left.expr, Operator::NotEq, right.expr)
    } else if filter || left.never_null() || right.never_null() {
        binary(left.expr, Operator::IsDistinctFrom, right.expr)
    } else {
        unless_both_null(left.expr, right.expr, Operator::IsDistinctFrom)
    }
}

fn unless_both_null(left: Plan, right: Plan, op: Operator) -> Plan {
    let both = left.clone().is_null().and(right.clone().is_null());
    let compared = binary(left, op, right);
    when(both, lit(ScalarValue::Boolean(None))).otherwise(compared.clone()).unwrap_or(compared)
}

/// The keys of a join as one type on both sides; only numbers of different width may differ.
pub(crate) fn equal_keys(left: Value, right: Value, span: Span) -> Result<(Value, Value)> {
    if left.ty == Type::Dynamic && right.ty == Type::Dynamic {
        return Ok((left, right));
    }
    unify(BinaryOp::Equal, left, right, span)
}

/// `has`, `contains`, `=~`, … : text on both sides, never null.
pub(super) fn string_operator(
    op: BinaryOp,
    (left, left_span): (Value, Span),
    (right, right_span): (Value, Span),
    span: Span,
) -> Result<Value> {
    use BinaryOp as B;
    let (name, negated) = match op {
        B::EqualTilde => ("equals_ci", false),
        B::NotEqualTilde => ("equals_ci", true),
        B::Has => ("has", false),
        B::Search => ("has", false),
        B::NotHas => ("has", true),
        B::HasCs => ("has_cs", false),
        B::NotHasCs => ("has_cs", true),
        B::HasPrefix => ("hasprefix", false),
        B::NotHasPrefix => ("hasprefix", true),
        B::HasPrefixCs => ("hasprefix_cs", false),
        B::NotHasPrefixCs => ("hasprefix_cs", true),
        B::HasSuffix => ("hassuffix", false),
        B::NotHasSuffix => ("hassuffix", true),
        B::HasSuffixCs => ("hassuffix_cs", false),
        B::NotHasSuffixCs => ("hassuffix_cs", true),
        B::Contains => ("contains", false),
        B::NotContains => ("contains", true),
        B::ContainsCs => ("contains_cs", false),
        B::NotContainsCs => ("contains_cs", true),
        B::StartsWith => ("startswith", false),
        B::NotStartsWith => ("startswith", true),
        B::StartsWithCs => ("startswith_cs", false),
        B::NotStartsWithCs => ("startswith_cs", true),
        B::EndsWith => ("endswith", false),
        B::NotEndsWith => ("endswith", true),
        B::EndsWithCs => ("endswith_cs", false),
        B::NotEndsWithCs => ("endswith_cs", true),
        B::MatchesRegex => ("matches_regex", false),
        _ => return fail(error::NO_FORM, span, format!("the operator `{}` is not supported", op.text())),
    };
    let left = text_operand(left, op, left_span)?;
    let right = text_operand(right, op, right_span)?;
    if op == B::MatchesRegex {
        check_regex(&right, right_span)?;
    }
    let call = raw_call(&format!("kql_{name}"), vec![left.expr, right.expr], span)?;
    Ok(Value::new(if negated { expr_fn::not(call) } else { call }, Type::Bool))
}

impl Binder<'_> {
    /// Says that a constant pattern has a meaning in the older syntax alone.
    pub(super) fn note_older_regex(&self, pattern: &Value, span: Span) {
        if pattern.text().is_some_and(parallax_functions::kql::is_older_regex) {
            let message = "`{` begins no repetition here: it is read as a character, as RE2 reads it";
            self.note(Diagnostic::warning(error::GUESS, span, message).help("write `\\{` for the character"));
        }
    }

    /// The same for the pattern among a call's arguments.
    pub(super) fn note_older_patterns(&self, call: &Call, rows: &Rows<'_>) -> Result<()> {
        let at = match call.name.text.as_str() {
            "extract" | "extract_all" | "extractall" | "replace" | "trim" | "trim_start" | "trim_end" => 0,
            "replace_regex" | "indexof_regex" => 1,
            _ => return Ok(()),
        };
        match call.arguments.get(at) {
            Some(a) if matches!(a.value.kind, ExprKind::Literal(_) | ExprKind::Name(_)) => {
                self.note_older_regex(&self.scalar(&a.value, rows)?, a.span);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A constant pattern is checked while the text is at hand.
fn check_regex(pattern: &Value, span: Span) -> Result<()> {
    match pattern.text().map(parallax_functions::kql::compile_regex) {
        Some(Err(e)) => fail(error::OPTION, span, format!("this is not a regular expression: {e}")),
        _ => Ok(()),
    }
}

pub(super) fn text_operand(value: Value, op: BinaryOp, span: Span) -> Result<Value> {
    match value.ty {
        Type::String => Ok(value),
        Type::Dynamic | Type::Guid => to_string(value, span),
        other => fail(error::TYPE, span, format!("`{}` works on text, and this is a {}", op.text(), other.name()))
            .map_err(|d| Box::new((*d).help("convert it: `tostring(…)`"))),
    }
}
