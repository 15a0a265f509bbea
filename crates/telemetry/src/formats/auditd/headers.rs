//! Headers of lines that follow each other.

use super::record::{Header, header, space};

/// Headers of lines one after the other: most repeat the one before but for the type.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// A line's beginning up to its type's name, where that is `type=` or `node=… type=`; else empty.
    before: Vec<u8>,
    /// ` msg=audit(…):`
    stamp: Vec<u8>,
    time: i64,
    serial: u64,
}

impl Headers {
    /// As [`header`].
    pub(super) fn read<'l>(&mut self, line: &'l [u8]) -> Option<Header<'l>> {
        if !self.before.is_empty()
            && let Some(rest) = line.strip_prefix(self.before.as_slice())
            && let Some(length) = space(rest).filter(|length| *length > 0)
            && rest[length..].starts_with(&self.stamp)
        {
            let name_at = self.before.len();
            let body = name_at + length + self.stamp.len();
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
        self.before.clear();
        self.stamp.clear();
        if plain && stamp.starts_with(b" msg=audit(") && stamp.ends_with(b":") {
            self.before.extend_from_slice(&line[..header.name_at]);
            self.stamp.extend_from_slice(stamp);
            (self.time, self.serial) = (header.time, header.serial);
        }
        Some(header)
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
