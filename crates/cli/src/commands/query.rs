//! `parallax query`

use super::{packs, reference, show};
use crate::args::{Format, QueryArgs, TextArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Column, to_stdout};
use crate::policy::{self, Now, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::Reading;
use parallax_engine::value::{Value, value};
use parallax_engine::{Dialect, Error, Saving, Session};
use std::io::{IsTerminal, stdout};

/// A query and where it stands.
pub(super) struct Text {
    pub(super) dialect: Dialect,
    pub(super) text: String,
    pub(super) origin: String,
}

pub(crate) fn run(args: &QueryArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    let query = text(&args.text)?;
    if args.output.format == Format::Parquet && stdout().is_terminal() {
        return Err(Failure::usage("Parquet is not for a terminal; write it to a file with `> rows.parquet`"));
    }
    let now = policy::now(&args.time, Now::Wall)?;
    let mut options = policy::options(Some(&args.input), Some(&args.time), &args.run.limits)?;
    options.config = packs::config_around(args.text.file.as_deref(), &args.run.config, talk)?;
    let session = Session::open(&args.input.input, options).map_err(Failure::usage)?;
    let mut seen = Reading::default();
    seen.add(session.discovery());
    let context = policy::context(&args.language, reference(&session, now, &mut seen)?.time)?;

    let wrong = |e: Error| Failure { exit: exit_of(&e), message: say::error(&e, &query.text, &query.origin, talk) };
    let mut execution = session.query_saving(query.dialect, &query.text, &context).map_err(|e| {
        // A table that is not there may be a file that could not be read.
        seen.add(session.discovery());
        say::reading(&seen, talk);
        wrong(e)
    })?;
    say::some_diagnostics(&execution.diagnostics, &query.text, &query.origin, talk);
    let progress = Progress::new(&session, talk);
    progress.watch("reading", &execution.report);

    let columns: Vec<Column> = execution.columns.iter().map(Column::from).collect();
    let mut out = to_stdout(args.output.format, columns)?;
    let mut rows = 0;
    let mut failed = None;
    for batch in &mut execution.rows {
        let batch = match batch {
            Ok(batch) => batch,
            Err(e) => {
                failed = Some(e);
                break;
            }
        };
        if stdout().is_terminal() {
            progress.clear();
        }
        if let Some(saving) = &mut execution.saving {
            saving.add(&batch).map_err(|e| unsaved(saving, &e))?;
        }
        for row in 0..batch.num_rows() {
            let values: Vec<Value<'_>> =
                execution.columns.iter().zip(batch.columns()).map(|(o, c)| value(o, c, row)).collect();
            out.row(&values)?;
        }
        rows += batch.num_rows();
    }
    drop(progress);
    // A document that was not completed must not look complete.
    if failed.is_none() || (rows > 0 && args.output.format == Format::Table) {
        out.finish()?;
    }
    seen.add(session.discovery());
    seen.add(&execution.report);
    say::reading(&seen, talk);
    if let Some(e) = failed {
        return Err(wrong(e));
    }
    if let Some(saving) = &mut execution.saving {
        saving.finish().map_err(|e| unsaved(saving, &e))?;
        if !talk.quiet {
            let rows = say::count(saving.count(), "row", "rows");
            say::line(&format!("saved {rows} to {}", saving.file().display()));
        }
    }
    if !talk.quiet {
        remarks(&session, &execution, rows, context.now, talk, &seen);
    }
    Ok(if seen.damaged > 0 { Exit::Unreadable } else { Exit::Done })
}

fn unsaved(saving: &Saving, e: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: the table can't be saved: {e}", saving.file().display()))
}

/// What somebody should know who sees these rows, or none.
fn remarks(
    session: &Session,
    execution: &parallax_engine::Execution,
    rows: usize,
    now: i64,
    talk: Talk,
    seen: &Reading,
) {
    let unfed: Vec<_> = execution.tables.iter().filter(|t| !t.fed).collect();
    let lacking = execution.lacking();
    // Tables that nothing feeds are in the diagnostics already.
    if rows == 0 && unfed.is_empty() && !lacking.is_empty() {
        say::line(&format!("warning: no input offers any of {}", lacking.join(", ")));
    }
    let (before, read) = execution.outside.counts();
    if let Some(bound) = execution.outside.bound().filter(|_| before > 0 && (rows == 0 || talk.verbose)) {
        let share = if before == read { "all".to_owned() } else { format!("{before} of") };
        let (bound, now) = (show(bound), show(now));
        say::line(&format!(
            "note: {share} {read} events lie before {bound}, from which the query looks (now is {now})"
        ));
        say::line("help: `--now latest` looks from the latest event's time");
    }
    if talk.verbose {
        let read = format!("{} events, {}", seen.events, say::bytes(seen.bytes));
        say::line(&format!("{} from {}: {read}", say::count(rows, "row", "rows"), say::sources(session)));
    }
}

/// A query that is wrong or fails on the data is the query's fault; limits are configuration.
pub(super) fn exit_of(e: &Error) -> Exit {
    match e {
        Error::Query(_) | Error::Execution(_) => Exit::Wrong,
        Error::Memory { .. } | Error::Timeout(_) | Error::Setup(_) => Exit::Usage,
    }
}

/// The query that was given.
pub(super) fn text(args: &TextArgs) -> Result<Text, Failure> {
    let given = |dialect, text: &String| Text { dialect, text: text.clone(), origin: "<query>".to_owned() };
    match (&args.kql, &args.sumo, &args.file) {
        (Some(t), _, _) => Ok(given(Dialect::Kql, t)),
        (_, Some(t), _) => Ok(given(Dialect::Sumo, t)),
        (_, _, Some(file)) => {
            let (dialect, text) = read(file)?;
            Ok(Text { dialect, text, origin: file.clone() })
        }
        _ => Err(Failure::usage("no query: give --kql TEXT, --sumo TEXT or --file FILE")),
    }
}

/// A query file. Its ending says the language, and of YAML what stands in it.
pub(super) fn read(file: &str) -> Result<(Dialect, String), Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{file}: {e}")))?;
    let dialect = Dialect::of_text(file, &text).map_err(|why| Failure::usage(format!("{file}: {why}")))?;
    Ok((dialect, text))
}
