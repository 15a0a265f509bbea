//! Windows event log files.

use super::compiled::Compiled;
use super::emit;
use super::evtx_kind::{self, Kinds};
use super::evtx_needles::Hits;
use super::gather::Gather;
use super::xml;
use crate::event::{Reader, Request, Sink, Value};
use crate::input::{self, Input, ReadSeek};
use crate::needles::Finder;
use crate::report::Report;
use evtx::err::EvtxError;
use evtx::{ChunkFlags, EvtxChunk, EvtxFileHeader, EvtxParser, ParserSettings, SerializedEvtxRecord};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HEADER: u64 = 4096;
const CHUNK: u64 = 64 * 1024;
const CHUNK_HEADER: usize = 512;

/// How many chunks are decoded together: templates that they share are compiled once.
const BLOCK: usize = 64;

/// Reads EVTX files.
///
/// A file is read chunk by chunk, oldest first, as Windows does; memory holds 4 MiB of it. A packed file or a pipe is read
/// as it comes. A chunk none of whose records are asked for, or show what is looked for, is not decoded at all. A damaged record or chunk is told to
/// the report and costs itself alone; of a chunk that the file's end cuts, the whole records are delivered.
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
        let finder = request.needles.as_ref().and_then(Finder::in_binary).map(Arc::new);
        input::each(&self.inputs, report, |input, file, name| {
            let (values, block, numbers) = (Vec::new(), Vec::new(), Vec::new());
            let hits = finder.clone().map(Hits::new);
            One { compiled: &compiled, report, sink, name, file, values, block, numbers, hits }.read(input)
        });
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
    /// The file's header and some chunks: a small event log file.
    block: Vec<u8>,
    /// Which chunks of the file those are.
    numbers: Vec<u64>,
    /// Where the last chunk shows what is looked for, if anything is.
    hits: Option<Hits>,
}

