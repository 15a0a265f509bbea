//! The functions of KQL, over its physical types.
//!
//! | KQL | Arrow |
//! |---|---|
//! | bool, int, long, real | Boolean, Int32, Int64, Float64 |
//! | decimal | Decimal128(34, 14) |
//! | string, guid | Utf8View; a string is never null |
//! | datetime | Int64: ticks of 100 ns since 0001-01-01T00:00:00Z |
//! | timespan | Int64: ticks of 100 ns |
//! | dynamic | Utf8View holding JSON; null is SQL null |
//!
//! ## Names
//! `kql_<function>`. A function over several types is one function a type, `kql_<function>_<type>` with the type of its
//! (first) argument, `kql_tostring_datetime`: the physical type does not tell a long from a datetime. What takes values
//! of any type (`pack_array`, `make_list`, the value of `bag_pack`) takes dynamics: `kql_dynamic_<type>` turns a value
//! into one. [`declared`] gives parameters and result of a function, and so does a search for all names that begin with
//! `kql_<function>_` its variants.

mod aggregate;
pub mod computed;
mod convert;
mod dynamic;
mod hash;
pub(crate) mod json;
mod math;
mod net;
mod parse;
mod planner;
mod random;
pub mod scan;
mod series;
mod session;
mod sketch;
mod strings;
mod tabular;
mod time;
pub mod values;

pub use parse::user_agent::{Part, UserAgents};
pub use planner::planner;
pub use strings::{compile_regex, granny_key, is_older_regex, regex};

use crate::udf::{Function, Functions, Signature};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use std::sync::{Arc, LazyLock};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut f = Functions::new("kql_");
    convert::register(&mut f);
    strings::register(&mut f);
    tabular::register(&mut f);
    dynamic::register(&mut f);
    time::register(&mut f);
    math::register(&mut f);
    series::register(&mut f);
    sketch::register(&mut f);
    hash::register(&mut f);
    net::register(&mut f);
    parse::register(&mut f);
    random::register(&mut f);
    f
});

/// The scalar function of that full name (`kql_has`).
pub fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    FUNCTIONS.get(name)
}

/// The aggregate of that full name (`kql_dcount`).
pub fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    aggregate::get(name)
}

/// The window function `kql_row_window_session`.
pub fn row_window_session() -> Arc<WindowUDF> {
    session::row_window_session()
}

/// All aggregates, by name.
pub fn all_aggregates() -> impl Iterator<Item = &'static Arc<AggregateUDF>> {
    aggregate::all()
}

/// All scalar functions, by name.
pub fn all() -> impl Iterator<Item = &'static Arc<ScalarUDF>> {
    FUNCTIONS.all()
}

/// The parameters and the result of a scalar function.
pub fn declared(name: &str) -> Option<Signature> {
    Some(FUNCTIONS.get(name)?.inner().downcast_ref::<Function>()?.declared().clone())
}
