//! The functions inside plans that run.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, StructArray};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext, col};
use parallax_functions::kql;
use std::sync::Arc;

#[tokio::test]
async fn arg_max_over_partitions_keeps_rows_together() {
    let partition = |from: i64| {
        let n: ArrayRef = Arc::new((from..from + 500).collect::<Int64Array>());
        let k: ArrayRef =
            Arc::new((from..from + 500).map(|i| Some(format!("k{}", i % 7))).collect::<StringViewArray>());
        let t: ArrayRef = Arc::new((from..from + 500).map(|i| Some(format!("row {i}"))).collect::<StringViewArray>());
        vec![RecordBatch::try_from_iter([("k", k), ("n", n), ("t", t)]).unwrap()]
    };
    let partitions = vec![partition(0), partition(500), partition(1000)];
    let table = MemTable::try_new(partitions[0][0].schema(), partitions).unwrap();
    let config = SessionConfig::new().with_target_partitions(4).with_batch_size(64);
    let context = SessionContext::new_with_config(config);
    let best = kql::aggregate("kql_arg_max").unwrap().call(vec![col("n"), col("t")]);
    let set = kql::aggregate("kql_dcount").unwrap().call(vec![col("t")]);
    let frame = context
        .read_table(Arc::new(table))
        .unwrap()
        .aggregate(vec![col("k")], vec![best.alias("best"), set.alias("d")])
        .unwrap();
    let batches = frame.collect().await.unwrap();
    let mut groups = 0;
    for batch in batches {
        let best = batch.column_by_name("best").unwrap().as_any().downcast_ref::<StructArray>().unwrap();
        let n = best.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        let t = best.column(1).as_any().downcast_ref::<StringViewArray>().unwrap();
        for i in 0..batch.num_rows() {
            groups += 1;
            assert!(n.value(i) >= 1493);
            assert_eq!(t.value(i), format!("row {}", n.value(i)));
        }
    }
    assert_eq!(groups, 7);
}
