//! A query planned so that it can be watched: see [`parallax_catalog::trace`].
//!
//! The same planner plans the same tree; only that rows which are [watched](Rows::watched) turn every condition that
//! would drop a row into a column.

mod probes;

use super::rows::{Field, Rows, Watched, column};
use super::values::{Ty, Value};
use super::{Planner, Planning, parameters, passes};
use crate::syntax::{Expr as TreeExpr, ExprKind, Name, Operator, OperatorKind, Query, Tree};
use datafusion::logical_expr::LogicalPlanBuilder;
use parallax_catalog::trace::{Beyond, Probe, Role, Step, Traced};
use parallax_catalog::{Catalog, Context, Encoding, Output, PROVENANCE};
use parallax_diagnostics::Diagnostics;

/// Plans a query to be watched. `find` is a text `* | where condition`, whose condition picks messages.
///
/// # Errors
/// As for [`plan`](super::plan).
pub fn trace(
    tree: &Tree,
    find: Option<&Tree>,
    catalog: &dyn Catalog,
    context: &Context,
) -> Result<Traced, Diagnostics> {
    let context = Context { provenance: true, ..context.clone() };
    let filled = parameters::fill(tree, catalog, &context)?;
    let (mut traced, _) = passes(&filled, catalog, &context, &mut |planner| {
        Tracer { planner, watched: Vec::new(), steps: Vec::new() }.whole(&filled.query, find)
    })?;
    for step in &mut traced.steps {
        step.span = filled.span(step.span);
        step.probes.iter_mut().for_each(|p| original(p, &filled));
    }
    if let Some(beyond) = &mut traced.beyond {
        beyond.span = filled.span(beyond.span);
    }
    Ok(traced)
}

/// Its places in the text that the user wrote.
fn original(probe: &mut Probe, filled: &parameters::Filled) {
    probe.span = filled.span(probe.span);
    probe.parts.iter_mut().for_each(|p| original(p, filled));
}

struct Tracer<'t, 'p> {
    planner: &'t mut Planner<'p>,
    watched: Vec<(String, Output)>,
    steps: Vec<Step>,
}

impl Tracer<'_, '_> {
    fn whole(mut self, query: &Query, find: Option<&Tree>) -> Planning<Traced> {
        let mut rows = self.planner.scan(query.at)?;
        rows.watched = Some(Watched::default());
        let found = match find.and_then(condition_of) {
            Some(condition) => Some(self.found(&mut rows, condition, query)?),
            None => None,
        };
        if let Some(scope) = &query.scope {
            let probe = self.scope_probe(&mut rows, scope)?;
            self.step(&mut rows, scope.at.0, probe.into_iter().collect(), |planner, rows| planner.scope(rows, scope))?;
        }
        let mut beyond = None;
        for (index, operator) in query.operators.iter().enumerate() {
            if let Some(why) = not_followed(&operator.kind) {
                beyond = Some(Beyond { span: operator.at.0, why: why.to_owned() });
                break;
            }
            let mut probes = Vec::new();
            for condition in conditions(operator) {
                probes.push(self.probe(&mut rows, condition)?);
            }
            if let Some(name) = source(operator) {
                let value = self.planner.field(&mut rows, &name.text, name.at)?;
                let at = self.put(&mut rows, &value, "operand")?;
                probes.push(Probe::new(Role::Operand, name.at.0, Some(at)));
            }
            self.step(&mut rows, operator.at.0, probes, |planner, rows| planner.stage(rows, query, index))?;
        }
        self.finish(&rows, query, beyond, found)
    }

    fn found(&mut self, rows: &mut Rows, condition: &TreeExpr, query: &Query) -> Planning<usize> {
        let value = self.planner.expression(rows, condition).map_err(|mut d| {
            d.message = format!("in what is to be found: {}", d.message);
            d.span = query.at.0;
            d.fix = None;
            d
        })?;
        self.put(rows, &Value::new(value.to_bool(), Ty::Bool), "found")
    }

