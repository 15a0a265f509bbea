//! `externaldata (schema) [ places ] with (options)`.
//!
//! The format is the one that is named, else the place's ending says it, else it is CSV (documented). Values are read by
//! their place in a line; of JSON, by the column's name, unless `ingestionMapping` says otherwise.

use super::mapping::{Mapped, Mapping};
use super::{field, fresh, typed, unreached};
use crate::plan::Binder;
use crate::plan::error::{self, At, Result, fail};
use crate::plan::relation::Relation;
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::Value;
use crate::syntax::tree::{Expr, ExprKind, ExternalData, Literal, Option_, OptionValue};
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlanBuilder;
use parallax_catalog::Table;
use parallax_catalog::external::{Field, FileFormat, Layout, Step, is_url};
use parallax_diagnostics::{Diagnostic, Span};
use std::sync::Arc;

/// What stands in `with (…)`.
#[derive(Default)]
struct Settings {
    format: Option<FileFormat>,
    skip_first: bool,
    mapping: Option<Mapping>,
}

impl Binder<'_> {
    pub(crate) fn external_data(&self, external: &ExternalData, span: Span, scope: &Scope) -> Result<Relation> {
        let schema = self.schema(&external.schema)?;
        let settings = self.settings(&external.with)?;
        let mut branches = Vec::new();
        for place in &external.storage {
            let value = self.scalar(place, &Rows::none(scope))?.folded();
            let Some(text) = value.text().map(str::to_owned) else {
                return fail(error::CONSTANT, place.span, "the place of a file must be a constant text");
            };
            branches.push((text.clone(), self.one_file(&text, place.span, &schema, &settings)?));
        }
        match branches.len() {
            0 => fail(error::ARGUMENTS, span, "`externaldata` needs the place of a file"),
            1 => Ok(branches.remove(0).1),
            _ => self.merged(branches, None, false, span),
        }
    }

    fn one_file(&self, text: &str, span: Span, schema: &[(String, Type)], settings: &Settings) -> Result<Relation> {
        // What follows a semicolon is a secret or says how to log on.
        let place = match is_url(text) {
            true => text.split(';').next().unwrap_or(text),
            false => text,
        };
        let format = match settings.format {
            Some(format) => format,
            None => format_of(place, span)?,
        };
        let columns = columns(schema, format, settings.mapping.as_ref(), span)?;
        let fields = columns.iter().filter_map(|c| c.field.clone()).collect();
        let layout = Layout { format, skip_first: settings.skip_first, fields };
        match self.catalog.externals().data(place, &layout) {
            Ok(table) => self.read(&table, schema, &columns, span),
            Err(why) => self.out_of_reach(schema.to_vec(), unreached(&why, &format!("`{place}`"), span)),
        }
    }

    fn read(&self, table: &Table, schema: &[(String, Type)], from: &[Mapped], span: Span) -> Result<Relation> {
        let columns = fresh(self, schema.to_vec());
        let mut fields = table.columns.iter();
        let mut exprs = Vec::with_capacity(columns.len());
        for (column, mapped) in columns.iter().zip(from) {
            let raw = match (&mapped.constant, &mapped.field) {
                (Some(text), _) => Value::string(text.clone()),
                (None, Some(_)) => match fields.next() {
                    Some(column) => field(table, column, span)?,
                    None => Value::null(Type::String),
                },
                (None, None) => Value::null(column.ty),
            };
            let value = match mapped.transform {
                Some(transform) => transform.apply(raw, span)?,
                None => raw,
            };
            exprs.push(typed(value, column.ty, span)?.expr.alias(column.id.as_str()));
        }
        let plan = LogicalPlanBuilder::scan(TableReference::bare(table.name.as_str()), Arc::clone(&table.source), None)
            .and_then(|b| b.project(exprs))
            .and_then(LogicalPlanBuilder::build)
            .at(span)?;
        Ok(Relation::new(plan, columns))
    }

    fn settings(&self, options: &[Option_]) -> Result<Settings> {
        let mut settings = Settings::default();
        for option in options {
            match option.name.text.to_ascii_lowercase().as_str() {
                "format" => match option.word() {
                    Some((word, at)) => settings.format = Some(format(word, at)?),
                    None => return fail(error::OPTION, option.span, "the format is a text such as \"csv\""),
                },
                "ignorefirstrecord" => settings.skip_first = flag(option)?,
                "ingestionmapping" | "jsonmapping" | "csvmapping" => match option.word() {
                    Some((text, at)) => settings.mapping = Some(Mapping::parse(text, at)?),
                    None => return fail(error::OPTION, option.span, "a mapping is a text that holds JSON"),
                },
                "ingestionmappingreference" | "jsonmappingreference" | "csvmappingreference" => {
                    return fail(error::NO_FORM, option.span, "a mapping that is stored elsewhere is not known here")
                        .map_err(|d| Box::new((*d).help("write it out: `ingestionMapping = '[…]'`")));
                }
                _ => self.note(Diagnostic::warning(
                    error::GUESS,
                    option.name.span,
                    format!("`{}` is no documented option of `externaldata`; it is left aside", option.name.text),
                )),
            }
        }
        Ok(settings)
    }
}

