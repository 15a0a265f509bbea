//! A run of bytes that stands in every match of a regular expression, each of a few: `\s-[kps]\s` is a space's last byte,
//! a hyphen, one of three letters, a space's first byte.
//!
//! An expression without a literal of any length has nothing that the regex crate could look for, so it reads each text
//! byte by byte. Most texts lack the run, and that is seen at a vectorised search for its rarest byte.

use memchr::{memchr_iter, memchr2_iter, memchr3_iter};
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;
use std::iter;

/// Which bytes can stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bytes([u64; 4]);

impl Bytes {
    const NONE: Bytes = Bytes([0; 4]);

    fn add(&mut self, from: u8, to: u8) {
        (from..=to).for_each(|b| self.0[usize::from(b >> 6)] |= 1 << (b & 63));
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn all(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|b| self.has(*b))
    }

    /// The part of the bytes of logs that these are, roughly.
    fn part(&self) -> f64 {
        let part = |b: u8| match b {
            b'a' | b'e' | b'i' | b'o' | b'r' | b's' | b't' | b'n' | b'c' | b'd' | b' ' => 0.05,
            b'a'..=b'z' | b'0'..=b'9' | b'\\' | b'.' | b'/' => 0.02,
            b'A'..=b'Z' | b'-' | b'_' | b':' | b'"' | b'=' => 0.01,
            0x21..=0x7e => 0.004,
            _ => 0.0005,
        };
        self.all().map(part).sum::<f64>().min(1.0)
    }
}

/// A run that stands in every match.
pub struct Run {
    places: Vec<Bytes>,
    /// The place that is searched for, and its bytes: three at most.
    anchor: usize,
    bytes: Vec<u8>,
}

impl Run {
    /// The rarest run of an expression; `None` where it has none that would be worth looking for.
    pub fn of(pattern: &str) -> Option<Run> {
        let hir = regex_syntax::parse(pattern).ok()?;
        let mut runs = Runs { done: Vec::new(), now: Vec::new() };
        runs.read(&hir);
        runs.end();
        let all = runs.done.into_iter().filter_map(Run::over);
        let (part, run) = all.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (part < Self::RARE).then_some(run)
    }

    /// A run of which more places than this part of all can be the beginning says little.
    const RARE: f64 = 1e-4;
    /// More places cost more than they tell.
    const LONGEST: usize = 8;

    fn over(mut places: Vec<Bytes>) -> Option<(f64, Run)> {
        places.truncate(Self::LONGEST);
        let few = |bytes: &Bytes| bytes.all().take(4).count() <= 3;
        let anchors = places.iter().enumerate().filter(|(_, bytes)| few(bytes));
        let (anchor, found) = anchors.min_by(|a, b| a.1.part().total_cmp(&b.1.part()))?;
        let bytes = found.all().collect();
        Some((places.iter().map(Bytes::part).product(), Run { places, anchor, bytes }))
    }

    /// Whether the run stands in a text. Where it does not, the expression does not match.
    #[inline]
    pub fn is_in(&self, text: &[u8]) -> bool {
        match self.bytes.as_slice() {
            [a] => memchr_iter(*a, text).any(|at| self.is_at(text, at)),
            [a, b] => memchr2_iter(*a, *b, text).any(|at| self.is_at(text, at)),
            [a, b, c] => memchr3_iter(*a, *b, *c, text).any(|at| self.is_at(text, at)),
            _ => true,
        }
    }

    /// Whether it stands where its anchor is.
    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(from) = at.checked_sub(self.anchor) else { return false };
        let Some(there) = text.get(from..from + self.places.len()) else { return false };
        iter::zip(&self.places, there).all(|(bytes, b)| bytes.has(*b))
    }
}

/// The runs of an expression from left to right.
struct Runs {
    done: Vec<Vec<Bytes>>,
    /// The one that may go on.
    now: Vec<Bytes>,
}

