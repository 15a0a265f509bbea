//! What detections of one behaviour see of the same telemetry, and what some of them do not.
//!
//! Events are told apart by where they were recorded, which is the same in every dialect. Published detections are
//! compared with published ones, the pack's own with each other.

use super::case::{CaseResult, DetectionResult};
use super::why::{Why, why};
use crate::finding::Event;
use crate::pack::{Case, Detection, Pack, Role};
use parallax_engine::Session;
use std::collections::{BTreeMap, BTreeSet};

/// The events of a detection in a case of which is said why it does not see them; of the others only that.
const EXPLAINED: usize = 2;

/// How detections of one behaviour agree.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The behaviour's id.
    pub behaviour: String,
    /// The role of the detections.
    pub role: Option<Role>,
    /// The detections.
    pub detections: Vec<Seer>,
    /// Events that one of them sees at least.
    pub seen: usize,
    /// Events that all of them see.
    pub agreed: usize,
    /// Findings that stand for no single event, and are not compared.
    pub eventless: usize,
    /// What some of them do not see.
    pub missing: Vec<Missing>,
}

/// A detection, and how much it sees.
#[derive(Clone, Debug)]
pub struct Seer {
    /// Its id.
    pub detection: String,
    /// Its language.
    pub dialect: String,
    /// Events.
    pub events: usize,
}

/// An event that a detection does not see and another of its behaviour does.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The behaviour's id.
    pub behaviour: String,
    /// The detection's place in the pack.
    pub index: usize,
    /// The case.
    pub case: String,
    /// The event.
    pub event: Event,
    /// Who sees it: ids of detections.
    pub seen_by: Vec<String>,
    /// Why it is not seen; nothing beyond the first few of a case.
    pub why: Option<Why>,
}

/// Where an event was recorded.
type Place<'a> = (&'a str, i64);

fn place(event: &Event) -> Option<Place<'_>> {
    Some((event.source.as_deref()?, event.record?))
}

/// The detections that are compared with each other: of one behaviour and one role.
fn groups(pack: &Pack, among: &dyn Fn(usize) -> bool) -> BTreeMap<(usize, Option<Role>), Vec<usize>> {
    let mut groups: BTreeMap<(usize, Option<Role>), Vec<usize>> = BTreeMap::new();
    for (index, d) in pack.detections.iter().enumerate().filter(|(i, _)| among(*i)) {
        if let Some(at) = d.behaviour.as_ref().and_then(|b| pack.behaviours.iter().position(|x| x.id == *b)) {
            groups.entry((at, d.role)).or_default().push(index);
        }
    }
    groups.retain(|_, detections| detections.len() > 1);
    groups
}

/// What detections do not see in a case that others of their behaviour see.
pub(super) fn missing(
    session: &Session,
    pack: &Pack,
    case: &Case,
    results: &[DetectionResult],
    now: i64,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    for ((behaviour, _), members) in groups(pack, &|i| results.iter().any(|r| r.index == i)) {
        let members: Vec<&DetectionResult> = results.iter().filter(|r| members.contains(&r.index)).collect();
        let mut all: BTreeMap<Place<'_>, (&Event, Vec<&str>)> = BTreeMap::new();
        for result in &members {
            for (place, event) in result.events.iter().filter_map(|e| Some((place(e)?, e))) {
                all.entry(place).or_insert_with(|| (event, Vec::new())).1.push(&result.detection);
            }
        }
        for result in &members {
            let unseen = all.values().filter(|(_, by)| !by.contains(&result.detection.as_str()));
            for (n, (event, by)) in unseen.enumerate() {
                let detection: &Detection = &pack.detections[result.index];
                let explained = (n < EXPLAINED).then(|| why(session, detection, result, event, now));
                missing.push(Missing {
                    behaviour: pack.behaviours[behaviour].id.clone(),
                    index: result.index,
                    case: case.id.clone(),
                    event: (*event).clone(),
                    seen_by: by.iter().map(|b| (*b).to_owned()).collect(),
                    why: explained,
                });
            }
        }
    }
    missing
}

/// How the detections of each behaviour agree over all cases.
pub fn agreements(pack: &Pack, results: &[CaseResult]) -> Vec<Agreement> {
    let ran: BTreeSet<usize> = results.iter().flat_map(|r| &r.detections).map(|d| d.index).collect();
    let groups = groups(pack, &|i| ran.contains(&i));
    let each = groups.into_iter().map(|((behaviour, role), members)| {
        let mut events: BTreeMap<(&str, Place<'_>), usize> = BTreeMap::new();
        let mut seers: Vec<Seer> = Vec::new();
        let mut eventless = 0;
        for index in &members {
            let d = &pack.detections[*index];
            let mut seen = 0;
            for result in results {
                for r in result.detections.iter().filter(|r| r.index == *index) {
                    eventless += r.eventless;
                    for place in r.events.iter().filter_map(place) {
                        *events.entry((result.case.as_str(), place)).or_default() += 1;
                        seen += 1;
                    }
                }
            }
            seers.push(Seer { detection: d.id.clone(), dialect: d.dialect.clone(), events: seen });
        }
        let missing = results.iter().flat_map(|r| &r.missing).filter(|m| members.contains(&m.index)).cloned();
        Agreement {
            behaviour: pack.behaviours[behaviour].id.clone(),
            role,
            detections: seers,
            seen: events.len(),
            agreed: events.values().filter(|n| **n == members.len()).count(),
            eventless,
            missing: missing.collect(),
        }
    });
    each.collect()
}
