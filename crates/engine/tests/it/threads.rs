//! What a query gives is a matter of the query and the data, never of how many threads ran it.

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parallax_engine::value::value;
use parallax_engine::{Context, Dialect, Limits, Options, Session};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const THREADS: [usize; 4] = [1, 2, 3, 8];

/// Queries over `a` (many rows) and `b` (few, several of a key, some without a partner): all depend on the order in
/// which rows come, or add up numbers in it.
const QUERIES: &[&str] = &[
    "a | take 20 | project id, key",
    "a | top 30 by small asc | project id",
    "a | join kind=inner b on key | take 25 | project id, tag",
    "a | join kind=inner b on key | top 25 by small desc | project id, tag",
    "a | join kind=inner b on key | summarize ids = make_list(id, 40), tags = make_set(tag) by small",
    "a | join b on key | summarize take_any(id, tag) by small",
    "a | join b on key | serialize n = row_number() | where n % 7 == 0 | project n, id, tag",
    "a | join kind=leftouter b on key | summarize make_list(id, 40), arg_max(small, id, tag)",
    "a | join kind=rightouter b on key | summarize make_list(id, 40), make_list(tag, 40) by small",
    "b | join kind=leftouter a on key | serialize n = row_number() | where n % 997 == 0 | project n, id, tag",
    "a | join kind=fullouter b on key | serialize n = row_number(), before = prev(id) | where n % 997 == 0 | project n, id, tag, before",
    "a | join kind=leftanti b on key | summarize make_list(id, 40)",
    "a | join kind=rightsemi b on key | summarize make_list(tag)",
    "b | join kind=rightanti a on key | summarize make_list(id, 40) by small",
    "a | lookup b on key | summarize make_set(tag), make_list(id, 20) by small",
    "a | where key in ((b | project key)) | summarize make_list(id, 50) by small",
    "a | where key !in ((b | project key)) | project id, key",
    "a | where key in ((b | project key)) | project id, key",
    "a | where pad !in ((b | project tag)) | project id",
    "a | where pad in ((a | where small == 2 | project pad)) | project id",
    "a | where key in ((a | where small == 1 | project key)) and id % 3 == 1 | project id",
    "a | where id > toscalar(b | summarize max(key)) | summarize make_list(id, 50)",
    "a | distinct key | summarize make_list(key)",
    "a | summarize n = count() by key | summarize make_list(key)",
    "a | summarize n = count() by key | join kind=inner b on key | summarize make_list(tag, 30)",
    "union a, (b | project key, id = 0) | summarize make_list(key, 30), take_any(id)",
    "a | summarize sum(part), avg(part), stdev(part) by small",
    "a | join b on key | summarize sum(part) by tag",
    "a | serialize n = row_cumsum(part) | where id % 997 == 0 | project n",
];

struct Row {
    id: i64,
    key: i64,
    small: i64,
    part: f64,
    pad: String,
}

/// Rows with values that follow from their number alone, wide enough that a file of them is read in parts.
fn row(id: i64) -> Row {
    let mixed = (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut pad = String::with_capacity(384);
    (1..=24u64).for_each(|n| write!(pad, "{:016x}", mixed.rotate_left(n as u32).wrapping_mul(n | 1)).unwrap());
    Row { id, key: (mixed >> 40) as i64 % 400, small: (mixed >> 20) as i64 % 5, part: (mixed >> 11) as f64 / 3e13, pad }
}

const ROWS: i64 = 32_000;

/// Key and tag of the small table.
fn partners() -> Vec<(i64, String)> {
    (0..300).map(|n| ((n * 7) % 450, format!("t{n}"))).filter(|(key, _)| key % 3 != 0).collect()
}

pub(crate) fn as_parquet(folder: &Path) {
    let rows: Vec<Row> = (0..ROWS).map(row).collect();
    let longs = |of: fn(&Row) -> i64| Arc::new(rows.iter().map(of).collect::<Int64Array>()) as ArrayRef;
    let a = RecordBatch::try_from_iter([
        ("id", longs(|r| r.id)),
        ("key", longs(|r| r.key)),
        ("small", longs(|r| r.small)),
        ("part", Arc::new(rows.iter().map(|r| r.part).collect::<Float64Array>()) as ArrayRef),
        ("pad", Arc::new(rows.iter().map(|r| Some(r.pad.as_str())).collect::<StringArray>()) as ArrayRef),
    ]);
    let (keys, tags): (Vec<i64>, Vec<String>) = partners().into_iter().unzip();
    let b = RecordBatch::try_from_iter([
        ("key", Arc::new(Int64Array::from(keys)) as ArrayRef),
        ("tag", Arc::new(StringArray::from(tags)) as ArrayRef),
    ]);
    for (name, batch) in [("a.parquet", a.unwrap()), ("b.parquet", b.unwrap())] {
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(1500)).set_dictionary_enabled(false);
        let file = File::create(folder.join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
    // Less is not read in parts.
    assert!(fs::metadata(folder.join("a.parquet")).unwrap().len() > 10 << 20);
}

fn as_lines(folder: &Path) {
    let mut a = String::new();
    for row in (0..ROWS).map(row) {
        let Row { id, key, small, part, pad } = row;
        writeln!(a, r#"{{"id":{id},"key":{key},"small":{small},"part":{part},"pad":"{pad}"}}"#).unwrap();
    }
    let mut b = String::new();
    partners().iter().for_each(|(key, tag)| writeln!(b, r#"{{"key":{key},"tag":"{tag}"}}"#).unwrap());
    fs::write(folder.join("a.jsonl"), a).unwrap();
    fs::write(folder.join("b.jsonl"), b).unwrap();
}

pub(crate) fn rows(session: &Session, kql: &str) -> Vec<String> {
    let execution = session.query(Dialect::Kql, kql, &Context::at(0)).map_err(|e| format!("{kql}: {e}")).unwrap();
    let columns = execution.columns.clone();
    let mut rows = Vec::new();
    for batch in execution.rows {
        let batch = batch.map_err(|e| format!("{kql}: {e}")).unwrap();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns());
            let cells = cells.map(|(output, c)| value(output, c, row).text().unwrap_or_default().into_owned());
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

fn compare(make: fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let open = |threads| {
        let options = Options { limits: Limits { threads, ..Limits::default() }, ..Options::default() };
        Session::open(&[folder.path().display().to_string()], options).unwrap()
    };
    let sessions = THREADS.map(open);
    let mut wrong = Vec::new();
    for query in QUERIES {
        let [expected, others @ ..] = sessions.each_ref().map(|session| rows(session, query));
        assert!(!expected.is_empty(), "{query}");
        for (threads, found) in THREADS[1..].iter().zip(others) {
            if found != expected {
                let at =
                    found.iter().zip(&expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
                wrong.push(format!("{query}\n  1: {:?}\n  {threads}: {:?}", expected.get(at), found.get(at)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn parquet_gives_the_same_rows_on_any_number_of_threads() {
    compare(as_parquet);
}

#[test]
fn json_lines_give_the_same_rows_on_any_number_of_threads() {
    compare(as_lines);
}
