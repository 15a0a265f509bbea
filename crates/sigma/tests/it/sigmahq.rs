//! SigmaHQ's rules over recorded events, with nothing configured: `PARALLAX_SIGMA` names a checkout of SigmaHQ/sigma,
//! `PARALLAX_HAYABUSA` one of Yamato-Security/hayabusa-sample-evtx.

use crate::corpus;
use parallax_sigma::tree::{Document, Rule};
use parallax_sigma::{Options, Rules, Scratch, applicable, read};
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Family, Report, scan, view};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A hit: which of the rules, and the event's family, code and place.
struct Hit {
    rule: usize,
    family: Family,
    code: u32,
    position: u64,
}

fn rules(files: &[PathBuf], options: &Options) -> Vec<Rule> {
    let mut rules = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).expect("a rule");
        for located in read(&text, options).documents {
            if let Document::Rule(rule) = located.document {
                rules.push(rule);
            }
        }
    }
    rules
}

fn hits(rules: &[Rule], path: &Path) -> Vec<Hit> {
    let matcher = Rules::new(rules);
    assert_eq!(matcher.refused(), []);
    let mut sorter = Sorter::new(matcher.sources());
    let mut columns = matcher.fields().to_vec();
    columns.extend(sorter.columns().iter().filter(|c| !matcher.fields().contains(c)).cloned());
    sorter.rows_of(&columns);
    let view = sorter.narrow(&view::logs(&columns));
    let report = Report::new();
    let mut scratch = Scratch::new();
    let mut hits = Vec::new();
    for source in discover(&[path.display().to_string()], &source::Options::default(), &report) {
        let read = scan::rows(&source, &view, &columns, &report, &mut |row| {
            let found = matcher.matches(|place| row.value(place), sorter.of(row), &mut scratch);
            let hit = |rule: &u32| Hit {
                rule: *rule as usize,
                family: row.kind().family,
                code: row.kind().code,
                position: row.position(),
            };
            hits.extend(found.iter().map(hit));
            ControlFlow::Continue(())
        });
        read.expect("columns of the view");
    }
    hits
}

/// A line `key: value` of a YAML text, wherever it is indented.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut lines = text.lines().map(|l| l.trim().trim_start_matches("- "));
    lines.find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(|v| v.trim().trim_matches(['\'', '"']))
}

/// More events of the file than `info.yml` counts are what the rule describes, by its text and theirs.
const MORE: [(&str, usize); 4] = [
    // user.conf.new twice and user.conf~…: each a created file whose name the rule asks for.
    ("0b9ad457-2554-44c1-82c2-d56a99c42377", 3),
    // procdump.exe, procdump64.exe and procdump64a.exe.
    ("8fbf3271-1ef6-4e94-8210-03c2317947f6", 3),
    // The zone of http, https and * of one domain.
    ("45e112d0-7759-4c2a-aa36-9f8fb79d3393", 3),
    // AutoShareServer and AutoShareWks.
    ("c7dcacd0-cc59-4004-b0a4-1d6cdebe6f3e", 2),
];

#[test]
fn regression_data_matches() {
    let Some(files) = corpus::files() else { return };
    let root = PathBuf::from(std::env::var_os("PARALLAX_SIGMA").unwrap_or_default());
    let mut by_id: BTreeMap<String, Rule> = BTreeMap::new();
    for rule in rules(&files, &Options::default()) {
        if let Some(id) = rule.meta.id.clone() {
            by_id.insert(id, rule);
        }
    }
    let mut infos = Vec::new();
    corpus::walk(&root.join("regression_data"), &mut infos);
    let (mut pairs, mut wrong) = (0, Vec::new());
    for info in infos.iter().filter(|i| i.file_name().is_some_and(|n| n == "info.yml")) {
        let text = std::fs::read_to_string(info).expect("an info");
        let Some((_, tests)) = text.split_once("regression_tests_info") else { continue };
        let (_, meta) = text.split_once("rule_metadata").expect("which rule");
        let (Some(id), Some(path)) = (value(meta, "id"), value(tests, "path")) else { continue };
        pairs += 1;
        let Some(rule) = by_id.get(id) else {
            wrong.push(format!("{id}: no such rule"));
            continue;
        };
        let found = hits(std::slice::from_ref(rule), &root.join(path)).len();
        let counted = value(tests, "match_count").and_then(|n| n.parse::<usize>().ok());
        let expected = MORE.iter().find(|(more, _)| *more == id).map(|(_, n)| *n).or(counted);
        if found == 0 || expected.is_some_and(|n| n != found) {
            wrong.push(format!("{}: {found} of {expected:?} events of {path}", rule.meta.title));
        }
    }
    eprintln!("{} of {pairs} pairs of a rule and its recorded events match", pairs - wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert!(pairs >= 202);
}

#[test]
fn process_creations_of_real_logs() {
    let Some(files) = corpus::files() else { return };
    let Some(logs) = std::env::var_os("PARALLAX_HAYABUSA").map(PathBuf::from) else {
        eprintln!("skipped: PARALLAX_HAYABUSA is not set");
        return;
    };
    let of_processes = |f: &&PathBuf| f.to_string_lossy().contains("/rules/windows/process_creation/");
    let files: Vec<PathBuf> = files.iter().filter(of_processes).cloned().collect();
    let rules = rules(&files, &Options::default());
    let hits = hits(&rules, &logs);
    let of = |family: Family| hits.iter().filter(|h| h.family == family).count();
    eprintln!(
        "{} rules: {} hits of Sysmon 1, {} of Security 4688",
        rules.len(),
        of(Family::Sysmon),
        of(Family::Security)
    );
    assert!(hits.iter().all(|h| matches!((h.family, h.code), (Family::Sysmon, 1) | (Family::Security, 4688))));
    assert!(hits.iter().all(|h| h.rule < rules.len() && h.position > 0));
    assert_eq!(of(Family::Sysmon), 672);
}

/// Every published rule can fire on some telemetry, or is named here as one that can't, with what is missing.
#[test]
fn every_rule_is_applicable_or_says_why_not() {
    let Some(files) = corpus::files() else { return };
    let rules = rules(&files, &Options::default());
    let (mut known, mut kinds) = (0, BTreeMap::<String, usize>::new());
    let mut none = Vec::new();
    for rule in &rules {
        known += usize::from(rule.logsource.is_known());
        let offers = applicable(rule);
        assert!(!offers.is_empty(), "{}: {}", rule.meta.title, rule.logsource);
        if offers.iter().all(|o| !o.can_fire) {
            let lacks: Vec<String> =
                offers.iter().map(|o| format!("{}: no {}", o.events, o.lacks.join(", "))).collect();
            none.push(format!("{} ({}): {}", rule.meta.title, rule.logsource, lacks.join("; ")));
        }
        for offer in offers.into_iter().filter(|o| o.can_fire) {
            let kind = offer.events.split([' ', '(']).next().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_default() += 1;
        }
    }
    eprintln!("{} rules, {known} of known log sources, {} can fire on nothing here:", rules.len(), none.len());
    none.iter().for_each(|n| eprintln!("  {n}"));
    eprintln!("rules that can fire on {kinds:?}");
    assert!(none.len() * 100 < rules.len(), "more than 1 of 100 rules can fire nowhere");
}
