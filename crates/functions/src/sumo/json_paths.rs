//! Several values of one JSON text, which is read once: what no path leads to is skipped, not built.

use super::capture::pack;
use super::json_walk::{Step, path, walk, write};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::value::MapAccessDeserializer, de::value::SeqAccessDeserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// What stands at each path.
pub(super) type Found<'t> = [Option<Cow<'t, str>>];

/// What is wanted of a value and below it.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) keys: Vec<(String, Wanted)>,
    pub(super) elements: Vec<(usize, Wanted)>,
    /// Paths from here that fan out; they are walked over the built value.
    pub(super) walked: Vec<(Vec<Step>, usize)>,
    /// The numbers of the paths that end here.
    pub(super) ends: Vec<usize>,
}

impl Wanted {
    pub(super) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> (Self, usize) {
        let (mut root, mut count) = (Wanted::default(), 0);
        for (number, text) in paths.enumerate() {
            root.add(path(text).into_iter().collect(), number);
            count += 1;
        }
        (root, count)
    }

    fn add(&mut self, mut steps: std::collections::VecDeque<Step>, number: usize) {
        match steps.pop_front() {
            None => self.ends.push(number),
            Some(Step::Key(key)) => below(&mut self.keys, key).add(steps, number),
            Some(Step::Index(index)) => below(&mut self.elements, index).add(steps, number),
            Some(several) => {
                steps.push_front(several);
                self.walked.push((steps.into(), number));
            }
        }
    }

    /// The values at the paths, of the first JSON value of a text; nothing where there is none.
    pub(super) fn find<'t>(&self, text: &'t str, count: usize) -> Option<Vec<Option<Cow<'t, str>>>> {
        let start = if text.trim_start().starts_with('[') { text.find('[')? } else { text.find('{')? };
        let text = &text[start..];
        let mut found = vec![None; count];
        match self.lazily(text, &mut found) {
            Some(read) => read.ok()?,
            None => {
                let at = At { wanted: self, found: &mut found };
                at.deserialize(&mut serde_json::Deserializer::from_str(text)).ok()?;
            }
        }
        Some(found)
    }

    /// Whether the value itself must be built.
    fn built(&self) -> bool {
        let below = !self.keys.is_empty() || !self.elements.is_empty();
        !self.walked.is_empty() || (!self.ends.is_empty() && below)
    }

    /// Forgets what an earlier member of the same name gave: the last one counts.
    pub(super) fn forget(&self, found: &mut Found<'_>) {
        let own = self.ends.iter().chain(self.walked.iter().map(|(_, number)| number));
        own.for_each(|&number| found[number] = None);
        self.keys.iter().for_each(|(_, w)| w.forget(found));
        self.elements.iter().for_each(|(_, w)| w.forget(found));
    }

    pub(super) fn take(&self, value: &Value, found: &mut Found<'_>) {
        for &number in &self.ends {
            let mut text = String::new();
            found[number] = write(value, &mut text).map(|()| Cow::Owned(text));
        }
        for (steps, number) in &self.walked {
            let mut text = String::new();
            found[*number] = walk(value, steps, false).and_then(|v| write(&v, &mut text)).map(|()| Cow::Owned(text));
        }
        match value {
            Value::Object(map) => {
                for (key, wanted) in &self.keys {
                    if let Some(value) = map.get(key) {
                        wanted.take(value, found);
                    }
                }
            }
            Value::Array(items) => {
                for (index, wanted) in &self.elements {
                    if let Some(value) = items.get(*index) {
                        wanted.take(value, found);
                    }
                }
            }
            Value::String(text) => self.within(text, found),
            _ => {}
        }
    }

    /// JSON inside of text is read on.
    fn within(&self, text: &str, found: &mut Found<'_>) {
        if (self.keys.is_empty() && self.elements.is_empty()) || !text.trim_start().starts_with(['{', '[']) {
            return;
        }
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            self.members(&value, found);
        }
    }

    fn members(&self, value: &Value, found: &mut Found<'_>) {
        for (key, wanted) in &self.keys {
            if let Some(value) = value.get(key) {
                wanted.take(value, found);
            }
        }
        for (index, wanted) in &self.elements {
            if let Some(value) = value.get(index) {
                wanted.take(value, found);
            }
        }
    }

    fn text(&self, text: &str, found: &mut Found<'_>) {
        self.ends.iter().for_each(|&number| found[number] = Some(Cow::Owned(text.to_owned())));
        self.within(text, found);
    }
}

fn below<K: PartialEq>(all: &mut Vec<(K, Wanted)>, key: K) -> &mut Wanted {
    let at = match all.iter().position(|(k, _)| *k == key) {
        Some(at) => at,
        None => {
            all.push((key, Wanted::default()));
            all.len() - 1
        }
    };
    &mut all[at].1
}

/// Appends each value, packed; `!` where there is none.
pub(super) fn pack_all(found: &Found<'_>, out: &mut String) {
    for value in found {
        match value {
            Some(text) => pack(text, out),
            None => out.push('!'),
        }
    }
}

