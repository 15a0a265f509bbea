//! Why an event did or did not match: it is sent through the query's own plan, in which every predicate is a column and
//! nothing is dropped.

use super::{Session, finish};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::execute::{Instant, Needs};
use crate::value::value;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use parallax_catalog::trace::{Beyond, Place, Probe, Role, Sought, Traced};
use parallax_catalog::{Context, Encoding, Output, PROVENANCE};
use parallax_diagnostics::Span;
use parallax_functions::matcher::{self, Case, Matcher, Quantifier};
use parallax_telemetry::Report;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Which events to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The event at that position of one of these sources.
    At(Vec<String>, i64),
    /// The events from the first time on and before the second, in nanoseconds since the Unix epoch.
    Between(i64, i64),
    /// The events for which that condition, in the query's language, is true.
    Where(String),
}

/// One event on its way through a query.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Where it was recorded, when, and what it is about: [`PROVENANCE`], as text.
    pub about: Vec<(&'static str, Option<String>)>,
    /// What each step made of it, up to the one that dropped it.
    pub steps: Vec<StepSeen>,
    /// The step that dropped it, counted from 0.
    pub dropped: Option<usize>,
    /// Where the following ended before the query did, and the event was not dropped before.
    pub beyond: Option<Beyond>,
    /// Whether the query returns it. Nothing where the query's rows do not stand for one event each.
    pub returned: Option<bool>,
}

/// What a step made of an event.
#[derive(Clone, Debug)]
pub struct StepSeen {
    /// Where it stands in the query's text.
    pub span: Span,
    /// Whether the event goes on; nothing where the step drops nothing.
    pub keeps: Option<bool>,
    /// Its conditions.
    pub parts: Vec<Part>,
    /// What it computed.
    pub values: Vec<(String, Shown)>,
}

/// A part of a condition with its value.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is in the expression around it.
    pub role: Role,
    /// Where it stands in the query's text.
    pub span: Span,
    /// Its value.
    pub value: Option<Shown>,
    /// Where in the operand a needle stands, in bytes.
    pub hit: Option<Span>,
    /// The text in which it stands.
    pub within: Option<String>,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its type's name in the language.
    pub type_name: &'static str,
    /// As text; nothing where it is null.
    pub text: Option<String>,
    /// As JSON.
    pub json: Json,
}

impl Shown {
    /// Whether it is true.
    pub fn is_true(&self) -> bool {
        self.json == Json::Bool(true)
    }
}

impl Session {
    /// Follows the first `most` of the events that are picked.
    ///
    /// # Errors
    /// What is wrong with the query or the condition, and what fails while events are read.
    pub fn follow(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        pick: &Pick,
        most: usize,
    ) -> Result<(Vec<Followed>, Arc<Report>), Error> {
        let (mut followed, report) = self.follow_steps(dialect, text, context, pick, most)?;
        self.returned(dialect, text, context, &mut followed)?;
        Ok((followed, report))
    }

    /// The same without running the query itself: [`Followed::returned`] is not known.
    ///
    /// # Errors
    /// As of [`Session::follow`].
    pub fn follow_steps(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        pick: &Pick,
        most: usize,
    ) -> Result<(Vec<Followed>, Arc<Report>), Error> {
        let (asked, inner) = self.asked(context, None);
        let find = if let Pick::Where(condition) = pick { Some(condition.as_str()) } else { None };
        let traced = dialect.trace(text, find, &asked, &inner)?;
        let fail = |e| self.executor.failure(e);
        let picked = picked(&traced, pick).map_err(fail)?;
        let plan = LogicalPlanBuilder::from(traced.plan.clone())
            .filter(picked)
            .and_then(|b| b.limit(0, Some(most))?.build())
            .map_err(fail)?;
        asked.read_in_order(true);
        let mut followed = Vec::new();
        for batch in self.rows(&plan, Needs { order: true, ..Needs::default() })? {
            for row in 0..batch.num_rows() {
                followed.push(one(&traced, &batch, row, false));
            }
        }
        Ok((followed, asked.report))
    }

