//! Files of Parquet, on several threads.

use crate::ORDER;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampNanosecondType};
use parallax_telemetry::store::{File, Table};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How hard pages are packed.
const LEVEL: i32 = 1;

/// Rows of a page: what is passed over is passed over by pages.
const PAGE_ROWS: usize = 8192;

/// Columns that hunts ask by equality, and whose values come in no order that statistics could tell.
const BLOOMS: [&str; 22] = [
    "SHA1",
    "SHA256",
    "MD5",
    "InitiatingProcessSHA1",
    "InitiatingProcessSHA256",
    "InitiatingProcessMD5",
    "DeviceId",
    "DeviceName",
    "Computer",
    "HostName",
    "AccountName",
    "AccountSid",
    "InitiatingProcessAccountName",
    "Account",
    "TargetUserName",
    "SubjectUserName",
    "RemoteIP",
    "LocalIP",
    "IpAddress",
    "ProcessId",
    "InitiatingProcessId",
    "FileName",
];

/// Rows that make up a file.
pub(super) struct Job {
    pub(super) table: String,
    /// What the file's name begins with.
    pub(super) label: String,
    pub(super) batches: Vec<RecordBatch>,
}

type Written = io::Result<Vec<(String, File)>>;

/// Threads that write files.
pub(super) struct Encoders {
    jobs: SyncSender<(usize, Job)>,
    next: Mutex<usize>,
    threads: Vec<JoinHandle<Written>>,
}

impl Encoders {
    pub(super) fn new(folder: &Path, threads: usize) -> Self {
        // Who has a file's rows waits until somebody writes it: memory is bounded by the threads.
        let (jobs, taken) = sync_channel::<(usize, Job)>(0);
        let taken = Arc::new(Mutex::new(taken));
        let work = |taken: Arc<Mutex<Receiver<(usize, Job)>>>, folder: PathBuf| {
            std::thread::spawn(move || {
                let mut written = Vec::new();
                loop {
                    let job = taken.lock().unwrap_or_else(|e| e.into_inner()).recv();
                    let Ok((number, job)) = job else { return Ok(written) };
                    let table = job.table.clone();
                    written.push((table, encode(job, number, &folder)?));
                }
            })
        };
        let threads = (0..threads.max(1)).map(|_| work(taken.clone(), folder.to_owned())).collect();
        Encoders { jobs, next: Mutex::new(0), threads }
    }

    /// Hands over a file's rows.
    pub(super) fn take(&self, job: Job) -> io::Result<()> {
        let number = {
            let mut next = self.next.lock().unwrap_or_else(|e| e.into_inner());
            *next += 1;
            *next
        };
        self.jobs.send((number, job)).map_err(|_| io::Error::other("nobody writes files any more"))
    }

    /// The files of each table, in the order of their rows, when all are written.
    pub(super) fn finish(self) -> io::Result<BTreeMap<String, Table>> {
        drop(self.jobs);
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        let mut failed = None;
        for thread in self.threads {
            match thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread that writes ended early"))) {
                Ok(files) => {
                    files.into_iter().for_each(|(table, file)| tables.entry(table).or_default().files.push(file));
                }
                Err(e) => failed = Some(e),
            }
        }
        tables.values_mut().for_each(|t| t.files.sort_by(|a, b| (a.order, &a.path).cmp(&(b.order, &b.path))));
        failed.map_or(Ok(tables), Err)
    }
}

