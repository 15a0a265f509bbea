//! Cases of correlations: a data file.

use parallax_sigma::correlate::{Correlator, Match, Member, Wanted};
use parallax_sigma::tree::{Correlation, Document};
use std::collections::BTreeSet;
use std::rc::Rc;

const CASES: &str = include_str!("../cases/correlate.txt");
const SECOND: i64 = 1_000_000_000;

#[test]
fn cases() {
    let mut wrong = Vec::new();
    for case in CASES.split("=== ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let (given, wanted) = rest.split_once("=>\n").unwrap();
        let found = run(given);
        let wanted: BTreeSet<String> = wanted.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect();
        if found != wanted {
            wrong.push(format!("{title}\n  found  {found:#?}\n  wanted {wanted:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(given: &str) -> BTreeSet<String> {
    let mut parts: Vec<&str> = given.split("---\n").collect();
    let events = parts.pop().unwrap();
    let text = parts.iter().map(|p| format!("title: t\n{}", named(p))).collect::<Vec<_>>().join("---\n");
    let documents = parallax_sigma::parse(&text).unwrap_or_else(|e| panic!("{text}\n{e:#?}"));
    let correlations: Vec<Correlation> = documents
        .into_iter()
        .map(|d| match d {
            Document::Correlation(c) => c,
            other => panic!("{other:?}"),
        })
        .collect();
    let mut names: Vec<String> = correlations.iter().filter_map(|c| c.meta.name.clone()).collect();
    for rule in correlations.iter().flat_map(|c| &c.rules) {
        if !names.contains(rule) {
            names.push(rule.clone());
        }
    }
    let place = |name: &str| names.iter().position(|n| n == name).unwrap();
    // Each after those that it takes: they are written the other way round.
    let wanted: Vec<Wanted<'_>> = (0..correlations.len())
        .rev()
        .map(|at| {
            let of = correlations[at].rules.iter();
            let of = of.map(|r| Member { index: place(r), names: vec![r.clone()] }).collect();
            Wanted { index: at, rule: &correlations[at], of }
        })
        .collect();
    let mut correlator = Correlator::new(&wanted).unwrap();
    let mut found = BTreeSet::new();
    let mut events: Vec<_> = events.lines().map(event).collect();
    events.sort_by_key(|e| e.0);
    let unit = if given.contains("\n0m failed") { "0m" } else { "0s" };
    for (n, (time, rule, fields)) in events.iter().enumerate() {
        let value = |name: &str| fields.iter().find(|(f, _)| *f == name).map(|(_, v)| Rc::from(*v));
        correlator.take(place(rule), *time, n, &value, &mut |m| _ = found.insert(show(&m, &names, unit)));
    }
    correlator.finish(&mut |m| _ = found.insert(show(&m, &names, unit)));
    found
}

/// The name stands in the correlation, for it to be short.
fn named(part: &str) -> String {
    let name = part.lines().find_map(|l| l.trim().strip_prefix("name: ")).unwrap();
    let rest: Vec<&str> = part.lines().filter(|l| !l.trim().starts_with("name: ")).collect();
    format!("name: {name}\n{}\n", rest.join("\n"))
}

type Event<'a> = (i64, &'a str, Vec<(&'a str, &'a str)>);

fn event(line: &str) -> Event<'_> {
    let mut words = line.split_whitespace();
    let (time, rule) = (words.next().unwrap(), words.next().unwrap());
    (instant(time), rule, words.map(|w| w.split_once('=').unwrap()).collect())
}

fn instant(text: &str) -> i64 {
    let (n, unit) = text.split_at(text.len() - 1);
    n.parse::<i64>().unwrap() * if unit == "m" { 60 * SECOND } else { SECOND }
}

/// Whole minutes as such, as the cases have them.
fn show(found: &Match<usize>, names: &[String], zero: &str) -> String {
    let group: Vec<String> = found.group.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let time = |t: i64| match t / SECOND {
        0 => zero.to_owned(),
        60 if zero == "0s" && names[found.correlation] == "many" => "60s".to_owned(),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    };
    let (from, to) = found.time;
    let name = &names[found.correlation];
    format!("{name} {} {} {}..{} {}", group.join(","), found.count, time(from), time(to), found.number)
}
