//! Running a detection in both languages, and comparing the events.

use crate::args::LimitArgs;
use crate::exit::{Exit, Failure};
use crate::output::text::safe;
use crate::policy::{self, Talk};
use crate::say;
use parallax_convert::{Converted, Detection, Effect, Language, Placeholders};
use parallax_detect::pack::Pack;
use parallax_detect::{EMBEDDED, Reading};
use parallax_engine::value::{Value, value};
use parallax_engine::{Context, Dialect, Encoding, Error, HitsAsked, Output, PROVENANCE, Session};
use parallax_sigma::{Rules, tree};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// An event by its place: the file, and where in it.
type Place = (String, i64);

/// Inputs to run detections over.
pub(super) struct Verifier {
    session: Session,
    now: i64,
    /// The telemetry of packs that are built in, while it is needed.
    _scratch: Option<tempfile::TempDir>,
}

/// What the two found.
pub(super) struct Compared {
    /// How many events both found.
    pub(super) both: usize,
    /// What only the source found.
    pub(super) source: BTreeSet<Place>,
    /// What only the result found.
    pub(super) result: BTreeSet<Place>,
    /// Whether a loss explains what only the source found.
    source_explained: bool,
    /// Whether a loss explains what only the result found.
    result_explained: bool,
}

impl Verifier {
    pub(super) fn new(paths: &[String], limits: &LimitArgs, talk: Talk) -> Result<Self, Failure> {
        let mut paths = paths.to_vec();
        let mut scratch = None;
        if paths.is_empty() {
            let folder = tempfile::tempdir().map_err(Failure::usage)?;
            for pack in EMBEDDED {
                let pack = Pack::embedded(pack).map_err(|e| Failure::wrong(e.render(talk.style)))?;
                let path = pack.files.on_disk("telemetry", folder.path()).map_err(Failure::usage)?;
                paths.push(path.display().to_string());
            }
            scratch = Some(folder);
        }
        let session = Session::open(&paths, policy::options(None, None, limits)?).map_err(Failure::usage)?;
        let census = session.census();
        let mut seen = Reading::default();
        seen.add(session.discovery());
        seen.add(&census.report);
        if seen.damaged > 0 {
            say::reading(&seen, talk);
        }
        Ok(Verifier { now: census.latest.unwrap_or_else(policy::wall), session, _scratch: scratch })
    }

    /// Runs both.
    pub(super) fn compare(
        &mut self,
        from: Language,
        text: &str,
        detection: &Detection,
        to: Language,
        converted: &Converted,
        placeholders: &Placeholders,
    ) -> Result<Compared, Failure> {
        let source = self.found(from, text, Some(&detection.about), placeholders)?;
        let result = self.found(to, &converted.text, None, &Placeholders::new())?;
        let explains = |of: fn(Effect) -> bool| converted.losses.iter().any(|loss| of(loss.effect));
        Ok(Compared {
            both: source.intersection(&result).count(),
            source: source.difference(&result).cloned().collect(),
            result: result.difference(&source).cloned().collect(),
            source_explained: explains(Effect::explains_fewer),
            result_explained: explains(Effect::explains_more),
        })
    }

    /// The events that a detection finds. `about`: which of a file's rules.
    fn found(
        &self,
        language: Language,
        text: &str,
        about: Option<&tree::Meta>,
        placeholders: &Placeholders,
    ) -> Result<BTreeSet<Place>, Failure> {
        let dialect = match language {
            Language::Kql => Dialect::Kql,
            Language::Sumo => Dialect::Sumo,
            Language::Sigma => return self.hits(text, about, placeholders),
        };
        self.rows(dialect, text).map_err(|e| Failure { exit: Exit::Wrong, message: format!("error: {e}") })
    }

