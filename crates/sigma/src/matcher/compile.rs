//! Conditions as the matcher evaluates them: tests that several rules of a log source share are one test.

use super::anchor::{Atom, Place, base_hash, has_separator};
use crate::meaning::{Glob, fold};
use crate::tree::{self, Case, Condition, Is, Network, Order, Part, Piece, TimePart};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hashbrown::HashMap;
use memchr::memmem::Finder;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::sync::OnceLock;

/// A condition over numbered tests.
#[derive(Clone, Debug)]
pub(super) enum Node {
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Not(Box<Node>),
    /// A column's value shows one of some literals; which ones it shows is found out once. Both are numbered within the log
    /// source, until [`Node::number`].
    Told {
        column: u32,
        test: u32,
    },
    Test(u32),
}

impl Node {
    /// Puts in order: of a conjunction first what is known without asking and is seldom true, of a disjunction what is
    /// often true; `cost` says how often what is told is. At the `top`, where rules are found by what is seldomest true,
    /// that comes last. Whether anything is to be asked, and how often it is true, come back.
    pub(super) fn order(&mut self, cost: &dyn Fn(u32, u32) -> f64, top: bool) -> (bool, f64) {
        match self {
            Node::Told { column, test } => (false, cost(*column, *test)),
            Node::Test(_) => (true, 0.0),
            Node::Not(inner) => (inner.order(cost, false).0, f64::INFINITY),
            Node::And(each) => {
                let mut keys: Vec<_> = each.iter_mut().map(|n| n.order(cost, false)).collect();
                sort(each, &keys, |(asks, cost)| (*asks, *cost));
                keys.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                let told = keys.iter().take_while(|(asks, cost)| !asks && cost.is_finite()).count();
                if top && told > 1 {
                    each[..told].rotate_left(1);
                }
                let least = keys.iter().map(|k| k.1).min_by(f64::total_cmp);
                (keys.iter().any(|k| k.0), least.unwrap_or_default())
            }
            Node::Or(each) => {
                let keys: Vec<_> = each.iter_mut().map(|n| n.order(cost, false)).collect();
                sort(each, &keys, |(asks, cost)| (*asks, -cost));
                (keys.iter().any(|k| k.0), keys.iter().map(|k| k.1).sum())
            }
        }
    }

    /// Numbers what is told among all log sources: `first` says where the columns of this one begin, and where the tests
    /// of each of them do.
    pub(super) fn number(&mut self, first: u32, tests: &[u32]) {
        match self {
            Node::And(each) | Node::Or(each) => each.iter_mut().for_each(|n| n.number(first, tests)),
            Node::Not(inner) => inner.number(first, tests),
            Node::Told { column, test } => {
                *test += tests[*column as usize];
                *column += first;
            }
            Node::Test(_) => {}
        }
    }
}

/// Sorts by keys.
fn sort(each: &mut [Node], keys: &[(bool, f64)], by: impl Fn(&(bool, f64)) -> (bool, f64)) {
    let mut all: Vec<(Node, (bool, f64))> = each.iter().cloned().zip(keys.iter().map(by)).collect();
    all.sort_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    each.iter_mut().zip(all).for_each(|(place, (node, _))| *place = node);
}

/// A test of a numbered field.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) field: u32,
    /// Where it is of its field's value alone: the column, and which of the column's asked tests it is.
    pub(super) place: Option<(u32, u32)>,
    pub(super) kind: Kind,
}

/// A field whose value rules of a log source look at.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: u32,
    /// How many tests follow from the literals that are found, and how many are asked one by one.
    pub(super) told: u32,
    pub(super) asked: u32,
    /// The literals, each with the tests that it makes true.
    pub(super) literals: HashMap<Atom, Vec<u32>>,
}

