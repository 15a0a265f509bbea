//! Literals, `dynamic(…)` and `typeof(…)`.

use super::super::codes;
use super::super::keyword::Keyword;
use super::super::lexer::Kind;
use super::super::tree::{ColumnDef, Expr, ExprKind, Json, Literal, Name, ParameterType, ScalarType, TypeOfElement};
use super::super::values;
use super::lists::ListRule;
use super::names::Names;
use super::{Parsed, Parser};
use parallax_diagnostics::{Diagnostic, Span};

impl Parser<'_> {
    /// A literal where nothing else is allowed: numbers may have a sign, and a placeholder may stand for it.
    pub(super) fn literal(&mut self) -> Parsed<Option<Expr>> {
        let start = self.here();
        let kind = match self.peek() {
            Kind::Plus | Kind::Minus => return self.signed_literal(),
            Kind::Keyword(Keyword::Typeof) => return self.type_of(),
            Kind::LeftBrace => {
                return Ok(self.braced_name().map(|n| Expr { span: n.span, kind: ExprKind::Name(n) }));
            }
            _ => match self.plain_literal()? {
                Some(literal) => ExprKind::Literal(literal),
                None => return Ok(None),
            },
        };
        Ok(Some(Expr { kind, span: self.since(start) }))
    }

    /// A literal that is one without its surroundings.
    pub(super) fn plain_literal(&mut self) -> Parsed<Option<Literal>> {
        let token = self.token(0);
        let literal = match token.kind {
            Kind::String => return Ok(Some(self.strings())),
            Kind::Bool => Literal::Bool(Some(self.text_of(token).eq_ignore_ascii_case("true"))),
            Kind::Long => Literal::Long(Some(self.long(token.span(), false)?)),
            Kind::Real => self.real(token.span())?,
            Kind::Timespan => self.timespan(token.span())?,
            Kind::Typed(ty) => self.typed(ty, token.span())?,
            Kind::RawGuid => return Err(self.raw_guid()),
            Kind::Keyword(Keyword::Dynamic) => return self.dynamic(),
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(literal))
    }

    fn raw_guid(&self) -> Box<Diagnostic> {
        let text = self.text_of(self.token(0)).to_owned();
        let diagnostic = self.error(codes::RAW_GUID, "a guid must be written as guid(…)");
        Box::new(diagnostic.help(format!("write guid({text})")).fix(self.here(), format!("guid({text})")))
    }

    /// One string or several in a row, which are one.
    pub(super) fn strings(&mut self) -> Literal {
        let mut value = String::new();
        let mut hidden = false;
        while let Some(token) = self.eat(Kind::String) {
            let (text, obscured) = values::string(self.text_of(token));
            value.push_str(&text);
            hidden |= obscured;
        }
        Literal::String { value, hidden }
    }

    fn long(&self, span: Span, negative: bool) -> Parsed<i64> {
        let text = span.of(self.text);
        let value = if negative { values::integer(&format!("-{text}")) } else { values::integer(text) };
        value.ok_or_else(|| {
            let message = format!("`{text}` does not fit in a long");
            let help = "a long lies between -9223372036854775808 and 9223372036854775807; write real(…) or decimal(…)";
            Box::new(Diagnostic::error(codes::OUT_OF_RANGE, span, message).help(help))
        })
    }

    fn real(&self, span: Span) -> Parsed<Literal> {
        let text = span.of(self.text);
        match text.parse::<f64>() {
            Ok(value) => Ok(Literal::Real(Some(value))),
            Err(_) => Err(bad_literal(span, text, "real number", "")),
        }
    }

    fn timespan(&self, span: Span) -> Parsed<Literal> {
        let text = span.of(self.text);
        match values::short_timespan(text) {
            Some(ticks) => Ok(Literal::Timespan(Some(ticks))),
            None => {
                let message = format!("`{text}` does not fit in a timespan");
                Err(Box::new(Diagnostic::error(codes::OUT_OF_RANGE, span, message)))
            }
        }
    }

    fn typed(&self, ty: ScalarType, span: Span) -> Parsed<Literal> {
        let text = span.of(self.text);
        let inner = text.split_once('(').map_or("", |(_, rest)| rest);
        let inner = inner.strip_suffix(')').unwrap_or(inner);
        let help = match ty {
            ScalarType::DateTime => {
                "write a date as 2024-12-31, a time as 2024-12-31T23:59:59.5Z; to convert a value, todatetime(…)"
            }
            ScalarType::Timespan => {
                "write 1d, 2.5h, or days.hours:minutes:seconds as in time(1.02:03:04); to convert a value, totimespan(…)"
            }
            ScalarType::Guid => "a guid has 32 hexadecimal digits, as in guid(74be27de-1e4e-49d9-b579-fe0b331d3642)",
            ScalarType::Bool => "true, false or null; to convert a value, tobool(…)",
            ScalarType::Int => "a whole number of 32 bits or null; to convert a value, toint(…)",
            ScalarType::Long => "a whole number of 64 bits or null; to convert a value, tolong(…)",
            ScalarType::Real => "a number, nan, +inf, -inf or null; to convert a value, toreal(…)",
            _ => "a number or null",
        };
        values::typed(ty, inner).ok_or_else(|| bad_literal(span, text, ty.name(), help))
    }

    /// `-5` where a literal is required.
    fn signed_literal(&mut self) -> Parsed<Option<Expr>> {
        let number = self.token(1);
        if !number.glued || !matches!(number.kind, Kind::Long | Kind::Real | Kind::Timespan) {
            return Ok(None);
        }
        let start = self.here();
        let negative = self.bump().kind == Kind::Minus;
        self.bump();
        let literal = match number.kind {
            Kind::Long => Literal::Long(Some(self.long(number.span(), negative)?)),
            Kind::Real => negate(self.real(number.span())?, negative),
            _ => negate(self.timespan(number.span())?, negative),
        };
        Ok(Some(Expr { kind: ExprKind::Literal(literal), span: self.since(start) }))
    }

    fn dynamic(&mut self) -> Parsed<Option<Literal>> {
        if self.peek_at(1) != Kind::LeftParen {
            return Ok(None);
        }
        self.bump();
        self.bump();
        let value = self.expect_json()?;
        self.expect(Kind::RightParen, ")")?;
        Ok(Some(Literal::Dynamic(Box::new(value))))
    }

    fn expect_json(&mut self) -> Parsed<Json> {
        match self.json()? {
            Some(value) => Ok(value),
            None => Err(self.missing_json()),
        }
    }

    fn missing_json(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::EXPECTED_VALUE, format!("expected a JSON value, found {found}"));
        let help = "dynamic(…) holds literals only; to build a value from columns, use pack_array(…) or bag_pack(…)";
        Box::new(diagnostic.label("expected a JSON value").help(help))
    }

    fn json(&mut self) -> Parsed<Option<Json>> {
        self.nested(|p| match p.peek() {
            Kind::Minus => p.negative_json(),
            Kind::Keyword(Keyword::Null) => {
                p.bump();
                Ok(Some(Json::Null))
            }
            Kind::LeftBracket => p.json_array().map(Some),
            Kind::LeftBrace => match p.braced_name() {
                Some(name) => Ok(Some(Json::Placeholder(name.text))),
                None => p.json_object().map(Some),
            },
            // int(…) is not JSON to the reference parser either.
            Kind::Typed(ScalarType::Int) => Ok(None),
            _ => Ok(p.plain_literal()?.map(|literal| match literal {
                Literal::Dynamic(inner) => *inner,
                literal => Json::Scalar(literal),
            })),
        })
    }

    fn negative_json(&mut self) -> Parsed<Option<Json>> {
        let number = self.token(1);
        let literal = match number.kind {
            Kind::Long => Literal::Long(Some(self.long(number.span(), true)?)),
            Kind::Real => negate(self.real(number.span())?, true),
            Kind::Typed(ty @ (ScalarType::Long | ScalarType::Real)) => negate(self.typed(ty, number.span())?, true),
            _ => return Ok(None),
        };
        self.bump();
        self.bump();
        Ok(Some(Json::Scalar(literal)))
    }

    fn json_array(&mut self) -> Parsed<Json> {
        self.bump();
        let items = self.list(ListRule::default(), Self::json, |p| p.missing_json())?;
        if items.is_empty() && !self.at_common_end() {
            return Err(self.missing_json());
        }
        self.close_list(Kind::RightBracket, "]")?;
        Ok(Json::Array(items))
    }

    fn json_object(&mut self) -> Parsed<Json> {
        self.bump();
        let pairs = self.list(ListRule::default(), Self::json_pair, |p| p.expected("a `\"key\": value` pair"))?;
        self.close_list(Kind::RightBrace, "}")?;
        Ok(Json::Object(pairs))
    }

    fn json_pair(&mut self) -> Parsed<Option<(String, Json)>> {
        let Some(token) = self.eat(Kind::String) else {
            return Err(self.expected("a `\"key\": value` pair"));
        };
        let key = values::string(self.text_of(token)).0;
        self.expect(Kind::Colon, ":")?;
        Ok(Some((key, self.expect_json()?)))
    }

    /// `typeof(…)`
    pub(super) fn type_of(&mut self) -> Parsed<Option<Expr>> {
        if !self.is(Keyword::Typeof) || self.peek_at(1) != Kind::LeftParen {
            return Ok(None);
        }
        let start = self.bump().span();
        self.bump();
        let single = self.is_type_word(0) || self.peek() == Kind::Identifier && self.peek_at(1) == Kind::RightParen;
        let elements = if single {
            let name = self.word();
            vec![scalar_type(&name).map_or_else(|| TypeOfElement::Other(name), TypeOfElement::Type)]
        } else {
            self.list(ListRule::default(), Self::type_of_element, |p| p.missing_type())?
        };
        self.close_list(Kind::RightParen, ")")?;
        Ok(Some(Expr { kind: ExprKind::TypeOf(elements), span: self.since(start) }))
    }

    fn type_of_element(&mut self) -> Parsed<Option<TypeOfElement>> {
        if self.eat(Kind::Star).is_some() {
            return Ok(Some(TypeOfElement::Star));
        }
        Ok(self.column_def()?.map(TypeOfElement::Column))
    }

    /// Whether a word that names a type stands there, those included that KQL does not compute with.
    fn is_type_word(&self, ahead: usize) -> bool {
        use Keyword as K;
        let extended = [K::Float, K::Int16, K::Int32, K::Uint, K::Uint16, K::Uint32, K::Uint64, K::Uint8, K::Ulong];
        match self.peek_at(ahead) {
            Kind::Keyword(keyword) => keyword_type(keyword).is_some() || extended.contains(&keyword),
            _ => false,
        }
    }

    pub(super) fn missing_type(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::EXPECTED_TYPE, format!("expected a type, found {found}"));
        let help = "the types are bool, int, long, real, decimal, string, datetime, timespan, guid, dynamic";
        Box::new(diagnostic.label("expected a type").help(help))
    }

    pub(super) fn expect_scalar_type(&mut self) -> Parsed<ScalarType> {
        let ty = match self.peek() {
            Kind::Keyword(keyword) => keyword_type(keyword),
            _ => None,
        };
        match ty {
            Some(ty) => {
                self.bump();
                Ok(ty)
            }
            None => Err(self.missing_type()),
        }
    }

    /// `name:type`, where the type may be a table's.
    pub(super) fn column_def(&mut self) -> Parsed<Option<ColumnDef>> {
        let start = self.here();
        let Some(name) = self.name_of(Names::Declared)? else {
            return if self.peek() == Kind::Colon { Err(self.missing_name()) } else { Ok(None) };
        };
        self.expect(Kind::Colon, ":")?;
        let ty = if self.peek() == Kind::LeftParen {
            self.nested(Self::table_type)?
        } else {
            ParameterType::Scalar(self.expect_scalar_type()?)
        };
        Ok(Some(ColumnDef { name, ty, span: self.since(start) }))
    }

    fn table_type(&mut self) -> Parsed<ParameterType> {
        self.bump();
        if self.eat(Kind::Star).is_some() {
            self.expect(Kind::RightParen, ")")?;
            return Ok(ParameterType::AnyTable);
        }
        let columns = self.column_defs(false)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(ParameterType::Table(columns))
    }

    /// `name:type, …`; a comma may follow the last.
    pub(super) fn column_defs(&mut self, some: bool) -> Parsed<Vec<ColumnDef>> {
        let rule = ListRule { some, trailing: true, ..ListRule::default() };
        self.list(rule, Self::column_def, |p| p.expected("`name: type`"))
    }

    /// `(name:type, …)`; a comma may stand before the first.
    pub(super) fn expect_schema(&mut self) -> Parsed<Vec<ColumnDef>> {
        if self.peek() != Kind::LeftParen {
            return Err(self.expected("a schema, such as `(Name: string, Count: long)`"));
        }
        self.bump();
        self.eat(Kind::Comma);
        let columns = self.column_defs(false)?;
        self.close_list(Kind::RightParen, ")")?;
        Ok(columns)
    }
}

