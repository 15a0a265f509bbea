//! Columns that repeat a few texts.
//!
//! A column that was written with a dictionary repeats its views: within an array equal views are equal texts. So what
//! depends on the text alone need not be worked out again for each row.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};

/// How many texts are remembered.
const PLACES: usize = 1024;

/// Rows that stand for all rows of a column, and for each row its place among them; `None` where few rows repeat.
pub(super) fn repeated(column: &ArrayRef) -> Option<(UInt32Array, UInt32Array)> {
    /// Below this the work is not worth finding out.
    const FEW: usize = 512;
    let texts = column.as_string_view_opt()?;
    if texts.len() < FEW || texts.null_count() > 0 {
        return None;
    }
    // Texts that were just seen, by their views, with their places. No text is that long.
    let mut recent = vec![(u128::MAX, 0u32); PLACES];
    let mut first: Vec<u32> = Vec::new();
    let mut which = vec![0u32; texts.len()];
    for (i, (view, which)) in texts.views().iter().zip(&mut which).enumerate() {
        let mixed = ((view ^ (view >> 64)) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = &mut recent[(mixed >> 54) as usize % PLACES];
        if place.0 != *view {
            if first.len() > FEW / 4 + i / 4 {
                return None;
            }
            *place = (*view, first.len() as u32);
            first.push(i as u32);
        }
        *which = place.1;
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
