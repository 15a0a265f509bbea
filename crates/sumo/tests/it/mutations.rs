//! Broken queries are refused, never a panic; what parses prints back to the same tree.

use crate::corpus::published;
use crate::support::{Messages, context};
use parallax_sumo::plan;
use parallax_sumo::syntax::{parse, print};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A small generator with a fixed seed, so that a failure comes back.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

const PIECES: [&str; 40] = [
    "|",
    "\"",
    "(",
    ")",
    "*",
    " as ",
    " by ",
    "\\",
    "/",
    "%\"",
    "{{",
    "}}",
    "[",
    "]",
    ",",
    "=",
    "!",
    " not ",
    " and ",
    " or ",
    "?",
    ":",
    "//",
    "/*",
    " in ",
    " nodrop",
    " field=",
    "1",
    "5m",
    "é",
    "\u{0}",
    "\n",
    "| where ",
    "| count by ",
    "| parse ",
    "| if(",
    "-",
    "+",
    "[subquery: ",
    "%",
];

fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(chars.len() + 1);
        match dice.roll(4) {
            0 => drop(chars.drain(at..(at + dice.roll(12)).min(chars.len()))),
            1 => drop(chars.splice(at..at, PIECES[dice.roll(PIECES.len())].chars())),
            2 => {
                let to = (at + dice.roll(40)).min(chars.len());
                let copy: Vec<char> = chars[at..to].to_vec();
                let into = dice.roll(chars.len() + 1);
                chars.splice(into..into, copy);
            }
            _ => chars.truncate(chars.len() - dice.roll(chars.len() / 4 + 1)),
        }
    }
    chars.into_iter().collect()
}

fn survives(text: &str, messages: &Messages, planned: bool) {
    let Ok(tree) = parse(text) else { return };
    let printed = print(&tree.query);
    match parse(&printed) {
        Ok(again) => assert!(again.query == tree.query, "printed as\n{printed}\nfrom\n{text}"),
        Err(e) => panic!("printed as\n{printed}\nwhich is refused: {e}\nfrom\n{text}"),
    }
    if planned {
        let _ = plan(&tree, messages, &context());
    }
}

#[test]
fn mutated_queries_are_parsed_or_refused() {
    let messages = Messages::new(&[]);
    let mut dice = Dice(20_251_121);
    let own = include_str!("../cases/published.toml");
    let seeds: Vec<String> = own.split("'''").map(str::to_owned).chain(SEEDS.iter().map(|s| (*s).to_owned())).collect();
    for round in 0..1500 {
        let text = mutate(&seeds[dice.roll(seeds.len())], &mut dice);
        survives(&text, &messages, round % 10 == 0);
    }
}

#[test]
fn mutated_published_queries_are_parsed_or_refused() {
    let Some(queries) = published() else { return };
    let messages = Messages::new(&[]);
    let mut dice = Dice(1059);
    for round in 0..4000 {
        let text = mutate(&queries[dice.roll(queries.len())].1, &mut dice);
        survives(&text, &messages, round % 50 == 0);
    }
}

/// More rounds, each of them planned, where `PARALLAX_MUTATIONS` says how many.
#[test]
fn many_mutated_queries_are_planned_or_refused() {
    let Some(rounds) = std::env::var("PARALLAX_MUTATIONS").ok().and_then(|n| n.parse().ok()) else {
        eprintln!("skipped: PARALLAX_MUTATIONS is not set");
        return;
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut seeds: Vec<String> = SEEDS.iter().map(|s| (*s).to_owned()).collect();
    for entry in std::fs::read_dir(folder).expect("the cases") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("a case file");
        let file: toml::Table = text.parse().expect("a case file");
        let cases = file.get("case").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        seeds.extend(cases.iter().filter_map(|c| Some(c.get("query")?.as_str()?.to_owned())));
    }
    let messages = Messages::new(&[serde_json::json!("a=1 b=2 {\"x\": [1]}")]);
    let mut dice = Dice(314);
    for _ in 0..rounds {
        let text = mutate(&seeds[dice.roll(seeds.len())], &mut dice);
        let start = std::time::Instant::now();
        let tree = parse(&text);
        let _ = tree.as_ref().map(|tree| plan(tree, &messages, &context()));
        assert!(start.elapsed().as_secs() < 5, "slow: {text}");
        survives(&text, &messages, false);
    }
}

