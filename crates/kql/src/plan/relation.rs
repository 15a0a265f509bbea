//! Rows on their way through a query: a plan, and what a user may see of it.
//!
//! Every column of a plan has an opaque id, unique in the whole query; the user's names stand beside them. So renaming,
//! dropping, reordering and shadowing columns change the list of names only, and never the plan. The plan may hold more
//! columns than are visible: provenance, sort keys, and what a projection dropped. DataFusion prunes them.
//!
//! Row order is lazy: `sort` notes its keys, and a [`Sort`] node appears only where the order matters (`take`, `top`,
//! window functions, ordered aggregates, the end of the query). An execution in parallel would otherwise lose it.

use super::error::{At, Result};
use super::layers;
use super::operators::UniqueJoin;
use super::types::Type;
use datafusion::common::{Column as PlanColumn, DFSchema};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, lit};
use parallax_diagnostics::Span;
use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

/// A column that a query can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The user's name for it.
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// Its name in the plan.
    pub(crate) id: String,
}

impl Column {
    pub(crate) fn expr(&self) -> Expr {
        id(&self.id)
    }
}

/// The expression that reads the plan's column of that id.
pub(crate) fn id(id: &str) -> Expr {
    Expr::Column(PlanColumn::from_name(id))
}

/// One key of a row order.
#[derive(Clone, Debug)]
pub(crate) struct OrderKey {
    pub(crate) id: String,
    pub(crate) ascending: bool,
    pub(crate) nulls_first: bool,
}

impl OrderKey {
    /// Ascending with nulls first: how rows are numbered.
    pub(crate) fn ascending(id: impl Into<String>) -> Self {
        OrderKey { id: id.into(), ascending: true, nulls_first: true }
    }

    pub(crate) fn expr(&self) -> SortExpr {
        id(&self.id).sort(self.ascending, self.nulls_first)
    }
}

/// A projection of a plan whose columns all have ids.
pub(crate) fn select(plan: LogicalPlan, exprs: Vec<Expr>, span: Span) -> Result<LogicalPlan> {
    layers::project(plan, exprs).at(span)
}

/// Makes ids.
#[derive(Debug, Default)]
pub(crate) struct Ids(Cell<usize>);

impl Ids {
    pub(crate) fn fresh(&self) -> String {
        let n = self.0.get();
        self.0.set(n + 1);
        format!("c{n}")
    }
}

/// Rows, and what a user may see of them.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) plan: LogicalPlan,
    /// The visible columns, in order.
    pub(crate) columns: Vec<Column>,
    /// The ids of the provenance columns, in the catalog's order.
    pub(crate) provenance: Option<Vec<String>>,
    /// The order of the rows, not yet applied; empty where there is none.
    pub(crate) order: Vec<OrderKey>,
    /// Within `mv-apply` and `partition`: what tells one partition from the next, and hidden columns that go with it.
    /// Operators work on each partition apart.
    pub(crate) partition: Vec<String>,
    /// Whether it is known to have no rows: a table that no input feeds.
    pub(crate) empty: bool,
    /// How it came of a join that keeps one left row for each key, while its rows are just those.
    pub(crate) unique: Option<Rc<UniqueJoin>>,
    /// Whether it may have columns that nobody knows yet: those that data would give which is not there.
    pub(crate) open: bool,
    /// Whether the order was asked for (`sort`), rather than being how a literal table was written down.
    pub(crate) sorted: bool,
}

impl Relation {
    pub(crate) fn new(plan: LogicalPlan, columns: Vec<Column>) -> Self {
        Relation {
            plan,
            columns,
            provenance: None,
            order: Vec::new(),
            partition: Vec::new(),
            empty: false,
            unique: None,
            open: false,
            sorted: false,
        }
    }

