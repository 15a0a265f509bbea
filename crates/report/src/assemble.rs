//! From packs, runs and tests to what a report shows of them.

use crate::attack;
use crate::evidence::{self, Place, Processes};
use crate::model::{Ended, Entry, Hunt, Inputs, PackPage, Page, Read, Reason, RunLine, Technique, TestLine, Text};
use parallax_detect::pack::{Case, Detection, DocumentKind, Outcome, Pack};
use parallax_detect::source::Body;
use parallax_detect::test::{Actual, CaseResult};
use parallax_detect::{About, DetectionRun, Detections, Finding, Kind, Reading, RunOutcome, TIMES, applies};
use parallax_diagnostics::Style;
use parallax_engine::{Context, Dialect, Error, Session};
use parallax_sigma::applicable;
use std::collections::{BTreeMap, HashMap};

/// A pack's own page. `results` are those of its cases, where they were run.
pub fn pack_page(pack: &Pack, results: Option<&[CaseResult]>) -> PackPage {
    PackPage {
        id: pack.id.clone(),
        title: format!("{}: {}", pack.technique.id, pack.title),
        version: pack.version.clone(),
        summary: pack.summary.clone(),
        documents: pack
            .documents
            .iter()
            .map(|d| Text { title: document(d.kind).to_owned(), path: d.path.clone(), text: d.text.clone() })
            .collect(),
        hunts: pack
            .hunts
            .iter()
            .map(|h| Hunt {
                title: h.title.clone(),
                purpose: h.purpose.clone(),
                reading: h.reading.clone(),
                queries: h.queries.iter().map(|q| (q.dialect.clone(), q.text.clone())).collect(),
            })
            .collect(),
        tested: results.map(|all| (all.iter().filter(|r| r.holds()).count(), all.len())),
    }
}

fn document(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Guide => "Investigation guide",
        DocumentKind::Playbook => "Response playbook",
        DocumentKind::Tuning => "Tuning",
        DocumentKind::References => "References",
        DocumentKind::Changelog => "Changes",
        DocumentKind::Readme => "About this pack",
    }
}

