//! Match rules of Sumo Logic Cloud SIEM, in the JSON of exported rules.

use super::{File, Published};
use crate::sumo::record;
use crate::{Language, codes};
use parallax_diagnostics::Diagnostics;
use serde_json::json;

/// The rule.
///
/// # Errors
/// The detection has no form as an expression over records.
pub fn cloud_siem(published: &Published, language: Language) -> Result<File, Diagnostics> {
    let (detection, losses) = published.read(language, None)?;
    let (expression, more) = record::expression(&detection)?;
    let mut losses = losses;
    more.0.into_iter().for_each(|loss| losses.push(loss));
    // How bad, and how sure.
    let score = match published.severity.as_str() {
        "informational" => 1,
        "low" => 3,
        "high" => 6,
        "critical" => 8,
        _ => 4,
    };
    let score = match published.confidence.as_deref() {
        Some("low") => (score - 1).max(1),
        Some("high") => score + 1,
        _ => score,
    };
    let mut tags: Vec<String> =
        published.tactics.iter().filter_map(|t| tactic(t)).map(|t| format!("_mitreAttackTactic:{t}")).collect();
    tags.extend(published.techniques.iter().map(|t| format!("_mitreAttackTechnique:{t}")));
    let names = record::attributes(&detection);
    let mut selectors = vec![json!({ "entityType": "_hostname", "expression": "device_hostname" })];
    selectors.push(json!({ "entityType": "_username", "expression": "user_username" }));
    if names.iter().any(|n| n == "dstDevice_ip") {
        selectors.push(json!({ "entityType": "_ip", "expression": "dstDevice_ip" }));
    }
    let rule = json!({
        "name": published.title,
        "ruleSource": "user",
        "ruleType": "templated match",
        "stream": "record",
        "enabled": true,
        "isPrototype": false,
        "category": published.tactics.first().cloned().unwrap_or_else(|| "Unknown/Other".to_owned()),
        "nameExpression": published.title,
        "summaryExpression": format!("{} on {{{{device_hostname}}}}: {{{{commandLine}}}}", published.title),
        "descriptionExpression": if published.description.is_empty() { &published.title } else { &published.description },
        "expression": expression,
        "scoreMapping": { "type": "constant", "default": score },
        "entitySelectors": selectors,
        "tags": tags,
        "tuningExpressions": [],
    });
    let text = serde_json::to_string_pretty(&json!([rule])).unwrap_or_default() + "\n";
    let losses = losses.0.into_iter().filter(|l| l.code != codes::META).collect();
    Ok(File { path: format!("{}.json", published.slug()), text, losses })
}

/// The id of a tactic of ATT&CK (Enterprise).
fn tactic(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().replace('-', " ").as_str() {
        "reconnaissance" => "TA0043",
        "resource development" => "TA0042",
        "initial access" => "TA0001",
        "execution" => "TA0002",
        "persistence" => "TA0003",
        "privilege escalation" => "TA0004",
        "defense evasion" => "TA0005",
        "credential access" => "TA0006",
        "discovery" => "TA0007",
        "lateral movement" => "TA0008",
        "collection" => "TA0009",
        "command and control" => "TA0011",
        "exfiltration" => "TA0010",
        "impact" => "TA0040",
        _ => return None,
    })
}
