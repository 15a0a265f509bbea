//! What is run: detections of packs and loose ones, of every language, behind one type.

mod filter;
mod header;
mod load;
mod loaded;
pub mod sentinel;
mod sigma;
mod tags;

pub use filter::{Chosen, Filters, LeftOut};
pub use load::{Found, placeholders};
pub use loaded::{Detections, Fault, Placeholders};
pub use sentinel::Analytics;
pub(crate) use tags::tactic;

use crate::pack::{Confidence, Detection, Pack, Severity};
use parallax_engine::Dialect;
use parallax_sigma::tree;
use std::sync::Arc;

/// Something that finds: a query, a rule, a rule over the matches of others.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What people say of it, and its text.
    pub about: Arc<About>,
    /// What runs.
    pub body: Body,
}

/// What runs.
#[derive(Clone, Debug)]
pub enum Body {
    /// A query whose rows are findings.
    Query,
    /// A Sigma rule over single events.
    Sigma(Box<SigmaRule>),
    /// A Sigma rule over the matches of others.
    Correlation(Box<Correlation>),
    /// A rule of Microsoft Sentinel, run on a schedule.
    Sentinel(Box<Analytics>),
}

/// A Sigma rule with what is decided by the others that are loaded with it.
#[derive(Clone, Debug)]
pub struct SigmaRule {
    /// The rule; filters are applied.
    pub rule: tree::Rule,
    /// Whether it reports its own matches: not where it is only part of a correlation.
    pub reports: bool,
    /// Titles of the filters that were applied.
    pub filters: Vec<String>,
}

/// A correlation whose references are resolved.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// The rule.
    pub rule: tree::Correlation,
    /// The rules whose matches it takes, in the order of its `rules`: indexes in the detections.
    pub of: Vec<usize>,
    /// Whether it reports its own matches: not where it is only part of another one.
    pub reports: bool,
}

/// What kind of rule it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A query.
    Query,
    /// A Sigma rule.
    Sigma,
    /// A Sigma correlation.
    Correlation,
    /// A scheduled analytics rule.
    Scheduled,
    /// A near-real-time analytics rule.
    NearRealTime,
}

impl Kind {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Sigma => "sigma",
            Kind::Correlation => "correlation",
            Kind::Scheduled => "scheduled",
            Kind::NearRealTime => "nrt",
        }
    }
}

/// What people say of a rule, and its text.
#[derive(Clone, Debug)]
pub struct About {
    /// What findings carry as their rule: `pack/detection`, the id of a Sigma or Sentinel rule, a file's name.
    pub name: String,
    /// Its own id, where it has one.
    pub id: Option<String>,
    /// The name by which others refer to it (Sigma).
    pub short: Option<String>,
    /// A title for people.
    pub title: String,
    /// A paragraph; may be empty.
    pub description: String,
    /// What it is.
    pub kind: Kind,
    /// The language of its text.
    pub dialect: Dialect,
    /// How bad a finding is.
    pub severity: Severity,
    /// Whether the rule says so itself; medium otherwise.
    pub severity_given: bool,
    /// How likely a finding is true, where somebody said.
    pub confidence: Option<Confidence>,
    /// `stable`, `test`, `experimental`, …
    pub status: Option<String>,
    /// Tags as Sigma has them, `attack.t1059.011` among them.
    pub tags: Vec<String>,
    /// ATT&CK technique ids, upper-case.
    pub attack: Vec<String>,
    /// ATT&CK tactics, such as `Execution`.
    pub tactics: Vec<String>,
    /// Where it comes from.
    pub references: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was written.
    pub date: Option<String>,
    /// When it was last changed.
    pub modified: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// What telemetry it needs, in words.
    pub data_sources: Vec<String>,
    /// The pack it is of.
    pub pack: Option<String>,
    /// Its file, as messages name it.
    pub file: String,
    /// The line of the file at which it begins, from 1.
    pub line: usize,
    /// Its text: a query, or the YAML document of a Sigma rule.
    pub text: String,
}

impl About {
    /// Nothing said yet.
    pub(crate) fn new(name: String, kind: Kind, dialect: Dialect, file: String, text: String) -> Self {
        About {
            title: name.clone(),
            name,
            id: None,
            short: None,
            description: String::new(),
            kind,
            dialect,
            severity: Severity::Medium,
            severity_given: false,
            confidence: None,
            status: None,
            tags: Vec::new(),
            attack: Vec::new(),
            tactics: Vec::new(),
            references: Vec::new(),
            author: None,
            date: None,
            modified: None,
            version: None,
            false_positives: Vec::new(),
            data_sources: Vec::new(),
            pack: None,
            file,
            line: 1,
            text,
        }
    }

    /// Its place, for messages.
    pub fn place(&self) -> String {
        if self.line > 1 { format!("{}:{}", self.file, self.line) } else { self.file.clone() }
    }
}

/// What a pack says of one of its detections.
pub(crate) fn about_of(pack: &Pack, detection: &Detection) -> About {
    let dialect = Dialect::named(&detection.dialect).unwrap_or(Dialect::Sigma);
    let kind = if dialect == Dialect::Sigma { Kind::Sigma } else { Kind::Query };
    let name = format!("{}/{}", pack.id, detection.id);
    let mut about = About::new(name, kind, dialect, pack.files.name(&detection.path), detection.query.clone());
    about.short = Some(detection.id.clone());
    about.title = detection.title.clone();
    about.description = detection.description.clone();
    about.severity = detection.severity;
    about.severity_given = true;
    about.confidence = Some(detection.confidence);
    about.attack = detection.attack.clone();
    about.tactics = pack.technique.tactics.clone();
    about.tags = tags::of(&about.attack, &about.tactics);
    about.references = detection.references.clone();
    about.false_positives = detection.false_positives.clone();
    about.data_sources = detection.data_sources.clone();
    about.version = Some(pack.version.clone());
    about.pack = Some(pack.id.clone());
    about
}
