//! What a filter needs of the texts in a row, as literals.
//!
//! A conjunction needs what each of its sides needs; a disjunction needs something of one side or something of the
//! other, so of each side one clause is taken and the two are put together. Of a negation, or of anything that is not
//! known here, nothing follows. The exact filter stays above the scan.

use super::origins::{Origins, text};
use super::{scored, texts};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Alias, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use parallax_functions::matcher::{Alternatives, letter, required};
use parallax_functions::{kql, sumo};
use parallax_telemetry::needles::{Clause, Literal, Needles};

/// The most literals in one clause: more are no use to a search.
const MOST: usize = 512;

/// What must hold of a row for all of `filters` to be true: of each clause, one literal stands in its column.
pub(crate) fn clauses(filters: &[Expr]) -> Vec<Clause> {
    filters.iter().flat_map(needs).filter(|clause| !clause.is_empty()).collect()
}

/// What must hold of a row for `filter` to be true. A clause without literals is one that no row fulfils.
pub(crate) fn needs(filter: &Expr) -> Vec<Clause> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { op: Operator::And, .. }) => {
            sides(filter, Operator::And).into_iter().flat_map(needs).collect()
        }
        Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
            any(sides(filter, Operator::Or).into_iter().map(needs))
        }
        Expr::BinaryExpr(BinaryExpr { op: Operator::Eq, left, right }) => match (text(left), text(right)) {
            (None, Some(t)) => of(left, [t], false),
            (Some(t), None) => of(right, [t], false),
            _ => scored(filter),
        },
        // What an optimiser makes of `if(…, 1, 0) = 1`.
        Expr::BinaryExpr(BinaryExpr { op: Operator::IsNotDistinctFrom, left, right }) => {
            match (left.as_ref(), right.as_ref()) {
                (e, Expr::Literal(ScalarValue::Boolean(Some(true)), _))
                | (Expr::Literal(ScalarValue::Boolean(Some(true)), _), e) => needs(e),
                _ => Vec::new(),
            }
        }
        Expr::BinaryExpr(_) => scored(filter),
        Expr::IsTrue(e) | Expr::Alias(Alias { expr: e, .. }) => needs(e),
        Expr::IsNotNull(e) => there(e),
        Expr::InList(InList { expr, list, negated: false }) => {
            let all = list.iter().map(text).collect::<Option<Vec<_>>>();
            all.map_or_else(Vec::new, |texts| of(expr, texts, false))
        }
        Expr::ScalarFunction(call) => match call.args.as_slice() {
            [value, Expr::ScalarSubquery(list)] => among(call.func.name(), value, &list.subquery),
            [value, constant, ..] => match text(constant) {
                Some(constant) => called(call.func.name(), value, constant),
                None => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What a comparison of a score needs.
fn scored(filter: &Expr) -> Vec<Clause> {
    let Expr::BinaryExpr(comparison) = filter else { return Vec::new() };
    let conditions = scored::conditions(comparison);
    conditions.map_or_else(Vec::new, |all| any(all.into_iter().map(needs)))
}

/// The sides of a chain of one operator, however long.
fn sides(filter: &Expr, op: Operator) -> Vec<&Expr> {
    let (mut sides, mut left) = (Vec::new(), vec![filter]);
    while let Some(next) = left.pop() {
        match next {
            Expr::BinaryExpr(b) if b.op == op => left.extend([b.right.as_ref(), b.left.as_ref()]),
            side => sides.push(side),
        }
    }
    sides
}

/// What is needed where one of a table's texts is: the table may have fewer than are known, so one of all known ones.
fn among(name: &str, value: &Expr, list: &LogicalPlan) -> Vec<Clause> {
    match (name, texts::listed(list)) {
        ("kql_has_any" | "kql_in" | "kql_in_ci", Some(texts)) => of(value, texts.iter().map(String::as_str), false),
        _ => Vec::new(),
    }
}

/// What a function of a value and a constant needs.
fn called(name: &str, value: &Expr, constant: &str) -> Vec<Clause> {
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
        "kql_matches_regex" => matched(value, kql::compile_regex(constant).ok()),
        "sumo_matches_regex" => matched(value, sumo::regex(constant).ok()),
        // What stands between the stars is needed, each part.
        "sumo_matches" => constant.split(['*', '?']).flat_map(|part| of(value, [part], false)).collect(),
        "sumo_matches_any" => {
            any(sumo::unpack(constant).map(|glob| glob.split('*').flat_map(|part| of(value, [part], false)).collect()))
        }
        // A search's scope compares in lower case.
        "sumo_field_matches" => constant.split(['*', '?']).flat_map(|part| of(value, [part], true)).collect(),
        "sumo_field_equals" => of(value, [constant], true),
        // Stars stand for the rest of a token, white space for any other.
        "sumo_has_term" | "sumo_has_phrase" => {
            let parts = constant.split(|c: char| matches!(c, '*' | '?') || c.is_whitespace());
            parts.flat_map(|part| of(value, [part], true)).collect()
        }
        "sumo_contains" => of(value, [constant], false),
        name => match name.strip_prefix("sigma_") {
            Some(name) => by_rule(name, value, constant),
            None => Vec::new(),
        },
    }
}

/// What must hold where a value that may be missing is there: that its pattern matched.
fn there(value: &Expr) -> Vec<Clause> {
    let Expr::ScalarFunction(call) = value else { return Vec::new() };
    let [of_what, constant, ..] = call.args.as_slice() else { return Vec::new() };
    let Some(constant) = text(constant) else { return Vec::new() };
    match call.func.name() {
        "kql_captures" => matched(of_what, kql::compile_regex(constant).ok()),
        "sumo_parse_regex" => match sumo::Pattern::new(constant) {
            Ok(sumo::Pattern::Linear(regex)) => matched(of_what, Some(regex)),
            _ => Vec::new(),
        },
        "sumo_parse_anchor" => constant.split('*').flat_map(|part| of(of_what, [part], false)).collect(),
        _ => Vec::new(),
    }
}

/// What a text needs for a regular expression to match.
fn matched(value: &Expr, regex: Option<regex::Regex>) -> Vec<Clause> {
    let hir = regex.and_then(|regex| regex_syntax::parse(regex.as_str()).ok());
    hir.map_or_else(Vec::new, |hir| shown(value, &hir))
}

fn shown(value: &Expr, hir: &regex_syntax::hir::Hir) -> Vec<Clause> {
    let of_set = |set: &Alternatives| {
        let literals = set.iter().map(|one| Literal { folds: one.folds, ..Literal::new("", one.text.as_str()) });
        literals.collect::<Clause>()
    };
    let cost = |set: &Alternatives| needles(&of_set(set)).map_or(f64::INFINITY, |n| n.frequency());
    let sets = required(hir, letter, &cost);
    sets.iter().flat_map(|set| of_literals(value, of_set(set))).collect()
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
        // All literal parts of a pattern.
        "like" => {
            let parts = |pattern: &String| {
                let parts = parallax_sigma::syntax::literals(pattern);
                parts.iter().flat_map(|part| of(value, [part.as_str()], folds)).collect::<Vec<_>>()
            };
            if let [one] = texts.as_slice() { parts(one) } else { any(texts.iter().map(parts)) }
        }
        _ => Vec::new(),
    }
}

