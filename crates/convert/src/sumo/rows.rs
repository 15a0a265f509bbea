//! What the names of a search stand for, and its expressions as conditions.
//!
//! A missing field is null: tests of it are false, but that a comparison takes it for the empty text.

use super::read::Reading;
use crate::kql::parse_network;
use crate::loss::{Losses, codes, refuse};
use crate::middle::{Case, Condition, Field, Is, Order, Pattern, Piece, Regex, Test};
use crate::pattern::{self, Shape};
use crate::score;
use parallax_diagnostics::Span;
use parallax_sumo::syntax::{BinaryOp, Expr, ExprKind, Number, Scope, ScopeKind, ScopeOp, Unit};

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A field; `lower` after `toLowerCase`.
    Field { field: Field, lower: bool },
    /// A condition.
    Truth(Condition),
    /// Points for conditions.
    Score(Vec<(Condition, f64)>),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// The time of the message.
    Time,
    /// The host of the message.
    Host,
    /// The message itself.
    Raw,
    /// Something else.
    Unknown(Span),
}

impl Value {
    pub(super) fn field(field: Field) -> Self {
        Value::Field { field, lower: false }
    }
}

/// The messages of a pipeline.
#[derive(Debug, Default)]
pub(super) struct Rows {
    made: Vec<(String, Value)>,
    pub(super) losses: Losses,
}

