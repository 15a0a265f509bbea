//! `union`: rows of several tables, their columns merged by name and type.

use super::columns::wildcard;
use super::search::is_view;
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::external::Missing;
use crate::plan::names::Names;
use crate::plan::relation::{Column, Relation, id, select};
use crate::plan::scope::{Binding, Scope};
use crate::plan::source::table_name;
use crate::plan::types::Type;
use crate::plan::value::{Value, cast};
use crate::schema;
use crate::syntax::tree::{Expr, ExprKind, Options, Selector};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder};
use parallax_catalog::PROVENANCE;
use parallax_diagnostics::{Diagnostic, Span};

/// One branch: what `withsource` shows for it, and its rows.
type Branch = (String, Relation);

impl Binder<'_> {
    pub(super) fn union(
        &self,
        input: Option<Relation>,
        options: &Options,
        tables: &[Expr],
        scope: &mut Scope,
        span: Span,
    ) -> Result<Relation> {
        let fuzzy = options.word("isfuzzy").is_some_and(|(w, _)| w == "true")
            || matches!(
                options.get("isfuzzy").map(|o| &o.value),
                Some(crate::syntax::tree::OptionValue::Expr(Expr {
                    kind: ExprKind::Literal(crate::syntax::tree::Literal::Bool(Some(true))),
                    ..
                }))
            );
        let piped = self.piped.borrow().clone().unwrap_or_else(|| "union_arg0".to_string());
        let mut branches: Vec<Branch> = input.into_iter().map(|r| (piped.clone(), r)).collect();
        // Branches over tables that nobody described: they stay where there are no others.
        let (mut undescribed, mut failed) = (Vec::new(), None);
        for table in tables {
            let missing = self.missing.borrow().len();
            let found = self.branches(table, branches.len(), scope);
            if !fuzzy {
                branches.extend(found?);
                continue;
            }
            let unknown = self.missing.borrow().iter().skip(missing).find_map(Missing::unknown_table).cloned();
            match (found, unknown) {
                (Ok(found), None) => branches.extend(found),
                (Ok(found), Some(unknown)) => {
                    self.left_out(&unknown);
                    undescribed.push((found, self.missing.borrow_mut().split_off(missing)));
                }
                (Err(e), Some(unknown)) if e.code == error::UNKNOWN_NAME => {
                    self.left_out(&unknown);
                    self.missing.borrow_mut().truncate(missing);
                    failed = Some(e);
                }
                (Err(e), _) if matches!(e.code, error::UNKNOWN_TABLE | error::UNKNOWN_FUNCTION) => self.left_out(&e),
                (Err(e), _) => return Err(e),
            }
        }
        if branches.is_empty() {
            if let Some(e) = failed {
                return Err(e);
            }
            for (found, missing) in undescribed {
                branches.extend(found);
                self.missing.borrow_mut().extend(missing);
            }
        }
        let source = options.word("withsource").or_else(|| options.word("with_source")).map(|(w, _)| w.to_string());
        let inner = options.word("kind").is_some_and(|(w, _)| w == "inner");
        self.merged(branches, source.as_deref(), inner, span)
    }

    fn left_out(&self, why: &Diagnostic) {
        self.note(Diagnostic::note(error::NO_EFFECT, why.span, format!("{}; `isfuzzy` leaves it out", why.message)));
    }

    pub(super) fn branches(&self, table: &Expr, at: usize, scope: &mut Scope) -> Result<Vec<Branch>> {
        match &table.kind {
            ExprKind::Paren(inner) if matches!(inner.kind, ExprKind::Wildcard(_) | ExprKind::Star) => {
                self.branches(inner, at, scope)
            }
            ExprKind::Wildcard(w) => self.matching_tables(&w.pattern, w.span, scope),
            ExprKind::Star => self.matching_tables("*", table.span, scope),
            ExprKind::Path { selector: Selector::Wildcard(w), .. } => self.matching_tables(&w.pattern, w.span, scope),
            _ => {
                let relation = self.relation(table, scope)?;
                let name = table_name(table).unwrap_or_else(|| format!("union_arg{at}"));
                Ok(vec![(name, relation)])
            }
        }
    }

    /// The tables whose names match: those of the catalog, and the documented ones.
    pub(crate) fn matching_tables(&self, pattern: &str, span: Span, scope: &Scope) -> Result<Vec<Branch>> {
        let mut names = self.catalog.table_names();
        names.extend(schema::documented().map(str::to_owned));
        names.extend(self.catalog.externals().tables());
        // A declared function counts where it says that it is a view (documented).
        let counts = |n: &&str| matches!(scope.get(n), Some(Binding::Table(_))) || is_view(scope.get(n));
        names.extend(scope.names().filter(counts).map(str::to_owned));
        names.retain(|n| wildcard(pattern, n) && scope.sees(n));
        names.sort();
        names.dedup();
        if names.is_empty() {
            return fail(error::UNKNOWN_TABLE, span, format!("no table's name matches `{pattern}`"));
        }
        names
            .into_iter()
            .map(|n| {
                let r = self.named(&n, span, scope)?;
                Ok((n, r))
            })
            .collect()
    }

    /// Merges branches: columns of one name and one type are one column; of several types, each has its type's name.
    pub(crate) fn merged(
        &self,
        branches: Vec<Branch>,
        source: Option<&str>,
        inner: bool,
        span: Span,
    ) -> Result<Relation> {
        if branches.is_empty() {
            return fail(error::UNKNOWN_TABLE, span, "none of the tables of this union is known");
        }
        let mut merged = merged_columns(&branches, inner);
        let source_id = source.map(|_| self.ids.fresh());
        for m in &mut merged {
            m.id = self.ids.fresh();
        }
        let provenance: Option<Vec<String>> = branches
            .iter()
            .any(|(_, r)| r.provenance.is_some())
            .then(|| PROVENANCE.iter().map(|_| self.ids.fresh()).collect());
        let mut plan: Option<LogicalPlanBuilder> = None;
        // A branch without rows gives its columns only; one stays where all are such.
        let mut rows: Vec<&Branch> = branches.iter().filter(|(_, r)| !r.empty).collect();
        if rows.is_empty() {
            rows.extend(branches.first());
        }
        for (name, relation) in rows {
            let mut exprs: Vec<Plan> = Vec::new();
            if let Some(id) = &source_id {
                exprs.push(Value::string(name.clone()).expr.alias(id.as_str()));
            }
            for m in &merged {
                let own = relation.columns.iter().find(|c| c.name == m.original && c.ty == m.ty);
                let value = own.map_or_else(|| cast(Value::null(m.ty).expr, m.ty), Column::expr);
                exprs.push(value.alias(m.id.as_str()));
            }
            if let Some(ids) = &provenance {
                for (i, new) in ids.iter().enumerate() {
                    let value = match &relation.provenance {
                        Some(own) => id(&own[i]),
                        None => {
                            let null = ScalarValue::try_from(&PROVENANCE[i].ty.arrow()).unwrap_or(ScalarValue::Null);
                            Plan::Literal(null, None)
                        }
                    };
                    exprs.push(value.alias(new.as_str()));
                }
            }
            let branch = LogicalPlanBuilder::from(select(relation.plan.clone(), exprs, span)?);
            plan = Some(match plan {
                None => branch,
                Some(p) => p.union(branch.build().at(span)?).at(span)?,
            });
        }
        let Some(plan) = plan else { return fail(error::SHAPE, span, "there is nothing to unite") };
        let mut columns: Vec<Column> = Vec::new();
        if let (Some(name), Some(id)) = (source, source_id) {
            columns.push(Column { name: name.to_string(), ty: Type::String, id });
        }
        columns.extend(merged.into_iter().map(|m| Column { name: m.name, ty: m.ty, id: m.id }));
        let open = branches.iter().any(|(_, r)| r.open);
        Ok(Relation { provenance, open, ..Relation::new(plan.build().at(span)?, columns) })
    }
}

