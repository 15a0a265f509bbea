//! Many rules over one event: as the conditions say, however the rules are found.

use parallax_sigma::matcher::Search;
use parallax_sigma::tree::{
    Case, Condition, Is, LogSource, Meta, Network, Order, Part, Pattern, Piece, Regex, Rule, Test, TimePart,
};
use parallax_sigma::{Rules, Scratch, Values};
use parallax_telemetry::{RawText, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Fields = BTreeMap<&'static str, Value<'static>>;

/// Evaluates a condition as its documentation reads, one test after the other. Patterns are regular expressions here.
fn naive(condition: &Condition, event: &Fields) -> bool {
    match condition {
        Condition::And(each) => each.iter().all(|c| naive(c, event)),
        Condition::Or(each) => each.iter().any(|c| naive(c, event)),
        Condition::Not(inner) => !naive(inner, event),
        Condition::Test(test) => naive_test(test, event),
    }
}

fn value(event: &Fields, name: &str) -> Option<String> {
    event.get(name).cloned().and_then(Value::into_text).map(String::from)
}

fn naive_test(test: &Test, event: &Fields) -> bool {
    let Some(field) = &test.field else {
        // The whole event: its text, or any of its values.
        let mut texts: Vec<String> = value(event, "@raw").into_iter().collect();
        if let Some(json) = value(event, "@fields") {
            let members: BTreeMap<String, String> = serde_json::from_str(&json).unwrap();
            texts.extend(members.into_values());
        }
        let Is::Like(pattern) = &test.is else { unreachable!() };
        return texts.iter().any(|t| expression(pattern, false).is_match(t));
    };
    let value_of = |name: &str| value(event, name);
    match (&test.is, value_of(field)) {
        (Is::Exists(there), value) => value.is_some() == *there,
        (Is::Null, value) => value.is_none(),
        (_, None) => false,
        (Is::Like(pattern), Some(text)) => expression(pattern, true).is_match(&text),
        (Is::Matches(regex), Some(text)) => {
            let flags = if regex.ignore_case { "(?i)" } else { "" };
            regex::Regex::new(&format!("{flags}{}", regex.text)).unwrap().is_match(&text)
        }
        (Is::In(network), Some(text)) => text.parse::<std::net::Ipv4Addr>().is_ok_and(|a| {
            let std::net::IpAddr::V4(of) = network.address else { return false };
            let bits = |a: std::net::Ipv4Addr| format!("{:032b}", a.to_bits())[..usize::from(network.bits)].to_owned();
            bits(a) == bits(of)
        }),
        (Is::Compares(order, limit), Some(text)) => text.parse::<f64>().is_ok_and(|n| match order {
            Order::Less => n < *limit,
            Order::LessOrEqual => n <= *limit,
            Order::Greater => n > *limit,
            Order::GreaterOrEqual => n >= *limit,
            Order::NotEqual => n != *limit,
        }),
        (Is::Field(part, other, case), Some(text)) => value_of(other).is_some_and(|other| {
            let any = Piece::Any;
            let other = Piece::Text(other);
            let parts = match part {
                Part::Whole => vec![other],
                Part::Somewhere => vec![any.clone(), other, any],
                Part::Start => vec![other, any],
                Part::End => vec![any, other],
            };
            expression(&Pattern { parts, case: *case }, true).is_match(&text)
        }),
        (Is::TimePart(part, number), Some(text)) => {
            let hour = text.get(11..13).and_then(|h| h.parse::<i64>().ok());
            let year = text.get(..4).and_then(|y| y.parse::<i64>().ok());
            text.contains('T')
                && match part {
                    TimePart::Hour => hour == Some(*number),
                    TimePart::Year => year == Some(*number),
                    _ => unreachable!(),
                }
        }
    }
}

fn expression(pattern: &Pattern, whole: bool) -> regex::Regex {
    let parts: String = pattern
        .parts
        .iter()
        .map(|p| match p {
            Piece::Text(t) => regex::escape(t),
            Piece::One => ".".to_owned(),
            Piece::Any => ".*".to_owned(),
        })
        .collect();
    let flags = if pattern.case == Case::Ignored { "is" } else { "s" };
    let (start, end) = if whole { (r"\A", r"\z") } else { ("", "") };
    regex::Regex::new(&format!("(?{flags}){start}{parts}{end}")).unwrap()
}

const NAMES: [&str; 3] = ["Image", "CommandLine", "User"];

/// Texts of few letters, so that they meet: cases of a letter beyond ASCII among them, and what ends a C string.
fn text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec![
        'a', 'A', 'b', 'k', 'K', '\u{212a}', 's', 'S', '\u{17f}', 'i', 'I', '\u{131}', '\u{130}', 'é', 'É', 'ж', 'Ж',
        '\\', '/', '.', ' ', '*', '\0', '\n', '\u{fffd}', 'σ', 'ς', 'Σ', '😀',
    ]);
    let words =
        prop::sample::select(vec!["\\cmd.exe", "\\PowerShell.exe", "powershell", "-enc ", "/bin/sh", "C:\\Windows\\"]);
    let part = prop_oneof![3 => letters.prop_map(String::from), 1 => words.prop_map(str::to_owned)];
    prop::collection::vec(part, 0..7).prop_map(|parts| parts.concat())
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![4 => Just(Case::Ignored), 1 => Just(Case::Counts)]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![4 => text().prop_map(Piece::Text), 1 => Just(Piece::One), 3 => Just(Piece::Any)];
    (prop::collection::vec(piece, 0..5), case()).prop_map(|(pieces, case)| {
        let mut parts: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (parts.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(text)) => last.push_str(&text),
                (Some(Piece::Any), Piece::Any) => {}
                (_, Piece::Text(text)) if text.is_empty() => {}
                (_, piece) => parts.push(piece),
            }
        }
        Pattern { parts, case }
    })
}

