//! Tables by name: declared, in the catalog, given by the configuration, or known by their columns.

use super::Binder;
use super::error::{self, At, Result, fail};
use super::relation::{Column, Relation, select};
use super::scope::{Binding, Rows, Scope};
use super::source::Bound;
use super::types::{EPOCH_TICKS, Type};
use super::value::{Value, binary, coalesce};
use crate::schema;
use datafusion::common::Column as PlanColumn;
use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, Operator, lit};
use parallax_catalog::{PROVENANCE, Table};
use parallax_diagnostics::{Diagnostic, Span};
use std::sync::Arc;

/// Tables of advanced hunting under the names that they had before 2020 (documented: its naming changes).
const RENAMED: [(&str, &str); 10] = [
    ("AlertEvents", "DeviceAlertEvents"),
    ("FileCreationEvents", "DeviceFileEvents"),
    ("ImageLoadEvents", "DeviceImageLoadEvents"),
    ("LogonEvents", "DeviceLogonEvents"),
    ("MachineInfo", "DeviceInfo"),
    ("MachineNetworkInfo", "DeviceNetworkInfo"),
    ("MiscEvents", "DeviceEvents"),
    ("NetworkCommunicationEvents", "DeviceNetworkEvents"),
    ("ProcessCreationEvents", "DeviceProcessEvents"),
    ("RegistryEvents", "DeviceRegistryEvents"),
];

