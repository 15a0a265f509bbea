//! `invoke FileProfile(Column, limit)`: what the product knows about a file, from a list that the user gives.
//!
//! The list is keyed by hash: an entry answers to each of its SHA1, SHA256 and MD5. Hashes are compared as the product
//! does, with case (measured): the list's are taken in lower case, the query's as they are. Every row stays; the limit
//! has no meaning here. The columns are documented; where their names are taken, they are numbered as after a join.

use super::{named, typed, unreached};
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, error, fail};
use crate::plan::names::Names;
use crate::plan::relation::{Column, Relation, id};
use crate::plan::types::Type;
use crate::plan::value::{Value, coalesce, invoke};
use crate::syntax::tree::{Call, ExprKind, Literal};
use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, LogicalPlanBuilder};
use parallax_catalog::external::{List, Listed};
use parallax_diagnostics::{Diagnostic, Span};
use std::sync::Arc;

/// The documented columns.
const COLUMNS: [(&str, Type); 18] = [
    ("SHA1", Type::String),
    ("SHA256", Type::String),
    ("MD5", Type::String),
    ("FileSize", Type::Int),
    ("GlobalPrevalence", Type::Int),
    ("GlobalFirstSeen", Type::DateTime),
    ("GlobalLastSeen", Type::DateTime),
    ("Signer", Type::String),
    ("Issuer", Type::String),
    ("SignerHash", Type::String),
    ("IsCertificateValid", Type::Bool),
    ("IsRootSignerMicrosoft", Type::Bool),
    ("SignatureState", Type::String),
    ("IsExecutable", Type::Bool),
    ("ThreatName", Type::String),
    ("Publisher", Type::String),
    ("SoftwareName", Type::String),
    ("ProfileAvailability", Type::String),
];

/// One row for each hash.
struct Profiles {
    plan: LogicalPlan,
    /// The id of the hash.
    key: String,
    /// The ids of the documented columns.
    ids: Vec<String>,
}