fn simple() -> impl Strategy<Value = Pattern> {
    (text().prop_filter("empty", |t| !t.is_empty()), 0..4u8).prop_map(|(text, form)| {
        let text = Piece::Text(text);
        let parts = match form {
            0 => vec![text],
            1 => vec![text, Piece::Any],
            2 => vec![Piece::Any, text],
            _ => vec![Piece::Any, text, Piece::Any],
        };
        Pattern { parts, case: Case::Ignored }
    })
}

fn regex() -> impl Strategy<Value = Regex> {
    let texts = prop::sample::select(vec![
        "cmd",
        "p[o0]wer",
        "(?:sh|bin/sh)$",
        "^C:",
        "k+s",
        r"-e(nc)? ",
        "(?i)SHELL",
        "a|b",
        r"\\\w+\.exe",
        "",
        "k{2,3}",
        "é",
        "(power)(shell)",
        "(foo|bar)baz|kk",
        r"[kK]i",
    ]);
    (texts, any::<bool>()).prop_map(|(text, ignore_case)| Regex {
        text: text.to_owned(),
        ignore_case,
        multi_line: false,
        dot_all: false,
    })
}

fn is() -> impl Strategy<Value = Is> {
    let order = prop::sample::select(vec![
        Order::Less,
        Order::LessOrEqual,
        Order::Greater,
        Order::GreaterOrEqual,
        Order::NotEqual,
    ]);
    let part = prop::sample::select(vec![Part::Whole, Part::Somewhere, Part::Start, Part::End]);
    let time = prop::sample::select(vec![(TimePart::Hour, 13), (TimePart::Year, 2024)]);
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3));
    prop_oneof![
        8 => simple().prop_map(Is::Like),
        4 => pattern().prop_map(Is::Like),
        2 => regex().prop_map(Is::Matches),
        1 => (0..=32u8).prop_map(move |bits| Is::In(Network { address, bits })),
        1 => (order, 0..5i32).prop_map(|(order, n)| Is::Compares(order, f64::from(n))),
        1 => (part, prop::sample::select(&NAMES[..]), case()).prop_map(|(p, f, c)| Is::Field(p, f.to_owned(), c)),
        1 => any::<bool>().prop_map(Is::Exists),
        1 => Just(Is::Null),
        1 => time.prop_map(|(part, n)| Is::TimePart(part, n)),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let field = prop::sample::select(&NAMES[..]);
    let test = (field, is()).prop_map(|(field, is)| Condition::Test(Test { field: Some(field.to_owned()), is }));
    let keyword = prop_oneof![simple(), pattern()].prop_map(|p| Condition::Test(Test { field: None, is: Is::Like(p) }));
    let leaf = prop_oneof![12 => test, 1 => keyword];
    leaf.prop_recursive(4, 20, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..6).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 1..9).prop_map(Condition::Or),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

fn event() -> impl Strategy<Value = Fields> {
    let value = || {
        prop_oneof![
            6 => text().prop_map(|t| Value::Text(t.into())),
            1 => (0..6i64).prop_map(Value::Int),
            1 => any::<bool>().prop_map(Value::Bool),
            1 => Just(Value::text("10.1.2.200")),
            1 => Just(Value::text("2024-05-06T13:14:15Z")),
            1 => Just(Value::Missing),
        ]
    };
    (value(), value(), value(), text(), prop::collection::vec(text(), 0..3)).prop_map(|(a, b, c, raw, texts)| {
        let texts: BTreeMap<String, String> = texts.into_iter().enumerate().map(|(i, t)| (i.to_string(), t)).collect();
        let json = serde_json::to_string(&texts).unwrap();
        [NAMES[0], NAMES[1], NAMES[2], "@raw", "@fields"]
            .into_iter()
            .zip([a, b, c, Value::Text(raw.into()), Value::Json(json.into())])
            .collect()
    })
}

