//! One file or stream, opened and decompressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How an input is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, several members allowed.
    Gzip,
    /// Zstandard, several frames allowed.
    Zstd,
}

/// Where bytes come from. Cheap to copy; nothing is open until [`Input::open`].
#[derive(Clone, Debug)]
pub struct Input {
    /// The file, or `None` for standard input.
    pub path: Option<PathBuf>,
    /// How it is packed.
    pub compression: Compression,
}

impl Input {
    /// The name to show.
    pub fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| "<stdin>".to_owned(), |p| p.display().to_string())
    }

    /// The file's path where its bytes can be read in place: a plain file, not packed.
    pub fn plain_path(&self) -> Option<&Path> {
        (self.compression == Compression::None).then_some(self.path.as_deref()).flatten()
    }

    /// Opens it for reading from the beginning, decompressing.
    pub fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        let raw: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        const BUFFER: usize = 256 * 1024;
        Ok(match self.compression {
            Compression::None => Box::new(BufReader::with_capacity(BUFFER, raw)),
            Compression::Gzip => Box::new(BufReader::with_capacity(BUFFER, flate2::read::MultiGzDecoder::new(raw))),
            Compression::Zstd => Box::new(BufReader::with_capacity(BUFFER, zstd::stream::read::Decoder::new(raw)?)),
        })
    }
}
