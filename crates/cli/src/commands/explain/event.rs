//! One event on its way through the query, for people.

use super::Text;
use crate::output::text::{cut, safe};
use parallax_engine::{Followed, Part, Place, Role, Shown, StepSeen};
use std::collections::HashSet;
use std::io::{self, Write};

/// Cells of a value; `-v` shows all.
const CELLS: usize = 100;

struct Page<'a> {
    out: &'a mut dyn Write,
    query: &'a Text,
    verbose: bool,
    /// Operands of which this step has told.
    told: HashSet<String>,
}

pub(super) fn write(out: &mut dyn Write, query: &Text, event: &Followed, verbose: bool) -> io::Result<()> {
    let record = event.record().map_or_else(String::new, |r| format!(" at {r}"));
    writeln!(out, "event {}{record}", safe(event.source().unwrap_or("of an unknown source")))?;
    let mut page = Page { out, query, verbose, told: HashSet::new() };
    for (name, value) in &event.about {
        if let Some(value) = value.as_ref().filter(|v| !v.is_empty() && !matches!(*name, "$source" | "$record")) {
            let name = name.trim_start_matches('$').replace('_', " ");
            let value = page.value(value);
            writeln!(page.out, "  {name:<19} {value}")?;
        }
    }
    for (index, step) in event.steps.iter().enumerate() {
        page.step(index + 1, step)?;
    }
    page.end(event)
}

