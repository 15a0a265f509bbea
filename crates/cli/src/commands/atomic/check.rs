//! What the telemetry of a run shows.

use super::ran::{Ran, Telemetry, to_stdout};
use super::show;
use crate::args::AtomicRunArgs;
use crate::commands::packs;
use crate::exit::{Exit, Failure};
use crate::output::text::{cut, safe, width};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::Pack;
use parallax_detect::atomic::process::Ended;
use parallax_detect::atomic::{Commands, Found, Live, audit, expected, look};
use parallax_detect::pack::{Case, Outcome};
use parallax_detect::test::{Actual, CaseResult, DetectionResult, SignalResult, case_json};
use parallax_engine::{Options, Session, Window};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// Cells of a command line.
const COMMAND: usize = 90;

/// Text of somebody else, on a terminal.
pub(super) fn shown(text: &str) -> String {
    cut(&safe(text), 400).into_owned()
}

/// The pack whose signals and detections are looked at.
pub(super) fn pack(
    args: &AtomicRunArgs,
    own: Option<&Pack>,
    technique: &str,
    talk: Talk,
) -> Result<Option<Pack>, Failure> {
    if let Some(path) = &args.pack {
        return Ok(packs::open(std::slice::from_ref(path), talk)?.into_iter().next());
    }
    if let Some(own) = own {
        return Ok(Some(own.clone()));
    }
    Ok(packs::open(&[], talk)?.into_iter().find(|p| p.technique.id == technique))
}

pub(super) fn check(
    args: &AtomicRunArgs,
    found: &Found,
    commands: &Commands,
    pack: Option<&Pack>,
    telemetry: Telemetry,
    ran: &Ran,
    talk: Talk,
) -> Result<Exit, Failure> {
    let mut json = json!({
        "test": show::as_json(found, commands),
        "command": ended(&ran.command),
        "cleanup": match &ran.cleanup {
            None => Json::Null,
            Some(Ok(e)) => ended(e),
            Some(Err(why)) => json!({ "error": why }),
        },
        "telemetry": Json::Null,
        "result": Json::Null,
    });
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    let mut notes = Vec::new();
    let inputs = match telemetry {
        Telemetry::Given => args.input.input.clone(),
        Telemetry::None(why) => {
            json["telemetry"] = json!({ "missing": why });
            to_stdout(args, &format!("not checked: {}\n", safe(&why)), &json)?;
            return Ok(Exit::Unreadable);
        }
        Telemetry::Audit(mark) => {
            let written = mark.written().map_err(|e| Failure::usage(format!("{}: {e}", args.audit_log.display())))?;
            notes = written.notes;
            if written.bytes.is_empty() {
                notes.push(format!(
                    "auditd wrote nothing meanwhile; a rule that records what is started: {}",
                    audit::RULE
                ));
            }
            let file = scratch.path().join("audit.log");
            std::fs::write(&file, &written.bytes).map_err(Failure::usage)?;
            if written.bytes.is_empty() { Vec::new() } else { vec![file.display().to_string()] }
        }
    };
    let mut lines = String::new();
    let live = looked(args, found, pack, inputs, ran, scratch.path(), talk)?;
    if live.as_ref().is_some_and(|l| l.1.formats.contains(&"auditd") && !l.2) {
        notes.push(format!("no start of a program was recorded; add a rule: {}", audit::RULE));
    }
    for note in &notes {
        let _ = writeln!(lines, "note: {}", safe(note));
    }
    json["telemetry"] = json!({ "notes": notes });
    let (Some(pack), Some((live, result, _, sometimes))) = (pack, &live) else {
        lines.push_str("not checked: there is no telemetry, or no pack whose signals it could show\n");
        to_stdout(args, &lines, &json)?;
        return Ok(Exit::Unreadable);
    };
    table(pack, &live.case, result, sometimes, &mut lines);
    json["result"] = case_json(pack, &live.case, result);
    json["result"]["sometimes"] = sometimes.iter().map(signal_json).collect();
    json["result"]["pack"] = Json::from(pack.id.clone());
    to_stdout(args, &lines, &json)?;
    say::reading(&result.reading, talk);
    Ok(match (result.holds(), live.case.signals.is_empty()) {
        (false, _) => Exit::Found,
        (true, false) => Exit::Done,
        // Nothing was held against anything.
        (true, true) => Exit::Unreadable,
    })
}

/// What a run is held against, what came of it, whether a start of a program was recorded, and the signals that may be
/// there.
type Looked = (Live, CaseResult, bool, Vec<SignalResult>);

