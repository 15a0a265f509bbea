//! What a filter needs of the texts in a row, as literals.
//!
//! A conjunction needs what each of its sides needs; a disjunction needs something of one side or something of the
//! other, so of each side one clause is taken and the two are put together. Of a negation, or of anything that is not
//! known here, nothing follows. The exact filter stays above the scan.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator};
use parallax_functions::sumo;
use parallax_telemetry::needles::{Clause, Literal, Needles};

/// The most literals in one clause: more are no use to a search.
const MOST: usize = 512;

/// What must hold of a row for all of `filters` to be true: of each clause, one literal stands in its column.
pub(crate) fn clauses(filters: &[Expr]) -> Vec<Clause> {
    filters.iter().flat_map(needs).collect()
}

/// What must hold of a row for `filter` to be true.
pub(crate) fn needs(filter: &Expr) -> Vec<Clause> {
    match filter {
        Expr::BinaryExpr(b) => match b.op {
            Operator::And => [needs(&b.left), needs(&b.right)].concat(),
            Operator::Or => either(needs(&b.left), needs(&b.right)),
            Operator::Eq => match (text(&b.left), text(&b.right)) {
                (None, Some(t)) => of(&b.left, [t], false),
                (Some(t), None) => of(&b.right, [t], false),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        Expr::IsTrue(e) | Expr::Alias(datafusion::logical_expr::expr::Alias { expr: e, .. }) => needs(e),
        Expr::InList(list) if !list.negated => match list.list.iter().map(text).collect::<Option<Vec<_>>>() {
            Some(texts) => of(&list.expr, texts, false),
            None => Vec::new(),
        },
        Expr::ScalarFunction(call) => match call.args.as_slice() {
            [value, constant] => called(call.func.name(), value, text(constant)),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What a function of a value and a constant needs.
fn called(name: &str, value: &Expr, constant: Option<&str>) -> Vec<Clause> {
    let Some(constant) = constant else { return Vec::new() };
    match name {
        "kql_has" | "kql_has_cs" | "kql_hasprefix" | "kql_hasprefix_cs" | "kql_hassuffix" | "kql_hassuffix_cs"
        | "kql_contains" | "kql_contains_cs" | "kql_equals_ci" | "kql_startswith" | "kql_startswith_cs"
        | "kql_endswith" | "kql_endswith_cs" => of(value, [constant], false),
        "kql_has_any" | "kql_in" | "kql_in_ci" => match elements(constant) {
            Some(texts) => of(value, texts.iter().map(String::as_str), false),
            None => Vec::new(),
        },
        "kql_has_all" => match elements(constant) {
            Some(texts) => texts.iter().flat_map(|t| of(value, [t.as_str()], false)).collect(),
            None => Vec::new(),
        },
        // What stands between the stars is needed, each part.
        "sumo_matches" => constant.split(['*', '?']).flat_map(|part| of(value, [part], false)).collect(),
        "sumo_matches_any" => {
            let parts = |glob: &str| glob.split('*').flat_map(|part| of(value, [part], false)).collect();
            sumo::unpack(constant).map(parts).reduce(either).unwrap_or_default()
        }
        // A search's scope compares in lower case.
        "sumo_field_matches" => constant.split(['*', '?']).flat_map(|part| of(value, [part], true)).collect(),
        "sumo_field_equals" | "sumo_has_phrase" => of(value, [constant], true),
        "sumo_contains" => of(value, [constant], false),
        name => match name.strip_prefix("sigma_") {
            Some(name) => by_rule(name, value, constant),
            None => Vec::new(),
        },
    }
}

/// What a test of a Sigma rule needs. Without `_cs` it folds all letters; `_any` takes a list of texts, one of which is
/// needed.
fn by_rule(name: &str, value: &Expr, constant: &str) -> Vec<Clause> {
    let (name, folds) = name.strip_suffix("_cs").map_or((name, true), |name| (name, false));
    let (name, texts) = match name.strip_suffix("_any") {
        Some(name) => match elements(constant) {
            Some(texts) => (name, texts),
            None => return Vec::new(),
        },
        None => (name, vec![constant.to_owned()]),
    };
    match name {
        "equals" | "contains" | "startswith" | "endswith" => of(value, texts.iter().map(String::as_str), folds),
        // All literal parts of one pattern, or one of each of several.
        "like" => {
            let parts = |text: &String| parallax_sigma::syntax::literals(text);
            match texts.as_slice() {
                [one] => parts(one).iter().flat_map(|part| of(value, [part.as_str()], folds)).collect(),
                _ => {
                    let longest = |text: &String| parts(text).into_iter().max_by_key(String::len).unwrap_or_default();
                    let texts: Vec<String> = texts.iter().map(longest).collect();
                    of(value, texts.iter().map(String::as_str), folds)
                }
            }
        }
        _ => Vec::new(),
    }
}

/// One clause: the value holds one of the texts. None where one of them says nothing.
fn of<'t>(value: &Expr, texts: impl IntoIterator<Item = &'t str>, folds: bool) -> Vec<Clause> {
    let Some(origins) = origins(value) else { return Vec::new() };
    let mut clause = Clause::new();
    for text in texts {
        clause.extend(origins.iter().map(|o| Literal {
            column: o.column.to_owned(),
            text: text.to_owned(),
            folds: folds || o.folds,
        }));
        if clause.len() > MOST {
            return Vec::new();
        }
    }
    if needles(&clause).is_some() { vec![clause] } else { Vec::new() }
}

/// Of each side the clause that is rarest, together.
fn either(left: Vec<Clause>, right: Vec<Clause>) -> Vec<Clause> {
    let best = |clauses: Vec<Clause>| {
        let rated = clauses.into_iter().filter_map(|c| Some((needles(&c)?.frequency(), c)));
        rated.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, c)| c)
    };
    match (best(left), best(right)) {
        (Some(mut l), Some(r)) if l.len() + r.len() <= MOST => {
            l.extend(r);
            vec![l]
        }
        _ => Vec::new(),
    }
}

fn needles(clause: &Clause) -> Option<Needles> {
    Needles::new(clause.iter().map(|l| (l.text.as_str(), l.folds)))
}

/// A column of whose text a value is a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'e> {
    pub(crate) column: &'e str,
    /// Whether letters beyond ASCII may have become ASCII ones.
    pub(crate) folds: bool,
}

/// The columns of one of which `value` is a piece, whatever the row; `None` where it may be another text.
pub(crate) fn origins(value: &Expr) -> Option<Vec<Origin<'_>>> {
    match value {
        Expr::Column(c) => Some(vec![Origin { column: &c.name, folds: false }]),
        Expr::Alias(a) => origins(&a.expr),
        Expr::Literal(constant, _) if constant.is_null() => Some(Vec::new()),
        Expr::Case(case) => {
            let otherwise = case.else_expr.as_deref().map(origins).unwrap_or(Some(Vec::new()))?;
            let all = case.when_then_expr.iter().map(|(_, then)| origins(then)).collect::<Option<Vec<_>>>()?;
            let mut all: Vec<_> = all.into_iter().flatten().chain(otherwise).collect();
            all.dedup();
            (all.len() <= MOST_ORIGINS).then_some(all)
        }
        Expr::ScalarFunction(call) => {
            let of_first = || origins(call.args.first()?);
            match call.func.name() {
                // Upper case makes two letters of some.
                "kql_tolower" | "sumo_tolowercase" => {
                    let all = of_first()?.into_iter();
                    Some(all.map(|o| Origin { folds: true, ..o }).collect())
                }
                // What an anchor or a group catches stands in the text.
                "sumo_parse_anchor" | "sumo_parse_regex" | "sumo_capture" | "sumo_trim" | "kql_trim_ws" => of_first(),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A value is looked for in no more columns than this.
const MOST_ORIGINS: usize = 8;

fn text(e: &Expr) -> Option<&str> {
    match e {
        Expr::Literal(
            ScalarValue::Utf8View(Some(t)) | ScalarValue::Utf8(Some(t)) | ScalarValue::LargeUtf8(Some(t)),
            _,
        ) => Some(t),
        _ => None,
    }
}

/// The texts of a constant list; `None` where an element is none.
fn elements(json: &str) -> Option<Vec<String>> {
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit, not};

    fn texts(e: Expr) -> Vec<Vec<String>> {
        clauses(&[e]).into_iter().map(|c| c.into_iter().map(|l| format!("{}:{}", l.column, l.text)).collect()).collect()
    }

    #[test]
    fn both_sides_of_and_one_of_each_side_of_or() {
        let (a, b) = (col("a").eq(lit("alpha")), col("b").eq(lit("beta")));
        assert_eq!(texts(a.clone().and(b.clone())), [["a:alpha"], ["b:beta"]]);
        assert_eq!(texts(a.clone().or(b.clone())), [["a:alpha", "b:beta"]]);
        assert!(texts(a.clone().or(col("c").gt(lit(1)))).is_empty());
        assert_eq!(texts(a.clone().and(not(b.clone()))), [["a:alpha"]]);
        let rarer = a.and(col("a").eq(lit("alphabetical"))).or(b);
        assert_eq!(texts(rarer), [["a:alphabetical", "b:beta"]]);
    }

    #[test]
    fn tests_of_rules() {
        let call = |name: &str, text: &str| {
            let function = parallax_sigma::plan::function(name).expect(name);
            function.call(vec![col("a"), lit(ScalarValue::Utf8View(Some(text.to_owned())))])
        };
        assert_eq!(texts(call("sigma_contains", "alpha")), [["a:alpha"]]);
        assert_eq!(texts(call("sigma_endswith_any", r#"["alpha","beta"]"#)), [["a:alpha", "a:beta"]]);
        assert_eq!(texts(call("sigma_like", r"alpha*be\?ta?gamma")), [["a:alpha"], ["a:be?ta"], ["a:gamma"]]);
        assert_eq!(texts(call("sigma_like_any_cs", r#"["alpha*b","x?beta"]"#)), [["a:alpha", "a:beta"]]);
        assert!(texts(not(call("sigma_contains", "alpha"))).is_empty());
        assert!(texts(call("sigma_in", "10.0.0.0/8")).is_empty());
        let folds = |name| clauses(&[call(name, "alpha")])[0][0].folds;
        assert!(folds("sigma_equals") && !folds("sigma_equals_cs"));
    }

    #[test]
    fn nothing_follows_from_a_text_without_a_piece() {
        assert!(texts(col("a").eq(lit(""))).is_empty());
        assert!(texts(col("a").in_list(vec![lit("alpha"), lit("\\\\")], false)).is_empty());
        assert!(texts(col("a").in_list(vec![lit("alpha")], true)).is_empty());
    }
}
