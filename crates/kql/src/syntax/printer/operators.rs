//! Operators.

use super::super::tree::{
    EdgeDirection, Expanded, Expr, FacetWith, Find, FindColumn, GraphNode, GraphPattern, Join, JoinCondition,
    MakeGraph, MakeSeries, MvApply, Operator, OperatorKind, Options, Order, Ordered, Parse, ParsePart, Partition,
    PartitionBody, Query, Scan, ScanStep, Search, SeriesRange, StepOutput, Summarize, TopNested,
};
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
    fn keyword(&mut self, keyword: &str, options: &Options) {
        self.push(keyword);
        self.push(" ");
        self.options(options);
    }

    /// A keyword and its settings with nothing behind.
    fn settings(&mut self, keyword: &str, options: &Options) {
        self.push(keyword);
        for option in &options.0 {
            self.push(" ");
            self.option(option);
        }
    }

    fn option_list(&mut self, open: &str, options: &Options, close: &str) {
        if !options.0.is_empty() {
            self.push(open);
            self.list(&options.0, Self::option);
            self.push(close);
        }
    }

    fn with_expr(&mut self, word: &str, expr: &Expr) {
        self.push(word);
        self.expr(expr);
    }

    fn optional(&mut self, word: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.with_expr(word, expr);
        }
    }

    fn columns(&mut self, word: &str, columns: &[Expr]) {
        self.push(word);
        self.list(columns, Self::expr);
    }

    fn subquery(&mut self, query: &Query) {
        self.block("(", ")", |p| p.query(query));
    }

    fn order(&mut self, order: Option<Order>) {
        self.push(match order {
            None => "",
            Some(Order::Asc) => " asc",
            Some(Order::Desc) => " desc",
            Some(Order::GrannyAsc) => " granny-asc",
            Some(Order::GrannyDesc) => " granny-desc",
        });
    }

    fn ordered(&mut self, ordered: &Ordered) {
        self.argument(&ordered.value);
        self.order(ordered.order);
        self.push(match ordered.nulls_first {
            None => "",
            Some(true) => " nulls first",
            Some(false) => " nulls last",
        });
    }

    fn summarize(&mut self, summarize: &Summarize) {
        self.keyword("summarize", &summarize.options);
        self.list(&summarize.aggregates, Self::argument);
        if let Some(by) = &summarize.by {
            self.push(if summarize.aggregates.is_empty() { "by " } else { " by " });
            self.list(by, Self::argument);
        }
        self.optional(" bin=", summarize.bin.as_ref());
    }

    fn join(&mut self, keyword: &str, join: &Join) {
        self.keyword(keyword, &join.options);
        self.expr(&join.right);
        match &join.condition {
            None => {}
            Some(JoinCondition::On(keys)) => {
                self.push(" on ");
                self.list(keys, Self::expr);
            }
            Some(JoinCondition::Where(predicate)) => self.with_expr(" where ", predicate),
        }
    }

    fn find(&mut self, find: &Find) {
        self.push("find ");
        self.scope(find.scope.as_deref());
        self.options(&find.options);
        self.tables(find.tables.as_deref());
        self.with_expr("where ", &find.predicate);
        if find.smart {
            self.push(" project-smart");
        }
        if let Some(columns) = &find.project {
            self.push(" project ");
            self.list(columns, Self::find_column);
        }
        if let Some(columns) = &find.away {
            self.push(" __projectAway ");
            self.list(columns, Self::find_column);
        }
    }

    fn scope(&mut self, scope: Option<&str>) {
        if let Some(scope) = scope {
            self.push("datascope=");
            self.push(scope);
            self.push(" ");
        }
    }

    fn tables(&mut self, tables: Option<&[Expr]>) {
        if let Some(tables) = tables {
            self.push("in (");
            self.list(tables, Self::expr);
            self.push(") ");
        }
    }

    fn find_column(&mut self, column: &FindColumn) {
        match column {
            FindColumn::Pack(_) => self.push("pack(*)"),
            FindColumn::Star(_) => self.push("*"),
            FindColumn::Column { name, ty } => {
                self.name(name);
                if let Some(ty) = ty {
                    self.push(": ");
                    self.push(ty.name());
                }
            }
        }
    }

    fn search(&mut self, search: &Search) {
        self.keyword("search", &search.options);
        self.scope(search.scope.as_deref());
        self.tables(search.tables.as_deref());
        self.expr(&search.predicate);
    }

    fn expanded(&mut self, expanded: &Expanded) {
        if let Some(value) = &expanded.value {
            self.argument(value);
        }
        if let Some(to) = &expanded.to {
            self.push(if expanded.value.is_some() { " to " } else { "to " });
            self.expr(to);
        }
    }

    fn mv_apply(&mut self, apply: &MvApply) {
        self.keyword("mv-apply", &apply.options);
        self.list(&apply.columns, Self::expanded);
        self.optional(" limit ", apply.limit.as_ref());
        self.optional(" id ", apply.id.as_ref());
        self.push(" on ");
        self.subquery(&apply.query);
    }

    fn make_series(&mut self, series: &MakeSeries) {
        self.keyword("make-series", &series.options);
        self.list(&series.aggregates, |p, (aggregate, default)| {
            p.argument(aggregate);
            if let Some(default) = default {
                p.push(" default=");
                p.argument(default);
            }
        });
        self.push(" on ");
        self.argument(&series.on);
        match &series.range {
            SeriesRange::Step { from, to, step } => {
                self.optional(" from ", from.as_deref());
                self.optional(" to ", to.as_deref());
                self.with_expr(" step ", step);
            }
            SeriesRange::InRange(bounds) => {
                self.push(" in range(");
                self.list(bounds, Self::argument);
                self.push(")");
            }
        }
        if let Some(by) = &series.by {
            self.push(" by ");
            self.list(by, Self::argument);
        }
    }

    fn parse(&mut self, keyword: &str, parse: &Parse) {
        self.keyword(keyword, &parse.options);
        self.expr(&parse.value);
        self.push(" with");
        for part in &parse.parts {
            self.push(" ");
            match part {
                ParsePart::Star(_) => self.push("*"),
                ParsePart::Text { value, hidden, .. } => self.string(value, *hidden),
                ParsePart::Column { name, ty } => {
                    self.name(name);
                    if let Some(ty) = ty {
                        self.push(":");
                        self.push(ty.name());
                    }
                }
            }
        }
    }

    fn partition(&mut self, partition: &Partition) {
        self.keyword("partition", &partition.options);
        self.with_expr("by ", &partition.by);
        self.optional(" in ", partition.scope.as_ref());
        self.push(" ");
        match &partition.body {
            PartitionBody::Subquery(query) => self.subquery(query),
            PartitionBody::Query(query) => self.block("{", "}", |p| p.expr(query)),
        }
    }

    fn scan(&mut self, scan: &Scan) {
        self.keyword("scan", &scan.options);
        if let Some(order) = &scan.order {
            self.push("order by ");
            self.list(order, Self::ordered);
            self.push(" ");
        }
        if let Some(partition) = &scan.partition {
            self.push("partition by ");
            self.list(partition, Self::expr);
            self.push(" ");
        }
        if let Some(declare) = &scan.declare {
            self.push("declare (");
            self.list(declare, Self::parameter);
            self.push(") ");
        }
        self.block("with (", ")", |p| {
            for (i, step) in scan.steps.iter().enumerate() {
                if i > 0 {
                    p.line();
                }
                p.scan_step(step);
            }
        });
    }

    fn scan_step(&mut self, step: &ScanStep) {
        self.push("step ");
        self.name(&step.name);
        self.push(if step.optional { " optional" } else { "" });
        self.push(match step.output {
            None => "",
            Some(StepOutput::All) => " output=all",
            Some(StepOutput::Last) => " output=last",
            Some(StepOutput::None) => " output=none",
        });
        self.with_expr(": ", &step.condition);
        if !step.assignments.is_empty() {
            self.push(" => ");
            self.list(&step.assignments, |p, (name, value)| {
                p.name(name);
                p.with_expr(" = ", value);
            });
        }
        self.push(";");
    }

    fn top_nested(&mut self, clause: &TopNested) {
        self.push("top-nested ");
        if let Some(count) = &clause.count {
            self.argument(count);
            self.push(" ");
        }
        self.push("of ");
        self.argument(&clause.of);
        self.optional(" with others = ", clause.others.as_ref());
        self.push(" by ");
        self.ordered(&clause.by);
    }

    fn make_graph(&mut self, graph: &MakeGraph) {
        self.keyword("make-graph", &graph.options);
        self.name(&graph.source);
        self.push(if graph.directed { " --> " } else { " -- " });
        self.name(&graph.target);
        if let Some(id) = &graph.node_id {
            self.push(" with_node_id=");
            self.name(id);
        } else if !graph.nodes.is_empty() {
            self.push(" with ");
            self.list(&graph.nodes, |p, (table, key)| {
                p.expr(table);
                p.push(" on ");
                p.name(key);
            });
        }
        if let Some((by, query)) = &graph.partitioned {
            self.with_expr(" partitioned-by ", by);
            self.push(" ");
            self.subquery(query);
        }
    }

    fn graph_pattern(&mut self, keyword: &str, pattern: &GraphPattern) {
        self.keyword(keyword, &pattern.options);
        self.list(&pattern.patterns, |p, row| row.iter().for_each(|node| p.graph_node(node)));
        self.optional(" where ", pattern.predicate.as_ref());
        if let Some(columns) = &pattern.project {
            self.push(" project ");
            self.list(columns, Self::argument);
        }
    }

    fn graph_node(&mut self, node: &GraphNode) {
        match node {
            GraphNode::Node(name) => {
                self.push("(");
                if let Some(name) = name {
                    self.name(name);
                }
                self.push(")");
            }
            GraphNode::Edge { direction, bracketed: false, .. } => self.push(match direction {
                EdgeDirection::Forward => "-->",
                EdgeDirection::Backward => "<--",
                EdgeDirection::Any | EdgeDirection::Both => "--",
            }),
            GraphNode::Edge { name, direction, range, .. } => {
                let left = matches!(direction, EdgeDirection::Backward | EdgeDirection::Both);
                let right = matches!(direction, EdgeDirection::Forward | EdgeDirection::Both);
                self.push(if left { "<-[" } else { "-[" });
                if let Some(name) = name {
                    self.name(name);
                }
                if let Some(range) = range {
                    self.with_expr("*", &range.0);
                    self.with_expr("..", &range.1);
                }
                self.push(if right { "]->" } else { "]-" });
            }
        }
    }
}
