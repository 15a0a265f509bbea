//! A finding as JSON, without a tree of values.

use super::row::{Parts, row};
use crate::output::Column;
use crate::output::json::write;
use parallax_detect::pack::Confidence;
use parallax_detect::{About, Event, Finding, Pen};
use parallax_engine::value::datetime;
use parallax_telemetry::formats::json::quote;
use serde_json::Value as Tree;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Writes findings: as objects, a line each, or as arrays with a comma before each.
pub(super) struct Json {
    /// What stands before each value.
    before: Vec<Vec<u8>>,
    end: &'static [u8],
    known: HashMap<usize, Arc<Known>>,
    shared: Arc<Shared>,
}

/// What all threads know of the rules.
pub(in super::super) type Shared = Mutex<HashMap<usize, Arc<Known>>>;

/// What findings that say of themselves what their rule says have in common.
pub(in super::super) struct Known {
    /// While it is there, no other rule stands at its address.
    _about: Arc<About>,
    /// From the rule to the techniques.
    head: Vec<u8>,
    /// From the description to the references.
    tail: Vec<u8>,
}

/// The places of some columns.
const ID: usize = 0;
const RULE: usize = 1;
const TIME: usize = 7;
const COLUMNS: usize = 17;
const DESCRIPTION: usize = 18;
const REASONS: usize = 23;

impl Json {
    pub(super) fn new(columns: &[Column], lines: bool, shared: Arc<Shared>) -> Self {
        let before = |(place, column): (usize, &Column)| {
            let first = if lines { "{" } else { ",\n[" };
            let mut out = if place == 0 { first } else { "," }.as_bytes().to_vec();
            if lines {
                quote(&column.name, &mut out);
                out.push(b':');
            }
            out
        };
        let before = columns.iter().enumerate().map(before).collect();
        Json { before, end: if lines { b"}\n" } else { b"]" }, known: HashMap::new(), shared }
    }

    /// What stands between the id and the time, and behind the columns.
    fn common(&mut self, f: &Finding) -> Arc<Known> {
        let at = Arc::as_ptr(&f.about) as usize;
        if !says_as_its_rule(f) {
            return Arc::new(self.make(f));
        }
        if let Some(known) = self.known.get(&at) {
            return known.clone();
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shared.entry(at).or_insert_with(|| Arc::new(self.make(f))).clone();
        drop(shared);
        self.known.insert(at, known.clone());
        known
    }

    fn make(&self, f: &Finding) -> Known {
        let about = &f.about;
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let mut texts = Texts { json: self, out: &mut head, place: RULE };
        texts.text(&f.rule);
        texts.text(&f.title);
        texts.text(about.kind.word());
        texts.text(f.severity.word());
        texts.maybe(f.confidence.map(Confidence::word));
        texts.text(&f.attack.join(" "));
        let mut texts = Texts { json: self, out: &mut tail, place: DESCRIPTION };
        texts.text(&f.description);
        texts.text(&f.tactics.join(", "));
        texts.maybe(about.status.as_deref());
        texts.text(&about.tags.join(" "));
        texts.text(&about.references.join(" "));
        Known { _about: about.clone(), head, tail }
    }

    fn event(&self, event: Option<&Event>, out: &mut Vec<u8>) {
        let nothing = Event::default();
        let e = event.unwrap_or(&nothing);
        let mut texts = Texts { json: self, out, place: TIME };
        texts.time(e.time);
        texts.maybe(e.host.as_deref());
        texts.maybe(e.user.as_deref());
        texts.number(e.process_id);
        texts.maybe(e.image.as_deref());
        texts.maybe(e.command_line.as_deref());
        texts.maybe(e.parent_image.as_deref());
        texts.maybe(e.parent_command_line.as_deref());
        texts.maybe(e.source.as_deref());
        texts.number(e.record);
    }
}

impl Pen for Json {
    fn write(&mut self, f: &Finding, out: &mut Vec<u8>) {
        if !is_plain(f) {
            return self.any(f, out);
        }
        let known = self.common(f);
        out.extend_from_slice(&self.before[ID]);
        quote(&f.id, out);
        out.extend_from_slice(&known.head);
        self.event(f.event.as_ref(), out);
        out.extend_from_slice(&self.before[COLUMNS]);
        columns(f, out);
        out.extend_from_slice(&known.tail);
        out.extend_from_slice(&self.before[REASONS]);
        reasons(f, out);
        let mut texts = Texts { json: self, out, place: REASONS + 1 };
        texts.raw(b"[]");
        texts.raw(b"{}");
        texts.raw(b"[]");
        texts.number(Some(i64::try_from(f.count).unwrap_or(i64::MAX)));
        texts.time(f.window.map(|w| w.0));
        texts.time(f.window.map(|w| w.1));
        out.extend_from_slice(self.end);
    }
}

impl Json {
    /// Any finding, by its row.
    fn any(&self, f: &Finding, out: &mut Vec<u8>) {
        for (before, value) in self.before.iter().zip(row(f, &Parts::of(f))) {
            out.extend_from_slice(before);
            // Memory refuses nothing.
            let _ = write(out, &value);
        }
        out.extend_from_slice(self.end);
    }
}

/// Whether it is of one event, with columns that are texts.
fn is_plain(f: &Finding) -> bool {
    // So few names are compared with each other.
    const MOST: usize = 32;
    let plain = |(.., value): &(String, String, Tree)| !matches!(value, Tree::Array(_) | Tree::Object(_));
    f.entities.is_empty()
        && f.details.is_empty()
        && f.related.is_empty()
        && f.columns.len() <= MOST
        && f.columns.iter().all(plain)
}

fn says_as_its_rule(f: &Finding) -> bool {
    let about = &f.about;
    f.rule == about.name
        && f.title == about.title
        && f.description == about.description
        && (f.severity, f.confidence) == (about.severity, about.confidence)
        && f.attack == about.attack
        && f.tactics == about.tactics
}

/// The columns as an object: of those of one name, the last value stands in the place of the first.
fn columns(f: &Finding, out: &mut Vec<u8>) {
    out.push(b'{');
    let all = &f.columns;
    let mut first = true;
    for (at, (name, ..)) in all.iter().enumerate() {
        if all[..at].iter().any(|(earlier, ..)| earlier == name) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        quote(name, out);
        out.push(b':');
        match all.iter().rfind(|(other, ..)| other == name).map(|(.., value)| value) {
            Some(Tree::String(text)) => quote(text, out),
            Some(value) => _ = write!(out, "{value}"),
            None => {}
        }
    }
    out.push(b'}');
}

fn reasons(f: &Finding, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, reason) in f.reasons.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"what\":" } else { b"{\"what\":" });
        quote(&reason.what, out);
        out.extend_from_slice(b",\"field\":");
        quote(&reason.field, out);
        out.extend_from_slice(b",\"value\":");
        quote(&reason.value, out);
        out.extend_from_slice(b",\"hits\":[");
        for (at, (from, to)) in reason.hits.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",[" } else { b"[" });
            number(*from as u64, out);
            out.push(b',');
            number(*to as u64, out);
            out.push(b']');
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
}

