//! What tables there are.

use super::feed::{LogsFeed, ViewFeed};
use super::parquet::{self, ParquetTable};
use super::stored::{StoredFeed, once_a_segment};
use super::{Census, TableUse};
use crate::execute::{Executor, Instant, Needs};
use crate::external::{Given, Outward};
use crate::scan::{Feed, Offered, Outside, TelemetryTable, Window};
use arrow::record_batch::RecordBatch;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlan;
use parallax_catalog::{Catalog, Column, Externals, Table};
use parallax_telemetry::logsource::{LogSource, Sorter};
use parallax_telemetry::{Format, Report, Source, View, view};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How a plan names Sumo's table.
const MESSAGES: &str = "messages";

/// How a plan names Cloud SIEM's records.
const RECORDS: &str = "records";

/// How a plan names the events of a log source.
const LOGS: &str = "logs";

/// A source that is a table of its own.
pub(super) struct OwnTable {
    name: String,
    source: Source,
    /// What Parquet declares.
    parquet: Option<ParquetTable>,
    /// What other formats show at their beginning; looked at when a query names the table.
    view: OnceLock<Option<View>>,
}

/// Finds the sources that are tables of their own, and gives each a name that nothing else has.
pub(super) fn own_tables(sources: &[Source], report: &Report) -> Vec<OwnTable> {
    let mut taken: HashSet<String> = View::names().iter().map(|n| (*n).to_owned()).collect();
    let mut numbers = HashMap::new();
    let mut own = Vec::new();
    for source in sources.iter().filter(|s| s.format.is_table()) {
        let mut name = source.table_name();
        if taken.contains(&name) {
            // Thousands of files may have one name, each in a folder of its own.
            let number = numbers.entry(name.clone()).or_insert(2_u64);
            while taken.contains(&format!("{name}_{number}")) {
                *number += 1;
            }
            name = format!("{name}_{number}");
        }
        let parquet = match source.format {
            Format::Parquet => match parquet::open(source) {
                Ok(table) => Some(table),
                Err(e) => {
                    report.damage(&source.name, None, e);
                    continue;
                }
            },
            _ => None,
        };
        taken.insert(name.clone());
        own.push(OwnTable { name, source: source.clone(), parquet, view: OnceLock::new() });
    }
    own
}

impl OwnTable {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn view(&self, report: &Report) -> Option<&View> {
        self.view
            .get_or_init(|| match View::of(&self.source, report) {
                Ok(view) => view,
                Err(e) => {
                    report.damage(&self.source.name, None, e.to_string());
                    None
                }
            })
            .as_ref()
    }
}

/// The tables of a session.
pub(super) struct Tables {
    pub(super) sources: Arc<Vec<Source>>,
    pub(super) own: Arc<Vec<OwnTable>>,
    pub(super) window: Window,
    /// The inputs are looked at as they stood at this time; what is known of their times.
    pub(super) as_of: Option<(i64, Arc<Census>)>,
}

/// The tables of a session as one query asks for them.
pub(super) struct Asked {
    tables: Tables,
    /// Nothing is to be said about tables that nothing feeds: there are no inputs, and there will be none.
    pub(super) assume_fed: bool,
    pub(super) report: Arc<Report>,
    outward: Outward,
    pub(super) outside: Arc<Outside>,
    pub(super) offered: Arc<Offered>,
    in_order: Arc<AtomicBool>,
    whole: Arc<AtomicBool>,
    raw_audit: AtomicBool,
    /// Whether the query's columns depend on the data.
    explores: AtomicBool,
    /// What runs a plan while another is made; without it, nothing is known of the data.
    pub(super) executor: Option<Arc<Executor>>,
    /// The rows of plans that were run.
    learned: Mutex<HashMap<String, Vec<RecordBatch>>>,
}

impl Asked {
    pub(super) fn new(tables: Tables, given: Arc<Given>) -> Self {
        let report = Arc::<Report>::default();
        Asked {
            assume_fed: false,
            tables,
            outward: Outward { given, report: report.clone() },
            report,
            outside: Arc::default(),
            offered: Arc::default(),
            in_order: Arc::default(),
            whole: Arc::default(),
            raw_audit: AtomicBool::new(false),
            explores: AtomicBool::new(false),
            executor: None,
            learned: Mutex::default(),
        }
    }

