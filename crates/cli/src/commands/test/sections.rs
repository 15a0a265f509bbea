//! What stands below the matrix: declared reasons, agreement, coverage, signals, failures.

use crate::output::text::{cut, safe, width};
use crate::policy::Talk;
use crate::say;
use parallax_detect::Pack;
use parallax_detect::pack::{Case, Outcome, Role};
use parallax_detect::test::{self as tests, Agreement, CaseResult, Group, Missing, Tally, agreements};
use parallax_engine::value::datetime;
use std::io::{self, Write};

/// Cells of a command line.
const COMMAND: usize = 72;
/// Cells of a line of short texts.
const LINE: usize = 96;
/// Names that are listed before "and n more"; `-v` lists all.
const NAMES: usize = 3;

/// Known misses and false positives, with what was said of them: the same reason once.
pub(super) fn declared(pack: &Pack, results: &[CaseResult], talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    let mut reasons: Vec<(usize, &str, &str, Vec<&str>)> = Vec::new();
    for result in results {
        for d in result.detections.iter().filter(|d| d.holds && !d.reason.is_empty()) {
            let word = d.expected.map_or("", Outcome::word);
            match reasons.iter_mut().find(|(i, w, r, _)| (*i, *w, *r) == (d.index, word, d.reason.as_str())) {
                Some((.., cases)) => cases.push(&result.case),
                None => reasons.push((d.index, word, &d.reason, vec![&result.case])),
            }
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    reasons.sort_by_key(|(i, ..)| *i);
    writeln!(out, "declared")?;
    for (i, word, reason, cases) in reasons {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "  {} {word}: {}", pack.detections[i].id, safe(&reason))?;
        writeln!(out, "      {}", names(&cases, talk))?;
    }
    writeln!(out)
}

fn names(all: &[&str], talk: Talk) -> String {
    let shown = if talk.verbose { all.len() } else { NAMES };
    let more = all.len().saturating_sub(shown);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.iter().take(shown).copied().collect::<Vec<_>>().join(", "))
}

/// What one detection of a behaviour sees and another does not.
pub(super) fn agreement(pack: &Pack, results: &[CaseResult], talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    let all = agreements(pack, results);
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "agreement between dialects (events of all cases)")?;
    for a in &all {
        agreed(pack, a, talk, out)?;
    }
    writeln!(out)
}

fn agreed(pack: &Pack, a: &Agreement, talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    let role = a.role.map_or_else(String::new, |r| format!(" ({r})"));
    let part = (a.agreed * 100).checked_div(a.seen).map_or_else(String::new, |p| format!(" ({p} %)"));
    writeln!(out, "  {}{role}: all see {} of {} events{part}", a.behaviour, a.agreed, a.seen)?;
    let counts: Vec<String> = a.detections.iter().map(|d| format!("{} {}", d.detection, d.events)).collect();
    writeln!(out, "    {}", counts.join(", "))?;
    if a.eventless > 0 {
        let findings = say::count(a.eventless, "finding stands", "findings stand");
        writeln!(
            out,
            "    {findings} for no single event, and {} not compared",
            if a.eventless == 1 { "is" } else { "are" }
        )?;
    }
    for index in pack.detections.iter().enumerate().map(|(i, _)| i) {
        let missing: Vec<&Missing> = a.missing.iter().filter(|m| m.index == index).collect();
        if !missing.is_empty() {
            unseen(&pack.detections[index].id, &missing, talk, out)?;
        }
    }
    Ok(())
}

/// The events that a detection does not see, by the reason.
fn unseen(detection: &str, missing: &[&Missing], talk: Talk, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "    {detection} does not see {}", say::count(missing.len(), "event", "events"))?;
    let mut reasons: Vec<(Option<tests::Why>, Vec<&Missing>)> = Vec::new();
    for m in missing {
        let kind = m.why.as_ref().map(tests::Why::kind);
        match reasons.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, members)) => members.push(m),
            None => reasons.push((kind, vec![m])),
        }
    }
    // What is not explained comes last.
    reasons.sort_by_key(|(kind, _)| kind.is_none());
    for (_, members) in &reasons {
        let Some(first) = members.first() else { continue };
        let why = first.why.as_ref().map_or_else(|| "(more events of these cases)".to_owned(), tests::Why::sentence);
        writeln!(out, "      {}: {}", say::count(members.len(), "event", "events"), safe(&why))?;
        let shown = if talk.verbose { members.len() } else { 1 };
        for m in members.iter().take(shown) {
            let seen_by = m.seen_by.join(", ");
            writeln!(out, "        {} {}  (seen by {seen_by})", m.case, event(m))?;
        }
    }
    Ok(())
}

