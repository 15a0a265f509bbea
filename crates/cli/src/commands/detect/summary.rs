//! What was looked at and what was not.

use super::Prepared;
use super::prepare::left_out;
use crate::commands::show;
use crate::output::text::safe;
use crate::policy::Talk;
use crate::say;
use parallax_detect::{DetectionRun, Ran, RunOutcome, TIMES};
use std::collections::HashMap;

/// Detections that could not apply are named: their silence means nothing.
pub(super) fn say(prepared: &Prepared, ran: &Ran, talk: Talk) {
    let reading = &prepared.reading;
    say::reading(reading, talk);
    not_applicable(&ran.runs, talk);
    for run in ran.runs.iter().filter(|r| r.cut_short) {
        let rule = safe(&run.rule);
        say::line(&format!(
            "warning: {rule} did not look at all events: it ran at {TIMES} reference times, the most there may be"
        ));
    }
    if talk.quiet {
        return;
    }
    ran.runs.iter().for_each(how);
    for note in &ran.notes {
        say::line(&format!("note: {}", safe(note)));
    }
    if talk.verbose {
        let times = reading.times;
        say::line(&format!("note: inputs were read {}", say::count(times, "time", "times")));
        if !prepared.detections.passed_over.is_empty() {
            let n = prepared.detections.passed_over.len();
            say::line(&format!("note: {} in folders that are no detections", say::count(n, "file", "files")));
        }
    }
    let findings: usize = ran.runs.iter().map(|r| r.found).sum();
    let applied = ran.runs.iter().filter(|r| matches!(r.outcome, RunOutcome::Ran)).count();
    say::line(&format!(
        "{} by {applied} of {}; read {} events, {} from {}{}{}{}{}",
        say::count(findings, "finding", "findings"),
        say::count(ran.runs.len(), "detection", "detections"),
        reading.events,
        say::bytes(reading.bytes),
        say::sources(&prepared.session),
        reference(prepared, ran),
        match prepared.detections.faults.len() {
            0 => String::new(),
            n => format!("; {} could not be loaded", say::count(n, "file", "files")),
        },
        left_out(&prepared.chosen),
        match reading.damaged {
            0 => String::new(),
            n => format!("; {n} could not be read"),
        },
    ));
}

/// The reference time, where one mattered.
fn reference(prepared: &Prepared, ran: &Ran) -> String {
    let (time, from) = match (prepared.now, ran.latest) {
        (Some(given), _) => given,
        (None, Some(Some(latest))) => (latest, "the latest event"),
        (None, Some(None)) => (ran.wall, "the clock: no event has a time"),
        (None, None) => return String::new(),
    };
    format!("; reference time {} ({from})", show(time))
}

/// So many log sources that are not there are named.
const SOURCES: usize = 5;

/// What detections lack, those together that lack the same.
fn not_applicable(runs: &[DetectionRun], talk: Talk) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut lacking: Vec<(String, Vec<&DetectionRun>)> = Vec::new();
    for run in runs {
        let RunOutcome::NotApplicable(what) = &run.outcome else { continue };
        let what = what.join(", ");
        let place = *places.entry(what.clone()).or_insert(lacking.len());
        if place == lacking.len() {
            lacking.push((what, Vec::new()));
        }
        lacking[place].1.push(run);
    }
    // Rules for all the world name many log sources: then how many is enough.
    let is_source = |what: &str| what.starts_with("log source ");
    let sources = lacking.iter().filter(|(what, _)| is_source(what)).count();
    let shorten = sources > SOURCES && !talk.verbose;
    if shorten {
        let n: usize = lacking.iter().filter(|(what, _)| is_source(what)).map(|(_, of)| of.len()).sum();
        say::line(&format!(
            "warning: {n} detections could not apply: no input has events of their log sources ({sources}); `-v` lists them"
        ));
    }
    for (what, of) in lacking.into_iter().filter(|(what, _)| !(shorten && is_source(what))) {
        let what = safe(&what);
        // A table or field, or a log source in its own words.
        let why = match (what.strip_prefix("log source "), what.strip_prefix("fields ")) {
            (Some(source), _) => format!("no input has events of log source {source}"),
            (_, Some(fields)) => format!("it needs fields that no event has: {fields}"),
            _ => format!("no input offers any of {what}"),
        };
        match of.as_slice() {
            [run] => say::line(&format!("warning: {} could not apply: {why}", safe(&run.rule))),
            several => {
                let n = several.len();
                say::line(&format!("warning: {n} detections could not apply: {why}"));
                for run in several.iter().filter(|_| talk.verbose) {
                    say::line(&format!("  {} ({})", safe(&run.rule), safe(&run.about.title)));
                }
            }
        }
    }
}

/// At which times it ran.
fn how(run: &DetectionRun) {
    let rule = safe(&run.rule);
    if run.whole {
        say::line(&format!("note: {rule}: ran over all recorded time, not only as far back as it looks"));
    }
    if run.times > 1 {
        let times = run.times;
        say::line(&format!("note: {rule}: ran at {times} reference times, as far back as it looks each"));
    }
    if let (read, before @ 1.., Some(bound)) = run.outside {
        let bound = show(bound);
        say::line(&format!("note: {rule}: {before} of {read} events lie before {bound}, from which it looks"));
    }
}
