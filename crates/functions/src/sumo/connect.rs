//! Messages that belong together by the values that they share: `trace` and `transactionize`, as window functions over
//! all messages in the order of their times.

use super::capture::{pack, unpack};
use super::matching::Glob;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

type Run = fn(&[ArrayRef], usize) -> Result<ArrayRef>;

/// A function over all rows of a partition at once.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OverAll {
    name: &'static str,
    returns: DataType,
    signature: Signature,
}

impl OverAll {
    /// `sumo_trace(text, re, seed, forward)`: whether the text is part of the chain. `forward` is null where both
    /// directions of time count.
    pub(super) fn trace() -> Self {
        Self::new("sumo_trace", DataType::Boolean)
    }

    /// `sumo_transactionize(time, text, options, key…)`: the packed number, duration, size and orphanhood of the row's
    /// group; null for rows that are left out.
    pub(super) fn transactionize() -> Self {
        Self::new("sumo_transactionize", DataType::Utf8View)
    }

    /// `sumo_predict(time, value, step)`: the value at its time on the line that fits all points best; a step without a
    /// point counts as zero.
    pub(super) fn predict() -> Self {
        Self::new("sumo_predict", DataType::Float64)
    }

    fn new(name: &'static str, returns: DataType) -> Self {
        OverAll { name, returns, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl WindowUDFImpl for OverAll {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let run = match self.name {
            "sumo_trace" => trace,
            "sumo_predict" => super::predict::predict,
            _ => transactionize,
        };
        Ok(Box::new(Evaluator { run }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.returns.clone(), true)))
    }
}

#[derive(Debug)]
struct Evaluator {
    run: Run,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        (self.run)(values, rows)
    }
}

/// The text of a row.
fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    array.as_string_view_opt().filter(|a| a.is_valid(row)).map(|a| a.value(row))
}

/// The rows that hang together with a first value. A row's values are what the expression's first group matches in it,
/// or all that it matches where it has no group.
fn trace(args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [texts, pattern, seed, forward] = args else { return exec_err!("`trace` was called with other arguments") };
    if rows == 0 {
        return Ok(Arc::new(BooleanArray::from(Vec::<bool>::new())));
    }
    let pattern = text(pattern, 0).unwrap_or_default();
    let regex = match super::regex(pattern) {
        Ok(regex) => regex,
        Err(why) => return plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
    };
    let values: Vec<HashSet<&str>> = (0..rows)
        .map(|row| {
            let found = regex.captures_iter(text(texts, row).unwrap_or_default());
            found.filter_map(|c| c.get(1).or_else(|| c.get(0)).map(|m| m.as_str())).collect()
        })
        .collect();
    let seed = text(seed, 0).unwrap_or_default();
    let mut known = HashSet::from([seed]);
    let mut kept = vec![false; rows];
    match forward.as_boolean_opt().filter(|f| f.is_valid(0)).map(|f| f.value(0)) {
        None => {
            let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
            for (row, values) in values.iter().enumerate() {
                values.iter().for_each(|v| holders.entry(v).or_default().push(row));
            }
            let mut next = vec![seed];
            while let Some(value) = next.pop() {
                for row in holders.remove(value).unwrap_or_default() {
                    if !std::mem::replace(&mut kept[row], true) {
                        next.extend(values[row].iter().filter(|v| known.insert(v)));
                    }
                }
            }
        }
        Some(forward) => {
            let order: Vec<usize> = if forward { (0..rows).collect() } else { (0..rows).rev().collect() };
            for row in order {
                if values[row].iter().any(|v| known.contains(v)) {
                    kept[row] = true;
                    known.extend(&values[row]);
                }
            }
        }
    }
    Ok(Arc::new(BooleanArray::from(kept)))
}

/// What ends a transaction.
struct Limits<'a> {
    span: Option<i64>,
    pause: Option<i64>,
    logs: Option<usize>,
    starts: Option<Glob>,
    ends: Option<Glob>,
    strict_start: bool,
    strict_end: bool,
    keep_orphans: bool,
    texts: &'a ArrayRef,
}

impl<'a> Limits<'a> {
    fn read(options: &str, texts: &'a ArrayRef) -> Self {
        let all: Vec<&str> = unpack(options).collect();
        let at = |i: usize| all.get(i).copied().filter(|t| !t.is_empty());
        let glob = |i: usize| at(i).map(|t| Glob::new(&format!("*{t}*"), false));
        Limits {
            span: at(0).and_then(|t| t.parse().ok()),
            pause: at(1).and_then(|t| t.parse().ok()),
            logs: at(2).and_then(|t| t.parse().ok()),
            starts: glob(3),
            strict_start: at(4) == Some("strict"),
            ends: glob(5),
            strict_end: at(6) == Some("strict"),
            keep_orphans: at(7) != Some("drop"),
            texts,
        }
    }

    fn starts(&self, row: usize) -> bool {
        self.starts.as_ref().is_some_and(|g| g.is_match(text(self.texts, row).unwrap_or_default()))
    }

