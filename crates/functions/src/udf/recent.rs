//! Columns that repeat a few texts.
//!
//! A column that was written with a dictionary repeats its views: within an array equal views are equal texts. So what
//! depends on the text alone need not be worked out again for each row.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer};
use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use std::hash::BuildHasher;

/// How many texts are remembered.
const PLACES: usize = 1024;
/// Of fewer rows the work is not worth finding out.
const FEW: usize = 512;

/// Rows that stand for all rows of a column, and for each row its place among them; `None` where few rows repeat.
pub(crate) fn repeated(column: &ArrayRef) -> Option<(UInt32Array, UInt32Array)> {
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

/// What is true of the texts of a column, each looked at once while it is among those that were just seen; `None` where
/// few rows repeat, or where a text has no answer.
pub(super) fn answers(texts: &StringViewArray, mut of: impl FnMut(usize) -> Option<bool>) -> Option<BooleanArray> {
    /// So many that the table stays close.
    const PLACES: usize = 256;
    const BITS: usize = u64::BITS as usize;
    if texts.len() < FEW || texts.null_count() > 0 {
        return None;
    }
    // The two halves of a view, its answer, and nothing. No text is that long.
    let mut recent = [[u64::MAX, u64::MAX, 0, 0]; PLACES];
    let mut misses = 0;
    let mut all = Vec::with_capacity(texts.len().div_ceil(BITS));
    for (word, views) in texts.views().chunks(BITS).enumerate() {
        let mut answers = 0;
        for (bit, view) in views.iter().enumerate() {
            let (low, high) = (*view as u64, (*view >> 64) as u64);
            let mixed = (low ^ high).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let place = &mut recent[(mixed >> 56) as usize];
            if (place[0] ^ low) | (place[1] ^ high) != 0 {
                let at = word * BITS + bit;
                misses += 1;
                if misses > FEW / 4 + at / 4 {
                    return None;
                }
                *place = [low, high, u64::from(of(at)?), 0];
            }
            answers |= place[2] << bit;
        }
        all.push(answers);
    }
    Some(BooleanArray::new(BooleanBuffer::new(Buffer::from_vec(all), 0, texts.len()), None))
}

/// The same by what the texts say, for work that costs much more than to hash a text; `None` where a sample shows many.
pub(super) fn alike(column: &ArrayRef) -> Option<(UInt32Array, UInt32Array)> {
    const SAMPLE: usize = 128;
    let texts = column.as_string_view_opt()?;
    if texts.len() < FEW || texts.null_count() > 0 {
        return None;
    }
    let hasher = DefaultHashBuilder::default();
    let mut known: HashTable<u32> = HashTable::with_capacity(SAMPLE);
    let mut first: Vec<u32> = Vec::new();
    let mut which: Vec<u32> = Vec::with_capacity(texts.len());
    // The sample is of all rows: those that come first may be alike.
    let sample = (0..texts.len()).step_by(texts.len() / SAMPLE);
    let different: HashSet<&str, _> = sample.map(|i| texts.value(i)).collect::<HashSet<_, DefaultHashBuilder>>();
    if different.len() > SAMPLE / 2 {
        return None;
    }
    for i in 0..texts.len() {
        let text = texts.value(i);
        let same = |number: &u32| texts.value(first[*number as usize] as usize) == text;
        let hash_of = |number: &u32| hasher.hash_one(texts.value(first[*number as usize] as usize));
        let hash = hasher.hash_one(text);
        let number = match known.find(hash, same) {
            Some(number) => *number,
            None => {
                let number = first.len() as u32;
                if first.len() > FEW / 4 + i / 4 {
                    return None;
                }
                known.insert_unique(hash, number, hash_of);
                first.push(i as u32);
                number
            }
        };
        which.push(number);
    }
    Some((UInt32Array::from(first), UInt32Array::from(which)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
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
    fn each_text_has_its_answer() {
        let few: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "", "a text of more than twelve bytes"]));
        let which: UInt32Array = (0..5000u32).map(|i| i * i % 7 % 3).collect();
        let column = arrow::compute::take(&few, &which, None).unwrap();
        let texts = column.as_string_view();
        let mut asked = 0;
        let count = |i: usize| {
            asked += 1;
            Some(texts.value(i).len() > 1)
        };
        let found = answers(texts, count).unwrap();
        assert!(asked < 10, "{asked}");
        assert!((0..5000).all(|i| found.value(i) == (texts.value(i).len() > 1)));
        assert!(answers(texts, |i| (i > 0).then_some(true)).is_none());
        let other: StringViewArray = (0..5000).map(|i| Some(i.to_string())).collect();
        assert!(answers(&other, |_| Some(true)).is_none());
    }

    proptest! {
        /// However rows repeat and whatever their texts lie in, each row has what it would have alone.
        #[test]
        fn rows_have_what_they_would_have_alone(
            words in vec(prop_oneof!["[ab]{0,3}", "[ab]{11,14}", "é{6}[ab]{0,2}"], 1..40),
            picks in vec(any::<u32>(), 500..1500),
            dictionary in any::<bool>(),
            fresh in 0..4u32,
        ) {
            let few: ArrayRef = Arc::new(words.iter().map(Some).collect::<StringViewArray>());
            let which: UInt32Array = picks.iter().map(|p| p % words.len() as u32).collect();
            let taken = arrow::compute::take(&few, &which, None).unwrap();
            // Or each row by itself, some of them once only.
            let alone = |(i, p): (usize, &u32)| match (p >> 8) % 4 < fresh {
                true => format!("{i} is there once"),
                false => words[*p as usize % words.len()].clone(),
            };
            let alone: StringViewArray = picks.iter().enumerate().map(|x| Some(alone(x))).collect();
            let column: ArrayRef = if dictionary { taken } else { Arc::new(alone) };
            let texts = column.as_string_view();
            let of = |i: usize| texts.value(i).len() % 3 == 1;
            if let Some(found) = answers(texts, |i| Some(of(i))) {
                prop_assert_eq!(found.len(), texts.len());
                prop_assert!((0..texts.len()).all(|i| found.value(i) == of(i)));
            }
            for (first, which) in [repeated(&column), alike(&column)].into_iter().flatten() {
                let again = arrow::compute::take(&column, &first, None).unwrap();
                let again = arrow::compute::take(&again, &which, None).unwrap();
                prop_assert_eq!(again.as_string_view(), texts);
            }
        }
    }

    #[test]
    fn texts_that_say_the_same_are_alike() {
        let words = ["a", "", "a text of more than twelve bytes", "another text of more than twelve bytes"];
        let column: ArrayRef = Arc::new((0..2000).map(|i| Some(words[i * i % 7 % 4])).collect::<StringViewArray>());
        let (first, which) = alike(&column).unwrap();
        assert_eq!(first.len(), 3);
        let again = arrow::compute::take(&column, &first, None).unwrap();
        let again = arrow::compute::take(&again, &which, None).unwrap();
        assert_eq!(again.as_string_view(), column.as_string_view());
        let late = (0..2000).map(|i| Some(if i < 1000 { "a".to_owned() } else { i.to_string() }));
        assert!(alike(&(Arc::new(late.collect::<StringViewArray>()) as ArrayRef)).is_none());
    }

    #[test]
    fn texts_that_differ_are_left_alone() {
        let column: ArrayRef = Arc::new((0..2000).map(|i| Some(i.to_string())).collect::<StringViewArray>());
        assert!(repeated(&column).is_none());
    }
}
