//! Windows event log files.

use super::compiled::Compiled;
use super::emit;
use super::evtx_kind::{self, Kinds};
use super::evtx_needles::Hits;
use super::gather::Gather;
use super::xml;
use crate::event::{Reader, Request, Sink, Value};
use crate::input::{self, Input, ReadSeek, read_up_to};
use crate::needles::Needles;
use crate::report::Report;
use evtx::err::EvtxError;
use evtx::{ChunkFlags, EvtxChunk, EvtxFileHeader, EvtxParser, ParserSettings, SerializedEvtxRecord};
use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HEADER: u64 = 4096;
const CHUNK: u64 = 64 * 1024;
const CHUNK_HEADER: usize = 512;

/// How many chunks are decoded together: templates that they share are compiled once.
const BLOCK: usize = 64;

/// How many chunks are read at once.
const AT_ONCE: u64 = 4;

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
        let compiled = Arc::new(Compiled::new(request));
        let finder = request.needles.as_ref().and_then(Needles::finder_in_binary);
        let mut room = ROOM.take();
        let hits = room.hits.take();
        room.hits = finder.map(|finder| hits.filter(|h| h.are_of(&finder)).unwrap_or_else(|| Hits::new(finder)));
        input::each(&self.inputs, report, |input, file, name| {
            One { compiled: &compiled, report, sink, name, file, room: &mut room, numbers: Vec::new() }.read(input)
        });
        ROOM.set(room.kept());
        Ok(())
    }
}

thread_local! {
    static ROOM: Cell<Room> = Cell::default();
}

/// What a thread keeps from file to file: thousands of small ones come one after the other.
#[derive(Default)]
struct Room {
    /// Chunks as they are read.
    read: Vec<u8>,
    /// A file's header and the chunks that are kept: a small event log file.
    block: Vec<u8>,
    values: Vec<Value<'static>>,
    /// Where the last chunk shows what is looked for, if anything is.
    hits: Option<Hits>,
}

impl Room {
    /// Without what only large files need.
    fn kept(mut self) -> Self {
        if self.block.capacity() as u64 > AT_ONCE * CHUNK {
            self.block = Vec::new();
        }
        self
    }
}

/// One file being read.
struct One<'r> {
    compiled: &'r Arc<Compiled>,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    name: &'r str,
    file: u32,
    room: &'r mut Room,
    /// Which chunks of the file are kept.
    numbers: Vec<u64>,
}

