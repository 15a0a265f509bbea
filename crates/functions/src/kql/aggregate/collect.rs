//! `make_list`, `make_bag`: over dynamics.

use super::adapter::{State, put_bytes, take_bytes, take_u64};
use crate::kql::json;
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use indexmap::IndexMap;

/// How many elements there can be where the query says nothing (documented).
const MOST: u64 = 1_048_576;

/// How many there can be where the query says `asked`.
pub(super) fn most(asked: Option<i64>) -> u64 {
    asked.and_then(|n| u64::try_from(n).ok()).map_or(MOST, |n| n.min(MOST))
}

fn limit(row: &Row<'_>) -> u64 {
    most(row.long(1))
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
