//! What was found, in what, and what could not be looked at.

use super::{Places, capital, count, grouped, instant, technique, text};
use crate::model::{Document, Ended, Inputs, RunLine};
use maud::{Markup, html};
use parallax_detect::pack::Severity;

/// The most detections that are seen at once.
const SHOWN: usize = 20;
/// The most hosts, files and damages that are listed.
const LISTED: usize = 20;

pub(super) fn summary(document: &Document, places: &Places<'_>) -> Markup {
    let totals = &document.totals;
    html! {
        section #summary {
            h2 { "Summary" }
            div.tiles {
                div.card.tile { b { (grouped(totals.findings)) } span { (if totals.findings == 1 { "finding" } else { "findings" }) } }
                div.card.tile {
                    @let fired = document.runs.iter().filter(|r| r.found > 0).count();
                    b { (grouped(fired)) span.dim { " of " (grouped(document.runs.len())) } }
                    span { "detections fired" }
                }
                div.card.tile {
                    @let named = totals.hosts.keys().filter(|h| !h.is_empty()).count();
                    b { (grouped(named)) @if totals.other_hosts > 0 { "+" } }
                    span { (if named == 1 { "host" } else { "hosts" }) }
                }
                div.card.tile {
                    @match totals.range() {
                        Some((first, last)) => { b.word { (instant(first)) br; (instant(last)) } span { "first and last event found" } }
                        None => { b.word { "no time" } span { "nothing found has a time" } }
                    }
                }
            }
            (severities(document))
            @if let Some(inputs) = &document.inputs { (troubles(document, inputs)) }
            div.grid {
                (runs(document, places))
                div {
                    (hosts(document))
                    (techniques(document))
                    @if let Some(inputs) = &document.inputs { (read(inputs)) }
                }
            }
        }
    }
}

/// The share of each severity.
fn severities(document: &Document) -> Markup {
    let totals = &document.totals;
    if totals.findings == 0 {
        return html! {};
    }
    let all = totals.findings as f64;
    let mut x = 0.0;
    let part = |(severity, n): (&Severity, &usize)| {
        let width = *n as f64 / all * 1000.0;
        x += width;
        (*severity, x - width, width)
    };
    let parts: Vec<(Severity, f64, f64)> = totals.severities.iter().rev().map(part).collect();
    html! {
        div.card.sevbar {
            svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                @for (severity, x, width) in &parts {
                    rect class=(format!("part {severity}")) x=(format!("{x:.2}")) y="0" height="10" width=(format!("{width:.2}")) {}
                }
            }
            ul.legend {
                @for (_, severity) in Severity::WORDS.iter().rev() {
                    @let n = totals.severities.get(severity).copied().unwrap_or_default();
                    li { span class=(format!("badge {severity}")) { (capital(severity.word())) } " " b { (grouped(n)) } }
                }
            }
        }
    }
}

