//! `parallax ingest`

use super::show;
use crate::args::{IngestArgs, PartitionArg};
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::Reading;
use parallax_store::ingest::{self, Options, Partition, Summary};
use parallax_telemetry::Report;
use parallax_telemetry::source::discover;

pub(crate) fn run(args: &IngestArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    if args.input.input.is_empty() {
        return Err(Failure::usage("no input: give files or folders with --input PATH…"));
    }
    if args.threads == Some(0) {
        return Err(Failure::usage("--threads: at least 1"));
    }
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let partition = match args.partition {
        PartitionArg::Hour => Partition::Hour,
        PartitionArg::Day => Partition::Day,
        PartitionArg::None => Partition::None,
    };
    let options = Options {
        output: args.output.clone(),
        append: args.append,
        partition,
        tables: args.tables.clone(),
        threads: threads.unwrap_or(1),
        file_rows: ingest::FILE_ROWS,
    };
    let report = Report::new();
    let sources = discover(&args.input.input, &policy::telemetry(&args.input)?, &report);
    let ingested = ingest::run(sources, &options, &report);
    let mut seen = Reading::default();
    seen.add(&report);
    say::reading(&seen, talk);
    let summary = ingested.map_err(Failure::usage)?;
    if !talk.quiet {
        tell(args, &summary, talk);
    }
    Ok(if seen.damaged > 0 { Exit::Unreadable } else { Exit::Done })
}

/// What was ingested, for people.
fn tell(args: &IngestArgs, summary: &Summary, talk: Talk) {
    if !summary.known.is_empty() {
        say::line(&format!("{} in the store already", say::count(summary.known.len(), "file is", "files are")));
        if talk.verbose {
            summary.known.iter().for_each(|name| say::line(&format!("  {name}")));
        }
    }
    let Some(segment) = &summary.segment else { return };
    let times = summary.times.map_or_else(
        || "none of them has a time".to_owned(),
        |(first, last)| format!("{} to {}", show(first), show(last)),
    );
    let files = say::count(summary.files, "file", "files");
    say::line(&format!(
        "{}: {} events of {files} ({}), {times}",
        args.output.join(segment).display(),
        summary.events,
        say::bytes(summary.bytes)
    ));
    say::line(&format!("  originals, packed: {}", say::bytes(summary.packed)));
    for (name, (rows, files, bytes)) in &summary.tables {
        if *rows > 0 {
            let files = say::count(*files, "file", "files");
            say::line(&format!("  {name}: {rows} rows in {files}, {}", say::bytes(*bytes)));
        }
    }
}
