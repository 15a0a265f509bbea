//! Functions.

use super::rows::Rows;
use super::values::{Ty, Value, call, choose, coalesce, common, text_literal};
use super::{Planner, Planning, codes};
use crate::syntax::{At, Expr as Tree, ExprKind};
use datafusion::logical_expr::{Expr, lit};
use parallax_diagnostics::Diagnostic;
use parallax_functions::udf::Type;
use parallax_telemetry::ColumnType;

/// Functions that are one call of the function of the same name in `parallax_functions::sumo`.
pub(super) const PLAIN: &[&str] = &[
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "base64decode",
    "base64encode",
    "cbrt",
    "ceil",
    "comparecidrprefix",
    "contains",
    "cos",
    "cosh",
    "dectohex",
    "exp",
    "expm1",
    "floor",
    "formatdate",
    "frommillis",
    "fromseconds",
    "getcidrprefix",
    "hash",
    "haversine",
    "hextoascii",
    "hextodec",
    "hypot",
    "ipv4tonumber",
    "isinfinity",
    "isnan",
    "isnumeric",
    "isprivateip",
    "ispublicip",
    "isreservedip",
    "isvalidip",
    "isvalidipv4",
    "isvalidipv6",
    "jsonarraycontains",
    "jsonarraysize",
    "log",
    "log10",
    "log1p",
    "luhn",
    "maskfromcidr",
    "parsedate",
    "parsehex",
    "pow",
    "rint",
    "round",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "substring",
    "tan",
    "tanh",
    "todegrees",
    "tolowercase",
    "tomillis",
    "toradians",
    "touppercase",
    "tourl",
    "trim",
    "urldecode",
    "urlencode",
];

/// Functions that the planner takes apart itself.
pub(super) const SPECIAL: &[&str] = &[
    "if",
    "isnull",
    "isempty",
    "isblank",
    "num",
    "number",
    "double",
    "tolong",
    "long",
    "int",
    "toint",
    "tonumber",
    "tostring",
    "string",
    "now",
    "querystarttime",
    "queryendtime",
    "querytimerange",
    "min",
    "max",
    "matches",
    "coalesce",
    "isnotnull",
    "isnotempty",
    "replace",
    "format",
    "concat",
    "length",
    "in",
    "lookupcontains",
];

/// Other languages' names of documented functions: extensions.
const SYNONYMS: &[(&str, &str)] = &[
    ("tolower", "toLowerCase"),
    ("lower", "toLowerCase"),
    ("toupper", "toUpperCase"),
    ("upper", "toUpperCase"),
    ("strlen", "length"),
    ("len", "length"),
    ("substr", "substring"),
];

