//! Names declared by `let`, by `as`, and by a function's parameters.

use super::model::PatternClosure;
use super::operators::wildcard;
use super::relation::{Column, Relation};
use super::value::Value;
use crate::syntax::tree;
use parallax_catalog::external::StoredFunction;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    Scalar(Value),
    Table(Relation),
    Function(Rc<Closure>),
    Pattern(Rc<PatternClosure>),
    /// `entity_group [ … ]`
    Entities(Rc<Vec<tree::Expr>>),
}

/// A declared function, with the names that were in sight where it was declared.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) name: String,
    pub(crate) function: tree::Function,
    pub(crate) scope: Scope,
    /// The file that it stands in, where it is not declared in the query.
    pub(crate) file: Option<Rc<StoredFunction>>,
}

/// The names in sight. Cheap to clone; a declaration never changes the scope of anyone else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    names: Rc<HashMap<String, Binding>>,
    /// After `restrict access`: which of the catalog's tables are seen.
    visible: Option<Rc<Visible>>,
}

/// The catalog's tables that `restrict access` lists: names and patterns.
#[derive(Debug)]
pub(crate) struct Visible(pub(crate) Vec<String>);

impl Scope {
    pub(crate) fn get(&self, name: &str) -> Option<&Binding> {
        self.names.get(name)
    }

    pub(crate) fn declare(&mut self, name: &str, binding: Binding) {
        Rc::make_mut(&mut self.names).insert(name.to_string(), binding);
    }

    /// Whether a name is declared, or that of a table that may be seen.
    pub(crate) fn sees(&self, name: &str) -> bool {
        self.names.contains_key(name)
            || self.visible.as_ref().is_none_or(|v| v.0.iter().any(|pattern| wildcard(pattern, name)))
    }

    /// Hides declared names, and all tables but those. What is hidden stays so.
    pub(crate) fn restrict(&mut self, hidden: &[String], visible: Visible) {
        Rc::make_mut(&mut self.names).retain(|name, _| !hidden.contains(name));
        let still = visible.0.into_iter().filter(|name| self.visible.is_none() || self.sees(name)).collect();
        self.visible = Some(Rc::new(Visible(still)));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

/// Where an expression stands: which columns it can read, and what is allowed in it.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'r> {
    pub(crate) scope: &'r Scope,
    pub(crate) columns: &'r [Column],
    /// The ids of the provenance columns, which tell one row from the next.
    pub(crate) hidden: &'r [String],
    /// The order that the rows are known to have.
    pub(crate) order: &'r [super::relation::OrderKey],
    /// The two sides of a join, for `$left` and `$right`.
    pub(crate) sides: Option<(&'r [Column], &'r [Column])>,
    /// Where aggregates are put, in `summarize` and its like.
    pub(crate) aggregates: Option<&'r RefCell<Vec<(String, datafusion::logical_expr::Expr)>>>,
    /// Where window functions are put, over rows in an order.
    pub(crate) windows: Option<&'r Windows<'r>>,
    /// Within a step of `scan`: what the steps remember.
    pub(crate) states: Option<&'r States<'r>>,
}

/// What an expression of a step of `scan` can read beyond the row.
pub(crate) struct States<'r> {
    /// The names of all steps.
    pub(crate) steps: &'r [&'r str],
    /// The step that the expression belongs to.
    pub(crate) at: usize,
    /// The columns that `scan` declares.
    pub(crate) declared: &'r [Column],
}

/// Window functions that were met, and the order of the rows that they see.
pub(crate) struct Windows<'r> {
    pub(crate) order: &'r [super::relation::OrderKey],
    /// What tells one partition of the rows from the next.
    pub(crate) partition: &'r [String],
    pub(crate) found: RefCell<Vec<(String, datafusion::logical_expr::Expr)>>,
}

impl<'r> Rows<'r> {
    /// No rows: constants and `let` names only.
    pub(crate) fn none(scope: &'r Scope) -> Self {
        Rows {
            scope,
            columns: &[],
            hidden: &[],
            order: &[],
            sides: None,
            aggregates: None,
            windows: None,
            states: None,
        }
    }

    pub(crate) fn of(scope: &'r Scope, relation: &'r Relation) -> Self {
        Rows {
            columns: &relation.columns,
            hidden: relation.provenance.as_deref().unwrap_or_default(),
            order: &relation.order,
            ..Rows::none(scope)
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&'r Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}
