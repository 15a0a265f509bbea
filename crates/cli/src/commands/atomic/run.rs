//! `parallax atomic run`

use super::ran::{Ran, Telemetry};
use super::{check, show, tests, with_arguments};
use crate::args::AtomicRunArgs;
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::atomic::audit;
use parallax_detect::atomic::process::{self, End, Ended};
use parallax_detect::atomic::{Commands, ExecutorName, Found};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub(super) fn run(args: &AtomicRunArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    let all = tests(&args.test.atomics, talk)?;
    let (found, pack) = all.one(&args.test.test)?;
    let commands = with_arguments(found, &args.test)?;
    let timeout = policy::duration("--command-timeout", &args.command_timeout)?;
    let pack = check::pack(args, pack.and_then(|at| all.packs.get(at)), &found.technique, talk)?;
    runnable(found, &commands)?;
    let telemetry = telemetry(args);
    let mut text = Vec::new();
    show::plan(found, &commands, &mut text)?;
    text.extend(announced(args, &telemetry).into_bytes());
    // With JSON on standard output, the plan is for a person all the same.
    stderr().lock().write_all(&text)?;
    if args.dry_run {
        return Ok(Exit::Done);
    }
    allowed(args)?;
    // The second Ctrl-C has no other meaning than the first: what was begun is cleaned up.
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupt)).map_err(Failure::usage)?;
    }
    let folder = tempfile::tempdir().map_err(Failure::usage)?;
    prerequisites(args, &commands, folder.path(), timeout, &interrupt)?;
    // What the checks did is no part of the test.
    std::thread::sleep(Duration::from_millis(100));
    let telemetry = self::telemetry(args);
    let ran = execute(&commands, folder.path(), timeout, &interrupt)?;
    drop(folder);
    told(&ran, talk);
    if ran.command.end == End::Interrupted {
        return Err(Failure { exit: Exit::Found, message: "interrupted; nothing was checked".to_owned() });
    }
    check::check(args, found, &commands, pack.as_ref(), telemetry, &ran, talk)
}

/// Whether it can run here at all.
fn runnable(found: &Found, commands: &Commands) -> Result<(), Failure> {
    let refused = |why: String| Failure::usage(format!("{}: {why}", found.id()));
    process::interpreter(commands.executor).map_err(refused)?;
    let here = std::env::consts::OS;
    let platforms = &found.test.supported_platforms;
    if !platforms.is_empty() && !platforms.iter().any(|p| p.eq_ignore_ascii_case(here)) {
        return Err(refused(format!("the test is for {}, and this is {here}", platforms.join(", "))));
    }
    if found.test.executor.elevation_required && !elevated() {
        return Err(refused("the test needs the rights of an administrator".to_owned()));
    }
    Ok(())
}

/// Whether this process has the rights of an administrator; assumed where it can't be told.
fn elevated() -> bool {
    if !cfg!(unix) {
        return true;
    }
    let id = std::process::Command::new("id").arg("-u").output();
    id.map_or(true, |o| !o.status.success() || o.stdout.trim_ascii() == b"0")
}

fn telemetry(args: &AtomicRunArgs) -> Telemetry {
    if !args.input.input.is_empty() {
        return Telemetry::Given;
    }
    if !cfg!(target_os = "linux") {
        return Telemetry::None("there is no auditd on this system: give telemetry with --input".to_owned());
    }
    match audit::mark(&args.audit_log) {
        Ok(mark) => Telemetry::Audit(mark),
        Err(why) => Telemetry::None(why),
    }
}

/// What is said of the telemetry before anything runs.
fn announced(args: &AtomicRunArgs, telemetry: &Telemetry) -> String {
    match telemetry {
        Telemetry::Given => format!("telemetry: {}\n", args.input.input.join(", ")),
        Telemetry::None(why) => format!("no telemetry: {why}\n"),
        Telemetry::Audit(_) => {
            let rule = match audit::has_rule() {
                Some(false) => {
                    format!("; no rule records what programs are started: add one with\n    {}", audit::RULE)
                }
                _ => String::new(),
            };
            format!("telemetry: {}{rule}\n", args.audit_log.display())
        }
    }
}

