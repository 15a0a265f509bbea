//! Regular expressions as Sumo's users write them, for the `regex` crate.
//!
//! Sumo documents RE2 and Java syntax. Three habits read otherwise here and are translated: `[` inside a class is a
//! plain character, `\<` and `\>` are the characters, and a `{` that begins no repetition is a character. Lookaround
//! and back-references have no linear-time equivalent and are refused.

use regex::{Regex, RegexBuilder};

/// Compiles a regular expression, unanchored and case-sensitive.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    for (construct, what) in
        [("(?=", "lookahead"), ("(?!", "lookahead"), ("(?<=", "lookbehind"), ("(?<!", "lookbehind")]
    {
        if contains_unescaped(pattern, construct) {
            return Err(format!("{what} `{construct}…)` is not supported"));
        }
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

fn contains_unescaped(pattern: &str, part: &str) -> bool {
    pattern.match_indices(part).any(|(at, _)| pattern[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 0)
}

fn translate(pattern: &str) -> String {
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

/// Whether `{2}`, `{2,}` or `{2,5}` stands at the start.
fn is_repetition(text: &str) -> bool {
    let Some(end) = text.find('}') else { return false };
    let inner = &text[1..end];
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
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
