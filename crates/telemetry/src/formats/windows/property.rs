//! The properties of an event as values.

use super::gather::Raw;
use super::vocabulary::Sys;
use crate::event::{Kind, Value};
use std::borrow::Cow;

/// The value of a property of an event of some kind.
pub(crate) fn property<'a>(
    sys: Sys,
    raw: &Raw<'a>,
    kind: impl FnOnce() -> Option<Kind>,
    broken: &mut u32,
) -> Value<'a> {
    if sys == Sys::EventId {
        return kind().map_or(Value::Missing, |k| Value::Int(i64::from(k.code)));
    }
    let value = raw.value(broken);
    match &value {
        Value::Text(text) if sys.is_number() => {
            let text = text.trim();
            number(text).or_else(|| level(sys, text)).map_or(value, Value::Int)
        }
        Value::Text(text) if sys == Sys::Keywords => keywords(text).unwrap_or(value),
        _ => value,
    }
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The number of a level that a collector wrote as a word.
fn level(sys: Sys, text: &str) -> Option<i64> {
    if sys != Sys::Level {
        return None;
    }
    let names = ["logalways", "critical", "error", "warning", "information", "verbose"];
    let text = text.to_ascii_lowercase();
    let text = if text == "info" { "information" } else { &text };
    names.iter().position(|n| *n == text).map(|i| i as i64)
}

/// Keywords as the event log spells them, in hexadecimal, where a collector made a signed number of them.
fn keywords(text: &str) -> Option<Value<'static>> {
    let n = text.parse::<i64>().map(|n| n as u64).or_else(|_| text.parse::<u64>()).ok()?;
    Some(Value::Text(Cow::Owned(format!("{n:#x}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_of_any_spelling() {
        assert_eq!(keywords("-9223372036854775808"), Some(Value::text("0x8000000000000000")));
        assert_eq!(keywords("0x80"), None);
    }
}
