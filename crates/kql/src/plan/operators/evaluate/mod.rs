//! `evaluate`: plugins, one a file.
//!
//! Most of them are queries over their input: a text in the language (`*.kql` beside the plugin), bound over columns
//! with fixed names by [`template`]. What the language has no words for is built from windows and lists. Plugins that
//! need a service, or whose rule is not published, are refused with the reason ([`refused`]).

mod active_users_count;
mod activity;
mod activity_counts_metrics;
mod activity_engagement;
mod activity_metrics;
mod arguments;
mod bag_unpack;
mod basket;
mod dcount_intersect;
mod funnel_sequence_completion;
mod identity;
mod inferred;
mod ip_lookup;
mod narrow;
mod new_activity_metrics;
mod pivot;
mod preview;
mod refused;
mod rolling_percentile;
mod rows_near;
mod schema_merge;
mod sequence_detect;
mod session_count;
mod sliding_window_counts;
mod template;
mod timeline;

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::scope::Scope;
use crate::syntax::tree::{Call, EvaluateSchema};
use arguments::Arguments;
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn evaluate(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let name = call.name.text.as_str();
        if !input.partition.is_empty() && !ROW_BY_ROW.contains(&name) && !refused::is_known(name) {
            let message = format!("`{name}` within a partition or `mv-apply` is not supported");
            return fail(error::NO_FORM, span, message);
        }
        match name {
            "bag_unpack" => return self.bag_unpack(input, call, schema, scope, span),
            "pivot" => return self.pivot(input, call, schema, scope, span),
            _ => {}
        }
        if schema.is_some() && !refused::is_known(name) {
            return fail(error::NO_FORM, span, format!("the columns of `{name}` are fixed, and can't be declared"));
        }
        let plugin = Plugin { binder: self, scope, call, span };
        plugin.warn_of_inferred();
        match name {
            "active_users_count" => plugin.active_users_count(input),
            "activity_counts_metrics" => plugin.activity_counts_metrics(input),
            "activity_engagement" => plugin.activity_engagement(input),
            "activity_metrics" => plugin.activity_metrics(input),
            "basket" => plugin.basket(input),
            "dcount_intersect" => plugin.dcount_intersect(input),
            "funnel_sequence_completion" => plugin.funnel_sequence_completion(input),
            "identity" => plugin.identity(input),
            "ipv4_lookup" => plugin.ip_lookup(input, ip_lookup::Kind::V4),
            "ipv6_lookup" => plugin.ip_lookup(input, ip_lookup::Kind::V6),
            "narrow" => plugin.narrow(input),
            "new_activity_metrics" => plugin.new_activity_metrics(input),
            "preview" => plugin.preview(input),
            "rolling_percentile" => plugin.rolling_percentile(input),
            "rows_near" => plugin.rows_near(input),
            "schema_merge" => plugin.schema_merge(input),
            "sequence_detect" => plugin.sequence_detect(input),
            "session_count" => plugin.session_count(input),
            "sliding_window_counts" => plugin.sliding_window_counts(input),
            _ => refused::refuse(call),
        }
    }
}

/// Plugins that there are.
const SUPPORTED: [&str; 21] = [
    "active_users_count",
    "activity_counts_metrics",
    "activity_engagement",
    "activity_metrics",
    "bag_unpack",
    "basket",
    "dcount_intersect",
    "funnel_sequence_completion",
    "identity",
    "ipv4_lookup",
    "ipv6_lookup",
    "narrow",
    "new_activity_metrics",
    "pivot",
    "preview",
    "rolling_percentile",
    "rows_near",
    "schema_merge",
    "sequence_detect",
    "session_count",
    "sliding_window_counts",
];

/// Plugins whose rows are the same, whether the input is taken whole or in parts.
const ROW_BY_ROW: [&str; 7] =
    ["bag_unpack", "dcount_intersect", "identity", "ipv4_lookup", "ipv6_lookup", "preview", "rows_near"];

/// A plugin that is being called.
struct Plugin<'p, 'b> {
    binder: &'p Binder<'b>,
    scope: &'p Scope,
    call: &'p Call,
    span: Span,
}

impl<'p> Plugin<'p, '_> {
    /// The arguments, between that many and that many.
    fn arguments(&self, least: usize, most: usize) -> Result<Arguments<'p>> {
        Arguments::of(self.call, least, most)
    }
}
