//! The matrix: a line a case, a sign a detection.

use crate::output::text::width;
use parallax_detect::Pack;
use parallax_detect::pack::{Case, CaseKind, Outcome};
use parallax_detect::test::{Actual, CaseResult, DetectionResult};
use std::io::{self, Write};

const LEGEND: &str =
    "+ fires   - finds nothing   o known miss   f known false positive   . not applicable   ! not as expected";

/// The detections that ran, each with the letter of its column.
struct Columns<'a> {
    pack: &'a Pack,
    detections: Vec<(usize, String)>,
}

pub(super) fn write(pack: &Pack, cases: &[&Case], results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {} - {}\n", pack.id, pack.version, pack.title)?;
    let columns = Columns { pack, detections: letters(pack, results) };
    columns.legend(out)?;
    let names = cases.iter().map(|c| width(&c.id)).max().unwrap_or(0).max(24) + 2;
    let mut groups: Vec<(CaseKind, String, Vec<usize>)> = Vec::new();
    for (at, (case, result)) in cases.iter().zip(results).enumerate() {
        let source = match result.formats.is_empty() {
            true => "no telemetry".to_owned(),
            false => result.formats.join(" + "),
        };
        match groups.iter_mut().find(|(kind, s, _)| *kind == case.kind && *s == source) {
            Some((.., members)) => members.push(at),
            None => groups.push((case.kind, source, vec![at])),
        }
    }
    // Attacks first; sources in the order of their first case.
    groups.sort_by_key(|(kind, ..)| *kind != CaseKind::Attack);
    for (kind, source, members) in &groups {
        let title = format!("{kind}, {source}");
        writeln!(out, "{title}{}  signals  {}", " ".repeat(names.saturating_sub(width(&title))), columns.head())?;
        for at in members {
            columns.line(cases[*at], &results[*at], names, out)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{LEGEND}\n")
}

/// The detections that ran, each with the letter of its column.
pub(super) fn letters(pack: &Pack, results: &[CaseResult]) -> Vec<(usize, String)> {
    let ran = |i: &usize| results.iter().flat_map(|r| &r.detections).any(|d| d.index == *i);
    (0..pack.detections.len()).filter(ran).enumerate().map(|(n, i)| (i, letter(n))).collect()
}

fn letter(n: usize) -> String {
    let letters = ('a'..='z').chain('A'..='Z');
    letters.clone().nth(n).map_or_else(|| (n - letters.count() + 1).to_string(), String::from)
}

impl Columns<'_> {
    fn legend(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = || self.detections.iter().map(|(i, letter)| (letter, &self.pack.detections[*i]));
        let ids = all().map(|(_, d)| width(&d.id)).max().unwrap_or(0);
        for (letter, d) in all() {
            let role = d.role.map_or("", |r| r.word());
            let behaviour = d.behaviour.as_deref().unwrap_or_default();
            let pad = " ".repeat(ids - width(&d.id));
            let line = format!("  {letter:>2}  {}{pad}  {:<5}  {role:<9}  {behaviour}", d.id, d.dialect);
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)
    }

    /// Cells, with a wider gap between detections of different roles or behaviours.
    fn cells(&self, cell: impl Fn(usize, &str) -> String) -> String {
        let wide = self.detections.iter().map(|(_, letter)| letter.len()).max().unwrap_or(1);
        let mut text = String::new();
        let mut last = None;
        for (i, letter) in &self.detections {
            let d = &self.pack.detections[*i];
            let group = Some((d.role, d.behaviour.as_deref()));
            match last {
                None => {}
                Some(_) if last == Some(group) => text.push(' '),
                Some(_) => text.push_str("   "),
            }
            last = Some(group);
            text.push_str(&format!("{:>wide$}", cell(*i, letter)));
        }
        text
    }

    fn head(&self) -> String {
        self.cells(|_, letter| letter.to_owned())
    }

    fn line(&self, case: &Case, result: &CaseResult, names: usize, out: &mut dyn Write) -> io::Result<()> {
        let good = result.signals.iter().filter(|s| s.holds).count();
        let signals = match result.signals.len() {
            0 => "-".to_owned(),
            n if good == n => format!("{good}/{n}"),
            n => format!("{good}/{n} !"),
        };
        let sign = |i| result.detections.iter().find(|d| d.index == i).map_or(' ', sign);
        let cells = self.cells(|i, _| sign(i).to_string());
        let pad = " ".repeat(names.saturating_sub(width(&case.id) + 2));
        let trouble = match (&result.failure, result.reading.damaged) {
            (None, 0) => "",
            _ => "  ! telemetry",
        };
        writeln!(out, "{}", format!("  {}{pad}  {signals:<7}  {cells}{trouble}", case.id).trim_end())
    }
}

/// What happened, in one sign.
fn sign(d: &DetectionResult) -> char {
    if !d.holds {
        return '!';
    }
    match (&d.actual, d.expected) {
        (Actual::NotApplicable, _) => '.',
        (Actual::Found(0), Some(Outcome::Misses)) => 'o',
        (Actual::Found(0), _) => '-',
        (Actual::Found(_), Some(Outcome::FalsePositive(_))) => 'f',
        (Actual::Found(_), _) => '+',
        (Actual::Failed(_), _) => '!',
    }
}
