//! Which words begin operators, and what reads each of them.

use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::OperatorKind;
use super::lists::{ANY, SOME};
use super::names::Names;
use super::options::{self, Place};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// Whether what stands here can only be an operator, although many of their names may also be names.
    pub(super) fn begins_operator(&self) -> bool {
        use Keyword as K;
        let Kind::Keyword(keyword) = self.peek() else { return false };
        let next = self.peek_at(1);
        let known = Place::word(options::NONE);
        let setting = || self.setting_at(known, 1);
        match keyword {
            K::Evaluate => self.name_length(1, Names::Used).is_some() || setting(),
            K::Facet => next == Kind::Keyword(K::By),
            K::Partition | K::Reduce => next == Kind::Keyword(K::By) || setting(),
            K::Range => self.name_length(1, Names::Used).is_some_and(|n| self.peek_at(1 + n) == Kind::Keyword(K::From)),
            K::InlineExternalTable => matches!(next, Kind::LeftParen | Kind::Keyword(K::Kind)),
            K::Render => {
                let chart = super::tables::CHARTS.iter().any(|c| self.spelled(1, c).is_some());
                chart || self.is_word(1, Names::Used)
            }
            keyword => !keyword.is_name() && OPERATORS.contains(&keyword),
        }
    }

    /// What reads the rest of an operator.
    ///
    /// Pointers, not a `match` that calls them: in a build without optimisation that function would keep room on the
    /// stack for the result of every arm, and subqueries nest through it.
    pub(super) fn operator_reader(keyword: Keyword) -> fn(&mut Self) -> Parsed<OperatorKind> {
        use Keyword as K;
        match keyword {
            K::As => Self::as_operator,
            K::AssertSchema => |p| p.expect_schema().map(OperatorKind::AssertSchema),
            K::Consume => |p| p.options(Place::word(options::NONE)).map(OperatorKind::Consume),
            K::Count => Self::count,
            K::Distinct => Self::distinct,
            K::Evaluate => Self::evaluate,
            K::InternalExecuteAndCache => |_| Ok(OperatorKind::ExecuteAndCache),
            K::Extend => |p| p.named_list(SOME).map(OperatorKind::Extend),
            K::Facet => Self::facet,
            K::Filter | K::Where => Self::filter,
            K::Find => Self::find,
            K::Fork => Self::fork,
            K::Getschema => Self::get_schema,
            K::GraphMarkComponents => Self::graph_mark_components,
            K::GraphMatch => |p| p.graph_pattern(options::NONE).map(OperatorKind::GraphMatch),
            K::GraphShortestPaths => |p| p.graph_pattern(options::SHORTEST_PATHS).map(OperatorKind::GraphShortestPaths),
            K::GraphToTable => |p| p.graph_outputs().map(OperatorKind::GraphToTable),
            K::GraphWhereEdges => |p| p.expect_scalar().map(OperatorKind::GraphWhereEdges),
            K::GraphWhereNodes => |p| p.expect_scalar().map(OperatorKind::GraphWhereNodes),
            K::Invoke => |p| p.invoked().map(OperatorKind::Invoke),
            K::Join => |p| p.join().map(OperatorKind::Join),
            K::Lookup => |p| p.lookup().map(OperatorKind::Lookup),
            K::MacroExpand => Self::macro_expand,
            K::MakeGraph => Self::make_graph,
            K::MakeSeries => Self::make_series,
            K::MvApply | K::MvDashApply => Self::mv_apply,
            K::MvExpand | K::MvDashExpand => Self::mv_expand,
            K::Parse => |p| p.parse_operator().map(OperatorKind::Parse),
            K::ParseWhere => |p| p.parse_operator().map(OperatorKind::ParseWhere),
            K::ParseKv => Self::parse_kv,
            K::Partition => Self::partition,
            K::InternalPartitionby => Self::partition_by,
            K::Print => |p| p.named_list(SOME).map(OperatorKind::Print),
            K::Project => |p| p.named_list(ANY).map(OperatorKind::Project),
            K::ProjectAway => |p| p.name_patterns().map(OperatorKind::ProjectAway),
            K::ProjectByNames => Self::project_by_names,
            K::ProjectKeep => |p| p.name_patterns().map(OperatorKind::ProjectKeep),
            K::ProjectRename => |p| p.named_list(ANY).map(OperatorKind::ProjectRename),
            K::ProjectReorder => Self::project_reorder,
            K::Range => Self::range,
            K::Reduce => Self::reduce,
            K::Render => Self::render,
            K::Sample => Self::sample,
            K::SampleDistinct => Self::sample_distinct,
            K::Scan => Self::scan,
            K::Search => Self::search,
            K::Serialize => Self::serialize,
            K::Sort | K::Order => Self::sort,
            K::Summarize => |p| p.summarize().map(OperatorKind::Summarize),
            K::Take | K::Limit => Self::take,
            K::Top => Self::top,
            K::TopHitters => Self::top_hitters,
            K::TopNested => Self::top_nested,
            K::Union => Self::union,
            _ => |p| Err(p.missing_operator()),
        }
    }
}

/// The words that operators begin with.
pub(super) const OPERATORS: &[Keyword] = &[
    Keyword::As,
    Keyword::AssertSchema,
    Keyword::Consume,
    Keyword::Count,
    Keyword::Distinct,
    Keyword::Evaluate,
    Keyword::InternalExecuteAndCache,
    Keyword::Extend,
    Keyword::Facet,
    Keyword::Filter,
    Keyword::Find,
    Keyword::Fork,
    Keyword::Getschema,
    Keyword::GraphMarkComponents,
    Keyword::GraphMatch,
    Keyword::GraphShortestPaths,
    Keyword::GraphToTable,
    Keyword::GraphWhereEdges,
    Keyword::GraphWhereNodes,
    Keyword::InlineExternalTable,
    Keyword::Invoke,
    Keyword::Join,
    Keyword::Limit,
    Keyword::Lookup,
    Keyword::MacroExpand,
    Keyword::MakeGraph,
    Keyword::MakeSeries,
    Keyword::MvApply,
    Keyword::MvDashApply,
    Keyword::MvDashExpand,
    Keyword::MvExpand,
    Keyword::Order,
    Keyword::Parse,
    Keyword::ParseKv,
    Keyword::ParseWhere,
    Keyword::Partition,
    Keyword::InternalPartitionby,
    Keyword::Print,
    Keyword::Project,
    Keyword::ProjectAway,
    Keyword::ProjectByNames,
    Keyword::ProjectKeep,
    Keyword::ProjectRename,
    Keyword::ProjectReorder,
    Keyword::Range,
    Keyword::Reduce,
    Keyword::Render,
    Keyword::Sample,
    Keyword::SampleDistinct,
    Keyword::Scan,
    Keyword::Search,
    Keyword::Serialize,
    Keyword::Sort,
    Keyword::Summarize,
    Keyword::Take,
    Keyword::Top,
    Keyword::TopHitters,
    Keyword::TopNested,
    Keyword::Union,
    Keyword::Where,
];
