//! Finding in raw lines what may be a needle, as it stands and in hex, in one pass.
//!
//! The kernel and libaudit write a text quoted, or in hex where a byte of it would not fit between quotes. In hex each
//! letter has two spellings (`l` is 6C, `L` is 4C), so that a word of three letters has eight. They are one when the
//! digits 4 and 6, and 5 and 7, are taken for the same: so the search is for folded needles in folded text, and what it
//! finds is held against the text itself.

use crate::needles::Needles;
use aho_corasick::{Span, packed};
use memchr::memmem;
use std::collections::{HashMap, HashSet};

/// The patterns of one vectorised pass: more would take half as many bytes at a time.
const A_PASS: usize = 32;

/// Vectorised search goes by so many bytes. Shorter texts are looked for in a pass of their own.
const SHARED: usize = 4;

/// The search itself compares no more bytes.
const LONGEST: usize = 8;

/// What it costs to look for four bytes more, as often as they would have to stand in text to cost as much.
const A_SEARCH: f64 = 5e-6;

/// Letters beyond ASCII that fold to ASCII ones: what holds one is always read.
const FOLDING: [&str; 3] = ["\u{212a}", "\u{17f}", "\u{130}"];

/// What can spell any character in JSON that somebody takes apart: what holds one is always read.
const ESCAPES: [&str; 4] = ["\\u00", "\\u212a", "\\u017f", "\\u0130"];

/// Finds where something stands that may be a needle.
pub(super) struct Finder {
    passes: Vec<Pass>,
    in_titles: bool,
}

/// What is looked for at once.
enum Pass {
    One(Box<memmem::Finder<'static>>, Spelling),
    /// Bytes to look for, and for each what it may be part of, with its place in that.
    Many(packed::Searcher, Vec<Vec<(Spelling, usize)>>),
}

/// A text as records may write it.
#[derive(Clone, Debug)]
struct Spelling {
    text: Vec<u8>,
    hex: bool,
    folded: Vec<u8>,
}

impl Spelling {
    fn plain(text: &[u8]) -> Self {
        Spelling { text: text.to_vec(), hex: false, folded: text.iter().copied().map(folded).collect() }
    }

    fn hex(text: &[u8]) -> Self {
        Spelling { text: text.to_vec(), hex: true, folded: in_hex(text) }
    }

    /// Whether it stands at that place of a text that is not folded.
    fn is_at(&self, raw: &[u8], at: usize) -> bool {
        let Some(raw) = raw.get(at..at + self.folded.len()) else { return false };
        if !self.hex {
            return raw.eq_ignore_ascii_case(&self.text);
        }
        let digit = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'A'..=b'F' => Some(b - b'A' + 10),
            _ => None,
        };
        let byte = |two: &[u8]| Some(digit(two[0])? << 4 | digit(two[1])?);
        raw.chunks_exact(2).zip(&self.text).all(|(two, b)| byte(two).is_some_and(|t| t.eq_ignore_ascii_case(b)))
    }
}

impl Finder {
    /// A search for needles. `None` where this processor has no search that is worth it.
    pub(super) fn new(needles: &Needles) -> Option<Self> {
        let folding = FOLDING.iter().filter(|_| needles.folds()).map(|t| t.as_bytes());
        let escapes = ESCAPES.iter().filter(|_| needles.escaped()).map(|t| t.as_bytes());
        let texts = needles.pieces().iter().map(String::as_bytes).chain(folding).chain(escapes);
        let all = texts.flat_map(|text| [Spelling::plain(text), Spelling::hex(text)]);
        let (short, long): (Vec<_>, Vec<_>) = all.partition(|s| s.folded.len() < SHARED);
        let mut passes = Vec::new();
        let shortest = short.iter().map(|s| s.folded.len()).min().unwrap_or(0);
        match <[Spelling; 1]>::try_from(short) {
            Ok([one]) => passes.push(Pass::One(Box::new(memmem::Finder::new(&one.folded).into_owned()), one)),
            Err(short) => add(shared(short, shortest), &mut passes)?,
        }
        add(shared(long, SHARED), &mut passes)?;
        Some(Finder { passes, in_titles: needles.in_titles() })
    }

    /// Where something is found at or behind `from` by a pass in [`fold`]ed text; its length where there is nothing.
    /// `place` says where a place in it is in the text itself.
    pub(super) fn find(
        &self,
        pass: usize,
        raw: &[u8],
        folded: &[u8],
        from: usize,
        place: &mut dyn FnMut(usize) -> usize,
    ) -> usize {
        let mut from = from;
        match &self.passes[pass] {
            Pass::One(finder, one) => {
                while let Some(at) = finder.find(&folded[from..]).map(|at| from + at) {
                    if one.is_at(raw, place(at)) {
                        return at;
                    }
                    from = at + 1;
                }
            }
            Pass::Many(searcher, texts) => {
                while let Some(found) = searcher.find_in(folded, Span { start: from, end: folded.len() }) {
                    let at = found.start();
                    let there = place(at);
                    let is = |(s, k): &(Spelling, usize)| there >= *k && s.is_at(raw, there - k);
                    if texts[found.pattern().as_usize()].iter().any(is) {
                        return at;
                    }
                    from = at + 1;
                }
            }
        }
        folded.len()
    }

    /// Whether a process title may show a needle.
    pub(super) fn in_titles(&self) -> bool {
        self.in_titles
    }

    /// How many passes a search takes.
    pub(super) fn passes(&self) -> usize {
        self.passes.len()
    }
}

/// Bytes to look for, each with what it is part of and where in it.
type Sought = Vec<(Vec<u8>, Vec<(Spelling, usize)>)>;