    /// Whether a plan was run while the query was planned.
    pub(super) fn explored(&self) -> bool {
        !self.learned.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The same tables, with nothing counted yet, and with what has been learned.
    pub(super) fn again(self) -> Self {
        let new = Asked::new(self.tables, self.outward.given);
        Asked { executor: self.executor, learned: self.learned, assume_fed: self.assume_fed, ..new }
    }

    /// Only what happened after that time is read.
    pub(super) fn after(&mut self, after: i64) {
        let from = after.saturating_add(1);
        let window = &mut self.tables.window;
        window.from = Some(window.from.map_or(from, |own| own.max(from)));
    }

    /// Whether queries can name it.
    pub(super) fn is_table(&self, name: &str) -> bool {
        View::named(name).is_some() || self.tables.own.iter().any(|t| t.name == name && t.parquet.is_none())
    }

    /// Whether rows were asked for while the query was planned.
    pub(super) fn explores(&self) -> bool {
        self.explores.load(Ordering::Relaxed)
    }

    /// Whether messages were asked for with audit records one by one.
    pub(super) fn raw_audit(&self) -> bool {
        self.raw_audit.load(Ordering::Relaxed)
    }

    /// The scans that are still to be planned read in one partition each, or not.
    pub(super) fn read_in_order(&self, yes: bool) {
        self.in_order.store(yes, Ordering::Relaxed);
    }

    /// The scans that are still to be planned read no source in parts, or may.
    pub(super) fn read_whole(&self, yes: bool) {
        self.whole.store(yes, Ordering::Relaxed);
    }

    /// The tables of those names.
    pub(super) fn uses(&self, names: &[String]) -> Vec<TableUse> {
        let fed = |name: &String| match name.as_str() {
            MESSAGES => !self.tables.sources.is_empty(),
            RECORDS => self.seen(&view::records(&[])),
            LOGS => !self.tables.sources.is_empty(),
            name => match View::named(name) {
                Some(view) => self.seen(&view),
                None => self.tables.own.iter().any(|t| t.name == name),
            },
        };
        names.iter().map(|name| TableUse { name: name.clone(), fed: fed(name) }).collect()
    }

    fn seen(&self, view: &View) -> bool {
        self.assume_fed || self.tables.sources.iter().any(|s| view.seen_in(s))
    }

    fn over(&self, name: &str, view: &View, fed: bool) -> Table {
        self.sorted(name, view, fed, None)
    }

    /// A view's table; with a sorter, of the events that belong to a log source.
    fn sorted(&self, name: &str, view: &View, fed: bool, sorter: Option<&Sorter>) -> Table {
        // A table of a source's own may have several time columns, and none of them need be the event's time.
        let known = View::named(name).is_some() || [MESSAGES, RECORDS, LOGS].contains(&name);
        let times = |at: usize| self.tables.as_of.as_ref().filter(|_| known)?.1.ranges.get(at).copied().flatten();
        let sources = self.tables.sources.iter().enumerate();
        let sources = sources.filter(|(_, s)| s.format != Format::Parquet && view.fed_by(s));
        // Only typed tables stand in stores.
        let typed = View::named(name).is_some();
        let sources: Vec<_> = match typed {
            true => once_a_segment(sources, view),
            false => sources.map(|(at, source)| (vec![at], source)).collect(),
        };
        let feeds = sources.into_iter().map(|(places, source)| {
            let times = within(places.iter().map(|at| times(*at)));
            let stored = source.stored.as_ref().filter(|_| typed);
            if let Some(feed) = stored.and_then(|stored| StoredFeed::of(stored, view, times)) {
                return Arc::new(feed) as Arc<dyn Feed>;
            }
            let feed = ViewFeed { source: source.clone(), view: view.clone(), times };
            match sorter {
                Some(sorter) => Arc::new(LogsFeed { feed, sorter: sorter.clone() }) as Arc<dyn Feed>,
                None => Arc::new(feed) as Arc<dyn Feed>,
            }
        });
        let provider = TelemetryTable {
            name: name.to_owned(),
            schema: view.schema(),
            feeds: feeds.collect(),
            window: self.tables.window,
            as_of: self.tables.as_of.as_ref().map(|(time, _)| *time),
            report: self.report.clone(),
            outside: self.outside.clone(),
            offered: self.offered.clone(),
            open: [MESSAGES, RECORDS, LOGS].contains(&name),
            in_order: self.in_order.clone(),
            whole: self.whole.clone(),
        };
        Table {
            name: name.to_owned(),
            columns: view.columns().iter().map(|c| Column { name: c.name.clone(), ty: c.ty }).collect(),
            source: provider_as_source(Arc::new(provider)),
            provenance: true,
            fed,
            nulls: Vec::new(),
        }
    }
}

/// The range that holds all of them, if all are known.
fn within(mut ranges: impl Iterator<Item = Option<(i64, i64)>>) -> Option<(i64, i64)> {
    let first = ranges.next()??;
    ranges.try_fold(first, |(from, to), range| range.map(|(a, b)| (from.min(a), to.max(b))))
}

impl Catalog for Asked {
    fn table(&self, name: &str) -> Option<Table> {
        if let Some(view) = View::named(name) {
            let fed = self.seen(&view);
            return Some(self.over(name, &view, fed));
        }
        let own = self.tables.own.iter().find(|t| t.name == name)?;
        match &own.parquet {
            Some(table) => {
                if !self.tables.window.is_unbounded() {
                    self.report.note(&format!("{name}: a Parquet table has no event time; all its rows are read"), 1);
                }
                Some(table.table(name))
            }
            None => own.view(&self.report).map(|view| self.over(name, view, true)),
        }
    }

