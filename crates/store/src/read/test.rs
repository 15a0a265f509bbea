//! What a query asks of single columns, as far as statistics can tell.

use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

/// Something that must hold of a column's value for a row to matter. Rows without a value there are for others to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// An instant, in nanoseconds since the Unix epoch, not before the one and not after the other.
    Time {
        /// The column.
        column: String,
        /// The first.
        from: Option<i64>,
        /// The last.
        to: Option<i64>,
    },
    /// One of these texts.
    Text {
        /// The column.
        column: String,
        /// The texts.
        any: Vec<String>,
    },
    /// One of these numbers.
    Number {
        /// The column.
        column: String,
        /// The numbers.
        any: Vec<i64>,
    },
}

/// What statistics say of a test over many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds of none of them.
    None,
    /// It holds of all of them.
    All,
    /// That is to be seen.
    Some,
}

impl Test {
    /// The column.
    pub fn column(&self) -> &str {
        match self {
            Test::Time { column, .. } | Test::Text { column, .. } | Test::Number { column, .. } => column,
        }
    }

    /// What the statistics of a row group say.
    pub(super) fn over(&self, group: &RowGroupMetaData, column: usize) -> Verdict {
        let Some(statistics) = group.column(column).statistics() else { return Verdict::Some };
        let nulls = statistics.null_count_opt();
        if nulls != Some(0) {
            // Rows without a value matter to somebody.
            return Verdict::Some;
        }
        match self {
            Test::Time { from, to, .. } => {
                let Some((min, max)) = numbers(statistics) else { return Verdict::Some };
                if from.is_some_and(|from| max < from) || to.is_some_and(|to| min > to) {
                    Verdict::None
                } else if from.is_none_or(|from| min >= from) && to.is_none_or(|to| max <= to) {
                    Verdict::All
                } else {
                    Verdict::Some
                }
            }
            Test::Number { any, .. } => match numbers(statistics) {
                Some((min, max)) if any.iter().all(|n| *n < min || *n > max) => Verdict::None,
                _ => Verdict::Some,
            },
            Test::Text { any, .. } => {
                let (Some(min), Some(max)) = (statistics.min_bytes_opt(), statistics.max_bytes_opt()) else {
                    return Verdict::Some;
                };
                // Bounds that were cut short are bounds still.
                match any.iter().all(|t| t.as_bytes() < min || t.as_bytes() > max) {
                    true => Verdict::None,
                    false => Verdict::Some,
                }
            }
        }
    }

    /// Whether none of what is asked for is in the filter.
    pub(super) fn is_out_of(&self, filter: &Sbbf, wide: bool) -> bool {
        match self {
            Test::Time { .. } => false,
            Test::Text { any, .. } => !any.iter().any(|t| filter.check(t.as_str())),
            Test::Number { any, .. } if wide => !any.iter().any(|n| filter.check(n)),
            Test::Number { any, .. } => !any.iter().any(|n| i32::try_from(*n).is_ok_and(|n| filter.check(&n))),
        }
    }
}

fn numbers(statistics: &Statistics) -> Option<(i64, i64)> {
    match statistics {
        Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
        Statistics::Int32(s) => Some((i64::from(*s.min_opt()?), i64::from(*s.max_opt()?))),
        _ => None,
    }
}
