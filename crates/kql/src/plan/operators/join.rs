//! `join` and `lookup`.
//!
//! Keys compare case-sensitively. The default kind, `innerunique`, first keeps one row of the left side for each key.
//! Columns of the right side whose names are taken get the first free number: `X1`. What a missing row would give is
//! null, and for text empty.

use crate::plan::Binder;
use crate::plan::error::{self, At, Result, error, fail};
use crate::plan::names::Names;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scalar::equal_keys;
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce};
use crate::syntax::tree::{BinaryOp, Expr, ExprKind, Join, JoinCondition, Name, Selector};
use datafusion::common::JoinType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, LogicalPlanBuilder};
use parallax_diagnostics::{Diagnostic, Span};
use std::rc::Rc;

/// A join of the kind `innerunique`, before the left side lost its rows of one key.
#[derive(Debug)]
pub(crate) struct UniqueJoin {
    left: Relation,
    right: Relation,
    keys: Vec<Key>,
    /// What came of it.
    joined: LogicalPlan,
}

/// One pair of keys.
#[derive(Clone, Debug)]
pub(super) struct Key {
    left: Value,
    right: Value,
    /// The right side's column, which `lookup` leaves out.
    right_id: Option<String>,
}

impl Key {
    /// Columns of the two sides that are compared as they are.
    pub(super) fn columns(left: &Column, right: &Column) -> Self {
        let value = |c: &Column| Value::new(c.expr(), c.ty);
        Key { left: value(left), right: value(right), right_id: Some(right.id.clone()) }
    }
}

