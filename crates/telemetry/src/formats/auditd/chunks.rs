//! A log in chunks of whole lines, each read by itself.

use crate::Input;
use crate::input::ReadSeek;
use memchr::memchr;
use std::io::{self, SeekFrom};

/// The bytes of a chunk: it stays near to the processor while it is searched.
pub(super) const CHUNK: u64 = 256 << 10;

/// Of a store's inputs a chunk is so many times as large, four frames: of the one behind it the first line is needed.
const PACKED: u64 = 16;

/// How many bytes are read beyond a chunk at once, for the rest of its last line.
const MORE: usize = 4 << 10;

/// A log with a longer line is read from there on line by line.
const LONGEST: usize = 1 << 20;

/// The lines behind the line ends of some bytes of a file; also the first line where the bytes are the file's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) file: u32,
    pub(super) from: u64,
    /// The last chunk of a file has no end.
    pub(super) to: u64,
}

/// How a file is cut up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    length: u64,
    size: u64,
}

impl Cut {
    /// `None` where it can only be read from its beginning.
    pub(super) fn of(input: &Input, size: u64) -> io::Result<Option<Self>> {
        if input.part().is_some() {
            return Ok(None);
        }
        let size = if input.plain_path().is_some() { size } else { size * PACKED };
        Ok(input.open_anywhere()?.map(|(_, length)| Cut { length, size }))
    }

    /// The chunk from that byte on. A file that is still written to is read to its end.
    pub(super) fn chunk(&self, file: u32, from: u64) -> Chunk {
        let to = from.saturating_add(self.size);
        Chunk { file, from, to: if to >= self.length { u64::MAX } else { to } }
    }
}

/// Reads chunks.
pub(super) struct Chunks<'i> {
    inputs: &'i [Input],
    open: Option<(u32, Box<dyn ReadSeek>)>,
}

impl<'i> Chunks<'i> {
    pub(super) fn new(inputs: &'i [Input]) -> Self {
        Chunks { inputs, open: None }
    }

    /// The lines of a chunk, and where the first of them begins. `None` where one of them is too long.
    pub(super) fn lines(&mut self, chunk: Chunk, text: &mut Text) -> io::Result<Option<u64>> {
        let size = usize::try_from(chunk.to.saturating_sub(chunk.from)).unwrap_or(usize::MAX);
        let file = self.file(chunk.file)?;
        file.seek(SeekFrom::Start(chunk.from))?;
        text.clear();
        let mut more = text.read(file, size.saturating_add(MORE))?;
        let end = loop {
            let read = text.lines();
            let beyond = size.min(read.len());
            if let Some(end) = memchr(b'\n', &read[beyond..]) {
                break beyond + end + 1;
            }
            if !more {
                break read.len();
            }
            if read.len() - beyond > LONGEST {
                return Ok(None);
            }
            more = text.read(file, LONGEST / 4)?;
        };
        let begin = if chunk.from == 0 { Some(0) } else { memchr(b'\n', text.lines()).map(|at| at + 1) };
        let begin = begin.filter(|begin| *begin <= size).unwrap_or(end).min(end);
        (text.from, text.to) = (begin, end);
        Ok(Some(chunk.from + begin as u64))
    }

    /// These bytes of a file, as many as there are.
    pub(super) fn bytes(&mut self, file: u32, from: u64, length: usize, text: &mut Text) -> io::Result<()> {
        let file = self.file(file)?;
        file.seek(SeekFrom::Start(from))?;
        text.clear();
        text.read(file, length)?;
        Ok(())
    }

    fn file(&mut self, file: u32) -> io::Result<&mut (dyn ReadSeek + 'static)> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != file) {
            let gone = || io::Error::new(io::ErrorKind::Unsupported, "it can only be read from its beginning");
            let input = self.inputs.get(file as usize).ok_or_else(gone)?;
            self.open = Some((file, input.open_anywhere()?.ok_or_else(gone)?.0));
        }
        let open = self.open.as_mut().map(|(_, open)| open.as_mut());
        open.ok_or_else(|| io::Error::other("a file that was just opened"))
    }
}

/// Whole lines, in memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Text {
    pub(super) fn lines(&self) -> &[u8] {
        &self.bytes[self.from..self.to]
    }

    fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    /// Reads so many bytes more; false where there are fewer.
    fn read(&mut self, file: &mut dyn ReadSeek, length: usize) -> io::Result<bool> {
        let end = self.to.saturating_add(length);
        while self.to < end {
            if self.to == self.bytes.len() {
                // Of what has no end a little at a time.
                self.bytes.resize(end.min(self.to + LONGEST + MORE), 0);
            }
            let room = end.min(self.bytes.len());
            match file.read(&mut self.bytes[self.to..room]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.to += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }
}
