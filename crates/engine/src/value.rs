//! Values of a result as text and as JSON, in the forms of the query's own product.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parallax_catalog::{Encoding, Output};
use serde_json::Value as Json;
use std::borrow::Cow;

/// Ticks of 100 ns in a second.
const SECOND: i64 = 10_000_000;
/// Seconds between 0001-01-01 and 1970-01-01.
const EPOCH_SECONDS: i64 = 62_135_596_800;

/// One value of a result. Borrows from its column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// There is none.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// A number.
    Real(f64),
    /// A decimal number as text.
    Decimal(String),
    /// Text.
    Text(Cow<'a, str>),
    /// An instant: ticks of 100 ns since 0001-01-01T00:00:00Z.
    DateTime(i64),
    /// A length of time: ticks of 100 ns.
    TimeSpan(i64),
    /// JSON text.
    Dynamic(&'a str),
    /// Milliseconds since the Unix epoch.
    EpochMillis(i64),
}

/// The value of column `column` in row `row`.
pub fn value<'a>(output: &Output, column: &'a ArrayRef, row: usize) -> Value<'a> {
    if column.is_null(row) {
        return Value::Null;
    }
    match (output.encoding, column.data_type()) {
        (Encoding::TicksDateTime, DataType::Int64) => Value::DateTime(column.as_primitive::<Int64Type>().value(row)),
        (Encoding::TicksTimeSpan, DataType::Int64) => Value::TimeSpan(column.as_primitive::<Int64Type>().value(row)),
        (Encoding::EpochMillis, DataType::Int64) => Value::EpochMillis(column.as_primitive::<Int64Type>().value(row)),
        (Encoding::Number, DataType::Float64) => match column.as_primitive::<Float64Type>().value(row) {
            // Every whole number below 2^53 is exactly itself; beyond, nothing is gained by writing it out.
            x if x == x.trunc() && x.abs() < 1e15 => Value::Long(x as i64),
            x => Value::Real(x),
        },
        (Encoding::Json, DataType::Utf8View) => Value::Dynamic(column.as_string_view().value(row)),
        (Encoding::Json, DataType::Utf8) => Value::Dynamic(column.as_string::<i32>().value(row)),
        _ => plain(column, row),
    }
}

fn plain(column: &ArrayRef, row: usize) -> Value<'_> {
    let ticks = |per_second: i64, n: i64| {
        let (seconds, rest) = (n.div_euclid(per_second), n.rem_euclid(per_second));
        Value::DateTime((seconds + EPOCH_SECONDS) * SECOND + rest * SECOND / per_second)
    };
    match column.data_type() {
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int32 => Value::Long(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Long(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Real(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8View => Value::Text(column.as_string_view().value(row).into()),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Value::Text(column.as_string::<i64>().value(row).into()),
        DataType::Decimal128(_, scale) => {
            Value::Decimal(decimal(column.as_primitive::<Decimal128Type>().value(row), *scale))
        }
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => ticks(1, column.as_primitive::<TimestampSecondType>().value(row)),
            TimeUnit::Millisecond => ticks(1000, column.as_primitive::<TimestampMillisecondType>().value(row)),
            TimeUnit::Microsecond => ticks(1_000_000, column.as_primitive::<TimestampMicrosecondType>().value(row)),
            TimeUnit::Nanosecond => ticks(1_000_000_000, column.as_primitive::<TimestampNanosecondType>().value(row)),
        },
        _ => match ArrayFormatter::try_new(column, &FormatOptions::default()) {
            Ok(f) => Value::Text(f.value(row).to_string().into()),
            Err(_) => Value::Null,
        },
    }
}

/// Whether a text is JSON, found out without making a tree of it.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

impl Value<'_> {
    /// As text for people; `None` where there is no value.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Value::Null => return None,
            Value::Text(t) => Cow::Borrowed(t.as_ref()),
            Value::Dynamic(t) => Cow::Borrowed(t),
            Value::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Value::Long(n) | Value::EpochMillis(n) => Cow::Owned(n.to_string()),
            Value::Real(x) => Cow::Owned(real(*x)),
            Value::Decimal(d) => Cow::Borrowed(d),
            Value::DateTime(t) => Cow::Owned(datetime(*t)),
            Value::TimeSpan(t) => Cow::Owned(timespan(*t)),
        })
    }

    /// As JSON: times and decimals as text, dynamic values as what they are.
    pub fn json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Long(n) | Value::EpochMillis(n) => Json::from(*n),
            // JSON has no word for what is not a number; Kusto's own answers use these.
            Value::Real(x) => serde_json::Number::from_f64(*x).map_or_else(|| Json::from(real(*x)), Json::Number),
            Value::Dynamic(t) => serde_json::from_str(t).unwrap_or_else(|_| Json::from(*t)),
            _ => self.text().map_or(Json::Null, |t| Json::from(t.into_owned())),
        }
    }
}

