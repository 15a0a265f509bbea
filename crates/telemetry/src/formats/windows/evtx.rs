//! Windows event log files.

use super::emit;
use super::evtx_kind::Kinds;
use super::gather::{Compiled, Gather};
use super::xml;
use crate::event::{Reader, Request, Sink, Value};
use crate::input::{Compression, Input};
use crate::report::Report;
use evtx::err::EvtxError;
use evtx::{ChunkFlags, EvtxChunk, EvtxFileHeader, EvtxParser, ParserSettings, SerializedEvtxRecord};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HEADER: u64 = 4096;
const CHUNK: u64 = 64 * 1024;
const CHUNK_HEADER: usize = 512;

/// How many chunks of a packed file are unpacked at a time.
const BLOCK: u64 = 32;

/// Reads EVTX files.
///
/// A file is read chunk by chunk, oldest first, as Windows does; memory holds one chunk. A packed file or a pipe can't
/// be read out of order: it is read as it comes, 2 MiB at a time. A damaged record or chunk is told to the report and
/// costs itself alone; of a chunk that the file's end cuts, the whole records are delivered.
pub struct EvtxReader {
    inputs: Vec<Input>,
}

impl EvtxReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        EvtxReader { inputs }
    }
}

impl Reader for EvtxReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let compiled = Compiled::new(request);
        for (file, input) in self.inputs.iter().enumerate() {
            let name = input.name();
            let mut one = One { compiled: &compiled, report, sink, name: &name, file: file as u32, values: Vec::new() };
            let flow = match one.read(input) {
                Ok(flow) => flow,
                Err(e) => {
                    report.damage(&name, None, e.to_string());
                    continue;
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// One file being read.
struct One<'r> {
    compiled: &'r Compiled,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    name: &'r str,
    file: u32,
    values: Vec<Value<'static>>,
}

impl One<'_> {
    fn read(&mut self, input: &Input) -> io::Result<ControlFlow<()>> {
        match input.plain_path() {
            Some(path) if input.compression == Compression::None && path.metadata()?.is_file() => {
                self.seekable(File::open(path)?)
            }
            _ => self.stream(input.open()?),
        }
    }

    fn seekable(&mut self, file: File) -> io::Result<ControlFlow<()>> {
        let length = file.metadata()?.len();
        self.report.add_bytes(length);
        let mut file = Padded { inner: BufReader::with_capacity(CHUNK as usize, file), length, at: 0 };
        let mut header = Vec::new();
        (&mut file).take(HEADER).read_to_end(&mut header)?;
        if !self.check(&header, length) {
            return Ok(ControlFlow::Continue(()));
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(self.records(file))
    }

    fn stream(&mut self, mut reader: impl Read) -> io::Result<ControlFlow<()>> {
        let mut block = Vec::new();
        (&mut reader).take(HEADER).read_to_end(&mut block)?;
        let mut length = block.len() as u64;
        let header = block.clone();
        let mut failed = None;
        while failed.is_none() {
            block.truncate(header.len());
            let read = (&mut reader).take(BLOCK * CHUNK).read_to_end(&mut block);
            let n = block.len() - header.len();
            length += n as u64;
            failed = read.err();
            if n == 0 {
                break;
            }
            let source = Padded { length: block.len() as u64, inner: Cursor::new(std::mem::take(&mut block)), at: 0 };
            if header.len() as u64 == HEADER && self.records(source).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            block.clone_from(&header);
        }
        self.report.add_bytes(length);
        if let Some(e) = failed {
            self.report.damage(self.name, None, e.to_string());
        }
        self.check(&header, length);
        Ok(ControlFlow::Continue(()))
    }

    /// Looks at the file's header and length; says what is wrong with them. `false` if there is nothing to read.
    fn check(&self, header: &[u8], length: u64) -> bool {
        if length < HEADER {
            self.report.damage(self.name, None, "the file ends within its header: no event can be read");
            return false;
        }
        let header = match EvtxFileHeader::from_bytes(header) {
            Ok(header) => header,
            Err(e) => {
                self.report.damage(self.name, None, e.to_string());
                return false;
            }
        };
        let body = length - HEADER;
        if !body.is_multiple_of(CHUNK) {
            self.report.damage(self.name, None, "the file is truncated: it ends within a chunk");
        } else if body / CHUNK < u64::from(header.chunk_count) && header.validate_checksum() {
            let reason = format!("the file is truncated: {} of {} chunks are there", body / CHUNK, header.chunk_count);
            self.report.damage(self.name, None, reason);
        }
        true
    }

    fn records<T: Read + Seek>(&mut self, source: T) -> ControlFlow<()> {
        let mut parser = match EvtxParser::from_read_seek(source) {
            Ok(parser) => parser.with_configuration(ParserSettings::default().num_threads(1)),
            Err(e) => {
                self.report.damage(self.name, None, first_line(&e));
                return ControlFlow::Continue(());
            }
        };
        let (compiled, mut kinds, mut begun) = (self.compiled.clone(), Kinds::default(), false);
        let changed = Arc::new(AtomicU64::new(0));
        let count = changed.clone();
        // The closure is cloned for each chunk, and so begins each with nothing known.
        let records = parser.serialized_records(move |record| {
            let record = record?;
            if !begun {
                begun = true;
                count.fetch_add(u64::from(!is_intact(record.chunk)), Ordering::Relaxed);
            }
            let at = record.binxml_offset as usize;
            if !compiled.wants_all() && kinds.of(record.chunk.data, at).is_some_and(|k| !compiled.wants(&k)) {
                return Ok(None);
            }
            record.into_xml_bytes().map(Some)
        });
        for record in records {
            match record {
                Ok(Some(record)) => self.record(record)?,
                Ok(None) => {}
                Err(e) => self.report.damage(self.name, None, first_line(&e)),
            }
        }
        // No damage: a log that is still being written, or was copied from a running machine, looks the same.
        let changed = changed.load(Ordering::Relaxed);
        if changed > 0 {
            self.report.note("EVTX chunks whose checksum does not fit, read all the same", changed);
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, record: SerializedEvtxRecord<Vec<u8>>) -> ControlFlow<()> {
        let text = super::text::lossy(&record.data);
        let mut gather = Gather::new(self.compiled);
        xml::event(&text, &mut gather);
        let place = emit::Place { file: self.file, name: self.name, position: record.event_record_id };
        emit::event(gather, &text, place, &mut self.values, self.report, self.sink)
    }
}

/// Whether the chunk's records are as the event log service left them.
fn is_intact(chunk: &EvtxChunk<'_>) -> bool {
    let header = chunk.header;
    header.flags.contains(ChunkFlags::NO_CRC32)
        || chunk
            .data
            .get(CHUNK_HEADER..header.free_space_offset as usize)
            .is_some_and(|records| evtx::checksum_ieee(records) == header.events_checksum)
}

/// The error with its causes, in one line.
fn first_line(e: &EvtxError) -> String {
    let mut out = e.to_string();
    let mut cause = std::error::Error::source(e);
    while let Some(e) = cause {
        let text = e.to_string();
        if !out.contains(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        cause = e.source();
    }
    out.lines().next().unwrap_or_default().to_owned()
}

/// A file that reads as if zeros filled its last chunk, so that the whole records of a chunk that was cut are found.
struct Padded<T> {
    inner: T,
    length: u64,
    at: u64,
}

impl<T> Padded<T> {
    fn padded_length(&self) -> u64 {
        if self.length <= HEADER { self.length } else { HEADER + (self.length - HEADER).div_ceil(CHUNK) * CHUNK }
    }
}

impl<T: Read> Read for Padded<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = if self.at < self.length {
            self.inner.read(buffer)?
        } else {
            let n = buffer.len().min((self.padded_length() - self.at.min(self.padded_length())) as usize);
            buffer[..n].fill(0);
            n
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl<T: Seek> Seek for Padded<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.padded_length().checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        self.inner.seek(SeekFrom::Start(self.at.min(self.length)))?;
        Ok(self.at)
    }
}
