//! What is said on standard error.

use crate::output::text::safe;
use crate::policy::Talk;
use parallax_detect::Reading;
use parallax_diagnostics::{Diagnostics, Severity};
use parallax_engine::{Error, Session};
use std::collections::BTreeMap;
use std::io::Write;

/// Writes a line. A standard error that is gone is no reason to stop.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Diagnostics about a query's text, with the place marked.
pub(crate) fn diagnostics(all: &Diagnostics, text: &str, origin: &str, talk: Talk) {
    for d in all.iter() {
        if d.severity == Severity::Error || !talk.quiet {
            line(&d.render(text, origin, talk.style));
        }
    }
}

/// Diagnostics beside a result: a few, because the rows are what was asked for.
pub(crate) fn some_diagnostics(all: &Diagnostics, text: &str, origin: &str, talk: Talk) {
    const SHOWN: usize = 2;
    let count = all.iter().count();
    if talk.quiet || talk.verbose || count <= SHOWN {
        return diagnostics(all, text, origin, talk);
    }
    diagnostics(&Diagnostics(all.iter().take(SHOWN).cloned().collect()), text, origin, talk);
    line(&format!("note: and {} more about the query; `parallax check` or `-v` shows all", count - SHOWN));
}

/// An error as its reader should see it.
pub(crate) fn error(e: &Error, text: &str, origin: &str, talk: Talk) -> String {
    match e {
        Error::Query(all) => all.render(text, origin, talk.style),
        e => format!("error: {e}"),
    }
}

/// The inputs: how many of which format.
pub(crate) fn sources(session: &Session) -> String {
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files = 0;
    for source in session.sources() {
        *formats.entry(source.format.name()).or_default() += source.inputs.len();
        files += source.inputs.len();
    }
    let formats: Vec<String> = formats.iter().map(|(name, n)| format!("{n} {name}")).collect();
    match files {
        0 => "no input".to_owned(),
        1 => format!("1 file ({})", formats.join(", ")),
        n => format!("{n} files ({})", formats.join(", ")),
    }
}

/// What could not be read, and with `-v` what else there is to know.
pub(crate) fn reading(reading: &Reading, talk: Talk) {
    const SHOWN: usize = 20;
    let shown = if talk.verbose { usize::MAX } else { SHOWN };
    for damage in reading.damages.iter().take(shown) {
        let place = damage.position.map_or_else(String::new, |p| format!(" at {p}"));
        line(&format!("warning: {}{place}: {}", safe(&damage.file), safe(&damage.reason)));
    }
    let more = reading.damaged.saturating_sub(reading.damages.len().min(shown) as u64);
    if more > 0 {
        line(&format!("warning: and {more} more that could not be read"));
    }
    if talk.quiet {
        return;
    }
    for (note, n) in &reading.notes {
        match n {
            0 | 1 => line(&format!("note: {}", safe(note))),
            n => line(&format!("note: {} ({n})", safe(note))),
        }
    }
}

/// A number of bytes for people.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A count of things.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
