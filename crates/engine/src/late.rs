//! Reading wide columns late.
//!
//! A join knows, once its build side is read, which keys can find a partner, and its other side is told so. Where that
//! side reads many columns from Parquet, the keys are decoded first, and the others for the rows that can have a partner.
//! It is not done everywhere: where most rows pass, decoding in two steps costs more than it saves.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use std::sync::Arc;

/// How many columns beside those of its filters make a scan wide.
const WIDE: usize = 4;

/// The plan with the wide scans of its joins reading late.
pub(crate) fn read_late(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        if !node.is::<HashJoinExec>() {
            return Ok(Transformed::no(node));
        }
        let mut sides: Vec<_> = node.children().into_iter().cloned().collect();
        let Some(late) = sides.last().map(late).transpose()?.flatten() else { return Ok(Transformed::no(node)) };
        sides.pop();
        sides.push(late);
        node.replace_children(sides, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep)).map(Transformed::yes)
    })?;
    Ok(plan.data)
}

/// A join's probe side, where it reads a wide table.
fn late(side: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if side.is::<FilterExec>() || side.is::<ProjectionExec>() {
        let children = side.children();
        let Some(child) = children.first().map(|c| late(c)).transpose()?.flatten() else { return Ok(None) };
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        return Arc::clone(side).replace_children(vec![child], options).map(Some);
    }
    let found = side.downcast_ref::<DataSourceExec>().and_then(|e| e.downcast_to_file_source::<ParquetSource>());
    let Some((config, source)) = found else { return Ok(None) };
    let Some(filter) = source.filter() else { return Ok(None) };
    if side.schema().fields().len() < WIDE + collect_columns(&filter).len() {
        return Ok(None);
    }
    let source = Arc::new(source.clone().with_pushdown_filters(true));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(source).build();
    Ok(Some(DataSourceExec::from_data_source(config)))
}
