//! What the tabular operators need beyond scalars: dynamic values as lists (`mv-expand`), all captures of a pattern
//! (`parse`).
//!
//! | name | arguments | result |
//! |---|---|---|
//! | `kql_expand` | dynamic, bool (bags as `[name, value]` pairs), long (the most elements) | list of dynamics |
//! | `kql_expand_text` | as `kql_expand` | list of strings: `tostring` of each element |
//! | `kql_expand_split` | string, string, long (the most) | list of strings: as `kql_expand_text` of `split` |
//! | `kql_expand_numbers` | the same, of several dynamics | list of longs: 0, 1, … as long as the longest |
//! | `kql_series_places` | array of `[place, value]`, array of steps, dynamic | the values in their places, else the third |
//! | `kql_gathered` | list of dynamics, long (the most), bool (each once, arrays by their elements), bool (nulls too) | dynamic array |
//! | `kql_captures` | string, regex | dynamic array of the groups' texts; null where the pattern does not match |
//!
//! An array gives its elements, a bag one bag (or pair) a member, another value itself, null a null; an empty array
//! gives nothing.

use crate::kql::json;
use crate::kql::strings::parts;
use crate::udf::{Body, Functions, repeated};
use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, ListBuilder, StringViewArray, StringViewBuilder};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use sonic_rs::{JsonValueTrait as _, to_array_iter, to_object_iter};
use std::sync::Arc;

pub(super) fn register(f: &mut Functions) {
    for (name, of) in
        [("kql_expand", Of::Elements), ("kql_expand_text", Of::Texts), ("kql_expand_numbers", Of::Numbers)]
    {
        f.udf(ScalarUDF::from(Lists { name, of, signature: variadic() }));
    }
    f.udf(ScalarUDF::from(Parts { signature: variadic() }));
    f.udf(ScalarUDF::from(Gathered { signature: variadic() }));
    f.text("series_places(dynamic, dynamic, dynamic) dynamic", |r, w| {
        w.push_str(&filled(r.text(0)?, r.text(1)?, r.text(2))?);
        Some(())
    });
    f.compiled("captures(string, string) dynamic", &[1], |c| {
        let regex = super::strings::regex(c.str(1))?;
        Ok(Body::text(move |r, w| {
            let found = regex.captures(r.str(0))?;
            let groups: Vec<&str> = found.iter().skip(1).map(|g| g.map_or("", |g| g.as_str())).collect();
            w.push_str(&serde_json::to_string(&groups).ok()?);
            Some(())
        }))
    });
}

/// Values put in their places of a series.
fn filled(pairs: &str, steps: &str, default: Option<&str>) -> Option<String> {
    let count = to_array_iter(steps).map_while(|v| v.ok()).count();
    let mut places: Vec<Option<String>> = vec![default.map(str::to_owned); count];
    for pair in to_array_iter(pairs).map_while(|v| v.ok()) {
        let raw = pair.as_raw_str().to_string();
        let mut members = to_array_iter(raw.as_str()).map_while(|v| v.ok());
        let place = members.next()?.as_raw_str().parse::<usize>().ok();
        let value = members.next()?.as_raw_str().to_string();
        if let Some(slot) = place.and_then(|p| places.get_mut(p)) {
            *slot = Some(value);
        }
    }
    let texts: Vec<&str> = places.iter().map(|p| p.as_deref().unwrap_or("null")).collect();
    Some(format!("[{}]", texts.join(",")))
}

/// A list of dynamics as one dynamic array: `make_list` and `make_set` over rows in an order.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Gathered {
    signature: Signature,
}

impl ScalarUDFImpl for Gathered {
    fn name(&self) -> &str {
        "kql_gathered"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [lists, most, once, nulls] = arrays.as_slice() else {
            return exec_err!("kql_gathered takes a list, a long and two bools");
        };
        let (most, once, nulls) = (most.as_primitive::<Int64Type>(), once.as_boolean(), nulls.as_boolean());
        let lists = lists.as_list::<i32>();
        let mut out = StringViewBuilder::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let limit = usize::try_from(most.value(row)).unwrap_or(0);
            let items = if lists.is_valid(row) { Some(lists.value(row)) } else { None };
            let items = items.as_ref().map(|i| i.as_string_view());
            let values = items.into_iter().flat_map(|i| i.iter());
            out.append_value(gather(values, limit, once.value(row), nulls.value(row)));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

fn gather<'v>(values: impl Iterator<Item = Option<&'v str>>, most: usize, once: bool, nulls: bool) -> String {
    let mut seen = std::collections::HashSet::new();
    let mut texts: Vec<String> = Vec::new();
    for value in values {
        let elements = match value {
            Some(v) if once && v.trim_start().starts_with('[') => elements(Some(v), false, usize::MAX),
            other => vec![other.filter(|v| *v != "null").map(str::to_owned)],
        };
        for element in elements {
            let text = match element {
                Some(text) => text,
                None if nulls => "null".to_owned(),
                None => continue,
            };
            if texts.len() < most && (!once || seen.insert(text.clone())) {
                texts.push(text);
            }
        }
    }
    format!("[{}]", texts.join(","))
}

fn variadic() -> Signature {
    Signature::new(TypeSignature::VariadicAny, Volatility::Immutable)
}

/// What of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    Elements,
    Texts,
    Numbers,
}

