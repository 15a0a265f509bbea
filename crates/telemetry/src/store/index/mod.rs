//! An index of the packed originals: which runs of characters stand in the lines of which frame, so that frames in which
//! nothing is that a query looks for are not even unpacked.
//!
//! The file has blocks, a head, where the head begins, and [`MARK`]. A block is of [`A_BLOCK`] frames; for each number of
//! a run it has a byte that counts the frames whose lines have it, and those frames' places in the block, or
//! [`EVERYWHERE`] and no places. Its [stretches](STRETCH) are packed each by itself. The head has the [`fingerprint`] of
//! the frames; of each frame where the last line that ends in it ends, how many lines that are not blank end in it, and
//! flags; of each block where it begins and the packed lengths of its stretches. All is packed with sums, so that
//! changed bytes are seen.
//!
//! What a line looks like that may be passed over is a matter of the program: an index is gone by that the same version
//! has written, and any other, or a damaged one, is as good as none.

mod grams;
mod lines;
#[cfg(test)]
mod tests;
mod write;

pub use lines::{Form, Lines, Looks, begun};
pub use write::Writer;

use crate::needles::Needles;
use grams::NUMBERS;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// The end of the file's name, in place of the originals'.
pub const EXTENSION: &str = "index";

/// How the file ends.
const MARK: &[u8; 16] = b"parallax index 1";

/// The frames of a block.
const A_BLOCK: usize = 128;

/// The numbers of a stretch.
const STRETCH: usize = 4096;

/// Of so many frames of a block at the most it is said which; a run that more have is said to be in all.
const MOST: usize = 8;

/// In the place of a number of frames.
const EVERYWHERE: u8 = 255;

/// The bytes of a frame, and of a block, in the head.
const FRAME_ENTRY: usize = 9;
const BLOCK_ENTRY: usize = 8 + 4 * (NUMBERS / STRETCH);

/// By what it is known that an index is that of these frames.
fn fingerprint(lengths: impl Iterator<Item = u32>) -> u64 {
    let bytes = lengths.flat_map(u32::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// An index that is read as far as it is asked.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    /// The packed lengths of the frames that it should be of.
    lengths: Vec<u32>,
    head: OnceLock<Option<Head>>,
    /// What was asked before: of a query, every part of every file asks the same.
    asked: Mutex<HashMap<Vec<String>, Arc<[bool]>>>,
}

#[derive(Debug)]
struct Head {
    frames: Vec<Frame>,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    end: u32,
    lines: u32,
    flags: u8,
}

#[derive(Debug)]
struct Block {
    begin: u64,
    stretches: Vec<u32>,
}

/// Lines that end in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Where they begin and end in the input.
    pub begin: u64,
    /// See there.
    pub end: u64,
    /// How many are not blank.
    pub lines: u64,
}

impl Index {
    /// The index of frames of these packed lengths.
    pub fn new(path: PathBuf, lengths: Vec<u32>) -> Self {
        Index { path, lengths, head: OnceLock::new(), asked: Mutex::default() }
    }

    fn head(&self) -> Option<&Head> {
        self.head.get_or_init(|| self.read_head().ok()).as_ref()
    }

