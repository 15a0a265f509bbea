//! A query's text by what its pieces are.

use super::keyword::{Keyword, Use};
use super::lexer::{Kind, Token, lex};
use parallax_diagnostics::{Class, Piece, Span};

/// The pieces of a text, right or wrong, in order.
pub fn pieces(text: &str) -> Vec<Piece> {
    let tokens = lex(text).tokens;
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut end = 0;
    for (at, token) in tokens.iter().enumerate() {
        comments(text, Span::new(end, token.start), &mut pieces);
        end = token.end;
        if let Some(class) = class(at, &tokens) {
            pieces.push(Piece { span: token.span(), class });
        }
    }
    pieces
}

/// What stands between two tokens: white space, and comments up to the line's end.
fn comments(text: &str, gap: Span, pieces: &mut Vec<Piece>) {
    let mut at = gap.start;
    while let Some(start) = text.get(at..gap.end).and_then(|rest| rest.find("//")).map(|i| at + i) {
        let length = text[start..gap.end].find(['\n', '\r']);
        at = length.map_or(gap.end, |length| start + length);
        pieces.push(Piece { span: Span::new(start, at), class: Class::Comment });
    }
}

fn class(at: usize, tokens: &[Token]) -> Option<Class> {
    let called = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::LeftParen && next.glued);
    let first = at.checked_sub(1).is_none_or(|before| matches!(tokens[before].kind, Kind::Bar | Kind::Semicolon));
    Some(match tokens[at].kind {
        Kind::End | Kind::Bad => return None,
        Kind::Keyword(word) => keyword(word, first, called),
        Kind::Identifier if called => Class::Function,
        Kind::Identifier => Class::Name,
        Kind::String => Class::String,
        Kind::Bool | Kind::Long | Kind::Real | Kind::Timespan | Kind::Typed(_) | Kind::RawGuid => Class::Number,
        Kind::Directive => Class::Comment,
        _ => Class::Sign,
    })
}

/// Many words may be names too: `count` begins a step, is called, or is a column.
fn keyword(word: Keyword, first: bool, called: bool) -> Class {
    match word.usage() {
        _ if first => Class::Keyword,
        Use::Name | Use::Declared if called => Class::Function,
        Use::Name => Class::Name,
        _ => Class::Keyword,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_what_it_is() {
        let text = "// all\nDeviceEvents | where A has_any (\"x\", 'y') and Timestamp > ago(24h) // end\n| summarize count() by B";
        let found: Vec<(Class, &str)> = pieces(text).into_iter().map(|p| (p.class, p.span.of(text))).collect();
        for wanted in [
            (Class::Comment, "// all"),
            (Class::Name, "DeviceEvents"),
            (Class::Keyword, "where"),
            (Class::Keyword, "has_any"),
            (Class::String, "'y'"),
            (Class::Function, "ago"),
            (Class::Number, "24h"),
            (Class::Comment, "// end"),
            (Class::Function, "count"),
            (Class::Name, "B"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        }
        assert!(found.windows(2).all(|w| !w[0].1.is_empty()));
        assert!(pieces("where 'unclosed \u{1f600} \\").len() > 1);
    }
}
