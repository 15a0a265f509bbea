//! Settings of operators: `kind=inner`, `hint.strategy=shuffle`, `with (title="…", ycolumns=a, b)`.
//!
//! An operator declares the settings that it knows. In most places any setting that *some* operator knows is read as
//! one, so that the planner can say what is wrong with it. Which names they are is a fact of the language.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{Expr, ExprKind, Name, Option_, OptionValue, Options};
use super::lists::ListRule;
use super::names::Names;
use super::{Parsed, Parser};
use parallax_diagnostics::{Diagnostic, Span};

/// What the value of a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// A literal or a word.
    Any,
    /// One of these words, reserved ones included, or anything else that `Any` allows.
    Word(&'static [&'static str]),
    /// A path or a call.
    Path,
    /// A new name.
    Declared,
    /// A column.
    Column,
    /// Columns, separated by commas like the settings themselves.
    Columns,
}

/// A setting's name and value.
pub(super) type Spec = (&'static str, Value);

const STRATEGY: Value = Value::Word(&["auto", "broadcast", "centralized", "shuffle"]);
const PARTITION_STRATEGY: Value = Value::Word(&["shuffle", "native", "legacy"]);

/// What every operator may be given.
const KNOWN: &[Spec] = &[
    ("bagexpansion", Value::Word(&["bag", "array"])),
    ("bin_legacy", Value::Any),
    ("__crossCluster", Value::Any),
    ("__crossDB", Value::Any),
    ("decodeblocks", Value::Any),
    ("expandoutput", Value::Any),
    ("hint.concurrency", Value::Any),
    ("hint.distribution", Value::Word(&["single", "per_node", "per_shard", "default"])),
    ("hint.materialized", Value::Any),
    ("hint.num_partitions", Value::Any),
    ("hint.pass_filters", Value::Any),
    ("hint.pass_filters_column", Value::Column),
    ("hint.progressive_top", Value::Any),
    ("hint.remote", Value::Word(&["auto", "local"])),
    ("hint.shufflekey", Value::Column),
    ("hint.spread", Value::Any),
    ("hint.strategy", STRATEGY),
    ("__id", Value::Any),
    ("isfuzzy", Value::Any),
    ("__isFuzzy", Value::Any),
    ("kind", Value::Any),
    ("__noWithSource", Value::Any),
    ("__packedColumn", Value::Column),
    ("__sourceColumnIndex", Value::Any),
    ("cycles", Value::Word(&["none", "all", "unique_edges"])),
    ("with_match_id", Value::Declared),
    ("with_itemindex", Value::Declared),
    ("withsource", Value::Declared),
    ("with_source", Value::Declared),
    ("with_step_name", Value::Declared),
    ("force_remote", Value::Any),
];

/// Nothing beyond what every operator may be given.
pub(super) const NONE: &[Spec] = &[];
pub(super) const PARSE: &[Spec] = &[("kind", Value::Word(&["simple", "regex", "relaxed"])), ("flags", Value::Any)];
pub(super) const PARSE_KV: &[Spec] = &[
    ("pair_delimiter", Value::Any),
    ("kv_delimiter", Value::Any),
    ("regex", Value::Any),
    ("quote", Value::Any),
    ("escape", Value::Any),
    ("greedy", Value::Any),
];
pub(super) const PARTITION: &[Spec] = &[("hint.strategy", PARTITION_STRATEGY)];
pub(super) const REDUCE: &[Spec] = &[("threshold", Value::Any), ("characters", Value::Any)];
pub(super) const UNION: &[Spec] = &[("best_effort", Value::Any)];
pub(super) const SHORTEST_PATHS: &[Spec] = &[("output", Value::Any)];
pub(super) const MARK_COMPONENTS: &[Spec] = &[("with_component_id", Value::Declared)];
pub(super) const GRAPH_EDGES: &[Spec] = &[("with_source_id", Value::Declared), ("with_target_id", Value::Declared)];
pub(super) const GRAPH_NODES: &[Spec] = &[("with_node_id", Value::Declared)];
pub(super) const RENDER: &[Spec] = &[
    ("kind", Value::Any),
    ("title", Value::Path),
    ("accumulate", Value::Any),
    ("xcolumn", Value::Column),
    ("ycolumns", Value::Columns),
    ("anomalycolumns", Value::Columns),
    ("series", Value::Columns),
    ("xtitle", Value::Any),
    ("ytitle", Value::Any),
    ("xaxis", Value::Any),
    ("yaxis", Value::Any),
    ("legend", Value::Any),
    ("ysplit", Value::Any),
    ("ymin", Value::Any),
    ("ymax", Value::Any),
    ("xmin", Value::Any),
    ("xmax", Value::Any),
];
const NO_OPTIMIZATION: Value = Value::Word(&["nooptimization"]);

/// Which settings may stand in a place.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// What the operator declares itself.
    pub(super) own: &'static [Spec],
    /// Whether settings of other operators are read too.
    pub(super) any: bool,
    /// Whether a word is a setting only before `=`.
    pub(super) before_equal: bool,
}

