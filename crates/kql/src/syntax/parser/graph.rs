//! The operators over graphs.

use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{EdgeDirection, Expr, GraphNode, GraphOutput, GraphPattern, MakeGraph, Name, OperatorKind};
use super::lists::{ListRule, SOME};
use super::options::{self, Place, Spec};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn make_graph(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(Place::before_equal(options::NONE))?;
        let source = self.expect_name()?;
        let directed = self.eat_spelled("-->").is_some();
        if !directed && self.eat_spelled("--").is_none() {
            return Err(self.expected("`-->` or `--`"));
        }
        let target = self.expect_name()?;
        let mut node_id = None;
        let mut nodes = Vec::new();
        if self.eat_keyword(Keyword::WithNodeId).is_some() {
            self.expect(Kind::Equal, "=")?;
            node_id = Some(self.expect_name()?);
        } else if self.eat_keyword(Keyword::With).is_some() {
            let rule = ListRule { ends: &[Keyword::PartitionedBy], ..SOME };
            nodes = self.list(rule, Self::node_table, |p| p.missing_expression())?;
        }
        let partitioned = if self.eat_keyword(Keyword::PartitionedBy).is_some() {
            let by = self.expect_simple_path()?;
            self.expect(Kind::LeftParen, "(")?;
            let query = self.expect_subquery()?;
            self.close_list(Kind::RightParen, ")")?;
            Some((by, query))
        } else {
            None
        };
        let graph = MakeGraph { options, source, directed, target, nodes, node_id, partitioned };
        Ok(OperatorKind::MakeGraph(Box::new(graph)))
    }

    /// `T on Key`
    fn node_table(&mut self) -> Parsed<Option<(Expr, Name)>> {
        let Some(table) = self.nested(Self::signed)? else { return Ok(None) };
        self.expect_keyword(Keyword::On)?;
        Ok(Some((table, self.expect_name()?)))
    }

    pub(super) fn graph_pattern(&mut self, own: &'static [Spec]) -> Parsed<GraphPattern> {
        let options = self.options(Place::before_equal(own))?;
        let patterns =
            self.list_until(|_| false, SOME, Self::graph_row, |p| p.expected("a pattern, such as `(a)-[b]->(c)`"))?;
        let predicate = if self.eat_keyword(Keyword::Where).is_some() { Some(self.expect_expr()?) } else { None };
        let project = if self.eat_keyword(Keyword::Project).is_some() { Some(self.named_list(SOME)?) } else { None };
        Ok(GraphPattern { options, patterns, predicate, project })
    }

    fn graph_row(&mut self) -> Parsed<Option<Vec<GraphNode>>> {
        let mut row = Vec::new();
        while let Some(node) = self.graph_node()? {
            row.push(node);
        }
        Ok((!row.is_empty()).then_some(row))
    }

    fn graph_node(&mut self) -> Parsed<Option<GraphNode>> {
        if self.eat(Kind::LeftParen).is_some() {
            let name = self.name()?;
            self.expect(Kind::RightParen, ")")?;
            return Ok(Some(GraphNode::Node(name)));
        }
        let plain = [("-->", EdgeDirection::Forward), ("<--", EdgeDirection::Backward), ("--", EdgeDirection::Any)];
        for (text, direction) in plain {
            if self.eat_spelled(text).is_some() {
                return Ok(Some(GraphNode::Edge { name: None, direction, range: None, bracketed: false }));
            }
        }
        let left = self.eat_spelled("<-[").is_some();
        if !left && self.eat_spelled("-[").is_none() {
            return Ok(None);
        }
        let name = self.name()?;
        let range = self.edge_range()?;
        let right = self.eat_spelled("]->").is_some();
        if !right && self.eat_spelled("]-").is_none() {
            return Err(self.expected("`]->` or `]-`"));
        }
        let direction = match (left, right) {
            (true, true) => EdgeDirection::Both,
            (true, false) => EdgeDirection::Backward,
            (false, true) => EdgeDirection::Forward,
            (false, false) => EdgeDirection::Any,
        };
        Ok(Some(GraphNode::Edge { name, direction, range, bracketed: true }))
    }

    /// `*1..3`
    fn edge_range(&mut self) -> Parsed<Option<Box<(Expr, Expr)>>> {
        if self.eat(Kind::Star).is_none() {
            return Ok(None);
        }
        let from = self.nested(Self::signed)?.ok_or_else(|| self.missing_expression())?;
        self.expect(Kind::DotDot, "..")?;
        let to = self.nested(Self::signed)?.ok_or_else(|| self.missing_expression())?;
        Ok(Some(Box::new((from, to))))
    }

    pub(super) fn graph_outputs(&mut self) -> Parsed<Vec<GraphOutput>> {
        self.list_until(|_| false, SOME, Self::graph_output, |p| p.expected("`nodes` or `edges`"))
    }

    fn graph_output(&mut self) -> Parsed<Option<GraphOutput>> {
        let edges = match self.peek() {
            Kind::Keyword(Keyword::Nodes) => false,
            Kind::Keyword(Keyword::Edges) => true,
            _ => return Ok(None),
        };
        self.bump();
        let name = if self.eat_keyword(Keyword::As).is_some() { Some(self.expect_name()?) } else { None };
        let own = if edges { options::GRAPH_EDGES } else { options::GRAPH_NODES };
        let options = self.options(Place::before_equal(own))?;
        Ok(Some(GraphOutput { edges, name, options }))
    }
}
