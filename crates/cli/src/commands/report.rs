//! `parallax report`

use super::detect::{Prepared, prepare, run_into};
use super::{show, test};
use crate::args::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::pack::Case;
use parallax_detect::test::CaseResult;
use parallax_detect::{Finding, Pack, RunOutcome};
use parallax_engine::Options;
use parallax_report::collect::Collector;
use parallax_report::model::{Document, Made, RunLine};
use parallax_report::{assemble, html};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Of more detections than that, only those that found something have a page.
const PAGES: usize = 100;

pub(crate) fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    if args.input.input.is_empty() && !args.catalogue {
        return Err(Failure::usage(
            "no input: give files or folders with --input PATH…, or --detections for the detections alone",
        ));
    }
    let mut prepared =
        prepare(&args.rules, &args.input, Some(&args.time), Some(&args.run.limits), &args.run.config, talk)?;
    let mut out = Target::open(&args.output)?;
    let tested = if args.test { Some(test_all(args, &prepared.detections.packs, talk)?) } else { None };
    let mut document = Document { title: title(args, &prepared), made: made(), ..Document::default() };
    let mut failed = None;
    if args.catalogue {
        prepared.say_faults(talk);
    } else {
        failed = find(args, &mut prepared, &mut document, talk)?;
        document.inputs = Some(assemble::inputs(&prepared.session, &prepared.reading));
    }
    document.unloaded = prepared.detections.faults.iter().map(|f| f.short()).collect();
    pages(&prepared, tested.as_deref(), &mut document);
    out.write(&document)?;
    say::reading(&prepared.reading, talk);
    if !talk.quiet {
        say::line(&format!("{}: {}", args.output.display(), summary(&document)));
    }
    let unloaded = (!prepared.detections.faults.is_empty()).then_some(Exit::Wrong);
    Ok(match failed.or(unloaded) {
        Some(exit) => exit,
        None if prepared.reading.damaged > 0 => Exit::Unreadable,
        None => Exit::Done,
    })
}

/// Runs the detections. How the program is to end, where one of them is wrong.
fn find(
    args: &ReportArgs,
    prepared: &mut Prepared,
    document: &mut Document,
    talk: Talk,
) -> Result<Option<Exit>, Failure> {
    let mut collector = Collector::new(args.limit);
    let progress = Progress::new(&prepared.session, talk);
    let ran = run_into(prepared, &progress, talk, &mut |finding: &Finding| {
        collector.add(finding);
        Ok(())
    })?;
    drop(progress);
    document.runs = ran.runs.iter().map(assemble::run_line).collect();
    let (time, from) = match (prepared.now, ran.latest) {
        (Some(given), _) => given,
        (None, Some(Some(latest))) => (latest, "the latest event"),
        (None, _) => (ran.wall, "the clock"),
    };
    // Where nothing asked for it, nothing depends on it.
    if prepared.now.is_some() || ran.latest.is_some() {
        document.made.reference = format!("{} ({from})", show(time));
    }
    let (totals, findings) = collector.finish();
    (document.entries, document.remarks) = assemble::entries(&prepared.session, findings, time);
    document.totals = totals;
    Ok(ran.runs.iter().find_map(|r| match &r.outcome {
        RunOutcome::Failed(e) => Some(super::query::exit_of(e)),
        _ => None,
    }))
}

/// The results of each pack's cases.
fn test_all(args: &ReportArgs, packs: &[Pack], talk: Talk) -> Result<Vec<Vec<CaseResult>>, Failure> {
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    // A case binds the lists of its pack itself.
    let options =
        Options { config: policy::config(&args.run.config, talk)?, ..policy::options(None, None, &args.run.limits)? };
    let cases = |pack: &Pack| pack.cases.iter().collect::<Vec<&Case>>().len();
    if packs.iter().map(cases).sum::<usize>() == 0 {
        say::line("note: --test: there is no case to run");
    }
    let results =
        |pack: &Pack| test::run_all(pack, &pack.cases.iter().collect::<Vec<&Case>>(), &options, scratch.path());
    Ok(packs.iter().map(results).collect())
}

/// The pages of packs and detections.
fn pages(prepared: &Prepared, tested: Option<&[Vec<CaseResult>]>, document: &mut Document) {
    let Prepared { session, detections, chosen, .. } = prepared;
    let results = |id: &str| {
        let at = detections.packs.iter().position(|p| p.id == id)?;
        tested.and_then(|all| all.get(at)).map(Vec::as_slice)
    };
    document.packs.extend(detections.packs.iter().map(|p| assemble::pack_page(p, results(&p.id))));
    let all: Vec<usize> = (0..detections.rules.len())
        .filter(|at| chosen.runs.get(*at) == Some(&true) && detections.rules[*at].reports())
        .collect();
    let many = all.len() > PAGES && document.inputs.is_some();
    let found = |at: &usize| document.totals.rules.get(&detections.rules[*at].about.name).is_some_and(|n| *n > 0);
    let shown: Vec<usize> = all.iter().copied().filter(|at| !many || found(at)).collect();
    document.without_page = all.len() - shown.len();
    document.pages = shown.into_iter().map(|at| assemble::page(session, detections, at, &results)).collect();
}

fn title(args: &ReportArgs, prepared: &Prepared) -> String {
    if let Some(title) = &args.title {
        return title.clone();
    }
    let what = if args.catalogue { "Detections" } else { "Detection report" };
    let names: Vec<&str> = prepared.detections.packs.iter().map(|p| p.id.as_str()).take(3).collect();
    if names.is_empty() { what.to_owned() } else { format!("{what}: {}", names.join(", ")) }
}

fn made() -> Made {
    let command: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let name = command.first().and_then(|c| Path::new(c).file_name()).map(|n| n.to_string_lossy().into_owned());
    let command: Vec<String> = name.into_iter().chain(command.into_iter().skip(1)).collect();
    Made {
        program: format!("Parallax {}", env!("CARGO_PKG_VERSION")),
        command: command.join(" "),
        time: show(policy::wall() / 1_000_000_000 * 1_000_000_000),
        reference: String::new(),
    }
}

fn summary(document: &Document) -> String {
    let fired = document.runs.iter().filter(|r: &&RunLine| r.found > 0).count();
    match &document.inputs {
        Some(_) => format!(
            "{} by {fired} of {}",
            say::count(document.totals.findings, "finding", "findings"),
            say::count(document.runs.len(), "detection", "detections"),
        ),
        None => say::count(document.pages.len(), "detection", "detections"),
    }
}

/// Where the report goes. It is opened before the work is done, so that a place that cannot be written is told at once.
enum Target {
    Stdout,
    File(File),
}

impl Target {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Target::Stdout);
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        file.map(Target::File).map_err(|e| Failure::usage(format!("{} can't be written: {e}", path.display())))
    }

    fn write(&mut self, document: &Document) -> io::Result<()> {
        match self {
            Target::Stdout => html::write(document, &mut BufWriter::new(io::stdout().lock())),
            Target::File(file) => {
                file.set_len(0)?;
                let mut out = BufWriter::new(file);
                html::write(document, &mut out)?;
                out.flush()
            }
        }
    }
}
