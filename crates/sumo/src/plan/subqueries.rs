//! `[subquery: … | compose f]`: what another query finds, as a condition.

use super::rows::{Rows, column};
use super::values::{call, coalesce, text_literal};
use super::{Planner, Planning, RAW, built, codes};
use crate::syntax::{OperatorKind, Subquery};
use datafusion::functions_aggregate::expr_fn::array_agg;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder};
use parallax_diagnostics::Diagnostic;

/// How many rows are taken of a subquery that does not say it, and at most (documented).
const RESULTS: usize = 2_500;
const MOST_RESULTS: i64 = 10_000;

impl Planner<'_> {
    /// Whether a row is among those of the subquery. All that it found stands beside each row as one text.
    pub(super) fn subquery(&mut self, rows: &mut Rows, subquery: &Subquery, in_scope: bool) -> Planning<Expr> {
        let at = subquery.at;
        if !subquery.options.is_empty() {
            return self.refuse(
                at,
                format!("a time range of its own (`{}`) is not supported for a subquery", subquery.options),
                "without one it looks at the same time as the query around it",
            );
        }
        let mut query = subquery.query.clone();
        let Some(OperatorKind::Compose { fields, max_results, keywords }) = query.operators.pop().map(|o| o.kind)
        else {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "a subquery ends in `compose`")
                .help("say which of its fields are compared: `| compose f`"));
        };
        if keywords && !in_scope {
            return Err(Diagnostic::error(
                codes::BAD_ARGUMENT,
                at.0,
                "`keywords` is for subqueries in the scope; a condition compares fields",
            ));
        }
        let most = max_results.as_ref().map_or(Ok(RESULTS), |n| self.number(n, 1, MOST_RESULTS))?;
        let mut child = self.messages(at)?;
        if let Some(scope) = &query.scope {
            self.scope(&mut child, scope)?;
            child.chain.clear();
        }
        self.child(&mut child, &query, at)?;
        self.first_rows(&mut child, most, at)?;
        // In the scope fields are compared without regard to case.
        let fold = |value: Expr| if in_scope && !keywords { call("sumo_tolowercase", vec![value]) } else { value };
        let pack = |packed: Expr, value: Expr| call("sumo_pack", vec![packed, value]);
        let mut found = text_literal("");
        for name in &fields {
            found = pack(found, fold(self.field(&mut child, &name.text, name.at)?.to_text()));
        }
        let row = if keywords {
            self.field(rows, RAW, at)?.to_text()
        } else {
            let mut row = text_literal("");
            for name in &fields {
                let value = self.field(rows, &name.text, name.at)?.to_text();
                // In conditions a missing field counts as empty.
                row = pack(row, if in_scope { fold(value) } else { coalesce(value, text_literal("")) });
            }
            row
        };
        let (list, set) = (self.id(), self.id());
        let all = built(array_agg(found).distinct().build(), at)?;
        let child = child.builder().aggregate(Vec::<Expr>::new(), vec![all.alias(&list)]);
        let child = child.and_then(|b| b.project(vec![call("sumo_set", vec![column(&list)]).alias(&set)])?.build());
        // The side that is kept in memory while the other goes by stands first.
        let joined = LogicalPlanBuilder::from(built(child, at)?).cross_join(rows.plan.clone());
        rows.plan = built(joined.and_then(LogicalPlanBuilder::build), at)?;
        rows.layer = None;
        // Alive until the operator is done.
        rows.chain.push(set.clone());
        Ok(call(if keywords { "sumo_among_terms" } else { "sumo_among" }, vec![column(&set), row]))
    }
}
