//! One module a command.

pub(crate) mod atomic;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod detect;
pub(crate) mod explain;
pub(crate) mod ingest;
mod packs;
pub(crate) mod query;
pub(crate) mod report;
pub(crate) mod siem;
pub(crate) mod test;

use crate::exit::Failure;
use crate::policy::{Now, wall};
use parallax_detect::Reading;
use parallax_engine::Session;

/// The reference time.
pub(crate) struct Reference {
    /// In nanoseconds since the Unix epoch.
    pub(crate) time: i64,
    /// Where it comes from.
    pub(crate) from: &'static str,
}

/// The reference time. Events have to be read to know the latest.
fn reference(session: &Session, now: Now, reading: &mut Reading) -> Result<Reference, Failure> {
    Ok(match now {
        Now::Wall => Reference { time: wall(), from: "the clock" },
        Now::At(time) => Reference { time, from: "as given" },
        Now::Latest => {
            let census = session.census();
            reading.add(&census.report);
            match census.latest {
                Some(time) => Reference { time, from: "the latest event" },
                None => Reference { time: wall(), from: "the clock: no event has a time" },
            }
        }
    })
}

/// An instant for people.
fn show(nanos: i64) -> String {
    let text = parallax_engine::value::datetime(parallax_engine::value::ticks_of_nanos(nanos));
    match text.strip_suffix(".0000000Z") {
        Some(whole) => format!("{whole}Z"),
        None => format!("{}Z", text.trim_end_matches('Z').trim_end_matches('0')),
    }
}
