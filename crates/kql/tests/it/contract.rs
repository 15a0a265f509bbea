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
        "Events | sort by Timestamp asc | scan with (step s: ProcessId > 1;)",
        "Events | partition by DeviceName (sort by Timestamp asc | scan declare (n:long) with (step s: true => n = s.n;))",
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

/// The published detection: its filters must reach the scan, where the engine looks for literals.
#[tokio::test]
async fn filters_reach_the_scan() {
    let query = r#"let Patterns = dynamic(["lua5", ".lua", "os.execute("]);
Events
| where Timestamp > ago(24h)
| where FileName has_any ("lua", "luajit") or ProcessCommandLine has_any (Patterns)
| project Timestamp, FileName
| sort by Timestamp desc"#;
    let planned = with_provenance(query);
    let state = datafusion::prelude::SessionContext::new().state();
    let optimised = state.optimize(&planned.plan).expect("the plan optimises").display_indent().to_string();
    insta::assert_snapshot!(optimised);
}

/// However tall an expression is, it is planned or refused; the stack holds.
#[test]
fn tall_expressions_are_planned_or_refused() {
    let chain = |n: usize| format!("print x = 1{}", " + 1".repeat(n));
    let nested = |n: usize| format!("print x = {}1{}", "tolong(".repeat(n), ")".repeat(n));
    let piped = |n: usize| format!("Events{}", " | where ProcessId > 1 | extend x = ProcessId + 1".repeat(n));
    let either = |n: usize| format!("Events | where FileName == 'x'{}", " or FileName has 'y'".repeat(n));
    let alternating = |n: usize| format!("print x = {}1", "iff(1 > 2, 1, ".repeat(n)) + &")".repeat(n);
    for query in [chain(100), chain(240), nested(30), nested(60), piped(60), either(2_000), alternating(60)] {
        if let Err(refusal) = plan_at(&query, &Context::at(NOW)) {
            assert!(refusal.iter().any(|d| matches!(d.code, "KQL0304" | "KQL0016")), "{refusal}");
        }
    }
}

/// Columns that build on each other over hundreds of operators, and what stands between and after them.
#[tokio::test]
async fn long_chains_are_planned_and_right() {
    let chain: String = (1..=300).map(|i| format!(" | extend c{i} = c{} + 1", i - 1)).collect();
    let sum = |query: String| async move { run(&query).await.unwrap().rows };
    let rows = sum(format!("range c0 from 1 to 3 step 1{chain} | project c0, c150, c300")).await;
    assert_eq!(serde_json::to_string(&rows).unwrap(), "[[1,151,301],[2,152,302],[3,153,303]]");
    // A filter on a column of the chain, one below it, and a chain upon a chain.
    let rows = sum(format!("range c0 from 1 to 9 step 1{chain} | where c299 > 306 and c0 != 8 | extend d = c300 * 2 | sort by d desc | project c0, d")).await;
    assert_eq!(serde_json::to_string(&rows).unwrap(), "[[9,618]]");
    // The same name again and again, and text.
    let again = " | extend x = strcat(x, 'y')".repeat(100);
    let rows = sum(format!("print x = 'x'{again} | extend n = strlen(x) | project n")).await;
    assert_eq!(serde_json::to_string(&rows).unwrap(), "[[101]]");
    // Null, a subquery in the middle, aggregates.
    let rows = sum(format!("datatable(c0:long)[1, long(null)]{chain} | extend t = c300 + toscalar(print 5) | extend u = t + 1 | summarize sum(u), countif(isnull(c300))")).await;
    assert_eq!(serde_json::to_string(&rows).unwrap(), "[[307,1]]");
    // Columns and filters that take turns.
    let turns: String =
        (1..=200).map(|i| format!(" | extend c{i} = c{} + 1 | where c{i} != {}", i - 1, i + 7)).collect();
    let rows = sum(format!("range c0 from 6 to 9 step 1{turns} | project c0, c200 | sort by c0 asc")).await;
    assert_eq!(serde_json::to_string(&rows).unwrap(), "[[6,206],[8,208],[9,209]]");
    assert!(carries(&format!("Events | extend c0 = ProcessId{chain} | where c300 > 0")));
}

/// Steps that do not build on each other are few operators, however many they are.
#[test]
fn steps_side_by_side_are_one() {
    let count = |query: &str| {
        let planned = plan_at(query, &Context::at(NOW)).expect("the query plans");
        planned.plan.display_indent().to_string().lines().count()
    };
    let extends: String = (0..1000).map(|i| format!(" | extend c{i} = ProcessId + {i}")).collect();
    assert!(count(&format!("Events{extends}")) < 8);
    let wheres: String = (0..1000).map(|i| format!(" | where ProcessId != {i}")).collect();
    assert!(count(&format!("Events{wheres}")) < 16);
    let turns: String = (0..1000).map(|i| format!(" | extend x{i} = ProcessId + {i} | where x{i} != 5")).collect();
    assert!(count(&format!("Events{turns}")) < 48);
    let deep: String = (0..1000).map(|i| format!(" | where s != '{i}' | extend s = strcat(s, '{i}')")).collect();
    let refused = plan_at(&format!("print s = 'x'{deep}"), &Context::at(NOW)).err();
    assert!(refused.is_some_and(|d| d.iter().any(|d| d.code == "KQL0304")));
}