/// Looks at the telemetry; nothing without telemetry or pack.
fn looked(
    args: &AtomicRunArgs,
    found: &Found,
    pack: Option<&Pack>,
    inputs: Vec<String>,
    ran: &Ran,
    scratch: &std::path::Path,
    talk: Talk,
) -> Result<Option<Looked>, Failure> {
    let Some(pack) = pack.filter(|_| !inputs.is_empty()) else { return Ok(None) };
    let mut options = policy::options(Some(&args.input), None, &args.run.limits)?;
    options.config = packs::config(&[pack], &args.run.config, scratch, talk)?;
    // Records carry the time of the last tick of the kernel's clock.
    options.window = Window { from: Some(ran.began.saturating_sub(20_000_000)), to: None };
    if options.telemetry.settings.host.is_none() {
        options.telemetry.settings.host = host();
    }
    let session = Session::open(&inputs, options.clone()).map_err(Failure::usage)?;
    let mut formats: Vec<&'static str> = session.sources().iter().map(|s| s.format.name()).collect();
    formats.sort_unstable();
    formats.dedup();
    let live = expected(pack, &found.test, &formats, &Options { window: Window::default(), ..options }, scratch);
    let (result, sometimes) = look(&session, pack, &live, policy::wall()).map_err(Failure::usage)?;
    let started = started(&session);
    Ok(Some((live, result, started, sometimes)))
}

/// Whether a start of a program was recorded.
fn started(session: &Session) -> bool {
    let context = parallax_engine::Context::at(policy::wall());
    let query = "DeviceProcessEvents | where ActionType == 'ProcessCreated' | take 1";
    let Ok(mut execution) = session.query(parallax_engine::Dialect::Kql, query, &context) else { return false };
    execution.rows.by_ref().any(|batch| batch.is_ok_and(|b| b.num_rows() > 0))
}

fn signal_json(s: &SignalResult) -> Json {
    json!({ "title": s.title, "rows": s.found.as_ref().ok(), "there": s.holds })
}

fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|n| !n.is_empty())
}

fn ended(e: &Ended) -> Json {
    json!({
        "end": e.end.sentence(),
        "good": e.end.good(),
        "seconds": e.took.as_secs_f64(),
        "output": e.output,
        "errors": e.errors,
        "not_kept": e.beyond,
    })
}

fn table(pack: &Pack, case: &Case, result: &CaseResult, sometimes: &[SignalResult], out: &mut String) {
    let events = say::count(usize::try_from(result.reading.events).unwrap_or(usize::MAX), "event", "events");
    let _ = writeln!(out, "telemetry: {}, {events}\n", result.formats.join(" + "));
    if case.signals.is_empty() {
        let _ = writeln!(
            out,
            "signals: {} has no case of this test on such telemetry: nothing to hold it against\n",
            pack.id
        );
    } else {
        out.push_str("signals\n");
    }
    for s in &result.signals {
        let found = match &s.found {
            Ok(n) => say::count(*n, "row", "rows"),
            Err(e) => format!("failed: {}", safe(e)),
        };
        let sign = if s.holds { '+' } else { '!' };
        let _ = writeln!(out, "  {sign} {} ({} expected, {found})", s.title, s.wanted);
    }
    for s in sometimes {
        let sign = if s.holds { '+' } else { '-' };
        let found = s.found.as_ref().map_or_else(|e| safe(e).into_owned(), |n| say::count(*n, "row", "rows"));
        let _ = writeln!(out, "  {sign} {} (in some of the recorded runs; {found})", s.title);
    }
    out.push_str("detections\n");
    let ids = result.detections.iter().map(|d| width(&d.detection)).max().unwrap_or(0);
    for d in &result.detections {
        let pad = " ".repeat(ids - width(&d.detection));
        let sign = match (d.holds, d.actual.fired()) {
            (false, _) => '!',
            (true, true) => '+',
            (true, false) => '-',
        };
        let actual = match &d.actual {
            Actual::Found(n) => say::count(*n, "finding", "findings"),
            Actual::NotApplicable => "not applicable".to_owned(),
            Actual::Failed(e) => format!("failed: {}", safe(e)),
        };
        let _ = writeln!(out, "  {sign} {}{pad}  {actual}{}", d.detection, wanted(d));
        for e in d.events.iter().take(3) {
            let what = e.command_line.as_deref().or(e.image.as_deref()).unwrap_or_default();
            let pid = e.process_id.map_or_else(String::new, |p| format!("pid {p} "));
            let _ = writeln!(out, "      {pid}`{}`", cut(&safe(what), COMMAND));
        }
    }
    out.push_str("\n+ there   - nothing found   ! not as expected\n");
}

fn wanted(d: &DetectionResult) -> String {
    match d.expected {
        Some(e) if !d.holds => format!(" ({} expected)", Outcome::sentence(e)),
        Some(e) => format!(" (as expected: {})", e.word()),
        None => String::new(),
    }
}
