//! `parallax detect`

mod forms;
mod list;
mod prepare;
mod summary;
mod writer;

pub(crate) use prepare::{Prepared, prepare, run_into};

use crate::args::{DetectArgs, FindingFormat, ListArgs, SeverityArg};
use crate::exit::{Exit, Failure};
use crate::policy::Talk;
use crate::progress::Progress;
use parallax_detect::pack::Severity;
use parallax_detect::{Ran, RunOutcome};
use std::io::{IsTerminal, stdout};
use writer::Writer;

pub(crate) fn run(args: &DetectArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    if args.input.input.is_empty() {
        return Err(Failure::usage("no input: give files or folders with --input PATH…"));
    }
    if args.output.format == FindingFormat::Parquet && stdout().is_terminal() {
        return Err(Failure::usage("Parquet is not for a terminal; write it to a file with `> findings.parquet`"));
    }
    let mut prepared =
        prepare(&args.rules, &args.input, Some(&args.time), Some(&args.run.limits), &args.run.config, talk)?;
    let progress = Progress::new(&prepared.session, talk);
    let mut out = Writer::new(args.output.format, &progress)?;
    let ran = run_into(&mut prepared, &progress, talk, &mut out)?;
    progress.clear();
    out.finish()?;
    drop(progress);
    summary::say(&prepared, &ran, talk);
    let exit = exit(&prepared, &ran, args.fail_on);
    // The system takes all memory back at once; thousands of rules would be given back piece by piece.
    std::mem::forget(std::mem::take(&mut prepared.detections));
    Ok(exit)
}

/// `parallax rules`
pub(crate) fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    let prepared = prepare(&args.rules, &args.input, None, None, &args.config, talk)?;
    prepared.say_faults(talk);
    list::write(&prepared, args.output.format)?;
    Ok(if prepared.detections.faults.is_empty() { Exit::Done } else { Exit::Wrong })
}

/// A wrong query says more than findings, those say more than an unread file.
fn exit(prepared: &Prepared, ran: &Ran, fail_on: Option<SeverityArg>) -> Exit {
    let least = fail_on.map(severity);
    let failed = ran.runs.iter().find_map(|r| match &r.outcome {
        RunOutcome::Failed(e) => Some(super::query::exit_of(e)),
        _ => None,
    });
    let unloaded = (!prepared.detections.faults.is_empty()).then_some(Exit::Wrong);
    let bad = |least: Severity| ran.runs.iter().any(|r| r.worst.is_some_and(|worst| worst >= least));
    match (failed.or(unloaded), least) {
        (Some(exit), _) => exit,
        (None, Some(least)) if bad(least) => Exit::Found,
        _ if prepared.reading.damaged > 0 => Exit::Unreadable,
        _ => Exit::Done,
    }
}

pub(crate) fn severity(arg: SeverityArg) -> Severity {
    match arg {
        SeverityArg::Informational => Severity::Informational,
        SeverityArg::Low => Severity::Low,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::High => Severity::High,
        SeverityArg::Critical => Severity::Critical,
    }
}
