//! Queries that look at each event by itself, in one reading.
//!
//! What such a query makes of an event depends on that event alone. So the sources are read once for all of those that
//! look at the same table: what a query asks of a row first, right above its scan, is one condition among many over the
//! rows of one scan; the rows that fulfil it go through the query's own plan.

use super::catalog::Asked;
use super::conditions::Conditions;
use super::kept::{Kept, give_up};
use super::part::{Part, What, by_place};
use super::{Session, finish};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::execute::{Instant, Needs};
use crate::lift;
use crate::scan::{TelemetryTable, lower_bound};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableScan};
use parallax_catalog::{Catalog, Context, Output, Planned};
use parallax_diagnostics::Diagnostics;
use parallax_telemetry::Report;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

/// How a reading names its table.
const TABLE: &str = "t";

/// A query that looks at each event by itself.
#[derive(Clone)]
pub struct Alone {
    /// What the user sees of each row; the hidden columns follow.
    pub columns: Vec<Output>,
    /// Warnings and notes about the query's text.
    pub diagnostics: Diagnostics,
    /// How far back from the reference time it looks, in nanoseconds, where that was left out of it.
    pub reach: Option<i64>,
    pub(super) plan: LogicalPlan,
    table: Over,
}

/// What is read for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Over {
    name: String,
    /// For Sumo's messages, whether audit records are read one by one.
    raw_audit: bool,
}

/// What came of a reading.
#[derive(Debug)]
pub struct AloneRead {
    /// What was read and what could not be, of each reading.
    pub reports: Vec<Arc<Report>>,
    /// For each of the queries what no input offers of what it reads; empty where any does.
    pub lacking: Vec<Vec<String>>,
}

/// How a query can share a reading.
pub enum Shared {
    /// It looks at each event by itself.
    Alone(Box<Alone>),
    /// What it reads is the same at all times.
    Kept(Kept),
    /// Not at all.
    No,
}

impl Session {
    /// The query, if it looks at each event by itself: over all recorded time, without its lower bound on time, if
    /// `recorded`; its reference time does not matter then.
    ///
    /// # Errors
    /// The query is wrong.
    pub fn alone(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        recorded: bool,
    ) -> Result<Option<Alone>, Error> {
        let context = &Context { provenance: true, ..context.clone() };
        let now = self.written(dialect, text, context)?;
        let then = if recorded { Some(self.written(dialect, text, &earlier(context))?) } else { None };
        self.alone_of(&now, then.as_ref())
    }

    /// How the query can share a reading. One that runs at one time alone is not kept for: it is if `recorded`.
    ///
    /// # Errors
    /// The query is wrong.
    pub fn shared(&self, dialect: Dialect, text: &str, context: &Context, recorded: bool) -> Result<Shared, Error> {
        let now = self.written(dialect, text, context)?;
        let then = if recorded { Some(self.written(dialect, text, &earlier(context))?) } else { None };
        if let Some(alone) = self.alone_of(&now, then.as_ref())? {
            return Ok(Shared::Alone(Box::new(alone)));
        }
        let Some(then) = then else { return Ok(Shared::No) };
        Ok(self.keepable_of(&now, &then)?.map_or(Shared::No, Shared::Kept))
    }

