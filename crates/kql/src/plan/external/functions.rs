//! Stored functions: KQL files that the configuration gives.
//!
//! A file holds `let Name = (parameters) { … };`, possibly behind other declarations, or a whole query: then it is a
//! function without parameters, or with those that `declare query_parameters` names. It sees its own declarations and
//! other stored functions, never the names of its caller. What is wrong inside of it is reported at the call, with the
//! file and the place in it.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::functions::{aggregates, scalars};
use crate::plan::scope::{Closure, Scope};
use crate::syntax::tree::{Body, Expr, Function, LetValue, Parameter, Statement, StatementKind, Tree};
use parallax_catalog::external::StoredFunction;
use parallax_diagnostics::{Diagnostic, Span};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The stored functions that a query met.
#[derive(Default)]
pub(crate) struct Stored {
    /// By name; none where there is no file for it.
    known: RefCell<HashMap<String, Option<Rc<Closure>>>>,
    /// Whether each gives rows. A function that is being looked at counts as one that does.
    rows: RefCell<HashMap<String, bool>>,
    /// Those that are being called.
    calls: RefCell<Vec<String>>,
}

impl Binder<'_> {
    /// The stored function of that name.
    pub(crate) fn stored(&self, name: &str, span: Span) -> Result<Option<Rc<Closure>>> {
        if let Some(known) = self.functions.known.borrow().get(name) {
            return Ok(known.clone());
        }
        let closure = match self.catalog.externals().function(name) {
            Some(file) => Some(Rc::new(self.load(name, file, span)?)),
            None => None,
        };
        self.functions.known.borrow_mut().insert(name.to_owned(), closure.clone());
        Ok(closure)
    }

    /// Whether there is a stored function of that name, and it gives rows. One that is broken is said to when called.
    pub(crate) fn stored_gives_rows(&self, name: &str) -> Option<bool> {
        if scalars().contains_key(name) || aggregates().contains_key(name) {
            return None;
        }
        if let Some(rows) = self.functions.rows.borrow().get(name) {
            return Some(*rows);
        }
        self.functions.rows.borrow_mut().insert(name.to_owned(), true);
        let (notes, missing) = (self.notes.borrow().0.len(), self.missing.borrow().len());
        let found = match self.stored(name, Span::default()) {
            Ok(Some(closure)) => Some(self.gives_rows(&closure)),
            Ok(None) => None,
            Err(_) => Some(true),
        };
        // Nothing is said for a look: there is no call yet to say it at.
        self.notes.borrow_mut().0.truncate(notes);
        self.missing.borrow_mut().truncate(missing);
        self.functions.known.borrow_mut().remove(name);
        let mut rows = self.functions.rows.borrow_mut();
        match found {
            Some(yes) => rows.insert(name.to_owned(), yes),
            None => rows.remove(name),
        };
        found
    }

    /// An unknown name with what is near to it, or how the configuration could give it.
    pub(crate) fn or_configured(&self, unknown: Diagnostic, name: &str, known: &[&str]) -> Diagnostic {
        let externals = self.catalog.externals();
        let (functions, tables) = (externals.functions(), externals.tables());
        let table = unknown.code == error::UNKNOWN_TABLE;
        let given = functions.iter().chain(tables.iter().filter(|_| table)).map(String::as_str);
        let suggested = unknown.suggest(name, known.iter().copied().chain(given));
        if suggested.help.is_some() {
            return suggested;
        }
        let function =
            format!("a stored function is `{name}.kql` in a folder of `[kql.functions]` in the configuration");
        suggested.help(match table {
            true => format!("{function}, and a table has its place in `[kql.tables]`"),
            false => function,
        })
    }

    fn load(&self, name: &str, file: StoredFunction, span: Span) -> Result<Closure> {
        let file = Rc::new(file);
        let tree = match crate::parse(&file.text) {
            Ok(tree) => tree,
            Err(all) => {
                let first = all.0.into_iter().next();
                let inner = first.unwrap_or_else(|| Diagnostic::error(error::SHAPE, span, "this can't be read"));
                return Err(Box::new(moved(inner, &file, span)));
            }
        };
        self.inside(&file, span, || self.closure(name, &file, tree))
    }

    fn closure(&self, name: &str, file: &Rc<StoredFunction>, tree: Tree) -> Result<Closure> {
        let mut statements = tree.statements;
        let query = statements.iter().position(|s| matches!(s.kind, StatementKind::Query(_)));
        if let Some(at) = query {
            let rest = statements.split_off(at);
            if let Some(second) = rest.get(1) {
                return fail(error::SHAPE, second.span, "a function has one query, and this is a second");
            }
            let value = rest.into_iter().find_map(|s| match s.kind {
                StatementKind::Query(expr) => Some(expr),
                _ => None,
            });
            let function = whole(statements, value);
            return Ok(Closure { name: name.to_owned(), function, scope: Scope::default(), file: Some(file.clone()) });
        }
        let mut scope = Scope::default();
        for statement in &statements {
            if let StatementKind::Let(declared) = &statement.kind
                && declared.name.text == name
                && let LetValue::Function(function) = &declared.value
            {
                let (function, file) = (function.clone(), Some(file.clone()));
                return Ok(Closure { name: name.to_owned(), function, scope, file });
            }
            self.statement(statement, &mut scope)?;
        }
        fail(error::UNKNOWN_FUNCTION, Span::default(), format!("this file declares no function `{name}`"))
            .map_err(|d| Box::new((*d).help(format!("write `let {name} = (…) {{ … }};`, or a query alone"))))
    }

    /// Runs what belongs to a stored function's text; what is said meanwhile is said at the call.
    pub(crate) fn inside<T>(&self, file: &Rc<StoredFunction>, call: Span, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let notes = self.notes.borrow().0.len();
        let missing = self.missing.borrow().len();
        let result = f();
        let later = self.notes.borrow_mut().0.split_off(notes);
        for note in later {
            self.note(moved(note, file, call));
        }
        for m in self.missing.borrow_mut().iter_mut().skip(missing) {
            m.diagnostic = moved(m.diagnostic.clone(), file, call);
        }
        result.map_err(|d| Box::new(moved(*d, file, call)))
    }

    /// As [`Binder::inside`], for a call of the function itself.
    pub(crate) fn calling<T>(&self, closure: &Closure, call: Span, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(file) = &closure.file else { return f() };
        if self.functions.calls.borrow().contains(&closure.name) {
            return Err(error(error::NO_FORM, call, format!("the function `{}` calls itself", closure.name)));
        }
        if self.functions.calls.borrow().is_empty() {
            self.note(Diagnostic::note(
                error::RESOLVED,
                call,
                format!("`{}` is the function in {}", closure.name, file.file),
            ));
        }
        self.functions.calls.borrow_mut().push(closure.name.clone());
        let result = self.inside(file, call, f);
        self.functions.calls.borrow_mut().pop();
        result
    }
}

/// A whole query as a function; `declare query_parameters` says what it takes.
fn whole(statements: Vec<Statement>, value: Option<Expr>) -> Function {
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut others = Vec::new();
    for statement in statements {
        match statement.kind {
            StatementKind::QueryParameters(p) => parameters.extend(p),
            _ => others.push(statement),
        }
    }
    let span = value.as_ref().map_or_else(Span::default, |v| v.span);
    let body = Body { statements: others, value: value.map(Box::new), span };
    Function { view: false, parameters, body, span }
}

/// A diagnostic about a file's text as one about the call.
fn moved(d: Diagnostic, file: &StoredFunction, call: Span) -> Diagnostic {
    let (line, column) = d.position(&file.text);
    let message = format!("in {}:{line}:{column}: {}", file.file, d.message);
    Diagnostic { message, span: call, label: String::new(), fix: None, ..d }
}
