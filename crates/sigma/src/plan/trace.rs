//! A rule planned so that an event can be watched: see [`parallax_catalog::trace`].
//!
//! The condition is followed as it is written, name by name and value by value; each part is a column computed by the
//! expressions that the query itself is made of.

use super::expressions::{call, column, expression, expression_of, fields};
use super::{Planner, TABLE, codes, internal, kept, output};
use crate::syntax::{Located, Read, Written, all};
use crate::tree::{Condition, Document, Filter, Is, Piece, Rule, Test};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use parallax_catalog::trace::{Place, Probe, Role, Sought, Step, Traced};
use parallax_catalog::{Catalog, Context, Output, PROVENANCE};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// So many values of a list are asked one by one.
const VALUES: usize = 500;

/// Plans the rule of a file to be watched. `find` is a condition that picks events, read as a detection.
///
/// # Errors
/// As for [`plan_all`](super::plan_all); the file has several rules.
pub fn trace(
    read: &Read,
    text: &str,
    find: Option<&Condition>,
    catalog: &dyn Catalog,
    context: &Context,
) -> Result<Traced, Diagnostics> {
    let mut planner = Planner { catalog, context, diagnostics: Diagnostics::default() };
    let subjects = planner.subjects(&read.documents)?;
    let [subject] = subjects.as_slice() else {
        let at = Span::at(subjects.get(1).map_or(0, |s| s.span.start));
        let d =
            Diagnostic::error(codes::SEVERAL, at, "an event is followed through one rule, and this file has several");
        return Err(d.help("put the rule into a file of its own").into());
    };
    let mut asked = Vec::new();
    fields(&subject.condition, &mut asked);
    if let Some(find) = find {
        fields(find, &mut asked);
    }
    let table = planner.table(subject, &asked)?;
    let mut tracer = Tracer { text, columns: Vec::new() };
    let failed = |why: String| internal(subject.span, why);
    let found = find.map(|f| Ok(tracer.put(expression(f)?, "found"))).transpose().map_err(failed)?;
    let mut steps = Vec::new();
    for written in parts(&read.documents, subject.rule) {
        let probe = tracer.probe(written).map_err(failed)?;
        let keeps = probe.column.into_iter().collect();
        steps.push(Step { span: written.span(), keeps, probes: vec![probe], values: Vec::new() });
    }
    let watched = tracer.columns.iter().enumerate().map(|(i, (e, _))| e.clone().alias(format!("p{i}")));
    let columns: Vec<Expr> = watched.chain(PROVENANCE.iter().map(kept)).collect();
    let plan = LogicalPlanBuilder::scan(TABLE, table.source, None)
        .and_then(|b| b.project(columns)?.build())
        .map_err(|e| internal(subject.span, e))?;
    let columns = tracer.columns.into_iter().map(|(_, o)| o).collect();
    Ok(Traced { plan, columns, steps, beyond: None, found })
}

/// The rule's condition and those of its filters, as written.
fn parts<'a>(documents: &'a [Located], rule: &Rule) -> impl Iterator<Item = &'a Written> {
    let of = |filter: &Filter| filter.is_for(rule);
    let (mut own, mut filters) = (Vec::new(), Vec::new());
    for located in documents {
        match (&located.document, &located.written) {
            (Document::Rule(_), Some(written)) => own.push(written),
            (Document::Filter(filter), Some(written)) if of(filter) => filters.push(written),
            _ => {}
        }
    }
    own.into_iter().chain(filters)
}

struct Tracer<'a> {
    text: &'a str,
    columns: Vec<(Expr, Output)>,
}