fn negate(literal: Literal, negative: bool) -> Literal {
    match literal {
        Literal::Real(Some(v)) if negative => Literal::Real(Some(-v)),
        Literal::Timespan(Some(v)) if negative => Literal::Timespan(Some(-v)),
        Literal::Long(Some(v)) if negative => Literal::Long(v.checked_neg()),
        literal => literal,
    }
}

fn bad_literal(span: Span, text: &str, ty: &str, help: &str) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error(codes::BAD_LITERAL, span, format!("`{text}` is not a valid {ty}"));
    Box::new(if help.is_empty() { diagnostic } else { diagnostic.help(help) })
}

fn scalar_type(name: &Name) -> Option<ScalarType> {
    keyword_type(Keyword::exact(&name.text)?)
}

fn keyword_type(keyword: Keyword) -> Option<ScalarType> {
    Some(match keyword {
        Keyword::Bool | Keyword::Boolean | Keyword::Int8 => ScalarType::Bool,
        Keyword::Int => ScalarType::Int,
        Keyword::Long | Keyword::Int64 => ScalarType::Long,
        Keyword::Real | Keyword::Double => ScalarType::Real,
        Keyword::Decimal => ScalarType::Decimal,
        Keyword::String => ScalarType::String,
        Keyword::Datetime | Keyword::Date => ScalarType::DateTime,
        Keyword::Timespan | Keyword::Time => ScalarType::Timespan,
        Keyword::Guid | Keyword::Uniqueid => ScalarType::Guid,
        Keyword::Dynamic => ScalarType::Dynamic,
        _ => return None,
    })
}