impl Binder<'_> {
    pub(crate) fn file_profile(&self, input: Relation, call: &Call) -> Result<Relation> {
        let key = hash_column(&input, call)?;
        match self.catalog.externals().list(List::FileProfiles) {
            Ok(Some(listed)) => self.profiled(input, &key, &listed, call.span),
            Ok(None) => {
                self.note_once(
                    Diagnostic::note(
                        error::NOT_GIVEN,
                        call.span,
                        "no file profiles are given: what `FileProfile` adds is null or empty",
                    )
                    .help("give a list with hashes in the configuration: `[kql.file_profiles]`"),
                );
                self.with_nulls(input, call.span)
            }
            Err(why) => {
                let diagnostic = unreached(&why, "the list of file profiles", call.span);
                let rows = self.with_nulls(input, call.span)?;
                self.missing_at(&rows, diagnostic);
                Ok(rows)
            }
        }
    }

    /// The columns without values.
    fn with_nulls(&self, input: Relation, span: Span) -> Result<Relation> {
        let mut names = Names::of(input.columns.iter().map(|c| c.name.as_str()));
        let mut new = Vec::new();
        let mut columns = input.columns.clone();
        for (name, ty) in COLUMNS {
            let id = self.ids.fresh();
            new.push((id.clone(), crate::plan::value::cast(Value::null(ty).expr, ty)));
            columns.push(Column { name: names.unique(name), ty, id });
        }
        let mut out = input.compute(span, new)?;
        out.columns = columns;
        Ok(out)
    }

    fn profiled(&self, input: Relation, key: &Column, listed: &Listed, span: Span) -> Result<Relation> {
        let profiles = self.profiles(listed, span)?;
        let (order, sorted) = (input.order.clone(), input.sorted);
        let left = input.pruned(span)?;
        let mut names = Names::of(left.columns.iter().map(|c| c.name.as_str()));
        let mut columns = left.columns.clone();
        let mut new = Vec::new();
        for ((name, ty), from) in COLUMNS.into_iter().zip(&profiles.ids) {
            let read = id(from);
            let value = match (name, ty) {
                ("ProfileAvailability", _) => coalesce(vec![read, Value::string("Missing").expr]),
                (_, Type::String) => coalesce(vec![read, Value::string("").expr]),
                _ => read,
            };
            let id = self.ids.fresh();
            new.push((id.clone(), value));
            columns.push(Column { name: names.unique(name), ty, id });
        }
        let on = (vec![key.expr()], vec![id(&profiles.key)]);
        let out =
            left.then(span, |b| b.join_with_expr_keys(profiles.plan, datafusion::common::JoinType::Left, on, None))?;
        let mut out = out.compute(span, new)?;
        (out.columns, out.order, out.sorted) = (columns, order, sorted);
        Ok(out)
    }

    /// The list, keyed by each hash that it has.
    fn profiles(&self, listed: &Listed, span: Span) -> Result<Profiles> {
        let table = &listed.table;
        let known = |name: &str| named(&table.columns, name);
        let hashes: Vec<_> = ["SHA1", "SHA256", "MD5"].iter().filter_map(|h| known(h)).collect();
        if hashes.is_empty() {
            return fail(error::EXTERNAL, span, format!("`{}` has none of the columns SHA1, SHA256, MD5", table.name));
        }
        let key = self.ids.fresh();
        let ids: Vec<String> = COLUMNS.iter().map(|_| self.ids.fresh()).collect();
        let mut all: Option<LogicalPlanBuilder> = None;
        for hash in hashes {
            let text = typed(super::field(table, hash, span)?, Type::String, span)?;
            let mut exprs = vec![invoke("tolower", vec![text], Type::String, span)?.expr.alias(key.as_str())];
            for ((name, ty), id) in COLUMNS.iter().zip(&ids) {
                let value = match known(name) {
                    Some(column) => typed(super::field(table, column, span)?, *ty, span)?.expr,
                    None if *name == "ProfileAvailability" => Value::string("Available").expr,
                    None => crate::plan::value::cast(Value::null(*ty).expr, *ty),
                };
                exprs.push(value.alias(id.as_str()));
            }
            let branch =
                LogicalPlanBuilder::scan(TableReference::bare(table.name.as_str()), Arc::clone(&table.source), None)
                    .and_then(|b| b.project(exprs))
                    .and_then(|b| b.filter(id(&key).not_eq(Value::string("").expr)))
                    .at(span)?;
            all = Some(match all {
                None => branch,
                Some(b) => b.union(branch.build().at(span)?).at(span)?,
            });
        }
        let Some(all) = all else { return fail(error::INTERNAL, span, "no hash to key file profiles by") };
        // Of several entries for one hash the smallest is taken, so that it is always the same one.
        let select: Vec<Plan> = std::iter::once(&key).chain(&ids).map(|i| id(i)).collect();
        let order = select.iter().map(|e| e.clone().sort(true, true)).collect();
        let plan = all.distinct_on(vec![id(&key)], select, Some(order)).and_then(LogicalPlanBuilder::build).at(span)?;
        Ok(Profiles { plan, key, ids })
    }
}

/// The column that holds the hash: SHA1 where none is named (documented).
fn hash_column(input: &Relation, call: &Call) -> Result<Column> {
    let (name, span) = match call.arguments.first().map(|a| (&a.value.kind, a.span)) {
        None => ("SHA1", call.span),
        Some((ExprKind::Name(name), span)) => (name.text.as_str(), span),
        Some((ExprKind::Literal(Literal::String { value, .. }), span)) => (value.as_str(), span),
        Some((_, span)) => return fail(error::SHAPE, span, "`FileProfile` takes the name of a column with hashes"),
    };
    let Some(column) = input.column(name) else {
        return Err(Box::new(
            (*error(error::UNKNOWN_NAME, span, format!("there is no column `{name}`")))
                .suggest(name, input.columns.iter().map(|c| c.name.as_str())),
        ));
    };
    match column.ty {
        Type::String => Ok(column.clone()),
        ty => fail(error::TYPE, span, format!("a hash is a string, and `{name}` is a {}", ty.name())),
    }
}
