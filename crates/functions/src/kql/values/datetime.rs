//! Instants.

use super::civil::{Civil, MAX_TICKS};
use super::timespan::{TICKS_PER_MINUTE, parse_fraction};
use crate::english;
use std::fmt::Write as _;

/// 1970-01-01T00:00:00Z in ticks.
pub const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

/// As Kusto prints it: `2023-10-25T09:43:21.9940000Z`, always seven digits.
pub fn format_datetime(ticks: i64) -> String {
    let mut out = String::with_capacity(28);
    write_datetime(&mut out, ticks);
    out
}

/// [`format_datetime`] into a buffer.
pub fn write_datetime(out: &mut String, ticks: i64) {
    let c = Civil::of(ticks);
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second, c.fraction
    );
}

/// Reads every form that Kusto documents: ISO 8601 (date, date and time with `T` or a space, fraction, `Z` or offset),
/// RFC 822 and RFC 850 (`Sat, 8 Nov 14 15:05:02 GMT`, `Saturday, 08-Nov-14 15:05:02 UTC`), and the forms of .NET's
/// invariant culture that it takes besides (`11/8/2014 3:05:02 PM`).
pub fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    let (civil, rest) = iso_date(text).or_else(|| slashed_date(text)).or_else(|| named_date(text))?;
    let ticks = time_of_day(civil, rest.trim_start_matches(['T', 't', ',']).trim())?;
    (0..=MAX_TICKS).contains(&ticks).then_some(ticks)
}

/// Up to `most` digits at the start.
fn number(text: &str, most: usize) -> Option<(i64, usize, &str)> {
    let n = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text.get(..n)?.parse().ok()?, n, &text[n..]))
}

fn iso_date(text: &str) -> Option<(Civil, &str)> {
    let (year, 4, rest) = number(text, 4)? else { return None };
    let compact = rest.len() >= 4 && rest.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    if compact {
        let (month, _, rest) = number(rest, 2)?;
        let (day, _, rest) = number(rest, 2)?;
        return Some((Civil { year, month, day, ..Civil::default() }, rest));
    }
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let (month, _, rest) = number(&rest[1..], 2)?;
    let Some(rest) = rest.strip_prefix(separator) else {
        return rest.is_empty().then_some((Civil { year, month, day: 1, ..Civil::default() }, rest));
    };
    let (day, _, rest) = number(rest, 2)?;
    Some((Civil { year, month, day, ..Civil::default() }, rest))
}

/// `month/day/year`, or with hyphens.
fn slashed_date(text: &str) -> Option<(Civil, &str)> {
    let (month, _, rest) = number(text, 2)?;
    let (day, _, rest) = number(rest.strip_prefix(['/', '-'])?, 2)?;
    let (year, 4, rest) = number(rest.strip_prefix(['/', '-'])?, 4)? else { return None };
    Some((Civil { year, month, day, ..Civil::default() }, rest))
}

/// `[Sat, ]8 Nov 14`, `Saturday, 08-Nov-2014`.
fn named_date(text: &str) -> Option<(Civil, &str)> {
    let text = match text.split_once(',') {
        Some((day, rest)) if day.chars().all(|c| c.is_ascii_alphabetic()) => rest.trim_start(),
        _ => text,
    };
    let separator = |c: char| c == ' ' || c == '-';
    let (day, _, rest) = number(text, 2)?;
    let rest = rest.strip_prefix(separator)?;
    let end = rest.find(separator)?;
    let month = english::month(&rest[..end])?;
    let (year, digits, rest) = number(&rest[end + 1..], 4)?;
    let year = match digits {
        4 => year,
        // As .NET reads two digits: up to 49 are of this century.
        2 if year < 50 => 2000 + year,
        2 => 1900 + year,
        _ => return None,
    };
    Some((Civil { year, month, day, ..Civil::default() }, rest))
}

fn time_of_day(mut civil: Civil, text: &str) -> Option<i64> {
    if text.is_empty() {
        return civil.ticks();
    }
    let mut rest = text;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (hour, _, after) = number(text, 2)?;
        let (minute, 2, after) = number(after.strip_prefix(':')?, 2)? else { return None };
        (civil.hour, civil.minute, rest) = (hour, minute, after);
        if let Some(after) = rest.strip_prefix(':') {
            let (second, _, after) = number(after, 2)?;
            (civil.second, rest) = (second, after);
            if let Some(after) = rest.strip_prefix(['.', ',']) {
                let n = after.bytes().take_while(u8::is_ascii_digit).count();
                civil.fraction = parse_fraction(&after[..n])?;
                rest = &after[n..];
            }
        }
    }
    let rest = half_of_day(&mut civil, rest.trim_start())?;
    let next_day = civil.hour == 24 && civil.minute == 0 && civil.second == 0 && civil.fraction == 0;
    if next_day {
        civil.hour = 0;
    }
    let ticks = civil.ticks()? + if next_day { super::TICKS_PER_DAY } else { 0 };
    ticks.checked_sub(offset(rest.trim())?)
}

fn half_of_day<'t>(civil: &mut Civil, text: &'t str) -> Option<&'t str> {
    let Some(half) = text.get(..2) else { return Some(text) };
    let afternoon = match half.to_ascii_uppercase().as_str() {
        "AM" => false,
        "PM" => true,
        _ => return Some(text),
    };
    if !(1..=12).contains(&civil.hour) {
        return None;
    }
    civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
    Some(&text[2..])
}

/// `Z`, `GMT`, `UTC`, `+02:00`, `-0500`, `+2`; nothing is UTC.
fn offset(text: &str) -> Option<i64> {
    if text.is_empty() || ["z", "gmt", "utc"].iter().any(|z| text.eq_ignore_ascii_case(z)) {
        return Some(0);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, _, rest) = number(&text[1..], 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() {
        (0, rest)
    } else {
        let (m, 2, rest) = number(rest, 2)? else { return None };
        (m, rest)
    };
    (rest.is_empty() && hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes) * TICKS_PER_MINUTE)
}
