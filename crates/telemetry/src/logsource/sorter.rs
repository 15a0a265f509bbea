//! Which log sources an event belongs to.

use super::LogSource;
use super::data::{self, Events, PATHS, Test};
use super::os::Os;
use crate::event::{Family, Kind, RawText};
use crate::scan::Row;
use crate::view::View;
use crate::view::expr::text;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Tells for each event which of the wanted log sources it belongs to.
///
/// Cloning shares what was prepared; each clone remembers what it saw, so give each thread its own.
#[derive(Clone)]
pub struct Sorter {
    rules: Arc<Rules>,
    /// Where the columns stand in a row, in the order of [`Sorter::columns`].
    places: Vec<usize>,
    seen: HashMap<Box<[u8]>, Box<[u32]>>,
    key: Vec<u8>,
    /// What the last event had, and the log sources that it belongs to: most are like the one before.
    last: (Vec<u8>, Vec<u32>),
}

/// What is wanted, by families.
struct Rules {
    columns: Vec<String>,
    families: BTreeMap<Family, Wanted>,
}

/// The wanted log sources of one family.
#[derive(Default)]
struct Wanted {
    /// The columns that tell them apart: of these only whether they are there, or their text.
    parts: Vec<Part>,
    sources: Vec<(u32, Vec<Vec<&'static Events>>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Text(usize),
    Has(usize),
    Os,
}

/// So many different events are remembered; more are not told apart by what a product writes.
const MOST_SEEN: usize = 16_384;

impl Sorter {
    /// Sorts events by these log sources. One that is not known means all rows of JSON and CSV.
    pub fn new(wanted: &[LogSource]) -> Self {
        let mut rules = Rules { columns: Vec::new(), families: BTreeMap::new() };
        for (index, source) in wanted.iter().enumerate() {
            let index = index as u32;
            let Some(meaning) = data::meaning(source) else {
                rules.families.entry(Family::Generic).or_default().sources.push((index, Vec::new()));
                continue;
            };
            let mut families: Vec<Family> = meaning.iter().flatten().map(|e| e.family).collect();
            families.sort_unstable();
            families.dedup();
            for family in families {
                let of = |list: &Vec<&'static Events>| list.iter().filter(|e| e.family == family).copied().collect();
                let lists: Vec<Vec<&'static Events>> = meaning.iter().map(of).collect();
                if lists.iter().any(Vec::is_empty) {
                    continue;
                }
                for test in lists.iter().flatten().flat_map(|e| &e.tests) {
                    rules.needs(family, test);
                }
                rules.families.entry(family).or_default().sources.push((index, lists));
            }
        }
        let places = (0..rules.columns.len()).collect();
        Sorter { rules: Arc::new(rules), places, seen: HashMap::new(), key: Vec::new(), last: Default::default() }
    }

    /// The columns of [`view::logs`](crate::view::logs) that it needs.
    pub fn columns(&self) -> &[String] {
        &self.rules.columns
    }

    /// Says which columns the rows will have: those of [`Sorter::columns`] must be among them. Without a call, rows
    /// have just these.
    pub fn rows_of(&mut self, columns: &[String]) {
        let place = |name: &String| columns.iter().position(|c| c == name).unwrap_or(usize::MAX);
        self.places = self.rules.columns.iter().map(place).collect();
        self.seen.clear();
        self.last = Default::default();
    }

    /// The view, of those events alone that belong to a wanted log source; more come where only a value tells.
    pub fn narrow(&self, view: &View) -> View {
        view.narrowed(|family| {
            let wanted = self.rules.families.get(&family)?;
            let mut codes = Vec::new();
            for (_, lists) in &wanted.sources {
                // Of lists that an event must all be in, the first says enough.
                let Some(list) = lists.first() else { return Some(Vec::new()) };
                for events in list {
                    if events.codes.is_empty() || events.codes.contains(&crate::event::defender::OTHER) {
                        return Some(Vec::new());
                    }
                    codes.extend(&events.codes);
                }
            }
            codes.sort_unstable();
            codes.dedup();
            Some(codes)
        })
    }

