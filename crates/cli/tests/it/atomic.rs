//! `parallax atomic`

use crate::{command, run};
use std::fs;
use std::path::Path;

const TESTS: &str = "live/T1059.011.yaml";

#[test]
fn tests_are_listed_and_shown() {
    insta::assert_snapshot!(run(&["atomic", "list", "--atomics", "live"]));
    insta::assert_snapshot!(run(&[
        "atomic",
        "show",
        "hang",
        "--atomics",
        TESTS,
        "--arg",
        "mark=/tmp/a b; c\u{1b}[2J",
        "--format",
        "json"
    ]));
    insta::assert_snapshot!(run(&["atomic", "show", "T1059.011-1", "-a", "live"]));
}

#[test]
fn what_cannot_run_is_refused() {
    let cases: [&[&str]; 5] = [
        &["T1059.011-9"],
        &["Hangg"],
        &["Hang", "--arg", "mrk=x"],
        &["By hand", "--yes"],
        // The standard input of these tests is no terminal.
        &["Hang"],
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|args| run(&[&["atomic", "run", "--atomics", TESTS, "--audit-log", "no.log"], *args].concat()))
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

/// Runs with everything that differs from run to run replaced.
#[cfg(target_os = "linux")]
fn run_in(folder: &Path, args: &[&str]) -> String {
    let output = command(args).output().expect("the program runs");
    let said = crate::said(output).replace(&folder.display().to_string(), "FOLDER");
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    for line in &mut lines {
        if let Some((before, _)) = line.split_once(" after ").filter(|(b, _)| b.starts_with("the command")) {
            *line = format!("{before} after TIME");
        }
        // Whether this machine has a rule is not what is tested.
        if let Some((before, _)) = line.split_once("; no rule records") {
            *line = before.to_owned();
        }
    }
    lines.retain(|l| !l.trim_start().starts_with("auditctl"));
    lines.join("\n")
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_is_held_against_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (log, mark) = (folder.path().join("audit.log"), folder.path().join("mark"));
    let (log_arg, mark_arg) = (format!("log={}", log.display()), format!("mark={}", mark.display()));
    let log = log.display().to_string();
    let base =
        ["atomic", "run", "T1059.011-1", "-a", "live", "--arg", &log_arg, "--arg", &mark_arg, "--audit-log", &log];
    // What is needed is not there, and then is.
    insta::assert_snapshot!(run_in(folder.path(), &[&base[..], &["--yes"]].concat()));
    assert!(!Path::new(&log).exists() && !mark.exists());
    insta::assert_snapshot!(run_in(folder.path(), &[&base[..], &["--dry-run"]].concat()));
    assert!(!Path::new(&log).exists());
    // What stood in the log before is not looked at.
    fs::write(&log, fs::read(crate::fixtures().join("live/telemetry/audit.log")).unwrap()).unwrap();
    insta::assert_snapshot!(run_in(folder.path(), &[&base[..], &["--yes"]].concat()));
    assert!(mark.exists());
    // Another program is started: the signal is not there, and the detection is silent.
    insta::assert_snapshot!(run_in(folder.path(), &[&base[..], &["--yes", "-q", "--arg", "program=perl"]].concat()));
    // Without any telemetry nothing is proved.
    let gone = folder.path().join("gone.log").display().to_string();
    let blind = [&base[..9], &["--audit-log", &gone, "--yes", "-q"]].concat();
    let said = run_in(folder.path(), &blind);
    assert!(said.starts_with("exit 4") && said.contains("not checked: there is no FOLDER/gone.log"), "{said}");
    // As JSON.
    let output = command(&[&base[..], &["--yes", "--format", "json"]].concat()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["command"]["good"], &json["result"]["holds"]), (&true.into(), &true.into()));
    assert_eq!(json["result"]["signals"][0]["rows"], 1);
}

#[cfg(unix)]
#[test]
fn a_command_that_hangs_is_ended_and_cleaned_up_after() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let argument = format!("mark={}", mark.display());
    let base = ["atomic", "run", "Hang", "--atomics", TESTS, "--arg", &argument, "--yes", "--audit-log", "no.log"];
    let said = run(&[&base[..], &["--command-timeout", "300ms"]].concat());
    assert!(said.contains("the command ran too long and was ended") && said.contains("out| begun"), "{said}");
    assert!(mark.exists());
}

/// Ctrl-C ends the command, and the cleanup runs all the same.
#[cfg(unix)]
#[test]
fn an_interrupted_run_is_cleaned_up_after() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let argument = format!("mark={}", mark.display());
    let base = ["atomic", "run", "Hang", "--atomics", TESTS, "--arg", &argument, "--yes", "--audit-log", "no.log"];
    let mut child =
        command(&base).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // The plan is told before the command runs; a moment later it does.
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("telemetry:") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0);
    }
    std::thread::sleep(std::time::Duration::from_millis(600));
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(mark.exists());
}
