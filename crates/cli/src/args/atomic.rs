//! `parallax atomic`

use super::{InputArgs, ReportFormat, RunArgs, TalkArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct AtomicArgs {
    #[command(subcommand)]
    pub(crate) command: AtomicCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AtomicCommand {
    /// List atomic tests.
    List(AtomicListArgs),
    /// Show what a test would run, with its arguments in their places.
    Show(AtomicShowArgs),
    /// Run a test on this machine, and see whether its signals are in the telemetry and which detections fire.
    ///
    /// The commands are shown and asked for; nothing runs without a terminal or `--yes`. The command runs in a fresh
    /// folder, without input, for so long at most; its cleanup command runs whatever happened, also after Ctrl-C. On
    /// Linux what auditd writes meanwhile is looked at; elsewhere, or with `--input`, the given telemetry.
    Run(Box<AtomicRunArgs>),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Tests")]
pub(crate) struct AtomicsArgs {
    /// Where the tests are: folders of packs, files of tests, folders of such files; by default the packs that are built
    /// in.
    #[arg(short, long, value_name = "PATH", num_args = 1..)]
    pub(crate) atomics: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AtomicListArgs {
    #[command(flatten)]
    pub(crate) atomics: AtomicsArgs,

    /// The form of the list.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// A test with its arguments.
#[derive(Debug, Args)]
pub(crate) struct AtomicTestArgs {
    /// The test: its id (`T1059.011-1`), name or GUID.
    #[arg(value_name = "TEST")]
    pub(crate) test: String,

    /// A value for an argument of the test.
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub(crate) arguments: Vec<String>,

    #[command(flatten)]
    pub(crate) atomics: AtomicsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AtomicShowArgs {
    #[command(flatten)]
    pub(crate) test: AtomicTestArgs,

    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AtomicRunArgs {
    #[command(flatten)]
    pub(crate) test: AtomicTestArgs,

    /// Run without asking.
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Only show what would run, and whether telemetry would be there.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,

    /// Run what brings a missing prerequisite there.
    #[arg(long)]
    pub(crate) get_prereqs: bool,

    /// End a command after so long, such as 30s or 5m.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub(crate) command_timeout: String,

    /// The log that auditd writes.
    #[arg(long, value_name = "FILE", default_value = parallax_detect::atomic::audit::LOG)]
    pub(crate) audit_log: PathBuf,

    /// The pack whose signals and detections are looked at; by default the one that the test is of, else one that is
    /// built in.
    #[arg(long, value_name = "PACK")]
    pub(crate) pack: Option<String>,

    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}
