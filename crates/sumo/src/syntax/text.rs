//! What strings say, and how they are written.

/// Resolves the escapes of a string. A backslash before anything else stands for itself, as published queries expect.
pub(super) fn decode(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(c @ ('"' | '\\')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
    }
    text
}

/// The inverse of [`decode`], quotes included.
pub(super) fn encode(text: &str) -> String {
    let mut raw = String::with_capacity(text.len() + 2);
    raw.push('"');
    for c in text.chars() {
        match c {
            '\n' => raw.push_str("\\n"),
            '\t' => raw.push_str("\\t"),
            '\r' => raw.push_str("\\r"),
            '"' | '\\' => raw.extend(['\\', c]),
            c => raw.push(c),
        }
    }
    raw.push('"');
    raw
}

/// A regular expression between delimiters: only the delimiter's own escape is resolved.
pub(super) fn decode_regex(raw: &str, delimiter: char) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some(d)) if d == delimiter => text.push(d),
            ('\\', Some(d)) => text.extend(['\\', d]),
            (c, _) => text.push(c),
        }
    }
    text
}

/// The inverse of [`decode_regex`], delimiters included.
pub(super) fn encode_regex(text: &str, delimiter: char) -> String {
    let mut raw = String::from(delimiter);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                raw.push(c);
                raw.extend(chars.next());
            }
            c if c == delimiter => raw.extend(['\\', c]),
            c => raw.push(c),
        }
    }
    raw.push(delimiter);
    raw
}
