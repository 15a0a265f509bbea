//! Writing a scalar function in a few lines.
//!
//! A function is a declaration (`"indexof(string, string, long?) long"`) and a body over one row. The declaration gives
//! the name, the arguments' types and the type of the result; everything between Arrow and the body (casts, scalars
//! against arrays, null rules, views) is done here, once.
//!
//! ```
//! use parallax_functions::udf::Functions;
//! let mut f = Functions::new("kql_");
//! f.long("strlen(string) long", |r| Some(r.str(0).chars().count() as i64));
//! assert!(f.get("kql_strlen").is_some());
//! ```
//!
//! A function whose constant arguments are worth compiling (a regex, a list of needles) is declared with
//! [`Functions::compiled`]. When a plan is optimised, its calls with literal arguments become calls of a copy that
//! holds the compiled form; name and arguments stay as they are, so that the plan still serialises by name, and
//! equality of the copies includes the constants. Where no optimiser ran (a remote worker), the form is compiled once
//! and kept beside the function.

mod call;
mod compile;
mod recent;
mod row;
mod signature;

pub use call::Function;
pub use compile::{Const, Consts};
pub(crate) use recent::repeated;
pub use row::{Columns, DECIMAL_ONE, DECIMAL_SCALE, Row};
pub use signature::{Param, Signature, Type};

use arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;
use std::collections::BTreeMap;
use std::sync::Arc;

type OfRow<T> = Arc<dyn Fn(&Row<'_>) -> Option<T> + Send + Sync>;
type WriteRow = Arc<dyn Fn(&Row<'_>, &mut String) -> Option<()> + Send + Sync>;
type OfArrays = Arc<dyn Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync>;

/// What a function does.
#[derive(Clone)]
pub enum Body {
    /// One Boolean a row.
    Bool(OfRow<bool>),
    /// One `Int32` a row.
    Int(OfRow<i32>),
    /// One `Int64` a row: long, datetime or timespan.
    Long(OfRow<i64>),
    /// One `Float64` a row.
    Real(OfRow<f64>),
    /// One `Decimal128(34, 14)` a row.
    Decimal(OfRow<i128>),
    /// Text written into a buffer: string, guid or dynamic. For a string, `None` is the empty string.
    Text(WriteRow),
    /// Whole columns at once. A scalar argument arrives as an array of length 1.
    Arrays(OfArrays),
}

impl Body {
    /// A body over rows that answers yes or no.
    pub fn bool(f: impl Fn(&Row<'_>) -> Option<bool> + Send + Sync + 'static) -> Self {
        Body::Bool(Arc::new(f))
    }

    /// A body over rows that gives a number.
    pub fn long(f: impl Fn(&Row<'_>) -> Option<i64> + Send + Sync + 'static) -> Self {
        Body::Long(Arc::new(f))
    }

    /// A body over rows that gives a real.
    pub fn real(f: impl Fn(&Row<'_>) -> Option<f64> + Send + Sync + 'static) -> Self {
        Body::Real(Arc::new(f))
    }

    /// A body over rows that writes text.
    pub fn text(f: impl Fn(&Row<'_>, &mut String) -> Option<()> + Send + Sync + 'static) -> Self {
        Body::Text(Arc::new(f))
    }

    /// A body over whole columns.
    pub fn arrays(f: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static) -> Self {
        Body::Arrays(Arc::new(f))
    }
}

/// A language's functions while they are being collected.
pub struct Functions {
    prefix: &'static str,
    by_name: BTreeMap<String, Arc<ScalarUDF>>,
}

impl Functions {
    /// An empty collection whose names all begin with `prefix`.
    pub fn new(prefix: &'static str) -> Self {
        Functions { prefix, by_name: BTreeMap::new() }
    }

    fn add(&mut self, declaration: &str, body: impl FnOnce(&Signature) -> Function) {
        let signature = Signature::parse(self.prefix, declaration);
        let function = body(&signature);
        let old = self.by_name.insert(signature.name, Arc::new(ScalarUDF::from(function)));
        debug_assert!(old.is_none(), "declared twice: {declaration}");
    }

    /// A function written by hand, under its own (full) name.
    pub fn udf(&mut self, udf: ScalarUDF) {
        self.by_name.insert(udf.name().to_owned(), Arc::new(udf));
    }

    /// A function with that body.
    pub fn body(&mut self, declaration: &str, body: Body) {
        self.add(declaration, |s| Function::new(s.clone(), body));
    }

    /// A function that answers yes or no.
    pub fn bool(&mut self, declaration: &str, f: impl Fn(&Row<'_>) -> Option<bool> + Send + Sync + 'static) {
        self.body(declaration, Body::bool(f));
    }

    /// A function that gives an int.
    pub fn int(&mut self, declaration: &str, f: impl Fn(&Row<'_>) -> Option<i32> + Send + Sync + 'static) {
        self.body(declaration, Body::Int(Arc::new(f)));
    }

    /// A function that gives a long, a datetime or a timespan.
    pub fn long(&mut self, declaration: &str, f: impl Fn(&Row<'_>) -> Option<i64> + Send + Sync + 'static) {
        self.body(declaration, Body::long(f));
    }

    /// A function that gives a real.
    pub fn real(&mut self, declaration: &str, f: impl Fn(&Row<'_>) -> Option<f64> + Send + Sync + 'static) {
        self.body(declaration, Body::Real(Arc::new(f)));
    }

    /// A function that gives a decimal, as an integer of 10⁻¹⁴.
    pub fn decimal(&mut self, declaration: &str, f: impl Fn(&Row<'_>) -> Option<i128> + Send + Sync + 'static) {
        self.body(declaration, Body::Decimal(Arc::new(f)));
    }

    /// A function that writes a string, a guid or a dynamic.
    pub fn text(&mut self, declaration: &str, f: impl Fn(&Row<'_>, &mut String) -> Option<()> + Send + Sync + 'static) {
        self.body(declaration, Body::text(f));
    }

    /// A function over whole columns.
    pub fn arrays(
        &mut self,
        declaration: &str,
        f: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
    ) {
        self.body(declaration, Body::arrays(f));
    }

    /// A function whose arguments `at` are compiled, when they are constants, by `make`.
    ///
    /// Where they are not, every distinct value among the rows is compiled once, and each row is answered by its own.
    pub fn compiled(&mut self, declaration: &str, at: &'static [usize], make: fn(&Consts) -> Result<Body>) {
        self.add(declaration, |s| Function::compiled(s.clone(), at, make));
    }

    /// As [`Functions::compiled`], for a function that reads a whole message: it is computed once a row, however often
    /// its result is looked at.
    pub fn compiled_once(&mut self, declaration: &str, at: &'static [usize], make: fn(&Consts) -> Result<Body>) {
        self.add(declaration, |s| Function::compiled(s.clone(), at, make).once());
    }

    /// The function of that full name.
    pub fn get(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.by_name.get(name).cloned()
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<ScalarUDF>> {
        self.by_name.values()
    }
}
