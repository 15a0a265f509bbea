//! Bytes in frames that are packed each by itself, so that reading can begin anywhere.

use super::index::{Group, Index};
use crate::needles::Needles;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The bytes of a frame before they are packed; the last of an input has fewer.
pub const FRAME: usize = 1 << 20;

/// What is lent at once. As much as of a file that is not packed: what a format is may be told by it.
const LENT: usize = 256 << 10;

/// Packed bytes. Cheap to copy; nothing is open until they are read.
#[derive(Clone, Debug)]
pub struct Packed(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    file: PathBuf,
    /// Where each frame begins in the file, and where the last one ends.
    frames: Vec<u64>,
    /// The unpacked bytes.
    length: u64,
    streamed: bool,
    failed: Option<String>,
    /// What is known of their lines, and which of the index's frames is the first.
    index: Option<(Arc<Index>, usize)>,
    /// The lines by the frames in which they end.
    groups: OnceLock<Vec<(usize, Group)>>,
}

impl Packed {
    /// The frames of these packed lengths, one after the other from `offset` on, of `length` bytes before.
    ///
    /// # Errors
    /// The lengths do not fit each other.
    pub fn new(file: PathBuf, offset: u64, frames: &[u32], length: u64) -> io::Result<Self> {
        if u64::try_from(frames.len()).ok() != Some(length.div_ceil(FRAME as u64)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the frames are not those of so many bytes"));
        }
        let mut at = offset;
        let ends = frames.iter().map(|n| {
            at = at.saturating_add(u64::from(*n));
            at
        });
        let frames = std::iter::once(offset).chain(ends).collect();
        let (index, groups) = (None, OnceLock::new());
        Ok(Packed(Arc::new(Inner { file, frames, length, streamed: false, failed: None, index, groups })))
    }

    /// Of their lines is known what the index says, in which theirs is the frame `first` and those behind it.
    pub(super) fn indexed(self, index: Arc<Index>, first: usize) -> Self {
        Packed(Arc::new(Inner { index: Some((index, first)), ..Inner::clone(&self.0) }))
    }

    /// Whether they are lines of which something is known.
    pub(crate) fn is_indexed(&self) -> bool {
        self.0.index.as_ref().is_some_and(|(index, first)| index.knows(*first))
    }

    fn groups(&self) -> &[(usize, Group)] {
        self.0.groups.get_or_init(|| match &self.0.index {
            Some((index, first)) if index.knows(*first) => index.groups(*first, self.0.frames.len() - 1, FRAME as u64),
            _ => Vec::new(),
        })
    }

    /// The end of a line near that place and not behind it, where one is known without unpacking anything.
    pub(crate) fn near(&self, at: u64) -> u64 {
        let groups = self.groups();
        let behind = groups.partition_point(|(_, group)| group.end <= at);
        behind.checked_sub(1).map_or(at, |last| groups[last].1.end)
    }

    /// Whether it is known that a line begins there.
    pub(crate) fn begins_line(&self, at: u64) -> bool {
        at == 0 || self.groups().binary_search_by_key(&at, |(_, group)| group.end).is_ok()
    }

    /// How many frames there are, and how many of them are passed over by somebody who reads them all and looks for
    /// needles.
    pub(crate) fn frames(&self, needles: Option<&Needles>, sound: bool) -> (usize, usize) {
        let without = needles.map(|needles| self.without(needles, sound, &(0..u64::MAX))).unwrap_or_default();
        // The first lines of an input are read whatever they hold.
        (self.0.frames.len() - 1, without.iter().filter(|group| group.begin > 0).count())
    }

