//! The functions of Sumo Logic search.
//!
//! Text is nullable Utf8View, and null means that the field is missing; numbers are Float64 or, where exact, Int64.
//! In the declarations `string` stands for text that is read and `dynamic` for text that is returned, because only the
//! latter may be null. What is true or false is never null, unless a function says otherwise.
//!
//! ## Names
//! `sumo_<function>`. Functions that a query does not write are named for what they do: `sumo_number` casts text.

mod among;
mod backtracking;
mod capture;
mod codec;
mod connect;
mod convert;
mod digest;
mod json;
mod json_lazy;
mod json_paths;
mod json_walk;
mod keyvalue;
mod lists;
mod matching;
mod math;
mod net;
mod networks;
mod pattern;
mod percentile;
mod predict;
mod rules;
mod sessions;
mod text;
mod time;
mod unpack;
mod xml;

pub use backtracking::Pattern;
pub use capture::{Anchors, pack, unpack};
pub use digest::HASHES;
pub use json_walk::is_path;
pub use networks::networks;
pub use pattern::regex;
pub use sessions::steps;
pub use time::{check_format, check_zone};

use crate::udf::{Function, Functions, Signature};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use std::sync::{Arc, LazyLock};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut f = Functions::new("sumo_");
    matching::register(&mut f);
    capture::register(&mut f);
    convert::register(&mut f);
    text::register(&mut f);
    codec::register(&mut f);
    json::register(&mut f);
    keyvalue::register(&mut f);
    xml::register(&mut f);
    net::register(&mut f);
    math::register(&mut f);
    time::register(&mut f);
    digest::register(&mut f);
    rules::register(&mut f);
    lists::register(&mut f);
    f
});

static LISTS: LazyLock<[Arc<ScalarUDF>; 8]> = LazyLock::new(|| {
    [
        Arc::new(ScalarUDF::from(unpack::Unpack::new())),
        Arc::new(ScalarUDF::from(unpack::Values::new())),
        Arc::new(ScalarUDF::from(percentile::Percentile::new())),
        Arc::new(ScalarUDF::from(unpack::Joined::new())),
        Arc::new(ScalarUDF::from(sessions::Sessionize::new())),
        Arc::new(ScalarUDF::from(among::Set::new())),
        Arc::new(ScalarUDF::from(among::Among::values())),
        Arc::new(ScalarUDF::from(among::Among::terms())),
    ]
});

static WINDOWS: LazyLock<[Arc<WindowUDF>; 3]> = LazyLock::new(|| {
    [
        Arc::new(WindowUDF::from(connect::OverAll::trace())),
        Arc::new(WindowUDF::from(connect::OverAll::transactionize())),
        Arc::new(WindowUDF::from(connect::OverAll::predict())),
    ]
});

/// The window function of that full name.
pub fn window(name: &str) -> Option<Arc<WindowUDF>> {
    WINDOWS.iter().find(|f| f.name() == name).cloned()
}

/// The scalar function of that full name (`sumo_matches`).
pub fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    LISTS.iter().find(|f| f.name() == name).cloned().or_else(|| FUNCTIONS.get(name))
}

/// The aggregate of that full name. Sumo's aggregates are DataFusion's own over arguments that the planner prepares.
pub fn aggregate(_name: &str) -> Option<Arc<AggregateUDF>> {
    None
}

/// All scalar functions, by name.
pub fn all() -> impl Iterator<Item = &'static Arc<ScalarUDF>> {
    FUNCTIONS.all().chain(LISTS.iter())
}

/// The parameters and the result of a scalar function.
pub fn declared(name: &str) -> Option<Signature> {
    Some(FUNCTIONS.get(name)?.inner().downcast_ref::<Function>()?.declared().clone())
}
