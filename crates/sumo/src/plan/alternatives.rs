//! `f matches "*a*" or f matches "*b*" or …`: the field is looked through once for all of them.

use super::portable::is_plainly_a_regex;
use super::rows::{Rows, same};
use super::scope::balanced;
use super::values::{Ty, Value, call, text_literal};
use super::{Planner, Planning};
use crate::syntax::{At, BinaryOp, Expr as Tree, ExprKind};
use datafusion::logical_expr::{Operator, lit};

/// A field, and the glob that it is to match.
fn glob(term: &Tree) -> Option<(&str, &str, At)> {
    let ExprKind::Binary(BinaryOp::Matches, left, right) = &term.kind else { return None };
    match (&left.kind, &right.kind) {
        (ExprKind::Field(field), ExprKind::Text(glob)) if !is_plainly_a_regex(glob) => Some((field, glob, right.at)),
        _ => None,
    }
}

impl Planner<'_> {
    /// Any of the terms.
    pub(super) fn any_of(&mut self, rows: &mut Rows, terms: &[Tree]) -> Planning<Value> {
        let mut conditions = Vec::with_capacity(terms.len());
        let mut done: Vec<&str> = Vec::new();
        for term in terms {
            let Some((field, ..)) = glob(term).filter(|_| !self.switches.question_any) else {
                conditions.push(self.condition(rows, term)?);
                continue;
            };
            if done.iter().any(|d| same(d, field)) {
                continue;
            }
            let alike: Vec<_> = terms.iter().filter_map(glob).filter(|(f, ..)| same(f, field)).collect();
            if alike.len() < 2 {
                conditions.push(self.condition(rows, term)?);
                continue;
            }
            done.push(field);
            let value = self.field(rows, field, term.at)?.to_text();
            let mut packed = String::new();
            for (_, glob, at) in alike {
                self.warn_regex_like(glob, at);
                parallax_functions::sumo::pack(glob, &mut packed);
            }
            conditions.push(call("sumo_matches_any", vec![value, text_literal(&packed)]));
        }
        Ok(Value::new(balanced(conditions, Operator::Or).unwrap_or(lit(true)), Ty::Bool))
    }
}
