//! Aggregates over a window from which records fall out again.

use crate::rule::Aggregate;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The value of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(Option<f64>),
    Text(Option<Box<str>>),
}

/// A number with a total order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// An aggregate while records come and go.
#[derive(Debug)]
pub(crate) struct Running {
    aggregate: Aggregate,
    /// How many values there are; for `count`, how many are true.
    count: u64,
    sum: f64,
    distinct: HashMap<Box<str>, u64>,
    sorted: BTreeMap<Ordered, u64>,
    line: VecDeque<Box<str>>,
}

impl Running {
    pub(crate) fn new(aggregate: Aggregate) -> Self {
        Running {
            aggregate,
            count: 0,
            sum: 0.0,
            distinct: HashMap::new(),
            sorted: BTreeMap::new(),
            line: VecDeque::new(),
        }
    }

    /// Takes a record's value in, or out again: always that of the oldest record.
    pub(crate) fn change(&mut self, value: Option<&str>, in_: bool) {
        let Some(value) = value else { return };
        let number = || value.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let step = |count: &mut u64| *count = if in_ { *count + 1 } else { count.saturating_sub(1) };
        match self.aggregate {
            Aggregate::Count => {
                if value.eq_ignore_ascii_case("true") {
                    step(&mut self.count);
                }
            }
            Aggregate::CountDistinct => {
                let count = self.distinct.entry(Box::from(value)).or_default();
                step(count);
                if *count == 0 {
                    self.distinct.remove(value);
                }
            }
            Aggregate::Sum | Aggregate::Avg => {
                let Some(n) = number() else { return };
                step(&mut self.count);
                self.sum = match (in_, self.count) {
                    (true, _) => self.sum + n,
                    // What rounding left is not carried into an empty window.
                    (false, 0) => 0.0,
                    (false, _) => self.sum - n,
                };
            }
            Aggregate::Min | Aggregate::Max => {
                let Some(n) = number().map(Ordered) else { return };
                let count = self.sorted.entry(n).or_default();
                step(count);
                if *count == 0 {
                    self.sorted.remove(&n);
                }
            }
            Aggregate::First | Aggregate::Last if in_ => self.line.push_back(Box::from(value)),
            Aggregate::First | Aggregate::Last => {
                self.line.pop_front();
            }
        }
    }

    pub(crate) fn value(&self) -> Value {
        Value::Number(match self.aggregate {
            Aggregate::Count => Some(self.count as f64),
            Aggregate::CountDistinct => Some(self.distinct.len() as f64),
            Aggregate::Sum => Some(self.sum),
            Aggregate::Avg => (self.count > 0).then(|| self.sum / self.count as f64),
            Aggregate::Min => self.sorted.first_key_value().map(|(n, _)| n.0),
            Aggregate::Max => self.sorted.last_key_value().map(|(n, _)| n.0),
            Aggregate::First => return Value::Text(self.line.front().cloned()),
            Aggregate::Last => return Value::Text(self.line.back().cloned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_and_go() {
        let values = ["5", "x", "2", "5"];
        for (aggregate, all, later) in [
            (Aggregate::CountDistinct, Value::Number(Some(3.0)), Value::Number(Some(2.0))),
            (Aggregate::Sum, Value::Number(Some(12.0)), Value::Number(Some(7.0))),
            (Aggregate::Avg, Value::Number(Some(4.0)), Value::Number(Some(3.5))),
            (Aggregate::Min, Value::Number(Some(2.0)), Value::Number(Some(2.0))),
            (Aggregate::Max, Value::Number(Some(5.0)), Value::Number(Some(5.0))),
            (Aggregate::First, Value::Text(Some("5".into())), Value::Text(Some("2".into()))),
            (Aggregate::Last, Value::Text(Some("5".into())), Value::Text(Some("5".into()))),
        ] {
            let mut running = Running::new(aggregate);
            values.iter().for_each(|v| running.change(Some(v), true));
            assert_eq!(running.value(), all, "{aggregate:?}");
            values[..2].iter().for_each(|v| running.change(Some(v), false));
            assert_eq!(running.value(), later, "{aggregate:?}");
        }
        let mut count = Running::new(Aggregate::Count);
        [Some("true"), Some("false"), None, Some("true")].iter().for_each(|v| count.change(*v, true));
        assert_eq!(count.value(), Value::Number(Some(2.0)));
    }
}
