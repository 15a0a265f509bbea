//! Making the order of rows a matter of the query and the data alone, never of how threads happened to run.
//!
//! - A sort is made total: rows that tie on the query's keys come in the order of their sources.
//! - Rows that no sort orders come in the order of the sources, or, where an aggregate or a join made them, by value.
//! - A query that depends on the order of rows without sorting them (a bare `take`) reads in one partition.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, SortExpr};
use parallax_functions::kql::computed::Computed;
use parallax_functions::kql::scan::ScanNode;
use std::collections::HashSet;
use std::sync::Arc;

/// The hidden columns that tell events apart, in the order of the sources.
const IDENTITY: [&str; 2] = ["$source", "$record"];

/// What stands for the column by which a `scan` numbers its rows.
const NUMBER: &str = "$number";

/// Aggregates whose result does not depend on the order of rows. All others are taken to depend on it.
const ORDERLESS: [&str; 14] = [
    "count", "sum", "min", "max", "avg", "dcount", "stdev", "stddev", "variance", "var", "countif", "sumif",
    "bool_and", "bool_or",
];

/// Aggregates that add nothing up: into which partitions rows are cut, as long as they meet in their order, does not
/// show in the result.
const EXACT: [&str; 15] = [
    "count",
    "min",
    "max",
    "dcount",
    "bool_and",
    "bool_or",
    "make_set",
    "make_list",
    "make_list_with_nulls",
    "make_bag",
    "arg_max",
    "arg_min",
    "take_any",
    "take_any_row",
    "buildschema",
];

/// Makes every sort of the plan total, and sorts the rows of aggregates and joins where the query does not.
pub(crate) fn settle(plan: LogicalPlan, ordered: bool) -> Result<LogicalPlan> {
    let all = plan.schema().fields().iter().map(|f| f.name().clone()).collect();
    let plan = settle_top(plan, &all)?;
    if ordered || !regroups(&plan)? {
        return Ok(plan);
    }
    let keys = ties(&plan, &[]);
    if keys.is_empty() { Ok(plan) } else { LogicalPlanBuilder::from(plan).sort(keys)?.build() }
}

/// The operators that end the plan, of whose columns those in `read` are read by anyone. Rows that do not differ in
/// these need not be told apart, so that a `top` over a wide table does not read all of its columns.
fn settle_top(plan: LogicalPlan, read: &HashSet<String>) -> Result<LogicalPlan> {
    let with = |read: &HashSet<String>, more: &mut dyn Iterator<Item = &Expr>| {
        let more = more.flat_map(|e| e.column_refs().into_iter().map(|c| c.name.clone()));
        read.iter().cloned().chain(more).collect::<HashSet<String>>()
    };
    let below = match &plan {
        LogicalPlan::Projection(p) => {
            let shown = p.expr.iter().zip(p.schema.fields()).filter(|(_, field)| read.contains(field.name()));
            with(&HashSet::new(), &mut shown.map(|(e, _)| e))
        }
        LogicalPlan::Filter(f) => with(read, &mut std::iter::once(&f.predicate)),
        LogicalPlan::Limit(l) if is_sorted(&l.input) => read.clone(),
        LogicalPlan::Sort(s) => with(read, &mut s.expr.iter().map(|k| &k.expr)),
        _ => return plan.transform_up(settle_node).map(|t| t.data),
    };
    let plan = plan.map_children(|child| settle_top(child, &below).map(Transformed::yes))?.data;
    let LogicalPlan::Sort(mut sort) = plan else { return Ok(plan) };
    let mut more = ties(&sort.input, &sort.expr);
    if !regroups(&sort.input)? {
        more.retain(|k| {
            k.expr.column_refs().iter().all(|c| below.contains(&c.name)) || is_identity(&k.expr, &sort.input)
        });
    }
    sort.expr.extend(more);
    Ok(LogicalPlan::Sort(sort))
}