/// Appends the digits.
fn number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Values one behind the other, each with what stands before it.
struct Texts<'a> {
    json: &'a Json,
    out: &'a mut Vec<u8>,
    place: usize,
}

impl Texts<'_> {
    fn raw(&mut self, value: &[u8]) {
        self.out.extend_from_slice(&self.json.before[self.place]);
        self.out.extend_from_slice(value);
        self.place += 1;
    }

    fn text(&mut self, text: &str) {
        self.raw(b"");
        quote(text, self.out);
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw(b"null"),
        }
    }

    fn number(&mut self, value: Option<i64>) {
        match value {
            Some(value) => {
                self.raw(if value < 0 { b"-" } else { b"" });
                number(value.unsigned_abs(), self.out);
            }
            None => self.raw(b"null"),
        }
    }

    fn time(&mut self, time: Option<i64>) {
        self.maybe(time.map(datetime).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;
    use parallax_detect::pack::Severity;
    use parallax_detect::{Detections, Pack, Reason};
    use proptest::prelude::*;
    use std::path::Path;

    fn about() -> Arc<About> {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011");
        let pack = Pack::open(&pack).unwrap_or_else(|_| panic!("the pack"));
        Detections::of_pack(&pack, &Default::default()).rules[0].about.clone()
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![Just(String::new()), "[a-c\"\\\\\n\u{1}é\u{2028}😀=]{0,12}", Just("C:\\Windows\\x.exe".to_owned())]
    }

    fn value() -> impl Strategy<Value = Tree> {
        prop_oneof![
            4 => text().prop_map(Tree::from),
            1 => Just(Tree::Null),
            1 => any::<i64>().prop_map(Tree::from),
            1 => any::<f64>().prop_map(Tree::from),
            1 => any::<bool>().prop_map(Tree::from),
            1 => prop::collection::vec(text(), 0..3).prop_map(Tree::from),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        let maybe = || prop::option::of(text());
        let number = || prop::option::of(any::<i64>());
        let texts = (maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe());
        (texts, number(), number(), prop::option::of(0..4_000_000_000_000_000_000i64)).prop_map(
            |(
                (source, host, user, image, command_line, parent_image, parent_command_line),
                record,
                process_id,
                time,
            )| {
                Event {
                    source,
                    record,
                    time,
                    host,
                    user,
                    process_id,
                    image,
                    command_line,
                    parent_image,
                    parent_command_line,
                }
            },
        )
    }

    fn finding(about: &Arc<About>) -> impl Strategy<Value = Finding> + use<> {
        let about = about.clone();
        let columns = prop::collection::vec(("[a-c\"]{1,2}", text(), value()), 0..6);
        let reason = (text(), text(), text(), prop::collection::vec((0usize..99, 0usize..99), 0..3));
        let reasons = prop::collection::vec(reason, 0..4);
        let own = prop::option::weighted(0.3, (text(), any::<bool>()));
        let window = prop::option::of((0..9_000_000_000_000_000i64, 0..9_000_000_000_000_000i64));
        (text(), prop::option::of(event()), columns, reasons, own, (any::<u64>(), window)).prop_map(
            move |(id, event, columns, reasons, own, (count, window))| {
                let reason = |(what, field, value, hits)| Reason { what, field, value, hits };
                let reasons = reasons.into_iter().map(reason).collect();
                let mut finding = Finding { id, event, columns, reasons, count, window, ..Finding::of(&about) };
                if let Some((text, severe)) = own {
                    finding.attack.push(text.clone());
                    finding.details.extend(severe.then(|| (text.clone(), text.clone())));
                    (finding.title, finding.severity) = (text, Severity::Critical);
                }
                finding
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn written_as_rows_are(findings in prop::collection::vec(finding(&about()), 1..8), lines in any::<bool>()) {
            let mut pen = Json::new(&columns(), lines, Arc::default());
            for finding in &findings {
                let (mut written, mut as_a_row) = (Vec::new(), Vec::new());
                pen.write(finding, &mut written);
                pen.any(finding, &mut as_a_row);
                prop_assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(as_a_row).unwrap());
            }
        }
    }
}
