//! The page about Sigma names every code, and only those.

use std::collections::BTreeSet;
use std::path::Path;

fn codes(text: &str, out: &mut BTreeSet<String>) {
    for (at, _) in text.match_indices("SIGMA0") {
        let code = &text[at..(at + 9).min(text.len())];
        if code.len() == 9 && code[5..].bytes().all(|b| b.is_ascii_digit()) {
            out.insert(code.to_owned());
        }
    }
}

fn walk(folder: &Path, out: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            codes(&text, out);
        }
    }
}

#[test]
fn codes_are_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut used, mut said) = (BTreeSet::new(), BTreeSet::new());
    walk(&root.join("src"), &mut used);
    codes(&std::fs::read_to_string(root.join("../../docs/sigma.md")).expect("the page"), &mut said);
    assert_eq!(used, said);
}