impl Rows {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.made.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.made.push((name.to_owned(), value));
    }

    pub(super) fn made(&self, name: &str) -> Option<&Value> {
        self.made.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    pub(super) fn named(&self, name: &str) -> Value {
        if let Some(value) = self.made(name) {
            return value.clone();
        }
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "_messagetime" | "_receipttime" => Value::Time,
            "_sourcehost" => Value::Host,
            "_raw" => Value::Raw,
            _ => Value::field(Field::whole(sigma_name(name))),
        }
    }

    /// A term of the scope.
    pub(super) fn scope(&mut self, scope: &Scope) -> Reading<Condition> {
        let at = scope.at.0;
        Ok(match &scope.kind {
            ScopeKind::All(terms) => Condition::all(terms.iter().map(|t| self.scope(t)).collect::<Reading<Vec<_>>>()?),
            ScopeKind::Any(terms) => Condition::any(terms.iter().map(|t| self.scope(t)).collect::<Reading<Vec<_>>>()?),
            ScopeKind::Not(inner) => Condition::not(self.scope(inner)?),
            ScopeKind::Keyword(word) if word.chars().all(|c| c == '*') => Condition::Always(true),
            ScopeKind::Keyword(word) => self.word(word, at),
            ScopeKind::Phrase(text) => self.word(text, at),
            ScopeKind::Field { name, op, value, quoted } => {
                let field = self.scope_field(&name.text, at)?;
                let text = &value.text;
                let number = |order| {
                    let number = text.parse().map_err(|_| refuse(codes::EXPRESSION, at, "this is no number"))?;
                    Ok(Condition::test(field.clone(), Is::Compares(order, number), at))
                };
                match op {
                    ScopeOp::Eq | ScopeOp::Ne => {
                        let pattern = if *quoted { exact(text) } else { glob(text, true) };
                        let test = Condition::test(field, Is::Like(Pattern { case: Case::Ignored, ..pattern }), at);
                        if *op == ScopeOp::Ne { Condition::not(test) } else { test }
                    }
                    ScopeOp::Lt => number(Order::Less)?,
                    ScopeOp::Le => number(Order::LessOrEqual)?,
                    ScopeOp::Gt => number(Order::Greater)?,
                    ScopeOp::Ge => number(Order::GreaterOrEqual)?,
                }
            }
            ScopeKind::In { name, values } => {
                let field = self.scope_field(&name.text, at)?;
                let tests = values.iter().map(|v| {
                    Condition::test(field.clone(), Is::Like(Pattern { case: Case::Ignored, ..glob(&v.text, true) }), at)
                });
                Condition::any(tests.collect::<Vec<_>>())
            }
            ScopeKind::Parameter(name) => {
                return Err(refuse(codes::EXPRESSION, at, format!("the parameter `{name}` has no value in this text")));
            }
            ScopeKind::Subquery(_) => return Err(refuse(codes::OPERATOR, at, "a subquery looks at other messages")),
        })
    }

    fn scope_field(&self, name: &str, at: Span) -> Reading<Field> {
        match self.named(name) {
            Value::Field { field, .. } => Ok(field),
            Value::Host => Ok(Field::whole("Computer")),
            _ => Err(refuse(codes::EXPRESSION, at, format!("`{name}` is no field of the event"))),
        }
    }

    /// Words of a message: whole tokens, which are runs of letters, digits and `_`.
    fn word(&mut self, text: &str, at: Span) -> Condition {
        let token = |c: char| c.is_alphanumeric() || c == '_';
        let edge = |c: Option<char>, mark: &str| if c.is_some_and(token) { mark.to_owned() } else { String::new() };
        let words: Vec<String> = text
            .split_whitespace()
            .map(|word| {
                let pieces = word.chars().map(|c| match c {
                    '*' => r"\w*".to_owned(),
                    '?' => r"\w".to_owned(),
                    c => pattern::escape(c.encode_utf8(&mut [0; 4])),
                });
                pieces.collect::<String>()
            })
            .collect();
        let first = edge(text.chars().next(), r"\b");
        let last = edge(text.chars().next_back(), r"\b");
        let text = format!("{first}{}{last}", words.join(r"\s+"));
        // A star at an end may go on within the token, which needs no telling.
        let text = text.trim_start_matches(r"\w*").trim_end_matches(r"\w*").to_owned();
        let is = Is::Matches(Regex { text, ignore_case: true, multi_line: false, dot_all: false });
        Condition::Test(Test { field: None, is, at })
    }

    /// An expression as a condition.
    pub(super) fn condition(&mut self, expr: &Expr) -> Reading<Condition> {
        let at = expr.at.0;
        Ok(match &expr.kind {
            ExprKind::And(parts) => {
                Condition::all(parts.iter().map(|p| self.condition(p)).collect::<Reading<Vec<_>>>()?)
            }
            ExprKind::Or(parts) => {
                Condition::any(parts.iter().map(|p| self.condition(p)).collect::<Reading<Vec<_>>>()?)
            }
            ExprKind::Not(inner) => Condition::not(self.condition(inner)?),
            ExprKind::Bool(yes) => Condition::Always(*yes),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, at)?,
            ExprKind::In { value, list, negated } => {
                let mut tests = Vec::new();
                for item in list {
                    tests.push(match self.value(item) {
                        Value::Text(text) => self.equals(value, &text, at)?,
                        Value::Number(number) => self.equals(value, &number.to_string(), at)?,
                        _ => return Err(no_constant(item)),
                    });
                }
                let any = Condition::any(tests);
                if *negated { Condition::not(any) } else { any }
            }
            ExprKind::Call(name, arguments) => self.call(name, arguments, expr)?,
            _ => match self.value(expr) {
                Value::Truth(condition) => condition,
                _ => return Err(refuse(codes::EXPRESSION, at, "this is no test of a field")),
            },
        })
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) -> Reading<Condition> {
        use BinaryOp as B;
        match op {
            B::Eq | B::Ne => {
                let test = match (self.value(left), self.value(right)) {
                    (Value::Truth(condition), Value::Text(text)) if text == "true" || text == "false" => {
                        if text == "true" { condition } else { Condition::not(condition) }
                    }
                    (Value::Truth(condition), Value::Truth(Condition::Always(yes))) => {
                        if yes {
                            condition
                        } else {
                            Condition::not(condition)
                        }
                    }
                    (_, Value::Text(text)) => self.equals(left, &text, at)?,
                    (Value::Text(text), _) => self.equals(right, &text, at)?,
                    (Value::Field { .. }, Value::Number(number)) => self.equals(left, &number.to_string(), at)?,
                    (Value::Field { field, lower }, Value::Field { field: other, lower: too }) => {
                        let case = if lower && too { Case::Ignored } else { Case::Counts };
                        let both = [field.clone(), other.clone()].map(|f| nothing(f, at));
                        let same = Is::Field(parallax_sigma::tree::Part::Whole, other, case);
                        // Two missing fields are two empty texts.
                        Condition::any([Condition::test(field, same, at), Condition::all(both)])
                    }
                    _ => return Err(no_constant(right)),
                };
                Ok(if op == B::Ne { Condition::not(test) } else { test })
            }
            B::Lt | B::Le | B::Gt | B::Ge => {
                let order = match op {
                    B::Lt => Order::Less,
                    B::Le => Order::LessOrEqual,
                    B::Gt => Order::Greater,
                    _ => Order::GreaterOrEqual,
                };
                match (self.value(left), self.value(right)) {
                    (Value::Field { field, .. }, Value::Number(n)) => {
                        Ok(Condition::test(field, Is::Compares(order, n), at))
                    }
                    (Value::Score(lines), Value::Number(limit)) => score::compares(&lines, order, limit)
                        .ok_or_else(|| refuse(codes::EXPRESSION, at, "this score has no form as a condition")),
                    _ => Err(no_constant(right)),
                }
            }
            B::Matches | B::NotMatches | B::RegexMatches => {
                let test = self.matches(left, right, op == B::RegexMatches, at)?;
                Ok(if op == B::NotMatches { Condition::not(test) } else { test })
            }
            B::Contains => self.contains(left, right, at),
            _ => Err(refuse(codes::EXPRESSION, at, "a number is no condition")),
        }
    }

    /// `x = "text"`: a missing field counts as empty.
    fn equals(&mut self, value: &Expr, text: &str, at: Span) -> Reading<Condition> {
        let (field, lower) = self.tested(value)?;
        let Some(field) = field else {
            return Err(refuse(codes::NO_FORM, at, "Sigma does not compare a whole message"));
        };
        if text.is_empty() {
            return Ok(nothing(field, at));
        }
        let case = if lower { Case::Ignored } else { Case::Counts };
        if lower && text.chars().any(char::is_uppercase) {
            return Ok(Condition::Always(false));
        }
        Ok(Condition::test(field, Is::Like(Pattern { case, ..exact(text) }), at))
    }

    fn matches(&mut self, left: &Expr, right: &Expr, regex: bool, at: Span) -> Reading<Condition> {
        let (field, lower) = self.tested(left)?;
        let of = |is: Is| Condition::Test(Test { field: field.clone(), is, at });
        let expression = |text: &str| {
            Is::Matches(Regex { text: text.to_owned(), ignore_case: lower, multi_line: false, dot_all: false })
        };
        match &right.kind {
            ExprKind::Regex(text) => Ok(of(expression(text))),
            // What can be no glob runs as the regular expression that it is meant to be.
            ExprKind::Text(text) if regex || text.starts_with("(?") => Ok(of(expression(text))),
            ExprKind::Text(text) => {
                let case = if lower { Case::Ignored } else { Case::Counts };
                let mut pattern = Pattern { case, ..glob(text, false) };
                if field.is_none() {
                    // A keyword stands anywhere; a glob over the whole message has to be open at both ends.
                    if pattern.parts.first() != Some(&Piece::Any) || pattern.parts.last() != Some(&Piece::Any) {
                        return Err(refuse(codes::NO_FORM, at, "Sigma does not compare a whole message"));
                    }
                    pattern.case = Case::Counts;
                }
                if lower && text.chars().any(char::is_uppercase) {
                    return Ok(Condition::Always(false));
                }
                Ok(of(Is::Like(pattern)))
            }
            _ => Err(no_constant(right)),
        }
    }

    fn contains(&mut self, left: &Expr, right: &Expr, at: Span) -> Reading<Condition> {
        let (field, lower) = self.tested(left)?;
        let Value::Text(text) = self.value(right) else { return Err(no_constant(right)) };
        if lower && text.chars().any(char::is_uppercase) {
            return Ok(Condition::Always(false));
        }
        let case = if lower { Case::Ignored } else { Case::Counts };
        let pattern = pattern::pattern(Shape::Contains(text), case);
        let pattern = pattern.ok_or_else(|| refuse(codes::NO_FORM, at, "this text is empty"))?;
        Ok(Condition::Test(Test { field, is: Is::Like(pattern), at }))
    }

    /// The field that is tested; none for the message itself.
    fn tested(&mut self, expr: &Expr) -> Reading<(Option<Field>, bool)> {
        match self.value(expr) {
            Value::Field { field, lower } => Ok((Some(field), lower)),
            Value::Raw => Ok((None, false)),
            Value::Host => Ok((Some(Field::whole("Computer")), false)),
            Value::Unknown(span) => {
                Err(refuse(codes::EXPRESSION, span, "this is computed: Sigma tests fields as they are"))
            }
            _ => Err(refuse(codes::EXPRESSION, expr.at.0, "this is no field of the event")),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], expr: &Expr) -> Reading<Condition> {
        let at = expr.at.0;
        let field = |rows: &mut Self, e: &Expr| {
            let field = rows.tested(e)?.0;
            field.ok_or_else(|| refuse(codes::NO_FORM, at, "Sigma does not compare a whole message"))
        };
        match (name.to_ascii_lowercase().as_str(), arguments) {
            ("isnull", [one]) => Ok(Condition::test(field(self, one)?, Is::Null, at)),
            ("isempty", [one]) => Ok(nothing(field(self, one)?, at)),
            ("isnotnull", [one]) => Ok(Condition::not(Condition::test(field(self, one)?, Is::Null, at))),
            ("isnotempty", [one]) => Ok(Condition::not(nothing(field(self, one)?, at))),
            ("isblank", [one]) => {
                let field = field(self, one)?;
                let blank = Regex { text: r"^\s*$".to_owned(), ignore_case: false, multi_line: false, dot_all: false };
                Ok(Condition::Any(vec![
                    Condition::test(field.clone(), Is::Null, at),
                    Condition::test(field, Is::Matches(blank), at),
                ]))
            }
            ("contains", [left, right]) => self.contains(left, right, at),
            ("matches", [left, right]) => self.matches(left, right, true, at),
            ("in", [value, list @ ..]) => {
                let mut tests = Vec::new();
                for item in list {
                    let Value::Text(text) = self.value(item) else { return Err(no_constant(item)) };
                    tests.push(self.equals(value, &text, at)?);
                }
                Ok(Condition::any(tests))
            }
            ("isprivateip", [one]) => {
                let field = field(self, one)?;
                let networks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
                let tests =
                    networks.iter().map(|n| Ok(Condition::test(field.clone(), Is::In(parse_network(n, at)?), at)));
                Ok(Condition::any(tests.collect::<Reading<Vec<_>>>()?))
            }
            ("comparecidrprefix", [network, address, bits]) => {
                let (Value::Text(network), Value::Number(bits)) = (self.value(network), self.value(bits)) else {
                    return Err(no_constant(network));
                };
                let network = parse_network(&format!("{network}/{bits}"), at)?;
                Ok(Condition::test(field(self, address)?, Is::In(network), at))
            }
            ("if", _) => match self.value(expr) {
                Value::Truth(condition) => Ok(condition),
                _ => Err(refuse(codes::EXPRESSION, at, "this is no condition")),
            },
            _ => Err(refuse(codes::EXPRESSION, at, format!("`{name}(…)` is computed: Sigma tests fields as they are"))),
        }
    }

    /// What an expression is.
    pub(super) fn value(&mut self, expr: &Expr) -> Value {
        let unknown = Value::Unknown(expr.at.0);
        match &expr.kind {
            ExprKind::Field(name) => self.named(name),
            ExprKind::Text(text) => Value::Text(text.clone()),
            ExprKind::Number(number) => number_of(number).map_or(unknown, Value::Number),
            ExprKind::Negate(inner) => match self.value(inner) {
                Value::Number(n) => Value::Number(-n),
                _ => unknown,
            },
            ExprKind::Conditional(condition, yes, no) => self.chosen(condition, yes, no).unwrap_or(unknown),
            ExprKind::Call(name, arguments) => match (name.to_ascii_lowercase().as_str(), arguments.as_slice()) {
                ("if", [condition, yes, no]) => self.chosen(condition, yes, no).unwrap_or(unknown),
                ("tolowercase" | "tolower" | "lower", [one]) => match self.value(one) {
                    Value::Field { field, .. } => Value::Field { field, lower: true },
                    Value::Text(text) => Value::Text(text.to_lowercase()),
                    _ => unknown,
                },
                (
                    "num" | "number" | "tostring" | "toint" | "tolong" | "int" | "long" | "double" | "tonumber"
                    | "trim",
                    [one],
                ) => match self.value(one) {
                    Value::Field { .. } if name.eq_ignore_ascii_case("trim") => unknown,
                    value => value,
                },
                _ => self.truth(expr).unwrap_or(unknown),
            },
            ExprKind::Binary(BinaryOp::Add, left, right) => match (self.value(left), self.value(right)) {
                (Value::Score(mut a), Value::Score(b)) => {
                    a.extend(b);
                    Value::Score(a)
                }
                _ => unknown,
            },
            ExprKind::Binary(..)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::In { .. }
            | ExprKind::Bool(_) => self.truth(expr).unwrap_or(unknown),
            _ => unknown,
        }
    }

    fn truth(&mut self, expr: &Expr) -> Option<Value> {
        self.condition(expr).ok().map(Value::Truth)
    }

    /// `if(condition, yes, no)`
    fn chosen(&mut self, condition: &Expr, yes: &Expr, no: &Expr) -> Option<Value> {
        let condition = self.condition(condition).ok()?;
        let truth = |value: Value| match value {
            Value::Text(text) if text == "true" => Some(Condition::Always(true)),
            Value::Text(text) if text == "false" => Some(Condition::Always(false)),
            Value::Truth(condition) => Some(condition),
            _ => None,
        };
        match (self.value(yes), self.value(no)) {
            (Value::Number(yes), Value::Number(no)) => {
                let mut lines = vec![(condition.clone(), yes), (Condition::not(condition), no)];
                lines.retain(|(_, points)| *points != 0.0);
                Some(Value::Score(lines))
            }
            (yes, no) => {
                let (yes, no) = (truth(yes)?, truth(no)?);
                Some(Value::Truth(Condition::any([
                    Condition::all([condition.clone(), yes]),
                    Condition::all([Condition::not(condition), no]),
                ])))
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // multiples are powers of ten and two
fn number_of(number: &Number) -> Option<f64> {
    let digits: f64 = number.digits.parse().ok()?;
    Some(match number.unit {
        Unit::None => digits,
        Unit::Scale(_, factor) | Unit::Time(_, factor) => digits * factor as f64,
    })
}

fn no_constant(expr: &Expr) -> parallax_diagnostics::Diagnostic {
    refuse(codes::EXPRESSION, expr.at.0, "this is no constant of the search's text")
}

/// A missing field, or an empty one.
fn nothing(field: Field, at: Span) -> Condition {
    let empty = Is::Like(Pattern { parts: Vec::new(), case: Case::Counts });
    Condition::Any(vec![Condition::test(field.clone(), Is::Null, at), Condition::test(field, empty, at)])
}

fn exact(text: &str) -> Pattern {
    let parts = if text.is_empty() { Vec::new() } else { vec![Piece::Text(text.to_owned())] };
    Pattern { parts, case: Case::Counts }
}

/// A glob: `*` is any text; `?` is a character in the scope, and itself in `matches`.
fn glob(text: &str, question: bool) -> Pattern {
    let mut parts: Vec<Piece> = Vec::new();
    for c in text.chars() {
        match (c, parts.last_mut()) {
            ('*', Some(Piece::Any)) => {}
            ('*', _) => parts.push(Piece::Any),
            ('?', _) if question => parts.push(Piece::One),
            (c, Some(Piece::Text(t))) => t.push(c),
            (c, _) => parts.push(Piece::Text(c.to_string())),
        }
    }
    Pattern { parts, case: Case::Counts }
}

/// Sigma's name of a field.
fn sigma_name(name: &str) -> String {
    let leaf = ["EventData.", "winlog.event_data.", "event_data.", "properties."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let known = match leaf.to_ascii_lowercase().as_str() {
        "eventcode" | "eventid" | "event_id" => "EventID",
        "cmd" | "commandline" => "CommandLine",
        "user" => "User",
        "image" => "Image",
        "parentimage" => "ParentImage",
        "parentcommandline" => "ParentCommandLine",
        "provider" | "sourcename" => "Provider_Name",
        _ => leaf,
    };
    known.to_owned()
}
