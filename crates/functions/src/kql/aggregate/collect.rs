//! `make_list`, `make_set`, `make_bag`: over dynamics.

use super::adapter::{State, put_bytes, take_bytes, take_u64};
use crate::kql::json;
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use hashbrown::DefaultHashBuilder;
use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

/// How many elements there can be where the query says nothing (documented).
const MOST: u64 = 1_048_576;

fn limit(row: &Row<'_>) -> u64 {
    row.long(1).and_then(|n| u64::try_from(n).ok()).map_or(MOST, |n| n.min(MOST))
}

fn text(s: String) -> Result<ScalarValue> {
    Ok(ScalarValue::Utf8View(Some(s)))
}

/// Elements as JSON, separated by commas.
#[derive(Default)]
struct Elements {
    text: String,
    count: u64,
    most: u64,
}

impl Elements {
    fn push(&mut self, most: u64, json: &str) {
        self.most = most;
        if self.count == most {
            return;
        }
        if self.count > 0 {
            self.text.push(',');
        }
        self.text.push_str(json);
        self.count += 1;
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.most.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(self.text.as_bytes());
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let (Some(most), Some(count)) = (take_u64(&mut saved), take_u64(&mut saved)) else { return };
        let Ok(text) = std::str::from_utf8(saved) else { return };
        if count == 0 {
            return;
        }
        if self.count + count <= most {
            if self.count > 0 {
                self.text.push(',');
            }
            self.text.push_str(text);
            self.count += count;
            self.most = most;
            return;
        }
        for v in json::array(&format!("[{text}]")).unwrap_or_default() {
            self.push(most, &json::compact(&v));
        }
    }

    fn finish(&self) -> String {
        format!("[{}]", self.text)
    }
}

/// The values that are not null.
#[derive(Default)]
pub(super) struct List(Elements);

impl State for List {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(v) = row.text(0).filter(|v| *v != "null") {
            self.0.push(limit(row), v);
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        text(self.0.finish())
    }

    fn size(&self) -> usize {
        self.0.text.capacity()
    }
}

/// All values.
#[derive(Default)]
pub(super) struct ListWithNulls(Elements);

impl State for ListWithNulls {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        self.0.push(MOST, row.text(0).unwrap_or("null"));
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn merge(&mut self, saved: &[u8]) {
        self.0.merge(saved);
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        text(self.0.finish())
    }

    fn size(&self) -> usize {
        self.0.text.capacity()
    }
}

/// Whether a value could stand in other JSON text too: `"a\/b"` is `"a/b"`.
fn may_be_spelt_otherwise(v: &str) -> bool {
    v.starts_with(['[', '{', ' ', '\n', '\t', '\r']) || v.contains("\\/") || v.contains("\\u")
}

/// Distinct values in order of first appearance. An array gives its elements (measured); nulls are left out.
#[derive(Default)]
pub(super) struct Set {
    all: IndexSet<Box<str>, DefaultHashBuilder>,
    bytes: usize,
    most: u64,
}

impl Set {
    fn push(&mut self, v: &str) {
        if v != "null" && (self.all.len() as u64) < self.most && !self.all.contains(v) {
            self.bytes += v.len();
            self.all.insert(v.into());
        }
    }
}

impl State for Set {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        let Some(v) = row.text(0) else { return };
        self.most = limit(row);
        // An array is not itself an element, though an element of another may look like it.
        if !v.starts_with('[') && self.all.contains(v) {
            return;
        }
        match may_be_spelt_otherwise(v).then(|| json::value(v)).flatten() {
            Some(Value::Array(items)) => items.iter().for_each(|v| self.push(&json::compact(v))),
            Some(v) => self.push(&json::compact(&v)),
            None => self.push(v),
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.most.to_le_bytes());
        self.all.iter().for_each(|v| put_bytes(out, v.as_bytes()));
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let Some(most) = take_u64(&mut saved) else { return };
        self.most = self.most.max(most);
        while let Some(v) = take_bytes(&mut saved) {
            if let Ok(v) = std::str::from_utf8(v) {
                self.push(v);
            }
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let mut out = String::with_capacity(self.bytes + self.all.len() + 2);
        out.push('[');
        for (i, v) in self.all.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(v);
        }
        out.push(']');
        text(out)
    }

    fn size(&self) -> usize {
        self.bytes + self.all.capacity() * 32
    }
}

/// One bag of all bags; of several values of a key the first stays.
#[derive(Default)]
pub(super) struct Bag {
    all: IndexMap<String, String>,
    bytes: usize,
    most: u64,
}

impl Bag {
    fn push(&mut self, key: String, value: String) {
        if self.all.contains_key(&key) || self.all.len() as u64 >= self.most {
            return;
        }
        self.bytes += key.len() + value.len();
        self.all.insert(key, value);
    }
}

impl State for Bag {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        let Some(bag) = row.text(0).and_then(json::bag) else { return };
        self.most = limit(row);
        bag.into_iter().for_each(|(k, v)| self.push(k, json::compact(&v)));
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.most.to_le_bytes());
        for (k, v) in &self.all {
            put_bytes(out, k.as_bytes());
            put_bytes(out, v.as_bytes());
        }
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let Some(most) = take_u64(&mut saved) else { return };
        self.most = self.most.max(most);
        while let (Some(k), Some(v)) = (take_bytes(&mut saved), take_bytes(&mut saved)) {
            self.push(String::from_utf8_lossy(k).into_owned(), String::from_utf8_lossy(v).into_owned());
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let mut out = String::from("{");
        for (i, (k, v)) in self.all.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            json::write_string(&mut out, k);
            out.push(':');
            out.push_str(v);
        }
        out.push('}');
        text(out)
    }

    fn size(&self) -> usize {
        self.bytes + self.all.capacity() * 64
    }
}
