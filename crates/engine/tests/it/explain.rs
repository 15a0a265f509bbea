//! What is said of an event must be what the query does with it.

use parallax_engine::{Context, Dialect, Error, Followed, Options, Part, Pick, Role, Session};
use std::path::{Path, PathBuf};

const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packs/T1059.011");

fn telemetry() -> Session {
    let path = Path::new(PACK).join("telemetry").display().to_string();
    let session = Session::open(&[path], Options::default()).unwrap();
    assert!(!session.sources().is_empty());
    session
}

fn now(session: &Session) -> Context {
    Context::at(session.census().latest.unwrap())
}

fn follow(session: &Session, dialect: Dialect, text: &str, pick: &str, most: usize) -> Vec<Followed> {
    match session.follow(dialect, text, &now(session), &Pick::Where(pick.to_owned()), most) {
        Ok((followed, _)) => followed,
        Err(e) => panic!("{text}: {e}"),
    }
}

fn published(name: &str) -> String {
    std::fs::read_to_string(Path::new(PACK).join("published").join(name)).unwrap()
}

/// For every recorded event: a query returns it exactly where no step drops it.
#[test]
fn what_is_followed_agrees_with_what_is_returned() {
    let session = telemetry();
    let sentinel = published("sentinel.kql");
    let sumo = published("sumo.sumo");
    let queries = [
        (Dialect::Kql, sentinel.as_str()),
        (Dialect::Kql, "DeviceProcessEvents | where FileName != 'bash' and not(ProcessCommandLine contains 'lua')"),
        (
            Dialect::Kql,
            "DeviceProcessEvents | where ProcessId > InitiatingProcessId + 1 or isnull(InitiatingProcessId)",
        ),
        (
            Dialect::Kql,
            "let P = DeviceProcessEvents | where FileName startswith 'l'; P | extend L = strlen(ProcessCommandLine) | where L between (10 .. 60) | project-away L",
        ),
        (
            Dialect::Kql,
            "DeviceProcessEvents | where FileName !in~ ('BASH', 'env') | parse ProcessCommandLine with Exe ' ' Rest | where Rest has_all ('e', 'os')",
        ),
        (
            Dialect::Kql,
            "DeviceProcessEvents | where FileName in ((DeviceProcessEvents | where ProcessCommandLine has 'whoami' | project FileName))",
        ),
        (Dialect::Sumo, sumo.as_str()),
        (Dialect::Sumo, "lua* | parse \"exe=\\\"*\\\"\" as e | where e matches \"*lua*\" or !(e contains \"bash\")"),
        (
            Dialect::Sumo,
            "(*lua* or whoami) | parse regex \"(?<word>io\\.\\w+)\" nodrop | parse regex \"(?<word>os\\.\\w+)\" | where word in (\"os.execute\", \"io.popen\")",
        ),
        (
            Dialect::Sumo,
            "* | where num(EventID) = 1 | if (Image matches \"*lua*\", 1, 0) as lua | where lua > 0 | fields Image, lua",
        ),
    ];
    for (dialect, text) in queries {
        let every = if dialect == Dialect::Kql { "true" } else { "1 = 1" };
        let followed = follow(&session, dialect, text, every, 1_000_000);
        assert!(followed.len() > 100, "{text}: {} events", followed.len());
        let mut returned = 0;
        for f in &followed {
            assert_eq!(f.beyond, None, "{text}");
            assert_eq!(f.returned, Some(f.dropped.is_none()), "{text}: {:?} at {:?}", f.source(), f.record());
            returned += usize::from(f.dropped.is_none());
        }
        assert!(returned > 0 && returned < followed.len(), "{text}: {returned} of {}", followed.len());
    }
}

/// An `and` is true where all of its parts are, and so on: the parts are those of the whole.
#[test]
fn the_parts_of_a_condition_add_up() {
    fn check(part: &Part) {
        let truth = |p: &Part| p.value.as_ref().is_some_and(|v| v.is_true());
        let conditions: Vec<&Part> =
            part.parts.iter().filter(|p| !matches!(p.role, Role::Operand | Role::Needle(_) | Role::Matched)).collect();
        match part.role {
            Role::All => assert_eq!(truth(part), conditions.iter().all(|p| truth(p))),
            Role::Any => assert_eq!(truth(part), conditions.iter().any(|p| truth(p))),
            Role::Not => assert!(!(truth(part) && truth(conditions[0]))),
            _ => {}
        }
        part.parts.iter().for_each(check);
    }
    let session = telemetry();
    for (dialect, file, every) in [(Dialect::Kql, "sentinel.kql", "true"), (Dialect::Sumo, "sumo.sumo", "1 = 1")] {
        let followed = follow(&session, dialect, &published(file), every, 1_000_000);
        followed.iter().flat_map(|f| &f.steps).flat_map(|s| &s.parts).for_each(check);
    }
}

#[test]
fn a_needle_is_placed_where_the_operator_finds_it() {
    let session = telemetry();
    // The first `lua` stands within a longer term, which `has` does not take.
    let text = "DeviceProcessEvents | extend T = strcat('xlua lua ', FileName) | where T has 'LUA' and T has_any ('no', 'Lua')";
    let followed = follow(&session, Dialect::Kql, text, "FileName == 'lua5.4'", 1);
    let parts = &followed[0].steps[1].parts[0].parts;
    let hits: Vec<_> = parts.iter().flat_map(|p| &p.parts).filter_map(|p| p.hit).map(|h| (h.start, h.end)).collect();
    assert_eq!(hits, [(5, 8), (5, 8)]);
}

