//! Published queries, when the folder that holds them is named.

use parallax_diagnostics::Style;
use parallax_sumo::syntax::{parse, print};

pub(crate) fn published() -> Option<Vec<(String, String)>> {
    let Ok(folder) = std::env::var("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return None;
    };
    let text = std::fs::read_to_string(format!("{folder}/corpus/sumo/queries.jsonl")).expect("the corpus");
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        (text("id"), text("query"))
    };
    Some(text.lines().map(line).collect())
}

#[test]
fn published_queries_parse_and_print_back() {
    let Some(queries) = published() else { return };
    let mut failed = 0;
    for (id, query) in &queries {
        match parse(query) {
            Ok(tree) => {
                let printed = print(&tree.query);
                match parse(&printed) {
                    Ok(again) => assert!(again.query == tree.query, "{id}: printed as\n{printed}\nfrom\n{query}"),
                    Err(e) => panic!("{id}: printed as\n{printed}\n{}", e.render(&printed, &id, Style::Plain)),
                }
            }
            Err(diagnostics) => {
                failed += 1;
                println!("{}", diagnostics.render(query, id, Style::Plain));
            }
        }
    }
    let total = queries.len();
    println!("{} of {total} published queries parse", total - failed);
    assert!(failed * 200 <= total, "{failed} of {total} published queries do not parse");
}
