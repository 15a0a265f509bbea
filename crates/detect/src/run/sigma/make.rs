//! Findings, made in the threads that read.
//!
//! What becomes of a match depends on that match alone, so each thread makes the findings of what it reads, and writes
//! them, where the form allows that. What needs all of them in their order, the matches that correlations take, is
//! handed over beside.

use super::super::{Job, Pen};
use super::plan::{Plan, sigma};
use crate::finding::{Event, Finding, Reason};
use crate::source::About;
use parallax_engine::value::nanos_of_ticks;
use parallax_engine::{Found, HitEvent, Maker};
use parallax_sigma::correlate::Correlator;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What all threads know of the rules.
pub(super) struct Making {
    /// The fields that are asked of every hit.
    pub(super) wanted: Vec<String>,
    rules: Vec<Of>,
}

/// What is made of the matches of a rule.
struct Of {
    /// Its place among the detections.
    at: usize,
    about: Arc<About>,
    reports: bool,
    /// Which of the wanted fields it shows, and which correlations read.
    shows: Vec<usize>,
    reads: Vec<usize>,
    /// Whether correlations take its matches.
    taken: bool,
}

/// A match that waits for its turn in time.
pub(super) struct Pending {
    pub(super) time: i64,
    pub(super) rule: usize,
    pub(super) event: Arc<Event>,
    pub(super) values: Vec<Option<String>>,
}

/// What was made of some hits that follow one another.
#[derive(Default)]
pub(super) struct Made {
    /// The rules of the findings.
    pub(super) found: Vec<usize>,
    /// The findings, written, if there is a pen.
    pub(super) text: Vec<u8>,
    /// The findings, if there is none.
    pub(super) findings: Vec<Finding>,
    pub(super) pending: Vec<Pending>,
    /// How many matches of correlations have no time.
    pub(super) timeless: u64,
}

impl Making {
    pub(super) fn new(job: &Job<'_>, plan: &Plan, correlator: &Correlator<Arc<Event>>) -> Self {
        let mut wanted: Vec<String> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut places = |fields: &[String]| -> Vec<usize> {
            let place = |field: &String| {
                *known.entry(field.clone()).or_insert_with(|| {
                    wanted.push(field.clone());
                    wanted.len() - 1
                })
            };
            fields.iter().map(place).collect()
        };
        let rules = plan.places.iter().map(|at| {
            let fields = sigma(job, *at).filter(|_| plan.reports[*at]).map(|r| r.rule.meta.fields.as_slice());
            Of {
                at: *at,
                about: job.detections.rules[*at].about.clone(),
                reports: plan.reports[*at],
                shows: places(fields.unwrap_or_default()),
                reads: places(correlator.fields(*at)),
                taken: correlator.takes(*at),
            }
        });
        let rules = rules.collect();
        Making { wanted, rules }
    }

    /// What one thread makes findings with.
    pub(super) fn hand(self: &Arc<Self>, pen: Option<Box<dyn Pen>>) -> Hand {
        Hand { making: self.clone(), pen, forms: HashMap::new(), made: Made::default(), beside: 0 }
    }
}

/// One thread's.
pub(super) struct Hand {
    making: Arc<Making>,
    pen: Option<Box<dyn Pen>>,
    /// A finding of each rule that matched, with all that is the same in all of them.
    forms: HashMap<u32, Finding>,
    made: Made,
    /// The bytes of what was made beside the text, about.
    beside: usize,
}

/// Room for what is written before it is handed over.
const TEXT: usize = 72 << 10;

impl Maker for Hand {
    type Made = Made;

    fn take(&mut self, found: &Found<'_>) {
        let mut event = Event::from(found.event());
        let mut shared = None;
        let making = self.making.clone();
        for local in found.rules() {
            let Some(of) = making.rules.get(*local as usize) else { continue };
            if of.taken {
                let event = shared.get_or_insert_with(|| Arc::new(event.clone()));
                self.pend(of, event, found);
            }
            if of.reports {
                event = self.finding(*local, of, event, found);
            }
        }
    }

