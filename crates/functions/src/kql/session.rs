//! `row_window_session`: where each row's session began, row after row in their order.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, TypeSignature, Volatility, WindowUDF, WindowUDFImpl};
use std::sync::Arc;

/// `(instant, longest from the first, longest from the one before, restart)`: ticks, ticks, ticks, a Boolean.
pub(super) fn row_window_session() -> Arc<WindowUDF> {
    Arc::new(WindowUDF::new_from_impl(Session {
        signature: Signature::new(TypeSignature::Any(4), Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Session {
    signature: Signature,
}

impl WindowUDFImpl for Session {
    fn name(&self) -> &str {
        "kql_row_window_session"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Walk))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }
}

#[derive(Debug)]
struct Walk;

impl PartitionEvaluator for Walk {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let at = |i: usize| values[i].as_primitive::<Int64Type>();
        Ok(Arc::new(sessions(at(0), at(1), at(2), values[3].as_boolean_opt(), rows)))
    }

    fn evaluate(&mut self, _: &[ArrayRef], _: &std::ops::Range<usize>) -> Result<ScalarValue> {
        datafusion::common::exec_err!("row_window_session walks over all rows")
    }
}

/// A row begins a session where there is none before it, where it is too far from the session's first row or from the row
/// before it, or where it is told to; a row without an instant ends the one before it (documented).
fn sessions(
    instants: &Int64Array,
    from_first: &Int64Array,
    from_last: &Int64Array,
    restart: Option<&BooleanArray>,
    rows: usize,
) -> Int64Array {
    let mut session: Option<(i64, i64)> = None;
    (0..rows)
        .map(|i| {
            let Some(now) = instants.is_valid(i).then(|| instants.value(i)) else {
                session = None;
                return None;
            };
            let told = restart.is_some_and(|r| r.is_valid(i) && r.value(i));
            let first = match session {
                Some((first, last))
                    if !told && now - first < from_first.value(i) && now - last < from_last.value(i) =>
                {
                    first
                }
                _ => now,
            };
            session = Some((first, now));
            Some(first)
        })
        .collect()
}
