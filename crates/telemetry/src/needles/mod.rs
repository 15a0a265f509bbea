//! Texts of which an event that matters must show one, and finding them in raw bytes before anything is decoded.
//!
//! A query looks for literals in decoded values; raw bytes show them as the format writes them. Only **pieces** of
//! literals are looked for: runs of characters that every format of lines leaves as they are. What a format may write
//! otherwise (quotes, slashes, angle brackets, white space between joined values, anything beyond ASCII) parts a
//! literal into pieces, of which the rarest stands for it. Escapes that can spell any character (`\u0041`, `&#65;`) are
//! looked for as well: a line that has one is always read. So nothing is ever left out that could match; the exact
//! filter decides on the rest.

mod column;
mod finder;
mod line;
mod searches;
mod sieve;
mod worth;

pub use finder::{Finder, Folded};
pub(crate) use finder::{folded, is_harmless};
pub(crate) use line::Screen;
pub(crate) use sieve::Sieve;

/// A literal that the value of a column must hold, in any case of its ASCII letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// The column.
    pub column: String,
    /// The text.
    pub text: String,
    /// Whether letters beyond ASCII may stand for ASCII ones (the Kelvin sign for `k`, the long s for `s`, the dotted
    /// capital i for `i`).
    pub folds: bool,
    /// Whether the text of the column is JSON out of which the literal comes: there it may be spelled with escapes.
    pub escaped: bool,
}

impl Literal {
    /// A text in a column as it stands there.
    pub fn new(column: impl Into<String>, text: impl Into<String>) -> Self {
        Literal { column: column.into(), text: text.into(), folds: false, escaped: false }
    }
}

/// Literals of which one at least must be there.
pub type Clause = Vec<Literal>;

/// The least characters of a piece: shorter ones are everywhere.
const SHORTEST: usize = 3;

/// The most pieces that are looked for: more take longer to find than lines take to read.
const MOST: usize = 256;

/// What stands for the literals of one clause in raw bytes. A copy shares what was made to search for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needles {
    /// The literals, each with whether its letters fold.
    texts: Vec<(String, bool)>,
    /// For lines of text; in lower case, none holds another.
    pieces: Vec<String>,
    folds: bool,
    escaped: bool,
    searches: searches::Searches,
    in_titles: bool,
}

impl Needles {
    /// The needles of some literals' texts, each with whether its letters fold; `None` where one of them has no piece
    /// that is worth looking for.
    pub fn new<'t>(texts: impl IntoIterator<Item = (&'t str, bool)>) -> Option<Self> {
        let texts: Vec<(String, bool)> = texts.into_iter().map(|(t, folds)| (t.to_owned(), folds)).collect();
        let pieces = of_all(texts.iter().map(|(t, _)| piece(t, is_plain, |p| !is_spelled_variously(p))))?;
        let folds = texts.iter().any(|(t, folds)| *folds && t.contains(FOLDED));
        Some(Needles { texts, pieces, folds, escaped: false, searches: Default::default(), in_titles: true })
    }

    /// The needles of a clause.
    pub fn of(clause: &[Literal]) -> Option<Self> {
        let needles = Needles::new(clause.iter().map(|l| (l.text.as_str(), l.folds)))?;
        Some(Needles { escaped: clause.iter().any(|l| l.escaped), ..needles })
    }

    /// How often one of them may be expected; to choose between clauses. Lower is better.
    pub fn frequency(&self) -> f64 {
        self.pieces.iter().map(|p| frequency(p)).sum()
    }

    /// The pieces that lines of text must show one of, in lower case.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// Whether some come out of JSON, where escapes may spell them.
    pub(crate) fn escaped(&self) -> bool {
        self.escaped
    }

    /// The same, where the title that audit logs have of a process is not among what is looked at, or is.
    pub(crate) fn with_titles(self, in_titles: bool) -> Self {
        Needles { in_titles, ..self }
    }

    /// Whether an event may matter for the title that an audit log has of its process.
    pub(crate) fn in_titles(&self) -> bool {
        self.in_titles
    }

    /// Whether letters beyond ASCII may stand for some of theirs.
    pub(crate) fn folds(&self) -> bool {
        self.folds
    }

    /// The pieces of which binary Windows events must show one, in lower case: there numbers, hashes, identifiers and
    /// times are no text, and letters that fold cannot be told from other bytes. `None` where a literal has none.
    pub(crate) fn in_binary(&self) -> Option<Vec<String>> {
        let binary =
            |c: char| c.is_ascii_hexdigit() || matches!(c, '-' | '.' | 'x' | 'X' | 's' | 'S' | 't' | 'T' | 'z' | 'Z');
        // What stands for a character in the XML that is made of an event, and for numbers that are none.
        let made = |p: &str| {
            ["true", "false", "quot", "apos", "amp", "nan", "inf", "utc"]
                .iter()
                .any(|w| w.contains(&p.to_ascii_lowercase()))
        };
        let text = |p: &str| !is_spelled_variously(p) && !p.chars().all(binary) && !made(p);
        // Escapes are not looked for in binary.
        if self.escaped {
            return None;
        }
        of_all(self.texts.iter().map(|(t, folds)| match folds {
            true => piece(t, |c| is_plain(c) && !FOLDED.contains(&c), text),
            false => piece(t, is_plain, text),
        }))
    }
}

/// Letters for which others beyond ASCII may stand.
const FOLDED: [char; 6] = ['k', 's', 'i', 'K', 'S', 'I'];

