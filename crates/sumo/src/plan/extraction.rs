//! The operators that take text apart.
//!
//! A match assigns; with `nodrop`, no match assigns nothing, so that an earlier value of the field stays. Without it a
//! row that does not match goes, unless one of the `parse … nodrop` directly before matched it: `parse A nodrop |
//! parse B` keeps what matches A or B (documented).

use super::auto::AutoOptions;
use super::operators::{long, text};
use super::rows::{Rows, column, same};
use super::scope::balanced;
use super::values::{Ty, Value, call, coalesce};
use super::{Planner, Planning, built, codes};
use crate::syntax::{At, Json, KeyValue, Name, Parse, ParseStyle, Split, Text, Xml};
use datafusion::common::{Column, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn parse(&mut self, rows: &mut Rows, parse: &Parse, at: At) -> Planning<()> {
        if parse.nocase {
            let documented = match parse.style {
                ParseStyle::Regex => Some("parse regex \"(?i)…\"".to_owned()),
                ParseStyle::Anchor => None,
            };
            self.extension(at, "`nocase`", None)?;
            let _ = documented;
        }
        self.parse_one(rows, parse, &parse.pattern, &parse.names, at)?;
        for (pattern, names) in &parse.more {
            self.parse_one(rows, parse, pattern, names, at)?;
        }
        Ok(())
    }

    fn parse_one(&mut self, rows: &mut Rows, parse: &Parse, pattern: &Text, names: &[Name], at: At) -> Planning<()> {
        let names = match parse.style {
            ParseStyle::Anchor => check_anchor(pattern, names)?,
            ParseStyle::Regex => self.groups(pattern, names)?,
        };
        let source = self.source(rows, parse.source.as_ref(), at)?;
        // What a row without a match keeps must be known before the names are bound anew.
        let keeps = parse.nodrop || !rows.chain.is_empty();
        let mut old = Vec::new();
        for name in &names {
            old.push(if keeps { self.earlier(rows, name)? } else { None });
        }
        if parse.multi {
            return self.parse_multi(rows, pattern, &names, source, parse.nodrop, at);
        }
        let function = match parse.style {
            ParseStyle::Anchor => "sumo_parse_anchor",
            ParseStyle::Regex => "sumo_parse_regex",
        };
        let nocase = parse.nocase || (self.switches.anchor_nocase && parse.style == ParseStyle::Anchor);
        let mut arguments = vec![source, text(&pattern.text)];
        match (parse.style, nocase) {
            (ParseStyle::Anchor, true) => arguments.push(text("nocase")),
            (ParseStyle::Regex, true) => arguments[1] = text(&format!("(?i){}", pattern.text)),
            _ => {}
        }
        let capture = call(function, arguments);
        // Nothing asks later whether a lone capture matched: it need not be a column of its own.
        if let ([name], [old], true) = (names.as_slice(), old.as_slice(), parse.nodrop && !self.alternatives) {
            rows.chain.clear();
            let value = old.iter().fold(capture, |capture, old| coalesce(capture, old.to_text()));
            self.assign(rows, &name.text, &Value::new(value, Ty::Text), at)?;
            return Ok(());
        }
        let captured = self.id();
        built(rows.extend(vec![(captured.clone(), capture)]), at)?;
        rows.chain.push(captured.clone());
        if !parse.nodrop {
            let matched = rows.chain.iter().map(|id| column(id).is_not_null()).collect();
            if let Some(condition) = balanced(matched, Operator::Or) {
                built(rows.filter(condition), at)?;
            }
        }
        let mut columns = Vec::new();
        let mut bound = Vec::new();
        for (index, (name, old)) in names.iter().zip(old).enumerate() {
            let value = captured_value(&captured, index, names.len());
            let value = match old {
                Some(old) => coalesce(value, old.to_text()),
                None => value,
            };
            let id = self.id();
            columns.push((id.clone(), value));
            bound.push((name.text.clone(), id));
        }
        built(rows.extend(columns), at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        if !parse.nodrop {
            rows.chain.clear();
        }
        Ok(())
    }

    /// What a field holds before it is assigned: nothing, where it is new.
    fn earlier(&mut self, rows: &mut Rows, name: &Name) -> Planning<Option<Value>> {
        let known = rows.find(&name.text).is_some() || (rows.raw && rows.open);
        let removed = rows.removed.iter().any(|r| same(r, &name.text));
        if known && !removed { self.field(rows, &name.text, name.at).map(Some) } else { Ok(None) }
    }

    /// A row for each match.
    fn parse_multi(
        &mut self,
        rows: &mut Rows,
        pattern: &Text,
        names: &[Name],
        source: Expr,
        nodrop: bool,
        at: At,
    ) -> Planning<()> {
        let found = self.id();
        let all = call("sumo_parse_regex_all", vec![source, text(&pattern.text)]);
        built(rows.extend(vec![(found.clone(), call("sumo_unpack", vec![all]))]), at)?;
        if !nodrop {
            built(rows.filter(column(&found).is_not_null()), at)?;
        }
        let unnested = rows.builder().unnest_columns_with_options(
            vec![Column::from_name(&found)],
            UnnestOptions::default().with_preserve_nulls(true),
        );
        rows.plan = built(unnested.and_then(LogicalPlanBuilder::build), at)?;
        let mut columns = Vec::new();
        let mut bound = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let value = captured_value(&found, index, names.len());
            let value = match rows.find(&name.text).filter(|_| nodrop) {
                Some(old) => coalesce(value, old.value().to_text()),
                None => value,
            };
            let id = self.id();
            columns.push((id.clone(), value));
            bound.push((name.text.clone(), id));
        }
        // The rows that unnesting made need the list's column until its parts are taken out.
        let mut every = rows.live();
        every.extend(columns.into_iter().map(|(id, expr)| expr.alias(id)));
        rows.plan = built(rows.builder().project(every).and_then(LogicalPlanBuilder::build), at)?;
        for (name, id) in bound {
            rows.bind(&name, &id, Ty::Text);
        }
        rows.chain.clear();
        Ok(())
    }

    /// The fields of a regular expression: its named groups, or what `as` calls them.
    fn groups(&self, pattern: &Text, names: &[Name]) -> Planning<Vec<Name>> {
        let regex = self.check_pattern(&pattern.text, pattern.at)?;
        let groups: Vec<Name> = regex.names().into_iter().map(|(_, text)| Name { text, at: pattern.at }).collect();
        if groups.is_empty() {
            return Err(Diagnostic::error(
                crate::syntax::codes::CAPTURES,
                pattern.at.0,
                "a regular expression needs a named group for each field",
            )
            .help("write `(?<field>…)`"));
        }
        if names.is_empty() {
            return Ok(groups);
        }
        if names.len() != groups.len() {
            let message = format!(
                "the regular expression has {} named groups and {} fields after `as`",
                groups.len(),
                names.len()
            );
            return Err(Diagnostic::error(crate::syntax::codes::CAPTURES, pattern.at.0, message));
        }
        Ok(names.to_vec())
    }

    pub(super) fn json(&mut self, rows: &mut Rows, json: &Json, at: At) -> Planning<()> {
        if let Some(auto) = &json.auto {
            let depth = auto.max_depth.as_ref().and_then(|d| usize::try_from(d.whole()?).ok()).unwrap_or(usize::MAX);
            // `refonly` alone keeps the other keys of the messages out (documented).
            if !auto.refonly || auto.keys.is_empty() {
                let options = AutoOptions { json: true, depth, arrays: auto.extract_arrays, delimiter: "" };
                self.auto(rows, json.source.as_ref(), options, at)?;
            }
            if auto.keys.is_empty() {
                return Ok(());
            }
            let names = if json.names.is_empty() { named(&auto.keys) } else { json.names.clone() };
            let keys = auto.keys.iter().map(|k| ("sumo_json_auto", k.text.clone())).collect();
            return self.extract(rows, json.source.as_ref(), keys, &names, true, at);
        }
        for path in &json.paths {
            if !parallax_functions::sumo::is_path(&path.text) {
                let message = "this path has too many steps or branches";
                return Err(Diagnostic::error(codes::BAD_ARGUMENT, path.at.0, message));
            }
        }
        let names = if json.names.is_empty() { named(&json.paths) } else { json.names.clone() };
        if let [path] = json.paths.as_slice() {
            let path = vec![("sumo_json", path.text.clone())];
            return self.extract(rows, json.source.as_ref(), path, &names, json.nodrop, at);
        }
        // The text is read once for all paths.
        let source = self.source(rows, json.source.as_ref(), at)?;
        let mut paths = String::new();
        json.paths.iter().for_each(|p| parallax_functions::sumo::pack(&p.text, &mut paths));
        let found = self.id();
        built(rows.extend(vec![(found.clone(), call("sumo_json_paths", vec![source, text(&paths)]))]), at)?;
        rows.chain.push(found.clone());
        let part = |index| call("sumo_json_part", vec![column(&found), long(i64::try_from(index).unwrap_or(i64::MAX))]);
        let parts = (0..json.paths.len()).map(part).collect();
        self.take_out(rows, parts, &names, json.nodrop, at)
    }

    pub(super) fn key_value(&mut self, rows: &mut Rows, kv: &KeyValue, at: At) -> Planning<()> {
        let delimiter = kv.delimiters.first().map_or("", |(_, text)| text.text.as_str());
        if kv.keys.is_empty() || (kv.auto && !kv.refonly) {
            let options = AutoOptions { json: false, depth: usize::MAX, arrays: false, delimiter };
            self.auto(rows, kv.source.as_ref(), options, at)?;
        }
        if kv.keys.is_empty() {
            return Ok(());
        }
        let names = if kv.names.is_empty() { kv.keys.iter().map(bare).collect() } else { kv.names.clone() };
        let mut calls = Vec::new();
        for key in &kv.keys {
            let pattern = match &kv.regex {
                Some(regex) => {
                    let compiled = self.check_regex(&regex.text, regex.at)?;
                    match compiled.captures_len() {
                        3 => format!("{}\u{0}{}", key.text, regex.text),
                        // One group is the value; it is looked for behind the key (documented).
                        2 => format!("{}\u{1}{}", key.text, regex.text),
                        _ => {
                            return self.refuse(
                                regex.at,
                                "`keyvalue regex` has a group for the key and one for the value, or the latter alone",
                                "",
                            );
                        }
                    }
                }
                None if delimiter.is_empty() => key.text.clone(),
                None => format!("{}\u{2}{delimiter}", key.text),
            };
            calls.push(("sumo_keyvalue", pattern));
        }
        self.extract(rows, kv.source.as_ref(), calls, &names, kv.nodrop, at)
    }

    pub(super) fn split(&mut self, rows: &mut Rows, split: &Split, at: At) -> Planning<()> {
        let option = |name: &str, default: &str| -> Planning<String> {
            let Some((_, value)) = split.options.iter().find(|(n, _)| n == name) else { return Ok(default.to_owned()) };
            match value.text.chars().count() {
                1 => Ok(value.text.clone()),
                _ => Err(Diagnostic::error(codes::BAD_ARGUMENT, value.at.0, format!("`{name}=` is one character"))),
            }
        };
        let source = self.source(rows, split.source.as_ref(), at)?;
        let options = format!("{}{}{}", option("delim", ",")?, option("escape", "\\")?, option("quote", "\"")?);
        let parts = self.id();
        built(rows.extend(vec![(parts.clone(), call("sumo_split", vec![source, text(&options)]))]), at)?;
        let mut columns = Vec::new();
        for (position, name) in &split.fields {
            let index = i64::try_from(position - 1).unwrap_or(i64::MAX);
            columns.push((self.id(), call("sumo_capture", vec![column(&parts), long(index)]), name.text.clone()));
        }
        rows.chain.push(parts);
        built(rows.extend(columns.iter().map(|(id, expr, _)| (id.clone(), expr.clone())).collect()), at)?;
        rows.chain.clear();
        // Documented: there is no `nodrop`; a message without the column goes.
        let there = columns.iter().map(|(id, _, _)| column(id).is_not_null()).collect();
        if let Some(condition) = balanced(there, Operator::And) {
            built(rows.filter(condition), at)?;
        }
        for (id, _, name) in columns {
            rows.bind(&name, &id, Ty::Text);
        }
        Ok(())
    }

    pub(super) fn xml(&mut self, rows: &mut Rows, xml: &Xml, at: At) -> Planning<()> {
        let names = if xml.names.is_empty() { named(&xml.paths) } else { xml.names.clone() };
        let paths = xml.paths.iter().map(|p| ("sumo_xml", p.text.clone())).collect();
        self.extract(rows, xml.source.as_ref(), paths, &names, xml.nodrop, at)
    }

    /// A field for each call; all must be there unless `nodrop`, which assigns those that are.
    fn extract(
        &mut self,
        rows: &mut Rows,
        source: Option<&Name>,
        calls: Vec<(&str, String)>,
        names: &[Name],
        nodrop: bool,
        at: At,
    ) -> Planning<()> {
        let source = self.source(rows, source, at)?;
        let value = |(function, argument): (&str, String)| call(function, vec![source.clone(), text(&argument)]);
        self.take_out(rows, calls.into_iter().map(value).collect(), names, nodrop, at)
    }

    fn take_out(&mut self, rows: &mut Rows, values: Vec<Expr>, names: &[Name], nodrop: bool, at: At) -> Planning<()> {
        let mut columns = Vec::new();
        for (mut value, name) in values.into_iter().zip(names) {
            if nodrop && let Some(old) = self.earlier(rows, name)? {
                value = coalesce(value, old.to_text());
            }
            columns.push((self.id(), value));
        }
        let ids: Vec<String> = columns.iter().map(|(id, _)| id.clone()).collect();
        built(rows.extend(columns), at)?;
        if !nodrop {
            let there = ids.iter().map(|id| column(id).is_not_null()).collect();
            if let Some(condition) = balanced(there, Operator::And) {
                built(rows.filter(condition), at)?;
            }
        }
        for (id, name) in ids.iter().zip(names) {
            rows.bind(&name.text, id, Ty::Text);
        }
        Ok(())
    }
}

