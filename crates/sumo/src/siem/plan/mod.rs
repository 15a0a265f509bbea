//! Tree to DataFusion expression.
//!
//! Where a condition stands, the expression is never null: what cannot be compared is false, and its negation true.

mod calls;
mod compare;
mod patterns;
mod value;

pub use calls::names as functions;
pub use value::Ty;

use super::syntax::{Alias, Arithmetic, Expression, Kind, Node};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, lit};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use value::Value;

/// The codes of the messages about expressions that parse. Each is described in `docs/cloud-siem.md`.
pub mod codes {
    /// A function that the language does not have.
    pub const UNKNOWN_FUNCTION: &str = "CSE0101";
    /// A function with the wrong number of arguments, or an argument that cannot be what it is.
    pub const BAD_ARGUMENT: &str = "CSE0102";
    /// A regular expression that is not run here.
    pub const BAD_REGEX: &str = "CSE0103";
    /// A name that is not in scope.
    pub const UNKNOWN_NAME: &str = "CSE0104";
    /// A form that is not run here.
    pub const NOT_SUPPORTED: &str = "CSE0105";
    /// `\%` in a `like` pattern is a percent sign.
    pub const ESCAPED_WILDCARD: &str = "CSE0201";
    /// Threat intelligence that nobody gave.
    pub const NO_THREAT_LISTS: &str = "CSE0202";
    /// A record field that no source here fills.
    pub const UNFILLED: &str = "CSE0203";
    /// A glob that looks like a regular expression.
    pub const REGEX_LIKE: &str = "CSE0204";
}

/// What names mean.
pub trait Names {
    /// What the name holds; nothing where it is not in scope.
    fn ty(&self, name: &str) -> Option<Ty>;

    /// Whether anything ever fills it.
    fn filled(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// All names, for "did you mean".
    fn all(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The table by which columns are qualified in a bound expression.
pub const RECORDS: &str = "records";

/// Points that the documentation leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Switches {
    /// A backslash in a `like` pattern is a character, and escapes nothing.
    pub plain_backslash: bool,
}

/// What an expression is bound with.
pub struct Scope<'a> {
    /// The names.
    pub names: &'a dyn Names,
    /// The switches.
    pub switches: Switches,
}

/// A bound expression.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The expression over columns of the table [`RECORDS`] that are called as in `reads`.
    pub expr: Expr,
    /// What it holds.
    pub ty: Ty,
    /// The columns, each once: a field's name, or `map['key']`.
    pub reads: Vec<String>,
    /// Warnings and notes.
    pub diagnostics: Diagnostics,
}

impl Bound {
    /// As a condition, never null.
    pub fn condition(&self) -> Expr {
        Value::new(self.expr.clone(), self.ty).condition()
    }

    /// As text, null where there is nothing.
    pub fn text(&self) -> Expr {
        Value::new(self.expr.clone(), self.ty).text()
    }
}

/// The column of an entry of a map.
pub fn entry_name(map: &str, key: &str) -> String {
    format!("{map}['{key}']")
}

/// Binds an expression.
///
/// # Errors
/// What keeps it from running here.
pub fn plan(expression: &Expression, scope: &Scope<'_>) -> Result<Bound, Diagnostics> {
    let mut planner =
        Planner { scope, aliases: &expression.aliases, reads: Vec::new(), diagnostics: Diagnostics::default() };
    let value = planner.value(&expression.root)?;
    Ok(Bound { expr: value.expr, ty: value.ty, reads: planner.reads, diagnostics: planner.diagnostics })
}

type Planning<T> = Result<T, Diagnostic>;

struct Planner<'a> {
    scope: &'a Scope<'a>,
    aliases: &'a [Alias],
    reads: Vec<String>,
    diagnostics: Diagnostics,
}

