//! Tree to plan: binding names and types, and saying in DataFusion's terms what a query means.
//!
//! [`Binder`] walks the tree once. Rows become a [`Relation`], scalars a [`Value`]; a `let` is bound where it stands and
//! its names live in a [`Scope`]. The first error ends the walk. Each tabular operator has its file in `operators`, each
//! family of scalars in `scalar`.

mod error;
mod external;
mod functions;
mod further;
mod layers;
mod model;
mod names;
mod operators;
mod relation;
mod scalar;
mod scope;
mod source;
#[cfg(test)]
mod supported;
mod tables;
mod trace;
mod types;
mod value;

use crate::syntax::tree::{self, StatementKind, Tree};
use error::{Result, fail};
use further::Further;
use parallax_catalog::{Catalog, Context, Output, PROVENANCE, Planned};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use relation::{Ids, Relation, id};
use scope::{Binding, Closure, Rows, Scope};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use value::Value;

pub use trace::trace;

/// Plans a query.
///
/// # Errors
/// What is wrong with the query, or what of it is not supported: at least one of the diagnostics is an error.
pub fn plan(tree: &Tree, catalog: &dyn Catalog, context: &Context) -> std::result::Result<Planned, Diagnostics> {
    further::bind(catalog, context, |binder| binder.tree(tree)).map_err(|(error, mut said)| {
        said.push(*error);
        said
    })
}

/// The directives that the official binder knows.
const DIRECTIVES: [&str; 14] = [
    "automate",
    "browse",
    "connect",
    "crp",
    "database",
    "download",
    "qp",
    "query",
    "run",
    "save",
    "sqr",
    "truesight",
    "upload",
    "welcome",
];

/// What a query is bound with.
pub(crate) struct Binder<'a> {
    catalog: &'a dyn Catalog,
    context: &'a Context,
    ids: Ids,
    notes: RefCell<Diagnostics>,
    tables: RefCell<Vec<String>>,
    depth: Cell<usize>,
    /// How many columns have been named by a number.
    numbered: Cell<usize>,
    /// The name of the rows that flow into an operator.
    piped: RefCell<Option<String>>,
    /// What the query needs from outside and is not there.
    missing: RefCell<Vec<external::Missing>>,
    functions: external::Stored,
    /// Columns that the query's tables have because it names them.
    further: Further,
    /// Whether it looks through all tables.
    searches: Cell<bool>,
    /// The last name that was not found, and its place.
    unknown: RefCell<Option<(String, Span)>>,
    /// What `set` gave, by name.
    options: RefCell<BTreeMap<String, Value>>,
    /// How many calls of `rand` and `new_guid` have been bound: each draws numbers of its own.
    drawn: Cell<i64>,
}

const NO_QUERY: &str = "there is no query in this text";

/// How deep functions may call functions, and expressions may nest.
const MAX_DEPTH: usize = 300;

impl<'a> Binder<'a> {
    fn new(catalog: &'a dyn Catalog, context: &'a Context) -> Self {
        Binder {
            catalog,
            context,
            ids: Ids::default(),
            notes: RefCell::default(),
            tables: RefCell::default(),
            depth: Cell::new(0),
            numbered: Cell::new(0),
            piped: RefCell::default(),
            missing: RefCell::default(),
            functions: external::Stored::default(),
            further: Further::default(),
            searches: Cell::new(false),
            unknown: RefCell::default(),
            options: RefCell::default(),
            drawn: Cell::new(0),
        }
    }
}

