//! `macro-expand`: a query for each entity of a group, the results merged as by `union`.
//!
//! An entity is a table, a view or a function here. Databases are one here, so that a group of several would give the
//! same rows several times: it is refused.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::external::is_database;
use crate::plan::relation::Relation;
use crate::plan::scope::{Binding, Scope};
use crate::plan::source::table_name;
use crate::syntax::tree::{Expr, ExprKind, Name, Options, Statement, StatementKind};
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn macro_expand(
        &self,
        options: &Options,
        (group, members): (&Expr, Option<&[Expr]>),
        name: Option<&Name>,
        statements: &[Statement],
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let members: Vec<Expr> = match (members, &group.kind) {
            (Some(members), _) => members.to_vec(),
            (None, ExprKind::Name(n)) => match scope.get(&n.text) {
                Some(Binding::Entities(members)) => members.to_vec(),
                _ => return fail(error::UNKNOWN_TABLE, n.span, format!("there is no entity group `{}`", n.text)),
            },
            _ => return fail(error::NO_FORM, group.span, "an entity group is written out, or named by `let`"),
        };
        let Some(name) = name else {
            return fail(error::NO_FORM, span, "the entity needs a name: `macro-expand … as X (…)`");
        };
        let mut branches = Vec::with_capacity(members.len());
        for member in &members {
            if is_database(member) {
                return fail(error::NO_FORM, member.span, "databases are one here: a group of them is not supported")
                    .map_err(|d| Box::new((*d).help("write the query over the local tables, without `macro-expand`")));
            }
            let mut inner = scope.clone();
            let entity = self.relation(member, &mut inner)?;
            inner.declare(&name.text, Binding::Table(entity));
            let title = table_name(member).unwrap_or_else(|| format!("union_arg{}", branches.len()));
            branches.push((title, self.last_query(statements, &mut inner, span)?));
        }
        let inner = options.word("kind").is_some_and(|(w, _)| w == "inner");
        let source = options.word("withsource").or_else(|| options.word("with_source")).map(|(w, _)| w.to_owned());
        self.merged(branches, source.as_deref(), inner, span)
    }

    fn last_query(&self, statements: &[Statement], scope: &mut Scope, span: Span) -> Result<Relation> {
        let mut result = None;
        for statement in statements {
            match &statement.kind {
                StatementKind::Query(query) => result = Some(self.relation(query, scope)?),
                _ => self.statement(statement, scope)?,
            }
        }
        match result {
            Some(rows) => Ok(rows),
            None => fail(error::SHAPE, span, "there is no query in this `macro-expand`"),
        }
    }
}
