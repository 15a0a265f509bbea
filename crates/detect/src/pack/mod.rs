//! A pack as the rest of the program sees it: read, checked, nothing left open.

mod case;
mod cases;
mod files;
mod lists;
mod load;
mod manifest;
mod markdown;
mod parts;
mod place;
mod queries;

pub use case::{Case, CaseKind, Expectation, Outcome, Reference, Rows, Signal};
pub use files::{EmbeddedPack, Files};
pub use lists::{ListError, bind, unknown as unknown_lists};
pub(crate) use place::yaml;
pub use place::{InFile, PackError};
pub use queries::{Query, QueryOf};

use crate::atomic::AtomicTest;
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
    /// What detections of several dialects look for alike.
    pub behaviours: Vec<Behaviour>,
    /// The detections, in the manifest's order.
    pub detections: Vec<Detection>,
    /// The tests, in the manifest's order.
    pub cases: Vec<Case>,
    /// Queries for people who go looking.
    pub hunts: Vec<Hunt>,
    /// Lists that its queries read.
    pub lists: Vec<List>,
    /// What is written for people, by kind.
    pub documents: Vec<Document>,
    /// The atomic tests.
    pub atomics: Vec<AtomicFile>,
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

/// Where a detection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Somebody published it; it runs as it is, to be compared with.
    Published,
    /// The pack's own: what it cannot see or takes for something else is said where it is known.
    Hardened,
}

/// Something that detections of several dialects look for alike. What one of them sees and another does not is to be
/// explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// A paragraph about it; may be empty.
    pub summary: String,
}

/// Queries for somebody who goes looking: one question, in several dialects.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// What is looked for, and why.
    pub purpose: String,
    /// How its result is read; may be empty.
    pub reading: String,
    /// The queries: dialect, file, text.
    pub queries: Vec<HuntQuery>,
    /// Where it comes from.
    pub references: Vec<String>,
}

/// A hunt in one dialect.
#[derive(Clone, Debug)]
pub struct HuntQuery {
    /// The language: `kql`, `sumo`, `sigma`.
    pub dialect: String,
    /// The file, relative to the pack.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// A list that queries of every dialect read, as data that its user can replace.
#[derive(Clone, Debug)]
pub struct List {
    /// Its name within the pack, by which its user replaces it.
    pub id: String,
    /// A title for people; may be empty.
    pub title: String,
    /// What it is for; may be empty.
    pub purpose: String,
    /// Its file, CSV with a header, relative to the pack.
    pub path: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The alias of the watchlist that KQL knows it as.
    pub watchlist: String,
    /// The column that is the watchlist's `SearchKey`.
    pub search_key: Option<String>,
    /// The place under which Sumo's queries name it.
    pub lookup: String,
    /// Which placeholders of Sigma it gives.
    pub placeholders: Option<Placeholders>,
    /// How many rows it has.
    pub rows: usize,
}

/// Which columns of a list make placeholders of Sigma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholders {
    /// The names: they are known although no row has them.
    pub names: Vec<String>,
    /// The column that says which of them a row belongs to; without it there is but one.
    pub name: Option<String>,
    /// The column of the values.
    pub value: String,
    /// The column of the time until which a row counts.
    pub expires: Option<String>,
}

/// A text for people.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its file, Markdown, relative to the pack.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// How a finding is investigated.
    Guide,
    /// What is done about a true one.
    Playbook,
    /// How the detections are fitted to a place.
    Tuning,
    /// Where everything comes from.
    References,
    /// What changed.
    Changelog,
    /// What the pack is.
    Readme,
}

/// A file of atomic tests.
#[derive(Clone, Debug)]
pub struct AtomicFile {
    /// The file, relative to the pack.
    pub path: String,
    /// The technique that it is of.
    pub technique: String,
    /// Its tests.
    pub tests: Vec<AtomicTest>,
}

/// One query that finds something.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Its name within the pack.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// The language of its query: `kql`, `sumo`, `sigma`.
    pub dialect: String,
    /// Where it comes from, if that is said.
    pub role: Option<Role>,
    /// The id of the behaviour that it looks for, if that is said.
    pub behaviour: Option<String>,
    /// The file of its query, relative to the pack.
    pub path: String,
    /// The query, byte for byte as the file has it; behind a Sigma rule stand the documents of its filters.
    pub query: String,
    /// The files of the filters that a Sigma rule is joined with, relative to the pack.
    pub filters: Vec<String>,
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

impl Pack {
    /// Reads the pack in the folder `path`.
    pub fn open(path: &Path) -> Result<Pack, PackError> {
        load::load(Files::folder(path))
    }

    /// The same without its cases, for who needs what the pack gives its queries and not how they are tested.
    pub fn open_without_cases(path: &Path) -> Result<Pack, PackError> {
        load::load_without_cases(Files::folder(path))
    }

    /// Reads a pack that was built into a program.
    pub fn embedded(pack: &EmbeddedPack) -> Result<Pack, PackError> {
        load::load(Files::embedded(pack))
    }

    /// The list of that id.
    pub fn list(&self, id: &str) -> Option<&List> {
        self.lists.iter().find(|l| l.id == id)
    }

    /// The document of that kind.
    pub fn document(&self, kind: DocumentKind) -> Option<&Document> {
        self.documents.iter().find(|d| d.kind == kind)
    }

    /// How the attack of a case is done: its method, else its atomic test, else its title.
    pub fn method<'a>(&'a self, case: &'a Case) -> &'a str {
        let named = [&case.method, &case.atomic, &case.title];
        named.into_iter().find(|n| !n.is_empty()).map_or("", |n| n)
    }

    /// The detection of that id.
    pub fn detection(&self, id: &str) -> Option<&Detection> {
        self.detections.iter().find(|d| d.id == id)
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
words!(Role { Published = "published", Hardened = "hardened" });
words!(DocumentKind {
    Guide = "guide",
    Playbook = "playbook",
    Tuning = "tuning",
    References = "references",
    Changelog = "changelog",
    Readme = "readme",
});
words!(CaseKind { Attack = "attack", Benign = "benign" });
