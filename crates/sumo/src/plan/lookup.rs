//! `lookup` and its kin: `geoip`, `threatip`, `threatlookup`, `lookupContains`, `cat`.
//!
//! The configuration says which file stands for a table's place; a table of the session whose name is the last part of
//! the place stands in where it says nothing. A table with a column `network` is asked for the smallest network that
//! holds an address. The product's own tables (`geo://`, `asn://`, `sumo://`) hold nothing where nobody gives them, which
//! is said. Any other table that nobody gives keeps the query from running, though it can be planned.

use super::rows::{Rows, column, same};
use super::values::{Ty, Value, call, coalesce, text_literal};
use super::{Planner, Planning, built, codes};
use crate::syntax::transactions::threat;
use crate::syntax::{At, BinaryOp, Expr as Tree, ExprKind, Lookup, Name, Text};
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, first_value, last_value, min};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ScalarUDF, cast, lit};
use parallax_catalog::external::{List, Unreached, lookup_place};
use parallax_catalog::{ColumnType, Table};
use parallax_diagnostics::Diagnostic;
use std::sync::Arc;

/// What `geoip` makes, and what else it may (documented).
const GEO: [&str; 6] = ["latitude", "longitude", "country_code", "country_name", "city", "state"];
const GEO_MORE: [&str; 7] =
    ["region", "continent", "postal_code", "connection_type", "country_cf", "state_cf", "city_cf"];

/// What `threatlookup` makes, each behind `_threatlookup.` (documented).
const THREAT: [&str; 13] = [
    "actors",
    "confidence",
    "fields",
    "id",
    "imported",
    "indicator",
    "kill_chain",
    "source",
    "threat_type",
    "type",
    "updated",
    "valid_from",
    "valid_until",
];

/// What a lookup's place leads to.
enum Found {
    Table(Box<Table>),
    /// A table over networks: the function that asks it, and its columns.
    Networks(Arc<ScalarUDF>, Vec<String>),
    /// One of the product's own tables, which nobody gave.
    Nothing,
    /// A table that nobody gave.
    Unknown(Diagnostic),
}

