//! Bytes in frames that are packed each by itself, so that reading can begin anywhere.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

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
        Ok(Packed(Arc::new(Inner { file, frames, length, streamed: false, failed: None })))
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

/// Reads packed bytes.
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
