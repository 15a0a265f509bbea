//! The aggregates that DataFusion has not, or has otherwise.
//!
//! `count`, `sum`, `avg`, `min`, `max`, the variances and the bitwise ones are DataFusion's own; an `…if` is an aggregate
//! with a filter. All of these are exact, `hll` and `tdigest` too, which the product approximates.
//!
//! | name | arguments | result |
//! |---|---|---|
//! | `kql_make_list`, `kql_make_list_with_nulls`, `kql_make_set` | dynamic, long? (the most elements, a constant) | dynamic array, in order of appearance |
//! | `kql_buildschema` | dynamic | dynamic |
//! | `kql_make_bag` | dynamic, long? | dynamic |
//! | `kql_dcount` | any, any? (an accuracy, which exactness makes idle) | long |
//! | `kql_percentile` | number, instant or length of time; real | as the first |
//! | `kql_percentiles_array` | the same, several reals | dynamic array |
//! | `kql_percentilew`, `kql_percentilesw_array` | the same, with a long, the weight, after the first | as those |
//! | `kql_hll` | long (a hash), long? | dynamic |
//! | `kql_tdigest` | dynamic, long? (the weight) | dynamic |
//! | `kql_hll_merge`, `kql_tdigest_merge` | dynamic | dynamic |
//! | `kql_arg_max`, `kql_arg_min` | any that has an order, any… | struct of all of them: fields `0`, `1`, … |
//! | `kql_take_any` | any | as given; not null or empty where there is such a value |
//! | `kql_basket` | dynamic (cells), real (weight), real, long | dynamic: see `basket` |
//! | `kql_networks_v4`, `kql_networks_v6` | string | a table of networks: see `net::lookup` |
//! | `kql_take_any_row` | any… | struct: fields `0`, `1`, … |

pub(super) mod adapter;
mod arg;
mod basket;
mod collect;
mod distinct;
mod percentile;
mod schema;
mod set;
mod shared;
mod sketch;
mod weighted;

use adapter::{Aggregate, State};
use datafusion::functions_aggregate::{bit_and_or_xor, covariance};
use datafusion::logical_expr::AggregateUDF;
use percentile::{Percentile, Percentiles, Sample};
use shared::Shared as _;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use weighted::Weights;

static AGGREGATES: LazyLock<BTreeMap<&'static str, Arc<AggregateUDF>>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    let mut add = |udaf: AggregateUDF, name: &'static str| {
        all.insert(name, Arc::new(udaf));
    };
    fn of<S: State>(name: &'static str) -> AggregateUDF {
        AggregateUDF::from(Aggregate::<S>::new(name))
    }
    add(of::<collect::List>("kql_make_list"), "kql_make_list");
    add(of::<collect::ListWithNulls>("kql_make_list_with_nulls"), "kql_make_list_with_nulls");
    add(AggregateUDF::from(set::Set::new()), set::Sets::NAME);
    add(of::<collect::Bag>("kql_make_bag"), "kql_make_bag");
    add(AggregateUDF::from(distinct::Distinct::new()), distinct::Counts::NAME);
    add(of::<schema::Schema>("kql_buildschema"), "kql_buildschema");
    add(of::<Percentile<Sample>>("kql_percentile"), "kql_percentile");
    add(of::<Percentiles<Sample>>("kql_percentiles_array"), "kql_percentiles_array");
    add(of::<basket::Basket>("kql_basket"), "kql_basket");
    add(of::<super::net::Networks<false>>("kql_networks_v4"), "kql_networks_v4");
    add(of::<super::net::Networks<true>>("kql_networks_v6"), "kql_networks_v6");
    add(of::<Percentile<Weights>>("kql_percentilew"), "kql_percentilew");
    add(of::<Percentiles<Weights>>("kql_percentilesw_array"), "kql_percentilesw_array");
    add(of::<sketch::Hll>("kql_hll"), "kql_hll");
    add(of::<sketch::HllMerge>("kql_hll_merge"), "kql_hll_merge");
    add(of::<sketch::Tdigest>("kql_tdigest"), "kql_tdigest");
    add(of::<sketch::TdigestMerge>("kql_tdigest_merge"), "kql_tdigest_merge");
    add(of::<sketch::TdigestMerge>("kql_merge_tdigest"), "kql_merge_tdigest");
    // The same under DataFusion's names.
    for (name, udaf) in [
        ("kql_binary_all_and", bit_and_or_xor::bit_and_udaf()),
        ("kql_binary_all_or", bit_and_or_xor::bit_or_udaf()),
        ("kql_binary_all_xor", bit_and_or_xor::bit_xor_udaf()),
        ("kql_covariance", covariance::covar_samp_udaf()),
        ("kql_covariancep", covariance::covar_pop_udaf()),
    ] {
        all.insert(name, udaf);
    }
    let mut add = |udaf: AggregateUDF, name: &'static str| {
        all.insert(name, Arc::new(udaf));
    };
    for (name, kind) in arg::KINDS {
        add(AggregateUDF::from(arg::Best::new(name, kind)), name);
    }
    all
});

/// The aggregate of that full name.
pub(super) fn get(name: &str) -> Option<Arc<AggregateUDF>> {
    AGGREGATES.get(name).cloned()
}

/// All of them, by name.
pub(super) fn all() -> impl Iterator<Item = &'static Arc<AggregateUDF>> {
    AGGREGATES.values()
}
