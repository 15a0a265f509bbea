//! Case folding: what “case-insensitive” means.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use std::borrow::Cow;
use std::sync::OnceLock;

/// Characters in a page of the table.
const PAGE: usize = 256;
/// No character beyond this one has another case.
const LAST: u32 = 0x1_FFFF;

/// For characters beyond ASCII the one that stands for all its cases; pages without such characters share the first.
struct Table {
    pages: Vec<u16>,
    chars: Vec<[char; PAGE]>,
}

/// The text with each character replaced by the one that stands for all its cases: simple case folding (Unicode’s
/// `CaseFolding.txt`, C and S), as regular expressions with `(?i)` compare. One character stays one character, so places
/// can be counted in either; the Kelvin sign is `k`, the long s is `s`, and the dotless i is no `i`.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if !text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Borrowed(text);
        }
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Owned(text.chars().map(fold_char).collect())
}

/// Appends the folded text.
pub fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else {
        out.extend(text.chars().map(fold_char));
    }
}

/// The character that stands for all cases of one.
#[inline]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let table = table();
    let at = c as usize;
    let page = table.pages.get(at / PAGE).copied().unwrap_or(0);
    // The first page holds nothing: its characters stay.
    if page == 0 { c } else { table.chars[usize::from(page)][at % PAGE] }
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { pages: vec![0; LAST as usize / PAGE + 1], chars: vec![['\0'; PAGE]] };
        for c in (0x80..=LAST).filter_map(char::from_u32) {
            let folded = representative(c);
            if folded == c {
                continue;
            }
            let at = c as usize;
            if table.pages[at / PAGE] == 0 {
                let first = (at / PAGE * PAGE) as u32;
                table.pages[at / PAGE] = table.chars.len() as u16;
                table.chars.push(std::array::from_fn(|i| char::from_u32(first + i as u32).unwrap_or('\0')));
            }
            table.chars[usize::from(table.pages[at / PAGE])][at % PAGE] = folded;
        }
        table
    })
}

/// The ASCII letter among the cases of a character, otherwise the first of them.
fn representative(c: char) -> char {
    if c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]) {
        return c;
    }
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    if class.try_case_fold_simple().is_err() {
        return c;
    }
    let mut cases = class.iter().flat_map(|range| range.start()..=range.end());
    cases.find(char::is_ascii_lowercase).or_else(|| class.iter().map(ClassUnicodeRange::start).min()).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_ascii() {
        assert_eq!(fold("KELVIN \u{212a} LONG \u{17f}"), "kelvin k long s");
        assert_eq!(fold("\u{131}"), "\u{131}");
        assert_eq!(fold("\u{130}"), "\u{130}");
        assert_eq!(fold("ΣΑΣ"), fold("σας"));
        assert_eq!(fold("Straße"), fold("STRAẞE"));
        assert_ne!(fold("ß"), fold("ss"));
        assert_eq!(fold("ЖУК"), fold("жук"));
    }

    #[test]
    fn folds_as_regular_expressions_do() {
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.to_lowercase().eq([*c]) || !c.to_uppercase().eq([*c])) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.case_fold_simple();
            for other in class.iter().flat_map(|r| r.start()..=r.end()) {
                assert_eq!(fold_char(other), fold_char(c), "{c} {other}");
            }
        }
    }
}
