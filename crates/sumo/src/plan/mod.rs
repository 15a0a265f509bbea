//! Tree to plan.
//!
//! A name is a message's field unless the query made it. Which fields a query reads of its messages is found by
//! planning: a first pass notes every name that nothing has assigned, a second one scans with exactly those. So the
//! rules of what a name means stand once, in the planner.

mod aggregates;
mod alternatives;
mod auto;
mod calls;
mod chains;
pub mod codes;
mod compare;
mod expressions;
mod extraction;
mod filling;
mod joining;
mod lookup;
mod macros;
mod merging;
mod operators;
mod ordering;
mod outlier;
mod parameters;
mod portable;
mod predict;
mod rows;
mod rules;
mod running;
mod saving;
mod scope;
mod subqueries;
mod switches;
mod trace;
mod transactions;
mod values;

use crate::syntax::{At, OperatorKind, Query, Tree};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use parallax_catalog::{Catalog, Context, Encoding, Output, PROVENANCE, Pivot, Planned, Save};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_telemetry::ColumnType;
use rows::{Field, Rows, column, same};
use switches::Switches;
use values::{Ty, Value};

pub use rules::Rule;
pub use trace::trace;

/// What every raw result shows first; `_raw` comes last.
const METADATA: [&str; 5] = ["_messageTime", "_sourceCategory", "_sourceHost", "_sourceName", "_collector"];
const RAW: &str = "_raw";
const TIME: &str = "_messageTime";

/// Turns a tree into a plan over the catalog's messages.
///
/// # Errors
/// What keeps the query from running here: an unknown field or function, a form that is not supported, an extension
/// under `strict`.
pub fn plan(tree: &Tree, catalog: &dyn Catalog, context: &Context) -> Result<Planned, Diagnostics> {
    let filled = parameters::fill(tree, catalog, context)?;
    let (mut planned, diagnostics) = passes(&filled, catalog, context, &mut |planner| planner.whole(&filled.query))?;
    planned.diagnostics = filled.original(diagnostics);
    planned.diagnostics.extend(filled.unset.iter().cloned());
    planned.unreached = filled.original(planned.unreached);
    if let Some(save) = &mut planned.save {
        save.span = filled.span(save.span);
        save.refused = save.refused.take().and_then(|d| filled.original(d.into()).0.pop());
    }
    Ok(planned)
}

/// Plans until every field that is read is known.
fn passes<T>(
    filled: &parameters::Filled,
    catalog: &dyn Catalog,
    context: &Context,
    run: &mut dyn FnMut(&mut Planner<'_>) -> Planning<T>,
) -> Result<(T, Diagnostics), Diagnostics> {
    let switches = Switches::read(context)?;
    let rules = rules::given(catalog)?;
    let (mut rule_reads, mut mentions) = (Vec::new(), Vec::new());
    let mut reads: Vec<String> = METADATA.iter().chain([&RAW]).map(|s| (*s).to_owned()).collect();
    let mut explored = false;
    // Every pass learns all names that it meets; a second one can only fail to settle through a defect.
    for _ in 0..16 {
        let mut planner = Planner {
            catalog,
            context,
            switches: switches.clone(),
            main: None,
            bounds: None,
            records: filled.query.scope.as_ref().is_some_and(scope::names_records),
            text: &filled.text,
            reads: reads.clone(),
            missing: Vec::new(),
            mentions: mentions.clone(),
            rules: &rules,
            rule_reads: rule_reads.clone(),
            rule_missing: Vec::new(),
            in_rule: false,
            diagnostics: Diagnostics::default(),
            next: 0,
            alternatives: false,
            followed: false,
            slice: None,
            autos: Vec::new(),
            explored,
            save: None,
            unreached: Diagnostics::default(),
        };
        let result = run(&mut planner);
        if planner.missing.is_empty() && planner.rule_missing.is_empty() {
            return match result {
                Ok(planned) => Ok((planned, planner.diagnostics)),
                Err(d) => Err(filled.original(d.into())),
            };
        }
        explored = planner.explored;
        reads.append(&mut planner.missing);
        rule_reads.append(&mut planner.rule_missing);
        mentions = planner.mentions;
    }
    Err(internal(Span::default(), "the fields that the query reads could not be settled").into())
}

/// The functions that a query can call, lower-case.
pub fn functions() -> impl Iterator<Item = &'static str> {
    calls::PLAIN.iter().chain(calls::SPECIAL).copied()
}