fn settle_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Sort(mut sort) => {
            let more = ties(&sort.input, &sort.expr);
            sort.expr.extend(more);
            Ok(Transformed::yes(LogicalPlan::Sort(sort)))
        }
        // Which rows a bare `take` takes must not depend on which thread was first.
        LogicalPlan::Limit(mut limit) if !is_sorted(&limit.input) && regroups(&limit.input)? => {
            let keys = ties(&limit.input, &[]);
            let input = LogicalPlanBuilder::from(limit.input.as_ref().clone());
            limit.input = Arc::new(input.sort(keys)?.build()?);
            Ok(Transformed::yes(LogicalPlan::Limit(limit)))
        }
        node => Ok(Transformed::no(node)),
    }
}

/// Whether it is one of the columns that tell events apart.
fn is_identity(e: &Expr, input: &LogicalPlan) -> bool {
    let at = column_of(e).and_then(|c| input.schema().maybe_index_of_column(c));
    at.and_then(|at| origins(input).swap_remove(at)).is_some_and(|o| o == NUMBER || IDENTITY.contains(&o.as_str()))
}

/// Whether the rows that come out depend on the order in which rows are read, beyond their own order.
pub(crate) fn depends_on_order(plan: &LogicalPlan) -> Result<bool> {
    let mut depends = false;
    plan.apply_with_subqueries(|node| {
        depends |= match node {
            LogicalPlan::Limit(limit) => !is_sorted(&limit.input),
            LogicalPlan::Window(_) => true,
            LogicalPlan::Extension(_) => Computed::of(node).is_none(),
            // The first row of each key.
            LogicalPlan::Distinct(Distinct::On(on)) => on.sort_expr.is_none(),
            LogicalPlan::Aggregate(a) => a.aggr_expr.iter().any(order_matters),
            _ => false,
        };
        Ok(if depends { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(depends)
}

/// Whether rows are looked up in another table (`in (T)`): the optimiser makes joins of that, and nothing sorts what comes
/// out of them.
pub(crate) fn looks_up(plan: &LogicalPlan) -> Result<bool> {
    let mut looks_up = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|e| {
            looks_up |= e.exists(|e| Ok(matches!(e, Expr::InSubquery(_) | Expr::Exists(_))))?;
            Ok(if looks_up { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(looks_up)
}

/// Whether an aggregate adds up floating-point numbers: their sum depends, in its last digits, on which of them are
/// added first.
pub(crate) fn rounds(plan: &LogicalPlan) -> Result<bool> {
    let mut rounds = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(a) = node {
            for e in &a.aggr_expr {
                let name = aggregate_name(e).unwrap_or_default();
                rounds |= !EXACT.contains(&name.as_str())
                    && !matches!(e.get_type(a.input.schema().as_ref())?, DataType::Int64 | DataType::UInt64);
            }
        }
        Ok(if rounds { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(rounds)
}

fn order_matters(aggregate: &Expr) -> bool {
    aggregate_name(aggregate).is_none_or(|name| !ORDERLESS.contains(&name.as_str()))
}

/// An aggregate function's name, without the language's prefix.
fn aggregate_name(aggregate: &Expr) -> Option<String> {
    match aggregate {
        Expr::Alias(a) => aggregate_name(&a.expr),
        Expr::AggregateFunction(f) => {
            let name = f.func.name().to_ascii_lowercase();
            let name = name.strip_prefix("kql_").or_else(|| name.strip_prefix("sumo_")).unwrap_or(&name);
            Some(name.to_owned())
        }
        _ => None,
    }
}

fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(p) => is_sorted(&p.input),
        LogicalPlan::SubqueryAlias(a) => is_sorted(&a.input),
        LogicalPlan::Limit(l) => is_sorted(&l.input),
        // Exactly one row, or none, whatever the order.
        LogicalPlan::Aggregate(a) => a.group_expr.is_empty(),
        _ => false,
    }
}

/// Whether rows of several partitions meet in the plan in an order that depends on time.
fn regroups(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Aggregate(a) => !a.group_expr.is_empty(),
            LogicalPlan::Distinct(_) | LogicalPlan::Join(_) => true,
            _ => false,
        })
    })
}

/// What to sort by after `keys` so that no two different rows tie.
fn ties(input: &LogicalPlan, keys: &[SortExpr]) -> Vec<SortExpr> {
    let origins = origins(input);
    let column = |at: usize| Expr::Column(Column::from(input.schema().qualified_field(at)));
    let sort = |e: Expr| SortExpr::new(e, true, true);
    // A `scan` numbers its rows: that is their order, and no two have the same number.
    if let Some(at) = origins.iter().position(|o| o.as_deref() == Some(NUMBER))
        && !input.exists(|n| Ok(matches!(n, LogicalPlan::Join(_)))).unwrap_or(true)
    {
        let number = column(at);
        return if keys.iter().any(|k| k.expr == number) { Vec::new() } else { vec![sort(number)] };
    }
    let identity: Vec<_> =
        IDENTITY.iter().filter_map(|name| origins.iter().position(|o| o.as_deref() == Some(name))).collect();
    // A join repeats an event for each partner.
    let joined = input.exists(|n| Ok(matches!(n, LogicalPlan::Join(_)))).unwrap_or(true);
    let mut more: Vec<Expr> = identity.iter().map(|at| column(*at)).collect();
    if identity.len() < IDENTITY.len() || joined {
        more.extend((0..origins.len()).map(column));
    }
    let mut seen: Vec<Expr> = keys.iter().map(|k| k.expr.clone()).collect();
    more.retain(|e| {
        let new = !seen.contains(e);
        seen.push(e.clone());
        new
    });
    more.into_iter().map(sort).collect()
}

/// For each field of the plan, the name of the table's column that it is, where it is one unchanged.
fn origins(plan: &LogicalPlan) -> Vec<Option<String>> {
    let none = || vec![None; plan.schema().fields().len()];
    match plan {
        LogicalPlan::TableScan(scan) => scan.projected_schema.fields().iter().map(|f| Some(f.name().clone())).collect(),
        LogicalPlan::Projection(p) => {
            let below = origins(&p.input);
            p.expr
                .iter()
                .map(|e| column_of(e).and_then(|c| below.get(p.input.schema().maybe_index_of_column(c)?)?.clone()))
                .collect()
        }
        LogicalPlan::Filter(f) => origins(&f.input),
        LogicalPlan::Sort(s) => origins(&s.input),
        LogicalPlan::Limit(l) => origins(&l.input),
        LogicalPlan::SubqueryAlias(a) => origins(&a.input),
        LogicalPlan::Union(u) => u.inputs.first().map_or_else(none, |first| {
            let mut all = origins(first);
            for other in u.inputs.iter().skip(1) {
                let other = origins(other);
                all.iter_mut().zip(other).for_each(|(a, b)| {
                    if *a != b {
                        *a = None;
                    }
                });
            }
            all
        }),
        LogicalPlan::Join(j) => match j.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                origins(&j.left).into_iter().chain(origins(&j.right)).collect()
            }
            JoinType::LeftSemi | JoinType::LeftAnti => origins(&j.left),
            JoinType::RightSemi | JoinType::RightAnti => origins(&j.right),
            _ => none(),
        },
        LogicalPlan::Extension(e) if Computed::of(plan).is_some() => {
            let mut all = e.node.inputs().first().map_or_else(Vec::new, |input| origins(input));
            all.resize(plan.schema().fields().len(), None);
            all
        }
        LogicalPlan::Extension(e) if e.node.as_any().is::<ScanNode>() => {
            let mut all = none();
            if let Some(number) = all.last_mut() {
                *number = Some(NUMBER.to_owned());
            }
            all
        }
        LogicalPlan::Window(w) => {
            let mut all = origins(&w.input);
            all.resize(plan.schema().fields().len(), None);
            all
        }
        _ => none(),
    }
}

fn column_of(e: &Expr) -> Option<&Column> {
    match e {
        Expr::Column(c) => Some(c),
        Expr::Alias(a) => column_of(&a.expr),
        _ => None,
    }
}
