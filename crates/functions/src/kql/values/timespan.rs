//! Lengths of time.

use std::fmt::Write as _;

/// Ticks (100 ns) in a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks in a minute.
pub const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// Ticks in an hour.
pub const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
/// Ticks in a day.
pub const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;

/// As Kusto prints it: `[-][d.]hh:mm:ss[.fffffff]`.
pub fn format_timespan(ticks: i64) -> String {
    let mut out = String::new();
    let sign = if ticks < 0 { "-" } else { "" };
    let t = ticks.unsigned_abs();
    let unit = |u: i64| t / u as u64;
    out.push_str(sign);
    if unit(TICKS_PER_DAY) > 0 {
        let _ = write!(out, "{}.", unit(TICKS_PER_DAY));
    }
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        unit(TICKS_PER_HOUR) % 24,
        unit(TICKS_PER_MINUTE) % 60,
        unit(TICKS_PER_SECOND) % 60
    );
    let fraction = t % TICKS_PER_SECOND as u64;
    if fraction > 0 {
        let _ = write!(out, ".{fraction:07}");
    }
    out
}

/// Reads `[-][d.]hh:mm[:ss[.fffffff]]`, a number of days (`2`), or a number with a unit (`1.5h`, `10m`, `100ms`,
/// `3 days`): what `totimespan` and a literal accept.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let ticks = if body.contains(':') { clock(body)? } else { amount(body)? };
    Some(if negative { -ticks } else { ticks })
}

fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let (days, hours, minutes) = (digits(days)?, digits(hours)?, digits(minutes)?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let seconds = digits(seconds)?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    days.checked_mul(TICKS_PER_DAY)?.checked_add(
        hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + seconds * TICKS_PER_SECOND + parse_fraction(fraction)?,
    )
}

fn digits(s: &str) -> Option<i64> {
    if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) { None } else { s.parse().ok() }
}

/// The digits behind a second's point, as ticks; more than seven are cut off.
pub(super) fn parse_fraction(s: &str) -> Option<i64> {
    if !s.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut ticks = 0;
    for i in 0..7 {
        ticks = ticks * 10 + i64::from(s.as_bytes().get(i).map_or(0, |b| b - b'0'));
    }
    Some(ticks)
}

fn amount(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let ticks = match unit {
        "" | "d" | "day" | "days" => TICKS_PER_DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => TICKS_PER_HOUR,
        "m" | "min" | "minute" | "minutes" => TICKS_PER_MINUTE,
        "s" | "sec" | "second" | "seconds" => TICKS_PER_SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 10_000,
        "us" | "micro" | "micros" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        _ => return None,
    };
    if let Some(whole) = digits(number) {
        return whole.checked_mul(ticks);
    }
    let value: f64 = number.parse().ok()?;
    let total = value * ticks as f64;
    (total.abs() < i64::MAX as f64).then_some(total.round() as i64)
}
