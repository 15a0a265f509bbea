//! Patterns with places for other text.

use super::fold::fold;
use crate::tree::{Case, Pattern, Piece};
use memchr::memmem::Finder;

/// A compiled pattern. Where case is ignored it is over folded text, and must be asked with folded text.
#[derive(Clone, Debug)]
pub struct Glob {
    segments: Vec<Segment>,
    /// Whether the first segment stands at the beginning.
    starts: bool,
    /// Whether the last segment stands at the end.
    ends: bool,
}

/// What stands between two `*`.
#[derive(Clone, Debug)]
struct Segment {
    /// Characters of any kind before the text.
    skip: usize,
    /// The first text, empty where there is none.
    first: Finder<'static>,
    /// Texts that follow, each behind so many characters of any kind.
    rest: Vec<(usize, Box<str>)>,
}

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let any = |p: Option<&Piece>| matches!(p, Some(Piece::Any));
        let (starts, ends) = (!any(pattern.parts.first()), !any(pattern.parts.last()));
        let segments = pattern.parts.split(|p| *p == Piece::Any).filter(|s| !s.is_empty());
        let segments = segments.map(|pieces| Segment::new(pieces, pattern.case)).collect();
        Glob { segments, starts, ends }
    }

    /// Whether it is the whole text.
    pub fn is_match(&self, text: &str) -> bool {
        self.span(text, self.starts, self.ends).is_some()
    }

    /// Where it stands in the text first: of what `*` stands for at either end, nothing.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.span(text, false, false)
    }

    /// Where the parts other than `*` stand at either end, if it is the whole text.
    pub fn matched(&self, text: &str) -> Option<(usize, usize)> {
        self.span(text, self.starts, self.ends)
    }

    fn span(&self, text: &str, starts: bool, ends: bool) -> Option<(usize, usize)> {
        let [before @ .., last] = self.segments.as_slice() else {
            // Only `*`, or nothing at all.
            return (!starts || !ends || text.is_empty()).then_some((0, 0));
        };
        let mut begin = None;
        let mut at = 0;
        for (place, segment) in before.iter().enumerate() {
            let found =
                if place == 0 && starts { segment.at(text, 0).map(|end| (0, end)) } else { segment.find(text, at) };
            let (start, end) = found?;
            begin.get_or_insert(start);
            at = end;
        }
        let (start, end) = match (starts && before.is_empty(), ends) {
            (true, true) => (0, last.at(text, 0).filter(|end| *end == text.len())?),
            (true, false) => (0, last.at(text, 0)?),
            (false, true) => (last.back(text).filter(|start| *start >= at)?, text.len()),
            (false, false) => last.find(text, at)?,
        };
        Some((begin.unwrap_or(start), end))
    }
}

impl Segment {
    fn new(pieces: &[Piece], case: Case) -> Self {
        let mut skip = 0;
        let mut texts: Vec<(usize, String)> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let text = if case == Case::Ignored { fold(text).into_owned() } else { text.clone() };
                    match texts.last_mut() {
                        Some((_, last)) if skip == 0 => last.push_str(&text),
                        _ => texts.push((skip, text)),
                    }
                    skip = 0;
                }
                // `Any` stands between segments only.
                Piece::One | Piece::Any => skip += 1,
            }
        }
        if skip > 0 || texts.is_empty() {
            texts.push((skip, String::new()));
        }
        let (skip, first) = texts.remove(0);
        let rest = texts.into_iter().map(|(skip, text)| (skip, text.into_boxed_str())).collect();
        Segment { skip, first: Finder::new(first.as_bytes()).into_owned(), rest }
    }

    /// Where it ends, if it stands at that place.
    fn at(&self, text: &str, at: usize) -> Option<usize> {
        let at = skipped(text, at, self.skip)?;
        let first = self.first.needle();
        text.as_bytes()[at..].starts_with(first).then(|| self.tail(text, at + first.len()))?
    }

    fn tail(&self, text: &str, mut at: usize) -> Option<usize> {
        for (skip, part) in &self.rest {
            at = skipped(text, at, *skip)?;
            at = text[at..].starts_with(&**part).then(|| at + part.len())?;
        }
        Some(at)
    }

    /// Where it stands first, not before `from`.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let first = self.first.needle().len();
        let mut search = skipped(text, from, self.skip)?;
        loop {
            let found = search + self.first.find(&text.as_bytes()[search..])?;
            if let Some(end) = self.tail(text, found + first) {
                return Some((before(text, found, self.skip)?, end));
            }
            search = skipped(text, found, 1)?;
        }
    }

    /// Where it begins, if it stands at the end.
    fn back(&self, text: &str) -> Option<usize> {
        let mut at = text.len();
        for (skip, part) in self.rest.iter().rev() {
            at = text[..at].ends_with(&**part).then(|| at - part.len())?;
            at = before(text, at, *skip)?;
        }
        let first = self.first.needle();
        at = text.as_bytes()[..at].ends_with(first).then(|| at - first.len())?;
        before(text, at, self.skip)
    }
}

/// The place so many characters on.
fn skipped(text: &str, at: usize, characters: usize) -> Option<usize> {
    let mut rest = text[at..].chars();
    for _ in 0..characters {
        rest.next()?;
    }
    Some(text.len() - rest.as_str().len())
}

/// The place so many characters before.
fn before(text: &str, at: usize, characters: usize) -> Option<usize> {
    let mut rest = text[..at].chars();
    for _ in 0..characters {
        rest.next_back()?;
    }
    Some(rest.as_str().len())
}
