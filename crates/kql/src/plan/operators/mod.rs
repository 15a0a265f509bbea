//! The tabular operators, a family a file. Each takes rows and gives rows.

mod aggregate;
mod assert_schema;
mod columns;
mod evaluate;
mod expand;
mod explore;
mod join;
mod macro_expand;
mod nested;
mod open;
mod order;
mod parse;
mod parse_kv;
mod partition;
mod rows;
mod scan;
mod search;
mod series;
mod summarize;
mod top_nested;
mod union;

pub(crate) use aggregate::aggregate_call;
pub(crate) use columns::wildcard;
pub(crate) use join::UniqueJoin;

use super::Binder;
use super::error::{self, Result, error, fail};
use super::relation::Relation;
use super::scope::{Binding, Rows, Scope};
use crate::syntax::tree::{Argument, Expr, ExprKind, Naming, Operator, OperatorKind};
use parallax_diagnostics::{Diagnostic, Span};
use std::rc::Rc;

impl Binder<'_> {
    /// `where IsAudit = true` gives the predicate `true` a name and compares nothing; published queries do it.
    fn warn_of_named_predicate(&self, naming: &Naming) {
        if let Naming::One(name) = naming {
            let message = format!("`=` gives the predicate the name `{}`; nothing is compared with it", name.text);
            self.note(Diagnostic::warning(error::NO_EFFECT, name.span, message).help("to compare, write `==`"));
        }
    }

    /// Applies one operator of a pipeline.
    pub(crate) fn operator(&self, op: &Operator, rows: Option<Relation>, scope: &mut Scope) -> Result<Relation> {
        use OperatorKind as K;
        let span = op.span;
        // Operators that make rows of their own.
        match &op.kind {
            K::Print(arguments) => return self.print(arguments, scope, span),
            K::Range { name, from, to, step } => return self.range(name, [from, to, step], scope, span),
            K::Search(search) => return self.search(rows, search, scope, span),
            K::Find(find) => return self.find(find, scope, span),
            K::MacroExpand { options, group, members, scope: name, statements } if rows.is_none() => {
                return self.macro_expand(options, (group, members.as_deref()), name.as_ref(), statements, scope, span);
            }
            K::Union { options, tables } => return self.union(rows, options, tables, scope, span),
            _ => {}
        }
        let Some(input) = rows else {
            return fail(error::NO_OPERATOR, span, format!("`{}` is not supported here", word(&op.kind)));
        };
        match &op.kind {
            K::Where { naming, predicate, .. } => {
                self.warn_of_named_predicate(naming);
                self.filter(input, predicate, scope)
            }
            K::Extend(arguments) => self.extend(input, arguments, scope, span),
            K::Project(arguments) => self.project(input, arguments, scope, span),
            K::ProjectAway(names) => self.project_away(input, names),
            K::ProjectKeep(names) => self.project_keep(input, names),
            K::ProjectByNames(names) => self.project_by_names(input, names, scope),
            K::ProjectRename(arguments) => self.project_rename(input, arguments),
            K::ProjectReorder(list) => self.project_reorder(input, list),
            K::Distinct { columns, .. } => self.distinct(input, columns, scope, span),
            K::Sort(sort) => self.sort(input, &sort.by, scope, span),
            K::Top { count, by, .. } => self.top(input, count, by, scope, span),
            K::Take { count, .. } => self.take(input, count, scope, span),
            K::Sample { count, .. } => self.take(input, count, scope, span),
            K::Count(name) => self.count(input, name.as_ref(), span),
            K::Summarize(summarize) => self.summarize(input, summarize, scope, span),
            K::Join(join) => self.join(input, join, scope, span),
            K::Lookup(join) => self.lookup(input, join, scope, span),
            K::Serialize { columns, .. } => self.extend(input, columns, scope, span),
            K::GetSchema(_) => self.getschema(&input, span),
            K::As { name, .. } => {
                scope.declare(&name.text, Binding::Table(input.clone()));
                Ok(input)
            }
            K::Render { .. } => {
                self.note(Diagnostic::note(error::NO_EFFECT, span, "`render` draws nothing here; the rows are given"));
                Ok(input)
            }
            K::Consume(_) | K::ExecuteAndCache => Ok(input),
            K::MvExpand { options, columns, limit } => {
                self.mv_expand(input, options, columns, limit.as_ref(), scope, span)
            }
            K::Parse(parse) => self.parse(input, parse, false, scope, span),
            K::ParseWhere(parse) => self.parse(input, parse, true, scope, span),
            K::ParseKv { value, keys, options } => self.parse_kv(input, (value, keys, options), scope, span),
            K::MakeSeries(m) => self.make_series(input, m, scope, span),
            K::TopNested(levels) => self.top_nested(input, levels, scope, span),
            K::SampleDistinct { count, of, .. } => self.sample_distinct(input, count, of, scope, span),
            K::TopHitters { count, of, by } => self.top_hitters(input, count, (of, by.as_ref()), scope, span),
            K::Evaluate { call, schema, .. } => self.evaluate(input, call, schema.as_ref(), scope, span),
            K::MvApply(m) => self.mv_apply(input, m, scope, span),
            K::Partition(p) => self.partition(input, p, scope, span),
            K::AssertSchema(columns) => self.assert_schema(input, columns, span),
            K::MacroExpand { .. } => {
                fail(error::NO_FORM, span, "`macro-expand` begins a query: it takes no rows from before it")
            }
            K::Facet { .. } | K::Fork(_) => fail(
                error::NO_OPERATOR,
                span,
                format!("`{}` gives several tables, and a query gives one here", word(&op.kind)),
            )
            .map_err(|d| Box::new((*d).help("run a query for each of them"))),
            K::Scan(s) => self.scan_steps(input, s, scope, span),
            K::Invoke(call) => self.invoke(input, call, scope, span),
            K::Reduce { .. } => fail(
                error::NO_OPERATOR,
                span,
                "the operator `reduce` is not supported: how it groups texts is not published, and the examples of its \
                 documentation contradict each other on `threshold` and `characters`",
            ),
            other => fail(error::NO_OPERATOR, span, format!("the operator `{}` is not supported", word(other))),
        }
    }

    /// `invoke f(…)`: the rows are the first argument.
    fn invoke(&self, input: Relation, call: &Expr, scope: &Scope, span: Span) -> Result<Relation> {
        let ExprKind::Call(call) = &call.kind else {
            return fail(error::NO_FORM, span, "`invoke` calls a declared function");
        };
        let name = call.name.text.as_str();
        let closure = match scope.get(name) {
            Some(Binding::Function(closure)) => Some(Rc::clone(closure)),
            _ => self.stored(name, call.name.span)?,
        };
        let Some(closure) = closure else {
            if name == "FileProfile" {
                return self.file_profile(input, call);
            }
            if self.is_parser(name) {
                let rows = Rows::of(scope, &input);
                call.arguments.iter().try_for_each(|a| self.scalar(&a.value, &rows).map(drop))?;
                return self.named(name, call.name.span, scope);
            }
            let unknown = error(error::UNKNOWN_FUNCTION, call.name.span, format!("there is no function `{name}`"));
            return Err(Box::new(self.or_configured(*unknown, name, &scope.names().collect::<Vec<_>>())));
        };
        let columns = input.columns.clone();
        let rows = Rows { columns: &columns, ..Rows::none(scope) };
        self.rows_of_call(&closure, &call.arguments, &rows, Some(input), call.span)
    }

    /// A whole number that is known when the query is planned.
    pub(crate) fn constant_count(&self, argument: &Argument, scope: &Scope) -> Result<usize> {
        let value = self.scalar(&argument.value, &Rows::none(scope))?.folded();
        match value.integer() {
            Some(n) if n >= 0 => Ok(n as usize),
            Some(_) => fail(error::OPTION, argument.span, "a number of rows is not negative"),
            None => fail(error::CONSTANT, argument.span, "the number of rows must be a constant"),
        }
    }
}

