//! From a value as it stands to the text that it means.

use super::record::Raw;
use crate::Value;
use std::borrow::Cow;
use std::cell::Cell;

/// The fields that the kernel and libaudit write quoted or, where a byte would not fit there, in hex. Only for them is a
/// bare value hex: `a2=622032` of an EXECVE record is `b 2`, `ino=622032` is a number.
fn encoded(name: &[u8]) -> bool {
    matches!(
        name,
        b"exe"
            | b"comm"
            | b"cwd"
            | b"name"
            | b"path"
            | b"proctitle"
            | b"cmd"
            | b"acct"
            | b"key"
            | b"dir"
            | b"file"
            | b"ocomm"
            | b"watch"
            | b"data"
            | b"vm"
            | b"device"
            | b"grp"
            | b"new_group"
            | b"sw"
            | b"root_dir"
            | b"old-disk"
            | b"new-disk"
            | b"old-fs"
            | b"new-fs"
            | b"old-chardev"
            | b"new-chardev"
            | b"old-rng"
            | b"new-rng"
            | b"invalid_context"
            | b"cgroup"
            | b"profile"
            | b"uid_name"
            | b"id_name"
    )
}

/// Decodes values and counts what had to be replaced on the way.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    lossy: Cell<u64>,
}

impl Decoder {
    /// How many values were no valid UTF-8, and forgets it.
    pub(super) fn take_lossy(&self) -> u64 {
        self.lossy.take()
    }

    /// Text; invalid UTF-8 is replaced by U+FFFD and counted.
    pub(super) fn utf8<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, Cow::Owned(_)) {
            self.lossy.set(self.lossy.get() + 1);
        }
        text
    }

    /// The value of a field called `name`.
    pub(super) fn value<'a>(&self, name: &[u8], raw: Raw<'a>) -> Value<'a> {
        match raw {
            Raw::Bare(b"(null)" | b"?" | b"") => Value::Missing,
            Raw::Bare(bytes) if encoded(name) && looks_hex(bytes) => {
                let mut decoded = Vec::with_capacity(bytes.len() / 2);
                unhex(bytes, &mut decoded);
                // The arguments in a process title and the keys of several rules stand one after the other.
                if name.eq_ignore_ascii_case(b"proctitle") {
                    replace(&mut decoded, 0, b' ');
                } else if name.eq_ignore_ascii_case(b"key") {
                    replace(&mut decoded, 1, b',');
                }
                match String::from_utf8(decoded) {
                    Ok(text) => Value::Text(Cow::Owned(text)),
                    Err(e) => Value::Text(Cow::Owned(self.utf8(e.as_bytes()).into_owned())),
                }
            }
            raw => Value::Text(self.utf8(raw.bytes())),
        }
    }

    /// The text of a field called `name`; `None` where it is missing.
    pub(super) fn text<'a>(&self, name: &[u8], raw: Raw<'a>) -> Option<Cow<'a, str>> {
        match self.value(name, raw) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as the record has it: quotes off, hex as it is.
    pub(super) fn as_written<'a>(&self, raw: Raw<'a>) -> Value<'a> {
        match raw {
            Raw::Bare(b"(null)") => Value::Missing,
            raw => Value::Text(self.utf8(raw.bytes())),
        }
    }
}

fn replace(bytes: &mut [u8], from: u8, to: u8) {
    bytes.iter_mut().filter(|b| **b == from).for_each(|b| *b = to);
}

/// The bytes of a string field (quoted literal or hex) appended to `out`.
pub(super) fn append(raw: Raw<'_>, out: &mut Vec<u8>) {
    match raw {
        Raw::Bare(b"(null)") => {}
        Raw::Bare(bytes) if looks_hex(bytes) => unhex(bytes, out),
        raw => out.extend_from_slice(raw.bytes()),
    }
}

/// Whether `bytes` can be an encoded string: the kernel and libaudit write upper-case hex, two digits a byte.
pub(super) fn looks_hex(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.len().is_multiple_of(2) && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

/// Decodes hex; a digit that is none counts as 0, so callers look first.
pub(super) fn unhex(hex: &[u8], out: &mut Vec<u8>) {
    let nibble = |b: u8| match b {
        b'0'..=b'9' => b - b'0',
        b'A'..=b'F' => b - b'A' + 10,
        b'a'..=b'f' => b - b'a' + 10,
        _ => 0,
    };
    out.extend(hex.chunks_exact(2).map(|p| nibble(p[0]) << 4 | nibble(p[1])));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, raw: Raw<'_>) -> Option<String> {
        match Decoder::default().value(name.as_bytes(), raw) {
            Value::Text(t) => Some(t.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn quoted_is_literal_and_bare_is_hex_only_where_strings_are() {
        assert_eq!(text("comm", Raw::Quoted(b"622032")).as_deref(), Some("622032"));
        assert_eq!(text("comm", Raw::Bare(b"622032")).as_deref(), Some("b 2"));
        assert_eq!(text("inode", Raw::Bare(b"622032")).as_deref(), Some("622032"));
        assert_eq!(text("key", Raw::Bare(b"(null)")), None);
        assert_eq!(text("key", Raw::Bare(b"6101620163")).as_deref(), Some("a,b,c"));
        assert_eq!(text("proctitle", Raw::Bare(b"6C73002D6C")).as_deref(), Some("ls -l"));
        assert_eq!(text("cmd", Raw::Bare(b"abc")).as_deref(), Some("abc"));
    }

    #[test]
    fn invalid_utf8_is_replaced_and_counted() {
        let d = Decoder::default();
        assert_eq!(d.value(b"comm", Raw::Bare(b"FFFE")), Value::Text("\u{fffd}\u{fffd}".into()));
        assert_eq!(d.take_lossy(), 1);
        assert_eq!(d.take_lossy(), 0);
    }
}