/// An instant as `2026-03-01T12:00:00.1234567Z`.
pub fn datetime(ticks: i64) -> String {
    let (seconds, fraction) = (ticks.div_euclid(SECOND), ticks.rem_euclid(SECOND));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    if !(0..=9999).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{fraction:07}Z");
    }
    let mut text = *b"0000-00-00T00:00:00.0000000Z";
    let places = [(0..4, year), (5..7, month), (8..10, day), (11..13, h), (14..16, m), (17..19, s), (20..27, fraction)];
    for (place, mut number) in places {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The instant of nanoseconds since the Unix epoch, in ticks.
pub fn ticks_of_nanos(nanos: i64) -> i64 {
    nanos.div_euclid(100) + EPOCH_SECONDS * SECOND
}

/// The nanoseconds since the Unix epoch of an instant in ticks; the nearest there is, where they can't hold it.
pub fn nanos_of_ticks(ticks: i64) -> i64 {
    (ticks - EPOCH_SECONDS * SECOND).saturating_mul(100)
}

/// A length of time as Kusto writes it: `1.02:03:04.5000000`, the day and the fraction only where there are such.
pub fn timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let (seconds, fraction) = (ticks / SECOND as u64, ticks % SECOND as u64);
    let (days, h, m, s) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 { format!(".{fraction:07}") } else { String::new() };
    format!("{sign}{days}{h:02}:{m:02}:{s:02}{fraction}")
}

fn real(x: f64) -> String {
    match x {
        x if x.is_nan() => "NaN".to_owned(),
        x if x.is_infinite() => if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        x if x == x.trunc() && x.abs() < 1e15 => format!("{x:.1}"),
        x => x.to_string(),
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Year, month and day of a number of days since 0001-01-01 (the proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, so that the day that comes every four years is the last of its year.
    let z = days + 306;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let column: ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![2.0, 2.5, 1e300]));
        let shown = |encoding| {
            let output = Output { name: String::new(), type_name: "double", encoding };
            (0..2).map(|row| value(&output, &column, row).text().unwrap_or_default().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown(Encoding::Number), ["2", "2.5"]);
        assert_eq!(shown(Encoding::Plain), ["2.0", "2.5"]);
    }

    #[test]
    fn times() {
        assert_eq!(datetime(0), "0001-01-01T00:00:00.0000000Z");
        assert_eq!(datetime(3_155_378_975_999_999_999), "9999-12-31T23:59:59.9999999Z");
        assert_eq!(datetime(ticks_of_nanos(0)), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(datetime(ticks_of_nanos(1_709_208_000_123_456_789)), "2024-02-29T12:00:00.1234567Z");
        assert_eq!(datetime(ticks_of_nanos(-1)), "1969-12-31T23:59:59.9999999Z");
        assert_eq!(datetime(-1), "0000-12-31T23:59:59.9999999Z");
        assert_eq!(datetime(3_155_378_976_000_000_000), "10000-01-01T00:00:00.0000000Z");
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(timespan(SECOND), "00:00:01");
        assert_eq!(timespan(-(SECOND / 2)), "-00:00:00.5000000");
        assert_eq!(timespan(26 * 3600 * SECOND + 1), "1.02:00:00.0000001");
    }

    #[test]
    fn numbers() {
        assert_eq!(decimal(-150, 2), "-1.5");
        assert_eq!(decimal(5, 14), "0.00000000000005");
        assert_eq!(decimal(700, 2), "7");
        assert_eq!(real(1.0), "1.0");
        assert_eq!(real(0.1), "0.1");
        assert_eq!(Value::Real(f64::NAN).json(), Json::from("NaN"));
    }
}
