//! The parts of a condition as columns.

use super::Tracer;
use crate::plan::error::Result;
use crate::plan::relation::Relation;
use crate::plan::scalar::json_items;
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::{Argument, BinaryOp, Call, Expr, ExprKind, InOp, Literal, Name, Naming};
use parallax_catalog::trace::{Place, Probe, Role, Sought};
use parallax_diagnostics::Span;

/// Of a longer list only so many values are asked one by one.
const MAX_NEEDLES: usize = 500;

impl Tracer<'_, '_, '_> {
    /// A condition with its parts.
    pub(super) fn probe(&mut self, expr: &Expr, rows: &Relation, scope: &Scope) -> Result<Probe> {
        let parts = match &expr.kind {
            ExprKind::Paren(inner) => return self.probe(inner, rows, scope),
            ExprKind::And(all) | ExprKind::Or(all) => {
                all.iter().map(|e| self.probe(e, rows, scope)).collect::<Result<Vec<_>>>()?
            }
            ExprKind::Call(call) if call.name.text == "not" => {
                call.arguments.iter().map(|a| self.probe(&a.value, rows, scope)).collect::<Result<Vec<_>>>()?
            }
            _ => self.operands(expr, rows, scope)?,
        };
        let role = match &expr.kind {
            ExprKind::And(_) => Role::All,
            ExprKind::Or(_) => Role::Any,
            ExprKind::Call(call) if call.name.text == "not" => Role::Not,
            _ => Role::Test,
        };
        let value = self.binder.scalar(expr, &Rows::of(scope, rows))?;
        let value = self.binder.as_bool(value, expr.span)?;
        let column = self.put(&value, expr_name(&role));
        Ok(Probe { role, span: expr.span, column, parts })
    }

    /// What a condition looks at.
    fn operands(&mut self, expr: &Expr, rows: &Relation, scope: &Scope) -> Result<Vec<Probe>> {
        let mut parts = Vec::new();
        match &expr.kind {
            ExprKind::Binary { op, op_span, left, right } => {
                let operand = self.operand(left, rows, scope, &mut parts)?;
                self.operand(right, rows, scope, &mut parts)?;
                if let Some((positive, place, case_sensitive)) = place(*op)
                    && let Ok(value) = self.binder.scalar(right, &Rows::of(scope, rows))
                    && let Some(text) = value.folded().text()
                {
                    let sought = Sought { text: text.to_owned(), operand, place, case_sensitive };
                    let (left, right) = (left.clone(), right.clone());
                    let span = right.span;
                    let kind = ExprKind::Binary { op: positive, op_span: *op_span, left, right };
                    let answer = self.binder.scalar(&Expr { kind, span: expr.span }, &Rows::of(scope, rows))?;
                    let column = self.put(&answer, "needle");
                    parts.push(Probe::new(Role::Needle(sought), span, column));
                }
                if *op == BinaryOp::MatchesRegex {
                    // The language's own function says which text it is.
                    let name = Name { text: "extract".to_owned(), placeholder: false, span: *op_span };
                    let zero = Expr { kind: ExprKind::Literal(Literal::Long(Some(0))), span: *op_span };
                    let arguments = [right.as_ref(), &zero, left.as_ref()].map(|value| Argument {
                        naming: Naming::None,
                        value: value.clone(),
                        span: value.span,
                    });
                    let call = Call { name, arguments: arguments.into(), span: expr.span };
                    let call = Expr { kind: ExprKind::Call(call), span: expr.span };
                    if let Ok(matched) = self.binder.scalar(&call, &Rows::of(scope, rows)) {
                        let column = self.put(&matched, "matched");
                        parts.push(Probe::new(Role::Matched, right.span, column));
                    }
                }
            }
            ExprKind::In { op, left, list, .. } => {
                let operand = self.operand(left, rows, scope, &mut parts)?;
                self.needles(*op, (left, operand), list, (rows, scope), &mut parts)?;
            }
            ExprKind::Between { operand, low, high, .. } => {
                for e in [operand, low, high] {
                    self.operand(e, rows, scope, &mut parts)?;
                }
            }
            ExprKind::Call(call) => {
                for a in &call.arguments {
                    self.operand(&a.value, rows, scope, &mut parts)?;
                }
            }
            _ => {}
        }
        Ok(parts)
    }

    /// An operand's value, unless the text says it already; and the column that has it.
    fn operand(
        &mut self,
        expr: &Expr,
        rows: &Relation,
        scope: &Scope,
        parts: &mut Vec<Probe>,
    ) -> Result<Option<usize>> {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Star => return Ok(None),
            ExprKind::Paren(inner) => return self.operand(inner, rows, scope, parts),
            _ => {}
        }
        // What is no scalar by itself (a type, a table) is a part of its condition only.
        let Ok(value) = self.binder.scalar(expr, &Rows::of(scope, rows)) else { return Ok(None) };
        let column = self.put(&value, "operand");
        let mut probe = Probe::new(Role::Operand, expr.span, column);
        if value.folded().constant().is_none() && !matches!(expr.kind, ExprKind::Name(_)) {
            probe.parts = self.operands(expr, rows, scope)?;
        }
        parts.push(probe);
        Ok(column)
    }

    /// Each value of a constant list by itself.
    fn needles(
        &mut self,
        op: InOp,
        (left, operand): (&Expr, Option<usize>),
        list: &[Expr],
        (rows, scope): (&Relation, &Scope),
        parts: &mut Vec<Probe>,
    ) -> Result<()> {
        let mut items: Vec<(Value, Span)> = Vec::new();
        for item in list {
            let Ok(value) = self.binder.scalar(item, &Rows::of(scope, rows)) else { return Ok(()) };
            let value = value.folded();
            match (value.ty, value.text().and_then(json_items)) {
                (Type::Dynamic, Some(all)) => items.extend(all.into_iter().map(|v| (v, item.span))),
                _ => items.push((value, item.span)),
            }
        }
        let (op, place, case_sensitive) = match op {
            InOp::HasAny | InOp::HasAll => (InOp::HasAny, Place::Term, false),
            InOp::In | InOp::NotIn => (InOp::In, Place::Whole, true),
            InOp::InTilde | InOp::NotInTilde => (InOp::InTilde, Place::Whole, false),
        };
        for (value, span) in items.into_iter().take(MAX_NEEDLES) {
            let (text, literal) = match (value.text(), value.integer()) {
                (Some(text), _) if value.ty == Type::String => {
                    (text.to_owned(), Literal::String { value: text.to_owned(), hidden: false })
                }
                (_, Some(n)) if value.ty == Type::Long => (n.to_string(), Literal::Long(Some(n))),
                _ => continue,
            };
            let only = Expr { kind: ExprKind::Literal(literal), span };
            let single =
                Expr { kind: ExprKind::In { op, op_span: span, left: Box::new(left.clone()), list: vec![only] }, span };
            let answer = self.binder.scalar(&single, &Rows::of(scope, rows))?;
            let column = self.put(&answer, "needle");
            parts.push(Probe::new(Role::Needle(Sought { text, operand, place, case_sensitive }), span, column));
        }
        Ok(())
    }
}

