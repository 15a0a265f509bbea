//! `pack.yaml` as it is written. Unknown keys are refused: a misspelt `false_positives` must not vanish.

use serde::Deserialize;
use serde_saphyr::Spanned;

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
    pub(super) detections: Spanned<Vec<Detection>>,
    #[serde(default)]
    pub(super) cases: Vec<Case>,
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
    #[serde(default)]
    pub(super) atomic: String,
    pub(super) telemetry: Spanned<Vec<Spanned<String>>>,
    pub(super) now: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) signals: Vec<Signal>,
    pub(super) expect: Spanned<Vec<Expectation>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    pub(super) title: Spanned<String>,
    pub(super) kql: Option<Spanned<String>>,
    pub(super) sumo: Option<Spanned<String>>,
    pub(super) exactly: Option<Spanned<usize>>,
    pub(super) at_least: Option<Spanned<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    pub(super) detection: Spanned<String>,
    pub(super) outcome: Spanned<String>,
    pub(super) findings: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) reason: String,
}