/// The value of that number.
pub(super) fn part(mut packed: &str, number: usize) -> Option<&str> {
    for at in 0..=number {
        if let Some(rest) = packed.strip_prefix('!') {
            packed = rest;
            continue;
        }
        let (length, rest) = packed.split_once(':')?;
        let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
        if at == number {
            return Some(text);
        }
        packed = rest;
    }
    None
}

/// A place in the text and what is wanted of it.
struct At<'w, 'f, 't> {
    wanted: &'w Wanted,
    found: &'f mut Found<'t>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.wanted.built() {
            let value = Value::deserialize(deserializer)?;
            self.wanted.take(&value, self.found);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if !self.wanted.ends.is_empty() {
            let value = Value::deserialize(MapAccessDeserializer::new(map))?;
            self.wanted.take(&value, self.found);
            return Ok(());
        }
        while let Some(key) = map.next_key_seed(Key(&self.wanted.keys))? {
            match key.and_then(|at| self.wanted.keys.get(at)) {
                Some((_, wanted)) => {
                    wanted.forget(self.found);
                    map.next_value_seed(At { wanted, found: self.found })?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if !self.wanted.ends.is_empty() {
            let value = Value::deserialize(SeqAccessDeserializer::new(items))?;
            self.wanted.take(&value, self.found);
            return Ok(());
        }
        for at in 0.. {
            let wanted = self.wanted.elements.iter().find(|(index, _)| *index == at);
            let more = match wanted {
                Some((_, wanted)) => items.next_element_seed(At { wanted, found: self.found })?.is_some(),
                None => items.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.wanted.text(text, self.found);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.wanted.take(&Value::from(value), self.found);
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.wanted.take(&Value::from(value), self.found);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.wanted.take(&Value::from(value), self.found);
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.wanted.take(&Value::from(value), self.found);
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The place of a member's name among those that are wanted.
struct Key<'w>(&'w [(String, Wanted)]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|(key, _)| key == text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_walk::first_value;
    use super::*;

    /// What is skipped and what is built give the same.
    #[test]
    fn reading_once_gives_what_walking_the_whole_value_gives() {
        let owned = |found: &Found<'_>| found.iter().map(|f| f.as_deref().map(str::to_owned)).collect::<Vec<_>>();
        let paths = [
            "a",
            "a.b",
            "a.b[1]",
            "a.b[*].c",
            "x[0].y",
            "$['a.b'].c",
            "n",
            "t",
            "z",
            "deep.er",
            "a.b[1].c",
            "x[*].y",
            "s.in",
            "[1]",
            "[0].k",
            "f",
            "x",
            "a.b[0:1]",
            "a..c",
            "x[0,1].y",
        ];
        let texts = [
            r#"{"a":{"b":[{"c":1},{"c":"two"}]},"n":null,"t":true,"z":"\u00e9\"q","f":1.0}"#,
            r#"prefix {"a":{"b":2.50},"x":[{"y":"1"},{"y":{}}],"a.b":{"c":-7}} suffix"#,
            r#"{"s":"{\"in\":5}","deep":"[1]","a":"no","x":"[{\"y\":[1,2]}]"}"#,
            r#"{"a":{"b":1},"a":{"c":2},"t":1,"t":null,"n":18446744073709551615}"#,
            r#"[{"k":1},"second"]"#,
            r#"{"a": broken"#,
            "no json",
            r#"{"f":1e3,"a":{"b":{"1":1}}}"#,
            r#"{"f":-0,"z":[ 1, "2" ],"t": "x\\y" , "deep":{"er":9007199254740993}}"#,
            r#"{"f":00,"z":-12,"t":0}"#,
            r#"{"z":-12,"t":0,"f":1234567890123456789012}"#,
            r#"{"t":1,"z":"cut"#,
            r#"{"t":1}{"t":2}"#,
            r#"{}"#,
        ];
        let (wanted, count) = Wanted::new(paths.into_iter());
        for text in texts {
            let whole = first_value(text);
            let expected: Vec<Option<String>> = paths
                .iter()
                .map(|p| {
                    let mut out = String::new();
                    let value = walk(whole.as_ref()?, &path(p), false)?;
                    write(&value, &mut out).map(|()| out)
                })
                .collect();
            let found = wanted.find(text, count).unwrap_or_else(|| vec![None; count]);
            assert_eq!(owned(&found), expected, "{text}");
            for (at, p) in paths.iter().enumerate() {
                let (one, _) = Wanted::new(std::iter::once(*p));
                let found = one.find(text, 1).and_then(|mut f| f.remove(0)).map(Cow::into_owned);
                assert_eq!(found, expected[at], "{p} of {text}");
            }
            let mut packed = String::new();
            pack_all(&found, &mut packed);
            (0..count).for_each(|at| assert_eq!(part(&packed, at), expected[at].as_deref(), "{text}"));
        }
    }
}