/// One clause: the value holds one of the texts. None where one of them says nothing.
pub(crate) fn of<'t>(value: &Expr, texts: impl IntoIterator<Item = &'t str>, folds: bool) -> Vec<Clause> {
    of_literals(value, texts.into_iter().map(|text| Literal { folds, ..Literal::new("", text) }))
}

fn of_literals(value: &Expr, literals: impl IntoIterator<Item = Literal>) -> Vec<Clause> {
    let Some(origins) = Origins::of(value) else { return Vec::new() };
    let mut clause = Clause::new();
    for literal in literals {
        let Some(found) = origins.literals(&literal) else { return Vec::new() };
        clause.extend(found);
        if clause.len() > MOST {
            return Vec::new();
        }
    }
    if clause.is_empty() || needles(&clause).is_some() { vec![clause] } else { Vec::new() }
}

/// Of each side the clause that is rarest, together.
fn any(sides: impl Iterator<Item = Vec<Clause>>) -> Vec<Clause> {
    let mut all = Clause::new();
    for clauses in sides {
        if clauses.iter().any(Vec::is_empty) {
            continue;
        }
        let rated = clauses.into_iter().filter_map(|c| Some((needles(&c)?.frequency(), c)));
        let Some((_, best)) = rated.min_by(|a, b| a.0.total_cmp(&b.0)) else { return Vec::new() };
        all.extend(best);
        if all.len() > MOST {
            return Vec::new();
        }
    }
    vec![all]
}

fn needles(clause: &Clause) -> Option<Needles> {
    Needles::of(clause)
}

