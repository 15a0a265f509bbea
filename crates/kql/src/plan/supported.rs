//! Which functions can be executed: the function library's, and those that the planner binds itself.

use super::functions::{aggregates, scalars};
use parallax_functions::kql;

/// Functions that the planner turns into expressions of the plan.
const BOUND: &[&str] = &[
    "ago",
    "array_sort_asc",
    "array_sort_desc",
    "assert",
    "bag_pack",
    "bag_pack_columns",
    "bin",
    "bin_auto",
    "case",
    "coalesce",
    "column_ifexists",
    "column_names_of",
    "columnifexists",
    "current_cursor",
    "cursor_current",
    "estimate_data_size",
    "extent_id",
    "extent_tags",
    "extentid",
    "floor",
    "iff",
    "iif",
    "iscolumnexists",
    "isempty",
    "isnotempty",
    "isnotnull",
    "isnull",
    "max_of",
    "min_of",
    "next",
    "not",
    "notempty",
    "notnull",
    "now",
    "pack",
    "pack_all",
    "pack_dictionary",
    "parse_json",
    "parse_user_agent",
    "parse_version",
    "parsejson",
    "pi",
    "prev",
    "row_cumsum",
    "row_number",
    "row_rank",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
    "series_decompose",
    "series_decompose_anomalies",
    "series_decompose_forecast",
    "series_fft",
    "series_fit_2lines",
    "series_fit_line",
    "series_fit_poly",
    "series_ifft",
    "series_periods_detect",
    "series_periods_validate",
    "series_stats",
    "toboolean",
    "todouble",
    "todynamic",
    "toobject",
    "totime",
];

/// Functions whose result is a stand-in, said in a warning or a note.
const STAND_IN: &[&str] = &[
    "current_cluster_endpoint",
    "current_database",
    "current_node_id",
    "current_principal",
    "geo_info_from_ip_address",
    "ingestion_time",
    "new_guid",
    "rand",
];

/// Aggregates that are DataFusion's own, or are built from others.
const AGGREGATES: &[&str] = &[
    "any",
    "anyif",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "avg",
    "avgif",
    "binary_all_and",
    "binary_all_or",
    "binary_all_xor",
    "cnt",
    "count",
    "count_distinct",
    "count_distinctif",
    "countif",
    "covarianceif",
    "covariancepif",
    "dcountif",
    "hll_if",
    "make_bag_if",
    "make_dictionary",
    "make_list_if",
    "make_set_if",
    "makelist",
    "makeset",
    "max",
    "maxif",
    "min",
    "minif",
    "percentiles",
    "percentilesw",
    "stdev",
    "stdevif",
    "stdevp",
    "sum",
    "sumif",
    "take_any",
    "take_anyif",
    "variance",
    "varianceif",
    "variancep",
    "variancepif",
];

fn in_library(name: &str) -> bool {
    let exact = format!("kql_{name}");
    let variant = format!("kql_{name}_");
    kql::all().any(|f| {
        f.name() == exact || f.name().strip_prefix(&variant).is_some_and(|t| super::types::Type::from_name(t).is_some())
    })
}

/// The function tables of `docs/kql.md`.
pub(crate) fn tables() -> String {
    let mut groups: [Vec<&str>; 3] = Default::default();
    for name in scalars().keys() {
        let group = match name.as_str() {
            n if STAND_IN.contains(&n) => 1,
            n if BOUND.contains(&n) || in_library(n) => 0,
            _ => 2,
        };
        groups[group].push(name);
    }
    let mut known: [Vec<&str>; 2] = Default::default();
    for name in aggregates().keys() {
        let there = AGGREGATES.contains(&name.as_str()) || kql::aggregate(&format!("kql_{name}")).is_some();
        known[usize::from(!there)].push(name);
    }
    let row = |title: &str, names: &[&str]| {
        let all: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        format!("| {title} ({}) | {} |\n", names.len(), all.join(", "))
    };
    let mut out = String::from("| functions | |\n|---|---|\n");
    out.push_str(&row("supported", &groups[0]));
    out.push_str(&row("a stand-in, with a warning or a note", &groups[1]));
    out.push_str(&row("refused (`KQL0302`)", &groups[2]));
    out.push_str("\n| aggregates | |\n|---|---|\n");
    out.push_str(&row("supported", &known[0]));
    out.push_str(&row("refused (`KQL0302`)", &known[1]));
    out
}

#[cfg(test)]
mod tests {
    const START: &str = "<!-- functions: written by the test `the_document_lists_every_function` -->\n";
    const END: &str = "<!-- end of functions -->";

    /// The names that a row of the tables lists.
    fn listed<'t>(tables: &'t str, title: &str) -> std::collections::BTreeSet<&'t str> {
        tables.lines().filter(|l| l.contains(title)).flat_map(|l| l.split('`').skip(1).step_by(2)).collect()
    }

    /// What the document calls supported is; `PARALLAX_BLESS=1` rewrites the tables.
    #[test]
    fn the_document_lists_every_function() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kql.md");
        let text = std::fs::read_to_string(path).expect("docs/kql.md");
        let (before, rest) = text.split_once(START).expect("the place of the tables");
        let (old, after) = rest.split_once(END).expect("their end");
        let new = super::tables();
        if std::env::var_os("PARALLAX_BLESS").is_some() {
            std::fs::write(path, format!("{before}{START}{new}{END}{after}")).expect("docs/kql.md can be written");
        } else {
            let (claimed, there) = (listed(old, "| supported"), listed(&new, "| supported"));
            let lost: Vec<_> = claimed.difference(&there).collect();
            assert!(lost.is_empty(), "docs/kql.md claims {lost:?}; run this test with PARALLAX_BLESS=1");
            assert_eq!(listed(old, "|").len(), listed(&new, "|").len(), "docs/kql.md does not list every function");
        }
    }
}
