//! The results as JUnit XML, in the form that Jenkins, GitLab and Surefire's schema take: a suite a case, a test for its
//! telemetry, for each signal, and for each detection.

use super::case::CaseResult;
use crate::pack::{Case, Outcome, Pack};
use std::fmt::Write as _;
use std::time::Duration;

/// One test of a suite.
struct Test {
    name: String,
    class: String,
    took: Duration,
    /// Why it failed: in short, and whole.
    failure: Option<(String, String)>,
}

/// The results of packs as one document.
pub fn junit(all: &[(&Pack, &[&Case], &[CaseResult])]) -> String {
    let mut suites = Vec::new();
    for (pack, cases, results) in all {
        for (case, result) in cases.iter().zip(*results) {
            suites.push((format!("{}.{}", pack.id, case.id), result.took, tests(pack, case, result)));
        }
    }
    let count = |tests: &[Test]| (tests.len(), tests.iter().filter(|t| t.failure.is_some()).count());
    let (total, failed) = suites.iter().fold((0, 0), |(n, f), (_, _, tests)| {
        let (m, g) = count(tests);
        (n + m, f + g)
    });
    let took: Duration = suites.iter().map(|(_, took, _)| *took).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"parallax\" tests=\"{total}\" failures=\"{failed}\" errors=\"0\" time=\"{}\">",
        seconds(took)
    );
    for (name, took, tests) in &suites {
        let (n, f) = count(tests);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{n}\" failures=\"{f}\" errors=\"0\" skipped=\"0\" time=\"{}\">",
            escaped(name),
            seconds(*took)
        );
        for test in tests {
            one(&mut out, test);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn one(out: &mut String, test: &Test) {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
        escaped(&test.name),
        escaped(&test.class),
        seconds(test.took)
    );
    let _ = match &test.failure {
        None => writeln!(out, "{head}/>"),
        Some((short, whole)) => writeln!(
            out,
            "{head}>\n      <failure message=\"{}\" type=\"expectation\">{}</failure>\n    </testcase>",
            escaped(short),
            escaped(whole)
        ),
    };
}

fn tests(pack: &Pack, case: &Case, result: &CaseResult) -> Vec<Test> {
    let class = format!("{}.{}", pack.id, case.id);
    let test = |name: String, took, failure| Test { name, class: class.clone(), took, failure };
    let mut all = Vec::new();
    let unread: Vec<String> = result.reading.damages.iter().map(|d| format!("{}: {}", d.file, d.reason)).collect();
    let read = match &result.failure {
        Some(why) => Some((why.clone(), why.clone())),
        None if result.reading.damaged > 0 => Some(("telemetry could not be read".to_owned(), unread.join("\n"))),
        None => None,
    };
    all.push(test("telemetry".to_owned(), Duration::ZERO, read));
    for s in &result.signals {
        let failure = (!s.holds).then(|| {
            let found = match &s.found {
                Ok(n) => format!("found {n}"),
                Err(e) => format!("failed: {e}"),
            };
            let text = format!("{} expected, {found}", s.wanted);
            (text.clone(), text)
        });
        all.push(test(format!("signal: {}", s.title), Duration::ZERO, failure));
    }
    for d in &result.detections {
        let failure = (!d.holds).then(|| {
            let text =
                format!("{} expected, {}", d.expected.map_or_else(String::new, Outcome::sentence), d.actual.sentence());
            let seen = d.events.iter().take(5).filter_map(|e| e.command_line.as_deref().or(e.image.as_deref()));
            let whole = std::iter::once(text.as_str()).chain(seen).collect::<Vec<_>>().join("\n");
            (text, whole)
        });
        all.push(test(d.detection.clone(), d.took, failure));
    }
    all
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// Text for XML 1.0, in an attribute or between tags: characters that it can't hold are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // An attribute would lose them.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{20}'..='\u{7e}' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                out.push(c);
            }
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(
            escaped("a]]><b c=\"'&\u{0}\u{1b}\u{ffff}\n"),
            "a]]&gt;&lt;b c=&quot;&apos;&amp;\u{fffd}\u{fffd}\u{fffd}&#10;"
        );
    }
}
