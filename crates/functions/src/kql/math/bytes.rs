//! Sizes in bytes, as text.

use crate::udf::{Functions, Row};
use std::fmt::Write as _;

const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];

pub(super) fn register(f: &mut Functions) {
    f.text("format_bytes(real, long?, string?) string", format_bytes);
}

/// In the unit that is named, or the largest that the size holds once; a unit is 1024 of the one before it. Digits behind
/// the point are rounded to `precision`, and those that are zero left out (documented by example).
fn format_bytes(r: &Row<'_>, w: &mut String) -> Option<()> {
    let size = r.real(0)?;
    let precision = if r.len() > 1 { usize::try_from(r.long(1)?).ok()?.min(15) } else { 0 };
    let unit = match r.str(2) {
        "" => (1..UNITS.len()).take_while(|u| size.abs() >= 1024f64.powi(*u as i32)).count(),
        name => UNITS.iter().position(|u| u.eq_ignore_ascii_case(name))?,
    };
    let scaled = size / 1024f64.powi(unit as i32);
    let unit10 = 10f64.powi(precision as i32);
    let rounded = (scaled * unit10).round() / unit10;
    let text = format!("{rounded:.precision$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    write!(w, "{text} {}", UNITS[unit]).ok()
}
