//! The processes around an event, from the telemetry.
//!
//! All process creations are read once for who started whom, which takes a few bytes each, and those that are shown once
//! more for their images and command lines. A process id is used again: the process of an id is the last that was
//! started under it before the event. Where the source gives processes unique ids (Sysmon), those decide.

use super::Place;
use arrow::record_batch::RecordBatch;
use parallax_detect::{Event, Finding};
use parallax_engine::value::{Value, value};
use parallax_engine::{Context, Dialect, Error, Session};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A process as a tree shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The program's path.
    pub image: String,
    /// Its command line.
    pub command_line: String,
    /// As whom.
    pub user: String,
    /// Its id.
    pub id: Option<i64>,
    /// When it was started: ticks of 100 ns since 0001.
    pub time: Option<i64>,
    /// Where its start was recorded; nothing where another process' record names it.
    pub place: Option<Place>,
}

/// The processes around one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// From the oldest known down to the parent.
    pub ancestors: Vec<Process>,
    /// The process itself.
    pub own: Process,
    /// What it started.
    pub children: Vec<Child>,
    /// How many more it and its children started than are shown.
    pub more: usize,
}

/// A process that another started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Child {
    /// The process.
    pub process: Process,
    /// What it started itself.
    pub children: Vec<Child>,
}

/// The most process creations that are looked at.
const MOST: usize = 1_000_000;
/// The most ancestors of a tree.
const ANCESTORS: usize = 16;
/// The most descendants of a tree, and how deep they go.
const DESCENDANTS: usize = 40;
const DEPTH: usize = 4;

/// One start of a process.
#[derive(Clone, Copy, Debug)]
struct Start {
    host: u32,
    pid: i64,
    parent: i64,
    time: i64,
    /// Hashes of the unique ids; 0 where there is none.
    unique: u64,
    unique_parent: u64,
    source: u32,
    record: i64,
}

/// Who started whom.
#[derive(Debug, Default)]
pub struct Processes {
    hosts: HashMap<String, u32>,
    sources: Vec<String>,
    /// By host, id and time.
    starts: Vec<Start>,
    /// Places in `starts` by host, parent's id and time.
    by_parent: Vec<u32>,
    by_unique: HashMap<u64, u32>,
    by_place: HashMap<(u32, i64), u32>,
    /// Whether there were more than [`MOST`].
    pub cut: bool,
}

const IDS: &str = "DeviceProcessEvents | project ProcessId, InitiatingProcessId, ProcessUniqueId, InitiatingProcessUniqueId, Timestamp, DeviceName";
const DETAILS: &str = "DeviceProcessEvents | project ProcessId, FolderPath, ProcessCommandLine, AccountName, Timestamp, InitiatingProcessFolderPath, InitiatingProcessCommandLine, InitiatingProcessId";

impl Processes {
    /// Reads who started whom.
    ///
    /// # Errors
    /// What fails while events are read.
    pub fn read(session: &Session) -> Result<Processes, Error> {
        let mut all = Processes::default();
        let mut sources: HashMap<String, u32> = HashMap::new();
        rows(session, IDS, |row| {
            if all.starts.len() >= MOST {
                all.cut = true;
                return;
            }
            let (Some(pid), Some((source, record))) = (row.number(0), row.place()) else { return };
            let next = u32::try_from(all.hosts.len()).unwrap_or(u32::MAX);
            let host = *all.hosts.entry(row.text(5)).or_insert(next);
            let next = u32::try_from(all.sources.len()).unwrap_or(u32::MAX);
            let source = *sources.entry(source).or_insert_with_key(|name| {
                all.sources.push(name.clone());
                next
            });
            all.starts.push(Start {
                host,
                pid,
                parent: row.number(1).unwrap_or(-1),
                time: row.number(4).unwrap_or(i64::MIN),
                unique: hash(&row.text(2)),
                unique_parent: hash(&row.text(3)),
                source,
                record,
            });
        })?;
        all.index();
        Ok(all)
    }

    fn index(&mut self) {
        self.starts.sort_unstable_by_key(|s| (s.host, s.pid, s.time, s.source, s.record));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.by_parent = (0..self.starts.len()).map(place).collect();
        let starts = &self.starts;
        self.by_parent.sort_unstable_by_key(|at| {
            let s = &starts[*at as usize];
            (s.host, s.parent, s.time, s.source, s.record)
        });
        for (at, s) in self.starts.iter().enumerate() {
            if s.unique != 0 {
                self.by_unique.entry(s.unique).or_insert(place(at));
            }
            self.by_place.insert((s.source, s.record), place(at));
        }
    }

