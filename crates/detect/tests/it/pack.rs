//! Reading packs: what is refused, and how it is said.

use parallax_detect::Pack;
use parallax_detect::pack::{CaseKind, Outcome, QueryOf, Reference, Role, Rows, bind, unknown_lists};
use parallax_engine::Config;
use std::fs;

const GOOD: &str = r#"format: 1
id: T1059.011
title: Lua
version: 1.0
technique: { id: T1059.011, name: Lua, tactics: [Execution] }
detections:
  - id: sentinel
    title: Lua, KQL
    query: q.kql
    severity: medium
    confidence: low
cases:
  - id: one
    title: It runs
    kind: attack
    telemetry: [a.log]
    signals:
      - { title: seen, kql: DeviceProcessEvents, exactly: 2 }
    expect:
      - { detection: sentinel, outcome: fires, findings: 1 }
"#;

fn open(manifest: &str) -> Result<Pack, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pack.yaml"), manifest).unwrap();
    fs::write(folder.path().join("q.kql"), "DeviceProcessEvents\n").unwrap();
    fs::write(folder.path().join("a.log"), "").unwrap();
    Pack::open(folder.path()).map_err(|e| e.to_string().replace(&folder.path().display().to_string(), "PACK"))
}

/// The message for the good manifest with one piece replaced.
fn refused(piece: &str, by: &str) -> String {
    assert!(GOOD.contains(piece), "{piece}");
    open(&GOOD.replacen(piece, by, 1)).map(|_| ()).expect_err("refused")
}

#[test]
fn a_good_pack() {
    let pack = open(GOOD).unwrap();
    assert_eq!(pack.version, "1.0");
    let d = pack.detection("sentinel").unwrap();
    assert_eq!((d.dialect.as_str(), d.query.as_str()), ("kql", "DeviceProcessEvents\n"));
    assert_eq!(d.attack, ["T1059.011"]);
    let case = &pack.cases[0];
    assert_eq!((case.kind, case.now), (CaseKind::Attack, Reference::LatestEvent));
    assert_eq!(case.signals[0].rows, Rows::Exactly(2));
    assert_eq!(case.expect[0].outcome, Outcome::Fires(Some(1)));
}

