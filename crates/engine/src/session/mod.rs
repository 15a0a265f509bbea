//! Sources, and queries over them.

mod alone;
mod catalog;
mod census;
mod conditions;
mod explain;
mod feed;
mod follow;
mod hits;
mod kept;
mod parquet;
mod part;
mod records;
mod stored;
mod tree;

pub use alone::{Alone, AloneRead, Shared};
pub use census::Census;
pub use explain::{ColumnRead, Explanation, StoreRead, TableRead};
pub use follow::{Followed, Part, Pick, Shown, StepSeen};
pub use hits::{Found, Hit, HitEvent, HitsAsked, HitsSeen, Maker};
pub use kept::{Kept, KeptRun};
pub use records::{Records, RecordsAsked};

use crate::config::Config;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::execute::{Executor, Instant, Limits, Needs, Rows};
use crate::external::{Given, Saving};
use crate::scan::{Offered, Outside, Window};
use crate::{lift, order};
use catalog::{Asked, OwnTable, Tables};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use parallax_catalog::{Context, Output, PROVENANCE, Planned, Save};
use parallax_diagnostics::{Diagnostic, Diagnostics};
use parallax_sumo::plan::codes;
use parallax_telemetry::source::{self, discover};
use parallax_telemetry::{Format, Report, Source, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a session is opened with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What a query may use.
    pub limits: Limits,
    /// The event times to look at.
    pub window: Window,
    /// How sources are found and recognised.
    pub telemetry: source::Options,
    /// What queries take from outside.
    pub config: Config,
}

/// Sources with their tables, and what is needed to run queries over them.
pub struct Session {
    sources: Arc<Vec<Source>>,
    own: Arc<Vec<OwnTable>>,
    given: Arc<Given>,
    window: Window,
    discovery: Report,
    executor: Arc<Executor>,
}

/// How a query stands to recorded time.
enum Mode<'a> {
    /// As it is written.
    Plain,
    /// Without its lower bound on time, where it may be lifted.
    Recorded,
    /// As it is written, and saved where it says so.
    Saving,
    /// Over the inputs as they stood at its reference time, and only what happened after another time.
    AsOf(&'a Arc<Census>, Option<i64>),
}

/// A table that a query reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// Its name; `messages` for Sumo's.
    pub name: String,
    /// Whether an input feeds it.
    pub fed: bool,
}

/// A query that is running.
pub struct Execution {
    /// What the user sees of each row.
    pub columns: Vec<Output>,
    /// Whether the hidden columns ([`PROVENANCE`]) follow the visible ones in every batch.
    pub provenance: bool,
    /// Warnings and notes about the query's text.
    pub diagnostics: Diagnostics,
    /// The tables that it reads.
    pub tables: Vec<TableUse>,
    /// What was read and what could not be. Complete when the rows are.
    pub report: Arc<Report>,
    /// How much was read from before the query's own time window. Complete when the rows are.
    pub outside: Arc<Outside>,
    /// Whether the query runs without its lower bound on the events' time.
    pub lifted: bool,
    /// The rows.
    pub rows: Rows,
    /// The table that the rows are to be saved as. It takes the batches, and is written when it is finished.
    pub saving: Option<Saving>,
    offered: Arc<Offered>,
}

impl Execution {
    /// What the query reads where no input offers any of it: tables, or fields of messages. Complete when the rows are.
    pub fn lacking(&self) -> Vec<String> {
        // What was passed over undecoded may have had it.
        if self.report.passed() > 0 { Vec::new() } else { self.offered.lacking() }
    }
}

/// Gives each source that is read as a whole its share of the threads, by its bytes: sources are read side by side.
fn share_out(threads: usize, sources: &mut [Source]) {
    // To ask the system for the size of each of thousands takes a while.
    if sources.iter().all(|source| source.format != Format::Auditd) {
        return;
    }
    let sizes: Vec<u64> = sources.iter().map(Source::size).collect();
    let total: u64 = sizes.iter().sum();
    for (source, size) in sources.iter_mut().zip(sizes) {
        let share = u128::from(size) * threads as u128;
        let share = share.div_ceil(u128::from(total.max(1)));
        source.settings.threads = usize::try_from(share).unwrap_or(threads).clamp(1, threads.max(1));
    }
}

impl Session {
    /// Finds the sources at `paths` (files, folders, globs, `-`).
    pub fn open(paths: &[String], options: Options) -> Result<Self, Error> {
        let executor = Arc::new(Executor::new(options.limits)?);
        let discovery = Report::new();
        let telemetry = source::Options { threads: executor.threads(), ..options.telemetry };
        let mut sources = discover(paths, &telemetry, &discovery);
        share_out(executor.threads(), &mut sources);
        let sources = Arc::new(sources);
        let own = Arc::new(catalog::own_tables(&sources, &discovery));
        let given = Arc::new(Given::new(options.config));
        Ok(Session { sources, own, given, window: options.window, discovery, executor })
    }

