//! Text from logs as HTML: escaped, with everything visible that would steer a reader's eye without being seen.

use maud::{Markup, PreEscaped, Render, html};

/// How white space is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// On one line: breaks and tabs are shown as signs.
    Line,
    /// As it stands, for preformatted text.
    Kept,
}

/// Text on one line.
pub(crate) fn line(text: &str) -> Markup {
    marked(text, &[], Space::Line)
}

/// Text on one line, cut after so many characters.
pub(crate) fn short(text: &str, most: usize) -> Markup {
    match text.char_indices().nth(most) {
        Some((end, _)) => html! { (line(&text[..end])) "…" },
        None => line(text),
    }
}

/// Text with line breaks.
pub(crate) fn block(text: &str) -> Markup {
    marked(text, &[], Space::Kept)
}

/// Text with some of its bytes marked.
pub(crate) fn marked(text: &str, marks: &[(usize, usize)], space: Space) -> Markup {
    let mut out = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for (start, end) in merged(text, marks) {
        plain(&text[at..start], space, &mut out);
        out.push_str("<mark>");
        plain(&text[start..end], space, &mut out);
        out.push_str("</mark>");
        at = end;
    }
    plain(&text[at..], space, &mut out);
    PreEscaped(out)
}

/// The marks in order, those that overlap made one; what lies outside of the text, or within a character, is left out.
fn merged(text: &str, marks: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(usize, usize)> =
        marks.iter().copied().filter(|(start, end)| start < end && text.get(*start..*end).is_some()).collect();
    sorted.sort_unstable();
    let mut all: Vec<(usize, usize)> = Vec::with_capacity(sorted.len());
    for (start, end) in sorted {
        match all.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => all.push((start, end)),
        }
    }
    all
}

fn plain(text: &str, space: Space, out: &mut String) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        if !shows_badly(c, space) {
            continue;
        }
        text[from..at].render_to(out);
        from = at + c.len_utf8();
        let number = format!("U+{:04X}", u32::from(c));
        let sign = match c {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => number.as_str(),
        };
        html! { span.ctl title=(number) { (sign) } }.render_to(out);
    }
    text[from..].render_to(out);
}

/// Whether a character does something instead of being seen: steers terminals, turns the direction of writing, joins or
/// hides what stands beside it, or is as good as nothing.
fn shows_badly(c: char, space: Space) -> bool {
    match c {
        '\n' | '\t' => space == Space::Line,
        c if c.is_control() => true,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_and_nothing_is_hidden() {
        assert_eq!(line("<b>&\"'").into_string(), "&lt;b&gt;&amp;&quot;'");
        assert_eq!(line("a\u{202e}b").into_string(), "a<span class=\"ctl\" title=\"U+202E\">U+202E</span>b");
        assert_eq!(line("\x1b[1m\n").into_string().matches("class=\"ctl\"").count(), 2);
        assert_eq!(block("a\n\tb").into_string(), "a\n\tb");
        assert_eq!(short("abcdef", 3).into_string(), "abc…");
    }

    #[test]
    fn marks_stand_where_they_ought_to() {
        let html = |marks: &[(usize, usize)]| marked("a<é>z", marks, Space::Line).into_string();
        assert_eq!(html(&[(1, 4)]), "a<mark>&lt;é</mark>&gt;z");
        assert_eq!(html(&[(1, 4), (2, 5)]), "a<mark>&lt;é&gt;</mark>z");
        // Within a character, turned round, outside.
        assert_eq!(html(&[(3, 5), (4, 1), (0, 99)]), "a&lt;é&gt;z");
    }
}
