//! Telling scans what filters need that stand further up, over columns that are computed in between.
//!
//! The optimiser leaves such filters where they are: what they read is costly and computed once. What they need of the
//! texts that it is computed from can be told all the same. The scan may leave out rows that lack it; the filters stay.

use crate::scan::TelemetryTable;
use crate::scan::needed::{needs, origins};
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, TableScan};
use parallax_functions::kql::computed::Computed;
use parallax_telemetry::needles::{Clause, Literal};
use std::collections::HashMap;
use std::sync::Arc;

/// The plan, its scans told. The answer is the same.
pub(crate) fn hint(plan: LogicalPlan) -> Result<LogicalPlan> {
    told(plan, Vec::new())
}

/// The plan with what is above it told to its scans, as far as it holds of its rows.
fn told(plan: LogicalPlan, mut clauses: Vec<Clause>) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            clauses.extend(needs(&predicate));
            let input = Arc::new(told(Arc::unwrap_or_clone(input), clauses)?);
            Filter::try_new(predicate, input).map(LogicalPlan::Filter)
        }
        LogicalPlan::Projection(p) => {
            let of = p.schema.fields().iter().map(|f| f.name().as_str()).zip(&p.expr).collect();
            let clauses = before(clauses, &of);
            let input = Arc::new(told(Arc::unwrap_or_clone(p.input), clauses)?);
            Projection::try_new_with_schema(p.expr, input, p.schema).map(LogicalPlan::Projection)
        }
        LogicalPlan::TableScan(scan) => Ok(LogicalPlan::TableScan(with(scan, &clauses))),
        plan => {
            if let Some(computed) = Computed::of(&plan) {
                // Each column may read those before it: the last first.
                for (name, expr) in computed.columns().iter().rev() {
                    clauses = before_one(clauses, name, expr);
                }
            } else if !matches!(&plan, LogicalPlan::Sort(s) if s.fetch.is_none()) {
                // What is left out below may change what others make of the rows: counts, limits, partners.
                clauses.clear();
            }
            let below = |input| Ok(Transformed::yes(told(input, clauses.clone())?));
            Ok(plan.map_children(below)?.data)
        }
    }
}

/// The clauses over what a projection reads; those that say nothing of that are left out.
fn before(clauses: Vec<Clause>, of: &HashMap<&str, &Expr>) -> Vec<Clause> {
    let literals = |literal: Literal| {
        let found = origins(of.get(literal.column.as_str())?)?;
        let one = |o: &crate::scan::needed::Origin<'_>| Literal {
            column: o.column.to_owned(),
            folds: literal.folds || o.folds,
            text: literal.text.clone(),
        };
        Some(found.iter().map(one).collect::<Vec<_>>())
    };
    let clause = |clause: Clause| Some(clause.into_iter().map(literals).collect::<Option<Vec<_>>>()?.concat());
    clauses.into_iter().filter_map(clause).filter(|c| !c.is_empty() && c.len() <= MOST).collect()
}

/// The clauses without the column `name`.
fn before_one(clauses: Vec<Clause>, name: &str, expr: &Expr) -> Vec<Clause> {
    let names = clauses.iter().flatten().map(|l| l.column.clone()).collect::<Vec<_>>();
    let others: Vec<_> = names.iter().map(|n| Expr::Column(Column::from_name(n))).collect();
    let mut of: HashMap<&str, &Expr> = names.iter().map(String::as_str).zip(&others).collect();
    if of.contains_key(name) {
        of.insert(name, expr);
    }
    before(clauses, &of)
}

/// The most literals that are told in one clause.
const MOST: usize = 512;

fn with(mut scan: TableScan, clauses: &[Clause]) -> TableScan {
    let ours = source_as_provider(&scan.source).is_ok_and(|p| p.is::<TelemetryTable>());
    if ours && scan.fetch.is_none() {
        scan.filters.extend(clauses.iter().filter_map(|c| said(c, &scan.table_name)));
    }
    scan
}

/// The clause as a condition, as [`needs`] reads it.
fn said(clause: &Clause, table: &datafusion::common::TableReference) -> Option<Expr> {
    let (contains, lower) =
        (parallax_functions::kql::scalar("kql_contains")?, parallax_functions::kql::scalar("kql_tolower")?);
    let one = |literal: &Literal| {
        let column = Expr::Column(Column::new(Some(table.clone()), &literal.column));
        let column = if literal.folds { lower.call(vec![column]) } else { column };
        let text = ScalarValue::Utf8View(Some(literal.text.clone()));
        contains.call(vec![column, Expr::Literal(text, None)])
    };
    clause.iter().map(one).reduce(Expr::or)
}
