//! Comparisons.
//!
//! A comparison with a missing value is false (documented for all but `!=`, which is read as the negation of `=` and so
//! true). A number on one side makes the other one a number. Two texts are equal where they are the same; in an order
//! they stand as numbers where both are (the documentation compares `severity > '6'` by value), else as text.

use super::super::syntax::Comparison;
use super::balanced;
use super::value::{Ty, Value, call};
use datafusion::logical_expr::{Expr, Operator, binary_expr, in_list, lit};

pub(super) fn compare(left: Value, operator: Comparison, right: Value) -> Value {
    if left.ty == Ty::Null || right.ty == Ty::Null {
        return Value::new(lit(operator == Comparison::NotEqual), Ty::Bool);
    }
    let (operator, denied) = match operator {
        Comparison::Equal => (Operator::Eq, false),
        Comparison::NotEqual => (Operator::Eq, true),
        Comparison::Less => (Operator::Lt, false),
        Comparison::LessOrEqual => (Operator::LtEq, false),
        Comparison::Greater => (Operator::Gt, false),
        Comparison::GreaterOrEqual => (Operator::GtEq, false),
    };
    let found = compared(left, operator, right).is_true();
    Value::new(if denied { Expr::Not(Box::new(found)) } else { found }, Ty::Bool)
}

/// True, false, or null where a side is missing.
fn compared(left: Value, operator: Operator, right: Value) -> Expr {
    match (left.ty, right.ty) {
        (Ty::Bool, Ty::Bool) => binary_expr(left.expr, operator, right.expr),
        (Ty::Bool, Ty::Text) | (Ty::Text, Ty::Bool) => {
            let lower = |v: Value| call("sumo_tolowercase", vec![v.text()]);
            binary_expr(lower(left), operator, lower(right))
        }
        (Ty::Text, Ty::Text) if operator == Operator::Eq => binary_expr(left.expr, operator, right.expr),
        (Ty::Text, Ty::Text) => {
            // The function takes a missing text for an empty one.
            let both = left.expr.clone().is_not_null().and(right.expr.clone().is_not_null());
            let order = call("sumo_compare", vec![left.expr, right.expr]);
            both.and(binary_expr(order, operator, lit(0_i64)))
        }
        _ => binary_expr(left.number_of(), operator, right.number_of()),
    }
}

pub(super) fn between(value: Value, low: Value, high: Value) -> Value {
    let above = compare(value.clone(), Comparison::GreaterOrEqual, low);
    let below = compare(value, Comparison::LessOrEqual, high);
    Value::new(above.expr.and(below.expr), Ty::Bool)
}

/// `value in (…)`: equal to one of them.
pub(super) fn among(value: Value, items: Vec<Value>) -> Value {
    if value.ty == Ty::Text && items.iter().all(|item| item.ty == Ty::Text) {
        let items = items.into_iter().map(|item| item.expr).collect();
        return Value::new(in_list(value.expr, items, false).is_true(), Ty::Bool);
    }
    let each = items.into_iter().map(|item| compare(value.clone(), Comparison::Equal, item).expr);
    Value::new(balanced(each.collect(), Operator::Or), Ty::Bool)
}
