//! A table over telemetry, as DataFusion sees it.

use super::asked::tests;
use super::board::{Board, Open};
use super::needed::clauses;
use super::offered::Offered;
use super::opener::Shared;
use super::several::{SizedFeed, sized, together};
use super::source::{TelemetrySource, file};
use super::window::{Outside, TIME, Window, lower_bound};
use super::{BATCH_ROWS, Feed};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use parallax_telemetry::Report;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A table and the feeds behind it.
#[derive(Debug)]
pub struct TelemetryTable {
    /// Its name, for plans that people read.
    pub name: String,
    /// All its columns, the hidden ones included.
    pub schema: SchemaRef,
    /// The sources, in the order in which their rows come.
    pub feeds: Vec<Arc<dyn Feed>>,
    /// The event times that the user asked for.
    pub window: Window,
    /// Events after this time (nanoseconds since the Unix epoch) have not happened yet. Sources whose times are known
    /// are read only where they have events for the query.
    pub as_of: Option<i64>,
    /// Where readers say what they did.
    pub report: Arc<Report>,
    /// Where events before the query's own window are counted.
    pub outside: Arc<Outside>,
    /// Where is noted what the inputs offer.
    pub offered: Arc<Offered>,
    /// Whether the table takes any field name.
    pub open: bool,
    /// Read everything in one partition: the query depends on the order of rows.
    pub in_order: Arc<AtomicBool>,
    /// Read no source in parts: the query depends on which rows are brought together first.
    pub whole: Arc<AtomicBool>,
}

#[async_trait]
impl TableProvider for TelemetryTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The scan sees every filter, and the plan keeps every filter: the scan may leave rows out, and need not.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.offered.table(&self.name);
        if self.feeds.is_empty() {
            return self.empty(projection);
        }
        let bound = lower_bound(filters, &self.schema);
        if let Some((_, at)) = &bound {
            self.outside.set_bound(*at);
        }
        let feeds = self.feeds_for(bound.as_ref().map(|(_, at)| *at));
        if feeds.is_empty() {
            return self.empty(projection);
        }
        let column = bound.as_ref().map_or(TIME, |(column, _)| column);
        let tests = tests(filters, &self.schema, self.window, self.as_of.map(|at| (column, at)));
        let shared = Arc::new(Shared {
            table: self.name.clone(),
            report: self.report.clone(),
            window: self.window,
            as_of: self.as_of,
            bound,
            outside: self.outside.clone(),
            offered: self.offered.clone(),
            open: self.open,
            clauses: clauses(filters),
            tests,
        });
        let partitions = if self.in_order.load(Ordering::Relaxed) { 1 } else { state.config().target_partitions() };
        let least = state.config().get_extension::<LeastPart>().map_or(u64::MAX, |least| least.0);
        let whole = self.whole.load(Ordering::Relaxed);
        let feeds = feeds.into_iter().map(sized).collect();
        let groups = groups(if whole { feeds } else { cut_up(feeds, partitions, least) }, partitions);
        // Who wants few rows wants no more to be read than that takes.
        let open = limit.is_none().then(|| Arc::new(Open(Arc::new(Board::new(&groups)))));
        let source = Arc::new(TelemetrySource::new(TableSchema::from(self.schema.clone()), shared, open));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(files(&groups))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_preserve_order(true)
            .with_batch_size(Some(BATCH_ROWS))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// How far an event's several times (when it happened, when it was written down) may lie apart: a source's range is of
/// one of them, a query may look at another.
const SLACK: i64 = 24 * 3_600_000_000_000;

impl TelemetryTable {
    /// The feeds that can have an event that the query looks at.
    fn feeds_for(&self, bound: Option<i64>) -> Vec<Arc<dyn Feed>> {
        let Some(as_of) = self.as_of else { return self.feeds.clone() };
        let wanted = |feed: &&Arc<dyn Feed>| match feed.times() {
            None => true,
            Some((first, last)) => {
                first.saturating_sub(SLACK) <= as_of && bound.is_none_or(|b| last.saturating_add(SLACK) >= b)
            }
        };
        self.feeds.iter().filter(wanted).cloned().collect()
    }

    fn empty(&self, projection: Option<&Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(p) => Arc::new(self.schema.project(p)?),
            None => self.schema.clone(),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }
}

/// The least bytes for which it is worth to begin reading somewhere in a source; a plan's session says it.
pub(crate) struct LeastPart(pub(crate) u64);

/// In how many parts the share of a partition is cut: so that all readers are done at about the same time.
const PARTS: u64 = 8;

