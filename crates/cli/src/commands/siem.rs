//! `parallax siem`

use super::show;
use crate::args::{FiredArg, LikeArg, ReportFormat, SiemArgs, TimeArgs};
use crate::exit::{Exit, Failure};
use crate::output::text::safe;
use crate::policy::{self, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::Reading;
use parallax_diagnostics::Diagnostics;
use parallax_engine::Session;
use parallax_siem::rule::ReadError;
use parallax_siem::{Compiled, Insight, Outcome, Rules, Run, Settings, Signal, Wrong, run as run_rules};
use parallax_sumo::siem::Switches;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write, stdout};
use std::path::Path;

pub(crate) fn run(args: &SiemArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    if args.input.input.is_empty() {
        return Err(Failure::usage("no input: give files or folders with --input PATH…"));
    }
    let (mut rules, unread) = read_all(&args.rules)?;
    unread.iter().for_each(|(file, e)| say::line(&format!("error: {file}: {e}")));
    if !args.only.is_empty() {
        rules.rules.retain(|r| args.only.contains(&r.id));
    }
    let count = rules.rules.len();
    let compiled = Compiled::new(rules, Switches { plain_backslash: args.like_backslash == LikeArg::Plain });
    say_wrong(&compiled.said, talk);
    if compiled.is_empty() {
        return Err(Failure { exit: Exit::Wrong, message: "error: no rule to run".to_owned() });
    }
    let refused = unread.len() + count.saturating_sub(compiled.len());
    let ran = compiled.len();
    let unfilled = compiled.unfilled.clone();
    let settings = settings(args)?;
    let learn = args.learn.as_deref().map(|t| policy::duration("--learn", t)).transpose()?;
    let learn = learn.map(|d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
    let time = TimeArgs { now: None, from: args.time.from.clone(), to: args.time.to.clone() };
    let options = policy::options(Some(&args.input), Some(&time), &args.limits)?;
    let session = Session::open(&args.input.input, options).map_err(Failure::usage)?;
    let mut seen = Reading::default();
    seen.add(session.discovery());

    let progress = Progress::new(&session, talk);
    let terminal = stdout().is_terminal();
    let mut out = Writer::new(args.format)?;
    let watch = &mut |report: &_| progress.watch("records", report);
    let sink = &mut |outcome: Outcome| {
        if terminal {
            progress.clear();
        }
        out.outcome(&outcome)
    };
    let finished = run_rules(&session, compiled, settings, learn, watch, sink)?;
    drop(progress);
    let (run, report) = finished.map_err(|e| Failure::wrong(say::error(&e, "", "", talk)))?;
    // A document that was not completed must not look complete.
    if run.failed.is_none() || args.format == ReportFormat::Table {
        out.finish(&run)?;
    }
    seen.add(session.discovery());
    seen.add(&report);
    say::reading(&seen, talk);
    if let Some(e) = &run.failed {
        return Err(Failure { exit: super::query::exit_of(e), message: say::error(e, "", "", talk) });
    }
    summary(&session, &run, &seen, (ran, refused), &unfilled, talk);
    Ok(exit(&run, refused, args.fail_on, &seen))
}

fn settings(args: &SiemArgs) -> Result<Settings, Failure> {
    let nanos =
        |flag: &str, text: &str| policy::duration(flag, text).map(|d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
    let default = Settings::default();
    Ok(Settings {
        threshold: args.threshold,
        window: nanos("--detection-window", &args.detection_window)?,
        longest: nanos("--suppression", &args.suppression)?,
        ..default
    })
}

/// The rules of files and folders, and what in them is no rule.
fn read_all(paths: &[String]) -> Result<(Rules, Vec<(String, ReadError)>), Failure> {
    let (mut rules, mut unread) = (Rules::default(), Vec::new());
    for path in paths {
        for file in files(path)? {
            let (some, wrong) = read(&file)?;
            rules.rules.extend(some.rules);
            rules.tunings.extend(some.tunings);
            rules.lists.extend(some.lists);
            unread.extend(wrong.into_iter().map(|e| (file.clone(), e)));
        }
    }
    Ok((rules, unread))
}

fn files(path: &str) -> Result<Vec<String>, Failure> {
    if !Path::new(path).is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let listed = std::fs::read_dir(path).map_err(|e| Failure::usage(format!("{path}: {e}")))?;
    let names = listed.filter_map(|entry| Some(entry.ok()?.path().display().to_string()));
    let mut names: Vec<String> = names.filter(|name| is_rules(name)).collect();
    names.sort();
    Ok(names)
}

/// Whether a file is one of rules, by its ending.
pub(super) fn is_rules(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
}

/// The rules of a file.
pub(super) fn read(file: &str) -> Result<(Rules, Vec<ReadError>), Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{file}: {e}")))?;
    Rules::read(&text).map_err(|e| Failure::wrong(format!("error: {file}: this is not JSON: {e}")))
}

/// What is to be said about rules, with the place in the expression marked.
pub(super) fn say_wrong(said: &[Wrong], talk: Talk) {
    for wrong in said.iter().filter(|w| w.refuses() || talk.verbose) {
        let origin = format!("{}: {}", wrong.rule, wrong.place);
        say::diagnostics(&wrong.diagnostics, &wrong.text, &origin, talk);
    }
    let warnings = said.iter().filter(|w| !w.refuses()).count();
    if warnings > 0 && !talk.quiet && !talk.verbose {
        let warnings = say::count(warnings, "warning", "warnings");
        say::line(&format!("note: {warnings} about expressions; `parallax check` or `-v` shows them"));
    }
}

/// All that is to be said about a file of rules: how many there are, and a list of places with diagnostics.
pub(super) fn check(file: &str) -> Result<(usize, Vec<Wrong>), Failure> {
    let (rules, unread) = read(file)?;
    let count = rules.rules.len() + unread.len();
    let mut said = Compiled::new(rules, Switches::default()).said;
    said.extend(unread.into_iter().map(|e| {
        let span = parallax_diagnostics::Span::at(0);
        let d = parallax_diagnostics::Diagnostic::error("CSE0100", span, e.why);
        Wrong { rule: e.rule, place: "rule", text: String::new(), diagnostics: Diagnostics::from(d) }
    }));
    Ok((count, said))
}

/// Writes what comes: people read Signals and Insights one below the other, programs get one object.
struct Writer {
    out: BufWriter<Stdout>,
    format: ReportFormat,
    signals: usize,
    insights: Vec<serde_json::Value>,
}

impl Writer {
    fn new(format: ReportFormat) -> io::Result<Self> {
        let mut out = BufWriter::new(stdout());
        if format == ReportFormat::Json {
            write!(out, "{{\"signals\":[")?;
        }
        Ok(Writer { out, format, signals: 0, insights: Vec::new() })
    }

    fn outcome(&mut self, outcome: &Outcome) -> io::Result<()> {
        match (self.format, outcome) {
            (ReportFormat::Table, Outcome::Signal(signal)) => signal_block(signal, &mut self.out),
            (ReportFormat::Table, Outcome::Insight(insight)) => insight_block(insight, &mut self.out),
            (ReportFormat::Json, Outcome::Signal(signal)) => {
                let comma = if self.signals > 0 { "," } else { "" };
                self.signals += 1;
                write!(self.out, "{comma}\n{}", signal.json(&show))
            }
            (ReportFormat::Json, Outcome::Insight(insight)) => {
                self.insights.push(insight.json(&show));
                Ok(())
            }
        }
    }

    fn finish(mut self, run: &Run) -> io::Result<()> {
        if self.format == ReportFormat::Json {
            let entities: Vec<_> = run
                .entities
                .iter()
                .map(|(e, score)| json!({ "type": e.kind, "value": e.value, "activityScore": score }))
                .collect();
            let insights = serde_json::Value::Array(self.insights);
            writeln!(self.out, "],\"insights\":{insights},\"entities\":{}}}", serde_json::Value::Array(entities))?;
        }
        self.out.flush()
    }
}

fn signal_block(s: &Signal, out: &mut dyn Write) -> io::Result<()> {
    let state = match (&s.suppressed_by, s.prototype) {
        (Some(by), _) => format!(", suppressed by {by}"),
        (None, true) => ", prototype".to_owned(),
        _ => String::new(),
    };
    writeln!(out, "Signal [severity {}{state}] {}", s.severity, safe(&s.name))?;
    let mut line = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "  {name:<7}  {}", safe(text)),
    };
    line("time", &s.time.map(show).unwrap_or_default())?;
    line("entity", &s.entity.to_string())?;
    line("rule", &format!("{} ({})", s.rule, s.kind))?;
    line("summary", &s.summary)?;
    if let Some(last) = s.records.last() {
        let more = if s.count > 1 { format!(", the last of {}", s.count) } else { String::new() };
        line("record", &format!("{} at {}{more}", last.source, last.record))?;
    }
    line("id", &s.id)?;
    writeln!(out)
}

