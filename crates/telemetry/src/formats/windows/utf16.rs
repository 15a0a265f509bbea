//! Text that PowerShell's `>` wrote: UTF-16 with a byte order mark.

use std::io::{self, BufRead, BufReader, Read};

/// `reader` as UTF-8, whichever of the two it holds.
pub(crate) fn decoded(mut reader: Box<dyn BufRead + Send>) -> Box<dyn BufRead + Send> {
    let mark = match reader.fill_buf() {
        Ok([0xFF, 0xFE, ..]) => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        Ok([0xFE, 0xFF, ..]) => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
        _ => None,
    };
    match mark {
        Some(unit) => Box::new(BufReader::with_capacity(64 * 1024, Utf16 { reader, unit, out: Vec::new(), at: 0 })),
        None => reader,
    }
}

struct Utf16 {
    reader: Box<dyn BufRead + Send>,
    unit: fn([u8; 2]) -> u16,
    out: Vec<u8>,
    at: usize,
}

impl Utf16 {
    /// Decodes some more: whole characters, as far as the input goes.
    fn fill(&mut self) -> io::Result<()> {
        // A block of nothing but the mark is no end of input.
        while self.block()? && self.out.is_empty() {}
        Ok(())
    }

    /// Decodes a block; whether there was one.
    fn block(&mut self) -> io::Result<bool> {
        self.out.clear();
        self.at = 0;
        let mut bytes = Vec::with_capacity(16 * 1024 + 2);
        (&mut self.reader).take(16 * 1024).read_to_end(&mut bytes)?;
        // A pair that the block cuts in two is completed.
        let high = |pair: &[u8]| (0xD800..0xDC00).contains(&(self.unit)([pair[0], pair[1]]));
        if bytes.len() >= 2 && bytes.len() % 2 == 0 && high(&bytes[bytes.len() - 2..]) {
            (&mut self.reader).take(2).read_to_end(&mut bytes)?;
        }
        let units = bytes.chunks_exact(2).map(|pair| (self.unit)([pair[0], pair[1]]));
        let mut buffer = [0; 4];
        for c in char::decode_utf16(units) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            if c != '\u{feff}' {
                self.out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
        }
        Ok(!bytes.is_empty())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() {
            self.fill()?;
        }
        let n = buffer.len().min(self.out.len() - self.at);
        buffer[..n].copy_from_slice(&self.out[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
