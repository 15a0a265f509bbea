//! What a pattern comes down to, and patterns as regular expressions.

use crate::middle::{Case, Pattern, Piece, Regex, Term};

/// The form of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything, as long as it is there.
    Anything,
    /// That text.
    Exact(String),
    /// Text with it.
    Contains(String),
    /// Text that begins with it.
    Starts(String),
    /// Text that ends with it.
    Ends(String),
    /// None of these.
    Other,
}

/// The form of a pattern.
pub fn shape(pattern: &Pattern) -> Shape {
    use Piece::{Any, Text};
    match pattern.parts.as_slice() {
        [] => Shape::Exact(String::new()),
        [Any] => Shape::Anything,
        [Text(t)] => Shape::Exact(t.clone()),
        [Any, Text(t), Any] => Shape::Contains(t.clone()),
        [Text(t), Any] => Shape::Starts(t.clone()),
        [Any, Text(t)] => Shape::Ends(t.clone()),
        _ => Shape::Other,
    }
}

/// A pattern of that form.
pub fn pattern(shape: Shape, case: Case) -> Option<Pattern> {
    let text = |t: String| (!t.is_empty()).then_some(Piece::Text(t));
    let parts: Vec<Option<Piece>> = match shape {
        Shape::Anything => vec![Some(Piece::Any)],
        Shape::Exact(t) => vec![text(t)],
        Shape::Contains(t) if t.is_empty() => vec![Some(Piece::Any)],
        Shape::Contains(t) => vec![Some(Piece::Any), text(t), Some(Piece::Any)],
        Shape::Starts(t) => vec![text(t), Some(Piece::Any)],
        Shape::Ends(t) => vec![Some(Piece::Any), text(t)],
        Shape::Other => return None,
    };
    Some(Pattern { parts: parts.into_iter().flatten().collect(), case })
}

/// The pattern as a regular expression that is found in a text just where the pattern covers it. Readable: an open end
/// is left open instead of being written `.*`.
pub fn regex_of(pattern: &Pattern) -> String {
    let mut text = String::new();
    let parts = &pattern.parts;
    let flags = if pattern.case == Case::Ignored { "i" } else { "" };
    let dots = parts.iter().enumerate().any(|(i, p)| match p {
        Piece::One => true,
        Piece::Any => i > 0 && i + 1 < parts.len(),
        Piece::Text(_) => false,
    });
    let flags = format!("{flags}{}", if dots { "s" } else { "" });
    if !flags.is_empty() {
        text.push_str(&format!("(?{flags})"));
    }
    if parts.first() != Some(&Piece::Any) {
        text.push('^');
    }
    for (i, part) in parts.iter().enumerate() {
        match part {
            Piece::Text(t) => text.push_str(&escape(t)),
            Piece::One => text.push('.'),
            Piece::Any if i == 0 || i + 1 == parts.len() => {}
            Piece::Any => text.push_str(".*"),
        }
    }
    if parts.last() != Some(&Piece::Any) {
        text.push('$');
    }
    text
}

/// Text as a regular expression that matches it and nothing else, with as few escapes as that needs.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\x{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// The regular expression with its flags written into it.
pub fn with_flags(regex: &Regex) -> String {
    let mut flags = String::new();
    for (on, flag) in [(regex.ignore_case, 'i'), (regex.multi_line, 'm'), (regex.dot_all, 's')] {
        if on {
            flags.push(flag);
        }
    }
    if flags.is_empty() { regex.text.clone() } else { format!("(?{flags}){}", regex.text) }
}

/// Whether the regular expression is found in a text; nothing where it is none that runs in linear time.
pub fn found(regex: &str, text: &str) -> Option<bool> {
    regex::Regex::new(regex).ok().map(|r| r.is_match(text))
}

/// Whether the pattern covers the text.
pub fn covers(pattern: &Pattern, text: &str) -> bool {
    found(&regex_of(pattern), text).unwrap_or(false)
}

/// What is no part of a term: KQL's terms are runs of letters and decimal digits (measured).
const NO_TERM: &str = r"[^\p{L}\p{Nd}]";

/// Whether a term has to begin where the text does, and to end where it does.
pub fn edges(term: &Term) -> (bool, bool) {
    let is_term = |c: char| found(r"^[\p{L}\p{Nd}]$", c.encode_utf8(&mut [0; 4])).unwrap_or(false);
    let first = term.start && term.text.chars().next().is_some_and(is_term);
    let last = term.end && term.text.chars().next_back().is_some_and(is_term);
    (first, last)
}

/// A term as a regular expression, exactly.
pub fn term(term: &Term) -> String {
    terms(&escape(&term.text), edges(term), term.case)
}

/// Terms as one regular expression; `body` is what matches any of them.
pub fn terms(body: &str, (first, last): (bool, bool), case: Case) -> String {
    let flags = if case == Case::Ignored { "(?i)" } else { "" };
    let before = if first { format!("(^|{NO_TERM})") } else { String::new() };
    let after = if last { format!("($|{NO_TERM})") } else { String::new() };
    format!("{flags}{before}{body}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_end_where_letters_and_digits_do() {
        let regex = |text: &str| {
            let text = text.to_owned();
            term(&Term { text, start: true, end: true, case: Case::Ignored })
        };
        for (needle, text, expected) in [
            ("lua", "/usr/bin/LUA -e", true),
            ("lua", "lua5.4", false),
            ("lua", "my_lua", true),
            ("dofile(", "xdofile(1)", false),
            ("dofile(", "dofile(1)", true),
            ("/tmp/", "a/tmp/b", true),
            ("", "anything", true),
        ] {
            assert_eq!(found(&regex(needle), text), Some(expected), "{needle} in {text}");
        }
    }

    #[test]
    fn a_pattern_and_its_expression_cover_the_same() {
        let p = |parts: &[Piece]| Pattern { parts: parts.to_vec(), case: Case::Ignored };
        let t = |s: &str| Piece::Text(s.to_owned());
        assert_eq!(regex_of(&p(&[Piece::Any, t(r"\a.exe")])), r"(?i)\\a\.exe$");
        assert!(covers(&p(&[t("a"), Piece::Any, t("b")]), "A\nxB"));
        assert!(!covers(&p(&[t("a"), Piece::One]), "a"));
        assert!(covers(&p(&[]), "") && !covers(&p(&[]), "x"));
    }
}
