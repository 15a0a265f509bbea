//! `parse_xml`: XML as JSON, by the documented rules (those of Newtonsoft's conversion): an attribute is `@name`, the
//! text beside attributes or children `#text`, equal siblings an array, an empty element null.

use crate::kql::json;
use crate::udf::Functions;
use serde_json::{Map, Value};

/// Deeper documents are refused: null.
const DEEPEST: usize = 256;

pub(super) fn register(f: &mut Functions) {
    f.text("parse_xml(string) dynamic", |r, w| {
        json::write_value(w, &document(r.str(0))?);
        Some(())
    });
}

/// Text that is no XML is null (documented).
fn document(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}').trim_start() };
    let mut top = Map::new();
    if let Some(declaration) = reader.rest.strip_prefix("<?xml") {
        let (inside, after) = declaration.split_once("?>")?;
        let mut map = Map::new();
        let mut attributes = Reader { rest: inside };
        while let Some((name, value)) = attributes.attribute()? {
            map.insert(format!("@{name}"), value.into());
        }
        top.insert("?xml".into(), map.into());
        reader.rest = after;
    }
    reader.skip_misc()?;
    let (name, value) = reader.element(0)?;
    top.insert(name, value);
    reader.skip_misc()?;
    reader.rest.is_empty().then(|| Value::from(top))
}

struct Reader<'x> {
    rest: &'x str,
}

impl<'x> Reader<'x> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Comments, instructions and a document type.
    fn skip_misc(&mut self) -> Option<()> {
        loop {
            self.skip_space();
            let end = match self.rest {
                r if r.starts_with("<!--") => "-->",
                r if r.starts_with("<?") => "?>",
                r if r.starts_with("<!DOCTYPE") => ">",
                _ => return Some(()),
            };
            self.rest = self.rest.split_once(end)?.1;
        }
    }

    fn name(&mut self) -> Option<&'x str> {
        let end = self.rest.find(|c: char| c.is_whitespace() || "/>=<'\"".contains(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    /// The next attribute; `Some(None)` where there is none.
    fn attribute(&mut self) -> Option<Option<(&'x str, String)>> {
        self.skip_space();
        if self.rest.is_empty() || self.rest.starts_with(['>', '/', '?']) {
            return Some(None);
        }
        let name = self.name()?;
        self.skip_space();
        self.rest = self.rest.strip_prefix('=')?;
        self.skip_space();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(Some((name, unescape(value)?)))
    }

    fn element(&mut self, depth: usize) -> Option<(String, Value)> {
        if depth > DEEPEST {
            return None;
        }
        self.rest = self.rest.strip_prefix('<')?;
        let name = self.name()?;
        let mut map = Map::new();
        while let Some((key, value)) = self.attribute()? {
            map.insert(format!("@{key}"), value.into());
        }
        if let Some(rest) = self.rest.strip_prefix("/>") {
            self.rest = rest;
            return Some((name.to_owned(), if map.is_empty() { Value::Null } else { map.into() }));
        }
        self.rest = self.rest.strip_prefix('>')?;
        let text = self.content(name, &mut map, depth)?;
        let value = match (map.is_empty(), text) {
            (true, None) => Value::Null,
            (true, Some(text)) => text.into(),
            (false, None) => map.into(),
            (false, Some(text)) => {
                map.insert("#text".into(), text.into());
                map.into()
            }
        };
        Some((name.to_owned(), value))
    }

    /// Children into the map, up to the closing tag; the text between them, unless it is only white space.
    fn content(&mut self, name: &str, map: &mut Map<String, Value>, depth: usize) -> Option<Option<String>> {
        let mut text = String::new();
        loop {
            let at = self.rest.find('<')?;
            text.push_str(&unescape(&self.rest[..at])?);
            self.rest = &self.rest[at..];
            if let Some(rest) = self.rest.strip_prefix("</") {
                self.rest = rest;
                if self.name()? != name {
                    return None;
                }
                self.skip_space();
                self.rest = self.rest.strip_prefix('>')?;
                let blank = text.trim().is_empty();
                return Some((!blank).then_some(text));
            } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                let (plain, rest) = rest.split_once("]]>")?;
                text.push_str(plain);
                self.rest = rest;
            } else if self.rest.starts_with("<!--") || self.rest.starts_with("<?") {
                self.skip_misc_one()?;
            } else {
                let (key, value) = self.element(depth + 1)?;
                add(map, key, value);
            }
        }
    }

    fn skip_misc_one(&mut self) -> Option<()> {
        let end = if self.rest.starts_with("<!--") { "-->" } else { "?>" };
        self.rest = self.rest.split_once(end)?.1;
        Some(())
    }
}

/// Equal siblings become an array.
fn add(map: &mut Map<String, Value>, key: String, value: Value) {
    match map.get_mut(&key) {
        None => {
            map.insert(key, value);
        }
        Some(Value::Array(all)) => all.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        let (name, after) = after.split_once(';')?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
