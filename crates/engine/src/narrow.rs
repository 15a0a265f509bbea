//! Of the rows that an aggregation picks, only the columns that somebody reads.
//!
//! `arg_max(Timestamp, *)` keeps whole rows, as a struct, and what follows takes fields out of it. DataFusion sees one
//! column there, of which everything is needed; what nobody takes out need not be read at all.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The aggregates whose result is a struct of their arguments.
const ROWS: [&str; 3] = ["kql_arg_max", "kql_arg_min", "kql_take_any_row"];

/// The rule.
#[derive(Debug)]
pub(crate) struct NarrowRows;

impl OptimizerRule for NarrowRows {
    fn name(&self) -> &'static str {
        "narrow_rows"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Projection(projection) = plan else { return Ok(Transformed::no(plan)) };
        match narrowed(&projection)? {
            Some(plan) => Ok(Transformed::yes(plan)),
            None => Ok(Transformed::no(LogicalPlan::Projection(projection))),
        }
    }
}

/// A picked row: the name of its column, and which of its fields are kept, in their order.
struct Row {
    column: String,
    kept: Vec<usize>,
}

fn narrowed(projection: &Projection) -> Result<Option<LogicalPlan>> {
    // Filters over what was picked stand in between.
    let (mut below, mut filters) = (projection.input.as_ref(), Vec::new());
    while let LogicalPlan::Filter(filter) = below {
        filters.push(filter);
        below = filter.input.as_ref();
    }
    let LogicalPlan::Aggregate(aggregate) = below else { return Ok(None) };
    let readers: Vec<&Expr> = projection.expr.iter().chain(filters.iter().map(|f| &f.predicate)).collect();
    let mut rows = Vec::new();
    let mut narrow = Vec::with_capacity(aggregate.aggr_expr.len());
    for e in &aggregate.aggr_expr {
        match narrow_row(e, &readers)? {
            Some((expr, row)) => {
                narrow.push(expr);
                rows.push(row);
            }
            None => narrow.push(e.clone()),
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let aggregate = Aggregate::try_new(Arc::clone(&aggregate.input), aggregate.group_expr.clone(), narrow)?;
    let mut plan = LogicalPlan::Aggregate(aggregate);
    for filter in filters.into_iter().rev() {
        plan = LogicalPlan::Filter(Filter::try_new(renumbered(filter.predicate.clone(), &rows)?, Arc::new(plan))?);
    }
    let names = NamePreserver::new_for_projection();
    let exprs = projection.expr.iter().map(|e| {
        let name = names.save(e);
        Ok(name.restore(renumbered(e.clone(), &rows)?))
    });
    let exprs = exprs.collect::<Result<Vec<_>>>()?;
    let projection = Projection::try_new_with_schema(exprs, Arc::new(plan), Arc::clone(&projection.schema))?;
    Ok(Some(LogicalPlan::Projection(projection)))
}

/// The aggregate with fewer arguments; `None` where all of them are needed.
fn narrow_row(e: &Expr, readers: &[&Expr]) -> Result<Option<(Expr, Row)>> {
    let Expr::Alias(alias) = e else { return Ok(None) };
    let Expr::AggregateFunction(function) = alias.expr.as_ref() else { return Ok(None) };
    if !ROWS.contains(&function.func.name()) {
        return Ok(None);
    }
    // The first decides which row it is.
    let mut kept = BTreeSet::from([0]);
    for reader in readers {
        if !read(reader, &alias.name, &mut kept)? {
            return Ok(None);
        }
    }
    let args = &function.params.args;
    if kept.len() >= args.len() || kept.last().is_some_and(|last| *last >= args.len()) {
        return Ok(None);
    }
    let mut params = function.params.clone();
    params.args = kept.iter().map(|i| args[*i].clone()).collect();
    let function = Expr::AggregateFunction(AggregateFunction { func: Arc::clone(&function.func), params });
    let row = Row { column: alias.name.clone(), kept: kept.into_iter().collect() };
    Ok(Some((function.alias(&alias.name), row)))
}

/// Adds the fields of the column that an expression reads; whether it reads nothing but fields.
fn read(e: &Expr, column: &str, fields: &mut BTreeSet<usize>) -> Result<bool> {
    let mut only_fields = true;
    e.apply(|e| {
        if let Some((of, field)) = field_of(e)
            && of == column
        {
            fields.insert(field);
            return Ok(TreeNodeRecursion::Jump);
        }
        only_fields &= !matches!(e, Expr::Column(c) if c.name == column);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(only_fields)
}

/// The column and the field's number, where the expression is one.
fn field_of(e: &Expr) -> Option<(&str, usize)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = e else { return None };
    let [Expr::Column(column), Expr::Literal(ScalarValue::Utf8(Some(field)), _)] = args.as_slice() else { return None };
    (func.name() == "get_field").then_some(())?;
    Some((&column.name, field.parse().ok()?))
}

/// The expression over rows with fewer fields.
fn renumbered(e: Expr, rows: &[Row]) -> Result<Expr> {
    let renumber = |mut e: Expr| {
        let Some((column, field)) = field_of(&e) else { return Ok(Transformed::no(e)) };
        let row = rows.iter().find(|r| r.column == column);
        let Some(now) = row.and_then(|r| r.kept.iter().position(|kept| *kept == field)) else {
            return Ok(Transformed::no(e));
        };
        if let Expr::ScalarFunction(function) = &mut e
            && let Some(field) = function.args.last_mut()
        {
            *field = Expr::Literal(ScalarValue::Utf8(Some(now.to_string())), None);
        }
        Ok(Transformed::new(e, true, TreeNodeRecursion::Jump))
    };
    e.transform_down(renumber).map(|t| t.data)
}
