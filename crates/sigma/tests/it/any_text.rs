//! Whatever the text: it is read without a crash, what is said of it points into it, and a plan answers as the matcher.

use crate::support::{Logs, run};
use parallax_catalog::Context;
use parallax_sigma::tree::{Document, LogSource, Meta, Rule};
use parallax_sigma::{Options, Rules, Scratch, read};
use parallax_telemetry::Value;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

const RULE: &str = "title: T
id: 6f6c3b5e-6a55-4a0e-9c8f-2f2a5ad5b0c7
logsource:
    product: windows
detection:
    selection:
        - Image|endswith|windash: '\\cmd.exe'
          CommandLine|re|i: '^.*(a|b)+$'
        - A|cidr: [10.0.0.0/8, '::1/128']
          B|base64offset|contains: &x 'äöü'
          C|fieldref|startswith: D
    keywords:
        '|all': [evil, *x]
    filter_a: {E: null, F|exists: true, G|gt: 5}
    condition: (selection or keywords) and not 1 of filter_*
tags: [attack.t1059]
---
title: C
correlation:
    type: event_count
    rules: [T]
    timespan: 5m
    condition: {gte: 3}
---
action: repeat
filter: {rules: any, s: {A: 1}, condition: not s}
";

/// A rule's text with pieces cut out, doubled and put in.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("|".to_owned()),
        Just(": ".to_owned()),
        Just("\n".to_owned()),
        Just("\n---\n".to_owned()),
        Just("*x".to_owned()),
        Just("&x ".to_owned()),
        Just("'".to_owned()),
        Just("{".to_owned()),
        Just("]".to_owned()),
        Just("%a%".to_owned()),
        Just("é\u{0}\u{2028}".to_owned()),
        "\\PC{0,4}",
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0..20_usize, piece), 1..6).prop_map(|changes| {
        let mut chars: Vec<char> = RULE.chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        chars.into_iter().collect()
    })
}

fn is_read(text: &str) {
    let read = read(text, &Options::default());
    for d in read.diagnostics.iter() {
        assert!(text.get(d.span.start..d.span.end).is_some(), "{d:?} does not lie in the text");
        d.render(text, "rule", parallax_diagnostics::Style::Plain);
    }
    for located in &read.documents {
        assert!(text.get(located.span.start..located.span.end).is_some());
        if let Document::Rule(rule) = &located.document {
            let printed = parallax_sigma::syntax::print(rule);
            assert!(parallax_sigma::parse(&printed).is_ok(), "{printed}");
        }
    }
}

fn event() -> impl Strategy<Value = Map<String, Json>> {
    let value = prop_oneof![
        "[abcABC*?\\\\ ]{0,6}".prop_map(Json::String),
        (0..30_i64).prop_map(|n| json!(n)),
        Just(json!("10.1.2.3")),
        Just(json!("2026-01-01T05:00:00Z")),
        Just(json!("Kſ\u{212a}")),
    ];
    prop::collection::btree_map("[ABC]", value, 0..4).prop_map(|fields| {
        let mut event: Map<String, Json> = fields.into_iter().collect();
        let whole = Json::Object(event.clone()).to_string();
        event.insert("@raw".to_owned(), Json::String(whole.clone()));
        event.insert("@fields".to_owned(), Json::String(whole));
        event
    })
}

proptest! {
    #[test]
    fn a_changed_rule(text in mutated()) {
        is_read(&text);
    }

    #[test]
    fn any_characters(text in "\\PC{0,60}", lines in prop::collection::vec("[-a-z:|&*!{}\\[\\]%>'\" ]{0,12}", 0..8)) {
        is_read(&text);
        is_read(&lines.join("\n"));
        is_read(&format!("title: x\ndetection:\n  a:\n    {}\n  condition: {}\n", lines.join("\n    "), text));
    }

    #[test]
    fn a_plan_and_the_matcher_agree(
        condition in crate::print::condition(),
        events in prop::collection::vec(event(), 1..8),
    ) {
        let logsource = LogSource { category: Some("process_creation".to_owned()), ..LogSource::default() };
        let rule: Rule = parallax_sigma::syntax::rule(Meta { title: "T".to_owned(), ..Meta::default() }, logsource, &condition);
        let context = Context { provenance: true, ..Context::at(0) };
        let planned = parallax_sigma::plan(&rule, &Logs::new(&events), &context).expect("a plan");
        let by_plan = run(&planned, &events).expect("it runs");
        let rules = Rules::new([&rule]);
        let mut scratch = Scratch::default();
        let by_matcher: Vec<bool> = events
            .iter()
            .map(|event| {
                let value = |at: usize| match event.get(&rules.fields()[at]) {
                    None => Value::Missing,
                    Some(Json::String(text)) => Value::text(text),
                    Some(number) => Value::Int(number.as_i64().unwrap_or_default()),
                };
                !rules.matches(value, &[0], &mut scratch).is_empty()
            })
            .collect();
        prop_assert_eq!(by_plan, by_matcher, "{:?}", condition);
    }
}
