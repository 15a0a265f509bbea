//! What holds for every text.

use super::{assert_round_trip, shape};
use parallax_kql::parse;
use parallax_kql::syntax::tree::StatementKind;
use proptest::prelude::*;
use proptest::sample::select;

/// The accepted queries of the case files, to be mutated.
fn queries() -> Vec<String> {
    include_str!("../../cases/syntax/canonical.txt")
        .split("\n====\n")
        .filter_map(|case| case.split_once("\n----\n"))
        .map(|(query, _)| query.to_owned())
        .collect()
}

/// What a query is made of, at random.
const TOKENS: &[&str] = &[
    "T",
    "a",
    "['a b']",
    "1",
    "1.5",
    "1d",
    "\"x\"",
    "h'y'",
    "@\"\\\"",
    "```z```",
    "true",
    "null",
    "datetime(2024)",
    "guid(",
    "int(1)",
    "dynamic(",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    ",",
    ";",
    ".",
    "..",
    "=",
    "==",
    "=~",
    "!=",
    "!~",
    "<",
    ">",
    "<=",
    "=>",
    "<>",
    "+",
    "-",
    "*",
    "/",
    "%",
    ":",
    "@",
    "#",
    "?",
    "!",
    "and",
    "or",
    "in",
    "!in~",
    "has",
    "!has",
    "has_any",
    "between",
    "matches regex",
    "let",
    "set",
    "declare",
    "query_parameters",
    "pattern",
    "where",
    "extend",
    "project",
    "project-away",
    "project-reorder",
    "summarize",
    "by",
    "join",
    "kind",
    "inner",
    "on",
    "union",
    "take",
    "top",
    "sort",
    "asc",
    "nulls first",
    "mv-expand",
    "mv-apply",
    "to",
    "typeof(",
    "limit",
    "parse",
    "with",
    "make-series",
    "from",
    "step",
    "scan",
    "evaluate",
    "print",
    "range",
    "datatable",
    "externaldata",
    "render",
    "search",
    "find",
    "fork",
    "partition",
    "serialize",
    "as",
    "invoke",
    "lookup",
    "distinct",
    "count",
    "toscalar",
    "materialize",
    "view",
    "$left",
    "{p}",
    "--",
    "->",
    "-[",
    "graph-match",
    "é",
    "\u{200b}",
    "\n",
    "// c\n",
    "\\",
    "\0",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec((select(TOKENS), prop::bool::ANY), 0..40).prop_map(|tokens| {
        let mut text = String::new();
        for (token, glued) in tokens {
            if !glued {
                text.push(' ');
            }
            text.push_str(token);
        }
        text
    })
}

/// A query with a piece cut out and something else put there.
fn mutated() -> impl Strategy<Value = String> {
    (select(queries()), any::<prop::sample::Index>(), 0_usize..12, select(TOKENS)).prop_map(
        |(query, at, cut, token)| {
            let mut places: Vec<usize> = query.char_indices().map(|(i, _)| i).collect();
            places.push(query.len());
            let start = at.index(places.len());
            let end = (start + cut).min(places.len() - 1);
            format!("{}{token}{}", &query[..places[start]], &query[places[end]..])
        },
    )
}

fn check(text: &str) {
    match parse(text) {
        Ok(tree) => assert_round_trip(text, &tree),
        Err(e) => {
            assert_eq!(e.0.len(), 1, "{text:?} gives more than one message");
            let diagnostic = &e.0[0];
            let span = diagnostic.span;
            assert!(span.start <= span.end && span.end <= text.len(), "{text:?}: {span:?}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{text:?}: {span:?}");
            assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{:?}", diagnostic.message);
            assert!(!e.render(text, "<query>", parallax_diagnostics::Style::Plain).is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_characters_are_read_or_refused(text in "\\PC{0,60}") {
        check(&text);
    }

    #[test]
    fn any_tokens_are_read_or_refused(text in soup()) {
        check(&text);
    }

    #[test]
    fn damaged_queries_are_read_or_refused(text in mutated()) {
        check(&text);
    }
}

/// A statement's span covers the statement: its text alone is the same statement.
#[test]
fn spans_cover_their_statements() {
    for query in queries() {
        let Ok(tree) = parse(&query) else { continue };
        for statement in &tree.statements {
            let alone = parse(statement.span.of(&query)).unwrap_or_else(|e| panic!("{query:?}: {e}"));
            assert_eq!(alone.statements.len(), 1, "{query:?}");
            let mut expected = tree.clone();
            expected.directives.clear();
            expected.statements.retain(|s| s.span == statement.span);
            assert_eq!(shape(&alone), shape(&expected), "{query:?}");
            if let StatementKind::Query(expr) = &statement.kind {
                assert_eq!(expr.span, statement.span, "{query:?}");
            }
        }
    }
}