    /// Takes one step, and notes what it would have dropped and what it computed.
    fn step(
        &mut self,
        rows: &mut Rows,
        span: parallax_diagnostics::Span,
        probes: Vec<Probe>,
        act: impl FnOnce(&mut Planner<'_>, &mut Rows) -> Planning<()>,
    ) -> Planning<()> {
        let conditions = |rows: &Rows| rows.watched.as_ref().map_or_else(Vec::new, |w| w.conditions.clone());
        let (already, before) = (conditions(rows).len(), rows.fields.clone());
        let read = self.planner.missing.len();
        act(self.planner, rows)?;
        let mut step = Step { span, keeps: Vec::new(), probes, values: Vec::new() };
        for id in conditions(rows).iter().skip(already) {
            step.keeps.push(self.watch(id, "where", Ty::Bool));
        }
        // A pass that met an unknown field is not the last one, and its columns are not used.
        if self.planner.missing.len() == read {
            for field in rows.fields.clone() {
                if !before.iter().any(|b| b.id == field.id) {
                    let at = self.watch_field(rows, &field);
                    step.values.push((field.name, at));
                }
            }
        }
        self.steps.push(step);
        Ok(())
    }

    /// A column for the value, which lives until the end.
    fn put(&mut self, rows: &mut Rows, value: &Value, name: &str) -> Planning<usize> {
        let id = match &value.expr {
            datafusion::logical_expr::Expr::Column(c) => c.name.clone(),
            expr => {
                let id = self.planner.id();
                super::built(rows.extend(vec![(id.clone(), expr.clone())]), crate::syntax::At::default())?;
                id
            }
        };
        rows.live_on(&id);
        Ok(self.watch(&id, name, value.ty))
    }

    fn watch_field(&mut self, rows: &mut Rows, field: &Field) -> usize {
        rows.live_on(&field.id);
        self.watch(&field.id, &field.name, field.ty)
    }

    fn watch(&mut self, id: &str, name: &str, ty: Ty) -> usize {
        if let Some(at) = self.watched.iter().position(|(known, _)| known == id) {
            return at;
        }
        let encoding = if ty == Ty::Time { Encoding::EpochMillis } else { Encoding::Plain };
        self.watched.push((id.to_owned(), Output { name: name.to_owned(), type_name: ty.name(), encoding }));
        self.watched.len() - 1
    }

    fn finish(self, rows: &Rows, query: &Query, beyond: Option<Beyond>, found: Option<usize>) -> Planning<Traced> {
        let watched = self.watched.iter().enumerate().map(|(i, (id, _))| column(id).alias(format!("p{i}")));
        let hidden = PROVENANCE.iter().map(|p| column(p.name));
        let columns: Vec<_> = watched.chain(hidden).collect();
        let plan = super::built(rows.builder().project(columns).and_then(LogicalPlanBuilder::build), query.at)?;
        let columns = self.watched.into_iter().map(|(_, o)| o).collect();
        Ok(Traced { plan, columns, steps: self.steps, beyond, found })
    }
}

/// The condition of `* | where condition`.
fn condition_of(find: &Tree) -> Option<&TreeExpr> {
    find.query.operators.iter().find_map(|o| match &o.kind {
        OperatorKind::Where(condition) => Some(condition),
        _ => None,
    })
}

/// The conditions in an operator whose parts are worth a look.
fn conditions(operator: &Operator) -> Vec<&TreeExpr> {
    /// Those of a conditional, and of the conditionals in its branches.
    fn within<'t>(value: &'t TreeExpr, found: &mut Vec<&'t TreeExpr>) {
        let (condition, branches) = match &value.kind {
            ExprKind::Conditional(condition, yes, no) => (condition.as_ref(), [yes.as_ref(), no.as_ref()]),
            ExprKind::Call(name, arguments) if name.eq_ignore_ascii_case("if") => match arguments.as_slice() {
                [condition, yes, no] => (condition, [yes, no]),
                _ => return,
            },
            _ => return,
        };
        if found.len() < MAX_CONDITIONS {
            found.push(condition);
            branches.into_iter().for_each(|b| within(b, found));
        }
    }
    let mut found = Vec::new();
    match &operator.kind {
        OperatorKind::Where(condition) => vec![condition],
        OperatorKind::Assign { value, .. } => {
            within(value, &mut found);
            found
        }
        OperatorKind::Eval(items) => {
            items.iter().for_each(|(_, value)| within(value, &mut found));
            found
        }
        _ => Vec::new(),
    }
}

/// Of an operator with more conditions only so many are told.
const MAX_CONDITIONS: usize = 32;

/// The field that an operator takes apart, where it names one.
fn source(operator: &Operator) -> Option<&Name> {
    match &operator.kind {
        OperatorKind::Parse(parse) => parse.source.as_ref(),
        OperatorKind::Json(json) => json.source.as_ref(),
        OperatorKind::KeyValue(pairs) => pairs.source.as_ref(),
        OperatorKind::Split(split) => split.source.as_ref(),
        OperatorKind::Xml(xml) => xml.source.as_ref(),
        _ => None,
    }
}

/// Why the operator is not followed; nothing where a row goes in and the same row comes out or none.
fn not_followed(kind: &OperatorKind) -> Option<&'static str> {
    use OperatorKind as K;
    match kind {
        K::Parse(parse) if parse.multi => Some("it makes several rows of one"),
        K::Where(_) | K::Assign { .. } | K::Eval(_) | K::Parse(_) | K::Json(_) | K::KeyValue(_) | K::Split(_) => None,
        K::Xml(_) | K::Fields { .. } | K::Sort(_) | K::WithTime(_) | K::GeoIp(..) => None,
        K::Timeslice(slice) if matches!(slice.width, crate::syntax::TimesliceWidth::Every(_)) => None,
        K::Aggregate(_) | K::Transpose { .. } | K::TopK { .. } => Some("its rows stand for several events"),
        K::Limit(_) | K::Top { .. } | K::Dedup { .. } => Some("which rows it takes depends on the others"),
        K::Join(_) | K::Filter { .. } | K::Lookup(_) => Some("it brings in other rows"),
        _ => Some("it is not followed row by row"),
    }
}
