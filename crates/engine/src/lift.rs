//! Looking at all recorded time at once.
//!
//! A query that looks at each event alone and only back to some time before now finds, run again and again over a
//! recording, what the same query without that bound finds in one run. So the bound is lifted, where that is certain.

use crate::scan::lower_bound;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan};
use parallax_functions::kql::computed::Computed;
use std::sync::Arc;

/// The columns that are an event's time.
const TIMES: [&str; 2] = ["Timestamp", "TimeGenerated"];

/// An optimised plan without its lower bounds on the events' time, and those bounds in nanoseconds since the Unix
/// epoch. `None` where there are none, or where other parts of the query depend on time.
pub(crate) fn lift(plan: LogicalPlan) -> Result<Option<(LogicalPlan, Vec<i64>)>> {
    if plan.exists(|node| Ok(!is_rowwise(node)))? {
        return Ok(None);
    }
    let (mut bounds, mut certain) = (Vec::new(), true);
    let mut part = |filters: Vec<Expr>, schema: &SchemaRef| -> Vec<Expr> {
        let (lifted, kept): (Vec<_>, Vec<_>) = filters.into_iter().partition(|f| {
            let found = lower_bound(std::slice::from_ref(f), schema);
            let found = found.filter(|(column, _)| TIMES.contains(&column.as_str()));
            bounds.extend(found.iter().map(|(_, bound)| *bound));
            found.is_some()
        });
        certain &= !kept.iter().any(|f| reads_time(f, schema));
        drop(lifted);
        kept
    };
    let lifted = plan.transform_up(|node| match node {
        LogicalPlan::Filter(filter) => {
            let LogicalPlan::TableScan(scan) = filter.input.as_ref() else {
                return Ok(Transformed::no(LogicalPlan::Filter(filter)));
            };
            let schema = scan.source.schema();
            let kept = part(split_conjunction_owned(filter.predicate), &schema);
            Ok(Transformed::yes(match conjunction(kept) {
                Some(predicate) => LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?),
                None => Arc::unwrap_or_clone(filter.input),
            }))
        }
        LogicalPlan::TableScan(mut scan) => {
            let schema = scan.source.schema();
            let filters = std::mem::take(&mut scan.filters).into_iter().flat_map(split_conjunction_owned);
            scan.filters = part(filters.collect(), &schema);
            Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
        }
        node => Ok(Transformed::no(node)),
    })?;
    Ok((certain && !bounds.is_empty()).then_some((lifted.data, bounds)))
}

/// Whether what the plan makes of an event depends on that event alone.
pub(crate) fn looks_at_each(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(!is_rowwise(node))).map(|other| !other)
}

/// Whether what the node makes of a row depends on that row alone.
fn is_rowwise(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Sort(sort) => sort.fetch.is_none(),
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::TableScan(_) => true,
        LogicalPlan::Extension(_) => Computed::of(node).is_some(),
        _ => false,
    }
}

fn reads_time(filter: &Expr, schema: &SchemaRef) -> bool {
    let is_time =
        |name: &str| schema.field_with_name(name).is_ok_and(|f| matches!(f.data_type(), DataType::Timestamp(..)));
    filter.column_refs().iter().any(|c| is_time(&c.name))
}
