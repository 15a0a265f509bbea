//! The program as its users run it: one file a command, snapshots of everything it says.

mod atomic;
mod check;
mod convert;
mod detect;
mod explain;
mod help;
mod ingest;
mod outside;
mod portable;
mod query;
mod report;
mod saving;
mod shipped;
mod siem;
mod test;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of the fixtures; the program runs in it, so that messages name files as a user typed them.
fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(args).current_dir(fixtures()).env_remove("NO_COLOR").env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// Everything that a run says: exit code, standard output, standard error.
fn run(args: &[&str]) -> String {
    said(command(args).output().expect("the program runs"))
}

fn said(output: std::process::Output) -> String {
    let code = output.status.code().map_or_else(|| "none".to_owned(), |c| c.to_string());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Where no event has a time, the clock's is taken.
    let err = match err.split_once("reference time ") {
        Some((before, after)) if after.contains("(the clock") => {
            format!("{before}reference time NOW ({}", after.split_once('(').map_or("", |(_, rest)| rest))
        }
        _ => err.into_owned(),
    };
    format!("exit {code}\n--- stdout\n{out}--- stderr\n{err}")
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