/// What is made of the values is made when a value is there: most tests are never asked.
#[derive(Debug)]
pub(super) enum Kind {
    /// Folded text that is, begins with, ends with or holds one of several.
    Any(Box<Any>),
    /// Folded text that holds all of several.
    All(Box<[Finder<'static>]>),
    Like(Box<Glob>, Case),
    Matches(Box<Lazy>),
    In(Network),
    Compares(Order, f64),
    Field(Part, u32, Case),
    Exists(bool),
    TimePart(TimePart, i64),
    /// A keyword: some text of the event holds it.
    Held(Box<Held>),
}

impl Kind {
    /// Whether the test is of one field's value alone, and false where there is none.
    pub(super) fn is_of_value(&self) -> bool {
        !matches!(self, Kind::Field(..) | Kind::Exists(_) | Kind::Held(_))
    }
}

/// Simple patterns over folded text.
#[derive(Debug, Default)]
pub(super) struct Any {
    /// Literals that decide the base name of a path, with its hash.
    bases: Vec<u32>,
    based: Vec<(Place, Box<[u8]>)>,
    start: Vec<Box<[u8]>>,
    end: Vec<Box<[u8]>>,
    holds: Vec<Finder<'static>>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

/// A regular expression that is compiled when it is first asked.
#[derive(Debug)]
pub(super) struct Lazy {
    written: tree::Regex,
    compiled: OnceLock<Option<regex::Regex>>,
}

#[derive(Debug)]
pub(super) enum Held {
    Like(Glob, Case),
    Meaning(crate::meaning::Meaning),
}

/// Beyond so many texts an automaton is faster than one search after the other.
const SEARCHES: usize = 5;

impl Any {
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        !self.bases.is_empty() && self.has_base(text, base_hash(text))
            || self.end.iter().any(|t| text.ends_with(t))
            || self.start.iter().any(|t| text.starts_with(t))
            || self.holds(text)
    }

    fn has_base(&self, text: &[u8], base: u32) -> bool {
        // Mostly none has the hash.
        if !self.bases.contains(&base) {
            return false;
        }
        self.based.iter().any(|(place, t)| if *place == Place::Whole { **t == *text } else { text.ends_with(t) })
    }

    fn holds(&self, text: &[u8]) -> bool {
        if self.holds.len() > SEARCHES
            && let Some(automaton) = self.automaton.get_or_init(|| self.automaton())
        {
            return automaton.is_match(text);
        }
        self.holds.iter().any(|f| f.find(text).is_some())
    }

    fn automaton(&self) -> Option<AhoCorasick> {
        let needles = self.holds.iter().map(Finder::needle);
        // The smallest kind: there may be a thousand of them, and each is asked rarely.
        AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(needles).ok()
    }
}

impl Lazy {
    pub(super) fn is_match(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| crate::meaning::regex(&self.written).ok());
        compiled.as_ref().is_some_and(|r| r.is_match(text))
    }
}

/// Compiles conditions; equal tests of a log source get one number.
pub(super) struct Compiler {
    pub(super) fields: HashMap<String, u32>,
    /// By log sources.
    pub(super) parts: Vec<OfSource>,
    /// Which of them is compiled.
    part: usize,
    /// Whether literals are found in a value all at once, where they can be.
    tells: bool,
}

/// What the rules of a log source ask.
#[derive(Default)]
pub(super) struct OfSource {
    pub(super) tests: Vec<Test>,
    pub(super) columns: Vec<Column>,
    places: HashMap<u32, u32>,
    known: HashMap<Vec<u8>, Node>,
}

impl OfSource {
    /// The column of a field.
    pub(super) fn column(&mut self, field: u32) -> u32 {
        *self.places.entry(field).or_insert_with(|| {
            self.columns.push(Column { field, told: 0, asked: 0, literals: HashMap::new() });
            self.columns.len() as u32 - 1
        })
    }
}

/// A pattern that is one literal, and where that stands.
enum Simple {
    Whole(Box<str>),
    Start(Box<str>),
    End(Box<str>),
    Holds(Box<str>),
}

/// Shorter literals stand in so many values that they are not looked for until somebody asks.
const SHORTEST: usize = 4;

impl Simple {
    fn parts(&self) -> (Place, &str) {
        match self {
            Simple::Whole(text) => (Place::Whole, text),
            Simple::Start(text) => (Place::Start, text),
            Simple::End(text) => (Place::End, text),
            Simple::Holds(text) => (Place::Anywhere, text),
        }
    }

    /// Whether it is found with all others.
    fn is_told(&self) -> bool {
        let (place, text) = self.parts();
        place == Place::Whole || text.len() >= SHORTEST
    }
}

fn simple(is: &Is) -> Option<Simple> {
    let Is::Like(pattern) = is else { return None };
    if pattern.case == Case::Counts {
        return None;
    }
    let text = |text: &str| fold(text).into();
    Some(match pattern.parts.as_slice() {
        [] => Simple::Whole(Box::default()),
        [Piece::Text(t)] => Simple::Whole(text(t)),
        [Piece::Text(t), Piece::Any] => Simple::Start(text(t)),
        [Piece::Any, Piece::Text(t)] => Simple::End(text(t)),
        [Piece::Any, Piece::Text(t), Piece::Any] => Simple::Holds(text(t)),
        _ => return None,
    })
}

impl Compiler {
    pub(super) fn new(tells: bool) -> Self {
        Compiler { fields: HashMap::new(), parts: Vec::new(), part: 0, tells }
    }

    /// What comes next is of the log source of that number.
    pub(super) fn of(&mut self, source: u32) {
        self.part = source as usize;
        if self.parts.len() <= self.part {
            self.parts.resize_with(self.part + 1, OfSource::default);
        }
    }

