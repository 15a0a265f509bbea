//! Objects that are written alike, taken apart by what they have in common.
//!
//! A product writes its events with the same names in the same order, so of an object everything but its values is
//! mostly known: what stands before the first value, between each two, and behind the last. What came before is kept as
//! a tree, each node of which is the text between two values. An object that fits is cut into its values by comparing
//! these texts; no name is looked at, and nested objects cost no more than flat ones.
//!
//! Values are texts, numbers, words and arrays, each passed over as [`super::members`] does it; so what fits has the
//! members that are found there, and what does not fit is left to others.

use super::marks::Marks;
use super::members::{Scan, Unusual};

/// Where a value stands in the text.
pub(crate) type Span = (u32, u32);

/// What a value is. Of texts that are cut in the same way the values at the same place are of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// None: what stands before the first.
    Beginning,
    Text,
    /// A number, or a truth value.
    Plain,
    Null,
    Array,
}

/// Texts between values, by what stands before them.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    nodes: Vec<Node>,
    text: Vec<u8>,
    ends: u32,
    /// Room.
    marks: Vec<u64>,
}

#[derive(Debug)]
struct Node {
    /// What the value before it is.
    class: Class,
    text: (u32, u32),
    /// The next that may follow the same, plus one.
    next: u32,
    /// The first of those that may follow it, plus one; or the end of an object, where no value follows.
    first: u32,
    end: Option<u32>,
}

/// So many nodes and bytes are kept; when there are more, all is forgotten.
const NODES: usize = 4_096;
const TEXT: usize = 256 << 10;

/// Nested deeper than this no event is.
const DEEPEST: u32 = 6;
/// What is within an array is taken to lie at least so deep: deeper than where it can be found.
const NESTED: u32 = DEEPEST + 1;

impl Templates {
    /// Cuts the object at the beginning of a text into its values, if one was learnt that is written alike: which one,
    /// and where the object ends.
    pub(crate) fn cut(&mut self, text: &str, values: &mut Vec<Span>) -> Option<(u32, usize)> {
        values.clear();
        let mut marks = Marks::new(text.as_bytes(), std::mem::take(&mut self.marks));
        let cut = self.cut_at(text, &mut marks, values);
        self.marks = marks.into_room();
        cut
    }

    fn cut_at(&self, text: &str, marks: &mut Marks<'_>, values: &mut Vec<Span>) -> Option<(u32, usize)> {
        let mut scan = Scan::new(text.as_bytes());
        let mut class = Class::Beginning;
        // The root stands for what comes before all.
        let mut first = self.nodes.first()?.first;
        loop {
            let node = loop {
                let node = self.nodes.get(first.checked_sub(1)? as usize)?;
                if node.class == class && self.follows(node, &scan) {
                    break node;
                }
                first = node.next;
            };
            scan.at += (node.text.1 - node.text.0) as usize;
            if let Some(end) = node.end {
                return Some((end, scan.at));
            }
            let start = scan.at;
            class = match scan.peek() {
                Some(b'"') => {
                    scan.at = marks.string(start).ok()?;
                    Class::Text
                }
                _ => scan.leaf().ok()?,
            };
            values.push((start as u32, scan.at as u32));
            first = node.first;
        }
    }

    #[inline]
    fn follows(&self, node: &Node, scan: &Scan<'_>) -> bool {
        let expected = &self.text[node.text.0 as usize..node.text.1 as usize];
        let Some(rest) = scan.bytes.get(scan.at..) else { return false };
        // A text may be the beginning of another, which goes on with an object or with blanks.
        rest.starts_with(expected)
            && (node.end.is_some() || !matches!(rest.get(expected.len()), Some(b'{' | b' ' | b'\t' | b'\n' | b'\r')))
    }