fn add(sought: Sought, passes: &mut Vec<Pass>) -> Option<()> {
    // A few more than one pass are faster in one that takes half as many bytes at a time.
    let size = if sought.len() <= 2 * A_PASS { 2 * A_PASS } else { A_PASS };
    let mut sought = sought.into_iter().peekable();
    while sought.peek().is_some() {
        let (bytes, texts): (Vec<_>, Vec<_>) = sought.by_ref().take(size).unzip();
        passes.push(Pass::Many(packed::Config::new().builder().extend(bytes).build()?, texts));
    }
    Some(())
}

/// For each text `length` bytes of it to look for, so that they are rare and few: `file` of `dofile(` and `loadfile(`.
fn shared(mut texts: Vec<Spelling>, length: usize) -> Sought {
    let mut sought = Sought::new();
    while !texts.is_empty() {
        let mut held: HashMap<&[u8], usize> = HashMap::new();
        for text in &texts {
            let own: HashSet<&[u8]> = text.folded.windows(length).collect();
            own.into_iter().for_each(|bytes| *held.entry(bytes).or_default() += 1);
        }
        #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
        let cost =
            |(bytes, n): (&[u8], usize)| (A_SEARCH + bytes.iter().map(|b| weight(*b)).product::<f64>()) / n as f64;
        let best = held.into_iter().min_by(|a, b| cost(*a).total_cmp(&cost(*b)).then_with(|| a.0.cmp(b.0)));
        let Some(best) = best.map(|(bytes, _)| bytes.to_vec()) else { break };
        let mut found = Vec::new();
        texts.retain(|text| match memmem::find(&text.folded, &best) {
            Some(at) => {
                found.push((text.clone(), at));
                false
            }
            None => true,
        });
        sought.push((longer(best, &found), found));
    }
    sought
}

/// What was chosen with what follows it in all of the texts: the more the search itself compares, the less often it stops
/// for nothing.
fn longer(mut bytes: Vec<u8>, texts: &[(Spelling, usize)]) -> Vec<u8> {
    let next = |length: usize| {
        let mut all = texts.iter().map(|(text, at)| text.folded.get(at + length).copied());
        let first = all.next().flatten()?;
        all.all(|b| b == Some(first)).then_some(first)
    };
    while let Some(b) = next(bytes.len()).filter(|_| bytes.len() < LONGEST) {
        bytes.push(b);
    }
    bytes
}

/// Appends the text, folded.
#[inline]
pub(super) fn fold(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(|&b| folded(b)));
}

/// Letters without regard to case, 4 as 6 and 5 as 7: two bits are set, in one instruction. Other characters are taken for
/// each other, too (`l` and `n`, `0` and `2`), so that something may be found that is not there; never the other way around.
#[inline]
fn folded(b: u8) -> u8 {
    b | ALIKE
}

/// The bits by which `a` differs from `A`, and 4 from 6.
const ALIKE: u8 = 0x22;

/// A text's hex digits, folded.
fn in_hex(text: &[u8]) -> Vec<u8> {
    let digit = |n: u8| folded(b"0123456789abcdef"[usize::from(n)]);
    text.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// How often a byte may be expected in folded records, about: as often as what it may have been.
fn weight(b: u8) -> f64 {
    expected(b) + expected(b & !2)
}

/// How often a byte may be expected in records, without regard to case.
fn expected(b: u8) -> f64 {
    match b {
        b'0'..=b'9' => 0.05,
        b'a'..=b'f' | b'/' => 0.03,
        b'j' | b'q' | b'x' | b'z' | b'(' | b')' | b'*' | b'$' | b'@' | b'!' | b'~' | b'^' | b'?' => 0.003,
        b'.' | b'-' => 0.01,
        _ => 0.02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(finder: &Finder, text: &[u8]) -> bool {
        let mut folded = Vec::new();
        fold(text, &mut folded);
        (0..finder.passes()).any(|pass| finder.find(pass, text, &folded, 0, &mut |at| at) < text.len())
    }

    fn hex(text: &[u8]) -> String {
        text.iter().map(|b| format!("{b:02X}")).collect()
    }

    #[test]
    fn as_it_stands_and_in_hex() {
        let needles = Needles::new([("lua", false), ("os.execute(", false), ("mask", true)]).unwrap();
        let finder = Finder::new(&needles).unwrap();
        for text in ["LuA", "x -e OS.Execute('id')", "mas\u{212a}", "MASK", "x\u{17f}"] {
            assert!(found(&finder, format!("a1=\"{text}\"").as_bytes()), "{text}");
            assert!(found(&finder, format!("a1={}", hex(text.as_bytes())).as_bytes()), "{text} in hex");
        }
        assert!(!found(&finder, b"a1=4c7561 a2=2c7561 a3=6C7761"));
        for text in ["lu a", "os execute(", "nothing 4C55 here"] {
            assert!(!found(&finder, format!("a1=\"{text}\"").as_bytes()), "{text}");
            assert!(!found(&finder, format!("a1={}", hex(text.as_bytes())).as_bytes()), "{text} in hex");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_is_found(
            words in prop::collection::vec("[a-z0-9_.(-]{3,12}", 1..40),
            which in any::<prop::sample::Index>(),
            upper in any::<u32>(),
            around in "[ -~]{0,6}",
        ) {
            let Some(needles) = Needles::new(words.iter().map(|w| (w.as_str(), false))) else { return Ok(()) };
            let finder = Finder::new(&needles).unwrap();
            let word = which.get(&words);
            let case = |(i, c): (usize, char)| if upper >> (i % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c };
            let text = format!("{around}{}{around}", word.chars().enumerate().map(case).collect::<String>());
            prop_assert!(found(&finder, text.as_bytes()));
            prop_assert!(found(&finder, hex(text.as_bytes()).as_bytes()));
        }
    }
}