    /// Follows events to the end of what can be followed, whether or not a step drops them, in one reading. What
    /// the query returns is not asked: for those who know that it found them, and want to show why.
    ///
    /// # Errors
    /// What is wrong with the query, and what fails while events are read.
    pub fn follow_through(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        events: &BTreeMap<String, Vec<i64>>,
    ) -> Result<(Vec<Followed>, Arc<Report>), Error> {
        let (asked, inner) = self.asked(context, None);
        let traced = dialect.trace(text, None, &asked, &inner)?;
        let fail = |e| self.executor.failure(e);
        let one_source = |(source, records): (&String, &Vec<i64>)| {
            let same = column("$source").eq(lit(ScalarValue::Utf8View(Some(source.clone()))));
            same.and(column("$record").in_list(records.iter().map(|r| lit(*r)).collect(), false))
        };
        let Some(picked) = events.iter().map(one_source).reduce(Expr::or) else {
            return Ok((Vec::new(), asked.report));
        };
        let plan =
            LogicalPlanBuilder::from(traced.plan.clone()).filter(picked).and_then(|b| b.build()).map_err(fail)?;
        let mut followed = Vec::new();
        for batch in self.rows(&plan, Needs::default())? {
            for row in 0..batch.num_rows() {
                followed.push(one(&traced, &batch, row, true));
            }
        }
        Ok((followed, asked.report))
    }

    fn rows(&self, plan: &LogicalPlan, needs: Needs) -> Result<Vec<RecordBatch>, Error> {
        let physical = self.executor.physical(plan, needs)?;
        self.executor.start(physical, Instant::now())?.collect()
    }

    /// Runs the query itself, and sees which of the events it returns.
    fn returned(
        &self,
        dialect: Dialect,
        text: &str,
        context: &Context,
        followed: &mut [Followed],
    ) -> Result<(), Error> {
        let (asked, inner) = self.asked(context, None);
        let planned = dialect.plan(text, &asked, &inner)?;
        if followed.is_empty() || !planned.provenance || !planned.unreached.is_empty() {
            return Ok(());
        }
        let fail = |e| self.executor.failure(e);
        let plan = finish(&planned, true).map_err(fail)?;
        let needs = Needs::of(&plan).map_err(fail)?;
        asked.read_in_order(needs.order);
        asked.read_whole(needs.rounding);
        let hidden = PROVENANCE.iter().take(2).map(|p| column(p.name));
        let plan = LogicalPlanBuilder::from(plan);
        let plan = match any_of(followed) {
            Some(any) => plan.filter(any),
            None => Ok(plan),
        };
        let plan = plan.and_then(|b| b.project(hidden)?.build()).map_err(fail)?;
        let mut returned = HashSet::new();
        for batch in self.rows(&plan, needs)? {
            for row in 0..batch.num_rows() {
                returned.insert((hidden_text(&batch, "$source", row), hidden_text(&batch, "$record", row)));
            }
        }
        for f in followed {
            let event = (f.get("$source").map(str::to_owned), f.get("$record").map(str::to_owned));
            f.returned = Some(returned.contains(&event));
        }
        Ok(())
    }
}

impl Followed {
    fn get(&self, name: &str) -> Option<&str> {
        self.about.iter().find(|(n, _)| *n == name).and_then(|(_, v)| v.as_deref())
    }

    /// The name of the source in which it was recorded.
    pub fn source(&self) -> Option<&str> {
        self.get("$source")
    }

