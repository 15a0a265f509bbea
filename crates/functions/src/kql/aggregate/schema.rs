//! `buildschema`: the shape that all values of a dynamic share.
//!
//! A property is listed with its type, or with a list of them: bags first, then arrays, then the scalars by name (measured
//! for bags and scalars). An array is a bag whose one property, `` `indexer` ``, has the types of the elements (documented).

use super::adapter::State;
use crate::kql::json;
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const ITEMS: &str = "`indexer`";

#[derive(Default)]
pub(super) struct Schema {
    bag: Option<IndexMap<String, Schema>>,
    items: Option<Box<Schema>>,
    scalars: BTreeSet<Box<str>>,
}

impl Schema {
    fn learn(&mut self, value: &Value) {
        let scalar = match value {
            Value::Object(bag) => {
                let known = self.bag.get_or_insert_default();
                bag.iter().for_each(|(k, v)| known.entry(k.clone()).or_default().learn(v));
                return;
            }
            Value::Array(items) => {
                let known = self.items.get_or_insert_default();
                items.iter().for_each(|v| known.learn(v));
                return;
            }
            Value::Number(n) if n.is_f64() => "double",
            Value::Number(_) => "long",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            Value::Null => "null",
        };
        if !self.scalars.contains(scalar) {
            self.scalars.insert(scalar.into());
        }
    }

    fn describe(&self) -> Value {
        let mut all = Vec::new();
        if let Some(bag) = &self.bag {
            all.push(Value::from(bag.iter().map(|(k, v)| (k.clone(), v.describe())).collect::<Map<_, _>>()));
        }
        if let Some(items) = &self.items {
            all.push(Value::from(Map::from_iter([(ITEMS.to_owned(), items.describe())])));
        }
        all.extend(self.scalars.iter().map(|s| Value::from(s.as_ref())));
        if all.len() == 1 { all.remove(0) } else { all.into() }
    }

    /// Adds what another one describes.
    fn admit(&mut self, described: &Value) {
        match described {
            Value::Array(all) => all.iter().for_each(|v| self.admit(v)),
            Value::String(scalar) => {
                self.scalars.insert(scalar.as_str().into());
            }
            Value::Object(bag) => match bag.get(ITEMS).filter(|_| bag.len() == 1) {
                Some(items) => self.items.get_or_insert_default().admit(items),
                None => {
                    let known = self.bag.get_or_insert_default();
                    bag.iter().for_each(|(k, v)| known.entry(k.clone()).or_default().admit(v));
                }
            },
            _ => {}
        }
    }

    fn bytes(&self) -> usize {
        let bag = self.bag.iter().flatten().map(|(k, v)| k.len() + v.bytes()).sum::<usize>();
        size_of::<Self>() + bag + self.items.as_ref().map_or(0, |i| i.bytes())
    }
}

impl State for Schema {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        if let Some(value) = row.text(0).and_then(json::value).filter(|v| !v.is_null()) {
            self.learn(&value);
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(json::compact(&self.describe()).as_bytes());
    }

    fn merge(&mut self, saved: &[u8]) {
        if let Some(described) = std::str::from_utf8(saved).ok().and_then(json::value) {
            self.admit(&described);
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        // Of no values there is no schema (documented by example).
        let described = self.describe();
        let none = described.as_array().is_some_and(Vec::is_empty);
        Ok(ScalarValue::Utf8View((!none).then(|| json::compact(&described))))
    }

    fn size(&self) -> usize {
        self.bytes()
    }
}
