//! `parallax detect`

use super::{Reference, packs, reference, show};
use crate::args::{DetectArgs, Format, SeverityArg};
use crate::exit::{Exit, Failure};
use crate::output::text::{safe, width};
use crate::output::{Column, Rows, to_stdout};
use crate::policy::{self, Now, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::pack::Severity;
use parallax_detect::{DetectionRun, Finding, Pack, Reading, RunOutcome, TIMES, When, run as run_detection};
use parallax_engine::Session;
use parallax_engine::value::{Value, datetime};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write, stdout};
use std::sync::Arc;

pub(crate) fn run(args: &DetectArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    if args.input.input.is_empty() {
        return Err(Failure::usage("no input: give files or folders with --input PATH…"));
    }
    if args.output.format == Format::Parquet && stdout().is_terminal() {
        return Err(Failure::usage("Parquet is not for a terminal; write it to a file with `> findings.parquet`"));
    }
    let packs = packs::open(&args.packs, talk)?;
    // Without `--now`, recorded time is gone through as a whole.
    let now = args.time.now.as_ref().map(|_| policy::now(&args.time, Now::Latest)).transpose()?;
    let mut options = policy::options(Some(&args.input), Some(&args.time), &args.limits)?;
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    options.config = packs::config(&packs.iter().collect::<Vec<_>>(), &args.config, scratch.path(), talk)?;
    let session = Session::open(&args.input.input, options).map_err(Failure::usage)?;
    let mut reading = Reading::default();
    reading.add(session.discovery());
    let (when, reference) = match now {
        Some(now) => {
            let reference = reference(&session, now, &mut reading)?;
            (When::At(reference.time), reference)
        }
        None => recorded(&session, &mut reading),
    };
    let mut out = Writer::new(args.output.format)?;
    let runs = run_all(&session, &packs, &args.only, &when, &mut reading, talk, &mut out)?;
    out.finish()?;
    reading.add(session.discovery());
    say::reading(&reading, talk);
    summary(&session, &runs, &reference, &reading, talk);
    Ok(exit(&runs, args.fail_on, &reading))
}

/// All the time that was recorded; the clock's where no event has a time.
pub(super) fn recorded(session: &Session, reading: &mut Reading) -> (When, Reference) {
    let census = session.census();
    reading.add(&census.report);
    match census.latest {
        Some(time) => (When::Recorded(Arc::new(census)), Reference { time, from: "the latest event" }),
        None => {
            let time = policy::wall();
            (When::At(time), Reference { time, from: "the clock: no event has a time" })
        }
    }
}

fn run_all(
    session: &Session,
    packs: &[Pack],
    only: &[String],
    when: &When,
    reading: &mut Reading,
    talk: Talk,
    out: &mut Writer,
) -> Result<Vec<DetectionRun>, Failure> {
    let mut runs = Vec::new();
    let terminal = stdout().is_terminal();
    for pack in packs {
        for detection in pack.detections.iter().filter(|d| packs::chosen(only, &pack.id, &d.id)) {
            let progress = Progress::new(session, talk);
            let watch = &mut |rule: &str, report: &_| progress.watch(rule, report);
            let sink = &mut |finding: &Finding| {
                // Bar and findings would stand on one line.
                if terminal {
                    progress.clear();
                }
                out.finding(finding)
            };
            let run = run_detection(session, pack, detection, when, reading, watch, sink)?;
            drop(progress);
            for warning in run.warnings.iter().filter(|_| talk.verbose) {
                say::line(warning);
            }
            if let RunOutcome::Failed(e) = &run.outcome {
                say::line(&say::error(e, &detection.query, &pack.files.name(&detection.path), talk));
            }
            runs.push(run);
        }
    }
    if runs.is_empty() {
        return Err(Failure::usage("no detection to run"));
    }
    Ok(runs)
}

/// A wrong query says more than findings, those say more than an unread file.
fn exit(runs: &[DetectionRun], fail_on: Option<SeverityArg>, reading: &Reading) -> Exit {
    let least = fail_on.map(|s| match s {
        SeverityArg::Informational => Severity::Informational,
        SeverityArg::Low => Severity::Low,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::High => Severity::High,
        SeverityArg::Critical => Severity::Critical,
    });
    let failed = runs.iter().find_map(|r| match &r.outcome {
        RunOutcome::Failed(e) => Some(super::query::exit_of(e)),
        _ => None,
    });
    match (failed, least) {
        (Some(exit), _) => exit,
        (None, Some(least)) if runs.iter().any(|r| r.found > 0 && r.severity >= least) => Exit::Found,
        _ if reading.damaged > 0 => Exit::Unreadable,
        _ => Exit::Done,
    }
}

/// Writes findings as they come.
enum Writer {
    Blocks(io::BufWriter<io::Stdout>),
    Rows(Box<dyn Rows>),
}

impl Writer {
    fn new(format: Format) -> io::Result<Self> {
        Ok(match format {
            Format::Table => Writer::Blocks(io::BufWriter::new(stdout())),
            format => Writer::Rows(to_stdout(format, columns())?),
        })
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        match self {
            Writer::Blocks(out) => block(finding, out),
            Writer::Rows(out) => out.row(&row(finding, &finding.json()["columns"].to_string())),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Writer::Blocks(mut out) => out.flush(),
            Writer::Rows(out) => out.finish(),
        }
    }
}

