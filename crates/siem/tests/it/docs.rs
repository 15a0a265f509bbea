//! The documentation says what is there.

use parallax_telemetry::view::record_attributes;
use std::path::Path;

const BEGIN: &str = "<!-- attributes: written by a test with PARALLAX_UPDATE_DOCS=1 -->\n";

/// Set `PARALLAX_UPDATE_DOCS` to write the table of attributes anew.
#[test]
fn attributes_and_their_sources() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cloud-siem.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, _) = page.split_once(BEGIN).expect("the place of the table");
    let mut table = String::from("\n| Attribute | Type | From |\n|---|---|---|\n");
    for (name, ty, from) in record_attributes() {
        let from: Vec<String> = from.iter().map(|(family, text)| format!("{family}: `{}`", shorten(text))).collect();
        table.push_str(&format!("| `{name}` | {} | {} |\n", ty.name(), from.join("; ").replace('|', "\\|")));
    }
    let wanted = format!("{before}{BEGIN}{table}");
    if std::env::var_os("PARALLAX_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("the page is written");
    }
    let page = std::fs::read_to_string(&path).expect("the page");
    assert!(page == wanted, "docs/cloud-siem.md is old; run this test with PARALLAX_UPDATE_DOCS=1");
}

/// A long list of cases says little; the mapping file has it.
fn shorten(text: &str) -> String {
    const MOST: usize = 70;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let cut = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..cut])
}

#[test]
fn every_function_and_every_code_is_documented() {
    let page = include_str!("../../../../docs/cloud-siem.md");
    let lower = page.to_lowercase();
    for name in parallax_sumo::siem::plan::functions() {
        assert!(lower.contains(&format!("`{name}`")), "docs/cloud-siem.md lacks {name}");
    }
    let sources =
        [include_str!("../../../sumo/src/siem/plan/mod.rs"), include_str!("../../../sumo/src/siem/syntax/mod.rs")];
    for part in sources.iter().flat_map(|s| s.split("\"CSE").skip(1)) {
        let code = format!("| CSE{} |", part.split('"').next().unwrap_or_default());
        assert!(page.contains(&code), "docs/cloud-siem.md lacks {code}");
    }
}
