//! Expressions.
//!
//! A missing field is null. In comparisons it counts as `""` (inferred from how thousands of published queries are
//! written): `x = ""` holds, `x != ""` and `x matches "*"` do not. A comparison of two values of which one is a number
//! casts the other; text that is no number equals none, and is neither above nor below one.

use super::portable;
use super::rows::Rows;
use super::scope::{balanced, truth};
use super::values::{Ty, Value, call, choose, coalesce, common, text_literal};
use super::{Planner, Planning, codes};
use crate::syntax::{At, BinaryOp, Expr as Tree, ExprKind, Number, Unit};
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn expression(&mut self, rows: &mut Rows, tree: &Tree) -> Planning<Value> {
        match &tree.kind {
            ExprKind::Field(name) => self.field(rows, name, tree.at),
            ExprKind::Text(text) => Ok(Value::text(text)),
            ExprKind::Number(number) => Ok(literal(number)),
            ExprKind::Bool(yes) => Ok(Value::new(lit(*yes), Ty::Bool)),
            ExprKind::Null => Ok(Value::null()),
            ExprKind::Regex(_) => Err(Diagnostic::error(
                codes::BAD_ARGUMENT,
                tree.at.0,
                "a regular expression can only stand after `matches` and in `replace`",
            )),
            ExprKind::Parameter(name) => {
                Err(Diagnostic::error(codes::NO_PARAMETER, tree.at.0, format!("the parameter `{name}` has no value")))
            }
            ExprKind::Not(inner) => {
                let inner = self.expression(rows, inner)?;
                Ok(Value::new(inner.to_bool().is_not_true(), Ty::Bool))
            }
            ExprKind::Negate(inner) => {
                let number = self.expression(rows, inner)?.to_number();
                Ok(Value::new(Expr::Negative(Box::new(number.expr)), number.ty))
            }
            ExprKind::And(terms) => self.connect(rows, terms, Operator::And),
            ExprKind::Or(terms) => self.any_of(rows, terms),
            ExprKind::Binary(op, left, right) => self.binary(rows, tree.at, *op, left, right),
            ExprKind::In { value, list, negated } => self.membership(rows, value, list, *negated),
            ExprKind::Conditional(condition, yes, no) => self.conditional(rows, condition, yes, no),
            ExprKind::Call(name, arguments) => self.call(rows, name, arguments, tree.at),
            ExprKind::Subquery(inner) => Ok(Value::new(self.subquery(rows, inner, false)?, Ty::Bool)),
        }
    }

    /// An expression as a condition that is true, false or null; null counts as false.
    pub(super) fn condition(&mut self, rows: &mut Rows, tree: &Tree) -> Planning<Expr> {
        Ok(self.expression(rows, tree)?.to_bool())
    }

    fn connect(&mut self, rows: &mut Rows, terms: &[Tree], operator: Operator) -> Planning<Value> {
        let conditions = terms.iter().map(|t| self.condition(rows, t)).collect::<Planning<Vec<_>>>()?;
        Ok(Value::new(balanced(conditions, operator).unwrap_or(lit(true)), Ty::Bool))
    }

    pub(super) fn conditional(&mut self, rows: &mut Rows, condition: &Tree, yes: &Tree, no: &Tree) -> Planning<Value> {
        let condition = self.condition(rows, condition)?;
        let yes_value = self.expression(rows, yes)?;
        let no_value = self.expression(rows, no)?;
        // `null` takes the other's type.
        let ty = match (&yes.kind, &no.kind) {
            (ExprKind::Null, _) => no_value.ty,
            (_, ExprKind::Null) => yes_value.ty,
            _ => common(yes_value.ty, no_value.ty),
        };
        Ok(Value::new(choose(condition, yes_value.to(ty), no_value.to(ty)), ty))
    }

    fn binary(&mut self, rows: &mut Rows, at: At, op: BinaryOp, left: &Tree, right: &Tree) -> Planning<Value> {
        use BinaryOp as B;
        no_subquery([left, right])?;
        match op {
            B::Matches => self.matches(rows, left, right),
            B::NotMatches => {
                let inner = self.matches(rows, left, right)?;
                Ok(Value::new(inner.expr.is_not_true(), Ty::Bool))
            }
            B::RegexMatches => {
                let documented = match &right.kind {
                    ExprKind::Text(text) | ExprKind::Regex(text) => Some(self.matches_regex(left, text)),
                    _ => None,
                };
                self.extension(at, "`=~`", documented)?;
                let (ExprKind::Text(text) | ExprKind::Regex(text)) = &right.kind else {
                    return Err(Diagnostic::error(
                        codes::BAD_ARGUMENT,
                        right.at.0,
                        "`=~` needs a regular expression in quotes",
                    ));
                };
                let value = self.expression(rows, left)?;
                self.regex_match(&value, text, right.at)
            }
            B::Contains => {
                let (a, b) = (self.expression(rows, left)?, self.expression(rows, right)?);
                Ok(Value::new(call("sumo_contains", vec![a.to_text(), b.to_text()]), Ty::Bool))
            }
            B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo => {
                let (a, b) = (self.expression(rows, left)?, self.expression(rows, right)?);
                Ok(arithmetic(op, &a, &b))
            }
            // A parameter without a value stands for every value.
            _ if [left, right].iter().any(|t| matches!(t.kind, ExprKind::Parameter(_))) => {
                for side in [left, right].into_iter().filter(|t| !matches!(t.kind, ExprKind::Parameter(_))) {
                    self.expression(rows, side)?;
                }
                Ok(Value::new(lit(true), Ty::Bool))
            }
            _ => {
                let (a, b) = (self.expression(rows, left)?, self.expression(rows, right)?);
                Ok(Value::new(compare(op, &a, &b), Ty::Bool))
            }
        }
    }

    fn matches(&mut self, rows: &mut Rows, left: &Tree, right: &Tree) -> Planning<Value> {
        let value = self.expression(rows, left)?;
        if let ExprKind::Regex(pattern) = &right.kind {
            let pattern = if self.switches.regex_whole { format!("^(?:{pattern})$") } else { pattern.clone() };
            return self.regex_match(&value, &pattern, right.at);
        }
        if let ExprKind::Text(text) = &right.kind {
            if portable::is_plainly_a_regex(text) {
                let documented = slashed(text);
                self.misread(
                    right.at,
                    codes::REGEX_LIKE,
                    "this is a regular expression; the real product takes it for a glob, in which all but `*` matches \
                     literally",
                    documented,
                )?;
                if !self.switches.as_documented {
                    let pattern = if self.switches.regex_whole { format!("^(?:{text})$") } else { text.clone() };
                    return self.regex_match(&value, &pattern, right.at);
                }
            } else {
                self.warn_regex_like(text, right.at);
            }
        }
        let glob = self.expression(rows, right)?;
        let mut arguments = vec![value.to_text(), glob.to_text()];
        if self.switches.question_any {
            arguments.push(text_literal("?"));
        }
        Ok(Value::new(call("sumo_matches", arguments), Ty::Bool))
    }

    pub(super) fn regex_match(&mut self, value: &Value, pattern: &str, at: At) -> Planning<Value> {
        self.check_regex(pattern, at)?;
        Ok(Value::new(call("sumo_matches_regex", vec![value.to_text(), text_literal(pattern)]), Ty::Bool))
    }

    /// `f matches /re/`.
    pub(super) fn matches_regex(&self, left: &Tree, pattern: &str) -> String {
        format!("{} matches {}", left.at.0.of(self.text), slashed(pattern))
    }

    /// Refuses a regular expression of `matches` or `replace` that cannot be compiled, at its place. They take RE2's
    /// expressions (documented).
    pub(super) fn check_regex(&self, pattern: &str, at: At) -> Planning<regex::Regex> {
        parallax_functions::sumo::regex(pattern).map_err(|why| bad_regex(&why, at))
    }

    /// The same of `parse regex`, which takes Java's too (documented).
    pub(super) fn check_pattern(&self, pattern: &str, at: At) -> Planning<parallax_functions::sumo::Pattern> {
        parallax_functions::sumo::Pattern::new(pattern).map_err(|why| bad_regex(&why, at))
    }

    /// A glob with the marks of a regular expression matches them literally, which nobody means.
    pub(super) fn warn_regex_like(&mut self, glob: &str, at: At) {
        let alternatives = glob
            .find('(')
            .is_some_and(|open| glob[open..].find(')').is_some_and(|close| glob[open..open + close].contains('|')));
        let looks = glob.starts_with("(?")
            || alternatives
            || glob.contains(".*") && !glob.starts_with("*.") && !glob.contains("*.*")
            || glob.contains("\\d")
            || glob.contains("[a-z")
            || glob.contains("\\s+");
        if looks {
            self.diagnostics.push(
                Diagnostic::warning(
                    codes::REGEX_LIKE,
                    at.0,
                    "this looks like a regular expression, but `matches \"…\"` takes a glob: all but `*` matches literally",
                )
                .help("write `matches /…/` for a regular expression"),
            );
        }
    }

    fn membership(&mut self, rows: &mut Rows, value: &Tree, list: &[Tree], negated: bool) -> Planning<Value> {
        no_subquery(std::iter::once(value).chain(list))?;
        let left = self.expression(rows, value)?;
        let mut conditions = Vec::new();
        for item in list {
            let right = self.expression(rows, item)?;
            // Documented: `in` does not cast text, so a number is in no list of texts and no text among numbers.
            if left.ty == Ty::Text && right.ty != Ty::Text && matches!(item.kind, ExprKind::Number(_)) {
                let text = item.at.0.of(self.text).to_owned();
                self.misread(
                    item.at,
                    codes::IN_NUMBERS,
                    "`in` does not cast: in the real product text is never among numbers",
                    format!("\"{text}\""),
                )?;
                conditions.push(match self.switches.as_documented {
                    true => lit(false),
                    false => compare(BinaryOp::Eq, &left, &Value::text(&text)),
                });
                continue;
            }
            conditions.push(compare(BinaryOp::Eq, &left, &right));
        }
        let any = balanced(conditions, Operator::Or).unwrap_or(lit(false));
        Ok(Value::new(if negated { any.is_not_true() } else { any }, Ty::Bool))
    }
}