fn encode(job: Job, number: usize, folder: &Path) -> io::Result<File> {
    let batches = job.batches;
    let first = batches.first().ok_or_else(|| io::Error::other("a file without rows"))?;
    let path = format!("{}/{}-{number:05}.parquet", job.table, job.label);
    std::fs::create_dir_all(folder.join(&job.table))?;
    let out = std::fs::File::create(folder.join(&path))?;
    let properties = properties(&batches).map_err(failure)?;
    let mut writer = ArrowWriter::try_new(&out, first.schema(), Some(properties)).map_err(failure)?;
    let mut file = File { path, bytes: 0, rows: 0, size: 0, order: (i64::MAX, i64::MIN), times: None };
    let mut timeless = false;
    in_order(&batches, &mut |batch| {
        writer.write(batch).map_err(failure)?;
        file.rows += batch.num_rows() as u64;
        let orders = batch.column_by_name(ORDER).and_then(|c| c.as_primitive_opt::<Int64Type>());
        for order in orders.into_iter().flatten().flatten() {
            file.order = (file.order.0.min(order), file.order.1.max(order));
        }
        let times = batch.column_by_name("$time").and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>());
        timeless |= times.is_none_or(|t| t.null_count() > 0);
        let range = times.and_then(|t| Some((arrow::compute::min(t)?, arrow::compute::max(t)?)));
        file.times = super::both(file.times, range);
        Ok(())
    })?;
    file.size = batches.iter().map(|b| b.get_array_memory_size() as u64).sum();
    file.times = file.times.filter(|_| !timeless);
    writer.close().map_err(failure)?;
    out.sync_all()?;
    file.bytes = out.metadata()?.len();
    Ok(file)
}

/// Hands over the rows in the order of the sources. Those of one partition come so; those of several one after the other
/// do not, and are brought in order some at a time: all of them once more would be much memory.
fn in_order(batches: &[RecordBatch], write: &mut dyn FnMut(&RecordBatch) -> io::Result<()>) -> io::Result<()> {
    let orders = |b: &RecordBatch| b.column_by_name(ORDER).and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
    let mut places = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        let orders = orders(batch).ok_or_else(|| io::Error::other("rows without an order"))?;
        places.extend(orders.values().iter().enumerate().map(|(row, order)| (*order, at, row)));
    }
    if places.is_sorted() {
        return batches.iter().try_for_each(write);
    }
    places.sort_unstable();
    let all: Vec<&RecordBatch> = batches.iter().collect();
    for some in places.chunks(PAGE_ROWS) {
        let some: Vec<(usize, usize)> = some.iter().map(|(_, at, row)| (*at, *row)).collect();
        write(&interleave_record_batch(&all, &some).map_err(io::Error::other)?)?;
    }
    Ok(())
}

fn properties(batches: &[RecordBatch]) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
        .set_created_by(concat!("parallax ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_max_row_group_row_count(None)
        .set_column_dictionary_enabled(ColumnPath::from(ORDER), false)
        .set_column_encoding(ColumnPath::from(ORDER), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled(ColumnPath::from("$record"), false)
        .set_column_encoding(ColumnPath::from("$record"), Encoding::DELTA_BINARY_PACKED);
    for name in BLOOMS {
        let distinct = distinct(batches, name);
        // A filter of a few values says less than the column's statistics and costs as much to read as its dictionary.
        if distinct > 16 {
            let path = ColumnPath::from(name);
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), 0.01)
                .set_column_bloom_filter_max_ndv(path, distinct);
        }
    }
    Ok(properties.build())
}

/// How many values a column has.
fn distinct(batches: &[RecordBatch], name: &str) -> u64 {
    let (mut texts, mut numbers) = (HashSet::new(), HashSet::new());
    for column in batches.iter().filter_map(|b| b.column_by_name(name)) {
        match column.data_type() {
            DataType::Utf8View => texts.extend(column.as_string_view().iter().flatten()),
            DataType::Int64 => numbers.extend(column.as_primitive::<Int64Type>().iter().flatten()),
            DataType::Int32 => numbers.extend(column.as_primitive::<Int32Type>().iter().flatten().map(i64::from)),
            _ => {}
        }
    }
    (texts.len() + numbers.len()) as u64
}

fn failure(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(e) => match e.downcast::<io::Error>() {
            Ok(e) => *e,
            Err(e) => io::Error::other(e),
        },
        e => io::Error::other(e),
    }
}
