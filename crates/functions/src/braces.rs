//! Curly brackets that begin no repetition, in regular expressions.

/// Whether `{2}`, `{2,}` or `{2,5}` stands at the start.
pub(crate) fn is_repetition(text: &str) -> bool {
    let Some(end) = text.find('}') else { return false };
    let Some(inner) = text.get(1..end) else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// The pattern with a backslash before each `{` that stands for itself where RE2 reads it: one outside of a class that
/// begins no repetition.
pub(crate) fn escaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.char_indices();
    let mut class = 0usize;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                let Some((_, next)) = chars.next() else { break };
                out.push(next);
                // `\p{Greek}`, `\x{1F600}`: the brackets belong to the escape.
                if matches!(next, 'p' | 'P' | 'x' | 'u' | 'U') && pattern[at..].chars().nth(2) == Some('{') {
                    for (_, inner) in chars.by_ref() {
                        out.push(inner);
                        if inner == '}' {
                            break;
                        }
                    }
                }
                continue;
            }
            '[' => class += 1,
            ']' => class = class.saturating_sub(1),
            '{' if class == 0 && !is_repetition(&pattern[at..]) => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn brackets_that_begin_no_repetition_are_characters() {
        for (pattern, expected) in [
            ("a{|b", r"a\{|b"),
            ("a{2}b{2,}c{2,5}", "a{2}b{2,}c{2,5}"),
            ("a{,5}", r"a\{,5}"),
            (r"\{x\p{Greek}\x{41}{3}", r"\{x\p{Greek}\x{41}{3}"),
            ("[{]{", r"[{]\{"),
            ("é{é", r"é\{é"),
            ("{", r"\{"),
        ] {
            assert_eq!(escaped(pattern), expected);
        }
    }
}