/// A column of a union.
struct Merged {
    name: String,
    original: String,
    ty: Type,
    id: String,
}

fn merged_columns(branches: &[Branch], inner: bool) -> Vec<Merged> {
    let mut order: Vec<(&str, Vec<Type>)> = Vec::new();
    // Names of which the first two columns have one type.
    let mut settled: std::collections::HashSet<&str> = std::collections::HashSet::new();
    let mut index: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (_, relation) in branches {
        for c in &relation.columns {
            let name = c.name.as_str();
            let Some(at) = index.get(name).copied() else {
                index.insert(name, order.len());
                order.push((name, vec![c.ty]));
                continue;
            };
            // The official binder keeps such a name as it is, whatever columns come later (measured). That is followed
            // where it costs no values: where the later column has none.
            if order[at].1.contains(&c.ty) {
                if order[at].1.len() == 1 {
                    settled.insert(name);
                }
            } else if !(relation.empty && settled.contains(name)) {
                order[at].1.push(c.ty);
            }
        }
    }
    if inner {
        order.retain(|(name, types)| {
            types.len() == 1 && branches.iter().all(|(_, r)| r.columns.iter().any(|c| c.name == *name))
        });
    }
    // A name that is made up gives way to one that a table has (documented by example).
    let mut names = Names::of(order.iter().filter(|(_, types)| types.len() == 1).map(|(name, _)| *name));
    let mut merged = Vec::new();
    for (name, types) in order {
        let several = types.len() > 1;
        for ty in types {
            let shown = if several { names.unique(&format!("{name}_{}", ty.name())) } else { name.to_string() };
            merged.push(Merged { name: shown, original: name.to_string(), ty, id: String::new() });
        }
    }
    merged
}
