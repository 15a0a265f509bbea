//! The `FileSource` of telemetry.

use super::Feed;
use super::board::Open;
use super::opener::{Attached, FeedOpener, Shared};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileOpener, FileScanConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, apply_expression_roots};
use datafusion_datasource::projection::{ProjectionOpener, SplitProjection};
use object_store::ObjectStore;
use std::fmt;
use std::sync::Arc;

/// Reads feeds, decoding only the columns that the plan asks for.
#[derive(Clone)]
pub(super) struct TelemetrySource {
    schema: TableSchema,
    split: SplitProjection,
    shared: Arc<Shared>,
    /// Where readers share out the feeds; nothing where each is to be read by itself.
    open: Option<Arc<Open>>,
    metrics: ExecutionPlanMetricsSet,
}

impl TelemetrySource {
    pub(super) fn new(schema: TableSchema, shared: Arc<Shared>, open: Option<Arc<Open>>) -> Self {
        let split = SplitProjection::unprojected(&schema);
        TelemetrySource { schema, split, shared, open, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl FileSource for TelemetrySource {
    fn create_file_opener(&self, _: Arc<dyn ObjectStore>, _: &FileScanConfig, _: usize) -> Result<Arc<dyn FileOpener>> {
        let schema = Arc::new(self.schema.file_schema().project(&self.split.file_indices)?);
        let opener =
            Arc::new(FeedOpener::new(schema, self.schema.file_schema(), self.shared.clone(), self.open.clone()));
        ProjectionOpener::try_new(self.split.clone(), opener, self.schema.file_schema())
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The size of batches is ours: see [`super::BATCH_ROWS`].
    fn with_batch_size(&self, _: usize) -> Arc<dyn FileSource> {
        Arc::new(self.clone())
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.split.source)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.split.source.try_merge(projection)?;
        let split = SplitProjection::new(self.schema.file_schema(), &merged);
        Ok(Some(Arc::new(TelemetrySource { split, ..self.clone() })))
    }

    /// A source is read from its beginning to its end: what an event means may depend on those before it.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "telemetry"
    }

    fn fmt_extra(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", table={}", self.shared.table)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.split.source.iter(), f)
    }
}

/// The file that stands for a feed of that size, at its place among those of the scan.
pub(super) fn file(feed: &Arc<dyn Feed>, size: u64, place: usize) -> PartitionedFile {
    let mut file = PartitionedFile::new(feed.name(), size);
    file.extensions.insert(Attached(feed.clone(), place));
    file
}
