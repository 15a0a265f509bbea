//! `join`, `filter`, `lookup`.

use super::rows::{Field, Rows, column, same};
use super::scope::balanced;
use super::values::{Ty, Value, call, text_literal};
use super::{METADATA, Planner, Planning, RAW, TIME, built, codes};
use crate::syntax::{At, Join, Lookup, Name, Query, Text};
use datafusion::common::{Column, JoinType};
use datafusion::functions_aggregate::expr_fn::last_value;
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
        rows.order.clear();
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

    /// A left join with a table of the catalog: the last part of the path names it.
    pub(super) fn lookup(&mut self, rows: &mut Rows, lookup: &Lookup, at: At) -> Planning<()> {
        let from = lookup.from.text.as_str();
        let name = from.rsplit('/').next().unwrap_or(from).trim_matches('"');
        let short = name.strip_suffix(".csv").unwrap_or(name);
        let builtin = ["geo://", "asn://", "sumo://"].into_iter().find(|p| from.starts_with(p));
        // The product's own tables are looked for by their scheme too: `geo`, `asn`, `sumo`.
        let scheme = builtin.map_or("", |p| p.trim_end_matches("://"));
        let builtin = builtin.is_some();
        let table = [from, name, short, scheme].iter().find_map(|n| self.catalog.table(n));
        let Some(table) = table else {
            if builtin {
                return self.lookup_nothing(rows, lookup, at);
            }
            return Err(Diagnostic::error(
                codes::NEEDS_CLOUD,
                lookup.from.at.0,
                format!("there is no lookup table `{from}`"),
            )
            .help(format!("give a CSV file as the table `{short}`"))
            .suggest(short, self.catalog.table_names().iter().map(String::as_str)));
        };
        // Tables are compared without regard to case; classic ones (shared or fetched files) with it (documented).
        let nocase = from.starts_with("path://");
        let fold = |e: datafusion::logical_expr::Expr| if nocase { call("sumo_tolowercase", vec![e]) } else { e };
        let find = |wanted: &Name| {
            table.columns.iter().find(|c| same(&c.name, &wanted.text)).ok_or_else(|| {
                Diagnostic::error(
                    codes::UNKNOWN_FIELD,
                    wanted.at.0,
                    format!("the lookup table has no column `{}`", wanted.text),
                )
                .suggest(&wanted.text, table.columns.iter().map(|c| c.name.as_str()))
            })
        };
        let qualified = |name: &str| {
            let value = datafusion::logical_expr::Expr::Column(Column::new(Some("lookup"), name));
            datafusion::logical_expr::cast(value, Ty::Text.arrow())
        };
        let mut keys: (Vec<Column>, Vec<Column>) = (Vec::new(), Vec::new());
        let (mut groups, mut own) = (Vec::new(), Vec::new());
        // Documented is `on field = column`, for the product's own tables `on column = field`; both are published for
        // either, so what the table has decides.
        let has = |name: &Name| table.columns.iter().any(|c| same(&c.name, &name.text));
        let on: Vec<(&Name, &Name)> = (lookup.on.iter())
            .map(|(a, b)| if (builtin && has(a)) || (has(a) && !has(b)) { (b, a) } else { (a, b) })
            .collect();
        for (field, key) in &on {
            let (left, right) = (self.id(), self.id());
            let value = self.field(rows, &field.text, field.at)?.to_text();
            own.push((left.clone(), fold(value)));
            groups.push(fold(qualified(&find(key)?.name)).alias(&right));
            keys.0.push(Column::from_name(left));
            keys.1.push(Column::from_name(right));
        }
        let wanted: Vec<(String, String)> = if lookup.columns.is_empty() {
            let key = |c: &str| on.iter().any(|(_, k)| same(&k.text, c));
            table.columns.iter().filter(|c| !key(&c.name)).map(|c| (c.name.clone(), c.name.clone())).collect()
        } else {
            let each =
                |(c, a): &(Name, Option<Name>)| Ok((find(c)?.name.clone(), a.as_ref().unwrap_or(c).text.clone()));
            lookup.columns.iter().map(each).collect::<Planning<_>>()?
        };
        let mut values = Vec::new();
        let mut bound = Vec::new();
        for (name, alias) in &wanted {
            let id = self.id();
            // The last row of a key wins (documented).
            values.push(last_value(qualified(name), Vec::new()).alias(&id));
            bound.push((alias.clone(), id));
        }
        let right = LogicalPlanBuilder::scan("lookup", table.source.clone(), None)
            .and_then(|b| b.aggregate(groups, values)?.build());
        let right = built(right, at)?;
        built(rows.extend(own), at)?;
        let plan = rows.builder().join(right, JoinType::Left, keys, None);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        Ok(())
    }

    /// A lookup in a table of the real product that nobody gave: every value is missing, which is said.
    fn lookup_nothing(&mut self, rows: &mut Rows, lookup: &Lookup, at: At) -> Planning<()> {
        let from = &lookup.from.text;
        let (scheme, _) = from.split_once("://").unwrap_or((from, ""));
        self.diagnostics.push(
            Diagnostic::warning(
                codes::NO_TABLE,
                at.0,
                format!("there is no table for `{from}`: all values of this lookup are missing"),
            )
            .help(format!("give a CSV file as the table `{scheme}`")),
        );
        // These tables' own column stands first: `on ip = src_ip` (documented).
        for (_, field) in &lookup.on {
            self.field(rows, &field.text, field.at)?;
        }
        for (column, alias) in &lookup.columns {
            self.assign(rows, &alias.as_ref().unwrap_or(column).text, &Value::null(), at)?;
        }
        Ok(())
    }

    /// `geoip f`: the same as a lookup of the documented columns.
    pub(super) fn geoip(&mut self, rows: &mut Rows, name: &Name, at: At) -> Planning<()> {
        let named = |text: &str| Name { text: text.to_owned(), at: name.at };
        let columns = ["latitude", "longitude", "country_code", "country_name", "city", "state"];
        let lookup = Lookup {
            columns: columns.iter().map(|c| (named(c), None)).collect(),
            from: Text { text: "geo://location".to_owned(), at },
            on: vec![(named("ip"), name.clone())],
        };
        self.lookup(rows, &lookup, at)
    }

    /// `json auto`, `keyvalue auto`: every field that the query names takes the value of its key, if there is one.
    ///
    /// Fields that the query does not name are not made; a result that shows all fields lacks them, which is said.
    pub(super) fn auto(
        &mut self,
        rows: &mut Rows,
        source: Option<&Name>,
        function: &str,
        depth: usize,
        at: At,
    ) -> Planning<()> {
        let source = self.source(rows, source, at)?;
        let internal = |n: &str| same(n, RAW) || METADATA.iter().any(|m| same(m, n));
        let names: Vec<String> = rows.fields.iter().map(|f| f.name.clone()).filter(|n| !internal(n)).collect();
        let mut columns = Vec::new();
        let mut bound = Vec::new();
        for name in names.into_iter().filter(|n| n.split('.').count() <= depth) {
            let Some(old) = rows.find(&name).map(Field::value) else { continue };
            let found = call(function, vec![source.clone(), text_literal(&name)]);
            let id = self.id();
            columns.push((id.clone(), super::values::coalesce(found, old.to_text())));
            bound.push((name, id));
        }
        built(rows.extend(columns), at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        self.unnamed.push(
            Diagnostic::warning(
                codes::NAMED_ONLY,
                at.0,
                format!(
                    "`{}` makes only the fields that the query names",
                    if function == "sumo_json_auto" { "json auto" } else { "keyvalue auto" }
                ),
            )
            .help("name the fields that are to be shown, with `fields`"),
        );
        Ok(())
    }
}