fn expr_name(role: &Role) -> &'static str {
    match role {
        Role::All => "and",
        Role::Any => "or",
        Role::Not => "not",
        _ => "test",
    }
}

/// The operator without its negation, where its right side stands in its left when it matches, and whether letters
/// match only themselves.
fn place(op: BinaryOp) -> Option<(BinaryOp, Place, bool)> {
    use BinaryOp as B;
    Some(match op {
        B::Has | B::NotHas | B::Search => (B::Has, Place::Term, false),
        B::HasCs | B::NotHasCs => (B::HasCs, Place::Term, true),
        B::HasPrefix | B::NotHasPrefix => (B::HasPrefix, Place::TermStart, false),
        B::HasPrefixCs | B::NotHasPrefixCs => (B::HasPrefixCs, Place::TermStart, true),
        B::HasSuffix | B::NotHasSuffix => (B::HasSuffix, Place::TermEnd, false),
        B::HasSuffixCs | B::NotHasSuffixCs => (B::HasSuffixCs, Place::TermEnd, true),
        B::Contains | B::NotContains => (B::Contains, Place::Anywhere, false),
        B::ContainsCs | B::NotContainsCs => (B::ContainsCs, Place::Anywhere, true),
        B::StartsWith | B::NotStartsWith => (B::StartsWith, Place::Start, false),
        B::StartsWithCs | B::NotStartsWithCs => (B::StartsWithCs, Place::Start, true),
        B::EndsWith | B::NotEndsWith => (B::EndsWith, Place::End, false),
        B::EndsWithCs | B::NotEndsWithCs => (B::EndsWithCs, Place::End, true),
        _ => return None,
    })
}