impl Place {
    /// Only before `=`: where an expression may follow.
    pub(super) const fn before_equal(own: &'static [Spec]) -> Self {
        Place { own, any: true, before_equal: true }
    }

    /// The word alone decides.
    pub(super) const fn word(own: &'static [Spec]) -> Self {
        Place { own, any: true, before_equal: false }
    }

    /// Only the operator's own.
    pub(super) const fn declared(own: &'static [Spec]) -> Self {
        Place { own, any: false, before_equal: false }
    }
}

impl Parser<'_> {
    /// The setting that stands at `ahead`, and the number of its tokens.
    fn known_option(&self, place: Place, ahead: usize) -> Option<(Value, usize)> {
        if !matches!(self.peek_at(ahead), Kind::Identifier | Kind::Keyword(_)) {
            return None;
        }
        let others = if place.any { KNOWN } else { NONE };
        // The longest spelling wins: `hint.pass_filters_column`.
        let fits = place.own.iter().chain(others).filter_map(|(name, value)| {
            let count = self.spelled(ahead, name)?;
            (!place.before_equal || self.peek_at(ahead + count) == Kind::Equal).then_some((*value, count))
        });
        fits.reduce(|a, b| if b.1 > a.1 { b } else { a })
    }

    pub(super) fn setting_at(&self, place: Place, ahead: usize) -> bool {
        self.known_option(place, ahead).is_some()
    }

    /// `name=value name=value …`
    pub(super) fn options(&mut self, place: Place) -> Parsed<Options> {
        let mut options = Vec::new();
        while let Some(option) = self.option(place)? {
            options.push(option);
        }
        Ok(Options(options))
    }

    /// `name=value, name=value, …`
    pub(super) fn option_list(&mut self, place: Place) -> Parsed<Options> {
        let missing = |p: &Self| {
            let names: Vec<&str> = place.own.iter().map(|(name, _)| *name).collect();
            let diagnostic = p.expected("a setting, `name = value`");
            let word = p.text_of(p.token(0)).to_owned();
            Box::new(
                diagnostic.help(format!("the settings here are {}", names.join(", "))).suggest_or_keep(&word, &names),
            )
        };
        let options = self.list(ListRule::default(), |p| p.option(place), missing)?;
        if options.is_empty() && !self.at_common_end() {
            return Err(missing(self));
        }
        Ok(Options(options))
    }

    fn option(&mut self, place: Place) -> Parsed<Option<Option_>> {
        let Some((value, count)) = self.known_option(place, 0) else { return Ok(None) };
        let start = self.here();
        let name = self.option_name(count);
        self.expect(Kind::Equal, "=")?;
        let value = self.option_value(value, place)?;
        Ok(Some(Option_ { name, value, span: self.since(start) }))
    }

    fn option_name(&mut self, count: usize) -> Name {
        let start = self.here();
        self.at += count;
        let span = self.since(start);
        Name { text: span.of(self.text).to_owned(), placeholder: false, span }
    }

    fn option_value(&mut self, value: Value, place: Place) -> Parsed<OptionValue> {
        let found = match value {
            Value::Any => self.any_value()?,
            Value::Word(words) => match self.one_of(words) {
                Some(word) => Some(word),
                None => self.any_value()?,
            },
            Value::Path => self.path()?,
            Value::Declared | Value::Column => match self.name()? {
                Some(name) => Some(name_expr(name)),
                None => self.any_value()?,
            },
            Value::Columns => return self.option_columns(place).map(OptionValue::Names),
        };
        found.map(OptionValue::Expr).ok_or_else(|| match value {
            Value::Word(words) => self.expected_one_of(words),
            Value::Declared | Value::Column => self.missing_name(),
            _ => self.missing_value(),
        })
    }

    fn any_value(&mut self) -> Parsed<Option<Expr>> {
        if let Some(literal) = self.literal()? {
            return Ok(Some(literal));
        }
        Ok(self.name()?.map(name_expr))
    }

    /// Names up to something that is the next setting.
    fn option_columns(&mut self, place: Place) -> Parsed<Vec<Name>> {
        let known = Place { any: true, before_equal: false, ..place };
        let mut names = Vec::new();
        loop {
            let own = self.known_option(Place { any: false, before_equal: true, ..place }, 0).is_some();
            if own || self.at_common_end() {
                return Err(self.missing_name());
            }
            names.push(self.expect_name_of(Names::Declared)?);
            let over = self.peek() != Kind::Comma || self.known_option(known, 1).is_some();
            if over || matches!(self.peek_at(1), Kind::RightParen | Kind::Bar | Kind::Semicolon | Kind::End) {
                return Ok(names);
            }
            self.bump();
        }
    }

    /// One of some words, whatever else they are in the language.
    pub(super) fn one_of(&mut self, words: &[&str]) -> Option<Expr> {
        let count = words.iter().find_map(|word| self.spelled(0, word))?;
        let name = self.option_name(count);
        Some(name_expr(name))
    }

    pub(super) fn expected_one_of(&self, words: &[&str]) -> Box<Diagnostic> {
        let list: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
        let found = self.found();
        let message = format!("expected one of {}, found {found}", list.join(", "));
        let word = self.text_of(self.token(0)).to_owned();
        Box::new(self.error(codes::EXPECTED_VALUE, message).suggest(&word, words.iter().copied()))
    }

    pub(super) fn missing_value(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::EXPECTED_VALUE, format!("expected a literal or a word, found {found}"));
        Box::new(diagnostic.label("expected a value"))
    }

    /// `kind=nooptimization`
    pub(super) fn no_optimization(&mut self) -> Parsed<bool> {
        if !self.is(Keyword::Kind) || self.peek_at(1) != Kind::Equal {
            return Ok(false);
        }
        self.bump();
        self.bump();
        let value = self.option_value(NO_OPTIMIZATION, Place::word(NONE))?;
        match value {
            OptionValue::Expr(Expr { kind: ExprKind::Name(name), .. }) if name.text == "nooptimization" => Ok(true),
            _ => {
                self.at -= 1;
                Err(self.expected_one_of(&["nooptimization"]))
            }
        }
    }

    /// `with (name = value, …)` of `externaldata` and `restrict`, where every name is allowed.
    pub(super) fn with_clause(&mut self) -> Parsed<Vec<Option_>> {
        if self.eat_keyword(Keyword::With).is_none() {
            return Ok(Vec::new());
        }
        self.expect(Kind::LeftParen, "(")?;
        let options = self.list(ListRule::default(), Self::free_option, |p| p.expected("`name = value`"))?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(options)
    }

    fn free_option(&mut self) -> Parsed<Option<Option_>> {
        let start = self.here();
        let Some(name) = self.name_of(Names::Declared)? else { return Ok(None) };
        self.expect(Kind::Equal, "=")?;
        let value = self.free_option_value()?;
        Ok(Some(Option_ { name, value: OptionValue::Expr(value), span: self.since(start) }))
    }

    fn free_option_value(&mut self) -> Parsed<Expr> {
        use super::super::tree::{Literal, ScalarType as T};
        let span = self.here();
        match self.peek() {
            Kind::RawGuid => {
                let guid = self.text_of(self.token(0)).to_lowercase();
                self.bump();
                Ok(Expr { kind: ExprKind::Literal(Literal::Guid(Some(guid))), span })
            }
            Kind::String | Kind::Long | Kind::Real | Kind::Bool => self.literal()?.ok_or_else(|| self.missing_value()),
            Kind::Typed(T::Long | T::Real | T::Bool | T::DateTime | T::Guid) => {
                self.literal()?.ok_or_else(|| self.missing_value())
            }
            _ => match self.name_of(Names::Declared)? {
                Some(name) => Ok(name_expr(name)),
                None => Err(self.missing_value()),
            },
        }
    }

    /// `datascope = hotcache`; only where the keyword stands.
    pub(super) fn expect_data_scope(&mut self) -> Parsed<String> {
        self.bump();
        self.expect(Kind::Equal, "=")?;
        let words = ["all", "hotcache"];
        match words.iter().find(|word| self.spelled(0, word).is_some()) {
            Some(word) => {
                self.bump();
                Ok((*word).to_owned())
            }
            None => Err(self.expected_one_of(&words)),
        }
    }

    /// A setting of the deprecated `render`, without `=` where the language has none.
    pub(super) fn deprecated_render_option(&mut self) -> Parsed<Option<Option_>> {
        let start = self.here();
        let next = self.peek_at(1);
        let value = match self.peek() {
            Kind::Keyword(Keyword::Kind | Keyword::Title | Keyword::Accumulate) if next == Kind::Equal => {
                return self.option(Place { own: RENDER, any: false, before_equal: true });
            }
            Kind::Keyword(Keyword::With) if next != Kind::LeftParen => Value::Any,
            Kind::Keyword(Keyword::By) => Value::Columns,
            _ => return Ok(None),
        };
        let name = self.option_name(1);
        let value = match value {
            Value::Columns => OptionValue::Names(self.deprecated_render_columns()?),
            _ => OptionValue::Expr(self.any_value()?.ok_or_else(|| self.missing_value())?),
        };
        Ok(Some(Option_ { name, value, span: self.since(start) }))
    }

    fn deprecated_render_columns(&mut self) -> Parsed<Vec<Name>> {
        let ends = [Keyword::Kind, Keyword::Title, Keyword::Accumulate, Keyword::With, Keyword::By];
        let rule = ListRule { some: true, ends: &ends, ..ListRule::default() };
        let end = |p: &Self| matches!(p.peek(), Kind::Keyword(k) if ends.contains(&k));
        self.list_until(end, rule, |p| p.name_of(Names::Declared), |p| p.missing_name())
    }
}

pub(super) fn name_expr(name: Name) -> Expr {
    let span: Span = name.span;
    Expr { kind: ExprKind::Name(name), span }
}

/// A suggestion where there is one, else the help that is there.
trait SuggestOrKeep {
    fn suggest_or_keep(self, word: &str, known: &[&str]) -> Self;
}

impl SuggestOrKeep for Diagnostic {
    fn suggest_or_keep(self, word: &str, known: &[&str]) -> Self {
        match parallax_diagnostics::did_you_mean(word, known.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}
