//! Passing over lines in which nothing is found.

use super::Finder;
use super::finder::Folded;
use super::worth::Worth;
use memchr::{memchr, memrchr};
use std::sync::Arc;

/// The first lines of an input are read whatever they hold: they show what it is.
const FIRST: u64 = 1_000;

/// About so many bytes, whole lines, are folded and searched at a time: they and their copy stay in the nearest cache
/// from the one step to the next.
const BLOCK: usize = 16 << 10;

/// What is known of the buffer that lines are taken from.
pub(crate) struct Screen {
    finder: Arc<Finder>,
    /// Whether a line without a needle may be passed over: it is what it seems to be.
    sound: fn(&[u8]) -> bool,
    /// The next whole lines of the buffer.
    block: Folded,
    /// How much of them was taken.
    taken: usize,
    /// Whether they are the ones that stand at the beginning of the buffer.
    known: bool,
    /// For each pass of the finder, where it finds something next.
    ahead: Vec<usize>,
    worth: Worth,
    /// Lines that were read or passed over.
    lines: u64,
    /// How many lines are read at first, whatever they hold.
    first: u64,
}

/// Lines that were passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Their bytes, line ends included.
    pub(crate) bytes: usize,
    /// How many of them were not blank.
    pub(crate) lines: u64,
}

impl Screen {
    /// For the lines of an input from its beginning.
    pub(crate) fn new(finder: Arc<Finder>, sound: fn(&[u8]) -> bool) -> Self {
        let ahead = vec![0; finder.passes()];
        Screen {
            finder,
            sound,
            block: Folded::default(),
            taken: 0,
            known: false,
            ahead,
            worth: Worth::default(),
            lines: 0,
            first: FIRST,
        }
    }

    /// For lines further on in an input, of which none has to show what it is.
    pub(crate) fn further_on(finder: Arc<Finder>, sound: fn(&[u8]) -> bool) -> Self {
        Screen { first: 0, ..Screen::new(finder, sound) }
    }

