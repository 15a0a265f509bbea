//! `parallax check`

use super::query::read;
use super::{packs, siem};
use crate::args::{CheckArgs, CheckFormat};
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::Pack;
use parallax_diagnostics::{Diagnostic, Diagnostics, Severity};
use parallax_engine::{Context, Dialect, Error, Options, Session};
use parallax_report::sarif::Diagnosed;
use serde_json::{Value as Json, json};
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

/// A query to check.
struct Subject {
    dialect: Dialect,
    text: String,
    origin: String,
    /// The file to write a corrected query to; one that holds more than the query is not written.
    file: Option<String>,
}

pub(crate) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    let (rules, files): (Vec<_>, Vec<_>) = args.files.iter().cloned().partition(|f| siem::is_rules(f));
    let (subjects, packs) = subjects(&files, talk)?;
    let packs: Vec<&Pack> = packs.iter().collect();
    // A pack in a folder needs no other.
    let config = packs::config(&packs, &args.config, Path::new(""), talk)?;
    let options = Options { config, ..Options::default() };
    let session = Session::open(&args.input, options).map_err(Failure::usage)?;
    let context = policy::context(&args.language, policy::wall())?;
    let mut reports = Vec::new();
    let mut sarif = Diagnosed::default();
    let mut errors = false;
    let mut count = 0;
    for file in &rules {
        let (some, said) = siem::check(file)?;
        count += some;
        errors |= said.iter().any(parallax_siem::Wrong::refuses);
        for wrong in &said {
            let origin = format!("{file}: {}: {}", wrong.rule, wrong.place);
            match args.format {
                CheckFormat::Table => say::diagnostics(&wrong.diagnostics, &wrong.text, &origin, talk),
                CheckFormat::Json => reports.push(json!({
                    "file": file,
                    "dialect": "cloud-siem",
                    "rule": wrong.rule,
                    "place": wrong.place,
                    "diagnostics": listed(&wrong.diagnostics, &wrong.text),
                })),
                CheckFormat::Sarif => {
                    sarif.add_within(file, &format!("{}: {}", wrong.rule, wrong.place), &wrong.diagnostics);
                }
            }
        }
    }
    for subject in &subjects {
        let mut found = check(&session, subject, &context);
        // Of many rules what each is about is no news.
        if subjects.len() > 1 && !talk.verbose && args.format == CheckFormat::Table {
            found.0.retain(|d| subject.dialect != Dialect::Sigma || d.severity != Severity::Note);
        }
        errors |= found.has_errors();
        let fixed = if args.fix { fix(subject, &found)? } else { 0 };
        let corrected = Corrected::of(&session, subject, &found, &context);
        match args.format {
            CheckFormat::Table => {
                say::diagnostics(&found, &subject.text, &subject.origin, talk);
                if fixed > 0 && !talk.quiet {
                    say::line(&format!("{}: {} written", subject.origin, say::count(fixed, "fix", "fixes")));
                } else if let Some(corrected) = corrected.filter(|_| !talk.quiet) {
                    corrected.say(&subject.origin);
                }
            }
            CheckFormat::Json => reports.push(report(subject, &found, fixed, corrected.as_ref())),
            CheckFormat::Sarif => match &subject.file {
                Some(file) => sarif.add(file, &subject.text, &found),
                None => sarif.add_within(file_of(&subject.origin), &subject.origin, &found),
            },
        }
    }
    if args.format == CheckFormat::Json {
        writeln!(stdout(), "{}", json!({ "files": reports }))?;
    } else if args.format == CheckFormat::Sarif {
        let log = sarif.json(env!("CARGO_PKG_VERSION"));
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&log).unwrap_or_default())?;
    } else if !talk.quiet {
        let state = if errors { "errors found" } else { "no errors" };
        let queries = say::count(subjects.len(), "query", "queries");
        let rules = say::count(count, "rule", "rules");
        say::line(&match (subjects.is_empty(), count) {
            (true, 1..) => format!("{rules}: {state}"),
            (false, 1..) => format!("{queries}, {rules}: {state}"),
            _ => format!("{queries}: {state}"),
        });
    }
    Ok(if errors { Exit::Wrong } else { Exit::Done })
}

/// The file that a query's origin names before the place in it.
fn file_of(origin: &str) -> &str {
    origin.split_once(": ").map_or(origin, |(file, _)| file)
}

fn check(session: &Session, subject: &Subject, context: &Context) -> Diagnostics {
    match session.check(subject.dialect, &subject.text, context) {
        Ok(diagnostics) | Err(Error::Query(diagnostics)) => diagnostics,
        Err(e) => Diagnostic::error("QUERY0002", parallax_diagnostics::Span::at(0), e.to_string()).into(),
    }
}

/// The queries in files and packs, and the packs that lists come from.
fn subjects(files: &[String], talk: Talk) -> Result<(Vec<Subject>, Vec<Pack>), Failure> {
    let (mut subjects, mut packs) = (Vec::new(), Vec::<Pack>::new());
    for file in files {
        let folder = Path::new(file);
        if folder.is_dir() && !folder.join("pack.yaml").exists() {
            loose(folder, &mut subjects, talk)?;
            packs.extend(packs::around(file, talk)?.filter(|p| packs.iter().all(|q| q.id != p.id)));
        } else if folder.is_dir() {
            let pack = Pack::open(Path::new(file)).map_err(|e| Failure::wrong(e.render(talk.style)))?;
            for q in pack.queries() {
                let Some(dialect) = Dialect::named(q.dialect) else { continue };
                let file = q.file.map(|f| pack.files.name(f));
                subjects.push(Subject { dialect, text: q.text.to_owned(), origin: q.origin, file });
            }
            packs.push(pack);
        } else {
            let (dialect, text) = read(file)?;
            subjects.push(Subject { dialect, text, origin: file.clone(), file: Some(file.clone()) });
            packs.extend(packs::around(file, talk)?.filter(|p| packs.iter().all(|q| q.id != p.id)));
        }
    }
    Ok((subjects, packs))
}

