//! What every text must hold that a regular expression matches.

use super::fold_char;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A text, its case folded, that stands in whatever matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Required {
    /// The text.
    pub text: String,
    /// Whether letters beyond ASCII may stand for ASCII ones (the Kelvin sign for `k`).
    pub folds: bool,
}

/// Texts of which one must be there.
pub type Alternatives = Vec<Required>;

/// What every match of an expression holds: one at least of the texts of each set. Where there is a choice, as between
/// the sides of what `|` parts, the sets of least `cost` are taken. A set that has no end (an infinite cost) is no use.
///
/// Classes that are all cases of one letter count as the letter; `letter` says which one that is.
pub fn required(hir: &Hir, letter: fn(char) -> char, cost: &dyn Fn(&Alternatives) -> f64) -> Vec<Alternatives> {
    if let Some(text) = exact(hir, letter) {
        return if text.text.is_empty() { Vec::new() } else { vec![vec![text]] };
    }
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub, letter, cost),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub, letter, cost),
        HirKind::Alternation(each) => {
            let cheapest = |side: &Hir| {
                let sets = required(side, letter, cost).into_iter().filter(|set| cost(set).is_finite());
                sets.min_by(|a, b| cost(a).total_cmp(&cost(b)))
            };
            let all = each.iter().map(cheapest).collect::<Option<Vec<_>>>();
            all.map(|sets| sets.concat()).into_iter().collect()
        }
        HirKind::Concat(each) => {
            let mut sets = Vec::new();
            let mut run = Required { text: String::new(), folds: false };
            for part in each {
                match exact(part, letter) {
                    Some(text) => {
                        run.text.push_str(&text.text);
                        run.folds |= text.folds;
                    }
                    None => {
                        sets.push(vec![std::mem::replace(&mut run, Required { text: String::new(), folds: false })]);
                        sets.extend(required(part, letter, cost));
                    }
                }
            }
            sets.push(vec![run]);
            sets.retain(|set| set.iter().all(|one| !one.text.is_empty()));
            sets
        }
        _ => Vec::new(),
    }
}

/// The one folded text that all matches have; empty for a mere assertion.
fn exact(hir: &Hir, letter: fn(char) -> char) -> Option<Required> {
    let plain = |text: String| Some(Required { text, folds: false });
    match hir.kind() {
        // An assertion takes no room: what stands on its sides is one run of a match.
        HirKind::Empty | HirKind::Look(_) => plain(String::new()),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            // The letter itself, and nothing that it is a case of, may stand there.
            let folds = text.chars().any(|c| !c.is_ascii() && letter(c).is_ascii());
            Some(Required { text: text.chars().map(letter).collect(), folds })
        }
        HirKind::Class(Class::Unicode(class)) => {
            // All cases of one letter.
            let chars = || class.iter().flat_map(|range| range.start()..=range.end());
            let first = letter(chars().next()?);
            let one = chars().take(CASES).all(|c| letter(c) == first) && chars().nth(CASES).is_none();
            one.then(|| Required { text: first.to_string(), folds: first.is_ascii() && chars().any(|c| !c.is_ascii()) })
        }
        HirKind::Capture(capture) => exact(&capture.sub, letter),
        HirKind::Concat(each) => {
            let all = each.iter().map(|part| exact(part, letter)).collect::<Option<Vec<_>>>()?;
            let folds = all.iter().any(|part| part.folds);
            Some(Required { text: all.into_iter().map(|part| part.text).collect(), folds })
        }
        _ => None,
    }
}

/// No letter has more cases.
const CASES: usize = 8;

/// A character's letter where letters beyond ASCII count as the ASCII ones that they are a case of.
pub fn letter(c: char) -> char {
    match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => fold_char(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(pattern: &str) -> Vec<String> {
        let cost = |set: &Alternatives| {
            set.iter().map(|one| if one.text.len() < 3 { f64::INFINITY } else { 1.0 / one.text.len() as f64 }).sum()
        };
        let hir = regex_syntax::parse(pattern).unwrap();
        let shown = |one: &Required| if one.folds { format!("{}*", one.text) } else { one.text.clone() };
        required(&hir, letter, &cost).iter().map(|set| set.iter().map(shown).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn what_each_match_holds() {
        assert_eq!(sets("lua.*exe"), ["lua", "exe"]);
        assert_eq!(sets("(?i)lua"), ["lua"]);
        assert_eq!(sets("(?i)task"), ["task*"]);
        assert_eq!(sets("tas\u{212a}.*na\u{ef}ve"), ["task*", "na\u{ef}ve"]);
        assert_eq!(sets(r"\bos\.execute\("), ["os.execute("]);
        assert_eq!(sets("(dofile|loadfile)x+"), ["dofile|loadfile", "x"]);
        assert_eq!(sets("(dofile|a.)"), [] as [&str; 0]);
        assert_eq!(sets("(?:abc){2,}d?"), ["abc"]);
        assert_eq!(sets("(?:abc)*"), [] as [&str; 0]);
        assert_eq!(sets("[a-z]+"), [] as [&str; 0]);
        assert_eq!(sets("(ab(cd)ef|ghi).*(?:x|y)"), ["abcdef|ghi"]);
    }
}
