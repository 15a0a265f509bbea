//! A query planned so that it can be watched: see [`parallax_catalog::trace`].
//!
//! The same binder binds the same tree; only that a `where` computes its predicate, and each part of it, as columns
//! instead of dropping rows.

mod probes;

use super::error::{self, Result, fail};
use super::relation::{Column, Relation, id};
use super::scope::{Rows, Scope};
use super::types::Type;
use super::value::Value;
use super::{Binder, further};
use crate::syntax::tree::{
    Argument, Expr, ExprKind, LetValue, Naming, Operator, OperatorKind, Query, StatementKind, Tree,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use parallax_catalog::trace::{Beyond, Step, Traced};
use parallax_catalog::{Catalog, Context, Output, PROVENANCE};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_functions::kql::computed::Computed;
use std::collections::HashMap;

/// Plans a query to be watched. `find` is a text `T | where predicate`, whose predicate picks events among the rows
/// that the pipeline begins with.
///
/// # Errors
/// As for [`plan`](super::plan); and where the query does not begin with recorded events.
pub fn trace(
    tree: &Tree,
    find: Option<&Tree>,
    catalog: &dyn Catalog,
    context: &Context,
) -> std::result::Result<Traced, Diagnostics> {
    let context = Context { provenance: true, ..context.clone() };
    // The columns that the whole query asks for: what is watched may end before it does.
    let further = further::bind(catalog, &context, |binder| binder.tree(tree).map(|_| binder.further.clone()));
    let binder = Binder { further: further.unwrap_or_default(), ..Binder::new(catalog, &context) };
    Tracer { binder: &binder, find, declared: HashMap::new(), out: Watched::default() }
        .tree(tree)
        .map_err(|error| Diagnostics::from(*error))
}

/// What has been put into columns.
#[derive(Default)]
struct Watched {
    columns: Vec<(String, Output)>,
    steps: Vec<Step>,
    beyond: Option<Beyond>,
    found: Option<usize>,
    /// Columns that the plan does not have yet.
    new: Vec<(String, datafusion::logical_expr::Expr)>,
}

struct Tracer<'t, 'b, 'c> {
    binder: &'b Binder<'c>,
    find: Option<&'t Tree>,
    /// The tables that `let` declares, with what was in sight there.
    declared: HashMap<&'t str, (&'t Expr, Scope)>,
    out: Watched,
}

impl<'t> Tracer<'t, '_, '_> {
    fn tree(mut self, tree: &'t Tree) -> Result<Traced> {
        let mut scope = Scope::default();
        for statement in &tree.statements {
            match &statement.kind {
                StatementKind::Query(query) => {
                    let rows = self.rows(query, &mut scope)?;
                    return self.finish(rows, query.span);
                }
                StatementKind::Let(declared) => {
                    if let LetValue::Expr(expr) = &declared.value
                        && self.binder.is_tabular(expr, &scope)
                    {
                        self.declared.insert(&declared.name.text, (expr, scope.clone()));
                    }
                    self.binder.statement(statement, &mut scope)?;
                }
                _ => self.binder.statement(statement, &mut scope)?,
            }
        }
        fail(error::SHAPE, Span::default(), "there is no query in this text")
    }

