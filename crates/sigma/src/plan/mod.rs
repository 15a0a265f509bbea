//! Rules to plans.
//!
//! A rule's log source is the table, its condition a filter over the fields that it names. What is shown is the time,
//! the host, the rule's `fields` and what its condition looks at. Several rules of one file are put one below the other.

pub mod codes;
mod expressions;
mod functions;
mod trace;

pub use functions::{function, functions};
pub use trace::{condition, trace};

pub(crate) use expressions::fields;

use crate::syntax::{Located, Read};
use crate::tree::{Condition, Document, Filter, Rule};
use datafusion::common::{Column, DataFusionError};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use expressions::{column, expression, text};
use parallax_catalog::{Catalog, Context, Encoding, Output, PROVENANCE, Planned, Table};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// So many rules are one query: each is a scan of its own.
const RULES: usize = 100;

/// The table's name in plans.
const TABLE: &str = "logs";

/// A rule that is planned: its condition with those of its filters.
struct Subject<'a> {
    rule: &'a Rule,
    condition: Condition,
    span: Span,
}

/// Plans a rule.
///
/// # Errors
/// There are no events to read, or an expression of the rule does not compile.
pub fn plan(rule: &Rule, catalog: &dyn Catalog, context: &Context) -> Result<Planned, Diagnostics> {
    let subject = Subject { rule, condition: rule.condition.clone(), span: Span::at(0) };
    Planner { catalog, context, diagnostics: Diagnostics::default() }.whole(&[subject])
}

/// Plans all rules of a file, with the filters that stand beside them.
///
/// # Errors
/// As for [`plan`]; a correlation is among the documents, or no rule.
pub fn plan_all(read: &Read, catalog: &dyn Catalog, context: &Context) -> Result<Planned, Diagnostics> {
    let mut planner = Planner { catalog, context, diagnostics: Diagnostics::default() };
    let subjects = planner.subjects(&read.documents)?;
    planner.whole(&subjects)
}

struct Planner<'a> {
    catalog: &'a dyn Catalog,
    context: &'a Context,
    diagnostics: Diagnostics,
}

impl Planner<'_> {
    /// The rules of a file, each with its filters.
    fn subjects<'d>(&mut self, documents: &'d [Located]) -> Result<Vec<Subject<'d>>, Diagnostics> {
        let mut rules = Vec::new();
        let mut filters: Vec<(&Filter, Span)> = Vec::new();
        for located in documents {
            match &located.document {
                Document::Rule(rule) => rules.push((rule, located.span)),
                Document::Filter(filter) => filters.push((filter, located.span)),
                Document::Correlation(correlation) => {
                    let message = format!("`{}` is a correlation, which is no query", correlation.meta.title);
                    let d = Diagnostic::error(codes::CORRELATION, Span::at(located.span.start), message);
                    return Err(d.help("run it with `parallax detect`").into());
                }
            }
        }
        for (filter, span) in &filters {
            if !rules.iter().any(|(rule, _)| filter.is_for(rule)) {
                let message = format!("`{}` is a filter for no rule of this file", filter.meta.title);
                let d = Diagnostic::warning(codes::IDLE_FILTER, Span::at(span.start), message);
                self.diagnostics.push(d.help("`parallax detect` applies the filters of a folder to its rules"));
            }
        }
        if rules.len() > RULES {
            let message = format!("a query takes {RULES} rules, and this file has {}", rules.len());
            let d = Diagnostic::error(codes::SEVERAL, Span::at(rules[RULES].1.start), message);
            return Err(d.help("`parallax detect` runs any number of rules in one reading").into());
        }
        if rules.is_empty() {
            let d = Diagnostic::error(codes::NO_RULE, Span::at(0), "there is no rule in this text");
            return Err(d.into());
        }
        Ok(rules
            .into_iter()
            .map(|(rule, span)| {
                let of = filters.iter().filter(|(filter, _)| filter.is_for(rule)).map(|(f, _)| f.condition.clone());
                let condition = crate::syntax::all(std::iter::once(rule.condition.clone()).chain(of));
                Subject { rule, condition, span }
            })
            .collect())
    }

    fn whole(mut self, subjects: &[Subject<'_>]) -> Result<Planned, Diagnostics> {
        let mut shown: Vec<String> = Vec::new();
        for subject in subjects {
            let mut own = subject.rule.meta.fields.clone();
            fields(&subject.condition, &mut own);
            let hidden = |n: &String| n.starts_with('@') || n.is_empty();
            own.into_iter().filter(|n| !hidden(n)).for_each(|n| {
                if !shown.iter().any(|s| s.eq_ignore_ascii_case(&n)) {
                    shown.push(n);
                }
            });
        }
        let mut whole: Option<LogicalPlanBuilder> = None;
        let (mut provenance, mut columns) = (false, Vec::new());
        for subject in subjects {
            let (branch, names, hidden) = self.branch(subject, &shown, subjects.len() > 1)?;
            (provenance, columns) = (hidden, names);
            whole = Some(match whole {
                None => branch,
                Some(before) => {
                    let next = branch.build().map_err(|e| internal(subject.span, e))?;
                    before.union(next).map_err(|e| internal(subject.span, e))?
                }
            });
        }
        let built = whole.ok_or_else(|| Diagnostic::error(codes::NO_RULE, Span::at(0), "there is no rule"))?;
        Ok(Planned {
            plan: built.build().map_err(|e| internal(Span::at(0), e))?,
            columns,
            pivot: None,
            save: None,
            provenance,
            ordered: false,
            tables: vec![TABLE.to_owned()],
            diagnostics: self.diagnostics,
            unreached: Diagnostics::default(),
        })
    }

    /// The events of one rule: with the shown columns, their names, and whether the hidden ones follow.
    fn branch(
        &mut self,
        subject: &Subject<'_>,
        shown: &[String],
        titled: bool,
    ) -> Result<(LogicalPlanBuilder, Vec<Output>, bool), Diagnostics> {
        let mut asked = shown.to_vec();
        fields(&subject.condition, &mut asked);
        let table = self.table(subject, &asked)?;
        let condition = expression(&subject.condition)
            .map_err(|why| Diagnostic::error(codes::TOO_LARGE, Span::at(subject.span.start), why))?;
        let mut columns: Vec<(Expr, Output)> = Vec::new();
        if titled {
            columns.push((text(subject.rule.meta.title.as_str()), output("rule", "string")));
        }
        if table.provenance {
            columns.push((column("$time"), output("time", "datetime")));
            columns.push((column("$host"), output("host", "string")));
        }
        columns.extend(shown.iter().map(|name| (column(name), output(name, "string"))));
        let hidden = self.context.provenance && table.provenance;
        let visible = columns.iter().enumerate().map(|(i, (e, _))| e.clone().alias(format!("c{i}")));
        let all: Vec<Expr> = visible.chain(PROVENANCE.iter().filter(|_| hidden).map(kept)).collect();
        let plan = LogicalPlanBuilder::scan(TABLE, table.source, None)
            .and_then(|b| b.filter(condition)?.project(all))
            .map_err(|e| internal(subject.span, e))?;
        Ok((plan, columns.into_iter().map(|(_, o)| o).collect(), hidden))
    }

    /// The events of the rule's log source.
    fn table(&mut self, subject: &Subject<'_>, asked: &[String]) -> Result<Table, Diagnostics> {
        let source = &subject.rule.logsource;
        let at = Span::at(subject.span.start);
        if !source.is_known() {
            let message = format!("the log source {source} is not one of Sigma's taxonomy");
            let d = Diagnostic::warning(codes::UNKNOWN_SOURCE, at, message);
            self.diagnostics.push(d.help("it is taken for all rows of JSON and CSV"));
        }
        self.catalog
            .logs(source, asked)
            .ok_or_else(|| Diagnostic::error(codes::NO_EVENTS, at, "there are no events to read here").into())
    }
}

