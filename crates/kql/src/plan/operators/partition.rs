//! `partition by x { … }`: a whole query for each value of a column.
//!
//! The values are looked up when the query is planned; there may be 64 (documented), and each gives a branch.

use crate::plan::Binder;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::scope::{Binding, Rows, Scope};
use crate::plan::value::Value;
use crate::syntax::tree::{Expr, ExprKind};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use parallax_diagnostics::{Diagnostic, Span};

/// The most values (documented).
const MOST: usize = 64;

impl Binder<'_> {
    pub(super) fn partition_of_queries(
        &self,
        input: Relation,
        by: &Expr,
        query: &Expr,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let ExprKind::Name(name) = &by.kind else {
            return fail(error::NO_FORM, by.span, "a column is expected here");
        };
        let key = self.scalar(by, &Rows::of(scope, &input))?;
        let body = |value: Value| {
            let mut inner = scope.clone();
            inner.declare(&name.text, Binding::Scalar(value));
            self.relation(query, &mut inner)
        };
        let Some(values) = self.values_of(&input, &key, span)? else {
            // Its columns are known without the data, its rows are not.
            let message = format!("the values of `{}` are known only when the data is read", name.text);
            self.missing_always(Diagnostic::error(error::NO_FORM, span, message));
            return body(Value::null(key.ty))?.filter(span, lit(false));
        };
        if values.len() > MOST {
            let message =
                format!("`{}` has more than {MOST} values, and this form of `partition` takes no more", name.text);
            return fail(error::OPTION, by.span, message)
                .map_err(|d| Box::new((*d).help("write the subquery in parentheses, `partition by x ( … )`")));
        }
        let branches = values.into_iter().enumerate();
        let branches = branches.map(|(at, v)| Ok((format!("union_arg{at}"), body(Value::literal(v, key.ty))?)));
        let branches = branches.collect::<Result<Vec<_>>>()?;
        if branches.is_empty() {
            return body(Value::null(key.ty))?.filter(span, lit(false));
        }
        self.merged(branches, None, false, span)
    }

    /// The values that a scalar has, in their order, one more than may be at the most; none where no data is there.
    fn values_of(&self, input: &Relation, key: &Value, span: Span) -> Result<Option<Vec<ScalarValue>>> {
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(vec![key.expr.clone().alias("value")], Vec::<Plan>::new())
            .and_then(|b| b.sort([datafusion::prelude::ident("value").sort(true, true)]))
            .and_then(|b| b.limit(0, Some(MOST + 1)))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        let batches = match self.catalog.rows(&plan) {
            None => return Ok(None),
            Some(Ok(batches)) => batches,
            Some(Err(why)) => {
                return fail(
                    error::NO_FORM,
                    span,
                    format!("the data could not be looked at for the partitions: {why}"),
                );
            }
        };
        let mut values = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                values.push(ScalarValue::try_from_array(batch.column(0), row).at(span)?);
            }
        }
        Ok(Some(values))
    }
}
