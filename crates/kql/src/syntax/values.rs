//! What the text of a literal means.

use super::tree::{Literal, ScalarType};

/// Ticks of 100 ns in a day.
pub(crate) const DAY: i64 = 864_000_000_000;
const HOUR: i64 = DAY / 24;
const MINUTE: i64 = HOUR / 60;
const SECOND: i64 = MINUTE / 60;

/// The ticks of a unit as it is written after a number, in lower case.
pub(crate) fn timespan_unit(unit: &[u8]) -> Option<i64> {
    Some(match unit {
        b"d" | b"day" | b"days" => DAY,
        b"h" | b"hr" | b"hrs" | b"hour" | b"hours" => HOUR,
        b"m" | b"min" | b"minute" | b"minutes" => MINUTE,
        b"s" | b"sec" | b"second" | b"seconds" => SECOND,
        b"ms" | b"milli" | b"millis" | b"millisec" | b"millisecond" | b"milliseconds" => SECOND / 1000,
        b"micro" | b"micros" | b"microsec" | b"microsecond" | b"microseconds" => SECOND / 1_000_000,
        b"nano" | b"nanos" | b"nanosec" | b"nanosecond" | b"nanoseconds" => 0, // scaled apart
        b"tick" | b"ticks" => 1,
        _ => return None,
    })
}

/// `1d`, `2.5h`, `100nanoseconds`: exact as far as ticks are.
pub(crate) fn short_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let nanoseconds = unit.starts_with("nano");
    let scale = i128::from(timespan_unit(unit.as_bytes())?);
    let divisor = if nanoseconds { 100 } else { 1 };
    let scale = if nanoseconds { 1 } else { scale };
    let fraction = fraction.get(..fraction.len().min(18))?;
    let power = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let ticks = (whole.checked_mul(power)?.checked_add(fraction)?).checked_mul(scale)? / (power * divisor);
    i64::try_from(if negative { -ticks } else { ticks }).ok()
}

/// `[-][d.]hh:mm[:ss[.fffffff]]`.
fn clock(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (head, rest) = text.split_once(':')?;
    let (days, hours) = head.split_once('.').unwrap_or(("0", head));
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let part = |text: &str, limit: i64| number(text).filter(|n| *n < limit);
    let mut ticks = number(days)?.checked_mul(DAY)?;
    ticks = ticks.checked_add(part(hours, 24)? * HOUR + part(minutes, 60)? * MINUTE + part(seconds, 60)? * SECOND)?;
    ticks = ticks.checked_add(fraction_ticks(fraction)?)?;
    Some(if negative { -ticks } else { ticks })
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The digits after a second's point, at most seven.
fn fraction_ticks(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    if fraction.len() > 9 {
        return None;
    }
    let digits = number(fraction)?;
    let exponent = 7 - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i64.pow(exponent.unsigned_abs());
    Some(if exponent >= 0 { digits * factor } else { digits / factor })
}

/// What stands in `timespan(…)`: a clock, a short form, or a number of days.
pub(crate) fn timespan(text: &str) -> Option<i64> {
    let text = unquote(text);
    clock(text).or_else(|| short_timespan(text)).or_else(|| {
        let days = format!("{text}d");
        short_timespan(&days)
    })
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    text
}

/// Days from 0001-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LENGTH: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let index = usize::try_from(month - 1).ok().filter(|i| *i < 12)?;
    let length = LENGTH[index] + i64::from(leap && month == 2);
    if !(1..=9999).contains(&year) || day < 1 || day > length {
        return None;
    }
    let y = year - 1;
    Some(y * 365 + y / 4 - y / 100 + y / 400 + BEFORE[index] + i64::from(leap && month > 2) + day - 1)
}

/// The date that lies so many days after 0001-01-01.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day is a year's last; after Howard Hinnant's algorithm.
    let shifted = days + 306;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day_of_month)
}

/// What stands in `datetime(…)`. Besides ISO 8601 (a year, a month, a date, a date and a time, with `Z` or an offset)
/// the engine takes what .NET takes in the invariant culture, and published queries use it: month names, `month/day/year`
/// with any separator, and spaces around separators. UTC where nothing else is said.
pub(crate) fn datetime(text: &str) -> Option<i64> {
    let text = unquote(text);
    let (date, time) = split_date(text);
    let date = date_part(date)?;
    let (time, offset) = if time.is_empty() { (0, 0) } else { time_and_offset(time)? };
    let ticks = date.checked_mul(DAY)?.checked_add(time)?.checked_sub(offset)?;
    (0..=3_155_378_975_999_999_999).contains(&ticks).then_some(ticks)
}

