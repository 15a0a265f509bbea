//! Finding literals in text, with term boundaries where a language asks for them.
//!
//! Pure Rust over bytes: used by KQL's string operators, and fit for a prefilter or for Sigma. A [`Matcher`] is compiled
//! once from its needles and then asked either text by text ([`Matcher::is_match`]) or for many texts lying in one
//! buffer ([`Matcher::scan`]), which is an order of magnitude faster where few of them match.

mod bulk;
mod required;
mod run;
mod terms;

pub use bulk::Scan;
pub use required::{Alternatives, Required, letter, required};
pub use run::Run;
pub use terms::{fold, fold_char, is_term};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Anchored, Input, MatchKind, StartKind, packed};
use std::borrow::Cow;

/// Where in the text, and between what, a needle must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Anywhere: `contains`.
    Anywhere,
    /// As a term: a boundary at each edge where the needle itself has a term character: `has`.
    Term,
    /// With a boundary before it: `hasprefix`.
    TermStart,
    /// With a boundary behind it: `hassuffix`.
    TermEnd,
}

/// Whether letters match their other case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// They do not.
    Sensitive,
    /// ASCII letters do: what KQL documents ("supported only for ASCII text").
    Ascii,
    /// All letters do, by simple case folding; ASCII letters still match only each other.
    Unicode,
}

/// One needle or the other, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// One is enough. No needle: no match.
    Any,
    /// Each is needed. No needle: a match.
    All,
}

/// Needles that have something to be searched with: one automaton, and the edges that need a boundary.
struct Group {
    automaton: AhoCorasick,
    /// For each needle, whether a boundary is needed before and behind it.
    edges: Vec<(bool, bool)>,
    longest: usize,
}

/// A compiled set of needles.
pub struct Matcher {
    groups: Vec<Group>,
    quantifier: Quantifier,
    /// Case is folded by writing the text anew, because a needle has letters beyond ASCII.
    folds: bool,
    insensitive: bool,
    /// An empty needle among several of which one is enough: everything matches.
    always: bool,
    bulk: Option<packed::Searcher>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").field("quantifier", &self.quantifier).field("folds", &self.folds).finish()
    }
}

impl Matcher {
    /// Compiles the needles.
    ///
    /// # Errors
    /// Where they are too many or too long for an automaton (its memory is bounded).
    pub fn new<S: AsRef<str>>(
        needles: &[S],
        place: Place,
        case: Case,
        quantifier: Quantifier,
    ) -> Result<Self, aho_corasick::BuildError> {
        let insensitive = case != Case::Sensitive;
        let folds = case == Case::Unicode && needles.iter().any(|n| !n.as_ref().is_ascii());
        let needles: Vec<Cow<'_, str>> = (needles.iter().map(AsRef::as_ref))
            .map(|n| if folds { Cow::Owned(fold(n)) } else { Cow::Borrowed(n) })
            .collect();
        // An empty needle is in every text: it decides `Any`, and says nothing about `All`.
        let always = quantifier == Quantifier::Any && needles.iter().any(|n| n.is_empty());
        let needles: Vec<&str> = needles.iter().map(AsRef::as_ref).filter(|n| !n.is_empty()).collect();
        let build = |needles: &[&str]| -> Result<Group, aho_corasick::BuildError> {
            let automaton = AhoCorasickBuilder::new()
                .ascii_case_insensitive(insensitive && !folds)
                .match_kind(MatchKind::Standard)
                .start_kind(StartKind::Unanchored)
                .build(needles)?;
            let longest = needles.iter().map(|n| n.len()).max().unwrap_or(0);
            Ok(Group { automaton, edges: needles.iter().map(|n| edges(n, place)).collect(), longest })
        };
        let groups = match quantifier {
            _ if needles.is_empty() => Vec::new(),
            Quantifier::Any => vec![build(&needles)?],
            Quantifier::All => needles.iter().map(|n| build(&[n])).collect::<Result<_, _>>()?,
        };
        let bulk = if folds || always { None } else { bulk::searcher(&needles, insensitive, quantifier) };
        Ok(Matcher { groups, quantifier, folds, insensitive, always, bulk })
    }

    /// Whether the text matches.
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        if self.always {
            return true;
        }
        if self.folds {
            return self.groups_match(&fold(text));
        }
        self.groups_match(text)
    }

    #[inline]
    fn groups_match(&self, text: &str) -> bool {
        match self.quantifier {
            Quantifier::Any => self.groups.iter().any(|g| g.is_match(text)),
            Quantifier::All => self.groups.iter().all(|g| g.is_match(text)),
        }
    }
}

impl Group {
    #[inline]
    fn is_match(&self, text: &str) -> bool {
        // Cheap first: no occurrence at all is the usual case and needs no state.
        let Some(first) = self.automaton.find(Input::new(text).earliest(true)) else { return false };
        if self.bounded(text, &first) {
            return true;
        }
        // Overlapping: a needle that fails at its boundary must not hide another that begins inside it, nor a longer one
        // that began before it and ends later.
        let from = first.end().saturating_sub(self.longest);
        let rest = Input::new(text).anchored(Anchored::No).span(from..text.len());
        self.automaton.find_overlapping_iter(rest).any(|m| self.bounded(text, &m))
    }

    #[inline]
    fn bounded(&self, text: &str, m: &aho_corasick::Match) -> bool {
        let (before, behind) = self.edges[m.pattern().as_usize()];
        (!before || !terms::ends_in_term(text, m.start())) && (!behind || !terms::begins_with_term(text, m.end()))
    }
}

/// At which edges a needle needs a boundary: only where its own character there is a term character (measured on the
/// real engine: `.lua` needs one on its right only).
fn edges(needle: &str, place: Place) -> (bool, bool) {
    let starts = needle.chars().next().is_some_and(is_term);
    let ends = needle.chars().next_back().is_some_and(is_term);
    match place {
        Place::Anywhere => (false, false),
        Place::Term => (starts, ends),
        Place::TermStart => (starts, false),
        Place::TermEnd => (false, ends),
    }
}
