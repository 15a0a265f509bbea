//! `scan`: rows in their order, matched against steps that remember.
//!
//! What of a condition looks at the row alone is computed below the operator, for all rows at once; the operator itself
//! evaluates only what reads a state. How it matches stands at [`parallax_functions::kql::scan`].

use super::columns::duplicate;
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, error, fail};
use crate::plan::relation::{Column, OrderKey, Relation, id};
use crate::plan::scope::{Rows, Scope, States};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert};
use crate::syntax::tree::{Name, Parameter, ParameterType, Scan, ScanStep, StepOutput};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder};
use parallax_diagnostics::{Diagnostic, Span};
use parallax_functions::kql::scan::{Output, ScanNode, Spec, Step, is_remembered};
use std::sync::Arc;

/// A declared column, and its value where no step assigns one.
type Declared = (Column, ScalarValue);

impl Binder<'_> {
    pub(super) fn scan_steps(&self, input: Relation, scan: &Scan, scope: &Scope, span: Span) -> Result<Relation> {
        if let Some(kind) = scan.options.get("kind") {
            return fail(error::NO_FORM, kind.span, "`kind` of `scan` is not documented, and not supported");
        }
        let (input, partition) = self.laid_out(input, scan, scope, span)?;
        let mut declared = self.declared_columns(&input, scan.declare.as_deref().unwrap_or_default())?;
        let shown = declared.len();
        declared.extend(self.replaced(&input, &scan.steps, &declared));
        let match_id = match scan.options.word("with_match_id") {
            Some((name, at)) => {
                let taken = input.columns.iter().chain(declared.iter().map(|(c, _)| c)).any(|c| c.name == name);
                if taken {
                    return duplicate(name, at);
                }
                Some(Column { name: name.to_owned(), ty: Type::Long, id: self.ids.fresh() })
            }
            None => None,
        };
        let names = step_names(&scan.steps)?;
        let mut computed = Vec::new();
        let mut steps = Vec::with_capacity(scan.steps.len());
        for (at, step) in scan.steps.iter().enumerate() {
            let mut bound = self.step(at, step, &names, &input, &declared, scope, &mut computed)?;
            // A step that does not assign a column of the rows leaves it as it is.
            for (place, (column, _)) in declared.iter().enumerate().skip(shown) {
                if !bound.assign.iter().any(|(p, _)| *p == place)
                    && let Some(own) = input.columns.iter().find(|c| c.name == column.name)
                {
                    bound.assign.push((place, own.expr()));
                }
            }
            steps.push(bound);
        }
        let input = input.compute(span, computed)?;
        let number = self.ids.fresh();
        let order = |k: &OrderKey| (k.id.clone(), k.ascending, k.nulls_first);
        let spec = Spec {
            partition,
            order: input.order.iter().map(order).collect(),
            variables: declared.iter().map(|(c, default)| (c.id.clone(), default.clone())).collect(),
            steps,
            match_id: match_id.as_ref().map(|c| c.id.clone()),
            number: number.clone(),
            empty: input.columns.iter().map(|c| (c.id.clone(), c.ty.null())).collect(),
        };
        let mut out = matched(input, spec, span)?;
        for (new, _) in declared.drain(shown..) {
            if let Some(old) = out.columns.iter_mut().find(|c| c.name == new.name) {
                *old = new;
            }
        }
        out.columns.extend(declared.into_iter().map(|(c, _)| c).chain(match_id));
        out.order = vec![OrderKey::ascending(number)];
        Ok(out)
    }

    /// The rows in the order that the operator asks for, and what tells its partitions apart. Within a partition there is
    /// always some order.
    fn laid_out(&self, mut input: Relation, scan: &Scan, scope: &Scope, span: Span) -> Result<(Relation, Vec<String>)> {
        if let Some(by) = &scan.order {
            self.undocumented("order by", by.first().map_or(span, |o| o.value.span));
            input = self.sort(input, by, scope, span)?;
        }
        let mut partition: Vec<String> = input.partition.iter().take(1).cloned().collect();
        if let Some(by) = &scan.partition {
            self.undocumented("partition by", by.first().map_or(span, |e| e.span));
            let keys = by.iter().map(|e| Ok((self.ids.fresh(), self.scalar(e, &Rows::of(scope, &input))?.expr)));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            partition.extend(keys.iter().map(|(id, _)| id.clone()));
            input = input.compute(span, keys)?;
        }
        if !partition.is_empty() && input.order.is_empty() {
            let (number, numbered) = self.numbered(input, span)?;
            input = numbered;
            input.order = vec![OrderKey::ascending(number)];
        }
        Ok((input, partition))
    }

    fn undocumented(&self, what: &str, span: Span) {
        self.note(Diagnostic::warning(
            error::GUESS,
            span,
            format!(
                "`{what}` within `scan` is not documented; it is taken as `sort` and `partition` before it would be"
            ),
        ));
    }

    fn declared_columns(&self, input: &Relation, parameters: &[Parameter]) -> Result<Vec<Declared>> {
        let mut declared: Vec<Declared> = Vec::with_capacity(parameters.len());
        for p in parameters {
            let ParameterType::Scalar(ty) = &p.ty else {
                return fail(error::TYPE, p.span, "a column has a scalar type");
            };
            let ty = Type::from_name(ty.name()).unwrap_or(Type::String);
            if input.columns.iter().chain(declared.iter().map(|(c, _)| c)).any(|c| c.name == p.name.text) {
                return duplicate(&p.name.text, p.name.span);
            }
            let default = match &p.default {
                None => ty.null(),
                Some(default) => {
                    let value = convert(self.scalar(default, &Rows::none(&Scope::default()))?, ty, default.span)?;
                    match value.folded().constant() {
                        Some(constant) => constant.clone(),
                        None => return fail(error::CONSTANT, default.span, "a default is a constant"),
                    }
                }
            };
            declared.push((Column { name: p.name.text.clone(), ty, id: self.ids.fresh() }, default));
        }
        Ok(declared)
    }

    /// The columns of the rows that a step assigns, each with what it is to hold (two functions of the documentation's
    /// library do so: `time_weighted_val_fl`, `time_weighted_avg2_fl`). A step remembers the new value; the row's own
    /// is what the bare name says.
    fn replaced(&self, input: &Relation, steps: &[ScanStep], declared: &[Declared]) -> Vec<Declared> {
        let mut replaced: Vec<Declared> = Vec::new();
        for (name, _) in steps.iter().flat_map(|s| &s.assignments) {
            let known = declared.iter().chain(&replaced).any(|(c, _)| c.name == name.text);
            if !known && let Some(column) = input.columns.iter().find(|c| c.name == name.text) {
                replaced.push((Column { id: self.ids.fresh(), ..column.clone() }, column.ty.null()));
            }
        }
        replaced
    }

    /// Binds a step. What looks at the row alone is put into `computed`.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        at: usize,
        step: &ScanStep,
        names: &[&str],
        input: &Relation,
        declared: &[Declared],
        scope: &Scope,
        computed: &mut Vec<(String, Plan)>,
    ) -> Result<Step> {
        if step.optional {
            return fail(error::NO_FORM, step.span, "`optional` steps are not documented, and not supported")
                .map_err(|d| Box::new((*d).help("write a `scan` for each way, and `union` them")));
        }
        let columns: Vec<Column> = declared.iter().map(|(c, _)| c.clone()).collect();
        let states = States { steps: names, at, declared: &columns };
        let rows = Rows { states: Some(&states), ..Rows::of(scope, input) };
        let condition = self.as_bool(self.scalar(&step.condition, &rows)?, step.condition.span)?.folded();
        let (mut gates, mut tests) = (Vec::new(), Vec::new());
        for part in split_conjunction_owned(condition.expr) {
            match reads_state(&part) {
                _ if part == Value::bool(true).expr => {}
                true => tests.push(self.hoisted(part, step.condition.span, computed)?),
                false => gates.push(self.column_of(part, computed)),
            }
        }
        let mut assign: Vec<(usize, Plan)> = Vec::with_capacity(step.assignments.len());
        for (name, value) in &step.assignments {
            let place = assigned(name, declared)?;
            if assign.iter().any(|(p, _)| *p == place) {
                return duplicate(&name.text, name.span);
            }
            let bound = self.scalar(value, &rows)?;
            let bound = fitting(bound, &columns[place], value.span)?;
            assign.push((place, self.hoisted(bound.expr, value.span, computed)?));
        }
        let output = match step.output {
            None | Some(StepOutput::All) => Output::All,
            Some(StepOutput::Last) => Output::Last,
            Some(StepOutput::None) => Output::None,
        };
        Ok(Step { name: step.name.text.clone(), output, gates, test: conjunction(tests), assign })
    }

    /// The column that is, or is to be, an expression's value.
    fn column_of(&self, expr: Plan, computed: &mut Vec<(String, Plan)>) -> String {
        if let Plan::Column(column) = &expr {
            return column.name.clone();
        }
        if let Some((known, _)) = computed.iter().find(|(_, e)| *e == expr) {
            return known.clone();
        }
        let name = self.ids.fresh();
        computed.push((name.clone(), expr));
        name
    }

    /// The expression with columns in place of its parts that read no state.
    fn hoisted(&self, expr: Plan, span: Span, computed: &mut Vec<(String, Plan)>) -> Result<Plan> {
        expr.transform_down(|part| {
            let leaf = matches!(part, Plan::Column(_) | Plan::Literal(..));
            if leaf || reads_state(&part) || !reads_rows(&part) {
                return Ok(Transformed::no(part));
            }
            let column = id(&self.column_of(part, computed));
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        })
        .map(|done| done.data)
        .at(span)
    }
}

