//! The flags of `parallax siem`.

use super::{InputArgs, LimitArgs, ReportFormat, TalkArgs, TimeWindowArgs};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct SiemArgs {
    /// Files of rules, or folders of such files.
    #[arg(value_name = "RULES", required = true)]
    pub(crate) rules: Vec<String>,

    /// Run only these rules, by their ids.
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub(crate) only: Vec<String>,

    /// Exit with 1 when there is such a thing.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) fail_on: Option<FiredArg>,

    /// The form of the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,

    /// The activity score that an entity must exceed to be an Insight.
    #[arg(long, value_name = "SCORE", default_value_t = 12, help_heading = "Insights")]
    pub(crate) threshold: u32,

    /// Over how long Signals count towards the score.
    #[arg(long, value_name = "DURATION", default_value = "14d", help_heading = "Insights")]
    pub(crate) detection_window: String,

    /// For how long at most a Signal suppresses those of its name on its entity, while they keep firing (24h to 72h).
    #[arg(long, value_name = "DURATION", default_value = "72h", help_heading = "Insights")]
    pub(crate) suppression: String,

    /// How long first-seen and outlier rules learn, instead of what they say: recordings are short.
    #[arg(long, value_name = "DURATION", help_heading = "Rules")]
    pub(crate) learn: Option<String>,

    /// What a backslash is in a `like` pattern: published rules use both.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = LikeArg::Escape, help_heading = "Rules")]
    pub(crate) like_backslash: LikeArg,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) time: TimeWindowArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FiredArg {
    /// A Signal that is not suppressed.
    Signal,
    /// An Insight.
    Insight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LikeArg {
    /// It makes the wildcard after it plain, as documented.
    Escape,
    /// It is a character.
    Plain,
}
