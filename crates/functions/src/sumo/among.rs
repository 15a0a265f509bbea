//! What a subquery found, as one text that stands beside every row, and whether a row is among it.
//!
//! Each row of the subquery is its values packed (`sumo_pack`); the set is its rows packed. Text is shared by the rows
//! that it stands beside, a list would be copied for each.

use super::capture::{pack, unpack};
use super::matching::term;
use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// How many sets are kept: those of the queries that run.
const KEPT: usize = 8;

/// `sumo_set(list)`: the texts of a list, packed.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Set {
    signature: Signature,
}

impl Set {
    pub(super) fn new() -> Self {
        Set { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Set {
    fn name(&self) -> &str {
        "sumo_set"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays[0].as_list::<i32>();
        let mut out = StringViewBuilder::with_capacity(lists.len());
        for list in lists.iter() {
            let mut packed = String::new();
            if let Some(list) = list {
                list.as_string_view().iter().flatten().for_each(|text| pack(text, &mut packed));
            }
            out.append_value(packed);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// `sumo_among(set, row)`: whether the packed row is one of the set; `sumo_among_terms(set, text)`: whether the text
/// has all phrases of a row. Never null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Among {
    signature: Signature,
    terms: bool,
}

impl Among {
    fn new(terms: bool) -> Self {
        let text = vec![DataType::Utf8View, DataType::Utf8View];
        Among { signature: Signature::exact(text, Volatility::Immutable), terms }
    }

    pub(super) fn values() -> Self {
        Among::new(false)
    }

    pub(super) fn terms() -> Self {
        Among::new(true)
    }
}

impl ScalarUDFImpl for Among {
    fn name(&self) -> &str {
        if self.terms { "sumo_among_terms" } else { "sumo_among" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (Some(sets), Some(texts)) = (arrays[0].as_string_view_opt(), arrays[1].as_string_view_opt()) else {
            return exec_err!("{} takes texts", self.name());
        };
        let mut out = BooleanBuilder::with_capacity(texts.len());
        let mut last: Option<(&str, Arc<Rows>)> = None;
        for row in 0..texts.len() {
            if sets.is_null(row) || texts.is_null(row) {
                out.append_value(false);
                continue;
            }
            let set = sets.value(row);
            let rows = match &last {
                // Mostly it is the very same text.
                Some((known, rows)) if std::ptr::eq(*known, set) || *known == set => Arc::clone(rows),
                _ => Rows::of(set, self.terms)?,
            };
            out.append_value(rows.holds(texts.value(row)));
            last = Some((set, rows));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// A set, read.
enum Rows {
    Values(HashSet<String>),
    Terms(Terms),
}

static KNOWN: Mutex<Vec<(bool, String, Arc<Rows>)>> = Mutex::new(Vec::new());

impl Rows {
    fn of(set: &str, terms: bool) -> Result<Arc<Self>> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., rows)) = known.iter().find(|(t, s, _)| *t == terms && s == set) {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(match terms {
            true => Rows::Terms(Terms::new(set)?),
            false => Rows::Values(unpack(set).map(str::to_owned).collect()),
        });
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push((terms, set.to_owned(), Arc::clone(&rows)));
        Ok(rows)
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Rows::Values(values) => values.contains(text),
            Rows::Terms(terms) => terms.hold(text),
        }
    }
}

/// Rows of phrases. A message is looked through once for the longest token of each row's first phrase; only rows that
/// have one there are looked at closely.
struct Terms {
    rows: Vec<Vec<regex::Regex>>,
    by_token: HashMap<String, Vec<usize>>,
    /// Rows without a token of their own.
    others: Vec<usize>,
}

impl Terms {
    fn new(set: &str) -> Result<Self> {
        let mut terms = Terms { rows: Vec::new(), by_token: HashMap::new(), others: Vec::new() };
        for row in unpack(set) {
            let phrases: Vec<&str> = unpack(row).collect();
            if phrases.is_empty() || phrases.iter().any(|p| p.trim().is_empty()) {
                continue;
            }
            let wild = phrases[0].contains(['*', '?']);
            match tokens(phrases[0]).max_by_key(|t| t.len()).filter(|_| !wild) {
                Some(token) => terms.by_token.entry(token.to_lowercase()).or_default().push(terms.rows.len()),
                None => terms.others.push(terms.rows.len()),
            }
            terms.rows.push(phrases.into_iter().map(|p| term(p, true)).collect::<Result<_>>()?);
        }
        Ok(terms)
    }

    fn hold(&self, text: &str) -> bool {
        let all = |row: &usize| self.rows.get(*row).is_some_and(|row| row.iter().all(|r| r.is_match(text)));
        self.others.iter().any(all)
            || tokens(text)
                .any(|token| self.by_token.get(&token.to_lowercase()).is_some_and(|rows| rows.iter().any(all)))
    }
}

/// Runs of letters, digits and underscores.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_by_a_token() {
        let mut set = String::new();
        for row in [vec!["10.0.0.7"], vec!["alice", "web 1"], vec![""], vec!["--"]] {
            let mut packed = String::new();
            row.into_iter().for_each(|text| pack(text, &mut packed));
            pack(&packed, &mut set);
        }
        let terms = Terms::new(&set).unwrap();
        for (text, held) in [
            ("from 10.0.0.7:80", true),
            ("from 10.0.0.70", false),
            ("ALICE on Web   1", true),
            ("alice on web 12", false),
            ("a -- b", true),
            ("", false),
        ] {
            assert_eq!(terms.hold(text), held, "{text}");
        }
    }
}