/// What could not be looked at: nobody is to take silence for safety.
fn troubles(document: &Document, inputs: &Inputs) -> Markup {
    let silent: Vec<&RunLine> = document.runs.iter().filter(|r| matches!(r.outcome, Ended::NotApplicable(_))).collect();
    let failed: Vec<&RunLine> = document.runs.iter().filter(|r| matches!(r.outcome, Ended::Failed(_))).collect();
    html! {
        @if inputs.damaged > 0 || !failed.is_empty() || !silent.is_empty() || !document.unloaded.is_empty() {
            div.grid {
                @if inputs.damaged > 0 {
                    div.card.alarm role="note" {
                        h3 { (count(usize::try_from(inputs.damaged).unwrap_or(usize::MAX), "thing", "things")) " could not be read" }
                        ul {
                            @for (file, place, reason) in inputs.damages.iter().take(LISTED) {
                                li.v { (text::line(file)) @if let Some(place) = place { " at " (place) } ": " (text::line(reason)) }
                            }
                            @let shown = inputs.damages.len().min(LISTED) as u64;
                            @if inputs.damaged > shown { li { "and " (inputs.damaged - shown) " more" } }
                        }
                    }
                }
                @if !failed.is_empty() {
                    div.card.alarm role="note" {
                        h3 { (count(failed.len(), "detection", "detections")) " did not run" }
                        ul { @for run in failed.iter().take(LISTED) { @if let Ended::Failed(why) = &run.outcome {
                            li { (text::line(&run.rule)) pre.raw { (text::block(why)) } }
                        } } }
                        @if failed.len() > LISTED { p.dim { "and " (failed.len() - LISTED) " more" } }
                    }
                }
                @if !document.unloaded.is_empty() {
                    div.card.alarm role="note" {
                        h3 { (count(document.unloaded.len(), "file", "files")) " of detections could not be loaded" }
                        ul { @for fault in document.unloaded.iter().take(LISTED) { li.v { (text::line(fault)) } } }
                        @if document.unloaded.len() > LISTED { p.dim { "and " (document.unloaded.len() - LISTED) " more" } }
                    }
                }
                @if !silent.is_empty() {
                    div.card.care role="note" {
                        h3 { (count(silent.len(), "detection", "detections")) " could not apply" }
                        p.dim { "No input offers what they read. That they found nothing means nothing." }
                        details.more open[silent.len() <= 8] {
                            summary { "Which" }
                            ul { @for (lacking, of) in lacks(&silent) {
                                li { span.v { (text::line(&lacking)) } ": " (text::line(&of.join(", "))) }
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// What is lacking, and for which detections: by their names where they are few.
fn lacks(silent: &[&RunLine]) -> Vec<(String, Vec<String>)> {
    let mut by: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for run in silent {
        if let Ended::NotApplicable(lacking) = &run.outcome {
            by.entry(lacking.join(", ")).or_default().push(run.rule.clone());
        }
    }
    let few = |of: Vec<String>| if of.len() > 5 { vec![count(of.len(), "detection", "detections")] } else { of };
    by.into_iter().map(|(lacking, of)| (lacking, few(of))).collect()
}

fn runs(document: &Document, places: &Places<'_>) -> Markup {
    let mut runs: Vec<&RunLine> = document.runs.iter().collect();
    runs.sort_by_key(|r| (std::cmp::Reverse((r.found > 0, r.severity, r.found)), &r.rule));
    let silent = runs.iter().filter(|r| r.found == 0).count();
    let line = |run: &RunLine| {
        html! {
            tr {
                td {
                    @match places.page(&run.rule) {
                        Some(page) => a href=(format!("#{page}")) { (text::line(&run.title)) },
                        None => (text::line(&run.title)),
                    }
                    br; span.dim.v { (text::line(&run.rule)) }
                    @for note in &run.notes { br; span.dim { (text::line(note)) } }
                }
                td { span class=(format!("badge {}", run.severity)) { (capital(run.severity.word())) } }
                td.n {
                    @match &run.outcome {
                        Ended::Ran => (grouped(run.found)),
                        Ended::NotApplicable(_) => span.dim { "could not apply" },
                        Ended::Failed(_) => span.bad { "failed" },
                    }
                }
            }
        }
    };
    let table = |of: &[&RunLine]| {
        html! {
            div.wide { table {
                thead { tr { th scope="col" { "Detection" } th scope="col" { "Severity" } th.n scope="col" { "Findings" } } }
                tbody { @for run in of { (line(run)) } }
            } }
        }
    };
    html! {
        div.card {
            h3 { "By detection" }
            @if runs.len() <= SHOWN {
                (table(&runs))
            } @else {
                @let fired = runs.len() - silent;
                @let (first, rest) = runs.split_at(fired.min(SHOWN));
                @if !first.is_empty() { (table(first)) }
                @if fired > SHOWN { details.more { summary { (grouped(fired - SHOWN)) " more that found something" } (table(&rest[..fired - SHOWN])) } }
                @if silent > 0 { details.more { summary { (grouped(silent)) " that found nothing" } (table(&runs[fired..])) } }
            }
        }
    }
}

fn hosts(document: &Document) -> Markup {
    let mut hosts: Vec<(&String, &usize)> = document.totals.hosts.iter().collect();
    hosts.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), (*name).clone()));
    html! {
        @if !hosts.is_empty() {
            div.card {
                h3 { "By host" }
                table {
                    tbody {
                        @for (host, n) in hosts.iter().take(LISTED) {
                            tr { td.v { @if host.is_empty() { span.dim { "no host" } } @else { (text::short(host, 80)) } } td.n { (grouped(**n)) } }
                        }
                    }
                }
                @let rest = hosts.len().saturating_sub(LISTED);
                @if rest > 0 || document.totals.other_hosts > 0 { p.dim { "and " (grouped(rest)) " more hosts" } }
            }
            br;
        }
    }
}

fn techniques(document: &Document) -> Markup {
    let mut all: Vec<(&String, &usize)> = document.totals.techniques.iter().collect();
    all.sort_by_key(|(id, n)| (std::cmp::Reverse(**n), (*id).clone()));
    let name = |id: &str| {
        let mut known = document.pages.iter().flat_map(|p| &p.techniques);
        known.find(|t| t.id == id && !t.name.is_empty()).map_or("", |t| t.name.as_str())
    };
    html! {
        @if !all.is_empty() {
            div.card {
                h3 { "MITRE ATT&CK" }
                table { tbody {
                    @for (id, n) in all.iter().take(LISTED) { tr { td { (technique(id, name(id))) } td.n { (grouped(**n)) } } }
                } }
                @if all.len() > LISTED { p.dim { "and " (grouped(all.len() - LISTED)) " more techniques" } }
            }
            br;
        }
    }
}

fn read(inputs: &Inputs) -> Markup {
    html! {
        div.card {
            h3 { "What was read" }
            p {
                (grouped(usize::try_from(inputs.events).unwrap_or(usize::MAX))) " events, " (bytes(inputs.bytes)) " from "
                (count(inputs.files.len(), "file", "files")) ": "
                @for (at, (format, n)) in inputs.formats.iter().enumerate() { @if at > 0 { ", " } (grouped(*n)) " " (format) }
            }
            @if !inputs.notes.is_empty() { ul { @for note in inputs.notes.iter().take(LISTED) { li.dim { (text::line(note)) } } } }
            details.more {
                summary { "Files" }
                ul { @for (name, format) in inputs.files.iter().take(500) { li.v { (text::line(name)) " " span.dim { (format) } } } }
                @if inputs.files.len() > 500 { p.dim { "and " (grouped(inputs.files.len() - 500)) " more files" } }
            }
        }
    }
}

fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