    /// Where in it.
    pub fn record(&self) -> Option<i64> {
        self.get("$record")?.parse().ok()
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

fn at(sources: &[String], record: i64) -> Expr {
    let names = sources.iter().map(|s| lit(ScalarValue::Utf8View(Some(s.clone())))).collect();
    column("$source").in_list(names, false).and(column("$record").eq(lit(record)))
}

/// The condition that a row stands for one of the events; nothing where they are of too many sources for one.
fn any_of(followed: &[Followed]) -> Option<Expr> {
    const SOURCES: usize = 32;
    let mut by_source: BTreeMap<&str, Vec<Expr>> = BTreeMap::new();
    for f in followed {
        by_source.entry(f.source()?).or_default().push(lit(f.record()?));
    }
    let of = |(source, records): (&str, Vec<Expr>)| {
        let same = column("$source").eq(lit(ScalarValue::Utf8View(Some(source.to_owned()))));
        same.and(column("$record").in_list(records, false))
    };
    if by_source.len() > SOURCES { None } else { by_source.into_iter().map(of).reduce(Expr::or) }
}

/// The condition that an event is one of those that are picked.
fn picked(traced: &Traced, pick: &Pick) -> datafusion::common::Result<Expr> {
    Ok(match (pick, traced.found) {
        (Pick::At(sources, record), _) => at(sources, *record),
        (Pick::Between(from, to), _) => {
            let ty = traced.plan.schema().field_with_unqualified_name("$time")?.data_type().clone();
            let time = |ns| ScalarValue::TimestampNanosecond(Some(ns), None).cast_to(&ty).map(lit);
            column("$time").gt_eq(time(*from)?).and(column("$time").lt(time(*to)?))
        }
        (Pick::Where(_), Some(found)) => column(&format!("p{found}")).is_true(),
        (Pick::Where(_), None) => lit(false),
    })
}

fn hidden_text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let output = Output { name: String::new(), type_name: "", encoding: Encoding::Plain };
    value(&output, batch.column_by_name(name)?, row).text().map(|t| t.into_owned())
}

/// A row as the event that it is, up to the step that drops it or `through` all of them.
fn one(traced: &Traced, batch: &RecordBatch, row: usize, through: bool) -> Followed {
    let about = PROVENANCE.iter().map(|p| (p.name, hidden_text(batch, p.name, row))).collect();
    let shown = |at: usize| {
        let output = &traced.columns[at];
        let value = value(output, batch.column(at), row);
        Shown { type_name: output.type_name, text: value.text().map(|t| t.into_owned()), json: value.json() }
    };
    let mut steps = Vec::new();
    let mut dropped = None;
    for (index, step) in traced.steps.iter().enumerate() {
        let keeps = (!step.keeps.is_empty()).then(|| step.keeps.iter().all(|k| shown(*k).is_true()));
        steps.push(StepSeen {
            span: step.span,
            keeps,
            parts: step.probes.iter().map(|p| part(p, &shown)).collect(),
            values: match keeps {
                // What a dropped row would have been says nothing.
                Some(false) => Vec::new(),
                _ => step.values.iter().map(|(name, at)| (name.clone(), shown(*at))).collect(),
            },
        });
        if keeps == Some(false) {
            dropped.get_or_insert(index);
            if !through {
                break;
            }
        }
    }
    let beyond = traced.beyond.clone().filter(|_| dropped.is_none());
    Followed { about, steps, dropped, beyond, returned: None }
}

fn part(probe: &Probe, shown: &dyn Fn(usize) -> Shown) -> Part {
    let value = probe.column.map(shown);
    let (mut hit, mut within) = (None, None);
    if let Role::Needle(sought) = &probe.role
        && value.as_ref().is_some_and(Shown::is_true)
        && let Some(text) = sought.operand.and_then(|at| shown(at).text)
    {
        hit = place(sought, &text);
        within = hit.map(|_| text);
    }
    let parts = probe.parts.iter().map(|p| part(p, shown)).collect();
    Part { role: probe.role.clone(), span: probe.span, value, hit, within, parts }
}

/// Where the needle stands: the first place at which the matcher that answers for the whole text says yes, asked with
/// what stands around it.
fn place(sought: &Sought, text: &str) -> Option<Span> {
    let length = sought.text.len();
    let same = |at: usize| {
        text.get(at..at + length).is_some_and(|t| match sought.case_sensitive {
            true => t == sought.text,
            false => t.eq_ignore_ascii_case(&sought.text),
        })
    };
    let place = match sought.place {
        Place::Whole => return Some(Span::new(0, text.len())),
        Place::Pattern => {
            let found = parallax_functions::sumo::regex(&sought.text).ok()?.find(text)?;
            return Some(Span::new(found.start(), found.end()));
        }
        Place::Start => return same(0).then_some(Span::new(0, length)),
        Place::End => {
            let at = text.len().checked_sub(length)?;
            return same(at).then_some(Span::new(at, text.len()));
        }
        Place::Anywhere => matcher::Place::Anywhere,
        Place::Term => matcher::Place::Term,
        Place::TermStart => matcher::Place::TermStart,
        Place::TermEnd => matcher::Place::TermEnd,
    };
    let case = if sought.case_sensitive { Case::Sensitive } else { Case::Ascii };
    let matcher = Matcher::new(&[sought.text.as_str()], place, case, Quantifier::Any).ok()?;
    let starts =
        text.char_indices().map(|(at, _)| at).filter(|at| text.is_char_boundary((at + length).min(text.len())));
    starts.filter(|at| at + length <= text.len()).find_map(|at| {
        let end = at + length;
        if !same(at) || length == 0 {
            return None;
        }
        let from = text[..at].char_indices().next_back().map_or(at, |(i, _)| i);
        let to = text[end..].chars().next().map_or(end, |c| end + c.len_utf8());
        matcher.is_match(&text[from..to]).then(|| Span::new(at, end))
    })
}