    /// A line of `bytes` of the buffer is taken to be read.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) {
        self.taken += bytes;
        self.worth.read();
        self.lines += 1;
    }

    /// Whether lines may be passed over already: the first ones were read.
    pub(crate) fn is_past_first(&self) -> bool {
        self.lines >= self.first
    }

    /// So many lines were passed over unseen.
    pub(crate) fn jump(&mut self, lines: u64) {
        self.known = false;
        self.lines += lines;
    }

    /// The reader's buffer was filled anew, or something was taken of it that is not known here.
    #[inline]
    pub(crate) fn forget(&mut self) {
        self.known = false;
        self.worth.read();
        self.lines += 1;
    }

    /// Whether a line that was put together from several buffers need not be read. If it need, [`Screen::forget`]
    /// is told.
    pub(crate) fn passes(&mut self, line: &[u8]) -> bool {
        self.known = false;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if self.lines < self.first || !self.worth.searches() || !(self.sound)(line) {
            return false;
        }
        self.block.take(line);
        if self.finder.is_in_folded(&self.block) {
            return false;
        }
        self.worth.pass(1);
        self.lines += 1;
        true
    }

    /// The lines at the beginning of `chunk` that nobody needs to read. `chunk` is what is left of a reader's buffer, or
    /// a new one; of it no more than `most` bytes may be passed over.
    pub(crate) fn pass(&mut self, chunk: &[u8], most: u64) -> Passed {
        let mut all = Passed::default();
        if self.lines < self.first || !self.worth.searches() {
            self.known = false;
            return all;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(chunk.len());
        while all.bytes < most {
            let left = &chunk[all.bytes..];
            if (!self.known || self.taken >= self.block.len()) && !self.begin(left) {
                break;
            }
            let free = (self.next() - self.taken).min(most - all.bytes);
            let Some(end) = memrchr(b'\n', &left[..free]).map(|at| at + 1) else { break };
            let passed = self.whole_lines(&left[..end]);
            self.taken += passed.bytes;
            self.worth.pass(passed.lines);
            self.lines += passed.lines;
            all.bytes += passed.bytes;
            all.lines += passed.lines;
            if self.taken < self.block.len() {
                break;
            }
        }
        all
    }

    /// Looks at the whole lines at the beginning of a buffer; false where there is none.
    fn begin(&mut self, chunk: &[u8]) -> bool {
        let near = memrchr(b'\n', &chunk[..chunk.len().min(BLOCK)]);
        let far = || memchr(b'\n', chunk.get(BLOCK..)?).map(|at| BLOCK + at);
        self.known = false;
        let Some(end) = near.or_else(far) else { return false };
        self.block.take(&chunk[..=end]);
        (self.taken, self.known) = (0, true);
        for (pass, ahead) in self.ahead.iter_mut().enumerate() {
            *ahead = self.finder.find(pass, &self.block, 0);
        }
        true
    }

    /// Where something is found next, the end of the block where nothing is.
    fn next(&mut self) -> usize {
        for (pass, ahead) in self.ahead.iter_mut().enumerate() {
            if *ahead < self.taken {
                *ahead = self.finder.find(pass, &self.block, self.taken);
            }
        }
        self.ahead.iter().copied().min().unwrap_or(self.block.len())
    }

    /// The lines up to the first that is not sound.
    fn whole_lines(&self, text: &[u8]) -> Passed {
        let mut passed = Passed::default();
        while let Some(at) = memchr(b'\n', &text[passed.bytes..]) {
            let line = &text[passed.bytes..passed.bytes + at];
            let blank = line.trim_ascii().is_empty();
            if !blank && !(self.sound)(line) {
                break;
            }
            passed.bytes += at + 1;
            passed.lines += u64::from(!blank);
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Lines;
    use crate::needles::Needles;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn braces(line: &[u8]) -> bool {
        line.starts_with(b"{") && line.ends_with(b"}")
    }

    fn screened(text: &str, capacity: usize, needles: &Needles) -> (Vec<(u64, String)>, (u64, u64)) {
        let finder = Arc::new(Finder::new(needles).unwrap());
        let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()))
            .screened_from(Screen::further_on(finder, braces));
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push((line.offset, String::from_utf8_lossy(line.bytes).into_owned()));
        }
        (read, lines.passed())
    }

    fn lines() -> impl Strategy<Value = Vec<String>> {
        let word = prop_oneof![
            4 => "[a-z]{1,6}",
            1 => prop_oneof![Just("LUA"), Just("Lua.exe"), Just("os.Execute("), Just("lu"), Just("os.exec")].prop_map(str::to_owned),
            1 => prop_oneof![Just("\\\\u006cua"), Just("&#108;ua"), Just("mas\u{212a}"), Just("MASK"), Just("ma\u{17f}k")].prop_map(str::to_owned),
        ];
        let line = proptest::collection::vec(word, 0..8).prop_map(|words| words.join(" "));
        let line = prop_oneof![8 => line.clone().prop_map(|l| format!("{{{l}}}")), 1 => line, 1 => Just(String::new())];
        proptest::collection::vec(line, 0..40)
    }

    proptest! {
        #[test]
        fn what_is_passed_over_holds_nothing(lines in lines(), capacity in 1usize..200, last in any::<bool>()) {
            let needles = Needles::new([("lua", false), ("os.execute(", false), ("mask", true)]).unwrap();
            let finder = Finder::new(&needles).unwrap();
            let text = lines.join("\n") + if last { "\n" } else { "" };
            let (read, (bytes, passed)) = screened(&text, capacity, &needles);
            let mut offset = 0;
            let mut all = Vec::new();
            let end = text.len() as u64;
            for line in text.split_inclusive('\n') {
                all.push((offset, line.trim_end_matches('\n').to_owned()));
                offset += line.len() as u64;
            }
            let left_out: Vec<_> = all.iter().filter(|l| !read.contains(l)).collect();
            for (_, line) in &left_out {
                prop_assert!(line.is_empty() || (braces(line.as_bytes()) && !finder.is_in(line.as_bytes())), "{line}");
            }
            let come: Vec<_> = all.iter().filter(|l| read.contains(l)).cloned().collect();
            prop_assert_eq!(come, read);
            // The last line need not end.
            let length = |(at, l): &&(u64, String)| (l.len() as u64 + 1).min(end - at);
            prop_assert_eq!(bytes, left_out.iter().map(length).sum::<u64>());
            prop_assert_eq!(passed, left_out.iter().filter(|(_, l)| !l.is_empty()).count() as u64);
        }
    }

    #[test]
    fn lines_without_anything_are_passed_over() {
        let needles = Needles::new([("lua", false)]).unwrap();
        let text = "{a}\n{LUA}\n{b}\n\n{c\n{d}\n";
        let (read, passed) = screened(text, 1024, &needles);
        assert_eq!(read, [(4, "{LUA}".to_owned()), (15, "{c".to_owned())]);
        assert_eq!(passed, (4 + 4 + 1 + 4, 3));
    }

    #[test]
    fn searching_rests_where_nearly_all_lines_are_read_anyway() {
        let needles = Needles::new([("lua", false)]).unwrap();
        let text = "{lua}\n".repeat(5_000) + &"{b}\n".repeat(5_000);
        let (read, passed) = screened(&text, 1 << 20, &needles);
        assert_eq!((read.len(), passed), (10_000, (0, 0)));
        let text = "{lua}\n{lua}\n{b}\n".repeat(5_000);
        let (read, passed) = screened(&text, 1 << 20, &needles);
        assert_eq!((read.len(), passed.1), (10_000, 5_000));
    }
}
