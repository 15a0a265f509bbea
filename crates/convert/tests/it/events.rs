//! Rules and what they are converted to, over real events: the process creations of a checkout of
//! Yamato-Security/hayabusa-sample-evtx (`PARALLAX_HAYABUSA`) and SigmaHQ's rules (`PARALLAX_SIGMA`).

use crate::sigmahq::rules;
use arrow::record_batch::RecordBatch;
use parallax_convert::{Converted, Language, Losses, Options, convert, sigma};
use parallax_engine::value::{Value, value};
use parallax_engine::{Context, Dialect, Encoding, HitsAsked, Output, PROVENANCE, Session};
use parallax_sigma::{Rules, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

type Place = (String, i64);

fn session(path: &str) -> Session {
    Session::open(&[path.to_owned()], parallax_engine::Options::default()).unwrap()
}

/// Windows events of the recordings as lines of JSON, those that are wanted: thousands of queries are run over them.
fn extract(root: &str, query: &str, wanted: impl Fn(usize, &Place) -> bool) -> tempfile::NamedTempFile {
    let session = session(root);
    let context = Context { provenance: true, ..Context::at(0) };
    let mut execution = session.query(Dialect::Kql, query, &context).unwrap();
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let (mut count, mut all) = (0, 0);
    let visible = execution.columns.len();
    for batch in &mut execution.rows {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            all += 1;
            if !wanted(all, &place(&batch, visible, row)) {
                continue;
            }
            let cells = execution.columns.iter().zip(batch.columns());
            let object: serde_json::Map<String, serde_json::Value> =
                cells.map(|(o, c)| (o.name.clone(), value(o, c, row).json())).collect();
            writeln!(file, "{}", serde_json::Value::Object(object)).unwrap();
            count += 1;
        }
    }
    eprintln!("{count} events of {all}, {} bytes", file.as_file().metadata().unwrap().len());
    file
}

/// Where the event behind a row stands.
fn place(batch: &RecordBatch, visible: usize, row: usize) -> Place {
    let plain = Output { name: String::new(), type_name: "", encoding: Encoding::Plain };
    let at = |name: &str| visible + PROVENANCE.iter().position(|p| p.name == name).unwrap();
    let file = value(&plain, batch.column(at("$source")), row).text().unwrap_or_default().into_owned();
    let Value::Long(record) = value(&plain, batch.column(at("$record")), row) else { return (file, -1) };
    (file, record)
}

pub(crate) fn found(session: &Session, dialect: Dialect, text: &str) -> BTreeSet<Place> {
    let context = Context { provenance: true, ..Context::at(1_800_000_000_000_000_000) };
    let mut execution = session.query(dialect, text, &context).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let visible = execution.columns.len();
    let mut found = BTreeSet::new();
    for batch in &mut execution.rows {
        let batch = batch.unwrap();
        found.extend((0..batch.num_rows()).map(|row| place(&batch, visible, row)));
    }
    found
}

pub(crate) fn hits(session: &Session, rules: &[tree::Rule]) -> Vec<BTreeSet<Place>> {
    let mut found = vec![BTreeSet::new(); rules.len()];
    let asked = HitsAsked { rules: Arc::new(Rules::new(rules)), wanted: Vec::new(), reasons: false, census: false };
    let each = &mut |hit: parallax_engine::Hit| {
        for rule in &hit.rules {
            found[*rule as usize].insert((hit.event.source.clone(), hit.event.record.unwrap_or(-1)));
        }
        ControlFlow::Continue(())
    };
    session.hits(asked, each).unwrap();
    found
}

