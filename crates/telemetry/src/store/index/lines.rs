//! What is known of the lines of a frame.

use super::grams::{Grams, Runs};
use crate::needles::{Finder, Folded};
use crate::source::Format;
use memchr::{memchr, memchr_iter, memrchr};

/// What lines of a format look like that may be passed over.
#[derive(Clone, Copy, Debug)]
pub struct Form(fn(&[u8]) -> bool);

impl Form {
    /// That of an input of lines which begins so; none where it is none, or is not searched line by line.
    pub fn of(format: Format, head: &[u8]) -> Option<Self> {
        if matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
            return None;
        }
        match format {
            Format::DefenderJson | Format::WindowsJson | Format::JsonLines => {
                Some(Form(crate::formats::json::is_object))
            }
            Format::SysmonLinux => Some(Form(crate::formats::windows::is_whole)),
            Format::Syslog => Some(Form(|_| true)),
            _ => None,
        }
    }
}

/// The lines of which something is known.
pub(super) const KNOWN: u8 = 1;
/// All look as lines of the format do.
pub(super) const SOUND: u8 = 2;
/// Some have a spelling that may stand for any character, or for none that a piece has.
pub(super) const ODD: u8 = 4;

/// What is known of the lines that end in a frame.
#[derive(Debug, Default)]
pub struct Lines {
    /// Where the last of them ends in the frame; 0 where none does.
    pub(super) end: u32,
    /// How many are not blank.
    pub(super) count: u32,
    pub(super) flags: u8,
    pub(super) grams: Option<Grams>,
}

/// So many bytes, whole lines, are looked at in several ways one after the other: they stay in the nearest cache.
const BLOCK: usize = 16 << 10;

/// Looks at the lines of frames.
#[derive(Debug)]
pub struct Looks {
    odd: Option<Finder>,
    folded: Folded,
    runs: Runs,
}

impl Default for Looks {
    fn default() -> Self {
        Looks { odd: Finder::of_odd(), folded: Folded::default(), runs: Runs::default() }
    }
}

impl Looks {
    /// Looks at a frame. `before` is what its first line begins with in the frames before, if that is known; `last` says
    /// that with the frame the input ends, and with it its last line.
    pub fn at(&mut self, form: Form, before: Option<&[u8]>, frame: &[u8], last: bool) -> Lines {
        let end = if last { frame.len() } else { memrchr(b'\n', frame).map_or(0, |at| at + 1) };
        let mut lines = Lines { end: u32::try_from(end).unwrap_or(0), ..Lines::default() };
        let (Some(before), Some(odd), true) = (before, &self.odd, lines.end > 0) else { return lines };
        let (first, rest) = frame[..end].split_at(memchr(b'\n', &frame[..end]).map_or(end, |at| at + 1));
        let first = [before, first].concat();
        lines.flags = KNOWN | SOUND;
        for text in std::iter::once(first.as_slice()).chain(blocks(rest)) {
            self.runs.add(text);
            self.folded.take(text);
            if odd.is_in_folded(&self.folded) {
                lines.flags |= ODD;
            }
            let mut from = 0;
            let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
            for end in ends {
                let line = &text[from..end];
                from = end + 1;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                lines.count += 1;
                if lines.flags & SOUND != 0 && !form.0(line) {
                    lines.flags &= !SOUND;
                }
            }
        }
        lines.grams = Some(self.runs.take());
        lines
    }
}

/// The lines of a text, many at once.
fn blocks(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let near = || memrchr(b'\n', &text[..text.len().min(BLOCK)]);
        let far = || memchr(b'\n', text.get(BLOCK..)?).map(|at| BLOCK + at);
        let (block, rest) = text.split_at(near().or_else(far).map_or(text.len(), |at| at + 1));
        text = rest;
        (!block.is_empty()).then_some(block)
    })
}

/// What is left of a frame for the frame behind it: where its last line begins, if there is an end of a line in it.
pub fn begun(frame: &[u8]) -> Option<&[u8]> {
    memrchr(b'\n', frame).map(|at| &frame[at + 1..])
}
