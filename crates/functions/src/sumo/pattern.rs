//! Regular expressions as Sumo's users write them, for the `regex` crate.
//!
//! Sumo documents RE2 and Java syntax. Three habits read otherwise here and are translated: `[` inside a class is a
//! plain character, `\<` and `\>` are the characters, and a `{` that begins no repetition is a character. Lookaround,
//! back-references and the like have no linear-time equivalent: `parse regex`, which is documented to take Java's
//! expressions, runs them in a second engine (`backtracking`); `matches` and `replace`, documented to take RE2's, refuse
//! them.

use crate::braces::is_repetition;
use crate::compiled::Compiled;
use regex::{Regex, RegexBuilder};

/// Compiles a regular expression, unanchored and case-sensitive.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    static COMPILED: Compiled = Compiled::new();
    COMPILED.get(pattern, || compile(pattern))
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if let Some(what) = beyond(pattern) {
        return Err(format!("{what} is not part of RE2"));
    }
    RegexBuilder::new(&translate(pattern)).size_limit(4 << 20).build().map_err(|e| match e {
        regex::Error::Syntax(text) => {
            // The crate draws its own caret; its last line is the sentence.
            text.lines().last().unwrap_or("it does not parse").trim_start_matches("error: ").to_owned()
        }
        regex::Error::CompiledTooBig(_) => "it compiles to too large an automaton".to_owned(),
        other => other.to_string(),
    })
}

/// Whether the expression runs in linear time.
pub(super) fn fits(pattern: &str) -> bool {
    beyond(pattern).is_none()
}

/// The first construct of Java that has no linear-time equivalent.
fn beyond(pattern: &str) -> Option<&'static str> {
    let bytes = pattern.as_bytes();
    let (mut at, mut class) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let rest = &pattern.as_bytes()[at..];
        match byte {
            b'\\' => {
                match bytes.get(at + 1) {
                    Some(b'1'..=b'9') if !class => return Some("a back-reference"),
                    Some(b'k') if !class && bytes.get(at + 2) == Some(&b'<') => return Some("a back-reference"),
                    _ => {}
                }
                at += 1;
            }
            b'[' if !class => {
                class = true;
                // A bracket that closes right away is a character of the class.
                at += usize::from(rest.get(1) == Some(&b'^'));
                at += usize::from(bytes.get(at + 1) == Some(&b']'));
            }
            b']' => class = false,
            b'(' if !class => {
                for (start, what) in [
                    (&b"(?="[..], "lookahead `(?=…)`"),
                    (b"(?!", "lookahead `(?!…)`"),
                    (b"(?<=", "lookbehind `(?<=…)`"),
                    (b"(?<!", "lookbehind `(?<!…)`"),
                    (b"(?>", "an atomic group"),
                ] {
                    if rest.starts_with(start) {
                        return Some(what);
                    }
                }
            }
            b'+' if !class && at > 0 && matches!(bytes[at - 1], b'*' | b'+' | b'?' | b'}') => {
                let escaped = pattern[..at - 1].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
                if !escaped {
                    return Some("possessive repetition");
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.char_indices().peekable();
    let mut class: Option<usize> = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, d @ ('<' | '>' | '_' | '\'' | '"' | '/' | ':' | ',' | '=' | '@' | ';' | '%' | '!' | ' '))) => {
                    if d == ' ' {
                        out.push_str("\\x20");
                    } else {
                        out.push(d);
                    }
                }
                Some((_, 'Z')) => out.push_str("\\z"),
                Some((_, 'h')) => out.push_str(if class.is_some() { " \\t" } else { "[ \\t]" }),
                Some((_, d)) => out.extend(['\\', d]),
                None => out.push_str("\\\\"),
            },
            '[' if class.is_none() => {
                out.push(c);
                if let Some((_, '^')) = chars.peek() {
                    out.push('^');
                    chars.next();
                }
                // A bracket that closes right away is a character of the class.
                if let Some((_, ']')) = chars.peek() {
                    out.push_str("\\]");
                    chars.next();
                }
                class = Some(at);
            }
            '[' if pattern[at..].starts_with("[:") => {
                let end = pattern[at..].find(":]").map_or(at + 1, |e| at + e + 2);
                out.push_str(&pattern[at..end]);
                while chars.peek().is_some_and(|(next, _)| *next < end) {
                    chars.next();
                }
            }
            '[' => out.push_str("\\["),
            ']' if class.is_some() => {
                class = None;
                out.push(c);
            }
            '&' | '~' if class.is_some() => out.extend(['\\', c]),
            '-' if class.is_some() && pattern[at..].starts_with("--") => out.push_str("\\-"),
            '{' if class.is_none() && !is_repetition(&pattern[at..]) => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::regex;

    #[test]
    fn habits_of_other_dialects_are_read_as_meant() {
        for (pattern, text, matches) in [
            (r"[^[]+\[", "abc[", true),
            (r"\<(?<priority>\d+)\>", "<14>", true),
            (r"\{(?<body>[^}]*)\}", "{a}", true),
            (r"{a", "{a", true),
            (r"a{2}", "aa", true),
            (r"[]]", "]", true),
            (r"[\w\-\.]+@", "a.b-c@", true),
            (r"\d{1,3}\.\d{1,3}", "10.2", true),
            (r"http\/[\d\.]+", "http/1.1", true),
        ] {
            assert_eq!(regex(pattern).expect(pattern).is_match(text), matches, "{pattern}");
        }
        assert!(regex("(?=a)b").is_err());
        assert!(regex(r"\(?=a").is_ok());
    }
}
