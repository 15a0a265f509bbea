//! Writes event log files, for tests: a file header, chunks with checksums, records of binary XML with a template
//! for each kind of event, names in the chunk's string table.

use super::sample::Sample;

const CHUNK: usize = 64 * 1024;
const CHUNK_HEADER: usize = 512;

/// A file of `events`, at most `per_chunk` in a chunk.
pub(crate) fn file(events: &[Sample], per_chunk: usize) -> Vec<u8> {
    let chunks: Vec<Vec<u8>> =
        events.chunks(per_chunk).enumerate().map(|(i, e)| Chunk::new().fill(e, (i * per_chunk) as u64)).collect();
    let mut out = vec![0; 4096];
    out[..8].copy_from_slice(b"ElfFile\0");
    put(&mut out, 16, &(chunks.len().saturating_sub(1) as u64).to_le_bytes());
    put(&mut out, 24, &(events.len() as u64 + 1).to_le_bytes());
    put(&mut out, 32, &128u32.to_le_bytes());
    put(&mut out, 36, &1u16.to_le_bytes());
    put(&mut out, 38, &3u16.to_le_bytes());
    put(&mut out, 40, &4096u16.to_le_bytes());
    put(&mut out, 42, &(chunks.len() as u16).to_le_bytes());
    let sum = evtx::checksum_ieee(&out[..120]);
    put(&mut out, 124, &sum.to_le_bytes());
    chunks.into_iter().for_each(|chunk| out.extend(chunk));
    out
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    out[at..at + bytes.len()].copy_from_slice(bytes);
}

/// What a template leaves open.
enum Hole {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Hex64(u64),
    Time(u64),
    Sid(Vec<u8>),
    Text(String),
}

