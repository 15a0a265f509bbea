//! Texts under numbers.

use arrow::array::{Array, BinaryViewArray, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use datafusion::common::Result;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::mem;

/// Texts, each once, numbered from 0 in order of appearance.
#[derive(Default)]
pub(crate) struct Texts {
    /// Each text as a view; those of more than twelve bytes lie in `blocks`, the last of which is `block`.
    views: Vec<u128>,
    blocks: Vec<Buffer>,
    block: Vec<u8>,
    /// How much memory `blocks` hold.
    full: usize,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    /// The number of what is no text.
    null: Option<u32>,
}

/// A text's hash, so that most texts that differ are not looked at, and its number.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// What the table goes by: the hash, spread over the bits that it reads.
    fn spread(hash: u32) -> u64 {
        u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl Texts {
    const FIRST_BLOCK: usize = 4 << 10;
    const LAST_BLOCK: usize = 2 << 20;

    /// The number of a text.
    pub(crate) fn number(&mut self, text: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(text) as u32;
        let view = make_view(text, 0, 0);
        let found = self.table.find(Entry::spread(hash), |e| e.hash == hash && self.is(e.number, view, text));
        if let Some(entry) = found {
            return entry.number;
        }
        let number = self.views.len() as u32;
        let view = self.keep(view, text);
        self.views.push(view);
        let entry = Entry { hash, number };
        self.table.insert_unique(Entry::spread(hash), entry, |e| Entry::spread(e.hash));
        number
    }

    /// Whether that number's text is `text`, whose view is `view` wherever it may lie.
    fn is(&self, number: u32, view: u128, text: &[u8]) -> bool {
        let ours = self.views[number as usize];
        // The length and the first four bytes.
        ours as u64 == view as u64 && if text.len() <= 12 { ours == view } else { self.long(ours) == text }
    }

    /// A text of more than twelve bytes.
    fn long(&self, view: u128) -> &[u8] {
        let (len, block, at) = (view as u32 as usize, (view >> 64) as u32 as usize, (view >> 96) as u32 as usize);
        let block = self.blocks.get(block).map_or(self.block.as_slice(), Buffer::as_slice);
        &block[at..at + len]
    }

    /// Keeps a text; its view here.
    fn keep(&mut self, view: u128, text: &[u8]) -> u128 {
        if text.len() <= 12 {
            return view;
        }
        if self.block.len() + text.len() > self.block.capacity() {
            let size = (2 * self.block.capacity()).clamp(Self::FIRST_BLOCK, Self::LAST_BLOCK).max(text.len());
            let full = mem::replace(&mut self.block, Vec::with_capacity(size));
            if !full.is_empty() {
                self.full += full.capacity();
                self.blocks.push(Buffer::from(full));
            }
        }
        let view = make_view(text, self.blocks.len() as u32, self.block.len() as u32);
        self.block.extend_from_slice(text);
        view
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// How much memory they hold.
    pub(crate) fn size(&self) -> usize {
        self.full + self.block.capacity() + 16 * self.views.capacity() + 9 * self.table.capacity()
    }

    /// The number of what is no text.
    pub(crate) fn null(&mut self) -> u32 {
        *self.null.get_or_insert_with(|| {
            self.views.push(0);
            self.views.len() as u32 - 1
        })
    }

    /// All of them in the order of their numbers.
    pub(crate) fn into_array(self) -> Result<StringViewArray> {
        Ok(self.into_bytes()?.to_string_view()?)
    }

    /// The same, while more may come.
    pub(crate) fn to_array(&self) -> Result<StringViewArray> {
        Ok(self.to_bytes()?.to_string_view()?)
    }

    /// All of them as bytes.
    pub(crate) fn into_bytes(mut self) -> Result<BinaryViewArray> {
        let (views, block) = (mem::take(&mut self.views), mem::take(&mut self.block));
        self.bytes(views, block)
    }

    /// The same, while more may come.
    pub(crate) fn to_bytes(&self) -> Result<BinaryViewArray> {
        self.bytes(self.views.clone(), self.block.clone())
    }

    fn bytes(&self, views: Vec<u128>, block: Vec<u8>) -> Result<BinaryViewArray> {
        let mut buffers = self.blocks.clone();
        if !block.is_empty() {
            buffers.push(Buffer::from(block));
        }
        let nulls = self.null.map(|null| NullBuffer::from_iter((0..views.len() as u32).map(|n| n != null)));
        Ok(BinaryViewArray::try_new(ScalarBuffer::from(views), buffers, nulls)?)
    }
}

/// The numbers of texts that were just looked up, by their views.
///
/// A column that was written with a dictionary repeats its views, also from one batch to the next: within the same
/// buffers equal views are equal texts. So most rows are neither hashed nor compared.
pub(crate) struct Seen {
    places: Vec<(u128, u32)>,
    /// What the views of more than twelve bytes among `places` point into. They are held so that nothing else can come
    /// to lie where they are.
    buffers: Vec<Buffer>,
    /// Whether there are such views.
    long: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { places: vec![(Self::NOBODY, 0); Self::PLACES], buffers: Vec::new(), long: false }
    }
}

impl Seen {
    const PLACES: usize = 2048;
    /// No text is that long.
    const NOBODY: u128 = u128::MAX;

    /// Must be told what an array's views point into before the views.
    pub(crate) fn enter(&mut self, buffers: &[Buffer]) {
        let same = |(a, b): (&Buffer, &Buffer)| a.ptr_eq(b) && a.len() == b.len();
        if self.buffers.len() == buffers.len() && self.buffers.iter().zip(buffers).all(same) {
            return;
        }
        self.buffers.clear();
        self.buffers.extend_from_slice(buffers);
        if mem::take(&mut self.long) {
            self.places.fill((Self::NOBODY, 0));
        }
    }

    /// The number of the text with that view.
    #[inline]
    pub(crate) fn number(&mut self, view: u128, look_up: impl FnOnce() -> u32) -> u32 {
        let mixed = ((view ^ (view >> 64)) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = &mut self.places[(mixed >> 53) as usize % Self::PLACES];
        if place.0 != view {
            *place = (view, look_up());
            self.long |= view as u32 > 12;
        }
        place.1
    }

    /// How much memory it holds.
    pub(crate) fn size(&self) -> usize {
        size_of::<(u128, u32)>() * self.places.len()
    }
}

/// Numbers the texts of a column: for each row its number.
pub(crate) fn number_all(texts: &mut Texts, seen: &mut Seen, column: &StringViewArray, out: &mut Vec<u32>) {
    seen.enter(column.data_buffers());
    let views = column.views();
    match column.nulls().filter(|n| n.null_count() > 0) {
        None => out.extend(
            views.iter().enumerate().map(|(i, view)| seen.number(*view, || texts.number(column.value(i).as_bytes()))),
        ),
        Some(nulls) => out.extend(views.iter().enumerate().map(|(i, view)| match nulls.is_valid(i) {
            true => seen.number(*view, || texts.number(column.value(i).as_bytes())),
            false => texts.null(),
        })),
    }
}