    fn rows(&self, dialect: Dialect, text: &str) -> Result<BTreeSet<Place>, Error> {
        let context = Context { provenance: true, ..Context::at(self.now) };
        let mut execution = self.session.query_recorded(dialect, text, &context)?;
        let plain = Output { name: String::new(), type_name: "", encoding: Encoding::Plain };
        let visible = execution.columns.len();
        let column = |name: &str| PROVENANCE.iter().position(|p| p.name == name).map(|at| visible + at);
        let (Some(file), Some(record)) = (column("$source"), column("$record")) else { return Ok(BTreeSet::new()) };
        let mut found = BTreeSet::new();
        for batch in &mut execution.rows {
            let batch = batch?;
            let (Some(files), Some(records)) = (batch.columns().get(file), batch.columns().get(record)) else {
                continue;
            };
            for row in 0..batch.num_rows() {
                let file = value(&plain, files, row).text().unwrap_or_default().into_owned();
                let Value::Long(record) = value(&plain, records, row) else { continue };
                found.insert((file, record));
            }
        }
        Ok(found)
    }

    fn hits(
        &self,
        text: &str,
        about: Option<&tree::Meta>,
        placeholders: &Placeholders,
    ) -> Result<BTreeSet<Place>, Failure> {
        let options = parallax_sigma::Options { placeholders: placeholders.clone() };
        let documents = parallax_sigma::read(text, &options).documents.into_iter().map(|d| d.document);
        let (mut rules, mut filters) = (Vec::new(), Vec::new());
        for document in documents {
            match document {
                tree::Document::Rule(rule) if about.is_none_or(|about| *about == rule.meta) => rules.push(rule),
                tree::Document::Filter(filter) => filters.push(filter),
                _ => {}
            }
        }
        for rule in &mut rules {
            for filter in filters.iter().filter(|f| parallax_convert::sigma::is_for(f, &rule.meta)) {
                let both = [rule.condition.clone(), filter.condition.clone()];
                rule.condition = parallax_sigma::syntax::all(both);
            }
        }
        let rules = Arc::new(Rules::new(&rules));
        let asked = HitsAsked { rules, wanted: Vec::new(), reasons: false, census: false };
        let mut found = BTreeSet::new();
        let each = &mut |hit: parallax_engine::Hit| {
            found.insert((hit.event.source, hit.event.record.unwrap_or(-1)));
            ControlFlow::Continue(())
        };
        self.session.hits(asked, each).map_err(|e| Failure { exit: Exit::Wrong, message: format!("error: {e}") })?;
        Ok(found)
    }
}

impl Compared {
    /// Whether an event differs that no loss explains.
    pub(super) fn unexplained(&self) -> bool {
        (!self.source.is_empty() && !self.source_explained) || (!self.result.is_empty() && !self.result_explained)
    }

    pub(super) fn say(&self, origin: &str, talk: Talk) {
        const SHOWN: usize = 5;
        let differ = self.source.len() + self.result.len();
        if talk.quiet && !self.unexplained() {
            return;
        }
        let events = say::count(self.both, "event", "events");
        let same = if differ == 0 { "the same" } else { "both" };
        say::line(&format!("{origin}: {same}: {events}"));
        let sides =
            [("the source", &self.source, self.source_explained), ("the result", &self.result, self.result_explained)];
        for (side, places, explained) in sides {
            if places.is_empty() {
                continue;
            }
            let explained = if explained { "as a loss explains" } else { "which no loss explains" };
            say::line(&format!("{origin}: only {side}: {}, {explained}", say::count(places.len(), "event", "events")));
            let shown = if talk.verbose { usize::MAX } else { SHOWN };
            for (file, record) in places.iter().take(shown) {
                say::line(&format!("    {} at {record}", safe(file)));
            }
        }
    }

    pub(super) fn json(&self) -> Json {
        let list = |places: &BTreeSet<Place>| -> Json {
            places.iter().map(|(file, record)| json!({ "source": file, "record": record })).collect()
        };
        json!({
            "both": self.both,
            "only_source": list(&self.source),
            "only_result": list(&self.result),
            "explained": !self.unexplained(),
        })
    }
}