/// The queries and rules in a folder that is no pack, in the order of their names.
fn loose(folder: &Path, subjects: &mut Vec<Subject>, talk: Talk) -> Result<(), Failure> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    let (mut other, before) = (0, subjects.len());
    for path in files {
        let name = path.display().to_string();
        if Dialect::of_file(&name).is_none() {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
        match Dialect::of_text(&name, &text) {
            Ok(dialect) => subjects.push(Subject { dialect, text, origin: name.clone(), file: Some(name) }),
            Err(_) => other += 1,
        }
    }
    if other > 0 && !talk.quiet {
        let files = say::count(other, "YAML file", "YAML files");
        say::line(&format!(
            "{}: {files} that {} no Sigma rule",
            folder.display(),
            if other == 1 { "is" } else { "are" }
        ));
    }
    if subjects.len() == before {
        return Err(Failure::usage(format!("{}: there is no pack, query or rule in this folder", folder.display())));
    }
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |e: std::io::Error| Failure::usage(format!("{}: {e}", folder.display()));
    let mut entries =
        std::fs::read_dir(folder).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // The type of the entry itself: a link to a folder above would never end.
        match entry.file_type().map_err(unreadable)? {
            _ if hidden => {}
            kind if kind.is_dir() => walk(&entry.path(), files)?,
            _ => files.push(entry.path()),
        }
    }
    Ok(())
}

/// Writes the query with its fixes; says how many there were. Of two that overlap the first is taken: another run
/// finds the other.
fn fix(subject: &Subject, found: &Diagnostics) -> Result<usize, Failure> {
    let Some(file) = &subject.file else { return Ok(0) };
    let (text, done) = fixed(&subject.text, found);
    if done > 0 {
        std::fs::write(file, text).map_err(|e| Failure::usage(format!("{file}: {e}")))?;
    }
    Ok(done)
}

/// The text with the fixes that there are for it, and their number.
fn fixed(text: &str, found: &Diagnostics) -> (String, usize) {
    let mut fixes: Vec<_> = found.iter().filter_map(|d| d.fix.as_ref()).collect();
    fixes.sort_by_key(|f| (f.span.start, f.span.end));
    let mut out = String::with_capacity(text.len());
    let (mut at, mut done) = (0, 0);
    for f in fixes {
        let Some(between) = text.get(at..f.span.start) else { continue };
        if f.span.end < f.span.start || !text.is_char_boundary(f.span.end) {
            continue;
        }
        out.push_str(between);
        out.push_str(&f.replacement);
        at = f.span.end;
        done += 1;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, done)
}

/// A query that runs here and not in the real product, as that takes it.
struct Corrected {
    text: String,
    /// Its result is the same.
    same: bool,
}

impl Corrected {
    /// Fixes until there is nothing to fix; nothing where something is left that has no fix.
    fn of(session: &Session, subject: &Subject, found: &Diagnostics, context: &Context) -> Option<Self> {
        if subject.dialect != Dialect::Sumo || found.has_errors() {
            return None;
        }
        let (mut text, mut some) = fixed(&subject.text, found);
        let mut strict = context.clone();
        strict.strict = true;
        // A fix may hold what another one is for: a round for each level of nesting.
        for _ in 0..32 {
            if some == 0 || session.check(subject.dialect, &text, &strict).is_ok() {
                break;
            }
            let again = session.check(subject.dialect, &text, context).ok()?;
            (text, some) = fixed(&text, &again);
        }
        if text == subject.text || session.check(subject.dialect, &text, &strict).is_err() {
            return None;
        }
        let same = session.plans_alike(subject.dialect, &subject.text, &text, context);
        Some(Corrected { text, same })
    }

    fn say(&self, origin: &str) {
        let same = if self.same { ", with the same result" } else { "" };
        say::line(&format!(
            "{origin}: the query as Sumo takes it{same} (`--fix` writes it):\n\n{}\n",
            self.text.trim_end()
        ));
    }
}

fn report(subject: &Subject, found: &Diagnostics, fixed: usize, corrected: Option<&Corrected>) -> Json {
    let diagnostics = listed(found, &subject.text);
    let mut report = json!({ "file": subject.origin, "dialect": subject.dialect.name(), "fixed": fixed, "diagnostics": diagnostics });
    if let Some(corrected) = corrected {
        report["corrected"] = json!({ "query": corrected.text, "same_result": corrected.same });
    }
    report
}

/// Diagnostics about a text, with their places.
fn listed(found: &Diagnostics, text: &str) -> Vec<Json> {
    found
        .iter()
        .map(|d| {
            let (line, column) = d.position(text);
            let severity = match d.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            json!({
                "severity": severity,
                "code": d.code,
                "message": d.message,
                "line": line,
                "column": column,
                "start": d.span.start,
                "end": d.span.end,
                "label": d.label,
                "help": d.help,
                "fix": d.fix.as_ref().map(|f| json!({
                    "start": f.span.start, "end": f.span.end, "replacement": f.replacement
                })),
            })
        })
        .collect()
}
