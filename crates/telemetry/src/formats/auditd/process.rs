//! Which image each process of a node had, as far as the log tells.
//!
//! Keyed by pid, in the order of the log. An `execve` replaces a process's image, a `fork`, `vfork` or `clone` gives the
//! child its parent's, `exit_group` ends it. Any other record of a process tells its `exe` and `comm` (not its
//! arguments). What the log does not tell is missing, never guessed.
//!
//! Two things of the kernel matter here. A record's time is that of the call's *entry*, its place in the log that of the
//! *exit*: so the `vfork` of a child stands after the child's own `execve`, with an earlier time. And a record of a live
//! process can't be older than the end of the one that had its pid before.
//!
//! Memory: ended processes go [`LINGER`] after their end; beyond [`MAX_PROCESSES`] or [`MAX_BYTES`] the half that was
//! touched longest ago is forgotten (and counted), so a log without `exit_group` records stays bounded too.

use super::arguments::Arguments;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How long an ended process is remembered, in event time: records of its last moments may come later.
const LINGER: i64 = 5_000_000_000;
/// How many processes a node may have in the table.
const MAX_PROCESSES: usize = 65_536;
/// How many bytes of names and arguments a node may have in the table.
const MAX_BYTES: usize = 64 << 20;

/// What a process runs. Shared with the children that it forked.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) exe: Option<String>,
    pub(super) comm: Option<String>,
    /// Known only from the `execve` that started the image.
    pub(super) arguments: Option<Arguments>,
}

impl Image {
    fn size(&self) -> usize {
        let text = |s: &Option<String>| s.as_ref().map_or(0, String::len);
        128 + text(&self.exe) + text(&self.comm) + self.arguments.as_ref().map_or(0, Arguments::size)
    }
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) image: Arc<Image>,
    /// The time of the `execve` or, where it never did one, of the `fork`; `None` where the log begins later.
    pub(super) started: Option<i64>,
    /// Time of the event that last set the image.
    since: i64,
    ended: Option<i64>,
    touched: u64,
}

/// The processes of one node.
#[derive(Debug, Default)]
pub(super) struct Table {
    processes: HashMap<u32, Process>,
    ended: VecDeque<(i64, u32)>,
    clock: u64,
    bytes: usize,
    /// How many processes were forgotten for want of room.
    pub(super) forgotten: u64,
}

impl Table {
    /// The live process `pid` at `time`, for a child's record.
    pub(super) fn parent(&mut self, pid: u32, time: i64) -> Option<&Process> {
        self.clock += 1;
        let process = self.processes.get_mut(&pid)?;
        process.touched = self.clock;
        // A parent that ended before is not the one that a live child names: its pid was given to another.
        (process.ended.is_none_or(|ended| ended >= time)).then_some(process)
    }

    /// `pid` replaced its image.
    pub(super) fn exec(&mut self, pid: u32, time: i64, image: Image) {
        self.set(pid, Arc::new(image), time, Some(time));
    }

    /// A record of `pid` shows what it runs. Says only what the record does: the arguments are kept while the
    /// executable stays the same.
    pub(super) fn observe(&mut self, pid: u32, time: i64, exe: Option<&str>, comm: Option<&str>) {
        if exe.is_none() {
            return;
        }
        if let Some(process) = self.processes.get_mut(&pid) {
            let reused = process.ended.is_some_and(|ended| ended < time);
            if time < process.since || (!reused && process.image.exe.as_deref() == exe) {
                return;
            }
        }
        let image = Image { exe: exe.map(str::to_owned), comm: comm.map(str::to_owned), arguments: None };
        self.set(pid, Arc::new(image), time, None);
    }

    /// `parent` made `child`.
    pub(super) fn fork(&mut self, parent: u32, child: u32, time: i64) {
        // A child that is known since after the call began has its own records: they say more.
        if self.processes.get(&child).is_some_and(|c| c.since >= time) {
            return;
        }
        if let Some(image) = self.processes.get(&parent).map(|p| Arc::clone(&p.image)) {
            self.set(child, image, time, Some(time));
        }
    }