impl Runs {
    fn end(&mut self) {
        if !self.now.is_empty() {
            self.done.push(std::mem::take(&mut self.now));
        }
    }

    fn read(&mut self, hir: &Hir) {
        match hir.kind() {
            // An assertion takes no room.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                for b in &literal.0 {
                    let mut one = Bytes::NONE;
                    one.add(*b, *b);
                    self.now.push(one);
                }
            }
            HirKind::Class(Class::Unicode(class)) => self.class(class),
            HirKind::Class(Class::Bytes(_)) => self.end(),
            HirKind::Capture(capture) => self.read(&capture.sub),
            HirKind::Concat(each) => each.iter().for_each(|part| self.read(part)),
            HirKind::Repetition(repetition) if repetition.min > 0 => {
                self.read(&repetition.sub);
                if repetition.max != Some(1) {
                    self.end();
                    // The last one stands before what follows.
                    self.read(&repetition.sub);
                }
            }
            HirKind::Repetition(_) | HirKind::Alternation(_) => self.end(),
        }
    }

    /// One character. Where it may have several bytes, its first one ends a run, and its last one begins another.
    fn class(&mut self, class: &ClassUnicode) {
        let (mut first, mut last, mut one) = (Bytes::NONE, Bytes::NONE, true);
        for range in class.iter() {
            for sequence in Utf8Sequences::new(range.start(), range.end()) {
                let all = sequence.as_slice();
                one &= all.len() == 1;
                if let [begin, .., end] | [begin @ end] = all {
                    first.add(begin.start, begin.end);
                    last.add(end.start, end.end);
                }
            }
        }
        self.now.push(first);
        if !one {
            self.end();
            self.now.push(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const PARTS: [&str; 17] = [
        "-",
        "k",
        r"\.",
        "é",
        "§",
        r"(?:\b)",
        r"\s",
        r"\w",
        r"\S",
        "[ks-]",
        "[kK]",
        "[^a]",
        "[é§]",
        "(-k|é|-)",
        "((-|k-))",
        "(?:k|-)",
        "(-(k|s))",
    ];

    #[test]
    fn rare_runs_are_found() {
        let run = Run::of(r"\s-[kpsKPS]\s.*\s-[ps]").unwrap();
        assert_eq!((run.bytes.as_slice(), run.anchor, run.places.len()), (b"-".as_slice(), 1, 4));
        assert!(run.is_in(b"svchost.exe -k netsvcs -p"));
        assert!(run.is_in("a\u{2003}-p\u{a0}b".as_bytes()));
        assert!(!run.is_in(b"a --k -kk -k"));
        for pattern in ["", ".*", "[a-z]+", "(?:abcdef)?", "abcdef|x", "a b?"] {
            assert!(Run::of(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        /// Where an expression matches, its run is there.
        #[test]
        fn matches_have_the_run(
            folds in any::<bool>(),
            parts in vec((select(&PARTS[..]), select(&["", "", "+", "*", "?", "{2}", "{1,2}"][..])), 1..7),
            texts in vec(r"[-ksKSaé§ \u{2003}\u{212a}\u{17f}.]{0,12}", 1..40),
        ) {
            let parts: String = parts.iter().flat_map(|(part, times)| [*part, *times]).collect();
            let pattern = if folds { format!("(?i){parts}") } else { parts };
            let regex = regex::Regex::new(&pattern).unwrap();
            let hir = regex_syntax::parse(&pattern).unwrap();
            let mut runs = Runs { done: Vec::new(), now: Vec::new() };
            runs.read(&hir);
            runs.end();
            // All of them, the rare ones among them.
            let runs: Vec<Run> = runs.done.into_iter().filter_map(Run::over).map(|(_, run)| run).collect();
            for text in texts.iter().filter(|t| regex.is_match(t)) {
                for run in &runs {
                    prop_assert!(run.is_in(text.as_bytes()), "{pattern:?} {text:?}");
                }
            }
        }
    }
}
