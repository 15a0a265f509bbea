//! What runs, and what is said about it.

use crate::support::plan;

#[test]
fn a_named_predicate_is_pointed_out() {
    let planned = plan("Events | where FileName = true").expect("the language allows it");
    let codes: Vec<&str> = planned.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["KQL0402"]);
}

#[test]
fn a_rule_that_the_documentation_leaves_open_is_named_once_a_call() {
    let said = |query: &str| -> Vec<String> {
        let planned = plan(query).expect("a plan");
        planned.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect()
    };
    let anomalies = said("print y = dynamic([1, 2]) | extend (a, s, b) = series_decompose_anomalies(y)");
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert!(anomalies[0].starts_with("KQL0403") && anomalies[0].contains("season") && anomalies[0].contains("score"));
    assert!(
        said("print series_decompose(dynamic([1, 2]), 0)").is_empty(),
        "nothing is open where no season is looked for"
    );
    let engaged = said("Events | evaluate activity_engagement(DeviceName, Timestamp, 1d, 7d)");
    assert_eq!(engaged.len(), 2, "{engaged:?}");
    assert!(said("Events | evaluate rows_near(ProcessId > 1, 1)").is_empty(), "its rule is documented");
    assert_eq!(said("print series_fit_2lines(dynamic([1, 2])), series_outliers(dynamic([1]))").len(), 2);
}

/// Rule: RE2's syntax, in which published rules are written; the documented one has no meaning for such a `{`.
#[test]
fn a_bracket_that_begins_no_repetition_is_pointed_out() {
    for (query, times) in [
        ("print a = 'x' matches regex 'a{|b'", 1),
        ("let p = 'a{'; print extract(p, 0, 'a{'), replace_regex('a{', p, ''), trim(@'a{', 'a{')", 3),
        ("print a = 'x' matches regex @'a{2}[{]|\\{b'", 0),
    ] {
        let planned = plan(query).expect(query);
        let said = planned.diagnostics.iter().filter(|d| d.code == "KQL0403" && d.message.contains("repetition"));
        assert_eq!(said.count(), times, "{query}");
    }
}
