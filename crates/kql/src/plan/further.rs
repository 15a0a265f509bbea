//! Columns that a table has and does not show: they come to the query that names them.
//!
//! The reference of a table is not all of it. It drops columns that old records still have, lists standard columns for
//! some tables only, and cannot list what `AzureDiagnostics` and custom logs get from their data. Such a column is part
//! of the table where a query does not bind without it: planning starts anew with the column, until the query binds or
//! no table can have the name. A query that binds as it is never gets one.

use super::Binder;
use super::error::{self, Result};
use super::relation::{Column, Relation};
use super::types::Type;
use super::value::Value;
use crate::schema;
use parallax_catalog::{Catalog, ColumnType, Context};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// How many columns a query may get in this way.
const MOST: usize = 200;

/// The columns that the tables of a query were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Further {
    columns: Vec<Extra>,
    /// What was given and did not help, with the place of the name.
    useless: Vec<(Extra, Span)>,
    /// The column that was given last, by its suffix alone, and the place that asked for it.
    guess: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Extra {
    table: String,
    name: String,
    ty: ColumnType,
    /// Whether nothing but the suffix of its name speaks for it.
    guessed: bool,
}

impl Further {
    /// What to try next where one of `tables` lacks the column; none where no table can have it.
    ///
    /// Every table that is documented with the column has it. A suffix speaks for any of the tables with columns from
    /// their data: the first one where it makes the name bind has it.
    fn and(mut self, tables: &[String], name: &str, span: Span) -> Option<Self> {
        if self.columns.len() + self.useless.len() >= MOST {
            return None;
        }
        let tables = || tables.iter().enumerate().filter(|(at, t)| !tables[..*at].contains(t)).map(|(_, t)| t);
        let extra = |table: &String, ty, guessed| Extra { table: table.clone(), name: name.to_owned(), ty, guessed };
        let documented: Vec<Extra> = tables()
            .filter_map(|t| Some(extra(t, documented(t, name)?, false)))
            .filter(|e| !self.columns.contains(e))
            .collect();
        if !documented.is_empty() {
            self.columns.extend(documented);
            self.guess = None;
            return Some(self);
        }
        // The same name at the same place once more: the last guess was no help.
        if self.guess == Some(span)
            && let Some(useless) = self.columns.pop()
        {
            self.useless.push((useless, span));
        }
        let next = tables()
            .filter_map(|t| Some(extra(t, schema::by_suffix(t, name)?, true)))
            .find(|e| !self.columns.contains(e) && !self.useless.contains(&(e.clone(), span)))?;
        self.columns.push(next);
        self.guess = Some(span);
        Some(self)
    }
}

/// Binds, anew with one more column as long as that may help. With an error comes what was said before it.
pub(super) fn bind<T>(
    catalog: &dyn Catalog,
    context: &Context,
    what: impl Fn(&Binder<'_>) -> Result<T>,
) -> std::result::Result<T, (Box<Diagnostic>, Diagnostics)> {
    let mut further = Further::default();
    loop {
        let binder = Binder { further: further.clone(), ..Binder::new(catalog, context) };
        let error = match what(&binder) {
            Ok(bound) => return Ok(bound),
            Err(error) => error,
        };
        let unknown = binder.unknown.take().filter(|_| error.code == error::UNKNOWN_NAME);
        let mut tables = binder.tables.take();
        tables.extend(binder.searches.get().then(|| ALL.to_owned()));
        match unknown.and_then(|(name, span)| further.and(&tables, &name, span)) {
            Some(more) => further = more,
            None => return Err((error, binder.notes.into_inner())),
        }
    }
}

/// What stands for a table where all tables are searched: the columns of tables without data are among what is found.
const ALL: &str = "*";

/// The type of a column that is documented for the table.
fn documented(table: &str, column: &str) -> Option<ColumnType> {
    if table == ALL {
        return schema::anywhere(column);
    }
    let known = schema::known(table)?;
    let shown = || known.columns().into_iter().find(|c| c.name == column).map(|c| c.ty);
    known.further(column).or_else(shown)
}

impl Binder<'_> {
    /// The columns that the query's names add to the table, none of those that it `has`; what is said of them is said at
    /// `span`.
    pub(super) fn further_columns(
        &self,
        table: &str,
        has: impl Fn(&str) -> bool,
        fed: bool,
        span: Span,
    ) -> Vec<(String, Type)> {
        let added = || self.further.columns.iter().filter(|e| e.table == table && !has(&e.name));
        let list = |guessed| {
            added().filter(|e| e.guessed == guessed).map(|e| format!("`{}`", e.name)).collect::<Vec<_>>().join(", ")
        };
        let guessed = list(true);
        if !guessed.is_empty() {
            let message = format!("taken as columns of `{table}` by their suffixes: {guessed}");
            self.note(
                Diagnostic::warning(error::GUESS, span, message)
                    .help("whether the table has them, only its data can tell"),
            );
        }
        let documented = list(false);
        if fed && !documented.is_empty() {
            let of = if table == ALL { "the tables".to_owned() } else { format!("`{table}`") };
            let message = format!("no input feeds these columns of {of}: {documented}; they are null");
            self.note(Diagnostic::note(error::EMPTY_TABLE, span, message));
        }
        added().map(|e| (e.name.clone(), Type::from(e.ty))).collect()
    }

    /// All tables are searched: their columns are those of the tables at hand, and what the query names of others.
    pub(super) fn with_all(&self, mut rows: Relation, span: Span) -> Result<Relation> {
        self.searches.set(true);
        let further = self.further_columns(ALL, |name| rows.column(name).is_some(), true, span);
        let mut new = Vec::new();
        for (name, ty) in further {
            let id = self.ids.fresh();
            new.push((id.clone(), Value::null(ty).expr));
            rows.columns.push(Column { name, ty, id });
        }
        rows.compute(span, new)
    }

    /// There is nothing of that name: an error that further columns may mend.
    pub(crate) fn unknown_name<'n>(
        &self,
        name: &str,
        span: Span,
        message: String,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Box<Diagnostic> {
        *self.unknown.borrow_mut() = Some((name.to_owned(), span));
        Box::new(Diagnostic::error(error::UNKNOWN_NAME, span, message).suggest(name, known))
    }
}
