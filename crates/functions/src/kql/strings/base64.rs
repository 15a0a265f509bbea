//! Base64 with padding.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(w: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let v = (0..3).fold(0u32, |v, i| v << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            w.push(if i <= chunk.len() { char::from(DIGITS[(v >> (18 - 6 * i) & 63) as usize]) } else { '=' });
        }
    }
}

/// The bytes; `None` where a character is no digit or padding is missing (measured: it is needed).
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 2 {
        return None;
    }
    let digits = &text[..text.len() - padding];
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0);
    for b in digits {
        bits = bits << 6 | u32::from(digit(*b)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

fn digit(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}
