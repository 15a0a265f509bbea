//! Expressions of KQL as conditions.
//!
//! KQL's text columns are never null: what is missing is the empty text. So a test that the empty text passes holds for
//! a missing field too, and that is written out.

use super::read::Reading;
use super::rows::{Rows, Value, no_constant};
use crate::loss::{Effect, codes, refuse};
use crate::middle::{Case, Condition, Field, Is, Network, Order, Regex, Term, Test};
use crate::missing;
use crate::names::Type;
use crate::pattern::{self, Shape};
use crate::score;
use parallax_diagnostics::{Diagnostic, Span};
use parallax_kql::syntax::tree::{BinaryOp, Expr, ExprKind, InOp};
use parallax_sigma::tree::Part;

impl Rows<'_> {
    /// An expression as a condition.
    pub(super) fn condition(&mut self, expr: &Expr) -> Reading<Condition> {
        let all = |conditions: Vec<Condition>| Condition::all(conditions);
        Ok(match &expr.kind {
            ExprKind::Paren(inner) => self.condition(inner)?,
            ExprKind::And(parts) => all(parts.iter().map(|p| self.condition(p)).collect::<Result<_, _>>()?),
            ExprKind::Or(parts) => {
                Condition::any(parts.iter().map(|p| self.condition(p)).collect::<Result<Vec<_>, _>>()?)
            }
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right, expr.span)?,
            ExprKind::In { op, left, list, .. } => self.list(*op, left, list, expr.span)?,
            ExprKind::Between { negated, operand, low, high } => {
                let (low, high) = (self.number(low)?, self.number(high)?);
                let field = self.field(operand)?.0;
                let within = all(vec![
                    Condition::test(field.clone(), Is::Compares(Order::GreaterOrEqual, low), expr.span),
                    Condition::test(field, Is::Compares(Order::LessOrEqual, high), expr.span),
                ]);
                if *negated { self.negated(within, expr.span) } else { within }
            }
            ExprKind::Call(call) => {
                let arguments: Vec<&Expr> = call.arguments.iter().map(|a| &a.value).collect();
                self.call(&call.name.text, &arguments, expr)?
            }
            _ => match self.value(expr) {
                Value::Truth(condition) => condition,
                Value::Field { field, ty: Type::Bool, .. } => equals(field, "true", Case::Ignored, expr.span),
                _ => return Err(no_test(expr)),
            },
        })
    }

    fn call(&mut self, name: &str, arguments: &[&Expr], expr: &Expr) -> Reading<Condition> {
        let at = expr.span;
        match (name, arguments) {
            ("not", [one]) => {
                let inner = self.condition(one)?;
                Ok(self.negated(inner, at))
            }
            ("isempty" | "isnull", [one]) => self.nothing(one, at),
            ("isnotempty" | "isnotnull" | "notempty" | "notnull", [one]) => Ok(Condition::not(self.nothing(one, at)?)),
            ("iff" | "iif", [..]) => match self.value(expr) {
                Value::Truth(condition) => Ok(condition),
                _ => Err(no_test(expr)),
            },
            ("coalesce", [one, other]) if matches!(self.value(other), Value::Truth(Condition::Always(false))) => {
                let condition = self.condition(one)?;
                self.guarded.extend(condition.tests().iter().map(|(t, _)| t.at));
                Ok(condition)
            }
            ("tobool" | "toboolean", [one]) => self.condition(one),
            ("ipv4_is_in_range" | "ipv4_is_match" | "ipv6_is_match" | "ipv6_is_in_range", [address, network]) => {
                let field = self.field(address)?.0;
                let Value::Text(text) = self.value(network) else { return Err(no_constant(network)) };
                Ok(Condition::test(field, Is::In(parse_network(&text, network.span)?), at))
            }
            ("ipv4_is_in_any_range", [address, networks @ ..]) => {
                let field = self.field(address)?.0;
                let mut any = Vec::new();
                for networks in networks {
                    for text in self.texts(std::slice::from_ref(*networks))? {
                        any.push(Condition::test(field.clone(), Is::In(parse_network(&text, networks.span)?), at));
                    }
                }
                Ok(Condition::any(any))
            }
            ("ipv4_is_private", [address]) => {
                let field = self.field(address)?.0;
                let networks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
                let tests =
                    networks.iter().map(|n| Ok(Condition::test(field.clone(), Is::In(parse_network(n, at)?), at)));
                Ok(Condition::any(tests.collect::<Reading<Vec<_>>>()?))
            }
            _ => Err(no_test(expr)),
        }
    }

    /// A negation. KQL's comparisons of numbers are null where there is none, and so is their negation.
    fn negated(&mut self, inner: Condition, at: Span) -> Condition {
        let nulls = |t: &Test| matches!(t.is, Is::Compares(..) | Is::In(_)) && !self.guarded.contains(&t.at);
        if inner.tests().iter().any(|(t, _)| nulls(t)) {
            self.losses.add(
                codes::MISSING,
                Effect::Widens,
                at,
                "events without the number or address are found: in KQL the negation of nothing is nothing",
            );
        }
        Condition::not(inner)
    }

    fn nothing(&mut self, expr: &Expr, at: Span) -> Reading<Condition> {
        // `isnull(toreal(x))` is about what stands in it.
        if matches!(&expr.kind, ExprKind::Call(call) if call.name.text != "tostring") {
            return Err(no_test(expr));
        }
        let (field, ty, _) = self.field(expr)?;
        let null = Condition::test(field.clone(), Is::Null, at);
        Ok(match ty {
            Type::Text => Condition::Any(vec![null, equals(field, "", Case::Counts, at)]),
            _ => null,
        })
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) -> Reading<Condition> {
        use BinaryOp as B;
        let (base, negated) = positive(op);
        let condition = match (self.value(left), self.value(right)) {
            _ if matches!(left.kind, ExprKind::Star) => self.anywhere(base, right, at)?,
            (Value::Field { field, ty, lower }, Value::Text(text)) => self.text(base, &field, ty, lower, &text, at)?,
            (Value::Text(text), Value::Field { field, ty, lower }) if matches!(base, B::Equal | B::EqualTilde) => {
                self.text(base, &field, ty, lower, &text, at)?
            }
            (Value::Field { field, .. }, Value::Number(number)) => number_test(base, field, number, at)?,
            (Value::Number(number), Value::Field { field, .. }) => number_test(flipped(base), field, number, at)?,
            (Value::Field { field, ty: Type::Bool, .. }, Value::Truth(Condition::Always(yes))) if base == B::Equal => {
                equals(field, if yes { "true" } else { "false" }, Case::Ignored, at)
            }
            (Value::Truth(condition), Value::Truth(Condition::Always(yes))) if base == B::Equal => {
                if yes {
                    condition
                } else {
                    Condition::not(condition)
                }
            }
            (Value::Score(lines), Value::Number(limit)) => {
                let order = order(base)
                    .ok_or_else(|| refuse(codes::EXPRESSION, at, "a score is compared by `<`, `>` and their kin"))?;
                score::compares(&lines, order, limit)
                    .ok_or_else(|| refuse(codes::EXPRESSION, at, "this score has no form as a condition"))?
            }
            (Value::Field { field, .. }, Value::Field { field: other, .. }) => {
                let (part, case) = match base {
                    B::Equal => (Part::Whole, Case::Counts),
                    B::EqualTilde => (Part::Whole, Case::Ignored),
                    B::Contains => (Part::Somewhere, Case::Ignored),
                    B::ContainsCs => (Part::Somewhere, Case::Counts),
                    B::StartsWith => (Part::Start, Case::Ignored),
                    B::StartsWithCs => (Part::Start, Case::Counts),
                    B::EndsWith => (Part::End, Case::Ignored),
                    B::EndsWithCs => (Part::End, Case::Counts),
                    _ => return Err(refuse(codes::NO_FORM, at, "Sigma compares two fields by their texts alone")),
                };
                let effect = Effect::Narrows.negated(negated);
                self.losses.add(
                    codes::MISSING,
                    effect,
                    at,
                    "two missing values are not equal: in KQL both are the empty text",
                );
                Condition::test(field, Is::Field(part, other, case), at)
            }
            (Value::Field { .. }, _) => return Err(no_constant(right)),
            (Value::Unknown(span), _) => return Err(self.no_field(left, span)),
            _ => return Err(refuse(codes::EXPRESSION, at, "this is no test of a field")),
        };
        Ok(if negated { Condition::not(condition) } else { condition })
    }

    /// A test of a text.
    fn text(&mut self, op: BinaryOp, field: &Field, ty: Type, lower: bool, text: &str, at: Span) -> Reading<Condition> {
        use BinaryOp as B;
        let case = match op {
            B::Equal | B::HasCs | B::HasPrefixCs | B::HasSuffixCs | B::ContainsCs | B::StartsWithCs | B::EndsWithCs => {
                Case::Counts
            }
            _ => Case::Ignored,
        };
        // What was made lower-case is equal to nothing that is not, and to all else in any case.
        let case = if lower && case == Case::Counts {
            if text.chars().any(char::is_uppercase) {
                return Ok(Condition::Always(false));
            }
            Case::Ignored
        } else {
            case
        };
        let like = |shape: Shape| pattern::pattern(shape, case).map(Is::Like);
        let text = text.to_owned();
        let is = match op {
            B::Equal | B::EqualTilde => like(Shape::Exact(text)),
            B::Contains | B::ContainsCs => like(Shape::Contains(text)),
            B::StartsWith | B::StartsWithCs => like(Shape::Starts(text)),
            B::EndsWith | B::EndsWithCs => like(Shape::Ends(text)),
            B::Has | B::HasCs => Some(Is::Term(Term { text, start: true, end: true, case })),
            B::HasPrefix | B::HasPrefixCs => Some(Is::Term(Term { text, start: true, end: false, case })),
            B::HasSuffix | B::HasSuffixCs => Some(Is::Term(Term { text, start: false, end: true, case })),
            B::MatchesRegex => Some(Is::Matches(Regex { text, ignore_case: lower, multi_line: false, dot_all: false })),
            _ => None,
        };
        let is = is.ok_or_else(|| refuse(codes::NO_FORM, at, "Sigma has no such comparison of texts"))?;
        Ok(with_nothing(field.clone(), is, ty, at))
    }

    fn list(&mut self, op: InOp, left: &Expr, list: &[Expr], at: Span) -> Reading<Condition> {
        if list.iter().any(|item| matches!(item.kind, ExprKind::Query(_))) {
            return Err(refuse(codes::OPERATOR, at, "the values of this list come from another table"));
        }
        let texts = self.texts(list)?;
        let base = match op {
            InOp::In | InOp::NotIn => BinaryOp::Equal,
            InOp::InTilde | InOp::NotInTilde => BinaryOp::EqualTilde,
            InOp::HasAny | InOp::HasAll => BinaryOp::Has,
        };
        let tests = if matches!(left.kind, ExprKind::Star) {
            texts.iter().map(|text| term_anywhere(text, at)).collect::<Vec<_>>()
        } else {
            let (field, ty, lower) = self.field(left)?;
            texts.iter().map(|t| self.text(base, &field, ty, lower, t, at)).collect::<Reading<Vec<_>>>()?
        };
        let joined = if op == InOp::HasAll { Condition::all(tests) } else { Condition::any(tests) };
        Ok(if matches!(op, InOp::NotIn | InOp::NotInTilde) { Condition::not(joined) } else { joined })
    }

    /// `* has "x"`
    fn anywhere(&mut self, op: BinaryOp, right: &Expr, at: Span) -> Reading<Condition> {
        let Value::Text(text) = self.value(right) else { return Err(no_constant(right)) };
        self.losses.add(
            codes::KEYWORD,
            Effect::Either,
            at,
            "the text is looked for in the whole event, not in the columns of the table",
        );
        match op {
            BinaryOp::Has => Ok(term_anywhere(&text, at)),
            BinaryOp::Contains => {
                let is = pattern::pattern(Shape::Contains(text), Case::Ignored).map(Is::Like);
                let is = is.ok_or_else(|| refuse(codes::NO_FORM, at, "this text is empty"))?;
                Ok(Condition::Test(Test { field: None, is, at }))
            }
            _ => Err(refuse(codes::NO_FORM, at, "only `has` and `contains` look through all columns")),
        }
    }

    fn field(&mut self, expr: &Expr) -> Reading<(Field, Type, bool)> {
        match self.value(expr) {
            Value::Field { field, ty, lower } => Ok((field, ty, lower)),
            Value::Unknown(span) => Err(self.no_field(expr, span)),
            _ => Err(no_test(expr)),
        }
    }

    fn no_field(&self, expr: &Expr, span: Span) -> Diagnostic {
        match &expr.kind {
            ExprKind::Name(name) => {
                let message = format!("Sigma has no field for `{}` of `{}`", name.text, self.name);
                refuse(codes::NO_FIELD, span, message)
            }
            _ => no_test(expr),
        }
    }

    fn number(&mut self, expr: &Expr) -> Reading<f64> {
        match self.value(expr) {
            Value::Number(n) => Ok(n),
            _ => Err(no_constant(expr)),
        }
    }
}

