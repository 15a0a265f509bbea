//! Many conditions over the columns of one table, as one function.
//!
//! DataFusion computes `a and b and …` by leaving rows out as soon as few are left, and copies all columns of the batch
//! for that. Where a thousand conditions read hundreds of columns, each test sees here only those that it reads. What
//! several conditions ask is asked once a batch, and what is behind tests that few rows pass is asked of these alone.

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use std::collections::HashMap;
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
    tests: Vec<Test>,
    each: Vec<Node>,
    signature: Signature,
}

/// A part of conditions that is no conjunction and no disjunction.
#[derive(Debug)]
struct Test {
    /// Which of the function's arguments it reads.
    columns: Vec<usize>,
    schema: SchemaRef,
    holds: Arc<dyn PhysicalExpr>,
    /// Whether it is quickly computed.
    cheap: bool,
    /// In how many places it stands.
    uses: usize,
}

/// A condition over tests. It holds where it is true: of false and null neither does.
#[derive(Debug)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Test(usize),
}

impl Conditions {
    /// Over arguments of those names and types, which are columns of `table`.
    pub(super) fn new(table: &str, arguments: &[Field], conditions: Vec<Expr>, state: &SessionState) -> Result<Self> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let mut all = Tests { table, arguments, state, tests: Vec::new(), known: HashMap::new() };
        let mut each = conditions.into_iter().map(|condition| all.node(condition)).collect::<Result<Vec<_>>>()?;
        let tests = all.tests;
        each.iter_mut().for_each(|node| node.order(&tests));
        let signature = Signature::variadic_any(Volatility::Volatile);
        Ok(Conditions { id: IDS.fetch_add(1, Ordering::Relaxed), tests, each, signature })
    }
}

impl Conditions {
    /// For each row a bit for each condition.
    fn bits(&self, arrays: Vec<ArrayRef>, rows: usize) -> Result<Vec<u8>> {
        let bytes = self.each.len().div_ceil(8);
        let mut bits = vec![0u8; bytes * rows];
        let mut batch = Batch { tests: &self.tests, arrays, rows, known: vec![None; self.tests.len()] };
        let all = BooleanBuffer::new_set(rows);
        for (place, condition) in self.each.iter().enumerate() {
            let holds = batch.holds(condition, &all)?;
            holds.set_indices().for_each(|row| bits[row * bytes + place / 8] |= 1 << (place % 8));
        }
        Ok(bits)
    }
}

/// The tests of conditions, each once.
struct Tests<'t> {
    table: &'t str,
    arguments: &'t [Field],
    state: &'t SessionState,
    tests: Vec<Test>,
    known: HashMap<Expr, usize>,
}

impl Tests<'_> {
    fn node(&mut self, condition: Expr) -> Result<Node> {
        match condition {
            // Where it is true, what it says is true.
            Expr::IsTrue(inner) if matches!(*inner, Expr::BinaryExpr(_) | Expr::IsTrue(_)) => self.node(*inner),
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                // A chain may be long: no step of the stack for each link.
                let (mut parts, mut left) = (Vec::new(), vec![condition]);
                while let Some(next) = left.pop() {
                    match next {
                        Expr::BinaryExpr(b) if b.op == op => left.extend([*b.right, *b.left]),
                        part => parts.push(self.node(part)?),
                    }
                }
                Ok(if op == Operator::And { Node::And(parts) } else { Node::Or(parts) })
            }
            test => Ok(Node::Test(self.test(test)?)),
        }
    }

    fn test(&mut self, test: Expr) -> Result<usize> {
        if let Some(place) = self.known.get(&test) {
            self.tests[*place].uses += 1;
            return Ok(*place);
        }
        let read = test.column_refs();
        let reads = |f: &Field| read.iter().any(|c| c.name() == f.name());
        let columns: Vec<usize> = (0..self.arguments.len()).filter(|i| reads(&self.arguments[*i])).collect();
        let fields: Vec<Field> = columns.iter().map(|i| self.arguments[*i].clone()).collect();
        let schema = Arc::new(Schema::new(fields));
        let named = DFSchema::try_from_qualified_schema(self.table, &schema)?;
        let holds = self.state.create_physical_expr(test.clone(), &named)?;
        let cheap = is_cheap(&test);
        let place = self.tests.len();
        self.known.insert(test, place);
        self.tests.push(Test { columns, schema, holds, cheap, uses: 1 });
        Ok(place)
    }
}

/// Whether it compares a column with what is fixed.
fn is_cheap(test: &Expr) -> bool {
    let plain = |e: &Expr| matches!(e, Expr::Column(_) | Expr::Literal(..));
    match test {
        Expr::BinaryExpr(b) => plain(&b.left) && plain(&b.right),
        Expr::InList(list) => plain(&list.expr) && list.list.len() <= 16 && list.list.iter().all(plain),
        Expr::IsNotNull(e) | Expr::IsNull(e) => plain(e),
        Expr::IsTrue(e) | Expr::IsNotTrue(e) | Expr::Not(e) => is_cheap(e),
        _ => false,
    }
}

impl Node {
    /// Of what must all hold, what is cheap and asked by many comes first.
    fn order(&mut self, tests: &[Test]) {
        match self {
            Node::And(parts) => {
                parts.iter_mut().for_each(|part| part.order(tests));
                parts.sort_by_key(|part| match part {
                    Node::Test(test) if tests[*test].cheap => usize::MAX - tests[*test].uses,
                    _ => usize::MAX,
                });
            }
            Node::Or(parts) => parts.iter_mut().for_each(|part| part.order(tests)),
            Node::Test(_) => {}
        }
    }
}

