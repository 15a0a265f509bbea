//! `parallax convert`

pub(crate) mod export;
mod verify;

use crate::args::{ConvertArgs, LanguageArg, ReportFormat};
use crate::commands::packs;
use crate::exit::{Exit, Failure};
use crate::policy::Talk;
use crate::say;
use parallax_convert::middle::LogSource;
use parallax_convert::{Converted, Detection, Language, Loss, Losses, Options, Placeholders, convert, read};
use parallax_diagnostics::{Diagnostic, Diagnostics};
use parallax_engine::{Config, Dialect};
use serde_json::{Value as Json, json};
use std::io::{Write, stdout};
use std::path::Path;
use verify::{Compared, Verifier};

/// A text to convert.
struct Source {
    text: String,
    origin: String,
    from: Language,
}

/// What became of one detection.
struct Outcome<'a> {
    source: &'a Source,
    result: Result<(Detection, Converted), Diagnostics>,
    compared: Option<Compared>,
}

pub(crate) fn run(args: &ConvertArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.run.talk);
    let to = language(args.to);
    let sources = sources(args)?;
    let logs = args.logsource.as_deref().map(logsource).transpose()?;
    let options = Options { table: args.table.clone(), scope: args.scope.clone(), strict: args.strict };
    let mut verifier = args.verify.as_ref().map(|paths| Verifier::new(paths, &args.run.limits, talk)).transpose()?;
    let mut outcomes = Vec::new();
    for source in &sources {
        if source.from == to {
            return Err(Failure::usage(format!("{}: this is {} already", source.origin, name(to))));
        }
        let file = Some(source.origin.as_str()).filter(|_| !args.files.is_empty());
        let values = placeholders(&packs::config_around(file, &args.run.config, talk)?);
        for found in read(&source.text, source.from, logs.as_ref(), &values) {
            let result = found.and_then(|(detection, losses): (Detection, Losses)| {
                let converted = convert(&detection, losses, to, &options)?;
                Ok((detection, converted))
            });
            let compared = match (&mut verifier, &result) {
                (Some(verifier), Ok((detection, converted))) => {
                    Some(verifier.compare(source.from, &source.text, detection, to, converted, &values)?)
                }
                _ => None,
            };
            outcomes.push(Outcome { source, result, compared });
        }
    }
    match args.format {
        ReportFormat::Json => writeln!(stdout(), "{}", report(&outcomes, to))?,
        ReportFormat::Table => shown(&outcomes, args, to, talk)?,
    }
    let refused = outcomes.iter().any(|o| o.result.is_err());
    let differs = outcomes.iter().any(|o| o.compared.as_ref().is_some_and(Compared::unexplained));
    Ok(match (refused, differs) {
        (true, _) => Exit::Wrong,
        (_, true) => Exit::Found,
        _ => Exit::Done,
    })
}

/// The values of Sigma's placeholders. Exceptions that have ended count too: a converted text has no date.
fn placeholders(config: &Config) -> Placeholders {
    let each = config.sigma.placeholders.iter();
    each.map(|(name, values)| (name.clone(), values.iter().map(|v| v.value.clone()).collect())).collect()
}

fn language(arg: LanguageArg) -> Language {
    match arg {
        LanguageArg::Kql => Language::Kql,
        LanguageArg::Sumo => Language::Sumo,
        LanguageArg::Sigma => Language::Sigma,
    }
}

fn name(language: Language) -> &'static str {
    match language {
        Language::Kql => "KQL",
        Language::Sumo => "Sumo Logic search",
        Language::Sigma => "Sigma",
    }
}

fn ending(language: Language) -> &'static str {
    match language {
        Language::Kql => "kql",
        Language::Sumo => "sumo",
        Language::Sigma => "yml",
    }
}

fn sources(args: &ConvertArgs) -> Result<Vec<Source>, Failure> {
    let given = |from, text: &String| vec![Source { text: text.clone(), origin: "<query>".to_owned(), from }];
    match (&args.kql, &args.sumo) {
        (Some(text), _) => return Ok(given(Language::Kql, text)),
        (_, Some(text)) => return Ok(given(Language::Sumo, text)),
        _ if args.files.is_empty() => {
            return Err(Failure::usage("nothing to convert: give FILES, --kql TEXT or --sumo TEXT"));
        }
        _ => {}
    }
    let mut sources = Vec::new();
    for file in &args.files {
        if Path::new(file).is_dir() {
            let mut files = Vec::new();
            below(Path::new(file), &mut files).map_err(|e| Failure::usage(format!("{file}: {e}")))?;
            files.sort();
            for file in files {
                sources.extend(source(&file)?.filter(|s| s.from != language(args.to)));
            }
        } else {
            sources.push(source(file)?.ok_or_else(|| {
                Failure::usage(format!("{file}: the ending does not say the language; .kql, .sumo, .yml"))
            })?);
        }
    }
    Ok(sources)
}

/// The files below a folder.
fn below(folder: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below(&entry.path(), files)?;
        } else {
            files.push(entry.path().display().to_string());
        }
    }
    Ok(())
}

