//! Conditions as the matcher evaluates them: tests that several rules share are one test.

use super::anchor::{Place, base_hash, has_separator};
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
    Test(u32),
}

/// A test of a numbered field.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) field: u32,
    /// Which of the tests of its field's value it is.
    pub(super) place: Option<u32>,
    pub(super) kind: Kind,
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
    /// Whether [`Any::is_match`] takes the hash of the base name.
    pub(super) fn asks_base(&self) -> bool {
        !self.bases.is_empty()
    }

    pub(super) fn is_match(&self, text: &[u8], base: u32) -> bool {
        self.has_base(text, base)
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

/// Compiles conditions; equal tests get one number.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) fields: HashMap<String, u32>,
    pub(super) tests: Vec<Test>,
    known: HashMap<Vec<u8>, u32>,
}

/// A pattern that is one literal, and where that stands.
enum Simple {
    Whole(Box<[u8]>),
    Start(Box<[u8]>),
    End(Box<[u8]>),
    Holds(Box<[u8]>),
}

fn simple(is: &Is) -> Option<Simple> {
    let Is::Like(pattern) = is else { return None };
    if pattern.case == Case::Counts {
        return None;
    }
    let text = |text: &str| fold(text).as_bytes().into();
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
        let mut key = vec![b'|'];
        key.extend(field.to_le_bytes());
        for literal in &literals {
            let (place, text) = match literal {
                Simple::Whole(text) => (0, text),
                Simple::Start(text) => (1, text),
                Simple::End(text) => (2, text),
                Simple::Holds(text) => (3, text),
            };
            key.push(place);
            write(&mut key, text);
        }
        let mut any = Any::default();
        let mut based = |place, text: Box<[u8]>| {
            any.bases.push(base_hash(&text));
            any.based.push((place, text));
        };
        for literal in literals {
            match literal {
                Simple::Whole(text) => based(Place::Whole, text),
                Simple::End(text) if has_separator(&text) => based(Place::End, text),
                Simple::End(text) => any.end.push(text),
                Simple::Start(text) => any.start.push(text),
                Simple::Holds(text) => any.holds.push(Finder::new(&text).into_owned()),
            }
        }
        self.known(key, || Test { field, place: None, kind: Kind::Any(Box::new(any)) })
    }

    fn all(&mut self, field: u32, literals: Vec<Simple>) -> Node {
        let texts = literals.into_iter().filter_map(|l| if let Simple::Holds(text) = l { Some(text) } else { None });
        let mut texts: Vec<_> = texts.collect();
        // The longest is the rarest.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let mut key = vec![b'&'];
        key.extend(field.to_le_bytes());
        texts.iter().for_each(|text| write(&mut key, text));
        let finders = texts.iter().map(|text| Finder::new(text).into_owned()).collect();
        self.known(key, || Test { field, place: None, kind: Kind::All(finders) })
    }

    fn known(&mut self, key: Vec<u8>, make: impl FnOnce() -> Test) -> Node {
        let next = self.tests.len() as u32;
        let number = *self.known.entry(key).or_insert(next);
        if number == next {
            self.tests.push(make());
        }
        Node::Test(number)
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
        Ok(self.known(format!("{field} {:?}", test.is).into_bytes(), || Test { field, place: None, kind }))
    }

    fn keyword(&mut self, is: &Is) -> Result<Node, String> {
        let field = self.field(super::RAW);
        self.field(super::FIELDS);
        let held = match is {
            Is::Like(pattern) => Held::Like(Glob::new(pattern), pattern.case),
            other => Held::Meaning(crate::meaning::Meaning::new(other)?),
        };
        Ok(self.known(format!("* {is:?}").into_bytes(), || Test {
            field,
            place: None,
            kind: Kind::Held(Box::new(held)),
        }))
    }

    /// What a condition costs, about, to evaluate what is cheap first.
    fn effort(&self, node: &Node) -> u32 {
        match node {
            Node::And(each) | Node::Or(each) => each.iter().map(|n| self.effort(n)).sum(),
            Node::Not(inner) => self.effort(inner),
            Node::Test(test) => match &self.tests[*test as usize].kind {
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

fn write(key: &mut Vec<u8>, text: &[u8]) {
    key.extend((text.len() as u32).to_le_bytes());
    key.extend(text);
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
