//! Instants as logs write them.

/// Nanoseconds of one second.
const SECOND: i64 = 1_000_000_000;

/// Days from 1970-01-01 of a civil date (proleptic Gregorian).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The parts of a time, each checked, as nanoseconds since the Unix epoch. `None` outside of 1677 to 2262.
fn instant(date: [i64; 3], clock: [i64; 3], nanos: i64, offset_seconds: i64) -> Option<i64> {
    let [year, month, day] = date;
    let [hour, minute, second] = clock;
    let valid = (1..=12).contains(&month)
        && day >= 1
        && day <= days_in_month(year, month)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds;
    // The sum may lie within range where the product alone does not (the first second of the range).
    i64::try_from(i128::from(seconds) * i128::from(SECOND) + i128::from(nanos)).ok()
}

/// Reads bytes from the left.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Between `min` and `max` digits.
    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let n = self.0.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
        if n < min {
            return None;
        }
        let value = self.0[..n].iter().fold(0i64, |v, b| v * 10 + i64::from(b - b'0'));
        self.0 = &self.0[n..];
        Some(value)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let yes = self.0.first() == Some(&byte);
        if yes {
            self.0 = &self.0[1..];
        }
        yes
    }

    fn eat_any(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|b| self.eat(*b))
    }

    fn spaces(&mut self) {
        // The portal writes a narrow no-break space before AM and PM in some browsers.
        loop {
            if self.eat(b' ') {
                continue;
            }
            match self.0.strip_prefix("\u{202f}".as_bytes()).or(self.0.strip_prefix("\u{a0}".as_bytes())) {
                Some(rest) => self.0 = rest,
                None => return,
            }
        }
    }

    /// The digits after a `.` or `,` as nanoseconds; digits beyond nine are dropped.
    fn fraction(&mut self) -> Option<i64> {
        if !self.eat_any(b".,") {
            return Some(0);
        }
        let n = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if n == 0 {
            return None;
        }
        let mut nanos = 0;
        for i in 0..9 {
            nanos = nanos * 10 + if i < n { i64::from(self.0[i] - b'0') } else { 0 };
        }
        self.0 = &self.0[n..];
        Some(nanos)
    }

    /// `Z`, `UTC`, `+hh:mm`, `-hhmm`, `+hh` or nothing (UTC), to the end. Seconds ahead of UTC.
    fn zone(&mut self) -> Option<i64> {
        self.spaces();
        if self.0.is_empty() || matches!(self.0, b"Z" | b"z" | b"UTC" | b"GMT") {
            return Some(0);
        }
        let sign = if self.eat(b'+') { 1 } else { self.eat(b'-').then_some(-1)? };
        let hours = self.number(2, 2)?;
        self.eat(b':');
        let minutes = if self.0.is_empty() { 0 } else { self.number(2, 2)? };
        (self.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
    }
}

/// The instant of a text in any of the forms that telemetry uses, in nanoseconds since the Unix epoch, UTC.
///
/// ISO 8601 with any number of fractional digits and an offset or none (UTC), `T` or a space between; the portals'
/// `10/25/2023, 9:43:21.994 AM` (month first); seconds, milliseconds, microseconds or nanoseconds since the epoch.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let b = text.as_bytes();
    if b.len() >= 10 && b[4] == b'-' {
        return iso(b);
    }
    if b.iter().take(3).any(|b| *b == b'/') {
        return portal(b);
    }
    epoch_text(text)
}

fn iso(b: &[u8]) -> Option<i64> {
    let mut c = Cursor(b);
    let year = c.number(4, 4)?;
    let month = c.eat(b'-').then(|| c.number(2, 2))??;
    let day = c.eat(b'-').then(|| c.number(2, 2))??;
    if c.0.is_empty() {
        return instant([year, month, day], [0; 3], 0, 0);
    }
    if !c.eat_any(b"Tt ") {
        return None;
    }
    let hour = c.number(2, 2)?;
    let minute = c.eat(b':').then(|| c.number(2, 2))??;
    let second = if c.eat(b':') { c.number(2, 2)? } else { 0 };
    let nanos = c.fraction()?;
    let offset = c.zone()?;
    instant([year, month, day], [hour, minute, second], nanos, offset)
}

