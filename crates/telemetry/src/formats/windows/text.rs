//! Escapes of XML and JSON, resolved; and the other way.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as text; what is no UTF-8 is replaced. Nearly all is, and to check that is much faster than to replace.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // A sample's last character may be cut.
        Err(e) => {
            let (text, rest) = bytes.split_at(e.valid_up_to());
            String::from_utf8_lossy(text) + String::from_utf8_lossy(rest)
        }
    }
}

/// XML character data with its entities resolved, and how many of them were broken.
///
/// A known entity that lost its `;` (Sysmon for Linux in some syslog relays) is resolved and counted; anything else
/// that is not an entity stands as it is and is counted.
pub(crate) fn unescape_xml(text: &str) -> (Cow<'_, str>, u32) {
    let Some(first) = memchr::memchr(b'&', text.as_bytes()) else { return (Cow::Borrowed(text), 0) };
    let mut out = String::with_capacity(text.len());
    let mut broken = 0;
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    loop {
        // `rest` begins with '&'.
        match entity(rest) {
            Some((c, len, whole)) => {
                out.push(c);
                broken += u32::from(!whole);
                rest = &rest[len..];
            }
            None => {
                out.push('&');
                broken += 1;
                rest = &rest[1..];
            }
        }
        match memchr::memchr(b'&', rest.as_bytes()) {
            Some(i) => {
                out.push_str(&rest[..i]);
                rest = &rest[i..];
            }
            None => {
                out.push_str(rest);
                return (Cow::Owned(out), broken);
            }
        }
    }
}

/// The entity at the beginning of `text`: its character, its length, and whether its `;` was there.
fn entity(text: &str) -> Option<(char, usize, bool)> {
    for (name, c) in [("&lt", '<'), ("&gt", '>'), ("&amp", '&'), ("&quot", '"'), ("&apos", '\'')] {
        if text.starts_with(name) {
            let whole = text.as_bytes().get(name.len()) == Some(&b';');
            return Some((c, name.len() + usize::from(whole), whole));
        }
    }
    let digits = text.strip_prefix("&#")?;
    let (radix, digits, prefix) = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => (16, hex, 3),
        None => (10, digits, 2),
    };
    let len = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
    if len == 0 || len > 8 {
        return None;
    }
    let code = u32::from_str_radix(&digits[..len], radix).ok()?;
    let whole = digits.as_bytes().get(len) == Some(&b';');
    // Windows writes lone surrogates and control characters this way; they have no character.
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((c, prefix + len + usize::from(whole), whole))
}

/// `text` for XML character data.
pub(crate) fn escape_xml(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
}

/// The text of a JSON string, its quotes included.
pub(crate) fn unescape_json(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else { return Cow::Borrowed(inner) };
    let mut out = String::with_capacity(inner.len());
    out.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    loop {
        let (c, len) = json_escape(rest);
        if let Some(c) = c {
            out.push(c);
        }
        rest = rest.get(len..).unwrap_or("");
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(i) => {
                out.push_str(&rest[..i]);
                rest = &rest[i..];
            }
            None => {
                out.push_str(rest);
                return Cow::Owned(out);
            }
        }
    }
}

/// The escape at the beginning of `text`, a backslash: its character and its length.
fn json_escape(text: &str) -> (Option<char>, usize) {
    let plain = |c| (Some(c), 2);
    match text.as_bytes().get(1) {
        Some(b'n') => plain('\n'),
        Some(b'r') => plain('\r'),
        Some(b't') => plain('\t'),
        Some(b'b') => plain('\u{8}'),
        Some(b'f') => plain('\u{c}'),
        Some(b'u') => unicode_escape(text),
        Some(c) if c.is_ascii() => plain(char::from(*c)),
        _ => (Some('\\'), 1),
    }
}

fn unicode_escape(text: &str) -> (Option<char>, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(0) else { return (Some(char::REPLACEMENT_CHARACTER), 2) };
    if (0xD800..0xDC00).contains(&first)
        && let Some(second) = unit(6)
        && (0xDC00..0xE000).contains(&second)
    {
        return (char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 12);
    }
    (Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)), 6)
}

/// `text` as a JSON string.
pub(crate) fn escape_json(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < b' ' || b == b'"' || b == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            c => {
                let _ = write!(out, "\\u{c:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_entities() {
        let whole = |s| unescape_xml(s);
        assert_eq!(whole("a &lt;b&gt; &amp;amp; &quot;&apos; &#65;&#x42;"), ("a <b> &amp; \"' AB".into(), 0));
        assert_eq!(whole("plain"), ("plain".into(), 0));
        assert_eq!(whole("2&gt1 &amp& x"), ("2>1 && x".into(), 3));
        assert_eq!(whole("&#xD800; &#99999999;"), ("\u{fffd} \u{fffd}".into(), 0));
        assert_eq!(whole("&nbsp;&#;&#x;&"), ("&nbsp;&#;&#x;&".into(), 4));
    }

    #[test]
    fn json_escapes() {
        assert_eq!(unescape_json(r#""C:\\a\t\"b\" \u0041\uD83D\uDE00\/""#), "C:\\a\t\"b\" A\u{1f600}/");
        assert_eq!(unescape_json(r#""plain""#), "plain");
        assert_eq!(unescape_json(r#""\uD83D x \u12""#), "\u{fffd} x \u{fffd}12");
        let mut out = String::new();
        escape_json(&mut out, "a\"\\\n\u{1}ü");
        assert_eq!(out, "\"a\\\"\\\\\\n\\u0001ü\"");
        assert_eq!(unescape_json(&out), "a\"\\\n\u{1}ü");
    }
}
