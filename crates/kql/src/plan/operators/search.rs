//! `search` and `find`: a predicate over the rows of several tables.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::{Binding, Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::{BinaryOp, Expr, ExprKind, Find, FindColumn, Literal, Search};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr as Plan;
use parallax_diagnostics::Span;

/// The column of what `find` lists nowhere else.
const PACK: &str = "pack_";

impl Binder<'_> {
    pub(super) fn search(
        &self,
        input: Option<Relation>,
        search: &Search,
        scope: &mut Scope,
        span: Span,
    ) -> Result<Relation> {
        let sensitive = search.options.word("kind").is_some_and(|(w, _)| w == "case_sensitive");
        let all = input.is_none() && search.tables.is_none();
        let branches = match input {
            Some(rows) => vec![(self.piped.borrow().clone().unwrap_or_else(|| "search_arg0".to_string()), rows)],
            None => self.searched(search.tables.as_deref(), scope, span)?,
        };
        let mut merged = self.merged(branches, Some("$table"), false, span)?;
        if all {
            merged = self.with_all(merged, span)?;
        }
        let predicate = terms(&search.predicate, sensitive);
        // The name of the table is not searched.
        let mut rows = Rows::of(scope, &merged);
        rows.columns = &merged.columns[1..];
        let test = self.predicate(&predicate, &rows)?;
        merged.filter(search.predicate.span, test)
    }

    fn searched(&self, tables: Option<&[Expr]>, scope: &mut Scope, span: Span) -> Result<Vec<(String, Relation)>> {
        match tables {
            Some(tables) => {
                let mut all = Vec::new();
                for t in tables {
                    all.extend(self.branches(t, all.len(), scope)?);
                }
                Ok(all)
            }
            None => {
                let mut names = self.catalog.table_names();
                // A declared function is searched where it says that it is a view (documented).
                names.extend(scope.names().filter(|n| is_view(scope.get(n))).map(str::to_owned));
                names.extend(self.catalog.externals().tables());
                names.retain(|n| scope.sees(n));
                names.sort();
                names.dedup();
                if names.is_empty() {
                    return fail(error::UNKNOWN_TABLE, span, "there are no tables to search");
                }
                names
                    .into_iter()
                    .map(|n| {
                        let r = self.named(&n, span, scope)?;
                        Ok((n, r))
                    })
                    .collect()
            }
        }
    }

    /// `find` without a list of columns: those that all tables have, those that the predicate reads, and a bag of what
    /// else a row has. A table that has nothing of what the predicate reads does not count (measured).
    fn found(
        &self,
        mut branches: Vec<(String, Relation)>,
        predicate: &Expr,
        source: &str,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let probe = self.merged(branches.clone(), Some(source), false, span)?;
        let rows = Rows { columns: &probe.columns[1..], ..Rows::none(scope) };
        let read = read_by(&self.predicate(predicate, &rows)?, &probe.columns);
        let has = |r: &Relation, c: &Column| r.columns.iter().any(|k| k.name == c.name && k.ty == c.ty);
        let counted = |r: &Relation| read.is_empty() || read.iter().any(|c| r.columns.iter().any(|k| k.name == c.name));
        let mut listed: Vec<Column> = Vec::new();
        if let Some((_, first)) = branches.iter().find(|(_, r)| counted(r)) {
            let in_all = |c: &&Column| branches.iter().all(|(_, r)| !counted(r) || has(r, c));
            listed.extend(first.columns.iter().filter(in_all).cloned());
        }
        for c in read.iter().cloned() {
            if !listed.iter().any(|k| k.name == c.name && k.ty == c.ty) {
                listed.push(c);
            }
        }
        let rest = |r: &Relation| -> Vec<Column> {
            r.columns.iter().filter(|c| !listed.iter().any(|k| k.name == c.name)).cloned().collect()
        };
        let packed = branches.iter().any(|(_, r)| counted(r) && !rest(r).is_empty());
        if packed {
            for (_, relation) in &mut branches {
                let mut args = Vec::new();
                for c in rest(relation) {
                    args.push(Value::string(c.name.clone()).expr);
                    args.push(convert(Value::new(c.expr(), c.ty), Type::Dynamic, span)?.expr);
                }
                let id = self.ids.fresh();
                let bag =
                    if args.is_empty() { Value::dynamic("{}").expr } else { raw_call("kql_bag_pack", args, span)? };
                *relation = relation.clone().compute(span, vec![(id.clone(), bag)])?;
                relation.columns.retain(|c| c.name != PACK);
                relation.columns.push(Column { name: PACK.to_string(), ty: Type::Dynamic, id });
            }
        }
        let mut merged = self.merged(branches, Some(source), false, span)?;
        let columns = merged.columns.clone();
        let rows = Rows { columns: &columns[1..], ..Rows::none(scope) };
        merged = merged.filter(span, self.predicate(predicate, &rows)?)?;
        let mut kept = vec![columns[0].clone()];
        for name in listed.iter().map(|c| c.name.as_str()).chain(packed.then_some(PACK)) {
            kept.extend(columns[1..].iter().filter(|c| c.name == name).cloned());
        }
        merged.columns = kept;
        Ok(merged)
    }

    pub(super) fn find(&self, find: &Find, scope: &mut Scope, span: Span) -> Result<Relation> {
        if find.away.is_some() {
            return fail(error::NO_FORM, span, "this form of `find` is not supported; use `project`");
        }
        let source = find.options.word("withsource").map_or("source_", |(w, _)| w).to_string();
        let branches = self.searched(find.tables.as_deref(), scope, span)?;
        let predicate = terms(&find.predicate, false);
        let Some(project) = &find.project else {
            return self.found(branches, &predicate, &source, scope, find.predicate.span);
        };
        let mut merged = self.merged(branches, Some(&source), false, span)?;
        let columns = merged.columns.clone();
        let rows = Rows { columns: &columns[1..], ..Rows::none(scope) };
        let test = self.predicate(&predicate, &rows)?;
        merged = merged.filter(find.predicate.span, test)?;
        let mut kept = vec![merged.columns[0].clone()];
        let mut new = Vec::new();
        for p in project {
            match p {
                FindColumn::Star(_) => kept.extend(merged.columns[1..].iter().cloned()),
                FindColumn::Column { name, .. } => match merged.columns.iter().find(|c| c.name == name.text) {
                    Some(c) => kept.push(c.clone()),
                    None => {
                        let message = format!("no table here has a column `{}`", name.text);
                        let known = merged.columns.iter().map(|c| c.name.as_str());
                        return Err(self.unknown_name(&name.text, name.span, message, known));
                    }
                },
                FindColumn::Pack(at) => {
                    let mut args = Vec::new();
                    for c in merged.columns[1..].iter().filter(|c| !kept.iter().any(|k| k.id == c.id)) {
                        args.push(Value::string(c.name.clone()).expr);
                        args.push(convert(Value::new(c.expr(), c.ty), Type::Dynamic, *at)?.expr);
                    }
                    let id = self.ids.fresh();
                    new.push((id.clone(), raw_call("kql_bag_pack", args, *at)?));
                    kept.push(Column { name: PACK.to_string(), ty: Type::Dynamic, id });
                }
            }
        }
        let mut out = merged.compute(span, new)?;
        out.columns = kept;
        Ok(out)
    }
}