/// A detection's page: of the rule at that place. `session` has the inputs, or none; `results` are those of a pack's
/// cases, where they were run.
pub fn page<'r>(
    session: &Session,
    detections: &Detections,
    at: usize,
    results: &dyn Fn(&str) -> Option<&'r [CaseResult]>,
) -> Page {
    let rule = &detections.rules[at];
    let about = &rule.about;
    let pack = about.pack.as_ref().and_then(|id| detections.packs.iter().find(|p| p.id == *id));
    let own = pack.zip(about.name.split('/').nth(1)).and_then(|(pack, id)| Some((pack, pack.detection(id)?)));
    let name =
        |id: &String| pack.filter(|p| p.technique.id == *id).map_or_else(String::new, |p| p.technique.name.clone());
    let techniques = about.attack.iter().map(|id| Technique { id: id.clone(), name: name(id) });
    let given = |name: &str, value: &Option<String>| value.as_ref().map(|v| (name.to_owned(), v.clone()));
    let mut facts: Vec<(String, String)> = [
        given("Id", &about.id),
        given("Status", &about.status),
        given("Author", &about.author),
        given("Date", &about.date),
        given("Modified", &about.modified),
        given("Version", &about.version),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some((pack, detection)) = own {
        facts.extend(detection.role.map(|r| ("Role".to_owned(), r.word().to_owned())));
        let behaviour = pack.behaviours.iter().find(|b| Some(&b.id) == detection.behaviour.as_ref());
        facts.extend(behaviour.map(|b| ("Behaviour".to_owned(), b.title.clone())));
    }
    Page {
        rule: about.name.clone(),
        title: about.title.clone(),
        description: about.description.clone(),
        dialect: about.dialect.name().to_owned(),
        text: about.text.clone(),
        file: about.place(),
        severity: about.severity,
        confidence: about.confidence,
        techniques: techniques.filter(|t| attack::is_technique(&t.id)).collect(),
        tactics: about.tactics.clone(),
        data_sources: about.data_sources.clone(),
        reads: reads(session, detections, at),
        events: match &rule.body {
            Body::Sigma(rule) => applicable(&rule.rule).into_iter().map(|a| (a.events, a.can_fire, a.lacks)).collect(),
            _ => Vec::new(),
        },
        false_positives: about.false_positives.clone(),
        references: about.references.clone(),
        facts,
        tests: own.map_or_else(Vec::new, |(pack, detection)| tests(pack, detection, results(&pack.id))),
        pack: about.pack.clone(),
    }
}

/// What a rule reads, and whether these inputs offer it.
fn reads(session: &Session, detections: &Detections, at: usize) -> Vec<Read> {
    let rule = &detections.rules[at];
    let source = match &rule.body {
        Body::Query | Body::Sentinel(_) => return tables(session, rule.about.dialect, &rule.about.text),
        Body::Sigma(rule) => rule.rule.logsource.to_string(),
        Body::Correlation(c) => {
            c.of.iter().map(|of| detections.rules[*of].about.title.clone()).collect::<Vec<_>>().join(", ")
        }
    };
    let offered = applies(session, detections, at).map(|a| a.is_ok());
    vec![Read { name: source, offered, formats: Vec::new() }]
}

/// The tables that a query reads, and whether these inputs offer them.
fn tables(session: &Session, dialect: Dialect, query: &str) -> Vec<Read> {
    let inputs = !session.sources().is_empty();
    let Ok(explained) = session.explain(dialect, query, &Context::at(0)) else { return Vec::new() };
    let read = |t: &parallax_engine::TableRead| {
        let mut formats: Vec<String> = t.inputs.iter().map(|(_, format)| (*format).to_owned()).collect();
        formats.sort();
        formats.dedup();
        Read { name: t.name.clone(), offered: inputs.then_some(t.fed), formats }
    };
    explained.tables.iter().map(read).collect()
}

fn tests(pack: &Pack, detection: &Detection, results: Option<&[CaseResult]>) -> Vec<TestLine> {
    let line = |case: &Case| {
        let expectation = case.expect.iter().find(|e| pack.detections[e.detection].id == detection.id)?;
        let result = results.and_then(|all| all.iter().find(|r| r.case == case.id));
        let own = result.and_then(|r| r.detections.iter().find(|d| d.detection == detection.id));
        let failure = result.and_then(|r| r.failure.as_ref()).map(|why| format!("the case did not run: {why}"));
        Some(TestLine {
            case: case.id.clone(),
            title: case.title.clone(),
            kind: case.kind.word().to_owned(),
            expected: expected(expectation.outcome),
            actual: own.map(|d| actual(&d.actual)).or(failure),
            holds: result.map(|_| own.is_some_and(|d| d.holds)),
            reason: expectation.reason.clone(),
        })
    };
    pack.cases.iter().filter_map(line).collect()
}

fn expected(outcome: Outcome) -> String {
    let times = |n: Option<usize>| n.map_or_else(String::new, |n| format!(", {n}"));
    match outcome {
        Outcome::Fires(n) => format!("fires{}", times(n)),
        Outcome::Misses => "known miss".to_owned(),
        Outcome::Silent => "silent".to_owned(),
        Outcome::Nothing => "finds nothing".to_owned(),
        Outcome::FalsePositive(n) => format!("known false positive{}", times(n)),
        Outcome::NotApplicable => "cannot apply".to_owned(),
    }
}

fn actual(actual: &Actual) -> String {
    match actual {
        Actual::Found(0) => "nothing found".to_owned(),
        Actual::Found(n) => format!("found {n}"),
        Actual::NotApplicable => "could not apply".to_owned(),
        Actual::Failed(why) => format!("failed: {why}"),
    }
}

/// How a detection's run ended.
pub fn run_line(run: &DetectionRun) -> RunLine {
    let about = &run.about;
    let outcome = match &run.outcome {
        RunOutcome::Ran => Ended::Ran,
        RunOutcome::NotApplicable(lacking) => Ended::NotApplicable(lacking.clone()),
        RunOutcome::Failed(Error::Query(all)) => Ended::Failed(all.render(&about.text, &about.file, Style::Plain)),
        RunOutcome::Failed(e) => Ended::Failed(e.to_string()),
    };
    let mut notes = Vec::new();
    if run.cut_short {
        notes.push(format!("did not look at all events: it ran at {TIMES} reference times, the most there may be"));
    } else if run.times > 1 {
        notes.push(format!("ran at {} reference times, as far back as it looks each", run.times));
    }
    if let (read, before @ 1.., Some(_)) = run.outside {
        notes.push(format!("{before} of {read} events lie before the time from which it looks"));
    }
    RunLine {
        rule: run.rule.clone(),
        title: about.title.clone(),
        severity: run.severity,
        outcome,
        found: run.found,
        notes,
    }
}

/// What was read.
pub fn inputs(session: &Session, reading: &Reading) -> Inputs {
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = Vec::new();
    for source in session.sources() {
        *formats.entry(source.format.name()).or_default() += source.inputs.len();
        files.extend(source.inputs.iter().map(|i| (i.name(), source.format.name().to_owned())));
    }
    let note = |(what, n): (&String, &u64)| if *n > 1 { format!("{what} ({n})") } else { what.clone() };
    Inputs {
        formats: formats.into_iter().map(|(name, n)| (name.to_owned(), n)).collect(),
        files,
        bytes: reading.bytes,
        events: reading.events,
        damages: reading.damages.iter().map(|d| (d.file.clone(), d.position, d.reason.clone())).collect(),
        damaged: reading.damaged,
        notes: reading.notes.iter().map(note).collect(),
    }
}

/// Findings with what speaks for them, and what is to be said of them as a whole. `now` is the reference time.
///
/// The inputs are read again: once for each query with findings, and up to three times for raw events and processes.
pub fn entries(session: &Session, findings: Vec<Finding>, now: i64) -> (Vec<Entry>, Vec<String>) {
    let mut remarks = Vec::new();
    let reasons = reasons(session, &findings, now, &mut remarks);
    let places: Vec<Place> = findings.iter().filter_map(evidence::place).collect();
    let raw = evidence::raw_events(session, &places);
    let trees = trees(session, &findings, &mut remarks);
    let entries = findings.into_iter().zip(trees).map(|(finding, tree)| {
        let place = evidence::place(&finding);
        let raw = place.as_ref().and_then(|p| raw.get(p)).cloned();
        let followed = place.and_then(|p| reasons.get(&(finding.rule.clone(), p)).cloned());
        let told = |r: &parallax_detect::Reason| Reason {
            field: (!r.field.is_empty()).then(|| r.field.clone()),
            value: r.value.clone(),
            test: r.what.clone(),
            marks: r.hits.clone(),
        };
        // A Sigma rule says itself why it matched.
        let reasons = followed.unwrap_or_else(|| finding.reasons.iter().map(told).collect());
        Entry { finding, reasons, tree, raw }
    });
    (entries.collect(), remarks)
}

/// Why queries returned their events, by rule and event.
fn reasons(
    session: &Session,
    findings: &[Finding],
    now: i64,
    remarks: &mut Vec<String>,
) -> HashMap<(String, Place), Vec<Reason>> {
    let mut by_rule: BTreeMap<&str, (&About, Vec<Place>)> = BTreeMap::new();
    for finding in findings {
        let query = matches!(finding.about.kind, Kind::Query | Kind::Scheduled | Kind::NearRealTime);
        if let Some(place) = evidence::place(finding).filter(|_| query) {
            by_rule.entry(&finding.rule).or_insert((&finding.about, Vec::new())).1.push(place);
        }
    }
    let mut all = HashMap::new();
    for (rule, (about, events)) in by_rule {
        match evidence::reasons(session, about.dialect, &about.text, &Context::at(now), &events) {
            Ok(found) => all.extend(found.into_iter().map(|(place, why)| ((rule.to_owned(), place), why))),
            Err(e) => remarks.push(format!("{rule}: why it fired is not shown: {e}")),
        }
    }
    all
}

fn trees(session: &Session, findings: &[Finding], remarks: &mut Vec<String>) -> Vec<Option<evidence::Tree>> {
    let none = |n: usize| (0..n).map(|_| None).collect();
    if findings.iter().all(|f| f.event.is_none()) {
        return none(findings.len());
    }
    let read = Processes::read(session).and_then(|all| {
        let trees = all.trees(session, &findings.iter().collect::<Vec<_>>())?;
        Ok((trees, all.cut))
    });
    match read {
        Ok((trees, cut)) => {
            if cut {
                remarks.push("Process trees are made of the first million process creations alone.".to_owned());
            }
            trees
        }
        Err(e) => {
            remarks.push(format!("Process trees are not shown: {e}"));
            none(findings.len())
        }
    }
}
