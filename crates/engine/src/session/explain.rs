//! What a query is, and what it reads, without running it.

use super::stored::once_a_segment;
use super::{Session, finish, tree};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::execute::Needs;
use crate::hint::hint;
use crate::scan::Window;
use crate::scan::asked::tests;
use crate::scan::needed::clauses;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use datafusion::physical_plan::displayable;
use parallax_catalog::{Context, Output, Planned};
use parallax_diagnostics::Diagnostics;
use parallax_store::read::{Rows, Test};
use parallax_telemetry::logsource::{LogSource, Sorter};
use parallax_telemetry::needles::Clause;
use parallax_telemetry::view::{self, LooksFor};
use parallax_telemetry::{Report, Source, View};
use std::collections::BTreeMap;

/// What a query is, and what it reads.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The query in its canonical form.
    pub canonical: String,
    /// Its tree.
    pub tree: String,
    /// What there is to say of its text.
    pub diagnostics: Diagnostics,
    /// The columns of its result.
    pub columns: Vec<Output>,
    /// The tables that it reads.
    pub tables: Vec<TableRead>,
    /// The plan as the language made it, users' names beside the columns' ids.
    pub planned: String,
    /// The plan as the optimiser leaves it: columns that nothing reads are gone, and filters stand where rows are read.
    pub logical: String,
    /// The plan that runs, likewise.
    pub physical: String,
}

/// A table that a query reads.
#[derive(Clone, Debug)]
pub struct TableRead {
    /// Its name; `messages` for Sumo's.
    pub name: String,
    /// Whether an input feeds it.
    pub fed: bool,
    /// The inputs that can, with their formats.
    pub inputs: Vec<(String, &'static str)>,
    /// The columns that are decoded.
    pub columns: Vec<ColumnRead>,
    /// The scan's own filters: rows that they exclude may be skipped undecoded.
    pub filters: Vec<String>,
    /// For each format of the inputs, what is looked for in raw events before any is decoded; where the table is read
    /// several times for different things, each.
    pub looks_for: Vec<(&'static str, LooksFor)>,
    /// What is read of stores; likewise.
    pub stores: Vec<StoreRead>,
}

/// What is read of a segment of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRead {
    /// The segment's folder.
    pub segment: String,
    /// Whether it has the table's rows; else the originals are read.
    pub typed: bool,
    /// How many files the table has, or frames of a MiB the originals.
    pub all: usize,
    /// How many of them are passed over.
    pub passed: usize,
}

/// A column that is decoded.
#[derive(Clone, Debug)]
pub struct ColumnRead {
    /// Its name.
    pub name: String,
    /// For each family of events in the inputs, the fields that it comes from; nothing where there are none.
    pub from: Vec<(&'static str, Option<String>)>,
}

impl Session {
    /// Explains a query.
    ///
    /// # Errors
    /// What is wrong with the query.
    pub fn explain(&self, dialect: Dialect, text: &str, context: &Context) -> Result<Explanation, Error> {
        let (mut asked, inner) = self.asked(context, None);
        asked.assume_fed = self.sources.is_empty();
        let (canonical, debug) = dialect.parsed(text, &asked, &inner)?;
        let planned = dialect.plan(text, &asked, &inner)?;
        let fail = |e| self.executor.failure(e);
        let plan = finish(&planned, false).map_err(fail)?;
        let names = names(&planned);
        let optimised = self.executor.optimised(&plan)?;
        let hinted = hint(optimised.clone()).map_err(fail)?;
        let mut tables = Vec::new();
        for used in asked.uses(&planned.tables) {
            let scanned = Scanned::of(&optimised, &hinted, &used.name, self.window).map_err(fail)?;
            tables.push(self.table_read(
                (&used.name, used.fed),
                scanned,
                &dialect.log_sources(text),
                asked.raw_audit(),
            ));
        }
        let needs = Needs::of(&plan).map_err(fail)?;
        asked.read_in_order(needs.order);
        asked.read_whole(needs.rounding);
        let physical = self.executor.physical(&plan, needs)?;
        let mut diagnostics = planned.diagnostics;
        diagnostics.extend(planned.unreached);
        Ok(Explanation {
            canonical,
            tree: tree::compact(&debug),
            diagnostics,
            columns: planned.pivot.as_ref().map_or(planned.columns.clone(), |p| p.known(&planned.columns)),
            tables,
            planned: named(&plan.display_indent().to_string(), &names),
            logical: named(&optimised.display_indent().to_string(), &names),
            physical: named(&displayable(physical.as_ref()).indent(false).to_string(), &names),
        })
    }

