//! `in`, `in~`, `has_any`, `has_all`, `between`: a value against several.
//!
//! The list may hold scalars, dynamic arrays (whose items count), or one table (whose first column counts).

use super::{Want, compare};
use super::{balanced, json_items, literal::quoted};
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::id;
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce, convert, raw_call, to_string};
use crate::syntax::tree::{BinaryOp, Expr, InOp};
use datafusion::logical_expr::{Expr as Plan, expr_fn, lit};
use parallax_diagnostics::Span;
use std::sync::Arc;

impl Binder<'_> {
    pub(super) fn in_list(
        &self,
        op: InOp,
        left: &Expr,
        list: &[Expr],
        rows: &Rows<'_>,
        want: Want,
        span: Span,
    ) -> Result<Value> {
        if matches!(left.kind, crate::syntax::tree::ExprKind::Star) {
            return fail(error::NO_FORM, left.span, format!("`* {}` is not supported", op.text()));
        }
        let value = self.scalar(left, rows)?;
        if let [only] = list
            && self.is_tabular(only, rows.scope)
            && !self.is_column(only, rows)
        {
            return self.in_table(op, value, left.span, only, rows, want, span);
        }
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let bound = self.scalar(item, rows)?;
            match (bound.ty, bound.text().and_then(json_items)) {
                (Type::Dynamic, Some(all)) => items.extend(all),
                _ => items.push(bound),
            }
        }
        if matches!(op, InOp::In | InOp::NotIn)
            && let Some(item) = items.iter().find(|i| i.ty != value.ty)
        {
            self.note_text_as(value.ty, item.ty, span);
        }
        let call = match op {
            InOp::HasAny | InOp::HasAll => return self.has_list(op, value, left.span, items, span),
            InOp::In | InOp::NotIn => membership(value, items, want.loose(), span)?,
            InOp::InTilde | InOp::NotInTilde => {
                let text = compare::text_operand(value, BinaryOp::EqualTilde, left.span)?;
                let array = self.text_array(items, span)?;
                raw_call("kql_in_ci", vec![text.expr, array.expr], span)?
            }
        };
        let negated = matches!(op, InOp::NotIn | InOp::NotInTilde);
        Ok(Value::new(if negated { expr_fn::not(call) } else { call }, Type::Bool))
    }

    fn is_column(&self, expr: &Expr, rows: &Rows<'_>) -> bool {
        matches!(&expr.kind, crate::syntax::tree::ExprKind::Name(n) if rows.column(&n.text).is_some())
    }

    /// Against the first column of a table.
    #[allow(clippy::too_many_arguments)]
    fn in_table(
        &self,
        op: InOp,
        value: Value,
        value_span: Span,
        table: &Expr,
        rows: &Rows<'_>,
        want: Want,
        span: Span,
    ) -> Result<Value> {
        let mut scope = rows.scope.clone();
        let relation = self.relation(table, &mut scope)?;
        let Some(first) = relation.columns.first().cloned() else {
            return fail(error::SHAPE, table.span, "this query has no columns");
        };
        let exact = matches!(op, InOp::In | InOp::NotIn);
        if exact && want == Want::Conjunct && value.ty == first.ty && value.ty == Type::String {
            // A semi join: neither side has nulls, so that SQL's rule for `NOT IN` is KQL's.
            let plan = relation.select(span, vec![id(&first.id)])?.plan;
            let inside = if op == InOp::In {
                expr_fn::in_subquery(value.expr, Arc::new(plan))
            } else {
                expr_fn::not_in_subquery(value.expr, Arc::new(plan))
            };
            return Ok(Value::new(inside, Type::Bool));
        }
        let set = self.gathered(relation, table.span)?;
        if matches!(op, InOp::HasAny | InOp::HasAll) {
            return self.has_list(op, value, value_span, vec![set], span);
        }
        let nullable = !value.never_null();
        let is_null = value.expr.clone().is_not_null();
        let text = to_string(value, value_span)?;
        let name = if exact { "kql_in" } else { "kql_in_ci" };
        let mut call = raw_call(name, vec![text.expr, set.expr], span)?;
        if nullable {
            call = is_null.and(call);
        }
        let negated = matches!(op, InOp::NotIn | InOp::NotInTilde);
        Ok(Value::new(if negated { expr_fn::not(call) } else { call }, Type::Bool))
    }

    fn has_list(&self, op: InOp, value: Value, value_span: Span, items: Vec<Value>, span: Span) -> Result<Value> {
        let text = compare::text_operand(value, BinaryOp::Has, value_span)?;
        let name = if op == InOp::HasAll { "kql_has_all" } else { "kql_has_any" };
        let array = self.text_array(items, span)?;
        Ok(Value::new(raw_call(name, vec![text.expr, array.expr], span)?, Type::Bool))
    }

    /// The items as one dynamic array of texts.
    fn text_array(&self, items: Vec<Value>, span: Span) -> Result<Value> {
        let mut texts = Vec::with_capacity(items.len());
        for item in &items {
            match item.text() {
                Some(text) if item.ty == Type::String => texts.push(quoted(text)),
                _ if item.constant().is_some() && item.ty != Type::Dynamic => {
                    let text = to_string(item.clone(), span)?;
                    texts.push(quoted(text.text().unwrap_or("")));
                }
                _ => break,
            }
        }
        if texts.len() == items.len() {
            return Ok(Value::dynamic(format!("[{}]", texts.join(","))));
        }
        match <[Value; 1]>::try_from(items) {
            Ok([single]) => convert(single, Type::Dynamic, span),
            Err(items) => {
                let arrays =
                    items.into_iter().map(|i| Ok(convert(i, Type::Dynamic, span)?.expr)).collect::<Result<Vec<_>>>()?;
                Ok(Value::new(raw_call("kql_pack_array", arrays, span)?, Type::Dynamic))
            }
        }
    }

    pub(super) fn between(&self, negated: bool, parts: [&Expr; 3], rows: &Rows<'_>, span: Span) -> Result<Value> {
        let [operand, low, high] = parts;
        let value = self.scalar(operand, rows)?;
        let low_value = self.scalar(low, rows)?;
        let mut high_value = self.scalar(high, rows)?;
        if low_value.ty == Type::DateTime && high_value.ty == Type::TimeSpan {
            high_value = super::arithmetic::compute(BinaryOp::Add, low_value.clone(), high_value, high.span)?.folded();
        }
        let from = compare::compare(BinaryOp::GreaterOrEqual, value.clone(), low_value, span, false)?;
        let to = compare::compare(BinaryOp::LessOrEqual, value, high_value, span, false)?;
        let inside = from.expr.and(to.expr);
        Ok(Value::new(if negated { expr_fn::not(inside) } else { inside }, Type::Bool))
    }
}

