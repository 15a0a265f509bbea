//! `count` and `range`.

use super::aggregate::native;
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::{Expr, Name};
use datafusion::common::Column as PlanColumn;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn count(&self, input: Relation, name: Option<&Name>, span: Span) -> Result<Relation> {
        let count = native::count(None);
        let column = Column {
            name: name.map_or_else(|| "Count".to_string(), |n| n.text.clone()),
            ty: Type::Long,
            id: self.ids.fresh(),
        };
        let partition = input.partition.clone();
        let group: Vec<Plan> = partition.iter().map(|p| id(p)).collect();
        let out = input.then(span, |b| b.aggregate(group, vec![count.alias(column.id.as_str())]))?;
        Ok(Relation { partition, ..Relation::new(out.plan, vec![column]) })
    }

    /// `range x from a to b step c`: the values are made when the query runs, from a list of their numbers.
    pub(super) fn range(&self, name: &Name, parts: [&Expr; 3], scope: &Scope, span: Span) -> Result<Relation> {
        let rows = Rows::none(scope);
        let bind = |p: &Expr| -> Result<(Value, Span)> { Ok((self.scalar(p, &rows)?, p.span)) };
        let (from, to, step) = (bind(parts[0])?, bind(parts[1])?, bind(parts[2])?);
        let ty = match (from.0.ty, to.0.ty, step.0.ty) {
            (Type::DateTime, _, Type::TimeSpan) | (_, Type::DateTime, Type::TimeSpan) => Type::DateTime,
            (Type::TimeSpan, Type::TimeSpan, Type::TimeSpan) => Type::TimeSpan,
            (a, b, c) if a.is_number() && b.is_number() && c.is_number() => match a.wider(b).wider(c) {
                Type::Int => Type::Long,
                other => other,
            },
            _ => return fail(error::TYPE, span, "`range` goes over numbers, instants or lengths of time"),
        };
        let step_ty = if ty == Type::DateTime { Type::TimeSpan } else { ty };
        let column = Column { name: name.text.clone(), ty, id: self.ids.fresh() };
        let from = convert(from.0, ty, from.1)?.folded();
        let to = convert(to.0, ty, to.1)?.folded();
        let step = convert(step.0, step_ty, step.1)?.folded();
        if let (Some(a), Some(b), Some(s)) = (from.integer(), to.integer(), step.integer())
            && ty != Type::Real
        {
            return self.constant_range(column, a, b, s, span);
        }
        self.computed_range(column, [from, to, step], span)
    }

    fn constant_range(&self, column: Column, from: i64, to: i64, step: i64, span: Span) -> Result<Relation> {
        /// More rows than this are not a list to be written into a plan.
        const MOST: i128 = 10_000_000;
        let steps = if step == 0 { -1 } else { (i128::from(to) - i128::from(from)) / i128::from(step) };
        let forwards = (step > 0 && to >= from) || (step < 0 && to <= from);
        if steps >= MOST {
            return fail(error::OPTION, span, format!("this range has {} rows, more than {MOST}", steps + 1));
        }
        if !forwards || steps < 0 {
            return self.no_rows(vec![(column.name, column.ty)], span);
        }
        let values: Vec<i64> = (0..=steps as i64).map(|i| from + i * step).collect();
        let list = arrow::array::Int64Array::from(values);
        self.unnested(column, list, span)
    }

    /// One row for each item of a constant list.
    fn unnested(&self, column: Column, list: arrow::array::Int64Array, span: Span) -> Result<Relation> {
        use arrow::array::ListArray;
        use arrow::buffer::OffsetBuffer;
        use arrow::datatypes::{DataType, Field};
        use std::sync::Arc;
        let field = Arc::new(Field::new("item", DataType::Int64, true));
        let lists = ListArray::new(field, OffsetBuffer::from_lengths([list.values().len()]), Arc::new(list), None);
        let value = datafusion::common::ScalarValue::List(Arc::new(lists));
        let plan = LogicalPlanBuilder::empty(true)
            .project([Plan::Literal(value, None).alias(column.id.as_str())])
            .and_then(|b| b.unnest_column(PlanColumn::from_name(&column.id)))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        let order = OrderKey::ascending(column.id.clone());
        Ok(Relation { order: vec![order], ..Relation::new(plan, vec![column]) })
    }

    /// A range whose bounds are known only when the query runs, or that goes over reals.
    fn computed_range(&self, column: Column, [from, to, step]: [Value; 3], span: Span) -> Result<Relation> {
        let list = self.ids.fresh();
        let ordinal = column.id.clone();
        let json = raw_call(&format!("kql_range_{}", column.ty.name()), vec![from.expr, to.expr, step.expr], span)?;
        let items = raw_call("kql_expand", vec![json, lit(false), lit(i64::MAX)], span)?;
        let plan = LogicalPlanBuilder::empty(true)
            .project([items.alias(list.as_str())])
            .and_then(|b| b.unnest_column(PlanColumn::from_name(&list)))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        let value = convert(Value::new(id(&list), Type::Dynamic), column.ty, span)?;
        let out = Relation::new(plan, vec![column.clone()]).compute(span, vec![(ordinal, value.expr)])?;
        Ok(Relation { order: vec![OrderKey::ascending(column.id)], ..out })
    }
}
