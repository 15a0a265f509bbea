//! The functions that plans of rules call: a value, then what it is tested for, spelled as in rules.
//!
//! What they answer is [`crate::meaning`]'s. None of them is ever null: a value that is not there fails every test, so
//! that the negation of a test holds. Without `_cs` case is ignored; `_any` takes a JSON list of texts.

use crate::meaning::{Glob, Meaning, each_value, fold, keyword, regex};
use crate::tree::{Case, Is, Network, Order, Part, Pattern, Piece, Regex, TimePart};
use aho_corasick::{AhoCorasick, MatchKind};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ScalarUDF;
use parallax_functions::udf::{Body, Consts, Functions};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(declare);

/// The function of that name.
pub fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    FUNCTIONS.get(name)
}

/// All functions of plans of rules.
pub fn functions() -> impl Iterator<Item = &'static Arc<ScalarUDF>> {
    FUNCTIONS.all()
}

fn declare() -> Functions {
    let mut f = Functions::new("sigma_");
    places(&mut f);
    f.compiled("matches(string, string, string) bool", &[1, 2], |c| one(Is::Matches(expression(c, 1))));
    f.compiled("found(string, string, string) string", &[1, 2], found);
    f.compiled("in(string, string) bool", &[1], |c| one(Is::In(network(c.str(1))?)));
    f.compiled("compares(string, string, string) bool", &[1, 2], |c| {
        one(Is::Compares(order(c.str(1))?, c.str(2).parse().unwrap_or(f64::NAN)))
    });
    f.compiled("time_part(string, string, long) bool", &[1, 2], |c| {
        one(Is::TimePart(time_part(c.str(1))?, c.long(2).unwrap_or(-1)))
    });
    fields(&mut f);
    f.compiled("keyword(string, string, string) bool", &[2], |c| words(c, Case::Ignored));
    f.compiled("keyword_cs(string, string, string) bool", &[2], |c| words(c, Case::Counts));
    f.compiled("keyword_matches(string, string, string, string) bool", &[2, 3], |c| {
        let meaning = meaning(&Is::Matches(expression(c, 2)))?;
        Ok(Body::bool(move |r| Some(keyword(&meaning, r.text(0), r.text(1)))))
    });
    f
}

const EQUALS: u8 = 0;
const CONTAINS: u8 = 1;
const STARTS: u8 = 2;
const ENDS: u8 = 3;
const LIKE: u8 = 4;

/// The names of the ways in which a text is compared.
pub(super) const PLACES: [&str; 5] = ["equals", "contains", "startswith", "endswith", "like"];

fn places(f: &mut Functions) {
    macro_rules! place {
        ($place:ident) => {
            let name = PLACES[usize::from($place)];
            f.compiled(&format!("{name}(string, string) bool"), &[1], single::<$place, false>);
            f.compiled(&format!("{name}_cs(string, string) bool"), &[1], single::<$place, true>);
            f.compiled(&format!("{name}_any(string, string) bool"), &[1], several::<$place, false>);
            f.compiled(&format!("{name}_any_cs(string, string) bool"), &[1], several::<$place, true>);
        };
    }
    place!(EQUALS);
    place!(CONTAINS);
    place!(STARTS);
    place!(ENDS);
    place!(LIKE);
}

fn single<const PLACE: u8, const CS: bool>(c: &Consts) -> Result<Body> {
    let case = if CS { Case::Counts } else { Case::Ignored };
    one(Is::Like(pattern(PLACE, c.str(1), case)))
}

fn several<const PLACE: u8, const CS: bool>(c: &Consts) -> Result<Body> {
    let case = if CS { Case::Counts } else { Case::Ignored };
    let texts = list(c.str(1))?;
    let folded = |t: &String| if CS { t.clone() } else { fold(t).into_owned() };
    let asked = move |value: &str, holds: &dyn Fn(&str) -> bool| if CS { holds(value) } else { holds(&fold(value)) };
    match PLACE {
        EQUALS => {
            let texts: HashSet<String> = texts.iter().map(folded).collect();
            Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|v| asked(v, &|v| texts.contains(v))))))
        }
        CONTAINS => {
            let texts: Vec<String> = texts.iter().map(folded).collect();
            let Ok(search) = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts) else {
                return exec_err!("the list of texts is too long");
            };
            Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|v| asked(v, &|v| search.is_match(v))))))
        }
        _ => {
            let globs: Vec<Glob> = texts.iter().map(|t| Glob::new(&pattern(PLACE, t, case))).collect();
            let any = move |v: &str| globs.iter().any(|g| g.is_match(v));
            Ok(Body::bool(move |r| Some(r.text(0).is_some_and(|v| asked(v, &any)))))
        }
    }
}

