//! Term characters and case.

use regex_syntax::hir::{Class, HirKind};
use std::sync::LazyLock;

/// Whether a character belongs to a term: a Unicode letter or decimal digit (measured: `é` does, `_` does not).
#[inline]
pub fn is_term(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { beyond_ascii(c) }
}

/// `[\p{L}\p{Nd}]` as sorted ranges. The standard library's `is_alphanumeric` is wider: it takes combining marks,
/// letter numbers and fractions too.
static LETTERS_AND_DIGITS: LazyLock<Vec<(char, char)>> =
    LazyLock::new(|| match regex_syntax::parse(r"[\p{L}\p{Nd}]").map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class.iter().map(|r| (r.start(), r.end())).collect(),
        _ => Vec::new(),
    });

fn beyond_ascii(c: char) -> bool {
    let ranges = &*LETTERS_AND_DIGITS;
    let i = ranges.partition_point(|&(_, end)| end < c);
    ranges.get(i).is_some_and(|&(start, _)| start <= c)
}

/// Whether the text up to `at` ends in a term character.
#[inline]
pub(super) fn ends_in_term(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric(),
        Some(_) => text.get(..at).and_then(|t| t.chars().next_back()).is_some_and(is_term),
    }
}

/// Whether the text from `at` begins with a term character.
#[inline]
pub(super) fn begins_with_term(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric(),
        Some(_) => text.get(at..).and_then(|t| t.chars().next()).is_some_and(is_term),
    }
}

/// Case folding, character by character. A letter beyond ASCII never becomes an ASCII one (the Kelvin sign is no `k`),
/// as in .NET's ordinal comparison.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Case folding of one character.
#[inline]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(l), None) if !l.is_ascii() => l,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn term_characters_are_letters_and_decimal_digits() {
        for c in "aZ5éßЖ中٣".chars() {
            assert!(is_term(c), "{c}");
        }
        for c in "_-. ½²Ⅷ\u{301}$€".chars() {
            assert!(!is_term(c), "{c}");
        }
    }

    #[test]
    fn folding_keeps_ascii_apart() {
        assert_eq!(fold("\u{212a}K ÉŻ"), "\u{212a}k éż");
    }
}
