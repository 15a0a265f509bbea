//! `audit.log` of a few machines: what rules for executions, files and connections record, and what daemons report.
//!
//! Of a hundred events about 30 are executions, 22 exits, 9 forks, 20 opened files, 6 connections and 13 reports of PAM, sshd and
//! systemd. Executions come from the shells of sessions, from services, and one in four from something that runs already,
//! so that a process has a line of ancestors. Records of one event stand together but for one time in 64, as on machines with
//! several processors.

mod records;
mod world;

use crate::{Block, Chunk, Plan};
use records::Record;
use world::World;

/// Appends the events of a block.
pub(crate) fn block(plan: &Plan, enriched: bool, block: &Block, out: &mut Chunk) {
    let mut world = World::new(block);
    // What the event before left for behind this one's first record.
    let mut before: Option<(usize, usize)> = None;
    for at in block.events.clone() {
        let start = out.bytes.len();
        world.tick(at);
        let mut record = Record::new(&world, enriched, &mut out.bytes);
        world::event(plan, &mut world, &mut record);
        if let Some((first, end)) = before.take() {
            // The first record of the event before, then this event, then the rest of that.
            out.bytes[first..].rotate_left(end - first);
            out.end();
            out.end();
            continue;
        }
        let first = out.bytes[start..].iter().position(|b| *b == b'\n').map_or(start, |p| start + p + 1);
        if first < out.bytes.len() && at + 1 < block.events.end && world.r.once_in(64) {
            before = Some((first, out.bytes.len()));
        } else {
            out.end();
        }
    }
}