fn event(m: &Missing) -> String {
    let e = &m.event;
    let time = e.time.map_or_else(|| "no time".to_owned(), datetime);
    let host = e.host.as_deref().unwrap_or("no host");
    let pid = e.process_id.map_or_else(String::new, |p| format!(" pid {p}"));
    let what = e.command_line.as_deref().or(e.image.as_deref()).unwrap_or_default();
    let place = e.record.map_or_else(String::new, |r| format!(" @{r}"));
    format!("{time} {}{pid} `{}`{place}", safe(host), cut(&safe(what), COMMAND))
}

/// Which hostile cases are caught.
pub(super) fn coverage(pack: &Pack, cases: &[&Case], results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    let c = tests::coverage(pack, cases, results);
    if c.methods.is_empty() || c.groups.is_empty() {
        return Ok(());
    }
    let letters = super::matrix::letters(pack, results);
    let name = |g: &Group| match (g.role, &g.dialect) {
        (Some(role), None) => role.word().to_owned(),
        (None, None) => "caught".to_owned(),
        (_, Some(dialect)) => dialect.clone(),
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut head = vec!["evasion coverage (hostile cases)".to_owned()];
    head.extend(c.groups.iter().map(name));
    head.push("caught by".to_owned());
    rows.push(head);
    let share = |t: &Tally| format!("{}/{}", t.caught, t.cases);
    for m in &c.methods {
        let mut row = vec![format!("  {}", cut(&safe(&m.name), 48))];
        row.extend(m.caught.iter().map(share));
        let by = letters.iter().filter(|(i, _)| m.by.contains(&pack.detections[*i].id)).map(|(_, l)| l.as_str());
        row.push(if m.by.is_empty() { "nobody".to_owned() } else { by.collect::<Vec<_>>().join(" ") });
        rows.push(row);
    }
    let mut total = vec!["  all".to_owned()];
    total.extend(c.total.iter().map(|t| format!("{} {}%", share(t), t.percent())));
    total.push(String::new());
    rows.push(total);
    lines(&rows, out)?;
    for role in [Some(Role::Published), Some(Role::Hardened), None] {
        let mine = c.detections.iter().filter(|(id, _)| pack.detection(id).is_some_and(|d| d.role == role));
        let each: Vec<String> = mine.map(|(id, t)| format!("{id} {} ({} %)", share(t), t.percent())).collect();
        wrapped(&each, out)?;
    }
    writeln!(out)
}

/// Texts with commas between them, in lines that fit.
fn wrapped(texts: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (at, text) in texts.iter().enumerate() {
        let text = if at + 1 < texts.len() { format!("{text},") } else { text.clone() };
        if !line.is_empty() && width(&line) + width(&text) >= LINE {
            writeln!(out, " {line}")?;
            line.clear();
        }
        line.push(' ');
        line.push_str(&text);
    }
    if line.is_empty() { Ok(()) } else { writeln!(out, " {line}") }
}

fn lines(rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(|i| rows.iter().map(|r| width(&r[i])).max().unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell}{}", " ".repeat(w - width(cell))));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// How many of the expected signals are there.
pub(super) fn signals(results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    let all = results.iter().flat_map(|r| &r.signals);
    let (n, good) = all.fold((0, 0), |(n, good), s| (n + 1, good + usize::from(s.holds)));
    if n > 0 {
        writeln!(out, "expected signals: {good} of {n} as expected\n")?;
    }
    Ok(())
}

/// What is not as expected, with reasons.
pub(super) fn failures(pack: &Pack, results: &[CaseResult], out: &mut dyn Write) -> io::Result<()> {
    for result in results.iter().filter(|r| !r.holds()) {
        writeln!(out, "{}/{}:", pack.id, result.case)?;
        if let Some(failure) = &result.failure {
            writeln!(out, "  {}", safe(failure))?;
        }
        for damage in &result.reading.damages {
            writeln!(out, "  could not be read: {}: {}", safe(&damage.file), safe(&damage.reason))?;
        }
        for s in result.signals.iter().filter(|s| !s.holds) {
            let found = match &s.found {
                Ok(n) => say::count(*n, "row", "rows"),
                Err(e) => e.clone(),
            };
            writeln!(out, "  signal `{}`: {} expected, found {found}", s.title, s.wanted)?;
        }
        for d in result.detections.iter().filter(|d| !d.holds) {
            writeln!(
                out,
                "  {}: {} expected, {}",
                d.detection,
                d.expected.map_or_else(String::new, Outcome::sentence),
                d.actual.sentence()
            )?;
            for e in d.events.iter().take(NAMES) {
                let what =
                    e.command_line.as_deref().or(e.image.as_deref()).unwrap_or("an event without a command line");
                writeln!(out, "    {}", cut(&safe(what), COMMAND))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
