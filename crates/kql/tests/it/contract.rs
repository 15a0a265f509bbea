//! What a plan promises beyond its rows: provenance, order, notes.

use crate::support::{NOW, plan_at, run};
use parallax_catalog::{Context, PROVENANCE};
use parallax_diagnostics::Severity;

fn with_provenance(query: &str) -> parallax_catalog::Planned {
    let context = Context { provenance: true, ..Context::at(NOW) };
    plan_at(query, &context).expect("the query plans")
}

/// The plan's fields are one for each visible column, then the hidden ones under their own names.
fn carries(query: &str) -> bool {
    let planned = with_provenance(query);
    let names: Vec<String> = planned.plan.schema().fields().iter().map(|f| f.name().clone()).collect();
    let hidden: Vec<&str> = PROVENANCE.iter().map(|p| p.name).collect();
    let carried = names.len() == planned.columns.len() + hidden.len() && names[planned.columns.len()..] == hidden[..];
    assert_eq!(planned.provenance, carried, "{query}");
    carried
}

#[test]
fn provenance_goes_where_rows_go() {
    for kept in [
        "Events",
        "Events | where FileName has 'lua' | project FileName | extend x = 1",
        "Events | sort by Timestamp desc | take 3 | project-away Timestamp",
        "Events | top 2 by Timestamp",
        "union Events, (Events | where FileName == 'bash')",
        "Events | join kind=leftanti (Events | where FileName == 'bash') on DeviceName",
        "Events | join kind=inner (Events | summarize count() by DeviceName) on DeviceName",
        "Events | mv-expand AdditionalFields",
        "Events | parse ProcessCommandLine with * ' -e ' code",
        "let f = (T:(*)) { T | where FileName has 'lua' }; Events | invoke f()",
    ] {
        assert!(carries(kept), "{kept}");
    }
    for ended in ["Events | summarize count() by FileName", "Events | distinct FileName", "Events | count", "print 1"] {
        assert!(!carries(ended), "{ended}");
    }
}

#[test]
fn a_sort_is_part_of_the_meaning() {
    let context = Context::at(NOW);
    let ordered = |q: &str| plan_at(q, &context).expect("the query plans").ordered;
    assert!(ordered("Events | sort by Timestamp desc | project FileName"));
    assert!(ordered("Events | top 3 by Timestamp | where ProcessId > 1"));
    assert!(!ordered("Events | sort by Timestamp | summarize count() by FileName"));
    assert!(!ordered("Events | where ProcessId > 1"));
}

#[test]
fn a_table_without_data_is_said() {
    let planned = plan_at("SigninLogs | take 1", &Context::at(NOW)).expect("the table is known");
    assert_eq!(planned.tables, ["SigninLogs"]);
    let note = planned.diagnostics.iter().find(|d| d.code == "KQL0401").expect("a note");
    assert_eq!(note.severity, Severity::Note);
}

#[tokio::test]
async fn the_sorted_order_survives_what_comes_after() {
    let query = "Events | sort by Timestamp asc | extend n = strlen(FileName) | where n > 0 | project FileName";
    let answer = run(query).await.expect("the query runs");
    let names: Vec<&str> = answer.rows.iter().filter_map(|r| r[0].as_str()).collect();
    assert_eq!(names, ["lua", "python3", "luajit", "bash", "lua5.3"]);
}
