//! `parallax test`

mod matrix;
mod sections;

use super::packs;
use crate::args::{TestArgs, TestFormat};
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::Pack;
use parallax_detect::pack::Case;
use parallax_detect::test::{CaseResult, Plan, json, junit, run as run_cases};
use parallax_engine::Options;
use std::io::{self, Write, stdout};
use std::path::Path;

/// What ran of a pack.
struct Ran<'a> {
    pack: &'a Pack,
    cases: Vec<&'a Case>,
    results: Vec<CaseResult>,
}

pub(crate) fn run(args: &TestArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    let packs = packs::open(&args.packs, talk)?;
    let mut options = policy::options(None, None, &args.run.limits)?;
    options.config = policy::config(&args.run.config, talk)?;
    packs::check_lists(&packs.iter().collect::<Vec<_>>(), &options.config, &args.run.config, talk)?;
    chosen(args, &packs)?;
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    let mut all: Vec<Ran<'_>> = Vec::new();
    let mut stopped = false;
    for pack in &packs {
        let mut cases: Vec<&Case> = pack.cases.iter().filter(|c| packs::chosen(&args.cases, &pack.id, &c.id)).collect();
        let detections = pack.detections.iter().enumerate();
        let detections = detections.filter(|(_, d)| packs::chosen(&args.detections, &pack.id, &d.id));
        let detections: Vec<usize> = detections.map(|(i, _)| i).collect();
        let plan = Plan { pack, cases: &cases, detections: &detections, fail_fast: args.fail_fast };
        let results = run_cases(&plan, &options, scratch.path());
        stopped = args.fail_fast && results.iter().any(|r| !r.holds());
        cases.truncate(results.len());
        all.push(Ran { pack, cases, results });
        if stopped {
            break;
        }
    }
    write(args, &all, talk)?;
    let results = all.iter().flat_map(|ran| &ran.results);
    let (total, failed) = results.fold((0, 0), |(n, f), r| (n + 1, f + usize::from(!r.holds())));
    if !talk.quiet {
        let cases = say::count(total, "case", "cases");
        let end = if stopped { "; ended there" } else { "" };
        match failed {
            0 => say::line(&format!("{cases}: every expectation holds")),
            n => say::line(&format!("{cases}: {n} not as expected{end}")),
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Found })
}

/// Runs cases with all detections of their pack.
pub(super) fn run_all(pack: &Pack, cases: &[&Case], options: &Options, scratch: &Path) -> Vec<CaseResult> {
    let detections: Vec<usize> = (0..pack.detections.len()).collect();
    run_cases(&Plan { pack, cases, detections: &detections, fail_fast: false }, options, scratch)
}

/// Refuses names of nothing: a test that is not run would look like one that holds.
fn chosen(args: &TestArgs, packs: &[Pack]) -> Result<(), Failure> {
    let is = |name: &String, pack: &Pack, id: &str| packs::chosen(std::slice::from_ref(name), &pack.id, id);
    let case = |name: &&String| !packs.iter().any(|p| p.cases.iter().any(|c| is(name, p, &c.id)));
    let detection = |name: &&String| !packs.iter().any(|p| p.detections.iter().any(|d| is(name, p, &d.id)));
    let near = |name: &str, known: Vec<&str>| {
        let near = parallax_diagnostics::did_you_mean(name, known).map(|n| format!("; did you mean `{n}`?"));
        near.unwrap_or_default()
    };
    if let Some(name) = args.cases.iter().find(case) {
        let known = packs.iter().flat_map(|p| &p.cases).map(|c| c.id.as_str()).collect();
        return Err(Failure::usage(format!("--case: there is no case `{name}`{}", near(name, known))));
    }
    if let Some(name) = args.detections.iter().find(detection) {
        let known = packs.iter().flat_map(|p| &p.detections).map(|d| d.id.as_str()).collect();
        return Err(Failure::usage(format!("--detection: there is no detection `{name}`{}", near(name, known))));
    }
    if packs.iter().all(|p| p.cases.is_empty()) {
        return Err(Failure::usage("no case to run"));
    }
    Ok(())
}

fn write(args: &TestArgs, all: &[Ran<'_>], talk: Talk) -> Result<(), Failure> {
    let parts: Vec<_> = all.iter().map(|r| (r.pack, &r.cases[..], &r.results[..])).collect();
    let as_json = || serde_json::to_string_pretty(&json(&parts)).unwrap_or_default() + "\n";
    // Files first: a reader of the standard output may go away.
    if let Some(file) = &args.junit {
        to_file(file, &junit(&parts))?;
    }
    if let Some(file) = &args.json {
        to_file(file, &as_json())?;
    }
    let mut out = io::BufWriter::new(stdout().lock());
    match args.format {
        TestFormat::Json => out.write_all(as_json().as_bytes())?,
        TestFormat::Junit => out.write_all(junit(&parts).as_bytes())?,
        TestFormat::Table => {
            for ran in all {
                table(ran, talk, &mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn to_file(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))
}

fn table(ran: &Ran<'_>, talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    matrix::write(ran.pack, &ran.cases, &ran.results, out)?;
    if !talk.quiet {
        sections::declared(ran.pack, &ran.results, talk, out)?;
        sections::agreement(ran.pack, &ran.results, talk, out)?;
        sections::coverage(ran.pack, &ran.cases, &ran.results, out)?;
        sections::signals(&ran.results, out)?;
    }
    sections::failures(ran.pack, &ran.results, out)
}