    fn size(&self) -> usize {
        self.made.text.len() + self.beside
    }

    fn made(&mut self) -> Made {
        self.beside = 0;
        let mut made = std::mem::take(&mut self.made);
        // What waits is counted by what is in it.
        if made.text.len() < made.text.capacity() / 2 {
            made.text.shrink_to_fit();
        }
        made
    }
}

impl Hand {
    /// Makes a finding of the event; gives the event back.
    fn finding(&mut self, local: u32, of: &Of, event: Event, found: &Found<'_>) -> Event {
        let reasons: Vec<Reason> = found.why(local).into_iter().map(Reason::from).collect();
        let shown_by_rule = of.shows.iter().map(|place| column(&self.making.wanted[*place], found.value(*place)));
        let mut columns: Vec<_> = shown_by_rule.collect();
        if columns.is_empty() {
            columns = shown(&reasons);
        }
        self.made.found.push(of.at);
        self.beside += size_of::<usize>();
        let form = self.forms.entry(local).or_insert_with(|| Finding::of(&of.about));
        let Some(pen) = &mut self.pen else {
            let finding = Finding { event: Some(event), columns, reasons, ..form.clone() }.identified();
            self.beside += finding.size();
            let event = finding.event.clone().unwrap_or_default();
            self.made.findings.push(finding);
            return event;
        };
        if self.made.text.capacity() == 0 {
            self.made.text.reserve(TEXT);
        }
        (form.event, form.columns, form.reasons) = (Some(event), columns, reasons);
        form.identify();
        pen.write(form, &mut self.made.text);
        form.event.take().unwrap_or_default()
    }

    fn pend(&mut self, of: &Of, event: &Arc<Event>, found: &Found<'_>) {
        let Some(time) = event.time.map(nanos_of_ticks) else {
            self.made.timeless += 1;
            self.beside += 1;
            return;
        };
        let value = |place: &usize| found.value(*place).map(String::from);
        let values: Vec<Option<String>> = of.reads.iter().map(value).collect();
        self.beside += 512 + values.iter().flatten().map(|v| v.len() + 32).sum::<usize>();
        self.made.pending.push(Pending { time, rule: of.at, event: event.clone(), values });
    }
}

pub(super) fn column(name: &str, value: Option<Cow<'_, str>>) -> (String, String, Json) {
    match value {
        Some(value) => (name.to_owned(), value.clone().into_owned(), Json::String(value.into_owned())),
        None => (name.to_owned(), String::new(), Json::Null),
    }
}

/// The fields by which it matched, each once: what to show where the rule does not say.
fn shown(reasons: &[Reason]) -> Vec<(String, String, Json)> {
    let mut columns: Vec<(String, String, Json)> = Vec::new();
    for reason in reasons.iter().filter(|r| !r.field.is_empty()) {
        if !columns.iter().any(|(name, ..)| *name == reason.field) {
            columns.push(column(&reason.field, Some(Cow::Borrowed(&reason.value))));
        }
    }
    columns
}

impl From<HitEvent> for Event {
    fn from(e: HitEvent) -> Self {
        Event {
            source: Some(e.source),
            record: e.record,
            time: e.time,
            host: e.host,
            user: e.user,
            process_id: e.process_id,
            image: e.image,
            command_line: e.command_line,
            parent_image: e.parent_image,
            parent_command_line: e.parent_command_line,
        }
    }
}

impl From<parallax_sigma::Reason> for Reason {
    fn from(r: parallax_sigma::Reason) -> Self {
        let field = r.field.unwrap_or_default();
        let what = if field.is_empty() { r.test } else { [field.as_str(), " ", r.test.as_str()].concat() };
        Reason { what, field, value: r.value, hits: r.marks }
    }
}
