//! `parallax test`

use super::packs;
use crate::args::{ReportFormat, TestArgs};
use crate::exit::{Exit, Failure};
use crate::output::text::{safe, width};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::Pack;
use parallax_detect::pack::{Case, Outcome};
use parallax_detect::test::{Actual, CaseResult, DetectionResult, case};
use parallax_engine::Options;
use serde_json::{Value as Json, json};
use std::io::{self, Write, stdout};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) fn run(args: &TestArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    let packs = packs::open(&args.packs, talk)?;
    let mut options = policy::options(None, None, &args.limits)?;
    options.config = policy::config(&args.config, talk)?;
    packs::check_lists(&packs.iter().collect::<Vec<_>>(), &options.config, &args.config, talk)?;
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    let mut all = Vec::new();
    for pack in &packs {
        let cases: Vec<&Case> = pack.cases.iter().filter(|c| packs::chosen(&args.only, &pack.id, &c.id)).collect();
        let results = run_all(pack, &cases, &options, scratch.path());
        all.push((pack, cases, results));
    }
    if all.iter().all(|(_, cases, _)| cases.is_empty()) {
        return Err(Failure::usage("no case to run"));
    }
    let mut out = io::BufWriter::new(stdout().lock());
    match args.format {
        ReportFormat::Json => {
            let packs: Vec<Json> = all.iter().map(|(pack, cases, results)| report(pack, cases, results)).collect();
            let holds = all.iter().all(|(_, _, results)| results.iter().all(CaseResult::holds));
            writeln!(
                out,
                "{}",
                serde_json::to_string_pretty(&json!({ "holds": holds, "packs": packs })).unwrap_or_default()
            )?;
        }
        ReportFormat::Table => {
            for (pack, cases, results) in &all {
                matrix(pack, cases, results, &mut out)?;
                details(pack, results, talk, &mut out)?;
            }
        }
    }
    out.flush()?;
    let results = all.iter().flat_map(|(_, _, results)| results);
    let (total, failed) = results.fold((0, 0), |(n, f), r| (n + 1, f + usize::from(!r.holds())));
    if !talk.quiet {
        let cases = say::count(total, "case", "cases");
        match failed {
            0 => say::line(&format!("{cases}: every expectation holds")),
            n => say::line(&format!("{cases}: {n} not as expected")),
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Found })
}

/// Runs the cases, several at once: each is small, and most of its time is spent on planning.
pub(super) fn run_all(pack: &Pack, cases: &[&Case], options: &Options, scratch: &Path) -> Vec<CaseResult> {
    let mut alone = options.clone();
    let workers = std::mem::replace(&mut alone.limits.threads, 1).min(cases.len());
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<CaseResult>> = cases.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((c, result)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).zip(results.get(at))
                } {
                    result.get_or_init(|| case(pack, c, &alone, scratch));
                }
            });
        }
    });
    results.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// Detection × case, a word each.
fn matrix(pack: &Pack, cases: &[&Case], results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {} - {}\n", pack.id, pack.version, pack.title)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut head = vec!["case".to_owned(), "kind".to_owned(), "signals".to_owned()];
    head.extend(pack.detections.iter().map(|d| d.id.clone()));
    rows.push(head);
    for (case, result) in cases.iter().zip(results) {
        let good = result.signals.iter().filter(|s| s.holds).count();
        let mark = if good == result.signals.len() { "" } else { " FAILED" };
        let signals = match result.signals.len() {
            0 => "-".to_owned(),
            n => format!("{good}/{n}{mark}"),
        };
        let mut row = vec![case.id.clone(), case.kind.to_string(), signals];
        row.extend(pack.detections.iter().map(|d| match result.detections.iter().find(|r| r.detection == d.id) {
            Some(r) => word(r),
            None => "not run".to_owned(),
        }));
        rows.push(row);
    }
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(|i| rows.iter().map(|r| width(&r[i])).max().unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell}{}", " ".repeat(w - width(cell))));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    writeln!(out)
}

/// What happened, in the words of what it means; what was not expected stands out.
fn word(r: &DetectionResult) -> String {
    let what = match (&r.actual, r.expected) {
        (Actual::Failed(_), _) => "failed".to_owned(),
        (Actual::NotApplicable, _) => "not applicable".to_owned(),
        (Actual::Found(0), Outcome::Silent) => "silent".to_owned(),
        (Actual::Found(0), Outcome::Misses) => "known miss".to_owned(),
        (Actual::Found(0), _) => "nothing".to_owned(),
        (Actual::Found(n), Outcome::FalsePositive(_)) => format!("known false positive: {n}"),
        (Actual::Found(n), _) => format!("fires: {n}"),
    };
    if r.holds { what } else { format!("{what} UNEXPECTED") }
}

