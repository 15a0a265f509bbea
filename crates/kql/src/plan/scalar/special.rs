//! Functions that are more than their arguments' values: they choose, look at columns, or know the time.

use super::Want;
use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::scope::Rows;
use crate::plan::types::{Type, ticks_from_nanos};
use crate::plan::value::{Value, coalesce, convert, invoke, raw_call};
use crate::syntax::tree::{BinaryOp, Call, Expr};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as Plan, Operator, expr_fn, when};
use parallax_diagnostics::{Diagnostic, Span};

impl Binder<'_> {
    /// A call that is bound here and not by its name alone; none where it is an ordinary one.
    pub(super) fn special(&self, call: &Call, rows: &Rows<'_>, want: Want) -> Result<Option<Value>> {
        let name = call.name.text.as_str();
        let args: Vec<&Expr> = call.arguments.iter().map(|a| &a.value).collect();
        let span = call.span;
        let value = match (name, args.as_slice()) {
            ("not", [x]) => {
                let value = self.scalar(x, rows)?;
                Value::new(expr_fn::not(self.as_bool(value, x.span)?.expr), Type::Bool)
            }
            ("iff" | "iif", [condition, then, otherwise]) => {
                self.choose(&[(condition, then)], otherwise, rows, span)?
            }
            ("case", [pairs @ .., otherwise]) if pairs.len() >= 2 && pairs.len() % 2 == 0 => {
                let pairs: Vec<(&Expr, &Expr)> = pairs.chunks(2).map(|p| (p[0], p[1])).collect();
                self.choose(&pairs, otherwise, rows, span)?
            }
            ("coalesce", [_, _, ..]) => self.coalesce(&args, rows, span)?,
            ("isnull", [x]) => is_null(self.scalar(x, rows)?),
            ("isnotnull" | "notnull", [x]) => {
                let null = is_null(self.scalar(x, rows)?);
                Value::new(expr_fn::not(null.expr), Type::Bool).folded()
            }
            ("isempty", [x]) => is_empty(self.scalar(x, rows)?, span)?,
            ("isnotempty" | "notempty", [x]) => {
                let empty = is_empty(self.scalar(x, rows)?, span)?;
                Value::new(expr_fn::not(empty.expr), Type::Bool).folded()
            }
            ("now", []) => self.now(),
            ("now", [offset]) => self.shifted(BinaryOp::Add, offset, rows, span)?,
            ("ago", [offset]) => self.shifted(BinaryOp::Subtract, offset, rows, span)?,
            ("bin" | "floor", [value, size]) => {
                super::arithmetic::bin(self.scalar(value, rows)?, self.scalar(size, rows)?, span)?
            }
            ("ingestion_time", []) => self.ingestion_time(rows, span),
            ("column_ifexists" | "columnifexists", [name, otherwise]) => {
                self.column_if_exists(name, otherwise, rows)?
            }
            ("pack_all", args) if args.len() <= 1 => self.pack_all(args.first().copied(), rows, span)?,
            ("pack" | "bag_pack" | "pack_dictionary", args) if args.len() % 2 == 0 => self.pack(args, rows, span)?,
            ("gettype", [x]) => self.gettype(x, rows, span)?,
            ("pi", []) => Value::literal(ScalarValue::Float64(Some(std::f64::consts::PI)), Type::Real),
            ("iscolumnexists", [name]) => {
                let text = self.scalar(name, rows)?.folded();
                let Some(text) = text.text() else {
                    return fail(error::CONSTANT, name.span, "the column's name must be a constant");
                };
                Value::bool(rows.column(text).is_some())
            }
            ("materialize", [x]) => self.scalar_in(x, rows, want)?,
            ("min_of" | "max_of", [_, _, ..]) => self.extreme(name == "max_of", call, rows, span)?,
            ("datetime_utc_to_local" | "datetime_local_to_utc", _) => return Ok(None),
            (
                "tostring" | "tolong" | "toint" | "toreal" | "todouble" | "tobool" | "toboolean" | "todatetime"
                | "totimespan" | "totime" | "toguid" | "todecimal",
                [x],
            ) => {
                let to = Type::from_name(&name[2..]).unwrap_or(Type::String);
                let value = self.scalar(x, rows)?;
                if value.ty == to { value } else { convert(value, to, span)? }
            }
            ("todynamic" | "parse_json" | "parsejson" | "toobject", [x]) => {
                let value = self.scalar(x, rows)?;
                match value.ty {
                    // Text inside of a dynamic value is parsed too (documented).
                    Type::Dynamic | Type::String => invoke("parse_json", vec![value], Type::Dynamic, span)?,
                    _ => convert(value, Type::Dynamic, span)?,
                }
            }
            ("strcat", args) if !args.is_empty() => self.strcat(args, rows, span)?,
            (
                "row_number" | "prev" | "next" | "row_cumsum" | "row_rank" | "row_rank_dense" | "row_rank_min"
                | "row_window_session",
                _,
            ) => self.window(call, rows)?,
            ("geo_info_from_ip_address", [address]) => {
                let address = convert(self.scalar(address, rows)?, Type::String, address.span)?;
                self.geo_info(address, span)?
            }
            ("hash_combine" | "hash_many", _) => {
                return fail(
                    error::NO_FUNCTION,
                    span,
                    format!("`{name}` is not supported: how the service combines hashes is not published"),
                );
            }
            ("cluster" | "database", _) => {
                return fail(error::SHAPE, span, format!("`{name}(…)` is not a scalar"));
            }
            _ => return self.of_service(call, &args, rows),
        };
        Ok(Some(value))
    }

    /// An hour of the day of the reference time.
    pub(crate) fn today_at(&self, ticks: i64) -> Value {
        const DAY: i64 = 864_000_000_000;
        let now = ticks_from_nanos(self.context.now);
        Value::literal(ScalarValue::Int64(Some(now - now.rem_euclid(DAY) + ticks)), Type::DateTime)
    }

    /// The reference time.
    pub(crate) fn now(&self) -> Value {
        Value::literal(ScalarValue::Int64(Some(ticks_from_nanos(self.context.now))), Type::DateTime)
    }

    /// Now, before or after by a length of time.
    fn shifted(&self, op: BinaryOp, offset: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let offset = convert(self.scalar(offset, rows)?, Type::TimeSpan, span)?;
        super::arithmetic::compute(op, self.now(), offset, span)
    }

    /// `iff` and `case`: the first condition that is true.
    fn choose(&self, pairs: &[(&Expr, &Expr)], otherwise: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (condition, then) in pairs {
            let value = self.scalar_in(condition, rows, Want::Filter)?;
            conditions.push(self.as_bool(value, condition.span)?.expr);
            values.push(self.scalar(then, rows)?);
        }
        values.push(self.scalar(otherwise, rows)?);
        let ty = common_type(&values, span)?;
        let mut branches = Vec::with_capacity(values.len());
        for value in values {
            branches.push(convert(value, ty, span)?.expr);
        }
        let otherwise = branches.pop().unwrap_or_else(|| Value::null(ty).expr);
        let mut pairs = conditions.into_iter().zip(branches);
        let Some((condition, then)) = pairs.next() else { return Ok(Value::new(otherwise, ty)) };
        let mut case = when(condition, then);
        for (condition, then) in pairs {
            case = case.when(condition, then);
        }
        let expr = case.otherwise(otherwise).map_err(|e| error(error::INTERNAL, span, e.to_string()))?;
        Ok(Value::new(expr, ty).folded())
    }

    /// The first value that is not null; of strings, the first that is not empty (documented).
    fn coalesce(&self, args: &[&Expr], rows: &Rows<'_>, span: Span) -> Result<Value> {
        let values = args.iter().map(|a| self.scalar(a, rows)).collect::<Result<Vec<_>>>()?;
        let ty = common_type(&values, span)?;
        let mut exprs = Vec::with_capacity(values.len());
        for value in values {
            exprs.push(convert(value, ty, span)?.expr);
        }
        if ty != Type::String {
            return Ok(Value::new(coalesce(exprs), ty).folded());
        }
        let mut result = Value::string("").expr;
        for expr in exprs.into_iter().rev() {
            let filled = Plan::BinaryExpr(datafusion::logical_expr::BinaryExpr::new(
                Box::new(expr.clone()),
                Operator::NotEq,
                Box::new(Value::string("").expr),
            ));
            result = when(filled, expr).otherwise(result).map_err(|e| error(error::INTERNAL, span, e.to_string()))?;
        }
        Ok(Value::new(result, ty).folded())
    }

    fn extreme(&self, max: bool, call: &Call, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let mut values = Vec::new();
        for a in &call.arguments {
            values.push(self.scalar(&a.value, rows)?);
        }
        let ty = common_type(&values, span)?;
        let mut exprs = Vec::with_capacity(values.len());
        for value in values {
            exprs.push(convert(value, ty, span)?.expr);
        }
        let function = if max { datafusion::functions::core::greatest() } else { datafusion::functions::core::least() };
        Ok(Value::new(function.call(exprs), ty).folded())
    }

    fn strcat(&self, args: &[&Expr], rows: &Rows<'_>, span: Span) -> Result<Value> {
        let mut texts = Vec::with_capacity(args.len());
        for a in args {
            texts.push(convert(self.scalar(a, rows)?, Type::String, a.span)?);
        }
        invoke("strcat", texts, Type::String, span)
    }

    /// Recorded telemetry has no time of ingestion: the event's own stands for it.
    fn ingestion_time(&self, rows: &Rows<'_>, span: Span) -> Value {
        let column =
            ["TimeGenerated", "Timestamp"].iter().find_map(|n| rows.column(n).filter(|c| c.ty == Type::DateTime));
        self.note(Diagnostic::warning(
            "KQL0403",
            span,
            match column {
                Some(c) => format!("there is no time of ingestion here; `{}` is used instead", c.name),
                None => "there is no time of ingestion here; it is null".to_string(),
            },
        ));
        column.map_or_else(|| Value::null(Type::DateTime), |c| Value::new(c.expr(), c.ty))
    }

    fn column_if_exists(&self, name: &Expr, otherwise: &Expr, rows: &Rows<'_>) -> Result<Value> {
        let text = self.scalar(name, rows)?.folded();
        let Some(text) = text.text() else {
            return fail(error::CONSTANT, name.span, "the column's name must be a constant");
        };
        match rows.column(text) {
            Some(c) => Ok(Value::new(c.expr(), c.ty)),
            None => self.scalar(otherwise, rows),
        }
    }

    /// All columns as one bag; nulls and empty texts left out where asked.
    fn pack_all(&self, ignore: Option<&Expr>, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let ignore = match ignore {
            Some(e) => matches!(self.scalar(e, rows)?.folded().constant(), Some(ScalarValue::Boolean(Some(true)))),
            None => false,
        };
        let mut args = Vec::new();
        for c in rows.columns {
            args.push(Value::string(c.name.clone()).expr);
            args.push(convert(Value::new(c.expr(), c.ty), Type::Dynamic, span)?.expr);
        }
        if ignore {
            return Ok(Value::new(raw_call("kql_pack_all_nonempty", args, span)?, Type::Dynamic));
        }
        Ok(Value::new(raw_call("kql_bag_pack", args, span)?, Type::Dynamic))
    }

    fn pack(&self, args: &[&Expr], rows: &Rows<'_>, span: Span) -> Result<Value> {
        let mut exprs = Vec::with_capacity(args.len());
        for pair in args.chunks(2) {
            exprs.push(convert(self.scalar(pair[0], rows)?, Type::String, pair[0].span)?.expr);
            exprs.push(convert(self.scalar(pair[1], rows)?, Type::Dynamic, pair[1].span)?.expr);
        }
        Ok(Value::new(raw_call("kql_bag_pack", exprs, span)?, Type::Dynamic).folded())
    }

    fn gettype(&self, x: &Expr, rows: &Rows<'_>, span: Span) -> Result<Value> {
        let value = self.scalar(x, rows)?;
        match value.ty {
            Type::Dynamic => invoke("gettype", vec![value], Type::String, span),
            ty => Ok(Value::string(ty.name())),
        }
    }
}

/// The one type of several values, by the rule of `iff`.
fn common_type(values: &[Value], span: Span) -> Result<Type> {
    values
        .iter()
        .map(|v| v.ty)
        .reduce(|a, b| a.common(b).unwrap_or(Type::Dynamic))
        .ok_or_else(|| error(error::ARGUMENTS, span, "at least one value is needed"))
}

/// A string is never null (measured).
fn is_null(value: Value) -> Value {
    if value.ty == Type::String {
        return Value::bool(false);
    }
    Value::new(value.expr.is_null(), Type::Bool).folded()
}

fn is_empty(value: Value, span: Span) -> Result<Value> {
    let expr = match value.ty {
        Type::String => value.expr.eq(Value::string("").expr),
        Type::Dynamic => convert(value, Type::String, span)?.expr.eq(Value::string("").expr),
        _ => value.expr.is_null(),
    };
    Ok(Value::new(expr, Type::Bool).folded())
}
