//! The search for needles in a buffer.

use super::Needles;
use aho_corasick::{PatternID, Span, packed};

/// The patterns of one vectorised pass; more in one make it slower than two passes.
const A_PASS: usize = 64;

/// A pass looks at so many bytes of each pattern at once, at fewer where any of its patterns has fewer: the shorter
/// ones get a pass of their own.
const AT_ONCE: usize = 3;

/// Unicode escapes of JSON. They can stand for any character; see [`is_harmless`].
const UNICODE: &str = "\\u00";

/// Spellings that can stand for any character, and what parts a word in XML (CDATA, comments): what holds one is always
/// read.
const ESCAPES: [&str; 3] = [UNICODE, "&#", "<!"];

/// What WMI's text begins with: there `l\\ua` spells `lua`.
const WMI: &str = "ntlogevent";

/// Letters beyond ASCII that fold to ASCII ones (or begin with one, folded), as they stand and as JSON escapes them.
pub(super) const FOLDING: [&str; 6] = ["\u{212a}", "\u{17f}", "\u{130}", "\\u212a", "\\u017f", "\\u0130"];

/// Text in which letters are looked for in any case: of every byte the bit is set by which `a` differs from `A`.
///
/// That takes one instruction where lower case takes five. Other bytes become alike too (`@` and the grave accent, a
/// line's end and `*`), so that something may be found that is not there; never the other way around.
#[derive(Clone, Debug, Default)]
pub struct Folded(Vec<u8>);

impl Folded {
    /// Takes a text in the place of the one before.
    pub fn take(&mut self, text: &[u8]) {
        self.0.clear();
        self.0.extend(text.iter().copied().map(folded));
    }

    /// Takes a text behind the one before.
    pub(super) fn add(&mut self, text: &[u8]) {
        self.0.extend(text.iter().copied().map(folded));
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of its bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A byte of folded text.
pub(crate) const fn folded(byte: u8) -> u8 {
    byte | 0x20
}

/// Finds where something stands that may be a needle.
pub struct Finder {
    passes: Vec<Pass>,
}

enum Pass {
    Long {
        searcher: packed::Searcher,
        /// Which of the patterns is [`UNICODE`].
        unicode: Option<PatternID>,
    },
    /// Up to three pairs of bytes, found by the second one: in escapes that is the rarer one.
    Pairs(Vec<[u8; 2]>),
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

    /// The same in JSON, which may hold WMI's text: what holds one is always read.
    pub(crate) fn in_json(needles: &Needles) -> Option<Self> {
        Finder::beside(needles, &[WMI])
    }

    /// A search for all that is looked for beside needles, whatever they are: what spells characters in other ways.
    pub(crate) fn of_odd() -> Option<Self> {
        Finder::of(ESCAPES.into_iter().chain(FOLDING).chain([WMI]).map(str::as_bytes))
    }

    fn beside(needles: &Needles, others: &[&str]) -> Option<Self> {
        let pieces = needles.pieces().iter().map(String::as_str);
        let folding = FOLDING.iter().filter(|_| needles.folds()).copied();
        let all = pieces.chain(ESCAPES).chain(folding).chain(others.iter().copied());
        Self::of(all.map(str::as_bytes))
    }

    /// A search for needles in binary Windows events, whose text is UTF-16 or of one byte a character. `None` where
    /// there is nothing to look for, or no search that is worth it.
    pub(crate) fn in_binary(needles: &Needles) -> Option<Self> {
        let pieces = needles.in_binary()?;
        let wide = pieces.iter().map(|p| p.bytes().flat_map(|b| [b, 0]).collect::<Vec<u8>>());
        let all: Vec<Vec<u8>> = wide.chain(pieces.iter().map(|p| p.as_bytes().to_vec())).collect();
        Self::of(all.iter().map(Vec::as_slice))
    }

    /// A search for patterns as they are.
    pub(crate) fn of<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Option<Self> {
        let unicode: Vec<u8> = UNICODE.bytes().map(folded).collect();
        let mut all: Vec<Vec<u8>> = patterns.map(|p| p.iter().copied().map(folded).collect()).collect();
        all.sort_unstable();
        all.dedup();
        let (long, short): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.len() >= AT_ONCE);
        let pass = |some: &[Vec<u8>]| {
            let unicode = some.iter().position(|p| *p == unicode).and_then(|at| PatternID::new(at).ok());
            Some(Pass::Long { searcher: packed::Config::new().builder().extend(some).build()?, unicode })
        };
        let mut passes = long.chunks(A_PASS).map(pass).collect::<Option<Vec<_>>>()?;
        let pairs: Option<Vec<[u8; 2]>> = short.iter().map(|p| p.as_slice().try_into().ok()).collect();
        match pairs.filter(|pairs| pairs.len() <= 3) {
            Some(pairs) if pairs.is_empty() => {}
            Some(pairs) => passes.push(Pass::Pairs(pairs)),
            None => passes.push(pass(&short)?),
        }
        Some(Finder { passes })
    }

    /// How many passes a search takes.
    pub(crate) fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Where what a pass looks for begins first at or behind `from`; the text's length where there is none.
    #[inline]
    pub(crate) fn find(&self, pass: usize, text: &Folded, from: usize) -> usize {
        let (searcher, unicode) = match &self.passes[pass] {
            Pass::Long { searcher, unicode } => (searcher, unicode),
            Pass::Pairs(pairs) => return find_pair(pairs, &text.0, from),
        };
        let (text, mut span) = (&text.0, Span { start: from, end: text.len() });
        while let Some(found) = searcher.find_in(text, span) {
            if *unicode != Some(found.pattern()) || !is_harmless(&text[found.end()..]) {
                return found.start();
            }
            span.start = found.start() + 1;
        }
        text.len()
    }

    /// Whether any of them is there.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut folded = Folded::default();
        folded.take(text);
        self.is_in_folded(&folded)
    }

