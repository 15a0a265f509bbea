//! `sort`, `top`, `take`.

use crate::plan::Binder;
use crate::plan::error::Result;
use crate::plan::relation::{OrderKey, Relation};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::raw_call;
use crate::syntax::tree::{Argument, Order, Ordered};
use datafusion::logical_expr::Expr as Plan;
use parallax_diagnostics::Span;

impl Binder<'_> {
    /// Computes keys and gives them as an order. Descending is the default; null is the smallest value.
    pub(crate) fn order_keys(
        &self,
        input: Relation,
        by: &[Ordered],
        scope: &Scope,
        span: Span,
    ) -> Result<(Relation, Vec<OrderKey>)> {
        let mut keys = Vec::with_capacity(by.len());
        let mut new = Vec::new();
        for item in by {
            let mut value = self.scalar(&item.value.value, &Rows::of(scope, &input))?;
            let ascending = matches!(item.order, Some(Order::Asc | Order::GrannyAsc));
            if matches!(item.order, Some(Order::GrannyAsc | Order::GrannyDesc)) && value.ty == Type::String {
                value.expr = raw_call("kql_granny_key", vec![value.expr], item.value.span)?;
            }
            let id = match &value.expr {
                Plan::Column(c) => c.name.clone(),
                _ => {
                    let id = self.ids.fresh();
                    new.push((id.clone(), value.expr));
                    id
                }
            };
            keys.push(OrderKey { id, ascending, nulls_first: item.nulls_first.unwrap_or(ascending) });
        }
        Ok((input.compute(span, new)?, keys))
    }

    pub(super) fn sort(&self, input: Relation, by: &[Ordered], scope: &Scope, span: Span) -> Result<Relation> {
        let before = input.order.clone();
        let (mut out, mut keys) = self.order_keys(input, by, scope, span)?;
        // Rows that are equal by the keys stay in the order that they had.
        for key in before {
            if !keys.iter().any(|k| k.id == key.id) {
                keys.push(key);
            }
        }
        out.order = keys;
        out.sorted = true;
        Ok(out)
    }

    pub(super) fn top(
        &self,
        input: Relation,
        count: &Argument,
        by: &Ordered,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let count = self.constant_count(count, scope)?;
        self.sort(input, std::slice::from_ref(by), scope, span)?.apply_order(span, Some(count))
    }

    pub(super) fn take(&self, input: Relation, count: &Argument, scope: &Scope, span: Span) -> Result<Relation> {
        let count = self.constant_count(count, scope)?;
        input.apply_order(span, Some(count))
    }
}