    /// The last process that was started under the id before the time.
    fn at(&self, host: u32, pid: i64, time: i64) -> Option<u32> {
        let end = self.starts.partition_point(|s| (s.host, s.pid, s.time) <= (host, pid, time));
        let found = end.checked_sub(1)?;
        let s = &self.starts[found];
        (s.host == host && s.pid == pid).then(|| u32::try_from(found).ok()).flatten()
    }

    /// The process behind an event: its own start, or the process that did it.
    fn own(&self, event: &Event) -> Option<u32> {
        let recorded = event.source.as_ref().zip(event.record).and_then(|(source, record)| {
            let source = self.sources.iter().position(|s| s == source)?;
            self.by_place.get(&(u32::try_from(source).ok()?, record)).copied()
        });
        recorded.or_else(|| {
            let host = *self.hosts.get(event.host.as_deref().unwrap_or_default())?;
            self.at(host, event.process_id?, event.time?)
        })
    }

    fn parent(&self, of: u32) -> Option<u32> {
        let s = self.starts.get(of as usize)?;
        if s.unique_parent != 0
            && let Some(parent) = self.by_unique.get(&s.unique_parent)
        {
            return Some(*parent).filter(|p| *p != of);
        }
        // A parent is older than its child; of events of one instant, the order is not known.
        let parent = self.at(s.host, s.parent, s.time)?;
        (parent != of && s.parent != s.pid && s.parent > 0).then_some(parent)
    }

    fn children(&self, of: u32) -> Vec<u32> {
        let Some(s) = self.starts.get(of as usize) else { return Vec::new() };
        let key = |at: &u32| {
            let c = &self.starts[*at as usize];
            (c.host, c.parent, c.time)
        };
        let from = self.by_parent.partition_point(|at| key(at) < (s.host, s.pid, s.time));
        let of_id = self.by_parent[from..].iter().take_while(|at| {
            let (host, parent, _) = key(at);
            (host, parent) == (s.host, s.pid)
        });
        of_id.copied().filter(|c| *c != of && self.parent(*c) == Some(of)).take(DESCENDANTS * 4).collect()
    }

    /// The tree around each finding's event, in their order; nothing where the telemetry has no process for it.
    ///
    /// # Errors
    /// What fails while events are read.
    pub fn trees(&self, session: &Session, findings: &[&Finding]) -> Result<Vec<Option<Tree>>, Error> {
        let outlines: Vec<Option<Outline>> =
            findings.iter().map(|f| f.event.as_ref().and_then(|e| self.outline(e))).collect();
        let mut wanted = BTreeSet::new();
        outlines.iter().flatten().for_each(|o| o.all(&mut wanted));
        let details = self.details(session, &wanted)?;
        Ok(outlines.iter().map(|o| o.as_ref().and_then(|o| o.tree(&details))).collect())
    }

    fn outline(&self, event: &Event) -> Option<Outline> {
        let own = self.own(event)?;
        let mut ancestors = Vec::new();
        let mut at = own;
        while let Some(parent) = self.parent(at).filter(|p| *p != own && !ancestors.contains(p)) {
            ancestors.push(parent);
            at = parent;
            if ancestors.len() >= ANCESTORS {
                break;
            }
        }
        ancestors.reverse();
        let (mut left, mut more) = (DESCENDANTS, 0);
        let children = self.descend(own, DEPTH, &mut left, &mut more);
        Some(Outline { ancestors, own, children, more })
    }

    fn descend(&self, of: u32, depth: usize, left: &mut usize, more: &mut usize) -> Vec<Branch> {
        let children = self.children(of);
        if depth == 0 {
            *more += children.len();
            return Vec::new();
        }
        let shown = children.len().min(*left);
        *more += children.len() - shown;
        *left -= shown;
        let mut branch = |at: &u32| Branch { at: *at, children: self.descend(*at, depth - 1, left, more) };
        children[..shown].iter().map(&mut branch).collect()
    }

