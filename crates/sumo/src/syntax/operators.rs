//! The stages of the pipeline.

use super::codes;
use super::cursor::{Cursor, Result, Token};
use super::tree::{
    At, Expr, ExprKind, FillKey, FillMissing, Join, Lookup, Name, Operator, OperatorKind, Running, RunningFunction,
    SortKey, Text, Timeslice, TimesliceWidth,
};
use super::words::{AGGREGATES, OPERATORS, VERBATIM, find};
use parallax_diagnostics::{Diagnostic, Span};

impl Cursor<'_> {
    /// Whether an operator (and not a scope) begins here.
    pub(super) fn at_operator(&mut self) -> Result<bool> {
        let Ok(Token::Word(word)) = self.peek() else { return Ok(false) };
        if ![OPERATORS, AGGREGATES, VERBATIM].iter().any(|list| find(list, word).is_some()) {
            return Ok(false);
        }
        // `where`, `json` and the like could also be keywords of a scope; a scope has no quotes or names after them.
        Ok(true)
    }

    /// One stage.
    pub(super) fn operator(&mut self) -> Result<Operator> {
        let start = self.here()?;
        let kind = self.operator_kind()?;
        let at = self.since(start);
        match self.peek()? {
            Token::End | Token::Symbol("|" | ")" | "]") | Token::Parameter(_) => Ok(Operator { kind, at }),
            _ => {
                let mut d = self.unexpected("`|` or the end of the query", codes::UNEXPECTED);
                if self.text.get(at.0.end..d.span.start).is_some_and(|gap| gap.contains('\n')) {
                    d.help = Some("one text is one query: give each its own file".to_owned());
                }
                Err(match &kind {
                    OperatorKind::Assign { value: Expr { kind: ExprKind::Field(word), .. }, alias: None } => {
                        unknown_operator(word, at.0)
                    }
                    _ => d,
                })
            }
        }
    }

    fn operator_kind(&mut self) -> Result<OperatorKind> {
        if let Token::Word(word) = self.peek()?
            && !self.word_is_a_field()?
        {
            if let Some(name) = find(OPERATORS, word) {
                return self.known_operator(name);
            }
            if find(AGGREGATES, word).is_some() {
                return self.aggregate(false);
            }
            if let Some(name) = find(VERBATIM, word) {
                self.bump()?;
                return self.verbatim(name);
            }
        }
        self.assignment()
    }

    /// Whether the word here is followed by something that makes it a field of an expression: `total / 2 as half`,
    /// `values as v`, `first = "x"`, `limit_x`.
    fn word_is_a_field(&mut self) -> Result<bool> {
        let (pos, last) = (self.pos, self.last);
        let Token::Word(word) = self.bump()? else { return Ok(false) };
        let countlike = find(AGGREGATES, word).is_some();
        // `save /shared/t`, and not `save / 2 as half`.
        let after = &self.text[self.last..];
        let directly = |rest: &str| rest.strip_prefix('/').is_some_and(|r| !r.starts_with(char::is_whitespace));
        let place =
            word.eq_ignore_ascii_case("save") && after.starts_with(char::is_whitespace) && directly(after.trim_start());
        let field = match self.peek()? {
            Token::Symbol("/") if place => false,
            Token::Symbol("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" | "=~" | "?" | "/") => true,
            Token::Symbol("+") => !["sort", "order", "trace"].iter().any(|w| w.eq_ignore_ascii_case(word)),
            Token::Symbol("-") => !["fields", "sort", "order", "trace"].iter().any(|w| w.eq_ignore_ascii_case(word)),
            Token::Symbol("*") => false,
            Token::Word(w) if w.eq_ignore_ascii_case("as") => !countlike,
            // `where matches(f, "re")` is a call.
            Token::Word(w) if w.eq_ignore_ascii_case("matches") => !word.eq_ignore_ascii_case("where"),
            // `max(a, b) as c` is the larger of two, not an aggregate; so are functions named like operators.
            Token::Symbol("(") => {
                (word.eq_ignore_ascii_case("max") || word.eq_ignore_ascii_case("min")) && self.call_has_two()?
            }
            _ => false,
        };
        (self.pos, self.last) = (pos, last);
        Ok(field)
    }

    /// Whether the call whose parenthesis stands here has more than one argument.
    fn call_has_two(&mut self) -> Result<bool> {
        let mut depth = 0;
        loop {
            match self.bump()? {
                Token::Symbol("(") => depth += 1,
                Token::Symbol(")") if depth == 1 => return Ok(false),
                Token::Symbol(")") => depth -= 1,
                Token::Symbol(",") if depth == 1 => return Ok(true),
                Token::Symbol("|") | Token::End => return Ok(false),
                _ => {}
            }
        }
    }

    fn known_operator(&mut self, name: &'static str) -> Result<OperatorKind> {
        self.bump()?;
        match name {
            "where" => Ok(OperatorKind::Where(self.expression()?)),
            "eval" => self.eval(),
            "parse" | "extract" => self.parse_operator(name == "extract"),
            "json" => self.json(),
            "keyvalue" | "kv" => self.key_value(),
            "csv" | "split" => self.split(name == "csv"),
            "fields" | "table" => self.fields(name == "table"),
            "sort" | "order" => self.sort(),
            "limit" => Ok(OperatorKind::Limit(self.count()?)),
            "top" => self.top(),
            "topk" => self.topk(),
            "stats" => self.aggregate(true),
            "timeslice" => self.timeslice(),
            "transpose" => self.transpose(),
            "fillmissing" => self.fill_missing(),
            "accum" => self.running(RunningFunction::Accum),
            "total" => self.running(RunningFunction::Total),
            "diff" => self.running(RunningFunction::Diff),
            "backshift" => self.running(RunningFunction::Backshift),
            "rollingstd" => self.running(RunningFunction::RollingStd),
            "smooth" => self.running(RunningFunction::Smooth),
            "dedup" => self.dedup(),
            "join" => self.join(),
            "filter" => self.filter(),
            "lookup" => self.lookup(),
            "withtime" => Ok(OperatorKind::WithTime(self.name()?)),
            "bin" => self.bin(),
            "geoip" => self.geoip(),
            "cat" => Ok(OperatorKind::Cat(self.place(&['|', ')', '"'])?)),
            "save" => Ok(OperatorKind::Save { append: self.eat_word("append")?, path: self.place(&['|', ')', '"'])? }),
            _ => self.compose(),
        }
    }

    /// `expr as f`, or an expression alone.
    fn assignment(&mut self) -> Result<OperatorKind> {
        let value = self.expression()?;
        let alias = if self.eat_word("as")? { Some(self.name()?) } else { None };
        Ok(OperatorKind::Assign { value, alias })
    }

    fn eval(&mut self) -> Result<OperatorKind> {
        let mut items = Vec::new();
        loop {
            // `eval (x * 1000)` of metrics queries has no name.
            if items.is_empty() && self.at_symbol("(")? {
                return self.verbatim("eval");
            }
            let name = self.name()?;
            if !self.eat("=")? {
                let mut d = self.unexpected("`=` after the field of `eval`", codes::UNEXPECTED);
                d.help = Some("write `eval field = expression`, or, as documented, `expression as field`".to_owned());
                return Err(d);
            }
            let value = self.expression()?;
            items.push((name, value));
            if !self.eat(",")? {
                return Ok(OperatorKind::Eval(items));
            }
        }
    }

    fn fields(&mut self, table: bool) -> Result<OperatorKind> {
        let remove = !table && self.eat("-")?;
        if !remove {
            self.eat("+")?;
        }
        let mut names = vec![self.name()?];
        // Extensions and slips: `table a b`, `fields - a, -b`.
        loop {
            if self.eat(",")? {
                if remove {
                    self.eat("-")?;
                }
                if matches!(self.peek()?, Token::Symbol("|" | ")") | Token::End) {
                    break;
                }
                names.push(self.name()?);
            } else if table && matches!(self.peek()?, Token::Word(_) | Token::Quoted(_)) {
                names.push(self.name()?);
            } else {
                break;
            }
        }
        // `{{post_filter}}` after the list of published dashboards: kept as a name that is filled in before planning.
        Ok(OperatorKind::Fields { remove, names, table })
    }

    fn sort(&mut self) -> Result<OperatorKind> {
        self.eat_word("by")?;
        Ok(OperatorKind::Sort(self.sort_keys()?))
    }

    pub(super) fn sort_keys(&mut self) -> Result<Vec<SortKey>> {
        let mut keys = Vec::new();
        loop {
            let mut ascending = false;
            if self.eat("+")? {
                ascending = true;
            } else {
                self.eat("-")?;
            }
            let value = self.expression()?;
            if self.eat_word("asc")? || self.eat_word("ascending")? {
                ascending = true;
            } else if self.eat_word("desc")? || self.eat_word("descending")? {
                ascending = false;
            }
            keys.push(SortKey { value, ascending });
            if !self.eat(",")? {
                return Ok(keys);
            }
        }
    }

    fn top(&mut self) -> Result<OperatorKind> {
        let count = self.count()?;
        let fields = self.names()?;
        let by = if self.eat_word("by")? { self.sort_keys()? } else { Vec::new() };
        Ok(OperatorKind::Top { count, fields, by })
    }

    fn topk(&mut self) -> Result<OperatorKind> {
        self.expect("(")?;
        let count = self.count()?;
        let mut fields = Vec::new();
        while self.eat(",")? {
            fields.push(self.name()?);
        }
        self.expect(")")?;
        let by = if self.eat_word("by")? { self.names()? } else { Vec::new() };
        Ok(OperatorKind::TopK { count, fields, by })
    }

    fn timeslice(&mut self) -> Result<OperatorKind> {
        self.eat_word("by")?;
        let amount = self.count()?;
        let buckets = self.eat_word("buckets")? || self.eat_word("bucket")?;
        let width = if buckets { TimesliceWidth::Buckets(amount) } else { TimesliceWidth::Every(amount) };
        let source = match self.peek()? {
            Token::Word(w) if !w.eq_ignore_ascii_case("as") => Some(self.name()?),
            Token::Quoted(_) => Some(self.name()?),
            _ => None,
        };
        let alias = if self.eat_word("as")? { Some(self.name()?) } else { None };
        Ok(OperatorKind::Timeslice(Timeslice { width, source, alias }))
    }

    fn transpose(&mut self) -> Result<OperatorKind> {
        let mut rows = Vec::new();
        if self.eat_word("row")? || self.eat_word("rows")? {
            rows = self.names()?;
        }
        if !self.eat_word("columns")? {
            self.expect_word("column")?;
        }
        let columns = self.names()?;
        let mut names = Vec::new();
        if self.eat_word("as")? {
            loop {
                let start = self.here()?;
                if self.eat("*")? {
                    names.push(Name { text: "*".to_owned(), at: self.since(start) });
                } else {
                    names.push(self.name()?);
                }
                if !self.eat(",")? {
                    break;
                }
            }
        }
        Ok(OperatorKind::Transpose { rows, columns, names })
    }

    fn fill_missing(&mut self) -> Result<OperatorKind> {
        let mut keys = Vec::new();
        loop {
            if self.eat_word("timeslice")? {
                let mut width = None;
                if self.eat("(")? {
                    width = if self.at_symbol(")")? { None } else { Some(self.count()?) };
                    self.expect(")")?;
                }
                let name = if self.eat_word("in")? { Some(self.name()?) } else { None };
                keys.push(FillKey::Timeslice(width, name));
            } else {
                self.expect_word("values")?;
                if self.eat_word("all")? {
                    self.expect_word("in")?;
                    keys.push(FillKey::All(self.name()?));
                } else {
                    self.expect("(")?;
                    let values = self.arguments()?;
                    self.expect_word("in")?;
                    keys.push(FillKey::Values(values, self.name()?));
                }
            }
            if !self.eat(",")? {
                break;
            }
        }
        let mut with = Vec::new();
        while self.eat_word("with")? || (!with.is_empty() && self.eat(",")?) {
            let value = self.expression()?;
            self.expect_word("for")?;
            with.push((value, vec![self.name()?]));
        }
        let take_last = self.eat_word("takelast")?;
        Ok(OperatorKind::FillMissing(FillMissing { keys, with, take_last }))
    }

    fn running(&mut self, function: RunningFunction) -> Result<OperatorKind> {
        let field = self.name()?;
        self.eat(",")?;
        let count =
            if matches!(self.peek()?, Token::Number(_) | Token::Parameter(_)) { Some(self.count()?) } else { None };
        let (mut by, mut alias) = (Vec::new(), None);
        loop {
            if by.is_empty() && self.eat_word("by")? {
                by = self.names()?;
            } else if alias.is_none() && self.eat_word("as")? {
                alias = Some(self.name()?);
            } else {
                return Ok(OperatorKind::Running(Running { function, field, count, by, alias }));
            }
        }
    }

    fn dedup(&mut self) -> Result<OperatorKind> {
        let consecutive = self.eat_word("consecutive")?;
        let count =
            if matches!(self.peek()?, Token::Number(_) | Token::Parameter(_)) { Some(self.count()?) } else { None };
        let by = self.eat_word("by")?;
        let fields = if by || matches!(self.peek()?, Token::Word(_) | Token::Quoted(_) | Token::Symbol("(")) {
            self.names()?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::Dedup { consecutive, count, fields })
    }

    fn join(&mut self) -> Result<OperatorKind> {
        let mut tables = Vec::new();
        loop {
            self.expect("(")?;
            let child = self.deeper(|c| c.query(false))?;
            self.expect(")")?;
            self.expect_word("as")?;
            tables.push((child, self.name()?));
            if !self.eat(",")? {
                break;
            }
        }
        self.expect_word("on")?;
        let mut on = Vec::new();
        loop {
            let left = self.name()?;
            self.expect("=")?;
            on.push((left, self.name()?));
            if !(self.eat_word("and")? || self.eat(",")?) {
                break;
            }
        }
        let window = if self.eat_word("timewindow")? { Some(self.count()?) } else { None };
        Ok(OperatorKind::Join(Join { tables, on, window }))
    }

    fn filter(&mut self) -> Result<OperatorKind> {
        let name = self.name()?;
        self.expect_word("in")?;
        self.expect("(")?;
        let child = Box::new(self.deeper(|c| c.query(false))?);
        self.expect(")")?;
        Ok(OperatorKind::Filter { name, child })
    }

    fn lookup(&mut self) -> Result<OperatorKind> {
        let mut columns = Vec::new();
        if !self.eat("*")? {
            loop {
                let column = self.name()?;
                let alias = if self.eat_word("as")? { Some(self.name()?) } else { None };
                columns.push((column, alias));
                if !self.eat(",")? {
                    break;
                }
            }
        }
        self.expect_word("from")?;
        let from = self.place(&['|', ')', '"'])?;
        self.expect_word("on")?;
        let mut on = Vec::new();
        loop {
            let left = self.name()?;
            let right = if self.eat("=")? || self.eat("==")? { self.name()? } else { left.clone() };
            on.push((left, right));
            if !(self.eat(",")? || self.eat_word("and")?) {
                break;
            }
        }
        Ok(OperatorKind::Lookup(Lookup { columns, from, on }))
    }

    /// The place of a table: `path://"/Library/…"`, `https://…`, `shared/a/b`.
    pub(super) fn place(&mut self, stops: &[char]) -> Result<Text> {
        let start = self.here()?;
        let quoted = self.rest().starts_with('"');
        let mut place = if quoted { self.string()? } else { self.raw_word(stops)? };
        if place.text.ends_with("://") && self.rest().starts_with('"') {
            place.text.push_str(&self.string()?.text);
        }
        place.at = At(Span::new(start, self.last));
        Ok(place)
    }

    fn geoip(&mut self) -> Result<OperatorKind> {
        let name = self.name()?;
        self.eat(",")?;
        let more = if self.at_end()? { Vec::new() } else { self.names()? };
        Ok(OperatorKind::GeoIp(name, more))
    }

    fn bin(&mut self) -> Result<OperatorKind> {
        let name = self.name()?;
        let mut options = Vec::new();
        while let Token::Word(option) = self.peek()? {
            self.bump()?;
            self.expect("=")?;
            options.push((option.to_ascii_lowercase(), self.expression()?));
            self.eat(",")?;
        }
        Ok(OperatorKind::Bin { name, options })
    }

    fn compose(&mut self) -> Result<OperatorKind> {
        let mut fields = vec![self.name()?];
        let (mut max_results, mut keywords) = (None, false);
        loop {
            if self.eat(",")? {
                fields.push(self.name()?);
            } else if self.eat_word("maxresults")? {
                self.expect("=")?;
                max_results = Some(self.count()?);
            } else if self.eat_word("keywords")? {
                keywords = true;
            } else {
                return Ok(OperatorKind::Compose { fields, max_results, keywords });
            }
        }
    }

    /// Everything up to the stage's end, parentheses balanced.
    fn verbatim(&mut self, name: &'static str) -> Result<OperatorKind> {
        let start = self.here()?;
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                Token::End if depth > 0 => return Err(self.unexpected("`)`", codes::UNEXPECTED)),
                Token::End => break,
                Token::Symbol("|" | ")" | "]") if depth == 0 => break,
                Token::Symbol("(" | "[") => depth += 1,
                Token::Symbol(")" | "]") => depth -= 1,
                _ => {}
            }
            self.bump()?;
        }
        let arguments = self.text[start..self.last.max(start)].to_owned();
        Ok(OperatorKind::Verbatim { name, arguments })
    }
}

/// The message about a stage that is no operator.
fn unknown_operator(word: &str, span: Span) -> Diagnostic {
    let known = [OPERATORS, AGGREGATES, VERBATIM].concat();
    Diagnostic::error(codes::UNKNOWN_OPERATOR, span, format!("there is no operator `{word}`")).suggest(word, known)
}
