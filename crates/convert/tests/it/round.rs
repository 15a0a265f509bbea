//! A condition that goes through another language and back says the same about events.

use parallax_convert::middle::LogSource;
use parallax_convert::{Detection, Language, Losses, Options, convert, read, sigma};
use parallax_sigma::meaning::Meaning;
use parallax_sigma::tree::{Case, Condition, Is, Meta, Order, Part, Pattern, Piece, Regex, Rule, Test};
use proptest::prelude::*;
use std::collections::BTreeMap;

const FIELDS: [&str; 5] = ["Image", "CommandLine", "ParentImage", "User", "OriginalFileName"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[aAbB.*?\\\\/ -]{1,4}",
        Just(r"\lua.exe".to_owned()),
        Just("é'\"".to_owned()),
        Just(r"a\\b".to_owned()),
        Just("`x`".to_owned()),
        Just("{a}|$^".to_owned()),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![3 => text().prop_map(Piece::Text), 1 => Just(Piece::One), 2 => Just(Piece::Any)];
    let case = prop_oneof![Just(Case::Ignored), Just(Case::Counts)];
    (proptest::collection::vec(piece, 0..4), case).prop_map(|(pieces, case)| {
        let mut parts: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (parts.last_mut(), piece) {
                (Some(Piece::Text(t)), Piece::Text(more)) => t.push_str(&more),
                (Some(Piece::Any), Piece::Any) => {}
                (_, piece) => parts.push(piece),
            }
        }
        Pattern { parts, case }
    })
}

fn is() -> impl Strategy<Value = Is> {
    let regex = prop_oneof![Just("a.b"), Just("^[ab]+$"), Just(r"\\lua"), Just("(a|/)b"), Just("x*")];
    prop_oneof![
        8 => pattern().prop_map(Is::Like),
        2 => (regex, any::<bool>()).prop_map(|(text, ignore_case)| Is::Matches(Regex {
            text: text.to_owned(), ignore_case, multi_line: false, dot_all: false
        })),
        1 => Just(Is::Null),
        1 => any::<bool>().prop_map(Is::Exists),
        1 => (0..3i32).prop_map(|n| Is::Compares(Order::Greater, f64::from(n))),
        1 => Just(Is::Field(Part::Whole, "ParentImage".to_owned(), Case::Ignored)),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let test = (0..FIELDS.len(), is())
        .prop_map(|(field, is)| Condition::Test(Test { field: Some(FIELDS[field].to_owned()), is }));
    test.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(parallax_sigma::syntax::all),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(parallax_sigma::syntax::any),
            inner.prop_map(parallax_sigma::syntax::not),
        ]
    })
}

fn event() -> impl Strategy<Value = Vec<Option<String>>> {
    let value = prop_oneof![
        6 => text().prop_map(Some),
        2 => "[abAB /\\\\.]{0,6}".prop_map(Some),
        1 => Just(None),
        1 => Just(Some(String::new())),
        1 => Just(Some("-".to_owned())),
        1 => Just(Some("2".to_owned())),
    ];
    proptest::collection::vec(value, FIELDS.len())
}

fn holds(condition: &Condition, event: &[Option<String>]) -> bool {
    let value = |name: &str| FIELDS.iter().position(|f| *f == name).and_then(|at| event[at].as_deref());
    match condition {
        Condition::And(parts) => parts.iter().all(|c| holds(c, event)),
        Condition::Or(parts) => parts.iter().any(|c| holds(c, event)),
        Condition::Not(inner) => !holds(inner, event),
        Condition::Test(test) => {
            let other = match &test.is {
                Is::Field(_, name, _) => value(name),
                _ => None,
            };
            let field = test.field.as_deref().unwrap();
            Meaning::new(&test.is).unwrap().holds(value(field), other)
        }
    }
}

fn rule(condition: Condition) -> Rule {
    let logsource = LogSource { category: Some("process_creation".to_owned()), ..LogSource::default() };
    let meta = Meta { title: "A rule".to_owned(), level: Some("low".to_owned()), ..Meta::default() };
    Rule { meta, logsource, detections: Vec::new(), conditions: Vec::new(), condition }
}

/// The rule, after a turn through another language.
fn back(detection: &Detection, through: Language) -> Option<(Rule, Losses, String)> {
    let there = convert(detection, Losses::default(), through, &Options::default()).ok()?;
    let logs = (through == Language::Sumo).then(|| detection.logs.clone());
    let (again, mut losses) = read(&there.text, through, logs.as_ref(), &BTreeMap::new())
        .remove(0)
        .unwrap_or_else(|e| panic!("{e}\n{}", there.text));
    there.losses.into_iter().for_each(|l| losses.push(l));
    let again =
        convert(&again, losses, Language::Sigma, &Options::default()).unwrap_or_else(|e| panic!("{e}\n{}", there.text));
    let documents = parallax_sigma::parse(&again.text).unwrap();
    let [parallax_sigma::tree::Document::Rule(rule)] = documents.as_slice() else { return None };
    Some((rule.clone(), Losses(again.losses), format!("{}\n{}", there.text, again.text)))
}

fn checked(condition: &Condition, events: &[Vec<Option<String>>], through: Language) -> Result<(), TestCaseError> {
    let before = rule(condition.clone());
    let detection = sigma::of_rule(&before);
    let Some((after, losses, texts)) = back(&detection, through) else { return Ok(()) };
    for event in events {
        let (one, other) = (holds(&before.condition, event), holds(&after.condition, event));
        // Values that say nothing are where languages differ, and that is said. Where to look is another matter.
        let losses = losses.0.iter().filter(|l| l.code != "CONV0104");
        let explained = if other {
            losses.clone().any(|l| l.effect.explains_more())
        } else {
            losses.clone().any(|l| l.effect.explains_fewer())
        };
        let says_something = |v: &Option<String>| v.as_ref().is_some_and(|v| !v.is_empty() && v != "-");
        let explained = explained && !event.iter().all(says_something);
        prop_assert!(one == other || explained, "{one} -> {other} for {event:?}\n{texts}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn through_kql(condition in condition(), events in proptest::collection::vec(event(), 24)) {
        checked(&condition, &events, Language::Kql)?;
    }

    #[test]
    fn through_sumo(condition in condition(), events in proptest::collection::vec(event(), 24)) {
        checked(&condition, &events, Language::Sumo)?;
    }
}