fn rule(condition: Condition, product: &str) -> Rule {
    Rule {
        meta: Meta::default(),
        logsource: LogSource { product: Some(product.to_owned()), ..LogSource::default() },
        detections: Vec::new(),
        conditions: Vec::new(),
        condition,
    }
}

fn matching(rules: &Rules, event: &Fields, sources: &[u32], scratch: &mut Scratch) -> Vec<u32> {
    let values = |at: usize| event.get(rules.fields()[at].as_str()).cloned().unwrap_or_default();
    rules.matches(values, sources, scratch).to_vec()
}

/// The values of an event, known by their texts.
struct Known<'e>(&'e Rules, &'e Fields);

impl Values for Known<'_> {
    fn value(&self, at: usize) -> Value<'_> {
        self.1.get(self.0.fields()[at].as_str()).cloned().unwrap_or_default()
    }

    fn raw(&self, at: usize) -> RawText<'_> {
        match self.1.get(self.0.fields()[at].as_str()) {
            Some(Value::Text(raw)) => RawText::Text { raw, form: 0 },
            Some(_) => RawText::Unknown,
            None => RawText::Missing,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn known_values_are_as_new_ones(
        conditions in prop::collection::vec(condition(), 1..12),
        events in prop::collection::vec(event(), 1..8),
    ) {
        let rules: Vec<Rule> =
            conditions.iter().enumerate().map(|(i, c)| rule(c.clone(), if i % 3 == 0 { "linux" } else { "windows" })).collect();
        let rules = Rules::new(&rules);
        let all: Vec<u32> = (0..rules.sources().len() as u32).collect();
        let mut scratch = Scratch::new();
        for event in events.iter().chain(&events) {
            for sources in [&all[..], &all[..1]] {
                let known = rules.matches_of(&Known(&rules, event), sources, &mut scratch).to_vec();
                prop_assert_eq!(known, matching(&rules, event, sources, &mut Scratch::new()));
            }
        }
    }

    #[test]
    fn rules_mean_what_their_conditions_say(
        conditions in prop::collection::vec(condition(), 1..12),
        events in prop::collection::vec(event(), 1..8),
    ) {
        let rules: Vec<Rule> =
            conditions.iter().enumerate().map(|(i, c)| rule(c.clone(), if i % 3 == 0 { "linux" } else { "windows" })).collect();
        let indexed = Rules::new(&rules);
        let every = Rules::with(&rules, Search::Every);
        prop_assert_eq!(indexed.refused(), &[]);
        // The same room for both: nothing of one event, or of other rules, may be left for the next.
        let mut scratch = Scratch::new();
        for event in &events {
            let naive: Vec<u32> =
                (0..rules.len() as u32).filter(|i| naive(&rules[*i as usize].condition, event)).collect();
            let all: Vec<u32> = (0..indexed.sources().len() as u32).collect();
            prop_assert_eq!(&matching(&indexed, event, &all, &mut scratch), &naive);
            prop_assert_eq!(&matching(&every, event, &all, &mut Scratch::new()), &naive);
            for source in all {
                let of: Vec<u32> = naive.iter().copied().filter(|r| indexed.source_of(*r as usize) == source).collect();
                prop_assert_eq!(&matching(&indexed, event, &[source], &mut scratch), &of);
            }
            for missed in (0..rules.len()).filter(|r| !naive.contains(&(*r as u32))) {
                let values = |at: usize| event.get(indexed.fields()[at].as_str()).cloned().unwrap_or_default();
                prop_assert_eq!(indexed.why(missed, values), vec![]);
            }
            for hit in naive {
                let values = |at: usize| event.get(indexed.fields()[at].as_str()).cloned().unwrap_or_default();
                for reason in indexed.why(hit as usize, values) {
                    prop_assert!(reason.marks.iter().all(|(a, b)| reason.value.get(*a..*b).is_some()), "{reason:?}");
                }
            }
        }
    }
}

fn contains(field: &str, text: &str) -> Condition {
    let parts = vec![Piece::Any, Piece::Text(text.to_owned()), Piece::Any];
    Condition::Test(Test { field: Some(field.to_owned()), is: Is::Like(Pattern { parts, case: Case::Ignored }) })
}

