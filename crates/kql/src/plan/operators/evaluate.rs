//! `evaluate`: plugins.
//!
//! The columns of `pivot` and `bag_unpack` are those that the query declares, `evaluate bag_unpack(d) : (a:string,
//! b:long)`, or else those that the data has, which is looked at first. Other plugins are refused by name.

use super::aggregate::native;
use super::columns::duplicate;
use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::names::Names;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, binary, convert, raw_call, to_string};
use crate::syntax::tree::{Call, EvaluateSchema, ExprKind, Naming};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr as Plan, Operator};
use parallax_diagnostics::Span;
use std::cell::RefCell;

impl Binder<'_> {
    pub(super) fn evaluate(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        match call.name.text.as_str() {
            "bag_unpack" => self.bag_unpack(input, call, schema, scope, span),
            "pivot" => self.pivot(input, call, schema, scope, span),
            name => fail(error::NO_PLUGIN, call.name.span, format!("the plugin `{name}` is not supported")),
        }
    }

    fn bag_unpack(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(bag) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`bag_unpack` takes a column");
        };
        let ExprKind::Name(name) = &bag.value.kind else {
            return fail(error::SHAPE, bag.span, "`bag_unpack` takes a column's name");
        };
        let value = self.scalar(&bag.value, &Rows::of(scope, &input))?;
        if value.ty != Type::Dynamic {
            return fail(
                error::TYPE,
                bag.span,
                format!("a dynamic value is unpacked, and this is a {}", value.ty.name()),
            );
        }
        let options = self.unpacking(call, scope)?;
        let kept: Vec<Column> = input.columns.iter().filter(|c| c.name != name.text).cloned().collect();
        let (mut columns, members) = match schema {
            Some(schema) => {
                let declared = self.schema(&schema.columns)?;
                // A declared column is one of the input, or a member of the bag.
                let mut columns: Vec<Column> = if schema.star { kept.clone() } else { Vec::new() };
                let mut members = Vec::new();
                for (name, ty) in declared {
                    match kept.iter().find(|c| c.name == name && c.ty == ty) {
                        Some(own) if !schema.star => columns.push(own.clone()),
                        _ if columns.iter().any(|c| c.name == name) => return duplicate(&name, span),
                        _ => {
                            let key = name.strip_prefix(&options.prefix).unwrap_or(&name).to_string();
                            columns.push(Column { name, ty, id: self.ids.fresh() });
                            members.push((columns.len() - 1, key));
                        }
                    }
                }
                (columns, members)
            }
            None => {
                let found = self.members_in_data(&input, &value, call)?;
                self.unpacked(kept, found, &options, span)?
            }
        };
        let mut new = Vec::new();
        for (at, key) in members {
            let column = &mut columns[at];
            column.id = self.ids.fresh();
            let member = raw_call("kql_member", vec![value.expr.clone(), Value::string(key).expr], span)?;
            new.push((column.id.clone(), convert(Value::new(member, Type::Dynamic), column.ty, span)?.expr));
        }
        let mut out = input.compute(span, new)?;
        out.columns = columns;
        Ok(out)
    }

    /// The options of `bag_unpack`, by place or by name.
    fn unpacking(&self, call: &Call, scope: &Scope) -> Result<Unpacking> {
        let mut options = Unpacking::default();
        for (at, a) in call.arguments.iter().enumerate().skip(1) {
            let place = ["", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"].get(at).copied();
            let option = match &a.naming {
                Naming::One(name) => name.text.as_str(),
                _ => place.unwrap_or(""),
            };
            let value = self.scalar(&a.value, &Rows::none(scope))?.folded();
            let Some(text) = value.text() else {
                return fail(error::CONSTANT, a.span, "an option of `bag_unpack` must be a constant");
            };
            match (option, text) {
                ("OutputColumnPrefix", prefix) => options.prefix = prefix.to_string(),
                ("columnsConflict", "error") => options.conflict = Conflict::Refuse,
                ("columnsConflict", "replace_source") => options.conflict = Conflict::Replace,
                ("columnsConflict", "keep_source") => options.conflict = Conflict::Keep,
                ("ignoredProperties", json) => match serde_json::from_str(json) {
                    Ok(names) => options.ignored = names,
                    Err(_) => return fail(error::TYPE, a.span, "the ignored members are an array of texts"),
                },
                _ => return fail(error::OPTION, a.span, "`bag_unpack` has no such option"),
            }
        }
        Ok(options)
    }

    /// The input's columns, then the members by name, each with its key; and where a name is there already, what the
    /// option says.
    fn unpacked(
        &self,
        mut columns: Vec<Column>,
        found: Vec<(String, Type)>,
        options: &Unpacking,
        span: Span,
    ) -> Result<(Vec<Column>, Members)> {
        let mut members = Vec::new();
        for (key, ty) in found {
            if options.ignored.contains(&key) {
                continue;
            }
            let name = format!("{}{key}", options.prefix);
            match (columns.iter().position(|c| c.name == name), options.conflict) {
                (None, _) => {
                    columns.push(Column { name, ty, id: String::new() });
                    members.push((columns.len() - 1, key));
                }
                (Some(at), Conflict::Replace) => {
                    columns[at].ty = ty;
                    members.push((at, key));
                }
                (Some(_), Conflict::Keep) => {}
                (Some(_), Conflict::Refuse) => {
                    let message = format!("the bags have a member `{key}`, and there is a column `{name}` already");
                    return Err(Box::new(
                        (*error(error::DUPLICATE, span, message))
                            .help("say which one stays: `columnsConflict='replace_source'` or `'keep_source'`"),
                    ));
                }
            }
        }
        Ok((columns, members))
    }

    fn pivot(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(over) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`pivot` takes a column");
        };
        let rows = Rows::of(scope, &input);
        let key = self.scalar(&over.value, &rows)?;
        let key_column = key.expr.clone();
        let key = to_string(key, over.span)?;
        let declared = schema.map(|s| self.schema(&s.columns)).transpose()?;
        // What is aggregated, for each value of the pivot column: by default the number of rows.
        let found = RefCell::new(Vec::new());
        let inner = Rows { aggregates: Some(&found), ..rows };
        let (measure, template) = match call.arguments.get(1) {
            Some(a) => {
                let value = self.scalar(&a.value, &inner)?;
                let mut found = found.into_inner();
                match (found.pop(), found.is_empty()) {
                    (Some(measure), true) => (measure, value),
                    _ => return fail(error::NO_FORM, a.span, "`pivot` takes one aggregate"),
                }
            }
            None => {
                let id_of = self.ids.fresh();
                ((id_of.clone(), native::count(None)), Value::new(id(&id_of), Type::Long))
            }
        };
        let used = measure.1.column_refs();
        let mut only: Vec<&str> = Vec::new();
        for a in call.arguments.iter().skip(2) {
            let ExprKind::Name(n) = &a.value.kind else {
                return fail(error::SHAPE, a.span, "a column's name is expected here");
            };
            self.scalar(&a.value, &rows)?;
            only.push(n.text.as_str());
        }
        let star = schema.is_some_and(|s| s.star);
        let mut group: Vec<Column> = Vec::new();
        for c in &input.columns {
            let listed = match &declared {
                _ if !only.is_empty() => only.contains(&c.name.as_str()),
                Some(declared) => star || declared.iter().any(|(n, _)| *n == c.name),
                // All that neither the pivot nor the aggregate reads (documented).
                None => c.expr() != key_column && !used.iter().any(|u| u.name == c.id),
            };
            if listed {
                group.push(c.clone());
            }
        }
        if declared.is_none() && !only.is_empty() {
            group.sort_by_key(|c| only.iter().position(|n| *n == c.name));
        }
        let cells = match declared {
            Some(declared) => declared.into_iter().filter(|(n, _)| !group.iter().any(|g| g.name == *n)).collect(),
            None => {
                let values = self.values_in_data(&input, &key, call)?;
                values.into_iter().map(|value| (value, template.ty)).collect::<Vec<_>>()
            }
        };
        let mut names = Names::of(group.iter().map(|c| c.name.as_str()));
        let mut columns = group.clone();
        let mut calls = Vec::new();
        let mut new = Vec::new();
        for (name, ty) in cells {
            if ty != template.ty {
                return fail(
                    error::TYPE,
                    span,
                    format!("`{name}` is a {} here, not a {}", template.ty.name(), ty.name()),
                );
            }
            let (raw, cell) = (self.ids.fresh(), self.ids.fresh());
            let test = binary(key.expr.clone(), Operator::Eq, Value::string(name.clone()).expr);
            calls.push(filtered(measure.1.clone(), test).alias(raw.as_str()));
            // A group without rows of that key has what the aggregate gives for no rows.
            new.push((cell.clone(), with_column(template.expr.clone(), &measure.0, &raw)));
            columns.push(Column { name: names.unique(&name), ty, id: cell });
        }
        if calls.is_empty() {
            calls.push(native::count(None).alias(self.ids.fresh()));
        }
        let group: Vec<Plan> = group.iter().map(Column::expr).collect();
        let out = input.then(span, |b| b.aggregate(group, calls))?;
        let out = Relation::new(out.plan, Vec::new()).compute(span, new)?;
        Ok(Relation::new(out.plan, columns))
    }
}

/// The places of columns that are members of the bag, each with its key.
type Members = Vec<(usize, String)>;

/// How `bag_unpack` works.
#[derive(Default)]
struct Unpacking {
    /// Stands before the names of new columns.
    prefix: String,
    conflict: Conflict,
    /// Members that become no columns.
    ignored: Vec<String>,
}

/// What becomes of a member whose column is there already.
#[derive(Clone, Copy, Default)]
enum Conflict {
    #[default]
    Refuse,
    Replace,
    Keep,
}

/// The expression with one column for another.
fn with_column(expr: Plan, from: &str, to: &str) -> Plan {
    let replaced = expr.clone().transform(|e| {
        Ok(match e {
            Plan::Column(c) if c.name == from => Transformed::yes(id(to)),
            other => Transformed::no(other),
        })
    });
    replaced.map_or(expr, |t| t.data)
}

/// The aggregate over the rows where the test holds.
fn filtered(mut call: Plan, test: Plan) -> Plan {
    if let Plan::AggregateFunction(function) = &mut call {
        let filter = function.params.filter.take().map(|f| *f);
        function.params.filter = Some(Box::new(match filter {
            Some(old) => old.and(test),
            None => test,
        }));
    }
    call
}
