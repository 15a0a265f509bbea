//! Running rules over a session.

use crate::compile::{Compiled, Ready, nothing};
use crate::entity::Entity;
use crate::insight::{Insight, Scores, Settings};
use crate::matched::{Batch, Matched, Sources};
use crate::signal::Signal;
use crate::watch::{Firing, Look};
use parallax_engine::{Error, Session};
use parallax_telemetry::Report;
use std::io;
use std::sync::Arc;

/// How often what can no longer matter is let go, in records.
const FORGET: u64 = 4096;

/// What comes out of a run, as it comes.
#[derive(Debug)]
pub enum Outcome {
    /// A rule fired.
    Signal(Signal),
    /// An entity's score exceeded the threshold, by the Signal before.
    Insight(Insight),
}

/// What a run was.
#[derive(Debug)]
pub struct Run {
    /// How many Signals there were, suppressed ones among them.
    pub signals: usize,
    /// How many of them were suppressed.
    pub suppressed: usize,
    /// How many Insights.
    pub insights: usize,
    /// Records for which some expression held.
    pub matched: u64,
    /// Records without a time among them: windows and baselines do not see them.
    pub timeless: u64,
    /// The entities with a score above zero at the end, the highest first.
    pub entities: Vec<(Entity, u32)>,
    /// Whether an input can hold records.
    pub fed: bool,
    /// Why it ended early.
    pub failed: Option<Error>,
}

/// Runs the rules over all records of the session, in one reading. `learn` is how long first-seen and outlier rules
/// learn, in milliseconds, instead of what they say.
///
/// # Errors
/// The reading cannot be planned, as text (inner), or `out` fails (outer).
pub fn run(
    session: &Session,
    mut compiled: Compiled,
    settings: Settings,
    learn: Option<i64>,
    watch: &mut dyn FnMut(&Arc<Report>),
    out: &mut dyn FnMut(Outcome) -> io::Result<()>,
) -> io::Result<Result<(Run, Arc<Report>), Error>> {
    if compiled.asked.conditions.is_empty() {
        compiled.asked.conditions.push(nothing());
    }
    if let Some(millis) = learn {
        compiled.ready.iter_mut().for_each(|r| r.watch.learn(millis));
    }
    let records = match session.records(std::mem::take(&mut compiled.asked)) {
        Ok(records) => records,
        Err(e) => return Ok(Err(e)),
    };
    watch(&records.report);
    let mut runner = Runner {
        compiled,
        scores: Scores::new(settings),
        sources: Sources::default(),
        run: Run {
            signals: 0,
            suppressed: 0,
            insights: 0,
            matched: 0,
            timeless: 0,
            entities: Vec::new(),
            fed: records.fed,
            failed: None,
        },
        latest: i64::MIN,
    };
    for batch in records.rows {
        match batch {
            Ok(batch) => {
                if let Some(batch) = Batch::new(&batch) {
                    let rows = batch.len();
                    for row in 0..rows {
                        runner.record(&batch, row, out)?;
                    }
                }
            }
            Err(e) => {
                runner.run.failed = Some(e);
                break;
            }
        }
    }
    runner.run.entities = runner.scores.left(runner.latest);
    Ok(Ok((runner.run, records.report)))
}

struct Runner {
    compiled: Compiled,
    scores: Scores,
    sources: Sources,
    run: Run,
    latest: i64,
}

impl Runner {
    fn record(
        &mut self,
        batch: &Batch<'_>,
        row: usize,
        out: &mut dyn FnMut(Outcome) -> io::Result<()>,
    ) -> io::Result<()> {
        let record = Matched::new(batch, row);
        self.run.matched += 1;
        match record.time() {
            Some(time) => self.latest = self.latest.max(time),
            None => self.run.timeless += 1,
        }
        let Compiled { ready, places, .. } = &mut self.compiled;
        for rule in ready.iter_mut().filter(|r| r.watch.wants(&record)) {
            let entities = entities(rule, &record);
            let mut fired = Vec::new();
            let fire = &mut |firing: Firing| fired.push(firing);
            rule.watch.look(&mut Look { record: &record, entities: &entities, sources: &mut self.sources, fire });
            for firing in fired {
                let value = |name: &str| places.get(name).and_then(|place| record.text(*place));
                let mut signal = signal(rule, firing, &record, &value);
                let insight = self.scores.add(&mut signal, rule.rule.suppression);
                self.run.signals += 1;
                self.run.suppressed += usize::from(signal.suppressed_by.is_some());
                out(Outcome::Signal(signal))?;
                if let Some(insight) = insight {
                    self.run.insights += 1;
                    out(Outcome::Insight(insight))?;
                }
            }
        }
        if self.run.matched.is_multiple_of(FORGET) {
            self.compiled.ready.iter_mut().for_each(|r| r.watch.forget(self.latest));
            self.scores.forget(self.latest);
        }
        Ok(())
    }
}

/// The entities of the rule that the record has, each once.
fn entities(rule: &Ready, record: &Matched<'_>) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::with_capacity(rule.entities.len());
    for (kind, place) in &rule.entities {
        let Some(value) = record.text(*place).filter(|v| !v.is_empty()) else { continue };
        let entity = Entity { kind: kind.clone(), value: value.to_owned() };
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    entities
}

/// The Signal of a firing: its texts are those of the record by which it fired.
fn signal<'a>(rule: &Ready, firing: Firing, record: &Matched<'a>, value: &dyn Fn(&str) -> Option<&'a str>) -> Signal {
    let name = rule.name.fill(value);
    let severity = rule.rule.severity.of(rule.severity.and_then(|place| record.text(place)));
    Signal {
        id: Signal::identify(&rule.rule.id, &firing.entity, &name, &firing.records),
        rule: rule.rule.id.clone(),
        kind: rule.rule.kind.name(),
        summary: rule.summary.fill(value),
        description: rule.description.fill(value),
        name,
        entity: firing.entity,
        severity,
        tags: rule.rule.tags.clone(),
        time: record.time(),
        prototype: rule.rule.prototype,
        suppressed_by: None,
        count: firing.count,
        records: firing.records,
    }
}
