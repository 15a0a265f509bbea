//! The results as JSON. The shape is described in `docs/testing.md`; times are left out, so that two runs can be compared.

use super::agreement::{Agreement, Missing, agreements};
use super::case::{Actual, CaseResult, DetectionResult, SignalResult};
use super::coverage::{Coverage, Tally, coverage};
use crate::finding::Event;
use crate::pack::{Case, Outcome, Pack};
use parallax_engine::value::datetime;
use serde_json::{Value as Json, json};

/// The version of the shape.
const FORMAT: u32 = 2;

/// The results of packs: each with its cases in the order of their results.
pub fn json(all: &[(&Pack, &[&Case], &[CaseResult])]) -> Json {
    let packs: Vec<Json> = all.iter().map(|(p, cases, results)| pack(p, cases, results)).collect();
    let holds = all.iter().all(|(_, _, results)| results.iter().all(CaseResult::holds));
    json!({ "format": FORMAT, "holds": holds, "packs": packs })
}

fn pack(pack: &Pack, cases: &[&Case], results: &[CaseResult]) -> Json {
    let each: Vec<Json> = cases.iter().zip(results).map(|(c, r)| case(pack, c, r)).collect();
    let agreement: Vec<Json> = agreements(pack, results).iter().map(|a| agreed(pack, a)).collect();
    json!({
        "id": pack.id,
        "title": pack.title,
        "version": pack.version,
        "holds": results.iter().all(CaseResult::holds),
        "cases": each,
        "agreement": agreement,
        "coverage": covered(&coverage(pack, cases, results)),
    })
}

/// One case; `parallax atomic run` prints it too.
pub fn case(pack: &Pack, case: &Case, result: &CaseResult) -> Json {
    let damages: Vec<Json> =
        result.reading.damages.iter().map(|d| json!({ "file": d.file, "reason": d.reason })).collect();
    json!({
        "id": case.id,
        "title": case.title,
        "kind": case.kind.word(),
        "method": pack.method(case),
        "atomic": case.atomic,
        "sources": result.formats,
        "holds": result.holds(),
        "failure": result.failure,
        "damages": damages,
        "signals": result.signals.iter().map(signal).collect::<Vec<_>>(),
        "detections": result.detections.iter().map(detection).collect::<Vec<_>>(),
    })
}

fn signal(s: &SignalResult) -> Json {
    let (rows, error) = match &s.found {
        Ok(n) => (Json::from(*n), Json::Null),
        Err(e) => (Json::Null, Json::from(e.clone())),
    };
    json!({ "title": s.title, "expected": s.wanted.to_string(), "rows": rows, "error": error, "holds": s.holds })
}

fn detection(d: &DetectionResult) -> Json {
    let wanted = match d.expected {
        Some(Outcome::Fires(n) | Outcome::FalsePositive(n)) => n,
        _ => None,
    };
    let (actual, findings, error) = match &d.actual {
        Actual::Found(n) => ("found", Json::from(*n), Json::Null),
        Actual::NotApplicable => ("not-applicable", Json::Null, Json::Null),
        Actual::Failed(e) => ("failed", Json::Null, Json::from(e.clone())),
    };
    json!({
        "detection": d.detection,
        "expected": d.expected.map(Outcome::word),
        "expected_findings": wanted,
        "reason": d.reason,
        "actual": actual,
        "findings": findings,
        "error": error,
        "lacking": d.lacking,
        "holds": d.holds,
    })
}

fn agreed(pack: &Pack, a: &Agreement) -> Json {
    let seers =
        a.detections.iter().map(|d| json!({ "detection": d.detection, "dialect": d.dialect, "events": d.events }));
    json!({
        "behaviour": a.behaviour,
        "role": a.role.map(|r| r.word()),
        "detections": seers.collect::<Vec<_>>(),
        "events": a.seen,
        "agreed": a.agreed,
        "without_event": a.eventless,
        "missing": a.missing.iter().map(|m| missing(pack, m)).collect::<Vec<_>>(),
    })
}

fn missing(pack: &Pack, m: &Missing) -> Json {
    json!({
        "detection": pack.detections.get(m.index).map(|d| &d.id),
        "case": m.case,
        "event": event(&m.event),
        "seen_by": m.seen_by,
        "why": m.why.as_ref().map(super::Why::sentence),
    })
}

/// An event as far as it tells itself apart.
pub(crate) fn event(e: &Event) -> Json {
    json!({
        "time": e.time.map(datetime),
        "host": e.host,
        "process_id": e.process_id,
        "image": e.image,
        "command_line": e.command_line,
        "source": e.source,
        "record": e.record,
    })
}

fn covered(c: &Coverage) -> Json {
    let tally =
        |t: &Tally| json!({ "caught": t.caught, "applicable": t.applicable, "cases": t.cases, "percent": t.percent() });
    let of = |tallies: &[Tally]| -> Vec<Json> {
        let pairs = c.groups.iter().zip(tallies).map(|(g, t)| {
            let mut one = tally(t);
            one["role"] = Json::from(g.role.map(|r| r.word()));
            one["dialect"] = Json::from(g.dialect.clone());
            one
        });
        pairs.collect()
    };
    let methods: Vec<Json> = c
        .methods
        .iter()
        .map(|m| json!({ "method": m.name, "cases": m.cases, "caught": of(&m.caught), "detections": m.by }))
        .collect();
    let detections: Vec<Json> = c
        .detections
        .iter()
        .map(|(id, t)| {
            let mut one = tally(t);
            one["detection"] = Json::from(id.clone());
            one
        })
        .collect();
    json!({ "methods": methods, "total": of(&c.total), "detections": detections })
}
