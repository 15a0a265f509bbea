//! Which detections would run.

use super::Prepared;
use super::prepare::left_out;
use crate::args::Format;
use crate::exit::Failure;
use crate::output::text::safe;
use crate::output::{Column, to_stdout};
use crate::say;
use parallax_detect::applies;
use parallax_engine::value::Value;
use std::borrow::Cow;

/// A line for each, with what is known without reading the inputs.
pub(super) fn write(prepared: &Prepared, format: Format) -> Result<(), Failure> {
    let names = ["rule", "title", "kind", "dialect", "severity", "status", "attack", "applies", "lacks", "source"];
    let columns = names.iter().map(|name| Column::new(name, "string")).collect();
    let mut out = to_stdout(format, columns)?;
    let mut shown = 0;
    for (at, rule) in prepared.detections.rules.iter().enumerate() {
        if !prepared.chosen.runs[at] || !rule.reports() {
            continue;
        }
        shown += 1;
        let about = &rule.about;
        let (applies, lacks) = match applies(&prepared.session, &prepared.detections, at) {
            None => ("", String::new()),
            Some(Ok(())) => ("yes", String::new()),
            Some(Err(why)) => ("no", why),
        };
        let text = |t: &str| Value::Text(Cow::Owned(t.to_owned()));
        out.row(&[
            text(&about.name),
            text(&about.title),
            text(about.kind.word()),
            text(about.dialect.name()),
            text(about.severity.word()),
            about.status.as_deref().map_or(Value::Null, text),
            text(&about.attack.join(" ")),
            text(applies),
            text(&lacks),
            text(&about.place()),
        ])?;
    }
    out.finish()?;
    let faults = prepared.detections.faults.len();
    let unloaded = if faults > 0 { format!("; {faults} could not be loaded") } else { String::new() };
    let line = format!("{}{}{unloaded}", say::count(shown, "detection", "detections"), left_out(&prepared.chosen));
    say::line(&safe(&line));
    Ok(())
}
