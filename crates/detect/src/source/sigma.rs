//! Sigma documents: what each says of itself, and how they refer to each other.

use super::loaded::{Detections, Fault, Placeholders};
use super::{About, Body, Correlation, Kind, Rule, SigmaRule, tags};
use crate::pack::Severity;
use parallax_diagnostics::{Diagnostic, Span};
use parallax_sigma::Options;
use parallax_sigma::syntax::all as both;
use parallax_sigma::tree::{Condition, Document, Filter, Meta};
use std::sync::Arc;

/// A document, and which rule it became.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Its place among the rules, where it is one.
    pub(super) at: Option<usize>,
    about: Arc<About>,
    document: Said,
    /// The rule that it is, until it is among the rules.
    body: Option<Body>,
}

/// What others need to know of a document.
#[derive(Debug)]
enum Said {
    Rule(Meta),
    Correlation(Meta, Vec<String>),
    Filter(Box<Filter>),
}

impl Loaded {
    fn new(about: About, document: Document) -> Self {
        let (document, body) = match document {
            Document::Rule(rule) => {
                let meta = rule.meta.clone();
                (Said::Rule(meta), Some(Body::Sigma(Box::new(SigmaRule { rule, reports: true, filters: Vec::new() }))))
            }
            Document::Correlation(rule) => {
                let said = Said::Correlation(rule.meta.clone(), rule.rules.clone());
                (said, Some(Body::Correlation(Box::new(Correlation { rule, of: Vec::new(), reports: true }))))
            }
            Document::Filter(filter) => (Said::Filter(Box::new(filter)), None),
        };
        Loaded { at: None, about: Arc::new(about), document, body }
    }

    /// The rule that it is, once; nothing for a filter.
    pub(super) fn rule(&mut self) -> Option<Rule> {
        Some(Rule { about: self.about.clone(), body: self.body.take()? })
    }

    fn is(&self, name: &str) -> bool {
        let meta = match &self.document {
            Said::Rule(meta) | Said::Correlation(meta, _) => meta,
            Said::Filter(filter) => &filter.meta,
        };
        meta.is_called(name)
    }
}

fn meta(document: &Document) -> &Meta {
    match document {
        Document::Rule(rule) => &rule.meta,
        Document::Correlation(rule) => &rule.meta,
        Document::Filter(filter) => &filter.meta,
    }
}

/// What came of a text.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) documents: Vec<Loaded>,
    pub(super) faults: Option<Fault>,
    pub(super) remarks: Option<Fault>,
}

/// Reads the documents of a text; `about` says where it is from, or what its pack says of it.
pub(super) fn read(about: About, placeholders: &Placeholders) -> Documents {
    let read = parallax_sigma::read(&about.text, &Options { placeholders: placeholders.clone() });
    let (errors, remarks): (Vec<_>, Vec<_>) =
        read.diagnostics.0.into_iter().partition(|d| d.severity == parallax_diagnostics::Severity::Error);
    let fault = |all: Vec<Diagnostic>| {
        (!all.is_empty()).then(|| Fault::new(&about.file, &about.text, parallax_diagnostics::Diagnostics(all)))
    };
    let (faults, remarks) = (fault(errors), fault(remarks));
    // A rule with its filters is one detection.
    let alone = read.documents.iter().filter(|d| !matches!(d.document, Document::Filter(_))).count() == 1;
    let only = read.documents.len() == 1;
    let mut whole = Some(about);
    let mut documents = Vec::with_capacity(read.documents.len());
    for located in read.documents {
        // Most texts are one document.
        let own = if only { whole.take() } else { whole.clone() };
        let Some(mut own) = own else { break };
        own.line = own.text[..located.span.start].matches('\n').count() + 1;
        own.text = located.span.of(&own.text).to_owned();
        let in_pack = own.pack.is_some();
        say(&mut own, &located.document, in_pack && alone);
        documents.push(Loaded::new(own, located.document));
    }
    Documents { documents, faults, remarks }
}