impl One<'_> {
    fn read(&mut self, input: &Input) -> io::Result<ControlFlow<()>> {
        match input.open_anywhere()? {
            Some((file, length)) => self.seekable(file, length),
            None => self.stream(input.open()?),
        }
    }

    fn seekable(&mut self, mut file: Box<dyn ReadSeek>, length: u64) -> io::Result<ControlFlow<()>> {
        if !self.begin(&mut file)? {
            return Ok(ControlFlow::Continue(()));
        }
        self.check_length(length);
        let chunks = (length - HEADER).div_ceil(CHUNK);
        let oldest = oldest_chunk(&mut file, chunks)?;
        for range in [oldest..chunks, 0..oldest] {
            file.seek(SeekFrom::Start(HEADER + range.start * CHUNK))?;
            for number in range {
                if self.chunk(&mut file, number)? == 0 {
                    break;
                }
                if self.numbers.len() == BLOCK && self.flush().is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(self.flush())
    }

    fn stream(&mut self, mut reader: impl Read) -> io::Result<ControlFlow<()>> {
        if !self.begin(&mut reader)? {
            return Ok(ControlFlow::Continue(()));
        }
        let mut length = HEADER;
        for number in 0.. {
            let n = match self.chunk(&mut reader, number) {
                Ok(n) => n as u64,
                Err(e) => {
                    self.report.damage(self.name, None, e.to_string());
                    return Ok(self.flush());
                }
            };
            length += n;
            if (n < CHUNK || self.numbers.len() == BLOCK) && self.flush().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if n < CHUNK {
                break;
            }
        }
        self.check_length(length);
        Ok(ControlFlow::Continue(()))
    }

    /// Reads the file's header. `false`, and said, if it is none.
    fn begin(&mut self, reader: &mut impl Read) -> io::Result<bool> {
        self.block.clear();
        self.numbers.clear();
        reader.take(HEADER).read_to_end(&mut self.block)?;
        self.report.add_bytes(self.block.len() as u64);
        if (self.block.len() as u64) < HEADER {
            self.report.damage(self.name, None, "the file ends within its header: no event can be read");
            return Ok(false);
        }
        if let Err(e) = EvtxFileHeader::from_bytes(&self.block) {
            self.report.damage(self.name, None, e.to_string());
            return Ok(false);
        }
        Ok(true)
    }

    /// Reads the next chunk, and keeps it if there may be something in it. Returns how much of it was there; zeros
    /// fill the rest of one that was cut, so that its whole records are found.
    fn chunk(&mut self, reader: &mut impl Read, number: u64) -> io::Result<usize> {
        let begin = self.block.len();
        let n = reader.take(CHUNK).read_to_end(&mut self.block)?;
        self.report.add_bytes(n as u64);
        self.block.resize(begin + CHUNK as usize, 0);
        let chunk = &self.block[begin..];
        let wanted = self.compiled.wants_all() || Kinds::default().any_in(chunk, |kind| self.compiled.wants(kind));
        // Room for chunks to come is zeros.
        let wanted = wanted && chunk.iter().any(|b| *b != 0);
        if wanted && self.hits.as_mut().is_none_or(|h| h.look(chunk)) {
            self.numbers.push(number);
        } else {
            if wanted {
                self.report.pass(0, evtx_kind::records(chunk));
            }
            self.block.truncate(begin);
        }
        Ok(n)
    }

    /// Decodes the chunks that were kept.
    fn flush(&mut self) -> ControlFlow<()> {
        let numbers = std::mem::take(&mut self.numbers);
        if numbers.is_empty() {
            return ControlFlow::Continue(());
        }
        let block = std::mem::take(&mut self.block);
        let mut source = Cursor::new(block);
        let flow = self.records(&mut source, &numbers);
        self.block = source.into_inner();
        self.block.truncate(HEADER as usize);
        flow
    }

    /// Says what the file's length tells.
    fn check_length(&self, length: u64) {
        let Ok(header) = EvtxFileHeader::from_bytes(&self.block) else { return };
        let body = length - HEADER;
        if !body.is_multiple_of(CHUNK) {
            self.report.damage(self.name, None, "the file is truncated: it ends within a chunk");
        } else if body / CHUNK < u64::from(header.chunk_count) && header.validate_checksum() {
            let reason = format!("the file is truncated: {} of {} chunks are there", body / CHUNK, header.chunk_count);
            self.report.damage(self.name, None, reason);
        }
    }

    fn records(&mut self, source: &mut Cursor<Vec<u8>>, numbers: &[u64]) -> ControlFlow<()> {
        let mut parser = match EvtxParser::from_read_seek(source) {
            Ok(parser) => parser.with_configuration(ParserSettings::default().num_threads(1)),
            Err(e) => {
                self.report.damage(self.name, None, causes(&e));
                return ControlFlow::Continue(());
            }
        };
        let (compiled, mut kinds, mut begun) = (self.compiled.clone(), Kinds::default(), false);
        let changed = Arc::new(AtomicU64::new(0));
        let passed = Arc::new(AtomicU64::new(0));
        let (count, pass) = (changed.clone(), passed.clone());
        let mut hits = self.hits.clone();
        // The closure is cloned for each chunk, and so begins each with nothing known.
        let records = parser.serialized_records(move |record| {
            let record = record?;
            if !begun {
                begun = true;
                count.fetch_add(u64::from(!is_intact(record.chunk)), Ordering::Relaxed);
                if let Some(hits) = &mut hits {
                    hits.look(record.chunk.data);
                }
            }
            let at = record.binxml_offset as usize;
            if !compiled.wants_all() && kinds.of(record.chunk.data, at).is_some_and(|k| !compiled.wants(&k)) {
                return Ok(None);
            }
            if hits.as_ref().is_some_and(|h| !h.in_record(record.chunk.data, at)) {
                pass.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
            record.into_xml_bytes().map(Some)
        });
        for record in records {
            match record {
                Ok(Some(record)) => self.record(record)?,
                Ok(None) => {}
                Err(e) => self.damage(&e, numbers),
            }
        }
        self.report.pass(0, passed.load(Ordering::Relaxed));
        // No damage: a log that is still being written, or was copied from a running machine, looks the same.
        let changed = changed.load(Ordering::Relaxed);
        if changed > 0 {
            self.report.note("EVTX chunks whose checksum does not fit, read all the same", changed);
        }
        ControlFlow::Continue(())
    }

    /// Says what can't be read, and where in the file.
    fn damage(&self, e: &EvtxError, numbers: &[u64]) {
        let number = |id: u64| numbers.get(id as usize).copied().unwrap_or(id);
        match e {
            EvtxError::FailedToParseChunk { chunk_id, source } => {
                let reason = format!("chunk {}: {}", number(*chunk_id), causes(&**source));
                self.report.damage(self.name, None, reason);
            }
            EvtxError::FailedToReadRecordAt { chunk: Some(chunk), offset, source } => {
                let at = HEADER + number(*chunk) * CHUNK + offset;
                self.report.damage(self.name, None, format!("the record at byte {at}: {}", causes(&**source)));
            }
            EvtxError::FailedToParseRecord { record_id, source } => {
                self.report.damage(self.name, Some(*record_id), causes(&**source));
            }
            e => self.report.damage(self.name, None, causes(e)),
        }
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

/// The chunk that holds the oldest records: a full log goes on over its oldest chunk.
fn oldest_chunk(file: &mut dyn ReadSeek, chunks: u64) -> io::Result<u64> {
    let mut oldest = (u64::MAX, 0);
    for number in 0..chunks {
        let mut header = [0; 40];
        file.seek(SeekFrom::Start(HEADER + number * CHUNK))?;
        if file.read_exact(&mut header).is_err() {
            break;
        }
        let id = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let (first, last) = (id(24), id(32));
        if header.starts_with(b"ElfChnk\0") && first <= last && first < oldest.0 {
            oldest = (first, number);
        }
    }
    Ok(oldest.1)
}

/// The error with its causes, in one line.
fn causes(e: &dyn std::error::Error) -> String {
    let mut out = e.to_string();
    let mut cause = e.source();
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