/// Dynamics as lists: of their elements.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Lists {
    name: &'static str,
    of: Of,
    signature: Signature,
}

impl ScalarUDFImpl for Lists {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_of(if self.of == Of::Numbers { DataType::Int64 } else { DataType::Utf8View }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(([pairs, most], values)) = arrays.split_last_chunk::<2>().map(|(v, [p, m])| ([p, m], v)) else {
            return exec_err!("{} takes dynamics, a bool and a long", self.name);
        };
        // What one text is made of is found out once.
        let alone = match (values, &args.args[1..]) {
            ([texts], [ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)]) => repeated(texts),
            _ => None,
        };
        let out = match alone {
            Some((first, which)) => {
                let texts = [take(&values[0], &first, None)?];
                take(&self.lists(&texts, pairs, most, first.len()), &which, None)?
            }
            None => self.lists(values, pairs, most, args.number_rows),
        };
        Ok(ColumnarValue::Array(out))
    }
}

impl Lists {
    /// Lists of the elements of so many rows.
    fn lists(&self, values: &[ArrayRef], pairs: &ArrayRef, most: &ArrayRef, rows: usize) -> ArrayRef {
        let (pairs, most) = (pairs.as_boolean(), most.as_primitive::<Int64Type>());
        let columns: Vec<&StringViewArray> = values.iter().map(|v| v.as_string_view()).collect();
        let limit = |row: usize| usize::try_from(most.value(row)).unwrap_or(0);
        if self.of == Of::Numbers {
            let mut lists = ListBuilder::new(Int64Builder::new());
            for row in 0..rows {
                let count = |c: &&StringViewArray| {
                    let mut n = 0;
                    each_element(text(c, row), pairs.value(row), limit(row), |_| n += 1);
                    n
                };
                let longest = columns.iter().map(count).max();
                (0..longest.unwrap_or(0)).for_each(|n| lists.values().append_value(n as i64));
                lists.append(true);
            }
            return Arc::new(lists.finish());
        }
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for row in 0..rows {
            for column in &columns {
                each_element(text(column, row), pairs.value(row), limit(row), |e| match (self.of, e) {
                    (Of::Texts, None) => lists.values().append_value(""),
                    (Of::Texts, Some(e)) => lists.values().append_value(json::text(e)),
                    (_, e) => lists.values().append_option(e),
                });
            }
            lists.append(true);
        }
        Arc::new(lists.finish())
    }
}

/// The parts of texts as lists of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Parts {
    signature: Signature,
}

impl ScalarUDFImpl for Parts {
    fn name(&self) -> &str {
        "kql_expand_split"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_of(DataType::Utf8View))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts, delimiters, most] = arrays.as_slice() else {
            return exec_err!("kql_expand_split takes two strings and a long");
        };
        let (texts, delimiters) = (texts.as_string_view(), delimiters.as_string_view());
        let most = most.as_primitive::<Int64Type>();
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for row in 0..args.number_rows {
            let limit = usize::try_from(most.value(row)).unwrap_or(0);
            let (whole, delimiter) = (text(texts, row).unwrap_or(""), text(delimiters, row).unwrap_or(""));
            parts(whole, delimiter).take(limit).for_each(|part| lists.values().append_value(part));
            lists.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish())))
    }
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn elements(value: Option<&str>, pairs: bool, most: usize) -> Vec<Option<String>> {
    let mut all = Vec::new();
    each_element(value, pairs, most, |e| all.push(e.map(str::to_owned)));
    all
}

/// Calls `f` with the text of each element, as it stands in the array; `None` is a null.
fn each_element(value: Option<&str>, pairs: bool, most: usize, mut f: impl FnMut(Option<&str>)) {
    let Some(value) = value else { return f(None) };
    match value.trim_start().as_bytes().first() {
        Some(b'[') => {
            for v in to_array_iter(value).take(most).map_while(|v| v.ok()) {
                f(if v.is_null() { None } else { Some(v.as_raw_str()) });
            }
        }
        Some(b'{') => {
            let mut text = String::new();
            for (key, v) in to_object_iter(value).take(most).map_while(|m| m.ok()) {
                text.clear();
                text.push(if pairs { '[' } else { '{' });
                json::write_string(&mut text, &key);
                text.push(if pairs { ',' } else { ':' });
                text.push_str(v.as_raw_str());
                text.push(if pairs { ']' } else { '}' });
                f(Some(&text));
            }
        }
        _ => f(Some(value)),
    }
}
