//! One module a command.

pub(crate) mod check;
pub(crate) mod detect;
mod packs;
pub(crate) mod query;
pub(crate) mod test;

use crate::exit::Failure;
use crate::policy::{Now, wall};
use parallax_detect::Reading;
use parallax_engine::Session;

/// The reference time, in nanoseconds since the Unix epoch. Events have to be read to know the latest.
fn reference(session: &Session, now: Now, reading: &mut Reading) -> Result<i64, Failure> {
    Ok(match now {
        Now::Wall => wall(),
        Now::At(time) => time,
        Now::Latest => {
            let census = session.census();
            reading.add(&census.report);
            census.latest.unwrap_or_else(wall)
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
