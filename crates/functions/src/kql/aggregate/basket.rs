//! `kql_basket(cells, weight, threshold, dimensions)`: the frequent patterns of rows, for the plugin `basket`.
//!
//! A pattern fixes the values of some columns. Of the patterns that hold for the same rows the one that fixes the most is
//! meant (a closed item set), and it is frequent where its rows weigh at least the threshold of all. How many dimensions
//! a pattern has beyond what follows from others is the number of values that it takes to tell its rows: patterns are
//! found by that number, in rounds. The order is by columns times weight, the largest first. All of this agrees with the
//! documentation's example and follows from it; closedness and order are not stated.
//!
//! The result is `[[weight, share, [cell, …]], …]`, a cell being `[value]`, or `[]` where the pattern leaves it open.

use super::adapter::{State, put_bytes, take_bytes, take_u64};
use crate::udf::Row;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use sonic_rs::to_array_iter;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

/// So many patterns are no result that anyone reads, and take long to find.
const MOST: usize = 200_000;

/// Rows, each once, with their weights.
#[derive(Default)]
pub(super) struct Basket {
    rows: BTreeMap<Box<str>, f64>,
    bytes: usize,
    threshold: f64,
    dimensions: u64,
}

impl Basket {
    fn push(&mut self, cells: &str, weight: f64) {
        if let Some(sum) = self.rows.get_mut(cells) {
            *sum += weight;
            return;
        }
        self.bytes += cells.len();
        self.rows.insert(cells.into(), weight);
    }
}

impl State for Basket {
    fn returns(_: &[DataType]) -> DataType {
        DataType::Utf8View
    }

    fn add(&mut self, row: &Row<'_>) {
        self.threshold = row.real(2).unwrap_or(0.0);
        self.dimensions = row.long(3).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        if let (Some(cells), Some(weight)) = (row.text(0), row.real(1).filter(|w| *w > 0.0)) {
            self.push(cells, weight);
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.threshold.to_bits().to_le_bytes());
        out.extend_from_slice(&self.dimensions.to_le_bytes());
        for (cells, weight) in &self.rows {
            out.extend_from_slice(&weight.to_bits().to_le_bytes());
            put_bytes(out, cells.as_bytes());
        }
    }

    fn merge(&mut self, mut saved: &[u8]) {
        let (Some(threshold), Some(dimensions)) = (take_u64(&mut saved), take_u64(&mut saved)) else { return };
        // A part without rows knows neither.
        if !saved.is_empty() {
            (self.threshold, self.dimensions) = (f64::from_bits(threshold), dimensions);
        }
        while let (Some(weight), Some(cells)) = (take_u64(&mut saved), take_bytes(&mut saved)) {
            if let Ok(cells) = std::str::from_utf8(cells) {
                self.push(cells, f64::from_bits(weight));
            }
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        let items = Items::read(&self.rows, self.threshold);
        let Some(mut patterns) = items.patterns(self.dimensions) else {
            return exec_err!("`basket` finds more than {MOST} patterns; a larger threshold finds fewer");
        };
        patterns.sort_by(|a, b| items.rank(b).total_cmp(&items.rank(a)).then_with(|| a.cells.cmp(&b.cells)));
        Ok(ScalarValue::Utf8View(Some(items.write(&patterns))))
    }

    fn size(&self) -> usize {
        self.bytes + self.rows.len() * 40
    }
}

/// The number of all values of a column that are not frequent.
const RARE: u32 = u32::MAX;

/// The value of a column, by its number; none where a pattern leaves the column open.
type Cell = Option<u32>;

/// The rows, column by column in numbers.
struct Items<'r> {
    /// Of each row the numbers of its values.
    rows: Vec<Vec<u32>>,
    weights: Vec<f64>,
    total: f64,
    least: f64,
    /// Of each column the values by number.
    values: Vec<Vec<&'r str>>,
}

struct Pattern {
    cells: Vec<Cell>,
    weight: f64,
}