/// Whether a name stands for rows that are declared with `view`.
pub(super) fn is_view(binding: Option<&Binding>) -> bool {
    matches!(binding, Some(Binding::Function(f)) if f.function.view && f.function.parameters.is_empty())
}

/// The columns that an expression reads, in the order in which it does.
fn read_by(test: &Plan, columns: &[Column]) -> Vec<Column> {
    let mut read: Vec<Column> = Vec::new();
    let _ = test.apply(|e| {
        if let Plan::Column(c) = e {
            let column = columns.iter().find(|k| k.id == c.name);
            read.extend(column.filter(|k| !read.contains(k)).cloned());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    read
}

/// A predicate of `search` as an ordinary one: a bare term is looked for in all columns.
fn terms(expr: &Expr, sensitive: bool) -> Expr {
    let span = expr.span;
    let again = |e: &Expr| terms(e, sensitive);
    let kind = match &expr.kind {
        ExprKind::Literal(Literal::String { value, hidden }) => {
            let star = Expr { kind: ExprKind::Star, span };
            return term(star, value, *hidden, sensitive, span);
        }
        ExprKind::Star => ExprKind::Literal(Literal::Bool(Some(true))),
        ExprKind::And(all) => ExprKind::And(all.iter().map(again).collect()),
        ExprKind::Or(any) => ExprKind::Or(any.iter().map(again).collect()),
        ExprKind::Paren(inner) => ExprKind::Paren(Box::new(again(inner))),
        ExprKind::Call(call) if call.name.text == "not" => {
            let mut call = call.clone();
            call.arguments.iter_mut().for_each(|a| a.value = again(&a.value));
            ExprKind::Call(call)
        }
        ExprKind::Binary { op: BinaryOp::Search, left, right, .. } => match &right.kind {
            ExprKind::Literal(Literal::String { value, hidden }) => {
                return term((**left).clone(), value, *hidden, sensitive, span);
            }
            _ => return expr.clone(),
        },
        _ => return expr.clone(),
    };
    Expr { kind, span }
}

/// One term: `*` at an edge opens that edge.
fn term(column: Expr, text: &str, hidden: bool, sensitive: bool, span: Span) -> Expr {
    let inner = text.trim_matches('*');
    let op = match (text.starts_with('*'), text.ends_with('*') && text.len() > 1, sensitive) {
        (true, true, false) => BinaryOp::Contains,
        (true, true, true) => BinaryOp::ContainsCs,
        (false, true, false) => BinaryOp::HasPrefix,
        (false, true, true) => BinaryOp::HasPrefixCs,
        (true, false, false) => BinaryOp::HasSuffix,
        (true, false, true) => BinaryOp::HasSuffixCs,
        (false, false, false) => BinaryOp::Has,
        (false, false, true) => BinaryOp::HasCs,
    };
    let literal = Literal::String { value: inner.to_string(), hidden };
    let right = Box::new(Expr { kind: ExprKind::Literal(literal), span });
    Expr { kind: ExprKind::Binary { op, op_span: span, left: Box::new(column), right }, span }
}