    fn table_names(&self) -> Vec<String> {
        let known = View::names().iter().map(|n| (*n).to_owned());
        known.chain(self.tables.own.iter().map(|t| t.name.clone())).collect()
    }

    fn rows(&self, plan: &LogicalPlan) -> Option<Result<Vec<RecordBatch>, String>> {
        self.explores.store(true, Ordering::Relaxed);
        let Some(executor) = &self.executor else { return Some(Ok(Vec::new())) };
        let key = plan.display_indent_schema().to_string();
        if let Some(rows) = self.learned.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Some(Ok(rows.clone()));
        }
        // What is learned must not depend on threads any more than the result.
        let needs = Needs::of(plan).unwrap_or(Needs { order: true, rounding: true, own: true });
        self.read_in_order(needs.order);
        self.read_whole(needs.rounding);
        let physical = executor.physical(plan, needs);
        let rows = physical.and_then(|plan| executor.start(plan, Instant::now())?.collect::<Result<Vec<_>, _>>());
        if let Ok(rows) = &rows {
            self.learned.lock().unwrap_or_else(PoisonError::into_inner).insert(key, rows.clone());
        }
        Some(rows.map_err(|e| e.to_string()))
    }

    fn messages(&self, fields: &[String], raw_audit: bool) -> Table {
        self.raw_audit.fetch_or(raw_audit, Ordering::Relaxed);
        self.over(MESSAGES, &view::messages(fields, raw_audit), !self.tables.sources.is_empty())
    }

    fn records(&self, fields: &[String]) -> Option<Table> {
        let view = view::records(fields);
        let fed = self.seen(&view);
        Some(self.over(RECORDS, &view, fed))
    }

    fn logs(&self, source: &LogSource, fields: &[String]) -> Option<Table> {
        let sorter = Sorter::new(std::slice::from_ref(source));
        // The sorter's own columns are not among the table's: they are read beside them.
        let own = sorter.columns().iter().filter(|c| !fields.contains(c));
        let all: Vec<String> = fields.iter().chain(own).cloned().collect();
        let view = sorter.narrow(&view::logs(&all));
        let fed = self.seen(&view);
        let mut table = self.sorted(LOGS, &view, fed, Some(&sorter));
        table.columns.truncate(fields.len());
        Some(table)
    }

    fn externals(&self) -> &dyn Externals {
        &self.outward
    }
}
