//! Declarations: `"indexof(string, string, long?) long"`.

use arrow::datatypes::DataType;
use parallax_telemetry::ColumnType;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// That type and no other.
    Of(ColumnType),
    /// Whatever is given.
    Any,
}

impl Type {
    /// The Arrow type, where there is one.
    pub fn arrow(self) -> Option<DataType> {
        match self {
            Type::Any => None,
            Type::Of(ColumnType::DateTime) => Some(DataType::Int64),
            Type::Of(t) => Some(t.arrow()),
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "any" => Type::Any,
            _ => {
                Type::Of(ColumnType::from_name(word).unwrap_or_else(|| panic!("no such type in a declaration: {word}")))
            }
        }
    }
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// Its type.
    pub ty: Type,
    /// May be left out (`long?`).
    pub optional: bool,
    /// May be repeated, last only (`string...`).
    pub variadic: bool,
}

/// A function's name, parameters and result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The full name, prefix included.
    pub name: String,
    /// The parameters.
    pub params: Vec<Param>,
    /// The type of the result.
    pub returns: ColumnType,
}

impl Signature {
    /// Reads a declaration. They are constants of this crate, so a wrong one is a panic that any test meets.
    pub(super) fn parse(prefix: &str, declaration: &str) -> Self {
        let wrong = || -> ! { panic!("malformed declaration: {declaration}") };
        let Some((name, rest)) = declaration.split_once('(') else { wrong() };
        let Some((params, returns)) = rest.split_once(')') else { wrong() };
        let Type::Of(returns) = Type::parse(returns.trim()) else { wrong() };
        let params = params
            .split(',')
            .map(str::trim)
            .filter(|p| !p.is_empty())
            .map(|p| {
                let (p, variadic) = p.strip_suffix("...").map_or((p, false), |p| (p, true));
                let (p, optional) = p.strip_suffix('?').map_or((p, false), |p| (p, true));
                Param { ty: Type::parse(p), optional, variadic }
            })
            .collect();
        Signature { name: format!("{prefix}{name}"), params, returns }
    }

    /// The parameter that takes argument `i`.
    pub fn param(&self, i: usize) -> Option<&Param> {
        self.params.get(i).or_else(|| self.params.last().filter(|p| p.variadic))
    }

    /// Whether that many arguments can be given.
    pub fn accepts(&self, arguments: usize) -> bool {
        let needed = self.params.iter().filter(|p| !p.optional && !p.variadic).count();
        arguments >= needed && (arguments <= self.params.len() || self.params.last().is_some_and(|p| p.variadic))
    }

    /// The Arrow type of the result.
    pub fn arrow(&self) -> DataType {
        Type::Of(self.returns).arrow().unwrap_or(DataType::Null)
    }
}