impl Hole {
    /// The type's number in binary XML, and the value's bytes.
    fn encoded(&self) -> (u8, Vec<u8>) {
        match self {
            Hole::Text(text) => (0x01, utf16(text)),
            Hole::U8(n) => (0x04, vec![*n]),
            Hole::U16(n) => (0x06, n.to_le_bytes().into()),
            Hole::U32(n) => (0x08, n.to_le_bytes().into()),
            Hole::U64(n) => (0x0A, n.to_le_bytes().into()),
            Hole::Time(n) => (0x11, n.to_le_bytes().into()),
            Hole::Sid(bytes) => (0x13, bytes.clone()),
            Hole::Hex64(n) => (0x15, n.to_le_bytes().into()),
        }
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

struct Chunk {
    bytes: Vec<u8>,
    /// The offset of each name that the chunk has.
    names: std::collections::HashMap<String, u32>,
    /// The offset of each template, by its names.
    templates: Vec<(Vec<String>, u32)>,
    buckets: [u32; 64],
}

impl Chunk {
    fn new() -> Self {
        Chunk { bytes: vec![0; CHUNK_HEADER], names: Default::default(), templates: vec![], buckets: [0; 64] }
    }

    fn fill(mut self, events: &[Sample], before: u64) -> Vec<u8> {
        let mut last = 0;
        for event in events {
            last = self.bytes.len() as u32;
            self.record(event);
        }
        let free = self.bytes.len() as u32;
        let mut out = self.bytes;
        assert!(out.len() <= CHUNK, "too much for one chunk");
        out.resize(CHUNK, 0);
        out[..8].copy_from_slice(b"ElfChnk\0");
        let (first, end) = (events[0].record_id, events[events.len() - 1].record_id);
        put(&mut out, 8, &(before + 1).to_le_bytes());
        put(&mut out, 16, &(before + events.len() as u64).to_le_bytes());
        put(&mut out, 24, &first.min(end).to_le_bytes());
        put(&mut out, 32, &end.to_le_bytes());
        put(&mut out, 40, &128u32.to_le_bytes());
        put(&mut out, 44, &last.to_le_bytes());
        put(&mut out, 48, &free.to_le_bytes());
        let sum = evtx::checksum_ieee(&out[CHUNK_HEADER..free as usize]);
        put(&mut out, 52, &sum.to_le_bytes());
        for (i, offset) in self.buckets.iter().enumerate() {
            put(&mut out, 128 + i * 4, &offset.to_le_bytes());
        }
        let mut header = out[..120].to_vec();
        header.extend_from_slice(&out[128..512]);
        let sum = evtx::checksum_ieee(&header);
        put(&mut out, 124, &sum.to_le_bytes());
        out
    }

    fn u8(&mut self, n: u8) {
        self.bytes.push(n);
    }

    fn u16(&mut self, n: u16) {
        self.bytes.extend(n.to_le_bytes());
    }

    fn u32(&mut self, n: u32) {
        self.bytes.extend(n.to_le_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.bytes.extend(n.to_le_bytes());
    }

    fn record(&mut self, event: &Sample) {
        let begin = self.bytes.len();
        self.bytes.extend(b"**\0\0");
        self.u32(0);
        self.u64(event.record_id);
        self.u64(event.filetime);
        self.bytes.extend([0x0F, 1, 1, 0, 0x0C, 1]);
        self.template(event);
        self.holes(event);
        self.u8(0);
        let size = (self.bytes.len() - begin + 4) as u32;
        self.u32(size);
        put(&mut self.bytes, begin + 4, &size.to_le_bytes());
    }

    /// A reference to the template of the event's kind; the first one is followed by the template itself.
    fn template(&mut self, event: &Sample) {
        let names: Vec<String> = [event.provider, event.guid, event.channel]
            .into_iter()
            .map(str::to_owned)
            .chain(event.data.iter().map(|(name, _)| name.clone()))
            .collect();
        let known = self.templates.iter().find(|(n, _)| *n == names).map(|(_, offset)| *offset);
        let id = self.templates.len() as u32 + 1;
        self.u32(id);
        if let Some(offset) = known {
            self.u32(offset);
            return;
        }
        let offset = self.bytes.len() as u32 + 4;
        self.u32(offset);
        self.u32(0);
        self.bytes.extend([id as u8; 16]);
        let size_at = self.bytes.len();
        self.u32(0);
        self.body(event);
        let size = (self.bytes.len() - size_at - 4) as u32;
        put(&mut self.bytes, size_at, &size.to_le_bytes());
        self.templates.push((names, offset));
    }

    /// The template's elements.
    fn body(&mut self, event: &Sample) {
        self.bytes.extend([0x0F, 1, 1, 0]);
        self.element("Event", &[("xmlns", Part::Text("http://schemas.microsoft.com/win/2004/08/events/event"))], |c| {
            c.element("System", &[], |c| {
                c.empty("Provider", &[("Name", Part::Text(event.provider)), ("Guid", Part::Text(event.guid))]);
                c.leaf("EventID", Part::Hole(0, 0x06));
                c.leaf("Version", Part::Hole(1, 0x04));
                c.leaf("Level", Part::Hole(2, 0x04));
                c.leaf("Task", Part::Hole(3, 0x06));
                c.leaf("Opcode", Part::Hole(4, 0x04));
                c.leaf("Keywords", Part::Hole(5, 0x15));
                c.empty("TimeCreated", &[("SystemTime", Part::Hole(6, 0x11))]);
                c.leaf("EventRecordID", Part::Hole(7, 0x0A));
                c.empty("Correlation", &[]);
                c.empty("Execution", &[("ProcessID", Part::Hole(8, 0x08)), ("ThreadID", Part::Hole(9, 0x08))]);
                c.leaf("Channel", Part::Text(event.channel));
                c.leaf("Computer", Part::Hole(10, 0x01));
                c.empty("Security", &[("UserID", Part::Hole(11, 0x13))]);
            });
            c.element("EventData", &[], |c| {
                for (i, (name, _)) in event.data.iter().enumerate() {
                    c.element("Data", &[("Name", Part::Text(name))], |c| c.part(&Part::Hole(12 + i as u16, 0x01)));
                }
            });
        });
        self.u8(0);
    }

    /// What this event puts into the template.
    fn holes(&mut self, event: &Sample) {
        let mut holes = vec![
            Hole::U16(event.event_id),
            Hole::U8(event.version),
            Hole::U8(4),
            Hole::U16(event.task),
            Hole::U8(0),
            Hole::Hex64(event.keywords),
            Hole::Time(event.filetime),
            Hole::U64(event.record_id),
            Hole::U32(event.process_id),
            Hole::U32(event.thread_id),
            Hole::Text(event.computer.to_owned()),
            Hole::Sid(vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]),
        ];
        holes.extend(event.data.iter().map(|(_, value)| Hole::Text(value.clone())));
        let encoded: Vec<(u8, Vec<u8>)> = holes.iter().map(Hole::encoded).collect();
        self.u32(encoded.len() as u32);
        for (kind, bytes) in &encoded {
            self.u16(bytes.len() as u16);
            self.u8(*kind);
            self.u8(0);
        }
        encoded.into_iter().for_each(|(_, bytes)| self.bytes.extend(bytes));
    }

    fn element(&mut self, name: &str, attributes: &[(&str, Part<'_>)], content: impl FnOnce(&mut Self)) {
        let size_at = self.open(name, attributes);
        self.u8(0x02);
        content(self);
        self.u8(0x04);
        self.close(size_at);
    }

    fn leaf(&mut self, name: &str, part: Part<'_>) {
        self.element(name, &[], |c| c.part(&part));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, Part<'_>)]) {
        let size_at = self.open(name, attributes);
        self.u8(0x03);
        self.close(size_at);
    }

    fn open(&mut self, name: &str, attributes: &[(&str, Part<'_>)]) -> usize {
        self.u8(if attributes.is_empty() { 0x01 } else { 0x41 });
        self.u16(0xFFFF);
        let size_at = self.bytes.len();
        self.u32(0);
        self.name(name);
        if !attributes.is_empty() {
            let list_at = self.bytes.len();
            self.u32(0);
            for (i, (name, part)) in attributes.iter().enumerate() {
                self.u8(if i + 1 < attributes.len() { 0x46 } else { 0x06 });
                self.name(name);
                self.part(part);
            }
            let size = (self.bytes.len() - list_at - 4) as u32;
            put(&mut self.bytes, list_at, &size.to_le_bytes());
        }
        size_at
    }

    fn close(&mut self, size_at: usize) {
        let size = (self.bytes.len() - size_at - 4) as u32;
        put(&mut self.bytes, size_at, &size.to_le_bytes());
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::Text(text) => {
                self.bytes.extend([0x05, 0x01]);
                self.u16(text.encode_utf16().count() as u16);
                self.bytes.extend(utf16(text));
            }
            Part::Hole(index, kind) => {
                self.u8(0x0E);
                self.u16(*index);
                self.u8(*kind);
            }
        }
    }

    /// A reference to a name, which is written where it is first used.
    fn name(&mut self, name: &str) {
        if let Some(offset) = self.names.get(name) {
            self.u32(*offset);
            return;
        }
        let offset = self.bytes.len() as u32 + 4;
        let hash = name.encode_utf16().fold(0u32, |h, c| h.wrapping_mul(65_599).wrapping_add(u32::from(c))) as u16;
        let bucket = usize::from(hash % 64);
        self.u32(offset);
        self.u32(self.buckets[bucket]);
        self.u16(hash);
        self.u16(name.encode_utf16().count() as u16);
        self.bytes.extend(utf16(name));
        self.u16(0);
        self.buckets[bucket] = offset;
        self.names.insert(name.to_owned(), offset);
    }
}

/// A piece of a template: fixed, or the n-th hole and its type.
enum Part<'a> {
    Text(&'a str),
    Hole(u16, u8),
}
