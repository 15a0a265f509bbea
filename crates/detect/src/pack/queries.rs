//! All queries that a pack holds, whatever for: each must parse and plan.

use super::{Pack, markdown};

/// A query of a pack.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// What it is for.
    pub of: QueryOf,
    /// Its language: `kql`, `sumo`, `sigma`.
    pub dialect: &'a str,
    /// What stands in it.
    pub text: &'a str,
    /// How messages name it.
    pub origin: String,
    /// The file that holds it and nothing else, relative to the pack.
    pub file: Option<&'a str>,
}

/// What a query of a pack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryOf {
    /// It is a detection's.
    Detection,
    /// It is a hunt's.
    Hunt,
    /// It shows a case's signal.
    Signal,
    /// It stands in a document, to be copied from there.
    Document,
}

impl Pack {
    /// Its queries: those of detections, hunts and signals, and the fenced blocks of its documents whose info begins
    /// with a language, unless it says `fragment`.
    pub fn queries(&self) -> Vec<Query<'_>> {
        let mut all = Vec::new();
        for d in &self.detections {
            let origin = self.files.name(&d.path);
            // Behind a rule with filters stands what its file does not hold.
            let file = d.filters.is_empty().then_some(d.path.as_str());
            all.push(Query { of: QueryOf::Detection, dialect: &d.dialect, text: &d.query, origin, file });
        }
        for q in self.hunts.iter().flat_map(|h| &h.queries) {
            let origin = self.files.name(&q.path);
            all.push(Query { of: QueryOf::Hunt, dialect: &q.dialect, text: &q.text, origin, file: Some(&q.path) });
        }
        for case in &self.cases {
            for signal in &case.signals {
                let origin = format!("{}/{}: signal `{}`", self.id, case.id, signal.title);
                let (dialect, text) = (&*signal.dialect, &*signal.query);
                // Cases of several sources look for the same.
                if !all.iter().any(|q| q.of == QueryOf::Signal && q.text == text) {
                    all.push(Query { of: QueryOf::Signal, dialect, text, origin, file: None });
                }
            }
        }
        for document in &self.documents {
            for block in markdown::blocks(&document.text) {
                let mut words = block.info.split_whitespace();
                let dialect = words.next().unwrap_or_default();
                if !["kql", "sumo", "sigma"].contains(&dialect) || words.any(|w| w == "fragment") {
                    continue;
                }
                let origin = format!("{}: block at line {}", self.files.name(&document.path), block.line);
                all.push(Query { of: QueryOf::Document, dialect, text: block.text, origin, file: None });
            }
        }
        all
    }
}
