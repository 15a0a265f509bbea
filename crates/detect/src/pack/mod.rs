//! A pack as the rest of the program sees it: read, checked, nothing left open.

mod files;
mod load;
mod manifest;
mod place;

pub use files::{EmbeddedPack, Files};
pub use place::PackError;

use std::path::Path;

/// The file that makes a folder a pack.
pub const MANIFEST: &str = "pack.yaml";

/// A folder of detections with their tests.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Its name, unique among the packs of a run.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// The version of its content.
    pub version: String,
    /// A paragraph about it; may be empty.
    pub summary: String,
    /// What it detects.
    pub technique: Technique,
    /// The detections, in the manifest's order.
    pub detections: Vec<Detection>,
    /// The tests, in the manifest's order.
    pub cases: Vec<Case>,
    /// Where its files are.
    pub files: Files,
}

/// A technique of MITRE ATT&CK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// `T1059.011`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The tactics it serves.
    pub tactics: Vec<String>,
    /// Its page.
    pub url: String,
}

/// How bad a finding is, if it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth recording.
    Informational,
    /// Worth a look when there is time.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// Worth waking somebody.
    Critical,
}

/// How likely a finding is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Many findings will be something else.
    Low,
    /// Some will be.
    Medium,
    /// Few will be.
    High,
}

/// One query that finds something.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// The language of its query: `kql`, `sumo`.
    pub dialect: String,
    /// The file of its query, relative to the pack.
    pub path: String,
    /// The query, byte for byte as the file has it.
    pub query: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// How likely it is true.
    pub confidence: Confidence,
    /// A paragraph about it; may be empty.
    pub description: String,
    /// ATT&CK technique ids; the pack's technique unless the detection says otherwise.
    pub attack: Vec<String>,
    /// What telemetry it needs, in the words of the page it comes from.
    pub data_sources: Vec<String>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// Where it comes from.
    pub references: Vec<String>,
}

/// One test: telemetry, what must be seen in it, and what each detection is to do on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// Whether the telemetry shows the technique.
    pub kind: CaseKind,
    /// The name of the Atomic Red Team test that was run; may be empty.
    pub atomic: String,
    /// The files, relative to the pack.
    pub telemetry: Vec<String>,
    /// The reference time of the case's queries.
    pub now: Reference,
    /// What must be seen whatever the detections do.
    pub signals: Vec<Signal>,
    /// What each detection is to do: one for each detection of the pack, in the pack's order.
    pub expect: Vec<Expectation>,
}

/// Whether a case's telemetry shows the technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseKind {
    /// It does: a detection that stays silent misses something.
    Attack,
    /// It only looks like it: a detection that fires is wrong.
    Benign,
}

/// The time that `now()` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The time of the latest event in the inputs: recorded telemetry is looked at as on the day it was recorded.
    LatestEvent,
    /// A fixed time, in nanoseconds since the Unix epoch.
    At(i64),
}

/// Something that the telemetry of a case must show.
#[derive(Clone, Debug)]
pub struct Signal {
    /// What it is, in the words of the test's page.
    pub title: String,
    /// The language of its query.
    pub dialect: String,
    /// The query whose rows show it.
    pub query: String,
    /// How many rows there must be.
    pub rows: Rows,
}

/// How many rows a signal's query must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// That many.
    Exactly(usize),
    /// That many or more.
    AtLeast(usize),
}

/// What a detection is to do on a case. Declared as what it is: reality must agree, for better and for worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Index of the detection in the pack.
    pub detection: usize,
    /// What is to happen.
    pub outcome: Outcome,
    /// Why, where the outcome is not what one would wish; may be empty otherwise.
    pub reason: String,
}

/// What a detection may do on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An attack is found, with that many findings (`None`: one or more).
    Fires(Option<usize>),
    /// An attack is not found, and it is known why.
    Misses,
    /// A lookalike causes nothing.
    Silent,
    /// A lookalike causes that many findings (`None`: one or more), and it is known why.
    FalsePositive(Option<usize>),
    /// No table of the detection is fed by this telemetry.
    NotApplicable,
}

impl Pack {
    /// Reads the pack in the folder `path`.
    pub fn open(path: &Path) -> Result<Pack, PackError> {
        load::load(Files::folder(path))
    }

    /// Reads a pack that was built into a program.
    pub fn embedded(pack: &EmbeddedPack) -> Result<Pack, PackError> {
        load::load(Files::embedded(pack))
    }

    /// The detection of that id.
    pub fn detection(&self, id: &str) -> Option<&Detection> {
        self.detections.iter().find(|d| d.id == id)
    }
}

impl Rows {
    /// Whether `n` rows are what was asked for.
    pub fn holds(self, n: usize) -> bool {
        match self {
            Rows::Exactly(m) => n == m,
            Rows::AtLeast(m) => n >= m,
        }
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rows::Exactly(n) => write!(f, "exactly {n}"),
            Rows::AtLeast(n) => write!(f, "at least {n}"),
        }
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// All of them, lowest first, by the word that a manifest uses.
            pub const WORDS: &'static [(&'static str, $type)] = &[$(($word, $type::$variant)),+];

            /// The word that a manifest uses.
            pub fn word(self) -> &'static str {
                match self { $($type::$variant => $word),+ }
            }

            /// The one of that word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, v)| *v)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words!(Severity {
    Informational = "informational",
    Low = "low",
    Medium = "medium",
    High = "high",
    Critical = "critical",
});
words!(Confidence { Low = "low", Medium = "medium", High = "high" });
words!(CaseKind { Attack = "attack", Benign = "benign" });
