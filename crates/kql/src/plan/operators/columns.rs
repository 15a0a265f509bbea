//! `extend`, `project` and its relatives, `where`, `distinct`, `getschema`: what changes columns and keeps rows.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::names::{Names, suggested};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope, Windows};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::{Argument, Expr, ExprKind, Naming, Order, Reorder};
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_diagnostics::Span;
use parallax_functions::kql::granny_key;
use std::cell::RefCell;
use std::cmp::Reverse;

impl Binder<'_> {
    pub(super) fn filter(&self, input: Relation, predicate: &Expr, scope: &Scope) -> Result<Relation> {
        let windows =
            Windows { order: &input.order.clone(), partition: &input.partition.clone(), found: RefCell::default() };
        let rows = Rows { windows: Some(&windows), ..Rows::of(scope, &input) };
        let test = self.predicate(predicate, &rows)?;
        let input = self.add_windows(input, windows, predicate.span)?;
        match self.filtered_before(input, test, predicate.span)? {
            (input, Some(test)) => input.filter(predicate.span, test),
            (input, None) => Ok(input),
        }
    }

    /// Puts the window functions that were met below what reads them.
    pub(crate) fn add_windows(&self, input: Relation, windows: Windows<'_>, span: Span) -> Result<Relation> {
        let found = windows.found.into_inner();
        if found.is_empty() {
            return Ok(input);
        }
        // One after the other: a later function may read an earlier one's result.
        found.into_iter().try_fold(input, |rows, (id, e)| match e {
            Plan::WindowFunction(_) => rows.then(span, |b| b.window([e.alias(id)])),
            _ => rows.compute(span, vec![(id, e)]),
        })
    }

    /// Binds arguments to columns under new ids. A function with several results gives several.
    fn bind_all(
        &self,
        input: Relation,
        arguments: &[Argument],
        scope: &Scope,
        span: Span,
    ) -> Result<(Relation, Vec<Bound>)> {
        let (order, partition) = (input.order.clone(), input.partition.clone());
        let windows = Windows { order: &order, partition: &partition, found: RefCell::default() };
        let rows = Rows { windows: Some(&windows), ..Rows::of(scope, &input) };
        let mut bound = Vec::with_capacity(arguments.len());
        for a in arguments {
            let given = given_names(a);
            if let Some(results) = self.several_results(&a.value, &rows)? {
                enough_for(&given, &results, a.span)?;
                for (i, (name, value)) in results.into_iter().enumerate() {
                    let given = given.get(i).cloned();
                    bound.push(self.bound(&input, given, Some(name), false, value, a.span));
                }
                continue;
            }
            let value = self.scalar(&a.value, &rows)?;
            if given.len() > 1 {
                return fail(error::NO_FORM, a.span, "several names for one value");
            }
            let plain = matches!(a.value.kind, ExprKind::Name(_));
            bound.push(self.bound(&input, given.into_iter().next(), suggested(&a.value), plain, value, a.span));
        }
        let input = self.add_windows(input, windows, span)?;
        let new = bound
            .iter()
            .filter(|b| !matches!(&b.value.expr, Plan::Column(c) if c.name == b.id))
            .map(|b| (b.id.clone(), b.value.expr.clone()))
            .collect();
        Ok((input.compute(span, new)?, bound))
    }

    fn bound(
        &self,
        input: &Relation,
        given: Option<String>,
        suggested: Option<String>,
        plain: bool,
        value: Value,
        span: Span,
    ) -> Bound {
        let id = match &value.expr {
            Plan::Column(c) if input.columns.iter().any(|k| k.id == c.name) => c.name.clone(),
            _ => self.ids.fresh(),
        };
        Bound { given, suggested, plain, value, id, span }
    }

    pub(crate) fn extend(
        &self,
        input: Relation,
        arguments: &[Argument],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        // `extend *` and the like change nothing.
        let arguments: Vec<Argument> =
            arguments.iter().filter(|a| !matches!(a.value.kind, ExprKind::Star)).cloned().collect();
        let (mut out, bound) = self.bind_all(input, &arguments, scope, span)?;
        let mut names = Names::of(out.columns.iter().map(|c| c.name.as_str()));
        for b in bound {
            let name = b.given.or(b.suggested).unwrap_or_else(|| names.numbered(&self.numbered));
            names.take(&name);
            super::expand::put(&mut out.columns, Column { name, ty: b.value.ty, id: b.id });
        }
        Ok(out)
    }

    pub(crate) fn project(
        &self,
        input: Relation,
        arguments: &[Argument],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let arguments = expand_star(&input, arguments);
        let (mut out, bound) = self.bind_all(input, &arguments, scope, span)?;
        let mut names = Names::default();
        let mut columns = Vec::with_capacity(arguments.len());
        let mut plain = std::collections::HashSet::new();
        for b in bound {
            let name = match (b.given, b.suggested) {
                (Some(name), _) if names.take(&name) => name,
                (Some(name), _) => return duplicate(&name, b.span),
                (None, Some(name)) if b.plain && !plain.insert(name.clone()) => return duplicate(&name, b.span),
                (None, Some(name)) => names.unique(&name),
                (None, None) => names.numbered(&self.numbered),
            };
            columns.push(Column { name, ty: b.value.ty, id: b.id });
        }
        out.columns = columns;
        out.open = false;
        Ok(out)
    }

    /// The columns that names and wildcards stand for, in the input's order.
    pub(crate) fn matching(&self, input: &Relation, names: &[Expr]) -> Result<Vec<bool>> {
        let mut hit = vec![false; input.columns.len()];
        for name in names {
            match &name.kind {
                ExprKind::Star => hit.fill(true),
                ExprKind::Wildcard(w) => {
                    for (c, h) in input.columns.iter().zip(&mut hit) {
                        *h |= wildcard(&w.pattern, &c.name);
                    }
                }
                ExprKind::Name(n) => match input.columns.iter().position(|c| c.name == n.text) {
                    Some(at) => hit[at] = true,
                    None => return self.no_column(input, &n.text, n.span),
                },
                _ => return fail(error::SHAPE, name.span, "a column's name is expected here"),
            }
        }
        Ok(hit)
    }

    fn no_column<T>(&self, input: &Relation, name: &str, span: Span) -> Result<T> {
        let known = input.columns.iter().map(|c| c.name.as_str());
        Err(self.unknown_name(name, span, format!("there is no column `{name}`"), known))
    }

    /// Names, arrays of names and wildcards, all constants, in their order; what names no column is passed over
    /// (documented).
    pub(super) fn project_by_names(&self, mut input: Relation, names: &[Expr], scope: &Scope) -> Result<Relation> {
        let mut kept: Vec<Column> = Vec::new();
        for name in names {
            let value = self.scalar(name, &Rows::none(scope))?.folded();
            let Some(text) = value.text() else {
                return fail(error::CONSTANT, name.span, "names of columns must be constants");
            };
            let patterns: Vec<String> = match (value.ty, crate::plan::scalar::json_items(text)) {
                (Type::Dynamic, Some(items)) => items.iter().filter_map(|i| i.text().map(str::to_owned)).collect(),
                _ => vec![text.to_owned()],
            };
            for pattern in patterns {
                let fits = input.columns.iter().filter(|c| wildcard(&pattern, &c.name));
                for column in fits {
                    if !kept.iter().any(|k| k.id == column.id && k.name == column.name) {
                        kept.push(column.clone());
                    }
                }
            }
        }
        input.columns = kept;
        Ok(input)
    }

    pub(super) fn project_away(&self, mut input: Relation, names: &[Expr]) -> Result<Relation> {
        let hit = self.matching(&input, names)?;
        let mut away = hit.into_iter();
        input.columns.retain(|_| !away.next().unwrap_or(false));
        Ok(input)
    }

    pub(super) fn project_keep(&self, mut input: Relation, names: &[Expr]) -> Result<Relation> {
        let hit = self.matching(&input, names)?;
        let mut keep = hit.into_iter();
        input.columns.retain(|_| keep.next().unwrap_or(true));
        input.open = false;
        Ok(input)
    }

    pub(super) fn project_rename(&self, mut input: Relation, arguments: &[Argument]) -> Result<Relation> {
        let mut renames = Vec::new();
        for a in arguments {
            let (Naming::One(new), ExprKind::Name(old)) = (&a.naming, &a.value.kind) else {
                return fail(error::SHAPE, a.span, "a renaming is written `new = old`");
            };
            match input.columns.iter().position(|c| c.name == old.text) {
                Some(at) => renames.push((at, new)),
                None => return self.no_column(&input, &old.text, old.span),
            }
        }
        for (at, new) in &renames {
            input.columns[*at].name.clone_from(&new.text);
        }
        for (at, new) in &renames {
            if input.columns.iter().enumerate().any(|(i, c)| i != *at && c.name == new.text) {
                return duplicate(&new.text, new.span);
            }
        }
        Ok(input)
    }

    pub(super) fn project_reorder(&self, mut input: Relation, list: &[Reorder]) -> Result<Relation> {
        let explicit: Vec<&str> = list
            .iter()
            .filter_map(|r| match &r.column.kind {
                ExprKind::Name(n) => Some(n.text.as_str()),
                _ => None,
            })
            .collect();
        let mut first: Vec<Column> = Vec::new();
        let mut named: Vec<&str> = Vec::new();
        for item in list {
            let hit = self.matching(&input, std::slice::from_ref(&item.column))?;
            if let ExprKind::Name(name) = &item.column.kind {
                if named.contains(&name.text.as_str()) {
                    return fail(
                        error::DUPLICATE,
                        name.span,
                        format!("the column `{}` has its place already", name.text),
                    );
                }
                named.push(&name.text);
            }
            let is_name = matches!(item.column.kind, ExprKind::Name(_));
            let mut found: Vec<Column> = input
                .columns
                .iter()
                .zip(hit)
                .filter(|(c, hit)| *hit && (is_name || !explicit.contains(&c.name.as_str())))
                .map(|(c, _)| c.clone())
                .filter(|c| !first.iter().any(|f| f.name == c.name))
                .collect();
            match item.order {
                Some(Order::Asc) => found.sort_by(|a, b| a.name.cmp(&b.name)),
                Some(Order::Desc) => found.sort_by(|a, b| b.name.cmp(&a.name)),
                Some(Order::GrannyAsc) => found.sort_by_cached_key(|c| granny_key(&c.name)),
                Some(Order::GrannyDesc) => found.sort_by_cached_key(|c| Reverse(granny_key(&c.name))),
                None => {}
            }
            first.extend(found);
        }
        let rest = input.columns.iter().filter(|c| !first.iter().any(|f| f.name == c.name)).cloned();
        let rest: Vec<Column> = rest.collect();
        first.extend(rest);
        input.columns = first;
        Ok(input)
    }

    pub(super) fn distinct(
        &self,
        input: Relation,
        columns: &[Argument],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let projected = self.project(input, columns, scope, span)?;
        let keys: Vec<Plan> = projected.columns.iter().map(Column::expr).collect();
        let columns = projected.columns.clone();
        let mut unique: Vec<Plan> = Vec::new();
        for k in keys {
            if !unique.contains(&k) {
                unique.push(k);
            }
        }
        let partition = projected.partition.clone();
        unique.extend(partition.iter().map(|p| id(p)));
        let grouped = projected.then(span, |b| b.aggregate(unique, Vec::<Plan>::new()))?;
        Ok(Relation { partition, ..Relation::new(grouped.plan, columns) })
    }

    pub(super) fn getschema(&self, input: &Relation, span: Span) -> Result<Relation> {
        let schema = vec![
            ("ColumnName".to_string(), Type::String),
            ("ColumnOrdinal".to_string(), Type::Int),
            ("DataType".to_string(), Type::String),
            ("ColumnType".to_string(), Type::String),
        ];
        let rows: Vec<Vec<Plan>> = input
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                vec![
                    Value::string(c.name.clone()).expr,
                    lit(i as i32),
                    Value::string(c.ty.dotnet()).expr,
                    Value::string(c.ty.name()).expr,
                    lit(i as i64),
                ]
            })
            .collect();
        self.literal_rows(schema, rows, span)
    }

    /// `print a = 1, …`: one row.
    pub(super) fn print(&self, arguments: &[Argument], scope: &Scope, span: Span) -> Result<Relation> {
        let rows = Rows::none(scope);
        let mut names = Names::default();
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for (i, a) in arguments.iter().enumerate() {
            let given = given_names(a);
            let results = match self.several_results(&a.value, &rows)? {
                Some(results) => {
                    enough_for(&given, &results, a.span)?;
                    results
                }
                None => vec![(format!("print_{i}"), self.scalar(&a.value, &rows)?)],
            };
            for (at, (made_up, value)) in results.into_iter().enumerate() {
                let name = match given.get(at) {
                    Some(name) if names.take(name) => name.clone(),
                    Some(name) => return duplicate(name, a.span),
                    None => names.unique(&made_up),
                };
                let id = self.ids.fresh();
                exprs.push(value.expr.alias(id.as_str()));
                columns.push(Column { name, ty: value.ty, id });
            }
        }
        let plan = LogicalPlanBuilder::empty(true)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| error(error::INTERNAL, span, e.to_string()))?;
        Ok(Relation::new(plan, columns))
    }
}

