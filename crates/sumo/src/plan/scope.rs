//! The scope: keywords over the tokens of `_raw`, and `field=value` over metadata and extracted fields.

use super::values::{Ty, Value, call, text_literal};
use super::{
    Planner, Planning, RAW, built, codes,
    rows::{Rows, same},
};
use crate::syntax::{At, Name, Scope, ScopeKind, ScopeOp, Text};
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit};
use parallax_diagnostics::Diagnostic;

/// Terms that choose a partition or a tier of the real product.
const PARTITIONS: [&str; 4] = ["_index", "_view", "_datatier", "_searchablebysearchlanguage"];

/// The partitions of Cloud SIEM's records, as a scope names them: `_index=sec_record_endpoint`, `index=sec_record_*`.
fn is_records(name: &str, value: &str) -> bool {
    ["_index", "_view", "index"].iter().any(|n| same(n, name)) && value.to_ascii_lowercase().starts_with("sec_record")
}

/// Whether a scope chooses partitions of Cloud SIEM's records.
pub(super) fn names_records(scope: &Scope) -> bool {
    match &scope.kind {
        ScopeKind::All(terms) | ScopeKind::Any(terms) => terms.iter().any(names_records),
        ScopeKind::Field { name, value, .. } => is_records(&name.text, &value.text),
        ScopeKind::In { name, values } => values.iter().any(|value| is_records(&name.text, &value.text)),
        _ => false,
    }
}

/// The longest keyword or phrase; each is an automaton.
const LONGEST_TERM: usize = 10_000;

impl Planner<'_> {
    /// Keeps the messages that the scope names.
    pub(super) fn scope(&mut self, rows: &mut Rows, scope: &Scope) -> Planning<()> {
        match self.scope_condition(rows, scope)? {
            Some(condition) => built(rows.filter(condition), scope.at),
            None => Ok(()),
        }
    }

    /// The condition of a term; nothing where every message meets it.
    pub(super) fn scope_condition(&mut self, rows: &mut Rows, scope: &Scope) -> Planning<Option<Expr>> {
        match &scope.kind {
            ScopeKind::All(terms) => {
                let mut conditions = Vec::new();
                for term in terms {
                    conditions.extend(self.scope_condition(rows, term)?);
                }
                Ok(balanced(conditions, Operator::And))
            }
            ScopeKind::Any(terms) => {
                let mut conditions = Vec::new();
                for term in terms {
                    match self.scope_condition(rows, term)? {
                        Some(condition) => conditions.push(condition),
                        None => return Ok(None),
                    }
                }
                Ok(balanced(conditions, Operator::Or))
            }
            ScopeKind::Not(inner) => {
                Ok(Some(self.scope_condition(rows, inner)?.map_or(lit(false), |c| c.is_not_true())))
            }
            ScopeKind::Keyword(text) | ScopeKind::Phrase(text) if text.len() > LONGEST_TERM => Err(Diagnostic::error(
                crate::syntax::codes::TOO_LARGE,
                scope.at.0,
                format!("a search term has at most {LONGEST_TERM} bytes"),
            )),
            ScopeKind::Keyword(word) if word.chars().all(|c| c == '*') => Ok(None),
            ScopeKind::Keyword(word) => {
                let raw = self.field(rows, RAW, scope.at)?;
                Ok(Some(call("sumo_has_term", vec![raw.expr, text_literal(word)])))
            }
            ScopeKind::Phrase(text) => {
                if text.trim().is_empty() || text.trim() == "*" {
                    return Ok(None);
                }
                if text.contains('*') {
                    self.diagnostics.push(
                        Diagnostic::note(
                            codes::QUOTED_WILDCARD,
                            scope.at.0,
                            "`*` in a quoted phrase is documented to be no wildcard; it is used as one, as published queries expect",
                        ),
                    );
                }
                let raw = self.field(rows, RAW, scope.at)?;
                Ok(Some(call("sumo_has_phrase", vec![raw.expr, text_literal(text)])))
            }
            ScopeKind::Field { name, op, value, quoted } => self.scope_field(rows, scope.at, name, *op, value, *quoted),
            ScopeKind::In { name, values } => {
                let field = self.field(rows, &name.text, name.at)?.to_text();
                let each = |v: &Text| call("sumo_field_equals", vec![field.clone(), text_literal(&v.text)]);
                Ok(balanced(values.iter().map(each).collect(), Operator::Or))
            }
            ScopeKind::Parameter(name) => {
                Err(Diagnostic::error(codes::NO_PARAMETER, scope.at.0, format!("the parameter `{name}` has no value")))
            }
            ScopeKind::Subquery(inner) => Ok(Some(self.subquery(rows, inner, true)?)),
        }
    }

    fn scope_field(
        &mut self,
        rows: &mut Rows,
        at: At,
        name: &Name,
        op: ScopeOp,
        value: &Text,
        quoted: bool,
    ) -> Planning<Option<Expr>> {
        let partition = self.records && is_records(&name.text, &value.text);
        if !partition && PARTITIONS.iter().any(|p| same(p, &name.text)) {
            let message = format!(
                "`{}` chooses a partition of the real product; here there is one, and all of it is searched",
                name.text
            );
            self.diagnostics.push(Diagnostic::warning(codes::NO_PARTITIONS, at.0, message));
            return Ok(None);
        }
        let field = self.field(rows, if partition { "_index" } else { &name.text }, name.at)?;
        let number = value.text.parse::<f64>();
        let ordered = |operator| -> Planning<Expr> {
            let Ok(number) = &number else {
                return Err(Diagnostic::error(codes::BAD_ARGUMENT, value.at.0, "a number is compared here"));
            };
            Ok(binary_expr(field.to_double(), operator, lit(*number)))
        };
        let equal = || {
            let wild = !quoted && value.text.contains(['*', '?']);
            let function = if wild { "sumo_field_matches" } else { "sumo_field_equals" };
            call(function, vec![field.to_text(), text_literal(&value.text)])
        };
        Ok(Some(match op {
            // `field=*`: there is such a field.
            ScopeOp::Eq if !quoted && value.text == "*" => field.expr.clone().is_not_null(),
            ScopeOp::Eq => equal(),
            ScopeOp::Ne => equal().is_not_true(),
            ScopeOp::Lt => ordered(Operator::Lt)?,
            ScopeOp::Le => ordered(Operator::LtEq)?,
            ScopeOp::Gt => ordered(Operator::Gt)?,
            ScopeOp::Ge => ordered(Operator::GtEq)?,
        }))
    }
}

/// All or any of the conditions, as a tree whose depth grows with the logarithm of their number.
pub(super) fn balanced(mut conditions: Vec<Expr>, operator: Operator) -> Option<Expr> {
    while conditions.len() > 1 {
        let mut half = Vec::with_capacity(conditions.len().div_ceil(2));
        let mut each = conditions.into_iter();
        while let Some(left) = each.next() {
            half.push(match each.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
        conditions = half;
    }
    conditions.pop()
}

/// A value that is true or false and never null.
pub(super) fn truth(value: &Value) -> Value {
    Value::new(value.to_bool().is_true(), Ty::Bool)
}