fn portal(b: &[u8]) -> Option<i64> {
    let mut c = Cursor(b);
    let month = c.number(1, 2)?;
    let day = c.eat(b'/').then(|| c.number(1, 2))??;
    let year = c.eat(b'/').then(|| c.number(4, 4))??;
    c.eat(b',');
    c.spaces();
    if c.0.is_empty() {
        return instant([year, month, day], [0; 3], 0, 0);
    }
    let mut hour = c.number(1, 2)?;
    let minute = c.eat(b':').then(|| c.number(2, 2))??;
    let second = if c.eat(b':') { c.number(2, 2)? } else { 0 };
    let nanos = c.fraction()?;
    c.spaces();
    let half = match c.0 {
        [a, b, ..] if b.eq_ignore_ascii_case(&b'm') => Some(a.to_ascii_lowercase()),
        _ => None,
    };
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = match half {
            b'a' => hour % 12,
            b'p' => hour % 12 + 12,
            _ => return None,
        };
        c.0 = &c.0[2..];
    }
    let offset = c.zone()?;
    instant([year, month, day], [hour, minute, second], nanos, offset)
}

/// A number of seconds with a fraction, or of a smaller unit told by its size.
fn epoch_text(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let value: i64 = whole.parse().ok()?;
    if !text.contains('.') {
        return Some(epoch(value));
    }
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) || value < 0 {
        return None;
    }
    // Only seconds are written with a fraction, except that some exporters write milliseconds so.
    let nanos = Cursor(&text.as_bytes()[whole.len()..]).fraction()?;
    match epoch(value) / value.max(1) {
        1_000_000 => Some(epoch(value) + nanos / 1_000),
        _ => value.checked_mul(SECOND)?.checked_add(nanos),
    }
}

/// The instant of a number since the Unix epoch whose unit its size tells: seconds up to the year 5138, then
/// milliseconds, microseconds, nanoseconds.
pub fn epoch(n: i64) -> i64 {
    match n.unsigned_abs() {
        0..100_000_000_000 => n.saturating_mul(SECOND),
        100_000_000_000..100_000_000_000_000 => n.saturating_mul(1_000_000),
        100_000_000_000_000..100_000_000_000_000_000 => n.saturating_mul(1_000),
        _ => n,
    }
}

/// Writes an instant as `2023-10-25T09:43:21.9940000Z`, with the digits that it needs and at least three.
pub fn format(nanos: i64) -> String {
    let seconds = nanos.div_euclid(SECOND);
    let fraction = nanos.rem_euclid(SECOND);
    let day = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let (year, month, date) = civil(day);
    let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
    let mut digits = format!("{fraction:09}");
    while digits.len() > 3 && digits.ends_with('0') {
        digits.pop();
    }
    format!("{year:04}-{month:02}-{date:02}T{h:02}:{m:02}:{s:02}.{digits}Z")
}

/// The civil date of a day number.
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let expected = 1_698_227_001_994_000_000;
        for text in [
            "2023-10-25T09:43:21.994Z",
            "2023-10-25T09:43:21.9940000Z",
            "2023-10-25 09:43:21.994",
            "2023-10-25T11:43:21.994+02:00",
            "2023-10-25T11:43:21,994+0200",
            "2023-10-25T04:13:21.994-05:30",
            "10/25/2023, 9:43:21.994 AM",
            "10/25/2023 9:43:21.994\u{202f}AM",
            "1698227001.994",
            "1698227001994",
            "1698227001994000",
            "1698227001994000000",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("10/25/2023, 12:00:00 AM"), parse("2023-10-25"));
        assert_eq!(parse("10/25/2023, 12:00:00 PM"), parse("2023-10-25T12:00"));
        for bad in [
            "",
            "-",
            "2023-13-01",
            "2023-02-29T00:00:00Z",
            "2023-01-01T25:00:00Z",
            "10/25/2023, 13:00:00 PM",
            "x",
            "2023-01-01T00:00:00.Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("1677-09-21T00:12:43.145224192Z"), Some(i64::MIN));
        assert_eq!(parse("2262-04-11T23:47:16.854775808Z"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in any::<i64>()) {
            prop_assert_eq!(parse(&format(n)), Some(n));
        }

        #[test]
        fn agrees_with_jiff(n in any::<i64>(), minutes in -23 * 60i32..23 * 60) {
            let Ok(t) = jiff::Timestamp::from_nanosecond(i128::from(n)) else { return Ok(()) };
            let Ok(offset) = jiff::tz::Offset::from_seconds(minutes * 60) else { return Ok(()) };
            let text = t.display_with_offset(offset).to_string();
            prop_assume!(text.starts_with(|c: char| c.is_ascii_digit()));
            prop_assert_eq!(parse(&text), Some(n), "{}", text);
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
