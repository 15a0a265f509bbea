//! `pack.yaml` as it is written. Unknown keys are refused: a misspelt `false_positives` must not vanish.

use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: Spanned<u32>,
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) version: String,
    #[serde(default)]
    pub(super) summary: String,
    pub(super) technique: Technique,
    pub(super) behaviours: Option<Spanned<Vec<Behaviour>>>,
    pub(super) detections: Spanned<Vec<Detection>>,
    #[serde(default)]
    pub(super) cases: Vec<Case>,
    pub(super) hunts: Option<Spanned<Vec<Hunt>>>,
    pub(super) lists: Option<Spanned<Vec<List>>>,
    pub(super) documents: Option<Spanned<Documents>>,
    pub(super) atomics: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Technique {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) tactics: Vec<String>,
    #[serde(default)]
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detection {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) dialect: Option<Spanned<String>>,
    pub(super) query: Spanned<String>,
    pub(super) filters: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) behaviour: Option<Spanned<String>>,
    pub(super) severity: Spanned<String>,
    pub(super) confidence: Spanned<String>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) attack: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) data_sources: Vec<String>,
    #[serde(default)]
    pub(super) false_positives: Vec<String>,
    #[serde(default)]
    pub(super) references: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) atomic: Option<Spanned<String>>,
    pub(super) method: Option<Spanned<String>>,
    pub(super) telemetry: Spanned<Vec<Spanned<String>>>,
    pub(super) now: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) signals: Vec<Signal>,
    pub(super) expect: Spanned<Vec<Expectation>>,
    pub(super) others: Option<Spanned<String>>,
    pub(super) lists: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    pub(super) title: Spanned<String>,
    pub(super) kql: Option<Spanned<String>>,
    pub(super) sumo: Option<Spanned<String>>,
    pub(super) sigma: Option<Spanned<String>>,
    pub(super) exactly: Option<Spanned<usize>>,
    pub(super) at_least: Option<Spanned<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    pub(super) detection: Option<Spanned<Names>>,
    pub(super) behaviour: Option<Spanned<String>>,
    pub(super) outcome: Spanned<String>,
    pub(super) findings: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) reason: String,
}

/// A name, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Names {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Behaviour {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) summary: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hunt {
    pub(super) id: Spanned<String>,
    pub(super) title: String,
    pub(super) purpose: String,
    #[serde(default)]
    pub(super) reading: String,
    pub(super) kql: Option<Spanned<String>>,
    pub(super) sumo: Option<Spanned<String>>,
    pub(super) sigma: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) references: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    pub(super) id: Spanned<String>,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) purpose: String,
    pub(super) file: Spanned<String>,
    #[serde(default)]
    pub(super) columns: Vec<Spanned<String>>,
    pub(super) watchlist: Option<Spanned<String>>,
    pub(super) search_key: Option<Spanned<String>>,
    pub(super) lookup: Option<Spanned<String>>,
    pub(super) placeholders: Option<Placeholders>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placeholders {
    pub(super) names: Spanned<Vec<Spanned<String>>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) value: Spanned<String>,
    pub(super) expires: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Documents {
    pub(super) guide: Option<Spanned<String>>,
    pub(super) playbook: Option<Spanned<String>>,
    pub(super) tuning: Option<Spanned<String>>,
    pub(super) references: Option<Spanned<String>>,
    pub(super) changelog: Option<Spanned<String>>,
    pub(super) readme: Option<Spanned<String>>,
}
