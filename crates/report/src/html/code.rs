//! Queries and rules in colour, by the lexers that read them.

use super::text::{Space, marked};
use maud::{Markup, html};
use parallax_diagnostics::{Class, Piece, Span};

/// A text in a language: `kql`, `sumo`, `sigma` or `yaml`; any other is shown as it is.
pub(crate) fn code(language: &str, text: &str) -> Markup {
    let pieces = match language {
        "kql" | "kusto" => parallax_kql::syntax::pieces(text),
        "sumo" => parallax_sumo::syntax::pieces(text),
        "sigma" | "yaml" | "yml" => yaml(text),
        _ => Vec::new(),
    };
    let plain = |from: usize, to: usize| marked(text.get(from..to).unwrap_or_default(), &[], Space::Kept);
    // Where the piece before ended.
    let ends = std::iter::once(0).chain(pieces.iter().map(|p| p.span.end));
    let last = pieces.last().map_or(0, |p| p.span.end);
    html! {
        @for (piece, before) in pieces.iter().zip(ends) {
            (plain(before, piece.span.start))
            span class=(class(piece.class)) { (plain(piece.span.start, piece.span.end)) }
        }
        (plain(last, text.len()))
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Comment => "tc",
        Class::Keyword => "tk",
        Class::Function => "tf",
        Class::Name => "tn",
        Class::String => "ts",
        Class::Number => "tm",
        Class::Sign => "to",
    }
}

/// The pieces of YAML, line by line: as much as a person needs to find their way in a rule.
fn yaml(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = 0;
    // A block of text ends with the first line that is not deeper than its key.
    let mut block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let line = line.trim_end();
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            continue;
        }
        if block.is_some_and(|deep| indent > deep) {
            pieces.push(Piece { span: Span::new(at + indent, at + line.len()), class: Class::String });
            continue;
        }
        block = yaml_line(line, at, indent, &mut pieces).then_some(indent);
    }
    pieces
}

/// The pieces of one line. Whether a block of text begins behind it.
fn yaml_line(line: &str, at: usize, indent: usize, pieces: &mut Vec<Piece>) -> bool {
    let mut push = |from: usize, to: usize, class| {
        if from < to {
            pieces.push(Piece { span: Span::new(at + from, at + to), class });
        }
    };
    let mut from = indent;
    while line[from..].starts_with("- ") || &line[from..] == "-" {
        push(from, from + 1, Class::Sign);
        from += 1;
        from += line[from..].len() - line[from..].trim_start().len();
    }
    if line[from..].starts_with('#') || line == "---" {
        push(from, line.len(), Class::Comment);
        return false;
    }
    let end = comment(line, from);
    if let Some(colon) = key(&line[from..end]).map(|length| from + length) {
        // A modifier is a word of the language.
        let mut piece = from;
        for (n, part) in line[from..colon].split('|').enumerate() {
            push(piece, piece + part.len(), if n == 0 { Class::Name } else { Class::Keyword });
            piece += part.len() + 1;
        }
        push(colon, colon + 1, Class::Sign);
        from = colon + 1;
    }
    let value = line[from..end].trim();
    let first = end - line[from..end].trim_start().len();
    let class = match value {
        "true" | "false" | "null" | "~" => Class::Number,
        v if v.parse::<f64>().is_ok() => Class::Number,
        "|" | ">" | "|-" | ">-" | "|+" | ">+" => Class::Sign,
        _ => Class::String,
    };
    push(first, first + value.len(), class);
    push(end, line.len(), Class::Comment);
    class == Class::Sign
}

/// Where a key ends: before a colon that white space follows, outside of quotes.
fn key(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) if at == 0 => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            (':', None) if text[at + 1..].is_empty() || text[at + 1..].starts_with(' ') => return Some(at),
            ('[' | '{', None) if at == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where a comment begins: at a `#` behind white space, outside of quotes; the end where there is none.
fn comment(line: &str, from: usize) -> usize {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in line[from..].char_indices() {
        match (c, quote) {
            ('"' | '\'', None) if " :[,-".contains(before) => quote = Some(c),
            (c, Some(q)) if c == q => quote = None,
            ('#', None) if before == ' ' => return from + at,
            _ => {}
        }
        before = c;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_in_colour() {
        let text = "title: A rule # why\ndetection:\n  selection:\n    Image|endswith|all:\n      - '\\lua.exe'\n      - 5\ndescription: |\n  Text: with\n  more\nlevel: high\n";
        let found: Vec<(Class, &str)> = yaml(text).into_iter().map(|p| (p.class, p.span.of(text))).collect();
        for wanted in [
            (Class::Name, "title"),
            (Class::String, "A rule"),
            (Class::Comment, "# why"),
            (Class::Name, "Image"),
            (Class::Keyword, "endswith"),
            (Class::Keyword, "all"),
            (Class::String, "'\\lua.exe'"),
            (Class::Number, "5"),
            (Class::String, "Text: with"),
            (Class::Name, "level"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
    }

    #[test]
    fn colours_lose_nothing() {
        for (language, text) in [
            ("kql", "T | where a == '<script>' // </pre>"),
            ("sumo", "error | where a = \"<b>\" /* x"),
            ("sigma", "- - a: 'b\n: é #\n'"),
            ("text", "<x>"),
        ] {
            let html = code(language, text).into_string();
            let mut plain = String::new();
            let mut rest = html.as_str();
            while let Some(open) = rest.find('<') {
                plain.push_str(&rest[..open]);
                rest = &rest[open + rest[open..].find('>').unwrap() + 1..];
            }
            plain.push_str(rest);
            let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            assert_eq!(plain, text);
        }
    }
}
