//! Which image each process of each node had, as far as the log tells.
//!
//! Keyed by node and pid, in the order of the log. An `execve` replaces a process's image, a `fork`, `vfork` or `clone` gives the
//! child its parent's, `exit_group` ends it. Any other record of a process tells its `exe` and `comm` (not its
//! arguments). What the log does not tell is missing, never guessed.
//!
//! Three things of the kernel matter here. A record's time is that of the call's *entry*, its place in the log that of
//! the *exit*: so the `vfork` of a child may stand after the child's own `execve`, with an earlier time. A record of a
//! live process can't be older than the end of the one that had its pid before. And `fork` returns the child's pid as
//! its parent's *namespace* counts, while `pid` and `ppid` are the machine's: a shell in a container forks "2". The
//! machine gives numbers below [`RESERVED`] once, while it boots, so such a number from a process with a higher one tells
//! a namespace, whose forks say nothing then; and a fork onto a live process is not believed until the child's own record
//! names that parent.
//!
//! Memory: ended processes go [`LINGER`] after their end; beyond [`MAX_PROCESSES`] or [`MAX_BYTES`] the half that was
//! touched longest ago is forgotten (and counted), so a log without `exit_group` records stays bounded too.

use super::arguments::Arguments;
use super::syscall::Syscall;
use super::syscalls::Call;
use std::cell::OnceCell;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;

/// How long an ended process is remembered, in event time: records of its last moments may come later.
const LINGER: i64 = 5_000_000_000;
/// How many processes the table holds.
const MAX_PROCESSES: usize = 131_072;
/// How many bytes of names and arguments the table holds.
const MAX_BYTES: usize = 64 << 20;

/// The kernel skips the numbers below this one when its pids begin again (`RESERVED_PIDS`).
const RESERVED: u32 = 300;

/// A process of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    /// The number of a node's run: it gets another when it restarts.
    pub(super) node: u32,
    pub(super) pid: u32,
}

impl Id {
    /// Another process of the same node.
    pub(super) fn sibling(self, pid: u32) -> Id {
        Id { node: self.node, pid }
    }
}

/// What a process runs. Shared with the children that it forked.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) exe: Option<String>,
    pub(super) comm: Option<String>,
    /// Known only from the `execve` that started the image.
    pub(super) arguments: Option<Kept>,
}

/// Arguments as they stand in a log: hardly anybody asks for those of another process.
#[derive(Debug)]
pub(super) struct Kept {
    /// The bodies of the EXECVE records, a line each.
    bodies: Box<[u8]>,
    decoded: OnceCell<Arguments>,
}

impl Kept {
    pub(super) fn new(bodies: Box<[u8]>) -> Self {
        Kept { bodies, decoded: OnceCell::new() }
    }

    /// The arguments, decoded.
    pub(super) fn decoded(&self) -> &Arguments {
        self.decoded.get_or_init(|| {
            let mut arguments = Arguments::default();
            arguments.decode(self.bodies.split(|b| *b == b'\n'));
            arguments
        })
    }
}

/// What an event does to its process.
#[derive(Debug)]
pub(super) struct Deed {
    pid: u32,
    pub(super) ppid: Option<u32>,
    time: i64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// It has a new image.
    Replaces(Option<Box<[u8]>>),
    Forks(u32),
    Ends,
    Shows,
}

impl Deed {
    /// What a system call does, where it says whose it is. `arguments` are those of an execution, as they stand.
    pub(super) fn new(
        s: &Syscall<'_>,
        call: Call,
        exec: bool,
        time: i64,
        arguments: Option<Box<[u8]>>,
    ) -> Option<Self> {
        let what = match call {
            _ if exec || (call == Call::Exec && s.succeeded()) => What::Replaces(arguments),
            Call::Clone | Call::Fork if s.succeeded() => {
                u32::try_from(s.exit).ok().filter(|child| *child > 0).map_or(What::Shows, What::Forks)
            }
            Call::ExitGroup => What::Ends,
            _ => What::Shows,
        };
        Some(Deed { pid: s.pid?, ppid: s.ppid, time, what })
    }
}