impl Binder<'_> {
    /// Directives are for the tool that sends a query; one that no tool has is taken for a comment gone wrong.
    fn directives(&self, tree: &Tree) -> Result<()> {
        for directive in &tree.directives {
            let rest = directive.text.trim_start_matches('#');
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !DIRECTIVES.contains(&name) {
                let at = directive.span.start + directive.text.len() - rest.len();
                let span = Span::new(at, at + name.len());
                return Err(Box::new(
                    (*error::error(error::OPTION, span, format!("there is no directive `#{name}`")))
                        .help("a comment begins with `//`"),
                ));
            }
        }
        Ok(())
    }

    fn tree(&self, tree: &Tree) -> Result<Planned> {
        self.check_switches()?;
        self.directives(tree)?;
        let mut scope = Scope::default();
        let mut result: Option<(Relation, Span)> = None;
        for statement in &tree.statements {
            if let StatementKind::Query(query) = &statement.kind {
                if result.is_some() {
                    return fail(error::NO_FORM, query.span, "a text with several queries has several results")
                        .map_err(|d| Box::new((*d).help("run them one by one")));
                }
                result = Some((self.relation(query, &mut scope)?, query.span));
            } else {
                self.statement(statement, &mut scope)?;
            }
        }
        match result {
            Some((relation, span)) => self.finish(relation, span),
            None if tree.statements.is_empty() => fail(error::SHAPE, Span::default(), NO_QUERY),
            None => self.declarations_alone(tree),
        }
    }

    /// A text that only declares: it can be checked, and has nothing to run.
    fn declarations_alone(&self, tree: &Tree) -> Result<Planned> {
        let span = tree.statements.iter().map(|s| s.span).reduce(Span::to).unwrap_or_default();
        let refusal =
            Diagnostic::error(error::SHAPE, span, NO_QUERY).help("it only declares; add a query that uses it");
        self.missing_always(refusal);
        let none = self.no_rows(Vec::new(), span)?;
        self.finish(none, span)
    }

    /// A statement that declares something.
    fn statement(&self, statement: &tree::Statement, scope: &mut Scope) -> Result<()> {
        match &statement.kind {
            StatementKind::Let(declared) => self.declare(declared, scope),
            StatementKind::QueryParameters(parameters) => self.query_parameters(parameters, scope),
            StatementKind::Set { name, value: Some(value) } if name.text.starts_with("query_bin_auto_") => {
                let value = self.scalar(value, &Rows::none(scope))?.folded();
                self.options.borrow_mut().insert(name.text.clone(), value);
                Ok(())
            }
            StatementKind::Set { name, .. } => {
                self.note(Diagnostic::note(
                    error::NO_EFFECT,
                    name.span,
                    format!("`set {}` has no effect here", name.text),
                ));
                Ok(())
            }
            StatementKind::Query(query) => fail(error::NO_FORM, query.span, "a query is not allowed at this place"),
            StatementKind::Pattern(pattern) => {
                self.declare_pattern(pattern, scope);
                Ok(())
            }
            StatementKind::Alias { name, .. } => {
                self.alias(name);
                Ok(())
            }
            StatementKind::Restrict { entities, .. } => self.restrict(entities, scope),
        }
    }

    fn declare(&self, declared: &tree::Let, scope: &mut Scope) -> Result<()> {
        let binding = match &declared.value {
            tree::LetValue::Function(function) => Binding::Function(Rc::new(Closure {
                name: declared.name.text.clone(),
                function: function.clone(),
                scope: scope.clone(),
                file: None,
            })),
            tree::LetValue::Expr(expr) if self.is_tabular(expr, scope) => {
                let mut inner = scope.clone();
                Binding::Table(self.relation(expr, &mut inner)?)
            }
            tree::LetValue::Expr(expr) => Binding::Scalar(self.scalar(expr, &Rows::none(scope))?.folded()),
            tree::LetValue::EntityGroup(members) => Binding::Entities(Rc::new(members.clone())),
        };
        scope.declare(&declared.name.text, binding);
        Ok(())
    }

    /// Parameters take the caller's values, else their defaults.
    fn query_parameters(&self, parameters: &[tree::Parameter], scope: &mut Scope) -> Result<()> {
        for p in parameters {
            let tree::ParameterType::Scalar(ty) = &p.ty else {
                return fail(error::NO_FORM, p.span, "a query parameter is a scalar");
            };
            let ty = types::Type::from_name(ty.name()).unwrap_or(types::Type::String);
            let given = self.context.parameters.get(&p.name.text).map(|text| Value::string(text.clone()));
            let value = match (given, &p.default) {
                (Some(text), _) => value::convert(text, ty, p.span)?,
                (None, Some(default)) => value::convert(self.scalar(default, &Rows::none(scope))?, ty, p.span)?,
                (None, None) => {
                    return fail(error::ARGUMENTS, p.span, format!("the parameter `{}` has no value", p.name.text))
                        .map_err(|d| Box::new((*d).help("give one, or declare a default: `name:type = value`")));
                }
            };
            scope.declare(&p.name.text, Binding::Scalar(value.folded()));
        }
        Ok(())
    }

    /// The result as the catalog's contract wants it.
    fn finish(&self, relation: Relation, span: Span) -> Result<Planned> {
        let ordered = relation.sorted;
        let relation = relation.apply_order(span, None)?;
        let mut seen = HashSet::new();
        let mut exprs = Vec::new();
        for c in &relation.columns {
            exprs.push(if seen.insert(c.id.clone()) { c.expr() } else { c.expr().alias(self.ids.fresh()) });
        }
        if let Some(hidden) = &relation.provenance {
            exprs.extend(hidden.iter().zip(PROVENANCE).map(|(h, p)| id(h).alias(p.name)));
        }
        let columns = relation
            .columns
            .iter()
            .map(|c| Output { name: c.name.clone(), type_name: c.ty.name(), encoding: c.ty.encoding() })
            .collect();
        let provenance = relation.provenance.is_some();
        let plan = relation.select(span, exprs)?.plan;
        let mut tables: Vec<String> = Vec::new();
        for t in self.tables.borrow().iter() {
            if !tables.contains(t) {
                tables.push(t.clone());
            }
        }
        let unreached = self.needed(&plan);
        let diagnostics = self.notes.borrow().clone();
        Ok(Planned { plan, columns, pivot: None, save: None, provenance, ordered, tables, diagnostics, unreached })
    }

    /// Says something that keeps nothing from running, once.
    fn note(&self, diagnostic: Diagnostic) {
        let mut notes = self.notes.borrow_mut();
        if !notes.0.contains(&diagnostic) {
            notes.push(diagnostic);
        }
    }

    /// Runs `f` one level deeper, and refuses to go too deep.
    fn deeper<T>(&self, span: Span, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return fail(error::NO_FORM, span, "this is nested too deeply, or a function calls itself");
        }
        self.depth.set(depth + 1);
        let result = f();
        self.depth.set(depth);
        result
    }
}

/// Names that are declared in the body of a function, and whether they are tables.
type Shapes = BTreeMap<String, bool>;