    /// `pid` ended.
    pub(super) fn exit(&mut self, pid: u32, time: i64) {
        if let Some(process) = self.processes.get_mut(&pid)
            && process.since <= time
        {
            process.ended = Some(time);
            self.ended.push_back((time, pid));
        }
        while let Some(&(ended, pid)) = self.ended.front() {
            if time.saturating_sub(ended) < LINGER {
                break;
            }
            self.ended.pop_front();
            if self.processes.get(&pid).is_some_and(|p| p.ended == Some(ended)) {
                self.remove(pid);
            }
        }
    }

    /// The node started anew: no process lives on.
    pub(super) fn clear(&mut self) {
        self.processes.clear();
        self.ended.clear();
        self.bytes = 0;
    }

    fn set(&mut self, pid: u32, image: Arc<Image>, time: i64, started: Option<i64>) {
        self.remove(pid);
        // Shared images are counted for each holder: an upper bound is good enough.
        self.bytes += image.size();
        self.clock += 1;
        self.processes.insert(pid, Process { image, started, since: time, ended: None, touched: self.clock });
        if self.processes.len() > MAX_PROCESSES || self.bytes > MAX_BYTES {
            self.forget();
        }
    }

    fn remove(&mut self, pid: u32) {
        if let Some(old) = self.processes.remove(&pid) {
            self.bytes -= old.image.size();
        }
    }

    /// Drops the half that was touched longest ago.
    fn forget(&mut self) {
        let mut touched: Vec<u64> = self.processes.values().map(|p| p.touched).collect();
        let middle = touched.len() / 2;
        let (_, &mut median, _) = touched.select_nth_unstable(middle);
        let before = self.processes.len();
        self.processes.retain(|_, p| p.touched >= median);
        self.forgotten += (before - self.processes.len()) as u64;
        self.bytes = self.processes.values().map(|p| p.image.size()).sum();
        self.ended.retain(|(_, pid)| self.processes.contains_key(pid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(exe: &str) -> Image {
        Image { exe: Some(exe.to_owned()), comm: None, arguments: None }
    }

    fn exe(table: &mut Table, pid: u32, time: i64) -> Option<String> {
        table.parent(pid, time).and_then(|p| p.image.exe.clone())
    }

    #[test]
    fn fork_exec_exit_and_reuse() {
        let mut t = Table::default();
        t.exec(10, 1, image("/bin/bash"));
        t.fork(10, 11, 2);
        assert_eq!(exe(&mut t, 11, 3).as_deref(), Some("/bin/bash"));
        t.exec(11, 4, image("/bin/lua"));
        assert_eq!(exe(&mut t, 11, 5).as_deref(), Some("/bin/lua"));
        t.exit(11, 6);
        assert_eq!(exe(&mut t, 11, 6).as_deref(), Some("/bin/lua"));
        assert_eq!(exe(&mut t, 11, 7), None);
        t.observe(11, 8, Some("/bin/cat"), None);
        assert_eq!(exe(&mut t, 11, 9).as_deref(), Some("/bin/cat"));
        assert_eq!(exe(&mut t, 12, 9), None);
    }

    #[test]
    fn a_vfork_that_stands_after_its_childs_exec_changes_nothing() {
        let mut t = Table::default();
        t.exec(10, 1, image("/bin/sh"));
        t.exec(11, 6, image("/bin/id"));
        t.fork(10, 11, 5);
        assert_eq!(exe(&mut t, 11, 7).as_deref(), Some("/bin/id"));
    }

    #[test]
    fn the_table_is_bounded() {
        let mut t = Table::default();
        for pid in 0..200_000 {
            t.exec(pid, i64::from(pid), image("/bin/true"));
        }
        assert!(t.processes.len() <= MAX_PROCESSES);
        assert!(t.forgotten > 0);
        assert_eq!(exe(&mut t, 199_999, 200_000).as_deref(), Some("/bin/true"));
        for pid in 0..200_000 {
            t.fork(199_999, pid, 300_000 + i64::from(pid));
            t.exit(pid, 300_000_000_000 * i64::from(pid));
        }
        assert!(t.processes.len() < 70_000, "{}", t.processes.len());
    }
}
