//! A text while modifiers work on it: bytes, since an encoding need not be UTF-8 before it is base64.

use crate::tree::{Case, Pattern, Piece};
use rsigma_parser::value::{SigmaString, SpecialChar, StringPart};

/// A part of a text with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    Bytes(Vec<u8>),
    One,
    Any,
}

/// A text with wildcards.
pub(crate) type Chunks = Vec<Chunk>;

/// Sigma's text: `*` and `?` are wildcards, `\` takes their meaning, and that of another `\`.
pub(crate) fn parsed(text: &str) -> Chunks {
    let parts = SigmaString::new(text).parts;
    parts
        .into_iter()
        .map(|part| match part {
            StringPart::Plain(text) => Chunk::Bytes(text.into_bytes()),
            StringPart::Special(SpecialChar::WildcardMulti) => Chunk::Any,
            StringPart::Special(SpecialChar::WildcardSingle) => Chunk::One,
        })
        .collect()
}

/// A text without wildcards.
pub(crate) fn literal(text: &str) -> Chunks {
    if text.is_empty() { Vec::new() } else { vec![Chunk::Bytes(text.as_bytes().to_vec())] }
}

/// Its bytes, where there are no wildcards.
pub(crate) fn plain(chunks: &[Chunk]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for chunk in chunks {
        match chunk {
            Chunk::Bytes(bytes) => out.extend_from_slice(bytes),
            Chunk::One | Chunk::Any => return None,
        }
    }
    Some(out)
}

/// The pattern; nothing where the bytes are no text.
pub(crate) fn pattern(chunks: &[Chunk], case: Case) -> Option<Pattern> {
    let mut parts: Vec<Piece> = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    for chunk in chunks {
        match chunk {
            Chunk::Bytes(more) => bytes.extend_from_slice(more),
            Chunk::One | Chunk::Any => {
                flush(&mut bytes, &mut parts)?;
                let piece = if *chunk == Chunk::One { Piece::One } else { Piece::Any };
                if piece != Piece::Any || parts.last() != Some(&Piece::Any) {
                    parts.push(piece);
                }
            }
        }
    }
    flush(&mut bytes, &mut parts)?;
    Some(Pattern { parts, case })
}

fn flush(bytes: &mut Vec<u8>, parts: &mut Vec<Piece>) -> Option<()> {
    if !bytes.is_empty() {
        parts.push(Piece::Text(String::from_utf8(std::mem::take(bytes)).ok()?));
    }
    Some(())
}

/// A pattern as modifiers take it.
pub(crate) fn of(pattern: &Pattern) -> Chunks {
    let chunk = |piece: &Piece| match piece {
        Piece::Text(text) => Chunk::Bytes(text.as_bytes().to_vec()),
        Piece::One => Chunk::One,
        Piece::Any => Chunk::Any,
    };
    pattern.parts.iter().map(chunk).collect()
}
