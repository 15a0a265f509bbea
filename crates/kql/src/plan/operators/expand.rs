//! `mv-expand`, `mv-apply` and `partition`: one row into several, and a query over each partition.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::{Names, suggested};
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::scalar::type_literal;
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce, convert, raw_call};
use crate::syntax::tree::{Expanded, Expr, ExprKind, MvApply, Naming, Options, Partition, PartitionBody};
use datafusion::common::{Column as PlanColumn, UnnestOptions};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, lit};
use parallax_diagnostics::Span;

/// The most elements of one value, where the query sets no limit (documented).
const MOST: i64 = i32::MAX as i64;

/// A column that is expanded.
struct Item {
    name: String,
    list: String,
    ty: Option<Type>,
}

impl Binder<'_> {
    pub(super) fn mv_expand(
        &self,
        input: Relation,
        options: &Options,
        columns: &[Expanded],
        limit: Option<&Expr>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let kind = options.word("kind").or_else(|| options.word("bagexpansion"));
        let pairs = match kind {
            None | Some(("bag", _)) => false,
            Some(("array", _)) => true,
            Some((other, at)) => return fail(error::OPTION, at, format!("there is no kind of expansion `{other}`")),
        };
        let most = match limit {
            Some(l) => match self.scalar(l, &Rows::none(scope))?.folded().integer() {
                Some(n) => n,
                None => return fail(error::CONSTANT, l.span, "the limit must be a constant"),
            },
            None => MOST,
        };
        let index = options.word("with_itemindex").map(|(w, _)| w.to_string());
        self.expand(input, columns, pairs, most, index, scope, span)
    }

    #[allow(clippy::too_many_arguments)]
    fn expand(
        &self,
        input: Relation,
        columns: &[Expanded],
        pairs: bool,
        most: i64,
        index: Option<String>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let mut items = Vec::new();
        let mut lists = Vec::new();
        let mut values = Vec::new();
        let mut names = Names::of(input.columns.iter().map(|c| c.name.as_str()));
        for e in columns {
            let Some(argument) = &e.value else {
                return fail(error::NO_FORM, e.span, "there is nothing to expand here");
            };
            let value = self.scalar(&argument.value, &Rows::of(scope, &input))?;
            if value.ty != Type::Dynamic {
                return fail(
                    error::TYPE,
                    argument.span,
                    format!("a dynamic value is expanded, and this is a {}", value.ty.name()),
                );
            }
            let name = match &argument.naming {
                Naming::One(n) => n.text.clone(),
                Naming::Many(_) => return fail(error::NO_FORM, argument.span, "several names for one value"),
                Naming::None => suggested(&argument.value).unwrap_or_else(|| names.numbered(&self.numbered)),
            };
            let ty = match &e.to {
                Some(Expr { kind: ExprKind::TypeOf(elements), span }) => Some(type_literal(elements, *span)?),
                Some(other) => return fail(error::SHAPE, other.span, "a type is written `typeof(…)`"),
                None => None,
            };
            let list = self.ids.fresh();
            let args = vec![value.expr.clone(), lit(pairs), lit(most)];
            // Texts are taken out of an array where it is taken apart, not one by one afterwards.
            let call = match (ty, parts_of(&value.expr)) {
                (Some(Type::String), Some(mut args)) => {
                    args.push(lit(most));
                    raw_call("kql_expand_split", args, span)?
                }
                (Some(Type::String), None) => raw_call("kql_expand_text", args, span)?,
                _ => raw_call("kql_expand", args, span)?,
            };
            lists.push((list.clone(), call));
            values.push(value.expr);
            items.push(Item { name, list, ty });
        }
        let had_order = !input.order.is_empty();
        let number = self.ids.fresh();
        // Only who shows the numbers, or sorts by them, pays for them.
        if index.is_some() || had_order || !input.partition.is_empty() {
            values.extend([lit(pairs), lit(most)]);
            lists.push((number.clone(), raw_call("kql_expand_numbers", values, span)?));
        }
        let lists_are_one = items.len() == 1;
        let to_unnest: Vec<PlanColumn> = lists.iter().map(|(l, _)| PlanColumn::from_name(l)).collect();
        let mut out = input.compute(span, lists)?;
        out = out.then(span, |b| {
            b.unnest_columns_with_options(to_unnest, UnnestOptions::new().with_preserve_nulls(false))
        })?;
        let mut new = Vec::new();
        for item in &items {
            let element = Value::new(id(&item.list), Type::Dynamic);
            let (ty, at) = match item.ty {
                Some(Type::String) if lists_are_one => (Type::String, item.list.clone()),
                // What a shorter list lacks.
                Some(Type::String) => {
                    let at = self.ids.fresh();
                    new.push((at.clone(), coalesce(vec![id(&item.list), Value::string("").expr])));
                    (Type::String, at)
                }
                Some(ty) if ty != Type::Dynamic => {
                    let at = self.ids.fresh();
                    new.push((at.clone(), convert(element, ty, span)?.expr));
                    (ty, at)
                }
                _ => (Type::Dynamic, item.list.clone()),
            };
            put(&mut out.columns, Column { name: item.name.clone(), ty, id: at });
        }
        if let Some(name) = index {
            put(&mut out.columns, Column { name, ty: Type::Long, id: number.clone() });
        }
        if had_order {
            out.order.push(OrderKey::ascending(number));
        }
        out.compute(span, new)
    }

    pub(super) fn mv_apply(&self, input: Relation, m: &MvApply, scope: &mut Scope, span: Span) -> Result<Relation> {
        if let Some(id) = &m.id {
            return fail(error::NO_FORM, id.span, "`id` is not supported");
        }
        let most = match &m.limit {
            Some(l) => self.scalar(l, &Rows::none(scope))?.folded().integer().unwrap_or(MOST),
            None => MOST,
        };
        let index = m.options.word("with_itemindex").map(|(w, _)| w.to_string());
        // Each input row is a partition: it is numbered, and its columns go with the number.
        let outer = input.columns.clone();
        let order = input.order.clone();
        let sorted = input.sorted;
        let (row, numbered) = self.numbered(input, span)?;
        let mut carried = vec![row];
        carried.extend(outer.iter().map(|c| c.id.clone()));
        carried.extend(order.iter().map(|k| k.id.clone()));
        carried.extend(numbered.provenance.iter().flatten().cloned());
        carried.extend(numbered.partition.iter().cloned());
        let mut unique: Vec<String> = Vec::new();
        carried.into_iter().for_each(|c| {
            if !unique.contains(&c) {
                unique.push(c);
            }
        });
        let around = numbered.partition.clone();
        let provenance = numbered.provenance.clone();
        let expanded: Vec<Expanded> = m.columns.iter().filter(|c| c.value.is_some()).cloned().collect();
        let mut inner = self.expand(numbered, &expanded, false, most, index, scope, span)?;
        let fresh: Vec<Column> =
            inner.columns.iter().filter(|c| !outer.iter().any(|o| o.id == c.id)).cloned().collect();
        inner.partition = unique;
        let mut out = self.pipeline(&m.query, Some(inner), scope)?;
        // The outer columns come first; what the subquery computed, or still shows of the expansion, after them.
        let computed: Vec<Column> =
            out.columns.iter().filter(|c| !outer.iter().any(|o| o.id == c.id)).cloned().collect();
        let replaced = |name: &str| computed.iter().any(|c| c.name == name && fresh.iter().any(|f| f.name == name));
        let mut columns = Vec::new();
        for o in &outer {
            match computed.iter().find(|c| c.name == o.name) {
                Some(c) if replaced(&o.name) => columns.push(c.clone()),
                _ => columns.push(o.clone()),
            }
        }
        let mut names = Names::of(columns.iter().map(|c| c.name.as_str()));
        for c in computed {
            if columns.iter().any(|k| k.id == c.id) {
                continue;
            }
            columns.push(Column { name: names.unique(&c.name), ..c });
        }
        out.columns = columns;
        out.partition = around;
        out.order = order;
        out.sorted = sorted;
        out.provenance = provenance;
        Ok(out)
    }

    /// Numbers the rows, in their order.
    pub(super) fn numbered(&self, input: Relation, span: Span) -> Result<(String, Relation)> {
        let name = self.ids.fresh();
        let mut number = WindowFunction::new(row_number_udwf(), vec![]);
        number.params.order_by = input.order_exprs();
        let expr = Plan::WindowFunction(Box::new(number)).alias(name.as_str());
        let out = input.pruned(span)?.then(span, |b| b.window([expr]))?;
        Ok((name, out))
    }

    /// `partition by x (…)`: the subquery over the rows of each value of `x`.
    pub(super) fn partition(&self, input: Relation, p: &Partition, scope: &mut Scope, span: Span) -> Result<Relation> {
        let query = match &p.body {
            PartitionBody::Subquery(query) => query,
            PartitionBody::Query(query) => return self.partition_of_queries(input, &p.by, query, scope, span),
        };
        if !input.partition.is_empty() {
            return fail(error::NO_FORM, span, "a partition within a partition is not supported");
        }
        let key = self.scalar(&p.by, &Rows::of(scope, &input))?;
        let key_id = self.ids.fresh();
        let mut inner = input.compute(span, vec![(key_id.clone(), key.expr)])?;
        inner.partition = vec![key_id];
        let mut out = self.pipeline(query, Some(inner), scope)?;
        out.partition.clear();
        out.order.clear();
        out.sorted = false;
        Ok(out)
    }
}

/// The text and the delimiter of a `split` of which all parts are asked for.
fn parts_of(expr: &Plan) -> Option<Vec<Plan>> {
    match expr {
        Plan::ScalarFunction(call) if call.func.name() == "kql_split" && call.args.len() == 2 => {
            Some(call.args.clone())
        }
        _ => None,
    }
}

/// Replaces the column of that name, or adds it.
pub(super) fn put(columns: &mut Vec<Column>, column: Column) {
    match columns.iter_mut().find(|c| c.name == column.name) {
        Some(old) => *old = column,
        None => columns.push(column),
    }
}
