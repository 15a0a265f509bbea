//! What is loaded from files, and what is said of what cannot be.

use parallax_detect::source::{Body, Found};
use parallax_detect::{Detections, Kind};
use std::fs;

fn load(files: &[(&str, &str)]) -> Detections {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let placeholders = [("users".to_owned(), vec!["ann".to_owned()])].into();
    Found::at(&[folder.path().display().to_string()], &[]).load(&placeholders)
}

fn codes(faults: &[parallax_detect::source::Fault]) -> Vec<&str> {
    faults.iter().flat_map(|f| f.diagnostics.iter().map(|d| d.code)).collect()
}

const RULE: &str =
    "logsource: { category: process_creation }\ndetection: { s: { CommandLine|contains: x }, condition: s }\n";

fn rule(head: &str) -> String {
    format!("title: {head}\n{RULE}")
}

fn correlation(name: &str, of: &str) -> String {
    format!(
        "title: {name}\nname: {name}\ncorrelation: {{ type: event_count, rules: [{of}], timespan: 1m, \
         condition: {{ gte: 2 }} }}\n"
    )
}

#[test]
fn files_by_name_whatever_they_hold() {
    let text = format!("{}---\n{}", rule("one"), rule("two"));
    let all = load(&[("b/r.yml", &text), ("a.kql", "T"), ("c.sumo", "x"), ("d.txt", "T"), (".e.kql", "T")]);
    let titles: Vec<&str> = all.rules.iter().map(|r| r.about.title.as_str()).collect();
    assert_eq!(titles, ["a", "one", "two", "c"]);
    assert_eq!((all.rules[2].about.line, all.rules[2].about.kind), (5, Kind::Sigma));
    assert!(all.faults.is_empty());
}

/// A rule that is part of a correlation is silent, unless it is to be heard; the level and the tags are those of the rules.
#[test]
fn correlations_take_their_rules() {
    let base = rule("base\nname: base\nlevel: high\ntags: [attack.t1059]");
    let all = load(&[("r.yml", &format!("{base}---\n{}", correlation("c", "base")))]);
    let reports: Vec<bool> = all.rules.iter().map(|r| r.reports()).collect();
    assert_eq!(reports, [false, true]);
    assert_eq!((all.rules[1].about.severity.word(), &all.rules[1].about.attack[0][..]), ("high", "T1059"));
    for generates in ["generate: true\ncorrelation: {", "correlation: { generate: true,"] {
        let heard = correlation("c", "base").replace("correlation: {", generates);
        let all = load(&[("r.yml", &format!("{base}---\n{heard}"))]);
        assert!(all.rules.iter().all(|r| r.reports()), "{:?}", all.faults);
    }
}

#[test]
fn references_to_nothing_and_circles_are_told() {
    let text = [
        correlation("a", "b"),
        correlation("b", "a"),
        correlation("c", "nowhere"),
        correlation("d", "c"),
        rule("fine"),
    ];
    let all = load(&[("r.yml", &text.join("---\n"))]);
    assert_eq!(all.rules.iter().map(|r| r.about.title.as_str()).collect::<Vec<_>>(), ["fine"]);
    assert_eq!(codes(&all.faults), ["DETECT0005", "DETECT0006", "DETECT0006", "DETECT0005"]);
}

#[test]
fn filters_are_joined_to_the_rules_that_they_name() {
    let filter = "title: f\nlogsource: { category: process_creation }\n\
                  filter: { rules: [one], s: { User|expand: '%users%' }, condition: not s }\n";
    let all = load(&[("r.yml", &format!("{}---\n{}", rule("1\nname: one"), rule("2\nname: two"))), ("f.yml", filter)]);
    let filters = |at: usize| match &all.rules[at].body {
        Body::Sigma(rule) => rule.filters.len(),
        _ => usize::MAX,
    };
    assert_eq!((filters(0), filters(1), all.filters), (1, 0, 1), "{:?}", all.faults);
}

#[test]
fn analytics_rules_with_faults() {
    let good = "id: a\nname: A\nquery: T\nkind: Scheduled\nqueryFrequency: 1h\nqueryPeriod: 1h\n";
    let all = load(&[
        ("1.yaml", good),
        ("2.yaml", &good.replace("1h", "often")),
        ("3.yaml", &good.replace("Scheduled", "Fusion")),
        ("4.yaml", &format!("{good}triggerOperator: about\ntriggerThreshold: many\n")),
        ("5.yaml", &format!("{good}suppresion: 1h\nmetadata:\nsource:\n  kind: Community\n")),
        ("6.yaml", "id: h\nname: H\nquery: T\ntactics: [Execution]\n"),
        ("7.yaml", "hosts: [a]\n"),
    ]);
    let kinds: Vec<(&str, Kind)> = all.rules.iter().map(|r| (r.about.name.as_str(), r.about.kind)).collect();
    assert_eq!(kinds, [("a", Kind::Scheduled), ("a~2", Kind::Scheduled), ("h", Kind::Query)]);
    assert_eq!(codes(&all.faults), ["DETECT0024", "DETECT0024", "DETECT0013", "DETECT0020", "DETECT0021"]);
    assert_eq!(codes(&all.remarks), ["DETECT0019", "DETECT0003"]);
    assert_eq!(all.passed_over.len(), 1);
}
