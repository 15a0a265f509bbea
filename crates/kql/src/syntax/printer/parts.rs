//! What tabular operators are made of.

use super::super::tree::{
    EdgeDirection, Expanded, Expr, Find, FindColumn, GraphNode, GraphPattern, Join, JoinCondition, MakeGraph,
    MakeSeries, MvApply, Order, Ordered, Parse, ParsePart, Partition, PartitionBody, Scan, ScanStep, Search,
    SeriesRange, StepOutput, Summarize, TopNested,
};
use super::Printer;

impl Printer {
    pub(super) fn order(&mut self, order: Option<Order>) {
        self.push(match order {
            None => "",
            Some(Order::Asc) => " asc",
            Some(Order::Desc) => " desc",
            Some(Order::GrannyAsc) => " granny-asc",
            Some(Order::GrannyDesc) => " granny-desc",
        });
    }

    pub(super) fn ordered(&mut self, ordered: &Ordered) {
        self.argument(&ordered.value);
        self.order(ordered.order);
        self.push(match ordered.nulls_first {
            None => "",
            Some(true) => " nulls first",
            Some(false) => " nulls last",
        });
    }

    pub(super) fn summarize(&mut self, summarize: &Summarize) {
        self.keyword("summarize", &summarize.options);
        self.list(&summarize.aggregates, Self::argument);
        if let Some(by) = &summarize.by {
            self.push(if summarize.aggregates.is_empty() { "by " } else { " by " });
            self.list(by, Self::argument);
        }
        self.optional(" bin=", summarize.bin.as_ref());
    }

    pub(super) fn join(&mut self, keyword: &str, join: &Join) {
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

    pub(super) fn find(&mut self, find: &Find) {
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

    pub(super) fn scope(&mut self, scope: Option<&str>) {
        if let Some(scope) = scope {
            self.push("datascope=");
            self.push(scope);
            self.push(" ");
        }
    }

    pub(super) fn tables(&mut self, tables: Option<&[Expr]>) {
        if let Some(tables) = tables {
            self.push("in (");
            self.list(tables, Self::expr);
            self.push(") ");
        }
    }

    pub(super) fn find_column(&mut self, column: &FindColumn) {
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

    pub(super) fn search(&mut self, search: &Search) {
        self.keyword("search", &search.options);
        self.scope(search.scope.as_deref());
        self.tables(search.tables.as_deref());
        self.expr(&search.predicate);
    }

    pub(super) fn expanded(&mut self, expanded: &Expanded) {
        if let Some(value) = &expanded.value {
            self.argument(value);
        }
        if let Some(to) = &expanded.to {
            self.push(if expanded.value.is_some() { " to " } else { "to " });
            self.expr(to);
        }
    }

    pub(super) fn mv_apply(&mut self, apply: &MvApply) {
        self.keyword("mv-apply", &apply.options);
        self.list(&apply.columns, Self::expanded);
        self.optional(" limit ", apply.limit.as_ref());
        self.optional(" id ", apply.id.as_ref());
        self.push(" on ");
        self.subquery(&apply.query);
    }

    pub(super) fn make_series(&mut self, series: &MakeSeries) {
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

    pub(super) fn parse(&mut self, keyword: &str, parse: &Parse) {
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

    pub(super) fn partition(&mut self, partition: &Partition) {
        self.keyword("partition", &partition.options);
        self.with_expr("by ", &partition.by);
        self.optional(" in ", partition.scope.as_ref());
        self.push(" ");
        match &partition.body {
            PartitionBody::Subquery(query) => self.subquery(query),
            PartitionBody::Query(query) => self.block("{", "}", |p| p.expr(query)),
        }
    }

    pub(super) fn scan(&mut self, scan: &Scan) {
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

    pub(super) fn scan_step(&mut self, step: &ScanStep) {
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

    pub(super) fn top_nested(&mut self, clause: &TopNested) {
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

    pub(super) fn make_graph(&mut self, graph: &MakeGraph) {
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

    pub(super) fn graph_pattern(&mut self, keyword: &str, pattern: &GraphPattern) {
        self.keyword(keyword, &pattern.options);
        self.list(&pattern.patterns, |p, row| row.iter().for_each(|node| p.graph_node(node)));
        self.optional(" where ", pattern.predicate.as_ref());
        if let Some(columns) = &pattern.project {
            self.push(" project ");
            self.list(columns, Self::argument);
        }
    }

    pub(super) fn graph_node(&mut self, node: &GraphNode) {
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
