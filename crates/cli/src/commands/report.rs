//! `parallax report`

use super::{Reference, detect, packs, reference, show, test};
use crate::args::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::policy::{self, Now, Talk};
use crate::progress::Progress;
use crate::say;
use parallax_detect::pack::{Case, Detection};
use parallax_detect::test::CaseResult;
use parallax_detect::{Finding, Pack, Reading, RunOutcome, When, run as run_detection};
use parallax_engine::{Dialect, Options, Session};
use parallax_report::collect::Collector;
use parallax_report::model::{Document, Made, RunLine};
use parallax_report::{assemble, html};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    if args.input.input.is_empty() && !args.detections {
        return Err(Failure::usage(
            "no input: give files or folders with --input PATH…, or --detections for the detections alone",
        ));
    }
    let packs = packs::open(&args.packs, talk)?;
    let now = args.time.now.as_ref().map(|_| policy::now(&args.time, Now::Latest)).transpose()?;
    let mut options = policy::options(Some(&args.input), Some(&args.time), &args.limits)?;
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    options.config = packs::config(&packs.iter().collect::<Vec<_>>(), &args.config, scratch.path(), talk)?;
    let mut out = Target::open(&args.output)?;
    let tested = args.test.then(|| test_all(&packs, &options, scratch.path()));
    let session = Session::open(&args.input.input, options).map_err(Failure::usage)?;
    let mut reading = Reading::default();
    reading.add(session.discovery());

    let mut document = Document { title: title(args, &packs), made: made(), ..Document::default() };
    let mut failed = None;
    if !args.detections {
        let (when, reference) = match now {
            Some(now) => {
                let reference = reference(&session, now, &mut reading)?;
                (When::At(reference.time), reference)
            }
            None => detect::recorded(&session, &mut reading),
        };
        failed = find(args, &session, &packs, (&when, &reference), &mut reading, &mut document, talk)?;
        reading.add(session.discovery());
        document.inputs = Some(assemble::inputs(&session, &reading));
    }
    pages(args, &session, &packs, tested.as_deref(), &mut document);
    out.write(&document)?;
    say::reading(&reading, talk);
    if !talk.quiet {
        say::line(&format!("{}: {}", args.output.display(), summary(&document)));
    }
    Ok(match failed {
        Some(exit) => exit,
        None if reading.damaged > 0 => Exit::Unreadable,
        None => Exit::Done,
    })
}

fn chosen<'p>(args: &'p ReportArgs, packs: &'p [Pack]) -> impl Iterator<Item = (&'p Pack, &'p Detection)> {
    let of = move |pack: &'p Pack| pack.detections.iter().map(move |d| (pack, d));
    packs.iter().flat_map(of).filter(|(pack, d)| packs::chosen(&args.only, &pack.id, &d.id))
}

/// Runs the detections. How the program is to end, where one of them is wrong.
fn find(
    args: &ReportArgs,
    session: &Session,
    packs: &[Pack],
    (when, reference): (&When, &Reference),
    reading: &mut Reading,
    document: &mut Document,
    talk: Talk,
) -> Result<Option<Exit>, Failure> {
    let mut collector = Collector::new(args.limit);
    let mut failed = None;
    for (pack, detection) in chosen(args, packs) {
        let progress = Progress::new(session, talk);
        let watch = &mut |rule: &str, report: &_| progress.watch(rule, report);
        let sink = &mut |finding: &Finding| {
            collector.add(finding);
            Ok(())
        };
        let run = run_detection(session, pack, detection, when, reading, watch, sink)?;
        let file = pack.files.name(&detection.path);
        if let RunOutcome::Failed(e) = &run.outcome {
            say::line(&say::error(e, &detection.query, &file, talk));
            failed.get_or_insert(super::query::exit_of(e));
        }
        document.runs.push(assemble::run_line(&run, &detection.title, &detection.query, &file));
    }
    if document.runs.is_empty() {
        return Err(Failure::usage("no detection to run"));
    }
    let (totals, findings) = collector.finish();
    let query = |rule: &str| {
        let (_, detection) = chosen(args, packs).find(|(pack, d)| rule == format!("{}/{}", pack.id, d.id))?;
        Some(assemble::Query { dialect: Dialect::named(&detection.dialect)?, text: &detection.query })
    };
    (document.entries, document.remarks) = assemble::entries(session, findings, reference.time, &query);
    document.totals = totals;
    document.made.reference = format!("{} ({})", show(reference.time), reference.from);
    Ok(failed)
}

fn test_all(packs: &[Pack], options: &Options, scratch: &Path) -> Vec<Vec<CaseResult>> {
    let results = |pack: &Pack| test::run_all(pack, &pack.cases.iter().collect::<Vec<&Case>>(), options, scratch);
    packs.iter().map(results).collect()
}

/// The pages of packs and detections.
fn pages(
    args: &ReportArgs,
    session: &Session,
    packs: &[Pack],
    tested: Option<&[Vec<CaseResult>]>,
    document: &mut Document,
) {
    let results = |at: usize| tested.and_then(|all| all.get(at)).map(Vec::as_slice);
    for (at, pack) in packs.iter().enumerate() {
        document.packs.push(assemble::pack_page(pack, results(at)));
        let own = pack.detections.iter().filter(|d| packs::chosen(&args.only, &pack.id, &d.id));
        document.pages.extend(own.map(|d| assemble::page(session, pack, d, results(at))));
    }
}

fn title(args: &ReportArgs, packs: &[Pack]) -> String {
    if let Some(title) = &args.title {
        return title.clone();
    }
    let names: Vec<&str> = packs.iter().map(|p| p.id.as_str()).take(3).collect();
    let more = if packs.len() > 3 { " and others" } else { "" };
    format!("{}: {}{more}", if args.detections { "Detections" } else { "Detection report" }, names.join(", "))
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
    let pages = say::count(document.pages.len(), "detection", "detections");
    match &document.inputs {
        Some(_) => format!("{} by {fired} of {pages}", say::count(document.totals.findings, "finding", "findings")),
        None => pages,
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
