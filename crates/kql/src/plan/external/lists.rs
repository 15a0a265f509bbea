//! Watchlists, and tables that the configuration names.
//!
//! A watchlist's columns are those of its file, all of them text, behind the three that every watchlist has
//! (documented); `SearchKey` is the column that the configuration says, or one of that name.

use super::{declared, field, fresh, named, typed, unreached};
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, error, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, cast};
use crate::syntax::tree::{Call, Naming};
use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_catalog::external::{List, Listed};
use parallax_diagnostics::{Diagnostic, Span};
use std::sync::Arc;

/// What every watchlist has.
const OWN: [(&str, Type); 3] =
    [("_DTItemId", Type::String), ("LastUpdatedTimeUTC", Type::DateTime), ("SearchKey", Type::String)];

impl Binder<'_> {
    /// `_GetWatchlist('alias')`.
    pub(crate) fn watchlist(&self, call: &Call, scope: &Scope) -> Result<Relation> {
        let positional = call.arguments.iter().find(|a| matches!(a.naming, Naming::None));
        let named =
            |a: &&crate::syntax::tree::Argument| matches!(&a.naming, Naming::One(n) if n.text == "watchlistAlias");
        let Some(alias) = call.arguments.iter().find(named).or(positional) else {
            return fail(error::ARGUMENTS, call.span, "`_GetWatchlist` takes the alias of a watchlist");
        };
        if let Some(extra) = call.arguments.get(1) {
            return fail(error::NO_FORM, extra.span, "`_GetWatchlist` takes one argument here");
        }
        let text = self.scalar(&alias.value, &Rows::none(scope))?.folded();
        let Some(text) = text.text() else {
            return fail(error::CONSTANT, alias.span, "the alias of a watchlist must be a constant");
        };
        match self.catalog.externals().list(List::Watchlist(text)) {
            Ok(Some(listed)) => self.watchlist_rows(&listed, call.span),
            Ok(None) => {
                let known = self.catalog.externals().watchlists();
                let refusal = error(error::EXTERNAL, alias.span, format!("no watchlist `{text}` is given"));
                let refusal = match parallax_diagnostics::did_you_mean(text, known.iter().map(String::as_str)) {
                    Some(near) => (*refusal).help(format!("did you mean `{near}`?")),
                    None => (*refusal).help(format!(
                        "give it as CSV or JSON in the configuration: `[kql.watchlists]` and `{text} = \"file.csv\"`"
                    )),
                };
                Err(Box::new(refusal))
            }
            // Its columns are those of its file: without it nothing can be bound.
            Err(why) => Err(Box::new(unreached(&why, &format!("the watchlist `{text}`"), alias.span))),
        }
    }

    fn watchlist_rows(&self, listed: &Listed, span: Span) -> Result<Relation> {
        let file = &listed.table.columns;
        let own = OWN.iter().map(|(name, ty)| ((*name).to_owned(), *ty));
        let others = file.iter().filter(|c| OWN.iter().all(|(name, _)| *name != c.name));
        let columns = fresh(self, own.chain(others.map(|c| (c.name.clone(), Type::String))).collect());
        let mut exprs = Vec::with_capacity(columns.len());
        for column in &columns {
            let from = match (column.name.as_str(), &listed.key) {
                ("SearchKey", Some(key)) => match named(file, key) {
                    Some(column) => Some(column),
                    None => {
                        let message = format!("`{}` has no column `{key}` to be its search key", listed.table.name);
                        return fail(error::EXTERNAL, span, message);
                    }
                },
                (name, _) => file.iter().find(|c| c.name == name),
            };
            exprs.push(self.listed(listed, from, column, span)?);
        }
        self.rows_of(listed, columns, exprs, span)
    }

    /// `_GetWatchlistAlias`: the aliases of all watchlists.
    pub(crate) fn watchlist_aliases(&self, span: Span) -> Result<Relation> {
        let schema = vec![("WatchlistAlias".to_owned(), Type::String)];
        let aliases = self.catalog.externals().watchlists();
        if aliases.is_empty() {
            return self.no_rows(schema, span);
        }
        let rows = aliases.into_iter().enumerate();
        self.literal_rows(schema, rows.map(|(n, a)| vec![Value::string(a).expr, lit(n as i64)]).collect(), span)
    }

    /// A table of the configuration; none where it has none of that name.
    pub(crate) fn configured_table(&self, name: &str, span: Span) -> Result<Option<Relation>> {
        let listed = match self.catalog.externals().list(List::Table(name)) {
            Ok(Some(listed)) => listed,
            Ok(None) => return Ok(None),
            Err(why) => return Err(Box::new(unreached(&why, &format!("the table `{name}`"), span))),
        };
        let file = &listed.table.columns;
        let columns = match listed.declared.is_empty() {
            true => file.iter().map(|c| (c.name.clone(), Type::from(c.ty))).collect(),
            false => declared(&listed.declared),
        };
        let columns = fresh(self, columns);
        let mut exprs = Vec::with_capacity(columns.len());
        for column in &columns {
            exprs.push(self.listed(&listed, file.iter().find(|c| c.name == column.name), column, span)?);
        }
        let mut rows = self.rows_of(&listed, columns, exprs, span)?;
        rows.empty = !listed.table.fed;
        if rows.empty {
            self.note(Diagnostic::note(
                error::EMPTY_TABLE,
                span,
                format!("no input feeds the table `{name}`: it has no rows"),
            ));
        }
        Ok(Some(rows))
    }

    fn listed(
        &self,
        listed: &Listed,
        from: Option<&parallax_catalog::Column>,
        to: &Column,
        span: Span,
    ) -> Result<Plan> {
        let value = match from {
            Some(column) => typed(field(&listed.table, column, span)?, to.ty, span)?.expr,
            None => cast(Value::null(to.ty).expr, to.ty),
        };
        Ok(value.alias(to.id.as_str()))
    }

    fn rows_of(&self, listed: &Listed, columns: Vec<Column>, exprs: Vec<Plan>, span: Span) -> Result<Relation> {
        let plan = LogicalPlanBuilder::scan(
            TableReference::bare(listed.table.name.as_str()),
            Arc::clone(&listed.table.source),
            None,
        )
        .and_then(|b| b.project(exprs))
        .and_then(LogicalPlanBuilder::build)
        .at(span)?;
        Ok(Relation::new(plan, columns))
    }
}
