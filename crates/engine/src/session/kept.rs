//! Queries that run at many times over one recording: their events are read once and kept.
//!
//! What a query asks of the events of a table whatever the time is, right above its scan, says which of them can matter
//! to it at any time. These are kept, with the columns that it reads; at each time its plan runs over those that had
//! happened by then.

use super::alone::{Over, Written, earlier, over};
use super::part::{Slot, asked_of, given};
use super::{Census, Session, finish};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::execute::{Instant, Needs, Rows};
use crate::scan::lower_bound;
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampNanosecondType};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, TableScanBuilder, lit};
use parallax_catalog::{Context, Output};
use parallax_diagnostics::Diagnostics;
use std::collections::HashSet;
use std::sync::Arc;

/// The most bytes that are kept, about, for all queries together. The one with most of them is read anew at each time
/// where that is not enough.
const MOST: usize = 512 << 20;

/// The hidden column with an event's time.
const TIME: &str = "$time";

/// A query and its events.
pub struct Kept {
    dialect: Dialect,
    text: String,
    pub(super) scans: Vec<Scan>,
    gave_up: bool,
}

/// A scan of a plan, with what the plan asks of it.
type Asking = (Over, TableScan, Vec<Expr>);

/// A scan of it.
pub(super) struct Scan {
    pub(super) table: Over,
    /// What it reads, and the time.
    pub(super) schema: SchemaRef,
    /// What the plan asks of it at any time.
    pub(super) condition: Expr,
    pub(super) lacking: Vec<String>,
    /// What the plan sees of it.
    seen: SchemaRef,
    rows: Vec<RecordBatch>,
    bytes: usize,
}

/// A query that runs at one time over what was kept for it.
pub struct KeptRun {
    /// What the user sees of each row.
    pub columns: Vec<Output>,
    /// Whether the hidden columns follow.
    pub provenance: bool,
    /// Warnings and notes about the query's text.
    pub diagnostics: Diagnostics,
    /// From when on it looks, in nanoseconds since the Unix epoch.
    pub bound: Option<i64>,
    /// How many of the events that can matter to it lie before that.
    pub before: u64,
    /// The rows.
    pub rows: Rows,
}