/// A batch, and what is known of its rows.
struct Batch<'b> {
    tests: &'b [Test],
    arrays: Vec<ArrayRef>,
    rows: usize,
    /// For each test the rows that pass it.
    known: Vec<Option<BooleanBuffer>>,
}

impl Batch<'_> {
    /// Of the rows `of`, those for which it holds.
    fn holds(&mut self, node: &Node, of: &BooleanBuffer) -> Result<BooleanBuffer> {
        match node {
            Node::And(parts) => {
                let mut left = of.clone();
                for part in parts {
                    left = self.holds(part, &left)?;
                    if left.count_set_bits() == 0 {
                        break;
                    }
                }
                Ok(left)
            }
            Node::Or(parts) => {
                let (mut any, mut left) = (BooleanBuffer::new_unset(self.rows), of.clone());
                for part in parts {
                    let found = self.holds(part, &left)?;
                    left = &left & &!&found;
                    any = &any | &found;
                    if left.count_set_bits() == 0 {
                        break;
                    }
                }
                Ok(any)
            }
            Node::Test(place) => self.passes(*place, of),
        }
    }

    fn passes(&mut self, place: usize, of: &BooleanBuffer) -> Result<BooleanBuffer> {
        if let Some(known) = &self.known[place] {
            return Ok(known & of);
        }
        let test = &self.tests[place];
        let some = of.count_set_bits();
        let arrays = test.columns.iter().map(|column| &self.arrays[*column]);
        // Few rows are worth a copy of their own.
        if some * 4 < self.rows {
            let of = BooleanArray::new(of.clone(), None);
            let arrays = arrays.map(|array| filter(array, &of)).collect::<std::result::Result<Vec<_>, _>>()?;
            let passed = test.holds(arrays, some)?;
            let mut all = vec![false; self.rows];
            of.values().set_indices().enumerate().for_each(|(at, row)| all[row] = passed.value(at));
            return Ok(BooleanBuffer::from(all));
        }
        let passed = test.holds(arrays.cloned().collect(), self.rows)?;
        let some = &passed & of;
        self.known[place] = Some(passed);
        Ok(some)
    }
}

impl Test {
    /// The rows for which it is true.
    fn holds(&self, arrays: Vec<ArrayRef>, rows: usize) -> Result<BooleanBuffer> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        Ok(match self.holds.evaluate(&batch)? {
            ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => BooleanBuffer::new_set(rows),
            ColumnarValue::Scalar(_) => BooleanBuffer::new_unset(rows),
            ColumnarValue::Array(array) => {
                let Some(holds) = array.as_boolean_opt() else {
                    return exec_err!("a condition is a {}", array.data_type());
                };
                match holds.nulls() {
                    Some(nulls) => holds.values() & nulls.inner(),
                    None => holds.values().clone(),
                }
            }
        })
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
        let bits = self.bits(arrays, rows)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;
    use datafusion::logical_expr::{col, in_list, lit};
    use datafusion::prelude::SessionContext;
    use proptest::prelude::*;

    fn condition() -> impl Strategy<Value = Expr> {
        let column = || prop::sample::select(vec!["a", "b", "c"]).prop_map(col);
        let text = || {
            prop::sample::select(vec!["x", "y", "z", ""]).prop_map(|t| lit(ScalarValue::Utf8View(Some(t.to_owned()))))
        };
        let leaf = prop_oneof![
            4 => (column(), text()).prop_map(|(c, t)| c.eq(t)),
            2 => (column(), text()).prop_map(|(c, t)| c.eq(t).is_true()),
            1 => (column(), text()).prop_map(|(c, t)| Expr::Not(Box::new(c.eq(t)))),
            1 => (column(), prop::collection::vec(text(), 1..3)).prop_map(|(c, list)| in_list(c, list, false)),
            1 => column().prop_map(Expr::is_null),
            1 => (column(), column()).prop_map(|(a, b)| a.lt(b)),
            1 => any::<bool>().prop_map(lit),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
                1 => inner.clone().prop_map(Expr::is_true),
                1 => inner.prop_map(|e| Expr::Not(Box::new(e))),
            ]
        })
    }

    proptest! {
        #[test]
        fn parts_of_conditions_say_what_the_whole_says(
            conditions in prop::collection::vec(condition(), 1..12),
            rows in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![None, Some("x"), Some("y"), Some("w"), Some("")]), 3), 0..40),
        ) {
            let fields: Vec<Field> = ["a", "b", "c"].iter().map(|n| Field::new(*n, DataType::Utf8View, true)).collect();
            let arrays: Vec<ArrayRef> =
                (0..3).map(|c| Arc::new(rows.iter().map(|r| r[c]).collect::<StringViewArray>()) as ArrayRef).collect();
            let state = SessionContext::new().state();
            let made = Conditions::new("t", &fields, conditions.clone(), &state).unwrap();
            let bits = made.bits(arrays.clone(), rows.len()).unwrap();
            let schema = Arc::new(Schema::new(fields));
            let named = DFSchema::try_from_qualified_schema("t", &schema).unwrap();
            let batch = RecordBatch::try_new(schema, arrays).unwrap();
            let bytes = conditions.len().div_ceil(8);
            for (place, condition) in conditions.into_iter().enumerate() {
                let whole = state.create_physical_expr(condition.clone(), &named).unwrap().evaluate(&batch).unwrap();
                let whole = whole.into_array(rows.len()).unwrap();
                let whole = whole.as_boolean();
                for row in 0..rows.len() {
                    let holds = whole.is_valid(row) && whole.value(row);
                    prop_assert_eq!(bits[row * bytes + place / 8] >> (place % 8) & 1 == 1, holds, "{}: {}", row, condition);
                }
            }
        }
    }
}