/// The pieces, those left out that are found by others; `None` where one is missing or they are too many.
fn of_all(pieces: impl Iterator<Item = Option<String>>) -> Option<Vec<String>> {
    let mut pieces = pieces.collect::<Option<Vec<_>>>()?;
    pieces.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut kept: Vec<String> = Vec::new();
    for piece in pieces {
        if !kept.iter().any(|k| piece.contains(k.as_str())) {
            kept.push(piece);
        }
    }
    (!kept.is_empty() && kept.len() <= MOST).then_some(kept)
}

/// The rarest piece of a text, in lower case.
fn piece(text: &str, plain: impl Fn(char) -> bool, worth: impl Fn(&str) -> bool) -> Option<String> {
    let pieces = text.split(|c: char| !plain(c)).filter(|p| p.len() >= SHORTEST && worth(p));
    let rarest = pieces.min_by(|a, b| frequency(a).total_cmp(&frequency(b)))?;
    Some(rarest.to_ascii_lowercase())
}

/// The runs of plain characters of a text that are long enough for a piece.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(parts).filter(|run| run.len() >= SHORTEST)
}

/// Whether pieces never reach over a character.
pub const fn parts(c: char) -> bool {
    !is_plain(c)
}

/// A literal of a text that may be JSON written anew: a letter at the beginning of a piece may be that of an escape
/// (`\n`).
pub fn outside_of_escapes(literal: &str) -> String {
    let piece = |piece: &str| match piece.as_bytes() {
        [b'b' | b'f' | b'n' | b'r' | b't' | b'B' | b'F' | b'N' | b'R' | b'T', ..] => piece[1..].to_owned(),
        [b'u' | b'U', b'0', b'0', _, _, ..] => piece[5..].to_owned(),
        _ => piece.to_owned(),
    };
    runs(literal).map(piece).collect::<Vec<_>>().join(" ")
}

/// Characters that stand for themselves in every format of lines, and between which nothing is ever put.
const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')' | '*' | '$' | '@' | '!' | '~' | '^' | '?')
}

/// Numbers and words that a format may write in several ways (`1.50`, `1.5e0`; `true` from `1`).
fn is_spelled_variously(piece: &str) -> bool {
    let number = piece.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e' | b'E'));
    number || ["true", "false", "null", "inf", "-inf", "nan"].iter().any(|w| w.eq_ignore_ascii_case(piece))
}

/// Words that stand in nearly every event of some log.
const COMMON: [&str; 12] = [
    "windows",
    "system32",
    "microsoft",
    "program",
    "files",
    "users",
    ".exe",
    "local",
    "process",
    "system",
    "the",
    "usr",
];

/// A guess at how often a piece stands in a thousand bytes: rarer with each character, and words that stand everywhere
/// are common however long they are.
fn frequency(piece: &str) -> f64 {
    let lower = piece.to_ascii_lowercase();
    if COMMON.iter().any(|c| c.contains(lower.as_str())) {
        return 10.0;
    }
    // What remains beside a common word decides.
    let rest = COMMON.iter().filter(|c| lower.contains(*c)).map(|c| c.len()).max().unwrap_or(0);
    let length = i32::try_from(lower.len() - rest).unwrap_or(i32::MAX);
    10.0 * 0.3_f64.powi(length.min(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_plain_piece_stands_for_a_literal() {
        let piece = |t| super::piece(t, is_plain, |p| !is_spelled_variously(p));
        assert_eq!(piece("os.execute("), Some("os.execute(".into()));
        assert_eq!(piece(r"C:\Windows\System32\Cmd.exe"), Some("cmd.exe".into()));
        assert_eq!(piece("/tmp/"), Some("tmp".into()));
        assert_eq!(piece("-enc JAB"), Some("-enc".into()));
        assert_eq!(piece("a b"), None);
        assert_eq!(piece("12.50"), None);
        assert_eq!(piece("TRUE"), None);
        assert_eq!(piece("naïve"), None);
    }

    #[test]
    fn a_piece_that_holds_another_is_found_by_it() {
        let needles = Needles::new([("luajit", false), ("lua", false), (".lua", false), ("dofile(", false)]).unwrap();
        assert_eq!(needles.pieces(), ["lua", "dofile("]);
        assert!(Needles::new([("lua", false), ("//", false)]).is_none());
    }

    #[test]
    fn letters_that_fold_are_remembered_where_they_matter() {
        assert!(Needles::new([("mask", true)]).unwrap().folds());
        assert!(!Needles::new([("lua", true)]).unwrap().folds());
        assert!(!Needles::new([("mask", false)]).unwrap().folds());
    }

    #[test]
    fn letters_of_escapes_are_left_out() {
        assert_eq!(outside_of_escapes(r"C:\nfoo bar tool.exe \u0041lua"), "foo ar ool.exe lua");
    }

    #[test]
    fn binary_events_show_text_only() {
        let pieces = |t, folds| Needles::new([(t, folds)]).and_then(|n| n.in_binary());
        assert_eq!(pieces("S-1-5-18", false), None);
        assert_eq!(pieces("0xC000006D", false), None);
        assert_eq!(pieces("os.execute(", false), Some(vec!["os.execute(".to_owned()]));
        assert_eq!(pieces("os.execute(", true), Some(vec![".execute(".to_owned()]));
        assert_eq!(pieces("lsadump", true), Some(vec!["adump".to_owned()]));
    }
}
