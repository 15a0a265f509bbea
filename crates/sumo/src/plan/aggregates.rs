//! `count by f` and its kin, `timeslice`, and the operators over aggregates.

use super::rows::{Field, Rows, column, same};
use super::values::{Ty, Value, call, text_literal};
use super::{Planner, Planning, built, codes};
use crate::syntax::{
    Aggregate, AggregateItem, At, Expr as Tree, ExprKind, GroupKey, Name, Timeslice, TimesliceWidth, Unit, print_expr,
};
use datafusion::functions_aggregate::expr_fn::{
    array_agg, avg, count, count_distinct, first_value, last_value, max, min, stddev, sum,
};
use datafusion::functions_aggregate::percentile_cont::percentile_cont;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit};
use parallax_diagnostics::Diagnostic;

/// A group: its name, its column, what it holds.
pub(super) type Group = (String, Expr, Ty);
/// An aggregate: its name, its column's id, how it is computed, what it holds.
pub(super) type Item = (String, String, Expr, Ty);

/// `count_frequent` gives at most that many (documented).
const MOST_FREQUENT: usize = 10_000;

impl Planner<'_> {
    pub(super) fn aggregate(&mut self, rows: &mut Rows, aggregate: &Aggregate, at: At) -> Planning<()> {
        if aggregate.stats {
            let text = at.0.of(self.text);
            let documented = text.get(5..).map(|rest| rest.trim_start().to_owned());
            self.extension(at, "`stats`", documented)?;
        }
        if aggregate.items.iter().any(|i| i.function == "count_frequent") {
            return self.frequent(rows, aggregate, at);
        }
        let mut groups = Vec::new();
        for key in &aggregate.by {
            groups.push(self.group(rows, key)?);
        }
        let mut items: Vec<Item> = Vec::new();
        for item in &aggregate.items {
            for (name, expr, ty) in self.item(rows, item)? {
                // Two aggregates of one default name are told apart by a number.
                let mut unique = name.clone();
                let mut n = 1;
                while items.iter().any(|(other, ..)| same(other, &unique)) {
                    n += 1;
                    unique = format!("{name}_{n}");
                }
                let id = self.id();
                items.push((unique, id, expr, ty));
            }
        }
        self.aggregate_into(rows, groups, items, at)
    }

    /// `count_frequent f, g`: the most frequent combinations, exactly (the real product may count too many).
    fn frequent(&mut self, rows: &mut Rows, aggregate: &Aggregate, at: At) -> Planning<()> {
        let [item] = aggregate.items.as_slice() else {
            return Err(Diagnostic::error(
                codes::BAD_ARGUMENT,
                at.0,
                "`count_frequent` cannot stand beside other aggregates",
            ));
        };
        let mut groups = Vec::new();
        for value in &item.arguments {
            groups.push(self.group(rows, &GroupKey { value: value.clone(), alias: None })?);
        }
        for key in &aggregate.by {
            groups.push(self.group(rows, key)?);
        }
        if groups.is_empty() {
            return Err(arity(item));
        }
        let name = item.alias.as_ref().map_or("_approxcount", |a| a.text.as_str()).to_owned();
        let id = self.id();
        self.aggregate_into(rows, groups, vec![(name, id.clone(), count(lit(1i64)), Ty::Long)], at)?;
        rows.order = vec![column(&id).sort(false, false)];
        rows.sorted = true;
        self.first_rows(rows, MOST_FREQUENT, at)
    }

    fn group(&mut self, rows: &mut Rows, key: &GroupKey) -> Planning<Group> {
        let value = self.expression(rows, &key.value)?;
        let name = match (&key.alias, &key.value.kind) {
            (Some(alias), _) => alias.text.clone(),
            (None, ExprKind::Field(name)) => name.clone(),
            _ => print_expr(&key.value),
        };
        Ok((name, value.expr, value.ty))
    }

    pub(super) fn group_by(&mut self, rows: &mut Rows, fields: &[Name]) -> Planning<Vec<Group>> {
        let mut groups = Vec::new();
        for field in fields {
            let value = self.field(rows, &field.text, field.at)?;
            groups.push((field.text.clone(), value.expr, value.ty));
        }
        Ok(groups)
    }

    /// Groups the rows; what is left are the groups and the aggregates.
    pub(super) fn aggregate_into(
        &mut self,
        rows: &mut Rows,
        groups: Vec<Group>,
        items: Vec<Item>,
        at: At,
    ) -> Planning<()> {
        let mut fields: Vec<Field> = Vec::new();
        let mut keys = Vec::new();
        for (name, expr, ty) in groups {
            if fields.iter().any(|f| same(&f.name, &name)) {
                continue;
            }
            let id = self.id();
            keys.push(expr.alias(&id));
            fields.push(Field { name, id, ty });
        }
        let groups = fields.iter().map(|f| f.name.clone()).collect();
        let mut computed = Vec::new();
        for (name, id, expr, ty) in items {
            computed.push(expr.alias(&id));
            fields.push(Field { name, id, ty });
        }
        let plan = rows.builder().aggregate(keys, computed);
        rows.replace(built(plan.and_then(LogicalPlanBuilder::build), at)?, fields);
        rows.groups = groups;
        rows.transposed = false;
        rows.removed.clear();
        Ok(())
    }

    /// The columns of one aggregate: `pct(x, 50, 95)` makes two.
    pub(super) fn item(&mut self, rows: &mut Rows, item: &AggregateItem) -> Planning<Vec<(String, Expr, Ty)>> {
        let function = item.function.as_str();
        let named = |default: String| item.alias.as_ref().map_or(default, |a| a.text.clone());
        let star = matches!(item.arguments.first().map(|a| &a.kind), Some(ExprKind::Field(name)) if name == "*");
        if function == "count" {
            let counted = match item.arguments.as_slice() {
                [] => lit(1i64),
                [_] if star => lit(1i64),
                [argument] => self.expression(rows, argument)?.expr,
                _ => return Err(arity(item)),
            };
            return Ok(vec![(named("_count".into()), count(counted), Ty::Long)]);
        }
        let Some(first) = item.arguments.first() else {
            return self.refuse(
                item.at,
                format!("`{function}` without a field belongs to metrics queries, which are not supported"),
                "",
            );
        };
        if function.starts_with("pct") || function == "median" {
            return self.percentiles(rows, item, first);
        }
        if function == "count_distinct" && item.arguments.len() > 1 {
            // How often each combination's parts occur does not matter; a row that lacks one of them has none.
            let mut packed = text_literal("");
            for argument in &item.arguments {
                let part = self.expression(rows, argument)?.to_text();
                packed = call("sumo_pack", vec![packed, part]);
            }
            return Ok(vec![(named("_count_distinct".into()), count_distinct(packed), Ty::Long)]);
        }
        if item.arguments.len() > 1 {
            return Err(arity(item));
        }
        let value = self.expression(rows, first)?;
        let (expr, ty) = match function {
            "count_distinct" => (count_distinct(value.expr), Ty::Long),
            "dcount" => {
                let text = item.at.0.of(self.text).get(6..).map(|rest| format!("count_distinct{rest}"));
                self.extension(item.at, "`dcount`", text)?;
                (count_distinct(value.expr), Ty::Long)
            }
            "sum" => {
                let number = value.to_number();
                (sum(number.expr), if number.ty.whole() { Ty::Long } else { Ty::Double })
            }
            "avg" => (avg(value.to_double()), Ty::Double),
            "stddev" => (stddev(value.to_double()), Ty::Double),
            "min" | "max" => {
                let number = value.to_number();
                (if function == "min" { min(number.expr) } else { max(number.expr) }, number.ty)
            }
            "first" => (first_value(value.expr, rows.order.clone()), value.ty),
            "last" => (last_value(value.expr, rows.order.clone()), value.ty),
            "most_recent" | "least_recent" => return Ok(vec![self.recent(item, &value)?]),
            "values" => {
                let texts = built(array_agg(value.to_text()).distinct().build(), item.at)?;
                (call("sumo_values", vec![texts]), Ty::Text)
            }
            _ => return self.refuse(item.at, format!("`{function}` is not supported"), ""),
        };
        let default = if function == "dcount" { "_count_distinct".to_owned() } else { format!("_{function}") };
        Ok(vec![(named(default), expr, ty)])
    }

    /// Exact percentiles, interpolated between neighbours. The real product's are approximate from 1,000 values on.
    fn percentiles(
        &mut self,
        rows: &mut Rows,
        item: &AggregateItem,
        first: &Tree,
    ) -> Planning<Vec<(String, Expr, Ty)>> {
        let value = self.expression(rows, first)?.to_double();
        let field = print_expr(first);
        if item.function == "median" {
            let name = item.alias.as_ref().map_or("_median".to_owned(), |a| a.text.clone());
            return Ok(vec![(name, percentile_cont(value.sort(true, false), lit(0.5)), Ty::Double)]);
        }
        let mut columns = Vec::new();
        for percentile in &item.arguments[1..] {
            let ExprKind::Number(number) = &percentile.kind else { return Err(arity(item)) };
            let percent = number.value();
            if !(0.0..=100.0).contains(&percent) {
                return Err(Diagnostic::error(codes::BAD_ARGUMENT, percentile.at.0, "a percentile is from 0 to 100"));
            }
            let name = match (&item.alias, item.arguments.len()) {
                (Some(alias), 2) => alias.text.clone(),
                (Some(alias), _) => format!("{}_{}", alias.text, number.text()),
                (None, _) => format!("_{field}_pct_{}", number.text()),
            };
            let numbers = array_agg(value.clone());
            columns.push((name, call("sumo_percentile", vec![numbers, lit(percent)]), Ty::Double));
        }
        if columns.is_empty() { Err(arity(item)) } else { Ok(columns) }
    }

    /// `most_recent(f_withtime)`: the value whose message is the newest.
    fn recent(&self, item: &AggregateItem, value: &Value) -> Planning<(String, Expr, Ty)> {
        let ExprKind::Field(field) = &item.arguments[0].kind else { return Err(arity(item)) };
        let newest = item.function == "most_recent";
        let default = if newest { "_mostrecent" } else { "_leastrecent" };
        let name = item.alias.as_ref().map_or(default, |a| a.text.as_str()).to_owned();
        if field.to_ascii_lowercase().ends_with("_withtime") {
            let time = call("sumo_withtime_time", vec![value.to_text()]);
            let inner = call("sumo_withtime_value", vec![value.to_text()]);
            return Ok((name, first_value(inner, vec![time.sort(!newest, false)]), Ty::Text));
        }
        self.refuse(
            item.at,
            format!("`{}` takes a field that `withtime` made", item.function),
            "write `withtime f` before it",
        )
    }

    pub(super) fn timeslice(&mut self, rows: &mut Rows, slice: &Timeslice, at: At) -> Planning<()> {
        let width = match &slice.width {
            TimesliceWidth::Every(width) => self.duration(width)?,
            TimesliceWidth::Buckets(count) => {
                let (Some(start), Some(end)) = self.switches.range else {
                    return Err(Diagnostic::error(
                        codes::NEEDS_RANGE,
                        at.0,
                        "slicing into buckets needs the query's time range",
                    )
                    .help("give a width such as `5m`, or set the switches `sumo.query-start` and `sumo.query-end`"));
                };
                let count = i64::try_from(self.number(count, 1, 10_000)?).unwrap_or(1);
                ((end - start) / count).max(1)
            }
        };
        self.slice = Some(width);
        let time = match &slice.source {
            Some(name) => self.field(rows, &name.text, name.at)?,
            None => self.field(rows, super::TIME, at)?,
        };
        let start = call("sumo_timeslice", vec![time.to_long(), lit(width)]);
        let name = slice.alias.as_ref().map_or("_timeslice".to_owned(), |a| a.text.clone());
        self.assign(rows, &name, &Value::new(start, Ty::Time), at)?;
        Ok(())
    }

    /// A length of time in milliseconds.
    pub(super) fn duration(&self, tree: &Tree) -> Planning<i64> {
        match &tree.kind {
            ExprKind::Number(number) if matches!(number.unit, Unit::Time(..)) => {
                number.whole().filter(|n| *n > 0).ok_or_else(|| {
                    Diagnostic::error(codes::BAD_ARGUMENT, tree.at.0, "this is a whole length of time above zero")
                })
            }
            _ => Err(Diagnostic::error(
                codes::BAD_ARGUMENT,
                tree.at.0,
                "a length of time has a unit: `30s`, `5m`, `1h`, `1d`",
            )),
        }
    }
}

fn arity(item: &AggregateItem) -> Diagnostic {
    Diagnostic::error(codes::BAD_ARGUMENT, item.at.0, format!("`{}` takes other arguments", item.function))
}
