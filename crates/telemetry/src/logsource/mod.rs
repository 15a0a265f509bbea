//! What telemetry a Sigma rule is about.
//!
//! Rules name a category, a product and a service; which events that means stands in `mappings/logsources.toml`. A
//! [`Sorter`] tells for each event which of the wanted log sources it belongs to. Events of Windows are told by their
//! provider and channel, never by an id alone.

mod data;
mod offer;
mod os;
mod sorter;

pub use offer::Offer;
pub use sorter::Sorter;

use std::fmt;

/// A log source as a rule names it; all lower-case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// Such as `process_creation`.
    pub category: Option<String>,
    /// Such as `windows`.
    pub product: Option<String>,
    /// Such as `security`.
    pub service: Option<String>,
}

impl LogSource {
    /// Whether it is one of Sigma's taxonomy, or made of such. The events of any other are rows of JSON and CSV that
    /// have the fields which a rule names.
    pub fn is_known(&self) -> bool {
        data::meaning(self).is_some()
    }

    /// Which events it means, for people: a phrase for each kind of telemetry.
    pub fn events(&self) -> Vec<String> {
        data::describe(self)
    }

    /// What people should know of it, where there is something.
    pub fn note(&self) -> Option<&'static str> {
        data::note(self)
    }
}

/// As `process_creation/windows`, with the words that a rule uses.
impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("product", &self.product), ("category", &self.category), ("service", &self.service)];
        let mut first = true;
        for (what, value) in parts {
            let Some(value) = value else { continue };
            if !std::mem::take(&mut first) {
                f.write_str(", ")?;
            }
            write!(f, "{what} {value}")?;
        }
        if first { f.write_str("no log source") } else { Ok(()) }
    }
}
