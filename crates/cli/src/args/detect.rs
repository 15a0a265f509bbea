//! The flags of `parallax detect`.

use super::{ConfigArgs, InputArgs, OutputArgs, RunArgs, SeverityArg, TalkArgs, TimeArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    #[command(flatten)]
    pub(crate) rules: RulesArgs,

    /// Exit with 1 when something is found at this severity or above.
    #[arg(long, value_name = "SEVERITY", num_args = 0..=1, default_missing_value = "informational")]
    pub(crate) fail_on: Option<SeverityArg>,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) time: TimeArgs,

    #[command(flatten)]
    pub(crate) output: FindingArgs,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) rules: RulesArgs,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FindingArgs {
    /// The form of the findings.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FindingFormat::Table)]
    pub(crate) format: FindingFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingFormat {
    /// A block of lines for people.
    Table,
    /// One JSON object: `{"columns":[{"name":…,"type":…}],"rows":[[…]]}`.
    Json,
    /// One JSON object a finding.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// OCSF 1.8 Detection Findings, one JSON object a line.
    Ocsf,
    /// A layer of the ATT&CK Navigator: techniques by their findings.
    Navigator,
    /// SARIF 2.1.0.
    Sarif,
}

/// Which detections.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Files and folders with detections, or packs; the packs that are built in can be named.
    #[arg(value_name = "DETECTIONS")]
    pub(crate) detections: Vec<String>,

    /// Only detections of this severity or above.
    #[arg(long, value_name = "SEVERITY", help_heading = "Detections")]
    pub(crate) level: Option<SeverityArg>,

    /// Only detections of these severities.
    #[arg(long, value_name = "SEVERITY", num_args = 1.., value_delimiter = ',', help_heading = "Detections")]
    pub(crate) only_level: Vec<SeverityArg>,

    /// Only detections with one of these tags, such as `attack.t1059*`.
    #[arg(long, value_name = "GLOB", num_args = 1.., value_delimiter = ',', help_heading = "Detections")]
    pub(crate) tag: Vec<String>,

    /// Only detections of these statuses, such as `stable`; `none` where nothing is said.
    #[arg(long, value_name = "STATUS", num_args = 1.., value_delimiter = ',', help_heading = "Detections")]
    pub(crate) status: Vec<String>,

    /// Only these detections: `pack/detection`, an id, a name or a title, also with `*`.
    #[arg(long, visible_alias = "only", value_name = "NAME", num_args = 1.., help_heading = "Detections")]
    pub(crate) rule: Vec<String>,

    /// Not these detections.
    #[arg(long, value_name = "NAME", num_args = 1.., help_heading = "Detections")]
    pub(crate) exclude: Vec<String>,

    /// The values of Sigma's placeholders: YAML with a list under each name.
    #[arg(long, value_name = "FILE", help_heading = "Detections")]
    pub(crate) placeholders: Vec<PathBuf>,
}
