//! An event's fields as a JSON object.

use super::json;
use crate::Value;
use std::collections::HashSet;

/// A JSON object being written.
pub(super) struct Object {
    text: String,
    /// The first names, each as a hash and its place in `text`: few, so a walk is faster than a table.
    seen: Vec<(u64, usize, usize)>,
    /// Further names.
    more: HashSet<Box<[u8]>>,
}

/// How many names are walked over.
const WALKED: usize = 128;

impl Object {
    pub(super) fn new() -> Self {
        Object { text: String::from("{"), seen: Vec::with_capacity(64), more: HashSet::new() }
    }

    /// Adds a field unless it is missing or was there before.
    pub(super) fn put(&mut self, name: &[u8], value: &Value<'_>) {
        if value.is_missing() {
            return;
        }
        let hash =
            name.iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let name = String::from_utf8_lossy(name);
        let text = self.text.as_bytes();
        if self.seen.iter().any(|&(h, start, end)| h == hash && text[start..end] == *name.as_bytes())
            || self.more.contains(name.as_bytes())
        {
            return;
        }
        if self.text.len() > 1 {
            self.text.push(',');
        }
        let start = self.text.len() + 1;
        json::string(&name, &mut self.text);
        if self.seen.len() < WALKED {
            self.seen.push((hash, start, self.text.len() - 1));
        } else {
            self.more.insert(name.as_bytes().into());
        }
        self.text.push(':');
        match value {
            Value::Text(text) => json::string(text, &mut self.text),
            Value::Int(n) => self.text.push_str(&n.to_string()),
            Value::Json(json) => self.text.push_str(json),
            _ => self.text.push_str("null"),
        }
    }

    pub(super) fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}
