//! The flags of `parallax ingest`.

use super::{InputArgs, TalkArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The store's folder. It is there whole when the command ends, or not at all.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Add to the store that is there. Files that it has already are passed over; one that has changed since is told and
    /// not read again.
    #[arg(long)]
    pub(crate) append: bool,

    /// How typed tables are cut by time.
    #[arg(long, value_enum, value_name = "PARTITION", default_value_t = PartitionArg::Hour)]
    pub(crate) partition: PartitionArg,

    /// Write these typed tables, or `none`; by default all that the inputs feed. Other tables are read from the
    /// originals.
    #[arg(long, value_name = "TABLE", num_args = 1.., value_delimiter = ',')]
    pub(crate) tables: Option<Vec<String>>,

    /// Threads that read, and threads that write; by default one for each processor.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartitionArg {
    /// By hours.
    Hour,
    /// By days.
    Day,
    /// Not at all.
    None,
}
