//! `join`, `filter`.

use super::rows::{Field, Rows, column, same};
use super::scope::balanced;
use super::{Planner, Planning, TIME, built, codes};
use crate::syntax::{At, Join, Name, Query};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{LogicalPlanBuilder, Operator, lit};
use parallax_diagnostics::Diagnostic;

/// A table of a join: its name and its rows.
type Table = (String, Rows);

impl Planner<'_> {
    /// Inner joins of pipelines over the same messages; their fields become `table_field`.
    pub(super) fn join(&mut self, rows: &mut Rows, join: &Join, at: At) -> Planning<()> {
        let mut tables: Vec<Table> = Vec::new();
        for (query, name) in &join.tables {
            let mut child = rows.clone();
            self.child(&mut child, query, at)?;
            child.provenance = false;
            tables.push((name.text.clone(), child));
        }
        let mut pairs = Vec::new();
        for (left, right) in &join.on {
            let left = self.table_field(&mut tables, left)?;
            let right = self.table_field(&mut tables, right)?;
            pairs.push((left, right));
        }
        for (_, child) in &mut tables {
            self.rename(child, at)?;
        }
        let mut joined = tables[0].1.plan.clone();
        for (index, (_, child)) in tables.iter().enumerate().skip(1) {
            let mut keys: (Vec<Column>, Vec<Column>) = (Vec::new(), Vec::new());
            for ((ta, a), (tb, b)) in &pairs {
                let (earlier, this) = match (*ta == index && *tb < index, *tb == index && *ta < index) {
                    (true, _) => ((*tb, b), a),
                    (_, true) => ((*ta, a), b),
                    _ => continue,
                };
                keys.0.push(self.key(&tables[earlier.0].1, earlier.1));
                keys.1.push(self.key(child, this));
            }
            if keys.0.is_empty() {
                return self.refuse(
                    at,
                    format!("`on` does not say how `{}` joins the tables before it", tables[index].0),
                    "add `and a.x = b.y`",
                );
            }
            let plan = LogicalPlanBuilder::from(joined).join(child.plan.clone(), JoinType::Inner, keys, None);
            joined = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        }
        let mut fields = Vec::new();
        let mut shown = Vec::new();
        let mut times = Vec::new();
        for (table, child) in &tables {
            for field in &child.fields {
                let name = format!("{table}_{}", field.name);
                let hidden = child
                    .shown
                    .as_ref()
                    .map_or_else(|| field.name.starts_with('_'), |shown| !shown.iter().any(|s| same(s, &field.name)));
                if !hidden {
                    shown.push(name.clone());
                }
                if same(&field.name, TIME) {
                    times.push(field.value());
                }
                fields.push(Field { name, ..field.clone() });
            }
        }
        rows.plan = joined;
        rows.fields = fields;
        rows.shown = Some(shown);
        rows.raw = false;
        rows.open = false;
        // The newest first, as messages are.
        rows.order = times.iter().map(|t| t.expr.clone().sort(false, false)).collect();
        rows.sorted = false;
        rows.provenance = false;
        if let Some(window) = &join.window {
            let window = self.duration(window)?;
            if times.len() != tables.len() {
                return self.refuse(at, "`timewindow` needs tables of messages, not of aggregates", "");
            }
            let within = times[1..].iter().map(|t| {
                let apart = t.to_long() - times[0].to_long();
                apart.clone().lt_eq(lit(window)).and(apart.gt_eq(lit(-window)))
            });
            if let Some(condition) = balanced(within.collect(), Operator::And) {
                built(rows.filter(condition), at)?;
            }
        }
        Ok(())
    }

    /// `t1.a`: the table's number and the field's name.
    fn table_field(&mut self, tables: &mut [Table], name: &Name) -> Planning<(usize, String)> {
        let found = name
            .text
            .split_once('.')
            .and_then(|(table, field)| Some((tables.iter().position(|(t, _)| same(t, table))?, field.to_owned())));
        let Some((index, field)) = found else {
            let known: Vec<String> = tables.iter().map(|(t, _)| t.clone()).collect();
            return Err(Diagnostic::error(
                codes::UNKNOWN_FIELD,
                name.at.0,
                format!("`{}` names no table of the join", name.text),
            )
            .help(format!("write `table.field`; the tables are {}", known.join(", "))));
        };
        self.field(&mut tables[index].1, &field, name.at)?;
        Ok((index, field))
    }

    fn key(&self, rows: &Rows, name: &str) -> Column {
        Column::from_name(rows.find(name).map_or("", |f| f.id.as_str()))
    }

    /// Gives every column an id of its own, keys as text; the same messages may stand on both sides.
    fn rename(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let mut columns = Vec::new();
        for field in &mut rows.fields {
            self.next += 1;
            let id = format!("c{}", self.next - 1);
            columns.push(column(&field.id).alias(&id));
            field.id = id;
        }
        let plan = LogicalPlanBuilder::from(rows.plan.clone()).project(columns);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        Ok(())
    }

    /// Keeps the rows whose field is among those of the child pipeline.
    pub(super) fn filter(&mut self, rows: &mut Rows, name: &Name, child: &Query, at: At) -> Planning<()> {
        let mut inner = rows.clone();
        self.child(&mut inner, child, at)?;
        let key = self.field(&mut inner, &name.text, name.at)?.to_text();
        let id = self.id();
        let plan = inner.builder().project(vec![key.alias(&id)]).and_then(|b| b.distinct()?.build());
        let right = built(plan, at)?;
        let own = self.field(rows, &name.text, name.at)?.to_text();
        let left = self.id();
        built(rows.extend(vec![(left.clone(), own)]), at)?;
        let keys = (vec![Column::from_name(&left)], vec![Column::from_name(&id)]);
        let plan = rows.builder().join(right, JoinType::LeftSemi, keys, None);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        Ok(())
    }
}