/// Whether somebody says yes.
fn allowed(args: &AtomicRunArgs) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failure::usage("nothing runs without a terminal to ask on; --yes runs it without asking"));
    }
    write!(stderr(), "Run this on this machine? [y/N] ")?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure { exit: Exit::Usage, message: "nothing was run".to_owned() }),
    }
}

fn prerequisites(
    args: &AtomicRunArgs,
    commands: &Commands,
    folder: &Path,
    timeout: Duration,
    interrupt: &AtomicBool,
) -> Result<(), Failure> {
    // Bringing something there takes its time.
    const INSTALL: Duration = Duration::from_secs(900);
    let run = |text: &str, timeout| {
        let executor = match commands.dependency_executor {
            ExecutorName::Manual => ExecutorName::Sh,
            other => other,
        };
        process::run(executor, text, folder, timeout, interrupt).map_err(Failure::usage)
    };
    for needed in &commands.dependencies {
        let Some(check) = &needed.check else { continue };
        let mut ended = run(check, timeout)?;
        if let (false, true, Some(get)) = (ended.end.good(), args.get_prereqs, &needed.get) {
            say::line(&format!("missing: {}; getting it", check::shown(&needed.description)));
            let got = run(get, INSTALL)?;
            if !got.end.good() {
                said(&got);
            }
            ended = run(check, timeout)?;
        }
        if !ended.end.good() {
            said(&ended);
            let help = match (&needed.get, args.get_prereqs) {
                (Some(_), false) => "; --get-prereqs runs what brings it there",
                _ => "",
            };
            let what = check::shown(&needed.description);
            return Err(Failure::usage(format!(
                "a prerequisite is missing: {what} (the check {}){help}",
                ended.end.sentence()
            )));
        }
    }
    Ok(())
}

/// Runs the command, and whatever came of it the cleanup.
fn execute(commands: &Commands, folder: &Path, timeout: Duration, interrupt: &AtomicBool) -> Result<Ran, Failure> {
    let began = policy::wall();
    let command = process::run(commands.executor, &commands.command, folder, timeout, interrupt);
    // Nothing interrupts it: that is what it is for.
    let never = AtomicBool::new(false);
    let cleanup = commands.cleanup.as_ref().filter(|_| command.is_ok());
    let cleanup = cleanup.map(|text| process::run(commands.executor, text, folder, timeout, &never));
    Ok(Ran { began, command: command.map_err(Failure::usage)?, cleanup })
}

fn told(ran: &Ran, talk: Talk) {
    if !talk.quiet {
        let took = ran.command.took.as_secs_f64();
        say::line(&format!("the command {} after {took:.1} s", ran.command.end.sentence()));
        said(&ran.command);
    }
    match &ran.cleanup {
        None => {}
        Some(Ok(ended)) if ended.end.good() => {}
        Some(Ok(ended)) => {
            say::line(&format!("warning: the cleanup {}", ended.end.sentence()));
            said(ended);
        }
        Some(Err(why)) => say::line(&format!("warning: the cleanup could not run: {why}")),
    }
}

/// What a command wrote, each line marked as its.
fn said(ended: &Ended) {
    const LINES: usize = 20;
    for (name, text) in [("out", &ended.output), ("err", &ended.errors)] {
        for line in text.lines().take(LINES) {
            say::line(&format!("  {name}| {}", check::shown(line)));
        }
        let more = text.lines().count().saturating_sub(LINES);
        if more > 0 {
            say::line(&format!("  {name}| … and {}", say::count(more, "more line", "more lines")));
        }
    }
    if ended.beyond > 0 {
        say::line(&format!("  and {} more that are not kept", say::bytes(ended.beyond)));
    }
}