/// The texts of a constant list; `None` where an element is none. Lists within it count as their elements, as for the
/// operators that take them.
fn elements(json: &str) -> Option<Vec<String>> {
    fn texts(value: serde_json::Value, all: &mut Vec<String>) -> Option<()> {
        match value {
            serde_json::Value::String(text) => all.push(text),
            serde_json::Value::Array(list) => list.into_iter().try_for_each(|value| texts(value, all))?,
            _ => return None,
        }
        Some(())
    }
    let mut all = Vec::new();
    texts(serde_json::from_str(json).ok()?, &mut all)?;
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit, not, when};

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
    fn scores_need_one_of_their_conditions() {
        let point = |e: Expr| when(e, lit(1_i64)).otherwise(lit(0_i64)).unwrap();
        let (a, b) = (col("a").eq(lit("alpha")), col("b").eq(lit("beta")));
        assert_eq!(texts((point(a.clone()) + point(b.clone())).gt(lit(0_i64))), [["a:alpha", "b:beta"]]);
        assert_eq!(texts(point(a.clone()).eq(lit(1_i64)).or(b.clone())), [["a:alpha", "b:beta"]]);
        assert!(texts((point(a.clone()) + point(b)).gt_eq(lit(0_i64))).is_empty());
        assert!(texts((point(a.clone()) + point(col("c").gt(lit(1)))).gt(lit(0_i64))).is_empty());
        let is = |truth| {
            Expr::BinaryExpr(BinaryExpr::new(Box::new(a.clone()), Operator::IsNotDistinctFrom, Box::new(lit(truth))))
        };
        assert_eq!(texts(is(true)), [["a:alpha"]]);
        assert!(texts(is(false)).is_empty());
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
        assert_eq!(texts(call("sigma_like_any", r#"["alpha*alphabetical","beta"]"#)), [["a:alphabetical", "a:beta"]]);
        assert!(texts(not(call("sigma_contains", "alpha"))).is_empty());
        assert!(texts(call("sigma_in", "10.0.0.0/8")).is_empty());
        let folds = |name| clauses(&[call(name, "alpha")])[0][0].folds;
        assert!(folds("sigma_equals") && !folds("sigma_equals_cs"));
    }

    fn called(name: &str, value: Expr, constant: &str) -> Expr {
        let function = kql::scalar(name).or_else(|| sumo::scalar(name)).expect(name);
        function.call(vec![value, lit(ScalarValue::Utf8View(Some(constant.to_owned())))])
    }

    #[test]
    fn regular_expressions() {
        assert_eq!(texts(called("kql_matches_regex", col("a"), "lua.*exec")), [["a:lua"], ["a:exec"]]);
        assert_eq!(texts(called("kql_matches_regex", col("a"), "^(alpha|beta[0-9])$")), [["a:alpha", "a:beta"]]);
        assert!(texts(called("kql_matches_regex", col("a"), "alpha|b.t")).is_empty());
        // What RE2 reads as a character.
        assert_eq!(texts(called("kql_matches_regex", col("a"), "{alpha")), [["a:{alpha"]]);
        let folds = |pattern: &str| clauses(&[called("sumo_matches_regex", col("a"), pattern)])[0][0].folds;
        assert!(folds("(?i)task") && !folds("task") && !folds("(?i)alpha"));
        let caught = called("sumo_parse_regex", col("a"), r"alpha=(?<x>\w+)").is_not_null();
        assert_eq!(texts(caught), [["a:alpha="]]);
        let caught = called("sumo_parse_regex", col("a"), r"(?=alpha)(?<x>\w+)").is_not_null();
        assert!(texts(caught).is_empty());
    }

    #[test]
    fn words_of_a_search() {
        assert_eq!(texts(called("sumo_has_term", col("a"), "alpha*b?ta")), [["a:alpha"]]);
        assert_eq!(texts(called("sumo_has_phrase", col("a"), "alpha* beta")), [["a:alpha"], ["a:beta"]]);
    }

    #[test]
    fn what_cannot_be_says_nothing_against_the_others() {
        let number = kql::scalar("kql_tostring_long").unwrap().call(vec![col("n")]);
        let has = |value: Expr, text: &str| called("kql_has", value, text);
        assert_eq!(texts(has(col("a"), "alpha").or(has(number.clone(), "alpha"))), [["a:alpha"]]);
        assert!(texts(has(col("a"), "1234").or(has(number.clone(), "1234"))).is_empty());
        assert!(texts(has(col("a"), "alpha").or(has(number.clone(), "12"))).is_empty());
        assert!(texts(has(number, "alpha")).is_empty());
    }

    #[test]
    fn long_chains() {
        let all = (0..400).map(|i| col("a").eq(lit(format!("alpha{i}")))).reduce(Expr::or).unwrap();
        assert_eq!(texts(all)[0].len(), 400);
        let more = (0..50_000).map(|i| col("a").eq(lit(format!("alpha{i}")))).reduce(Expr::or).unwrap();
        assert!(clauses(std::slice::from_ref(&more)).is_empty());
        // Dropping it would recurse.
        std::mem::forget(more);
    }

    #[test]
    fn nothing_follows_from_a_text_without_a_piece() {
        assert!(texts(col("a").eq(lit(""))).is_empty());
        assert!(texts(col("a").in_list(vec![lit("alpha"), lit("\\\\")], false)).is_empty());
        assert!(texts(col("a").in_list(vec![lit("alpha")], true)).is_empty());
    }
}
