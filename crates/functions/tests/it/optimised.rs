//! What the optimiser makes of a call with constants.

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use parallax_functions::kql;
use std::sync::Arc;

fn simplify(e: Expr) -> Expr {
    let schema = Schema::new(vec![Field::new("c0", DataType::Utf8View, false)]);
    let schema = Arc::new(DFSchema::try_from(schema).unwrap());
    ExprSimplifier::new(SimplifyContext::builder().with_schema(schema).build()).simplify(e).unwrap()
}

fn text(s: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(s.to_owned())))
}

#[test]
fn a_compiled_call_keeps_its_name_and_tells_its_constants_apart() {
    let has = kql::scalar("kql_has").unwrap();
    let call = |needle: &str| simplify(has.call(vec![col("c0"), text(needle)]));
    assert_eq!(call("lua"), call("lua"));
    assert_ne!(call("lua"), call("luac"));
    let Expr::ScalarFunction(f) = call("lua") else { panic!() };
    assert_eq!((f.func.name(), f.args.len()), ("kql_has", 2));
    assert_ne!(f.func, has, "the compiled form is part of the function's identity");
    let again = simplify(call("lua"));
    assert_eq!(again, call("lua"));
}

#[test]
fn constants_fold() {
    let strlen = kql::scalar("kql_has").unwrap();
    assert_eq!(simplify(strlen.call(vec![text("a lua b"), text("lua")])), lit(true));
}

#[test]
fn a_wrong_regex_is_an_error_not_a_panic() {
    let matches = kql::scalar("kql_matches_regex").unwrap();
    let schema = Arc::new(DFSchema::empty());
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(schema).build());
    assert!(simplifier.simplify(matches.call(vec![text("a"), text("(")])).is_err());
}