    /// The same of text that is folded already.
    pub(crate) fn is_in_folded(&self, text: &Folded) -> bool {
        (0..self.passes.len()).any(|pass| self.find(pass, text, 0) < text.len())
    }
}

fn find_pair(pairs: &[[u8; 2]], text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let left = &text[at..];
        let found = match pairs {
            [[_, a]] => memchr::memchr(*a, left),
            [[_, a], [_, b]] => memchr::memchr2(*a, *b, left),
            [[_, a], [_, b], [_, c], ..] => memchr::memchr3(*a, *b, *c, left),
            [] => None,
        };
        let Some(second) = found.map(|found| at + found) else { return text.len() };
        if second > from && pairs.contains(&[text[second - 1], text[second]]) {
            return second - 1;
        }
        at = second + 1;
    }
}

/// Whether what follows `\u00` makes it a character that is in no piece and makes none with others: what .NET, Go and
/// PowerShell escape in every second line. A backslash, an ampersand and a number sign begin other escapes, and `<!` is
/// nothing in XML.
pub(crate) fn is_harmless(digits: &[u8]) -> bool {
    match digits {
        [b'0' | b'1', ..] => true,
        [b'2', b'0' | b'2' | b'5' | b'7' | b'b' | b'c' | b'f', ..] => true,
        [b'3', b'c', next, ..] => *next != b'!',
        [b'3', b'a' | b'd' | b'e', ..] | [b'5', b'b' | b'd', ..] | [b'6', b'0', ..] => true,
        [b'7', b'b' | b'c' | b'd', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_escaped_everywhere_hides_nothing() {
        let finder = Finder::new(&Needles::new([("lua", false)]).unwrap()).unwrap();
        let is_in = |text: &str| finder.is_in(text.as_bytes());
        assert!(is_in("LuA") && is_in(r"\u006cua") && is_in("&#108;ua") && is_in(r"\u005cu006cua"));
        assert!(is_in(r"\u0026#108;ua") && is_in(r"l\u003c!--x--\u003eua") && is_in(r"\u00"));
        assert!(!is_in(r"\u0022x\u0022 \u0027 \u003Cb\u003e \u002B \u0060 \u000a"));
        assert!(is_in(r"\u0022x\u0022 \u0027 \u003Cb\u003e \u006c \u0060 \u000a"));
    }

    proptest! {
        #[test]
        fn a_piece_is_found_however_json_spells_it(
            piece in "[a-zA-Z_.()*@~^?!$-]{3,12}",
            how in proptest::collection::vec(0..3u8, 12),
            around in "[\"'<>&+` {}/\n\t]{0,8}",
        ) {
            let Some(needles) = Needles::new([(piece.as_str(), false)]) else { return Ok(()) };
            let mut text: String = around.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
            for (c, how) in piece.chars().zip(how) {
                match how {
                    0 => text.push(c),
                    1 => text.push_str(&format!("\\u{:04x}", c as u32)),
                    _ => text.push_str(&format!("\\u{:04X}", c as u32)),
                }
            }
            let finder = Finder::new(&needles).unwrap();
            prop_assert!(finder.is_in(text.as_bytes()), "{text}");
        }

        #[test]
        fn a_piece_is_found_wherever_it_stands(before in "\\PC{0,80}", piece in "[a-z_.()*@~^?-]{3,12}", after in "\\PC{0,80}", upper in any::<bool>()) {
            let Some(needles) = Needles::new([(piece.as_str(), true)]) else { return Ok(()) };
            let finder = Finder::new(&needles).unwrap();
            let shown = if upper { piece.to_ascii_uppercase() } else { piece };
            let text = [before.as_str(), &shown, &after].concat();
            prop_assert!(finder.is_in(text.as_bytes()));
        }
    }
}
