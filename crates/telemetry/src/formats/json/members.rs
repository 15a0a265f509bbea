//! The members of a JSON object, found in one pass without allocating: the way in which events are written.
//!
//! What is taken here is JSON to the letter. Anything else ([`Unusual`]: damage, escapes in names, deep nesting) is for
//! a parser that knows more and says what is wrong.

/// Something that is not taken here; it need not be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual;

/// Goes through the members of the object at the beginning of a text.
#[derive(Debug)]
pub struct Members<'a> {
    text: &'a str,
    at: usize,
    first: bool,
}

/// Deeper than this is unusual.
const DEEPEST: u32 = 32;

impl<'a> Members<'a> {
    /// The members of the object with which a text begins.
    pub fn new(text: &'a str) -> Result<Self, Unusual> {
        match text.as_bytes().first() {
            Some(b'{') => Ok(Members { text, at: 1, first: true }),
            _ => Err(Unusual),
        }
    }

    /// What stands behind the object, once all its members were seen.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next name, without its quotes, and its value as it stands; `None` at the end of the object.
    #[allow(clippy::should_implement_trait, reason = "the end and what is unusual are told apart by the caller")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, Unusual> {
        let mut scan = Scan { bytes: self.text.as_bytes(), at: self.at };
        scan.blanks();
        match scan.peek() {
            Some(b'}') => {
                self.at = scan.at + 1;
                return Ok(None);
            }
            Some(b',') if !self.first => {
                scan.at += 1;
                scan.blanks();
            }
            _ if self.first => {}
            _ => return Err(Unusual),
        }
        let name = scan.at + 1;
        if scan.string()? {
            return Err(Unusual);
        }
        let name_end = scan.at - 1;
        scan.blanks();
        scan.eat(b':')?;
        scan.blanks();
        let value = scan.at;
        scan.value(0)?;
        self.at = scan.at;
        self.first = false;
        match (self.text.get(name..name_end), self.text.get(value..scan.at)) {
            (Some(name), Some(value)) => Ok(Some((name, value))),
            _ => Err(Unusual),
        }
    }
}

/// Goes through JSON byte by byte.
pub(super) struct Scan<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Scan { bytes, at: 0 }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Result<(), Unusual> {
        if self.peek() != Some(byte) {
            return Err(Unusual);
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn value(&mut self, depth: u32) -> Result<(), Unusual> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'{') => self.container(b'}', depth),
            Some(b'[') => self.container(b']', depth),
            _ => Err(Unusual),
        }
    }

    fn container(&mut self, close: u8, depth: u32) -> Result<(), Unusual> {
        if depth >= DEEPEST {
            return Err(Unusual);
        }
        self.at += 1;
        self.blanks();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if close == b'}' {
                self.string()?;
                self.blanks();
                self.eat(b':')?;
                self.blanks();
            }
            self.value(depth + 1)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b) if b == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Unusual),
            }
            self.blanks();
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Unusual> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Unusual);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Unusual> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(Unusual) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Unusual> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Passes over a string; whether there are escapes in it.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Unusual> {
        self.eat(b'"')?;
        let mut escapes = false;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escapes);
                }
                Some(b'\\') => {
                    escapes = true;
                    self.escape()?;
                }
                _ => return Err(Unusual),
            }
        }
    }

    pub(super) fn escape(&mut self) -> Result<(), Unusual> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let hex = self.bytes.get(self.at + 2..self.at + 6).ok_or(Unusual)?;
                if !hex.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Unusual);
                }
                self.at += 6;
            }
            _ => return Err(Unusual),
        }
        Ok(())
    }
}

/// How many bytes stand before the first quote, backslash or control character, eight at a time.
#[inline]
pub fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..at + 8).and_then(|b| <[u8; 8]>::try_from(b).ok()) {
        let x = u64::from_le_bytes(eight);
        let (quote, escape) = (x ^ (ONES * 0x22), x ^ (ONES * 0x5C));
        // A byte's high bit is set where the byte is zero, or below 0x20; above the first such byte it may be wrong.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (escape.wrapping_sub(ONES) & !escape)
            | (x.wrapping_sub(ONES * 0x20) & !x);
        if found & HIGH != 0 {
            return at + (found & HIGH).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(bytes.len() - at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The members, and what follows the object.
    type All<'t> = (Vec<(&'t str, &'t str)>, &'t str);

    fn all(text: &str) -> Result<All<'_>, Unusual> {
        let mut members = Members::new(text)?;
        let mut out = Vec::new();
        while let Some(member) = members.next()? {
            out.push(member);
        }
        Ok((out, members.rest()))
    }

    #[test]
    fn members_as_they_stand() {
        assert_eq!(
            all(r#"{ "a" :1,"b":"x\"}y" , "c":{"d":[1,{}]},"é":null,"":-0.5e+3} ,"#),
            Ok((vec![("a", "1"), ("b", r#""x\"}y""#), ("c", r#"{"d":[1,{}]}"#), ("é", "null"), ("", "-0.5e+3")], " ,"))
        );
        assert_eq!(all("{}x"), Ok((vec![], "x")));
    }

    #[test]
    fn what_is_no_json_to_the_letter_is_left_to_others() {
        let long = "x".repeat(20);
        for text in [
            "",
            "[1]",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":tru}"#,
            r#"{"a":[1,]}"#,
            r#"{"\u0061":1}"#,
            &format!("{{\"a\":\"{long}"),
            &format!("{{\"a\":\"{long}\u{1}{long}\"}}"),
        ] {
            assert_eq!(all(text), Err(Unusual), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_what_the_parser_finds(text in "\\{(\"[a-zé]{0,3}\" ?: ?(\"[a-z\\\\\"é]{0,12}\"|-?[0-9.e]{1,4}|null|true|\\[[0-9, ]{0,3}\\]|\\{\\})[, ]{0,2}){0,4}\\}?[ x]{0,2}") {
            if let Ok((members, _)) = all(&text) {
                let found: Vec<_> = sonic_rs::to_object_iter(text.as_str()).map(|e| e.unwrap()).collect();
                prop_assert_eq!(members.len(), found.len());
                for ((name, raw), (n, v)) in members.iter().zip(&found) {
                    prop_assert_eq!(*name, &**n);
                    prop_assert_eq!(*raw, v.as_raw_str());
                }
                prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(text.trim_end_matches([' ', 'x'])).is_ok());
            }
        }

        #[test]
        fn plain_text_ends_where_it_ends(text in "[a-zé\"\\\\\u{1} ]{0,40}") {
            let expected = text.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(text.len());
            prop_assert_eq!(plain(text.as_bytes()), expected);
        }
    }
}
