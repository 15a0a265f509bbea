//! Regression data in the layout of SigmaHQ's repository: beside each event log an `info.yml`.

use super::{File, Published, sigmahq};
use crate::Language;
use crate::sigma::yaml;
use parallax_diagnostics::Diagnostics;
use std::fmt::Write;

/// Telemetry on which a rule is to match.
#[derive(Clone, Debug)]
pub struct Regression {
    /// What it shows.
    pub title: String,
    /// The file that it stands in.
    pub file: String,
    /// How many events match, where that is said.
    pub matches: Option<usize>,
    /// What kind of file it is: `evtx`, `xml`, `json`, `log`.
    pub kind: String,
    /// Who recorded the events, as far as that is one provider.
    pub provider: Option<String>,
}

/// The `info.yml` of a rule, and for each recording the path that it is to be copied to.
///
/// # Errors
/// The detection has no form in Sigma.
pub fn regression(
    published: &Published,
    language: Language,
    data: &[Regression],
) -> Result<(File, Vec<(String, String)>), Diagnostics> {
    let rule = sigmahq(published, language)?;
    let folder = format!("regression_data/{}", rule.path.trim_end_matches(".yml"));
    let id = published.uuid();
    let mut out = String::new();
    let _ = writeln!(out, "id: {}", crate::uuid::of(&format!("{id} regression")));
    let _ = writeln!(out, "description: N/A");
    if let Some(date) = &published.date {
        let _ = writeln!(out, "date: {date}");
    }
    let _ = writeln!(out, "author: {}", yaml::plain_or_quoted(published.author.as_deref().unwrap_or("N/A")));
    let _ = writeln!(out, "rule_metadata:\n    - id: {id}\n      title: {}", yaml::plain_or_quoted(&published.title));
    let _ = writeln!(out, "regression_tests_info:");
    let mut copies = Vec::new();
    for (n, one) in data.iter().enumerate() {
        let number = if n == 0 { String::new() } else { format!("_{}", n + 1) };
        let path = format!("{folder}/{id}{number}.{}", one.kind);
        let _ = writeln!(out, "    - name: {}", yaml::plain_or_quoted(&one.title));
        let _ = writeln!(out, "      type: {}", one.kind);
        if let Some(provider) = &one.provider {
            let _ = writeln!(out, "      provider: {provider}");
        }
        if let Some(matches) = one.matches {
            let _ = writeln!(out, "      match_count: {matches}");
        }
        let _ = writeln!(out, "      path: {path}");
        copies.push((one.file.clone(), path));
    }
    Ok((File { path: format!("{folder}/info.yml"), text: out, losses: rule.losses }, copies))
}