    fn ends(&self, row: usize) -> bool {
        self.ends.as_ref().is_some_and(|g| g.is_match(text(self.texts, row).unwrap_or_default()))
    }

    /// Whether a message at that time can't join the transaction any more.
    fn closes(&self, transaction: &Transaction, time: i64) -> bool {
        transaction.closed
            || self.span.is_some_and(|most| time - transaction.first > most)
            || self.pause.is_some_and(|most| time - transaction.last > most)
            || self.logs.is_some_and(|most| transaction.rows.len() >= most)
    }
}

#[derive(Default)]
struct Transaction {
    first: i64,
    last: i64,
    rows: Vec<usize>,
    orphaned: bool,
    closed: bool,
}

/// Groups in which each row shares a value of a field with another.
#[derive(Default)]
struct Groups<'a> {
    all: Vec<Transaction>,
    /// The open transaction that holds a value of a field.
    holders: HashMap<(usize, &'a str), usize>,
    /// What a transaction that was joined to another became.
    became: Vec<usize>,
}

impl<'a> Groups<'a> {
    fn root(&mut self, mut at: usize) -> usize {
        while self.became[at] != at {
            self.became[at] = self.became[self.became[at]];
            at = self.became[at];
        }
        at
    }

    fn open(&mut self, time: i64, orphaned: bool) -> usize {
        self.all.push(Transaction { first: time, last: time, rows: Vec::new(), orphaned, closed: false });
        self.became.push(self.all.len() - 1);
        self.all.len() - 1
    }

    /// One transaction of two.
    fn join(&mut self, a: usize, b: usize) -> usize {
        let (into, from) = if self.all[a].rows.len() >= self.all[b].rows.len() { (a, b) } else { (b, a) };
        let gone = std::mem::take(&mut self.all[from]);
        let kept = &mut self.all[into];
        kept.first = kept.first.min(gone.first);
        kept.last = kept.last.max(gone.last);
        kept.rows.extend(gone.rows);
        self.became[from] = into;
        into
    }

    fn add(&mut self, row: usize, time: i64, keys: &[(usize, &'a str)], limits: &Limits<'_>) {
        if keys.is_empty() {
            let at = self.open(time, true);
            self.all[at].rows.push(row);
            return;
        }
        let mut found: Option<usize> = None;
        if !limits.starts(row) {
            for key in keys {
                let Some(at) = self.holders.get(key).copied() else { continue };
                let at = self.root(at);
                if found == Some(at) || limits.closes(&self.all[at], time) {
                    continue;
                }
                found = Some(match found {
                    Some(other) => self.join(other, at),
                    None => at,
                });
            }
        }
        let at = found.unwrap_or_else(|| self.open(time, false));
        self.all[at].rows.push(row);
        self.all[at].last = self.all[at].last.max(time);
        self.all[at].closed = limits.ends(row);
        for key in keys {
            self.holders.insert(*key, at);
        }
    }
}

fn transactionize(args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let [times, texts, options, keys @ ..] = args else {
        return exec_err!("`transactionize` was called with other arguments");
    };
    if rows == 0 {
        return Ok(Arc::new(StringViewArray::from(Vec::<&str>::new())));
    }
    let limits = Limits::read(text(options, 0).unwrap_or_default(), texts);
    let times: &Int64Array = times.as_primitive::<Int64Type>();
    let mut groups = Groups::default();
    for row in 0..rows {
        let time = if times.is_valid(row) { times.value(row) } else { 0 };
        let of_row: Vec<(usize, &str)> = (keys.iter().enumerate())
            .filter_map(|(i, key)| Some((i, text(key, row).filter(|t| !t.is_empty())?)))
            .collect();
        groups.add(row, time, &of_row, &limits);
    }
    let mut answers: Vec<Option<String>> = vec![None; rows];
    let mut all: Vec<Transaction> = groups.all.into_iter().filter(|t| !t.rows.is_empty()).collect();
    all.iter_mut().for_each(|t| t.rows.sort_unstable());
    all.sort_by_key(|t| t.rows[0]);
    let mut number = 0;
    for transaction in &all {
        let (first, last) = (transaction.rows[0], transaction.rows[transaction.rows.len() - 1]);
        let dropped = (transaction.orphaned && !limits.keep_orphans)
            || (limits.strict_start && !limits.starts(first))
            || (limits.strict_end && !limits.ends(last));
        if dropped {
            continue;
        }
        number += 1;
        let mut packed = String::new();
        for part in [
            number.to_string(),
            (transaction.last - transaction.first).to_string(),
            transaction.rows.len().to_string(),
            transaction.orphaned.to_string(),
        ] {
            pack(&part, &mut packed);
        }
        transaction.rows.iter().for_each(|row| answers[*row] = Some(packed.clone()));
    }
    let mut out = StringViewBuilder::with_capacity(rows);
    answers.into_iter().for_each(|a| out.append_option(a));
    Ok(Arc::new(out.finish()))
}
