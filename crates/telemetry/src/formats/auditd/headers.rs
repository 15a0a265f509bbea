//! Headers of lines that follow each other.

use super::prefix::Prefix;
use super::record::{Header, header, space, stamped};

/// Headers of lines one after the other: most repeat the one before but for the type.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// A line's beginning up to its type's name, where that is `type=` or `node=… type=`; else empty.
    before: Prefix,
    /// ` msg=audit(…):`
    stamp: Prefix,
    time: i64,
    serial: u64,
}

impl Headers {
    /// As [`header`].
    pub(super) fn read<'l>(&mut self, line: &'l [u8]) -> Option<Header<'l>> {
        if let Some(rest) = self.before.strip(line)
            && let Some(length) = space(rest).filter(|length| *length > 0)
            && self.is_stamped(&rest[length..])
        {
            let name_at = self.before.bytes().len();
            let body = name_at + length + self.stamp.bytes().len();
            return Some(Header {
                // Between `node=` and ` type=`.
                node: line.get("node=".len()..name_at.saturating_sub(" type=".len())).unwrap_or_default(),
                name: &rest[..length],
                name_at,
                stamp: &line[name_at + length + " msg=".len()..body - 1],
                time: self.time,
                serial: self.serial,
                body,
            });
        }
        let header = header(line)?;
        let stamp = &line[header.name_at + header.name.len()..header.body];
        let prefix = if header.node.is_empty() { 0 } else { "node=".len() + header.node.len() + 1 };
        let plain = header.name_at == prefix + "type=".len();
        self.before.set(b"");
        if plain && stamp.starts_with(b" msg=audit(") && stamp.ends_with(b":") {
            self.before.set(&line[..header.name_at]);
            self.stamp.set(stamp);
            (self.time, self.serial) = (header.time, header.serial);
        }
        Some(header)
    }

    /// Whether a text begins with the stamp, or with another one that has as many digits.
    #[inline]
    fn is_stamped(&mut self, text: &[u8]) -> bool {
        if self.stamp.strip(text).is_some() {
            return true;
        }
        if self.stamp.strip_like(text).is_none() {
            return false;
        }
        match stamped(self.stamp.bytes()) {
            Some((time, serial)) => {
                (self.time, self.serial) = (time, serial);
                true
            }
            // The one before is not there any more.
            None => {
                self.before.set(b"");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn headers_repeat(
            lines in proptest::collection::vec(
                ("(node=[ab\t ]{0,2} ?)?", "(x )?", "(type=)?", "([A-Z0-9]{1,5}| )?", " ?", "(msg=)?", "audit[(][0-9]{0,2}[.:]?[0-9]{0,2}:[12][)]:?", " ?x=1"),
                1..40,
            ),
            times in 1usize..4,
        ) {
            let mut headers = Headers::default();
            for (a, b, c, d, e, f, g, h) in lines {
                // The same but for its type, as in a log.
                for n in 0..times {
                    let line = format!("{a}{b}{c}{d}{}{e}{f}{g}{h}", ["", "PATH", "E"][n]);
                    proptest::prop_assert_eq!(headers.read(line.as_bytes()), header(line.as_bytes()));
                }
            }
        }
    }
}