fn details(pack: &Pack, results: &[CaseResult], talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    let reasons: Vec<_> = results
        .iter()
        .flat_map(|r| r.detections.iter().map(move |d| (&r.case, d)))
        .filter(|(_, d)| d.holds && !d.reason.is_empty())
        .collect();
    if !reasons.is_empty() && !talk.quiet {
        writeln!(out, "declared:")?;
        for (case, d) in reasons {
            writeln!(out, "  {case} × {}: {}", d.detection, d.reason.replace('\n', " "))?;
        }
        writeln!(out)?;
    }
    for result in results.iter().filter(|r| !r.holds()) {
        writeln!(out, "{}/{}:", pack.id, result.case)?;
        if let Some(failure) = &result.failure {
            writeln!(out, "  {}", safe(failure))?;
        }
        for damage in &result.reading.damages {
            writeln!(out, "  could not be read: {}: {}", safe(&damage.file), safe(&damage.reason))?;
        }
        for s in result.signals.iter().filter(|s| !s.holds) {
            let found = match &s.found {
                Ok(n) => say::count(*n, "row", "rows"),
                Err(e) => e.clone(),
            };
            let wanted = pack
                .cases
                .iter()
                .find(|c| c.id == result.case)
                .and_then(|c| c.signals.iter().find(|x| x.title == s.title));
            let wanted = wanted.map_or_else(String::new, |w| format!("{} expected, ", w.rows));
            writeln!(out, "  signal `{}`: {wanted}found {found}", s.title)?;
        }
        for d in result.detections.iter().filter(|d| !d.holds) {
            writeln!(out, "  {}: {} expected, {}", d.detection, expected(d.expected), actual(&d.actual))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn expected(outcome: Outcome) -> String {
    let some =
        |n: Option<usize>| n.map_or_else(|| "some findings".to_owned(), |n| say::count(n, "finding", "findings"));
    match outcome {
        Outcome::Fires(n) => format!("fires ({})", some(n)),
        Outcome::Misses => "a known miss".to_owned(),
        Outcome::Silent => "silent".to_owned(),
        Outcome::FalsePositive(n) => format!("a known false positive ({})", some(n)),
        Outcome::Nothing => "nothing".to_owned(),
        Outcome::NotApplicable => "not applicable".to_owned(),
    }
}

fn actual(actual: &Actual) -> String {
    match actual {
        Actual::Found(n) => format!("found {n}"),
        Actual::NotApplicable => "but nothing it reads is offered".to_owned(),
        Actual::Failed(e) => format!("but it failed: {e}"),
    }
}

fn report(pack: &Pack, cases: &[&Case], results: &[CaseResult]) -> Json {
    let cases: Vec<Json> = cases.iter().zip(results).map(|(case, result)| case_report(case, result)).collect();
    json!({ "id": pack.id, "version": pack.version, "cases": cases })
}

fn case_report(case: &Case, result: &CaseResult) -> Json {
    let signals: Vec<Json> = result
        .signals
        .iter()
        .map(|s| {
            let (rows, error) = match &s.found {
                Ok(n) => (Json::from(*n), Json::Null),
                Err(e) => (Json::Null, Json::from(e.clone())),
            };
            json!({ "title": s.title, "rows": rows, "error": error, "holds": s.holds })
        })
        .collect();
    let detections: Vec<Json> = result
        .detections
        .iter()
        .map(|d| {
            let findings = if let Actual::Found(n) = d.actual { Json::from(n) } else { Json::Null };
            json!({
                "detection": d.detection,
                "expected": expected(d.expected),
                "actual": actual(&d.actual),
                "findings": findings,
                "reason": d.reason,
                "holds": d.holds,
            })
        })
        .collect();
    let damages: Vec<Json> =
        result.reading.damages.iter().map(|d| json!({ "file": d.file, "reason": d.reason })).collect();
    json!({
        "id": case.id,
        "kind": case.kind.word(),
        "holds": result.holds(),
        "failure": result.failure,
        "damages": damages,
        "signals": signals,
        "detections": detections,
    })
}
