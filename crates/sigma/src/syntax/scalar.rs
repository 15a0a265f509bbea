//! Scalars of YAML as they are printed.

/// A text: plain where that is safe, in single quotes else, in double quotes where it has characters that need escapes.
pub(crate) fn text(text: &str) -> String {
    if plain(text) { text.to_owned() } else { quoted(text) }
}

/// A value of a field: always in quotes, but for a number.
pub(crate) fn value(text: &str) -> String {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && (1..=15).contains(&text.len());
    if digits && (text == "0" || !text.starts_with('0')) { text.to_owned() } else { quoted(text) }
}

/// A key of a map.
pub(crate) fn key(text: &str) -> String {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'|'));
    if first && rest && !reserved(text) { text.to_owned() } else { quoted(text) }
}

/// A text of several lines as a block, if it is one that reads back as it is.
pub(crate) fn block(text: &str, indent: &str) -> Option<String> {
    let whole = text.contains('\n') && !text.starts_with([' ', '\n']) && !text.ends_with('\n');
    let line = |l: &str| !l.chars().any(|c| special(c) || c == '\t') && !l.ends_with(' ');
    (whole && text.split('\n').all(line)).then(|| {
        let lines = text.split('\n').map(|l| if l.is_empty() { String::new() } else { format!("{indent}{l}") });
        format!("|\n{}", lines.collect::<Vec<_>>().join("\n"))
    })
}

fn plain(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '/' | '('));
    let last = !text.ends_with([' ', ':']);
    let inside = !text.contains(": ") && !text.contains(" #") && !text.chars().any(|c| special(c) || c == '\t');
    first && last && inside && !text.contains('\n') && !reserved(text)
}

/// What some reader of YAML takes for something else than a text.
fn reserved(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
}

/// What can't stand in a text without an escape.
fn special(c: char) -> bool {
    (c.is_control() && c != '\t' && c != '\n')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn quoted(text: &str) -> String {
    if !text.contains('\n') && !text.chars().any(|c| special(c) || c == '\t') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if special(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
