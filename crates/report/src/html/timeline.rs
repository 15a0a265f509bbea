//! When things were found: a column for each piece of time, and a row for each detection.

use super::{Places, grouped, instant, millis, text};
use crate::model::Document;
use maud::{Markup, html};
use parallax_detect::pack::Severity;
use std::collections::BTreeMap;

const WIDTH: f64 = 1160.0;
const LEFT: f64 = 290.0;
const BARS: f64 = 110.0;
const ROW: f64 = 20.0;
/// The most columns, and the most detections with a row of their own.
const COLUMNS: i64 = 96;
const ROWS: usize = 12;

/// Ticks of 100 ns.
const SECOND: i64 = 10_000_000;

/// Lengths of time that people count in, in seconds.
const STEPS: [i64; 27] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
    31_536_000,
    63_072_000,
    157_680_000,
    315_360_000,
];

struct Column {
    from: i64,
    by: BTreeMap<Severity, usize>,
    all: usize,
    rules: BTreeMap<u32, (usize, Severity)>,
}

/// The section; nothing where nothing has a time.
pub(super) fn timeline(document: &Document, places: &Places<'_>) -> Markup {
    let totals = &document.totals;
    let Some((first, last)) = totals.range() else { return html! { div #timeline {} } };
    let step = step(last - first, COLUMNS);
    let start = first.div_euclid(step) * step;
    let count = (last - start).div_euclid(step) + 1;
    let mut columns: Vec<Column> = (0..count)
        .map(|n| Column { from: start + n * step, by: BTreeMap::new(), all: 0, rules: BTreeMap::new() })
        .collect();
    for (time, severity, rule) in &totals.times {
        let at = usize::try_from((time - start).div_euclid(step)).unwrap_or(0);
        if let Some(column) = columns.get_mut(at) {
            column.all += 1;
            *column.by.entry(*severity).or_default() += 1;
            let row = column.rules.entry(*rule).or_insert((0, *severity));
            *row = (row.0 + 1, row.1.max(*severity));
        }
    }
    let most = columns.iter().map(|c| c.all).max().unwrap_or(1).max(1);
    let mut rules: Vec<u32> = (0..u32::try_from(totals.rule_names.len()).unwrap_or(u32::MAX)).collect();
    let name = |rule: u32| totals.rule_names.get(rule as usize).map_or("", String::as_str);
    rules.sort_by_key(|r| std::cmp::Reverse(totals.rules.get(name(*r)).copied().unwrap_or_default()));
    let left_out = rules.len().saturating_sub(ROWS);
    rules.truncate(ROWS);
    let width = (WIDTH - LEFT) / count as f64;
    let rows_end = BARS + 8.0 + rules.len() as f64 * ROW;
    let height = rows_end + 22.0;
    let x = |n: usize| LEFT + n as f64 * width;
    html! {
        section #timeline {
            h2 { "Timeline" }
            div.card {
                svg role="img" viewBox=(format!("0 0 {WIDTH} {height}"))
                    aria-label=(format!("{} findings from {} to {}, in columns of {}", totals.times.len(), instant(first), instant(last), length(step))) {
                    (scale(most))
                    @for (n, column) in columns.iter().enumerate() {
                        (one(column, x(n), width, most, step, rows_end))
                    }
                    @for (at, rule) in rules.iter().enumerate() {
                        @let y = BARS + 8.0 + at as f64 * ROW;
                        line.axis x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                        text.name x="0" y=(y + 14.0) { title { (text::line(name(*rule))) } (text::short(places.title(name(*rule)), 52)) }
                        @for (n, column) in columns.iter().enumerate() {
                            @if let Some((found, severity)) = column.rules.get(rule) {
                                rect class=(format!("dot {severity}")) x=(x(n) + width * 0.1) y=(y + 5.0)
                                    width=(format!("{:.2}", (width * 0.8).clamp(3.0, 26.0))) height="10" rx="2" {
                                    title { (label(column.from, step)) ": " (grouped(*found)) }
                                }
                            }
                        }
                    }
                    (axis(start, step, count, rows_end))
                }
                p.dim {
                    "Each column is " (length(step)) "."
                    @if left_out > 0 { " " (grouped(left_out)) " more detections fired." }
                    @if totals.untimed > 0 { " " (grouped(totals.untimed)) " findings are not here: they have no time of their own, or there are too many." }
                }
            }
        }
    }
}

fn scale(most: usize) -> Markup {
    html! {
        line.axis x1=(LEFT) x2=(WIDTH) y1=(BARS) y2=(BARS) {}
        line.axis x1=(LEFT) x2=(WIDTH) y1="10" y2="10" {}
        text x=(LEFT - 8.0) y="14" text-anchor="end" { (grouped(most)) }
        text x=(LEFT - 8.0) y=(BARS) text-anchor="end" { "0" }
    }
}

/// A column: its room, which can be chosen, and a bar of its findings, the worst at the bottom.
fn one(column: &Column, x: f64, width: f64, most: usize, step: i64, height: f64) -> Markup {
    if column.all == 0 {
        return html! {};
    }
    let label = label(column.from, step);
    let mut base = BARS;
    let bar = |(severity, n): (&Severity, &usize)| {
        let high = (*n as f64 / most as f64 * (BARS - 10.0)).max(1.5);
        base -= high;
        (*severity, *n, base, high)
    };
    let bars: Vec<(Severity, usize, f64, f64)> = column.by.iter().rev().map(bar).collect();
    html! {
        g.column data-from=(millis(column.from)) data-to=(millis(column.from + step)) data-label=(label) {
            rect.room x=(format!("{x:.2}")) y="0" width=(format!("{width:.2}")) height=(height) {
                title { (label) ": " (grouped(column.all)) }
            }
            @for (severity, n, base, high) in &bars {
                rect class=(format!("bar {severity}")) x=(format!("{:.2}", x + width * 0.1)) y=(format!("{base:.2}"))
                    width=(format!("{:.2}", (width * 0.8).max(2.0))) height=(format!("{high:.2}")) {
                    title { (label) ": " (grouped(*n)) " " (severity) }
                }
            }
        }
    }
}

/// The times below.
fn axis(start: i64, step: i64, count: i64, y: f64) -> Markup {
    let whole = count * step;
    let apart = self::step(whole, 8);
    let first = start.div_euclid(apart) * apart + if start.rem_euclid(apart) == 0 { 0 } else { apart };
    let marks = (0..12).map(|n| first + n * apart).take_while(|t| *t <= start + whole);
    let mut day = String::new();
    let mark = |time: i64| {
        let full = instant(time);
        let (date, clock) = full.split_once(' ').unwrap_or((full.as_str(), ""));
        let clock = if apart % (60 * SECOND) == 0 { clock.get(..5).unwrap_or(clock) } else { clock };
        // The day is said where it begins.
        let words = match std::mem::replace(&mut day, date.to_owned()) == date {
            _ if apart >= 86_400 * SECOND => date.to_owned(),
            true => clock.to_owned(),
            false => format!("{date} {clock}"),
        };
        (LEFT + (time - start) as f64 / whole as f64 * (WIDTH - LEFT), words)
    };
    let marks: Vec<(f64, String)> = marks.map(mark).collect();
    html! {
        line.axis x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
        @for (x, words) in &marks {
            line.axis x1=(format!("{x:.2}")) x2=(format!("{x:.2}")) y1=(y) y2=(y + 5.0) {}
            text x=(format!("{:.2}", x.min(WIDTH - 90.0))) y=(y + 18.0) { (words) }
        }
    }
}

/// The shortest length of time that people count in of which at most `most` fit.
fn step(range: i64, most: i64) -> i64 {
    let wanted = |seconds: &&i64| range / (**seconds * SECOND) < most;
    STEPS.iter().find(wanted).map_or((range / most).max(1) + 1, |s| s * SECOND)
}

fn label(from: i64, step: i64) -> String {
    let to = instant(from + step);
    let from = instant(from);
    let same = from.get(..10) == to.get(..10);
    format!("{from} to {}", if same { to.get(11..).unwrap_or(&to) } else { &to })
}

/// A length of time in words.
fn length(ticks: i64) -> String {
    let seconds = ticks / SECOND;
    let (n, unit) = match seconds {
        s if s >= 86_400 && s % 86_400 == 0 => (s / 86_400, "day"),
        s if s >= 3600 && s % 3600 == 0 => (s / 3600, "hour"),
        s if s >= 60 && s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_people() {
        assert_eq!(length(step(0, 96)), "1 second");
        assert_eq!(length(step(3600 * SECOND, 96)), "1 minute");
        assert_eq!(length(step(86_400 * SECOND, 96)), "30 minutes");
        assert_eq!(length(step(86_400 * 30 * SECOND, 96)), "12 hours");
        assert!(step(i64::MAX / 2, 96) > 0);
    }
}
