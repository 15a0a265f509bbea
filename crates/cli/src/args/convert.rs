//! The flags of `parallax convert`.

use super::{ConfigArgs, ReportFormat, RunArgs, TalkArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// Query files (.kql, .sumo), files of Sigma rules (.yml), and folders of these.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// A query in Kusto Query Language.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["files", "sumo"], allow_hyphen_values = true)]
    pub(crate) kql: Option<String>,

    /// A Sumo Logic search.
    #[arg(long, value_name = "TEXT", conflicts_with = "files", allow_hyphen_values = true)]
    pub(crate) sumo: Option<String>,

    /// The language to write.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub(crate) to: LanguageArg,

    /// Write each result to a file in this folder, instead of to standard output.
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,

    /// Refuse what cannot be converted without a loss.
    #[arg(long)]
    pub(crate) strict: bool,

    /// The KQL table to query, instead of the first that has all fields.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,

    /// Where a Sumo search looks, instead of the usual source categories.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) scope: Option<String>,

    /// What telemetry a query is about, instead of what its text says: `category=process_creation,product=windows`.
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub(crate) logsource: Option<String>,

    /// Run both over these inputs and compare the events; without PATH over the telemetry of the built-in packs.
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub(crate) verify: Option<Vec<String>>,

    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Packs, Sigma rules (.yml), KQL (.kql) and Sumo Logic (.sumo) queries, in files and folders. Without any, the packs
    /// that are built in.
    #[arg(value_name = "DETECTIONS")]
    pub(crate) detections: Vec<String>,

    /// The form to write.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: ExportArg,

    /// The folder to write to.
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,

    /// Only these: `detection`, `pack/detection`, or the id of a rule.
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub(crate) only: Vec<String>,

    /// Leave out what cannot be written without a loss.
    #[arg(long)]
    pub(crate) strict: bool,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportArg {
    /// Analytics rules of Microsoft Sentinel, as YAML.
    Sentinel,
    /// Match rules of Sumo Logic Cloud SIEM, as JSON.
    CloudSiem,
    /// Sigma rules in the layout of SigmaHQ's repository.
    Sigma,
    /// Sigma rules with regression data: the recordings of the packs' cases, and `info.yml`.
    SigmaRegression,
    /// The packs' atomic tests, in the layout of Atomic Red Team's repository.
    Atomic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageArg {
    /// Kusto Query Language.
    Kql,
    /// Sumo Logic search.
    Sumo,
    /// A Sigma rule.
    Sigma,
}