#[test]
fn refusals_have_places() {
    let cases = [
        ("title: Lua, KQL", "titel: Lua, KQL"),
        ("severity: medium", "severity: meduim"),
        ("query: q.kql", "query: ../q.kql"),
        ("query: q.kql", "query: other.kql"),
        ("query: q.kql", "query: q.txt"),
        ("[a.log]", "[b.log]"),
        ("detection: sentinel", "detection: sentinle"),
        ("outcome: fires, findings: 1", "outcome: misses"),
        ("outcome: fires, findings: 1", "outcome: silent"),
        ("outcome: fires, findings: 1", "outcome: fires, findings: 0"),
        ("exactly: 2", "sumo: x"),
        ("format: 1", "format: 3"),
        ("id: T1059.011, name", "id: T1059.11, name"),
        ("kind: attack", "kind: attack\n    now: yesterday"),
        ("cases:", "cases: {"),
    ];
    let all: Vec<_> = cases.iter().map(|(a, b)| format!("# {a} -> {b}\n{}", refused(a, b))).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

/// Format 2 with one of everything.
const WHOLE: &str = r##"format: 2
id: T1059.011
title: Lua
version: 1.0
technique: { id: T1059.011, name: Lua, tactics: [Execution] }
behaviours:
  - { id: shell, title: A shell of an interpreter }
detections:
  - { id: shell-kql, title: Shell, query: q.kql, role: hardened, behaviour: shell, severity: low, confidence: low }
  - { id: shell-sumo, title: Shell, query: q.sumo, role: hardened, behaviour: shell, severity: low, confidence: low }
  - { id: shell-sigma, title: Shell, query: q.yml, filters: [f.yml], role: hardened, behaviour: shell, severity: low, confidence: low }
  - { id: page, title: Page, query: p.kql, role: published, behaviour: shell, severity: low, confidence: low }
lists:
  - id: allow
    file: allow.csv
    watchlist: Allowed
    search_key: Value
    lookup: 'path://"/Library/Allowed"'
    placeholders: { names: [scripts, hosts], name: List, value: Value, expires: Expires }
hunts:
  - { id: parents, title: Parents, purpose: Who starts it, kql: q.kql, sumo: q.sumo }
documents:
  guide: docs/guide.md
atomics: [atomics.yaml]
cases:
  - id: one
    title: It runs
    kind: attack
    atomic: Run a command
    method: plain
    telemetry: [a.log]
    lists: { allow: example.csv }
    signals:
      - { title: seen, kql: DeviceProcessEvents, exactly: 2 }
    expect:
      - { behaviour: shell, outcome: silent }
      - { detection: [page], outcome: fires }
  - id: two
    title: It looks so
    kind: benign
    telemetry: [a.log]
    expect: []
    others: nothing
"##;

const GUIDE: &str =
    "# Guide\n\nSee [the list](../allow.csv), [below](#pivots).\n\n## Pivots\n\n```kql\nT | take 1\n```\n";
const ALLOW: &str = "List,Value,Expires\nscripts,/opt/a.lua,\nhosts,build*,2026-01-01\n";
const ATOMICS: &str =
    "attack_technique: T1059.011\natomic_tests:\n  - name: Run a command\n    executor: { name: sh, command: id }\n";

/// The whole pack with changes: a file's name (or `pack.yaml`), a piece of it, and what stands there instead.
fn whole(changes: &[(&str, &str, &str)]) -> Result<Pack, String> {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("pack.yaml", WHOLE),
        ("q.kql", "DeviceProcessEvents\n"),
        ("p.kql", "DeviceProcessEvents\n"),
        ("q.sumo", "*\n"),
        ("q.yml", "title: Shell\n"),
        ("f.yml", "title: Filter\n"),
        ("allow.csv", ALLOW),
        ("example.csv", ALLOW),
        ("docs/guide.md", GUIDE),
        ("atomics.yaml", ATOMICS),
        ("a.log", ""),
    ];
    fs::create_dir(folder.path().join("docs")).unwrap();
    for (name, text) in files {
        let mut text = text.to_owned();
        for (_, piece, by) in changes.iter().filter(|(n, ..)| *n == name) {
            assert!(text.contains(piece), "{piece}");
            text = text.replacen(piece, by, 1);
        }
        fs::write(folder.path().join(name), text).unwrap();
    }
    let pack = Pack::open(folder.path());
    let pack = pack.map_err(|e| e.to_string().replace(&folder.path().display().to_string(), "PACK"));
    // What is read later is read from the folder.
    pack.inspect(|_| _ = folder.keep())
}

#[test]
fn a_whole_pack() {
    let pack = whole(&[]).unwrap();
    let dialects: Vec<_> = pack.detections.iter().map(|d| (d.dialect.as_str(), d.role)).collect();
    assert_eq!(dialects[2..], [("sigma", Some(Role::Hardened)), ("kql", Some(Role::Published))]);
    assert_eq!(pack.detections[2].query, "title: Shell\n---\ntitle: Filter\n");
    let expected: Vec<_> = pack.cases[0].expect.iter().map(|e| e.outcome).collect();
    assert_eq!(expected, [Outcome::Silent, Outcome::Silent, Outcome::Silent, Outcome::Fires(None)]);
    assert!(pack.cases[1].expect.iter().all(|e| e.outcome == Outcome::Nothing));
    assert_eq!((pack.method(&pack.cases[0]), pack.method(&pack.cases[1])), ("plain", "It looks so"));
    let queries: Vec<_> = pack.queries().iter().map(|q| (q.of, q.dialect.to_owned())).collect();
    assert_eq!(queries.len(), 4 + 2 + 1 + 1);
    assert_eq!(queries[7], (QueryOf::Document, "kql".to_owned()));
    assert_eq!(pack.atomics[0].tests[0].name, "Run a command");
}

