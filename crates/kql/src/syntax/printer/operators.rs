//! Operators.

use super::super::tree::{Expr, FacetWith, Operator, OperatorKind, Options, Query};
use super::Printer;

impl Printer {
    /// Settings, each followed by a space.
    pub(super) fn options(&mut self, options: &Options) {
        for option in &options.0 {
            self.option(option);
            self.push(" ");
        }
    }

    pub(super) fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::As { options, name } => {
                self.keyword("as", options);
                self.name(name);
            }
            OperatorKind::AssertSchema(schema) => {
                self.push("assert-schema ");
                self.schema(schema);
            }
            OperatorKind::Consume(options) => self.settings("consume", options),
            OperatorKind::Count(None) => self.push("count"),
            OperatorKind::Count(Some(name)) => {
                self.push("count as ");
                self.push(&name.text);
            }
            OperatorKind::Distinct { options, columns } => {
                self.keyword("distinct", options);
                self.list(columns, Self::argument);
            }
            OperatorKind::Evaluate { options, call, schema } => {
                self.keyword("evaluate", options);
                self.call(call);
                if let Some(schema) = schema {
                    self.push(if schema.star { " : (*, " } else { " : (" });
                    self.list(&schema.columns, Self::column);
                    self.push(")");
                }
            }
            OperatorKind::ExecuteAndCache => self.push("__executeAndCache"),
            OperatorKind::Extend(columns) => {
                self.push("extend ");
                self.list(columns, Self::argument);
            }
            OperatorKind::Facet { by, with } => {
                self.push("facet by ");
                self.list(by, Self::expr);
                match with {
                    None => {}
                    Some(FacetWith::Query(query)) => {
                        self.push(" with ");
                        self.subquery(query);
                    }
                    Some(FacetWith::Operator(operator)) => {
                        self.push(" with ");
                        self.operator(operator);
                    }
                }
            }
            OperatorKind::Find(find) => self.find(find),
            OperatorKind::Fork(branches) => {
                self.push("fork");
                for branch in branches {
                    self.push(" ");
                    if let Some(name) = &branch.name {
                        self.name(name);
                        self.push(" = ");
                    }
                    self.parenthesised(&branch.query);
                }
            }
            OperatorKind::GetSchema(options) => self.settings("getschema", options),
            OperatorKind::GraphMarkComponents(options) => self.settings("graph-mark-components", options),
            OperatorKind::GraphMatch(pattern) => self.graph_pattern("graph-match", pattern),
            OperatorKind::GraphShortestPaths(pattern) => self.graph_pattern("graph-shortest-paths", pattern),
            OperatorKind::GraphToTable(outputs) => {
                self.push("graph-to-table ");
                self.list(outputs, |p, output| {
                    p.push(if output.edges { "edges" } else { "nodes" });
                    if let Some(name) = &output.name {
                        p.push(" as ");
                        p.name(name);
                    }
                    for option in &output.options.0 {
                        p.push(" ");
                        p.option(option);
                    }
                });
            }
            OperatorKind::GraphWhereEdges(predicate) => self.with_expr("graph-where-edges ", predicate),
            OperatorKind::GraphWhereNodes(predicate) => self.with_expr("graph-where-nodes ", predicate),
            OperatorKind::Invoke(call) => self.with_expr("invoke ", call),
            OperatorKind::Join(join) => self.join("join", join),
            OperatorKind::Lookup(join) => self.join("lookup", join),
            OperatorKind::MacroExpand { options, group, members, scope, statements } => {
                self.keyword("macro-expand", options);
                match members {
                    Some(members) => {
                        self.push("entity_group [");
                        self.list(members, Self::expr);
                        self.push("]");
                    }
                    None => self.expr(group),
                }
                if let Some(scope) = scope {
                    self.push(" as ");
                    self.name(scope);
                }
                self.push(" ");
                self.block("(", ")", |p| p.statements(statements));
            }
            OperatorKind::MakeGraph(graph) => self.make_graph(graph),
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::MvApply(apply) => self.mv_apply(apply),
            OperatorKind::MvExpand { options, columns, limit } => {
                self.keyword("mv-expand", options);
                self.list(columns, Self::expanded);
                self.optional(" limit ", limit.as_ref());
            }
            OperatorKind::Parse(parse) => self.parse("parse", parse),
            OperatorKind::ParseWhere(parse) => self.parse("parse-where", parse),
            OperatorKind::ParseKv { value, keys, options } => {
                self.with_expr("parse-kv ", value);
                self.push(" as ");
                self.schema(keys);
                self.option_list(" with (", options, ")");
            }
            OperatorKind::Partition(partition) => self.partition(partition),
            OperatorKind::PartitionBy { options, by, id, query } => {
                self.keyword("__partitionby", options);
                self.expr(by);
                self.optional(" id ", id.as_ref());
                self.push(" ");
                self.subquery(query);
            }
            OperatorKind::Print(columns) => {
                self.push("print ");
                self.list(columns, Self::argument);
            }
            OperatorKind::Project(columns) => {
                self.push("project ");
                self.list(columns, Self::argument);
            }
            OperatorKind::ProjectAway(columns) => self.columns("project-away ", columns),
            OperatorKind::ProjectByNames(columns) => self.columns("project-by-names ", columns),
            OperatorKind::ProjectKeep(columns) => self.columns("project-keep ", columns),
            OperatorKind::ProjectRename(columns) => {
                self.push("project-rename ");
                self.list(columns, Self::argument);
            }
            OperatorKind::ProjectReorder(columns) => {
                self.push("project-reorder ");
                self.list(columns, |p, column| {
                    p.expr(&column.column);
                    p.order(column.order);
                });
            }
            OperatorKind::Range { name, from, to, step } => {
                self.push("range ");
                self.name(name);
                self.with_expr(" from ", from);
                self.with_expr(" to ", to);
                self.with_expr(" step ", step);
            }
            OperatorKind::Reduce { options, by, with } => {
                self.keyword("reduce", options);
                self.push("by ");
                self.argument(by);
                self.option_list(" with ", with, "");
            }
            OperatorKind::Render { chart, options, with } => {
                self.push("render ");
                self.push(&chart.text);
                for option in &options.0 {
                    self.push(" ");
                    match option.name.text.as_str() {
                        word @ ("with" | "by") => {
                            self.push(word);
                            self.push(" ");
                            self.option_value(&option.value);
                        }
                        _ => self.option(option),
                    }
                }
                if let Some(with) = with {
                    self.push(" with (");
                    self.list(&with.0, Self::option);
                    self.push(")");
                }
            }
            OperatorKind::Sample { options, count } => {
                self.keyword("sample", options);
                self.argument(count);
            }
            OperatorKind::SampleDistinct { options, count, of } => {
                self.keyword("sample-distinct", options);
                self.argument(count);
                self.push(" of ");
                self.argument(of);
            }
            OperatorKind::Scan(scan) => self.scan(scan),
            OperatorKind::Search(search) => self.search(search),
            OperatorKind::Serialize { options, columns } => {
                self.keyword("serialize", options);
                self.list(columns, Self::argument);
            }
            OperatorKind::Sort(sort) => {
                self.keyword("sort", &sort.options);
                self.push("by ");
                self.list(&sort.by, Self::ordered);
            }
            OperatorKind::Summarize(summarize) => self.summarize(summarize),
            OperatorKind::Take { options, count } => {
                self.keyword("take", options);
                self.argument(count);
            }
            OperatorKind::Top { options, count, by } => {
                self.keyword("top", options);
                self.argument(count);
                self.push(" by ");
                self.ordered(by);
            }
            OperatorKind::TopHitters { count, of, by } => {
                self.push("top-hitters ");
                self.argument(count);
                self.push(" of ");
                self.argument(of);
                if let Some(by) = by {
                    self.push(" by ");
                    self.argument(by);
                }
            }
            OperatorKind::TopNested(clauses) => self.list(clauses, Self::top_nested),
            OperatorKind::Union { options, tables } => {
                self.keyword("union", options);
                self.list(tables, Self::expr);
            }
            OperatorKind::Where { options, naming, predicate } => {
                self.keyword("where", options);
                self.naming(naming);
                self.expr(predicate);
            }
        }
    }

    /// A keyword, its settings, and the space before what follows.
    pub(super) fn keyword(&mut self, keyword: &str, options: &Options) {
        self.push(keyword);
        self.push(" ");
        self.options(options);
    }

    /// A keyword and its settings with nothing behind.
    pub(super) fn settings(&mut self, keyword: &str, options: &Options) {
        self.push(keyword);
        for option in &options.0 {
            self.push(" ");
            self.option(option);
        }
    }

    pub(super) fn option_list(&mut self, open: &str, options: &Options, close: &str) {
        if !options.0.is_empty() {
            self.push(open);
            self.list(&options.0, Self::option);
            self.push(close);
        }
    }

    pub(super) fn with_expr(&mut self, word: &str, expr: &Expr) {
        self.push(word);
        self.expr(expr);
    }

    pub(super) fn optional(&mut self, word: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.with_expr(word, expr);
        }
    }

    pub(super) fn columns(&mut self, word: &str, columns: &[Expr]) {
        self.push(word);
        self.list(columns, Self::expr);
    }

    pub(super) fn subquery(&mut self, query: &Query) {
        self.block("(", ")", |p| p.query(query));
    }
}
