//! `ipv4_lookup(Table, SourceKey, LookupKey [, extra, …] [, return_unmatched])` and `ipv6_lookup`: a join by networks.
//!
//! Each row meets every row of the table whose network holds its address, or lies within it where the address has a
//! prefix itself. The networks of the table are gathered into a sorted one first; each row finds its own in it, and what
//! remains is a join by equal keys.

use super::Plugin;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::operators::aggregate::aggregate_call;
use crate::plan::operators::join::Key;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, raw_call, to_string};
use crate::syntax::tree::Argument;
use datafusion::common::{Column as PlanColumn, JoinType, UnnestOptions};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, WindowFrame, lit};

/// Which addresses are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    V4,
    V6,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Kind::V4 => "v4",
            Kind::V6 => "v6",
        }
    }
}

/// The name of the column that both sides are joined by; nobody can write it.
const KEY: &str = "$network";

impl Plugin<'_, '_> {
    pub(super) fn ip_lookup(&self, input: Relation, kind: Kind) -> Result<Relation> {
        let most = if kind == Kind::V4 { usize::MAX } else { 4 };
        let arguments = self.arguments(3, most)?;
        let table = self.binder.relation(&arguments[0].value, &mut self.scope.clone())?;
        let table = table.renewed(&self.binder.ids, self.span)?;
        let (extra, unmatched) = self.extra_keys(arguments.from(3), &input)?;
        let (input, source_key) = self.texts(&arguments[1], input)?;
        let (table, lookup_key) = self.texts(&arguments[2], table)?;
        let table = self.with_key(table, &lookup_key, kind)?;
        let source = self.with_networks(input, &source_key, (&table, &lookup_key), kind)?;
        let mut keys = Vec::new();
        if let (Some(left), Some(right)) = (source.columns.last(), table.columns.last()) {
            keys.push(Key::columns(left, right));
        }
        for argument in &extra {
            let left = self.column(argument, &source)?;
            let right = self.column(argument, &table)?;
            let value = |c: &Column| Value::new(c.expr(), c.ty);
            keys.push(self.binder.pair(value(&left), value(&right), argument.span)?);
        }
        let shown = source.columns.len() - 1;
        let rows = match (unmatched, extra.is_empty()) {
            (false, _) => {
                self.binder.joined(self.rows_of_lists(source, false)?, table, keys, JoinType::Inner, true, self.span)?
            }
            // A network that was found is a row of the table.
            (true, true) => {
                self.binder.joined(self.rows_of_lists(source, true)?, table, keys, JoinType::Left, true, self.span)?
            }
            (true, false) => self.or_once(source, table, keys)?,
        };
        let mut columns = rows.columns.clone();
        let looked_up = columns.split_off(shown + 1);
        columns.truncate(shown);
        let columns = match kind {
            Kind::V4 => [columns, looked_up].concat(),
            // The product puts the looked up columns first (documented by example, measured).
            Kind::V6 => [looked_up, columns].concat(),
        };
        Ok(Relation { columns, ..rows })
    }

    /// A column of addresses, as texts.
    fn texts(&self, argument: &Argument, rows: Relation) -> Result<(Relation, Column)> {
        let column = self.column(argument, &rows)?;
        match column.ty {
            Type::String => Ok((rows, column)),
            Type::Dynamic => {
                let id = self.binder.ids.fresh();
                let text = to_string(Value::new(column.expr(), column.ty), argument.span)?;
                let rows = rows.compute(self.span, vec![(id.clone(), text.expr)])?;
                Ok((rows, Column { name: column.name, ty: Type::String, id }))
            }
            other => {
                fail(error::TYPE, argument.span, format!("an address is a string, and this is a {}", other.name()))
            }
        }
    }

