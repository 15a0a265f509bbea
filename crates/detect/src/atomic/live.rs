//! What the telemetry of a run shows: the signals that recorded runs of the test show, and the detections that fire.

use super::AtomicTest;
use crate::pack::{Case, CaseKind, Outcome, Pack, Rows, Signal};
use crate::test::{CaseResult, DetectionResult, SignalResult, detection, formats_of, signals};
use parallax_engine::{Options, Session};
use std::path::Path;

/// What a run is held against.
#[derive(Clone, Debug)]
pub struct Live {
    /// The case that it is.
    pub case: Case,
    /// Signals that only some of the recorded runs show: it depends on the arguments.
    pub sometimes: Vec<Signal>,
}

/// What a run is held against: what its pack's cases of the same test and of telemetry of the same formats expect.
///
/// What they expect is taken over where they are of one mind: a case may have been recorded with other arguments. How
/// often something is seen depends on the machine.
pub fn expected(pack: &Pack, test: &AtomicTest, formats: &[&'static str], options: &Options, scratch: &Path) -> Live {
    let same = |c: &&Case| {
        c.kind == CaseKind::Attack && c.atomic == test.name && formats_of(pack, c, options, scratch) == formats
    };
    let cases: Vec<&Case> = pack.cases.iter().filter(same).collect();
    let is = |a: &Signal, b: &Signal| a.query == b.query && a.dialect == b.dialect;
    let (mut signals, mut sometimes): (Vec<Signal>, Vec<Signal>) = (Vec::new(), Vec::new());
    for signal in cases.iter().flat_map(|c| &c.signals) {
        if signals.iter().chain(&sometimes).any(|s| is(s, signal)) {
            continue;
        }
        let rows = if signal.rows == Rows::Exactly(0) { signal.rows } else { Rows::AtLeast(1) };
        let all = cases.iter().all(|c| c.signals.iter().any(|s| is(s, signal)));
        if all { &mut signals } else { &mut sometimes }.push(Signal { rows, ..signal.clone() });
    }
    let mut expect = Vec::new();
    if let Some((first, rest)) = cases.split_first() {
        for e in &first.expect {
            let of = |c: &&&Case| c.expect.iter().find(|x| x.detection == e.detection).map(|x| kind(x.outcome));
            if rest.iter().all(|c| of(&c) == Some(kind(e.outcome))) {
                let mut e = e.clone();
                e.outcome = kind(e.outcome);
                expect.push(e);
            }
        }
    }
    let case = Case {
        id: "live".to_owned(),
        title: test.name.clone(),
        kind: CaseKind::Attack,
        atomic: test.name.clone(),
        method: String::new(),
        telemetry: Vec::new(),
        now: crate::pack::Reference::LatestEvent,
        lists: std::collections::BTreeMap::new(),
        signals,
        expect,
    };
    Live { case, sometimes }
}

/// An outcome without its number.
fn kind(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Fires(_) => Outcome::Fires(None),
        Outcome::FalsePositive(_) => Outcome::FalsePositive(None),
        other => other,
    }
}

/// Looks at the telemetry of a run; beside the result, the signals that may be there. A detection of which nothing is
/// expected may do what it does.
///
/// # Errors
/// A sentence.
pub fn look(session: &Session, pack: &Pack, live: &Live, now: i64) -> Result<(CaseResult, Vec<SignalResult>), String> {
    let case = &live.case;
    let mut result = CaseResult::of(case);
    result.opened(session);
    result.signals = signals(session, &case.signals, now, &mut result.reading);
    let sometimes = signals(session, &live.sometimes, now, &mut result.reading);
    for index in 0..pack.detections.len() {
        let mut one: DetectionResult = detection(session, pack, index, now, &mut result.reading)?;
        if let Some(e) = case.expect.iter().find(|e| e.detection == index) {
            one.expect(e);
        }
        result.detections.push(one);
    }
    Ok((result, sometimes))
}