fn no_test(expr: &Expr) -> Diagnostic {
    let what = match &expr.kind {
        ExprKind::Call(call) => format!("`{}(…)` is computed: Sigma tests fields as they are", call.name.text),
        _ => "this is no test of a field".to_owned(),
    };
    refuse(codes::EXPRESSION, expr.span, what)
}

/// The test, and a missing field where the empty text passes it.
fn with_nothing(field: Field, is: Is, ty: Type, at: Span) -> Condition {
    let holds = ty == Type::Text && missing::answer(&is, Some("")).unwrap_or(false);
    let test = Condition::test(field.clone(), is, at);
    if holds { Condition::Any(vec![Condition::test(field, Is::Null, at), test]) } else { test }
}

fn equals(field: Field, text: &str, case: Case, at: Span) -> Condition {
    let parts = if text.is_empty() { Vec::new() } else { vec![crate::middle::Piece::Text(text.to_owned())] };
    Condition::test(field, Is::Like(crate::middle::Pattern { parts, case }), at)
}

fn term_anywhere(text: &str, at: Span) -> Condition {
    let is = Is::Term(Term { text: text.to_owned(), start: true, end: true, case: Case::Ignored });
    Condition::Test(Test { field: None, is, at })
}

fn number_test(op: BinaryOp, field: Field, number: f64, at: Span) -> Reading<Condition> {
    if op == BinaryOp::Equal {
        return Ok(equals(field, &number.to_string(), Case::Ignored, at));
    }
    let order = order(op).ok_or_else(|| refuse(codes::NO_FORM, at, "Sigma has no such comparison of numbers"))?;
    Ok(Condition::test(field, Is::Compares(order, number), at))
}

