//! Many texts lying in one buffer: one SIMD pass over the bytes, exact matching only where a needle occurs.

use super::{Matcher, Quantifier};
use aho_corasick::{Span, packed};
use std::borrow::Cow;

/// More needles than this make the packed search slower than the automaton.
const MOST: usize = 64;

/// What a SIMD pass looks for: every needle of which one is enough, or the longest of those that are all needed.
pub(super) fn searcher(needles: &[&str], insensitive: bool, quantifier: Quantifier) -> Option<packed::Searcher> {
    let mut all: Vec<String> =
        needles.iter().map(|n| if insensitive { n.to_ascii_lowercase() } else { (*n).to_owned() }).collect();
    all.sort_by_key(String::len);
    if quantifier == Quantifier::All {
        all = all.pop().into_iter().collect();
    }
    // A needle that contains another is found by the other's occurrences.
    let mut kept: Vec<String> = Vec::new();
    for n in all {
        if !kept.iter().any(|k| n.contains(k.as_str())) {
            kept.push(n);
        }
    }
    if kept.is_empty() || kept.len() > MOST {
        return None;
    }
    packed::Config::new().builder().extend(&kept).build()
}

impl Matcher {
    /// Starts a pass over the texts of one buffer; `None` where these needles have no fast search.
    ///
    /// `span` is the part of the buffer that holds the texts.
    pub fn scan<'m>(&'m self, span: &'m [u8]) -> Option<Scan<'m>> {
        let searcher = self.bulk.as_ref()?;
        let bytes = if self.insensitive { Cow::Owned(span.to_ascii_lowercase()) } else { Cow::Borrowed(span) };
        Some(Scan { matcher: self, searcher, bytes, from: 0, hit: None })
    }
}

/// A pass over the texts of one buffer.
pub struct Scan<'m> {
    matcher: &'m Matcher,
    searcher: &'m packed::Searcher,
    bytes: Cow<'m, [u8]>,
    /// What is known: nothing begins between `from` and `hit` (the end of the buffer, where there is none).
    from: usize,
    hit: Option<usize>,
}

impl Scan<'_> {
    /// Whether `text`, which lies at `offset` of the span, matches. Offsets must not decrease from call to call for
    /// this to be fast; the answer is right in any order.
    #[inline]
    pub fn is_match(&mut self, offset: usize, text: &str) -> bool {
        let hit = match self.hit {
            Some(hit) if (self.from..=hit).contains(&offset) => hit,
            _ => self.next_hit(offset),
        };
        (self.from, self.hit) = (offset, Some(hit));
        hit < offset + text.len() && self.matcher.is_match(text)
    }

    /// Where the next occurrence begins; the end, where there is none.
    fn next_hit(&self, from: usize) -> usize {
        if from >= self.bytes.len() {
            return self.bytes.len();
        }
        let span = Span { start: from, end: self.bytes.len() };
        self.searcher.find_in(&self.bytes, span).map_or(self.bytes.len(), |m| m.start())
    }
}
