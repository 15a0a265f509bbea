//! The argument array of an execution, put together from its EXECVE records.

use super::decode::{append, looks_hex};
use super::record::{Fields, Raw};

/// More arguments than any real `execve` has; a record that claims more is not believed.
const MAX_INDEX: usize = 1 << 22;
/// How many absent arguments are taken as empty ones. Kernels drop empty arguments now and then, but a record with
/// `argc=4000000000` must not make us write gigabytes.
const MAX_FILL: usize = 4096;

/// Decoded arguments, joined by one space: the whole is the command line, the parts are the arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    /// All arguments, one space between them.
    pub(super) joined: Vec<u8>,
    /// Where each one ends in `joined`.
    ends: Vec<usize>,
    /// The `argc` of the record, where there was one.
    pub(super) declared: Option<u64>,
    /// How many arguments the records did not hold and were taken as empty.
    pub(super) filled: usize,
    /// Whether a record ends within an argument.
    pub(super) cut: bool,
}

/// A piece of an argument: its number, its place among the argument's pieces, its value.
type Piece<'a> = (usize, usize, Raw<'a>);

impl Arguments {
    /// Decodes the EXECVE records' bodies, in the order in which they stand in the log.
    pub(super) fn decode<'a>(&mut self, bodies: impl Iterator<Item = &'a [u8]>) {
        self.joined.clear();
        self.ends.clear();
        self.declared = None;
        self.filled = 0;
        self.cut = false;
        let mut pieces: Vec<Piece<'a>> = Vec::with_capacity(8);
        for body in bodies {
            for (name, value) in Fields::new(body) {
                if name == b"argc" {
                    self.declared = self.declared.or_else(|| std::str::from_utf8(value.bytes()).ok()?.parse().ok());
                } else if let Some((argument, part)) = piece(name) {
                    self.cut |= matches!(value, Raw::Cut(_));
                    pieces.push((argument, part, value));
                }
            }
            self.mend(&mut pieces, body);
        }
        if !pieces.is_sorted_by_key(|p| (p.0, p.1)) {
            pieces.sort_by_key(|p| (p.0, p.1));
        }
        // A record that stands twice in a log says nothing the second time.
        pieces.dedup_by_key(|p| (p.0, p.1));
        let mut budget = MAX_FILL;
        for (i, (argument, _, value)) in pieces.iter().enumerate() {
            if i == 0 || pieces[i - 1].0 != *argument {
                self.fill(*argument, &mut budget);
                self.next();
            }
            append(*value, &mut self.joined);
            if let Some(end) = self.ends.last_mut() {
                *end = self.joined.len();
            }
        }
        let declared = self.declared.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
        self.fill(declared, &mut budget);
    }

    /// A record that was cut off within hex may have lost half of a byte: the other half says nothing.
    fn mend(&mut self, pieces: &mut [Piece<'_>], body: &[u8]) {
        if let Some((_, _, Raw::Bare(hex))) = pieces.last_mut()
            && hex.len() > 2
            && body.ends_with(hex)
            && !looks_hex(hex)
            && looks_hex(&hex[..hex.len() - 1])
            && hex.last().is_some_and(u8::is_ascii_hexdigit)
        {
            *hex = &hex[..hex.len() - 1];
            self.cut = true;
        }
    }

    /// Begins the next argument.
    fn next(&mut self) {
        if !self.ends.is_empty() {
            self.joined.push(b' ');
        }
        self.ends.push(self.joined.len());
    }

    /// Empty arguments until there are `count`, as far as the budget goes.
    fn fill(&mut self, count: usize, budget: &mut usize) {
        while self.ends.len() < count && *budget > 0 {
            self.next();
            self.filled += 1;
            *budget -= 1;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The `n`th.
    pub(super) fn get(&self, n: usize) -> Option<&[u8]> {
        let end = *self.ends.get(n)?;
        let start = if n == 0 { 0 } else { self.ends[n - 1] + 1 };
        self.joined.get(start..end)
    }

    /// As a JSON array of strings.
    pub(super) fn json(&self) -> String {
        let mut out = String::with_capacity(self.joined.len() + 4 * self.len() + 2);
        out.push('[');
        for n in 0..self.len() {
            if n > 0 {
                out.push(',');
            }
            super::json::string(&String::from_utf8_lossy(self.get(n).unwrap_or_default()), &mut out);
        }
        out.push(']');
        out
    }
}

/// The numbers in `a2` and `a2[1]`; `None` for `a2_len` and for other fields.
pub(super) fn piece(name: &[u8]) -> Option<(usize, usize)> {
    let rest = name.strip_prefix(b"a")?;
    let number = |digits: &[u8]| -> Option<usize> {
        if digits.is_empty() || digits.len() > 7 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let n = digits.iter().fold(0, |n, d| n * 10 + usize::from(d - b'0'));
        (n < MAX_INDEX).then_some(n)
    };
    match rest.iter().position(|&b| b == b'[') {
        None => Some((number(rest)?, 0)),
        Some(open) => Some((number(&rest[..open])?, number(rest[open + 1..].strip_suffix(b"]")?)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bodies: &[&str]) -> Arguments {
        let mut a = Arguments::default();
        a.decode(bodies.iter().map(|b| b.as_bytes()));
        a
    }

    #[test]
    fn hex_literal_and_split_arguments() {
        let a = decode(&[r#" argc=3 a0="lua" a1="622032" a2_len=8 a2[0]=6120"#, "  a2[1]=6220"]);
        assert_eq!(a.json(), r#"["lua","622032","a b "]"#);
        assert_eq!(a.joined, b"lua 622032 a b ");
    }

    #[test]
    fn a_character_cut_between_two_records_is_whole_again() {
        assert_eq!(decode(&["argc=1 a0_len=4 a0[0]=C3", "a0[1]=BC"]).json(), r#"["ü"]"#);
    }

    #[test]
    fn a_record_that_stands_twice_is_taken_once() {
        let body = r#"argc=2 a0="lua" a1[0]=6120 a1[1]=62"#;
        assert_eq!(decode(&[body, body]).json(), r#"["lua","a b"]"#);
    }

    #[test]
    fn empty_arguments_that_vanished_are_there_again() {
        let a = decode(&[r#"argc=5 a0="x" a2="y" a3="""#]);
        assert_eq!((a.json().as_str(), a.filled), (r#"["x","","y","",""]"#, 2));
    }

    #[test]
    fn a_record_cut_off_is_noticed() {
        for (body, json) in [
            (r#"argc=2 a0="lua" a1="os.exec"#, r#"["lua","os.exec"]"#),
            (r#"argc=2 a0="lua" a1=6F7"#, r#"["lua","o"]"#),
        ] {
            let a = decode(&[body]);
            assert_eq!((a.json().as_str(), a.cut), (json, true));
        }
        assert!(!decode(&[r#"argc=2 a0="lua" a1=6F73"#]).cut);
    }

    #[test]
    fn a_hostile_count_costs_nothing() {
        assert_eq!(decode(&[r#"argc=4000000000 a0="x" a4000000="y""#]).len(), MAX_FILL + 2);
    }
}