    pub(super) fn field(&mut self, name: &str) -> u32 {
        if let Some(known) = self.fields.get(name) {
            return *known;
        }
        let next = self.fields.len() as u32;
        self.fields.insert(name.to_owned(), next);
        next
    }

    /// Compiles a condition.
    ///
    /// # Errors
    /// A regular expression is wrong: a sentence about it.
    pub(super) fn node(&mut self, condition: &Condition) -> Result<Node, String> {
        Ok(match condition {
            Condition::And(each) => {
                let mut nodes = self.group(each, true)?;
                nodes.sort_by_key(|n| self.effort(n));
                joined(nodes, Node::And)
            }
            Condition::Or(each) => {
                let mut nodes = self.group(each, false)?;
                nodes.sort_by_key(|n| self.effort(n));
                joined(nodes, Node::Or)
            }
            Condition::Not(inner) => Node::Not(Box::new(self.node(inner)?)),
            Condition::Test(test) => self.test(test)?,
        })
    }

    /// The parts of a conjunction or disjunction; literals of one field are one test.
    fn group(&mut self, each: &[Condition], all: bool) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        let mut groups: Vec<(&str, Vec<Simple>)> = Vec::new();
        for condition in each {
            let literal = match condition {
                Condition::Test(tree::Test { field: Some(field), is }) => simple(is).map(|s| (field.as_str(), s)),
                _ => None,
            };
            match literal {
                Some((field, Simple::Holds(text))) if all => add(&mut groups, field, Simple::Holds(text)),
                Some((field, literal)) if !all => add(&mut groups, field, literal),
                _ => nodes.push(self.node(condition)?),
            }
        }
        for (field, literals) in groups {
            let field = self.field(field);
            nodes.push(if all && literals.len() > 1 { self.all(field, literals) } else { self.any(field, literals) });
        }
        Ok(nodes)
    }

    fn any(&mut self, field: u32, literals: Vec<Simple>) -> Node {
        if !self.tells {
            return self.asked(field, literals);
        }
        let (told, asked): (Vec<_>, Vec<_>) = literals.into_iter().partition(Simple::is_told);
        match (told.is_empty(), asked.is_empty()) {
            (false, true) => self.told(field, &told),
            (true, _) => self.asked(field, asked),
            (false, false) => Node::Or([self.told(field, &told), self.asked(field, asked)].into()),
        }
    }

    /// One of several literals that are found with all others.
    fn told(&mut self, field: u32, literals: &[Simple]) -> Node {
        let part = &mut self.parts[self.part];
        let column = part.column(field);
        let of = &mut part.columns[column as usize];
        let node = part.known.entry(key(b'+', field, literals)).or_insert_with(|| {
            for (place, text) in literals.iter().map(Simple::parts) {
                let tests = of.literals.entry(Atom { field, place, text: text.into() }).or_default();
                if tests.last() != Some(&of.told) {
                    tests.push(of.told);
                }
            }
            of.told += 1;
            Node::Told { column, test: of.told - 1 }
        });
        node.clone()
    }

    fn asked(&mut self, field: u32, literals: Vec<Simple>) -> Node {
        let key = key(b'|', field, &literals);
        let mut any = Any::default();
        let mut based = |place, text: Box<[u8]>| {
            any.bases.push(base_hash(&text));
            any.based.push((place, text));
        };
        for literal in literals {
            match literal {
                Simple::Whole(text) => based(Place::Whole, text.into()),
                Simple::End(text) if has_separator(text.as_bytes()) => based(Place::End, text.into()),
                Simple::End(text) => any.end.push(text.into()),
                Simple::Start(text) => any.start.push(text.into()),
                Simple::Holds(text) => any.holds.push(Finder::new(text.as_bytes()).into_owned()),
            }
        }
        self.known(key, field, || Kind::Any(Box::new(any)))
    }

    fn all(&mut self, field: u32, literals: Vec<Simple>) -> Node {
        if self.tells {
            let mut nodes: Vec<Node> = literals.into_iter().map(|literal| self.any(field, vec![literal])).collect();
            nodes.sort_by_key(|n| self.effort(n));
            return Node::And(nodes.into());
        }
        let mut literals = literals;
        // The longest is the rarest.
        let order = |l: &Simple| (std::cmp::Reverse(l.parts().1.len()), Box::<str>::from(l.parts().1));
        literals.sort_by_cached_key(order);
        let key = key(b'&', field, &literals);
        let finders = literals.iter().map(|l| Finder::new(l.parts().1.as_bytes()).into_owned()).collect();
        self.known(key, field, || Kind::All(finders))
    }

