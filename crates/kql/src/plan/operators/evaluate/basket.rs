//! `basket([Threshold, WeightColumn, MaxDimensions, wildcard, …])`: frequent patterns of the rows' values.
//!
//! The patterns are found by the aggregate `kql_basket`; here they become rows, with each column's value or what stands
//! for any.

use super::Plugin;
use super::arguments::{Arguments, name_of};
use crate::plan::error::{self, At, Result, fail};
use crate::plan::operators::aggregate::aggregate_call;
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::Argument;
use datafusion::common::{Column as PlanColumn, ScalarValue};
use datafusion::logical_expr::{Expr as Plan, lit, when};

/// What a call asks for.
struct Options {
    threshold: f64,
    weight: Option<Column>,
    dimensions: i64,
    wildcards: Vec<Value>,
}

impl Plugin<'_, '_> {
    pub(super) fn basket(&self, input: Relation) -> Result<Relation> {
        let options = self.basket_options(&self.arguments(0, usize::MAX)?, &input)?;
        let shown = input.columns.clone();
        let weighs = |c: &Column| options.weight.as_ref().is_some_and(|w| w.id == c.id);
        let cells: Vec<&Column> = shown.iter().filter(|c| !weighs(c)).collect();
        let mut packed = Vec::new();
        for c in &cells {
            packed.push(convert(Value::new(c.expr(), c.ty), Type::Dynamic, self.span)?.expr);
        }
        let weight = match &options.weight {
            Some(w) => convert(Value::new(w.expr(), w.ty), Type::Real, self.span)?.expr,
            None => lit(1.0f64),
        };
        let patterns = vec![
            raw_call("kql_pack_array", packed, self.span)?,
            weight,
            lit(options.threshold),
            lit(options.dimensions),
        ];
        let (found, list, number) = (self.binder.ids.fresh(), self.binder.ids.fresh(), self.binder.ids.fresh());
        let call = aggregate_call("basket", patterns, self.span)?.alias(found.as_str());
        let rows = input.then(self.span, |b| b.aggregate(Vec::<Plan>::new(), vec![call]))?;
        let all = |f: &str| raw_call(f, vec![id(&found), lit(false), lit(i64::MAX)], self.span);
        let lists = vec![(list.clone(), all("kql_expand")?), (number.clone(), all("kql_expand_numbers")?)];
        let rows = Relation::new(rows.plan, Vec::new()).compute(self.span, lists)?;
        let names = [&list, &number].map(PlanColumn::from_name);
        let rows = rows.then(self.span, |b| b.unnest_columns_with_options(names.into(), Default::default()))?;
        self.pattern_columns(rows, (&list, &number), &shown, &options)
    }

    /// The columns of the result, from a pattern and its number.
    fn pattern_columns(
        &self,
        rows: Relation,
        (pattern, number): (&str, &str),
        shown: &[Column],
        options: &Options,
    ) -> Result<Relation> {
        let span = self.span;
        let element = |of: Plan, at: i64| raw_call("kql_element", vec![of, lit(at)], span);
        let part = |at: i64, ty: Type| convert(Value::new(element(id(pattern), at)?, Type::Dynamic), ty, span);
        let mut values = vec![
            ("SegmentId".to_owned(), Value::new(id(number), Type::Long)),
            ("Count".to_owned(), part(0, Type::Long)?),
            ("Percent".to_owned(), part(1, Type::Real)?),
        ];
        let cells = element(id(pattern), 2)?;
        let mut at = 0;
        for c in shown {
            let any = options.wildcards.iter().find(|w| w.ty == c.ty).cloned().unwrap_or(Value::null(c.ty));
            if options.weight.as_ref().is_some_and(|w| w.id == c.id) {
                values.push((c.name.clone(), any));
                continue;
            }
            let cell = element(cells.clone(), at)?;
            let open = cell.clone().eq(Value::dynamic("[]").expr);
            let value = convert(Value::new(element(cell, 0)?, Type::Dynamic), c.ty, span)?;
            values.push((c.name.clone(), Value::new(when(open, any.expr).otherwise(value.expr).at(span)?, c.ty)));
            at += 1;
        }
        let ids: Vec<String> = values.iter().map(|_| self.binder.ids.fresh()).collect();
        let new = ids.iter().cloned().zip(values.iter().map(|(_, v)| v.expr.clone())).collect();
        let mut rows = rows.compute(span, new)?;
        let columns = ids.iter().zip(values);
        rows.columns = columns.map(|(id, (name, value))| Column { name, ty: value.ty, id: id.clone() }).collect();
        rows.order = vec![OrderKey::ascending(number)];
        Ok(rows)
    }

    fn basket_options(&self, arguments: &Arguments<'_>, input: &Relation) -> Result<Options> {
        let mut options = Options { threshold: 0.05, weight: None, dimensions: 5, wildcards: Vec::new() };
        if let Some(a) = self.unless_default(arguments.get(0))? {
            options.threshold = match self.scalar_as(a, Type::Real)?.constant() {
                Some(ScalarValue::Float64(Some(n))) if (0.015..=1.0).contains(n) => *n,
                _ => return fail(error::OPTION, a.span, "the threshold is a constant between 0.015 and 1"),
            };
        }
        if let Some(a) = self.unless_default(arguments.get(1))? {
            let column = self.column(a, input)?;
            if !column.ty.is_number() {
                return fail(error::TYPE, a.span, format!("a weight is a number, not a {}", column.ty.name()));
            }
            options.weight = Some(column);
        }
        if let Some(a) = self.unless_default(arguments.get(2))? {
            options.dimensions = self.count(a)? as i64;
        }
        for a in arguments.from(3) {
            if let Some(a) = self.unless_default(Some(a))? {
                options.wildcards.push(self.scalar(a)?);
            }
        }
        Ok(options)
    }

    /// The argument, unless it is a tilde, which stands for the default.
    fn unless_default<'a>(&self, argument: Option<&'a Argument>) -> Result<Option<&'a Argument>> {
        let Some(argument) = argument else { return Ok(None) };
        // A column's name is no constant.
        if name_of(&argument.value).is_some_and(|n| self.scope.get(n).is_none()) {
            return Ok(Some(argument));
        }
        let value = self.scalar(argument)?;
        Ok(Some(argument).filter(|_| value.ty != Type::String || value.text() != Some("~")))
    }
}
