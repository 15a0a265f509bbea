//! Finding unions whose branches read the same file.

use super::exec::NumberedGroupsExec;
use super::union::{NumberedUnionExec, Step, Steps};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The plan with each union of the same rows of a file, filtered one way and another, read once for an aggregation above
/// it. All groups are held then until the end: it is not to be done where memory has a limit.
///
/// # Errors
/// Where a plan can't be put together again.
pub fn read_once(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        let Some(groups) = node.downcast_ref::<NumberedGroupsExec>() else { return Ok(Transformed::no(node)) };
        let Some(union) = groups.aggregate().input().downcast_ref::<UnionExec>() else {
            return Ok(Transformed::no(node));
        };
        let Some((read, branches)) = common(union) else { return Ok(Transformed::no(node)) };
        let once = NumberedUnionExec::new(groups.aggregate().clone(), read, Arc::new(branches));
        Ok(Transformed::yes(Arc::new(once)))
    })?;
    Ok(plan.data)
}

/// What all branches read, and what each does with it.
fn common(union: &UnionExec) -> Option<(Arc<dyn ExecutionPlan>, Vec<Steps>)> {
    let branches: Vec<_> = union.children().into_iter().map(|child| branch(child)).collect::<Option<_>>()?;
    let scans: Vec<_> = branches.iter().map(|(_, scan)| file(scan)).collect::<Option<_>>()?;
    let ((config, source), others) = scans.split_first()?;
    if others.is_empty() || !others.iter().all(|(other, of)| same(config, other) && alike(source, of)) {
        return None;
    }
    let columns: Vec<Vec<usize>> = scans.iter().map(|(_, source)| columns(source)).collect::<Option<_>>()?;
    let all: BTreeSet<usize> = columns.iter().flatten().copied().collect();
    let all = Vec::from_iter(all);
    let mut read = ParquetSource::new(source.table_schema().clone())
        .with_table_parquet_options(source.table_parquet_options().clone())
        .with_parquet_file_reader_factory(Arc::clone(source.parquet_file_reader_factory()?));
    // Rows that no branch looks at may be left out. A branch that has no word for that looks at all.
    let predicates: Option<Vec<_>> = scans.iter().map(|(_, source)| source.filter()).collect();
    if let Some(predicates) = predicates {
        read =
            read.with_predicate(predicates.into_iter().reduce(|a, b| Arc::new(BinaryExpr::new(a, Operator::Or, b)))?);
    }
    let config = FileScanConfigBuilder::from((*config).clone()).with_source(Arc::new(read));
    let config = config.with_projection_indices(Some(all.clone())).ok()?.build();
    let steps = branches.into_iter().zip(columns).map(|((mut steps, scan), columns)| {
        let places = columns.iter().map(|c| all.binary_search(c).ok()).collect::<Option<Vec<_>>>()?;
        steps.insert(0, Step::Columns(places, scan.schema()));
        Some(steps)
    });
    Some((DataSourceExec::from_data_source(config), steps.collect::<Option<_>>()?))
}

/// The columns that a scan reads, by their places in the table.
fn columns(source: &ParquetSource) -> Option<Vec<usize>> {
    let schema = source.table_schema().table_schema();
    let column = |p: &ProjectionExpr| {
        let column = p.expr.downcast_ref::<Column>()?;
        (p.alias == column.name() && schema.field(column.index()).name() == column.name()).then(|| column.index())
    };
    source.projection()?.iter().map(column).collect()
}

/// The steps of a branch, the first first, and the scan below them.
fn branch(plan: &Arc<dyn ExecutionPlan>) -> Option<(Steps, Arc<dyn ExecutionPlan>)> {
    if plan.is::<DataSourceExec>() {
        return Some((Vec::new(), Arc::clone(plan)));
    }
    let step = Step::of(plan.as_ref())?;
    let (mut steps, scan) = branch(plan.children().first()?)?;
    steps.push(step);
    Some((steps, scan))
}

/// A scan of Parquet that leaves filtering to the plan.
fn file(scan: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &ParquetSource)> {
    let (config, source) = scan.downcast_ref::<DataSourceExec>()?.downcast_to_file_source::<ParquetSource>()?;
    let plain = config.limit.is_none() && !source.table_parquet_options().global.pushdown_filters;
    plain.then_some((config, source))
}

/// Whether two scans read the same parts of the same files.
fn same(one: &FileScanConfig, other: &FileScanConfig) -> bool {
    let parts = |config: &FileScanConfig| -> Vec<Vec<_>> {
        let part = |f: &PartitionedFile| (f.object_meta.location.clone(), f.object_meta.size, f.range.clone());
        config.file_groups.iter().map(|group| group.iter().map(part).collect()).collect()
    };
    one.object_store_url == other.object_store_url && parts(one) == parts(other)
}

/// Whether they take them for the same columns.
fn alike(one: &ParquetSource, other: &ParquetSource) -> bool {
    one.table_schema().table_schema() == other.table_schema().table_schema()
}
