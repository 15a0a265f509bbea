//! The words that make a stage an operator.

/// Operators with a grammar of their own.
pub(super) const OPERATORS: &[&str] = &[
    "where",
    "eval",
    "parse",
    "extract",
    "json",
    "keyvalue",
    "kv",
    "csv",
    "split",
    "fields",
    "table",
    "sort",
    "order",
    "limit",
    "top",
    "topk",
    "stats",
    "timeslice",
    "transpose",
    "fillmissing",
    "accum",
    "total",
    "diff",
    "backshift",
    "rollingstd",
    "smooth",
    "dedup",
    "join",
    "filter",
    "lookup",
    "withtime",
    "bin",
    "geoip",
    "cat",
    "save",
    "compose",
];

/// Operators that are recognised and kept verbatim.
pub(super) const VERBATIM: &[&str] = &[
    "transaction",
    "transactionize",
    "sessionize",
    "merge",
    "outlier",
    "predict",
    "compare",
    "trace",
    "logreduce",
    "summarize",
    "logexplain",
    "logcompare",
    "threatip",
    "threatlookup",
    "macro",
    "infer",
    "benchmark",
    "tracing",
    "explainjsonpath",
    "details",
    "quantize",
    "metrics",
    "timeshift",
];

/// Aggregates.
pub(super) const AGGREGATES: &[&str] = &[
    "count",
    "count_distinct",
    "count_frequent",
    "sum",
    "avg",
    "min",
    "max",
    "pct",
    "pct_sampling",
    "median",
    "stddev",
    "first",
    "last",
    "most_recent",
    "least_recent",
    "values",
    "dcount",
];

/// The canonical spelling of `word`, if it is one of `list`.
pub(super) fn find(list: &[&'static str], word: &str) -> Option<&'static str> {
    list.iter().find(|w| w.eq_ignore_ascii_case(word)).copied()
}