impl Session {
    /// The query with places for its events; nothing where its scans are not the same at all times.
    ///
    /// # Errors
    /// The query is wrong.
    pub fn keepable(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Option<Kept>, Error> {
        let (now, then) = (self.written(dialect, text, context)?, self.written(dialect, text, &earlier(context))?);
        self.keepable_of(&now, &then)
    }

    /// The query that is written so at two times, with places for its events.
    pub(super) fn keepable_of(&self, written: &Written, earlier: &Written) -> Result<Option<Kept>, Error> {
        let Some(now) = self.scans(written)? else { return Ok(None) };
        let Some(then) = self.scans(earlier)? else { return Ok(None) };
        if now.is_empty() || now.len() != then.len() {
            return Ok(None);
        }
        let mut scans = Vec::new();
        for ((table, scan, asked), (other_table, other, asked_then)) in now.into_iter().zip(then) {
            let seen: SchemaRef = Arc::clone(scan.projected_schema.inner());
            if table != other_table || seen.as_ref() != other.projected_schema.inner().as_ref() {
                return Ok(None);
            }
            let then: HashSet<String> = asked_then.iter().map(ToString::to_string).collect();
            let always = asked.into_iter().filter(|e| then.contains(&e.to_string()));
            let condition = conjunction(always).unwrap_or_else(|| lit(true));
            let schema = timed(&seen, &scan.source.schema());
            scans.push(Scan { table, schema, condition, lacking: Vec::new(), seen, rows: Vec::new(), bytes: 0 });
        }
        Ok(Some(Kept { dialect: written.dialect, text: written.text.clone(), scans, gave_up: false }))
    }

    fn scans(&self, written: &Written) -> Result<Option<Vec<Asking>>, Error> {
        if !written.is_simple() {
            return Ok(None);
        }
        let failure = |e| self.executor.failure(e);
        let plan = self.optimised(written)?;
        let mut all = Vec::new();
        for scan in scans(plan).map_err(failure)? {
            if let Some(table) = over(&scan, &written.asked) {
                let asked = asked_of(plan, &scan).map_err(failure)?;
                all.push((table, scan, asked));
            }
        }
        Ok(Some(all))
    }

    /// Runs the query at the context's time over those of its events that had happened by then, and after `after`.
    /// Nothing where it does not look like what was kept for it.
    ///
    /// # Errors
    /// The plan fails.
    pub fn query_kept(
        &self,
        kept: &Kept,
        context: &Context,
        census: Option<&Arc<Census>>,
        after: Option<i64>,
    ) -> Result<Option<KeptRun>, Error> {
        let began = Instant::now();
        let (mut asked, inner) = self.asked(context, census);
        asked.executor = Some(self.executor.clone());
        let planned = kept.dialect.plan(&kept.text, &asked, &inner)?;
        let failure = |e| self.executor.failure(e);
        let provenance = context.provenance && planned.provenance;
        let plan = finish(&planned, provenance).map_err(failure)?;
        let plan = self.executor.optimised(&plan)?;
        let (mut bound, mut before) = (None, 0);
        let mut slots = Vec::new();
        for scan in scans(&plan).map_err(failure)?.into_iter().filter(|s| over(s, &asked).is_some()) {
            let Some(own) = kept.scans.get(slots.len()) else { return Ok(None) };
            if own.seen.as_ref() != scan.projected_schema.inner().as_ref() {
                return Ok(None);
            }
            let found = lower_bound(&scan.filters, &scan.source.schema());
            let column = found.as_ref().map(|(column, _)| column.as_str());
            if let Some((_, at)) = &found {
                bound = bound.max(Some(*at));
                before += own.before(column.unwrap_or(TIME), *at);
            }
            let rows = own.at(column, context.now, after).map_err(|e| Error::Execution(e.to_string()))?;
            slots.push((scan, Arc::new(std::sync::Mutex::new(Some(rows)))));
        }
        if slots.len() != kept.scans.len() {
            return Ok(None);
        }
        let plan = put(plan, slots).map_err(failure)?;
        let needs = Needs::of(&plan).map_err(failure)?;
        asked.read_in_order(true);
        let physical = self.executor.physical(&plan, Needs { order: true, ..needs })?;
        let rows = self.executor.start(physical, began)?;
        let (columns, diagnostics) = (planned.columns, planned.diagnostics);
        Ok(Some(KeptRun { columns, provenance, diagnostics, bound, before, rows }))
    }
}

/// The plan with rows in place of its scans.
fn put(plan: LogicalPlan, slots: Vec<(TableScan, Slot)>) -> datafusion::common::Result<LogicalPlan> {
    let mut left = slots;
    let plan = plan.transform_up(|node| {
        let LogicalPlan::TableScan(scan) = node else { return Ok(Transformed::no(node)) };
        let Some(at) = left.iter().position(|(of, _)| *of == scan) else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        let (_, slot) = left.remove(at);
        let source = given(Arc::clone(scan.projected_schema.inner()), slot)?;
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScanBuilder::new(scan.table_name, source).build()?)))
    })?;
    Ok(plan.data)
}