/// A subquery is a condition of its own (documented), which names its fields itself; it has no value to be compared with.
fn no_subquery<'a>(operands: impl IntoIterator<Item = &'a Tree>) -> Planning<()> {
    match operands.into_iter().find(|o| matches!(o.kind, ExprKind::Subquery(_))) {
        Some(subquery) => Err(Diagnostic::error(
            codes::NOT_SUPPORTED,
            subquery.at.0,
            "a subquery is a condition of its own, and has no values to be compared with",
        )
        .help("write `where [subquery: … | compose field]`: it compares the field that it composes")),
        None => Ok(()),
    }
}

/// A regular expression between slashes.
fn slashed(pattern: &str) -> String {
    format!("/{}/", pattern.replace("\\/", "/").replace('/', "\\/"))
}

/// A number as written: whole ones are longs.
fn literal(number: &Number) -> Value {
    match (number.whole(), number.unit) {
        (Some(whole), Unit::None | Unit::Scale(..) | Unit::Time(..)) => Value::new(lit(whole), Ty::Long),
        (None, _) => {
            let value = number.value();
            #[allow(clippy::cast_possible_truncation)]
            if value == value.trunc() && value.abs() < 9e15 && number.unit != Unit::None {
                Value::new(lit(value as i64), Ty::Long)
            } else {
                Value::new(lit(value), Ty::Double)
            }
        }
    }
}

