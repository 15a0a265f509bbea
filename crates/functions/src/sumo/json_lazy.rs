//! The values at the paths of a JSON object, found without decoding anything else: members are passed over by a SIMD
//! parser, and a value that is asked for is text of the message as it stands wherever it can be.

use super::json_paths::{Found, Wanted};
use super::json_walk::write;
use parallax_telemetry::formats::json::{Members, too_deep};
use serde_json::Value;
use std::borrow::Cow;

/// What a text gives that is no JSON.
pub(super) struct Malformed;

impl Wanted {
    /// Fills `found` from the object at the beginning of a text; `None` where the text must be read otherwise.
    pub(super) fn lazily<'t>(&self, text: &'t str, found: &mut Found<'t>) -> Option<Result<(), Malformed>> {
        let plain = self.is_way() && !self.keys.is_empty() && self.elements.is_empty();
        if !plain || !text.starts_with('{') {
            return None;
        }
        if let Some(read) = self.usual(text, found) {
            return Some(read);
        }
        found.fill(None);
        (!too_deep(text)).then(|| self.members_of(text, found))
    }

    /// The same of an object as products write it; `None` where it is otherwise.
    fn usual<'t>(&self, object: &'t str, found: &mut Found<'t>) -> Option<Result<(), Malformed>> {
        let mut members = Members::new(object).ok()?;
        while let Some((name, raw)) = members.next().ok()? {
            let Some((_, wanted)) = self.keys.iter().find(|(key, _)| key == name) else { continue };
            wanted.forget(found);
            if wanted.value(raw, found).is_err() {
                return Some(Err(Malformed));
            }
        }
        Some(Ok(()))
    }

    /// Whether paths only lead through here.
    fn is_way(&self) -> bool {
        self.ends.is_empty() && self.walked.is_empty()
    }

    fn members_of<'t>(&self, object: &'t str, found: &mut Found<'t>) -> Result<(), Malformed> {
        for entry in sonic_rs::to_object_iter(object) {
            let (name, value) = entry.map_err(|_| Malformed)?;
            let Some((_, wanted)) = self.keys.iter().find(|(key, _)| *key == *name) else { continue };
            wanted.forget(found);
            match value.as_raw_cow() {
                Cow::Borrowed(raw) => wanted.value(raw.trim(), found)?,
                Cow::Owned(_) => return Err(Malformed),
            }
        }
        Ok(())
    }

    fn value<'t>(&self, raw: &'t str, found: &mut Found<'t>) -> Result<(), Malformed> {
        let leaf = self.keys.is_empty() && self.elements.is_empty() && self.walked.is_empty();
        if leaf {
            let text = text_of(raw)?;
            self.ends.iter().for_each(|&number| found[number].clone_from(&text));
            return Ok(());
        }
        if raw.starts_with('{') && self.is_way() && self.elements.is_empty() {
            return self.usual(raw, found).unwrap_or_else(|| self.members_of(raw, found));
        }
        self.take(&built(raw)?, found);
        Ok(())
    }
}

fn built(raw: &str) -> Result<Value, Malformed> {
    serde_json::from_str(raw).map_err(|_| Malformed)
}

/// What a value is shown as: text without its quotes, other values as JSON, null not at all.
fn text_of(raw: &str) -> Result<Option<Cow<'_, str>>, Malformed> {
    let simple = |raw: &str| raw.len() <= 18 && !raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit());
    Ok(match raw {
        "null" => None,
        "true" | "false" | "0" => Some(Cow::Borrowed(raw)),
        _ if simple(raw) => Some(Cow::Borrowed(raw)),
        _ => match raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')) {
            Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => Some(Cow::Borrowed(inner)),
            // A lone surrogate: what stands there, escapes and all, so that nothing vanishes.
            Some(inner) => Some(serde_json::from_str(raw).map_or(Cow::Borrowed(inner), Cow::Owned)),
            None => {
                let mut text = String::new();
                write(&built(raw)?, &mut text).map(|()| Cow::Owned(text))
            }
        },
    })
}
