//! Encodings: base64, percent, hexadecimal.

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    // Input that is no base64 comes back unaltered (documented).
    f.text("base64decode(string, string?) dynamic", |r, out| {
        let text = r.text(0)?;
        match base64(text) {
            Some(bytes) => out.push_str(&decoded(&bytes, r.text(1).unwrap_or("UTF-8"))),
            None => out.push_str(text),
        }
        Some(())
    });
    f.text("base64encode(string) dynamic", |r, out| {
        encode(r.text(0)?.as_bytes(), out);
        Some(())
    });
    f.text("urlencode(string) dynamic", |r, out| {
        for byte in r.text(0)?.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(byte as char),
                b' ' => out.push('+'),
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
        Some(())
    });
    f.text("urldecode(string) dynamic", |r, out| {
        let mut bytes = Vec::new();
        let text = r.text(0)?.as_bytes();
        let mut at = 0;
        while at < text.len() {
            let hex = text.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
            match (text[at], hex) {
                (b'%', Some(byte)) => {
                    bytes.push(byte);
                    at += 3;
                    continue;
                }
                (b'+', _) => bytes.push(b' '),
                (byte, _) => bytes.push(byte),
            }
            at += 1;
        }
        out.push_str(&String::from_utf8_lossy(&bytes));
        Some(())
    });
    f.text("hextoascii(string) dynamic", |r, out| {
        let text = r.text(0)?;
        let text = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        for pair in text.chunks_exact(2) {
            out.push(char::from(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?));
        }
        Some(())
    });
    // Two's complement of 64 bits (documented).
    f.long("hextodec(string) long", |r| hex(r.text(0)?));
    f.long("parsehex(string) long", |r| hex(r.text(0)?));
    f.text("dectohex(long) dynamic", |r, out| {
        out.push_str(&format!("{:X}", r.long(0)?));
        Some(())
    });
}

fn hex(text: &str) -> Option<i64> {
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    u64::from_str_radix(text, 16).ok().map(u64::cast_signed)
}

fn decoded(bytes: &[u8], encoding: &str) -> String {
    let units = |swap: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|p| swap([p[0], p[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match encoding.to_ascii_uppercase().as_str() {
        "UTF-16LE" => units(u16::from_le_bytes),
        "UTF-16BE" | "UTF-16" => units(u16::from_be_bytes),
        "ISO-8859-1" => bytes.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let clean: Vec<u8> = text.trim().bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let body = clean.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1);
    if clean.len() - body > 2 || body % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(body * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in &clean[..body] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            #[allow(clippy::cast_possible_truncation)]
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn encode(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) & 63;
            out.push(if place > chunk.len() { '=' } else { ALPHABET[six as usize] as char });
        }
    }
}