fn columns() -> Vec<Column> {
    let columns = [
        ("id", "string"),
        ("rule", "string"),
        ("title", "string"),
        ("severity", "string"),
        ("confidence", "string"),
        ("attack", "string"),
        ("time", "datetime"),
        ("host", "string"),
        ("user", "string"),
        ("process_id", "long"),
        ("image", "string"),
        ("command_line", "string"),
        ("parent_image", "string"),
        ("parent_command_line", "string"),
        ("source", "string"),
        ("record", "long"),
        ("columns", "dynamic"),
    ];
    columns.into_iter().map(|(name, ty)| Column::new(name, ty)).collect()
}

fn row<'a>(f: &'a Finding, columns: &'a str) -> Vec<Value<'a>> {
    let text = |t: &'a str| Value::Text(Cow::Borrowed(t));
    let maybe = |t: Option<&'a String>| t.map_or(Value::Null, |t| text(t));
    let number = |n: Option<i64>| n.map_or(Value::Null, Value::Long);
    let e = f.event.as_ref();
    vec![
        text(&f.id),
        text(&f.rule),
        text(&f.title),
        text(f.severity.word()),
        text(f.confidence.word()),
        Value::Text(Cow::Owned(f.attack.join(" "))),
        e.and_then(|e| e.time).map_or(Value::Null, Value::DateTime),
        maybe(e.and_then(|e| e.host.as_ref())),
        maybe(e.and_then(|e| e.user.as_ref())),
        number(e.and_then(|e| e.process_id)),
        maybe(e.and_then(|e| e.image.as_ref())),
        maybe(e.and_then(|e| e.command_line.as_ref())),
        maybe(e.and_then(|e| e.parent_image.as_ref())),
        maybe(e.and_then(|e| e.parent_command_line.as_ref())),
        maybe(e.and_then(|e| e.source.as_ref())),
        number(e.and_then(|e| e.record)),
        Value::Dynamic(columns),
    ]
}

/// A finding for people.
fn block(f: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (severity, confidence) = (f.severity, f.confidence);
    writeln!(out, "{} [{severity} severity, {confidence} confidence] {}", f.rule, f.attack.join(" "))?;
    let longest = f.columns.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let indent = longest.clamp("command line".len(), 32);
    let mut line = |name: &str, text: Option<String>| match text {
        Some(text) if !text.is_empty() => writeln!(out, "  {name:<indent$}  {}", safe(&text)),
        _ => Ok(()),
    };
    if let Some(e) = &f.event {
        line("time", e.time.map(datetime))?;
        line("host", e.host.clone())?;
        line("user", e.user.clone())?;
        let pid = e.process_id.map_or_else(String::new, |pid| format!(" (process {pid})"));
        line("image", e.image.as_ref().map(|i| format!("{i}{pid}")))?;
        line("command line", e.command_line.clone())?;
        line("parent", parent(e.parent_image.as_deref(), e.parent_command_line.as_deref()))?;
        let record = e.record.map_or_else(String::new, |r| format!(" at {r}"));
        line("source", e.source.as_ref().map(|s| format!("{s}{record}")))?;
    }
    for (name, text, _) in &f.columns {
        line(&safe(name), Some(text.clone()))?;
    }
    line("id", Some(f.id.clone()))?;
    writeln!(out)
}

fn parent(image: Option<&str>, command_line: Option<&str>) -> Option<String> {
    match (image, command_line) {
        (Some(image), Some(line)) => Some(format!("{image}: {line}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// What was looked at and what was not. Detections that could not apply are named: their silence means nothing.
fn summary(session: &Session, runs: &[DetectionRun], reference: &Reference, reading: &Reading, talk: Talk) {
    for run in runs {
        if let RunOutcome::NotApplicable(lacking) = &run.outcome {
            let what = lacking.join(", ");
            say::line(&format!("warning: {} could not apply: no input offers any of {what}", run.rule));
        }
    }
    for run in runs.iter().filter(|r| r.cut_short) {
        let rule = &run.rule;
        say::line(&format!(
            "warning: {rule} did not look at all events: it ran at {TIMES} reference times, the most there may be"
        ));
    }
    if talk.quiet {
        return;
    }
    for run in runs {
        if run.whole {
            say::line(&format!("note: {}: ran over all recorded time, not only as far back as it looks", run.rule));
        }
        if run.times > 1 {
            let times = run.times;
            say::line(&format!("note: {}: ran at {times} reference times, as far back as it looks each", run.rule));
        }
        if let (read, before @ 1.., Some(bound)) = run.outside {
            let bound = show(bound);
            say::line(&format!(
                "note: {}: {before} of {read} events lie before {bound}, from which it looks",
                run.rule
            ));
        }
    }
    let findings: usize = runs.iter().map(|r| r.found).sum();
    let applied = runs.iter().filter(|r| matches!(r.outcome, RunOutcome::Ran)).count();
    say::line(&format!(
        "{} by {applied} of {}; read {} events, {} from {}; reference time {} ({}){}",
        say::count(findings, "finding", "findings"),
        say::count(runs.len(), "detection", "detections"),
        reading.events,
        say::bytes(reading.bytes),
        say::sources(session),
        show(reference.time),
        reference.from,
        match reading.damaged {
            0 => String::new(),
            n => format!("; {n} could not be read"),
        },
    ));
}
