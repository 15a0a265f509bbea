//! Thousands of rules over one event after another.
//!
//! A rule is looked at only where an event shows what it can't do without. For each log source and field an [`index`]
//! holds the rules' anchors: literals of which any matching event has one ([`anchor`]). What the index finds is then
//! evaluated exactly ([`compile`]). The same pass over a value that finds anchors finds all other literals that rules look
//! for, so most tests are answered before anybody asks. Values are asked for when they are needed, and folded once.

mod anchor;
mod compile;
mod evaluate;
mod index;
mod known;
mod needed;
mod why;

pub use evaluate::Scratch;
pub use why::Reason;

use crate::tree::{Condition, LogSource, Rule};
use anchor::{Atom, Commonness, Finder};
use compile::{Compiler, Node, OfSource, Test};
use hashbrown::HashMap;
use index::Index;
use parallax_telemetry::needles::Clause;
use parallax_telemetry::scan::Row;
use parallax_telemetry::{RawText, Value};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The field that is an event's text.
pub const RAW: &str = "@raw";
/// The field that is the JSON object of all fields of an event.
pub const FIELDS: &str = "@fields";

/// The values of an event, by the places of [`Rules::fields`].
pub trait Values {
    /// One of them.
    fn value(&self, at: usize) -> Value<'_>;

    /// Appends its text, as [`Value::into_text`] gives it; `false` where there is none.
    fn text_into(&self, at: usize, out: &mut String) -> bool {
        self.value(at).into_text().is_some_and(|text| {
            out.push_str(&text);
            true
        })
    }

    /// The text that it is made of, where there is such.
    fn raw(&self, _at: usize) -> RawText<'_> {
        RawText::Unknown
    }
}

impl Values for Row<'_> {
    fn value(&self, at: usize) -> Value<'_> {
        self.value(at)
    }

    fn text_into(&self, at: usize, out: &mut String) -> bool {
        self.text_into(at, out)
    }

    fn raw(&self, at: usize) -> RawText<'_> {
        self.raw(at)
    }
}

/// Values that a function gives.
struct Asked<'v, F: Fn(usize) -> Value<'v>>(F);

impl<'v, F: Fn(usize) -> Value<'v>> Values for Asked<'v, F> {
    fn value(&self, at: usize) -> Value<'_> {
        self.0(at)
    }
}

/// Compiled rules.
pub struct Rules {
    /// No others have it.
    id: u64,
    fields: Vec<String>,
    sources: Vec<LogSource>,
    groups: Vec<Group>,
    sizes: Sizes,
    rules: Vec<One>,
    refused: Vec<Refused>,
    /// The places of [`RAW`] and [`FIELDS`] among the fields, where keywords are looked for.
    keywords: Option<(u32, u32)>,
    needed: Option<Clause>,
}

/// A rule that can't be evaluated. It matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which of the rules.
    pub rule: usize,
    /// Why: a sentence.
    pub why: String,
}

struct One {
    source: u32,
    /// `None` for a refused rule.
    node: Option<Node>,
    condition: Condition,
    /// Made when an event is to be explained.
    because: OnceLock<why::Because>,
}

/// The rules of one log source.
#[derive(Default)]
struct Group {
    /// Those without an anchor, evaluated on every event.
    always: Vec<u32>,
    tests: Vec<Test>,
    columns: Vec<Column>,
    /// The columns by whose values rules are found.
    found: Vec<u32>,
    /// The anchors in all texts of an event.
    keywords: Option<Index>,
    /// Where its tests and columns begin among those of all log sources.
    first_test: usize,
    first_column: usize,
}

/// A field that rules of a log source look at.
struct Column {
    field: u32,
    index: Index,
    /// Where the tests begin that follow from the literals that are found.
    first_told: u32,
    /// How many are asked one by one.
    asked: u32,
}

/// Of all log sources together; of literals how many an index has at most.
#[derive(Default)]
struct Sizes {
    tests: usize,
    columns: usize,
    told: usize,
    literals: usize,
}

/// How the rules of [`Rules`] are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// By their anchors.
    Indexed,
    /// Every rule is evaluated on every event of its log source: the same result, slower.
    Every,
}