/// Those of them that are one call of the function of the same name in `parallax_functions::sumo`.
pub fn plain_functions() -> impl Iterator<Item = &'static str> {
    calls::PLAIN.iter().copied()
}

type Planning<T> = std::result::Result<T, Diagnostic>;

/// What is known while a pipeline is planned.
struct Planner<'a> {
    catalog: &'a dyn Catalog,
    context: &'a Context,
    switches: Switches,
    /// The main query; nothing inside of child queries.
    main: Option<compare::Main>,
    /// The times of the messages that are looked at, where that is not all.
    bounds: Option<(i64, i64)>,
    text: &'a str,
    /// Whether the query is over Cloud SIEM's records, and not over messages.
    records: bool,
    /// The fields that the scan delivers.
    reads: Vec<String>,
    /// Names that it should have delivered.
    missing: Vec<String>,
    /// Where names were first read.
    mentions: Vec<(String, At)>,
    /// The field extraction rules.
    rules: &'a [rules::Rule],
    /// What the scan delivers for them alone, and what it should have.
    rule_reads: Vec<String>,
    rule_missing: Vec<String>,
    /// Whether one of them is being planned.
    in_rule: bool,
    diagnostics: Diagnostics,
    next: usize,
    /// Whether a `parse` without `nodrop` follows directly, so that what matched now must be remembered.
    alternatives: bool,
    /// What the query needs and is not there, though it can be planned.
    unreached: Diagnostics,
    /// Whether what follows the operator that is planned needs the columns of a `transpose`, without naming them.
    followed: bool,
    /// The width of the last `timeslice`.
    slice: Option<i64>,
    /// What makes fields of the messages' own keys.
    autos: Vec<auto::Auto>,
    /// Whether those fields are known.
    explored: bool,
    /// What is written of the result.
    save: Option<Save>,
}

fn internal(span: Span, message: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(codes::INTERNAL, span, format!("this could not be planned: {message}"))
}

/// Turns an error of the plan builder into a diagnostic at the operator that caused it.
fn built<T>(result: Result<T, DataFusionError>, at: At) -> Planning<T> {
    result.map_err(|e| internal(at.0, e.strip_backtrace()))
}

