//! `merge` and `transactionize`.
//!
//! `transactionize` groups messages of which each shares a value of a field with another (documented, transitively). Not
//! documented, and decided here: messages are taken in the order of their times; one without any of the fields is an
//! orphan, a group of its own; `startsWith` and `endsWith` look for a text anywhere in the message, with `*` as any text.
//! The product's limit of 50 MB is not one here.

use super::aggregates::Item;
use super::rows::{Rows, column, same};
use super::values::{Ty, Value, call, text_literal};
use super::{Planner, Planning, RAW, TIME, built, codes};
use crate::syntax::transactions::{Merge, MergeItem, Strategy, Transactionize, merge, transactionize};
use crate::syntax::{At, ExprKind, GroupKey, Name, Operator, OperatorKind, Query};
use datafusion::functions_aggregate::expr_fn::{array_agg, first_value, last_value, min};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, WindowFunctionDefinition, lit};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    /// One row of all.
    pub(super) fn merge(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = merge(self.text, at)?;
        self.merge_by(rows, read, &[], at)
    }

    /// One row for each combination of the groups.
    fn merge_by(&mut self, rows: &mut Rows, read: Merge, groups: &[Name], at: At) -> Planning<()> {
        let raw = Name { text: RAW.to_owned(), at };
        let items = if read.items.is_empty() {
            vec![MergeItem { field: raw, strategy: Strategy::Join("\n".to_owned()), alias: None }]
        } else {
            read.items
        };
        let known = rows.raw || rows.find(TIME).is_some();
        let time = if known { Some(self.field(rows, TIME, at)?.to_long()) } else { None };
        let order = match &time {
            Some(time) => vec![time.clone().sort(true, true)],
            None => rows.order.clone(),
        };
        let mut merged: Vec<Item> = Vec::new();
        let timed = items.iter().any(|i| same(&i.field.text, TIME));
        if let Some(time) = time.filter(|_| !timed) {
            merged.push((TIME.to_owned(), self.id(), min(time), Ty::Time));
        }
        for item in &items {
            let value = self.field(rows, &item.field.text, item.field.at)?;
            let name = item.alias.as_ref().unwrap_or(&item.field).text.clone();
            let taken = |newest: bool| {
                let of = if newest { last_value } else { first_value };
                let there = value.expr.clone().is_not_null();
                built(of(value.expr.clone(), order.clone()).filter(there).build(), at)
            };
            let (expr, ty) = match &item.strategy {
                Strategy::First => (taken(false)?, value.ty),
                Strategy::Last => (taken(true)?, value.ty),
                _ if same(&item.field.text, TIME) => {
                    return Err(Diagnostic::error(
                        codes::BAD_ARGUMENT,
                        item.field.at.0,
                        "`_messageTime` can only be merged with `takeFirst` or `takeLast`",
                    ));
                }
                Strategy::Join(with) => (self.joined(&value, &order, with, false, at)?, Ty::Text),
                Strategy::Distinct => (self.joined(&value, &order, "\n", true, at)?, Ty::Text),
            };
            merged.push((name, self.id(), expr, ty));
        }
        // What is merged under a group's name takes its place.
        let mut keys = self.group_by(rows, groups)?;
        keys.retain(|(name, ..)| !merged.iter().any(|(m, ..)| same(m, name)));
        self.aggregate_into(rows, keys, merged, at)
    }

    fn joined(
        &mut self,
        value: &Value,
        order: &[datafusion::logical_expr::SortExpr],
        with: &str,
        distinct: bool,
        at: At,
    ) -> Planning<Expr> {
        let texts = array_agg(value.to_text());
        let texts = if order.is_empty() { texts } else { built(texts.order_by(order.to_vec()).build(), at)? };
        Ok(call("sumo_joined", vec![texts, text_literal(with), lit(distinct)]))
    }

    pub(super) fn transactionize(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = transactionize(self.text, at)?;
        let time = self.field(rows, TIME, at)?.to_long();
        let mut arguments = vec![time.clone(), self.source(rows, None, at)?, text_literal(&self.options(&read)?)];
        for name in &read.fields {
            arguments.push(self.field(rows, &name.text, name.at)?.to_text());
        }
        let id = self.id();
        let Some(function) = parallax_functions::sumo::window("sumo_transactionize") else { return Ok(()) };
        let window = WindowFunction::new(WindowFunctionDefinition::WindowUDF(function), arguments);
        let window = built(Expr::from(window).order_by(vec![time.sort(true, true)]).build(), at)?;
        let plan = rows.builder().window(vec![window.alias(&id)]);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        built(rows.filter(column(&id).is_not_null()), at)?;
        let prefix = read.alias.as_ref().map_or("_group", |a| a.text.as_str());
        let part = |index: i64| call("sumo_capture", vec![column(&id), lit(index)]);
        let (mut columns, mut names) = (Vec::new(), Vec::new());
        for (index, suffix) in ["", "_duration", "_size", "_orphaned"].into_iter().enumerate() {
            let text = Value::new(part(i64::try_from(index).unwrap_or(0)), Ty::Text);
            let ty = if suffix == "_orphaned" { Ty::Bool } else { Ty::Long };
            columns.push((self.id(), text.to(ty)));
            names.push((format!("{prefix}{suffix}"), ty));
        }
        let ids: Vec<String> = columns.iter().map(|(id, _)| id.clone()).collect();
        rows.chain.push(id);
        built(rows.extend(columns), at)?;
        rows.chain.clear();
        for ((name, ty), id) in names.iter().zip(&ids) {
            rows.bind(name, id, *ty);
        }
        match &read.child {
            Some(child) => {
                let groups: Vec<Name> = names.into_iter().map(|(text, _)| Name { text, at }).collect();
                self.each_group(rows, child, &groups)
            }
            None => Ok(()),
        }
    }

    fn options(&self, read: &Transactionize) -> Planning<String> {
        let duration = |tree: &Option<crate::syntax::Expr>| match tree {
            Some(tree) => self.duration(tree).map(|ms| ms.to_string()),
            None => Ok(String::new()),
        };
        let logs = match &read.max_logs {
            Some(tree) => self.number(tree, 1, i64::MAX)?.to_string(),
            None => String::new(),
        };
        let edge = |edge: &Option<(crate::syntax::Text, bool)>| match edge {
            Some((text, strict)) => (text.text.clone(), if *strict { "strict" } else { "" }.to_owned()),
            None => (String::new(), String::new()),
        };
        let ((starts, strict_start), (ends, strict_end)) = (edge(&read.starts), edge(&read.ends));
        let orphans = if read.drop_orphans { "drop" } else { "" }.to_owned();
        let mut packed = String::new();
        for part in [
            duration(&read.max_span)?,
            duration(&read.max_pause)?,
            logs,
            starts,
            strict_start,
            ends,
            strict_end,
            orphans,
        ] {
            parallax_functions::sumo::pack(&part, &mut packed);
        }
        Ok(packed)
    }

    /// Runs a pipeline over each group on its own: what makes one row of many makes one of each group.
    fn each_group(&mut self, rows: &mut Rows, child: &Query, groups: &[Name]) -> Planning<()> {
        use OperatorKind as K;
        for (index, operator) in child.operators.iter().enumerate() {
            let at = operator.at;
            match &operator.kind {
                K::Verbatim { name: "merge", .. } => {
                    let read = merge(self.text, at)?;
                    self.merge_by(rows, read, groups, at)?;
                }
                K::Aggregate(aggregate) => {
                    let key = |name: &Name| GroupKey {
                        value: crate::syntax::Expr { kind: ExprKind::Field(name.text.clone()), at },
                        alias: None,
                    };
                    let mut grouped = aggregate.clone();
                    grouped.by.splice(0..0, groups.iter().map(key));
                    self.operator(rows, &Operator { kind: K::Aggregate(grouped), at })?;
                }
                K::Where(_)
                | K::Assign { .. }
                | K::Eval(_)
                | K::Parse(_)
                | K::Json(_)
                | K::KeyValue(_)
                | K::Split(_)
                | K::Xml(_)
                | K::Timeslice(_)
                | K::Lookup(_) => self.stage(rows, child, index)?,
                _ => {
                    return self.refuse(
                        at,
                        "this operator can't look at each transaction on its own",
                        "`merge`, aggregates and operators over single messages can",
                    );
                }
            }
        }
        Ok(())
    }
}
