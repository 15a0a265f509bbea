//! Every function with arguments that nobody meant: it answers, or refuses, and never panics; and it answers the same
//! however its arguments arrive.

use crate::call::{Shape, call};
use parallax_functions::kql;
use parallax_functions::udf::Type;
use parallax_telemetry::ColumnType;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

fn text() -> Union<BoxedStrategy<Value>> {
    let some = [
        "",
        " ",
        "\0",
        "a",
        "é",
        "\u{301}",
        "𝒳",
        "0",
        "-1",
        "9223372036854775808",
        "1e400",
        "NaN",
        "true",
        "null",
        "[1,2]",
        "{\"a\":[{}]}",
        "$.a[0]",
        "$",
        "(",
        "a|b",
        "(a)",
        "2020-02-30",
        "2020-01-01",
        "1.02:03:04",
        "9999999.23:00",
        "year",
        "yyyy",
        "windows",
        "1.2.3.4/8",
        "::1/64",
        "%4",
        "%zz+",
        "a&b=c",
        "<a",
        "<a b='&x;'/>",
        "\"\\",
        "C:",
        "://",
        "=",
        "AAAA",
        "A===",
        "regex",
        "\u{feff}",
        "ß",
        "İ",
        "a:b@c:d",
    ];
    let known: Vec<Value> = some.iter().map(|s| json!(s)).collect();
    Union::new([proptest::sample::select(known).boxed(), ".{0,12}".prop_map(Value::from).boxed()])
}

fn whole() -> impl Strategy<Value = Value> {
    prop_oneof![
        proptest::sample::select(vec![0, 1, -1, 2, 7, 64, i64::MAX, i64::MIN, 1 << 40, -(1 << 40)])
            .prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
    ]
}

fn value(ty: Type) -> BoxedStrategy<Value> {
    let null = Just(Value::Null);
    let Type::Of(ty) = ty else { return text().boxed() };
    match ty {
        ColumnType::Bool => prop_oneof![any::<bool>().prop_map(Value::from), null].boxed(),
        ColumnType::Int => prop_oneof![any::<i32>().prop_map(Value::from), null].boxed(),
        ColumnType::Long => prop_oneof![4 => whole(), 1 => null].boxed(),
        ColumnType::Real => prop_oneof![
            proptest::sample::select(vec![json!(0.0), json!(-1.5), json!(1e300), json!("NaN"), json!("-Infinity")]),
            whole(),
            null
        ]
        .boxed(),
        ColumnType::Decimal => {
            prop_oneof![proptest::sample::select(vec![json!("0"), json!("-1.5"), json!("99999999999999999999")]), null]
                .boxed()
        }
        ColumnType::String => text().boxed(),
        ColumnType::Guid => prop_oneof![Just(json!("70fc66f7-8279-44fc-9092-d364d70fce44")), null].boxed(),
        ColumnType::DateTime => {
            let some = ["0001-01-01", "9999-12-31T23:59:59.9999999Z", "2020-02-29T12:34:56.7"];
            prop_oneof![proptest::sample::select(some.map(|s| json!(s)).to_vec()), null].boxed()
        }
        ColumnType::TimeSpan => {
            let some = ["00:00:00", "-10675199.02:48:05", "10675199.02:48:05.4775807", "1h"];
            prop_oneof![proptest::sample::select(some.map(|s| json!(s)).to_vec()), null].boxed()
        }
        ColumnType::Dynamic => {
            let leaf = prop_oneof![text(), whole(), Just(json!(1.5)), Just(Value::Null), Just(json!(true))];
            leaf.prop_recursive(2, 8, 4, |inner| {
                prop_oneof![
                    proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                    proptest::collection::vec((text(), inner), 0..3).prop_map(|pairs| {
                        pairs.into_iter().map(|(k, v)| (k.as_str().unwrap_or("").to_owned(), v)).collect()
                    }),
                ]
            })
            .boxed()
        }
    }
}

/// `PARALLAX_CASES=1000` looks longer.
fn cases() -> u32 {
    std::env::var("PARALLAX_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

#[test]
fn no_function_panics() {
    let config = Config { cases: cases(), rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() };
    let mut wrong = Vec::new();
    for udf in kql::all() {
        let name = udf.name();
        // They make the million elements that are asked for: right, and slow.
        if name.starts_with("kql_range_") || name == "kql_repeat" {
            continue;
        }
        let Some(declared) = kql::declared(name) else { continue };
        let least = declared.params.iter().filter(|p| !p.optional && !p.variadic).count();
        let most = declared.params.len() + if declared.params.last().is_some_and(|p| p.variadic) { 2 } else { 0 };
        let args = (least..=most).prop_flat_map(move |n| {
            (0..n)
                .map(|i| declared.param(i).map_or_else(|| Just(Value::Null).boxed(), |p| value(p.ty)))
                .collect::<Vec<_>>()
        });
        let mut runner = TestRunner::new(config.clone());
        runner
            .run(&args, |args| {
                let whole = call(name, &args, Shape::Constants);
                let rows = call(name, &args, Shape::Columns);
                match (&whole, &rows) {
                    (Err(_), Err(_)) => {}
                    _ => prop_assert_eq!(&whole, &rows, "{} {:?}", name, args),
                }
                Ok(())
            })
            .unwrap_or_else(|e| wrong.push(format!("{name}: {e}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