impl Binder<'_> {
    pub(super) fn join(&self, left: Relation, join: &Join, scope: &Scope, span: Span) -> Result<Relation> {
        let kind = join.options.word("kind").map_or("innerunique", |(w, _)| w);
        let mut inner_scope = scope.clone();
        let right = self.relation(&join.right, &mut inner_scope)?;
        let (right, keys) = self.with_trust(right, |right| self.join_keys(&left, right, join, scope, span))?;
        let join_type = match kind {
            "inner" | "innerunique" => JoinType::Inner,
            "leftouter" => JoinType::Left,
            "rightouter" => JoinType::Right,
            "fullouter" => JoinType::Full,
            "leftsemi" => JoinType::LeftSemi,
            "rightsemi" => JoinType::RightSemi,
            "leftanti" | "anti" | "leftantisemi" => JoinType::LeftAnti,
            "rightanti" | "rightantisemi" => JoinType::RightAnti,
            other => {
                let at = join.options.word("kind").map_or(span, |(_, s)| s);
                return Err(Box::new(
                    Diagnostic::error(error::OPTION, at, format!("there is no kind of join `{other}`")).suggest(
                        other,
                        [
                            "inner",
                            "innerunique",
                            "leftouter",
                            "rightouter",
                            "fullouter",
                            "leftsemi",
                            "rightsemi",
                            "leftanti",
                            "rightanti",
                        ],
                    ),
                ));
            }
        };
        if kind == "innerunique" {
            return self.unique(left, right, keys, span);
        }
        self.joined(left, right, keys, join_type, false, span)
    }

    fn unique(&self, left: Relation, right: Relation, keys: Vec<Key>, span: Span) -> Result<Relation> {
        let one_each = self.one_for_each_key(left.clone(), &keys, span)?;
        let out = self.joined(one_each, right.clone(), keys.clone(), JoinType::Inner, false, span)?;
        let joined = out.plan.clone();
        Ok(Relation { unique: Some(Rc::new(UniqueJoin { left, right, keys, joined })), ..out })
    }

    /// A filter behind a join of the kind `innerunique` goes, where it reads the left side alone, before that side loses
    /// its rows of one key: of several rows with one key the filter keeps any that it accepts (measured). Gives the rows
    /// and what is left of the filter.
    pub(super) fn filtered_before(&self, input: Relation, test: Plan, span: Span) -> Result<(Relation, Option<Plan>)> {
        let Some(join) = input.unique.clone().filter(|join| join.joined == input.plan) else {
            return Ok((input, Some(test)));
        };
        let reads_left = |e: &Plan| {
            let schema = join.left.plan.schema();
            let columns = e.column_refs();
            !columns.is_empty()
                && columns.iter().all(|c| schema.has_column_with_unqualified_name(&c.name))
                && !e.exists(|e| Ok(matches!(e, Plan::InSubquery(_) | Plan::ScalarSubquery(_)))).unwrap_or(true)
        };
        let (of_left, others): (Vec<Plan>, Vec<Plan>) =
            split_conjunction_owned(test).into_iter().partition(|part| reads_left(part));
        let rest = others.into_iter().reduce(Plan::and);
        let Some(of_left) = of_left.into_iter().reduce(Plan::and) else { return Ok((input, rest)) };
        let left = join.left.clone().filter(span, of_left)?;
        let out = self.unique(left, join.right.clone(), join.keys.clone(), span)?;
        Ok((Relation { plan: out.plan, unique: out.unique, ..input }, rest))
    }

    pub(super) fn lookup(&self, left: Relation, join: &Join, scope: &Scope, span: Span) -> Result<Relation> {
        let kind = join.options.word("kind").map_or("leftouter", |(w, _)| w);
        let join_type = match kind {
            "leftouter" => JoinType::Left,
            "inner" => JoinType::Inner,
            other => return fail(error::OPTION, span, format!("there is no kind of lookup `{other}`")),
        };
        let mut inner_scope = scope.clone();
        let right = self.relation(&join.right, &mut inner_scope)?;
        let (right, keys) = self.with_trust(right, |right| self.join_keys(&left, right, join, scope, span))?;
        self.joined(left, right, keys, join_type, true, span)
    }

    fn join_keys(&self, left: &Relation, right: &Relation, join: &Join, scope: &Scope, span: Span) -> Result<Vec<Key>> {
        let conditions = match &join.condition {
            Some(JoinCondition::On(conditions)) => conditions,
            Some(JoinCondition::Where(_)) => return fail(error::NO_FORM, span, "`join … where` is not supported"),
            None => return fail(error::ARGUMENTS, span, "a join needs `on` and its keys"),
        };
        let mut keys = Vec::new();
        for condition in conditions {
            self.key_of(condition, left, right, scope, &mut keys)?;
        }
        Ok(keys)
    }

    fn key_of(
        &self,
        condition: &Expr,
        left: &Relation,
        right: &Relation,
        scope: &Scope,
        keys: &mut Vec<Key>,
    ) -> Result<()> {
        match &condition.kind {
            ExprKind::Paren(inner) => self.key_of(inner, left, right, scope, keys),
            ExprKind::And(all) => all.iter().try_for_each(|c| self.key_of(c, left, right, scope, keys)),
            ExprKind::Name(name) => {
                let l = side(self, left, name, "left")?;
                let r = side(self, right, name, "right")?;
                keys.push(self.key(Value::new(l.expr(), l.ty), Value::new(r.expr(), r.ty), condition.span)?);
                Ok(())
            }
            ExprKind::Path { selector: Selector::Name(name), .. } => {
                // `on $left.a` stands for both sides' `a`.
                let l = side(self, left, name, "left")?;
                let r = side(self, right, name, "right")?;
                keys.push(self.key(Value::new(l.expr(), l.ty), Value::new(r.expr(), r.ty), condition.span)?);
                Ok(())
            }
            ExprKind::Binary { op: BinaryOp::Equal, left: a, right: b, .. } => {
                let rows = Rows { sides: Some((&left.columns, &right.columns)), ..Rows::none(scope) };
                let (a_left, b_left) = (is_side(a, "$left"), is_side(b, "$left"));
                let (a, b) = (self.scalar(a, &rows)?, self.scalar(b, &rows)?);
                let (l, r) = match (a_left, b_left) {
                    (true, false) => (a, b),
                    (false, true) => (b, a),
                    _ => {
                        return fail(error::NO_FORM, condition.span, "one side of `==` is `$left`, the other `$right`");
                    }
                };
                keys.push(self.key(l, r, condition.span)?);
                Ok(())
            }
            _ => Err(Box::new(
                (*error(error::NO_FORM, condition.span, "a join's condition is a column or an equality of two"))
                    .help("write `on Column` or `on $left.A == $right.B`"),
            )),
        }
    }

    /// A pair of keys, which must be of one type; int and long are one (measured against the official binder).
    fn key(&self, left: Value, right: Value, span: Span) -> Result<Key> {
        let whole = |ty| matches!(ty, Type::Int | Type::Long);
        let (l, r) = (left.ty, right.ty);
        if l != r && !(whole(l) && whole(r)) && l != Type::Dynamic && r != Type::Dynamic {
            let message = format!("the keys of a join are of one type, not {} and {}", l.name(), r.name());
            let (to, side) = if l == Type::String { (r, "left") } else { (l, "right") };
            let help = format!("convert the key of the {side} side before the join, with `to{}(…)`", to.name());
            return Err(Box::new((*error(error::TYPE, span, message)).help(help)));
        }
        self.pair(left, right, span)
    }

    pub(super) fn pair(&self, left: Value, right: Value, span: Span) -> Result<Key> {
        let right_id = match &right.expr {
            Plan::Column(c) => Some(c.name.clone()),
            _ => None,
        };
        let (left, right) = equal_keys(left, right, span)?;
        Ok(Key { left, right, right_id })
    }

    /// One row for each key: the first in the rows' order, if they have one.
    fn one_for_each_key(&self, left: Relation, keys: &[Key], span: Span) -> Result<Relation> {
        let live = left.live();
        let on: Vec<Plan> = keys.iter().map(|k| k.left.expr.clone()).collect();
        let select: Vec<Plan> = live.iter().map(|i| id(i)).collect();
        let order = (!left.order.is_empty()).then(|| {
            let keys = on.iter().map(|e| e.clone().sort(true, true));
            keys.chain(left.order_exprs()).collect::<Vec<_>>()
        });
        left.then(span, |b| b.distinct_on(on, select, order))
    }

    /// The keys alone, each once; `on` becomes the columns that they are.
    fn keys_once(&self, side: &Relation, on: &mut [Plan], span: Span) -> Result<LogicalPlan> {
        let ids: Vec<String> = on.iter().map(|_| self.ids.fresh()).collect();
        let keys: Vec<Plan> = on.iter().zip(&ids).map(|(key, id)| key.clone().alias(id.as_str())).collect();
        on.iter_mut().zip(&ids).for_each(|(key, name)| *key = id(name));
        LogicalPlanBuilder::from(side.plan.clone())
            .project(keys)
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build)
            .at(span)
    }

    pub(super) fn joined(
        &self,
        left: Relation,
        right: Relation,
        keys: Vec<Key>,
        join_type: JoinType,
        lookup: bool,
        span: Span,
    ) -> Result<Relation> {
        let left = left.pruned(span)?;
        let right = right.pruned(span)?;
        let (mut on_left, mut on_right): (Vec<Plan>, Vec<Plan>) =
            keys.iter().map(|k| (k.left.expr.clone(), k.right.expr.clone())).unzip();
        // Of a side that only says which keys there are, each key once is enough: a key's partners are a list, and
        // looking a key up would otherwise go through all of them.
        let (left_plan, right_plan) = match join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => {
                (left.plan.clone(), self.keys_once(&right, &mut on_right, span)?)
            }
            JoinType::RightSemi | JoinType::RightAnti => {
                (self.keys_once(&left, &mut on_left, span)?, right.plan.clone())
            }
            _ => (left.plan.clone(), right.plan.clone()),
        };
        let plan = LogicalPlanBuilder::from(left_plan)
            .join_with_expr_keys(right_plan, join_type, (on_left, on_right), None)
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        match join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => return Ok(Relation { plan, ..left }),
            JoinType::RightSemi | JoinType::RightAnti => return Ok(Relation { plan, ..right }),
            _ => {}
        }
        let mut names = Names::of(left.columns.iter().map(|c| c.name.as_str()));
        // A name that is made up is neither of the left side nor of the right.
        let mut all = Names::of(left.columns.iter().chain(&right.columns).map(|c| c.name.as_str()));
        let mut columns = left.columns.clone();
        for c in &right.columns {
            if lookup && keys.iter().any(|k| k.right_id.as_deref() == Some(c.id.as_str())) {
                continue;
            }
            let name = if names.take(&c.name) { c.name.clone() } else { all.unique(&c.name) };
            columns.push(Column { name, ..c.clone() });
        }
        let (left_missing, right_missing) = match join_type {
            JoinType::Left => (false, true),
            JoinType::Right => (true, false),
            JoinType::Full => (true, true),
            _ => (false, false),
        };
        let mut out = Relation {
            plan,
            columns,
            provenance: left.provenance,
            order: Vec::new(),
            partition: left.partition,
            empty: false,
            unique: None,
            open: left.open || right.open,
            sorted: false,
        };
        let width = left.columns.len();
        let mut new = Vec::new();
        for (i, c) in out.columns.iter_mut().enumerate() {
            let may_miss = if i < width { left_missing } else { right_missing };
            if may_miss && c.ty == Type::String {
                let filled = self.ids.fresh();
                new.push((filled.clone(), coalesce(vec![c.expr(), Value::string("").expr])));
                c.id = filled;
            }
        }
        out = out.compute(span, new)?;
        Ok(out)
    }
}

fn side<'r>(binder: &Binder<'_>, relation: &'r Relation, name: &Name, which: &str) -> Result<&'r Column> {
    relation.column(&name.text).ok_or_else(|| {
        let message = format!("the {which} side of the join has no column `{}`", name.text);
        let known = relation.columns.iter().map(|c| c.name.as_str());
        binder.unknown_name(&name.text, name.span, message, known)
    })
}

/// Whether an expression reads that side.
fn is_side(expr: &Expr, side: &str) -> bool {
    match &expr.kind {
        ExprKind::Path { base, .. } | ExprKind::Index { base, .. } => is_side(base, side),
        ExprKind::Paren(inner) => is_side(inner, side),
        ExprKind::Name(name) => name.text == side,
        ExprKind::Call(call) => call.arguments.iter().any(|a| is_side(&a.value, side)),
        _ => false,
    }
}
