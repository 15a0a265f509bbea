//! Grouping by numbers.
//!
//! The columns that detections group by repeat few values, and Parquet writes such columns with a dictionary. So the
//! first step of an aggregation gives each distinct value of a column a number, mostly without looking at it (see
//! [`texts::Seen`]), and groups by numbers. The second step, where it is brought together what partitions found, is
//! DataFusion's. What is grouped, and in which order groups come out, is the same either way.

mod exec;
pub(crate) mod numbers;
mod once;
mod table;
pub(crate) mod texts;
mod union;

pub use once::read_once;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use exec::NumberedGroupsExec;
use std::sync::Arc;
use table::Table;

/// The plan with the first steps of its aggregations done by numbers.
///
/// # Errors
/// Where a plan can't be put together again.
pub fn by_numbers(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(node)) };
        if !can_be_numbered(aggregate)? {
            return Ok(Transformed::no(node));
        }
        let second = match aggregate.mode() {
            AggregateMode::Partial => None,
            AggregateMode::Single => Some(AggregateMode::Final),
            AggregateMode::SinglePartitioned => Some(AggregateMode::FinalPartitioned),
            _ => return Ok(Transformed::no(node)),
        };
        let Some(second) = second else {
            return Ok(Transformed::yes(Arc::new(NumberedGroupsExec::new(aggregate.clone()))));
        };
        let groups = aggregate.group_expr();
        let (exprs, filters) = (aggregate.aggr_expr().to_vec(), aggregate.filter_expr().to_vec());
        let (input, schema) = (Arc::clone(aggregate.input()), aggregate.input_schema());
        let first = AggregateExec::try_new(
            AggregateMode::Partial,
            groups.clone(),
            exprs.clone(),
            filters.clone(),
            input,
            Arc::clone(&schema),
        )?;
        let first = Arc::new(NumberedGroupsExec::new(first));
        let second = AggregateExec::try_new(second, groups.as_final(), exprs, filters, first, schema)?;
        Ok(Transformed::yes(Arc::new(second)))
    })?;
    Ok(plan.data)
}

fn can_be_numbered(aggregate: &AggregateExec) -> Result<bool> {
    let groups = aggregate.group_expr();
    let schema = aggregate.input().schema();
    let plain = groups.is_single()
        && !groups.is_empty()
        && aggregate.limit_options().is_none()
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.aggr_expr().iter().all(|e| e.groups_accumulator_supported() && e.order_bys().is_empty());
    if !plain {
        return Ok(false);
    }
    for (expr, _) in groups.expr() {
        if !Table::groups_by(&expr.data_type(&schema)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