/// The operator's word, for messages.
fn word(kind: &OperatorKind) -> &'static str {
    use OperatorKind as K;
    match kind {
        K::Evaluate { .. } => "evaluate",
        K::Facet { .. } => "facet",
        K::Find(_) => "find",
        K::Fork(_) => "fork",
        K::GraphMarkComponents(_) => "graph-mark-components",
        K::GraphMatch(_) => "graph-match",
        K::GraphShortestPaths(_) => "graph-shortest-paths",
        K::GraphToTable(_) => "graph-to-table",
        K::GraphWhereEdges(_) => "graph-where-edges",
        K::GraphWhereNodes(_) => "graph-where-nodes",
        K::MakeGraph(_) => "make-graph",
        K::MakeSeries(_) => "make-series",
        K::MvApply(_) => "mv-apply",
        K::MvExpand { .. } => "mv-expand",
        K::Parse(_) => "parse",
        K::ParseWhere(_) => "parse-where",
        K::ParseKv { .. } => "parse-kv",
        K::ProjectByNames(_) => "project-by-names",
        K::Partition(_) | K::PartitionBy { .. } => "partition",
        K::Reduce { .. } => "reduce",
        K::SampleDistinct { .. } => "sample-distinct",
        K::Search(_) => "search",
        K::TopHitters { .. } => "top-hitters",
        K::TopNested(_) => "top-nested",
        K::Where { .. } => "where",
        _ => "this operator",
    }
}