/// Takes over what the document says of itself; where a pack says it, that counts.
fn say(about: &mut About, document: &Document, pack_says: bool) {
    let meta = meta(document);
    about.kind = if let Document::Correlation(_) = document { Kind::Correlation } else { Kind::Sigma };
    about.id = meta.id.clone();
    about.status = meta.status.clone();
    about.author = meta.author.clone();
    about.date = meta.date.clone();
    about.modified = meta.modified.clone();
    about.tags = meta.tags.clone();
    if about.pack.is_none() {
        let stem = std::path::Path::new(&about.file).file_stem().map(|s| s.to_string_lossy().into_owned());
        let title = Some(&meta.title).filter(|t| !t.is_empty()).cloned();
        let name = meta.id.clone().or_else(|| meta.name.clone()).or_else(|| title.clone()).or(stem);
        about.name = name.unwrap_or_default();
        about.short = meta.name.clone();
        about.title = title.unwrap_or_else(|| about.name.clone());
        about.false_positives = meta.falsepositives.clone();
    }
    if pack_says {
        return;
    }
    if !meta.title.is_empty() {
        about.title = meta.title.clone();
    }
    about.description = meta.description.clone().unwrap_or_default();
    about.references = meta.references.clone();
    about.attack = tags::techniques(&meta.tags);
    about.tactics = tags::tactics(&meta.tags);
    if let Some(severity) = meta.level.as_deref().and_then(|l| Severity::from_word(&l.to_ascii_lowercase())) {
        (about.severity, about.severity_given) = (severity, true);
    }
}

/// Applies filters and resolves references; what refers to nothing, or to itself, is left out and told.
pub(super) fn resolve(all: &mut Detections, loaded: &[Loaded]) {
    for one in loaded {
        if let Said::Filter(filter) = &one.document {
            apply(all, loaded, one, filter);
        }
    }
    let mut broken: Vec<usize> = Vec::new();
    for one in loaded {
        let (Said::Correlation(_, rules), Some(at)) = (&one.document, one.at) else { continue };
        let mut of = Vec::new();
        for name in rules {
            // A name means the rule of the same file before that of another.
            let same_file = |l: &&Loaded| l.about.file == one.about.file;
            let is = |l: &&Loaded| l.is(name) && l.at.is_some();
            let found = loaded.iter().filter(same_file).find(is).or_else(|| loaded.iter().find(is));
            match found.and_then(|f| f.at) {
                Some(found) => of.push(found),
                None => {
                    let why = format!("the correlation takes a rule `{name}`, and none of that id or name is loaded");
                    fault(all, one, "DETECT0005", name, why);
                    broken.push(at);
                }
            }
        }
        if let Some(correlation) = correlation(all, at) {
            correlation.of = of;
        }
    }
    for one in loaded {
        let Some(at) = one.at.filter(|at| !broken.contains(at)) else { continue };
        if circles(all, at, &mut Vec::new()) {
            fault(all, one, "DETECT0006", "correlation", "the correlation takes its own matches".into());
            broken.push(at);
        }
    }
    // What takes something that is left out is left out too.
    loop {
        let takes = |all: &mut Detections, at: usize| {
            correlation(all, at).is_some_and(|c| c.of.iter().any(|o| broken.contains(o)))
        };
        let more = loaded.iter().find(|l| l.at.is_some_and(|at| !broken.contains(&at) && takes(all, at)));
        let Some((one, at)) = more.and_then(|one| Some((one, one.at?))) else { break };
        fault(all, one, "DETECT0005", "rules", "the correlation takes one that can't be used".into());
        broken.push(at);
    }
    quiet(all, &broken);
    for one in loaded {
        if let Some(at) = one.at.filter(|at| !broken.contains(at)) {
            inherit(all, at);
        }
    }
    leave_out(all, &broken);
}

/// What a correlation does not say of itself is what its rules say: the worst of their levels, all of their tags.
fn inherit(all: &mut Detections, at: usize) {
    let Some(Body::Correlation(correlation)) = all.rules.get(at).map(|r| &r.body) else { return };
    let of = correlation.of.clone();
    // Those that are correlations themselves first; there are no circles any more.
    of.iter().for_each(|of| inherit(all, *of));
    let abouts: Vec<Arc<About>> = of.iter().filter_map(|of| Some(all.rules.get(*of)?.about.clone())).collect();
    let about = Arc::make_mut(&mut all.rules[at].about);
    if !about.severity_given
        && let Some(worst) = abouts.iter().map(|a| a.severity).max()
    {
        about.severity = worst;
    }
    if about.tags.is_empty() {
        for other in abouts {
            let new = |own: &[String], theirs: &[String]| {
                theirs.iter().filter(|t| !own.contains(t)).cloned().collect::<Vec<_>>()
            };
            about.attack.extend(new(&about.attack, &other.attack));
            about.tactics.extend(new(&about.tactics, &other.tactics));
            about.tags.extend(new(&about.tags, &other.tags));
        }
    }
}