    /// The visible column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    pub(crate) fn order_exprs(&self) -> Vec<SortExpr> {
        self.order.iter().map(OrderKey::expr).collect()
    }

    fn with_plan(
        mut self,
        span: Span,
        f: impl FnOnce(LogicalPlan) -> datafusion::error::Result<LogicalPlan>,
    ) -> Result<Self> {
        let nothing = EmptyRelation { produce_one_row: false, schema: Arc::new(DFSchema::empty()) };
        let plan = std::mem::replace(&mut self.plan, LogicalPlan::EmptyRelation(nothing));
        self.unique = None;
        self.plan = f(plan).at(span)?;
        Ok(self)
    }

    /// Applies a change to the plan.
    pub(crate) fn then(
        self,
        span: Span,
        f: impl FnOnce(LogicalPlanBuilder) -> datafusion::error::Result<LogicalPlanBuilder>,
    ) -> Result<Self> {
        self.with_plan(span, |plan| f(LogicalPlanBuilder::from(plan)).and_then(LogicalPlanBuilder::build))
    }

    /// A projection to those expressions. Ids need none of the look-ups by which DataFusion's builder finds out, for each
    /// expression anew, which column of the whole plan a name means: over thousands of columns they take seconds.
    pub(crate) fn select(self, span: Span, exprs: Vec<Expr>) -> Result<Self> {
        self.with_plan(span, |plan| layers::project(plan, exprs))
    }

    /// Adds computed columns to the plan, under their ids; the visible columns stay as they are.
    pub(crate) fn compute(self, span: Span, new: Vec<(String, Expr)>) -> Result<Self> {
        if new.is_empty() {
            return Ok(self);
        }
        self.with_plan(span, |plan| layers::compute(plan, new))
    }

    pub(crate) fn filter(self, span: Span, predicate: Expr) -> Result<Self> {
        self.with_plan(span, |plan| layers::filter(plan, predicate))
    }

    /// Makes the noted order real, keeping the first `fetch` rows.
    pub(crate) fn apply_order(self, span: Span, fetch: Option<usize>) -> Result<Self> {
        if let (Some(n), false) = (fetch, self.partition.is_empty()) {
            return self.first_of_each_partition(span, n);
        }
        if self.order.is_empty() {
            return match fetch {
                Some(n) => self.then(span, |b| b.limit(0, Some(n))),
                None => Ok(self),
            };
        }
        let keys = self.order_exprs();
        let mut sorted = self.then(span, |b| b.sort_with_limit(keys, fetch))?;
        if let Some(n) = fetch {
            sorted = sorted.then(span, |b| b.limit(0, Some(n)))?;
        }
        Ok(sorted)
    }

    /// The first `n` rows of each partition.
    fn first_of_each_partition(self, span: Span, n: usize) -> Result<Self> {
        let mut number = WindowFunction::new(row_number_udwf(), vec![]);
        number.params.partition_by = self.partition.iter().take(1).map(|p| id(p)).collect();
        number.params.order_by = self.order_exprs();
        // The name is out of the ids' way, and unique while partitions do not nest more than once a level.
        let name = format!("{}_number{}", self.partition[0], self.plan.schema().fields().len());
        let numbered = Expr::WindowFunction(Box::new(number)).alias(name.as_str());
        self.then(span, |b| b.window([numbered])?.filter(id(&name).lt_eq(lit(n as u64))))
    }

    /// The ids that live on: visible columns, provenance and order keys, each once.
    pub(crate) fn live(&self) -> Vec<String> {
        let (mut live, mut seen) = (Vec::new(), HashSet::new());
        let hidden = self.provenance.iter().flatten().cloned();
        let order = self.order.iter().map(|k| k.id.clone());
        let ids = self.columns.iter().map(|c| c.id.clone()).chain(hidden).chain(order);
        let ids = ids.chain(self.partition.iter().cloned());
        for id in ids {
            if seen.insert(id.clone()) {
                live.push(id);
            }
        }
        live
    }

    /// The rows without what was computed on the way and nothing reads any more.
    pub(crate) fn trimmed(mut self, span: Span) -> Result<Self> {
        /// So many columns may stay: to leave one out costs a new list of the others.
        const KEPT: usize = 16;
        let LogicalPlan::Projection(top) = &self.plan else { return Ok(self) };
        // How it came of a join is known by its plan.
        if self.unique.is_some() || top.expr.len() < self.columns.len() + self.order.len() + KEPT {
            return Ok(self);
        }
        let live: HashSet<String> = self.live().into_iter().collect();
        if top.expr.len() < live.len() + KEPT {
            return Ok(self);
        }
        self.plan = layers::keep(top, &live).at(span)?;
        Ok(self)
    }

    /// The same rows under new ids, so that they can stand in a plan a second time.
    pub(crate) fn renewed(self, ids: &Ids, span: Span) -> Result<Self> {
        let pairs: Vec<(String, String)> = self.live().into_iter().map(|old| (old, ids.fresh())).collect();
        let exprs: Vec<Expr> = pairs.iter().map(|(old, new)| id(old).alias(new.as_str())).collect();
        let new = |old: &str| -> String {
            pairs.iter().find(|(o, _)| o == old).map_or_else(|| old.to_string(), |(_, n)| n.clone())
        };
        let mut r = self.select(span, exprs)?;
        for c in &mut r.columns {
            c.id = new(&c.id);
        }
        for p in r.provenance.iter_mut().flatten() {
            *p = new(p);
        }
        for k in &mut r.order {
            k.id = new(&k.id);
        }
        for p in &mut r.partition {
            *p = new(p);
        }
        Ok(r)
    }

    /// The plan cut down to what lives on, which a user of the same column twice gets twice.
    pub(crate) fn pruned(self, span: Span) -> Result<Self> {
        let exprs: Vec<Expr> = self.live().iter().map(|i| id(i)).collect();
        self.select(span, exprs)
    }
}