    fn table_read(
        &self,
        (name, fed): (&str, bool),
        scanned: Scanned,
        log_sources: &[LogSource],
        raw_audit: bool,
    ) -> TableRead {
        let Scanned { columns, filters, told } = scanned;
        let columns = columns.as_slice();
        let view = View::named(name).or_else(|| match name {
            "messages" => Some(view::messages(columns, raw_audit)),
            "records" => Some(view::records(columns)),
            "logs" => Some(Sorter::new(log_sources).narrow(&view::logs(columns))),
            _ => None,
        });
        let (mut inputs, mut read) = (Vec::new(), Vec::new());
        let mut looks_for: Vec<(&'static str, LooksFor)> = Vec::new();
        let mut looks = |view: &View, source: &Source| {
            for told in &told {
                let one = (source.format.name(), view.looks_for(source, &told.clauses));
                if !looks_for.contains(&one) {
                    looks_for.push(one);
                }
            }
        };
        let mut stores: Vec<StoreRead> = Vec::new();
        let mut reads = |view: &View, sources: &[&Source]| {
            for store in told.iter().flat_map(|told| self.stores(view, sources, told)) {
                if !stores.contains(&store) {
                    stores.push(store);
                }
            }
        };
        match &view {
            Some(view) => {
                let fed_by: Vec<_> = self.sources.iter().filter(|s| view.seen_in(s)).collect();
                inputs.extend(fed_by.iter().map(|s| (s.name.clone(), s.format.name())));
                fed_by.iter().for_each(|source| looks(view, source));
                reads(view, &fed_by);
                for column in columns {
                    let mut from: Vec<(&'static str, Option<String>)> = Vec::new();
                    for origin in fed_by.iter().flat_map(|s| view.origins(column, s)) {
                        if !from.contains(&origin) {
                            from.push(origin);
                        }
                    }
                    read.push(ColumnRead { name: column.clone(), from });
                }
            }
            // A table of a source's own has the source's own columns.
            None => {
                let own: Vec<_> =
                    self.sources.iter().filter(|s| s.format.is_table() && s.table_name() == name).collect();
                inputs.extend(own.iter().map(|s| (s.name.clone(), s.format.name())));
                for source in own {
                    if let Ok(Some(view)) = View::of(source, &Report::new()) {
                        looks(&view, source);
                        reads(&view, &[source]);
                    }
                }
                read.extend(columns.iter().map(|c| ColumnRead { name: c.clone(), from: Vec::new() }));
            }
        }
        TableRead { name: name.to_owned(), fed, inputs, columns: read, filters, looks_for, stores }
    }

    /// What a scan reads of the segments of stores that these sources are in.
    fn stores(&self, view: &View, sources: &[&Source], told: &Told) -> Vec<StoreRead> {
        let mut stores: Vec<StoreRead> = Vec::new();
        let kept = sources.iter().enumerate().filter(|(_, source)| source.stored.is_some());
        for (places, source) in once_a_segment(kept.map(|(at, source)| (at, *source)), view) {
            let Some(stored) = &source.stored else { continue };
            let rows = stored.table(view.name()).and_then(|_| Rows::of(&stored.segment, view));
            let segment = stored.segment.folder.display().to_string();
            let typed = rows.is_some();
            let (all, passed) = match rows {
                // What cannot be read is told when it is.
                Some(rows) => rows.files(&told.tests).unwrap_or_default(),
                None => {
                    let frames = |at: &usize| sources[*at].frames(view.needles(sources[*at], &told.clauses).as_ref());
                    let frames = places.iter().filter_map(frames);
                    frames.fold((0, 0), |(all, passed), (a, p)| (all + a, passed + p))
                }
            };
            match stores.iter_mut().find(|s| s.segment == segment && s.typed == typed) {
                Some(known) => (known.all, known.passed) = (known.all + all, known.passed + passed),
                None => stores.push(StoreRead { segment, typed, all, passed }),
            }
        }
        stores
    }
}

/// What scans of a table do.
struct Scanned {
    /// The columns that they decode.
    columns: Vec<String>,
    /// The filters that they know of.
    filters: Vec<String>,
    /// What each is told of the rows that somebody looks at.
    told: Vec<Told>,
}

/// What a scan is told.
struct Told {
    /// What rows must show.
    clauses: Vec<Clause>,
    /// What must hold of single columns.
    tests: Vec<Test>,
}

impl Scanned {
    /// `hinted` is the optimised plan, its scans told what filters further up need.
    fn of(
        optimised: &LogicalPlan,
        hinted: &LogicalPlan,
        table: &str,
        window: Window,
    ) -> datafusion::common::Result<Self> {
        let (mut columns, mut filters, mut told) = (Vec::new(), Vec::new(), Vec::new());
        each_scan(optimised, table, |scan| {
            for field in scan.projected_schema.fields() {
                if !columns.contains(field.name()) {
                    columns.push(field.name().clone());
                }
            }
            for filter in scan.filters.iter().map(ToString::to_string) {
                if !filters.contains(&filter) {
                    filters.push(filter);
                }
            }
        })?;
        each_scan(hinted, table, |scan| {
            let tests = tests(&scan.filters, &scan.source.schema(), window, None);
            told.push(Told { clauses: clauses(&scan.filters), tests });
        })?;
        Ok(Scanned { columns, filters, told })
    }
}

fn each_scan(plan: &LogicalPlan, table: &str, mut each: impl FnMut(&TableScan)) -> datafusion::common::Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == table
        {
            each(scan);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// The users' names of columns, by their ids: those of tables where they are read, those of the result where they come
/// out, and both where a projection hands them on.
fn names(planned: &Planned) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (field, output) in planned.plan.schema().fields().iter().zip(&planned.columns) {
        names.insert(field.name().clone(), output.name.clone());
    }
    // Outer nodes come first: names of results go down to the columns that they are, …
    let mut aliases = Vec::new();
    let _ = planned.plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Projection(p) = node {
            let scans = matches!(p.input.as_ref(), LogicalPlan::TableScan(_));
            for e in &p.expr {
                let Expr::Alias(alias) = e else { continue };
                let refs = alias.expr.column_refs();
                match (alias.expr.as_ref(), scans) {
                    (_, true) if refs.len() == 1 => {
                        let column = refs.into_iter().next().map_or_else(String::new, |c| c.name.clone());
                        names.entry(alias.name.clone()).or_insert(column);
                    }
                    (Expr::Column(c), false) => aliases.push((alias.name.clone(), c.name.clone())),
                    _ => {}
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    for (outer, inner) in &aliases {
        if let Some(name) = names.get(outer).cloned() {
            names.entry(inner.clone()).or_insert(name);
        }
    }
    // … and names of tables' columns go up.
    for (outer, inner) in aliases.iter().rev() {
        if let Some(name) = names.get(inner).cloned() {
            names.entry(outer.clone()).or_insert(name);
        }
    }
    names
}

/// The plan's text with names beside ids: `c7` becomes `c7:FileName`. Texts in it stay as they are.
fn named(plan: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(plan.len() * 2);
    let mut rest = plan;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || "_$".contains(c);
        if !word(c) {
            out.push(c);
            before = c;
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (id, tail) = rest.split_at(end);
        out.push_str(id);
        // `"c7"` and `x.c7` are no ids of ours.
        let quoted = before == '"' && tail.starts_with('"');
        if let Some(name) = names.get(id).filter(|n| *n != id && !quoted && before != '.') {
            out.push(':');
            out.push_str(name);
        }
        before = id.chars().next_back().unwrap_or(' ');
        rest = tail;
    }
    out
}