/// The rules below a folder of the checkout, and the folder of the recordings.
fn given(folder: &str) -> Option<(Vec<tree::Rule>, String)> {
    let (Some(files), Some(root)) = (rules(folder), std::env::var_os("PARALLAX_HAYABUSA")) else {
        eprintln!("skipped: PARALLAX_SIGMA or PARALLAX_HAYABUSA is not set");
        return None;
    };
    let mut all: Vec<tree::Rule> = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let read = parallax_sigma::read(&text, &parallax_sigma::Options::default());
        all.extend(read.documents.into_iter().filter_map(|l| match l.document {
            tree::Document::Rule(rule) => Some(rule),
            _ => None,
        }));
    }
    Some((all, root.to_str().unwrap().to_owned()))
}

/// Runs each rule that fires, and of the others one of so many, as it is and converted. What no loss explains is wrong.
fn compared(all: &[tree::Rule], events: &tempfile::NamedTempFile, every: usize) {
    let session = session(events.path().to_str().unwrap());
    let expected = hits(&session, all);
    let firing = expected.iter().filter(|f| !f.is_empty()).count();
    eprintln!("{} rules, {firing} fire, {} hits", all.len(), expected.iter().map(BTreeSet::len).sum::<usize>());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (n, (rule, expected)) in all.iter().zip(&expected).enumerate() {
        if expected.is_empty() && n % every != 0 {
            continue;
        }
        let detection = sigma::of_rule(rule);
        for (to, dialect) in [(Language::Kql, Dialect::Kql), (Language::Sumo, Dialect::Sumo)] {
            let Ok(Converted { text, losses }) = convert(&detection, Losses::default(), to, &Options::default()) else {
                *counts.entry(format!("{to:?} refused")).or_default() += 1;
                continue;
            };
            let found = found(&session, dialect, &text);
            let fewer = expected.difference(&found).count();
            let more = found.difference(expected).count();
            let explained = (fewer == 0 || losses.iter().any(|l| l.effect.explains_fewer()))
                && (more == 0 || losses.iter().any(|l| l.effect.explains_more()));
            let kind = match (fewer + more, explained) {
                (0, _) => "same",
                (_, true) => "differs as a loss explains",
                _ => "differs",
            };
            *counts.entry(format!("{to:?} {kind}")).or_default() += 1;
            *counts.entry(format!("{to:?} events")).or_default() += found.len();
            if fewer + more > 0 {
                let losses: BTreeSet<String> =
                    losses.iter().map(|l| format!("{} {}", l.code, l.effect.word())).collect();
                eprintln!("{to:?} {kind}: {} (-{fewer} +{more}) {losses:?}", rule.meta.title);
            }
            if !explained {
                wrong.push(format!("{} {to:?}: -{fewer} +{more}\n{text}", rule.meta.title));
            }
        }
    }
    for (what, n) in &counts {
        eprintln!("{n:6} {what}");
    }
    assert!(wrong.is_empty(), "{} differ; {}", wrong.len(), wrong[0].chars().take(3000).collect::<String>());
}

/// Of the rules that do not fire one of so many is run.
fn every() -> usize {
    std::env::var("PARALLAX_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// Each rule on process creations finds what its queries find, but for what a listed loss explains.
#[test]
fn rules_on_processes_and_queries_find_the_same_events() {
    let Some((all, root)) = given("rules/windows/process_creation") else { return };
    let query = r#"WindowsEvent
        | where (Provider == "Microsoft-Windows-Sysmon" and EventID == 1)
            or (Provider == "Microsoft-Windows-Security-Auditing" and EventID == 4688)"#;
    compared(&all, &extract(&root, query, |_, _| true), every());
}

/// And so do the other rules for Windows: over all events that any rule finds, and one of fifty of the others.
#[test]
fn other_rules_and_queries_find_the_same_events() {
    let Some((mut all, root)) = given("rules/windows") else { return };
    all.retain(|r| r.logsource.category.as_deref() != Some("process_creation"));
    let any: BTreeSet<Place> = hits(&session(&root), &all).into_iter().flatten().collect();
    compared(&all, &extract(&root, "WindowsEvent", |n, place| n % 50 == 0 || any.contains(place)), every());
}