impl Image {
    fn size(&self) -> usize {
        let text = |s: &Option<String>| s.as_ref().map_or(0, String::len);
        128 + text(&self.exe) + text(&self.comm) + self.arguments.as_ref().map_or(0, |a| a.bodies.len())
    }
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) image: Rc<Image>,
    /// The time of the `execve` or, where it never did one, of the `fork`; `None` where the log begins later.
    pub(super) started: Option<i64>,
    pub(super) ppid: Option<u32>,
    /// Time of the event that last set the image.
    since: i64,
    ended: Option<i64>,
    touched: u64,
    /// The parent whose fork gave a pid that another process had, until the child's own record confirms it.
    doubtful: Option<u32>,
    /// Its forks return the numbers of a pid namespace.
    namespaced: bool,
}

/// A process as one of its own records shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) id: Id,
    pub(super) ppid: Option<u32>,
    pub(super) time: i64,
}

/// A hash of two numbers that nobody who writes a log can foresee: cheaper than the standard one.
#[derive(Clone, Debug)]
struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Seeded(RandomState::new().hash_one(0u8) | 1)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Numbers;

    fn build_hasher(&self) -> Numbers {
        Numbers { seed: self.0, state: self.0 }
    }
}

struct Numbers {
    seed: u64,
    state: u64,
}

