//! Rules and what they are converted to, over real events: the process creations of a checkout of
//! Yamato-Security/hayabusa-sample-evtx (`PARALLAX_HAYABUSA`) and SigmaHQ's rules (`PARALLAX_SIGMA`).

use crate::sigmahq::rules;
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

/// The process creations of the recordings as lines of JSON: thousands of queries are run over them.
fn process_creations(root: &str) -> tempfile::NamedTempFile {
    let query = r#"WindowsEvent
        | where (Provider == "Microsoft-Windows-Sysmon" and EventID == 1)
            or (Provider == "Microsoft-Windows-Security-Auditing" and EventID == 4688)"#;
    let session = session(root);
    let mut execution = session.query(Dialect::Kql, query, &Context::at(0)).unwrap();
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let mut count = 0;
    for batch in &mut execution.rows {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = execution.columns.iter().zip(batch.columns());
            let object: serde_json::Map<String, serde_json::Value> =
                cells.map(|(o, c)| (o.name.clone(), value(o, c, row).json())).collect();
            writeln!(file, "{}", serde_json::Value::Object(object)).unwrap();
            count += 1;
        }
    }
    eprintln!("{count} process creations, {} bytes", file.as_file().metadata().unwrap().len());
    file
}

pub(crate) fn found(session: &Session, dialect: Dialect, text: &str) -> BTreeSet<Place> {
    let context = Context { provenance: true, ..Context::at(1_800_000_000_000_000_000) };
    let mut execution = session.query(dialect, text, &context).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let plain = Output { name: String::new(), type_name: "", encoding: Encoding::Plain };
    let visible = execution.columns.len();
    let at = |name: &str| visible + PROVENANCE.iter().position(|p| p.name == name).unwrap();
    let mut found = BTreeSet::new();
    for batch in &mut execution.rows {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let file = value(&plain, batch.column(at("$source")), row).text().unwrap_or_default().into_owned();
            let Value::Long(record) = value(&plain, batch.column(at("$record")), row) else { continue };
            found.insert((file, record));
        }
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

/// Each rule finds what its query finds, but for what a listed loss explains.
#[test]
fn rules_and_queries_find_the_same_events() {
    let (Some(files), Some(root)) = (rules("rules/windows/process_creation"), std::env::var_os("PARALLAX_HAYABUSA"))
    else {
        eprintln!("skipped: PARALLAX_SIGMA or PARALLAX_HAYABUSA is not set");
        return;
    };
    let events = process_creations(root.to_str().unwrap());
    let session = session(events.path().to_str().unwrap());
    let mut all: Vec<tree::Rule> = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let read = parallax_sigma::read(&text, &parallax_sigma::Options::default());
        all.extend(read.documents.into_iter().filter_map(|l| match l.document {
            tree::Document::Rule(rule) => Some(rule),
            _ => None,
        }));
    }
    let expected = hits(&session, &all);
    let firing = expected.iter().filter(|f| !f.is_empty()).count();
    eprintln!("{} rules, {firing} fire, {} hits", all.len(), expected.iter().map(BTreeSet::len).sum::<usize>());
    // All that fire, and of the others one of so many.
    let every: usize = std::env::var("PARALLAX_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
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
                eprintln!(
                    "{to:?} {kind}: {} (-{fewer} +{more}) {:?}",
                    rule.meta.title,
                    losses.iter().map(|l| (l.code, l.effect)).collect::<Vec<_>>()
                );
            }
            if !explained {
                wrong.push(format!("{} {to:?}: -{fewer} +{more}\n{text}", rule.meta.title));
            }
        }
    }
    for (what, n) in &counts {
        eprintln!("{n:6} {what}");
    }
    assert!(wrong.is_empty(), "{}", wrong[0].chars().take(3000).collect::<String>());
}
