//! Findings as a layer of the ATT&CK Navigator, format 4.5: each technique with the number of its findings as its score.

use crate::attack;
use parallax_detect::Finding;
use parallax_detect::pack::Severity;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Techniques with what was found of them.
#[derive(Debug, Default)]
pub struct Layer {
    techniques: BTreeMap<String, Technique>,
    /// Findings whose rule names no technique.
    without: usize,
}

#[derive(Debug, Default)]
struct Technique {
    findings: usize,
    worst: Option<Severity>,
    rules: BTreeMap<String, usize>,
    hosts: BTreeSet<String>,
}

/// The most rules that a comment names, and the most hosts that are counted.
const NAMED: usize = 20;
const HOSTS: usize = 10_000;

impl Layer {
    /// Counts a finding.
    pub fn add(&mut self, finding: &Finding) {
        let mut any = false;
        for id in finding.attack.iter().filter(|id| attack::is_technique(id)) {
            any = true;
            let technique = self.techniques.entry(id.clone()).or_default();
            technique.findings += 1;
            technique.worst = technique.worst.max(Some(finding.severity));
            *technique.rules.entry(finding.title.clone()).or_default() += 1;
            let host = finding.event.as_ref().and_then(|e| e.host.as_ref());
            if let Some(host) = host.filter(|_| technique.hosts.len() < HOSTS) {
                technique.hosts.insert(host.clone());
            }
        }
        self.without += usize::from(!any);
    }

    /// How many findings are not in the layer: their rules name no technique.
    pub fn without(&self) -> usize {
        self.without
    }

    /// The layer.
    pub fn json(&self, name: &str, description: &str) -> Json {
        let most = self.techniques.values().map(|t| t.findings).max().unwrap_or(0).max(1);
        json!({
            "name": name,
            "versions": { "navigator": "4.9.0", "layer": "4.5" },
            "domain": "enterprise-attack",
            "description": description,
            "sorting": 3,
            "layout": { "layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated" },
            "hideDisabled": false,
            "techniques": self.techniques.iter().map(|(id, t)| t.json(id)).collect::<Vec<_>>(),
            "gradient": { "colors": ["#fff3cd", "#f08c00", "#a00f4b"], "minValue": 0, "maxValue": most },
            "legendItems": [{ "label": "findings", "color": "#f08c00" }],
        })
    }
}

impl Technique {
    fn json(&self, id: &str) -> Json {
        let mut rules: Vec<(&String, &usize)> = self.rules.iter().collect();
        rules.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), (*name).clone()));
        let mut comment: Vec<String> = rules.iter().take(NAMED).map(|(name, n)| format!("{n} x {name}")).collect();
        if rules.len() > NAMED {
            comment.push(format!("and {} more detections", rules.len() - NAMED));
        }
        let worst = self.worst.map_or("", Severity::word);
        json!({
            "techniqueID": id,
            "score": self.findings,
            "enabled": true,
            "comment": comment.join("\n"),
            "metadata": [
                { "name": "findings", "value": self.findings.to_string() },
                { "name": "worst severity", "value": worst },
                { "name": "hosts", "value": self.hosts.len().to_string() },
            ],
        })
    }
}