impl Binder<'_> {
    /// The table of that name: declared, in the catalog, or known by its schema.
    pub(crate) fn named(&self, name: &str, span: Span, scope: &Scope) -> Result<Relation> {
        match scope.get(name) {
            Some(Binding::Table(relation)) => return relation.clone().renewed(&self.ids, span),
            Some(Binding::Function(closure)) if closure.function.parameters.is_empty() => {
                let rows = Rows::none(scope);
                return match self.call_closure(closure, &[], &rows, None, span)? {
                    Bound::Table(relation) => Ok(relation),
                    Bound::Scalar(_) => fail(error::SHAPE, span, format!("`{name}` is a scalar, not a table")),
                };
            }
            Some(_) => return fail(error::SHAPE, span, format!("`{name}` is not a table")),
            None => self.seen(name, span, scope)?,
        }
        if let Some(table) = self.catalog.table(name) {
            return self.scan(&table, span);
        }
        if let Some(rows) = self.configured_table(name, span)? {
            return Ok(rows);
        }
        let known = schema::known(name);
        // A parser is itself a stored function: one that is given goes before what is known of its columns.
        if known.is_none_or(|t| t.kind == schema::Kind::Parser)
            && let Some(closure) = self.stored(name, span)?
        {
            return self.rows_of_call(&closure, &[], &Rows::none(scope), None, span);
        }
        match known {
            Some(table) if table.kind == schema::Kind::Parser => self.parser(name, &table.columns(), span),
            Some(table) => self.empty(name, &table.columns(), span),
            None if schema::is_custom(name) => self.undescribed(name, span),
            None => {
                if name == "_GetWatchlistAlias" {
                    return self.watchlist_aliases(span);
                }
                let tables = self.catalog.table_names();
                let mut known: Vec<&str> = tables.iter().map(String::as_str).collect();
                known.extend(scope.names());
                for n in schema::names() {
                    known.push(n);
                }
                let unknown = Diagnostic::error(error::UNKNOWN_TABLE, span, format!("there is no table `{name}`"));
                if let Some((_, now)) = RENAMED.iter().find(|(before, _)| *before == name) {
                    let help = format!(
                        "since 2020 it is `{now}`, with `Timestamp`, `DeviceId`, `DeviceName` and `ActionType`"
                    );
                    return Err(Box::new(unknown.help(help)));
                }
                Err(Box::new(self.or_configured(unknown, name, &known)))
            }
        }
    }

    fn scan(&self, table: &Table, span: Span) -> Result<Relation> {
        self.tables.borrow_mut().push(table.name.clone());
        if !table.fed {
            self.no_data(&table.name, span);
        }
        let name = TableReference::bare(table.name.clone());
        let read = |column: &str| Plan::Column(PlanColumn::new(Some(name.clone()), column));
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for c in &table.columns {
            let ty = Type::from(c.ty);
            let id = self.ids.fresh();
            let value = match ty {
                Type::DateTime => ticks(read(&c.name)),
                Type::String if table.nulls.contains(&c.name) => coalesce(vec![read(&c.name), Value::string("").expr]),
                _ => read(&c.name),
            };
            exprs.push(value.alias(id.as_str()));
            columns.push(Column { name: c.name.clone(), ty, id });
        }
        let has = |name: &str| table.columns.iter().any(|c| c.name == name);
        for (name, ty) in self.further_columns(&table.name, has, table.fed, span) {
            let id = self.ids.fresh();
            exprs.push(Value::null(ty).expr.alias(id.as_str()));
            columns.push(Column { name, ty, id });
        }
        let provenance = (self.context.provenance && table.provenance).then(|| {
            let hidden = PROVENANCE.iter().map(|p| (p.name, self.ids.fresh()));
            hidden
                .map(|(name, id)| {
                    exprs.push(read(name).alias(id.as_str()));
                    id
                })
                .collect::<Vec<_>>()
        });
        let plan = LogicalPlanBuilder::scan(name.clone(), Arc::clone(&table.source), None)
            .and_then(|b| b.project(exprs))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        Ok(Relation { provenance, empty: !table.fed, ..Relation::new(plan, columns) })
    }

    /// A table without data: its columns, and no rows.
    fn empty(&self, name: &str, columns: &[parallax_catalog::Column], span: Span) -> Result<Relation> {
        self.no_data(name, span);
        let columns = self.with_further(name, columns, span);
        Ok(Relation { empty: true, ..self.no_rows(columns, span)? })
    }

    /// A table of custom logs that nobody described: its columns are those that all of them have and those whose suffix
    /// says what they are. The query binds, and does not run.
    fn undescribed(&self, name: &str, span: Span) -> Result<Relation> {
        let columns = self.with_further(name, &schema::undescribed(), span);
        let refusal = Diagnostic::error(error::UNKNOWN_TABLE, span, format!("there is no table `{name}`"))
            .help(format!("describe it in the configuration: `[kql.tables]` and `{name} = {{ schema = \"…\" }}`"));
        Ok(Relation { empty: true, ..self.out_of_reach(columns, refusal)? })
    }

    /// A parser of which only the columns are known: its rows would be those of tables that may well have some, so the
    /// query binds, and does not run.
    fn parser(&self, name: &str, columns: &[parallax_catalog::Column], span: Span) -> Result<Relation> {
        let columns = self.with_further(name, columns, span);
        let message = format!("there is no table `{name}`: it is a function whose text is not given");
        let refusal = Diagnostic::error(error::UNKNOWN_TABLE, span, message)
            .help(format!("put it as `{name}.kql` into a folder of `[kql.functions]` in the configuration"));
        Ok(Relation { empty: true, ..self.out_of_reach(columns, refusal)? })
    }

    fn with_further(&self, name: &str, columns: &[parallax_catalog::Column], span: Span) -> Vec<(String, Type)> {
        self.tables.borrow_mut().push(name.to_string());
        let has = |name: &str| columns.iter().any(|c| c.name == name);
        let further = self.further_columns(name, has, false, span);
        columns.iter().map(|c| (c.name.clone(), Type::from(c.ty))).chain(further).collect()
    }

    /// No rows of those columns.
    pub(crate) fn no_rows(&self, columns: Vec<(String, Type)>, span: Span) -> Result<Relation> {
        let columns: Vec<Column> =
            columns.into_iter().map(|(name, ty)| Column { name, ty, id: self.ids.fresh() }).collect();
        let exprs: Vec<Plan> = columns.iter().map(|c| Value::null(c.ty).expr.alias(c.id.as_str())).collect();
        let one = LogicalPlanBuilder::empty(true).build().at(span)?;
        let plan = LogicalPlanBuilder::from(select(one, exprs, span)?)
            .filter(lit(false))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        Ok(Relation::new(plan, columns))
    }

    fn no_data(&self, name: &str, span: Span) {
        self.note(Diagnostic::note(
            error::EMPTY_TABLE,
            span,
            format!("no input feeds the table `{name}`: it has no rows"),
        ));
    }
}

/// Nanoseconds since the Unix epoch, as a table has them, as ticks.
fn ticks(timestamp: Plan) -> Plan {
    let nanos = super::value::cast(timestamp, Type::Long);
    binary(binary(nanos, Operator::Divide, lit(100i64)), Operator::Plus, lit(EPOCH_TICKS))
}
