//! Texts that are made to hang or to crash a reader are refused, or read, in little time.

use parallax_sigma::{Options, read};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn rule(detection: &str) -> String {
    format!("title: T\nlogsource:\n  category: process_creation\ndetection:\n{detection}")
}

/// Reads it in a thread with the stack of a test, and gives the codes.
fn codes(text: &str) -> Vec<&'static str> {
    let began = Instant::now();
    let read = read(text, &Options::default());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?} for {} bytes", text.len());
    read.diagnostics.iter().map(|d| d.code).collect()
}

fn with_condition(condition: &str) -> Vec<&'static str> {
    codes(&rule(&format!("  a:\n    A: 1\n  b:\n    B: 1\n  condition: {condition}\n")))
}

#[test]
fn deep_conditions() {
    let deep = |n: usize| format!("{}a{} and b", "(".repeat(n), ")".repeat(n));
    assert_eq!(with_condition(&deep(50)), [] as [&str; 0]);
    for n in [100, 1000, 100_000] {
        assert_eq!(with_condition(&deep(n)), ["SIGMA0405"], "{n}");
    }
    assert_eq!(with_condition(&format!("{}a and b", "not ".repeat(50))), [] as [&str; 0]);
    assert_eq!(with_condition(&format!("{}a and b", "not ".repeat(100_000))), ["SIGMA0405"]);
    assert_eq!(with_condition(&format!("{}a and b", "(not ".repeat(50_000))), ["SIGMA0405"]);
    assert_eq!(with_condition(&format!("a and {}", "(".repeat(40))), ["SIGMA0401"]);
}

#[test]
fn long_conditions() {
    assert_eq!(with_condition(&vec!["a"; 900].join(" and b or ")), [] as [&str; 0]);
    assert_eq!(with_condition(&vec!["a"; 100_000].join(" or ")), ["SIGMA0405"]);
    let names = |n: usize| {
        (0..n).fold(String::new(), |mut out, i| {
            let _ = writeln!(out, "  s{i}:\n    A: {i}");
            out
        })
    };
    assert_eq!(codes(&rule(&format!("{}  condition: 15 of s*\n", names(30)))), ["SIGMA0405"]);
    assert_eq!(codes(&rule(&format!("{}  condition: 1 of s*\n", names(20_000)))), [] as [&str; 0]);
}

#[test]
fn what_a_condition_repeats() {
    let values = "      - x\n".repeat(5000);
    let text = rule(&format!("  a:\n    A:\n{values}  condition: {}\n", vec!["a"; 1000].join(" or ")));
    assert_eq!(codes(&text), ["SIGMA0405"]);
}

#[test]
fn deep_and_large_yaml() {
    assert_eq!(codes(&format!("title: {}x", "[".repeat(100_000))), ["SIGMA0101"]);
    let deep: String = (0..1000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert_eq!(codes(&deep), ["SIGMA0102"]);
    assert_eq!(codes(&rule(&format!("  a: {}1{}\n  condition: a\n", "[".repeat(50), "]".repeat(50)))), [] as [&str; 0]);
    let many = "      - x\n".repeat(100_000);
    assert_eq!(codes(&rule(&format!("  a:\n    A:\n{many}  condition: a\n"))), [] as [&str; 0]);
    assert_eq!(codes(&rule(&format!("  a:\n    A: '{}'\n  condition: a\n", "*a".repeat(500_000)))), [] as [&str; 0]);
}

#[test]
fn aliases_of_aliases() {
    let mut text = String::from("title: T\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n");
    for i in 1..30 {
        let before = vec![format!("*x{}", i - 1); 10].join(", ");
        let _ = writeln!(text, "x{i}: &x{i} [{before}]");
    }
    assert_eq!(codes(&text), ["SIGMA0102"]);
    let mut chain = String::from("title: T\nx0: &x0 [a]\n");
    for i in 1..5000 {
        let _ = writeln!(chain, "x{i}: &x{i} [*x{}]", i - 1);
    }
    assert_eq!(codes(&chain), ["SIGMA0102"]);
    assert_eq!(codes("title: T\na: &a [*a]\n").len(), 1);
}

#[test]
fn values_that_multiply() {
    let dashes = "-a ".repeat(10_000);
    assert_eq!(codes(&rule(&format!("  a:\n    A|windash: '{dashes}'\n  condition: a\n"))), ["SIGMA0309"]);
    let regex = format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(codes(&rule(&format!("  a:\n    A|re: '{regex}'\n  condition: a\n"))), ["SIGMA0311"]);
    let chain = "|base64".repeat(140);
    assert_eq!(codes(&rule(&format!("  a:\n    A{chain}: 'x'\n  condition: a\n"))), ["SIGMA0309"]);
}

#[test]
fn documents_without_end() {
    assert!(codes(&"---\ntitle: T\n".repeat(20_000)).len() >= 20_000);
    assert_eq!(
        codes("\u{feff}title: T\r\nlogsource: {product: x}\r\ndetection: {a: {A: 1}, condition: a}\r\n"),
        [] as [&str; 0]
    );
    assert_eq!(codes(""), ["SIGMA0105"]);
    assert_eq!(codes("\0").len(), 1);
}