    /// The lines within a part that need not be unpacked for somebody who looks for needles. With `sound`, those alone that
    /// look as the format's lines do.
    pub(crate) fn without(&self, needles: &Needles, sound: bool, part: &Range<u64>) -> Vec<Group> {
        let Some((index, _)) = self.0.index.as_ref().filter(|_| self.is_indexed()) else { return Vec::new() };
        let Some(without) = index.without(needles, sound) else { return Vec::new() };
        let groups = self.groups();
        let groups = &groups[groups.partition_point(|(_, group)| group.begin < part.start)..];
        let groups = groups.iter().take_while(|(_, group)| group.end <= part.end);
        groups.filter(|(frame, _)| without.get(*frame) == Some(&true)).map(|(_, group)| *group).collect()
    }

    /// Reading ends with an error that says so, as it did when the bytes were packed.
    pub fn failing(self, failed: Option<String>) -> Self {
        Packed(Arc::new(Inner { failed, ..Inner::clone(&self.0) }))
    }

    /// They are read from the beginning only, as the original was.
    pub fn streamed(self) -> Self {
        Packed(Arc::new(Inner { streamed: true, ..Inner::clone(&self.0) }))
    }

    /// Whether they are read from the beginning only.
    pub fn is_streamed(&self) -> bool {
        self.0.streamed
    }

    /// The unpacked bytes.
    pub fn length(&self) -> u64 {
        self.0.length
    }

    /// Opens them for reading.
    ///
    /// # Errors
    /// The file is not there.
    pub fn open(&self) -> io::Result<Reader> {
        Ok(Reader {
            packed: self.clone(),
            file: File::open(&self.0.file)?,
            unpacker: zstd::bulk::Decompressor::new()?,
            at: 0,
            frame: None,
            bytes: Vec::new(),
            read: Vec::new(),
        })
    }
}

/// Reads packed bytes. More may be consumed of it than it lent: what is not looked at is not unpacked.
pub struct Reader {
    packed: Packed,
    file: File,
    unpacker: zstd::bulk::Decompressor<'static>,
    /// Where reading is, in unpacked bytes.
    at: u64,
    /// The frame that is unpacked.
    frame: Option<usize>,
    bytes: Vec<u8>,
    read: Vec<u8>,
}

impl Reader {
    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.packed.0.length
    }

    fn unpack(&mut self, frame: usize) -> io::Result<()> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a frame of the store is damaged");
        let Inner { frames, length, .. } = &*self.packed.0;
        let (Some(from), Some(to)) = (frames.get(frame), frames.get(frame + 1)) else { return Err(damaged()) };
        self.frame = None;
        self.read.resize(usize::try_from(to - from).map_err(|_| damaged())?, 0);
        self.file.seek(SeekFrom::Start(*from))?;
        self.file.read_exact(&mut self.read)?;
        let begin = frame as u64 * FRAME as u64;
        let wanted = usize::try_from((length - begin).min(FRAME as u64)).map_err(|_| damaged())?;
        self.bytes.resize(wanted, 0);
        let n = self.unpacker.decompress_to_buffer(&self.read, &mut self.bytes).map_err(|_| damaged())?;
        if n != wanted {
            return Err(damaged());
        }
        self.frame = Some(frame);
        Ok(())
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Inner { length, failed, .. } = &*self.packed.0;
        if self.at >= *length {
            return match failed {
                Some(why) => Err(io::Error::other(why.clone())),
                None => Ok(&[]),
            };
        }
        #[allow(clippy::cast_possible_truncation, reason = "within a frame, or the number of one in memory")]
        let (frame, within) = ((self.at / FRAME as u64) as usize, (self.at % FRAME as u64) as usize);
        if self.frame != Some(frame) {
            self.unpack(frame)?;
        }
        // Pieces as they are lent of a file: up to where its buffer would end.
        let end = (within / LENT + 1) * LENT;
        Ok(&self.bytes[within..end.min(self.bytes.len())])
    }

    fn consume(&mut self, n: usize) {
        self.at += n as u64;
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let lent = self.fill_buf()?;
        let n = lent.len().min(buffer.len());
        buffer[..n].copy_from_slice(&lent[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning"))?;
        Ok(self.at)
    }
}
