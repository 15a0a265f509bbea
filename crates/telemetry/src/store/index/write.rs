//! Writing an index.

use super::grams::{Grams, NUMBERS};
use super::{A_BLOCK, EVERYWHERE, MARK, MOST, STRETCH, fingerprint, lines::Lines};
use std::io::{self, Write};
use zstd::zstd_safe::CParameter;

/// How hard it is packed.
const LEVEL: i32 = 3;

/// What more than one frame of so many has is said to be in all.
const A_ROW: usize = 16;

/// Writes an index: frames one after the other, then its end.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// What was written.
    at: u64,
    /// Frames of the block that is not written yet.
    waiting: Vec<Option<Grams>>,
    /// Of each frame, and of each block, what the head says.
    frames: Vec<u8>,
    blocks: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// An empty one.
    pub fn new(out: W) -> Self {
        Writer { out, at: 0, waiting: Vec::new(), frames: Vec::new(), blocks: Vec::new() }
    }

    /// Adds the next frame.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, frame: Lines) -> io::Result<()> {
        self.frames.extend(frame.end.to_le_bytes());
        self.frames.extend(frame.count.to_le_bytes());
        self.frames.push(frame.flags);
        self.waiting.push(frame.grams);
        if self.waiting.len() == A_BLOCK { self.block() } else { Ok(()) }
    }

    /// Writes the end of the index of frames of those packed lengths, and gives the bytes that it has in all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, lengths: impl Iterator<Item = u32>) -> io::Result<(W, u64)> {
        self.block()?;
        let mut head = fingerprint(lengths).to_le_bytes().to_vec();
        head.append(&mut self.frames);
        head.append(&mut self.blocks);
        let packed = packer()?.compress(&head)?;
        let begin = self.at;
        self.write(&packed)?;
        self.write(&begin.to_le_bytes())?;
        self.write(MARK)?;
        self.out.flush()?;
        Ok((self.out, self.at))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Writes what waits: for each number, of which frames it is. What many have says little, and is said to be everywhere.
    fn block(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.blocks.extend(self.at.to_le_bytes());
        if waiting.iter().all(Option::is_none) {
            self.blocks.extend([0; 4 * (NUMBERS / STRETCH)]);
            return Ok(());
        }
        let known = waiting.iter().filter(|frame| frame.is_some()).count();
        let most = (known / A_ROW).clamp(1, MOST);
        let mut packer = packer()?;
        let mut text = Vec::new();
        for stretch in 0..NUMBERS / STRETCH {
            text.clear();
            (0..STRETCH / 64).for_each(|word| rows(&waiting, stretch * (STRETCH / 64) + word, most, &mut text));
            let packed = packer.compress(&text)?;
            self.blocks.extend(u32::try_from(packed.len()).map_err(io::Error::other)?.to_le_bytes());
            self.write(&packed)?;
        }
        Ok(())
    }
}

/// The frames of sixty-four numbers.
fn rows(frames: &[Option<Grams>], word: usize, most: usize, text: &mut Vec<u8>) {
    let (mut rows, mut lengths) = ([[0u8; MOST]; 64], [0usize; 64]);
    for (at, grams) in frames.iter().enumerate() {
        let mut left = grams.as_ref().map_or(0, |g| g.word(word));
        while left != 0 {
            let row = left.trailing_zeros() as usize;
            left &= left - 1;
            if let Some(place) = rows[row].get_mut(lengths[row]) {
                *place = u8::try_from(at).unwrap_or(u8::MAX);
            }
            lengths[row] += 1;
        }
    }
    for (row, length) in rows.iter().zip(lengths) {
        match row.get(..length).filter(|_| length <= most) {
            Some(frames) => {
                text.push(u8::try_from(length).unwrap_or(EVERYWHERE));
                text.extend(frames);
            }
            None => text.push(EVERYWHERE),
        }
    }
}

/// With sums by which a change of the bytes is seen.
fn packer() -> io::Result<zstd::bulk::Compressor<'static>> {
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    packer.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(packer)
}