    fn read_head(&self) -> io::Result<Head> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let tail = MARK.len() as u64 + 8;
        let end = length.checked_sub(tail).ok_or_else(damaged)?;
        file.seek(SeekFrom::Start(end))?;
        let mut bytes = [0; 24];
        file.read_exact(&mut bytes)?;
        let begin = u64::from_le_bytes(array(&bytes)?);
        if bytes[8..] != *MARK || begin > end {
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(begin))?;
        let mut packed = Vec::new();
        file.take(end - begin).read_to_end(&mut packed)?;
        let (frames, blocks) = (self.lengths.len(), self.lengths.len() / A_BLOCK + 1);
        let size = 8 + frames * FRAME_ENTRY + blocks * BLOCK_ENTRY;
        let head = zstd::bulk::decompress(&packed, size)?;
        if head.len() < 8 || u64::from_le_bytes(array(&head)?) != fingerprint(self.lengths.iter().copied()) {
            return Err(damaged());
        }
        let (frames, blocks) = head[8..].split_at_checked(frames * FRAME_ENTRY).ok_or_else(damaged)?;
        let frame = |entry: &[u8]| {
            let number = |from: usize| Ok::<_, io::Error>(u32::from_le_bytes(array(&entry[from..])?));
            Ok(Frame { end: number(0)?, lines: number(4)?, flags: entry[8] })
        };
        let block = |entry: &[u8]| {
            let stretches = entry[8..].chunks_exact(4).map(|n| Ok(u32::from_le_bytes(array(n)?)));
            let stretches = stretches.collect::<io::Result<_>>()?;
            Ok(Block { begin: u64::from_le_bytes(array(entry)?), stretches })
        };
        Ok(Head {
            frames: frames.chunks_exact(FRAME_ENTRY).map(frame).collect::<io::Result<_>>()?,
            blocks: blocks.chunks_exact(BLOCK_ENTRY).map(block).collect::<io::Result<_>>()?,
        })
    }

    /// Whether something is known of the lines of an input whose first frame that is.
    pub(super) fn knows(&self, first: usize) -> bool {
        self.head().and_then(|head| head.frames.get(first)).is_some_and(|frame| frame.flags & lines::KNOWN != 0)
    }

    /// The lines of an input by the frames in which they end, in order, each with its frame; `frame` is an input's frame
    /// of so many bytes.
    pub(super) fn groups(&self, first: usize, frames: usize, size: u64) -> Vec<(usize, Group)> {
        let Some(head) = self.head() else { return Vec::new() };
        let mut begin = 0;
        let mut out = Vec::new();
        for (at, frame) in head.frames.iter().skip(first).take(frames).enumerate() {
            if frame.end == 0 {
                continue;
            }
            let end = at as u64 * size + u64::from(frame.end);
            out.push((first + at, Group { begin, end, lines: u64::from(frame.lines) }));
            begin = end;
        }
        out
    }

    /// For each frame whether its lines may be passed over for somebody who looks for needles: none is found in them. With
    /// `sound`, they also look as the format's lines do.
    pub(super) fn without(&self, needles: &Needles, sound: bool) -> Option<Arc<[bool]>> {
        let head = self.head().filter(|_| !needles.pieces().is_empty())?;
        let mut key = needles.pieces().to_vec();
        key.push(if sound { "sound" } else { "" }.to_owned());
        let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = asked.get(&key) {
            return Some(known.clone());
        }
        let must = if sound { lines::KNOWN | lines::SOUND } else { lines::KNOWN };
        let mut without: Vec<bool> =
            head.frames.iter().map(|f| f.flags & must == must && f.flags & lines::ODD == 0).collect();
        self.strike(head, needles.pieces(), &mut without).ok()?;
        let without: Arc<[bool]> = without.into();
        asked.insert(key, without.clone());
        Some(without)
    }

    /// Strikes out the frames that may have a piece.
    fn strike(&self, head: &Head, pieces: &[String], without: &mut [bool]) -> io::Result<()> {
        let pieces: Vec<Vec<usize>> = pieces.iter().map(|piece| grams::of_piece(piece)).collect();
        let mut wanted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for number in pieces.iter().flatten() {
            wanted.entry(number / STRETCH).or_default().push(*number);
        }
        let mut file = File::open(&self.path)?;
        for (block, without) in head.blocks.iter().zip(without.chunks_mut(A_BLOCK)) {
            if !without.contains(&true) {
                continue;
            }
            let mut rows = HashMap::new();
            for (stretch, numbers) in &wanted {
                let text = block.read(&mut file, *stretch)?;
                let mut row = Rows { text: &text, number: stretch * STRETCH };
                while let Some((number, frames)) = row.next()? {
                    if numbers.contains(&number) {
                        rows.insert(number, frames);
                    }
                }
            }
            for piece in &pieces {
                let all = piece.iter().filter_map(|number| rows.get(number));
                let has = all.fold(u128::MAX, |has, frames| has & frames);
                for (at, without) in without.iter_mut().enumerate() {
                    *without &= has >> at & 1 == 0;
                }
            }
        }
        Ok(())
    }
}

impl Block {
    fn read(&self, file: &mut File, stretch: usize) -> io::Result<Vec<u8>> {
        let before: u64 = self.stretches[..stretch].iter().map(|n| u64::from(*n)).sum();
        let begin = self.begin.checked_add(before).ok_or_else(damaged)?;
        file.seek(SeekFrom::Start(begin))?;
        let mut packed = Vec::new();
        file.take(u64::from(self.stretches[stretch])).read_to_end(&mut packed)?;
        zstd::bulk::decompress(&packed, STRETCH * (MOST + 1))
    }
}

/// The rows of a stretch: numbers, and a bit for each frame of the block.
struct Rows<'t> {
    text: &'t [u8],
    number: usize,
}

impl Rows<'_> {
    fn next(&mut self) -> io::Result<Option<(usize, u128)>> {
        let Some((count, rest)) = self.text.split_first() else { return Ok(None) };
        let number = self.number;
        self.number += 1;
        if *count == EVERYWHERE {
            self.text = rest;
            return Ok(Some((number, u128::MAX)));
        }
        let (frames, rest) = rest.split_at_checked(usize::from(*count)).ok_or_else(damaged)?;
        self.text = rest;
        let bit = |frame: &u8| 1u128.checked_shl(u32::from(*frame)).ok_or_else(damaged);
        Ok(Some((number, frames.iter().try_fold(0, |bits, frame| Ok::<_, io::Error>(bits | bit(frame)?))?)))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> io::Result<[u8; N]> {
    bytes.first_chunk().copied().ok_or_else(damaged)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the store's index is damaged")
}
