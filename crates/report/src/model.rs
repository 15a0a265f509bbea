//! What a report holds, ready to be shown.

use parallax_detect::Finding;
use parallax_detect::pack::{Confidence, Severity};

/// Everything of one report.
#[derive(Debug, Default)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// How it was made.
    pub made: Made,
    /// What was read; nothing where detections alone are shown.
    pub inputs: Option<Inputs>,
    /// How every detection that ran ended.
    pub runs: Vec<RunLine>,
    /// What was found, counted.
    pub totals: crate::collect::Totals,
    /// The findings that are shown, worst first.
    pub entries: Vec<Entry>,
    /// What to say of the entries as a whole: limits that were met.
    pub remarks: Vec<String>,
    /// The packs, with their documents and hunting queries.
    pub packs: Vec<PackPage>,
    /// A page for each detection.
    pub pages: Vec<Page>,
    /// How many detections have no page: many that found nothing.
    pub without_page: usize,
    /// Files of detections that could not be loaded, and why.
    pub unloaded: Vec<String>,
}

/// How a report was made.
#[derive(Debug, Default)]
pub struct Made {
    /// The program and its version.
    pub program: String,
    /// The command.
    pub command: String,
    /// When: the clock's time.
    pub time: String,
    /// The reference time of the detections, and where it comes from.
    pub reference: String,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Files by format.
    pub formats: Vec<(String, usize)>,
    /// Files: name and format.
    pub files: Vec<(String, String)>,
    /// Decompressed bytes.
    pub bytes: u64,
    /// Events.
    pub events: u64,
    /// What could not be read: file, place, reason.
    pub damages: Vec<(String, Option<u64>, String)>,
    /// How much could not be read; more than `damages` where there were too many to keep.
    pub damaged: u64,
    /// What else was noted.
    pub notes: Vec<String>,
}

/// How a detection ended.
#[derive(Clone, Debug)]
pub struct RunLine {
    /// Its name.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How bad its findings are.
    pub severity: Severity,
    /// How it ended.
    pub outcome: Ended,
    /// How much it found.
    pub found: usize,
    /// What is to be known of the run.
    pub notes: Vec<String>,
}

/// How a detection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran.
    Ran,
    /// No input offers what it reads: tables, fields, log sources.
    NotApplicable(Vec<String>),
    /// It is wrong, or failed.
    Failed(String),
}

/// A finding with what speaks for it.
#[derive(Debug)]
pub struct Entry {
    /// The finding.
    pub finding: Finding,
    /// Why the rule fired.
    pub reasons: Vec<Reason>,
    /// The processes around it.
    pub tree: Option<crate::evidence::Tree>,
    /// The event as it was recorded.
    pub raw: Option<String>,
}

/// A part of a rule that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The field that it looked at.
    pub field: Option<String>,
    /// The field's value.
    pub value: String,
    /// The test, in the rule's words.
    pub test: String,
    /// The bytes of the value that matched.
    pub marks: Vec<(usize, usize)>,
}

/// A pack.
#[derive(Clone, Debug, Default)]
pub struct PackPage {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The version of its content.
    pub version: String,
    /// A paragraph.
    pub summary: String,
    /// Documents in Markdown.
    pub documents: Vec<Text>,
    /// Hunting queries.
    pub hunts: Vec<Hunt>,
    /// How the tests ended, where they were run: cases that hold, and all.
    pub tested: Option<(usize, usize)>,
}

/// A document of a pack.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// What it is.
    pub title: String,
    /// Its file within the pack, by which the others refer to it.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// A hunting query in its dialects.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// Its title.
    pub title: String,
    /// What it is for.
    pub purpose: String,
    /// How its result is read; may be empty.
    pub reading: String,
    /// Dialect and text.
    pub queries: Vec<(String, String)>,
}

/// A detection as its page shows it.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its name, as findings carry it.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Its paragraph.
    pub description: String,
    /// The language: `kql`, `sumo`, `sigma`.
    pub dialect: String,
    /// The query or rule as it is written.
    pub text: String,
    /// The file.
    pub file: String,
    /// How bad its findings are.
    pub severity: Severity,
    /// How likely they are true, where somebody said.
    pub confidence: Option<Confidence>,
    /// Techniques.
    pub techniques: Vec<Technique>,
    /// Tactics.
    pub tactics: Vec<String>,
    /// What telemetry it needs, in words.
    pub data_sources: Vec<String>,
    /// What it reads, and whether these inputs offer it.
    pub reads: Vec<Read>,
    /// Which recorded events can make it fire: their kind, whether they can, and the fields that they lack.
    pub events: Vec<(String, bool, Vec<String>)>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// Where it comes from.
    pub references: Vec<String>,
    /// Other facts: author, status, date.
    pub facts: Vec<(String, String)>,
    /// Its tests.
    pub tests: Vec<TestLine>,
    /// The pack that it is of.
    pub pack: Option<String>,
}

/// A technique of ATT&CK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// Its id.
    pub id: String,
    /// Its name, where it is known.
    pub name: String,
}

/// Something that a detection reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The table or log source.
    pub name: String,
    /// Whether an input offers it; nothing where there is no input.
    pub offered: Option<bool>,
    /// The formats that do.
    pub formats: Vec<String>,
}

/// A test of a detection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestLine {
    /// The case.
    pub case: String,
    /// Its title.
    pub title: String,
    /// `attack` or `benign`.
    pub kind: String,
    /// What is to happen.
    pub expected: String,
    /// What happened, where the test was run.
    pub actual: Option<String>,
    /// Whether that is what was expected.
    pub holds: Option<bool>,
    /// Why, where the outcome is not what one would wish.
    pub reason: String,
}
