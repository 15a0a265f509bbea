//! Literals and names.

/// A string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A regular expression between slashes.
pub(crate) fn slashed(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len() + 2);
    out.push('/');
    let mut chars = regex.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            '/' => out.push_str("\\/"),
            // What stands between backticks is a macro, in a regular expression too.
            '`' => out.push_str("\\x60"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('/');
    out
}

/// A field's name, quoted where a bare word would read as something else.
pub(crate) fn name(text: &str) -> String {
    const WORDS: [&str; 24] = [
        "and", "or", "not", "in", "matches", "contains", "as", "by", "null", "true", "false", "field", "on", "from",
        "for", "with", "where", "count", "if", "values", "keys", "all", "top", "sort",
    ];
    let plain = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        && !text.ends_with('.')
        && !WORDS.iter().any(|w| w.eq_ignore_ascii_case(text));
    if plain { text.to_owned() } else { format!("%{}", quoted(text)) }
}
