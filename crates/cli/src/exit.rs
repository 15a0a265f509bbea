//! How a run ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes. They are part of the interface: scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Findings or failed tests, where the caller asked.
    Found = 1,
    /// A query or a pack is wrong.
    Wrong = 2,
    /// Usage or configuration.
    Usage = 3,
    /// Some input could not be read; everything readable was processed and reported.
    Unreadable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command stopped before its end.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What to say on standard error; empty for nothing.
    pub(crate) message: String,
}

impl Failure {
    /// The caller's mistake.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Failure { exit: Exit::Usage, message: format!("error: {message}") }
    }

    /// A mistake in a query or pack, already in its final form.
    pub(crate) fn wrong(message: impl fmt::Display) -> Self {
        Failure { exit: Exit::Wrong, message: message.to_string() }
    }
}

/// The output can't be written. A reader that went away (`| head`) is no failure.
impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Failure { exit: Exit::Done, message: String::new() },
            _ => Failure { exit: Exit::Usage, message: format!("error: the output can't be written: {e}") },
        }
    }
}
