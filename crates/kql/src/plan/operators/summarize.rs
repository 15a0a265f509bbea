//! `summarize`: groups, aggregates, and what their columns are called.

use super::aggregate::{aggregate_call, native};
use super::columns::duplicate;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::{self, Names, number_name, suggested};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce, convert};
use crate::syntax::tree::{Argument, Call, Expr, ExprKind, Naming, Summarize};
use datafusion::functions::core::get_field;
use datafusion::logical_expr::{Expr as Plan, lit};
use parallax_diagnostics::Span;
use std::cell::RefCell;

/// A column of the result: its name, and what it is computed from after the grouping.
struct Out {
    name: String,
    value: Value,
}

impl Binder<'_> {
    pub(super) fn summarize(&self, input: Relation, s: &Summarize, scope: &Scope, span: Span) -> Result<Relation> {
        if let Some(bin) = &s.bin {
            return fail(error::NO_FORM, bin.span, "`bin=` after the keys is an old form; write `by bin(x, size)`");
        }
        let by = s.by.as_deref().unwrap_or_default();
        self.grouped(input, &s.aggregates, by, scope, span)
    }

    /// Groups rows by keys and computes aggregates for each group.
    pub(crate) fn grouped(
        &self,
        input: Relation,
        aggregates: &[Argument],
        by: &[Argument],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let mut names = Names::default();
        let (input, keys) = self.group_keys(input, by, scope, span, &mut names)?;
        let found = RefCell::new(Vec::new());
        let rows = Rows { aggregates: Some(&found), ..Rows::of(scope, &input) };
        let mut outs: Vec<Out> = Vec::new();
        // What a `*` leaves out: the keys, and the columns that they are.
        let plain = by.iter().filter_map(|a| plain_name(&a.value)).map(str::to_owned);
        let left_out: Vec<String> = keys.iter().map(|k| k.name.clone()).chain(plain).collect();
        for a in aggregates {
            self.aggregate_columns(a, &input, &left_out, &rows, &mut names, &mut outs)?;
        }
        let found = found.into_inner();
        let mut group: Vec<Plan> = keys.iter().map(Column::expr).collect();
        let partition = input.partition.clone();
        group.extend(partition.iter().filter(|p| !keys.iter().any(|k| k.id == **p)).map(|p| id(p)));
        let calls: Vec<Plan> = found.into_iter().map(|(id, e)| e.alias(id)).collect();
        let out = if group.is_empty() && calls.is_empty() {
            input.then(span, |b| b.aggregate(Vec::<Plan>::new(), vec![native::count(None)]))?
        } else {
            input.then(span, |b| b.aggregate(group, calls))?
        };
        let mut columns = keys;
        let mut new = Vec::new();
        for o in outs {
            let id = match &o.value.expr {
                Plan::Column(c) => c.name.clone(),
                _ => {
                    let id = self.ids.fresh();
                    new.push((id.clone(), o.value.expr));
                    id
                }
            };
            columns.push(Column { name: o.name, ty: o.value.ty, id });
        }
        let out = Relation::new(out.plan, columns.clone()).compute(span, new)?;
        Ok(Relation { partition, ..Relation::new(out.plan, columns) })
    }

    /// The keys, each a column of the plan of its own.
    fn group_keys(
        &self,
        input: Relation,
        by: &[Argument],
        scope: &Scope,
        span: Span,
        names: &mut Names,
    ) -> Result<(Relation, Vec<Column>)> {
        let mut keys: Vec<Column> = Vec::new();
        let mut new = Vec::new();
        for a in by {
            let value = self.scalar(&a.value, &Rows::of(scope, &input))?;
            let name = match &a.naming {
                Naming::One(n) if names.take(&n.text) => n.text.clone(),
                Naming::One(n) => return duplicate(&n.text, n.span),
                _ => match suggested(&a.value) {
                    Some(name) if matches!(a.value.kind, ExprKind::Name(_)) && names.contains(&name) => {
                        return duplicate(&name, a.span);
                    }
                    Some(name) => names.unique(&name),
                    None => names.numbered(&self.numbered),
                },
            };
            let id = match &value.expr {
                Plan::Column(c) if !keys.iter().any(|k| k.id == c.name) => c.name.clone(),
                _ => {
                    let id = self.ids.fresh();
                    new.push((id.clone(), value.expr));
                    id
                }
            };
            keys.push(Column { name, ty: value.ty, id });
        }
        Ok((input.compute(span, new)?, keys))
    }

    fn aggregate_columns(
        &self,
        a: &Argument,
        input: &Relation,
        left_out: &[String],
        rows: &Rows<'_>,
        names: &mut Names,
        outs: &mut Vec<Out>,
    ) -> Result<()> {
        if let Some(call) = several(&a.value) {
            return self.several(call, a, input, left_out, rows, names, outs);
        }
        let value = self.scalar(&a.value, &Rows { columns: rows.columns, ..*rows })?;
        let name = match &a.naming {
            Naming::One(n) => match names.given(&n.text) {
                Some(name) => name,
                None => return duplicate(&n.text, n.span),
            },
            Naming::Many(_) => return fail(error::NO_FORM, a.span, "several names for one value"),
            Naming::None => {
                let suggestion = match &a.value.kind {
                    ExprKind::Call(call) => names::of_aggregate(call).or_else(|| suggested(&a.value)),
                    _ => suggested(&a.value),
                };
                match suggestion {
                    Some(name) => names.unique(&name),
                    None => names.numbered(&self.numbered),
                }
            }
        };
        if let Some(column) = reads_column(&value.expr, input) {
            return fail(
                error::AGGREGATE,
                a.value.span,
                format!("`{column}` is neither a key nor inside an aggregate"),
            );
        }
        outs.push(Out { name, value });
        Ok(())
    }

    /// Aggregates with several results: `arg_max`, `take_any(a, b)`, `percentiles`.
    #[allow(clippy::too_many_arguments)]
    fn several(
        &self,
        call: &Call,
        a: &Argument,
        input: &Relation,
        left_out: &[String],
        rows: &Rows<'_>,
        names: &mut Names,
        outs: &mut Vec<Out>,
    ) -> Result<()> {
        let name = call.name.text.as_str();
        let inner = Rows { aggregates: None, ..*rows };
        if matches!(name, "percentiles" | "percentilesw") {
            return self.percentiles(call, a, &inner, rows, names, outs);
        }
        let extreme = name.starts_with("arg");
        let mut given: Vec<Option<String>> = match &a.naming {
            Naming::None => Vec::new(),
            Naming::One(n) => vec![Some(n.text.clone())],
            Naming::Many(all) => all.iter().map(|n| Some(n.text.clone())).collect(),
        };
        given.reverse();
        let mut fields: Vec<(String, Value)> = Vec::new();
        let mut sort_by: Option<Value> = None;
        let prefix = if name.ends_with("max") { "max_" } else { "min_" };
        for (at, argument) in call.arguments.iter().enumerate() {
            if matches!(argument.value.kind, ExprKind::Star) {
                for c in &input.columns {
                    let is_maximised = sort_by.is_some()
                        && call.arguments.first().and_then(|a| plain_name(&a.value)) == Some(c.name.as_str());
                    if !left_out.contains(&c.name) && !is_maximised {
                        let name = given.pop().flatten().unwrap_or_else(|| c.name.clone());
                        fields.push((names.starred(&name), Value::new(c.expr(), c.ty)));
                    }
                }
                continue;
            }
            let value = self.scalar(&argument.value, &inner)?;
            if extreme && at == 0 {
                sort_by = Some(value.clone());
            }
            let own = match &argument.naming {
                Naming::One(n) => Some(n.text.clone()),
                _ => None,
            };
            let name = match given.pop().flatten().or(own) {
                Some(name) if names.take(&name) => name,
                Some(name) => return duplicate(&name, a.span),
                None => match suggested(&argument.value) {
                    Some(n) if name == "any" => names.unique(&format!("any_{n}")),
                    Some(n) => names.unique(&n),
                    None if extreme && at == 0 => names.unique(prefix),
                    None if extreme => names.unique(&format!("{prefix}_arg{at}")),
                    None => names.numbered(&self.numbered),
                },
            };
            fields.push((name, value));
        }
        if fields.is_empty() {
            return fail(error::ARGUMENTS, call.span, format!("`{name}` takes at least one argument"));
        }
        // One row is chosen, whole, so that the values of one row stay together.
        let (function, shift) = match (&sort_by, name.ends_with("max")) {
            (Some(_), true) => ("arg_max", 1),
            (Some(_), false) => ("arg_min", 1),
            (None, _) => ("take_any_row", 0),
        };
        let mut args: Vec<Plan> = Vec::new();
        if let Some(v) = sort_by {
            args.push(if v.ty == Type::Dynamic { convert(v, Type::Real, call.span)?.expr } else { v.expr });
        }
        args.extend(fields.iter().map(|(_, v)| v.expr.clone()));
        let chosen = self.ids.fresh();
        if let Some(found) = rows.aggregates {
            found.borrow_mut().push((chosen.clone(), aggregate_call(function, args, call.span)?));
        }
        for (i, (name, value)) in fields.into_iter().enumerate() {
            let field = get_field().call(vec![id(&chosen), lit((i + shift).to_string())]);
            let expr = if value.ty == Type::String { coalesce(vec![field, Value::string("").expr]) } else { field };
            outs.push(Out { name, value: Value::new(expr, value.ty) });
        }
        Ok(())
    }

    fn percentiles(
        &self,
        call: &Call,
        a: &Argument,
        inner: &Rows<'_>,
        rows: &Rows<'_>,
        names: &mut Names,
        outs: &mut Vec<Out>,
    ) -> Result<()> {
        let weighted = call.name.text == "percentilesw";
        let (first, weight, ranks) = match call.arguments.as_slice() {
            [first, weight, ranks @ ..] if weighted && !ranks.is_empty() => (first, Some(weight), ranks),
            [first, ranks @ ..] if !weighted && !ranks.is_empty() => (first, None, ranks),
            _ => {
                let what = if weighted { "a value, a weight" } else { "a value" };
                let message = format!("`{}` takes {what} and at least one percentile", call.name.text);
                return fail(error::ARGUMENTS, call.span, message);
            }
        };
        let value = self.scalar(&first.value, inner)?;
        let weight = match weight {
            Some(weight) => Some(convert(self.scalar(&weight.value, inner)?, Type::Long, weight.span)?),
            None => None,
        };
        let mut given = match &a.naming {
            Naming::Many(all) => all.iter().map(|n| n.text.clone()).rev().collect(),
            Naming::One(n) => vec![n.text.clone()],
            Naming::None => Vec::new(),
        };
        for rank in ranks {
            let which = self.scalar(&rank.value, inner)?.folded();
            let label = number_name(&rank.value).unwrap_or_default();
            let of = suggested(&first.value).unwrap_or_default();
            let name = match given.pop() {
                Some(name) => names.unique(&name),
                None => names.unique(&format!("percentile_{of}_{label}")),
            };
            let call_expr = match &weight {
                Some(weight) => {
                    let which = convert(which, Type::Real, call.span)?.expr;
                    aggregate_call("percentilew", vec![value.expr.clone(), weight.expr.clone(), which], call.span)?
                }
                None => percentile(&value, which, call.span)?,
            };
            let id_of = self.ids.fresh();
            if let Some(found) = rows.aggregates {
                found.borrow_mut().push((id_of.clone(), call_expr));
            }
            outs.push(Out { name, value: Value::new(id(&id_of), value.ty) });
        }
        Ok(())
    }
}

