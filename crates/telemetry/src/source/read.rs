//! Which reader reads a source.

use super::{Format, Source};
use crate::event::{Family, Reader, Request, Sink};
use crate::formats::{auditd, csv, json, syslog, windows};
use crate::report::Report;
use std::io;

impl Source {
    /// The reader of its format. Parquet has none: see [`Source::parquet_schema`].
    pub fn reader(&self) -> io::Result<Box<dyn Reader>> {
        let inputs = self.inputs.clone();
        Ok(match self.format {
            Format::DefenderJson | Format::WindowsJson | Format::JsonLines | Format::Json => {
                Box::new(json::JsonReader::new(inputs))
            }
            Format::DefenderCsv | Format::Csv => {
                Box::new(csv::CsvReader::new(inputs, self.settings.utc_offset_minutes))
            }
            Format::Evtx => Box::new(windows::EvtxReader::new(inputs)),
            Format::WindowsXml => Box::new(windows::XmlReader::new(inputs)),
            Format::WindowsText => Box::new(windows::NtLogEventReader::new(inputs)),
            Format::Auditd | Format::SysmonLinux | Format::Syslog => Box::new(ByRequest { source: self.clone() }),
            Format::Parquet => {
                let what = "Parquet is read column by column, not as events";
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
        })
    }
}

/// A source of which there are two readings; the request decides.
struct ByRequest {
    source: Source,
}

impl Reader for ByRequest {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let Source { inputs, settings, .. } = &self.source;
        match self.source.format {
            Format::Auditd => {
                let settings = auditd::Settings {
                    host: settings.host.clone(),
                    passwd: settings.passwd.clone(),
                    records: request.wants_family(Family::AuditRecord) && !request.decoded_records,
                    threads: settings.threads,
                };
                auditd::AuditReader::new(inputs.clone(), settings).read(request, report, sink)
            }
            // Sysmon's lines are syslog messages too, where those are asked for alone.
            Format::SysmonLinux if request.wants_family(Family::Sysmon) => {
                windows::SysmonLinuxReader::new(inputs.clone()).read(request, report, sink)
            }
            _ => syslog::SyslogReader::new(inputs.clone()).read(request, report, sink),
        }
    }
}
