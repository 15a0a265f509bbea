//! Telling scans what filters need that stand further up, over columns that are computed in between.
//!
//! The optimiser leaves such filters where they are: what they read is costly and computed once. What they need of the
//! texts that it is computed from can be told all the same. The scan may leave out rows that lack it; the filters stay.

use crate::scan::TelemetryTable;
use crate::scan::needed::{needs, of};
use crate::scan::origins::Origins;
use crate::scan::texts;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::{Expr, Filter, Join, JoinType, LogicalPlan, Projection, TableScan};
use parallax_functions::kql;
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
        LogicalPlan::Join(mut join) => {
            let (left, right) = of_sides(&join, &clauses);
            join.left = Arc::new(told(Arc::unwrap_or_clone(join.left), left)?);
            join.right = Arc::new(told(Arc::unwrap_or_clone(join.right), right)?);
            Ok(LogicalPlan::Join(join))
        }
        plan => {
            let clauses = through(&plan, clauses);
            let below = |input| Ok(Transformed::yes(told(input, clauses.clone())?));
            Ok(plan.map_children(below)?.data)
        }
    }
}

/// What of the clauses holds of the inputs of a plan. What is left out below may change what others make of the rows:
/// counts, limits, partners.
fn through(plan: &LogicalPlan, mut clauses: Vec<Clause>) -> Vec<Clause> {
    if let Some(computed) = Computed::of(plan) {
        // Each column may read those before it: the last first.
        for (name, expr) in computed.columns().iter().rev() {
            clauses = before_one(clauses, name, expr);
        }
        return clauses;
    }
    match plan {
        LogicalPlan::Sort(s) if s.fetch.is_none() => clauses,
        LogicalPlan::SubqueryAlias(_) | LogicalPlan::Union(_) => {
            let alike = |input: &&LogicalPlan| {
                let names = |p: &LogicalPlan| p.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
                names(input) == names(plan)
            };
            if plan.inputs().iter().all(alike) { clauses } else { Vec::new() }
        }
        // What is in an element is in its list, which has the same name.
        LogicalPlan::Unnest(unnest) => of_columns(clauses, &unnest.input),
        _ => Vec::new(),
    }
}

/// The clauses that say something of the columns of a plan alone.
fn of_columns(clauses: Vec<Clause>, plan: &LogicalPlan) -> Vec<Clause> {
    let own = |l: &Literal| plan.schema().fields().iter().any(|f| *f.name() == l.column);
    clauses.into_iter().filter(|c| c.iter().all(own)).collect()
}

/// What holds of the rows of a join's sides: what is asked above of their own columns, and that keys have partners.
fn of_sides(join: &Join, clauses: &[Clause]) -> (Vec<Clause>, Vec<Clause>) {
    use JoinType as J;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let both = |name: &str| {
        join.left.schema().has_column_with_unqualified_name(name)
            && join.right.schema().has_column_with_unqualified_name(name)
    };
    let told = clauses.iter().filter(|c| !c.iter().any(|l| both(&l.column))).cloned().collect::<Vec<_>>();
    if matches!(join.join_type, J::Inner | J::Left | J::LeftSemi | J::LeftAnti) {
        left = of_columns(told.clone(), &join.left);
    }
    if matches!(join.join_type, J::Inner | J::Right | J::RightSemi | J::RightAnti) {
        right = of_columns(told, &join.right);
    }
    for (l, r) in &join.on {
        if matches!(join.join_type, J::Inner | J::LeftSemi | J::Right) {
            left.extend(partners(l, &join.right, r));
        }
        if matches!(join.join_type, J::Inner | J::RightSemi | J::Left) {
            right.extend(partners(r, &join.left, l));
        }
    }
    (left, right)
}

/// What a key must hold to have a partner in a table that stands in the query.
fn partners(key: &Expr, table: &LogicalPlan, of_table: &Expr) -> Vec<Clause> {
    let Expr::Column(column) = of_table else { return Vec::new() };
    match texts::of_column(table, &column.name) {
        Some(texts) => of(key, texts.iter().map(String::as_str), false),
        None => Vec::new(),
    }
}

/// The clauses over what a projection reads; those that say nothing of that are left out.
fn before(clauses: Vec<Clause>, of: &HashMap<&str, &Expr>) -> Vec<Clause> {
    let literals = |literal: Literal| Origins::of(of.get(literal.column.as_str())?)?.literals(&literal);
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
    let (contains, lower) = (kql::scalar("kql_contains")?, kql::scalar("kql_tolower")?);
    let one = |literal: &Literal| {
        let column = Expr::Column(Column::new(Some(table.clone()), &literal.column));
        let column = if literal.escaped { out_of_json(column)? } else { column };
        let column = if literal.folds { lower.call(vec![column]) } else { column };
        let text = ScalarValue::Utf8View(Some(literal.text.clone()));
        Some(contains.call(vec![column, Expr::Literal(text, None)]))
    };
    clause.iter().map(one).collect::<Option<Vec<_>>>()?.into_iter().reduce(Expr::or)
}

/// A text out of a column of JSON.
fn out_of_json(column: Expr) -> Option<Expr> {
    let parsed = kql::scalar("kql_parse_json_string")?.call(vec![column]);
    let member =
        kql::scalar("kql_member")?.call(vec![parsed, Expr::Literal(ScalarValue::Utf8View(Some(String::new())), None)]);
    Some(kql::scalar("kql_tostring_dynamic")?.call(vec![member]))
}