impl Planner<'_> {
    fn find_table(&self, from: &Text) -> Found {
        let place = lookup_place(&from.text);
        let externals = self.catalog.externals();
        let failed = |why: &Unreached| {
            let why = match why {
                Unreached::Failed(why) => why.clone(),
                Unreached::Remote => "nothing is fetched".to_owned(),
            };
            let message = format!("the lookup table `{place}` can't be read: {why}");
            Found::Unknown(Diagnostic::error(codes::NEEDS_CLOUD, from.at.0, message))
        };
        match externals.list(List::Lookup(place)) {
            Ok(Some(listed)) => {
                let names: Vec<String> = listed.table.columns.iter().map(|c| c.name.clone()).collect();
                return match externals.lookup_networks(place) {
                    Ok(Some(networks)) => {
                        let function = parallax_functions::sumo::networks(move |address| {
                            networks.find(address).map(str::to_owned)
                        });
                        Found::Networks(function, names)
                    }
                    Ok(None) => Found::Table(Box::new(listed.table)),
                    Err(why) => failed(&why),
                };
            }
            Ok(None) => {}
            Err(why) => return failed(&why),
        }
        let name = place.rsplit('/').next().unwrap_or(place);
        let short = name.strip_suffix(".csv").unwrap_or(name);
        let scheme = own_scheme(place).unwrap_or_default();
        if let Some(table) = [place, name, short, scheme].iter().find_map(|n| self.catalog.table(n)) {
            return Found::Table(Box::new(table));
        }
        if own_scheme(place).is_some() {
            return Found::Nothing;
        }
        let message = format!("there is no lookup table `{place}`");
        Found::Unknown(
            Diagnostic::error(codes::NEEDS_CLOUD, from.at.0, message)
                .help("say in the configuration which file it is, under `[sumo.lookups]`, or give a CSV file of that name as an input")
                .suggest(short, self.catalog.table_names().iter().map(String::as_str)),
        )
    }

    /// The table's columns beside the rows whose fields its keys equal.
    pub(super) fn lookup(&mut self, rows: &mut Rows, lookup: &Lookup, at: At) -> Planning<()> {
        match self.find_table(&lookup.from) {
            Found::Table(table) => self.lookup_table(rows, lookup, &table, at),
            Found::Networks(function, names) => self.lookup_networks(rows, lookup, &function, &names, at),
            Found::Nothing => {
                self.nothing(lookup, at);
                self.lookup_nothing(rows, lookup, at)
            }
            Found::Unknown(why) if lookup.columns.is_empty() => Err(why),
            Found::Unknown(why) => {
                self.unreached.push(why);
                self.lookup_nothing(rows, lookup, at)
            }
        }
    }

    fn lookup_table(&mut self, rows: &mut Rows, lookup: &Lookup, table: &Table, at: At) -> Planning<()> {
        // Tables are compared without regard to case; classic ones (shared or fetched files) with it (documented).
        let nocase = lookup.from.text.starts_with("path://");
        let has = |name: &Name| table.columns.iter().any(|c| same(&c.name, &name.text));
        let on = pairs(lookup, &has);
        let wanted: Vec<(String, String)> = if lookup.columns.is_empty() {
            let key = |c: &str| on.iter().any(|(_, k)| same(&k.text, c));
            table.columns.iter().filter(|c| !key(&c.name)).map(|c| (c.name.clone(), c.name.clone())).collect()
        } else {
            let each = |(c, a): &(Name, Option<Name>)| {
                let alias = a.as_ref().unwrap_or(c).text.clone();
                Ok((table_column(table, c)?.to_owned(), alias))
            };
            lookup.columns.iter().map(each).collect::<Planning<_>>()?
        };
        let mut values = Vec::new();
        let mut bound = Vec::new();
        for (name, alias) in &wanted {
            let id = self.id();
            // The last row of a key wins (documented).
            values.push(last_value(table_value(table, name), Vec::new()).alias(&id));
            bound.push((alias.clone(), id));
        }
        self.beside_table(rows, table, &on, values, nocase, at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        Ok(())
    }

    /// Joins what is computed of the rows of the table that have the same keys; a row without them has nulls.
    fn beside_table(
        &mut self,
        rows: &mut Rows,
        table: &Table,
        on: &[(&Name, &Name)],
        values: Vec<Expr>,
        nocase: bool,
        at: At,
    ) -> Planning<()> {
        let fold = |e: Expr| if nocase { call("sumo_tolowercase", vec![e]) } else { e };
        let mut keys: (Vec<Column>, Vec<Column>) = (Vec::new(), Vec::new());
        let (mut groups, mut own) = (Vec::new(), Vec::new());
        for (field, key) in on {
            let (left, right) = (self.id(), self.id());
            let value = self.field(rows, &field.text, field.at)?.to_text();
            own.push((left.clone(), fold(value)));
            groups.push(fold(table_value(table, table_column(table, key)?)).alias(&right));
            keys.0.push(Column::from_name(left));
            keys.1.push(Column::from_name(right));
        }
        let right = LogicalPlanBuilder::scan("lookup", table.source.clone(), None)
            .and_then(|b| b.aggregate(groups, values)?.build());
        let right = built(right, at)?;
        built(rows.extend(own), at)?;
        let plan = rows.builder().join(right, JoinType::Left, keys, None);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        Ok(())
    }

    /// The columns of the smallest network that holds the address.
    fn lookup_networks(
        &mut self,
        rows: &mut Rows,
        lookup: &Lookup,
        function: &Arc<ScalarUDF>,
        names: &[String],
        at: At,
    ) -> Planning<()> {
        // `on ip = field` is documented for the product's tables, `on field = ip` is published too.
        let is_key = |n: &Name| ["ip", "network"].iter().any(|k| same(k, &n.text));
        let [(left, right)] = lookup.on.as_slice() else {
            return self.refuse(at, "a table of networks is asked for one address", "");
        };
        let field = if is_key(left) { right } else { left };
        let address = self.field(rows, &field.text, field.at)?.to_text();
        let found = self.id();
        let asked = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![address]));
        built(rows.extend(vec![(found.clone(), asked)]), at)?;
        rows.chain.push(found.clone());
        let wanted: Vec<(String, String)> = if lookup.columns.is_empty() {
            names.iter().filter(|n| !same(n, "network")).map(|n| (n.clone(), n.clone())).collect()
        } else {
            let each = |(c, a): &(Name, Option<Name>)| {
                let name = names.iter().find(|n| same(n, &c.text)).ok_or_else(|| no_column(c, names))?;
                Ok((name.clone(), a.as_ref().unwrap_or(c).text.clone()))
            };
            lookup.columns.iter().map(each).collect::<Planning<_>>()?
        };
        let (mut columns, mut bound) = (Vec::new(), Vec::new());
        for (name, alias) in wanted {
            let id = self.id();
            let part = call("sumo_json", vec![column(&found), text_literal(&format!("['{name}']"))]);
            columns.push((id.clone(), part));
            bound.push((alias, id));
        }
        built(rows.extend(columns), at)?;
        rows.chain.clear();
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        Ok(())
    }

    /// Says that a table of the real product is empty here.
    fn nothing(&mut self, lookup: &Lookup, at: At) {
        let from = &lookup.from.text;
        self.diagnostics.push(
            Diagnostic::warning(
                codes::NO_TABLE,
                at.0,
                format!("there is no table for `{from}`: all values of this lookup are missing"),
            )
            .help(format!("say in the configuration which file it is: `[sumo.lookups]`, `\"{from}\" = \"file.csv\"`")),
        );
    }

    /// A lookup that finds nothing.
    fn lookup_nothing(&mut self, rows: &mut Rows, lookup: &Lookup, at: At) -> Planning<()> {
        let own = own_scheme(lookup_place(&lookup.from.text)).is_some();
        for (left, right) in &lookup.on {
            // These tables' own column stands first: `on ip = src_ip` (documented). Of other tables' it is the second;
            // which name is the field's is seen where there is no choice.
            let (field, other) = if own { (right, left) } else { (left, right) };
            let known = |n: &Name| rows.find(&n.text).is_some();
            let field = if !rows.raw && !known(field) && known(other) { other } else { field };
            self.field(rows, &field.text, field.at)?;
        }
        for (column, alias) in &lookup.columns {
            self.assign(rows, &alias.as_ref().unwrap_or(column).text, &Value::null(), at)?;
        }
        Ok(())
    }

    /// `geoip f [more]`: a lookup of the documented columns, and of those of the optional ones that are named or there.
    pub(super) fn geoip(&mut self, rows: &mut Rows, name: &Name, more: &[Name], at: At) -> Planning<()> {
        let named = |text: &str| Name { text: text.to_owned(), at: name.at };
        let mut lookup = Lookup {
            columns: GEO.iter().map(|c| (named(c), None)).chain(more.iter().map(|n| (n.clone(), None))).collect(),
            from: Text { text: "geo://location".to_owned(), at },
            on: vec![(named("ip"), name.clone())],
        };
        let there: Vec<String> = match self.find_table(&lookup.from) {
            Found::Networks(_, names) => names,
            Found::Table(table) => table.columns.iter().map(|c| c.name.clone()).collect(),
            _ => return self.lookup(rows, &lookup, at),
        };
        let has = |n: &str| there.iter().any(|t| same(t, n));
        let missing: Vec<Name> = GEO.iter().filter(|c| !has(c)).map(|c| named(c)).collect();
        lookup.columns.retain(|(c, _)| !missing.iter().any(|m| same(&m.text, &c.text)));
        for optional in GEO_MORE.iter().filter(|o| has(o)) {
            if !more.iter().any(|n| same(&n.text, optional)) {
                lookup.columns.push((named(optional), None));
            }
        }
        self.lookup(rows, &lookup, at)?;
        for name in missing {
            self.assign(rows, &name.text, &Value::null(), at)?;
        }
        Ok(())
    }

    /// `threatip f`: what the published lookup in `sumo://threat/cs` says, under the documented names.
    pub(super) fn threatip(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = threat(self.text, at)?;
        let [field] = read.fields.as_slice() else {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`threatip` takes one field"));
        };
        let named = |text: &str| Name { text: text.to_owned(), at };
        let lookup = Lookup {
            columns: vec![
                (named("actor"), None),
                (named("threatlevel"), Some(named("malicious_confidence"))),
                (named("raw"), Some(named("raw_threat"))),
                (named("type"), None),
            ],
            from: Text { text: "sumo://threat/cs".to_owned(), at },
            on: vec![(named("threat"), field.clone())],
        };
        self.lookup(rows, &lookup, at)
    }

    /// `threatlookup [singleIndicator] [source="s"] f`: `_threatlookup.…` of the table `sumo://threat-intel`.
    pub(super) fn threatlookup(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let read = threat(self.text, at)?;
        let named = |text: &str| Name { text: text.to_owned(), at };
        let made = |name: &str| format!("_threatlookup.{name}");
        let from = Text { text: "sumo://threat-intel".to_owned(), at };
        let table = match self.find_table(&from) {
            Found::Table(table) => table,
            Found::Unknown(why) => return Err(why),
            Found::Networks(..) => {
                return self.refuse(at, "a table of threats has a column `indicator`, not `network`", "");
            }
            Found::Nothing => {
                let columns = THREAT.iter().map(|c| (named(c), Some(named(&made(c))))).collect();
                let on = read.fields.iter().map(|f| (named("indicator"), f.clone())).collect();
                let lookup = Lookup { columns, from, on };
                self.nothing(&lookup, at);
                self.lookup_nothing(rows, &lookup, at)?;
                if read.single {
                    self.assign(rows, &made("num_matches"), &Value::null(), at)?;
                }
                return Ok(());
            }
        };
        let [field] = read.fields.as_slice() else {
            return self.refuse(at, "`threatlookup` takes one field here", "write one for each field");
        };
        let mut own = LogicalPlanBuilder::scan("lookup", table.source.clone(), None);
        if let Some(source) = &read.source {
            let wanted = table_column(&table, &named("source"))?;
            let here = table_value(&table, wanted).eq(text_literal(&source.text));
            own = own.and_then(|b| b.filter(here));
        }
        let key = self.id();
        let indicator = table_value(&table, table_column(&table, &named("indicator"))?);
        let ranked = |name: &str| {
            let found = table.columns.iter().find(|c| same(&c.name, name));
            found.map(|c| call("sumo_number", vec![table_value(&table, &c.name)]).sort(false, false))
        };
        // The most trusted entry, and of several the newest (documented, without saying which comes first).
        let order: Vec<_> = ["confidence", "updated"].into_iter().filter_map(ranked).collect();
        let (mut values, mut bound) = (Vec::new(), Vec::new());
        for name in THREAT {
            let id = self.id();
            let there = table.columns.iter().find(|c| same(&c.name, name));
            let value = there.map_or_else(|| Value::null().expr, |c| table_value(&table, &c.name));
            values.push(if read.single { first_value(value, order.clone()) } else { value }.alias(&id));
            bound.push((made(name), id, Ty::Text));
        }
        if read.single {
            let id = self.id();
            values.push(count(lit(1i64)).alias(&id));
            bound.push((made("num_matches"), id, Ty::Long));
            own = own.and_then(|b| b.aggregate(vec![indicator.alias(&key)], values));
        } else {
            values.push(indicator.alias(&key));
            own = own.and_then(|b| b.project(values));
        }
        let right = built(own.and_then(LogicalPlanBuilder::build), at)?;
        let left = self.id();
        let value = self.field(rows, &field.text, field.at)?.to_text();
        built(rows.extend(vec![(left.clone(), value)]), at)?;
        let keys = (vec![Column::from_name(left)], vec![Column::from_name(key)]);
        let plan = rows.builder().join(right, JoinType::Left, keys, None);
        rows.plan = built(plan.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        for (name, id, ty) in bound {
            rows.bind(&name, &id, ty);
        }
        Ok(())
    }

    /// `lookupContains(path://"…", f=c AND g=d)`: whether the table has the keys.
    pub(super) fn lookup_contains(&mut self, rows: &mut Rows, arguments: &[Tree], at: At) -> Planning<Value> {
        let wrong = || {
            Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`lookupContains` takes a table and what its columns equal")
                .help("write `lookupContains(path://\"/Library/…\", field=column)`")
        };
        let [Tree { kind: ExprKind::Text(place), at: place_at }, conditions @ ..] = arguments else {
            return Err(wrong());
        };
        let mut on: Vec<(Name, Name)> = Vec::new();
        let mut left: Vec<&Tree> = conditions.iter().collect();
        while let Some(condition) = left.pop() {
            match &condition.kind {
                ExprKind::And(terms) => left.extend(terms),
                ExprKind::Binary(BinaryOp::Eq, a, b) => {
                    let (ExprKind::Field(field), ExprKind::Field(key)) = (&a.kind, &b.kind) else {
                        return Err(wrong());
                    };
                    on.push((Name { text: field.clone(), at: a.at }, Name { text: key.clone(), at: b.at }));
                }
                _ => return Err(wrong()),
            }
        }
        if on.is_empty() {
            return Err(wrong());
        }
        let from = Text { text: place.clone(), at: *place_at };
        let table = match self.find_table(&from) {
            Found::Table(table) => table,
            Found::Networks(..) => {
                return self.refuse(at, "`lookupContains` compares keys; this table has networks", "use `lookup`");
            }
            Found::Nothing => return Ok(Value::new(lit(false), Ty::Bool)),
            Found::Unknown(why) => {
                self.unreached.push(why);
                for (field, _) in &on {
                    self.field(rows, &field.text, field.at)?;
                }
                return Ok(Value::new(lit(false), Ty::Bool));
            }
        };
        let id = self.id();
        let there = min(lit(ScalarValue::Boolean(Some(true)))).alias(&id);
        let on: Vec<(&Name, &Name)> = on.iter().map(|(a, b)| (a, b)).collect();
        self.beside_table(rows, &table, &on, vec![there], true, at)?;
        // Alive until the operator is done.
        rows.chain.push(id.clone());
        Ok(Value::new(coalesce(column(&id), lit(false)), Ty::Bool))
    }

    /// `cat path`: the table itself.
    pub(super) fn cat(&mut self, rows: &mut Rows, from: &Text, at: At) -> Planning<()> {
        let table = match self.find_table(from) {
            Found::Table(table) => *table,
            Found::Unknown(why) => return Err(why),
            Found::Nothing => {
                let message = format!("there is no table for `{}`", from.text);
                return Err(Diagnostic::error(codes::NEEDS_CLOUD, from.at.0, message));
            }
            Found::Networks(..) => match self.catalog.externals().list(List::Lookup(lookup_place(&from.text))) {
                Ok(Some(listed)) => listed.table,
                _ => return self.refuse(at, "this table can't be listed", ""),
            },
        };
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        for named in &table.columns {
            let id = self.id();
            columns.push(table_value(&table, &named.name).alias(&id));
            fields.push(super::rows::Field { name: named.name.clone(), id, ty: Ty::Text });
        }
        let plan = LogicalPlanBuilder::scan("lookup", table.source.clone(), None).and_then(|b| b.project(columns));
        rows.replace(built(plan.and_then(LogicalPlanBuilder::build), at)?, fields);
        Ok(())
    }
}

