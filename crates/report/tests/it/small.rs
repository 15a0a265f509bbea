//! What a report holds.

use crate::made;
use parallax_report::evidence::Process;

const LINES: &[&str] = &["lua -e \"os.execute('id')\"", "lua -e os.execute('x') os.execute('y')"];

#[test]
fn a_finding_comes_with_what_speaks_for_it() {
    let document = made::document(LINES, 10);
    assert_eq!(document.totals.findings, 2);
    let entry = &document.entries[0];
    let reasons: Vec<_> =
        entry.reasons.iter().map(|r| (r.field.as_deref(), r.value.as_str(), r.marks.clone())).collect();
    assert_eq!(
        reasons,
        [(Some("ProcessCommandLine"), LINES[0], vec![(8, 19)]), (Some("FileName"), "lua5.4", vec![(0, 3)]),]
    );
    assert!(entry.raw.as_ref().is_some_and(|raw| raw.starts_with("{\"Timestamp\"")));
    let tree = entry.tree.as_ref().expect("its start is in the inputs");
    let lines = |all: &[Process]| all.iter().map(|p| p.command_line.clone()).collect::<Vec<_>>();
    assert_eq!(lines(&tree.ancestors), ["sshd", "-bash"]);
    assert_eq!((tree.own.id, tree.own.image.as_str()), (Some(200), "/usr/bin/lua5.4"));
    let children: Vec<_> = tree.children.iter().map(|c| c.process.command_line.as_str()).collect();
    assert_eq!(children, ["id -u <x>"]);
}

#[test]
fn what_is_not_shown_is_said() {
    let lines: Vec<String> = (0..25).map(|n| format!("lua -e os.execute('{n}')")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let document = made::document(&lines, 10);
    assert_eq!((document.totals.findings, document.entries.len()), (25, 10));
    assert!(made::page(&document).contains("10 of 25 findings are shown here"));
}

/// The elements of a page, indented, with their text. Numbers of the drawing are left out.
fn outline(page: &str) -> String {
    let (mut out, mut depth, mut rest) = (String::new(), 0usize, page);
    while let Some(open) = rest.find('<') {
        let text = rest[..open].split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            out.push_str(&format!("{}{text}\n", "  ".repeat(depth)));
        }
        let end = open + rest[open..].find('>').unwrap();
        let tag = &rest[open + 1..end];
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        if ["style", "script", "svg"].contains(&name) && !tag.starts_with('/') {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).unwrap() + close.len()..];
            out.push_str(&format!("{}<{name}>\n", "  ".repeat(depth)));
        } else if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !["meta", "link", "br", "hr", "input", "!DOCTYPE"].contains(&name) {
            let class = tag.split_once("class=\"").map_or("", |(_, c)| c.split('"').next().unwrap());
            out.push_str(&format!(
                "{}<{name}{}>\n",
                "  ".repeat(depth),
                if class.is_empty() { String::new() } else { format!(" {class}") }
            ));
            depth += 1;
        }
    }
    out
}

#[test]
fn the_parts_of_a_page() {
    let document = made::document(&LINES[..1], 10);
    let folder = document.inputs.as_ref().unwrap().files[0].0.clone();
    let folder = folder.strip_suffix("/events.json").unwrap();
    let page = made::page(&document).replace(folder, "FOLDER");
    let outline = outline(&page);
    // Ids depend on nothing but the rule and the event.
    insta::assert_snapshot!(outline);
}