fn insight_block(i: &Insight, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "INSIGHT [{}, activity score {}] {}", i.severity.name(), i.score, safe(&i.entity.to_string()))?;
    if let Some(time) = i.time {
        writeln!(out, "  time     {}", show(time))?;
    }
    for (id, name, severity) in &i.signals {
        writeln!(out, "  signal   {id} [{severity}] {}", safe(name))?;
    }
    writeln!(out)
}

fn summary(
    session: &Session,
    run: &Run,
    seen: &Reading,
    (ran, refused): (usize, usize),
    unfilled: &BTreeSet<String>,
    talk: Talk,
) {
    if !run.fed {
        say::line("warning: no input holds events that are mapped as records (docs/cloud-siem.md says which are)");
    }
    if talk.quiet {
        return;
    }
    if run.timeless > 0 {
        let timeless = run.timeless;
        say::line(&format!("note: {timeless} matched records have no time; windows and baselines do not see them"));
    }
    if !unfilled.is_empty() {
        let attributes = say::count(unfilled.len(), "attribute", "attributes");
        let lists = if unfilled.contains("listMatches") { "; there are no match lists" } else { "" };
        say::line(&format!("note: the rules read {attributes} that no record here has{lists}"));
        if talk.verbose {
            say::line(&format!("note: {}", unfilled.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
    }
    for (entity, score) in run.entities.iter().take(5) {
        say::line(&format!("entity: {} has an activity score of {score}", safe(&entity.to_string())));
    }
    let refused = if refused > 0 { format!(" ({refused} refused)") } else { String::new() };
    say::line(&format!(
        "{} ({} suppressed) and {} by {}{refused}; read {} events, {} from {}{}",
        say::count(run.signals, "Signal", "Signals"),
        run.suppressed,
        say::count(run.insights, "Insight", "Insights"),
        say::count(ran, "rule", "rules"),
        seen.events,
        say::bytes(seen.bytes),
        say::sources(session),
        match seen.damaged {
            0 => String::new(),
            n => format!("; {n} could not be read"),
        },
    ));
}

fn exit(run: &Run, refused: usize, fail_on: Option<FiredArg>, seen: &Reading) -> Exit {
    let found = match fail_on {
        Some(FiredArg::Signal) => run.signals > run.suppressed,
        Some(FiredArg::Insight) => run.insights > 0,
        None => false,
    };
    match () {
        () if refused > 0 => Exit::Wrong,
        () if found => Exit::Found,
        () if seen.damaged > 0 => Exit::Unreadable,
        () => Exit::Done,
    }
}