impl One<'_> {
    fn read(&mut self, input: &Input) -> io::Result<ControlFlow<()>> {
        // What is read is lent to what looks through it.
        let mut read = std::mem::take(&mut self.room.read);
        let flow = match input.open_anywhere()? {
            Some((file, length)) => self.seekable(file, length, &mut read),
            None => self.stream(input.open()?, &mut read),
        };
        self.room.read = read;
        flow
    }

    fn seekable(
        &mut self,
        mut file: Box<dyn ReadSeek>,
        length: u64,
        read: &mut Vec<u8>,
    ) -> io::Result<ControlFlow<()>> {
        let chunks = length.saturating_sub(HEADER).div_ceil(CHUNK);
        // The most files are read at once, to their end as it was when they were opened.
        let first = read_up_to(&mut file, room(read, length.min(HEADER + AT_ONCE * CHUNK)))?;
        let Some((header, first)) = self.begin(&read[..first]) else { return Ok(ControlFlow::Continue(())) };
        self.check_length(header, length);
        if chunks <= AT_ONCE {
            let all: Vec<&[u8]> = first.chunks(CHUNK as usize).collect();
            let oldest = oldest_of(all.iter().map(|chunk| chunk.get(..40)));
            let (before, from) = all.split_at(oldest.min(all.len()));
            for (number, chunk) in (oldest..).zip(from).chain((0..).zip(before)) {
                self.chunk(chunk, number as u64);
            }
            return Ok(self.flush());
        }
        let oldest = oldest_chunk(&mut file, chunks)?;
        for range in [oldest..chunks, 0..oldest] {
            file.seek(SeekFrom::Start(HEADER + range.start * CHUNK))?;
            let mut number = range.start;
            while number < range.end {
                let most = (range.end - number).min(AT_ONCE) * CHUNK;
                let n = read_up_to(&mut file, room(read, most))?;
                if self.chunks(&read[..n], number).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                if (n as u64) < most {
                    break;
                }
                number += AT_ONCE;
            }
        }
        Ok(self.flush())
    }

    fn stream(&mut self, mut reader: impl Read, read: &mut Vec<u8>) -> io::Result<ControlFlow<()>> {
        let n = read_up_to(&mut reader, room(read, HEADER))?;
        let Some((header, _)) = self.begin(&read[..n]) else { return Ok(ControlFlow::Continue(())) };
        let header = header.to_vec();
        let (mut length, mut number) = (HEADER, 0);
        loop {
            let room = room(read, AT_ONCE * CHUNK);
            let mut n = 0;
            let failed = loop {
                match reader.read(&mut room[n..]) {
                    Ok(0) => break None,
                    Ok(more) => n += more,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => break Some(e),
                }
            };
            // Of what can't be read on, the whole chunks are delivered.
            let whole = if failed.is_some() { n - n % CHUNK as usize } else { n };
            length += n as u64;
            if self.chunks(&read[..whole], number).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if let Some(e) = failed {
                self.report.damage(self.name, None, e.to_string());
                return Ok(self.flush());
            }
            if (n as u64) < AT_ONCE * CHUNK {
                break;
            }
            number += AT_ONCE;
        }
        let flow = self.flush();
        if flow.is_continue() {
            self.check_length(&header, length);
        }
        Ok(flow)
    }

    /// Takes the file's header off its beginning. Nothing, and said, if it is none.
    fn begin<'b>(&mut self, read: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        self.numbers.clear();
        let Some((header, chunks)) = read.split_at_checked(HEADER as usize) else {
            self.report.add_bytes(read.len() as u64);
            self.report.damage(self.name, None, "the file ends within its header: no event can be read");
            return None;
        };
        self.report.add_bytes(HEADER);
        if let Err(e) = EvtxFileHeader::from_bytes(header) {
            self.report.damage(self.name, None, e.to_string());
            return None;
        }
        self.room.block.clear();
        self.room.block.extend_from_slice(header);
        Some((header, chunks))
    }

    /// Takes chunks that follow on each other.
    fn chunks(&mut self, read: &[u8], first: u64) -> ControlFlow<()> {
        for (number, chunk) in (first..).zip(read.chunks(CHUNK as usize)) {
            self.chunk(chunk, number);
            if self.numbers.len() == BLOCK {
                self.flush()?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Keeps a chunk if there may be something in it. Zeros fill the rest of one that was cut, so that its whole records
    /// are found.
    fn chunk(&mut self, chunk: &[u8], number: u64) {
        self.report.add_bytes(chunk.len() as u64);
        if chunk.len() < CHUNK as usize {
            let mut whole = chunk.to_vec();
            whole.resize(CHUNK as usize, 0);
            return self.whole_chunk(&whole, number);
        }
        self.whole_chunk(chunk, number);
    }

    fn whole_chunk(&mut self, chunk: &[u8], number: u64) {
        let wanted = self.compiled.wants_all() || Kinds::default().any_in(chunk, |kind| self.compiled.wants(kind));
        // Room for chunks to come is zeros.
        if !wanted || is_zeros(chunk) {
            return;
        }
        match self.room.hits.as_mut().is_none_or(|h| h.look(chunk)) {
            true => {
                self.numbers.push(number);
                self.room.block.extend_from_slice(chunk);
            }
            false => self.report.pass(0, evtx_kind::records(chunk)),
        }
    }

    /// Decodes the chunks that were kept.
    fn flush(&mut self) -> ControlFlow<()> {
        let numbers = std::mem::take(&mut self.numbers);
        if numbers.is_empty() {
            return ControlFlow::Continue(());
        }
        let block = std::mem::take(&mut self.room.block);
        let mut source = Cursor::new(block);
        let flow = self.records(&mut source, &numbers);
        self.room.block = source.into_inner();
        self.room.block.truncate(HEADER as usize);
        flow
    }

    /// Says what the file's length tells.
    fn check_length(&self, header: &[u8], length: u64) {
        let Ok(header) = EvtxFileHeader::from_bytes(header) else { return };
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
        let mut hits = self.room.hits.clone();
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
        emit::event(gather, &text, place, &mut self.room.values, self.report, self.sink)
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
    let mut headers = Vec::new();
    for number in 0..chunks {
        let mut header = [0; 40];
        file.seek(SeekFrom::Start(HEADER + number * CHUNK))?;
        if file.read_exact(&mut header).is_err() {
            break;
        }
        headers.push(header);
    }
    Ok(oldest_of(headers.iter().map(|header| Some(header.as_slice()))) as u64)
}

/// The same, by the beginnings of chunks.
fn oldest_of<'h>(headers: impl Iterator<Item = Option<&'h [u8]>>) -> usize {
    let mut oldest = (u64::MAX, 0);
    for (number, header) in headers.enumerate() {
        let Some(header) = header else { break };
        let id = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
        let (first, last) = (id(24), id(32));
        if header.starts_with(b"ElfChnk\0") && first <= last && first < oldest.0 {
            oldest = (first, number);
        }
    }
    oldest.1
}

/// Room for so many bytes. It is not cleared: what was there before is written over or not looked at.
fn room(read: &mut Vec<u8>, bytes: u64) -> &mut [u8] {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if read.len() < bytes {
        read.resize(bytes, 0);
    }
    &mut read[..bytes]
}

/// Whether there is nothing but zeros. Many at a time: most of a small log is room.
fn is_zeros(bytes: &[u8]) -> bool {
    bytes.chunks(256).all(|some| some.iter().fold(0, |all, b| all | b) == 0)
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