/// `value in (items)`: false where the value is null.
fn membership(value: Value, items: Vec<Value>, filter: bool, span: Span) -> Result<Plan> {
    let mut constants: Vec<Plan> = Vec::new();
    let mut others: Vec<Plan> = Vec::new();
    let value = if value.ty == Type::Dynamic {
        let to = items.iter().map(|i| i.ty).find(|t| *t != Type::Dynamic).unwrap_or(Type::String);
        convert(value, to, span)?
    } else {
        value
    };
    let mut plain = Vec::new();
    for item in items {
        match item.ty {
            Type::Dynamic => {
                let nullable = !value.never_null();
                let text = to_string(value.clone(), span)?;
                let call = raw_call("kql_in", vec![text.expr, item.expr], span)?;
                others.push(if nullable { value.expr.clone().is_not_null().and(call) } else { call });
            }
            _ => plain.push(item),
        }
    }
    // All in the widest type of the numbers among them.
    let widest = plain.iter().filter(|i| i.ty.is_number()).map(|i| i.ty).fold(value.ty, Type::wider);
    let operand = if value.ty.is_number() && widest != value.ty { convert(value, widest, span)? } else { value };
    for item in plain {
        let (l, r) = compare::unify(BinaryOp::Equal, operand.clone(), item, span)?;
        if r.constant().is_some() && l == operand {
            if r.never_null() {
                constants.push(r.expr);
            }
        } else {
            others.push(compare::equal(l, r, filter));
        }
    }
    if !constants.is_empty() {
        let never_null = operand.never_null();
        let listed = expr_fn::in_list(operand.expr, constants, false);
        others.push(if never_null { listed } else { coalesce(vec![listed, lit(false)]) });
    }
    Ok(balanced(others, &Plan::or).unwrap_or_else(|| lit(false)))
}