impl<'r> Items<'r> {
    fn read(rows: &'r BTreeMap<Box<str>, f64>, threshold: f64) -> Self {
        let mut numbers: Vec<HashMap<&str, u32>> = Vec::new();
        let mut values: Vec<Vec<&str>> = Vec::new();
        let mut of_value: Vec<Vec<f64>> = Vec::new();
        let mut numbered = Vec::with_capacity(rows.len());
        for (cells, weight) in rows {
            let mut row = Vec::with_capacity(values.len());
            for (column, cell) in raw_cells(cells).into_iter().enumerate() {
                if column == values.len() {
                    values.push(Vec::new());
                    of_value.push(Vec::new());
                    numbers.push(HashMap::new());
                }
                let next = values[column].len() as u32;
                let number = *numbers[column].entry(cell).or_insert(next);
                if number == next {
                    values[column].push(cell);
                    of_value[column].push(0.0);
                }
                of_value[column][number as usize] += weight;
                row.push(number);
            }
            numbered.push((row, *weight));
        }
        let total: f64 = rows.values().sum();
        let least = threshold * total;
        // A rare value is in no frequent pattern: rows that differ in rare values are the same.
        let mut same: BTreeMap<Vec<u32>, f64> = BTreeMap::new();
        for (mut row, weight) in numbered {
            for (column, value) in row.iter_mut().enumerate() {
                if of_value[column][*value as usize] < least {
                    *value = RARE;
                }
            }
            *same.entry(row).or_default() += weight;
        }
        let (rows, weights) = same.into_iter().unzip();
        Items { rows, weights, total, least, values }
    }

    /// The largest pattern that holds for all of those rows.
    fn closed(&self, rows: &[u32]) -> Vec<Cell> {
        let Some((first, rest)) = rows.split_first() else { return Vec::new() };
        let mut cells: Vec<Cell> = self.rows[*first as usize].iter().map(|v| Some(*v).filter(|v| *v != RARE)).collect();
        for row in rest {
            for (cell, value) in cells.iter_mut().zip(&self.rows[*row as usize]) {
                if cell.is_some_and(|c| c != *value) {
                    *cell = None;
                }
            }
        }
        cells
    }

    /// The frequent patterns that so many values tell; none where there are too many.
    fn patterns(&self, dimensions: u64) -> Option<Vec<Pattern>> {
        let all: Vec<u32> = (0..self.rows.len() as u32).collect();
        let whole = self.closed(&all);
        let mut seen: HashSet<Vec<Cell>> = HashSet::from([whole.clone()]);
        let mut found = Vec::new();
        if whole.iter().any(Option::is_some) {
            found.push(Pattern { cells: whole.clone(), weight: self.total });
        }
        let mut round = vec![(whole, all)];
        for _ in 0..dimensions {
            let mut next = Vec::new();
            for (cells, rows) in &round {
                for (narrower, weight) in self.narrowed(cells, rows) {
                    let cells = self.closed(&narrower);
                    if !seen.insert(cells.clone()) {
                        continue;
                    }
                    if found.len() == MOST {
                        return None;
                    }
                    found.push(Pattern { cells: cells.clone(), weight });
                    next.push((cells, narrower));
                }
            }
            round = next;
        }
        Some(found)
    }

    /// The rows of a pattern, for each frequent value of each column that it leaves open.
    fn narrowed(&self, cells: &[Cell], rows: &[u32]) -> Vec<(Vec<u32>, f64)> {
        let mut out = Vec::new();
        for column in (0..cells.len()).filter(|c| cells[*c].is_none()) {
            let mut weights: HashMap<u32, f64> = HashMap::new();
            for row in rows {
                *weights.entry(self.rows[*row as usize][column]).or_default() += self.weights[*row as usize];
            }
            weights.remove(&RARE);
            let mut frequent: Vec<(u32, f64)> = weights.into_iter().filter(|(_, w)| *w >= self.least).collect();
            frequent.sort_by_key(|(value, _)| *value);
            for (value, weight) in frequent {
                let of = rows.iter().copied().filter(|r| self.rows[*r as usize][column] == value).collect();
                out.push((of, weight));
            }
        }
        out
    }

    fn rank(&self, pattern: &Pattern) -> f64 {
        pattern.cells.iter().flatten().count() as f64 * pattern.weight
    }

