//! `json auto` and `keyvalue auto`: fields that the messages name.
//!
//! Every field that the query names takes the value of its key, if there is one. Where the result shows all fields, the
//! keys are looked for in the messages while the query is planned, at most 100 (documented), and read as if the query
//! named them. Where nothing can be run while planning, that is said instead.

use super::rows::{Field, Rows, column, same};
use super::values::{Ty, call, coalesce, text_literal};
use super::{METADATA, Planner, Planning, RAW, built, codes};
use crate::syntax::{At, Name};
use arrow::array::AsArray;
use datafusion::common::{Column, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlan, lit};
use parallax_diagnostics::Diagnostic;

/// At most that many fields are made of the data (documented).
const MOST: usize = 100;

/// What makes fields of the messages' own keys.
pub(super) struct Auto {
    /// The keys of the messages, one a row.
    keys: LogicalPlan,
    json: bool,
    at: At,
}

/// How `json auto` or `keyvalue auto` looks for keys.
#[derive(Clone, Copy)]
pub(super) struct AutoOptions<'a> {
    /// JSON, else pairs.
    pub(super) json: bool,
    /// How deep objects and arrays are gone into.
    pub(super) depth: usize,
    /// Whether the elements of arrays of single values are fields.
    pub(super) arrays: bool,
    /// What stands between a key and its value, where it is given.
    pub(super) delimiter: &'a str,
}

impl Planner<'_> {
    pub(super) fn auto(
        &mut self,
        rows: &mut Rows,
        source: Option<&Name>,
        options: AutoOptions<'_>,
        at: At,
    ) -> Planning<()> {
        let source = self.source(rows, source, at)?;
        let internal = |n: &str| same(n, RAW) || METADATA.iter().any(|m| same(m, n));
        let names: Vec<String> = rows.fields.iter().map(|f| f.name.clone()).filter(|n| !internal(n)).collect();
        let mut columns = Vec::new();
        let mut bound = Vec::new();
        for name in names.into_iter().filter(|n| n.split(['.', '[']).count() <= options.depth) {
            let Some(old) = rows.find(&name).map(Field::value) else { continue };
            let found = if options.json {
                call("sumo_json_auto", vec![source.clone(), text_literal(&name)])
            } else {
                call("sumo_keyvalue_auto", vec![source.clone(), text_literal(&name), text_literal(options.delimiter)])
            };
            let id = self.id();
            columns.push((id.clone(), coalesce(found, old.to_text())));
            bound.push((name, id));
        }
        let keys = if options.json {
            let depth = i64::try_from(options.depth).unwrap_or(i64::MAX);
            call("sumo_json_keys", vec![source, lit(depth), lit(options.arrays)])
        } else {
            call("sumo_keyvalue_keys", vec![source, text_literal(options.delimiter)])
        };
        if rows.raw && rows.open && rows.watched.is_none() {
            let keys = self.keys_of(rows, keys, at)?;
            self.autos.push(Auto { keys, json: options.json, at });
        }
        built(rows.extend(columns), at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        Ok(())
    }

    /// The distinct keys of all messages.
    fn keys_of(&mut self, rows: &Rows, keys: Expr, at: At) -> Planning<LogicalPlan> {
        let id = self.id();
        let plan = rows.builder().project(vec![call("sumo_unpack", vec![keys]).alias(&id)]).and_then(|b| {
            let dropped = UnnestOptions::default().with_preserve_nulls(false);
            let b = b.unnest_columns_with_options(vec![Column::from_name(&id)], dropped)?.distinct()?;
            b.sort(vec![column(&id).sort(true, false)])?.limit(0, Some(MOST))?.build()
        });
        built(plan, at)
    }

    /// Looks for the fields that a result with all fields shows; those that are new are read in the next pass.
    pub(super) fn explore(&mut self, rows: &Rows) -> Planning<()> {
        let autos = std::mem::take(&mut self.autos);
        if self.explored || !self.missing.is_empty() {
            return Ok(());
        }
        for auto in autos {
            match self.catalog.rows(&auto.keys) {
                Some(Ok(batches)) => {
                    self.explored = true;
                    for batch in &batches {
                        let Some(names) = batch.columns().first().and_then(|c| c.as_string_view_opt()) else {
                            continue;
                        };
                        for name in names.iter().flatten() {
                            let known = rows.find(name).is_some() || self.missing.iter().any(|m| same(m, name));
                            if !known && !rows.removed.iter().any(|r| same(r, name)) {
                                self.missing.push(name.to_owned());
                            }
                        }
                    }
                }
                Some(Err(why)) => {
                    let message = format!("the fields of the messages could not be looked for: {why}");
                    return Err(Diagnostic::error(codes::BAD_ARGUMENT, auto.at.0, message));
                }
                None => self.diagnostics.push(
                    Diagnostic::warning(
                        codes::NAMED_ONLY,
                        auto.at.0,
                        format!(
                            "`{}` makes only the fields that the query names",
                            if auto.json { "json auto" } else { "keyvalue auto" }
                        ),
                    )
                    .help("name the fields that are to be shown, with `fields`"),
                ),
            }
        }
        Ok(())
    }
}