fn operator(op: BinaryOp) -> Operator {
    match op {
        BinaryOp::Lt => Operator::Lt,
        BinaryOp::Le => Operator::LtEq,
        BinaryOp::Gt => Operator::Gt,
        BinaryOp::Ge => Operator::GtEq,
        BinaryOp::Add => Operator::Plus,
        BinaryOp::Subtract => Operator::Minus,
        BinaryOp::Multiply => Operator::Multiply,
        BinaryOp::Divide => Operator::Divide,
        BinaryOp::Modulo => Operator::Modulo,
        _ => Operator::Eq,
    }
}

/// A comparison. It may be null, which counts as false.
fn compare(op: BinaryOp, a: &Value, b: &Value) -> Expr {
    if op == BinaryOp::Ne {
        return compare(BinaryOp::Eq, a, b).is_not_true();
    }
    match (a.ty, b.ty) {
        (Ty::Text, Ty::Text) if op == BinaryOp::Eq => equal_texts(a, b),
        (Ty::Text, Ty::Text) => {
            binary_expr(call("sumo_compare", vec![a.expr.clone(), b.expr.clone()]), operator(op), lit(0i64))
        }
        (Ty::Bool, _) | (_, Ty::Bool) => {
            if a.ty == Ty::Bool && b.ty == Ty::Bool {
                binary_expr(truth(a).expr, operator(op), truth(b).expr)
            } else {
                binary_expr(a.to_text(), operator(op), b.to_text())
            }
        }
        _ => {
            let (a, b) = (a.to_number(), b.to_number());
            if a.ty.whole() && b.ty.whole() {
                binary_expr(a.expr, operator(op), b.expr)
            } else {
                binary_expr(a.to_double(), operator(op), b.to_double())
            }
        }
    }
}

/// Text equals text case-sensitively; a missing field equals `""`.
fn equal_texts(a: &Value, b: &Value) -> Expr {
    let filled = |v: &Value| match v.literal_text() {
        Some(_) => v.expr.clone(),
        None => coalesce(v.expr.clone(), text_literal("")),
    };
    let nonempty = |v: &Value| v.literal_text().is_some_and(|t| !t.is_empty());
    // Against a literal that is not empty, null and "" differ alike: the column can stand bare, which lets a scan see
    // what is compared.
    if nonempty(a) || nonempty(b) {
        return a.expr.clone().eq(b.expr.clone());
    }
    filled(a).eq(filled(b))
}

fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Value {
    let (a, b) = (a.to_number(), b.to_number());
    let whole = a.ty.whole() && b.ty.whole() && op != BinaryOp::Divide;
    let (left, mut right) = if whole { (a.expr, b.expr) } else { (a.to_double(), b.to_double()) };
    if op == BinaryOp::Modulo {
        // There is no rest of a division by zero. The division itself gives infinity (documented for `isInfinity`).
        let zero = if whole { lit(0i64) } else { lit(0.0) };
        right = datafusion::functions::core::expr_fn::nullif(right, zero);
    }
    Value::new(binary_expr(left, operator(op), right), if whole { Ty::Long } else { Ty::Double })
}

fn bad_regex(why: &str, at: At) -> Diagnostic {
    Diagnostic::error(crate::syntax::codes::BAD_REGEX, at.0, format!("this regular expression cannot be used: {why}"))
}
