//! The flags of `parallax report`.

use super::{InputArgs, RulesArgs, RunArgs, TimeArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) rules: RulesArgs,

    /// The file to write; `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub(crate) output: PathBuf,

    /// The most findings to show; all are counted.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: usize,

    /// Show the detections alone: needs no input.
    #[arg(long = "detections", conflicts_with = "input")]
    pub(crate) catalogue: bool,

    /// Run the tests of the packs too, and show their results.
    #[arg(long)]
    pub(crate) test: bool,

    /// The title of the report.
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) time: TimeArgs,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}
