//! Which functions there are, what they accept, what they return and what a result is called.
//!
//! The facts stand in `functions.txt` and `aggregates.txt`, one function a line:
//!
//! ```text
//! name @naming = (kind, kind?, kind*) -> result; another overload
//! ```
//!
//! A kind is a type's name or a class of types; `?` marks an optional argument, `*` one that repeats. A result is a
//! type, `first` (the first argument's type), `common` (the one type of all `common` arguments), `widest`, `promoted`
//! (int becomes long), `literal` (named by a `typeof` argument) or `custom`. `@first` names an unnamed result after the
//! first argument, `@count_` puts a prefix before that name, `@prefix!` is the whole name. Whether a function can be
//! executed is another question: [`parallax_functions`] answers it.

use super::types::Type;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How a result without a name of its own is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `Column1`.
    Numbered,
    /// The first argument's name.
    First,
    /// `prefix_` and the first argument's name.
    Prefix(String),
    /// That name, whatever the arguments are.
    Whole(String),
}

#[derive(Clone, Debug)]
enum Kind {
    Type(Type),
    Any,
    Number,
    Integer,
    Summable,
    Text,
    Array,
    Bag,
    Plain,
    Orderable,
    Common,
    TypeLiteral,
}

#[derive(Clone, Debug)]
struct Parameter {
    kinds: Vec<Kind>,
    optional: bool,
    repeated: bool,
}

#[derive(Clone, Debug)]
enum Outcome {
    Type(Type),
    First,
    Second,
    Common,
    Widest,
    Promoted,
    Literal,
    Custom,
}

#[derive(Clone, Debug)]
struct Overload {
    parameters: Vec<Parameter>,
    outcome: Outcome,
}

/// One function of the language.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) naming: Naming,
    overloads: Vec<Overload>,
}

/// An argument as overload resolution sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    Value(Type),
    /// `typeof(type)`.
    TypeLiteral(Type),
}

/// A call that fits.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// What each argument is to be converted to; none to leave it.
    pub(crate) convert: Vec<Option<Type>>,
    pub(crate) result: Type,
}

/// Why a call does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The least and the largest number of arguments.
    Count(usize, usize),
    /// The argument at this place should be such.
    Type(usize, String),
}

pub(crate) type Table = BTreeMap<String, Function>;

/// The scalar functions.
pub(crate) fn scalars() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("functions.txt")))
}

/// The aggregates.
pub(crate) fn aggregates() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("aggregates.txt")))
}