/// An hour and a minute, with or without seconds, of the current day (documented by an example of
/// `time_window_rolling_avg_fl`).
fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| digits)
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let fits = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    fits.then_some(((hour * 60 + minute) * 60 + second) * 10_000_000)
}

/// Cuts before the hour: at the `T` behind a digit, else before the digits of the first `:`.
fn split_date(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let marked = (1..bytes.len()).find(|&i| matches!(bytes[i], b'T' | b't') && bytes[i - 1].is_ascii_digit());
    if let Some(at) = marked {
        return (&text[..at], text[at + 1..].trim());
    }
    let Some(colon) = text.find(':') else { return (text, "") };
    let hour = text[..colon].trim_end().trim_end_matches(|c: char| c.is_ascii_digit());
    (hour, text[hour.len()..].trim())
}

fn date_part(date: &str) -> Option<i64> {
    let separates = |c: char| matches!(c, '-' | '/' | '.' | ',') || c.is_whitespace();
    let parts: Vec<&str> = date.split(separates).filter(|p| !p.is_empty()).collect();
    let mut month = None;
    let mut numbers = Vec::new();
    for part in parts {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            numbers.push(part);
        } else if let Some(named) = month_named(part) {
            month = Some(named);
        } else if !is_weekday(part) {
            return None;
        }
    }
    let full = |text: &str| text.len() == 4;
    match (month, numbers.as_slice()) {
        (None, [year]) if full(year) => days(number(year)?, 1, 1),
        (None, [whole]) if whole.len() == 8 => days(number(&whole[..4])?, number(&whole[4..6])?, number(&whole[6..])?),
        (None, [year, month]) if full(year) => days(number(year)?, number(month)?, 1),
        (None, [year, month, day]) if full(year) => days(number(year)?, number(month)?, number(day)?),
        (None, [month, day, year]) => days(year_of(year)?, number(month)?, number(day)?),
        (Some(month), [year, day]) if full(year) => days(number(year)?, month, number(day)?),
        (Some(month), [day, year]) => days(year_of(year)?, month, number(day)?),
        _ => None,
    }
}

/// A year; of two digits it lies between 1950 and 2049.
fn year_of(text: &str) -> Option<i64> {
    match (text.len(), number(text)?) {
        (4, year) => Some(year),
        (2, year) if year < 50 => Some(2000 + year),
        (2, year) => Some(1900 + year),
        _ => None,
    }
}

fn month_named(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let at = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(word) || m[..3].eq_ignore_ascii_case(word))?;
    i64::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    days.iter().any(|d| d.eq_ignore_ascii_case(word) || d[..3].eq_ignore_ascii_case(word))
}

fn time_and_offset(text: &str) -> Option<(i64, i64)> {
    let end = text.find(|c: char| c.is_ascii_alphabetic() || matches!(c, '+' | '-')).unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    let (zone, afternoon) = half_of_day(zone.trim());
    let offset = match zone.to_ascii_uppercase().as_str() {
        "" | "Z" | "GMT" | "UTC" => 0,
        zone => offset(zone)?,
    };
    let time = time.trim();
    let ticks = if time.contains(':') { clock(time)? } else { number(time).filter(|h| *h < 24)? * HOUR };
    let ticks = match afternoon {
        Some(afternoon) if (HOUR..13 * HOUR).contains(&ticks) => ticks % (12 * HOUR) + i64::from(afternoon) * 12 * HOUR,
        Some(_) => return None,
        None => ticks,
    };
    (0..DAY).contains(&ticks).then_some((ticks, offset))
}

/// `AM` or `PM` before a zone; whether it is `PM`.
fn half_of_day(text: &str) -> (&str, Option<bool>) {
    let head = text.get(..2).unwrap_or("");
    if head.eq_ignore_ascii_case("am") || head.eq_ignore_ascii_case("pm") {
        (text[2..].trim(), Some(head.eq_ignore_ascii_case("pm")))
    } else {
        (text, None)
    }
}

/// `+02:00`, `-0530`, `+2`.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        '-' => -1,
        '+' => 1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number(&digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    Some(sign * (hours * HOUR + minutes * MINUTE))
}