    /// The query as it is written at that time.
    pub(super) fn written(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Written, Error> {
        let (asked, inner) = self.asked(context, None);
        let planned = dialect.plan(text, &asked, &inner)?;
        let plan = finish(&planned, context.provenance && planned.provenance).map_err(|e| self.executor.failure(e))?;
        let text = text.to_owned();
        Ok(Written { dialect, text, now: context.now, asked, planned, plan, optimised: OnceCell::new() })
    }

    /// The plan, optimised once.
    pub(super) fn optimised<'w>(&self, written: &'w Written) -> Result<&'w LogicalPlan, Error> {
        match written.optimised.get() {
            Some(plan) => Ok(plan),
            None => {
                let plan = self.executor.optimised(&written.plan)?;
                Ok(written.optimised.get_or_init(|| plan))
            }
        }
    }

    /// Whether it looks at each event by itself; with what it is at an earlier time, if its bound is to be left out.
    fn alone_of(&self, now: &Written, then: Option<&Written>) -> Result<Option<Alone>, Error> {
        let lifts = then.is_some();
        let Some(alone) = self.alone_at(now, lifts)? else { return Ok(None) };
        let Some(then) = then else { return Ok(Some(alone)) };
        // What is written the same is the same. A bound that stays where it is moves with regard to the time.
        if now.plan == then.plan {
            return Ok(alone.reach.is_none().then_some(alone));
        }
        let same = |a: &Alone, b: &Alone| {
            a.reach == b.reach
                && a.plan.display_indent_schema().to_string() == b.plan.display_indent_schema().to_string()
        };
        Ok(self.alone_at(then, true)?.is_some_and(|then| same(&alone, &then)).then_some(alone))
    }

    fn alone_at(&self, written: &Written, lifts: bool) -> Result<Option<Alone>, Error> {
        let Written { planned, asked, now, .. } = written;
        if !written.is_simple() || !planned.provenance || asked.explored() {
            return Ok(None);
        }
        let failure = |e| self.executor.failure(e);
        let plan = self.optimised(written)?.clone();
        let (plan, reach) = match lift::lift(plan.clone()).map_err(failure)?.filter(|_| lifts) {
            Some((lifted, bounds)) => {
                let latest = bounds.into_iter().max();
                (lifted, latest.map(|bound| now.saturating_sub(bound)))
            }
            None => (plan, None),
        };
        if !lift::looks_at_each(&plan).map_err(failure)? {
            return Ok(None);
        }
        let Some(scan) = only_scan(&plan).map_err(failure)? else { return Ok(None) };
        // How much lies before a bound is counted by a query's own scan.
        if !lifts && lower_bound(&scan.filters, &scan.source.schema()).is_some() {
            return Ok(None);
        }
        let Some(table) = over(&scan, asked) else { return Ok(None) };
        let (columns, diagnostics) = (planned.columns.clone(), planned.diagnostics.clone());
        Ok(Some(Alone { columns, diagnostics, reach, plan, table }))
    }

    /// Reads the sources once for all queries over the same table. Of those that look at each event alone the rows are
    /// handed over one by one, with the hidden columns, in the order of the sources, of the places in them, and of the
    /// queries. For the others their events are kept. `watch` is given the report of each reading.
    ///
    /// # Errors
    /// A plan fails; `each` has been given what came before.
    pub fn read_together(
        &self,
        queries: &[&Alone],
        kept: &mut [Kept],
        watch: &mut dyn FnMut(&Arc<Report>),
        each: &mut dyn FnMut(usize, &RecordBatch, usize) -> ControlFlow<()>,
    ) -> Result<AloneRead, Error> {
        let mut tables: BTreeMap<Over, Vec<Part>> = BTreeMap::new();
        for (query, alone) in queries.iter().enumerate() {
            tables.entry(alone.table.clone()).or_default().push(Part::runs(query, alone, self)?);
        }
        for (query, kept) in kept.iter().enumerate() {
            for (scan, of) in kept.scans.iter().enumerate() {
                let what = What::Keeps { query, scan };
                let part = Part { schema: of.schema.clone(), condition: of.condition.clone(), what };
                tables.entry(of.table.clone()).or_default().push(part);
            }
        }
        let mut read = AloneRead { reports: Vec::new(), lacking: vec![Vec::new(); queries.len()] };
        for (table, mut parts) in tables {
            let (asked, _) = self.asked(&Context::at(0), None);
            watch(&asked.report);
            let flow = self.read_table(&table, &mut parts, &asked, kept, each)?;
            for part in &parts {
                let visible = part.schema.fields().iter().map(|f| f.name().clone()).filter(|n| !n.starts_with('$'));
                let lacking = match asked.report.passed() {
                    0 => asked.offered.lacking_of(&visible.collect()),
                    // What was passed over undecoded may have had it.
                    _ => Vec::new(),
                };
                match part.what {
                    What::Runs { query, .. } => read.lacking[query] = lacking,
                    What::Keeps { query, scan } => kept[query].scans[scan].lacking = lacking,
                }
            }
            read.reports.push(asked.report);
            if flow.is_break() {
                break;
            }
        }
        Ok(read)
    }

    fn read_table(
        &self,
        table: &Over,
        parts: &mut [Part],
        asked: &Asked,
        kept: &mut [Kept],
        each: &mut dyn FnMut(usize, &RecordBatch, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let began = Instant::now();
        let failure = |e| self.executor.failure(e);
        let plan = self.reading(table, parts, asked).map_err(failure)?;
        let physical = self.executor.physical(&plan, Needs::default())?;
        let rows = self.executor.start(physical, began)?;
        for batch in rows {
            let batch = batch?;
            let Some(hits) = batch.column_by_name("hits").and_then(|c| c.as_binary_opt::<i32>()).cloned() else {
                return Err(Error::Execution("a reading without conditions".to_owned()));
            };
            let mut out = Vec::new();
            for (place, part) in parts.iter_mut().enumerate() {
                let holds = |bits: Option<&[u8]>| bits.is_some_and(|b| b[place / 8] & (1 << (place % 8)) != 0);
                let keep: BooleanArray = hits.iter().map(|bits| Some(holds(bits))).collect();
                if keep.true_count() == 0 {
                    continue;
                }
                let given = part.take(&batch, &keep).map_err(failure)?;
                let (query, physical, slot) = match &part.what {
                    What::Keeps { query, scan } => {
                        kept[*query].scans[*scan].keep(given);
                        give_up(kept);
                        continue;
                    }
                    What::Runs { query, physical, slot } => (*query, physical, slot),
                };
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(vec![given]);
                for rows in self.executor.start(physical.clone(), began)? {
                    out.push((query, rows?));
                }
            }
            for (query, rows, row) in by_place(&batch, &out) {
                if each(query, rows, row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The scan of all columns that any of them reads, with a bit for each condition that holds.
    fn reading(&self, table: &Over, own: &[Part], asked: &Asked) -> datafusion::common::Result<LogicalPlan> {
        let mut names: Vec<&str> = Vec::new();
        let mut known = HashSet::new();
        own.iter().flat_map(|o| o.schema.fields()).for_each(|f| {
            if known.insert(f.name().as_str()) {
                names.push(f.name());
            }
        });
        let visible: Vec<String> = names.iter().filter(|n| !n.starts_with('$')).map(|n| (*n).to_owned()).collect();
        let found = match table.name.as_str() {
            MESSAGES => Some(asked.messages(&visible, table.raw_audit)),
            name => asked.table(name),
        };
        let Some(found) = found else {
            return Err(DataFusionError::Plan(format!("the table `{}` is gone", table.name)));
        };
        let column = |name: &str| Expr::Column(Column::new(Some(TABLE), name));
        // What all of them together need lets the scan pass over the rest.
        let any = own.iter().map(|o| qualified(o.condition.clone())).collect::<Result<Vec<_>, _>>()?;
        let filters: Vec<Expr> = disjunction(any).into_iter().collect();
        let scan = LogicalPlanBuilder::scan_with_filters(TABLE, found.source, None, filters)?;
        let schema = scan.schema().clone();
        let read: HashSet<String> = own
            .iter()
            .flat_map(|o| o.condition.column_refs())
            .map(|c| c.name.clone())
            .chain(["$record".into()])
            .collect();
        let fields = schema.fields().iter().filter(|f| read.contains(f.name())).map(|f| f.as_ref().clone());
        let fields: Vec<_> = fields.collect();
        let arguments = fields.iter().map(|f| column(f.name())).collect();
        let conditions = own.iter().map(|o| qualified(o.condition.clone())).collect::<Result<Vec<_>, _>>()?;
        let conditions = Conditions::new(TABLE, &fields, conditions, self.executor.state())?;
        let hits = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(conditions)), arguments));
        let mut columns: Vec<Expr> = names.into_iter().map(|n| column(n).alias(n)).collect();
        columns.push(hits.alias("hits"));
        scan.project(columns)?.filter(Expr::Column(Column::from_name("hits")).is_not_null())?.build()
    }
}

/// A query as it is written at one time.
pub(super) struct Written {
    pub(super) dialect: Dialect,
    pub(super) text: String,
    now: i64,
    pub(super) asked: Asked,
    pub(super) planned: Planned,
    plan: LogicalPlan,
    optimised: OnceCell<LogicalPlan>,
}

impl Written {
    /// Whether it gives rows and no more, of tables that are known.
    pub(super) fn is_simple(&self) -> bool {
        let Planned { pivot, save, unreached, .. } = &self.planned;
        pivot.is_none() && save.is_none() && unreached.is_empty() && !self.asked.explores()
    }
}

/// A time at which a query that does not depend on it says the same.
pub(super) fn earlier(context: &Context) -> Context {
    const DAY: i64 = 86_400_000_000_000;
    Context { now: context.now.saturating_sub(DAY), ..context.clone() }
}

/// How plans name Sumo's table.
const MESSAGES: &str = "messages";

/// The plan's scan, if it has one and no more.
pub(super) fn only_scan(plan: &LogicalPlan) -> datafusion::common::Result<Option<TableScan>> {
    let mut scans = Vec::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            scans.push(scan.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(if scans.len() == 1 { scans.pop() } else { None })
}

/// The table of telemetry that is scanned.
pub(super) fn over(scan: &TableScan, asked: &Asked) -> Option<Over> {
    let provider = source_as_provider(&scan.source).ok()?;
    let table = provider.as_ref().downcast_ref::<TelemetryTable>()?;
    let known = table.name == MESSAGES || asked.is_table(&table.name);
    known.then(|| Over { name: table.name.clone(), raw_audit: asked.raw_audit() })
}

/// The expression over columns of the reading.
fn qualified(expr: Expr) -> datafusion::common::Result<Expr> {
    let renamed = expr.transform(|e| {
        Ok(match e {
            Expr::Column(c) => Transformed::yes(Expr::Column(Column::new(Some(TABLE), c.name))),
            e => Transformed::no(e),
        })
    });
    Ok(renamed?.data)
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alone").field("table", &self.table).field("reach", &self.reach).finish()
    }
}