    /// Learns how the object at the beginning of a text is written: the number of it, new if that was not known, and where its
    /// values stand. `None` for what is not to be learnt.
    pub(crate) fn learn(&mut self, text: &str, values: &mut Vec<Span>) -> Option<u32> {
        values.clear();
        let mut learner =
            Learner { scan: Scan::new(text.as_bytes()), from: 0, class: Class::Beginning, found: Vec::new(), values };
        learner.object(0).ok()?;
        let (end, from, class) = (learner.scan.at, learner.from, learner.class);
        let mut found = learner.found;
        found.push((class, from, end));
        if self.nodes.is_empty() {
            self.nodes.push(Node { class: Class::Beginning, text: (0, 0), next: 0, first: 0, end: None });
        }
        let mut at = 0;
        for (class, from, to) in found {
            at = self.child(at, class, text.as_bytes().get(from..to)?);
        }
        let node = &mut self.nodes[at];
        let end = *node.end.get_or_insert(self.ends);
        self.ends = self.ends.max(end + 1);
        Some(end)
    }

    /// Forgets all, if there is much. Whether it did.
    pub(crate) fn bound(&mut self) -> bool {
        let full = self.nodes.len() > NODES || self.text.len() > TEXT;
        if full {
            *self = Templates::default();
        }
        full
    }

    fn child(&mut self, parent: usize, class: Class, text: &[u8]) -> usize {
        let mut at = self.nodes[parent].first;
        while let Some(place) = at.checked_sub(1).map(|at| at as usize) {
            let node = &self.nodes[place];
            if node.class == class && self.text[node.text.0 as usize..node.text.1 as usize] == *text {
                return place;
            }
            at = node.next;
        }
        let start = self.text.len() as u32;
        self.text.extend(text);
        let next = self.nodes[parent].first;
        self.nodes.push(Node { class, text: (start, self.text.len() as u32), next, first: 0, end: None });
        // The latest comes first: the input goes on with it, more likely than not.
        self.nodes[parent].first = self.nodes.len() as u32;
        self.nodes.len() - 1
    }
}

/// How many objects are written alike: where few are, they are not compared for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    tried: u32,
    fitted: u32,
    rests: u32,
    learns: bool,
}

impl Pace {
    const SAMPLE: u32 = 1_024;
    const REST: u32 = 16_384;

    /// Whether the next is to be compared.
    #[inline]
    pub(crate) fn tries(&mut self) -> bool {
        if self.rests > 0 {
            self.rests -= 1;
            return false;
        }
        if self.tried == Self::SAMPLE {
            let rests = if self.fitted < Self::SAMPLE / 4 { Self::REST } else { 0 };
            *self = Pace { rests, ..Pace::default() };
        }
        self.tried += 1;
        self.learns = true;
        true
    }

    /// It was like one that came before.
    #[inline]
    pub(crate) fn fits(&mut self) {
        self.fitted += 1;
        self.learns = false;
    }

    /// Whether one is to be learnt from, that was compared and did not fit.
    pub(crate) fn learns(&mut self) -> bool {
        std::mem::take(&mut self.learns)
    }
}

/// Goes through an object that no template fits.
struct Learner<'a, 'v> {
    scan: Scan<'a>,
    /// Where the text behind the last value begins, and what that value is.
    from: usize,
    class: Class,
    /// The texts so far, each with the class of the value before it.
    found: Vec<(Class, usize, usize)>,
    values: &'v mut Vec<Span>,
}

impl Learner<'_, '_> {
    fn object(&mut self, depth: u32) -> Result<(), Unusual> {
        if depth > DEEPEST || self.scan.bytes.len() > u32::MAX as usize {
            return Err(Unusual);
        }
        self.scan.eat(b'{')?;
        self.scan.blanks();
        if self.scan.peek() == Some(b'}') {
            self.scan.at += 1;
            return Ok(());
        }
        loop {
            if self.scan.string()? {
                return Err(Unusual);
            }
            self.scan.blanks();
            self.scan.eat(b':')?;
            self.scan.blanks();
            if self.scan.peek() == Some(b'{') {
                self.object(depth + 1)?;
            } else {
                let start = self.scan.at;
                self.found.push((self.class, self.from, start));
                self.class = self.scan.leaf()?;
                self.from = self.scan.at;
                self.values.push((start as u32, self.scan.at as u32));
            }
            self.scan.blanks();
            match self.scan.peek() {
                Some(b',') => self.scan.at += 1,
                Some(b'}') => {
                    self.scan.at += 1;
                    return Ok(());
                }
                _ => return Err(Unusual),
            }
            self.scan.blanks();
        }
    }
}

