//! Reading a source for nothing but the times of its events.

use super::rows::read_by;
use crate::format::Format;
use crate::formats::{auditd, json};
use crate::report::Report;
use crate::source::Source;
use crate::view;
use std::io;
use std::ops::ControlFlow;

pub use crate::formats::json::{HOUR, Stretch};

/// Reads `source` for the times of its events. Of JSON lines hardly any is decoded: those that are not are counted as
/// events, nobody looks whether they are damaged within, and the times that they may have come back by stretches
/// ([`Source::within`] is such a stretch). Of audit logs the stamps are read. All others go to `each`. Times that do not `hold` are nobody's business.
///
/// What can't be read is told to `report` and is no error.
///
/// # Errors
/// The format is not read as events (Parquet).
pub fn times(
    source: &Source,
    holds: &dyn Fn(i64) -> bool,
    report: &Report,
    each: &mut dyn FnMut(i64),
) -> io::Result<Vec<Stretch>> {
    if source.format == Format::Auditd {
        auditd::times(&source.inputs, report, &mut |time| {
            if holds(time) {
                each(time);
            }
        });
        return Ok(Vec::new());
    }
    let view = view::messages(&[], false);
    let columns = ["$time".to_owned()];
    let mut stretches = Vec::new();
    let lines = matches!(source.format, Format::DefenderJson | Format::WindowsJson | Format::JsonLines);
    let mut take = |time: Option<i64>| {
        time.filter(|t| holds(*t)).into_iter().for_each(&mut *each);
        ControlFlow::Continue(())
    };
    read_by(source, &view, &columns, &[], report, &mut |row| take(row.value(0).to_instant()), &mut |request, sink| {
        if let ([input], true) = (source.inputs.as_slice(), lines)
            && let Some(found) = json::times(input, holds, request, report, sink)?
        {
            stretches = found;
            return Ok(());
        }
        source.reader()?.read(request, report, sink)
    })?;
    Ok(stretches)
}