    /// The log sources that the event belongs to, as indexes of those wanted, ascending.
    pub fn of(&mut self, row: &Row<'_>) -> &[u32] {
        let kind = row.kind();
        let Sorter { rules, places, seen, key, last } = self;
        let Some(wanted) = rules.families.get(&kind.family) else { return &[] };
        let event = Columns { row, places };
        key.clear();
        key.push(kind.family as u8);
        key.extend(kind.code.to_le_bytes());
        for part in &wanted.parts {
            match part {
                Part::Text(column) => key.extend(event.text(*column).unwrap_or_default().bytes()),
                Part::Has(column) => key.push(u8::from(event.has(*column))),
                Part::Os => key.push(os(rules, &event) as u8),
            }
            key.push(0xFF);
        }
        if last.0 != *key {
            if !seen.contains_key(key.as_slice()) {
                let found = wanted.of(rules, kind, &event);
                if seen.len() >= MOST_SEEN {
                    seen.clear();
                }
                seen.insert(key.as_slice().into(), found.into());
            }
            last.1.clear();
            last.1.extend(seen.get(key.as_slice()).iter().flat_map(|found| found.iter()));
            last.0.clone_from(key);
        }
        &last.1
    }
}

/// An event's values of the sorter's columns.
struct Columns<'c> {
    row: &'c Row<'c>,
    places: &'c [usize],
}

impl Columns<'_> {
    fn place(&self, column: usize) -> usize {
        self.places.get(column).copied().unwrap_or(usize::MAX)
    }

    fn text(&self, column: usize) -> Option<Cow<'_, str>> {
        text(self.row.value(self.place(column)))
    }

    fn has(&self, column: usize) -> bool {
        self.row.has(self.place(column))
    }

    /// What a path says; of one that begins with a drive nothing more is looked at.
    fn os(&self, column: usize) -> Option<Os> {
        if let RawText::Text { raw, form: RawText::JSON | RawText::WINDOWS_JSON } = self.row.raw(self.place(column))
            && let [b'"', drive, b':', ..] = raw.as_bytes()
            && drive.is_ascii_alphabetic()
        {
            return Some(Os::Windows);
        }
        self.text(column).map(|path| Os::of_path(&path))
    }
}

fn os(rules: &Rules, event: &Columns<'_>) -> Os {
    let mut paths = PATHS.iter().filter_map(|name| event.os(rules.place(name)?));
    paths.find(|os| *os != Os::Unknown).unwrap_or(Os::Unknown)
}

impl Rules {
    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// The column of that name, added where it is new.
    fn column(&mut self, name: &str) -> usize {
        self.place(name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        })
    }

    /// Notes what a test looks at.
    fn needs(&mut self, family: Family, test: &Test) {
        let mut parts = Vec::new();
        match test {
            Test::Is(name, _) | Test::IsNot(name, _) => parts.push(Part::Text(self.column(name))),
            Test::Channel(..) => {
                for name in ["@channel", "@provider"] {
                    parts.push(Part::Text(self.column(name)));
                }
            }
            Test::Table(..) => parts.push(Part::Text(self.column("@table"))),
            Test::Has(lists) => {
                for name in lists.iter().flatten() {
                    parts.push(Part::Has(self.column(name)));
                }
            }
            Test::Os(_) => {
                for name in PATHS {
                    self.column(name);
                }
                parts.push(Part::Os);
            }
        }
        let wanted = self.families.entry(family).or_default();
        parts.retain(|part| !wanted.parts.contains(part));
        wanted.parts.extend(parts);
    }
}

impl Wanted {
    fn of(&self, rules: &Rules, kind: Kind, event: &Columns<'_>) -> Vec<u32> {
        let holds = |test: &Test| test.holds(rules, event);
        let is = |e: &&Events| (e.codes.is_empty() || e.codes.contains(&kind.code)) && e.tests.iter().all(holds);
        let belongs = |lists: &Vec<Vec<&'static Events>>| lists.iter().all(|list| list.iter().copied().any(|e| is(&e)));
        self.sources.iter().filter(|(_, lists)| belongs(lists)).map(|(index, _)| *index).collect()
    }
}

impl Test {
    fn holds(&self, rules: &Rules, event: &Columns<'_>) -> bool {
        let text = |name: &str| rules.place(name).and_then(|column| event.text(column));
        let has = |name: &String| rules.place(name).is_some_and(|column| event.has(column));
        let among = |list: &[String], text: &str| list.iter().any(|t| t.eq_ignore_ascii_case(text));
        match self {
            Test::Is(name, values) => text(name).is_some_and(|t| among(values, &t)),
            Test::IsNot(name, values) => text(name).is_none_or(|t| !among(values, &t)),
            Test::Channel(channels, providers) => match text("@channel").filter(|t| !t.is_empty()) {
                Some(channel) => among(channels, &channel),
                None => text("@provider").is_some_and(|t| among(providers, &t)),
            },
            Test::Table(tables, by_action) => match text("@table").filter(|t| !t.is_empty()) {
                Some(table) => among(tables, &table),
                None => *by_action,
            },
            Test::Has(lists) => lists.iter().any(|list| list.iter().all(has)),
            Test::Os(wanted) => os(rules, event).may_be(*wanted),
        }
    }
}