    /// The rows of an expression, its steps followed as far as each row stands for an event.
    fn rows(&mut self, expr: &'t Expr, scope: &mut Scope) -> Result<Relation> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.rows(inner, scope),
            ExprKind::Query(query) => self.pipeline(query, scope),
            ExprKind::Name(name) if self.declared.contains_key(name.text.as_str()) => {
                let (inner, mut scope) = self.declared[name.text.as_str()].clone();
                self.rows(inner, &mut scope)
            }
            // What is kept for a second use is the same the first time.
            ExprKind::Call(call) if call.name.text == "materialize" && call.arguments.len() == 1 => {
                self.rows(&call.arguments[0].value, scope)
            }
            _ => {
                let rows = self.binder.relation(expr, scope)?;
                self.begin(rows, scope, expr.span)
            }
        }
    }

    fn pipeline(&mut self, query: &'t Query, scope: &mut Scope) -> Result<Relation> {
        let mut operators = query.operators.iter();
        let mut rows = match (&query.source, operators.as_slice()) {
            (Some(source), _) => self.rows(source, scope)?,
            (None, [first, ..]) => {
                operators.next();
                let rows = self.binder.operator(first, None, scope)?;
                self.begin(rows, scope, first.span)?
            }
            (None, []) => return fail(error::SHAPE, query.span, "there are no rows here to work on"),
        };
        for operator in operators {
            if self.out.beyond.is_some() {
                break;
            }
            rows = self.step(operator, rows, scope)?;
        }
        Ok(rows)
    }

    /// The rows that the pipeline begins with: recorded events, or there is nothing to follow.
    fn begin(&mut self, rows: Relation, scope: &Scope, span: Span) -> Result<Relation> {
        if rows.provenance.is_none() && rows.empty {
            return fail(error::SHAPE, span, "no input feeds these rows, so there is no event to follow");
        }
        if rows.provenance.is_none() {
            return Err(Box::new(
                Diagnostic::error(error::SHAPE, span, "these rows do not stand for recorded events each")
                    .help("an event can be followed through a pipeline that begins with a table over telemetry"),
            ));
        }
        let Some(find) = self.find else { return Ok(rows) };
        let predicate = find.statements.iter().find_map(|s| match &s.kind {
            StatementKind::Query(Expr { kind: ExprKind::Query(q), .. }) => {
                q.operators.iter().find_map(|o| match &o.kind {
                    OperatorKind::Where { predicate, .. } => Some(predicate),
                    _ => None,
                })
            }
            _ => None,
        });
        let Some(predicate) = predicate else { return Ok(rows) };
        let value =
            self.binder.scalar(predicate, &Rows::of(scope, &rows)).and_then(|v| self.binder.as_bool(v, predicate.span));
        let value = value.map_err(|mut d| {
            d.message = format!("in what is to be found: {}", d.message);
            d.span = span;
            d
        })?;
        self.out.found = self.put(&value, "found");
        self.computed(rows, span)
    }

    fn step(&mut self, operator: &'t Operator, rows: Relation, scope: &mut Scope) -> Result<Relation> {
        if let Some(why) = not_followed(&operator.kind) {
            self.out.beyond = Some(Beyond { span: operator.span, why: why.to_owned() });
            return Ok(rows);
        }
        let mut step = Step { span: operator.span, keeps: Vec::new(), probes: Vec::new(), values: Vec::new() };
        let (mark, before) = (self.out.columns.len(), rows.clone());
        let after = match self.acted(operator, rows, scope, &mut step) {
            Ok(after) if joins_rows(&after.plan) <= joins_rows(&before.plan) => after,
            // What a window function says of an event depends on the rows before it, and those are not dropped here.
            result => {
                let why = match result {
                    Ok(_) => "it looks at other rows than the event's".to_owned(),
                    Err(d) => d.message,
                };
                self.out.columns.truncate(mark);
                self.out.new.clear();
                self.out.beyond = Some(Beyond { span: operator.span, why });
                return Ok(before);
            }
        };
        for column in &after.columns {
            if !before.columns.iter().any(|c| c.id == column.id) {
                step.values.push((column.name.clone(), self.watch(column)));
            }
        }
        self.out.steps.push(step);
        Ok(after)
    }

    /// What the operator does, without dropping rows.
    fn acted(
        &mut self,
        operator: &'t Operator,
        rows: Relation,
        scope: &mut Scope,
        step: &mut Step,
    ) -> Result<Relation> {
        match &operator.kind {
            OperatorKind::Where { predicate, .. } => {
                let value = self.binder.scalar(predicate, &Rows::of(scope, &rows))?;
                let value = self.binder.as_bool(value, predicate.span)?;
                step.keeps.extend(self.put(&value, "where"));
                let probe = self.probe(predicate, &rows, scope)?;
                step.probes.push(probe);
                self.computed(rows, operator.span)
            }
            OperatorKind::Extend(arguments) | OperatorKind::Project(arguments) => {
                for argument in arguments {
                    self.conditions(argument, &rows, scope, step)?;
                }
                let rows = self.computed(rows, operator.span)?;
                self.binder.pipe(operator, Some(rows), scope)
            }
            _ => self.binder.pipe(operator, Some(rows), scope),
        }
    }

    /// The conditions within a computed column.
    fn conditions(&mut self, argument: &'t Argument, rows: &Relation, scope: &Scope, step: &mut Step) -> Result<()> {
        let mut found = Vec::new();
        conditions_of(&argument.value, &mut found);
        if matches!(argument.naming, Naming::Many(_)) {
            return Ok(());
        }
        for condition in found {
            if self.binder.scalar(condition, &Rows::of(scope, rows))?.ty == Type::Bool {
                let probe = self.probe(condition, rows, scope)?;
                step.probes.push(probe);
            }
        }
        Ok(())
    }

    /// A column for the value. Constants have none.
    fn put(&mut self, value: &Value, name: &str) -> Option<usize> {
        let id = match &value.expr {
            datafusion::logical_expr::Expr::Column(c) => c.name.clone(),
            expr => {
                let id = self.binder.ids.fresh();
                self.out.new.push((id.clone(), expr.clone()));
                id
            }
        };
        Some(self.watch(&Column { name: name.to_owned(), ty: value.ty, id }))
    }

    fn watch(&mut self, column: &Column) -> usize {
        if let Some(at) = self.out.columns.iter().position(|(id, _)| *id == column.id) {
            return at;
        }
        let (type_name, encoding) = (column.ty.name(), column.ty.encoding());
        self.out.columns.push((column.id.clone(), Output { name: column.name.clone(), type_name, encoding }));
        self.out.columns.len() - 1
    }

    /// The rows with what was put beside them.
    fn computed(&mut self, rows: Relation, span: Span) -> Result<Relation> {
        let new = std::mem::take(&mut self.out.new);
        rows.compute(span, new)
    }

    fn finish(self, rows: Relation, span: Span) -> Result<Traced> {
        let Watched { columns, steps, beyond, found, .. } = self.out;
        let hidden = rows.provenance.clone().unwrap_or_default();
        let watched = columns.iter().enumerate().map(|(i, (c, _))| id(c).alias(format!("p{i}")));
        let exprs: Vec<_> = watched.chain(hidden.iter().zip(PROVENANCE).map(|(h, p)| id(h).alias(p.name))).collect();
        let plan = rows.select(span, exprs)?.plan;
        Ok(Traced { plan, columns: columns.into_iter().map(|(_, o)| o).collect(), steps, beyond, found })
    }
}