    /// The sources that were found.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The bytes of all sources on disk.
    pub fn size(&self) -> u64 {
        self.sources.iter().map(Source::size).sum()
    }

    /// What could not be read while sources were looked for.
    pub fn discovery(&self) -> &Report {
        &self.discovery
    }

    /// Reads all sources for nothing but the times of their events.
    pub fn census(&self) -> Census {
        census::take(&self.sources, self.window, self.executor.threads())
    }

    /// Parses and binds a query without running it: its warnings, or what is wrong with it. Without sources nothing is
    /// said about tables that nothing feeds.
    pub fn check(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Diagnostics, Error> {
        let (mut asked, context) = self.asked(context, None);
        asked.assume_fed = self.sources.is_empty();
        dialect.check(text, &asked, &context)
    }

    /// The values of Sigma's placeholders that the configuration gives, as they are now.
    pub fn placeholders(&self) -> BTreeMap<String, Vec<String>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let config = &self.given.config;
        let names = config.sigma.placeholders.keys();
        names.filter_map(|name| Some((name.clone(), config.placeholder(name, now)?))).collect()
    }

    /// The tables that a query reads, and whether an input feeds them. Nothing is read.
    pub fn uses(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Vec<TableUse>, Error> {
        let (asked, context) = self.asked(context, None);
        let planned = dialect.plan(text, &asked, &context)?;
        Ok(asked.uses(&planned.tables))
    }

    /// Whether an input may hold events of the table, by its format: also where its beginning shows none.
    pub fn may_feed(&self, table: &str) -> bool {
        match View::named(table) {
            Some(view) => self.sources.iter().any(|s| view.fed_by(s)),
            None => table == "records" || self.own.iter().any(|t| t.is(table)),
        }
    }

    /// Whether two queries are the same operations over the same data, by their plans, and show the same columns: then
    /// they have the same result. Two that are not may still have it.
    pub fn plans_alike(&self, dialect: Dialect, one: &str, other: &str, context: &Context) -> bool {
        let (asked, context) = self.asked(context, None);
        let planned = |text| {
            let planned = dialect.plan(text, &asked, &context).ok()?;
            let plan = self.executor.optimised(&planned.plan).ok()?;
            Some((plan.display_indent_schema().to_string(), planned.columns, planned.ordered))
        };
        matches!((planned(one), planned(other)), (Some(a), Some(b)) if a == b)
    }

    /// Starts a query.
    pub fn query(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Execution, Error> {
        self.start(dialect, text, context, Mode::Plain)
    }

    /// Starts a query whose result is saved as a table where it says so ([`Execution::saving`]). Nothing else saves.
    pub fn query_saving(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Execution, Error> {
        self.start(dialect, text, context, Mode::Saving)
    }

    /// Starts a query over all recorded time, if it can be done in one run: if the query looks at each event alone,
    /// and back only to some time before now, without that bound ([`Execution::lifted`] says so); otherwise as it is.
    pub fn query_recorded(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Execution, Error> {
        self.start(dialect, text, context, Mode::Recorded)
    }

    /// Starts a query over the inputs as they stood at the context's time: later events have not happened yet. Sources
    /// of which the census says that they have nothing to offer are not read.
    pub fn query_as_of(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        census: &Arc<Census>,
    ) -> Result<Execution, Error> {
        self.start(dialect, text, context, Mode::AsOf(census, None))
    }

    /// As [`Session::query_as_of`], without the events that did not happen after `after`, in nanoseconds since the Unix
    /// epoch.
    pub fn query_between(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        census: &Arc<Census>,
        after: i64,
    ) -> Result<Execution, Error> {
        self.start(dialect, text, context, Mode::AsOf(census, Some(after)))
    }

    fn start(&self, dialect: Dialect, text: &str, context: &Context, mode: Mode<'_>) -> Result<Execution, Error> {
        let began = Instant::now();
        let (census, after) = if let Mode::AsOf(census, after) = mode { (Some(census), after) } else { (None, None) };
        let (mut asked, inner) = self.asked(context, census);
        if let Some(after) = after {
            asked.after(after);
        }
        asked.executor = Some(self.executor.clone());
        let mut planned = dialect.plan(text, &asked, &inner)?;
        let explored = asked.explored();
        if explored {
            // What was read to learn the columns is not to be counted twice.
            asked = asked.again();
            planned = dialect.plan(text, &asked, &inner)?;
        }
        if !planned.unreached.is_empty() {
            return Err(Error::Query(planned.unreached));
        }
        if let (Mode::Saving, Some(why)) = (&mode, planned.save.as_ref().and_then(|s| s.refused.clone())) {
            return Err(Error::Query(why.into()));
        }
        let tables = asked.uses(&planned.tables);
        let provenance = context.provenance && planned.provenance;
        let mut plan = finish(&planned, provenance).map_err(|e| self.executor.failure(e))?;
        let mut lifted = false;
        // The columns that depend on the data were learned within the bounds.
        if let Mode::Recorded = mode
            && !explored
            && let Some(whole) = self.lift(&plan, dialect, text, &asked, &inner)?
        {
            (plan, lifted) = (whole, true);
        }
        let needs = Needs::of(&plan).map_err(|e| self.executor.failure(e))?;
        asked.read_in_order(needs.order);
        asked.read_whole(needs.rounding);
        let physical = self.executor.physical(&plan, needs)?;
        let mut rows = self.executor.start(physical, began)?;
        let mut columns = planned.columns;
        if let Some(pivot) = &planned.pivot {
            (columns, rows) = rows.pivoted(pivot, &columns, Arc::clone(plan.schema().inner()))?;
        }
        let saving = match (planned.save, mode) {
            (None, _) => None,
            (Some(save), Mode::Saving) => {
                let saving = self.given.save(&save, &columns).map_err(Error::Query)?;
                planned.diagnostics.extend(saving.remarks(&save));
                Some(saving)
            }
            (Some(save), _) => {
                planned.diagnostics.push(left_out(&save));
                None
            }
        };
        Ok(Execution {
            columns,
            provenance,
            diagnostics: planned.diagnostics,
            tables,
            report: asked.report,
            outside: asked.outside,
            rows,
            saving,
            lifted,
            offered: asked.offered,
        })
    }

    /// The plan without its lower bounds on time, where those move with the reference time: a bound that the query
    /// gives as a date is part of what it asks.
    fn lift(
        &self,
        plan: &LogicalPlan,
        dialect: Dialect,
        text: &str,
        asked: &Asked,
        context: &Context,
    ) -> Result<Option<LogicalPlan>, Error> {
        const DAY: i64 = 86_400_000_000_000;
        let bounds_of =
            |plan: &LogicalPlan| lift::lift(self.executor.optimised(plan)?).map_err(|e| self.executor.failure(e));
        let Some((lifted, bounds)) = bounds_of(plan)? else { return Ok(None) };
        let earlier = Context { now: context.now.saturating_sub(DAY), ..context.clone() };
        let earlier = bounds_of(&dialect.plan(text, asked, &earlier)?.plan)?;
        let moved = earlier.is_some_and(|(_, earlier)| {
            let mut pairs = bounds.iter().zip(&earlier);
            bounds.len() == earlier.len() && pairs.all(|(now, then)| now.saturating_sub(*then) == DAY)
        });
        Ok(moved.then_some(lifted))
    }

    /// The catalog of one query, and the context in which it is planned: always with the hidden columns, by which rows
    /// that tie in a sort are told apart. What nobody asks for in the end is not decoded.
    fn asked(&self, context: &Context, census: Option<&Arc<Census>>) -> (Asked, Context) {
        let tables = Tables {
            sources: self.sources.clone(),
            own: self.own.clone(),
            window: self.window,
            as_of: census.map(|census| (context.now, census.clone())),
        };
        (
            Asked::new(tables, self.given.clone()),
            Context { provenance: true, earliest: self.window.from, ..context.clone() },
        )
    }
}

fn left_out(save: &Save) -> Diagnostic {
    Diagnostic::note(codes::NOT_SAVED, save.span, "nothing is saved here").help("only `parallax query` writes tables")
}

/// The plan with its order settled, and without the hidden columns unless they are asked for.
fn finish(planned: &Planned, provenance: bool) -> datafusion::common::Result<LogicalPlan> {
    let plan = order::settle(planned.plan.clone(), planned.ordered)?;
    let hidden = if planned.provenance { PROVENANCE.len() } else { 0 };
    if provenance || hidden == 0 {
        return Ok(plan);
    }
    let visible: Vec<Expr> =
        (0..planned.columns.len()).map(|i| Expr::Column(Column::from(plan.schema().qualified_field(i)))).collect();
    // Not by the builder, which looks for each column in the whole plan anew.
    Projection::try_new(visible, Arc::new(plan)).map(LogicalPlan::Projection)
}
