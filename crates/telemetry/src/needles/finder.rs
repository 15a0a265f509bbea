//! The search for needles in a buffer.

use super::Needles;
use aho_corasick::{Span, packed};

/// The patterns of one vectorised pass; more in one make it slower than two passes.
const A_PASS: usize = 64;

/// Spellings that can stand for any character, and what parts a word in XML (CDATA, comments): what holds one is always
/// read.
const ESCAPES: [&str; 3] = ["\\u00", "&#", "<!"];

/// Letters beyond ASCII that fold to ASCII ones (or begin with one, folded), as they stand and as JSON escapes them.
const FOLDING: [&str; 6] = ["\u{212a}", "\u{17f}", "\u{130}", "\\u212a", "\\u017f", "\\u0130"];

/// Finds where something stands that may be a needle.
pub struct Finder {
    passes: Vec<packed::Searcher>,
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").field("passes", &self.passes.len()).finish()
    }
}

impl Finder {
    /// A search for needles in text of lines (JSON, XML in lines, plain). `None` where this processor has no search
    /// that is worth it.
    pub fn new(needles: &Needles) -> Option<Self> {
        Finder::beside(needles, &[])
    }

    /// The same in JSON, which may hold WMI's text: there `l\\ua` spells `lua`, so what holds one is always read.
    pub(crate) fn in_json(needles: &Needles) -> Option<Self> {
        Finder::beside(needles, &["win32_ntlogevent"])
    }

    fn beside(needles: &Needles, others: &[&str]) -> Option<Self> {
        let others = others.iter().copied();
        let folding = FOLDING.iter().filter(|_| needles.folds()).copied();
        let all: Vec<&str> =
            needles.pieces().iter().map(String::as_str).chain(ESCAPES).chain(folding).chain(others).collect();
        let pass = |some: &[&str]| packed::Config::new().builder().extend(some).build();
        let passes = all.chunks(A_PASS).map(pass).collect::<Option<Vec<_>>>()?;
        Some(Finder { passes })
    }

    /// A search for needles in binary Windows events, whose text is UTF-16 or of one byte a character. `None` where
    /// there is nothing to look for, or no search that is worth it.
    pub(crate) fn in_binary(needles: &Needles) -> Option<Self> {
        let pieces = needles.in_binary()?;
        let wide = pieces.iter().map(|p| p.bytes().flat_map(|b| [b, 0]).collect::<Vec<u8>>());
        let all: Vec<Vec<u8>> = wide.chain(pieces.iter().map(|p| p.as_bytes().to_vec())).collect();
        let pass = |some: &[Vec<u8>]| packed::Config::new().builder().extend(some).build();
        Some(Finder { passes: all.chunks(A_PASS).map(pass).collect::<Option<Vec<_>>>()? })
    }

    /// How many passes a search takes.
    pub(crate) fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Where what a pass looks for begins first at or behind `from`, in text whose ASCII letters are lower case; the
    /// text's length where there is none.
    #[inline]
    pub(crate) fn find(&self, pass: usize, lower: &[u8], from: usize) -> usize {
        let span = Span { start: from, end: lower.len() };
        self.passes[pass].find_in(lower, span).map_or(lower.len(), |m| m.start())
    }

    /// Whether any of them is there, in text of any case.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let lower = text.to_ascii_lowercase();
        (0..self.passes.len()).any(|pass| self.find(pass, &lower, 0) < lower.len())
    }
}
