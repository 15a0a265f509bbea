//! Markdown as far as a pack needs it: links that must lead somewhere, and queries in fenced blocks.

use super::files::Files;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use std::collections::{HashMap, HashSet};

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The words behind the fence.
    pub(crate) info: &'a str,
    /// The line of its first line, from 1.
    pub(crate) line: usize,
    /// What stands in it.
    pub(crate) text: &'a str,
}

/// A line that stands in no block, with its place in the text.
type Line<'a> = (usize, &'a str);

/// The fenced blocks, and the lines outside of them.
fn split(text: &str) -> (Vec<Block<'_>>, Vec<Line<'_>>) {
    let (mut blocks, mut lines) = (Vec::new(), Vec::new());
    let mut open: Option<(char, usize, &str, usize, usize)> = None;
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim();
        let fence = bare.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = fence.map_or(0, |f| bare.chars().take_while(|c| *c == f).count());
        match (open, fence) {
            (None, Some(f)) if length >= 3 && !(f == '`' && bare[length..].contains('`')) => {
                open = Some((f, length, bare[length..].trim(), number + 2, at + line.len()));
            }
            (None, _) => lines.push((at, line)),
            (Some((f, least, info, first, start)), Some(g)) if f == g && length >= least && bare.len() == length => {
                blocks.push(Block { info, line: first, text: &text[start..at] });
                open = None;
            }
            (Some(_), _) => {}
        }
        at += line.len();
    }
    if let Some((_, _, info, line, start)) = open {
        blocks.push(Block { info, line, text: text.get(start..).unwrap_or_default() });
    }
    (blocks, lines)
}

/// The fenced blocks.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    split(text).0
}

/// The links of a document that lead nowhere: relative ones to files that the pack does not have or to headings that
/// are not there, and addresses that are not of the web.
pub(super) fn broken_links(text: &str, path: &str, files: &Files) -> Diagnostics {
    let mut wrong = Diagnostics::default();
    for (target, span) in links(text) {
        if let Some(message) = broken(target, text, path, files) {
            wrong.push(Diagnostic::error("PACK0020", span, message));
        }
    }
    wrong
}

fn broken(target: &str, text: &str, path: &str, files: &Files) -> Option<String> {
    if let Some((scheme, _)) = target.split_once(':').filter(|(s, _)| s.chars().all(|c| c.is_ascii_alphanumeric())) {
        let known = ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str());
        return (!known).then(|| format!("a link has no business with `{scheme}:`"));
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(f, a)| (f, Some(a)));
    let other;
    let body = if file.is_empty() {
        text
    } else {
        let Some(place) = resolved(path, &decoded(file)) else {
            return Some("the link leaves the pack".to_owned());
        };
        if !files.exists(&place) {
            return Some(format!("the pack has no `{place}`"));
        }
        if anchor.is_none() || !place.to_ascii_lowercase().ends_with(".md") {
            return None;
        }
        other = files.read(&place).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        &other
    };
    let anchor = anchor.filter(|a| !a.is_empty())?;
    (!anchors(body).contains(anchor)).then(|| format!("there is no heading for `#{anchor}`"))
}

