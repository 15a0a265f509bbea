//! Columns that repeat a few texts.
//!
//! A column that was written with a dictionary repeats its views: within an array equal views are equal texts. So what
//! depends on the text alone need not be worked out again for each row.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};

/// Numbers of texts that were just looked up, by their views. Only for one array at a time.
pub(super) struct Recent(Vec<(u128, u32)>);

impl Recent {
    const PLACES: usize = 1024;

    pub(super) fn new() -> Self {
        // No text is that long.
        Recent(vec![(u128::MAX, 0); Self::PLACES])
    }

    pub(super) fn number(&mut self, view: u128, look_up: impl FnOnce() -> u32) -> u32 {
        let mixed = ((view ^ (view >> 64)) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = &mut self.0[(mixed >> 54) as usize % Self::PLACES];
        if place.0 != view {
            *place = (view, look_up());
        }
        place.1
    }
}

/// Rows that stand for all rows of a column, and for each row its place among them; `None` where few rows repeat.
pub(super) fn repeated(column: &ArrayRef) -> Option<(UInt32Array, UInt32Array)> {
    /// Below this the work is not worth finding out.
    const FEW: usize = 512;
    let texts = column.as_string_view_opt()?;
    if texts.len() < FEW || texts.null_count() > 0 {
        return None;
    }
    let mut recent = Recent::new();
    let mut first: Vec<u32> = Vec::new();
    let mut which: Vec<u32> = Vec::with_capacity(texts.len());
    for (i, view) in texts.views().iter().enumerate() {
        which.push(recent.number(*view, || {
            first.push(i as u32);
            first.len() as u32 - 1
        }));
        if first.len() > FEW / 4 + i / 4 {
            return None;
        }
    }
    Some((UInt32Array::from(first), UInt32Array::from(which)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;
    use std::sync::Arc;

    #[test]
    fn every_row_has_its_text() {
        let words = ["a", "", "a text of more than twelve bytes", "another text of more than twelve bytes"];
        let column: StringViewArray = (0..2000).map(|i| Some(words[i * i % 7 % 4])).collect();
        // As a dictionary is read: the same views again and again.
        let few: ArrayRef = Arc::new(StringViewArray::from(words.to_vec()));
        let which: UInt32Array = (0..2000u32).map(|i| i * i % 7 % 4).collect();
        let column_of_views = arrow::compute::take(&few, &which, None).unwrap();
        let (first, which) = repeated(&column_of_views).unwrap();
        assert!(first.len() <= words.len() + 8, "{}", first.len());
        let again = arrow::compute::take(&column_of_views, &first, None).unwrap();
        let again = arrow::compute::take(&again, &which, None).unwrap();
        assert_eq!(again.as_string_view(), &column);
    }

    #[test]
    fn texts_that_differ_are_left_alone() {
        let column: ArrayRef = Arc::new((0..2000).map(|i| Some(i.to_string())).collect::<StringViewArray>());
        assert!(repeated(&column).is_none());
    }
}