/// What stands in the parentheses of a typed literal. `None`: no value of that type.
pub(crate) fn typed(ty: ScalarType, text: &str) -> Option<Literal> {
    let text = text.trim();
    let null = text.is_empty() || text == "null";
    Some(match ty {
        ScalarType::Bool => Literal::Bool(if null { None } else { Some(boolean(text)?) }),
        ScalarType::Int => {
            Literal::Int(if null { None } else { Some(integer(text).and_then(|n| i32::try_from(n).ok())?) })
        }
        ScalarType::Long => Literal::Long(if null { None } else { Some(integer(text)?) }),
        ScalarType::Real => Literal::Real(if null { None } else { Some(real(text)?) }),
        ScalarType::Decimal => Literal::Decimal(if null { None } else { Some(decimal(text)?) }),
        ScalarType::DateTime if null => Literal::DateTime(None),
        ScalarType::DateTime => match datetime(text) {
            Some(ticks) => Literal::DateTime(Some(ticks)),
            None => Literal::TimeOfDay(time_of_day(text)?),
        },
        ScalarType::Timespan => Literal::Timespan(if null { None } else { Some(timespan(text)?) }),
        ScalarType::Guid => Literal::Guid(if null { None } else { Some(guid(text)?) }),
        ScalarType::String | ScalarType::Dynamic => return None,
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => integer(text).map(|n| n != 0),
    }
}

/// A decimal or hexadecimal integer with an optional sign.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        // A hexadecimal number is a bit pattern: 0xffffffffffffffff is -1.
        Some(hex) => i128::from(u64::from_str_radix(hex, 16).ok()?.cast_signed()),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<i128>().ok()?,
        None => return None,
    };
    i64::try_from(if negative { -value } else { value }).ok()
}

fn real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "+inf" | "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) => {
            text.parse().ok()
        }
        _ => None,
    }
}

fn decimal(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    real(&plain).filter(|v| v.is_finite())?;
    Some(plain)
}

/// 36 lower-case characters, from a guid with its dashes or without any.
pub(crate) fn guid(text: &str) -> Option<String> {
    let text = unquote(text);
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|&i| text.as_bytes()[i] == b'-');
    let digits: String = text.chars().filter(|c| !dashed || *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let well_formed = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let d = |range: std::ops::Range<usize>| &digits[range];
    well_formed.then(|| format!("{}-{}-{}-{}-{}", d(0..8), d(8..12), d(12..16), d(16..20), d(20..32)))
}

/// The text that a string literal means, and whether it was hidden (`h"…"`).
pub(crate) fn string(literal: &str) -> (String, bool) {
    let hidden = literal.starts_with(['h', 'H']);
    let rest = literal.strip_prefix(['h', 'H']).unwrap_or(literal);
    let verbatim = rest.starts_with('@');
    let rest = rest.strip_prefix('@').unwrap_or(rest);
    for fence in ["```", "~~~"] {
        if let Some(inner) = rest.strip_prefix(fence) {
            return (inner.strip_suffix(fence).unwrap_or(inner).to_owned(), hidden);
        }
    }
    let quote = rest.chars().next().unwrap_or('"');
    let inner = rest.get(1..).unwrap_or("");
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    let value = if verbatim {
        inner.replace(&format!("{quote}{quote}"), quote.encode_utf8(&mut [0; 4]))
    } else {
        unescape(inner)
    };
    (value, hidden)
}

fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut units: Vec<u16> = Vec::new(); // halves of surrogate pairs come as two escapes
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        if at > 0 {
            flush(&mut units, &mut out);
        }
        out.push_str(&rest[..at]);
        let (code, length) = one_escape(&rest[at + 1..]);
        match u16::try_from(code) {
            Ok(unit) if (0xd800..0xe000).contains(&code) => units.push(unit),
            _ => {
                flush(&mut units, &mut out);
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        rest = &rest[at + 1 + length..];
    }
    flush(&mut units, &mut out);
    out.push_str(rest);
    out
}

fn flush(units: &mut Vec<u16>, out: &mut String) {
    out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// The code point of an escape and its length behind the backslash.
fn one_escape(rest: &str) -> (u32, usize) {
    let hex = |count: usize| {
        let code = rest.get(1..=count).and_then(|h| u32::from_str_radix(h, 16).ok());
        code.map_or(('\\'.into(), 0), |c| (c, count + 1))
    };
    match rest.bytes().next() {
        Some(b'a') => (7, 1),
        Some(b'b') => (8, 1),
        Some(b'f') => (12, 1),
        Some(b'n') => (10, 1),
        Some(b'r') => (13, 1),
        Some(b't') => (9, 1),
        Some(b'v') => (11, 1),
        Some(b'x') => hex(2),
        Some(b'u') => hex(4),
        Some(b'U') => hex(8),
        Some(b @ b'0'..=b'7') => {
            let limit = if b > b'3' { 2 } else { 3 };
            let octal: String = rest.chars().take(limit).take_while(|c| ('0'..='7').contains(c)).collect();
            (u32::from_str_radix(&octal, 8).unwrap_or(0), octal.len())
        }
        Some(b @ (b'\\' | b'\'' | b'"')) => (b.into(), 1),
        _ => ('\\'.into(), 0),
    }
}
