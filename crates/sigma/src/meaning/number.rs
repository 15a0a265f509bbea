//! Numbers and parts of instants in text.

use crate::tree::TimePart;

/// The number that a text is: decimal, or whole and written with `0x`; white space around it does not count.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        #[allow(clippy::cast_precision_loss, reason = "a rule's number is a real")]
        return u64::from_str_radix(digits, 16).ok().map(|n| n as f64);
    }
    // Rust also reads `inf` and `nan`.
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    text.parse().ok()
}

/// A part of the instant that a text is, in UTC.
pub fn time_part(text: &str, part: TimePart) -> Option<i64> {
    let seconds = parallax_telemetry::time::parse(text.trim())?.div_euclid(1_000_000_000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, of_month) = civil(day);
    Some(match part {
        TimePart::Minute => second / 60 % 60,
        TimePart::Hour => second / 3_600,
        TimePart::Day => of_month,
        TimePart::Week => week(day),
        TimePart::Month => month,
        TimePart::Year => year,
    })
}

/// Year, month and day of a day since 1970-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    // Years from March on, so that the leap day is the last one; 400 of them are 146,097 days.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_month)
}

/// The week of ISO 8601: the one with its year's first Thursday is the first.
fn week(day: i64) -> i64 {
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let (year, _, _) = civil(thursday);
    let first = (0..366).map(|back| thursday - back).take_while(|d| civil(*d).0 == year).last().unwrap_or(thursday);
    (thursday - first) / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(" 42 "), Some(42.0));
        assert_eq!(number("-1.5e3"), Some(-1500.0));
        assert_eq!(number("0x1F4"), Some(500.0));
        for text in ["", "inf", "nan", "1,5", "0x", "ten", "e"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_instants() {
        let part = |text, part| time_part(text, part);
        assert_eq!(part("2024-12-30T23:59:00Z", TimePart::Week), Some(1));
        assert_eq!(part("2021-01-03T00:00:00Z", TimePart::Week), Some(53));
        assert_eq!(part("2023-01-01T00:00:00Z", TimePart::Week), Some(52));
        assert_eq!(part("2024-02-29T23:59:00Z", TimePart::Day), Some(29));
        assert_eq!(part("2024-02-29T23:59:00Z", TimePart::Month), Some(2));
        assert_eq!(part("2024-02-29T23:59:00+02:00", TimePart::Hour), Some(21));
        assert_eq!(part("1969-12-31T23:58:59Z", TimePart::Minute), Some(58));
        assert_eq!(part("1969-12-31T23:58:59Z", TimePart::Year), Some(1969));
        assert_eq!(part("soon", TimePart::Year), None);
    }
}
