//! The rows between two operators: a plan, and what its columns are called.

use super::values::{Ty, Value};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use parallax_catalog::PROVENANCE;
use std::sync::Arc;

/// A field that can be named.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// As the user spelled it.
    pub(super) name: String,
    /// Its column.
    pub(super) id: String,
    /// What it holds.
    pub(super) ty: Ty,
}

impl Field {
    pub(super) fn value(&self) -> Value {
        Value::new(column(&self.id), self.ty)
    }
}

/// Rows on their way through the pipeline.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) plan: LogicalPlan,
    /// The fields that can be named.
    pub(super) fields: Vec<Field>,
    /// What is shown, in order; without it raw messages, shown as documented.
    pub(super) shown: Option<Vec<String>>,
    /// Whether these are messages rather than an aggregate.
    pub(super) raw: bool,
    /// Whether a name that is not among the fields is looked up in the messages.
    pub(super) open: bool,
    /// Names that were removed and so are not looked up again.
    pub(super) removed: Vec<String>,
    /// How the rows are ordered. Only made real where it matters: by `limit`, by running operators, and at the end.
    pub(super) order: Vec<SortExpr>,
    /// Whether the query asked for that order.
    pub(super) sorted: bool,
    /// The capture columns of `parse … nodrop` operators directly before.
    pub(super) chain: Vec<String>,
    /// Whether the hidden columns are there.
    pub(super) provenance: bool,
    /// The groups of the last aggregate.
    pub(super) groups: Vec<String>,
    /// Whether the columns are those of a `transpose`.
    pub(super) transposed: bool,
    /// Where `transpose` makes columns of values: the columns that it names itself.
    pub(super) pivot: Option<Vec<String>>,
    /// What the topmost projection computes, and over what.
    pub(super) layer: Option<Layer>,
    /// The columns that a watcher still wants; while there is one, conditions become such columns and drop nothing.
    pub(super) watched: Option<Watched>,
}

/// What a watcher wants of the rows.
#[derive(Clone, Default)]
pub(super) struct Watched {
    /// Columns that must live on.
    live: Vec<String>,
    /// The columns that conditions became.
    pub(super) conditions: Vec<String>,
}

/// A projection that further columns can still join.
#[derive(Clone)]
pub(super) struct Layer {
    input: Arc<LogicalPlan>,
    computed: Vec<(String, Expr)>,
}

/// A column by its id.
pub(super) fn column(id: &str) -> Expr {
    Expr::Column(Column::from_name(id))
}

pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

impl Rows {
    /// The field of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| same(&f.name, name))
    }

    /// Other rows stand here from now on, a table's or what was made of messages: nothing of the messages can be read
    /// any more, and they have no order.
    pub(super) fn replace(&mut self, plan: LogicalPlan, fields: Vec<Field>) {
        self.plan = plan;
        self.shown = Some(fields.iter().map(|f| f.name.clone()).collect());
        self.fields = fields;
        self.layer = None;
        self.raw = false;
        self.open = false;
        self.order.clear();
        self.sorted = false;
        self.provenance = false;
        self.groups.clear();
    }

    pub(super) fn builder(&self) -> LogicalPlanBuilder {
        LogicalPlanBuilder::from(self.plan.clone())
    }

    /// The columns that something can still read.
    pub(super) fn live(&self) -> Vec<Expr> {
        let mut ids: Vec<String> = self.fields.iter().map(|f| f.id.clone()).collect();
        for sort in &self.order {
            ids.extend(sort.expr.column_refs().iter().map(|c| c.name.clone()));
        }
        ids.extend(self.chain.iter().cloned());
        ids.extend(self.watched.iter().flat_map(|w| w.live.iter().chain(&w.conditions)).cloned());
        if self.provenance {
            ids.extend(PROVENANCE.iter().map(|p| p.name.to_owned()));
        }
        let mut seen = std::collections::HashSet::new();
        ids.iter().filter(|id| seen.insert((*id).clone())).map(|id| column(id)).collect()
    }

    /// Adds computed columns beside all that are alive.
    ///
    /// Columns that do not build on each other are computed side by side in one projection: a search with a hundred
    /// `parse` operators would otherwise be a plan a hundred projections deep.
    pub(super) fn extend(&mut self, columns: Vec<(String, Expr)>) -> Result<()> {
        let reusable = self.layer.take().filter(|layer| {
            let top = matches!(&self.plan, LogicalPlan::Projection(p) if Arc::ptr_eq(&p.input, &layer.input));
            let builds_on =
                |expr: &Expr| expr.column_refs().iter().any(|c| layer.computed.iter().any(|(id, _)| *id == c.name));
            top && !columns.iter().any(|(_, expr)| builds_on(expr))
        });
        let (input, mut computed) = match reusable {
            Some(layer) => (Arc::unwrap_or_clone(layer.input), layer.computed),
            None => (self.plan.clone(), Vec::new()),
        };
        let live = self.live();
        let is = |expr: &Expr, id: &str| matches!(expr, Expr::Column(c) if c.name == id);
        computed.retain(|(id, _)| live.iter().any(|l| is(l, id)));
        let mut all: Vec<Expr> = live.into_iter().filter(|l| !computed.iter().any(|(id, _)| is(l, id))).collect();
        computed.extend(columns);
        all.extend(computed.iter().map(|(id, expr)| expr.clone().alias(id)));
        self.plan = LogicalPlanBuilder::from(input).project(all)?.build()?;
        if let LogicalPlan::Projection(projection) = &self.plan {
            self.layer = Some(Layer { input: Arc::clone(&projection.input), computed });
        }
        Ok(())
    }

    /// Keeps a column alive for the watcher.
    pub(super) fn live_on(&mut self, id: &str) {
        if let Some(watched) = &mut self.watched {
            watched.live.push(id.to_owned());
        }
    }

    /// Keeps the rows for which the condition is true.
    pub(super) fn filter(&mut self, condition: Expr) -> Result<()> {
        if let Some(watched) = &self.watched {
            let id = format!("k{}", watched.conditions.len());
            // As with a filter, every column is still there afterwards.
            let every = self.plan.schema().columns().into_iter().map(Expr::Column);
            let every: Vec<Expr> = every.chain([condition.alias(&id)]).collect();
            self.plan = self.builder().project(every)?.build()?;
            self.layer = None;
            self.watched.get_or_insert_default().conditions.push(id);
            return Ok(());
        }
        self.plan = self.builder().filter(condition)?.build()?;
        Ok(())
    }

    /// Says that `name` now is that column.
    pub(super) fn bind(&mut self, name: &str, id: &str, ty: Ty) {
        match self.fields.iter_mut().find(|f| same(&f.name, name)) {
            Some(field) => {
                field.id = id.to_owned();
                field.ty = ty;
                field.name = name.to_owned();
            }
            None => self.fields.push(Field { name: name.to_owned(), id: id.to_owned(), ty }),
        }
        self.removed.retain(|r| !same(r, name));
        if let Some(shown) = &mut self.shown {
            match shown.iter_mut().find(|s| same(s, name)) {
                Some(old) => *old = name.to_owned(),
                None => shown.push(name.to_owned()),
            }
        }
    }

    /// Makes the order real.
    pub(super) fn sort(&mut self, fetch: Option<usize>) -> Result<()> {
        if !self.order.is_empty() {
            self.plan = self.builder().sort_with_limit(self.order.clone(), fetch)?.build()?;
        }
        Ok(())
    }
}
