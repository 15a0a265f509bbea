//! The search for needles in many texts at once.

use super::finder::{FOLDING, Folded};
use super::{Finder, Needles};

/// Texts are put together up to so many bytes: what is searched stays in the processor's cache.
const TOGETHER: usize = 64 << 10;

impl Finder {
    /// A search for needles in decoded texts, in which nothing is spelled in another way. `None` where this processor has
    /// no search that is worth it.
    pub fn in_values(needles: &Needles) -> Option<Self> {
        let folding = FOLDING.iter().filter(|text| needles.folds() && !text.is_ascii());
        let pieces = needles.pieces().iter().map(String::as_str);
        Finder::of(pieces.chain(folding.copied()).map(str::as_bytes))
    }

    /// Marks the texts in which any of them is, in any case, or may be. Others stay as they are.
    pub fn mark<'t>(&self, texts: impl Iterator<Item = &'t [u8]>, marks: &mut [bool]) {
        let (mut together, mut ends) = (Folded::default(), Vec::new());
        let mut first = 0;
        for text in texts {
            // A piece that reaches over the end of a text is found where it is not: that is allowed, and rare.
            together.add(text);
            together.add(b"\n");
            ends.push(together.len());
            if together.len() >= TOGETHER {
                self.mark_some(&mut together, &mut ends, &mut first, marks);
            }
        }
        self.mark_some(&mut together, &mut ends, &mut first, marks);
    }

    fn mark_some(&self, together: &mut Folded, ends: &mut Vec<usize>, first: &mut usize, marks: &mut [bool]) {
        for pass in 0..self.passes() {
            let (mut row, mut from) = (0, 0);
            while from < together.len() {
                let at = self.find(pass, together, from);
                if at >= together.len() {
                    break;
                }
                while ends[row] <= at {
                    row += 1;
                }
                if let Some(mark) = marks.get_mut(*first + row) {
                    *mark = true;
                }
                from = ends[row];
            }
        }
        *first += ends.len();
        together.take(b"");
        ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_told_by_itself() {
        let needles = Needles::new([("luajit", false), ("Mask", true)]).unwrap();
        let finder = Finder::in_values(&needles).unwrap();
        let long = "x".repeat(TOGETHER);
        let texts = ["a LUAJIT b", "", "lua", "jit", &long, "lua\njit", "mas\u{212a}", &long, "MASK", "luajit", "mas"];
        let mut marks = vec![false; texts.len()];
        finder.mark(texts.iter().map(|t| t.as_bytes()), &mut marks);
        let marked: Vec<usize> = (0..texts.len()).filter(|i| marks[*i]).collect();
        assert_eq!(marked, [0, 6, 8, 9]);
    }
}