/// The path from the pack's folder of what a document at `path` calls `file`.
fn resolved(path: &str, file: &str) -> Option<String> {
    if file.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `%20` is a space.
fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let rest = bytes.as_slice_of_two();
        match (b, rest) {
            (b'%', Some(value)) => {
                out.push(value);
                bytes.next();
                bytes.next();
            }
            _ => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

trait Hex {
    fn as_slice_of_two(&self) -> Option<u8>;
}

impl Hex for std::str::Bytes<'_> {
    fn as_slice_of_two(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let value = digit(ahead.next())? * 16 + digit(ahead.next())?;
        u8::try_from(value).ok()
    }
}

/// The targets of links and images, with their places.
fn links(text: &str) -> Vec<(&str, Span)> {
    let mut all = Vec::new();
    for (start, line) in split(text).1 {
        let mut plain = line.to_owned();
        blank_code(&mut plain);
        let mut from = 0;
        while let Some(found) = plain[from..].find("](") {
            let begin = from + found + 2;
            let Some(end) = closing(&plain[begin..]) else { break };
            // Behind the target there may be a title.
            let target = line[begin..begin + end].split_whitespace().next().unwrap_or_default();
            let offset = line[begin..].find(target).unwrap_or(0);
            let bare = target.trim_start_matches('<').trim_end_matches('>');
            let at = start + begin + offset;
            all.push((bare, Span::new(at, at + target.len())));
            from = begin + end;
        }
        // `[name]: target`
        if let Some((name, target)) = plain.trim_start().split_once("]: ").filter(|(n, _)| n.starts_with('['))
            && !name[1..].contains(['[', ']', '^'])
            && let Some(target) = target.split_whitespace().next()
            && let Some(at) = line.find(target)
        {
            let target = &line[at..at + target.len()];
            all.push((target, Span::new(start + at, start + at + target.len())));
        }
    }
    all
}

/// The closing parenthesis of a link's target.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Overwrites code spans: what stands in them is no link.
fn blank_code(line: &mut String) {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].bytes().take_while(|b| *b == b'`').count();
        let fence = "`".repeat(ticks);
        let after = start + ticks;
        let Some(end) = rest[after..].find(&fence) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&" ".repeat(ticks + end + ticks));
        rest = &rest[after + end + ticks..];
    }
    out.push_str(rest);
    *line = out;
}

/// The anchors of a document's headings, as the sites that show repositories make them.
fn anchors(text: &str) -> HashSet<String> {
    let (mut all, mut seen) = (HashSet::new(), HashMap::<String, usize>::new());
    for (_, line) in split(text).1 {
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let Some(title) = line.get(level..).filter(|t| (1..=6).contains(&level) && t.starts_with([' ', '\t'])) else {
            continue;
        };
        let slug = slug(title.trim().trim_end_matches('#').trim());
        let n = seen.entry(slug.clone()).or_default();
        all.insert(if *n == 0 { slug } else { format!("{slug}-{n}") });
        *n += 1;
    }
    all
}

fn slug(title: &str) -> String {
    let kept = title.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_know_their_language_and_line() {
        let text = "# A\n\n```kql\nT | take 1\n```\n\n~~~ sumo fragment\n*\n~~~\n```\nopen";
        let found: Vec<_> = blocks(text).into_iter().map(|b| (b.info, b.line, b.text)).collect();
        assert_eq!(found, [("kql", 4, "T | take 1\n"), ("sumo fragment", 8, "*\n"), ("", 11, "open")]);
    }

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "See [a](b.md#c \"title\") and `[x](y)` and ![i](p(1).png)\n[ref]: d.md\n```\n[no](no.md)\n```\n";
        let found: Vec<_> = links(text).into_iter().map(|(t, span)| (t, span.of(text))).collect();
        assert_eq!(found, [("b.md#c", "b.md#c"), ("p(1).png", "p(1).png"), ("d.md", "d.md")]);
    }

    #[test]
    fn anchors_are_those_of_the_sites() {
        let all = anchors("# What's `lua -e`?\n## Same\n## Same\n#not\n");
        let mut all: Vec<_> = all.iter().map(String::as_str).collect();
        all.sort_unstable();
        assert_eq!(all, ["same", "same-1", "whats-lua--e"]);
    }

    #[test]
    fn paths_stay_inside() {
        assert_eq!(resolved("docs/a.md", "../lists/x.csv").as_deref(), Some("lists/x.csv"));
        assert_eq!(resolved("docs/a.md", "b.md").as_deref(), Some("docs/b.md"));
        assert_eq!(resolved("a.md", "../b.md"), None);
        assert_eq!(decoded("a%20b%zz"), "a b%zz");
    }
}