impl Hasher for Numbers {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u32(u32::from(*b)));
    }

    #[allow(clippy::cast_possible_truncation, reason = "both halves of the product are taken")]
    fn write_u32(&mut self, n: u32) {
        let product = u128::from(self.state ^ u64::from(n)) * u128::from(self.seed ^ 0x9e37_79b9_7f4a_7c15 | 1);
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

/// The processes of all nodes.
#[derive(Debug, Default)]
pub(super) struct Table {
    processes: HashMap<Id, Process, Seeded>,
    /// The ended processes of each node: its clock is its own.
    ended: HashMap<u32, VecDeque<(i64, u32)>>,
    clock: u64,
    bytes: usize,
    /// Whether any process was ever found in a pid namespace: most logs have none, and need not look.
    namespaces: bool,
    /// How many processes were forgotten for want of room.
    pub(super) forgotten: u64,
}

impl Table {
    /// Notes that a process is spoken of: the processes that nobody speaks of are forgotten first.
    pub(super) fn touch(&mut self, id: Id) {
        self.clock += 1;
        if let Some(process) = self.processes.get_mut(&id) {
            process.touched = self.clock;
        }
    }

    /// The process that has that pid at `time`.
    pub(super) fn live(&self, id: Id, time: i64) -> Option<&Process> {
        let process = self.processes.get(&id)?;
        // A parent that ended before is not the one that a live child names: its pid was given to another.
        let live = process.ended.is_none_or(|ended| ended >= time);
        (live && process.doubtful.is_none()).then_some(process)
    }

    /// An event did something to its process, which runs that.
    pub(super) fn follow(&mut self, node: u32, deed: Deed, [exe, comm]: [Option<&str>; 2]) {
        let Deed { pid, ppid, time, what } = deed;
        let id = Id { node, pid };
        let seen = Seen { id, ppid, time };
        if let What::Replaces(arguments) = what {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            self.exec(seen, Image { exe: owned(exe), comm: owned(comm), arguments: arguments.map(Kept::new) });
            return;
        }
        self.observe(seen, exe, comm);
        match what {
            What::Forks(child) => self.fork(id, child, time),
            What::Ends => self.exit(id, time),
            What::Replaces(_) | What::Shows => {}
        }
    }

    /// A process replaced its image.
    pub(super) fn exec(&mut self, seen: Seen, image: Image) {
        let namespaced = self.namespaced(seen);
        self.set(seen, Rc::new(image), Some(seen.time), namespaced);
    }

    /// A record of a process shows what it runs. Says only what the record does: the arguments are kept while the
    /// executable stays the same.
    pub(super) fn observe(&mut self, seen: Seen, exe: Option<&str>, comm: Option<&str>) {
        if exe.is_none() {
            return;
        }
        let namespaced = self.namespaced(seen);
        if let Some(process) = self.processes.get_mut(&seen.id) {
            let confirmed = process.doubtful.is_none() || process.doubtful == seen.ppid;
            let reused = process.ended.is_some_and(|ended| ended < seen.time);
            if seen.time < process.since {
                return;
            }
            if confirmed && !reused && process.image.exe.as_deref() == exe {
                process.doubtful = None;
                process.namespaced |= namespaced;
                return;
            }
        }
        let image = Image { exe: exe.map(str::to_owned), comm: comm.map(str::to_owned), arguments: None };
        self.set(seen, Rc::new(image), None, namespaced);
    }

    /// Whether the process or its parent is known to live in a pid namespace: children do where their parents do.
    fn namespaced(&self, seen: Seen) -> bool {
        if !self.namespaces {
            return false;
        }
        let known = |id: Id| self.processes.get(&id).is_some_and(|p| p.namespaced && p.ended.is_none());
        known(seen.id) || seen.ppid.is_some_and(|ppid| known(seen.id.sibling(ppid)))
    }

    /// `parent` made `child`.
    pub(super) fn fork(&mut self, parent: Id, child: u32, time: i64) {
        let Some(process) = self.processes.get_mut(&parent) else { return };
        if child < RESERVED && child < parent.pid {
            process.namespaced = true;
            self.namespaces = true;
        }
        if process.namespaced {
            return;
        }
        let image = Rc::clone(&process.image);
        let child = parent.sibling(child);
        let mut doubtful = None;
        if let Some(known) = self.processes.get(&child) {
            // A child that is known since after the call began has its own records: they say more.
            if known.since >= time {
                return;
            }
            doubtful = known.ended.is_none().then_some(parent.pid);
        }
        self.set(Seen { id: child, ppid: Some(parent.pid), time }, image, Some(time), false);
        if let Some(process) = self.processes.get_mut(&child) {
            process.doubtful = doubtful;
        }
    }

    /// A process ended.
    pub(super) fn exit(&mut self, id: Id, time: i64) {
        let Some(process) = self.processes.get_mut(&id).filter(|p| p.since <= time) else { return };
        process.ended = Some(time);
        let mut ended = self.ended.remove(&id.node).unwrap_or_default();
        ended.push_back((time, id.pid));
        while let Some(&(at, pid)) = ended.front()
            && time.saturating_sub(at) >= LINGER
        {
            ended.pop_front();
            if self.processes.get(&id.sibling(pid)).is_some_and(|p| p.ended == Some(at)) {
                self.remove(id.sibling(pid));
            }
        }
        self.ended.insert(id.node, ended);
    }

    /// Nothing more comes of the node of that number. What is left of it goes when room is wanted.
    pub(super) fn leave(&mut self, node: u32) {
        self.ended.remove(&node);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.processes.clear();
        self.ended.clear();
        self.bytes = 0;
    }

    fn set(&mut self, seen: Seen, image: Rc<Image>, started: Option<i64>, namespaced: bool) {
        let Seen { id, ppid, time } = seen;
        self.remove(id);
        // Shared images are counted for each holder: an upper bound is good enough.
        self.bytes += image.size();
        self.clock += 1;
        let touched = self.clock;
        let process = Process { image, started, ppid, since: time, ended: None, touched, doubtful: None, namespaced };
        self.processes.insert(id, process);
        if self.processes.len() > MAX_PROCESSES || self.bytes > MAX_BYTES {
            self.forget();
        }
    }

    fn remove(&mut self, id: Id) {
        if let Some(old) = self.processes.remove(&id) {
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
        for (&node, ended) in &mut self.ended {
            ended.retain(|&(_, pid)| self.processes.contains_key(&Id { node, pid }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(exe: &str) -> Image {
        Image { exe: Some(exe.to_owned()), comm: None, arguments: None }
    }

    fn id(pid: u32) -> Id {
        Id { node: 0, pid }
    }

    fn seen(pid: u32, time: i64) -> Seen {
        Seen { id: id(pid), ppid: None, time }
    }

    fn exe(table: &mut Table, pid: u32, time: i64) -> Option<String> {
        table.live(id(pid), time).and_then(|p| p.image.exe.clone())
    }

    #[test]
    fn fork_exec_exit_and_reuse() {
        let mut t = Table::default();
        t.exec(seen(10, 1), image("/bin/bash"));
        t.fork(id(10), 11, 2);
        assert_eq!(exe(&mut t, 11, 3).as_deref(), Some("/bin/bash"));
        t.exec(seen(11, 4), image("/bin/lua"));
        assert_eq!(exe(&mut t, 11, 5).as_deref(), Some("/bin/lua"));
        t.exit(id(11), 6);
        assert_eq!(exe(&mut t, 11, 6).as_deref(), Some("/bin/lua"));
        assert_eq!(exe(&mut t, 11, 7), None);
        t.observe(seen(11, 8), Some("/bin/cat"), None);
        assert_eq!(exe(&mut t, 11, 9).as_deref(), Some("/bin/cat"));
        assert_eq!(exe(&mut t, 12, 9), None);
    }

    #[test]
    fn a_vfork_that_stands_after_its_childs_exec_changes_nothing() {
        let mut t = Table::default();
        t.exec(seen(10, 1), image("/bin/sh"));
        t.exec(seen(11, 6), image("/bin/id"));
        t.fork(id(10), 11, 5);
        assert_eq!(exe(&mut t, 11, 7).as_deref(), Some("/bin/id"));
    }

    #[test]
    fn pids_of_a_namespace_are_not_the_machines() {
        let mut t = Table::default();
        t.exec(seen(5000, 1), image("/bin/sh"));
        t.fork(id(5000), 2, 2);
        assert_eq!(exe(&mut t, 2, 3), None);
        // From here on its forks and those of its children say nothing.
        t.fork(id(5000), 6000, 3);
        assert_eq!(exe(&mut t, 6000, 4), None);
        t.exec(Seen { id: id(7000), ppid: Some(5000), time: 4 }, image("/bin/lua"));
        t.fork(id(7000), 6001, 5);
        assert_eq!(exe(&mut t, 6001, 6), None);
        assert_eq!(exe(&mut t, 7000, 6).as_deref(), Some("/bin/lua"));
    }

    #[test]
    fn a_fork_onto_a_live_process_waits_for_the_childs_word() {
        for (ppid, expected) in [(10, "/bin/bash"), (1, "/bin/sshd")] {
            let mut t = Table::default();
            t.exec(seen(700, 1), image("/bin/sshd"));
            t.exec(seen(10, 2), image("/bin/bash"));
            t.fork(id(10), 700, 3);
            assert_eq!(exe(&mut t, 700, 4), None);
            t.observe(Seen { id: id(700), ppid: Some(ppid), time: 5 }, Some(expected), None);
            assert_eq!(exe(&mut t, 700, 6).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let mut t = Table::default();
        for pid in 1000..200_000 {
            t.exec(seen(pid, i64::from(pid)), image("/bin/true"));
        }
        assert!(t.processes.len() <= MAX_PROCESSES);
        assert!(t.forgotten > 0);
        assert_eq!(exe(&mut t, 199_999, 200_000).as_deref(), Some("/bin/true"));
        for pid in 200_000..400_000 {
            t.fork(id(199_999), pid, 300_000 + i64::from(pid));
            t.exit(id(pid), 300_000_000_000 * i64::from(pid));
        }
        assert!(t.processes.len() <= MAX_PROCESSES, "{}", t.processes.len());
    }
}