/// A file, where its ending says a language.
fn source(file: &str) -> Result<Option<Source>, Failure> {
    let from = match Dialect::of_file(file) {
        Some(Dialect::Kql) => Language::Kql,
        Some(Dialect::Sumo) => Language::Sumo,
        Some(Dialect::Sigma) => Language::Sigma,
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{file}: {e}")))?;
    Ok(Some(Source { text, origin: file.to_owned(), from }))
}

/// `category=process_creation,product=windows`
fn logsource(text: &str) -> Result<LogSource, Failure> {
    let mut logs = LogSource::default();
    for part in text.split(',') {
        let wrong = || Failure::usage(format!("--logsource: `{part}` is not category=…, product=… or service=…"));
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let value = Some(value.trim().to_ascii_lowercase());
        match name.trim() {
            "category" => logs.category = value,
            "product" => logs.product = value,
            "service" => logs.service = value,
            _ => return Err(wrong()),
        }
    }
    Ok(logs)
}

/// Results to standard output or files; what is to be said of them to standard error.
fn shown(outcomes: &[Outcome<'_>], args: &ConvertArgs, to: Language, talk: Talk) -> Result<(), Failure> {
    let mut written: Vec<String> = Vec::new();
    let mut first = true;
    for outcome in outcomes {
        let (source, origin) = (outcome.source, &outcome.source.origin);
        match &outcome.result {
            Ok((detection, converted)) => {
                let losses = Diagnostics(converted.losses.iter().map(Loss::diagnostic).collect());
                say::diagnostics(&losses, &source.text, origin, talk);
                if let Some(folder) = &args.output {
                    let file = folder.join(file_name(source, detection, to, &written));
                    std::fs::create_dir_all(folder)
                        .map_err(|e| Failure::usage(format!("{}: {e}", folder.display())))?;
                    std::fs::write(&file, &converted.text)
                        .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
                    written.push(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
                } else {
                    if !first {
                        writeln!(stdout(), "{}", if to == Language::Sigma { "---" } else { "" })?;
                    }
                    write!(stdout(), "{}", converted.text)?;
                    first = false;
                }
                if let Some(compared) = &outcome.compared {
                    compared.say(origin, talk);
                }
            }
            Err(refused) => say::diagnostics(refused, &source.text, origin, talk),
        }
    }
    if !talk.quiet && outcomes.len() > 1 {
        let (converted, lossy) = outcomes.iter().fold((0, 0), |(n, lossy), o| match &o.result {
            Ok((_, c)) => (n + 1, lossy + usize::from(!c.losses.is_empty())),
            Err(_) => (n, lossy),
        });
        let refused = outcomes.len() - converted;
        say::line(&format!("{converted} converted, {lossy} of them with losses; {refused} refused"));
    }
    Ok(())
}

/// A result's file: the source's name, with the rule's title where the source has several.
fn file_name(source: &Source, detection: &Detection, to: Language, taken: &[String]) -> String {
    let stem = Path::new(&source.origin).file_stem().map_or("query".into(), |s| s.to_string_lossy());
    let plain = format!("{stem}.{}", ending(to));
    if !taken.contains(&plain) {
        return plain;
    }
    let title: String = detection.about.title.to_lowercase();
    let title: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mut number = 1;
    loop {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let file = format!("{stem}-{}{more}.{}", title.trim_matches('-'), ending(to));
        if !taken.contains(&file) {
            return file;
        }
        number += 1;
    }
}

fn report(outcomes: &[Outcome<'_>], to: Language) -> Json {
    let all: Vec<Json> = outcomes
        .iter()
        .map(|outcome| {
            let text = &outcome.source.text;
            let place = |d: &Diagnostic| {
                let (line, column) = d.position(text);
                json!({ "line": line, "column": column, "start": d.span.start, "end": d.span.end })
            };
            let mut one = json!({
                "file": outcome.source.origin,
                "from": ending(outcome.source.from).replace("yml", "sigma"),
                "to": ending(to).replace("yml", "sigma"),
            });
            match &outcome.result {
                Ok((detection, converted)) => {
                    one["title"] = json!(detection.about.title);
                    one["text"] = json!(converted.text);
                    one["losses"] = converted
                        .losses
                        .iter()
                        .map(|loss| {
                            json!({
                                "code": loss.code,
                                "effect": loss.effect.word(),
                                "message": loss.message,
                                "place": place(&loss.diagnostic()),
                            })
                        })
                        .collect();
                    one["refused"] = json!([]);
                }
                Err(refused) => {
                    one["text"] = Json::Null;
                    one["losses"] = json!([]);
                    one["refused"] = refused
                        .iter()
                        .map(|d| {
                            json!({
                                "code": d.code,
                                "message": d.message,
                                "help": d.help,
                                "place": place(d),
                            })
                        })
                        .collect();
                }
            }
            one["verified"] = outcome.compared.as_ref().map_or(Json::Null, Compared::json);
            one
        })
        .collect();
    json!({ "conversions": all })
}