impl Scan<'_> {
    /// Passes over a value that is no object.
    #[inline]
    fn leaf(&mut self) -> Result<Class, Unusual> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| Class::Text),
            Some(b'n') => self.value(NESTED).map(|()| Class::Null),
            Some(b'[') => self.value(NESTED).map(|()| Class::Array),
            Some(b'{') | None => Err(Unusual),
            Some(_) => self.value(NESTED).map(|()| Class::Plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::line;
    use super::super::members::Members;
    use super::*;
    use proptest::prelude::*;

    /// The values of an object and of those within, as the members give them.
    fn values<'t>(text: &'t str, out: &mut Vec<&'t str>) -> Option<&'t str> {
        let mut members = Members::new(text).ok()?;
        while let Some((_, value)) = members.next().ok()? {
            match value.starts_with('{') {
                true => _ = values(value, out)?,
                false => out.push(value),
            }
        }
        Some(members.rest())
    }

    fn check(templates: &mut Templates, text: &str) -> Option<u32> {
        let mut spans = Vec::new();
        let (number, end) = templates.cut(text, &mut spans)?;
        let mut expected = Vec::new();
        assert_eq!(values(text, &mut expected), Some(&text[end..]), "{text}");
        let found: Vec<&str> = spans.iter().map(|(from, to)| &text[*from as usize..*to as usize]).collect();
        assert_eq!(found, expected, "{text}");
        Some(number)
    }

    #[test]
    fn what_is_written_alike_is_cut_alike() {
        let mut templates = Templates::default();
        let mut learn = |text: &str| templates.learn(text, &mut Vec::new());
        assert_eq!(learn(r#"{"a":1,"b":{"c":"x","d":{}},"e":[1,2]}"#), Some(0));
        assert_eq!(learn(r#"{"a":1,"b":null}"#), Some(1));
        assert_eq!(learn(r#"{"a": 1,"b":{}}"#), Some(2));
        assert_eq!(learn("{}"), Some(3));
        assert_eq!(learn(r#"{"a":5,"b":{"c":"","d":{}},"e":[]}"#), Some(0));
        assert_eq!(learn(r#"{"\u0061":5}"#), None);
        for (text, number) in [
            (r#"{"a":-2,"b":{"c":"\"}","d":{}},"e":[{"x":"]"}]} rest"#, Some(0)),
            (r#"{"a":true,"b":null},"#, Some(1)),
            (r#"{"a":1,"b":2}"#, None),
            (r#"{"a":"1","b":null}"#, None),
            (r#"{"a": 2,"b":{}}"#, Some(2)),
            (r#"{"a":2,"b":{}}"#, None),
            (r#"{"a":01,"b":null}"#, None),
            ("{} {", Some(3)),
            ("{", None),
            ("", None),
        ] {
            assert_eq!(check(&mut templates, text), number, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_fits_has_the_members_that_it_has(lines in prop::collection::vec(line(), 1..8), cut in 0usize..200, other in "[\"{}:, \\\\a1\u{1}]") {
            let mut templates = Templates::default();
            let mut learnt = Vec::new();
            for line in &lines {
                let mut spans = Vec::new();
                let number = templates.learn(line, &mut spans);
                let mut expected = Vec::new();
                if let Some(number) = number {
                    prop_assert!(values(line, &mut expected).is_some());
                    prop_assert_eq!(spans.len(), expected.len());
                    learnt.push((line, number));
                }
            }
            for (line, number) in learnt {
                prop_assert_eq!(check(&mut templates, line), Some(number));
                // The same, damaged.
                let cut = line.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(line.len());
                check(&mut templates, &line[..cut]);
                check(&mut templates, &format!("{}{other}{}", &line[..cut], &line[cut..]));
            }
        }
    }
}
