//! `sample-distinct`, `top-hitters`.

use super::aggregate::native;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::suggested;
use crate::plan::relation::{Column, OrderKey, Relation};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::Argument;
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn sample_distinct(
        &self,
        input: Relation,
        count: &Argument,
        of: &Argument,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let n = self.constant_count(count, scope)?;
        self.distinct(input, std::slice::from_ref(of), scope, span)?.apply_order(span, Some(n))
    }

    /// `top-hitters n of x by y`: exact here.
    pub(super) fn top_hitters(
        &self,
        input: Relation,
        count: &Argument,
        (of, by): (&Argument, Option<&Argument>),
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let n = self.constant_count(count, scope)?;
        let key = self.scalar(&of.value, &Rows::of(scope, &input))?;
        let key_name = suggested(&of.value).unwrap_or_else(|| "Column1".to_string());
        let (measure, name, ty) = match by {
            None => (native::count(None), format!("approximate_count_{key_name}"), Type::Long),
            Some(by) => {
                let value = self.scalar(&by.value, &Rows::of(scope, &input))?;
                if !value.ty.is_number() {
                    return fail(error::TYPE, by.span, format!("a {} is no weight", value.ty.name()));
                }
                let ty = if value.ty == Type::Int { Type::Long } else { value.ty };
                let value: Value = crate::plan::value::convert(value, ty, by.span)?;
                let Some(sum) = native::by_name("sum") else {
                    return fail(error::INTERNAL, span, "sum is there");
                };
                let of = suggested(&by.value).unwrap_or_default();
                (native::call(sum, vec![value.expr], None), format!("approximate_sum_{of}"), ty)
            }
        };
        let key_column = Column { name: key_name, ty: key.ty, id: self.ids.fresh() };
        let column = Column { name, ty, id: self.ids.fresh() };
        let grouped = input
            .compute(span, vec![(key_column.id.clone(), key.expr)])?
            .then(span, |b| b.aggregate(vec![key_column.expr()], vec![measure.alias(column.id.as_str())]))?;
        let mut out = Relation::new(grouped.plan, vec![key_column, column.clone()]);
        out.order = vec![OrderKey { id: column.id, ascending: false, nulls_first: false }];
        out.sorted = true;
        out.apply_order(span, Some(n))
    }
}