/// The scheme of one of the product's own tables.
fn own_scheme(place: &str) -> Option<&'static str> {
    ["geo", "asn", "sumo"].into_iter().find(|s| place.strip_prefix(s).is_some_and(|rest| rest.starts_with("://")))
}

/// Field and column of each condition. Documented is `on field = column`, for the product's own tables `on column =
/// field`; both are published for either, so what the table has decides.
fn pairs<'l>(lookup: &'l Lookup, has: &dyn Fn(&Name) -> bool) -> Vec<(&'l Name, &'l Name)> {
    let own = own_scheme(lookup_place(&lookup.from.text)).is_some();
    let each = |(a, b): &'l (Name, Name)| if (own && has(a)) || (has(a) && !has(b)) { (b, a) } else { (a, b) };
    lookup.on.iter().map(each).collect()
}

fn table_column<'t>(table: &'t Table, wanted: &Name) -> Planning<&'t str> {
    let names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    let found = table.columns.iter().find(|c| same(&c.name, &wanted.text));
    found.map(|c| c.name.as_str()).ok_or_else(|| no_column(wanted, &names))
}

fn no_column(wanted: &Name, names: &[String]) -> Diagnostic {
    let message = format!("the lookup table has no column `{}`", wanted.text);
    Diagnostic::error(codes::UNKNOWN_FIELD, wanted.at.0, message)
        .suggest(&wanted.text, names.iter().map(String::as_str))
}

/// A column of the table as text.
fn table_value(table: &Table, name: &str) -> Expr {
    let value = Expr::Column(Column::new(Some("lookup"), name));
    match table.columns.iter().find(|c| c.name == name).map(|c| c.ty) {
        Some(ColumnType::Dynamic) => call("sumo_json_text", vec![value]),
        _ => cast(value, Ty::Text.arrow()),
    }
}