/// What is to be said of a file that is not run: its rules are planned, and of each document a person is told what it
/// is about.
///
/// # Errors
/// As for [`plan`]. A correlation is none.
pub fn check(read: &Read, catalog: &dyn Catalog, context: &Context) -> Result<Diagnostics, Diagnostics> {
    let mut planner = Planner { catalog, context, diagnostics: read.diagnostics.clone() };
    let mut notes = Diagnostics::default();
    for located in &read.documents {
        let at = Span::at(located.span.start);
        let note = match &located.document {
            Document::Rule(rule) => {
                let subject = Subject { rule, condition: rule.condition.clone(), span: located.span };
                planner.branch(&subject, &[], false)?;
                planner.diagnostics.extend(idle(rule, at));
                about(rule, at)
            }
            Document::Correlation(c) => {
                let rules = c.rules.join("`, `");
                Diagnostic::note(codes::ABOUT, at, format!("a correlation of `{rules}`, for `parallax detect`"))
            }
            Document::Filter(f) => {
                let whose =
                    if f.rules.is_empty() { "any rule".to_owned() } else { format!("`{}`", f.rules.join("`, `")) };
                Diagnostic::note(codes::ABOUT, at, format!("a filter for {whose}"))
            }
        };
        notes.push(note);
    }
    let mut all = planner.diagnostics;
    all.extend(notes);
    Ok(all)
}

/// A warning about a rule that no event of its log source can fulfil.
fn idle(rule: &Rule, at: Span) -> Option<Diagnostic> {
    let all = crate::applicable(rule);
    if all.is_empty() || all.iter().any(|a| a.can_fire) {
        return None;
    }
    let lacks: Vec<String> = all.iter().map(|a| format!("{} has no {}", a.events, a.lacks.join(", "))).collect();
    let message = "no event of this log source has the fields that the rule needs";
    Some(Diagnostic::warning(codes::IDLE_RULE, at, message).help(lacks.join("; ")))
}

/// Which events a rule is about, and which of their fields it reads.
fn about(rule: &Rule, at: Span) -> Diagnostic {
    let source = &rule.logsource;
    let events = source.events();
    let events = if events.is_empty() { "rows of JSON and CSV".to_owned() } else { events.join("; ") };
    let mut names = Vec::new();
    fields(&rule.condition, &mut names);
    let keywords = names.iter().any(|n| n == crate::matcher::RAW);
    names.retain(|n| !n.starts_with('@'));
    let mut reads = names.join(", ");
    if keywords {
        reads.push_str(if reads.is_empty() { "the whole event" } else { ", and the whole event" });
    }
    let mut note = Diagnostic::note(codes::ABOUT, at, format!("{source} is {events}; the rule reads {reads}"));
    note.help = source.note().map(str::to_owned);
    note
}

/// A hidden column under its own name.
fn kept(hidden: &parallax_catalog::Provenance) -> Expr {
    Expr::Column(Column::new(Some(TABLE), hidden.name)).alias(hidden.name)
}

fn output(name: &str, type_name: &'static str) -> Output {
    Output { name: name.to_owned(), type_name, encoding: Encoding::Plain }
}

fn internal(span: Span, why: impl Why) -> Diagnostics {
    Diagnostic::error(codes::INTERNAL, Span::at(span.start), format!("this could not be planned: {}", why.say())).into()
}

/// What keeps a plan from being built.
trait Why {
    fn say(&self) -> String;
}

impl Why for DataFusionError {
    fn say(&self) -> String {
        self.strip_backtrace()
    }
}

impl Why for String {
    fn say(&self) -> String {
        self.clone()
    }
}
