//! What a query names that is neither in its text nor in the inputs.
//!
//! `externaldata`, watchlists, file profiles, networks and stored functions come from files that a person gives through
//! the configuration; the catalog's [`Externals`](parallax_catalog::Externals) finds them. What is not given either
//! keeps the query from running, by name and place, or is null and said so; it is never quietly something else.

mod agents;
mod data;
mod functions;
mod geo;
mod lists;
mod mapping;
mod profile;
mod scoped;

pub(crate) use functions::Stored;
pub(crate) use scoped::is_database;

use super::Binder;
use super::error::{self, Result};
use super::relation::{Column, Relation};
use super::types::Type;
use super::value::{Value, convert, invoke};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column as PlanColumn, TableReference};
use datafusion::logical_expr::{Expr as Plan, LogicalPlan};
use parallax_catalog::external::Unreached;
use parallax_catalog::{ColumnType, Table};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// Something that a plan needs and that is not there.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    /// A column of the rows that stand in for it: a plan without that column does not need it.
    id: String,
    pub(crate) diagnostic: Diagnostic,
}

impl Missing {
    /// What is wrong, where it is that nobody knows the table.
    pub(crate) fn unknown_table(&self) -> Option<&Diagnostic> {
        Some(&self.diagnostic).filter(|d| d.code == error::UNKNOWN_TABLE)
    }
}

impl Binder<'_> {
    /// Rows of the declared shape that can't be had: the query binds, and does not run.
    pub(crate) fn out_of_reach(&self, columns: Vec<(String, Type)>, diagnostic: Diagnostic) -> Result<Relation> {
        let rows = self.no_rows(columns, diagnostic.span)?;
        let id = rows.columns.first().map_or_else(String::new, |c| c.id.clone());
        self.missing.borrow_mut().push(Missing { id, diagnostic });
        Ok(rows)
    }

    /// As [`Binder::out_of_reach`], for rows that are there and lack some of their values.
    fn missing_at(&self, rows: &Relation, diagnostic: Diagnostic) {
        let id = rows.columns.last().map_or_else(String::new, |c| c.id.clone());
        self.missing.borrow_mut().push(Missing { id, diagnostic });
    }

    /// As [`Binder::out_of_reach`], for what is no rows: the query needs it wherever it stands.
    pub(crate) fn missing_always(&self, diagnostic: Diagnostic) {
        self.missing.borrow_mut().push(Missing { id: String::new(), diagnostic });
    }

    /// What of the missing the plan really needs.
    pub(crate) fn needed(&self, plan: &LogicalPlan) -> Diagnostics {
        let mut needed = Diagnostics::default();
        for missing in self.missing.borrow().iter() {
            if (missing.id.is_empty() || mentions(plan, &missing.id)) && !needed.0.contains(&missing.diagnostic) {
                needed.push(missing.diagnostic.clone());
            }
        }
        needed
    }

    /// Says something once for the whole query, wherever it is said again.
    pub(crate) fn note_once(&self, diagnostic: Diagnostic) {
        let said = self.notes.borrow().iter().any(|d| d.code == diagnostic.code && d.message == diagnostic.message);
        if !said {
            self.note(diagnostic);
        }
    }
}

/// Whether some node of the plan has a column of that id.
fn mentions(plan: &LogicalPlan, id: &str) -> bool {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|node| {
        found |= node.schema().fields().iter().any(|f| f.name() == id);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// The refusal for something that is not reached.
fn unreached(why: &Unreached, what: &str, span: Span) -> Diagnostic {
    match why {
        Unreached::Remote => Diagnostic::error(
            error::EXTERNAL,
            span,
            format!("{what} lies on a network, from which nothing is fetched"),
        )
        .help(
            "save it as a file, and map the address to the file in the configuration: `[kql.externaldata.addresses]`",
        ),
        Unreached::Failed(sentence) => Diagnostic::error(error::EXTERNAL, span, sentence.clone()),
    }
}

/// The expression that reads a column of an external table, as a value. JSON is read by the language's own rule.
fn field(table: &Table, column: &parallax_catalog::Column, span: Span) -> Result<Value> {
    let name = TableReference::bare(table.name.clone());
    let read = Plan::Column(PlanColumn::new(Some(name), column.name.as_str()));
    let text = Value::new(read, Type::String);
    match column.ty {
        ColumnType::Dynamic => invoke("parse_json", vec![text], Type::Dynamic, span),
        _ => Ok(text),
    }
}

/// A value from a file as the type that is declared for it: text is read as the type's conversion function reads it.
fn typed(value: Value, to: Type, span: Span) -> Result<Value> {
    match (value.ty, to) {
        (Type::String, Type::Dynamic) => invoke("parse_json", vec![value], Type::Dynamic, span),
        _ => convert(value, to, span),
    }
}

/// The name of a configured column in any case.
fn named<'c>(columns: &'c [parallax_catalog::Column], name: &str) -> Option<&'c parallax_catalog::Column> {
    let exact = columns.iter().find(|c| c.name == name);
    exact.or_else(|| columns.iter().find(|c| c.name.eq_ignore_ascii_case(name)))
}

/// Columns as the catalog declares them.
fn declared(columns: &[parallax_catalog::Column]) -> Vec<(String, Type)> {
    columns.iter().map(|c| (c.name.clone(), Type::from(c.ty))).collect()
}

/// Columns under new ids.
fn fresh(binder: &Binder<'_>, columns: Vec<(String, Type)>) -> Vec<Column> {
    columns.into_iter().map(|(name, ty)| Column { name, ty, id: binder.ids.fresh() }).collect()
}
