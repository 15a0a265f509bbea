//! Times as Windows and its collectors write them.

/// Nanoseconds since the Unix epoch, and whether the text said in which zone (`Z` or an offset).
///
/// Takes `2024-05-01T10:20:30.1234567Z`, `2024-05-01 10:20:30.123`, an offset `+02:00` or `+0200`, and WMI's
/// `20240501102030.123456+120`.
pub(crate) fn parse(text: &str) -> Option<(i64, bool)> {
    let b = text.trim().as_bytes();
    if b.len() > 14 && b[..14].iter().all(u8::is_ascii_digit) && b[14] == b'.' {
        return parse_wmi(b);
    }
    let at = |i: usize, c: u8| b.get(i) == Some(&c);
    if !(at(4, b'-') && at(7, b'-') && (at(10, b'T') || at(10, b' ')) && at(13, b':') && at(16, b':')) {
        return None;
    }
    let seconds = civil(num(b, 0, 4)?, num(b, 5, 2)?, num(b, 8, 2)?, num(b, 11, 2)?, num(b, 14, 2)?, num(b, 17, 2)?)?;
    let (nanos, rest) = fraction(&b[19..]);
    let (offset, zoned) = zone(rest)?;
    Some((seconds.checked_sub(offset)?.checked_mul(1_000_000_000)?.checked_add(nanos)?, zoned))
}

/// CIM_DATETIME: the offset is in minutes.
fn parse_wmi(b: &[u8]) -> Option<(i64, bool)> {
    let seconds = civil(num(b, 0, 4)?, num(b, 4, 2)?, num(b, 6, 2)?, num(b, 8, 2)?, num(b, 10, 2)?, num(b, 12, 2)?)?;
    let (nanos, rest) = fraction(&b[14..]);
    let sign = match rest.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return None,
    };
    let minutes = num(rest, 1, 3)?;
    Some((seconds.checked_sub(sign * minutes * 60)?.checked_mul(1_000_000_000)?.checked_add(nanos)?, true))
}

/// Seconds since 1970 of a civil time (the proleptic Gregorian calendar, days counted from March).
fn civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn num(b: &[u8], at: usize, len: usize) -> Option<i64> {
    b.get(at..at + len)?.iter().try_fold(0i64, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
}

/// The nanoseconds of a leading `.123`, and what follows it. Digits beyond the ninth are dropped.
fn fraction(b: &[u8]) -> (i64, &[u8]) {
    let Some(b'.' | b',') = b.first() else { return (0, b) };
    let digits = b[1..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut nanos = 0i64;
    for i in 0..9 {
        nanos = nanos * 10 + if i < digits { i64::from(b[1 + i] - b'0') } else { 0 };
    }
    (nanos, &b[1 + digits..])
}

/// Seconds east of UTC, and whether the text says so.
fn zone(b: &[u8]) -> Option<(i64, bool)> {
    match b {
        [] => Some((0, false)),
        b"Z" | b"z" | b" UTC" => Some((0, true)),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let hours = num(rest, 0, 2)?;
            let minutes = match rest.len() {
                2 => 0,
                4 => num(rest, 2, 2)?,
                5 if rest[2] == b':' => num(rest, 3, 2)?,
                _ => return None,
            };
            let seconds = hours * 3600 + minutes * 60;
            Some((if *sign == b'-' { -seconds } else { seconds }, true))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn spellings() {
        let t = 1_714_558_830_123_456_700;
        assert_eq!(parse("2024-05-01T10:20:30.1234567Z"), Some((t, true)));
        assert_eq!(parse("2024-05-01T12:20:30.1234567+02:00"), Some((t, true)));
        assert_eq!(parse("2024-05-01T05:20:30.123456700-0500"), Some((t, true)));
        assert_eq!(parse("2024-05-01 10:20:30.1234567"), Some((t, false)));
        assert_eq!(parse("20240501122030.123456+120"), Some((1_714_558_830_123_456_000, true)));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some((-1_000_000_000, true)));
        assert_eq!(parse("2024-02-29T00:00:00Z"), Some((1_709_164_800_000_000_000, true)));
        for bad in ["", "2024", "2024-13-01T00:00:00Z", "2024-05-01T10:20:30x", "9999-99-99 99:99:99", "１２３４"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        // Beyond what nanoseconds since 1970 can hold.
        assert_eq!(parse("9999-01-01T00:00:00Z"), None);
    }
}
