//! Functions that the product answers out of itself: about the service, the query's own parts, and chance.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::scope::Rows;
use crate::plan::types::{Type, ticks_from_nanos};
use crate::plan::value::{Value, coalesce, convert, invoke, raw_call};
use crate::syntax::tree::{Call, Expr, ExprKind};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as Plan, lit};
use parallax_diagnostics::{Diagnostic, Span};

/// What the functions about the service answer where no switch says otherwise: a service that has just been set up.
const SERVICE: &[(&str, &str, &str)] = &[
    ("current_database", "kql.database", "NetDefaultDB"),
    ("current_principal", "kql.principal", "<null identity>"),
    ("current_cluster_endpoint", "kql.cluster", "localhost"),
    ("current_node_id", "kql.node", "localhost"),
];

/// Recorded events belong to no data shard (documented: the empty guid).
const NO_EXTENT: &str = "00000000-0000-0000-0000-000000000000";

impl Binder<'_> {
    /// The value; none where the call is an ordinary one.
    pub(super) fn of_service(&self, call: &Call, args: &[&Expr], rows: &Rows<'_>) -> Result<Option<Value>> {
        let span = call.span;
        let name = call.name.text.as_str();
        let value = match (name, args) {
            ("current_database" | "current_principal" | "current_cluster_endpoint" | "current_node_id", []) => {
                self.fact(name, span)
            }
            // A cursor is a place in time; what is read here was all there when the query began.
            ("cursor_current" | "current_cursor", []) => Value::string(ticks_from_nanos(self.context.now).to_string()),
            ("extent_id" | "extentid", []) => {
                Value::literal(ScalarValue::Utf8View(Some(NO_EXTENT.to_owned())), Type::Guid)
            }
            ("extent_tags", []) => Value::dynamic("[]"),
            ("rand" | "new_guid", args) if args.len() <= 1 => self.chance(name, args.first().copied(), rows, span)?,
            ("assert", [condition, message]) => self.assertion(condition, message, rows, span)?,
            ("bin_auto", [value]) => self.bin_auto(value, rows, span)?,
            ("column_names_of", [table]) => {
                let relation = self.relation(table, &mut rows.scope.clone())?;
                let names: Vec<String> = relation.columns.iter().map(|c| super::literal::quoted(&c.name)).collect();
                Value::dynamic(format!("[{}]", names.join(",")))
            }
            ("bag_pack_columns", args) if !args.is_empty() => self.pack_columns(args, rows)?,
            ("pack_array", [Expr { kind: ExprKind::Star, .. }]) => pack_all_columns(rows, span)?,
            ("parse_user_agent", [agent, wanted]) => self.agent(agent, wanted, rows, span)?,
            ("parse_version", [version]) => self.version(version, rows, span)?,
            ("estimate_data_size", args) if !args.is_empty() => self.data_size(args, rows)?,
            (
                "current_principal_details" | "current_principal_is_member_of" | "cursor_after" | "cursor_before_or_at",
                _,
            ) => {
                return fail(error::NO_FUNCTION, span, format!("`{name}` has no meaning outside of the service"));
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// A fact about the service, by a switch or its default, said once.
    /// A misspelt switch would leave a query as it is in silence.
    pub(in crate::plan) fn check_switches(&self) -> Result<()> {
        let known = || SERVICE.iter().map(|(_, switch, _)| *switch);
        let mut given = self.context.switches.keys().filter(|name| name.starts_with("kql."));
        match given.find(|name| known().all(|k| k != name.as_str())) {
            Some(name) => fail(error::OPTION, Span::default(), format!("there is no switch `{name}`"))
                .map_err(|d| Box::new((*d).suggest(name, known()))),
            None => Ok(()),
        }
    }

    fn fact(&self, name: &str, span: Span) -> Value {
        let Some((_, switch, default)) = SERVICE.iter().find(|(function, ..)| *function == name) else {
            return Value::string("");
        };
        let given = self.context.switches.get(*switch);
        if given.is_none() {
            self.note_once(
                Diagnostic::note(
                    error::NOT_GIVEN,
                    span,
                    format!("`{name}()` is '{default}': there is no service here"),
                )
                .help(format!("the switch `{switch}` gives it another value")),
            );
        }
        Value::string(given.map_or(*default, String::as_str))
    }

    /// Numbers that look random and are made of the row and the call's place in the query.
    fn chance(&self, name: &str, bound: Option<&Expr>, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let draw = self.drawn.get();
        self.drawn.set(draw + 1);
        let mut args = Vec::new();
        let function = match bound {
            Some(bound) if name == "rand" => {
                args.push(convert(self.scalar(bound, rows)?, Type::Real, bound.span)?.expr);
                "kql_rand_below"
            }
            Some(bound) => return fail(error::ARGUMENTS, bound.span, "`new_guid` takes no arguments"),
            None if name == "rand" => "kql_rand",
            None => "kql_new_guid",
        };
        args.push(lit(draw));
        match rows.hidden {
            [] => args.extend(rows.columns.iter().map(|c| c.expr())),
            hidden => args.extend(hidden.iter().map(|h| crate::plan::relation::id(h))),
        }
        self.note_once(Diagnostic::note(
            error::NO_EFFECT,
            span,
            format!("`{name}()` is made of the row that it stands in: the same input gives the same values, and rows that are the same in all their columns the same value"),
        ));
        let ty = if name == "rand" { Type::Real } else { Type::Guid };
        Ok(Value::new(raw_call(function, args, span)?, ty).folded())
    }

    /// Decided when the query is planned (documented).
    fn assertion(&self, condition: &Expr, message: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let value = self.scalar(condition, rows)?;
        let value = self.as_bool(value, condition.span)?.folded();
        let message = self.scalar(message, rows)?.folded();
        match value.constant() {
            Some(ScalarValue::Boolean(Some(true))) => Ok(Value::bool(true)),
            Some(_) => {
                let text = message.text().unwrap_or_default();
                fail(error::OPTION, span, format!("the assertion does not hold: '{text}'"))
            }
            None => fail(error::CONSTANT, condition.span, "what is asserted must be known without any rows"),
        }
    }

    /// `bin` by the size and the fixed point that `set` gave.
    fn bin_auto(&self, value: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let value = self.scalar(value, rows)?;
        let options = self.options.borrow();
        let Some(size) = options.get("query_bin_auto_size") else {
            let unset = error(error::CONSTANT, span, "`bin_auto` needs a size");
            return Err(Box::new((*unset).help("put `set query_bin_auto_size = 1h;` before the query")));
        };
        match options.get("query_bin_auto_at") {
            Some(at) => {
                let ty = value.ty;
                let at = convert(at.clone(), ty, span)?;
                invoke("bin_at", vec![value, size.clone(), at], ty, span)
            }
            None => super::arithmetic::bin(value, size.clone(), span),
        }
    }

    fn agent(&self, agent: &Expr, wanted: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let agent = convert(self.scalar(agent, rows)?, Type::String, agent.span)?;
        let wanted = self.scalar(wanted, rows)?.folded();
        self.user_agent(agent, &wanted, span)
    }

    /// A number that sorts as versions do.
    fn version(&self, version: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let text = convert(self.scalar(version, rows)?, Type::String, version.span)?;
        Ok(Value::new(raw_call("kql_parse_version", vec![text.expr], span)?, Type::Decimal))
    }

    /// Columns under their own names.
    fn pack_columns(&self, args: &[&Expr], rows: &Rows<'_>) -> Result<Value> {
        let mut members = Vec::with_capacity(2 * args.len());
        for arg in args {
            let column = match &arg.kind {
                ExprKind::Name(name) => rows.column(&name.text),
                _ => None,
            };
            let Some(column) = column else {
                return fail(error::TYPE, arg.span, "`bag_pack_columns` takes columns");
            };
            members.push(Value::string(column.name.clone()).expr);
            members.push(convert(Value::new(column.expr(), column.ty), Type::Dynamic, arg.span)?.expr);
        }
        let span = args.first().map_or_else(Span::default, |a| a.span);
        Ok(Value::new(raw_call("kql_bag_pack", members, span)?, Type::Dynamic))
    }

    /// Eight bytes for a number or a time, and the length of a text; what others take is not published.
    fn data_size(&self, args: &[&Expr], rows: &Rows<'_>) -> Result<Value> {
        let mut parts: Vec<(Value, Span)> = Vec::new();
        for arg in args {
            match arg.kind {
                ExprKind::Star => parts.extend(rows.columns.iter().map(|c| (Value::new(c.expr(), c.ty), arg.span))),
                _ => parts.push((self.scalar(arg, rows)?, arg.span)),
            }
        }
        let mut sum = lit(0i64);
        for (value, span) in parts {
            let size: Plan = match value.ty {
                Type::Long | Type::Real | Type::DateTime | Type::TimeSpan => lit(8i64),
                Type::String => {
                    let size = invoke("string_size", vec![value], Type::Long, span)?.expr;
                    coalesce(vec![size, lit(0i64)])
                }
                ty => {
                    let why = format!("how many bytes a {} takes is not documented", ty.name());
                    return fail(error::NO_FORM, span, why);
                }
            };
            sum = sum + size;
        }
        Ok(Value::new(sum, Type::Long).folded())
    }
}

/// All columns as an array.
fn pack_all_columns(rows: &Rows<'_>, span: Span) -> Result<Value> {
    let all = rows.columns.iter().map(|c| convert(Value::new(c.expr(), c.ty), Type::Dynamic, span));
    let all = all.map(|v| Ok(v?.expr)).collect::<Result<Vec<_>>>()?;
    Ok(Value::new(raw_call("kql_pack_array", all, span)?, Type::Dynamic))
}