/// The pattern of a text at a place; that of `like` is spelled as in rules.
fn pattern(place: u8, text: &str, case: Case) -> Pattern {
    let literal = (!text.is_empty()).then(|| Piece::Text(text.to_owned()));
    let any = |at: bool| at.then_some(Piece::Any);
    let parts = match place {
        LIKE => return crate::syntax::pattern(text, case),
        _ => any(matches!(place, CONTAINS | ENDS))
            .into_iter()
            .chain(literal)
            .chain(any(matches!(place, CONTAINS | STARTS)))
            .collect(),
    };
    Pattern { parts, case }
}

fn list(json: &str) -> Result<Vec<String>> {
    match serde_json::from_str(json) {
        Ok(texts) => Ok(texts),
        Err(e) => exec_err!("a list of texts was due: {e}"),
    }
}

fn meaning(is: &Is) -> Result<Meaning> {
    match Meaning::new(is) {
        Ok(meaning) => Ok(meaning),
        Err(why) => exec_err!("a rule's test can't be compiled: {why}"),
    }
}

/// A test of the first argument.
fn one(is: Is) -> Result<Body> {
    let meaning = meaning(&is)?;
    Ok(Body::bool(move |r| Some(meaning.holds(r.text(0), None))))
}

fn expression(c: &Consts, at: usize) -> Regex {
    let flag = |f| c.str(at + 1).contains(f);
    Regex { text: c.str(at).to_owned(), ignore_case: flag('i'), multi_line: flag('m'), dot_all: flag('s') }
}

/// The text that an expression matches first; empty where there is none.
fn found(c: &Consts) -> Result<Body> {
    let Ok(regex) = regex(&expression(c, 1)) else { return exec_err!("a rule's expression can't be compiled") };
    Ok(Body::text(move |r, out| {
        out.push_str(r.text(0).and_then(|t| regex.find(t)).map_or("", |m| m.as_str()));
        Some(())
    }))
}

fn network(text: &str) -> Result<Network> {
    let parsed =
        text.split_once('/').and_then(|(a, b)| Some(Network { address: a.parse().ok()?, bits: b.parse().ok()? }));
    match parsed {
        Some(network) => Ok(network),
        None => exec_err!("`{text}` is no network"),
    }
}

/// The names of comparisons.
pub(super) const ORDERS: [(&str, Order); 5] = [
    ("<", Order::Less),
    ("<=", Order::LessOrEqual),
    (">", Order::Greater),
    (">=", Order::GreaterOrEqual),
    ("!=", Order::NotEqual),
];

fn order(name: &str) -> Result<Order> {
    match ORDERS.iter().find(|(n, _)| *n == name) {
        Some((_, order)) => Ok(*order),
        None => exec_err!("`{name}` is no comparison"),
    }
}

/// The names of parts of a time.
pub(super) const TIME_PARTS: [(&str, TimePart); 6] = [
    ("minute", TimePart::Minute),
    ("hour", TimePart::Hour),
    ("day", TimePart::Day),
    ("week", TimePart::Week),
    ("month", TimePart::Month),
    ("year", TimePart::Year),
];

fn time_part(name: &str) -> Result<TimePart> {
    match TIME_PARTS.iter().find(|(n, _)| *n == name) {
        Some((_, part)) => Ok(*part),
        None => exec_err!("`{name}` is no part of a time"),
    }
}

/// Comparisons of two fields.
fn fields(f: &mut Functions) {
    let parts = [
        ("field_equals", Part::Whole),
        ("field_contains", Part::Somewhere),
        ("field_startswith", Part::Start),
        ("field_endswith", Part::End),
    ];
    for (name, part) in parts {
        for (suffix, case) in [("", Case::Ignored), ("_cs", Case::Counts)] {
            // There is nothing to compile, so it can't fail.
            let Ok(meaning) = Meaning::new(&Is::Field(part, String::new(), case)) else { continue };
            let holds = move |r: &parallax_functions::udf::Row<'_>| Some(meaning.holds(r.text(0), r.text(1)));
            f.bool(&format!("{name}{suffix}(string, string) bool"), holds);
        }
    }
}

/// Keywords, any of a list, in an event's text or among its values.
fn words(c: &Consts, case: Case) -> Result<Body> {
    let meanings: Vec<Meaning> =
        list(c.str(2))?.iter().map(|t| meaning(&Is::Like(crate::syntax::pattern(t, case)))).collect::<Result<_>>()?;
    Ok(Body::bool(move |r| {
        let held = |text: &str| meanings.iter().any(|m| m.held(text));
        if r.text(0).is_some_and(held) {
            return Some(true);
        }
        let mut found = false;
        if let Some(fields) = r.text(1) {
            each_value(fields, &mut |value| found |= held(value));
        }
        Some(found)
    }))
}
