//! The flags of `parallax explain`.

use super::{InputArgs, LanguageArgs, RunArgs, TextArgs, TimeArgs};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) text: TextArgs,

    /// Follow the event at this position of this source, as findings print them: `audit.log@24679`.
    #[arg(long, value_name = "SOURCE@POSITION", group = "event", help_heading = "Event")]
    pub(crate) record: Option<String>,

    /// Follow the events of this time; without a fraction of a second, of the whole second.
    #[arg(long, value_name = "TIME", group = "event", help_heading = "Event")]
    pub(crate) where_time: Option<String>,

    /// Follow the events for which this condition is true, written in the query's language, such as
    /// `FileName == "lua5.4"`.
    #[arg(long, value_name = "CONDITION", group = "event", help_heading = "Event", allow_hyphen_values = true)]
    pub(crate) find: Option<String>,

    /// How many events to follow at most.
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Event")]
    pub(crate) events: usize,

    /// The form of the explanation.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Form::Text, help_heading = "Output")]
    pub(crate) format: Form,

    #[command(flatten)]
    pub(crate) language: LanguageArgs,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) time: TimeArgs,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Text for people.
    Text,
    /// One JSON object.
    Json,
}
