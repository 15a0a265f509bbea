//! Casts between text and numbers, and comparisons that decide by what text looks like.

use crate::udf::Functions;
use std::cmp::Ordering;

pub(super) fn register(f: &mut Functions) {
    f.real("number(string) real", |r| number(r.text(0)?));
    f.long("whole(string) long", |r| whole(r.text(0)?));
    f.long("whole_of_real(real) long", |r| truncate(r.real(0)?));
    f.text("text_of_real(real) dynamic", |r, out| {
        out.push_str(&text_of(r.real(0)?));
        Some(())
    });
    f.text("text_of_long(long) dynamic", |r, out| {
        out.push_str(&r.long(0)?.to_string());
        Some(())
    });
    f.text("text_of_bool(bool) dynamic", |r, out| {
        out.push_str(if r.bool(0)? { "true" } else { "false" });
        Some(())
    });
    // Less than zero, zero, more than zero. Two texts that are numbers compare as numbers (the documentation's example
    // of `a < b ? a : b`); anything else as text. A missing field is empty text.
    f.long("compare(string, string) long", |r| {
        let (a, b) = (r.str(0), r.str(1));
        let order = match (number(a), number(b)) {
            (Some(x), Some(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
            _ => a.cmp(b),
        };
        Some(order as i64)
    });
    f.bool("isnumeric(string) bool", |r| Some(r.text(0).is_some_and(|text| java_number(text).is_some())));
    f.bool("true(string) bool", |r| Some(r.str(0).eq_ignore_ascii_case("true")));
}

/// The number that text is, white space around it aside.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let first = *text.as_bytes().first()?;
    // Rust reads "inf" and "nan"; log text that happens to say so is no number.
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

fn whole(text: &str) -> Option<i64> {
    text.trim().parse().ok().or_else(|| truncate(number(text)?))
}

#[allow(clippy::cast_possible_truncation)]
fn truncate(value: f64) -> Option<i64> {
    (value.abs() < 9.2e18).then_some(value as i64)
}

/// A number as Sumo shows it: whole ones without a fraction.
pub(super) fn text_of(value: f64) -> String {
    if value.is_infinite() {
        // As Java writes it (published queries compare with it).
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == value.trunc() && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value}") }
}

/// A number as Java writes literals: decimal, hexadecimal, octal, with an exponent or a type's letter.
fn java_number(text: &str) -> Option<()> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let hex = hex.strip_suffix(['l', 'L']).unwrap_or(hex);
        return (!hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit())).then_some(());
    }
    // A whole number that begins with a zero is octal (documented: `09` is no number).
    let whole = unsigned.strip_suffix(['l', 'L']).unwrap_or(unsigned);
    if whole.len() > 1 && whole.starts_with('0') && whole.bytes().all(|b| b.is_ascii_digit()) {
        return (!whole.contains(['8', '9'])).then_some(());
    }
    let plain = unsigned.strip_suffix(['d', 'D', 'f', 'F', 'l', 'L']).unwrap_or(unsigned);
    let first = *plain.as_bytes().first()?;
    (first.is_ascii_digit() || first == b'.').then(|| plain.parse::<f64>().ok()).flatten().map(|_| ())
}