    fn known(&mut self, key: Vec<u8>, field: u32, make: impl FnOnce() -> Kind) -> Node {
        let part = &mut self.parts[self.part];
        if let Some(node) = part.known.get(&key) {
            return node.clone();
        }
        let kind = make();
        let place = kind.is_of_value().then(|| {
            let column = part.column(field);
            let of = &mut part.columns[column as usize];
            of.asked += 1;
            (column, of.asked - 1)
        });
        part.tests.push(Test { field, place, kind });
        let node = Node::Test(part.tests.len() as u32 - 1);
        part.known.insert(key, node.clone());
        node
    }

    fn test(&mut self, test: &tree::Test) -> Result<Node, String> {
        let Some(name) = &test.field else { return self.keyword(&test.is) };
        let field = self.field(name);
        if let Some(literal) = simple(&test.is) {
            return Ok(self.any(field, vec![literal]));
        }
        let kind = match &test.is {
            Is::Like(pattern) => Kind::Like(Box::new(Glob::new(pattern)), pattern.case),
            Is::Matches(expression) => Kind::Matches(Box::new(lazy(expression)?)),
            Is::In(network) => Kind::In(*network),
            Is::Compares(order, number) => Kind::Compares(*order, *number),
            Is::Field(part, other, case) => Kind::Field(*part, self.field(other), *case),
            Is::Exists(there) => Kind::Exists(*there),
            Is::Null => Kind::Exists(false),
            Is::TimePart(part, number) => Kind::TimePart(*part, *number),
        };
        Ok(self.known(format!("{field} {:?}", test.is).into_bytes(), field, || kind))
    }

    fn keyword(&mut self, is: &Is) -> Result<Node, String> {
        let field = self.field(super::RAW);
        self.field(super::FIELDS);
        let held = match is {
            Is::Like(pattern) => Held::Like(Glob::new(pattern), pattern.case),
            other => Held::Meaning(crate::meaning::Meaning::new(other)?),
        };
        Ok(self.known(format!("* {is:?}").into_bytes(), field, || Kind::Held(Box::new(held))))
    }

    /// What a condition costs, about, to evaluate what is cheap first.
    fn effort(&self, node: &Node) -> u32 {
        match node {
            Node::And(each) | Node::Or(each) => each.iter().map(|n| self.effort(n)).sum(),
            Node::Not(inner) => self.effort(inner),
            Node::Told { .. } => 1,
            Node::Test(test) => match &self.parts[self.part].tests[*test as usize].kind {
                Kind::Exists(_) => 1,
                Kind::Any(any) => {
                    let ends = any.bases.len() / 4 + any.start.len() + any.end.len();
                    1 + ends as u32 / 4 + 10 * any.holds.len().min(20) as u32
                }
                Kind::All(_) => 12,
                Kind::Compares(..) | Kind::In(_) | Kind::Field(..) => 10,
                Kind::Like(..) | Kind::TimePart(..) => 25,
                Kind::Matches(_) => 200,
                Kind::Held(_) => 500,
            },
        }
    }
}

fn add<'a>(groups: &mut Vec<(&'a str, Vec<Simple>)>, field: &'a str, literal: Simple) {
    match groups.iter_mut().find(|(name, _)| *name == field) {
        Some((_, literals)) => literals.push(literal),
        None => groups.push((field, vec![literal])),
    }
}

fn joined(mut nodes: Vec<Node>, join: impl FnOnce(Box<[Node]>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => join(nodes.into()),
    }
}

/// What tells a test of literals from others.
fn key(kind: u8, field: u32, literals: &[Simple]) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend(field.to_le_bytes());
    for (place, text) in literals.iter().map(Simple::parts) {
        key.push(place as u8);
        key.extend((text.len() as u32).to_le_bytes());
        key.extend(text.as_bytes());
    }
    key
}

/// An expression of that size and smaller is never too large for the automaton of the `regex` crate.
const SMALL: usize = 10_000;

/// What can be said against an expression is said at once; what can grow too large is compiled at once.
fn lazy(expression: &tree::Regex) -> Result<Lazy, String> {
    let lazy = Lazy { written: expression.clone(), compiled: OnceLock::new() };
    let mut parser = regex_syntax::ParserBuilder::new().case_insensitive(expression.ignore_case).build();
    if !parser.parse(&expression.text).is_ok_and(|parsed| size(&parsed) <= SMALL) {
        let _ = lazy.compiled.set(Some(crate::meaning::regex(expression)?));
    }
    Ok(lazy)
}

/// How large an expression is with its repetitions written out: its bytes and ranges of characters.
fn size(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Repetition(r) => size(&r.sub).saturating_mul(r.max.unwrap_or(r.min.saturating_add(1)).max(1) as usize),
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Concat(each) | HirKind::Alternation(each) => each.iter().map(size).fold(0, usize::saturating_add),
    }
}