fn correlation(all: &mut Detections, at: usize) -> Option<&mut Correlation> {
    match &mut all.rules.get_mut(at)?.body {
        Body::Correlation(correlation) => Some(correlation),
        _ => None,
    }
}

/// Rules that are part of a correlation report nothing themselves, unless it says so.
fn quiet(all: &mut Detections, broken: &[usize]) {
    let mut quiet = vec![false; all.rules.len()];
    let mut speaks = vec![false; all.rules.len()];
    for (at, rule) in all.rules.iter().enumerate() {
        let Body::Correlation(correlation) = &rule.body else { continue };
        if broken.contains(&at) {
            continue;
        }
        for taken in &correlation.of {
            quiet[*taken] = true;
            speaks[*taken] |= correlation.rule.generate;
        }
    }
    for (at, rule) in all.rules.iter_mut().enumerate() {
        let reports = !quiet[at] || speaks[at];
        match &mut rule.body {
            Body::Sigma(rule) => rule.reports = reports,
            Body::Correlation(rule) => rule.reports = reports,
            _ => {}
        }
    }
}

fn leave_out(all: &mut Detections, broken: &[usize]) {
    if broken.is_empty() {
        return;
    }
    let mut new = vec![0; all.rules.len()];
    let mut next = 0;
    for (at, place) in new.iter_mut().enumerate() {
        *place = next;
        next += usize::from(!broken.contains(&at));
    }
    let rules = std::mem::take(&mut all.rules);
    all.rules = rules.into_iter().enumerate().filter(|(at, _)| !broken.contains(at)).map(|(_, r)| r).collect();
    for rule in &mut all.rules {
        if let Body::Correlation(correlation) = &mut rule.body {
            correlation.of.iter_mut().for_each(|of| *of = new[*of]);
        }
    }
}

fn circles(all: &Detections, at: usize, path: &mut Vec<usize>) -> bool {
    let Some(Rule { body: Body::Correlation(correlation), .. }) = all.rules.get(at) else { return false };
    if path.contains(&at) {
        return path.first() == Some(&at);
    }
    path.push(at);
    let found = correlation.of.iter().any(|of| circles(all, *of, path));
    path.pop();
    found
}

fn apply(all: &mut Detections, loaded: &[Loaded], from: &Loaded, filter: &Filter) {
    // What a pack adds to one of its detections is for that one.
    let own =
        |l: &Loaded| from.about.pack.is_none() || (l.about.name == from.about.name && l.about.file == from.about.file);
    for name in &filter.rules {
        if from.about.pack.is_none() && !loaded.iter().any(|l| l.is(name)) {
            let why = format!("the filter is for a rule `{name}`, and none of that id or name is loaded");
            let d = Diagnostic::warning("DETECT0007", place(&from.about.text, name), why);
            all.remarks.push(Fault::new(&from.about.file, &from.about.text, d));
        }
    }
    for one in loaded.iter().filter(|l| own(l)) {
        let Some(at) = one.at else { continue };
        let Some(Rule { body: Body::Sigma(sigma), .. }) = all.rules.get_mut(at) else { continue };
        if !filter.is_for(&sigma.rule) {
            continue;
        }
        let own = std::mem::replace(&mut sigma.rule.condition, Condition::And(Vec::new()));
        sigma.rule.condition = both(vec![own, filter.condition.clone()]);
        sigma.filters.push(from.about.title.clone());
    }
}

fn fault(all: &mut Detections, one: &Loaded, code: &'static str, word: &str, why: String) {
    let d = Diagnostic::error(code, place(&one.about.text, word), why);
    let mut fault = Fault::new(&one.about.file, &one.about.text, d);
    if one.about.line > 1 {
        // The text is a part of the file.
        fault.file = format!("{} (document at line {})", fault.file, one.about.line);
    }
    all.faults.push(fault);
}

fn place(text: &str, word: &str) -> Span {
    text.find(word).map_or(Span::at(0), |at| Span::new(at, at + word.len()))
}