/// The conditions of a computed value: itself, or those by which it is chosen, in its branches too.
fn conditions_of<'t>(value: &'t Expr, found: &mut Vec<&'t Expr>) {
    // Of a value with more only so many are told.
    const MOST: usize = 32;
    if found.len() >= MOST {
        return;
    }
    match &value.kind {
        ExprKind::Paren(inner) => conditions_of(inner, found),
        ExprKind::Call(call) if matches!(call.name.text.as_str(), "iff" | "iif" | "case") => {
            let last = call.arguments.len().saturating_sub(1);
            for (at, argument) in call.arguments.iter().enumerate() {
                match at % 2 == 0 && at < last {
                    true => found.push(&argument.value),
                    false if matches!(argument.value.kind, ExprKind::Call(_) | ExprKind::Paren(_)) => {
                        conditions_of(&argument.value, found);
                    }
                    false => {}
                }
            }
        }
        ExprKind::In { .. } | ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Binary { .. } => found.push(value),
        _ => {}
    }
}

/// Why the operator is not followed; nothing where a row goes in and the same row comes out.
fn not_followed(kind: &OperatorKind) -> Option<&'static str> {
    use OperatorKind as K;
    match kind {
        K::Where { .. } | K::Extend(_) | K::Project(_) | K::ProjectAway(_) | K::ProjectKeep(_) => None,
        K::ProjectRename(_) | K::ProjectReorder(_) | K::Sort(_) | K::As { .. } | K::Render { .. } => None,
        K::Parse(_) | K::Consume(_) | K::Serialize { .. } => None,
        K::Summarize(_) | K::Count(_) | K::Distinct { .. } | K::MakeSeries(_) | K::TopNested(_) => {
            Some("its rows stand for several events")
        }
        K::Take { .. } | K::Top { .. } | K::Sample { .. } => Some("which rows it takes depends on the others"),
        K::Scan(_) => Some("what it makes of an event depends on those before it"),
        K::Join(_) | K::Lookup(_) | K::Union { .. } => Some("it brings in other rows"),
        _ => Some("it is not followed row by row"),
    }
}

/// How many nodes of the plan make a row from several.
fn joins_rows(plan: &LogicalPlan) -> usize {
    let mut count = 0;
    let _ = plan.apply(|node| {
        count += usize::from(
            !matches!(
                node,
                LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::TableScan(_)
            ) && Computed::of(node).is_none(),
        );
        Ok(TreeNodeRecursion::Continue)
    });
    count
}
