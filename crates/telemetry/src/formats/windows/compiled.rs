//! What is asked of Windows events.

use super::vocabulary::Asked;
use crate::event::{Kind, Request};
use crate::formats::names::Names;

/// A [`Request`], prepared once for a whole source.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    pub(super) asked: Vec<Asked>,
    pub(super) names: Vec<String>,
    pub(super) kinds: Vec<Kind>,
    /// The slots of data fields.
    pub(super) data: Names,
    /// The slots that are not simply data fields.
    pub(super) special: Vec<u16>,
    /// Whether values are taken late.
    pub(super) late: bool,
    /// Whether every data field is needed, whatever its name.
    pub(super) all: bool,
}

impl Compiled {
    /// Prepares `request`.
    pub fn new(request: &Request) -> Self {
        let asked: Vec<Asked> = request.fields.iter().map(|f| Asked::of(f)).collect();
        let places =
            || asked.iter().zip(&request.fields).enumerate().map(|(i, (a, name))| (i as u16, *a, name.as_str()));
        let data = Names::new(places().filter(|(_, a, _)| matches!(a, Asked::Data(_))).map(|(i, _, name)| (i, name)));
        let special = places().filter(|(_, a, _)| *a != Asked::Data(None)).map(|(i, ..)| i).collect();
        let all = asked.iter().any(|a| a.needs_all());
        let (names, kinds) = (request.fields.clone(), request.kinds.clone());
        Compiled { asked, names, kinds, data, special, late: request.late, all }
    }

    /// The slots that ask for a field of the event's data, each with whether its name is the same to the letter.
    pub(super) fn slots(&self, name: &str) -> impl Iterator<Item = (u16, bool)> {
        self.data.bucket(name).iter().filter_map(move |&slot| {
            let asked = &self.names[usize::from(slot)];
            let exact = asked == name;
            (exact || asked.eq_ignore_ascii_case(name)).then_some((slot, exact))
        })
    }

    /// Whether values are taken late.
    pub(crate) fn late(&self) -> bool {
        self.late
    }

    /// Whether events of all kinds are asked for.
    pub fn wants_all(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Whether events of `kind` are asked for.
    pub fn wants(&self, kind: &Kind) -> bool {
        self.kinds.is_empty()
            || self.kinds.iter().any(|k| k.family == kind.family && (k.code == kind.code || k.code == Kind::ANY))
    }
}