fn flag(option: &Option_) -> Result<bool> {
    if let OptionValue::Expr(Expr { kind: ExprKind::Literal(Literal::Bool(Some(yes))), .. }) = &option.value {
        return Ok(*yes);
    }
    match option.word().map(|(w, _)| w.to_ascii_lowercase()).as_deref() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => fail(error::OPTION, option.span, format!("`{}` is `true` or `false`", option.name.text)),
    }
}

/// The format of that name.
fn format(name: &str, span: Span) -> Result<FileFormat> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "csv" => FileFormat::Delimited(b','),
        "tsv" => FileFormat::Delimited(b'\t'),
        "psv" => FileFormat::Delimited(b'|'),
        "scsv" => FileFormat::Delimited(b';'),
        "sohsv" => FileFormat::Delimited(1),
        "txt" => FileFormat::Lines,
        "raw" => FileFormat::Raw,
        "json" => FileFormat::JsonLines,
        "multijson" => FileFormat::Json,
        known @ ("avro" | "apacheavro" | "orc" | "parquet" | "tsve" | "w3clogfile" | "azmonstream" | "sstream") => {
            return fail(error::NO_FORM, span, format!("`externaldata` does not read the format `{known}` here"))
                .map_err(|d| Box::new((*d).help("convert the file to CSV or JSON, or give it as an input")));
        }
        other => {
            return Err(Box::new(
                Diagnostic::error(error::OPTION, span, format!("there is no format `{other}`"))
                    .suggest(other, ["csv", "tsv", "psv", "scsv", "sohsv", "txt", "raw", "json", "multijson"]),
            ));
        }
    })
}

/// The format that a place's ending says.
fn format_of(place: &str, span: Span) -> Result<FileFormat> {
    let path = if is_url(place) { place.split(['?', '#']).next().unwrap_or(place) } else { place };
    let path = path.to_ascii_lowercase();
    let path = path.strip_suffix(".gz").or_else(|| path.strip_suffix(".zip")).unwrap_or(&path);
    match path.rsplit(['/', '\\']).next().and_then(|file| file.rsplit_once('.')) {
        Some((_, "tsv")) => Ok(FileFormat::Delimited(b'\t')),
        Some((_, "psv")) => Ok(FileFormat::Delimited(b'|')),
        Some((_, "scsv")) => Ok(FileFormat::Delimited(b';')),
        Some((_, "txt")) => Ok(FileFormat::Lines),
        Some((_, "raw")) => Ok(FileFormat::Raw),
        Some((_, "json")) => Ok(FileFormat::JsonLines),
        Some((_, "multijson")) => Ok(FileFormat::Json),
        Some((_, packed @ ("parquet" | "avro" | "orc"))) => format(packed, span),
        _ => Ok(FileFormat::Delimited(b',')),
    }
}

/// Where each declared column comes from.
fn columns(
    schema: &[(String, Type)],
    format: FileFormat,
    mapping: Option<&Mapping>,
    span: Span,
) -> Result<Vec<Mapped>> {
    if let Some(mapping) = mapping {
        return mapping.columns(schema, format, span);
    }
    let place = |(at, (name, _)): (usize, &(String, Type))| match format {
        FileFormat::JsonLines | FileFormat::Json => Mapped::of(Field::Path(vec![Step::Member(name.clone())])),
        _ => Mapped::of(Field::At(at)),
    };
    Ok(schema.iter().enumerate().map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_the_format() {
        let of = |place| format_of(place, Span::default()).ok();
        assert_eq!(of("a.csv"), Some(FileFormat::Delimited(b',')));
        assert_eq!(of("a/b.tsv.gz"), Some(FileFormat::Delimited(b'\t')));
        assert_eq!(of("https://example.org/list.TXT?sv=1.csv"), Some(FileFormat::Lines));
        assert_eq!(of("https://example.org/feed"), Some(FileFormat::Delimited(b',')));
        assert_eq!(of("https://example.org/a.multijson"), Some(FileFormat::Json));
        assert_eq!(of("a.parquet"), None);
    }
}