/// The operator in the plan. Its rows come in their order, partition by partition.
fn matched(mut input: Relation, spec: Spec, span: Span) -> Result<Relation> {
    let mut keys: Vec<OrderKey> = spec.partition.iter().map(OrderKey::ascending).collect();
    keys.extend(input.order.iter().cloned());
    if !keys.is_empty() {
        input = input.then(span, |b| b.sort(keys.iter().map(OrderKey::expr)))?;
    }
    input.then(span, |b| Ok(LogicalPlanBuilder::from(ScanNode::try_new(b.build()?, Arc::new(spec))?.into_plan())))
}

fn step_names(steps: &[ScanStep]) -> Result<Vec<&str>> {
    let mut names: Vec<&str> = Vec::with_capacity(steps.len());
    for step in steps {
        if names.contains(&step.name.text.as_str()) {
            return fail(error::DUPLICATE, step.name.span, format!("there are two steps `{}`", step.name.text));
        }
        names.push(&step.name.text);
    }
    Ok(names)
}

/// The place of the declared column that is assigned.
fn assigned(name: &Name, declared: &[Declared]) -> Result<usize> {
    declared.iter().position(|(c, _)| c.name == name.text).ok_or_else(|| {
        let message = format!("`{}` is not declared: a step assigns what `scan declare (…)` names", name.text);
        Box::new(
            (*error(error::UNKNOWN_NAME, name.span, message))
                .suggest(&name.text, declared.iter().map(|(c, _)| c.name.as_str())),
        )
    })
}

/// The value as the column's type, where that loses nothing.
fn fitting(value: Value, column: &Column, span: Span) -> Result<Value> {
    let null = value.constant().is_some_and(ScalarValue::is_null);
    // A whole number that is too large for an int becomes null, as by `toint`.
    let whole = value.ty.is_integer() && column.ty.is_integer();
    if null || whole || column.ty == Type::Dynamic || value.ty.common(column.ty) == Some(column.ty) {
        return convert(value, column.ty, span);
    }
    let message = format!("`{}` is a {}, and this is a {}", column.name, column.ty.name(), value.ty.name());
    Err(Box::new((*error(error::TYPE, span, message)).help(format!("convert it: `to{}(…)`", column.ty.name()))))
}

fn reads_state(expr: &Plan) -> bool {
    expr.column_refs().iter().any(|c| is_remembered(&c.name).is_some())
}

/// Whether it reads a column, or another query.
fn reads_rows(expr: &Plan) -> bool {
    let subquery = |e: &Plan| matches!(e, Plan::ScalarSubquery(_) | Plan::InSubquery(_) | Plan::Exists(_));
    !expr.column_refs().is_empty() || expr.exists(|e| Ok(subquery(e))).unwrap_or(false)
}
