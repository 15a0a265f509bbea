//! Text to tree and back.

mod cases;
mod corpus;
mod grouping;
mod limits;
mod properties;

use parallax_kql::Tree;

/// A tree without the places that its nodes were read from.
fn shape(tree: &Tree) -> String {
    without_spans(&format!("{tree:?}"))
}

/// Cuts every `Span { … }` out of a debug text.
fn without_spans(debug: &str) -> String {
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(at) = rest.find("Span { start: ") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').expect("a span's braces close");
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

/// Asserts that printing a tree and reading it again gives the same tree, and the same text.
fn assert_round_trip(query: &str, tree: &Tree) {
    let printed = tree.to_string();
    let again =
        parallax_kql::parse(&printed).unwrap_or_else(|e| panic!("{query:?} prints as {printed:?}, which fails: {e}"));
    assert_eq!(shape(tree), shape(&again), "{query:?} prints as {printed:?}, which means something else");
    assert_eq!(printed, again.to_string(), "printing {query:?} is not stable");
}
