//! What runs, and what is said about it.

use crate::support::plan;

#[test]
fn a_named_predicate_is_pointed_out() {
    let planned = plan("Events | where FileName = true").expect("the language allows it");
    let codes: Vec<&str> = planned.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["KQL0402"]);
}
