//! A rule as a query and the same rule among many: the same events.

use parallax_engine::{Context, Dialect, HitsAsked, Options, PROVENANCE, Session};
use parallax_sigma::tree::Document;
use parallax_sigma::{Rules, read_with};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Places = Vec<(String, i64)>;

/// The places of the events that a rule returns as a query.
fn by_plan(session: &Session, rule: &str) -> Result<Places, String> {
    let context = Context { provenance: true, ..Context::at(0) };
    let execution = session.query(Dialect::Sigma, rule, &context).map_err(|e| e.to_string())?;
    let mut places = Places::new();
    let visible = execution.columns.len();
    for batch in execution.rows {
        let batch = batch.map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            let text = |hidden: usize| {
                let output = parallax_engine::Output {
                    name: PROVENANCE[hidden].name.to_owned(),
                    type_name: "",
                    encoding: parallax_engine::Encoding::Plain,
                };
                parallax_engine::value::value(&output, batch.column(visible + hidden), row)
                    .text()
                    .unwrap_or_default()
                    .into_owned()
            };
            places.push((text(0), text(1).parse().map_err(|_| "no place")?));
        }
    }
    places.sort();
    Ok(places)
}

/// The places of the events that the rule among many returns.
fn by_matcher(session: &Session, rule: &str) -> Places {
    let read = read_with(rule, &|_| Some(Vec::new()));
    let rules: Vec<_> = read
        .documents
        .into_iter()
        .filter_map(|l| if let Document::Rule(rule) = l.document { Some(rule) } else { None })
        .collect();
    let rules = Arc::new(Rules::new(&rules));
    let mut places = Places::new();
    let asked = HitsAsked { rules, wanted: Vec::new(), reasons: false, census: false };
    let seen = session.hits(asked, &mut |hit| {
        places.push((hit.event.source.clone(), hit.event.record.unwrap_or(-1)));
        ControlFlow::Continue(())
    });
    seen.expect("hits");
    places.sort();
    places
}

fn session(path: &Path) -> Session {
    Session::open(&[path.display().to_string()], Options::default()).expect("a session")
}

fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
    out.sort();
}

/// Rules of a few kinds over audit records that were recorded.
#[test]
fn a_query_and_a_rule_among_many_find_the_same_events() {
    let telemetry = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011/telemetry/auditd");
    let session = session(&telemetry);
    let rule = |detection: &str| {
        format!("title: T\nlogsource: {{product: linux, category: process_creation}}\ndetection:\n{detection}")
    };
    let rules = [
        rule("  a:\n    Image|endswith: '/LUA5.4'\n  condition: a\n"),
        rule(
            "  a:\n    Image|re: 'lua[0-9.]*$'\n  b:\n    CommandLine|contains|windash: ' -e '\n  condition: a and not b\n",
        ),
        rule(
            "  a:\n    - CommandLine|contains: [os.execute, io.popen]\n    - ParentImage|fieldref: Image\n  condition: a\n",
        ),
        rule("  a: [whoami, '*lua*-e*']\n  condition: a\n"),
        rule(
            "  a:\n    Image: '*'\n    User|exists: true\n  b:\n    Image|startswith: /usr\n  condition: a and not b\n",
        ),
        rule("  a:\n    Absent: null\n  condition: a\n"),
    ];
    let mut found = 0;
    for rule in &rules {
        let places = by_plan(&session, rule).unwrap_or_else(|e| panic!("{e}\n{rule}"));
        assert_eq!(places, by_matcher(&session, rule), "{rule}");
        found += usize::from(!places.is_empty());
    }
    assert_eq!(found, rules.len(), "there are events of each rule");
}

/// `PARALLAX_SIGMA`: every rule that has a recorded event, over that event.
#[test]
fn published_rules_as_queries_over_the_events_recorded_for_them() {
    let Some(root) = std::env::var_os("PARALLAX_SIGMA").map(PathBuf::from) else {
        eprintln!("skipped: PARALLAX_SIGMA is not set");
        return;
    };
    let mut rules = Vec::new();
    for entry in std::fs::read_dir(&root).expect("the checkout").flatten() {
        if entry.file_name().to_string_lossy().starts_with("rules") {
            files(&entry.path(), "yml", &mut rules);
        }
    }
    let mut by_id: BTreeMap<String, String> = BTreeMap::new();
    for file in rules {
        let text = std::fs::read_to_string(file).expect("a rule");
        if let Some(id) = text.lines().find_map(|l| l.strip_prefix("id: ")) {
            by_id.insert(id.trim().to_owned(), text);
        }
    }
    let mut recorded = Vec::new();
    files(&root.join("regression_data"), "evtx", &mut recorded);
    let (mut same, mut wrong) = (0, Vec::new());
    for file in &recorded {
        let id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some(rule) = by_id.get(&id) else { continue };
        let session = session(file);
        match by_plan(&session, rule) {
            Ok(places) if !places.is_empty() && places == by_matcher(&session, rule) => same += 1,
            Ok(places) => wrong.push(format!("{}: {places:?}, {:?}", file.display(), by_matcher(&session, rule))),
            Err(e) => wrong.push(format!("{}: {e}", file.display())),
        }
    }
    eprintln!("{same} of {} recorded files: the same events by query and matcher", recorded.len());
    assert!(wrong.is_empty() && same > 150, "{}", wrong.join("\n"));
}
