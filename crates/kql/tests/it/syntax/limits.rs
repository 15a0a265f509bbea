//! Hostile texts: refused by name, and neither slow nor deep. Tests run on threads of 2 MiB, as the program's do.

use parallax_kql::{parse, syntax::MAX_DEPTH};

fn assert_too_deep(text: &str) {
    let shown = &text[..text.len().min(60)];
    let error = parse(text).err().unwrap_or_else(|| panic!("accepted: {shown}"));
    assert_eq!(error.0[0].code, "KQL0016", "{shown}: {error}");
}

/// What wraps an expression, and closes it again.
const WRAPPERS: [(&str, &str); 14] = [
    ("(2 + 3 * ", ")"),
    ("(a or b and c == d < e + f * ", ")"),
    ("(", ")"),
    ("f(", ")"),
    ("f(x, ", ")"),
    ("[", "]"),
    ("a[", "]"),
    ("-(", ")"),
    ("x in (1, ", ")"),
    ("1 + (", ")"),
    ("x between (1 .. ", ")"),
    ("toscalar(", ")"),
    ("(T | where ", ")"),
    ("(T | join (U | where ", ") on a)"),
];

#[test]
fn ten_thousand_levels_are_refused_by_name() {
    for (open, close) in WRAPPERS {
        assert_too_deep(&format!("print {}x{}", open.repeat(10_000), close.repeat(10_000)));
        assert_too_deep(&format!("print {}", open.repeat(10_000)));
    }
    assert_too_deep(&format!("print dynamic({}", "[".repeat(10_000)));
    assert_too_deep(&format!("print dynamic({}", "{\"a\":".repeat(10_000)));
    assert_too_deep(&"let f = () { ".repeat(10_000));
    assert_too_deep(&format!("T {}", "| mv-apply x on (where y ".repeat(10_000)));
    assert_too_deep(&format!("T {}", "| partition by x (where y ".repeat(10_000)));
    assert_too_deep(&format!("T {}", "| fork (where y ".repeat(10_000)));
    assert_too_deep(&format!("T {}", "| facet by x with (where y ".repeat(10_000)));
    assert_too_deep(&format!("T | {}", "facet by x with ".repeat(10_000)));
    assert_too_deep(&format!("T {}", "| union (U ".repeat(10_000)));
    assert_too_deep(&"macro-expand g as x ( ".repeat(10_000));
    assert_too_deep(&format!("let f = (T:({}", "a:(".repeat(10_000)));
    assert_too_deep(&"materialized-view-combine (".repeat(10_000));
}

#[test]
fn long_chains_that_lean_left_are_refused_by_name() {
    assert_too_deep(&format!("print 1{}", " + 1".repeat(100_000)));
    assert_too_deep(&format!("print a{}", ".b".repeat(100_000)));
    assert_too_deep(&format!("print a{}", "[0]".repeat(100_000)));
    assert_too_deep(&format!("union a{}", ".b".repeat(100_000)));
    assert_too_deep(&format!("T | invoke a(){}", ".b()".repeat(100_000)));
    assert_too_deep(&format!("T | partition by a{} (count)", ".b".repeat(100_000)));
}

#[test]
fn wide_texts_are_no_deeper_than_they_look() {
    let texts = [
        format!("T | where a == 1{}", " or a == 1".repeat(20_000)),
        format!("T | where a == 1{}", " and a == 1".repeat(20_000)),
        format!("T{}", " | where a == 1".repeat(20_000)),
        format!("print 1{}", ", 1".repeat(50_000)),
        format!("T | where a in (1{})", ", 1".repeat(50_000)),
        format!("print dynamic([1{}])", ", 1".repeat(50_000)),
        format!("print {}", "\"a\" ".repeat(50_000)),
        "let a = 1; ".repeat(20_000),
    ];
    for text in &texts {
        parse(text).unwrap_or_else(|e| panic!("{}: {e}", &text[..40]));
    }
}

/// Brackets reach the bound before an expression grows too tall.
#[test]
fn nesting_to_the_limit_is_accepted() {
    for (open, close) in [("(", ")"), ("f(", ")"), ("1 + (", ")"), ("a or (b and (", "))"), ("iff(a == 1, b, ", ")")] {
        // An operator's right side counts too, a third of a bracket.
        let n = MAX_DEPTH / 2 / open.matches('(').count();
        let text = format!("print {}x{}", open.repeat(n), close.repeat(n));
        parse(&text).unwrap_or_else(|e| panic!("{open}: {e}"));
    }
    parse(&format!("print 1{}", " + 1".repeat(200))).unwrap_or_else(|e| panic!("{e}"));
}

/// Paths and subqueries that take turns: neither bound alone would stop them.
#[test]
fn height_adds_up_through_every_nesting() {
    let path = ".b".repeat(100);
    assert_too_deep(&format!("union {}x{}", "f((union ".repeat(10), format!(")){path}").repeat(10)));
    assert_too_deep(&format!("print {}x{}", "(a + ".repeat(10), format!("){path}").repeat(10)));
    assert_too_deep(&format!("T | invoke {}x{}", "f(".repeat(10), format!("){}", ".g()".repeat(100)).repeat(10)));
    assert_too_deep(&format!("T | facet by {}x{}", "[a[".repeat(10), format!("]]{path}").repeat(10)));
}

/// A tree at the limit can be printed, compared and dropped on the same small stack.
#[test]
fn trees_at_the_limit_fit_the_stack() {
    for (open, close) in WRAPPERS {
        let deepest = (1..=MAX_DEPTH).rev().find_map(|n| {
            let text = format!("print {}x{}", open.repeat(n), close.repeat(n));
            parse(&text).ok().map(|tree| (text, tree))
        });
        let (text, tree) = deepest.unwrap_or_else(|| panic!("{open} nests nowhere"));
        super::assert_round_trip(&text, &tree);
        assert_eq!(tree, tree.clone());
    }
}