/// A key as a name. Documented: characters that a bare name cannot have become underscores.
pub(super) fn bare(key: &Text) -> Name {
    let text = key.text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    Name { text: text.collect(), at: key.at }
}

/// Fields that are named after what they were taken from.
fn named(texts: &[Text]) -> Vec<Name> {
    texts.iter().map(|t| Name { text: t.text.clone(), at: t.at }).collect()
}

fn captured_value(captured: &str, index: usize, of: usize) -> Expr {
    if of == 1 {
        return column(captured);
    }
    call("sumo_capture", vec![column(captured), long(i64::try_from(index).unwrap_or(i64::MAX))])
}

/// An anchor pattern has a field for each `*`.
fn check_anchor(pattern: &Text, names: &[Name]) -> Planning<Vec<Name>> {
    let stars = pattern.text.matches('*').count();
    if stars == names.len() && stars > 0 {
        return Ok(names.to_vec());
    }
    let message = if names.is_empty() {
        "`parse` needs `as` and the fields that take what each `*` stands for".to_owned()
    } else {
        format!("the pattern has {stars} `*` and {} fields after `as`", names.len())
    };
    Err(Diagnostic::error(crate::syntax::codes::CAPTURES, pattern.at.0, message)
        .help("give one field for each `*`, separated by commas"))
}
