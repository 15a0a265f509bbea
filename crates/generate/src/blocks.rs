//! Blocks of events, made by several threads and written in order.

use crate::Plan;
use crate::random::{Random, mix};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Events in a block: half a megabyte or so.
const EVENTS: u64 = 512;
/// Blocks that a thread may be ahead.
const AHEAD: usize = 4;

/// How much to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many events.
    Rows(u64),
    /// Events until there are so many bytes.
    Bytes(u64),
}

/// Events that stand next to each other, and the seed they come from.
#[derive(Clone, Debug)]
pub struct Block {
    /// Their numbers, from 0.
    pub events: Range<u64>,
    /// About how many there are in all: how far the times go forward from one to the next.
    pub of: u64,
    index: u64,
}

impl Block {
    /// The block of that number, of as many events as there shall be.
    pub fn new(index: u64, size: Size, plan: &Plan) -> Block {
        let (last, of) = match size {
            Size::Rows(n) => (n, n.max(1)),
            Size::Bytes(n) => (u64::MAX, (n / plan.mean()).max(1)),
        };
        Block { events: (index * EVENTS).min(last)..((index + 1) * EVENTS).min(last), of, index }
    }

    pub(crate) fn random(&self) -> Random {
        Random::new(mix(self.index.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x5EED))
    }
}

/// Bytes, and where each event in them ends.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The text.
    pub bytes: Vec<u8>,
    /// The place behind each event.
    pub ends: Vec<usize>,
}

impl Chunk {
    pub(crate) fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Everything in memory.
pub fn bytes(plan: &Plan, size: Size) -> Vec<u8> {
    let mut out = Vec::new();
    match write(plan, size, 1, &mut out) {
        Ok(_) => out,
        Err(e) => unreachable!("memory takes all: {e}"),
    }
}

/// Writes events and returns how many there are. Neither their number nor their bytes depend on the number of threads.
pub fn write(plan: &Plan, size: Size, threads: usize, out: &mut dyn Write) -> io::Result<u64> {
    let mut head = Chunk::default();
    plan.head(&mut head);
    out.write_all(&head.bytes)?;
    let mut left = Left { size, written: head.bytes.len() as u64, events: 0 };
    let threads = threads.max(1) as u64;
    std::thread::scope(|scope| {
        let makers: Vec<Maker> = (0..threads)
            .map(|first| {
                let (made, chunks) = sync_channel(AHEAD);
                let (back, used) = channel();
                scope.spawn(move || make(plan, size, (first..).step_by(threads as usize), &made, &used));
                Maker { chunks, back }
            })
            .collect();
        // In turns: the block of number n is made by thread n modulo their number.
        for maker in makers.iter().cycle() {
            let Ok(chunk) = maker.chunks.recv() else { break };
            let more = left.take(&chunk, out)?;
            if !more {
                break;
            }
            let _ = maker.back.send(chunk);
        }
        Ok(left.events)
    })
}

struct Maker {
    chunks: Receiver<Chunk>,
    back: std::sync::mpsc::Sender<Chunk>,
}

fn make(plan: &Plan, size: Size, numbers: impl Iterator<Item = u64>, made: &SyncSender<Chunk>, used: &Receiver<Chunk>) {
    for index in numbers {
        let block = Block::new(index, size, plan);
        if block.events.is_empty() {
            return;
        }
        let mut chunk = used.try_recv().unwrap_or_default();
        chunk.clear();
        plan.block(&block, &mut chunk);
        // Nobody takes more once there is enough.
        if made.send(chunk).is_err() {
            return;
        }
    }
}

struct Left {
    size: Size,
    written: u64,
    events: u64,
}

impl Left {
    /// Writes what is still wanted of a chunk, and says whether more is.
    fn take(&mut self, chunk: &Chunk, out: &mut dyn Write) -> io::Result<bool> {
        let events = match self.size {
            Size::Rows(_) => chunk.ends.len(),
            Size::Bytes(n) => {
                let missing = n.saturating_sub(self.written) as usize;
                (chunk.ends.partition_point(|end| *end < missing) + 1).min(chunk.ends.len())
            }
        };
        let bytes = events.checked_sub(1).map_or(0, |last| chunk.ends[last]);
        out.write_all(&chunk.bytes[..bytes])?;
        self.written += bytes as u64;
        self.events += events as u64;
        Ok(match self.size {
            Size::Rows(n) => self.events < n,
            Size::Bytes(n) => self.written < n,
        })
    }
}