impl Planner<'_> {
    fn value(&mut self, node: &Node) -> Planning<Value> {
        Ok(match &node.kind {
            Kind::Null => Value::null(),
            Kind::Bool(b) => Value::new(lit(*b), Ty::Bool),
            Kind::Number(n) => Value::number(*n),
            Kind::Text(text) => Value::literal(text),
            Kind::Regex(_) => {
                let message = "a regular expression between slashes stands only after `matches` or `rlike`";
                return Err(Diagnostic::error(codes::BAD_ARGUMENT, node.span, message));
            }
            Kind::Field(name) => self.field(name, node.span)?,
            Kind::Entry(map, key) => self.entry(map, key, node.span)?,
            Kind::Array(_) => {
                let message = "a list in brackets is read only as the first argument of `hasThreatMatch`";
                return Err(Diagnostic::error(codes::NOT_SUPPORTED, node.span, message));
            }
            Kind::Not(inner) => Value::new(Expr::Not(Box::new(self.condition(inner)?)), Ty::Bool),
            Kind::Negative(inner) => {
                let number = self.value(inner)?.number_of();
                Value::new(Expr::Negative(Box::new(number)), Ty::Number)
            }
            Kind::All(terms) => self.terms(terms, Operator::And)?,
            Kind::Any(terms) => self.terms(terms, Operator::Or)?,
            Kind::Compare(left, operator, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                compare::compare(left, *operator, right)
            }
            Kind::Between(value, low, high) => {
                let (value, low, high) = (self.value(value)?, self.value(low)?, self.value(high)?);
                compare::between(value, low, high)
            }
            Kind::In(value, items) => {
                let value = self.value(value)?;
                let items = items.iter().map(|item| self.value(item)).collect::<Planning<Vec<_>>>()?;
                compare::among(value, items)
            }
            Kind::IsNull(inner) => Value::new(self.value(inner)?.expr.is_null(), Ty::Bool),
            Kind::Arithmetic(left, operator, right) => {
                let (left, right) = (self.value(left)?.number_of(), self.value(right)?.number_of());
                let operator = match operator {
                    Arithmetic::Add => Operator::Plus,
                    Arithmetic::Subtract => Operator::Minus,
                    Arithmetic::Multiply => Operator::Multiply,
                    Arithmetic::Divide => Operator::Divide,
                    Arithmetic::Remainder => Operator::Modulo,
                };
                Value::new(binary_expr(left, operator, right), Ty::Number)
            }
            Kind::Like(text, pattern, with) => self.like(text, pattern, with)?,
            Kind::Call(name, arguments) => self.call(name, arguments, node.span)?,
        })
    }

    fn condition(&mut self, node: &Node) -> Planning<Expr> {
        Ok(self.value(node)?.condition())
    }

    /// `and` is a chain to the left, whose cheap first conditions spare the others; `or` is a balanced tree.
    fn terms(&mut self, terms: &[Node], operator: Operator) -> Planning<Value> {
        let all = terms.iter().map(|t| self.condition(t)).collect::<Planning<Vec<_>>>()?;
        if operator == Operator::And && all.len() <= 48 {
            let joined = all.into_iter().reduce(|left, right| binary_expr(left, operator, right));
            return Ok(Value::new(joined.unwrap_or_else(|| lit(true)), Ty::Bool));
        }
        Ok(Value::new(balanced(all, operator), Ty::Bool))
    }

    fn field(&mut self, name: &str, span: Span) -> Planning<Value> {
        if let Some(alias) = self.aliases.iter().find(|a| a.name == name) {
            return self.entry(&alias.map, &alias_key(alias)?, alias.span);
        }
        let Some(ty) = self.scope.names.ty(name) else {
            let all = self.scope.names.all();
            let d = Diagnostic::error(codes::UNKNOWN_NAME, span, format!("nothing is called `{name}` here"));
            return Err(d.suggest(name, all.iter().map(String::as_str)));
        };
        self.read(name, ty, span)
    }

    /// `fields['x']` is the source's own field; `_raw` is another name of `fields` (documented).
    fn entry(&mut self, map: &str, key: &str, span: Span) -> Planning<Value> {
        let map = if map == "_raw" { "fields" } else { map };
        let name = entry_name(map, key);
        let Some(ty) = self.scope.names.ty(&name) else {
            let message = format!("nothing is called `{map}` here");
            return Err(Diagnostic::error(codes::UNKNOWN_NAME, span, message));
        };
        self.read(&name, ty, span)
    }

    fn read(&mut self, name: &str, ty: Ty, span: Span) -> Planning<Value> {
        if !self.reads.iter().any(|r| r == name) {
            self.reads.push(name.to_owned());
            if !self.scope.names.filled(name) {
                let message = format!("no source that is read here fills `{name}`: it is always missing");
                self.diagnostics.push(Diagnostic::note(codes::UNFILLED, span, message));
            }
        }
        let column = Expr::Column(Column::new(Some(RECORDS), name));
        Ok(match ty {
            // Whole numbers are computed with as Java's doubles, as all others.
            Ty::Whole => Value::new(cast(column, arrow::datatypes::DataType::Float64), Ty::Number),
            ty => Value::new(column, ty),
        })
    }
}

/// All or any of the conditions, as a tree whose depth grows with the logarithm of their number.
fn balanced(mut all: Vec<Expr>, operator: Operator) -> Expr {
    while all.len() > 1 {
        let mut half = Vec::with_capacity(all.len().div_ceil(2));
        let mut each = all.into_iter();
        while let Some(left) = each.next() {
            half.push(match each.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
        all = half;
    }
    all.pop().unwrap_or_else(|| lit(false))
}

/// The key that a JSON path names in the flat map of unmapped fields.
fn alias_key(alias: &Alias) -> Planning<String> {
    let path = alias.path.strip_prefix("$.").unwrap_or(&alias.path);
    if path.contains('*') {
        let message = "`*` in a path of `json` is not run here";
        return Err(Diagnostic::error(codes::NOT_SUPPORTED, alias.span, message));
    }
    let mut key = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('[') {
            Some(inner) => {
                let Some((part, after)) = inner.split_once(']') else {
                    let message = "a bracket in the path is not closed";
                    return Err(Diagnostic::error(codes::BAD_ARGUMENT, alias.span, message));
                };
                (part.trim_matches(['\'', '"']), after.strip_prefix('.').unwrap_or(after))
            }
            None => {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                (&rest[..end], rest[end..].strip_prefix('.').unwrap_or(&rest[end..]))
            }
        };
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(part);
        rest = after;
    }
    Ok(key)
}
