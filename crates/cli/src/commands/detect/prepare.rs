//! From flags to detections and inputs.

use super::severity;
use crate::args::{ConfigArgs, InputArgs, LimitArgs, RulesArgs, TimeArgs};
use crate::commands::{packs, reference};
use crate::exit::Failure;
use crate::policy::{self, Now, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::run_all;
use parallax_detect::source::{Fault, Placeholders};
use parallax_detect::{Chosen, Detections, EMBEDDED, Filters, Found, Job, Ran, Reading, RunOutcome, Sink};
use parallax_engine::{Config, Session};
use std::path::Path;
use tempfile::TempDir;

/// Everything that a run needs.
pub(crate) struct Prepared {
    pub(crate) session: Session,
    pub(crate) detections: Detections,
    pub(crate) chosen: Chosen,
    pub(crate) reading: Reading,
    /// The reference time, and where it comes from; without one, all recorded time is gone through.
    pub(crate) now: Option<(i64, &'static str)>,
    /// Holds what is unpacked of the packs that are built in.
    _scratch: TempDir,
}

/// Loads the detections and finds the inputs.
pub(crate) fn prepare(
    rules: &RulesArgs,
    input: &InputArgs,
    time: Option<&TimeArgs>,
    limits: Option<&LimitArgs>,
    config: &ConfigArgs,
    talk: Talk,
) -> Result<Prepared, Failure> {
    // Without `--now`, recorded time is gone through as a whole.
    let given = time.filter(|t| t.now.is_some());
    let now = given.map(|time| policy::now(time, Now::Latest)).transpose()?;
    let mut options = policy::options(Some(input), time, limits.unwrap_or(&LimitArgs::default()))?;
    let found = Found::at(&rules.detections, EMBEDDED);
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    options.config = packs::config(&found.packs().iter().collect::<Vec<_>>(), config, scratch.path(), talk)?;
    let placeholders = placeholders(&rules.placeholders, &options.config)?;
    let detections = found.load(&placeholders);
    let chosen = filters(rules).choose(&detections);
    if detections.rules.is_empty() {
        say_faults(&detections.faults, talk);
        return Err(match detections.faults.is_empty() {
            true => Failure::usage("no detection to run"),
            false => Failure::wrong("error: no detection could be loaded"),
        });
    }
    if !detections.rules.iter().zip(&chosen.runs).any(|(rule, runs)| *runs && rule.reports()) {
        return Err(Failure::usage(format!("no detection to run{}", left_out(&chosen))));
    }
    let session = Session::open(&input.input, options).map_err(Failure::usage)?;
    let mut reading = Reading::default();
    reading.add(session.discovery());
    let now = now.map(|now| reference(&session, now, &mut reading)).transpose()?.map(|r| (r.time, r.from));
    Ok(Prepared { session, detections, chosen, reading, now, _scratch: scratch })
}

/// Runs the chosen detections; each finding goes to `sink`.
pub(crate) fn run_into(
    prepared: &mut Prepared,
    progress: &Progress,
    talk: Talk,
    sink: Sink<'_>,
) -> Result<Ran, Failure> {
    prepared.say_faults(talk);
    let job = Job {
        session: &prepared.session,
        detections: &prepared.detections,
        chosen: &prepared.chosen.runs,
        now: prepared.now.map(|(time, _)| time),
        wall: policy::wall(),
    };
    let watch = &mut |rule: &str, report: &_| progress.watch(rule, report);
    let ran = run_all(&job, &mut prepared.reading, watch, sink)?;
    progress.clear();
    for run in &ran.runs {
        for warning in run.warnings.iter().filter(|_| talk.verbose) {
            say::line(warning);
        }
        if let RunOutcome::Failed(e) = &run.outcome {
            say::line(&say::error(e, &run.about.text, &run.about.file, talk));
        }
    }
    prepared.reading.add(prepared.session.discovery());
    Ok(ran)
}

impl Prepared {
    /// Says what could not be loaded.
    pub(crate) fn say_faults(&self, talk: Talk) {
        say_faults(&self.detections.faults, talk);
        if talk.verbose {
            self.detections.remarks.iter().for_each(|f| say::line(&f.render(talk.style)));
        }
    }
}

fn say_faults(faults: &[Fault], talk: Talk) {
    // So many are shown with their place marked; more are a line each, and many more a number.
    const SHOWN: usize = 3;
    const LINES: usize = 20;
    for (n, fault) in faults.iter().enumerate() {
        if n < SHOWN || talk.verbose {
            say::line(&fault.render(talk.style));
        } else if n < LINES {
            say::line(&format!("error: {}", crate::output::text::safe(&fault.short())));
        }
    }
    if faults.len() > LINES && !talk.verbose {
        say::line(&format!("error: and {} more files that can't be loaded; `-v` shows all", faults.len() - LINES));
    }
}

/// What the filters left out, for the end of a sentence.
pub(super) fn left_out(chosen: &Chosen) -> String {
    let each: Vec<String> = chosen.left_out.iter().map(|(flag, n)| format!("{n} by {flag}")).collect();
    if each.is_empty() { String::new() } else { format!("; left out: {}", each.join(", ")) }
}

fn filters(args: &RulesArgs) -> Filters {
    Filters {
        level: args.level.map(severity),
        only_level: args.only_level.iter().copied().map(severity).collect(),
        tags: args.tag.clone(),
        status: args.status.clone(),
        rules: args.rule.clone(),
        exclude: args.exclude.clone(),
    }
}

/// Those of the files, then those of the configuration, packs' lists among them.
fn placeholders(files: &[impl AsRef<Path>], config: &Config) -> Result<Placeholders, Failure> {
    let names = config.sigma.placeholders.keys();
    let mut all: Placeholders =
        names.filter_map(|n| Some((n.clone(), config.placeholder(n, policy::wall())?))).collect();
    for file in files {
        let file = file.as_ref();
        let wrong = |why: String| Failure::usage(format!("--placeholders: {}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
        all.extend(parallax_detect::source::placeholders(&text).map_err(wrong)?);
    }
    Ok(all)
}
