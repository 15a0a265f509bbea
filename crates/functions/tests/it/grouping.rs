//! Grouping by numbers gives what DataFusion's own grouping gives.

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::{Expr, ExprFunctionExt, col, lit};
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use parallax_functions::grouping::by_numbers;
use parallax_functions::kql;
use proptest::prelude::*;
use std::sync::Arc;

const WORDS: [&str; 12] = [
    "",
    "a",
    "\0",
    "\"twelve.exe\"",
    "\"thirteen.exe\"",
    "\"thirteen.exf\"",
    "\"thirteen.exe is longer than that\"",
    "\"thirteen.exe is longer than thät\"",
    "[1,\"a\\/b\",null]",
    "\"a\\/b\"",
    " \"a/b\" ",
    "null",
];

/// Which word, or none; whether the views are those of a dictionary; numbers.
type Row = (Option<u32>, Option<u32>, Option<i64>, Option<i32>, Option<bool>);

fn row() -> impl Strategy<Value = Row> {
    let word = || proptest::option::weighted(0.9, 0..WORDS.len() as u32);
    let long = prop_oneof![Just(0), Just(i64::MIN), Just(-1), Just(1 << 32), 0..5i64, any::<i64>()];
    (word(), word(), proptest::option::weighted(0.9, long), proptest::option::of(-1..2i32), any::<Option<bool>>())
}

fn batch(rows: &[Row], dictionary: bool) -> RecordBatch {
    let words: ArrayRef = Arc::new(StringViewArray::from(WORDS.to_vec()));
    let texts = |of: &dyn Fn(&Row) -> Option<u32>| -> ArrayRef {
        if dictionary {
            return take(&words, &rows.iter().map(of).collect::<UInt32Array>(), None).unwrap();
        }
        Arc::new(rows.iter().map(|r| of(r).map(|w| WORDS[w as usize])).collect::<StringViewArray>())
    };
    RecordBatch::try_from_iter_with_nullable([
        ("a", texts(&|r| r.0), true),
        ("b", texts(&|r| r.1), true),
        ("long", Arc::new(rows.iter().map(|r| r.2).collect::<Int64Array>()) as ArrayRef, true),
        ("int", Arc::new(rows.iter().map(|r| r.3).collect::<Int32Array>()), true),
        ("flag", Arc::new(rows.iter().map(|r| r.4).collect::<BooleanArray>()), true),
    ])
    .unwrap()
}

fn kql_aggregate(name: &str, args: Vec<Expr>) -> Expr {
    kql::aggregate(name).unwrap().call(args)
}

/// The rows of a plan, each as a line.
fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        lines.extend(
            (0..batch.num_rows()).map(|i| columns.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join("|")),
        );
    }
    lines
}

struct Run {
    partitions: Vec<Vec<RecordBatch>>,
    keys: Vec<Expr>,
    aggregates: Vec<Expr>,
    skip_rows: usize,
    memory: Option<usize>,
}

impl Run {
    /// The plan as DataFusion makes it, and the lines of both ways.
    async fn both(self) -> (String, Vec<String>, Vec<String>) {
        let mut config = SessionConfig::new().with_target_partitions(self.partitions.len()).with_batch_size(7);
        let options = config.options_mut();
        options.optimizer.enable_round_robin_repartition = false;
        options.execution.skip_partial_aggregation_probe_rows_threshold = self.skip_rows;
        options.execution.skip_partial_aggregation_probe_ratio_threshold = 0.2;
        let mut env = RuntimeEnvBuilder::new();
        if let Some(bytes) = self.memory {
            env = env.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
        }
        let context = SessionContext::new_with_config_rt(config, env.build_arc().unwrap());
        let table = MemTable::try_new(self.partitions[0][0].schema(), self.partitions).unwrap();
        let frame = context.read_table(Arc::new(table)).unwrap().aggregate(self.keys, self.aggregates).unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let numbered = by_numbers(Arc::clone(&plan)).unwrap();
        let shown = displayable(numbered.as_ref()).indent(false).to_string();
        let run = async |plan: Arc<dyn ExecutionPlan>| lines(&collect(plan, context.task_ctx()).await.unwrap());
        let (theirs, ours) = (run(plan).await, run(numbered).await);
        (shown, theirs, ours)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn numbered_groups_are_groups(
        parts in proptest::collection::vec(proptest::collection::vec((proptest::collection::vec(row(), 1..40), any::<bool>()), 1..4), 1..4),
        keys in proptest::sample::subsequence(vec!["a", "b", "long", "int", "flag"], 1..=5),
        skip_rows in prop_oneof![Just(1), Just(30), Just(100_000)],
    ) {
        let partitions: Vec<Vec<RecordBatch>> =
            parts.iter().map(|p| p.iter().map(|(rows, dictionary)| batch(rows, *dictionary)).collect()).collect();
        let one = partitions.len() == 1;
        let mut aggregates = vec![
            count(lit(1)).alias("n"),
            sum(col("int")).alias("sum"),
            min(col("b")).alias("min"),
            max(col("long")).alias("max"),
            kql_aggregate("kql_dcount", vec![col("b")]).alias("distinct"),
            kql_aggregate("kql_dcount", vec![col("long")]).alias("longs"),
            count(col("a")).filter(col("flag")).build().unwrap().alias("if"),
        ];
        if one {
            // What these give depends on the order of rows.
            aggregates.push(kql_aggregate("kql_make_set", vec![col("b"), lit(5i64)]).alias("set"));
            aggregates.push(kql_aggregate("kql_make_set", vec![col("a")]).filter(col("flag")).build().unwrap().alias("if_set"));
            aggregates.push(kql_aggregate("kql_arg_max", vec![col("long"), col("b")]).alias("best"));
        }
        let keys = keys.into_iter().map(col).collect();
        let run = Run { partitions, keys, aggregates, skip_rows, memory: None };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (shown, mut theirs, mut ours) = runtime.block_on(run.both());
        prop_assert!(shown.contains("NumberedGroupsExec"), "{shown}");
        // In which order groups come out says nobody.
        theirs.sort();
        ours.sort();
        prop_assert_eq!(theirs, ours);
    }
}

#[test]
fn groups_are_handed_on_where_memory_is_short() {
    let rows: Vec<Row> = (0..60_000i64).map(|i| (Some((i % 7) as u32), None, Some(i / 2), None, None)).collect();
    let partitions = vec![rows.chunks(1000).map(|rows| batch(rows, true)).collect::<Vec<_>>()];
    let run = Run {
        partitions,
        keys: vec![col("long"), col("a")],
        aggregates: vec![count(lit(1)).alias("n"), kql_aggregate("kql_dcount", vec![col("a")]).alias("distinct")],
        skip_rows: usize::MAX,
        memory: Some(5 << 20),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (_, mut theirs, mut ours) = runtime.block_on(run.both());
    theirs.sort();
    ours.sort();
    assert!(theirs.len() == 60_000 && theirs == ours);
}