    fn write(&self, patterns: &[Pattern]) -> String {
        let mut out = String::from("[");
        for (n, pattern) in patterns.iter().enumerate() {
            let share = (1000.0 * pattern.weight / self.total).round() / 10.0;
            let _ = write!(out, "{}[{},{share},[", if n > 0 { "," } else { "" }, pattern.weight.round());
            for (column, cell) in pattern.cells.iter().enumerate() {
                let value = cell.map_or("", |v| self.values[column][v as usize]);
                let _ = write!(out, "{}[{value}]", if column > 0 { "," } else { "" });
            }
            out.push_str("]]");
        }
        out.push(']');
        out
    }
}

/// The elements of an array as they are written.
fn raw_cells(text: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    for element in to_array_iter(text).map_while(|v| v.ok()) {
        // A part of a text that is borrowed is borrowed itself.
        if let Cow::Borrowed(raw) = element.as_raw_cow() {
            cells.push(raw);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(rows: &[(&str, f64)], threshold: f64, dimensions: u64) -> String {
        let mut basket = Basket { threshold, dimensions, ..Basket::default() };
        rows.iter().for_each(|(cells, weight)| basket.push(cells, *weight));
        match basket.finish(&DataType::Utf8View) {
            Ok(ScalarValue::Utf8View(Some(text))) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn closed_patterns_by_columns_and_weight() {
        let rows = [(r#"["x",1,true]"#, 5.0), (r#"["x",1,false]"#, 3.0), (r#"["y",2,true]"#, 2.0)];
        // x tells 1, so the two stand together.
        let expected =
            r#"[[8,80,[["x"],[1],[]]],[5,50,[["x"],[1],[true]]],[3,30,[["x"],[1],[false]]],[7,70,[[],[],[true]]]]"#;
        assert_eq!(found(&rows, 0.3, 5), expected);
        assert_eq!(found(&rows, 0.3, 1), r#"[[8,80,[["x"],[1],[]]],[3,30,[["x"],[1],[false]]],[7,70,[[],[],[true]]]]"#);
        assert_eq!(found(&[], 0.3, 5), "[]");
        assert_eq!(found(&[(r#"[1,1,"1"]"#, 1.0)], 0.5, 5), r#"[[1,100,[[1],[1],["1"]]]]"#);
    }

    proptest! {
        /// As trying every pattern there can be.
        #[test]
        fn as_every_pattern_one_by_one(rows in prop::collection::vec(prop::array::uniform3(0u8..3), 1..30), percent in 1u32..100) {
            let texts: Vec<(String, f64)> = rows.iter().map(|r| (format!("[{},{},{}]", r[0], r[1], r[2]), 1.0)).collect();
            let borrowed: Vec<(&str, f64)> = texts.iter().map(|(t, w)| (t.as_str(), *w)).collect();
            let threshold = f64::from(percent) / 100.0;
            let mut expected = Vec::new();
            let cells = || [None, Some(0u8), Some(1), Some(2)].into_iter();
            for a in cells() {
                for (b, c) in cells().flat_map(|b| cells().map(move |c| (b, c))) {
                    let pattern = [a, b, c];
                    let fits = |r: &&[u8; 3]| pattern.iter().zip(*r).all(|(p, v)| p.is_none_or(|p| p == *v));
                    let of: Vec<&[u8; 3]> = rows.iter().filter(fits).collect();
                    let closed = (0..3).all(|n| pattern[n].is_some() || of.iter().any(|r| r[n] != of[0][n]));
                    let frequent = of.len() as f64 >= threshold * rows.len() as f64;
                    if !of.is_empty() && closed && frequent && pattern != [None; 3] {
                        let cell = |p: Option<u8>| p.map_or_else(|| "[]".to_owned(), |v| format!("[{v}]"));
                        expected.push(format!("[{},{},{}] {}", cell(a), cell(b), cell(c), of.len()));
                    }
                }
            }
            let found: serde_json::Value = serde_json::from_str(&found(&borrowed, threshold, 3)).expect("JSON");
            let mut got: Vec<String> =
                found.as_array().into_iter().flatten().map(|p| format!("{} {}", p[2], p[0])).collect();
            got.sort();
            expected.sort();
            prop_assert_eq!(got, expected);
        }
    }
}
