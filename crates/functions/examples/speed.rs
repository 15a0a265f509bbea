//! A quick figure, not a benchmark: `cargo run --release -p parallax-functions --example speed`.

#![expect(clippy::print_stdout, reason = "it prints a figure")]

use arrow::array::{Array, StringViewArray};
use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use parallax_functions::kql;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let line = |i: usize| {
        format!(r#""C:\Program Files\Vendor{i}\agent.exe" --service --config C:\ProgramData\Vendor\{i}.json -v"#)
    };
    let lines: Vec<String> = (0..8192).map(line).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    let column = Arc::new(lines.iter().map(Some).collect::<StringViewArray>());
    let functions: [(&str, &str); 5] = [
        ("kql_has_any", r#"["lua ",".lua","luajit","os.execute","io.popen","dofile(","loadstring(","socket.tcp"]"#),
        ("kql_has", "luajit"),
        ("kql_contains", "io.popen"),
        ("kql_startswith", r"C:\Temp"),
        ("kql_matches_regex", r"(?i)\blua(jit)?[0-9.]*\b"),
    ];
    for (name, needle) in functions {
        let udf = kql::scalar(name).unwrap();
        let field = |t: DataType| Arc::new(Field::new("a", t, true));
        let started = Instant::now();
        let times = 200;
        for _ in 0..times {
            let args = vec![
                ColumnarValue::Array(column.clone()),
                ColumnarValue::Scalar(ScalarValue::Utf8View(Some(needle.to_owned()))),
            ];
            udf.invoke_with_args(ScalarFunctionArgs {
                args,
                arg_fields: vec![field(DataType::Utf8View), field(DataType::Utf8View)],
                number_rows: column.len(),
                return_field: field(DataType::Boolean),
                config_options: Arc::new(ConfigOptions::default()),
            })
            .unwrap();
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{name:20} {:8.0} MB/s", (bytes * times) as f64 / seconds / 1e6);
    }
}
