//! Detections in other languages: between KQL, Sumo Logic search and Sigma, by way of one middle form, with every lossy
//! step listed; and exports of a pack's detections in the forms that other products take.
//!
//! Knows the languages' texts and trees and the names of fields, not how telemetry is read or queries are run.

// A diagnostic ends a conversion, so its size costs nothing.
#![allow(clippy::result_large_err)]

mod about;
pub mod export;
pub mod kql;
mod layout;
mod loss;
pub mod middle;
mod missing;
pub mod names;
mod parts;
pub mod pattern;
mod score;
pub mod sigma;
pub mod sumo;
mod uuid;

pub use loss::{Effect, Loss, Losses, codes};
pub use middle::Detection;

use parallax_diagnostics::{Diagnostic, Diagnostics};

/// A language to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Kusto Query Language.
    Kql,
    /// Sumo Logic search.
    Sumo,
    /// A Sigma rule.
    Sigma,
}

/// How to convert.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// KQL: which table to query, instead of the first that has all fields.
    pub table: Option<String>,
    /// Sumo: where to search, instead of the usual categories.
    pub scope: Option<String>,
    /// Refuse every loss.
    pub strict: bool,
}

/// A converted detection.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Its text.
    pub text: String,
    /// What it loses.
    pub losses: Vec<Loss>,
}

/// A detection that was read, with the losses of reading it.
pub type Found = Result<(Detection, Losses), Diagnostics>;

/// Reads the detections of a text: one of a query, one for each rule of a file of Sigma, with the filters of the same
/// file applied. `logs`: what telemetry a query is about, instead of what its text says.
pub fn read(text: &str, from: Language, logs: Option<&middle::LogSource>, placeholders: &Placeholders) -> Vec<Found> {
    match from {
        Language::Kql => vec![kql::read(text).map(|(mut detection, losses)| {
            if let Some(logs) = logs {
                detection.logs = logs.clone();
            }
            (detection, losses)
        })],
        Language::Sumo => vec![sumo::read(text, logs)],
        Language::Sigma => sigma::read_all(text, placeholders),
    }
}

/// The values of Sigma's placeholders.
pub type Placeholders = std::collections::BTreeMap<String, Vec<String>>;

/// Writes a detection in a language. `losses` are those of reading it.
///
/// # Errors
/// What the language has no form for; under [`Options::strict`] every loss.
pub fn convert(
    detection: &Detection,
    mut losses: Losses,
    to: Language,
    options: &Options,
) -> Result<Converted, Diagnostics> {
    let (text, more) = match to {
        Language::Kql => kql::write(detection, options.table.as_deref())?,
        Language::Sumo => sumo::write(detection, options.scope.as_deref())?,
        Language::Sigma => sigma::write(detection)?,
    };
    more.0.into_iter().for_each(|loss| losses.push(loss));
    losses.0.sort_by_key(|loss| loss.at);
    if options.strict && !losses.0.is_empty() {
        let refused = losses.0.iter().map(|loss| {
            let d = Diagnostic::error(codes::STRICT, loss.at, loss.message.clone()).label(loss.effect.word());
            match &loss.help {
                Some(help) => d.help(help.clone()),
                None => d,
            }
        });
        return Err(Diagnostics(refused.collect()));
    }
    Ok(Converted { text, losses: losses.0 })
}
