//! Text that PowerShell's `>` wrote: UTF-16 with a byte order mark.

use std::io::{self, BufRead, BufReader, Read};

/// `reader` as UTF-8, whichever of the two it holds.
pub(crate) fn decoded(mut reader: Box<dyn BufRead + Send>) -> Box<dyn BufRead + Send> {
    let order = match reader.fill_buf() {
        Ok([0xFF, 0xFE, ..]) => Order::Little,
        Ok([0xFE, 0xFF, ..]) => Order::Big,
        _ => return reader,
    };
    Box::new(BufReader::with_capacity(BUFFER, Utf16 { reader, order, block: Vec::new(), out: Vec::new(), at: 0 }))
}

/// Bytes of UTF-8 that are read at once.
const BUFFER: usize = 256 * 1024;

/// Bytes of UTF-16 that are decoded at once.
const BLOCK: u64 = 64 * 1024;

/// Which byte of a unit comes first.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

struct Utf16 {
    reader: Box<dyn BufRead + Send>,
    order: Order,
    block: Vec<u8>,
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
        self.block.clear();
        (&mut self.reader).take(BLOCK).read_to_end(&mut self.block)?;
        // A pair that the block cuts in two is completed.
        let length = self.block.len();
        if length >= 2 && length.is_multiple_of(2) && is_high(self.order.unit(&self.block[length - 2..])) {
            (&mut self.reader).take(2).read_to_end(&mut self.block)?;
        }
        match self.order {
            Order::Little => decode(&self.block, u16::from_le_bytes, &mut self.out),
            Order::Big => decode(&self.block, u16::from_be_bytes, &mut self.out),
        }
        Ok(!self.block.is_empty())
    }
}

impl Order {
    fn unit(self, pair: &[u8]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        }
    }
}

fn is_high(unit: u16) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

/// Appends the text as UTF-8, byte order marks left out. Most of it is ASCII, which is told of many units at once.
#[inline(always)]
fn decode(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
    const AT_ONCE: usize = 32;
    let unit_at = |at: usize| bytes.get(at..at + 2).map(|pair| unit([pair[0], pair[1]]));
    let mut at = 0;
    loop {
        while let Some(block) = bytes.get(at..at + 2 * AT_ONCE) {
            let (mut low, mut all) = ([0; AT_ONCE], 0);
            for (low, pair) in low.iter_mut().zip(block.chunks_exact(2)) {
                let unit = unit([pair[0], pair[1]]);
                *low = unit.to_le_bytes()[0];
                all |= unit;
            }
            if all >= 0x80 {
                break;
            }
            out.extend_from_slice(&low);
            at += 2 * AT_ONCE;
        }
        // So many one by one, and then at once again.
        for _ in 0..AT_ONCE {
            let Some(first) = unit_at(at) else { return };
            at += 2;
            let second = if is_high(first) { unit_at(at).filter(|s| (0xDC00..0xE000).contains(s)) } else { None };
            at += if second.is_some() { 2 } else { 0 };
            let code = match second {
                Some(second) => 0x10000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(second) - 0xDC00),
                None => u32::from(first),
            };
            // Half a pair has no character.
            let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            if c != '\u{feff}' {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_library_decodes(units in proptest::collection::vec(prop_oneof![
            8 => 0x20u16..0x7f, 1 => any::<u16>(), 1 => 0xD7F0u16..0xE010, 1 => Just(0xFEFF)], 0..300)) {
            let expected: String = char::decode_utf16(units.iter().copied())
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .filter(|c| *c != '\u{feff}')
                .collect();
            for big in [false, true] {
                let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
                let text: Vec<u8> = [0xFEFF].iter().chain(&units).flat_map(|u| bytes(*u)).collect();
                let mut out = String::new();
                decoded(Box::new(io::Cursor::new(text))).read_to_string(&mut out).unwrap();
                prop_assert_eq!(&out, &expected);
            }
        }
    }
}