fn ends(field: &str, text: &str) -> Condition {
    let parts = vec![Piece::Any, Piece::Text(text.to_owned())];
    Condition::Test(Test { field: Some(field.to_owned()), is: Is::Like(Pattern { parts, case: Case::Ignored }) })
}

#[test]
fn hostile_values() {
    let rules = [
        rule(contains("CommandLine", "invoke-kiss"), "windows"),
        rule(contains("CommandLine", "\u{131}"), "windows"),
        rule(ends("CommandLine", "end of it"), "windows"),
    ];
    let rules = Rules::new(&rules);
    let mut scratch = Scratch::new();
    let mut hits = |text: &str| {
        let event = Fields::from([("CommandLine", Value::Text(text.to_owned().into()))]);
        matching(&rules, &event, &[0], &mut scratch)
    };
    let megabyte = "x y ".repeat(1 << 18);
    assert_eq!(hits(&format!("{megabyte}INVOKE-KISS{megabyte}")), [0]);
    assert_eq!(hits(&format!("{megabyte}invo\0ke-kiss end of it")), [2]);
    assert_eq!(hits(&"é".repeat(1 << 19)), [0u32; 0]);
    assert_eq!(hits(&format!("{}İNVOKE-\u{212a}ISS Invoke-\u{212a}i\u{17f}\u{17f}", "ж".repeat(1 << 19))), [0]);
    assert_eq!(hits("invoke-kıss"), [1]);
    assert_eq!(hits(&String::from_utf16_lossy(&[0xd800, 0x69, 0xdc00])), [0u32; 0]);
    assert_eq!(hits(""), [0u32; 0]);
    assert_eq!(hits(&"invoke-kiss".repeat(1 << 17)), [0]);
}

#[test]
fn values_are_forgotten_where_they_are_many() {
    let rules =
        Rules::new(&[rule(contains("CommandLine", "invoke-"), "windows"), rule(ends("Image", "\\cmd.exe"), "windows")]);
    let mut scratch = Scratch::new();
    for n in 0..60_000u32 {
        // Some come again, most do not, and some are too long to be kept.
        let image = if n % 3 == 0 { "C:\\cmd.exe".to_owned() } else { format!("C:\\{}.exe", n % 500) };
        let length = if n % 1_000 == 0 { 5_000 } else { 30 };
        let line = format!("{n} {}{}", "x".repeat(length), if n % 7 == 0 { " Invoke-It" } else { "" });
        let event = Fields::from([("Image", Value::Text(image.into())), ("CommandLine", Value::Text(line.into()))]);
        let expected: Vec<u32> =
            [(0, n % 7 == 0), (1, n % 3 == 0)].iter().filter(|(_, hit)| *hit).map(|(r, _)| *r).collect();
        assert_eq!(rules.matches_of(&Known(&rules, &event), &[0], &mut scratch), expected);
    }
}

#[test]
fn reasons_mark_what_matched() {
    let both = Condition::And(vec![
        ends("Image", "\\cmd.exe"),
        Condition::Or(vec![contains("CommandLine", "nothing"), contains("CommandLine", "whoami")]),
        Condition::Not(Box::new(contains("User", "system"))),
    ]);
    let rules = Rules::new(&[rule(both, "windows")]);
    let event = Fields::from([
        ("Image", Value::text("C:\\Windows\\System32\\CMD.EXE")),
        ("CommandLine", Value::text("cmd /c ＷhoAmI é \u{212a} WhoAmI")),
    ]);
    let values = |at: usize| event.get(rules.fields()[at].as_str()).cloned().unwrap_or_default();
    let reasons = rules.why(0, values);
    let seen: Vec<_> = reasons
        .iter()
        .map(|r| (r.field.as_deref().unwrap_or(""), r.test.as_str(), &r.value[r.marks[0].0..r.marks[0].1]))
        .collect();
    assert_eq!(
        seen,
        [("Image", "ends with \"\\cmd.exe\"", "\\CMD.EXE"), ("CommandLine", "contains \"whoami\"", "WhoAmI")]
    );
}

#[test]
fn a_wrong_expression_refuses_its_rule_alone() {
    let wrong = Regex { text: "(".to_owned(), ignore_case: false, multi_line: false, dot_all: false };
    let wrong = Condition::Test(Test { field: Some("User".to_owned()), is: Is::Matches(wrong) });
    let rules = Rules::new(&[rule(wrong, "windows"), rule(contains("User", "a"), "windows")]);
    assert_eq!(rules.refused().iter().map(|r| r.rule).collect::<Vec<_>>(), [0]);
    let event = Fields::from([("User", Value::text("A("))]);
    assert_eq!(matching(&rules, &event, &[0], &mut Scratch::new()), [1]);
}
