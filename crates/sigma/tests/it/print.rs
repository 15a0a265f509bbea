//! What is printed reads back as it was.

use parallax_sigma::syntax::{self, all, not, print, rule};
use parallax_sigma::tree::{
    Case, Condition, Document, Is, LogSource, Meta, Network, Order, Part, Pattern, Piece, Regex, Rule, Test, TimePart,
};
use parallax_sigma::{Options, parse, read};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{1,6}",
        r#"[ -~]{1,10}"#,
        r#"[\\*?%a'" :#]{1,8}"#,
        any::<u32>().prop_map(|n| n.to_string()),
        "\\PC{1,6}",
        Just("true".to_owned()),
        Just("0x10".to_owned()),
        Just("a\tb\nc\u{0}\u{85}".to_owned()),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![4 => Just(Case::Ignored), 1 => Just(Case::Counts)]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![3 => text().prop_map(Piece::Text), 1 => Just(Piece::One), 2 => Just(Piece::Any)];
    (prop::collection::vec(piece, 0..5), case()).prop_map(|(pieces, case)| {
        let mut parts: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (parts.last_mut(), piece) {
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
                (Some(Piece::Any), Piece::Any) => {}
                (_, piece) => parts.push(piece),
            }
        }
        Pattern { parts, case }
    })
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Whole), Just(Part::Somewhere), Just(Part::Start), Just(Part::End)]
}

fn is() -> impl Strategy<Value = Is> {
    let flags = any::<(bool, bool, bool)>();
    let regex = ("[a-z.*' ]{0,6}", flags).prop_map(|(text, (ignore_case, multi_line, dot_all))| Regex {
        text: format!("x{text}"),
        ignore_case,
        multi_line,
        dot_all,
    });
    let order =
        prop_oneof![Just(Order::Less), Just(Order::LessOrEqual), Just(Order::Greater), Just(Order::GreaterOrEqual)];
    let network = prop_oneof![
        (any::<u32>(), 0..=32_u8).prop_map(|(a, bits)| {
            let a = if bits == 0 { 0 } else { a >> (32 - bits) << (32 - bits) };
            Network { address: std::net::IpAddr::V4(a.into()), bits }
        }),
        (any::<u128>(), 0..=128_u8).prop_map(|(a, bits)| {
            let a = if bits == 0 { 0 } else { a >> (128 - bits) << (128 - bits) };
            Network { address: std::net::IpAddr::V6(a.into()), bits }
        }),
    ];
    prop_oneof![
        8 => pattern().prop_map(Is::Like),
        1 => regex.prop_map(Is::Matches),
        1 => network.prop_map(Is::In),
        1 => (order, -1e9..1e9_f64).prop_map(|(order, n)| Is::Compares(order, n)),
        1 => (part(), "[A-Za-z_.]{1,8}", case()).prop_map(|(part, name, case)| Is::Field(part, name, case)),
        1 => any::<bool>().prop_map(Is::Exists),
        1 => Just(Is::Null),
        1 => (0..24_i64).prop_map(|n| Is::TimePart(TimePart::Hour, n)),
    ]
}

fn test() -> impl Strategy<Value = Condition> {
    let field = prop_oneof![
        4 => "[ABC]".prop_map(Some),
        1 => Just(Some("a.b[0] c".to_owned())),
        1 => Just(Some("null".to_owned())),
        1 => Just(None)
    ];
    (field, is()).prop_map(|(field, is)| {
        let is = match (is, &field) {
            (Is::Like(pattern), None) => {
                let mut parts = vec![Piece::Any];
                parts.extend(pattern.parts.into_iter().skip_while(|p| *p == Piece::Any));
                if parts.last() != Some(&Piece::Any) {
                    parts.push(Piece::Any);
                }
                Is::Like(Pattern { parts, case: pattern.case })
            }
            (Is::Matches(regex), None) => Is::Matches(regex),
            (_, None) => Is::Like(Pattern { parts: vec![Piece::Any], case: Case::Ignored }),
            (is, Some(_)) => is,
        };
        Condition::Test(Test { field, is })
    })
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    test().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(all),
            prop::collection::vec(inner.clone(), 1..4).prop_map(syntax::any),
            inner.prop_map(not),
        ]
    })
}

fn meta() -> impl Strategy<Value = Meta> {
    let word = "[A-Za-z0-9'\"#:-]([ -~]{0,12}[a-z.:])?";
    let lines = prop::collection::vec("[ -~]{0,8}[a-z]", 1..4).prop_map(|l| l.join("\n").trim().to_owned());
    (word, prop::option::of(lines), prop::collection::vec(text(), 0..3)).prop_map(|(title, description, references)| {
        Meta {
            title,
            description,
            falsepositives: references.clone(),
            references,
            level: Some("high".to_owned()),
            date: Some("2026-11-22".to_owned()),
            id: Some("6f9f3ac0-5d0c-4d5c-9d51-0f5f2f3c9f4e".to_owned()),
            related: vec![("similar".to_owned(), "x".to_owned())],
            ..Meta::default()
        }
    })
}

fn log_source() -> LogSource {
    LogSource { category: Some("process_creation".to_owned()), product: Some("windows".to_owned()), service: None }
}

fn back(text: &str) -> Rule {
    match parse(text) {
        Ok(mut documents) => match documents.pop() {
            Some(Document::Rule(rule)) => rule,
            other => panic!("{other:?}\n{text}"),
        },
        Err(said) => panic!("{}\n{text}", said.render(text, "printed", parallax_diagnostics::Style::Plain)),
    }
}

proptest! {
    #[test]
    fn conditions_read_back(condition in condition()) {
        let meta = Meta { title: "T".to_owned(), ..Meta::default() };
        let printed = print(&rule(meta, log_source(), &condition));
        let read = back(&printed);
        prop_assert_eq!(&read.condition, &condition, "{}", printed);
        // The form is a fixed point.
        prop_assert_eq!(print(&read), printed);
    }

    #[test]
    fn what_is_said_of_a_rule_reads_back(meta in meta(), test in test()) {
        let rule = rule(meta, log_source(), &test);
        let printed = print(&rule);
        prop_assert_eq!(back(&printed), rule, "{}", printed);
    }
}

#[test]
fn what_windash_made_is_printed_with_it() {
    let text = "title: T\nlogsource:\n    product: windows\ndetection:\n    selection:\n        CommandLine|contains|windash:\n            - ' -a'\n            - 'b'\n            - ' -c -d'\n    condition: selection\n";
    let rule = back(text);
    let printed = print(&rule);
    assert_eq!(printed.replace("'b'", "b").replace(": '", ": "), text.replace("'b'", "b"));
    assert_eq!(back(&printed), rule);
}

#[test]
fn published_rules_read_back() {
    let Some(files) = crate::corpus::files() else { return };
    let (mut rules, mut split) = (0, 0);
    let options: Options = crate::corpus::options();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        for located in read(&text, &options).documents {
            let Document::Rule(rule) = located.document else { continue };
            let printed = print(&rule);
            let again = back(&printed);
            assert_eq!(again.condition, rule.condition, "{}\n{printed}", file.display());
            assert_eq!(again.meta, rule.meta, "{}\n{printed}", file.display());
            rules += 1;
            split += usize::from(again.detections != rule.detections);
        }
    }
    // Those in which a key would have to stand twice in a map.
    eprintln!("{rules} rules read back, {split} of them with other names of detections");
    assert!(split * 20 < rules);
}
