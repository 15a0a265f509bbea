//! The typed tables, from the packed originals: several threads read, one brings the rows in order, several write.

use super::encode::Encoders;
use super::gather::Gather;
use super::{Failure, Options, both};
use crate::ORDER;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use parallax_telemetry::scan::{Collector, Wanted, rows_of_many, together};
use parallax_telemetry::store::{Heard, Manifest, SegmentEntry, TableSeen, VERSION};
use parallax_telemetry::view::HIDDEN;
use parallax_telemetry::{Report, Source, View, view};
use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const HOUR: i64 = 3_600_000_000_000;

/// The bytes of a part that is read by itself.
const PART: u64 = 32 << 20;

/// Rows that are handed over together.
const ROWS: usize = 2048;

/// How many of those wait, for each part.
const WAITING: usize = 4;

/// A part of a source, and its place in the order.
struct Part {
    at: usize,
    source: Source,
}

/// Rows of one table.
pub(super) struct Rows {
    /// Which of the views.
    pub(super) view: usize,
    pub(super) batch: RecordBatch,
}

/// What is known of a source when it was read.
#[derive(Default)]
struct Seen {
    times: Option<(i64, i64)>,
    hours: BTreeSet<i64>,
    /// For each view.
    tables: Vec<TableSeen>,
}

/// Writes the tables into the segment's folder, and completes what is known of the sources.
pub(super) fn write(
    segment: &mut SegmentEntry,
    folder: &Path,
    views: &[View],
    options: &Options,
) -> Result<(), Failure> {
    let sources = reopened(segment, folder)?;
    let parts = sources.iter().enumerate().flat_map(|(at, s)| s.parts(PART).into_iter().map(move |p| (at, p)));
    let parts: Vec<Part> = parts.map(|(at, source)| Part { at, source }).collect();
    let seen: Vec<Mutex<Seen>> = sources
        .iter()
        .map(|_| Mutex::new(Seen { tables: vec![TableSeen::default(); views.len()], ..Seen::default() }))
        .collect();
    // What is said of a source is said of all its parts together.
    let reports: Vec<Report> = sources.iter().map(|_| Report::new()).collect();
    let (senders, receivers): (Vec<_>, Vec<_>) = parts.iter().map(|_| sync_channel(WAITING)).unzip();
    let senders: Vec<Mutex<Option<SyncSender<Rows>>>> = senders.into_iter().map(|s| Mutex::new(Some(s))).collect();
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<io::Error>> = Mutex::default();
    let encoders = Encoders::new(folder, options.threads);
    let gathered = std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, parts.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(part) = parts.get(number) else { break };
                    let sender = senders[number].lock().unwrap_or_else(|e| e.into_inner()).take();
                    let Some(sender) = sender else { break };
                    let read = read(part, number, views, (&reports[part.at], &seen[part.at]), &sender);
                    if let Err(e) = read {
                        *failed.lock().unwrap_or_else(|e| e.into_inner()) = Some(e);
                    }
                }
            });
        }
        let gathered = gather(receivers, views, options, &encoders);
        if gathered.is_err() {
            // Nobody takes rows any more: readers end.
            next.store(usize::MAX / 2, Ordering::Relaxed);
        }
        gathered
    });
    let files = encoders.finish();
    gathered.map_err(|e| Failure::at(folder, e))?;
    if let Some(e) = failed.into_inner().unwrap_or_else(|e| e.into_inner()) {
        return Err(Failure::at(folder, e));
    }
    for (table, files) in files.map_err(|e| Failure::at(folder, e))? {
        segment.tables.insert(table, files);
    }
    // A table that was asked for and has no rows is a table all the same.
    for view in views {
        segment.tables.entry(view.name().to_owned()).or_default();
    }
    for (((entry, seen), report), source) in segment.sources.iter_mut().zip(seen).zip(&reports).zip(&sources) {
        let seen = seen.into_inner().unwrap_or_else(|e| e.into_inner());
        entry.events = report.events();
        entry.heard = Heard::from(report);
        entry.times = seen.times;
        entry.hours = seen.hours.into_iter().collect();
        let fed = views.iter().zip(seen.tables).filter(|(view, _)| view.fed_by(source));
        entry.tables = fed.map(|(view, seen)| (view.name().to_owned(), seen)).collect();
    }
    Ok(())
}

/// The sources as whoever opens the store will have them.
fn reopened(segment: &SegmentEntry, folder: &Path) -> Result<Vec<Source>, Failure> {
    // The folder's own name is not yet the segment's.
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = folder.parent().unwrap_or(Path::new(""));
    let manifest = Manifest { version: VERSION, segments: vec![SegmentEntry { folder: name, ..segment.clone() }] };
    let report = Report::new();
    let sources = parallax_telemetry::store::sources_of(manifest, parent, &Default::default(), &report);
    match report.damages().first() {
        Some(damage) => Err(Failure::at(folder, io::Error::other(damage.reason.clone()))),
        None => Ok(sources),
    }
}

/// The columns of a view that are written: all, the hidden ones too.
pub(super) fn columns(view: &View) -> Vec<String> {
    let visible = view.columns().iter().map(|c| c.name.clone());
    visible.chain(HIDDEN.iter().map(|(name, _)| (*name).to_owned())).collect()
}

