//! Computed columns in few projections.
//!
//! A plan lists every column in each of its projections, and DataFusion's rules look each of them up. A query of a
//! thousand `extend`s must not become a thousand projections of a thousand columns: columns that do not build on each
//! other are computed side by side. And the plans are made here directly, since DataFusion's builder walks the whole
//! plan below for every expression that it is given.

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, ExprSchemable, Filter, LogicalPlan, Projection};
use std::collections::HashSet;
use std::sync::Arc;

/// The plan with computed columns beside all that it has.
pub(super) fn compute(plan: LogicalPlan, new: Vec<(String, Expr)>) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(top) if side_by_side(&top, &new) => {
            let mut exprs = top.expr;
            let fields = fields(&top.input, &top.schema, &new)?;
            exprs.extend(new.into_iter().map(|(id, e)| e.alias(id)));
            projection(exprs, top.input, fields)
        }
        plan => {
            let mut exprs: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            let fields = fields(&plan, plan.schema(), &new)?;
            exprs.extend(new.into_iter().map(|(id, e)| e.alias(id)));
            projection(exprs, Arc::new(plan), fields)
        }
    }
}

/// The plan's rows with these values only.
pub(super) fn project(plan: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?))
}

/// The rows for which the predicate is true.
pub(super) fn filter(plan: LogicalPlan, predicate: Expr) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?))
}

/// Whether the columns can be computed in the projection itself: none of them reads what it computes.
fn side_by_side(top: &Projection, new: &[(String, Expr)]) -> bool {
    let mut kept = HashSet::new();
    for expr in &top.expr {
        if let Expr::Column(c) = expr {
            kept.insert(c.name.as_str());
        }
    }
    new.iter().all(|(_, expr)| expr.column_refs().iter().all(|c| kept.contains(c.name.as_str())))
}

/// The columns of a projection with new ones, which are computed over `input`.
fn fields(input: &LogicalPlan, have: &DFSchema, new: &[(String, Expr)]) -> Result<DFSchema> {
    let mut fields: Vec<_> = have.iter().map(|(q, f)| (q.cloned(), Arc::clone(f))).collect();
    for (name, expr) in new {
        let (_, field) = expr.to_field(input.schema())?;
        fields.push((None, Arc::new(field.as_ref().clone().with_name(name))));
    }
    DFSchema::new_with_metadata(fields, have.metadata().clone())
}

fn projection(exprs: Vec<Expr>, input: Arc<LogicalPlan>, schema: DFSchema) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new_with_schema(exprs, input, Arc::new(schema))?))
}
