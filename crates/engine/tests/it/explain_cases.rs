//! The cases of `tests/cases/explain.txt`.

use parallax_engine::{Context, Dialect, Followed, Options, Part, Pick, Role, Session, Shown};
use std::path::Path;

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let telemetry = folder.join("../../packs/T1059.011/telemetry/auditd/t1-lua5.4.log").display().to_string();
    let session = Session::open(&[telemetry], Options::default()).unwrap();
    let context = Context::at(session.census().latest.unwrap());
    let path = folder.join("tests/cases/explain.txt");
    let written = std::fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    for (index, case) in written.split("\n== ").enumerate() {
        if index == 0 {
            fresh.push_str(case.trim_end());
            continue;
        }
        let mut lines = case.lines();
        let title = lines.next().unwrap_or_default();
        let dialect = title.split_once(':').and_then(|(d, _)| Dialect::named(d)).expect(title);
        let query = lines.next().unwrap_or_default();
        let find = lines.next().and_then(|l| l.strip_prefix("?? ")).expect(title);
        let (followed, _) = session.follow(dialect, query, &context, &Pick::Where(find.to_owned()), 1).expect(title);
        let said = followed.first().map(|f| said(f, query)).expect(title);
        fresh.push_str(&format!("\n\n== {title}\n{query}\n?? {find}\n{said}"));
        fresh.truncate(fresh.trim_end().len());
    }
    fresh.push('\n');
    if std::env::var_os("PARALLAX_UPDATE_CASES").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == fresh, "what is said has changed:\n{fresh}");
}

fn said(event: &Followed, query: &str) -> String {
    let mut out = String::new();
    for step in &event.steps {
        let verdict = match step.keeps {
            Some(true) => "keeps",
            Some(false) => "DROPS",
            None => "     ",
        };
        out.push_str(&format!("{verdict}  {}\n", step.span.of(query)));
        step.parts.iter().for_each(|p| part(p, query, 1, &mut out));
        for (name, value) in &step.values {
            out.push_str(&format!("    {name} := {}\n", text(Some(value))));
        }
    }
    if let Some(beyond) = &event.beyond {
        out.push_str(&format!("not followed: {}: {}\n", beyond.span.of(query), beyond.why));
    }
    out.push_str(&format!("returned: {}", event.returned.map_or_else(|| "not known".to_owned(), |r| r.to_string())));
    out
}

fn part(p: &Part, query: &str, depth: usize, out: &mut String) {
    let kind = match &p.role {
        Role::All => "all ",
        Role::Any => "any ",
        Role::Not => "not ",
        Role::Named(_) => "named ",
        Role::Test | Role::Operand => "",
        Role::Needle(_) => "needle ",
        Role::Matched => "matched ",
    };
    let what = match &p.role {
        Role::Needle(sought) => format!("{:?}", sought.text),
        _ => p.span.of(query).to_owned(),
    };
    let hit = p.hit.map_or_else(String::new, |h| format!(" at {}..{}", h.start, h.end));
    let value = text(p.value.as_ref());
    out.push_str(&format!("{}{kind}{what} = {value}{hit}\n", "    ".repeat(depth)));
    p.parts.iter().for_each(|inner| part(inner, query, depth + 1, out));
}

fn text(value: Option<&Shown>) -> String {
    value.map_or_else(String::new, |v| v.json.to_string())
}