/// Brings the rows of all parts in order, and hands them to the writers as they fill files.
fn gather(receivers: Vec<Receiver<Rows>>, views: &[View], options: &Options, encoders: &Encoders) -> io::Result<()> {
    let mut gather = Gather::new(views, options.partition, options.file_rows);
    for receiver in receivers {
        for rows in receiver {
            gather.add(rows, encoders)?;
        }
    }
    gather.finish(encoders)
}

/// Reads a part through all views.
fn read(
    part: &Part,
    number: usize,
    views: &[View],
    (report, seen): (&Report, &Mutex<Seen>),
    out: &SyncSender<Rows>,
) -> io::Result<()> {
    let fed: Vec<usize> = (0..views.len()).filter(|v| views[*v].fed_by(&part.source)).collect();
    // The times of all events, as a census takes them.
    let times = view::messages(&[], false);
    let all: Vec<View> = fed.iter().map(|v| views[*v].clone()).chain([times]).collect();
    let mut found = Seen { tables: vec![TableSeen::default(); views.len()], ..Seen::default() };
    for group in together(&part.source, &all) {
        let counts = group.contains(&fed.len());
        let unheard = Report::new();
        let wanted: Vec<Wanted> = group
            .iter()
            .map(|at| (all[*at].clone(), if *at == fed.len() { vec!["$time".to_owned()] } else { columns(&all[*at]) }))
            .collect();
        let mut tables = Vec::new();
        for (at, (view, columns)) in group.iter().zip(&wanted) {
            let places = (0..columns.len()).collect();
            let rows = Collector::new(view, columns)?;
            let (view, from) = (fed.get(*at).copied(), (view, columns.as_slice()));
            tables.push(Table { view, from, rows, places, orders: Vec::new(), seen: TableSeen::default() });
        }
        let mut failed = None;
        // A source is told once what is wrong with it, in the reading that all its events come in.
        let heard = if counts { report } else { &unheard };
        rows_of_many(&part.source, &wanted, heard, &mut |at, event, row| {
            let table = &mut tables[at];
            let Some(view) = table.view else {
                if let Some(time) = row.value(0).to_instant() {
                    found.times = both(found.times, Some((time, time)));
                    found.hours.insert(time.div_euclid(HOUR));
                }
                return ControlFlow::Continue(());
            };
            table.rows.push(row, &table.places);
            table.orders.push(order(number, event));
            if table.orders.len() < ROWS {
                return ControlFlow::Continue(());
            }
            match table.flush(view) {
                // Who takes them is gone: something cannot be written.
                Ok(rows) => out.send(rows).map_or(ControlFlow::Break(()), ControlFlow::Continue),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(e) = failed {
            return Err(e);
        }
        let said = (!counts).then(|| Heard::from(&unheard));
        for mut table in tables {
            let Some(view) = table.view else { continue };
            if !table.orders.is_empty() && out.send(table.flush(view)?).is_err() {
                return Ok(());
            }
            found.tables[view] = table.seen;
            found.tables[view].heard = said.clone();
        }
    }
    let mut seen = seen.lock().unwrap_or_else(|e| e.into_inner());
    seen.times = both(seen.times, found.times);
    seen.hours.extend(found.hours);
    for (all, own) in seen.tables.iter_mut().zip(found.tables) {
        // Only sources that are not cut into parts are read in several ways.
        all.heard = own.heard.or(all.heard.take());
        all.rows += own.rows;
        own.unreadable.into_iter().for_each(|(column, n)| *all.unreadable.entry(column).or_default() += n);
    }
    Ok(())
}

/// A row's place in the order of the sources.
fn order(part: usize, event: u64) -> i64 {
    let (part, event) = (i64::try_from(part).unwrap_or(i64::MAX), i64::try_from(event).unwrap_or(i64::MAX));
    (part << 36).saturating_add(event)
}

/// The column with texts of its own and no room for more: builders keep room, and what was taken of another column holds
/// all of that one's texts.
pub(super) fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => column.clone(),
    }
}

struct Table<'v> {
    view: Option<usize>,
    from: (&'v View, &'v [String]),
    rows: Collector,
    places: Vec<usize>,
    orders: Vec<i64>,
    seen: TableSeen,
}

impl Table<'_> {
    fn flush(&mut self, view: usize) -> io::Result<Rows> {
        let batch = self.rows.finish()?;
        self.seen.rows += batch.num_rows() as u64;
        for (column, n) in self.rows.unreadable_by_column().filter(|(_, n)| *n > 0) {
            *self.seen.unreadable.entry(column.to_owned()).or_default() += n;
        }
        // Builders take more room with every block of texts, and keep it: those of many columns would keep gigabytes.
        self.rows = Collector::new(self.from.0, self.from.1)?;
        let orders: ArrayRef = Arc::new(Int64Array::from(std::mem::take(&mut self.orders)));
        let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(ORDER, DataType::Int64, false)));
        let arrays = batch.columns().iter().map(compact).chain([orders]).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(io::Error::other)?;
        Ok(Rows { view, batch })
    }
}
