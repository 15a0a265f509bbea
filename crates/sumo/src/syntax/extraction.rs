//! The operators that take text apart: `parse`, `json`, `keyvalue`, `csv`, `split`, `parse xml`.

use super::codes;
use super::cursor::{Cursor, Result, Token};
use super::numbers::Number;
use super::tree::{At, Json, JsonAuto, KeyValue, Name, OperatorKind, Parse, ParseStyle, Split, Text, Xml};
use parallax_diagnostics::{Diagnostic, Span};

impl Cursor<'_> {
    /// `field=name`, if it stands here.
    fn source(&mut self) -> Result<Option<Name>> {
        let (pos, last) = (self.pos, self.last);
        if self.eat_word("field")? {
            if self.eat("=")? {
                return Ok(Some(self.name()?));
            }
            (self.pos, self.last) = (pos, last);
        }
        Ok(None)
    }

    fn aliases(&mut self) -> Result<Vec<Name>> {
        if self.eat_word("as")? { self.names() } else { Ok(Vec::new()) }
    }

    fn strings(&mut self) -> Result<Vec<Text>> {
        let mut strings = vec![self.string()?];
        while self.eat(",")? {
            self.listed(strings.len())?;
            strings.push(self.string()?);
        }
        Ok(strings)
    }

    pub(super) fn parse_operator(&mut self, extract: bool) -> Result<OperatorKind> {
        let mut source = self.source()?;
        let mut regex = extract;
        let (mut nocase, mut multi, mut nodrop) = (false, false, false);
        loop {
            if self.eat_word("regex")? {
                regex = true;
            } else if self.eat_word("xml")? {
                return self.xml(source);
            } else if self.eat_word("anchor")? {
                regex = false;
            } else if self.eat_word("nocase")? {
                nocase = true;
            } else if self.eat_word("multi")? {
                multi = true;
            } else if self.eat_word("nodrop")? {
                nodrop = true;
            } else {
                break;
            }
            source = source.or(self.source()?);
        }
        let pattern = if regex { self.regex_string()? } else { self.string()? };
        let mut names = Vec::new();
        let mut more = Vec::new();
        loop {
            if names.is_empty() && self.eat_word("as")? {
                names = self.names()?;
            } else if !regex && !names.is_empty() && self.eat(",")? {
                let pattern = self.string()?;
                self.expect_word("as")?;
                let names = self.names()?;
                more.push((pattern, names));
            } else if self.eat_word("nodrop")? {
                nodrop = true;
            } else if self.eat_word("multi")? {
                multi = true;
            } else if self.eat_word("nocase")? {
                nocase = true;
            } else if let Some(name) = self.source()? {
                source = Some(name);
            } else {
                break;
            }
        }
        let style = if regex { ParseStyle::Regex } else { ParseStyle::Anchor };
        Ok(OperatorKind::Parse(Parse { style, pattern, more, source, names, nodrop, multi, nocase }))
    }

    fn xml(&mut self, source: Option<Name>) -> Result<OperatorKind> {
        let source = match source {
            Some(name) => Some(name),
            None => self.source()?,
        };
        let paths = self.strings()?;
        let names = self.aliases()?;
        let nodrop = self.eat_word("nodrop")?;
        check_count(&paths, &names)?;
        Ok(OperatorKind::Xml(Xml { source, paths, names, nodrop }))
    }

    pub(super) fn json(&mut self) -> Result<OperatorKind> {
        let mut json = Json { source: None, auto: None, paths: Vec::new(), names: Vec::new(), nodrop: false };
        loop {
            if self.eat_word("nodrop")? {
                json.nodrop = true;
            } else if self.eat_word("auto")? {
                json.auto = Some(JsonAuto::default());
            } else if json.source.is_none() && self.at_word("field")? {
                json.source = self.source()?;
                if json.source.is_none() {
                    return Err(self.unexpected("a path in double quotes", codes::UNEXPECTED));
                }
            } else if let (Some(auto), Token::Word(word)) = (&mut json.auto, self.peek()?) {
                match word.to_ascii_lowercase().as_str() {
                    "maxdepth" => {
                        self.bump()?;
                        let start = self.here()?;
                        let Token::Number(digits) = self.bump()? else {
                            self.pos = start;
                            return Err(self.unexpected("a number", codes::UNEXPECTED));
                        };
                        auto.max_depth = Some(Number::read(digits, Span::new(start, self.last))?);
                    }
                    "extractarrays" => {
                        self.bump()?;
                        auto.extract_arrays = true;
                    }
                    "refonly" => {
                        self.bump()?;
                        auto.refonly = true;
                    }
                    "keys" => {
                        self.bump()?;
                        auto.keys = self.strings()?;
                    }
                    "as" => json.names = self.aliases()?,
                    _ => return Err(self.unexpected("an option of `json auto`", codes::UNEXPECTED)),
                }
            } else if json.paths.is_empty() && matches!(self.peek()?, Token::Text(_)) {
                json.paths = self.strings()?;
            } else if json.names.is_empty() && self.at_word("as")? {
                json.names = self.aliases()?;
            } else {
                break;
            }
        }
        if json.auto.is_none() && json.paths.is_empty() {
            return Err(self.unexpected("a path in double quotes, or `auto`", codes::UNEXPECTED));
        }
        check_count(&json.paths, &json.names)?;
        Ok(OperatorKind::Json(json))
    }

    pub(super) fn key_value(&mut self) -> Result<OperatorKind> {
        let mut kv = KeyValue {
            source: None,
            auto: false,
            infer: false,
            regex: None,
            delimiters: Vec::new(),
            refonly: false,
            keys: Vec::new(),
            names: Vec::new(),
            nodrop: false,
        };
        loop {
            if self.eat_word("auto")? {
                kv.auto = true;
            } else if self.eat_word("infer")? {
                kv.infer = true;
            } else if self.eat_word("refonly")? {
                kv.refonly = true;
            } else if self.eat_word("nodrop")? {
                kv.nodrop = true;
            } else if self.eat_word("regex")? {
                kv.regex = Some(self.regex_string()?);
            } else if self.eat_word("keys")? || (kv.keys.is_empty() && matches!(self.peek()?, Token::Text(_))) {
                kv.keys = self.strings()?;
            } else if kv.names.is_empty() && self.at_word("as")? {
                kv.names = self.aliases()?;
            } else if kv.source.is_none() && self.at_word("field")? {
                kv.source = self.source()?;
            } else if let Token::Word(word) = self.peek()? {
                let option = word.to_ascii_lowercase();
                if !["delim", "keydelim", "pairdelim"].contains(&option.as_str()) {
                    if !kv.keys.is_empty() {
                        return Err(self.unexpected("an option of `keyvalue`", codes::UNEXPECTED));
                    }
                    // Keys without white space need no quotes (documented).
                    kv.keys = self.names()?.into_iter().map(|n| Text { text: n.text, at: n.at }).collect();
                    continue;
                }
                self.bump()?;
                self.eat("=")?;
                kv.delimiters.push((option, self.string()?));
                self.eat(",")?;
            } else {
                break;
            }
        }
        check_count(&kv.keys, &kv.names)?;
        Ok(OperatorKind::KeyValue(kv))
    }

    pub(super) fn split(&mut self, csv: bool) -> Result<OperatorKind> {
        let mut source = self.source()?;
        let mut options = Vec::new();
        loop {
            if self.eat_word("extract")? {
                break;
            }
            let Token::Word(word) = self.peek()? else {
                return Err(self.unexpected("`extract`", codes::UNEXPECTED));
            };
            let option = word.to_ascii_lowercase();
            if ["delim", "escape", "quote"].contains(&option.as_str()) {
                self.bump()?;
                self.expect("=")?;
                let value =
                    if self.rest().trim_start().starts_with('\'') { self.quoted_char()? } else { self.string()? };
                options.push((option, value));
                self.eat(",")?;
            } else if source.is_none() {
                source = match self.source()? {
                    Some(name) => Some(name),
                    None => Some(self.name()?),
                };
            } else {
                return Err(self.unexpected("`extract`", codes::UNEXPECTED));
            }
        }
        let mut fields = Vec::new();
        let mut position = 1;
        loop {
            if let Token::Number(digits) = self.peek()? {
                let start = self.here()?;
                self.bump()?;
                let span = Span::new(start, self.last);
                position =
                    digits.parse().ok().filter(|n| (1..=10_000).contains(n)).ok_or_else(|| {
                        Diagnostic::error(codes::BAD_NUMBER, span, "a position is a whole number from 1")
                    })?;
                self.expect_word("as")?;
            }
            let name = self.name()?;
            if name.text != "_" {
                fields.push((position, name));
            }
            position += 1;
            if !self.eat(",")? {
                break;
            }
        }
        Ok(OperatorKind::Split(Split { csv, source, options, fields }))
    }

    /// `'x'`: documented for the options of `csv` and `split` alone.
    fn quoted_char(&mut self) -> Result<Text> {
        let start = self.here()?;
        let inner = &self.rest()[1..];
        let mut chars = inner.chars();
        let end = match (chars.next(), chars.next(), chars.next()) {
            // `'\'` is a backslash, `'\''` a quote, `'\t'` a tab; `'''` is a quote (documented).
            (Some('\\'), Some(escaped), Some('\'')) => Some(1 + escaped.len_utf8()),
            (Some(one), Some('\''), _) => Some(one.len_utf8()),
            _ => inner.find('\''),
        };
        match end.filter(|end| inner[*end..].starts_with('\'')) {
            Some(end) => {
                let text = super::text::decode(&inner[..end]).trim_start_matches("\\'").to_owned();
                let text = if &inner[..end] == "\\'" { "'".to_owned() } else { text };
                self.pos += end + 2;
                self.last = self.pos;
                Ok(Text { text, at: At(Span::new(start, self.pos)) })
            }
            None => {
                let span = Span::new(start, start + 1);
                Err(Diagnostic::error(codes::UNTERMINATED, span, "this quote has no end").help("close it with `'`"))
            }
        }
    }
}

/// Aliases, where there are any, are as many as the paths.
fn check_count(paths: &[Text], names: &[Name]) -> Result<()> {
    if names.is_empty() || paths.is_empty() || paths.len() == names.len() {
        return Ok(());
    }
    let span = names[0].at.0.to(names[names.len() - 1].at.0);
    Err(Diagnostic::error(
        codes::CAPTURES,
        span,
        format!("{} keys, but {} fields after `as`", paths.len(), names.len()),
    ))
}