fn parse(text: &str) -> Table {
    text.lines().filter(|l| !l.starts_with('#')).filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(String, Function)> {
    let (head, tail) = line.split_once(" = ")?;
    let (name, naming) = match head.split_once(" @") {
        None => (head, Naming::Numbered),
        Some((name, "first" | "only" | "column")) => (name, Naming::First),
        Some((name, "name")) => (name, Naming::Prefix(format!("{name}_"))),
        Some((name, other)) => match other.strip_suffix('!') {
            Some(whole) => (name, Naming::Whole(whole.to_string())),
            None => (name, Naming::Prefix(other.to_string())),
        },
    };
    let overloads = tail.split("; ").filter_map(parse_overload).collect();
    Some((name.to_string(), Function { naming, overloads }))
}

fn parse_overload(text: &str) -> Option<Overload> {
    let (parameters, outcome) = text.split_once(" -> ")?;
    let parameters = parameters.trim_start_matches('(').trim_end_matches(')');
    let parameters =
        if parameters.is_empty() { Vec::new() } else { parameters.split(", ").map(parse_parameter).collect() };
    let outcome = match outcome {
        "first" => Outcome::First,
        "second" => Outcome::Second,
        "common" => Outcome::Common,
        "widest" => Outcome::Widest,
        "promoted" => Outcome::Promoted,
        "literal" => Outcome::Literal,
        other => Type::from_name(other).map_or(Outcome::Custom, Outcome::Type),
    };
    Some(Overload { parameters, outcome })
}

fn parse_parameter(text: &str) -> Parameter {
    let repeated = text.ends_with('*');
    let optional = text.ends_with('?');
    let kinds = text
        .trim_end_matches(['*', '?'])
        .split('|')
        .map(|k| match k {
            "number" => Kind::Number,
            "integer" => Kind::Integer,
            "summable" => Kind::Summable,
            "text" => Kind::Text,
            "array" => Kind::Array,
            "bag" => Kind::Bag,
            "plain" => Kind::Plain,
            "orderable" => Kind::Orderable,
            "common" => Kind::Common,
            "type" => Kind::TypeLiteral,
            other => Type::from_name(other).map_or(Kind::Any, Kind::Type),
        })
        .collect();
    Parameter { kinds, optional, repeated }
}

impl Kind {
    /// How far the argument is from the kind (0 is a match), and what it is to be converted to.
    fn accepts(&self, argument: Argument) -> Option<(u32, Option<Type>)> {
        let ty = match (self, argument) {
            (Kind::TypeLiteral, Argument::TypeLiteral(_)) => return Some((0, None)),
            (Kind::TypeLiteral, Argument::Value(_)) | (_, Argument::TypeLiteral(_)) => return None,
            (_, Argument::Value(ty)) => ty,
        };
        let exact = Some((0, None));
        // A dynamic value is accepted everywhere and converted when the query runs.
        let dynamic = |to: Option<Type>| if ty == Type::Dynamic { Some((3, to)) } else { None };
        match self {
            Kind::Any | Kind::Common | Kind::Plain | Kind::TypeLiteral => exact,
            Kind::Orderable => exact,
            Kind::Type(want) if *want == ty => exact,
            Kind::Type(want) if want.is_number() && ty.is_number() => {
                Some((if want.wider(ty) == *want { 1 } else { 2 }, Some(*want)))
            }
            Kind::Type(Type::Guid) if ty == Type::String => Some((2, Some(Type::Guid))),
            Kind::Type(want) => dynamic(Some(*want)),
            Kind::Number if ty.is_number() => exact,
            Kind::Number => dynamic(Some(Type::Real)),
            Kind::Integer if ty.is_integer() => exact,
            Kind::Integer => dynamic(Some(Type::Long)),
            Kind::Summable if ty.is_summable() => exact,
            Kind::Summable => dynamic(Some(Type::Real)),
            Kind::Text if matches!(ty, Type::String | Type::Dynamic) => exact,
            Kind::Array | Kind::Bag if ty == Type::Dynamic => exact,
            Kind::Text | Kind::Array | Kind::Bag => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Kind::Type(t) => t.name().to_string(),
            Kind::Any | Kind::Common => "scalar value".to_string(),
            Kind::Number => "number".to_string(),
            Kind::Integer => "int or long".to_string(),
            Kind::Summable => "number, datetime or timespan".to_string(),
            Kind::Text => "string or dynamic".to_string(),
            Kind::Array => "dynamic array".to_string(),
            Kind::Bag => "dynamic property bag".to_string(),
            Kind::Plain => "value that is not dynamic".to_string(),
            Kind::Orderable => "value with an order".to_string(),
            Kind::TypeLiteral => "typeof(…)".to_string(),
        }
    }
}

impl Parameter {
    fn accepts(&self, argument: Argument) -> Option<(u32, Option<Type>)> {
        self.kinds.iter().filter_map(|k| k.accepts(argument)).min_by_key(|(cost, _)| *cost)
    }

    fn describe(&self) -> String {
        self.kinds.iter().map(Kind::describe).collect::<Vec<_>>().join(" or ")
    }
}

impl Function {
    /// The overload that fits the arguments best.
    pub(crate) fn resolve(&self, arguments: &[Argument]) -> std::result::Result<Resolved, Mismatch> {
        let mut best: Option<(u32, Resolved)> = None;
        let mut why: Option<Mismatch> = None;
        for overload in &self.overloads {
            match overload.fit(arguments) {
                Ok((cost, fit)) if best.as_ref().is_none_or(|(c, _)| cost < *c) => best = Some((cost, fit)),
                Ok(_) => {}
                Err(mismatch) => why = Some(why.map_or(mismatch.clone(), |w| w.merge(mismatch))),
            }
        }
        best.map(|(_, fit)| fit).ok_or_else(|| why.unwrap_or(Mismatch::Count(0, 0)))
    }
}

impl Mismatch {
    /// Of two overloads' complaints, the one that helps: a type says more than a count.
    fn merge(self, other: Mismatch) -> Mismatch {
        match (self, other) {
            (Mismatch::Count(a, b), Mismatch::Count(c, d)) => Mismatch::Count(a.min(c), b.max(d)),
            (Mismatch::Count(..), other) => other,
            (this, _) => this,
        }
    }
}

impl Overload {
    fn bounds(&self) -> (usize, usize) {
        let least = self.parameters.iter().filter(|p| !p.optional).count();
        let most = if self.parameters.iter().any(|p| p.repeated) { usize::MAX } else { self.parameters.len() };
        (least.min(most), most)
    }

    /// The parameter that the argument at `at` belongs to: repeated parameters take turns until the arguments end.
    fn parameter(&self, at: usize, count: usize) -> Option<&Parameter> {
        let first = self.parameters.iter().position(|p| p.repeated);
        let Some(first) = first.filter(|f| at >= *f) else { return self.parameters.get(at) };
        let cycle = self.parameters[first..].iter().take_while(|p| p.repeated).count();
        let trailing = self.parameters.len() - first - cycle;
        let tail = count.saturating_sub(trailing);
        if trailing > 0 && at >= tail && at > first {
            let p = self.parameters.get(first + cycle + at - tail);
            if p.is_some() {
                return p;
            }
        }
        self.parameters.get(first + (at - first) % cycle)
    }

    fn fit(&self, arguments: &[Argument]) -> std::result::Result<(u32, Resolved), Mismatch> {
        let (least, most) = self.bounds();
        if arguments.len() < least || arguments.len() > most {
            return Err(Mismatch::Count(least, most));
        }
        let mut cost = 0;
        let mut convert = Vec::with_capacity(arguments.len());
        let mut common: Option<Type> = None;
        for (at, argument) in arguments.iter().enumerate() {
            let Some(parameter) = self.parameter(at, arguments.len()) else { return Err(Mismatch::Count(least, most)) };
            // The last argument may be one more of those that repeat, or an optional one after them: the nearer kind.
            let again = self.parameters.iter().find(|p| p.repeated && at > 0 && parameter.optional);
            let fits = [Some(parameter), again].into_iter().flatten().filter_map(|p| p.accepts(*argument));
            let Some((c, to)) = fits.min_by_key(|(cost, _)| *cost) else {
                return Err(Mismatch::Type(at, parameter.describe()));
            };
            cost += c;
            convert.push(to);
            if let (true, Argument::Value(ty)) = (parameter.kinds.iter().any(|k| matches!(k, Kind::Common)), *argument)
            {
                common = Some(match common {
                    None => ty,
                    Some(so_far) => so_far.common(ty).ok_or_else(|| Mismatch::Type(at, so_far.name().to_string()))?,
                });
            }
        }
        if let Some(ty) = common {
            for (at, to) in convert.iter_mut().enumerate() {
                let is_common = self
                    .parameter(at, arguments.len())
                    .is_some_and(|p| p.kinds.iter().any(|k| matches!(k, Kind::Common)));
                if is_common {
                    *to = Some(ty);
                }
            }
        }
        let result = self.result(arguments, common);
        Ok((cost, Resolved { convert, result }))
    }

    fn result(&self, arguments: &[Argument], common: Option<Type>) -> Type {
        let value = |at: usize| match arguments.get(at) {
            Some(Argument::Value(ty) | Argument::TypeLiteral(ty)) => *ty,
            None => Type::Dynamic,
        };
        match self.outcome {
            Outcome::Type(ty) => ty,
            Outcome::First => value(0),
            Outcome::Second => value(1),
            Outcome::Common => common.unwrap_or_else(|| value(0)),
            Outcome::Widest => (0..arguments.len()).map(value).reduce(Type::wider).unwrap_or(Type::Long),
            Outcome::Promoted if value(0) == Type::Int => Type::Long,
            Outcome::Promoted => value(0),
            Outcome::Literal => arguments
                .iter()
                .find_map(|a| match a {
                    Argument::TypeLiteral(ty) => Some(*ty),
                    Argument::Value(_) => None,
                })
                .unwrap_or(Type::String),
            Outcome::Custom => Type::Dynamic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(name: &str, types: &[Type]) -> std::result::Result<Type, Mismatch> {
        let arguments: Vec<Argument> = types.iter().map(|t| Argument::Value(*t)).collect();
        scalars()[name].resolve(&arguments).map(|r| r.result)
    }

    #[test]
    fn every_line_is_read() {
        let lines = include_str!("functions.txt").lines().count();
        assert_eq!(scalars().len(), lines);
        assert!(scalars().values().all(|f| !f.overloads.is_empty()));
        assert_eq!(aggregates().len(), include_str!("aggregates.txt").lines().count());
    }

    #[test]
    fn overloads_resolve_by_type() {
        assert_eq!(resolve("bin", &[Type::DateTime, Type::TimeSpan]), Ok(Type::DateTime));
        assert_eq!(resolve("bin", &[Type::Int, Type::Long]), Ok(Type::Long));
        assert_eq!(resolve("iff", &[Type::Bool, Type::Int, Type::Real]), Ok(Type::Real));
        assert_eq!(resolve("split", &[Type::String, Type::String]), Ok(Type::Dynamic));
        assert_eq!(resolve("pack", &[Type::String, Type::Int, Type::String, Type::Bool]), Ok(Type::Dynamic));
        assert_eq!(resolve("strlen", &[Type::Int]), Err(Mismatch::Type(0, "string or dynamic".to_string())));
        assert_eq!(resolve("tolower", &[]), Err(Mismatch::Count(1, 1)));
        let sort = |last| {
            let arguments = [Type::Dynamic, last].map(Argument::Value);
            scalars()["array_sort_asc"].resolve(&arguments).map(|r| r.convert)
        };
        assert_eq!(sort(Type::Dynamic), Ok(vec![None, None]));
        assert_eq!(sort(Type::Bool), Ok(vec![None, None]));
        assert!(sort(Type::DateTime).is_err());
    }
}