impl Page<'_> {
    fn value(&self, text: &str) -> String {
        let text = safe(text);
        if self.verbose { text.into_owned() } else { cut(&text, CELLS).into_owned() }
    }

    fn shown(&self, value: &Shown) -> String {
        match (&value.text, value.type_name) {
            (None, _) => "null".to_owned(),
            (Some(text), "string") => format!("\"{}\"", self.value(text)),
            (Some(text), _) => self.value(text),
        }
    }

    /// The text of a place, on one line.
    fn snippet(&self, span: parallax_diagnostics::Span) -> String {
        let text = span.of(&self.query.text).split_whitespace().collect::<Vec<_>>().join(" ");
        self.value(&text)
    }

    fn position(&self, span: parallax_diagnostics::Span) -> String {
        let (line, column) = super::json::position(span, &self.query.text);
        format!("{line}:{column}")
    }

    fn step(&mut self, number: usize, step: &StepSeen) -> io::Result<()> {
        self.told.clear();
        let verdict = match step.keeps {
            Some(true) => "  -> goes on",
            Some(false) => "  -> DROPPED HERE",
            None => "",
        };
        let (at, text) = (self.position(step.span), self.snippet(step.span));
        writeln!(self.out, "\nstep {number} at {at}: {text}{verdict}")?;
        for part in &step.parts {
            self.part(part, 1)?;
        }
        for (name, value) in &step.values {
            let value = self.shown(value);
            writeln!(self.out, "  {} := {value}", safe(name))?;
        }
        Ok(())
    }

    fn part(&mut self, part: &Part, depth: usize) -> io::Result<()> {
        let indent = "  ".repeat(depth);
        let value = part.value.as_ref();
        let truth = value.map_or("", |v| match &v.text {
            None => "null",
            Some(_) if v.is_true() => "true",
            Some(_) => "false",
        });
        let place = self.position(part.span);
        match &part.role {
            Role::All => writeln!(self.out, "{indent}{truth:<5}  all of ({place})")?,
            Role::Any => writeln!(self.out, "{indent}{truth:<5}  any of ({place})")?,
            Role::Not => writeln!(self.out, "{indent}{truth:<5}  not ({place})")?,
            Role::Named(name) => writeln!(self.out, "{indent}{truth:<5}  {} ({place})", safe(name))?,
            Role::Test => {
                let text = self.snippet(part.span);
                writeln!(self.out, "{indent}{truth:<5}  {text}  ({place})")?;
            }
            Role::Operand => {
                let text = self.snippet(part.span);
                // An operand of many conditions is shown with the first.
                if self.told.insert(text.clone()) {
                    let value = value.map_or_else(String::new, |v| self.shown(v));
                    writeln!(self.out, "{indent}       {text} = {value}")?;
                }
            }
            Role::Matched => {
                if let Some(text) = value.and_then(|v| v.text.as_ref()).filter(|t| !t.is_empty()) {
                    // It stands under its condition, as the operands do.
                    let (indent, text) = ("  ".repeat(depth - 1), self.value(text));
                    writeln!(self.out, "{indent}       matches the text \"{text}\"")?;
                }
            }
            // Together, below.
            Role::Needle(_) => {}
        }
        for inner in &part.parts {
            let deeper = if matches!(inner.role, Role::Operand) { depth } else { depth + 1 };
            self.part(inner, deeper)?;
        }
        self.needles(&part.parts, &indent)
    }

    /// Which of the values were met, and where.
    fn needles(&mut self, parts: &[Part], indent: &str) -> io::Result<()> {
        let (mut values, mut places, mut met) = (0, HashSet::new(), 0);
        for part in parts {
            let Role::Needle(sought) = &part.role else { continue };
            // Of the values of a list each may be there; the pieces of a pattern, which stand at one place of the text,
            // are there together.
            values += usize::from(matches!(sought.place, Place::Term | Place::Whole));
            places.insert(part.span);
            if !part.value.as_ref().is_some_and(Shown::is_true) {
                continue;
            }
            met += 1;
            let place = match (part.hit, &part.within) {
                (Some(hit), Some(text)) if hit.end - hit.start < text.len() => {
                    format!(" at {} in {}", hit.start, around(text, hit))
                }
                _ => String::new(),
            };
            writeln!(self.out, "{indent}       matches \"{}\"{place}", self.value(&sought.text))?;
        }
        // Of a single value the condition itself has said it.
        let asked = values.max(places.len());
        if asked > 1 && met == 0 {
            writeln!(self.out, "{indent}       matches none of {asked}")?;
        }
        Ok(())
    }

    fn end(&mut self, event: &Followed) -> io::Result<()> {
        writeln!(self.out)?;
        if let Some(beyond) = &event.beyond {
            let (at, text) = (self.position(beyond.span), self.snippet(beyond.span));
            writeln!(self.out, "not followed further: {text} (at {at}): {}", safe(&beyond.why))?;
        }
        let verdict = match (event.dropped, event.returned) {
            (Some(step), Some(true)) => format!(
                "the query returns this event, though step {} drops it here: it comes another way, or this is a defect",
                step + 1
            ),
            (Some(step), _) => {
                let place =
                    event.steps.get(step).map_or_else(String::new, |s| format!(" at {}", self.position(s.span)));
                format!("the query does not return this event: step {}{place} drops it", step + 1)
            }
            (None, Some(true)) => "the query returns this event".to_owned(),
            (None, Some(false)) => {
                "the query does not return this event: a step that is not followed drops it".to_owned()
            }
            (None, None) => "what the query returns does not stand for single events".to_owned(),
        };
        writeln!(self.out, "{verdict}")
    }
}

/// The needle in brackets, with what stands around it.
fn around(text: &str, hit: parallax_diagnostics::Span) -> String {
    const CHARS: usize = 24;
    let before: Vec<char> = text[..hit.start].chars().rev().take(CHARS + 1).collect();
    let after: Vec<char> = text[hit.end..].chars().take(CHARS + 1).collect();
    let lead = if before.len() > CHARS { "…" } else { "" };
    let tail = if after.len() > CHARS { "…" } else { "" };
    let before: String = before.into_iter().take(CHARS).rev().collect();
    let after: String = after.into_iter().take(CHARS).collect();
    format!("{lead}{}[{}]{}{tail}", safe(&before), safe(hit.of(text)), safe(&after))
}