impl Planner<'_> {
    pub(super) fn call(&mut self, rows: &mut Rows, name: &str, arguments: &[Tree], at: At) -> Planning<Value> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, documented)) = SYNONYMS.iter().find(|(other, _)| *other == lower) {
            let text = at.0.of(self.text).get(name.len()..).map(|rest| format!("{documented}{rest}"));
            self.extension(at, &format!("`{name}`"), text)?;
            return self.call(rows, documented, arguments, at);
        }
        if PLAIN.contains(&lower.as_str()) {
            return self.plain(rows, name, &lower, arguments, at);
        }
        match (lower.as_str(), arguments) {
            ("if", [condition, yes, no]) => self.conditional(rows, condition, yes, no),
            ("isnull", [x]) => Ok(Value::new(self.expression(rows, x)?.expr.is_null(), Ty::Bool)),
            ("isempty", [x]) => {
                let value = self.expression(rows, x)?;
                Ok(Value::new(empty(&value), Ty::Bool))
            }
            ("isblank", [x]) => {
                let value = self.expression(rows, x)?;
                Ok(Value::new(call("sumo_isblank", vec![value.to_text()]), Ty::Bool))
            }
            ("isnotnull", [x]) => {
                self.extension(at, "`isNotNull`", Some(format!("!isNull({})", x.at.0.of(self.text))))?;
                Ok(Value::new(self.expression(rows, x)?.expr.is_not_null(), Ty::Bool))
            }
            ("isnotempty", [x]) => {
                self.extension(at, "`isNotEmpty`", Some(format!("!isEmpty({})", x.at.0.of(self.text))))?;
                let value = self.expression(rows, x)?;
                Ok(Value::new(empty(&value).is_not_true(), Ty::Bool))
            }
            ("num" | "number" | "double" | "tonumber", [x]) => {
                let value = self.expression(rows, x)?;
                Ok(if value.ty == Ty::Text { value.to_number() } else { Value::new(value.to_double(), Ty::Double) })
            }
            ("tolong" | "long" | "int" | "toint", [x]) => Ok(Value::new(self.expression(rows, x)?.to_long(), Ty::Long)),
            ("tostring" | "string", [x]) => Ok(Value::new(self.expression(rows, x)?.to_text(), Ty::Text)),
            ("length", [x]) => {
                let text = self.expression(rows, x)?.to_text();
                Ok(Value::new(call("sumo_length", vec![text]), Ty::Long))
            }
            ("lookupcontains", _) => self.lookup_contains(rows, arguments, at),
            ("concat", [_, ..]) => {
                let texts = arguments.iter().map(|a| Ok(self.expression(rows, a)?.to_text()));
                let texts = texts.collect::<Planning<Vec<_>>>()?;
                Ok(Value::new(call("sumo_concat", texts), Ty::Text))
            }
            ("format", [_, ..]) => {
                let texts = arguments.iter().map(|a| Ok(self.expression(rows, a)?.to_text()));
                let texts = texts.collect::<Planning<Vec<_>>>()?;
                Ok(Value::new(call("sumo_format", texts), Ty::Text))
            }
            ("replace", [x, what, with]) => {
                let (x, with) = (self.expression(rows, x)?.to_text(), self.expression(rows, with)?.to_text());
                if let ExprKind::Regex(pattern) = &what.kind {
                    self.check_regex(pattern, what.at)?;
                    return Ok(Value::new(call("sumo_replace_regex", vec![x, text_literal(pattern), with]), Ty::Text));
                }
                let what = self.expression(rows, what)?.to_text();
                Ok(Value::new(call("sumo_replace", vec![x, what, with]), Ty::Text))
            }
            ("coalesce", [first, rest @ ..]) => {
                let of = |tree: &Tree| tree.at.0.of(self.text).to_owned();
                let nested = arguments.iter().rev().map(of).reduce(|rest, x| format!("if(isNull({x}), {rest}, {x})"));
                self.extension(at, "`coalesce`", nested.filter(|_| !rest.is_empty()))?;
                let mut all = vec![self.expression(rows, first)?];
                for argument in rest {
                    all.push(self.expression(rows, argument)?);
                }
                let ty = all.iter().map(|v| v.ty).reduce(common).unwrap_or(Ty::Text);
                let mut folded = all.iter().rev().map(|v| v.to(ty));
                let last = folded.next().unwrap_or_else(|| Value::null().expr);
                Ok(Value::new(folded.fold(last, |rest, first| coalesce(first, rest)), ty))
            }
            ("matches", [x, pattern]) => {
                let documented = match &pattern.kind {
                    ExprKind::Text(text) | ExprKind::Regex(text) => Some(self.matches_regex(x, text)),
                    _ => None,
                };
                self.extension(at, "`matches(…)`", documented)?;
                let value = self.expression(rows, x)?;
                match &pattern.kind {
                    ExprKind::Text(text) | ExprKind::Regex(text) => self.regex_match(&value, text, pattern.at),
                    _ => Err(Diagnostic::error(
                        codes::BAD_ARGUMENT,
                        pattern.at.0,
                        "this is a regular expression in quotes",
                    )),
                }
            }
            ("in", [value, list @ ..]) if !list.is_empty() => {
                let list_of = |t: &Tree| t.at.0.of(self.text).to_owned();
                let texts = list.iter().map(list_of).collect::<Vec<_>>().join(", ");
                let documented = format!("{} in ({texts})", value.at.0.of(self.text));
                self.extension(at, "`in(…)`", Some(documented))?;
                let kind = ExprKind::In { value: Box::new(value.clone()), list: list.to_vec(), negated: false };
                self.expression(rows, &Tree { kind, at })
            }
            ("min" | "max", [a, b]) => {
                let (a, b) = (self.expression(rows, a)?.to_number(), self.expression(rows, b)?.to_number());
                let ty = common(a.ty, b.ty);
                let (a, b) = (a.to(ty), b.to(ty));
                let first = if lower == "min" { a.clone().lt_eq(b.clone()) } else { a.clone().gt_eq(b.clone()) };
                Ok(Value::new(choose(first, a, b), ty))
            }
            ("now", []) => Ok(Value::new(lit(self.context.now.div_euclid(1_000_000)), Ty::Time)),
            ("querystarttime" | "queryendtime" | "querytimerange", []) => self.time_range(&lower, at),
            _ => Err(self.no_function(name, &lower, at)),
        }
    }

    fn time_range(&self, name: &str, at: At) -> Planning<Value> {
        let value = match (name, self.switches.range) {
            ("querystarttime", (Some(start), _)) => start,
            ("queryendtime", (_, Some(end))) => end,
            ("querytimerange", (Some(start), Some(end))) => end - start,
            _ => {
                return Err(Diagnostic::error(
                    codes::NEEDS_RANGE,
                    at.0,
                    format!("`{name}` needs the query's time range"),
                )
                .help("set the switches `sumo.query-start` and `sumo.query-end` (milliseconds since 1970)"));
            }
        };
        Ok(Value::new(lit(value), if name == "querytimerange" { Ty::Long } else { Ty::Time }))
    }

    /// A call whose arguments are cast as the function declares.
    fn plain(&mut self, rows: &mut Rows, name: &str, lower: &str, arguments: &[Tree], at: At) -> Planning<Value> {
        let full = format!("sumo_{lower}");
        let Some(signature) = parallax_functions::sumo::declared(&full) else {
            return Err(self.no_function(name, lower, at));
        };
        if !signature.accepts(arguments.len()) {
            let needed = signature.params.iter().filter(|p| !p.optional).count();
            return Err(Diagnostic::error(
                codes::BAD_ARGUMENT,
                at.0,
                format!(
                    "`{name}` takes {needed}{} arguments, not {}",
                    if needed < signature.params.len() { " or more" } else { "" },
                    arguments.len()
                ),
            ));
        }
        self.check_constants(lower, arguments)?;
        let mut cast: Vec<Expr> = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let value = self.expression(rows, argument)?;
            cast.push(match signature.param(index).map(|p| p.ty) {
                Some(Type::Of(ColumnType::Real)) => value.to_double(),
                Some(Type::Of(ColumnType::Long)) => value.to_long(),
                Some(Type::Of(ColumnType::Bool)) => value.to_bool(),
                _ => value.to_text(),
            });
        }
        let ty = match signature.returns {
            ColumnType::Real => Ty::Double,
            ColumnType::Long if TIMES.contains(&lower) => Ty::Time,
            ColumnType::Long => Ty::Long,
            ColumnType::Bool => Ty::Bool,
            _ => Ty::Text,
        };
        Ok(Value::new(call(&full, cast), ty))
    }

    /// Formats, zones and algorithms that are written out are checked at their place.
    fn check_constants(&self, lower: &str, arguments: &[Tree]) -> Planning<()> {
        use parallax_functions::sumo::{check_format, check_zone};
        let text = |index: usize| match arguments.get(index).map(|a| (&a.kind, a.at)) {
            Some((ExprKind::Text(text), at)) => Some((text.as_str(), at)),
            _ => None,
        };
        let wrong = |at: At, why: String| Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, why));
        match lower {
            "formatdate" | "parsedate" => {
                if let Some((format, at)) = text(1) {
                    check_format(format).or_else(|why| wrong(at, why))?;
                }
                if let Some((zone, at)) = text(2) {
                    check_zone(zone).map(|_| ()).or_else(|why| wrong(at, why))?;
                }
            }
            "hash" => {
                if let Some((name, at)) = text(1) {
                    let known = parallax_functions::sumo::HASHES;
                    if !known.iter().any(|k| k.eq_ignore_ascii_case(name)) {
                        return wrong(at, format!("there is no hash `{name}`; there are {}", known[..4].join(", ")));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn no_function(&self, name: &str, lower: &str, at: At) -> Diagnostic {
        if SPECIAL.contains(&lower) {
            return Diagnostic::error(codes::BAD_ARGUMENT, at.0, format!("`{name}` takes another number of arguments"));
        }
        let known = PLAIN.iter().chain(SPECIAL).copied();
        Diagnostic::error(codes::UNKNOWN_FUNCTION, at.0, format!("there is no function `{name}`")).suggest(name, known)
    }
}

/// Functions whose whole numbers are instants.
const TIMES: &[&str] = &["parsedate", "tomillis", "frommillis", "fromseconds"];

/// Missing or `""`.
pub(super) fn empty(value: &Value) -> Expr {
    match value.ty {
        Ty::Text => coalesce(value.expr.clone(), text_literal("")).eq(text_literal("")),
        _ => value.expr.clone().is_null(),
    }
}
