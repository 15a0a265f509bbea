//! The `granny` orders: runs of digits count by their value, so that `a20` comes before `a100`.

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    f.text("granny_key(string) string", |r, w| {
        write_key(r.str(0), w);
        Some(())
    });
}

/// A text whose order is that order.
pub fn granny_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len() + 8);
    write_key(text, &mut key);
    key
}

fn write_key(text: &str, key: &mut String) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !c.is_ascii_digit() {
            key.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..end].trim_start_matches('0');
        // A number with more digits is larger. The length stands in the place of a digit.
        key.push('0');
        key.push_str(&format!("{:09}", number.len()));
        key.push_str(number);
        rest = &rest[end..];
    }
}