/// So many feeds a part are not handed over one by one.
const FEEDS: u64 = 4;

/// And so many bytes of several together.
const TOGETHER: u64 = 4 << 20;

/// The feeds in parts that can be shared out evenly: large ones cut up, many small ones together.
fn cut_up(feeds: Vec<SizedFeed>, partitions: usize, least: u64) -> Vec<SizedFeed> {
    let shares = partitions.max(1) as u64 * PARTS;
    let total: u64 = feeds.iter().map(|(_, size)| size).sum();
    let most = (total / shares).max(least.max(1));
    let parts = |(feed, size): SizedFeed| match size < most.saturating_mul(2) || partitions < 2 {
        true => vec![(feed, size)],
        false => match feed.parts(most) {
            parts if parts.is_empty() => vec![(feed, size)],
            parts => parts.into_iter().map(sized).collect(),
        },
    };
    let parts: Vec<SizedFeed> = feeds.into_iter().flat_map(parts).collect();
    match parts.len() as u64 > shares * FEEDS {
        true => together(parts, (total / (shares * FEEDS)).min(TOGETHER)),
        false => parts,
    }
}

/// Shares the feeds out over at most `partitions` groups of about the same size, each a run of neighbours: the groups
/// one after the other are the feeds in their order.
fn groups(feeds: Vec<SizedFeed>, partitions: usize) -> Vec<Vec<SizedFeed>> {
    // An empty file is work too.
    let weight = |size: u64| u128::from(size) + 1;
    let total: u128 = feeds.iter().map(|(_, size)| weight(*size)).sum();
    let partitions = partitions.clamp(1, feeds.len().max(1)) as u128;
    let mut groups: Vec<(u128, Vec<_>)> = Vec::new();
    let mut before = 0u128;
    for feed in feeds {
        // The group in whose share of the bytes the middle of this feed falls.
        let group = (before + weight(feed.1) / 2) * partitions / total;
        before += weight(feed.1);
        match groups.last_mut() {
            Some((last, feeds)) if *last == group => feeds.push(feed),
            _ => groups.push((group, vec![feed])),
        }
    }
    groups.into_iter().map(|(_, feeds)| feeds).collect()
}

fn files(groups: &[Vec<SizedFeed>]) -> Vec<FileGroup> {
    let mut places = 0..;
    let mut of = |group: &Vec<SizedFeed>| {
        let files = group.iter().zip(&mut places).map(|((feed, size), place)| file(feed, *size, place));
        FileGroup::new(files.collect())
    };
    groups.iter().map(&mut of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Wanted;
    use super::*;
    use arrow::record_batch::RecordBatch;
    use std::ops::ControlFlow;

    #[derive(Debug)]
    struct Sized(u64);

    impl Feed for Sized {
        fn name(&self) -> &str {
            "f"
        }
        fn size(&self) -> u64 {
            self.0
        }
        fn scan(
            &self,
            _: Wanted<'_>,
            _: &Report,
            _: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
        ) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn work_is_shared_out_in_order() {
        let shares = |sizes: &[u64], n| {
            let feeds = sizes.iter().map(|s| sized(Arc::new(Sized(*s)))).collect();
            groups(feeds, n).iter().map(|g| g.iter().map(|(_, size)| *size).collect()).collect::<Vec<Vec<u64>>>()
        };
        assert_eq!(shares(&[10, 10, 10, 10], 2), [[10, 10], [10, 10]]);
        assert_eq!(shares(&[100, 1, 1, 1], 4), [vec![100], vec![1, 1, 1]]);
        assert_eq!(shares(&[0, 0], 4), [[0], [0]]);
        assert_eq!(shares(&[5], 4), [[5]]);
    }

    #[test]
    fn many_small_feeds_are_read_together() {
        let sizes = |feeds: &[SizedFeed]| feeds.iter().map(|(_, size)| *size).collect::<Vec<_>>();
        let feeds = |sizes: &[u64]| sizes.iter().map(|s| sized(Arc::new(Sized(*s)))).collect::<Vec<_>>();
        assert_eq!(sizes(&together(feeds(&[1, 2, 3, 9, 0, 0, 7, 1, 1]), 6)), [6, 9, 0, 7, 2]);
        assert_eq!(sizes(&cut_up(feeds(&[2; 320]), 1, 100)), [20; 32]);
        assert_eq!(sizes(&cut_up(feeds(&[2; 32]), 1, 100)), [2; 32]);
    }
}
