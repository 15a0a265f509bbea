//! Operators that take rows apart or look at them in order: `parse`, `mv-expand`, `make-series`, `scan`, `top-nested`.

use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{
    Argument, Expanded, Expr, Literal, MakeSeries, MvApply, Name, OperatorKind, Options, Parse, ParsePart, Scan,
    ScanStep, SeriesRange, StepOutput, TopNested,
};
use super::lists::ListRule;
use super::names::Names;
use super::options::{self, Place};
use super::{Parsed, Parser};

const SOME: ListRule<'static> = ListRule { some: true, trailing: false, ends: &[] };
const ANY: ListRule<'static> = ListRule { some: false, trailing: false, ends: &[] };
const HINTS: Place = Place::before_equal(options::NONE);

impl Parser<'_> {
    pub(super) fn make_series(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let rule = ListRule { ends: &[Keyword::On, Keyword::From, Keyword::In], ..SOME };
        let aggregates = self.list(rule, Self::series, |p| p.missing_expression())?;
        self.expect_keyword(Keyword::On)?;
        let on = self.expect_named()?;
        let range = self.series_range()?;
        let by = if self.eat_keyword(Keyword::By).is_some() { Some(self.named_list(SOME)?) } else { None };
        Ok(OperatorKind::MakeSeries(Box::new(MakeSeries { options, aggregates, on, range, by })))
    }

    fn series(&mut self) -> Parsed<Option<(Argument, Option<Argument>)>> {
        let Some(value) = self.named()? else { return Ok(None) };
        let default = if self.eat_keyword(Keyword::Default).is_some() {
            self.expect(Kind::Equal, "=")?;
            Some(self.expect_named()?)
        } else {
            None
        };
        Ok(Some((value, default)))
    }

    fn series_range(&mut self) -> Parsed<SeriesRange> {
        let bounded = [Keyword::From, Keyword::To, Keyword::Step].iter().any(|k| self.is(*k));
        if bounded {
            let from = self.after(Keyword::From)?.map(Box::new);
            let to = self.after(Keyword::To)?.map(Box::new);
            self.expect_keyword(Keyword::Step)?;
            let step = Box::new(self.expect_scalar()?);
            return Ok(SeriesRange::Step { from, to, step });
        }
        if !self.is(Keyword::In) {
            return Err(self.expected("`from`, `to`, `step` or `in range(…)`"));
        }
        self.bump();
        self.expect_keyword(Keyword::Range)?;
        self.expect(Kind::LeftParen, "(")?;
        let bounds = self.named_list(ANY)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(SeriesRange::InRange(bounds))
    }

    /// `keyword expression`
    fn after(&mut self, keyword: Keyword) -> Parsed<Option<Expr>> {
        if self.eat_keyword(keyword).is_some() { Ok(Some(self.expect_scalar()?)) } else { Ok(None) }
    }

    pub(super) fn mv_expand(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let rule = ListRule { ends: &[Keyword::Limit], ..SOME };
        let columns = self.list(rule, Self::expanded, |p| p.missing_expression())?;
        let limit = self.after(Keyword::Limit)?;
        Ok(OperatorKind::MvExpand { options, columns, limit })
    }

    fn expanded(&mut self) -> Parsed<Option<Expanded>> {
        let start = self.here();
        if self.is(Keyword::To) {
            return Err(self.missing_expression());
        }
        let Some(value) = self.named()? else { return Ok(None) };
        let to = self.target_type()?;
        Ok(Some(Expanded { value: Some(value), to, span: self.since(start) }))
    }

    /// `to typeof(…)`
    fn target_type(&mut self) -> Parsed<Option<Expr>> {
        if self.eat_keyword(Keyword::To).is_none() {
            return Ok(None);
        }
        match self.type_of()? {
            Some(ty) => Ok(Some(ty)),
            None => Err(self.expected("`typeof(…)`")),
        }
    }

    pub(super) fn mv_apply(&mut self) -> Parsed<OperatorKind> {
        let options = self.options(HINTS)?;
        let columns = self.applied()?;
        let limit = self.after(Keyword::Limit)?;
        let id = self.after(Keyword::Id)?;
        self.expect_keyword(Keyword::On)?;
        self.expect(Kind::LeftParen, "(")?;
        let query = self.expect_subquery()?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(OperatorKind::MvApply(Box::new(MvApply { options, columns, limit, id, query })))
    }

    fn applied(&mut self) -> Parsed<Vec<Expanded>> {
        if self.is(Keyword::To) {
            let start = self.here();
            let to = self.target_type()?;
            return Ok(vec![Expanded { value: None, to, span: self.since(start) }]);
        }
        self.list_until(Self::at_applied_end, SOME, Self::expanded, |p| p.missing_expression())
    }

    /// `limit`, `id` and `on` may be columns: what follows decides.
    fn at_applied_end(&self) -> bool {
        let clause = [Keyword::Limit, Keyword::Id, Keyword::On].iter().any(|k| self.is(*k));
        let column = matches!(self.peek_at(1), Kind::Comma | Kind::Equal | Kind::Keyword(Keyword::To));
        clause && !column || self.at_common_end()
    }

    pub(super) fn parse_operator(&mut self) -> Parsed<Parse> {
        let options = self.options(Place::before_equal(options::PARSE))?;
        let value = self.expect_scalar()?;
        self.expect_keyword(Keyword::With)?;
        let mut parts = Vec::new();
        while let Some(part) = self.parse_part()? {
            parts.push(part);
        }
        Ok(Parse { options, value, parts })
    }

    fn parse_part(&mut self) -> Parsed<Option<ParsePart>> {
        let start = self.here();
        if self.eat(Kind::Star).is_some() {
            return Ok(Some(ParsePart::Star(start)));
        }
        if self.peek() == Kind::String {
            let Literal::String { value, hidden } = self.strings() else { return Ok(None) };
            return Ok(Some(ParsePart::Text { value, hidden, span: self.since(start) }));
        }
        if self.peek() == Kind::Colon {
            return Err(self.missing_name());
        }
        let Some(name) = self.name_of(Names::Declared)? else { return Ok(None) };
        let ty = if self.eat(Kind::Colon).is_some() { Some(self.expect_scalar_type()?) } else { None };
        Ok(Some(ParsePart::Column { name, ty }))
    }

    pub(super) fn parse_kv(&mut self) -> Parsed<OperatorKind> {
        let value = self.expect_scalar()?;
        self.expect_keyword(Keyword::As)?;
        let keys = self.expect_schema()?;
        let options = if self.eat_keyword(Keyword::With).is_some() {
            self.expect(Kind::LeftParen, "(")?;
            let options = self.option_list(Place::declared(options::PARSE_KV))?;
            self.close_list(Kind::RightParen, ")")?;
            options
        } else {
            Options::default()
        };
        Ok(OperatorKind::ParseKv { value, keys, options })
    }

    pub(super) fn scan(&mut self) -> Parsed<OperatorKind> {
        const ENDS: &[Keyword] = &[Keyword::Partition, Keyword::Order, Keyword::By, Keyword::Declare, Keyword::With];
        let rule = ListRule { ends: ENDS, ..SOME };
        let options = self.options(Place::word(options::NONE))?;
        let order = if self.eat_keyword(Keyword::Order).is_some() {
            self.expect_keyword(Keyword::By)?;
            Some(self.list(rule, Self::ordered, |p| p.missing_expression())?)
        } else {
            None
        };
        let partition = if self.eat_keyword(Keyword::Partition).is_some() {
            self.expect_keyword(Keyword::By)?;
            Some(self.list(rule, Self::scalar, |p| p.missing_expression())?)
        } else {
            None
        };
        let declare = if self.eat_keyword(Keyword::Declare).is_some() {
            self.expect(Kind::LeftParen, "(")?;
            let parameters = self.parameters(false)?;
            self.close_list(Kind::RightParen, ")")?;
            Some(parameters)
        } else {
            None
        };
        let steps = self.scan_steps()?;
        Ok(OperatorKind::Scan(Box::new(Scan { options, order, partition, declare, steps })))
    }

    fn scan_steps(&mut self) -> Parsed<Vec<ScanStep>> {
        self.expect_keyword(Keyword::With)?;
        self.expect(Kind::LeftParen, "(")?;
        let mut steps = Vec::new();
        while self.is(Keyword::Step) {
            steps.push(self.scan_step()?);
        }
        self.expect(Kind::RightParen, ")")?;
        Ok(steps)
    }

    fn scan_step(&mut self) -> Parsed<ScanStep> {
        let start = self.bump().span();
        let name = self.expect_name_of(Names::Declared)?;
        let optional = self.eat_keyword(Keyword::Optional).is_some();
        let output = if self.eat_keyword(Keyword::Output).is_some() { Some(self.step_output()?) } else { None };
        self.expect(Kind::Colon, ":")?;
        let condition = self.expect_scalar()?;
        let assignments = if self.eat(Kind::FatArrow).is_some() {
            self.list(SOME, Self::assignment, |p| p.missing_name())?
        } else {
            Vec::new()
        };
        self.expect(Kind::Semicolon, ";")?;
        Ok(ScanStep { name, optional, output, condition, assignments, span: self.since(start) })
    }

    fn step_output(&mut self) -> Parsed<StepOutput> {
        self.expect(Kind::Equal, "=")?;
        for (word, output) in [("all", StepOutput::All), ("last", StepOutput::Last), ("none", StepOutput::None)] {
            if self.eat_spelled(word).is_some() {
                return Ok(output);
            }
        }
        Err(self.expected_one_of(&["all", "last", "none"]))
    }

    fn assignment(&mut self) -> Parsed<Option<(Name, Expr)>> {
        let Some(name) = self.name_of(Names::Declared)? else { return Ok(None) };
        self.expect(Kind::Equal, "=")?;
        Ok(Some((name, self.expect_scalar()?)))
    }

    /// `top-nested … , top-nested …`; the keyword belongs to every clause.
    pub(super) fn top_nested(&mut self) -> Parsed<OperatorKind> {
        let clauses = self.list(SOME, Self::top_nested_clause, |p| p.expected("`top-nested`"))?;
        Ok(OperatorKind::TopNested(clauses))
    }

    fn top_nested_clause(&mut self) -> Parsed<Option<TopNested>> {
        if self.eat_keyword(Keyword::TopNested).is_none() {
            return Ok(None);
        }
        let count = self.named()?;
        self.expect_keyword(Keyword::Of)?;
        let of = self.expect_named()?;
        let others = if self.eat_keyword(Keyword::With).is_some() {
            self.expect_keyword(Keyword::Others)?;
            self.expect(Kind::Equal, "=")?;
            match self.literal()? {
                Some(literal) => Some(literal),
                None => Some(self.expect_scalar()?),
            }
        } else {
            None
        };
        self.expect_keyword(Keyword::By)?;
        Ok(Some(TopNested { count, of, others, by: self.expect_ordered()? }))
    }
}