impl Tracer<'_> {
    /// The place of that column; one that is there already is not added again.
    fn put(&mut self, expr: Expr, name: &str) -> usize {
        if let Some(at) = self.columns.iter().position(|(e, _)| *e == expr) {
            return at;
        }
        let ty = if matches!(name, "operand" | "matched") { "string" } else { "bool" };
        self.columns.push((expr, output(name, ty)));
        self.columns.len() - 1
    }

    fn truth(&mut self, condition: &Condition) -> Result<Option<usize>, String> {
        Ok(Some(self.put(expression(condition)?, "condition")))
    }

    fn probe(&mut self, written: &Written) -> Result<Probe, String> {
        let (role, parts) = match written {
            Written::Test(span, test) => return self.test(*span, std::slice::from_ref(&(*span, test))),
            Written::Any(span, parts) => match same_field(parts) {
                Some(tests) => return self.test(*span, &tests),
                None => (Role::Any, parts.iter().collect()),
            },
            Written::All(_, parts) => (Role::All, parts.iter().collect()),
            Written::Not(_, inner) => (Role::Not, vec![inner.as_ref()]),
            // All of what it names stands below the name itself.
            Written::Named(_, name, inner) => match inner.as_ref() {
                Written::All(_, parts) => (Role::Named(name.clone()), parts.iter().collect()),
                other => (Role::Named(name.clone()), vec![other]),
            },
        };
        let parts = parts.into_iter().map(|p: &Written| self.probe(p)).collect::<Result<Vec<_>, _>>()?;
        Ok(Probe { role, span: written.span(), column: self.truth(&written.condition())?, parts })
    }

    /// A field, and the values that it is tested for.
    fn test(&mut self, span: Span, tests: &[(Span, &Test)]) -> Result<Probe, String> {
        let whole = crate::syntax::any(tests.iter().map(|(_, t)| Condition::Test((*t).clone())));
        let mut probe = Probe::new(Role::Test, span, self.truth(&whole)?);
        let field = tests.first().and_then(|(_, t)| t.field.as_deref());
        let operand = field.map(|field| {
            let at = self.put(column(field), "operand");
            probe.parts.push(Probe::new(Role::Operand, self.place(span, field), Some(at)));
            at
        });
        for (span, test) in tests.iter().take(VALUES) {
            match &test.is {
                Is::Field(_, other, _) => {
                    let at = self.put(column(other), "operand");
                    probe.parts.push(Probe::new(Role::Operand, self.place(*span, other), Some(at)));
                }
                Is::Matches(regex) => {
                    let (source, flags) = expression_of(regex);
                    if let Some(field) = field {
                        let found = call("found", vec![column(field), source, flags])?;
                        let at = self.put(found, "matched");
                        probe.parts.push(Probe::new(Role::Matched, *span, Some(at)));
                    }
                }
                Is::Like(pattern) => {
                    let (place, text) = sought(&pattern.parts);
                    let operand = operand.filter(|_| place.is_some());
                    let case_sensitive = pattern.case == crate::tree::Case::Counts;
                    let sought = Sought { text, operand, place: place.unwrap_or(Place::Whole), case_sensitive };
                    let column = self.truth(&Condition::Test((*test).clone()))?;
                    probe.parts.push(Probe::new(Role::Needle(sought), *span, column));
                }
                _ => {}
            }
        }
        Ok(probe)
    }

    /// Where a name stands in a part of the rule.
    fn place(&self, span: Span, name: &str) -> Span {
        match span.of(self.text).find(name) {
            Some(at) => Span::new(span.start + at, span.start + at + name.len()),
            None => span,
        }
    }
}

/// The tests of a list of values.
fn same_field(parts: &[Written]) -> Option<Vec<(Span, &Test)>> {
    let mut out: Vec<(Span, &Test)> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Written::Test(span, test) if out.first().is_none_or(|(_, t)| t.field == test.field) => {
                out.push((*span, test));
            }
            Written::Any(_, inner) => {
                let inner = same_field(inner)?;
                if out.first().zip(inner.first()).is_some_and(|((_, a), (_, b))| a.field != b.field) {
                    return None;
                }
                out.extend(inner);
            }
            _ => return None,
        }
    }
    Some(out)
}

/// The text of a pattern and where it stands, if that is a single place.
fn sought(parts: &[Piece]) -> (Option<Place>, String) {
    match parts {
        [Piece::Text(t)] => (Some(Place::Whole), t.clone()),
        [Piece::Any, Piece::Text(t), Piece::Any] => (Some(Place::Anywhere), t.clone()),
        [Piece::Text(t), Piece::Any] => (Some(Place::Start), t.clone()),
        [Piece::Any, Piece::Text(t)] => (Some(Place::End), t.clone()),
        _ => (None, crate::syntax::spelled(parts)),
    }
}

/// The condition that a person gives to pick events: a detection as it stands in rules, such as
/// `Image|endswith: '\lua.exe'`.
///
/// # Errors
/// It is no detection.
pub fn condition(text: &str) -> Result<Condition, Diagnostics> {
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    let rule = format!(
        "title: find\nlogsource: {{category: any}}\ndetection:\n  selection:\n{indented}  condition: selection\n"
    );
    let read = crate::syntax::read(&rule, &crate::syntax::Options::default());
    if read.diagnostics.has_errors() {
        return Err(read.diagnostics);
    }
    let conditions = read.documents.into_iter().filter_map(|l| match l.document {
        Document::Rule(rule) => Some(rule.condition),
        _ => None,
    });
    Ok(all(conditions))
}
