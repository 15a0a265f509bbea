//! Many conditions over the columns of one table, as one function.
//!
//! DataFusion computes `a and b and …` by leaving rows out as soon as few are left, and copies all columns of the batch
//! for that. Where a thousand conditions read hundreds of columns, each sees here only those that it reads.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::PhysicalExpr;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A function of the columns: a bit for each condition that holds, the first one lowest; null where none does.
///
/// Volatile, so that a filter over the result is not pushed below it: the conditions would be computed twice.
#[derive(Debug)]
pub(super) struct Conditions {
    /// No two are the same function.
    id: u64,
    each: Vec<Condition>,
    signature: Signature,
}

#[derive(Debug)]
struct Condition {
    /// Which of the function's arguments it reads.
    columns: Vec<usize>,
    schema: SchemaRef,
    holds: Arc<dyn PhysicalExpr>,
}

impl Conditions {
    /// Over arguments of those names and types, which are columns of `table`.
    pub(super) fn new(table: &str, arguments: &[Field], conditions: Vec<Expr>, state: &SessionState) -> Result<Self> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let each = conditions.into_iter().map(|condition| {
            let read = condition.column_refs();
            let reads = |f: &Field| read.iter().any(|c| c.name() == f.name());
            let columns: Vec<usize> = (0..arguments.len()).filter(|i| reads(&arguments[*i])).collect();
            let schema = Arc::new(Schema::new(columns.iter().map(|i| arguments[*i].clone()).collect::<Vec<_>>()));
            let named = DFSchema::try_from_qualified_schema(table, &schema)?;
            Ok(Condition { columns, schema, holds: state.create_physical_expr(condition, &named)? })
        });
        let each = each.collect::<Result<Vec<_>>>()?;
        let signature = Signature::variadic_any(Volatility::Volatile);
        Ok(Conditions { id: IDS.fetch_add(1, Ordering::Relaxed), each, signature })
    }
}

impl PartialEq for Conditions {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Conditions {}

impl Hash for Conditions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl ScalarUDFImpl for Conditions {
    fn name(&self) -> &str {
        "conditions"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args.args.iter().map(|a| a.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let bytes = self.each.len().div_ceil(8);
        let mut bits = vec![0u8; bytes * rows];
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        for (place, condition) in self.each.iter().enumerate() {
            let columns = condition.columns.iter().map(|i| arrays[*i].clone()).collect();
            let batch = RecordBatch::try_new_with_options(condition.schema.clone(), columns, &options)?;
            match condition.holds.evaluate(&batch)? {
                ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => {
                    (0..rows).for_each(|row| bits[row * bytes + place / 8] |= 1 << (place % 8));
                }
                ColumnarValue::Scalar(_) => {}
                ColumnarValue::Array(array) => {
                    let Some(holds) = array.as_boolean_opt() else {
                        return exec_err!("a condition is a {}", array.data_type());
                    };
                    mark(holds, place, bytes, &mut bits);
                }
            }
        }
        let mut out = BinaryBuilder::with_capacity(rows, 0);
        for row in bits.chunks(bytes.max(1)).take(rows) {
            if row.iter().any(|b| *b != 0) {
                out.append_value(row);
            } else {
                out.append_null();
            }
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

fn mark(holds: &BooleanArray, place: usize, bytes: usize, bits: &mut [u8]) {
    if holds.true_count() == 0 {
        return;
    }
    for row in 0..holds.len() {
        if holds.is_valid(row) && holds.value(row) {
            bits[row * bytes + place / 8] |= 1 << (place % 8);
        }
    }
}
