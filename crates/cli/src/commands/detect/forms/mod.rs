//! How a finding is written in the forms in which each stands for itself: by any thread.

mod blocks;
mod json;
mod row;

pub(super) use row::{Parts, columns, row};

use crate::args::FindingFormat;
use crate::output::{csv, json::beginning, json::end};
use crate::policy;
use json::{Json, Shared};
use parallax_detect::{Finding, Pen};
use parallax_report::ocsf::{Maker, Ocsf};
use std::io;
use std::sync::Arc;

/// A form.
#[derive(Clone)]
pub(super) enum Form {
    Blocks,
    /// An object a line, or arrays in a document.
    Json {
        lines: bool,
        shared: Arc<Shared>,
    },
    Csv,
    Ocsf(Ocsf),
}

impl Form {
    /// The form, if it is one of these.
    pub(super) fn of(format: FindingFormat) -> Option<Self> {
        match format {
            FindingFormat::Table => Some(Form::Blocks),
            FindingFormat::Json => Some(Form::Json { lines: false, shared: Arc::default() }),
            FindingFormat::Ndjson => Some(Form::Json { lines: true, shared: Arc::default() }),
            FindingFormat::Csv => Some(Form::Csv),
            FindingFormat::Ocsf => {
                let version = env!("CARGO_PKG_VERSION").to_owned();
                Some(Form::Ocsf(Ocsf::new(Maker { version, now: policy::wall() / 1_000_000 })))
            }
            FindingFormat::Parquet | FindingFormat::Navigator | FindingFormat::Sarif => None,
        }
    }

    /// What writes a finding.
    pub(super) fn pen(&self) -> Box<dyn Pen> {
        match self {
            Form::Blocks => Box::new(Blocks),
            Form::Json { lines, shared } => Box::new(Json::new(&columns(), *lines, shared.clone())),
            Form::Csv => Box::new(Csv),
            Form::Ocsf(maker) => Box::new(Events(maker.clone())),
        }
    }

    /// What stands before all findings.
    pub(super) fn beginning(&self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Form::Json { lines: false, .. } => out.extend(beginning(&columns()).bytes()),
            Form::Csv => {
                let mut writer = ::csv::Writer::from_writer(&mut out);
                csv::header(&columns(), &mut writer)?;
                writer.flush()?;
            }
            _ => {}
        }
        Ok(out)
    }

    /// How much of the first finding is left out.
    pub(super) fn before_first(&self) -> usize {
        // The comma between it and the one before.
        usize::from(matches!(self, Form::Json { lines: false, .. }))
    }

    /// What stands behind them.
    pub(super) fn end(&self, any: bool) -> &'static str {
        if let Form::Json { lines: false, .. } = self { end(any) } else { "" }
    }
}

struct Blocks;

impl Pen for Blocks {
    fn write(&mut self, finding: &Finding, out: &mut Vec<u8>) {
        // Memory refuses nothing.
        let _ = blocks::block(finding, out);
    }
}

struct Csv;

impl Pen for Csv {
    fn write(&mut self, finding: &Finding, out: &mut Vec<u8>) {
        let mut writer = ::csv::WriterBuilder::new().buffer_capacity(4096).from_writer(out);
        let _ = csv::record(&row(finding, &Parts::of(finding)), &mut writer);
    }
}

struct Events(Ocsf);

impl Pen for Events {
    fn write(&mut self, finding: &Finding, out: &mut Vec<u8>) {
        self.0.write(finding, out);
    }
}
