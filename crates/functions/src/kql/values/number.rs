//! Numbers and Booleans.

use crate::udf::DECIMAL_SCALE;
use std::fmt::Write as _;

/// As .NET prints a double so that it reads back: `1.0`, `0.1`, `1E+20`, `NaN`, `Infinity`.
pub fn format_real(v: f64) -> String {
    let mut out = String::new();
    write_real(&mut out, v);
    out
}

/// [`format_real`] into a buffer.
pub fn write_real(out: &mut String, v: f64) {
    if v.is_nan() {
        out.push_str("NaN");
    } else if v.is_infinite() {
        out.push_str(if v > 0.0 { "Infinity" } else { "-Infinity" });
    } else if v == 0.0 {
        out.push_str("0.0");
    } else if (1e-5..1e15).contains(&v.abs()) {
        let _ = write!(out, "{v:?}");
    } else {
        let text = format!("{v:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{mantissa}E{sign}{:02}", exponent.abs());
    }
}

/// A decimal, given as an integer of 10⁻¹⁴, without trailing zeros.
pub fn format_decimal(v: i128) -> String {
    format_scaled(v, DECIMAL_SCALE)
}

/// A decimal, given as an integer of which `scale` digits stand behind the point, without trailing zeros.
pub(crate) fn format_scaled(v: i128, scale: u32) -> String {
    let one = 10u128.pow(scale.min(38));
    let (whole, fraction) = (v.unsigned_abs() / one, v.unsigned_abs() % one);
    let mut out = format!("{}{whole}", if v < 0 { "-" } else { "" });
    if fraction > 0 {
        let digits = format!("{fraction:0width$}", width = scale as usize);
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
    out
}

/// Reads a decimal as an integer of 10⁻¹⁴; digits beyond that are rounded away.
pub fn parse_decimal(text: &str) -> Option<i128> {
    let text = text.trim();
    let (number, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, number) = match number.strip_prefix('-') {
        Some(n) => (true, n),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i128 = digits.parse().ok()?;
    let shift = DECIMAL_SCALE as i32 + exponent - fraction.len() as i32;
    let value = if shift >= 0 {
        value.checked_mul(10i128.checked_pow(shift as u32)?)?
    } else {
        let unit = 10i128.checked_pow(shift.unsigned_abs())?;
        (value + unit / 2) / unit
    };
    (value < 10i128.pow(34)).then_some(if negative { -value } else { value })
}

/// What `tolong` of a string accepts: decimal or `0x` digits. A fraction is no long (documented: null).
pub fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, text),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let v = u64::from_str_radix(hex, 16).ok()? as i64;
        return Some(if negative { v.wrapping_neg() } else { v });
    }
    text.parse().ok()
}

/// As [`parse_long`], within 32 bits.
pub fn parse_int(text: &str) -> Option<i32> {
    parse_long(text)?.try_into().ok()
}

/// What `toreal` of a string accepts.
pub fn parse_real(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "infinity" | "inf" | "+inf" | "∞" => Some(f64::INFINITY),
        "-infinity" | "-inf" | "-∞" => Some(f64::NEG_INFINITY),
        t if t.starts_with("0x") => parse_long(t).map(|v| v as f64),
        t if t.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e')) => t.parse().ok(),
        _ => None,
    }
}

/// What `tobool` of a string accepts: `true` and `false` in any case, or a number (documented).
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        parse_long(text).map(|v| v != 0)
    }
}