impl Rules {
    /// Compiles rules. Those that can't be are in [`Rules::refused`].
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        Self::with(rules, Search::Indexed)
    }

    /// Compiles rules to be found in a way.
    pub fn with<'a>(rules: impl IntoIterator<Item = &'a Rule>, search: Search) -> Self {
        let mut compiler = Compiler::new(search == Search::Indexed);
        let mut sources: Vec<LogSource> = Vec::new();
        let mut places: HashMap<LogSource, u32> = HashMap::new();
        let (mut all, mut refused) = (Vec::new(), Vec::new());
        for (place, rule) in rules.into_iter().enumerate() {
            let source = *places.entry_ref(&rule.logsource).or_insert_with(|| {
                sources.push(rule.logsource.clone());
                sources.len() as u32 - 1
            });
            compiler.of(source);
            let node = compiler.node(&rule.condition);
            let node = node.map_err(|why| refused.push(Refused { rule: place, why })).ok();
            all.push(One { source, node, condition: rule.condition.clone(), because: OnceLock::new() });
        }
        let place = |name: &str| compiler.fields.get(name).copied();
        let keywords = place(RAW).zip(place(FIELDS));
        let mut fields = vec![String::new(); compiler.fields.len()];
        compiler.fields.iter().for_each(|(name, at)| fields[*at as usize].clone_from(name));
        let finder = Finder { fields: &compiler.fields, keywords: u32::MAX };
        let needed = if search == Search::Every { None } else { needed::needed(&all, &finder, &fields) };
        let (groups, sizes) = group(&mut all, compiler.parts, &finder, search);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Rules { id, fields, sources, groups, sizes, rules: all, refused, keywords, needed }
    }

    /// The fields whose values are asked for, by their places.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The log sources that the rules are about, each once.
    pub fn sources(&self) -> &[LogSource] {
        &self.sources
    }

    /// Which of [`Rules::sources`] a rule is about.
    pub fn source_of(&self, rule: usize) -> u32 {
        self.rules[rule].source
    }

    /// How many rules there are, refused ones included.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What can't be evaluated.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Literals of which any event that fulfils a rule shows one; `None` where there are none for all rules, or too many
    /// to be looked for in raw events.
    pub fn needed(&self) -> Option<&Clause> {
        self.needed.as_ref()
    }

    /// The rules that have no anchor.
    pub fn unanchored(&self) -> impl Iterator<Item = usize> {
        self.groups.iter().flat_map(|g| g.always.iter().map(|r| *r as usize))
    }

    /// The rules that an event fulfils, in their order: of the log sources (places in [`Rules::sources`]) that it is of,
    /// `values` giving the values of [`Rules::fields`] by their places.
    pub fn matches<'v, 's>(
        &self,
        values: impl Fn(usize) -> Value<'v>,
        sources: &[u32],
        scratch: &'s mut Scratch,
    ) -> &'s [u32] {
        evaluate::matches(self, &Asked(values), sources, scratch)
    }

    /// As [`Rules::matches`], of values that can be written into room that is there already.
    pub fn matches_of<'s>(&self, values: &dyn Values, sources: &[u32], scratch: &'s mut Scratch) -> &'s [u32] {
        evaluate::matches(self, values, sources, scratch)
    }

    /// Why an event fulfils a rule: the tests that hold, with the text that passed them.
    pub fn why<'v>(&self, rule: usize, values: impl Fn(usize) -> Value<'v>) -> Vec<Reason> {
        why::reasons(self, rule, &values)
    }
}

/// Numbers of [`Rules`].
static IDS: AtomicU64 = AtomicU64::new(0);

/// The rules by their log sources.
fn group(rules: &mut [One], parts: Vec<OfSource>, finder: &Finder<'_>, search: Search) -> (Vec<Group>, Sizes) {
    let mut common = Commonness::default();
    for (place, rule) in rules.iter().enumerate() {
        finder.all(&rule.condition, &mut |atom| common.add(place as u32, atom));
    }
    let (mut groups, mut sizes) = (Vec::new(), Sizes::default());
    for (source, mut part) in parts.into_iter().enumerate() {
        let mut group = Group { first_test: sizes.tests, first_column: sizes.columns, ..Group::default() };
        let mut anchors: HashMap<u32, HashMap<Atom, Vec<u32>>> = HashMap::new();
        for (place, rule) in rules.iter().enumerate().filter(|(_, r)| r.source == source as u32 && r.node.is_some()) {
            let found = if search == Search::Every { None } else { finder.anchor(&rule.condition, &common) };
            match found {
                Some(found) => found.into_iter().for_each(|atom| {
                    anchors.entry(atom.field).or_default().entry(atom).or_default().push(place as u32);
                }),
                None => group.always.push(place as u32),
            }
        }
        let no_tests = HashMap::new();
        group.keywords = anchors.remove(&finder.keywords).map(|anchors| Index::new(anchors, &no_tests, &common));
        for field in anchors.keys() {
            part.column(*field);
        }
        let mut costs: Vec<Vec<f64>> = Vec::new();
        for compile::Column { field, told, asked, literals } in part.columns {
            let mut of = vec![0.0; told as usize];
            literals.iter().for_each(|(atom, tests)| tests.iter().for_each(|t| of[*t as usize] += common.cost(atom)));
            costs.push(of);
            let index = Index::new(anchors.remove(&field).unwrap_or_default(), &literals, &common);
            if index.has_anchors() {
                group.found.push(group.columns.len() as u32);
            }
            sizes.literals = sizes.literals.max(index.len());
            group.columns.push(Column { field, index, first_told: sizes.told as u32, asked });
            sizes.told += told as usize;
        }
        let tests: Vec<u32> = group.columns.iter().map(|c| c.first_told).collect();
        let of = rules.iter_mut().filter(|r| r.source == source as u32);
        for node in of.filter_map(|r| r.node.as_mut()) {
            node.order(&|column, test| costs[column as usize][test as usize], true);
            node.number(group.first_column as u32, &tests);
        }
        group.tests = part.tests;
        sizes.tests += group.tests.len();
        sizes.columns += group.columns.len();
        groups.push(group);
    }
    (groups, sizes)
}
