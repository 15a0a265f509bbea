//! The parts of a condition as columns.

use super::Tracer;
use crate::plan::Planning;
use crate::plan::rows::Rows;
use crate::plan::values::{Ty, Value};
use crate::syntax::{BinaryOp, Expr, ExprKind, Scope, ScopeKind};
use parallax_catalog::trace::{Place, Probe, Role, Sought};

impl Tracer<'_, '_> {
    /// A condition with its parts.
    pub(super) fn probe(&mut self, rows: &mut Rows, expr: &Expr) -> Planning<Probe> {
        let (role, inner): (Role, Vec<&Expr>) = match &expr.kind {
            ExprKind::And(all) => (Role::All, all.iter().collect()),
            ExprKind::Or(any) => (Role::Any, any.iter().collect()),
            ExprKind::Not(inner) => (Role::Not, vec![inner]),
            _ => (Role::Test, Vec::new()),
        };
        let mut parts = inner.into_iter().map(|e| self.probe(rows, e)).collect::<Planning<Vec<_>>>()?;
        if role == Role::Test {
            self.operands(rows, expr, &mut parts)?;
        }
        let value = self.planner.expression(rows, expr)?;
        let column = self.put(rows, &Value::new(value.to_bool(), Ty::Bool), "condition")?;
        Ok(Probe { role, span: expr.at.0, column: Some(column), parts })
    }

    /// What a condition looks at.
    fn operands(&mut self, rows: &mut Rows, expr: &Expr, parts: &mut Vec<Probe>) -> Planning<()> {
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                let operand = self.operand(rows, left, parts)?;
                self.operand(rows, right, parts)?;
                for (text, place) in sought(*op, right) {
                    let positive = if *op == BinaryOp::NotMatches { BinaryOp::Matches } else { *op };
                    let kind = ExprKind::Binary(positive, left.clone(), right.clone());
                    let answer = self.planner.expression(rows, &Expr { kind, at: expr.at })?;
                    let column = self.put(rows, &answer, "needle")?;
                    let sought = Sought { text: text.to_owned(), operand, place, case_sensitive: false };
                    parts.push(Probe::new(Role::Needle(sought), right.at.0, Some(column)));
                }
            }
            ExprKind::In { value, list, .. } => {
                let operand = self.operand(rows, value, parts)?;
                for item in list {
                    let ExprKind::Text(text) = &item.kind else { continue };
                    let single = Expr {
                        kind: ExprKind::In { value: value.clone(), list: vec![item.clone()], negated: false },
                        at: item.at,
                    };
                    let answer = self.planner.expression(rows, &single)?;
                    let column = self.put(rows, &answer, "needle")?;
                    let sought = Sought { text: text.clone(), operand, place: Place::Whole, case_sensitive: true };
                    parts.push(Probe::new(Role::Needle(sought), item.at.0, Some(column)));
                }
            }
            ExprKind::Call(_, arguments) => {
                for argument in arguments {
                    self.operand(rows, argument, parts)?;
                }
            }
            ExprKind::Field(_) => {
                self.operand(rows, expr, parts)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// An operand's value, unless the text says it already; and the column that has it.
    fn operand(&mut self, rows: &mut Rows, expr: &Expr, parts: &mut Vec<Probe>) -> Planning<Option<usize>> {
        if matches!(
            expr.kind,
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Null | ExprKind::Regex(_)
        ) {
            return Ok(None);
        }
        // What is no value by itself is a part of its condition only.
        let Ok(value) = self.planner.expression(rows, expr) else { return Ok(None) };
        let column = self.put(rows, &value, "operand")?;
        let mut probe = Probe::new(Role::Operand, expr.at.0, Some(column));
        if !matches!(expr.kind, ExprKind::Field(_)) {
            self.operands(rows, expr, &mut probe.parts)?;
        }
        parts.push(probe);
        Ok(Some(column))
    }

    /// A term of the scope with its parts; nothing where every message meets it.
    pub(super) fn scope_probe(&mut self, rows: &mut Rows, scope: &Scope) -> Planning<Option<Probe>> {
        let Some(condition) = self.planner.scope_condition(rows, scope)? else { return Ok(None) };
        let column = self.put(rows, &Value::new(condition, Ty::Bool), "scope")?;
        let (role, inner): (Role, Vec<&Scope>) = match &scope.kind {
            ScopeKind::All(all) if all.len() > 1 => (Role::All, all.iter().collect()),
            ScopeKind::Any(any) if any.len() > 1 => (Role::Any, any.iter().collect()),
            ScopeKind::All(one) | ScopeKind::Any(one) if one.len() == 1 => return self.scope_probe(rows, &one[0]),
            ScopeKind::Not(inner) => (Role::Not, vec![inner]),
            _ => (Role::Test, Vec::new()),
        };
        let mut parts = Vec::new();
        for term in inner {
            parts.extend(self.scope_probe(rows, term)?);
        }
        if let ScopeKind::Field { name, .. } | ScopeKind::In { name, .. } = &scope.kind {
            let value = self.planner.field(rows, &name.text, name.at)?;
            let at = self.put(rows, &value, "operand")?;
            parts.push(Probe::new(Role::Operand, name.at.0, Some(at)));
        }
        Ok(Some(Probe { role, span: scope.at.0, column: Some(column), parts }))
    }
}

/// The texts that stand in the left side where the condition holds, and where: what stands between the stars of a
/// pattern. What has an escape or stands for any character is not told.
fn sought(op: BinaryOp, right: &Expr) -> Vec<(&str, Place)> {
    let text = match (&right.kind, op) {
        (ExprKind::Text(text), _) => text,
        (ExprKind::Regex(pattern), BinaryOp::Matches | BinaryOp::NotMatches) => return vec![(pattern, Place::Pattern)],
        _ => return Vec::new(),
    };
    match op {
        BinaryOp::Contains => vec![(text, Place::Anywhere)],
        BinaryOp::Matches | BinaryOp::NotMatches => {
            let last = text.matches('*').count();
            let place = |at: usize| match at {
                0 if last == 0 => Place::Whole,
                0 => Place::Start,
                at if at == last => Place::End,
                _ => Place::Anywhere,
            };
            let pieces = text.split('*').enumerate().map(|(at, piece)| (piece, place(at)));
            pieces.filter(|(piece, _)| !piece.is_empty() && !piece.contains(['?', '\\'])).collect()
        }
        _ => Vec::new(),
    }
}
