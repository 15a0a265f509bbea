//! Event time: the window that the user asked for, and the window that the query itself has.

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The hidden column with an event's time.
pub(super) const TIME: &str = "$time";

/// Ticks of 100 ns between 0001-01-01 and 1970-01-01: the language's datetimes are ticks, telemetry's are nanoseconds.
pub(super) const EPOCH_TICKS: i64 = 621_355_968_000_000_000;

/// An instant, in nanoseconds since the Unix epoch, in ticks.
pub(crate) fn ticks(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(100) + EPOCH_TICKS
}

/// A half-open range of event time, in nanoseconds since the Unix epoch. Events without a time are in no range but the
/// unbounded one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first instant that is in it.
    pub from: Option<i64>,
    /// The first that is not any more.
    pub to: Option<i64>,
}

impl Window {
    /// Whether it leaves nothing out.
    pub fn is_unbounded(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether it holds the instant.
    pub fn holds(&self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
    }

    /// How many rows of the batch it leaves out because they have no time.
    pub(super) fn timeless(&self, batch: &RecordBatch) -> u64 {
        match batch.column_by_name(TIME) {
            Some(times) if !self.is_unbounded() => times.null_count() as u64,
            _ => 0,
        }
    }

    /// The rows of the batch whose time it holds.
    pub(super) fn filter(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        // Where the query itself reads the time, an event without one is a row as any other.
        if self.is_unbounded() {
            return Ok(batch);
        }
        let Some(times) = batch.column_by_name(TIME).and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>())
        else {
            return Ok(batch);
        };
        let keep: BooleanArray = times.iter().map(|t| Some(t.is_some_and(|t| self.holds(t)))).collect();
        filter_record_batch(&batch, &keep)
    }
}

/// How much of what was read lies before the time from which a query looks.
///
/// A query that looks back for a day from the wrong now finds nothing, in silence. So each scan counts.
#[derive(Debug, Default)]
pub struct Outside {
    before: AtomicU64,
    read: AtomicU64,
    /// The earliest bound of all scans; `i64::MAX` while there is none.
    bound: Mutex<Option<i64>>,
}

impl Outside {
    /// Events before the bound, of the events read by scans that have one.
    pub fn counts(&self) -> (u64, u64) {
        (self.before.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    /// The time from which the query looks, in nanoseconds since the Unix epoch, where it says.
    pub fn bound(&self) -> Option<i64> {
        *self.bound.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Counts rows that lie before the bound and were not read for it.
    pub fn add(&self, before: u64) {
        self.before.fetch_add(before, Ordering::Relaxed);
        self.read.fetch_add(before, Ordering::Relaxed);
    }

    pub(super) fn set_bound(&self, at: i64) {
        let mut bound = self.bound.lock().unwrap_or_else(|e| e.into_inner());
        *bound = Some(bound.map_or(at, |b| b.min(at)));
    }

    pub(super) fn count(&self, batch: &RecordBatch, column: &str, bound: i64) {
        let Some(times) = batch.column_by_name(column).and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>())
        else {
            return;
        };
        let before = times.iter().filter(|t| t.is_some_and(|t| t < bound)).count();
        self.before.fetch_add(before as u64, Ordering::Relaxed);
        self.read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }
}

/// The latest lower bound that the filters put on a time column of the table: the column, and the bound in nanoseconds.
pub(crate) fn lower_bound(filters: &[Expr], schema: &SchemaRef) -> Option<(String, i64)> {
    filters
        .iter()
        .flat_map(|f| split_conjunction(f))
        .filter_map(|f| match f {
            Expr::BinaryExpr(b) => match b.op {
                Operator::Gt | Operator::GtEq => Some((b.left.as_ref(), b.right.as_ref())),
                Operator::Lt | Operator::LtEq => Some((b.right.as_ref(), b.left.as_ref())),
                _ => None,
            },
            Expr::Between(b) if !b.negated => Some((b.expr.as_ref(), b.low.as_ref())),
            _ => None,
        })
        .filter_map(|(side, literal)| Some((time_column(side, schema)?, nanoseconds(literal)?)))
        .max_by_key(|(_, bound)| *bound)
}

/// The time column that `side` is: bare, or converted to a language's own ticks, which keeps the order.
fn time_column(side: &Expr, schema: &SchemaRef) -> Option<String> {
    let name = match side {
        Expr::Column(column) => &column.name,
        Expr::Cast(cast) => return time_column(&cast.expr, schema),
        Expr::Alias(alias) => return time_column(&alias.expr, schema),
        Expr::BinaryExpr(b) if b.op == Operator::Plus || b.op == Operator::Minus || b.op == Operator::Divide => {
            return matches!(*b.right, Expr::Literal(..)).then(|| time_column(&b.left, schema)).flatten();
        }
        _ => return None,
    };
    let field = schema.field_with_name(name).ok()?;
    matches!(field.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _)).then(|| name.clone())
}

fn nanoseconds(literal: &Expr) -> Option<i64> {
    match literal {
        Expr::Literal(ScalarValue::TimestampNanosecond(Some(ns), _), _) => Some(*ns),
        Expr::Literal(ScalarValue::Int64(Some(ticks)), _) => ticks.checked_sub(EPOCH_TICKS)?.checked_mul(100),
        _ => None,
    }
}

/// The rows whose time in `column` is not after `at`; a row without a time stays.
pub(super) fn not_after(batch: RecordBatch, column: &str, at: i64) -> Result<RecordBatch, ArrowError> {
    let Some(times) = batch.column_by_name(column).and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>()) else {
        return Ok(batch);
    };
    let keep: BooleanArray = times.iter().map(|t| Some(t.is_none_or(|t| t <= at))).collect();
    filter_record_batch(&batch, &keep)
}