    /// The columns that must be equal too, and whether rows without a match stay.
    fn extra_keys<'a>(&self, arguments: &[&'a Argument], input: &Relation) -> Result<(Vec<&'a Argument>, bool)> {
        match arguments.split_last() {
            Some((last, extra)) if !self.is_column(last, input) => Ok((extra.to_vec(), self.flag(last)?)),
            _ => Ok((arguments.to_vec(), false)),
        }
    }

    /// The table with the key of each row's network as its last column.
    fn with_key(&self, table: Relation, of: &Column, kind: Kind) -> Result<Relation> {
        let key = self.binder.ids.fresh();
        let network = raw_call(&format!("kql_network_key_{}", kind.suffix()), vec![of.expr()], self.span)?;
        let mut table = table.compute(self.span, vec![(key.clone(), network)])?;
        table.columns.push(Column { name: KEY.to_owned(), ty: Type::Dynamic, id: key });
        Ok(table)
    }

    /// A row for each network that matches the row's address, with its key as the last column; null where there is none.
    fn with_networks(
        &self,
        source: Relation,
        of: &Column,
        (table, lookup_key): (&Relation, &Column),
        kind: Kind,
    ) -> Result<Relation> {
        let (ids, span) = (&self.binder.ids, self.span);
        let networks = Relation { columns: vec![lookup_key.clone()], provenance: None, ..table.clone() };
        let networks = Relation { order: Vec::new(), ..networks }.renewed(ids, span)?;
        let texts: Vec<Plan> = networks.columns.iter().map(Column::expr).collect();
        let all = aggregate_call(&format!("networks_{}", kind.suffix()), texts, span)?;
        let sorted = ids.fresh();
        let networks = networks.then(span, |b| b.aggregate(Vec::<Plan>::new(), vec![all.alias(sorted.as_str())]))?;
        let key = ids.fresh();
        let found = vec![id(&sorted), of.expr()];
        let found = raw_call(&format!("kql_networks_of_{}", kind.suffix()), found, span)?;
        let mut rows = source;
        // The one row of the sorted table stands beside each row of the source.
        rows.plan = LogicalPlanBuilder::from(networks.plan)
            .cross_join(rows.plan)
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        let mut rows = rows.compute(span, vec![(key.clone(), found)])?;
        rows.columns.push(Column { name: KEY.to_owned(), ty: Type::Dynamic, id: key });
        Ok(rows)
    }

    /// The lists of networks, which are the last column, as rows.
    fn rows_of_lists(&self, rows: Relation, keep_empty: bool) -> Result<Relation> {
        let key = rows.columns.last().map(|c| PlanColumn::from_name(&c.id));
        let options = UnnestOptions::new().with_preserve_nulls(keep_empty);
        rows.then(self.span, |b| b.unnest_columns_with_options(key.into_iter().collect(), options))
    }

    /// The rows with what they match, and those that match nothing once. The extra keys can part a row from all of its
    /// networks, so whether it matches is known behind the join only.
    fn or_once(&self, source: Relation, mut table: Relation, keys: Vec<Key>) -> Result<Relation> {
        let (matched, row) = (self.binder.ids.fresh(), self.binder.ids.fresh());
        table = table.compute(self.span, vec![(matched.clone(), lit(true))])?;
        let last = table.columns.len() - 1;
        let flag = |id: &str| Column { name: KEY.to_owned(), ty: Type::Bool, id: id.to_owned() };
        table.columns.insert(last, flag(&matched));
        let number = Plan::WindowFunction(Box::new(WindowFunction::new(row_number_udwf(), vec![])));
        let mut source = source.then(self.span, |b| b.window([number.alias(row.as_str())]))?;
        let shown = source.columns.len() - 1;
        source = self.rows_of_lists(source, true)?;
        source.columns.push(Column { name: KEY.to_owned(), ty: Type::Long, id: row.clone() });
        let mut rows = self.binder.joined(source, table, keys, JoinType::Left, true, self.span)?;
        rows.columns.remove(shown + 1);
        rows.columns.retain(|c| c.id != matched);

        let of_row = |mut function: WindowFunction| {
            function.params.partition_by = vec![id(&row)];
            function
        };
        let mut count = of_row(WindowFunction::new(count_udaf(), vec![id(&matched)]));
        count.params.window_frame = WindowFrame::new(None);
        let (rows, count) = self.window(rows, count)?;
        let (rows, number) = self.window(rows, of_row(WindowFunction::new(row_number_udwf(), vec![])))?;
        let alone = id(&count).eq(lit(0i64)).and(id(&number).eq(lit(1u64)));
        rows.filter(self.span, id(&matched).is_not_null().or(alone))
    }
}
