//! `parallax explain`

mod event;
mod json;
mod query;

use super::packs;
use super::query::{Text, exit_of, text};
use super::reference;
use crate::args::{ExplainArgs, Form};
use crate::exit::{Exit, Failure};
use crate::policy::{self, Now, Talk};
use crate::say;
use parallax_detect::Reading;
use parallax_engine::{Error, Followed, Pick, Session};
use std::io::{BufWriter, Write, stdout};

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    let query = text(&args.text)?;
    let now = policy::now(&args.time, Now::Wall)?;
    let mut options = policy::options(Some(&args.input), Some(&args.time), &args.run.limits)?;
    options.config = packs::config_around(args.text.file.as_deref(), &args.run.config, talk)?;
    let session = Session::open(&args.input.input, options).map_err(Failure::usage)?;
    let pick = pick(args, &session)?;
    let mut seen = Reading::default();
    seen.add(session.discovery());
    let context = policy::context(&args.language, reference(&session, now, &mut seen)?.time)?;

    let wrong = |e: Error| Failure { exit: exit_of(&e), message: say::error(&e, &query.text, &query.origin, talk) };
    let explanation = session.explain(query.dialect, &query.text, &context).map_err(wrong)?;
    say::diagnostics(&explanation.diagnostics, &query.text, &query.origin, talk);
    let followed = match &pick {
        Some(pick) => {
            let (followed, report) =
                session.follow(query.dialect, &query.text, &context, pick, args.events).map_err(wrong)?;
            seen.add(&report);
            Some(followed)
        }
        None => None,
    };

    let mut out = BufWriter::new(stdout().lock());
    match args.format {
        Form::Json => {
            let report = json::report(&query, &explanation, followed.as_deref());
            writeln!(out, "{}", serde_json::to_string_pretty(&report).unwrap_or_default())?;
        }
        Form::Text => {
            // Who asks about an event wants to read of the event.
            if followed.is_none() || talk.verbose {
                query::write(&mut out, &query, &explanation, talk.verbose)?;
            }
            events(&mut out, &query, followed.as_deref().unwrap_or_default(), talk)?;
        }
    }
    out.flush()?;
    seen.add(session.discovery());
    say::reading(&seen, talk);
    if followed.is_some_and(|f| f.is_empty()) {
        say::line("warning: there is no such event among those that the query begins with");
    }
    Ok(if seen.damaged > 0 { Exit::Unreadable } else { Exit::Done })
}

fn events(out: &mut dyn Write, query: &Text, followed: &[Followed], talk: Talk) -> Result<(), Failure> {
    for (index, one) in followed.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        event::write(out, query, one, talk.verbose)?;
    }
    Ok(())
}

/// The events that the user asks about.
fn pick(args: &ExplainArgs, session: &Session) -> Result<Option<Pick>, Failure> {
    if let Some(record) = &args.record {
        return at(record, session).map(Some);
    }
    if let Some(time) = &args.where_time {
        let from = policy::instant("--where-time", time)?;
        // A time without a fraction of a second stands for the whole second.
        let length = if from % SECOND == 0 { SECOND } else { 1 };
        return Ok(Some(Pick::Between(from, from.saturating_add(length))));
    }
    Ok(args.find.clone().map(Pick::Where))
}

/// Nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// `SOURCE@POSITION`, the source named as findings name it, or by the end of its path.
fn at(record: &str, session: &Session) -> Result<Pick, Failure> {
    let wrong = || Failure::usage(format!("--record: `{record}` is not SOURCE@POSITION"));
    let (source, position) = record.rsplit_once('@').ok_or_else(wrong)?;
    let position = position.trim().parse().map_err(|_| wrong())?;
    let mut known: Vec<String> = Vec::new();
    for source in session.sources() {
        known.push(source.name.clone());
        known.extend(source.inputs.iter().map(|i| i.name()));
    }
    known.sort();
    known.dedup();
    if known.iter().any(|k| k == source) {
        return Ok(Pick::At(vec![source.to_owned()], position));
    }
    let ends: Vec<String> = known
        .into_iter()
        .filter(|k| k.strip_suffix(source).is_some_and(|before| before.ends_with(['/', '\\'])))
        .collect();
    if ends.is_empty() {
        return Err(Failure::usage(format!("--record: none of the inputs is `{source}`")));
    }
    Ok(Pick::At(ends, position))
}
