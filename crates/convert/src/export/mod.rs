//! Detections in the forms that other products take.

mod cloud_siem;
mod regression;
mod sentinel;
mod sigmahq;

pub use cloud_siem::cloud_siem;
pub use regression::{Regression, regression};
pub use sentinel::sentinel;
pub use sigmahq::sigmahq;

use crate::loss::Losses;
use crate::middle::{Detection, LogSource};
use crate::{Language, Loss, Placeholders};
use parallax_diagnostics::Diagnostics;

/// A detection to be published.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Its name, unique and lasting: `pack/detection`, or an id.
    pub name: String,
    /// Its UUID, where it has one.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// A paragraph.
    pub description: String,
    /// `informational`, `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// `low`, `medium`, `high`.
    pub confidence: Option<String>,
    /// ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// ATT&CK tactics, in words: `Execution`.
    pub tactics: Vec<String>,
    /// Where it comes from.
    pub references: Vec<String>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When, `2026-11-22`.
    pub date: Option<String>,
    /// The text of its query or rule.
    pub text: String,
    /// The values of Sigma's placeholders.
    pub placeholders: Placeholders,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path in the folder that is written.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What it loses.
    pub losses: Vec<Loss>,
}

impl Published {
    /// A UUID that stays the same as long as the name does.
    pub fn uuid(&self) -> String {
        self.id.clone().unwrap_or_else(|| crate::uuid::of(&self.name))
    }

    /// The name as a file's: letters, digits and `_`.
    fn slug(&self) -> String {
        let name: String = self.name.to_lowercase();
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        name.split('_').filter(|p| !p.is_empty()).collect::<Vec<_>>().join("_")
    }

    /// What it says, with what is said of it; the first rule of a file of Sigma.
    ///
    /// # Errors
    /// It cannot be read as a condition on single events.
    pub fn read(&self, language: Language, logs: Option<&LogSource>) -> Result<(Detection, Losses), Diagnostics> {
        let mut found = crate::read(&self.text, language, logs, &self.placeholders);
        if found.is_empty() {
            return Err(Diagnostics::default());
        }
        let (mut detection, losses) = found.remove(0)?;
        let about = &mut detection.about;
        about.title.clone_from(&self.title);
        about.id = Some(self.uuid());
        about.level = Some(self.severity.clone());
        if about.description.is_none() && !self.description.is_empty() {
            about.description = Some(self.description.clone());
        }
        about.author = about.author.take().or_else(|| self.author.clone());
        about.date = about.date.take().or_else(|| self.date.clone());
        if about.falsepositives.is_empty() {
            about.falsepositives.clone_from(&self.false_positives);
        }
        if about.references.is_empty() {
            about.references.clone_from(&self.references);
        }
        if about.tags.is_empty() {
            let tactics = self.tactics.iter().map(|t| format!("attack.{}", t.to_lowercase().replace(' ', "-")));
            let techniques = self.techniques.iter().map(|t| format!("attack.{}", t.to_lowercase()));
            about.tags = tactics.chain(techniques).collect();
        }
        Ok((detection, losses))
    }
}