    fn details(&self, session: &Session, wanted: &BTreeSet<u32>) -> Result<HashMap<u32, Detail>, Error> {
        let mut found = HashMap::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        let sources: BTreeMap<&str, u32> = (0..).zip(&self.sources).map(|(at, name)| (name.as_str(), at)).collect();
        rows(session, DETAILS, |row| {
            let Some((source, record)) = row.place() else { return };
            let at = sources.get(source.as_str()).and_then(|s| self.by_place.get(&(*s, record)));
            let Some(at) = at.filter(|at| wanted.contains(at)) else { return };
            let process = Process {
                image: row.text(1),
                command_line: row.text(2),
                user: row.text(3),
                id: row.number(0),
                time: row.number(4),
                place: Some((source, record)),
            };
            let parent =
                Process { image: row.text(5), command_line: row.text(6), id: row.number(7), ..Process::default() };
            found.insert(*at, Detail { process, parent });
        })?;
        Ok(found)
    }
}

struct Detail {
    process: Process,
    /// What its record says of its parent.
    parent: Process,
}

/// A tree by places in the index.
struct Outline {
    ancestors: Vec<u32>,
    own: u32,
    children: Vec<Branch>,
    more: usize,
}

struct Branch {
    at: u32,
    children: Vec<Branch>,
}

impl Outline {
    fn all(&self, into: &mut BTreeSet<u32>) {
        fn down(branches: &[Branch], into: &mut BTreeSet<u32>) {
            for branch in branches {
                into.insert(branch.at);
                down(&branch.children, into);
            }
        }
        into.insert(self.own);
        into.extend(&self.ancestors);
        down(&self.children, into);
    }

    fn tree(&self, details: &HashMap<u32, Detail>) -> Option<Tree> {
        let own = details.get(&self.own)?;
        let mut ancestors: Vec<Process> =
            self.ancestors.iter().filter_map(|a| details.get(a)).map(|d| d.process.clone()).collect();
        // Above the oldest whose start was recorded stands the one that its record names.
        let oldest = self.ancestors.first().and_then(|a| details.get(a)).unwrap_or(own);
        if !oldest.parent.image.is_empty() || !oldest.parent.command_line.is_empty() {
            ancestors.insert(0, oldest.parent.clone());
        }
        let children = children(&self.children, details);
        Some(Tree { ancestors, own: own.process.clone(), children, more: self.more })
    }
}

/// The same start may be recorded twice, by Sysmon and by Windows itself.
fn children(branches: &[Branch], details: &HashMap<u32, Detail>) -> Vec<Child> {
    const TWO_SECONDS: u64 = 20_000_000;
    let mut all: Vec<Child> = Vec::new();
    for branch in branches {
        let Some(detail) = details.get(&branch.at) else { continue };
        let process = detail.process.clone();
        let same = |c: &Child| {
            let apart = c.process.time.zip(process.time).map(|(a, b)| a.abs_diff(b));
            c.process.id == process.id
                && c.process.image.eq_ignore_ascii_case(&process.image)
                && c.process.command_line == process.command_line
                && apart.is_some_and(|t| t < TWO_SECONDS)
        };
        if all.iter().any(same) {
            continue;
        }
        let children = children(&branch.children, details);
        all.push(Child { process, children });
    }
    all
}

fn hash(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish().max(1)
}

/// A row of a query with its provenance.
struct Row<'a> {
    /// How many columns the query itself has.
    visible: usize,
    batch: &'a RecordBatch,
    row: usize,
}

impl Row<'_> {
    fn value(&self, column: usize) -> Value<'_> {
        let plain =
            parallax_engine::Output { name: String::new(), type_name: "", encoding: parallax_engine::Encoding::Plain };
        value(&plain, self.batch.column(column), self.row)
    }

    fn text(&self, column: usize) -> String {
        self.value(column).text().unwrap_or_default().into_owned()
    }

    fn number(&self, column: usize) -> Option<i64> {
        match self.value(column) {
            Value::Long(n) => Some(n),
            _ => None,
        }
    }

    /// The hidden columns begin with the file and the place in it.
    fn place(&self) -> Option<Place> {
        Some((self.text(self.visible), self.number(self.visible + 1)?))
    }
}

fn rows(session: &Session, query: &str, mut each: impl FnMut(&Row<'_>)) -> Result<(), Error> {
    let context = Context { provenance: true, ..Context::at(0) };
    let mut execution = session.query(Dialect::Kql, query, &context)?;
    if !execution.provenance {
        return Ok(());
    }
    let visible = execution.columns.len();
    for batch in &mut execution.rows {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            each(&Row { visible, batch: &batch, row });
        }
    }
    Ok(())
}