#[test]
fn a_negation_tells_what_it_found_and_a_pattern_what_it_matched() {
    let session = telemetry();
    let text = "DeviceProcessEvents | where ProcessCommandLine !contains 'EXECUTE' or ProcessCommandLine matches regex @'os\\.\\w+'";
    let followed = follow(&session, Dialect::Kql, text, "ProcessCommandLine startswith 'lua5.4 -e os.execute'", 1);
    let parts: Vec<&Part> = followed[0].steps[0].parts[0].parts.iter().flat_map(|p| &p.parts).collect();
    let needle = parts.iter().find(|p| matches!(p.role, Role::Needle(_))).unwrap();
    assert_eq!(needle.hit.map(|h| h.start), Some(13));
    let matched = parts.iter().find(|p| p.role == Role::Matched).unwrap();
    assert_eq!(matched.value.as_ref().and_then(|v| v.text.as_deref()), Some("os.execute"));
}

#[test]
fn what_puts_events_together_is_not_followed() {
    let session = telemetry();
    let beyond = |dialect, text: &str, pick: &str| {
        let followed = follow(&session, dialect, text, pick, 1);
        followed[0].beyond.as_ref().map(|b| b.span.of(text).to_owned()).unwrap_or_default()
    };
    let kql = |text| beyond(Dialect::Kql, text, "true");
    assert_eq!(
        kql("DeviceProcessEvents | where true | summarize count() by FileName | where count_ > 1"),
        "summarize count() by FileName"
    );
    assert_eq!(kql("DeviceProcessEvents | take 1"), "take 1");
    assert_eq!(kql("DeviceProcessEvents | serialize | extend n = row_number()"), "extend n = row_number()");
    assert_eq!(beyond(Dialect::Sumo, "* | count by Image", "1 = 1"), "count by Image");
    assert_eq!(beyond(Dialect::Sumo, "* | limit 1", "1 = 1"), "limit 1");
}

#[test]
fn an_event_is_picked_by_its_place_or_its_time() {
    let session = telemetry();
    let context = now(&session);
    let text = "DeviceProcessEvents | where FileName has 'lua5'";
    let found = follow(&session, Dialect::Kql, text, "FileName == 'lua5.4'", 1);
    let place = Pick::At(vec![found[0].source().unwrap().to_owned()], found[0].record().unwrap());
    let (again, _) = session.follow(Dialect::Kql, text, &context, &place, 5).unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].about, found[0].about);
    let (none, _) = session.follow(Dialect::Kql, text, &context, &Pick::Between(0, 1), 5).unwrap();
    assert!(none.is_empty());
    let (all, _) = session.follow(Dialect::Kql, text, &context, &Pick::Between(0, i64::MAX), 5).unwrap();
    assert_eq!(all.len(), 5);
}

#[test]
fn what_cannot_be_followed_is_an_error() {
    let session = telemetry();
    let said = |text: &str, pick: &str| match session.follow(
        Dialect::Kql,
        text,
        &now(&session),
        &Pick::Where(pick.to_owned()),
        1,
    ) {
        Ok(_) => "followed".to_owned(),
        Err(Error::Query(all)) => all.iter().map(|d| d.message.clone()).collect(),
        Err(e) => e.to_string(),
    };
    insta::assert_snapshot!(said("print 1", "true"), @"these rows do not stand for recorded events each");
    insta::assert_snapshot!(said("DeviceProcessEvents", "Filename == 'x'"), @"in what is to be found: there is no column or variable `Filename`");
    let none = said("DeviceProcessEvents", "FileName == ");
    assert!(none.starts_with("`FileName == ` is not a condition: "), "{none}");
}

/// Every real query that plans can be explained, and followed or refused by name: of the thousands every 16th, which
/// takes seconds, and all of them, which takes minutes, where `PARALLAX_EXPLAIN_ALL` is set.
#[test]
fn real_queries_are_explained() {
    let Some(folder) = std::env::var_os("PARALLAX_SHARED").map(PathBuf::from) else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let every = if std::env::var_os("PARALLAX_EXPLAIN_ALL").is_some() { 1 } else { 16 };
    let path = Path::new(PACK).join("telemetry/auditd/t1-lua5.4.log").display().to_string();
    let session = Session::open(&[path], Options::default()).unwrap();
    for (dialect, file) in [(Dialect::Kql, "kql"), (Dialect::Sumo, "sumo")] {
        let text = std::fs::read_to_string(folder.join(format!("corpus/{file}/queries.jsonl"))).unwrap_or_default();
        let (mut explained, mut followed, mut why) = (0, 0, std::collections::BTreeMap::new());
        for line in text.lines().step_by(every) {
            let Ok(case) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let query = case["query"].as_str().unwrap_or_default();
            let context = now(&session);
            if session.explain(dialect, query, &context).is_err() {
                continue;
            }
            explained += 1;
            match session.follow(dialect, query, &context, &Pick::Between(0, i64::MAX), 2) {
                Ok((all, _)) => {
                    followed += 1;
                    for f in &all {
                        assert!(!(f.dropped.is_some() && f.returned == Some(true)), "{}", case["id"]);
                    }
                }
                Err(Error::Query(d)) => {
                    let first = d.iter().next().map_or_else(String::new, |d| d.message.clone());
                    *why.entry(first).or_insert(0) += 1;
                }
                Err(e) => panic!("{}: {e}", case["id"]),
            }
        }
        eprintln!("{file}, one of {every}: {explained} explained, {followed} followed; {why:?}");
    }
}
