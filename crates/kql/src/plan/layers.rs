//! Computed columns in few projections.
//!
//! A plan lists every column in each of its projections, and DataFusion's rules look each of them up. A query of a
//! thousand `extend`s must not become a thousand projections of a thousand columns: columns that do not build on each
//! other are computed side by side. And the plans are made here directly, since DataFusion's builder walks the whole
//! plan below for every expression that it is given.

use super::scalar::balanced;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::utils::{split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, ExprSchemable, Filter, LogicalPlan, Projection, lit};
use parallax_functions::kql::computed::Computed;
use std::collections::HashSet;
use std::sync::Arc;

/// The plan with computed columns beside all that it has.
pub(super) fn compute(plan: LogicalPlan, new: Vec<(String, Expr)>) -> Result<LogicalPlan> {
    if let Some(done) = chained(&plan, &new)? {
        return Ok(done);
    }
    let (mut exprs, input, schema) = match plan {
        LogicalPlan::Projection(top) if side_by_side(&top, &new) => (top.expr, top.input, top.schema),
        plan => {
            let exprs = plan.schema().columns().into_iter().map(Expr::Column).collect();
            let schema = Arc::clone(plan.schema());
            (exprs, Arc::new(plan), schema)
        }
    };
    let mut fields: Vec<_> = schema.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
    for (name, expr) in new {
        let (_, field) = expr.to_field(input.schema())?;
        fields.push((None, Arc::new(field.as_ref().clone().with_name(&name))));
        exprs.push(expr.alias(name));
    }
    let schema = DFSchema::new_with_metadata(fields, schema.metadata().clone())?;
    Ok(LogicalPlan::Projection(Projection::try_new_with_schema(exprs, input, Arc::new(schema))?))
}

/// So many projections may stand on each other; what builds on them is one node of its own.
const LAYERS: usize = 24;

/// The columns in a node of their own, at the end of a long chain of columns that build on each other.
fn chained(plan: &LogicalPlan, new: &[(String, Expr)]) -> Result<Option<LogicalPlan>> {
    let asks = |e: &Expr| matches!(e, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_));
    if new.iter().any(|(_, e)| e.exists(|e| Ok(asks(e))).unwrap_or(true)) {
        return Ok(None);
    }
    // Under filters, where that costs little: DataFusion puts a filter that reads none of them below them again.
    if let LogicalPlan::Filter(filter) = plan
        && new.iter().all(|(_, e)| is_cheap(e))
        && let Some(below) = chained(&filter.input, new)?
    {
        return Filter::try_new(filter.predicate.clone(), Arc::new(below)).map(LogicalPlan::Filter).map(Some);
    }
    let begun = match Computed::of(plan) {
        Some(computed) => computed.clone(),
        None if is_long(plan) => Computed::over(plan.clone()),
        None => return Ok(None),
    };
    Ok(Some(begun.with(new.to_vec())?.into_plan()))
}

/// Whether so many projections, and filters between them, stand on each other.
fn is_long(plan: &LogicalPlan) -> bool {
    let mut below = plan;
    for _ in 0..LAYERS {
        below = match below {
            LogicalPlan::Projection(top) => &top.input,
            LogicalPlan::Filter(top) => &top.input,
            _ => return false,
        };
    }
    true
}

/// Whether it is arithmetic and comparison alone.
fn is_cheap(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Cast(c) => is_cheap(&c.expr),
        Expr::BinaryExpr(b) => is_cheap(&b.left) && is_cheap(&b.right),
        _ => false,
    }
}

/// The plan's rows with these values only.
pub(super) fn project(plan: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?))
}

/// The projection without the columns that are not among these.
pub(super) fn keep(top: &Projection, live: &HashSet<String>) -> Result<LogicalPlan> {
    let columns = top.expr.iter().zip(top.schema.iter()).filter(|(_, (_, field))| live.contains(field.name()));
    let (exprs, fields) = columns.map(|(e, (q, f))| (e.clone(), (q.cloned(), Arc::clone(f)))).unzip();
    let schema = DFSchema::new_with_metadata(fields, top.schema.metadata().clone())?;
    let top = Projection::try_new_with_schema(exprs, Arc::clone(&top.input), Arc::new(schema))?;
    Ok(LogicalPlan::Projection(top))
}

/// The rows for which the predicate is true. A filter upon a filter is one.
pub(super) fn filter(plan: LogicalPlan, predicate: Expr) -> Result<LogicalPlan> {
    /// So many conditions stand in one filter: each new one makes their tree anew.
    const MOST: usize = 200;
    for column in predicate.column_refs() {
        plan.schema().index_of_column(column)?;
    }
    let (predicate, input) = match plan {
        LogicalPlan::Filter(below) if split_conjunction(&below.predicate).len() < MOST => {
            let mut all = split_conjunction_owned(below.predicate);
            all.push(predicate);
            (balanced(all, &Expr::and).unwrap_or_else(|| lit(true)), below.input)
        }
        plan => (predicate, Arc::new(plan)),
    };
    Ok(LogicalPlan::Filter(Filter::try_new(predicate, input)?))
}

/// How many operators may stand on each other: what fits on a thread's stack (measured: some 9 KiB each).
pub(super) const HIGHEST: usize = 500;

/// How many operators stand on each other. DataFusion walks plans by recursion.
pub(super) fn height(plan: &LogicalPlan) -> usize {
    let (mut highest, mut open) = (0, vec![(plan, 1)]);
    while let Some((plan, height)) = open.pop() {
        highest = highest.max(height);
        open.extend(plan.inputs().into_iter().map(|input| (input, height + 1)));
    }
    highest
}

/// Whether the columns can be computed in the projection itself: none of them reads what it computes.
fn side_by_side(top: &Projection, new: &[(String, Expr)]) -> bool {
    let passed: HashSet<&str> = top.expr.iter().filter_map(column).collect();
    new.iter().all(|(_, expr)| expr.column_refs().iter().all(|c| passed.contains(c.name.as_str())))
}

fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(c) => Some(&c.name),
        _ => None,
    }
}
