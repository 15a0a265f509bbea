//! The flags, as they are typed. What they mean is decided in [`crate::policy`].

mod atomic;
mod convert;
mod detect;
mod explain;
mod ingest;
mod report;
mod siem;

pub(crate) use atomic::{
    AtomicArgs, AtomicCommand, AtomicListArgs, AtomicRunArgs, AtomicShowArgs, AtomicTestArgs, AtomicsArgs,
};
pub(crate) use convert::{ConvertArgs, ExportArg, ExportArgs, LanguageArg};
pub(crate) use detect::{DetectArgs, FindingFormat, ListArgs, RulesArgs};
pub(crate) use explain::{ExplainArgs, Form};
pub(crate) use ingest::{IngestArgs, PartitionArg};
pub(crate) use report::ReportArgs;
pub(crate) use siem::{FiredArg, LikeArg, SiemArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Runs SIEM detections as they are written (KQL, Sumo Logic search, Sigma) over real endpoint telemetry.
///
/// Inputs are recognised by their content: Linux audit logs, Windows event logs (EVTX, XML, JSON), Sysmon for Linux,
/// Defender exports, JSON lines, CSV, Parquet; gzip and Zstandard are unpacked. Data goes to standard output, everything
/// else to standard error.
///
/// Exit codes: 0 done; 1 findings or failed tests where that was asked for; 2 a query or a pack is wrong; 3 wrong usage;
/// 4 some input could not be read (everything readable was processed).
#[derive(Debug, Parser)]
#[command(name = "parallax", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run detections over telemetry.
    ///
    /// DETECTIONS are files and folders, also mixed: packs, Sigma rules (.yml, several in a file too), KQL (.kql) and
    /// Sumo Logic (.sumo) queries, and analytics rules of Microsoft Sentinel (.yaml). Without any, the packs that are
    /// built in. What can't be loaded is told, and the rest runs.
    ///
    /// Without `--now`, detections run as if they had been running all the time that was recorded: a query that looks
    /// back for a day runs at the time of the latest event, at the end of the day before that, and so on until every
    /// event was within its reach; an analytics rule at each time of its schedule. With `--now` they run once.
    Detect(DetectArgs),
    /// Show which detections would run, and whether the inputs have what they need.
    ///
    /// DETECTIONS as for `parallax detect`. Inputs are looked at, not read.
    Rules(ListArgs),
    /// Run one query.
    ///
    /// A query file's ending says its language: .kql, .sumo, .yml for Sigma rules.
    Query(QueryArgs),
    /// Run the tests of packs: exit 0 only when every expectation holds.
    ///
    /// Without PACK, the packs that are built in. Each case is told against each detection; then what the dialects
    /// agree on, which hostile cases are caught, and what is not as expected.
    Test(TestArgs),
    /// Atomic tests: small commands that do what an attacker does.
    Atomic(AtomicArgs),
    /// Parse and bind queries without running them, and say what is wrong or would not work elsewhere.
    Check(CheckArgs),
    /// Say what a query is and reads, and why an event did or did not match.
    ///
    /// Without an event: the query in canonical form, the columns of its result, the tables that it reads with the
    /// fields that feed each column, and the plans. With one (`--record`, `--where-time`, `--find`): each step of the
    /// query with the values of its conditions and their operands for that event, and where the event is dropped; with
    /// `-v` both. The event goes through the query's own plan. Steps that put several events together are not followed.
    Explain(ExplainArgs),
    /// Run detections, and write what they find as one HTML file.
    ///
    /// The file needs nothing else: no server, no network, no script to be read. It holds the findings on a timeline,
    /// for each why it was found, the processes around it and the event as it was recorded, and a page for each
    /// detection. See docs/report.md.
    Report(ReportArgs),
    /// Write a detection in another language: KQL, Sumo Logic search or Sigma.
    ///
    /// FILES are queries (.kql, .sumo) and Sigma rules (.yml). What is converted means the same where that can be said;
    /// every step that loses something is told with its place, and what cannot be said is refused by name. `--verify` runs
    /// both and tells the events that only one of them finds: exit 1 if one of these is explained by no loss.
    Convert(ConvertArgs),
    /// Write detections in the form that another product takes: rules of Sentinel and Cloud SIEM, files for SigmaHQ and
    /// Atomic Red Team.
    ///
    /// One file a detection. Those in another language are converted first; what that loses is told, and what cannot be
    /// said is left out by name, with exit 2.
    Export(ExportArgs),
    /// Make a store of telemetry, over which every command works as over the files, and queries again and again are fast.
    ///
    /// A store holds the files' bytes, packed, and the rows of typed tables as Parquet, cut by time. It is given as any
    /// input: `--input DIR`. See docs/ingest.md.
    Ingest(IngestArgs),
    /// Run Cloud SIEM rules: Signals, and the Insights that they add up to.
    ///
    /// RULES are files in the vendor's JSON: the content catalog's, exported rules, or the API's. All rules look at the
    /// normalised records of the inputs in one reading, by their time. A rule that cannot run is told, the others run.
    Siem(SiemArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    pub(crate) text: TextArgs,

    #[command(flatten)]
    pub(crate) language: LanguageArgs,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) time: TimeArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The text of one query.
#[derive(Debug, Args)]
pub(crate) struct TextArgs {
    /// A query in Kusto Query Language.
    #[arg(long, value_name = "TEXT", group = "text", allow_hyphen_values = true)]
    pub(crate) kql: Option<String>,

    /// A Sumo Logic search.
    #[arg(long, value_name = "TEXT", group = "text", allow_hyphen_values = true)]
    pub(crate) sumo: Option<String>,

    /// A file with a query; its ending (.kql, .sumo, .yml for Sigma) says the language.
    #[arg(short, long, value_name = "FILE", group = "text")]
    pub(crate) file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Folders of packs.
    #[arg(value_name = "PACK")]
    pub(crate) packs: Vec<String>,

    /// Run only these cases: `case` or `pack/case`.
    #[arg(long = "case", alias = "only", value_name = "ID", num_args = 1..)]
    pub(crate) cases: Vec<String>,

    /// Run only these detections: `detection` or `pack/detection`.
    #[arg(long = "detection", value_name = "ID", num_args = 1..)]
    pub(crate) detections: Vec<String>,

    /// End with the first case that is not as expected.
    #[arg(long)]
    pub(crate) fail_fast: bool,

    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TestFormat::Table)]
    pub(crate) format: TestFormat,

    /// Also write the result as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Also write the result as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// Text for people: the matrix, agreement, coverage, failures.
    Table,
    /// One JSON object.
    Json,
    /// JUnit XML.
    Junit,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Query files (.kql, .sumo), Sigma rules (.yml), files of Cloud SIEM rules (.json), or folders: of packs, whose
    /// detections are checked, or of queries and rules.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<String>,

    /// Write the corrected queries.
    #[arg(long)]
    pub(crate) fix: bool,

    /// The form of the diagnostics.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Table)]
    pub(crate) format: CheckFormat,

    /// Telemetry whose tables the queries may name.
    #[arg(short, long, value_name = "PATH", num_args = 1..)]
    pub(crate) input: Vec<String>,

    #[command(flatten)]
    pub(crate) language: LanguageArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Language")]
