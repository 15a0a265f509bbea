//! Texts as JSON strings.

use super::plain;

/// How each byte is written: as it stands (0), behind a backslash with that letter, or by its number (`u`).
const LETTERS: [u8; 256] = {
    let mut all = [0; 256];
    let mut at = 0;
    while at < 0x20 {
        all[at] = b'u';
        at += 1;
    }
    all[0x08] = b'b';
    all[0x09] = b't';
    all[0x0A] = b'n';
    all[0x0C] = b'f';
    all[0x0D] = b'r';
    all[b'"' as usize] = b'"';
    all[b'\\' as usize] = b'\\';
    all
};

/// Appends a text as a JSON string, with as few escapes as there can be.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Most texts grow by a few backslashes.
    out.reserve(text.len() + text.len() / 8 + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        // Between the separators of a path stand a few letters.
        let near = rest.iter().take(8).position(|b| LETTERS[usize::from(*b)] != 0);
        let end = near.unwrap_or_else(|| plain(rest));
        let (as_it_is, behind) = rest.split_at(end);
        out.extend_from_slice(as_it_is);
        let Some((byte, behind)) = behind.split_first() else { break };
        match LETTERS[usize::from(*byte)] {
            b'u' => out.extend([b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
            letter => out.extend([b'\\', letter]),
        }
        rest = behind;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        quote(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character() {
        let all: String = (0..0x180).filter_map(char::from_u32).collect();
        for text in [all.as_str(), "", "C:\\Windows\\\"x\"", "é\u{2028}😀\u{7f}"] {
            assert_eq!(quoted(text), serde_json::to_string(text).unwrap());
        }
    }

    proptest! {
        #[test]
        fn as_the_library_writes_them(text in "[a-z\\\\\"\u{0}-\u{20}é😀]{0,60}") {
            prop_assert_eq!(quoted(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
