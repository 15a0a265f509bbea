//! Keys and values in a text: what `parse-kv` reads.
//!
//! `kql_key_values(text, how)` gives an array with the value of each key that `how` asks for, null where the text has none.
//! The first appearance of a key counts, and white space around keys and values does not (documented).

use crate::kql::json;
use crate::udf::{Body, Consts, Functions};
use datafusion::common::Result;
use regex::Regex;
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    f.compiled("key_values(string, dynamic) dynamic", &[1], |c| {
        let how = How::read(c)?;
        Ok(Body::text(move |r, w| {
            let found = how.find(r.str(0));
            json::write_value(w, &Value::from(found));
            Some(())
        }))
    });
}

/// How a text is taken apart.
struct How {
    keys: Vec<String>,
    way: Way,
    quotes: Quotes,
}

enum Way {
    /// Pairs, and a key and its value, are parted by these.
    Delimiters { pair: String, value: String, greedy: bool },
    /// By anything that is neither letter nor digit.
    Words,
    /// A key and its value are two groups.
    Regex(Regex),
}

/// What values and keys may be wrapped in, and what takes a quote its meaning.
struct Quotes {
    pairs: Vec<(char, char)>,
    escapes: Vec<char>,
}

impl How {
    /// `{"keys": […], "pair": ",", "value": ":", "greedy": true, "regex": "…", "quotes": ["()"], "escapes": ["\\"]}`
    fn read(c: &Consts) -> Result<Self> {
        let given = c.text(1).and_then(json::value).unwrap_or_default();
        let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        let texts = |name: &str| -> Vec<String> {
            given[name].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let way = match (given["regex"].as_str(), text("pair"), text("value")) {
            (Some(regex), ..) => Way::Regex(crate::kql::strings::regex(regex)?),
            (None, pair, value) if !pair.is_empty() && !value.is_empty() => {
                Way::Delimiters { pair, value, greedy: given["greedy"].as_bool().unwrap_or(false) }
            }
            _ => Way::Words,
        };
        let pairs = texts("quotes")
            .iter()
            .filter_map(|q| {
                let open = q.chars().next()?;
                Some((open, q.chars().nth(1).unwrap_or(open)))
            })
            .collect();
        let escapes = texts("escapes").iter().filter_map(|e| e.chars().next()).collect();
        Ok(How { keys: texts("keys"), way, quotes: Quotes { pairs, escapes } })
    }

    fn find(&self, text: &str) -> Vec<Value> {
        let mut found = vec![Value::Null; self.keys.len()];
        let mut keep = |key: &str, value: &str| {
            if let Some(at) = self.keys.iter().position(|k| k == key)
                && found[at].is_null()
            {
                found[at] = Value::from(value);
            }
        };
        match &self.way {
            Way::Delimiters { pair, value, greedy } => {
                let mut rest = text;
                while let Some((key, value, after)) = self.quotes.next_pair(rest, pair, value, *greedy) {
                    keep(&key, &value);
                    rest = after;
                }
            }
            Way::Words => {
                let mut rest = text;
                let mut key: Option<String> = None;
                while let Some((word, after)) = self.quotes.next_word(rest) {
                    rest = after;
                    match key.take() {
                        Some(key) => keep(&key, &word),
                        None if self.keys.contains(&word) => key = Some(word),
                        None => {}
                    }
                }
            }
            Way::Regex(regex) => {
                for groups in regex.captures_iter(text) {
                    if let (Some(key), Some(value)) = (groups.get(1), groups.get(2)) {
                        keep(key.as_str().trim(), value.as_str().trim());
                    }
                }
            }
        }
        found
    }
}

impl Quotes {
    /// The text within quotes that begins here, and what is behind them. None where none begins, or none ends.
    fn quoted<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let open = text.chars().next()?;
        let (_, close) = self.pairs.iter().find(|(o, _)| *o == open)?;
        let mut inner = String::new();
        let mut chars = text[open.len_utf8()..].char_indices();
        while let Some((i, c)) = chars.next() {
            if self.escapes.contains(&c)
                && let Some((_, escaped)) = chars.next()
            {
                inner.push(escaped);
            } else if c == *close {
                return Some((inner, &text[open.len_utf8() + i + c.len_utf8()..]));
            } else {
                inner.push(c);
            }
        }
        None
    }

    /// A key, its value, and the text behind them.
    fn next_pair<'t>(
        &self,
        text: &'t str,
        pair: &str,
        delimiter: &str,
        greedy: bool,
    ) -> Option<(String, String, &'t str)> {
        let mut rest = text;
        let (key, rest) = loop {
            rest = behind(rest.trim_start(), pair)?;
            if let Some((key, after)) = self.quoted(rest)
                && let Some(after) = after.trim_start().strip_prefix(delimiter)
            {
                break (key, after);
            }
            // What stands before a delimiter of pairs without one of a value is no pair.
            let at = rest.find(delimiter)?;
            match rest.find(pair) {
                Some(end) if end < at => rest = &rest[end + pair.len()..],
                _ => break (rest[..at].trim().to_owned(), &rest[at + delimiter.len()..]),
            }
        };
        let spaced = pair.starts_with(char::is_whitespace);
        let value = if spaced { rest } else { rest.trim_start() };
        if let Some((value, after)) = self.quoted(value) {
            return Some((key, value, after));
        }
        let end = match greedy {
            true => self.before_next_key(value, pair, delimiter),
            false => value.find(pair).unwrap_or(value.len()),
        };
        Some((key, value[..end].trim().to_owned(), &value[end..]))
    }

    /// Where the value ends before the next key: at the last delimiter of pairs before the next one of a value.
    fn before_next_key(&self, text: &str, pair: &str, delimiter: &str) -> usize {
        let Some(at) = text.find(delimiter) else { return text.len() };
        let key = text[..at].trim_end();
        let quoted = self.pairs.iter().filter(|(_, close)| key.ends_with(*close)).filter_map(|(open, close)| {
            let inner = &key[..key.len() - close.len_utf8()];
            inner.rfind(*open)
        });
        match quoted.max() {
            Some(open) => text[..open].rfind(pair).unwrap_or(open),
            None => text[..at].rfind(pair).unwrap_or(text.len()),
        }
    }

    /// The next run of letters and digits, or what is within quotes.
    fn next_word<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let mut rest = text;
        loop {
            let c = rest.chars().next()?;
            if let Some(quoted) = self.quoted(rest) {
                return Some(quoted);
            }
            if c.is_alphanumeric() {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                return Some((rest[..end].to_owned(), &rest[end..]));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
}

/// The text behind the delimiters that it begins with; none where nothing is left.
fn behind<'t>(text: &'t str, delimiter: &str) -> Option<&'t str> {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(delimiter) {
        rest = after.trim_start();
    }
    (!rest.is_empty()).then_some(rest)
}