pub(crate) struct LanguageArgs {
    /// Refuse forms that the real product does not document.
    #[arg(long)]
    pub(crate) strict: bool,

    /// A value for a parameter of the query.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,

    /// Settle a point that the product's documentation leaves open.
    #[arg(long = "set", value_name = "SWITCH=VALUE")]
    pub(crate) switches: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// Files, folders, globs, or `-` for standard input.
    #[arg(short, long, value_name = "PATH", num_args = 1..)]
    pub(crate) input: Vec<String>,

    /// The format of all inputs, instead of what their content says.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<String>,

    /// The host of events that do not say theirs.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Sumo's `_sourceCategory` of the inputs; each format has a default.
    #[arg(long, value_name = "TEXT")]
    pub(crate) source_category: Option<String>,

    /// A passwd file to name the numeric users of audit logs.
    #[arg(long, value_name = "FILE")]
    pub(crate) passwd: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct TimeArgs {
    /// What `now()` is: a time (RFC 3339 or seconds since 1970), `wall` or `latest` (the latest event).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,

    /// Leave out events before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// Leave out events at this time and after it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct TimeWindowArgs {
    /// Leave out events before this time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// Leave out events at this time and after it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// What every command that runs detections or queries takes.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Threads that compute; by default one for each processor.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    /// Memory for sorts, joins and aggregates, such as 512M or 2G.
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,

    /// Stop a query after so long, such as 30s or 5m.
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// What queries take from outside: lists, files for addresses, stored functions. By default `parallax.toml` in the
    /// working directory, where there is one.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// A CSV file in place of a list of the pack, for every language.
    #[arg(long = "list", value_name = "ID=FILE")]
    pub(crate) lists: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct TalkArgs {
    /// Say nothing on standard error but errors, what could not be read, and what could not apply.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more on standard error.
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Show no progress bar.
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Colours on standard error.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorArg::Auto)]
    pub(crate) color: ColorArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people.
    Table,
    /// One JSON object: `{"columns":[{"name":…,"type":…}],"rows":[[…]]}`.
    Json,
    /// One JSON object a row.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Text for people.
    Table,
    /// One JSON object.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Text for people.
    Table,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// When standard error is a terminal and NO_COLOR is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityArg {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}
