//! Texts as YAML.

/// A text between single quotes, or between double ones where it has what single quotes cannot hold.
pub(crate) fn quoted(text: &str) -> String {
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')) {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                    out.push_str(&format!("\\u{:04x}", c as u32));
                }
                c => out.push(c),
            }
        }
        out.push('"');
        return out;
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as it is where that reads as the same text, else quoted.
pub(crate) fn plain_or_quoted(text: &str) -> String {
    const WORDS: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", ".nan"];
    // An id stands as it is, unless it could be a number.
    let id =
        text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && text.matches('-').count() == 4;
    let plain = (text.starts_with(|c: char| c.is_alphabetic()) || id)
        && !text.ends_with([' ', ':'])
        && text.chars().all(|c| c.is_alphanumeric() || " _-./()&,+|%@;=*'?".contains(c) || c == ':')
        && !text.contains(": ")
        && !text.contains(" #")
        && !WORDS.iter().any(|w| w.eq_ignore_ascii_case(text));
    if plain { text.to_owned() } else { quoted(text) }
}
