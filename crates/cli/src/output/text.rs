//! Text from logs is hostile: it may try to steer a terminal or to look like other text.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text that can be shown on a terminal: one line, without control characters and without characters that change the
/// direction of writing.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_space(c) || is_hostile(c)) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().filter_map(|c| match c {
        c if is_space(c) => Some(' '),
        c if is_hostile(c) => None,
        c => Some(c),
    });
    Cow::Owned(shown.collect())
}

fn is_space(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}')
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The number of cells that safe text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of safe text that fits, with `…` where something is missing.
pub(crate) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > cells {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(safe("a\x1b[31mred\x07\nb\tc"), "a[31mred b c");
        assert_eq!(safe("exe.\u{202e}gpj\u{2066}x\u{9b}"), "exe.gpjx");
        assert!(matches!(safe("plain ünï"), Cow::Borrowed(_)));
    }

    #[test]
    fn cutting_counts_cells() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