/// A percentile by the function library.
pub(crate) fn percentile(value: &Value, rank: Value, span: Span) -> Result<Plan> {
    let rank = convert(rank, Type::Real, span)?;
    let typed = format!("percentile_{}", value.ty.name());
    let args = vec![value.expr.clone(), rank.expr];
    super::aggregate_call(&typed, args.clone(), span).or_else(|_| super::aggregate_call("percentile", args, span))
}

/// The call, where it gives several columns.
fn several(expr: &Expr) -> Option<&Call> {
    match &expr.kind {
        ExprKind::Call(call) => match call.name.text.as_str() {
            "arg_max" | "arg_min" | "argmax" | "argmin" | "percentiles" | "percentilesw" => Some(call),
            "take_any" | "any" => {
                let star = call.arguments.iter().any(|a| matches!(a.value.kind, ExprKind::Star));
                (star || call.arguments.len() > 1).then_some(call)
            }
            _ => None,
        },
        ExprKind::Paren(inner) => several(inner),
        _ => None,
    }
}

/// The column's name, where the expression is nothing else.
fn plain_name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(&name.text),
        ExprKind::Paren(inner) => plain_name(inner),
        _ => None,
    }
}

/// A column of the input that an expression reads outside of an aggregate.
fn reads_column<'r>(expr: &Plan, input: &'r Relation) -> Option<&'r str> {
    let refs = expr.column_refs();
    input.columns.iter().find(|c| refs.iter().any(|r| r.name == c.id)).map(|c| c.name.as_str())
}
