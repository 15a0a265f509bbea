//! Tests of text over Arrow: `cargo bench -p parallax-functions`. Throughput is of the column's bytes.

#![allow(missing_docs, reason = "made by macros")]

use arrow::array::{ArrayRef, StringViewArray};
use arrow::datatypes::{DataType, Field};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use parallax_functions::kql;
use std::sync::Arc;
use std::time::Duration;

const ROWS: usize = 8192;

/// Command lines, of which one in a hundred is Lua.
fn lines() -> Vec<String> {
    let line = |i: usize| match i % 100 {
        7 => format!(r#"lua.exe -e "os.execute('whoami /groups {i}')""#),
        _ => format!(r#""C:\Program Files\Vendor{i}\agent.exe" --service --config C:\ProgramData\Vendor\{i}.json -v"#),
    };
    (0..ROWS).map(line).collect()
}

fn call(udf: &ScalarUDF, column: &ArrayRef, needle: &str) -> ColumnarValue {
    let field = |t: DataType| Arc::new(Field::new("a", t, true));
    udf.invoke_with_args(ScalarFunctionArgs {
        args: vec![
            ColumnarValue::Array(column.clone()),
            ColumnarValue::Scalar(ScalarValue::Utf8View(Some(needle.to_owned()))),
        ],
        arg_fields: vec![field(DataType::Utf8View), field(DataType::Utf8View)],
        number_rows: ROWS,
        return_field: field(DataType::Boolean),
        config_options: Arc::new(ConfigOptions::default()),
    })
    .unwrap()
}

fn strings(c: &mut Criterion) {
    let mut group = c.benchmark_group("texts of a column");
    let lines = lines();
    let column: ArrayRef = Arc::new(lines.iter().map(Some).collect::<StringViewArray>());
    group.throughput(Throughput::Bytes(lines.iter().map(|l| l.len() as u64).sum()));
    let functions = [
        ("kql_has_any", r#"["lua ",".lua","luajit","os.execute","io.popen","dofile(","loadstring(","socket.tcp"]"#),
        ("kql_has", "luajit"),
        ("kql_contains", "io.popen"),
        ("kql_startswith", r"C:\Temp"),
        ("kql_matches_regex", r"(?i)\blua(jit)?[0-9.]*\b"),
    ];
    for (name, needle) in functions {
        let udf = kql::scalar(name).unwrap();
        group.bench_function(name, |b| b.iter(|| call(&udf, &column, needle)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = strings
}
criterion_main!(benches);