/// All scans, in the plan's order.
fn scans(plan: &LogicalPlan) -> datafusion::common::Result<Vec<TableScan>> {
    let mut all = Vec::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            all.push(scan.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(all)
}

/// The columns, and all that are times: by one of them events are told to have happened.
fn timed(seen: &SchemaRef, table: &SchemaRef) -> SchemaRef {
    let known = |f: &Field| seen.field_with_name(f.name()).is_ok();
    let is_time = |f: &Field| matches!(f.data_type(), DataType::Timestamp(..));
    let more = table.fields().iter().filter(|f| !known(f) && (f.name() == TIME || is_time(f)));
    Arc::new(Schema::new(seen.fields().iter().chain(more).cloned().collect::<Vec<_>>()))
}

impl Scan {
    pub(super) fn keep(&mut self, batch: RecordBatch) {
        // Texts that were left out are not to stay for those that are kept.
        let columns = batch.columns().iter().map(|c| match c.as_string_view_opt() {
            Some(texts) => Arc::new(texts.gc()) as ArrayRef,
            None => c.clone(),
        });
        let Ok(batch) = RecordBatch::try_new(batch.schema(), columns.collect()) else { return };
        self.bytes += batch.get_array_memory_size();
        self.rows.push(batch);
    }

    fn before(&self, column: &str, bound: i64) -> u64 {
        let of = |batch: &RecordBatch| times(batch, column).filter(|t| t.is_some_and(|t| t < bound)).count() as u64;
        self.rows.iter().map(of).sum()
    }

    /// The events that had happened by `at`, as the plan sees them; one without a time always has.
    fn at(
        &self,
        column: Option<&str>,
        at: i64,
        after: Option<i64>,
    ) -> Result<Vec<RecordBatch>, arrow::error::ArrowError> {
        let column = column.filter(|c| self.schema.field_with_name(c).is_ok()).unwrap_or(TIME);
        let wanted: Vec<usize> = (0..self.seen.fields().len()).collect();
        let mut out = Vec::new();
        for batch in &self.rows {
            let by = times(batch, column).map(|t| t.is_none_or(|t| t <= at));
            let since = times(batch, TIME).map(|t| after.is_none_or(|after| t.is_some_and(|t| t > after)));
            let keep: BooleanArray = by.zip(since).map(|(a, b)| Some(a && b)).collect();
            let found = filter_record_batch(batch, &keep)?;
            if found.num_rows() > 0 {
                out.push(found.project(&wanted)?.with_schema(self.seen.clone())?);
            }
        }
        Ok(out)
    }
}

fn times<'a>(batch: &'a RecordBatch, column: &str) -> Box<dyn Iterator<Item = Option<i64>> + 'a> {
    match batch.column_by_name(column).and_then(|c| c.as_primitive_opt::<TimestampNanosecondType>()) {
        Some(times) => Box::new(times.iter()),
        None => Box::new(std::iter::repeat_n(None, batch.num_rows())),
    }
}

impl Kept {
    /// Whether there was too much to keep.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// What no input offers of what it reads; empty where any does.
    pub fn lacking(&self) -> Vec<String> {
        let all = || self.scans.iter().map(|s| &s.lacking);
        if all().any(Vec::is_empty) {
            return Vec::new();
        }
        let mut out: Vec<String> = all().flatten().cloned().collect();
        out.sort();
        out.dedup();
        out
    }

    /// The times of the events that are kept, in nanoseconds since the Unix epoch, in order.
    pub fn times(&self) -> Vec<i64> {
        let rows = self.scans.iter().flat_map(|s| &s.rows);
        let mut all: Vec<i64> = rows.flat_map(|batch| times(batch, TIME).flatten().collect::<Vec<_>>()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Where all of them keep too much, the one that keeps most does so no more.
pub(super) fn give_up(kept: &mut [Kept]) {
    let size = |k: &Kept| k.scans.iter().map(|s| s.bytes).sum::<usize>();
    if kept.iter().map(size).sum::<usize>() <= MOST {
        for gone in kept.iter_mut().filter(|k| k.gave_up) {
            gone.scans.iter_mut().for_each(Scan::clear);
        }
        return;
    }
    if let Some(most) = kept.iter_mut().max_by_key(|k| size(k)) {
        most.gave_up = true;
        most.scans.iter_mut().for_each(Scan::clear);
    }
}

impl Scan {
    fn clear(&mut self) {
        self.rows = Vec::new();
        self.bytes = 0;
    }
}
