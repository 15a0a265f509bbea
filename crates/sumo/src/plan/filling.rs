//! `fillmissing` and `transpose`.

use super::rows::{Field, Rows, column, same};
use super::values::{Ty, Value, call, choose, coalesce, text_literal};
use super::{Planner, Planning, built, codes};
use crate::syntax::{At, Expr as Expression, ExprKind, FillKey, FillMissing, Name, Operator, OperatorKind, Query};
use arrow::array::AsArray;
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::functions_aggregate::expr_fn::first_value;
use datafusion::functions_aggregate::first_last::last_value_udaf;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, lit,
};
use parallax_diagnostics::Diagnostic;

/// At most that many combinations are made (documented).
const MAX_COMBINATIONS: usize = 10_000;

/// `transpose` makes at most that many columns (documented).
pub(super) const MAX_COLUMNS: usize = 300;

impl Planner<'_> {
    /// Adds a row for every combination of keys that has none.
    pub(super) fn fill_missing(&mut self, rows: &mut Rows, fill: &FillMissing, at: At) -> Planning<()> {
        if rows.raw {
            return self.refuse(at, "`fillmissing` stands after an aggregate", "");
        }
        let mut combinations: Option<LogicalPlan> = None;
        let mut keys: Vec<(String, String)> = Vec::new();
        let mut size = 1usize;
        for key in &fill.keys {
            let (name, plan, id, count) = self.key_values(rows, key, at)?;
            size = size.saturating_mul(count);
            keys.push((name, id));
            combinations = Some(match combinations {
                None => plan,
                Some(left) => {
                    built(LogicalPlanBuilder::from(left).cross_join(plan).and_then(LogicalPlanBuilder::build), at)?
                }
            });
        }
        if size > MAX_COMBINATIONS {
            return self.refuse(
                at,
                format!("`fillmissing` would make {size} combinations; at most {MAX_COMBINATIONS} are made"),
                "",
            );
        }
        let Some(combinations) = combinations else { return Ok(()) };
        let on = |name: &str| rows.find(name).map_or("", |f| f.id.as_str()).to_owned();
        let join_keys = (
            keys.iter().map(|(_, id)| Column::from_name(id)).collect::<Vec<_>>(),
            keys.iter().map(|(name, _)| Column::from_name(on(name))).collect::<Vec<_>>(),
        );
        let missing =
            LogicalPlanBuilder::from(combinations).join(rows.plan.clone(), JoinType::LeftAnti, join_keys, None);
        let missing = built(missing.and_then(LogicalPlanBuilder::build), at)?;
        let mut columns = Vec::new();
        let mut kept = Vec::new();
        for field in &rows.fields {
            kept.push(column(&field.id));
            let value = match keys.iter().find(|(name, _)| same(name, &field.name)) {
                Some((_, id)) => column(id),
                None => self.filler(rows, fill, &field.name, field.ty)?,
            };
            columns.push(value.alias(&field.id));
        }
        // What says that a row was made, for `takeLast`.
        let made = self.id();
        columns.push(lit(true).alias(&made));
        kept.push(lit(false).alias(&made));
        let missing =
            built(LogicalPlanBuilder::from(missing).project(columns).and_then(LogicalPlanBuilder::build), at)?;
        let all = rows.builder().project(kept).and_then(|b| b.union(missing)?.build());
        rows.plan = built(all, at)?;
        rows.layer = None;
        if fill.take_last {
            self.take_last(rows, fill, &keys, &made, at)?;
        }
        // An order by columns that are gone is none.
        let alive = |s: &datafusion::logical_expr::SortExpr| {
            s.expr.column_refs().iter().all(|c| rows.fields.iter().any(|f| f.id == c.name))
        };
        rows.order = rows.order.iter().filter(|s| alive(s)).cloned().collect();
        Ok(())
    }

    /// Gives the rows that were made the values of the time slice before (documented).
    fn take_last(
        &mut self,
        rows: &mut Rows,
        fill: &FillMissing,
        keys: &[(String, String)],
        made: &str,
        at: At,
    ) -> Planning<()> {
        let slice = fill.keys.iter().find_map(|k| match k {
            FillKey::Timeslice(_, name) => Some(name.as_ref().map_or("_timeslice", |n| n.text.as_str())),
            _ => None,
        });
        let Some(slice) = slice.and_then(|s| rows.find(s)).cloned() else {
            return self.refuse(at, "`takeLast` needs time slices", "write `fillmissing timeslice, … takeLast`");
        };
        let is_key = |f: &Field| keys.iter().any(|(name, _)| same(name, &f.name));
        let fields = rows.fields.clone();
        let partition: Vec<Expr> =
            fields.iter().filter(|f| is_key(f) && f.id != slice.id).map(|f| column(&f.id)).collect();
        let mut windows = Vec::new();
        let mut replaced = Vec::new();
        for field in fields.iter().filter(|f| !is_key(f)) {
            let own = choose(column(made), lit(ScalarValue::Null), column(&field.id));
            let id = self.id();
            let frame = WindowFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                WindowFrameBound::CurrentRow,
            );
            let last = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(last_value_udaf()), vec![own]);
            let last = Expr::from(last)
                .partition_by(partition.clone())
                .order_by(vec![column(&slice.id).sort(true, true)])
                .window_frame(frame)
                .null_treatment(NullTreatment::IgnoreNulls)
                .build();
            windows.push(built(last, at)?.alias(&id));
            replaced.push((field.clone(), id));
        }
        rows.plan = built(rows.builder().window(windows).and_then(LogicalPlanBuilder::build), at)?;
        rows.chain.extend(replaced.iter().map(|(_, id)| id.clone()));
        let mut columns = Vec::new();
        for (field, last) in &replaced {
            let value = coalesce(column(last), column(&field.id));
            columns.push((self.id(), choose(column(made), value, column(&field.id))));
        }
        let ids: Vec<String> = columns.iter().map(|(id, _)| id.clone()).collect();
        built(rows.extend(columns), at)?;
        rows.chain.clear();
        for ((field, _), id) in replaced.iter().zip(&ids) {
            rows.bind(&field.name, id, field.ty);
        }
        Ok(())
    }

    /// The values of one key, as a plan of one column.
    fn key_values(&mut self, rows: &mut Rows, key: &FillKey, at: At) -> Planning<(String, LogicalPlan, String, usize)> {
        let id = self.id();
        match key {
            FillKey::Values(values, name) => {
                let ty = self.field_type(rows, name)?;
                let mut list = Vec::new();
                for value in values {
                    let value = self.expression(rows, value)?;
                    list.push(vec![datafusion::logical_expr::cast(value.to(ty), ty.arrow())]);
                }
                let plan = LogicalPlanBuilder::values(list)
                    .and_then(|b| b.project(vec![column("column1").alias(&id)])?.build());
                Ok((name.text.clone(), built(plan, at)?, id, values.len()))
            }
            FillKey::All(name) => {
                let value = self.field(rows, &name.text, name.at)?;
                let plan = rows.builder().project(vec![value.expr.alias(&id)]).and_then(|b| b.distinct()?.build());
                Ok((name.text.clone(), built(plan, at)?, id, 1))
            }
            FillKey::Timeslice(width, name) => {
                let name = name.as_ref().map_or("_timeslice".to_owned(), |n| n.text.clone());
                let named = Name { text: name.clone(), at };
                self.field_type(rows, &named)?;
                // Without one the width is that of the `timeslice` before (documented).
                let width = match (width, self.slice) {
                    (Some(width), _) => self.duration(width)?,
                    (None, Some(width)) => width,
                    (None, None) => {
                        return self.refuse(
                            at,
                            "there is no `timeslice` before that says the width",
                            "write `timeslice(1h)`",
                        );
                    }
                };
                let (Some(start), Some(end)) = self.switches.range else {
                    return Err(Diagnostic::error(
                        codes::NEEDS_RANGE,
                        at.0,
                        "filling time slices needs the query's time range",
                    )
                    .help("set the switches `sumo.query-start` and `sumo.query-end` (milliseconds since 1970)"));
                };
                let first = start.div_euclid(width) * width;
                let count = usize::try_from((end - first).max(0) / width + 1).unwrap_or(usize::MAX);
                if count > MAX_COMBINATIONS {
                    return self.refuse(
                        at,
                        format!("`fillmissing` would make {count} time slices; at most {MAX_COMBINATIONS} are made"),
                        "",
                    );
                }
                let list = (first..end.max(first + 1))
                    .step_by(usize::try_from(width).unwrap_or(1))
                    .map(|t| vec![lit(t)])
                    .collect();
                let plan = LogicalPlanBuilder::values(list)
                    .and_then(|b| b.project(vec![column("column1").alias(&id)])?.build());
                Ok((name, built(plan, at)?, id, count))
            }
        }
    }

    fn field_type(&mut self, rows: &mut Rows, name: &Name) -> Planning<Ty> {
        Ok(self.field(rows, &name.text, name.at)?.ty)
    }

    /// What a made row holds in a field that is no key: what `with` says, else zero, false or nothing (documented).
    fn filler(&mut self, rows: &Rows, fill: &FillMissing, name: &str, ty: Ty) -> Planning<Expr> {
        for (value, names) in &fill.with {
            if !names.iter().any(|n| same(&n.text, name)) {
                continue;
            }
            let constant = match &value.kind {
                ExprKind::Number(number) => Value::new(lit(number.value()), Ty::Double),
                ExprKind::Negate(inner) => match &inner.kind {
                    ExprKind::Number(number) => Value::new(lit(-number.value()), Ty::Double),
                    _ => return Err(Diagnostic::error(codes::BAD_ARGUMENT, value.at.0, "this is a constant")),
                },
                ExprKind::Text(text) => Value::text(text),
                ExprKind::Null => Value::null(),
                _ => return Err(Diagnostic::error(codes::BAD_ARGUMENT, value.at.0, "this is a constant")),
            };
            return Ok(constant.to(ty));
        }
        // After a `transpose` there is no default (documented).
        if rows.transposed {
            return Ok(Value::null().to(ty));
        }
        Ok(match ty {
            Ty::Text => Value::null().expr,
            Ty::Double => lit(0.0),
            Ty::Long | Ty::Time => lit(0i64),
            Ty::Bool => lit(false),
        })
    }

    /// `transpose row r column c as a, b`: the value of each named column, for each row. Without names, or with `*`
    /// after them, the values of the column field are the columns, which are made when the data are read.
    pub(super) fn transpose(
        &mut self,
        rows: &mut Rows,
        keep: &[Name],
        columns: &[Name],
        names: &[Name],
        at: At,
    ) -> Planning<()> {
        if rows.raw {
            return self.refuse(at, "`transpose` stands after an aggregate", "");
        }
        let groups = self.group_by(rows, keep)?;
        let mut wanted = Vec::new();
        for name in columns {
            wanted.push(self.field(rows, &name.text, name.at)?);
        }
        let key = |f: &Field| keep.iter().chain(columns).any(|n| same(&n.text, &f.name));
        let shown = |f: &Field| rows.shown.as_ref().is_none_or(|s| s.iter().any(|n| same(n, &f.name)));
        let values: Vec<_> = rows.fields.iter().filter(|f| !key(f) && shown(f)).cloned().collect();
        let [value] = values.as_slice() else {
            let found = values.iter().map(|f| format!("`{}`", f.name)).collect::<Vec<_>>().join(", ");
            let message =
                format!("`transpose` takes one value besides its rows and columns; here are {}", values.len());
            let help = if found.is_empty() { String::new() } else { format!("keep one of {found} with `fields`") };
            return self.refuse(at, message, &help);
        };
        let column_value = match wanted.as_slice() {
            [one] => one.to_text(),
            several => {
                self.diagnostics.push(Diagnostic::warning(
                    codes::COLUMN_NAMES,
                    at.0,
                    "columns of several fields are called by their values with `_` between them, which is not documented",
                ));
                let mut parts = Vec::new();
                for (index, part) in several.iter().enumerate() {
                    parts.extend((index > 0).then(|| text_literal("_")));
                    parts.push(part.to_text());
                }
                call("sumo_concat", parts)
            }
        };
        let open = names.is_empty() || names.iter().any(|n| n.text == "*");
        // What follows must know the columns.
        let found = if open && self.followed { self.columns_of(rows, &column_value, names, at)? } else { None };
        if open && found.is_none() {
            let named = names.iter().filter(|n| n.text != "*").map(|n| n.text.clone()).collect();
            let value = value.clone();
            return self.pivot(rows, keep, column_value, &value, named, at);
        }
        let mut items = Vec::new();
        for name in found.as_deref().unwrap_or(names) {
            let id = self.id();
            let here = column_value.clone().eq(text_literal(&name.text));
            let picked = choose(here.clone(), value.value().expr, lit(ScalarValue::Null));
            let first = first_value(picked, vec![here.is_true().sort(false, false)]);
            items.push((name.text.clone(), id, first, value.ty));
        }
        self.aggregate_into(rows, groups, items, at)?;
        rows.transposed = true;
        Ok(())
    }

    /// The columns that the data make, where something can be run while the query is planned: those that are named, then
    /// the others alphabetically.
    fn columns_of(&mut self, rows: &Rows, value: &Expr, named: &[Name], at: At) -> Planning<Option<Vec<Name>>> {
        let id = self.id();
        let plan = rows.builder().project(vec![value.clone().alias(&id)]).and_then(|b| {
            b.distinct()?.sort(vec![column(&id).sort(true, false)])?.limit(0, Some(MAX_COLUMNS + 1))?.build()
        });
        let mut all: Vec<Name> = named.iter().filter(|n| n.text != "*").cloned().collect();
        // A pass that met an unknown field is not the last one.
        if !self.missing.is_empty() {
            return Ok(Some(all));
        }
        let batches = match self.catalog.rows(&built(plan, at)?) {
            Some(Ok(batches)) => batches,
            Some(Err(why)) => {
                let message = format!("the columns of `transpose` could not be looked for: {why}");
                return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, message));
            }
            None => return Ok(None),
        };
        for batch in &batches {
            let Some(values) = batch.columns().first().and_then(|c| c.as_string_view_opt()) else { continue };
            for text in values.iter().flatten() {
                if !all.iter().any(|n| n.text == text) {
                    all.push(Name { text: text.to_owned(), at });
                }
            }
        }
        if all.len() > MAX_COLUMNS {
            return self.refuse(at, format!("`transpose` makes at most {MAX_COLUMNS} columns"), "");
        }
        Ok(Some(all))
    }

    /// Leaves the fields of the rows, the name of the column and the value, in the order in which rows are to stand.
    fn pivot(
        &mut self,
        rows: &mut Rows,
        keep: &[Name],
        column_value: Expr,
        value: &Field,
        named: Vec<String>,
        at: At,
    ) -> Planning<()> {
        let id = self.id();
        built(rows.extend(vec![(id.clone(), column_value)]), at)?;
        let mut fields: Vec<Field> = Vec::new();
        for name in keep {
            let found = rows.find(&name.text).cloned();
            fields.extend(found.filter(|f| !fields.iter().any(|g| g.id == f.id)));
        }
        let by_key: Vec<_> = fields.iter().map(|f| column(&f.id).sort(true, true)).collect();
        if !rows.sorted {
            rows.order.clear();
        }
        rows.order.extend(by_key);
        rows.order.push(column(&id).sort(true, false));
        rows.sorted = true;
        // Names that no query can write.
        fields.push(Field { name: "$column".to_owned(), id, ty: Ty::Text });
        fields.push(Field { name: "$value".to_owned(), ..value.clone() });
        rows.shown = Some(fields.iter().map(|f| f.name.clone()).collect());
        rows.fields = fields;
        rows.provenance = false;
        rows.pivot = Some(named);
        Ok(())
    }

    /// Refuses what would need the columns that `transpose` makes of the data. Sorting by the rows' own fields does not.
    pub(super) fn after_transpose(&self, rows: &Rows, operator: &Operator) -> Planning<()> {
        if rows.pivot.is_none() {
            return Ok(());
        }
        let own = |tree: &Expression| matches!(&tree.kind, ExprKind::Field(name) if rows.find(name).is_some());
        if matches!(&operator.kind, OperatorKind::Sort(keys) if keys.iter().all(|k| own(&k.value))) {
            return Ok(());
        }
        self.refuse(
            operator.at,
            "only `sort` by a row's own fields can follow a `transpose` that does not name its columns",
            "name the columns: `transpose row … column … as a, b`",
        )
    }

    /// The pipeline of a child query, whose columns must be known.
    pub(super) fn child(&mut self, rows: &mut Rows, query: &Query, at: At) -> Planning<()> {
        let main = self.main.take();
        let planned = self.pipeline(rows, query);
        self.main = main;
        planned?;
        if rows.pivot.is_some() {
            return self.refuse(at, "a `transpose` that does not name its columns can't stand in a child query", "");
        }
        Ok(())
    }
}