fn order(op: BinaryOp) -> Option<Order> {
    Some(match op {
        BinaryOp::Less => Order::Less,
        BinaryOp::LessOrEqual => Order::LessOrEqual,
        BinaryOp::Greater => Order::Greater,
        BinaryOp::GreaterOrEqual => Order::GreaterOrEqual,
        _ => return None,
    })
}

fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        other => other,
    }
}

/// The operator without its negation.
fn positive(op: BinaryOp) -> (BinaryOp, bool) {
    use BinaryOp as B;
    let base = match op {
        B::NotEqual => B::Equal,
        B::NotEqualTilde => B::EqualTilde,
        B::NotHas => B::Has,
        B::NotHasCs => B::HasCs,
        B::NotHasPrefix => B::HasPrefix,
        B::NotHasPrefixCs => B::HasPrefixCs,
        B::NotHasSuffix => B::HasSuffix,
        B::NotHasSuffixCs => B::HasSuffixCs,
        B::NotContains => B::Contains,
        B::NotContainsCs => B::ContainsCs,
        B::NotStartsWith => B::StartsWith,
        B::NotStartsWithCs => B::StartsWithCs,
        B::NotEndsWith => B::EndsWith,
        B::NotEndsWithCs => B::EndsWithCs,
        other => return (other, false),
    };
    (base, true)
}

/// `10.0.0.0/8`
pub(crate) fn parse_network(text: &str, at: Span) -> Reading<Network> {
    let wrong = || refuse(codes::NO_FORM, at, format!("`{text}` is no network"));
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: std::net::IpAddr = address.trim().parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits =
        if bits.is_empty() { most } else { bits.trim().parse().ok().filter(|b| *b <= most).ok_or_else(wrong)? };
    Ok(Network { address, bits })
}
