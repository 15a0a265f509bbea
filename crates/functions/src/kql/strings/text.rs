//! Functions over the characters of a string. A character is a Unicode scalar value.

use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.long("strlen(string) long", |r| Some(length(r.str(0))));
    f.long("string_size(string) long", |r| Some(r.str(0).len() as i64));
    f.text("tolower(string) string", |r, w| {
        lower(w, r.str(0));
        Some(())
    });
    f.text("toupper(string) string", |r, w| {
        upper(w, r.str(0));
        Some(())
    });
    f.text("reverse(string) string", |r, w| {
        w.extend(r.str(0).chars().rev());
        Some(())
    });
    f.text("substring(string, long, long?) string", |r, w| {
        let length = if r.len() > 2 { r.long(2)? } else { i64::MAX };
        w.push_str(substring(r.str(0), r.long(1)?, length));
        Some(())
    });
    f.long("indexof(string, string, long?, long?, long?) long", indexof);
    f.text("translate(string, string, string) string", translate);
    f.text("replace_string(string, string, string) string", |r, w| {
        w.push_str(&replace(r.str(0), r.str(1), r.str(2)));
        Some(())
    });
    f.text("strrep(string, long, string?) string", |r, w| {
        let times = usize::try_from(r.long(1)?).ok()?.min(1024);
        for i in 0..times {
            if i > 0 {
                w.push_str(r.str(2));
            }
            w.push_str(r.str(0));
        }
        Some(())
    });
    f.long("strcmp(string, string) long", |r| Some(r.str(0).cmp(r.str(1)) as i64));
    f.bool("isascii(string) bool", |r| Some(r.str(0).is_ascii()));
    f.bool("isutf8(string) bool", |_| Some(true));
    for name in ["isempty", "isnotempty", "notempty"] {
        let wanted = name == "isempty";
        f.bool(&format!("{name}_string(string) bool"), move |r| Some(r.str(0).is_empty() == wanted));
        // Of a dynamic: null, or a string without text.
        f.bool(&format!("{name}_dynamic(dynamic) bool"), move |r| {
            Some(r.text(0).is_none_or(|t| matches!(t, "\"\"" | "null")) == wanted)
        });
        f.bool(&format!("{name}(any) bool"), move |r| Some(r.is_null(0) == wanted));
    }
    for name in ["isnull", "isnotnull", "notnull"] {
        let wanted = name == "isnull";
        // Measured: a string is never null.
        f.bool(&format!("{name}_string(string) bool"), move |_| Some(!wanted));
        f.bool(&format!("{name}_dynamic(dynamic) bool"), move |r| {
            Some(r.text(0).is_none_or(|t| t == "null") == wanted)
        });
        f.bool(&format!("{name}(any) bool"), move |r| Some(r.is_null(0) == wanted));
    }
}

fn length(text: &str) -> i64 {
    if text.is_ascii() { text.len() as i64 } else { text.chars().count() as i64 }
}

fn lower(w: &mut String, text: &str) {
    if text.is_ascii() {
        let from = w.len();
        w.push_str(text);
        w[from..].make_ascii_lowercase();
    } else {
        w.extend(text.chars().flat_map(char::to_lowercase));
    }
}

fn upper(w: &mut String, text: &str) {
    if text.is_ascii() {
        let from = w.len();
        w.push_str(text);
        w[from..].make_ascii_uppercase();
    } else {
        w.extend(text.chars().flat_map(char::to_uppercase));
    }
}

/// The byte at which character `n` begins; the end, where there are not so many.
fn byte_of(text: &str, n: i64) -> usize {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    if text.is_ascii() {
        return n.min(text.len());
    }
    text.char_indices().nth(n).map_or(text.len(), |(i, _)| i)
}

/// A negative start counts from the end (documented); what lies outside is cut off.
pub(crate) fn substring(text: &str, start: i64, length: i64) -> &str {
    if length <= 0 {
        return "";
    }
    let start = if start < 0 { (self::length(text) + start).max(0) } else { start };
    let rest = &text[byte_of(text, start)..];
    &rest[..byte_of(rest, length)]
}

/// Replaces every occurrence; an empty lookup replaces nothing.
pub(crate) fn replace(text: &str, lookup: &str, with: &str) -> String {
    if lookup.is_empty() { text.to_owned() } else { text.replace(lookup, with) }
}

/// A negative start counts from the end; `length` bounds where a match may begin, not where it ends (measured). A length
/// below -1 or an occurrence below 1 is null (documented).
fn indexof(r: &Row<'_>) -> Option<i64> {
    let (text, lookup) = (r.str(0), r.str(1));
    let start = if r.len() > 2 { r.long(2)? } else { 0 };
    let span = if r.len() > 3 { r.long(3)? } else { -1 };
    let occurrence = if r.len() > 4 { r.long(4)? } else { 1 };
    if span < -1 || occurrence < 1 {
        return None;
    }
    let start = if start < 0 { (length(text) + start).max(0) } else { start };
    let (mut from, end) = (byte_of(text, start), if span == -1 { i64::MAX } else { start.saturating_add(span) });
    let mut left = occurrence;
    let mut index = length(&text[..from]);
    while let Some(found) = text.get(from..).and_then(|t| t.find(lookup)) {
        index += length(&text[from..from + found]);
        if index >= end {
            return Some(-1);
        }
        left -= 1;
        if left == 0 {
            return Some(index);
        }
        from += found + text[from + found..].chars().next().map_or(1, char::len_utf8);
        index += 1;
    }
    Some(-1)
}

/// Each character of the first list becomes the one at its place in the second, whose last stands for all beyond it; an
/// empty second list removes (documented).
fn translate(r: &Row<'_>, w: &mut String) -> Option<()> {
    let with: Vec<char> = r.str(1).chars().collect();
    for c in r.str(2).chars() {
        match r.str(0).chars().position(|s| s == c) {
            None => w.push(c),
            Some(i) => w.extend(with.get(i).or(with.last())),
        }
    }
    Some(())
}
