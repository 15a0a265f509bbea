//! The texts of tables that stand in the query.

use super::origins::text;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The most texts that are worth looking at.
const MOST: usize = 512;

/// All texts that a column of a plan may have; `None` where they are not known without running it.
pub(crate) fn of_column(plan: &LogicalPlan, column: &str) -> Option<Vec<String>> {
    let place = || plan.schema().fields().iter().position(|f| f.name() == column);
    match plan {
        LogicalPlan::Values(values) => {
            let place = place()?;
            if values.values.len() > MOST {
                return None;
            }
            values.values.iter().map(|row| text(row.get(place)?).map(str::to_owned)).collect()
        }
        LogicalPlan::Projection(p) => of_value(&p.input, p.expr.get(place()?)?),
        LogicalPlan::SubqueryAlias(alias) => of_column(&alias.input, column),
        LogicalPlan::Aggregate(a) => of_value(&a.input, a.group_expr.get(place()?)?),
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) => {
            of_column(plan.inputs().first()?, column)
        }
        _ => None,
    }
}

fn of_value(input: &LogicalPlan, value: &Expr) -> Option<Vec<String>> {
    match value {
        Expr::Alias(a) => of_value(input, &a.expr),
        Expr::Column(c) => of_column(input, &c.name),
        constant => text(constant).map(|t| vec![t.to_owned()]),
    }
}

/// The texts of which a query of one row and one column makes a list.
pub(crate) fn listed(plan: &LogicalPlan) -> Option<Vec<String>> {
    let [field] = plan.schema().fields().as_ref() else { return None };
    list_of(plan, field.name())
}

fn list_of(plan: &LogicalPlan, column: &str) -> Option<Vec<String>> {
    let place = plan.schema().fields().iter().position(|f| f.name() == column)?;
    match plan {
        LogicalPlan::Aggregate(a) => {
            let value = a.aggr_expr.get(place.checked_sub(a.group_expr.len())?)?;
            collected(&a.input, value)
        }
        LogicalPlan::Projection(p) => list_value(&p.input, p.expr.get(place)?),
        LogicalPlan::Limit(_) | LogicalPlan::SubqueryAlias(_) => list_of(plan.inputs().first()?, column),
        _ => None,
    }
}

/// A list that a projection hands on, perhaps written in another form.
fn list_value(input: &LogicalPlan, value: &Expr) -> Option<Vec<String>> {
    match value {
        Expr::Alias(a) => list_value(input, &a.expr),
        Expr::Column(c) => list_of(input, &c.name),
        _ => None,
    }
}

/// What an aggregate collects, all of it or less.
fn collected(input: &LogicalPlan, value: &Expr) -> Option<Vec<String>> {
    match value {
        Expr::Alias(a) => collected(input, &a.expr),
        Expr::AggregateFunction(f) if matches!(f.func.name(), "kql_make_set" | "kql_make_list") => {
            match f.params.args.first()? {
                Expr::ScalarFunction(dynamic) if dynamic.func.name() == "kql_dynamic_string" => {
                    of_value(input, dynamic.args.first()?)
                }
                _ => None,
            }
        }
        _ => None,
    }
}
