//! Scores: what must hold where a number that conditions make is compared with a constant.
//!
//! `if(a, 2, 0) + if(b, 1, 0) > 0` is true of no row of which neither `a` nor `b` is. So the comparison is computed once
//! with every condition false; where it is not true then, one of the conditions must be.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator};

/// The conditions of which one must be true for the comparison to be; `None` where it may be true without.
pub(super) fn conditions(comparison: &BinaryExpr) -> Option<Vec<&Expr>> {
    let mut conditions = Vec::new();
    let left = otherwise(&comparison.left, &mut conditions)?;
    let right = otherwise(&comparison.right, &mut conditions)?;
    // Compared with null nothing is true.
    let holds = left.zip(right).map(|(left, right)| match comparison.op {
        Operator::Eq => Some(left == right),
        Operator::NotEq => Some(left != right),
        Operator::Lt => Some(left < right),
        Operator::LtEq => Some(left <= right),
        Operator::Gt => Some(left > right),
        Operator::GtEq => Some(left >= right),
        _ => None,
    });
    (holds.unwrap_or(Some(false)) == Some(false) && !conditions.is_empty()).then_some(conditions)
}

/// The number that an expression is where none of its conditions is true (`Some(None)`: null); `None` where that is not
/// known.
fn otherwise<'e>(e: &'e Expr, conditions: &mut Vec<&'e Expr>) -> Option<Option<f64>> {
    match e {
        Expr::Literal(value, _) if value.is_null() => Some(None),
        Expr::Literal(value, _) => number(value).map(Some),
        Expr::Alias(Alias { expr, .. }) => otherwise(expr, conditions),
        Expr::Cast(Cast { expr, field }) => {
            let value = otherwise(expr, conditions)?;
            let same = matches!(field.data_type(), DataType::Int64 | DataType::Float64);
            (same && value.is_none_or(|v| v.fract() == 0.0)).then_some(value)
        }
        Expr::Case(case) if case.expr.is_none() => {
            conditions.extend(case.when_then_expr.iter().map(|(when, _)| when.as_ref()));
            match &case.else_expr {
                Some(other) => otherwise(other, conditions),
                None => Some(None),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (otherwise(left, conditions)?, otherwise(right, conditions)?);
            let compute = |(a, b): (f64, f64)| match op {
                Operator::Plus => Some(a + b),
                Operator::Minus => Some(a - b),
                Operator::Multiply => Some(a * b),
                _ => None,
            };
            match left.zip(right) {
                Some(both) => compute(both).filter(|v| is_exact(*v)).map(Some),
                None => Some(None),
            }
        }
        _ => None,
    }
}

/// A whole number that both kinds of numbers hold: computing with them rounds nothing.
#[allow(clippy::cast_precision_loss, reason = "only what is exact is taken")]
fn number(value: &ScalarValue) -> Option<f64> {
    let number = match value {
        ScalarValue::Int64(Some(n)) => *n as f64,
        ScalarValue::Int32(Some(n)) => f64::from(*n),
        ScalarValue::Float64(Some(n)) => *n,
        _ => return None,
    };
    is_exact(number).then_some(number)
}

fn is_exact(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit, when};

    fn told(e: Expr) -> Option<Vec<String>> {
        let Expr::BinaryExpr(comparison) = e else { panic!("no comparison: {e}") };
        conditions(&comparison).map(|all| all.iter().map(ToString::to_string).collect())
    }

    fn either(name: &str, then: i64, otherwise: Expr) -> Expr {
        when(col(name), lit(then)).otherwise(otherwise).unwrap()
    }

    #[test]
    fn a_score_needs_one_of_its_conditions() {
        let score = || either("a", 2, lit(0_i64)) + either("b", 1, either("c", 5, lit(0_i64)));
        let all = || Some(["a", "b", "c"].map(str::to_owned).to_vec());
        assert_eq!(told(score().gt(lit(0_i64))), all());
        assert_eq!(told(score().eq(lit(3_i64))), all());
        assert_eq!(told(lit(0_i64).lt(score())), all());
        assert_eq!(told(score().not_eq(lit(0_i64))), all());
        // True of rows that fulfil no condition.
        assert_eq!(told(score().gt_eq(lit(0_i64))), None);
        assert_eq!(told(score().lt(lit(1_i64))), None);
    }

    #[test]
    fn what_is_not_known_needs_nothing() {
        assert_eq!(told((either("a", 2, lit(0_i64)) + col("x")).gt(lit(0_i64))), None);
        assert_eq!(told(either("a", 2, col("x")).gt(lit(0_i64))), None);
        let half = when(col("a"), lit(2.0)).otherwise(lit(0.5)).unwrap();
        assert_eq!(told(half.gt(lit(1.0))), None);
        assert_eq!(told(lit(1_i64).gt(lit(2_i64))), None);
        // Null where no condition is true.
        let no_other = when(col("a"), lit(1_i64)).end().unwrap();
        assert_eq!(told(no_other.gt_eq(lit(0_i64))), Some(vec!["a".to_owned()]));
    }
}