/// A bound argument.
struct Bound {
    given: Option<String>,
    suggested: Option<String>,
    /// Whether it is a bare column.
    plain: bool,
    value: Value,
    id: String,
    span: Span,
}

/// Each name must have a result; results without one keep their own.
fn enough_for(given: &[String], results: &[(String, Value)], span: Span) -> Result<()> {
    match given.get(results.len()) {
        Some(name) => fail(error::SHAPE, span, format!("there are {} results, and none for `{name}`", results.len())),
        None => Ok(()),
    }
}

/// The names that an argument is given.
fn given_names(a: &Argument) -> Vec<String> {
    match &a.naming {
        Naming::None => Vec::new(),
        Naming::One(n) => vec![n.text.clone()],
        Naming::Many(all) => all.iter().map(|n| n.text.clone()).collect(),
    }
}

pub(super) fn duplicate<T>(name: &str, span: Span) -> Result<T> {
    fail(error::DUPLICATE, span, format!("there are two columns `{name}` here"))
}

/// `project *` stands for all columns.
fn expand_star(input: &Relation, arguments: &[Argument]) -> Vec<Argument> {
    let mut all = Vec::with_capacity(arguments.len());
    for a in arguments {
        if matches!(a.value.kind, ExprKind::Star) {
            all.extend(input.columns.iter().map(|c| Argument {
                naming: Naming::None,
                value: Expr {
                    kind: ExprKind::Name(crate::syntax::tree::Name {
                        text: c.name.clone(),
                        placeholder: false,
                        span: a.span,
                    }),
                    span: a.span,
                },
                span: a.span,
            }));
        } else {
            all.push(a.clone());
        }
    }
    all
}

/// Whether a name matches a pattern in which `*` stands for any run of characters.
pub(crate) fn wildcard(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