impl Planner<'_> {
    fn id(&mut self) -> String {
        self.next += 1;
        format!("c{}", self.next - 1)
    }

    /// A refusal that names what is refused.
    fn refuse<T>(&self, at: At, message: impl Into<String>, help: &str) -> Planning<T> {
        let d = Diagnostic::error(codes::NOT_SUPPORTED, at.0, message);
        Err(if help.is_empty() { d } else { d.help(help) })
    }

    /// Reports an extension, or refuses it under `strict`. `documented` is the form to write instead of `at`.
    fn extension(&mut self, at: At, what: &str, documented: Option<String>) -> Planning<()> {
        let make = if self.context.strict { Diagnostic::error } else { Diagnostic::warning };
        let code = if self.context.strict { codes::STRICT } else { codes::EXTENSION };
        let mut d = make(code, at.0, format!("{what} is not part of Sumo's documented search language"));
        d = d.label(if what == "`eval`" {
            "an operator of metrics queries: the real product rejects the search"
        } else {
            "the real product rejects the search"
        });
        if let Some(text) = documented {
            d = d.help(format!("write `{text}`")).fix(at.0, text);
        }
        if self.context.strict {
            return Err(d);
        }
        self.diagnostics.push(d);
        Ok(())
    }

    fn whole(&mut self, query: &Query) -> Planning<Planned> {
        let mut rows = self.scan(query.at)?;
        if let Some(scope) = &query.scope {
            self.scope(&mut rows, scope)?;
            rows.chain.clear();
        }
        self.main = Some(compare::Main::new(query));
        self.pipeline(&mut rows, query)?;
        self.finish(rows, query.at)
    }

    fn scan(&mut self, at: At) -> Planning<Rows> {
        let others = self.rule_reads.iter().filter(|r| !self.reads.iter().any(|name| same(name, r)));
        let names: Vec<String> = self.reads.iter().chain(others).cloned().collect();
        let records = if self.records { self.catalog.records(&names) } else { None };
        let from = if records.is_some() { "records" } else { "messages" };
        let table = records.unwrap_or_else(|| self.catalog.messages(&names, self.switches.raw_audit));
        let provenance = self.context.provenance && table.provenance;
        let mut fields = Vec::new();
        let mut columns: Vec<Expr> = Vec::new();
        let qualified = |name: &str| Expr::Column(datafusion::common::Column::new(Some(from), name));
        for name in names {
            let found = table
                .columns
                .iter()
                .find(|c| c.name == name)
                .or_else(|| table.columns.iter().find(|c| same(&c.name, &name)));
            let id = self.id();
            match found {
                Some(c) => {
                    let ty = match c.ty {
                        ColumnType::Long if is_time(&name) => Ty::Time,
                        ColumnType::Long => Ty::Long,
                        ColumnType::Bool => Ty::Bool,
                        ColumnType::Real => Ty::Double,
                        _ => Ty::Text,
                    };
                    columns.push(qualified(&c.name).alias(&id));
                    fields.push(Field { name, id, ty });
                }
                None => {
                    columns.push(Value::null().expr.alias(&id));
                    fields.push(Field { name, id, ty: Ty::Text });
                }
            }
        }
        if provenance {
            columns.extend(PROVENANCE.iter().map(|p| qualified(p.name).alias(p.name)));
        }
        let scan = LogicalPlanBuilder::scan(from, table.source, None).and_then(|b| b.project(columns)?.build());
        let time = fields.iter().find(|f| same(&f.name, TIME)).map(|f| column(&f.id).sort(false, false));
        let mut rows = Rows {
            plan: built(scan, at)?,
            fields,
            shown: None,
            raw: true,
            open: true,
            removed: Vec::new(),
            order: time.into_iter().collect(),
            sorted: false,
            chain: Vec::new(),
            provenance,
            groups: Vec::new(),
            pivot: None,
            transposed: false,
            layer: None,
            watched: None,
        };
        if from == "messages" {
            self.extraction_rules(&mut rows, at)?;
            self.splunk_fields(&mut rows, at)?;
        }
        // What only rules read is no field of the query's.
        rows.fields.retain(|f| self.reads.iter().any(|name| same(name, &f.name)));
        Ok(rows)
    }

    /// The field of that name; a name that nothing assigned is a field of the messages.
    fn field(&mut self, rows: &mut Rows, name: &str, at: At) -> Planning<Value> {
        if let Some(field) = rows.find(name) {
            return Ok(field.value());
        }
        let removed = rows.removed.iter().any(|r| same(r, name));
        if rows.raw && !removed && (rows.open || name.starts_with('_')) {
            let missing = if self.in_rule { &mut self.rule_missing } else { &mut self.missing };
            if !missing.iter().any(|m| same(m, name)) {
                missing.push(name.to_owned());
                if !self.in_rule {
                    self.mentions.push((name.to_owned(), at));
                }
            }
            // The pass goes on to find the other names; its plan is not used.
            let (id, ty) = (self.id(), if is_time(name) { Ty::Time } else { Ty::Text });
            built(rows.extend(vec![(id.clone(), Value::null().to(ty))]), at)?;
            let field = Field { name: name.to_owned(), id, ty };
            rows.fields.push(field.clone());
            return Ok(field.value());
        }
        let known: Vec<String> = rows.fields.iter().map(|f| f.name.clone()).collect();
        let why = match (rows.raw, removed) {
            (false, _) => "after the aggregation",
            (_, true) => "after `fields -` removed it",
            _ => "after `fields` kept others",
        };
        Err(Diagnostic::error(codes::UNKNOWN_FIELD, at.0, format!("there is no field `{name}` {why}"))
            .label("not a field here")
            .suggest(name, known.iter().map(String::as_str)))
    }

    /// Computes a column and calls it `name`.
    fn assign(&mut self, rows: &mut Rows, name: &str, value: &Value, at: At) -> Planning<String> {
        let id = self.id();
        built(rows.extend(vec![(id.clone(), value.expr.clone())]), at)?;
        rows.bind(name, &id, value.ty);
        Ok(id)
    }

    fn pipeline(&mut self, rows: &mut Rows, query: &Query) -> Planning<()> {
        for index in 0..query.operators.len() {
            self.stage(rows, query, index)?;
        }
        Ok(())
    }

    /// The operator at that place of the pipeline.
    fn stage(&mut self, rows: &mut Rows, query: &Query, index: usize) -> Planning<()> {
        if self.is_saved(&query.operators[index]) {
            return Ok(());
        }
        let following = query.operators[index + 1..].iter().map_while(|o| match &o.kind {
            OperatorKind::Parse(parse) => Some(parse),
            _ => None,
        });
        self.alternatives = following.into_iter().any(|parse| !parse.nodrop);
        // The columns that a `transpose` makes of the data can't be named by what follows (documented), but must be there.
        let rest = &query.operators[index + 1..];
        self.followed = rest.iter().any(|o| matches!(o.kind, OperatorKind::FillMissing(_) | OperatorKind::Limit(_)))
            && rest.iter().all(|o| {
                matches!(o.kind, OperatorKind::FillMissing(_) | OperatorKind::Limit(_) | OperatorKind::Sort(_))
            });
        self.operator(rows, &query.operators[index])
    }

    /// The columns that are shown, in order, and the order of the rows.
    fn finish(&mut self, mut rows: Rows, at: At) -> Planning<Planned> {
        let names: Vec<String> = match &rows.shown {
            Some(names) => names.clone(),
            None => {
                let meta = |n: &str| METADATA.iter().any(|m| same(m, n)) || same(n, RAW);
                let own = rows.fields.iter().map(|f| f.name.clone()).filter(|n| !meta(n));
                let kept = |n: &&&str| rows.find(n).is_some();
                let first: Vec<&&str> = METADATA.iter().filter(kept).collect();
                let last = [&RAW].into_iter().filter(kept);
                first.into_iter().map(|s| (*s).to_owned()).chain(own).chain(last.map(|s| (*s).to_owned())).collect()
            }
        };
        if rows.shown.is_none() {
            self.explore(&rows)?;
        }
        let mut outputs = Vec::new();
        let mut columns = Vec::new();
        let mut hidden = Vec::new();
        let mut seen = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some(field) = rows.find(name) else { continue };
            let encoding = match field.ty {
                Ty::Time => Encoding::EpochMillis,
                Ty::Double => Encoding::Number,
                _ => Encoding::Plain,
            };
            outputs.push(Output { name: name.clone(), type_name: field.ty.name(), encoding });
            let out = format!("r{index}");
            columns.push(column(&field.id).alias(&out));
            seen.push((field.id.clone(), out));
        }
        if rows.provenance {
            hidden.extend(PROVENANCE.iter().map(|p| column(p.name)));
        }
        // The sort stands below the projection, whose order it keeps; the engine sees it at the top of the plan.
        if rows.sorted {
            built(rows.sort(None), at)?;
        }
        columns.extend(hidden);
        let plan = built(rows.builder().project(columns).and_then(LogicalPlanBuilder::build), at)?;
        Ok(Planned {
            plan,
            pivot: rows.pivot.map(|named| Pivot {
                rows: outputs.len().saturating_sub(2),
                named,
                most: filling::MAX_COLUMNS,
            }),
            columns: outputs,
            save: self.save.take(),
            provenance: rows.provenance,
            ordered: rows.sorted,
            tables: vec![if self.records { "records" } else { "messages" }.to_owned()],
            diagnostics: Diagnostics::default(),
            unreached: std::mem::take(&mut self.unreached),
        })
    }
}

/// Fields that hold milliseconds since the epoch.
fn is_time(name: &str) -> bool {
    ["_messagetime", "_receipttime"].iter().any(|t| same(t, name))
}
