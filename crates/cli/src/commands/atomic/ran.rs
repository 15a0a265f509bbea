//! What was run, where its telemetry is, and how the result is written.

use crate::args::{AtomicRunArgs, ReportFormat};
use parallax_detect::atomic::audit::Mark;
use parallax_detect::atomic::process::Ended;
use std::io::{self, Write};

/// Where the telemetry of a run comes from.
pub(super) enum Telemetry {
    /// What auditd writes from the mark on.
    Audit(Mark),
    /// Given inputs.
    Given,
    /// Nowhere, for this reason.
    None(String),
}

/// What was run.
pub(super) struct Ran {
    /// When it began, in nanoseconds since the Unix epoch.
    pub(super) began: i64,
    pub(super) command: Ended,
    /// The cleanup command, where there is one.
    pub(super) cleanup: Option<Result<Ended, String>>,
}

/// What a run writes to standard output.
pub(super) fn to_stdout(args: &AtomicRunArgs, text: &str, json: &serde_json::Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match args.format {
        ReportFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(json).unwrap_or_default()),
        ReportFormat::Table => out.write_all(text.as_bytes()),
    }
}
