//! The documentation names every code and every function.

const PAGE: &str = include_str!("../../../../docs/sumo.md");

#[test]
fn every_code_is_documented() {
    let sources = [include_str!("../../src/plan/codes.rs"), include_str!("../../src/syntax/mod.rs")];
    for source in sources {
        for part in source.split("\"SUMO").skip(1) {
            let code = format!("| SUMO{} |", part.split('"').next().unwrap_or_default());
            assert!(PAGE.contains(&code), "docs/sumo.md lacks {code}");
        }
    }
}

/// Every function that a query can name is documented, and every one that is documented exists.
#[test]
fn every_function_is_documented_and_exists() {
    let lower = PAGE.to_lowercase();
    let table = lower.split("## functions").nth(1).and_then(|t| t.split("## extensions").next()).unwrap_or_default();
    for name in parallax_sumo::plan::functions() {
        let documented = table.contains(&format!("`{name}`"));
        // Other names of documented functions, and extensions, stand elsewhere.
        let elsewhere = lower.contains(&format!("`{name}")) || lower.contains(&format!("{name}("));
        assert!(documented || elsewhere || name == "string", "docs/sumo.md lacks {name}");
    }
    for name in parallax_sumo::plan::plain_functions() {
        let full = format!("sumo_{name}");
        assert!(parallax_functions::sumo::declared(&full).is_some(), "there is no {full}");
    }
}

/// Every word that makes a stage an operator stands in the table of operators.
#[test]
fn every_operator_is_documented() {
    let lower = PAGE.to_lowercase();
    let table = lower.split("## operators").nth(1).and_then(|t| t.split("## switches").next()).unwrap_or_default();
    for name in parallax_sumo::syntax::operators() {
        let ends = |after: &str| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let quoted = format!("`{name}");
        let mut places = table.match_indices(&quoted).map(|(at, found)| &table[at + found.len()..]);
        assert!(places.any(ends), "docs/sumo.md lacks the operator {name}");
    }
}

/// Every operator and function of a list of documented ones, when the folder that holds it is named.
#[test]
fn every_documented_name_stands_on_the_page() {
    let Ok(folder) = std::env::var("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/semantics/sumo-operators.tsv")).expect("the list");
    let lower = PAGE.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    for line in text.lines().skip(1) {
        let names = line.split('\t').nth(1).unwrap_or_default().to_lowercase();
        for name in names.split('/').map(|n| n.split([' ', '(']).find(|w| !w.is_empty()).unwrap_or_default()) {
            if !name.chars().all(is_part) || name.is_empty() {
                continue;
            }
            let found = lower
                .match_indices(name)
                .any(|(at, _)| !lower[..at].ends_with(is_part) && !lower[at + name.len()..].starts_with(is_part));
            assert!(found, "docs/sumo.md lacks {name} ({names})");
        }
    }
}

/// The names that the planner calls exist; a slip would make a null.
#[test]
fn every_called_function_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the planner") {
            let path = entry.expect("a file").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(file).expect("a source");
        for part in text.split("\"sumo_").skip(1) {
            let name = format!("sumo_{}", part.split('"').next().unwrap_or_default());
            if !name.ends_with('_') && !name.contains('{') {
                let found = parallax_functions::sumo::scalar(&name).is_some()
                    || parallax_functions::sumo::window(&name).is_some();
                assert!(found, "there is no {name}");
            }
        }
    }
}