const SEEDS: [&str; 20] = [
    "(error OR \"fatal error\") NOT debug _sourceCategory=*web* status in (a, \"b c\") | count by a, b | sort by _count asc | limit 5",
    "* | parse regex field=x \"(?<a>\\d+)\\\"(?<b>.*)\" multi nodrop | where a in (\"1\", \"2\") and !(b matches /x\\/y/) | fields - a",
    "* | json \"a.b[0]\", \"c\" as x, y nodrop | json auto maxdepth 2 | keyvalue infer \"k\" as z | csv _raw extract 1 as p, 3 as q",
    "* | timeslice 5m | count, sum(x) as s, pct(y, 50, 99) by _timeslice, host | transpose row _timeslice column host as a, b",
    "* | a > 1 and b < 2 ? \"x\" : \"y\" as z | -a * (b + 2) / 3 % 4 as n | num(n) | eval q = if(isNull(a), null, 1.5K)",
    "* | join (where a=1) as t, (parse \"*=*\" as k, v | count by k) as u on t.a = u.k and t.b = u.v timewindow 5m | fields t_a",
    "* | lookup a as b, c from path://\"/Library/x y/t\" on k=key, l=m | fillmissing values(\"a\") in t, timeslice(1h) with -1 for _count",
    "* | accum x as y by z | backshift x, 3 | rollingstd x 5 | total x | diff y by z as d | smooth x | dedup consecutive 2 by a",
    "[subquery from=(-1h): error | count by ip | compose ip maxresults=5 keywords] | where [subquery: x | compose a]",
    "* | transactionize a (merge a takeFirst, b join with \",\") | outlier _count window=5,threshold=3 | save shared/x",
    "* | top 10 a, b by c desc, d asc | topk(3, x) by y | filter u in (count by u | limit 2) | withtime x | bin y width=5",
    "%\"odd name\"=1 !x ${var.y} {{z}} <14> | parse xml \"/a/b[1]/@c\" as d | split x delim=':' extract 1 as a, _, b {{more}}",
    "* | transaction on a, b fringe=10m with \"*x*\" in f as s, with states t as u, %\"v w\" in g results by states showing sum(n) for s as k, count",
    "* | transactionize a, b as t maxSpan=5m, maxPause = 1s maxlogs=3 startsWith=\"x\";strict endsWith=\"y\" keepOrphans=false (where a = 1 | merge)",
    "* | sessionize \"a=*;\" as (a), (\"b=$a c=*\") as (c) | trace + \"id=(\\d+)\" \"7\" | predict _count by 5m model=ar, ar.window=3",
    "cat path://\"/Library/a b\" | where lookupContains(path://\"/Library/c\", x=y AND z=w) | geoip ip, region | threatlookup singleIndicator source=\"s\" ip",
    "`source` | `of(a, b)` | json auto maxdepth 2 extractarrays | keyvalue auto delim \":\" | kv regex \"=(.*?),\" a, b | count_frequent a, b",
    "* | parse regex \"(?<a>(?!x)\\w+)(?<=y)\\1\" multi | fillmissing timeslice, values all in a takeLast | save append path://\"/Library/a\" | bin x width=1, min=-2",
    "* | join (parse = \"x\" as a | count by a) as t, (values ? 1 : 2 as b) as u on t.a = u.b | save /shared/my/x",
    "* | filter a in (first = 1 or extract > 2 as c | save / 2 as d | save \"append\") | cat my/own | join (fields / 2 * 3 as x) as t on t.x = u.x",
];

#[test]
fn size_is_limited_by_name() {
    let deep = format!("* | where {}x{}", "(".repeat(1000), ")".repeat(1000));
    let negated = format!("* | where {}x", "!".repeat(1000));
    let long = format!("* {}", "| where x = 1 ".repeat(1000));
    let chain = format!("* | where {} > 1", ["x"; 1000].join(" + "));
    let nested = format!("{}x{}", "(".repeat(1000), ")".repeat(1000));
    let conditional = format!("* | {}1 as y", "x ? 1 : ".repeat(1000));
    let words = "word ".repeat(100_000);
    let terms = format!("* | where {}", vec!["x = 1"; 100_000].join(" or "));
    let huge = "x".repeat(2 << 20);
    for text in [deep, negated, long, chain, nested, conditional, words, terms, huge] {
        let error = parse(&text).expect_err("it is too large");
        assert_eq!(error.0[0].code, "SUMO0004", "{error}");
    }
}

#[test]
fn the_largest_queries_are_planned_and_run() {
    let messages = Messages::new(&[serde_json::json!({ "x": "7" })]);
    let wide = format!("* | where {}", (0..5000).map(|i| format!("x = \"{i}\"")).collect::<Vec<_>>().join(" or "));
    let long = format!("* {}", (0..120).map(|i| format!("| parse field=x \"*\" as f{i} nodrop ")).collect::<String>());
    let deep = format!("* | where {}x = 7{}", "(".repeat(29), ")".repeat(29));
    let calls = format!("* | where {}x{} = 7", "if(x = 7, ".repeat(29), ", 1)".repeat(29));
    let chain = format!("* | where {} = 700", ["x"; 100].join(" + "));
    let tall = format!(
        "* {}",
        (0..60)
            .map(|i| format!("| where x != \"a{i}\" | concat(x, \"\") as x | num(x) as n{i} | n{i} + 0 as x "))
            .collect::<String>()
    );
    for text in [wide, long, deep, calls, chain, tall] {
        let tree = parse(&text).expect("it parses");
        let planned = plan(&tree, &messages, &context()).expect("it plans");
        let answer = crate::support::run(&planned).expect("it runs");
        assert_eq!(answer.rows.len(), 1);
    }
}

/// Ten times the text takes about ten times the time: quadratic scanning would take a hundred times as long. What else
/// the machine does makes a run longer and never shorter, so the shortest of several counts.
#[test]
fn parsing_is_linear() {
    let text = |n: usize| format!("a {} | where x = \"{}\"", "word=value* ".repeat(n / 4), "y".repeat(n));
    let time = |n: usize| {
        let text = text(n);
        let start = std::time::Instant::now();
        parse(&text).expect("it parses");
        start.elapsed().as_secs_f64()
    };
    time(1000);
    let (mut small, mut large) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..40 {
        (small, large) = (small.min(time(5_000)), large.min(time(50_000)));
        if large < small * 30.0 {
            return;
        }
    }
    panic!("{small} s and {large} s");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, rng_seed: RngSeed::Fixed(1059), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in "[ -~\\n\u{e9}]{0,80}") {
        survives(&text, &Messages::new(&[]), false);
        survives(&format!("* | {text}"), &Messages::new(&[]), false);
        survives(&format!("* | where {text}"), &Messages::new(&[]), false);
    }

    #[test]
    fn strings_print_back(text in "\\PC{0,40}") {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        survives(&format!("\"{quoted}\" | where a = \"{quoted}\" | parse \"{quoted}*\" as b"), &Messages::new(&[]), false);
    }
}