#[test]
fn lists_are_bound_for_every_language() {
    let pack = whole(&[]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let config = bind(&[&pack], None, &Config::default(), scratch.path()).unwrap();
    assert_eq!(config.kql.watchlists["Allowed"].search_key.as_deref(), Some("Value"));
    assert!(config.sumo.lookups["/Library/Allowed"].ends_with("allow.csv"));
    let day = 86_400_000_000_000;
    let (before, after) = (20_453 * day, 20_454 * day);
    assert_eq!(config.placeholder("hosts", before).as_deref(), Some(&["build*".to_owned()][..]));
    assert_eq!(config.placeholder("hosts", after).as_deref(), Some(&[][..]));
    assert_eq!(config.placeholder("others", 0), None);
    // The user's file takes the place of the pack's; a test's own takes the place of both.
    let mine = scratch.path().join("mine.csv");
    fs::write(&mine, "List,Value,Expires\n").unwrap();
    let user = Config { lists: [("allow".to_owned(), mine.clone())].into(), ..Config::default() };
    let config = bind(&[&pack], None, &user, scratch.path()).unwrap();
    assert_eq!(config.kql.watchlists["Allowed"].file, mine);
    assert_eq!(config.placeholder("scripts", 0).as_deref(), Some(&[][..]));
    let config = bind(&[&pack], Some(&pack.cases[0]), &user, scratch.path()).unwrap();
    assert!(config.kql.watchlists["Allowed"].file.ends_with("example.csv"));
    fs::write(&mine, "List,Value\n").unwrap();
    let said = bind(&[&pack], None, &user, scratch.path()).unwrap_err().to_string();
    assert!(said.ends_with("it has no column `Expires`, which the list `allow` needs"), "{said}");
    assert_eq!(
        unknown_lists(&[&pack], &Config { lists: [("alow".to_owned(), mine)].into(), ..Config::default() }).len(),
        1
    );
}

#[test]
fn refusals_of_a_whole_pack_have_places() {
    let cases: &[(&str, &str, &str)] = &[
        ("pack.yaml", "format: 2", "format: 1"),
        ("pack.yaml", "format: 2", "format: 3"),
        ("pack.yaml", "[f.yml], role: hardened, behaviour: shell", "[f.yml], role: hardened, behaviour: shel"),
        ("pack.yaml", "query: q.sumo", "query: q.sumo, filters: [f.yml]"),
        ("pack.yaml", "role: published", "role: publised"),
        ("pack.yaml", "kql: q.kql, sumo: q.sumo }", "kql: q.sumo, sumo: gone.sumo }"),
        ("pack.yaml", ", kql: q.kql, sumo: q.sumo }", " }"),
        ("pack.yaml", "search_key: Value", "search_key: Valu"),
        ("pack.yaml", "names: [scripts, hosts]", "names: [scripts, host]"),
        ("pack.yaml", "names: [scripts, hosts], name: List", "names: [scripts, hosts]"),
        ("allow.csv", "hosts,build*,2026-01-01", "hosts,build*"),
        ("allow.csv", "2026-01-01", "soon"),
        ("example.csv", "List,Value,Expires", "List,Value,Until"),
        ("pack.yaml", "lists: { allow: example.csv }", "lists: { alow: example.csv }"),
        ("pack.yaml", "atomic: Run a command", "atomic: Run the command"),
        ("pack.yaml", "detection: [page]", "detection: [page, shell-kqll]"),
        ("pack.yaml", "detection: [page]", "detection: [page, shell-kql]"),
        ("pack.yaml", "others: nothing", "others: silent"),
        ("pack.yaml", "    others: nothing\n", ""),
        ("docs/guide.md", "../allow.csv", "../deny.csv"),
        ("docs/guide.md", "(#pivots)", "(#pivot) and [x](../../x.md) and [y](javascript:alert)"),
        ("atomics.yaml", "command: id", "cleanup_command: id"),
        ("atomics.yaml", "name: sh", "name: fish"),
    ];
    let said = |(file, piece, by): &(&str, &str, &str)| {
        let refused = whole(&[(file, piece, by)]).map(|_| ()).expect_err("refused");
        format!("# {file}: {} -> {}\n{refused}", piece.trim(), by.trim())
    };
    insta::assert_snapshot!(cases.iter().map(said).collect::<Vec<_>>().join("\n\n"));
}
