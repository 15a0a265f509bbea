//! `parallax export`

use super::placeholders;
use crate::args::{ExportArg, ExportArgs};
use crate::commands::packs;
use crate::exit::{Exit, Failure};
use crate::policy::Talk;
use crate::say;
use parallax_convert::export::{self, File, Published, Regression};
use parallax_convert::{Language, Loss};
use parallax_detect::pack::{Case, CaseKind, Outcome, Pack};
use parallax_detect::source::Kind;
use parallax_detect::{About, EMBEDDED, Found};
use parallax_diagnostics::Diagnostics;
use parallax_engine::Dialect;
use std::path::{Path, PathBuf};

/// What was written and what was not.
#[derive(Default)]
struct Count {
    files: usize,
    lossy: usize,
    refused: usize,
}

pub(crate) fn run(args: &ExportArgs) -> Result<Exit, Failure> {
    let talk = Talk::new(&args.talk);
    let found = Found::at(&args.detections, EMBEDDED);
    let scratch = tempfile::tempdir().map_err(Failure::usage)?;
    let packs: Vec<Pack> = found.packs().to_vec();
    let config = packs::config(&packs.iter().collect::<Vec<_>>(), &args.config, scratch.path(), talk)?;
    let values = placeholders(&config);
    let mut count = Count::default();
    if args.to == ExportArg::Atomic {
        for pack in &packs {
            atomics(pack, &args.output, &mut count)?;
        }
        return finish(&count, talk);
    }
    let detections = found.load(&values);
    for fault in &detections.faults {
        say::line(&fault.render(talk.style));
        count.refused += 1;
    }
    let named = |about: &About| {
        let names = [Some(about.name.as_str()), about.id.as_deref(), about.short.as_deref()];
        args.only.is_empty() || args.only.iter().any(|only| names.contains(&Some(only.as_str())))
    };
    if !detections.rules.iter().any(|r| named(&r.about)) {
        return Err(Failure::usage("no detection to export"));
    }
    for rule in detections.rules.iter().filter(|r| named(&r.about)) {
        let about = &rule.about;
        let language = match (about.kind, about.dialect) {
            (Kind::Correlation | Kind::Scheduled | Kind::NearRealTime, _) => {
                say::line(&format!(
                    "{}: `{}` is a {} rule, which is not exported",
                    about.place(),
                    about.title,
                    about.kind.word()
                ));
                count.refused += 1;
                continue;
            }
            (_, Dialect::Kql) => Language::Kql,
            (_, Dialect::Sumo) => Language::Sumo,
            (_, Dialect::Sigma) => Language::Sigma,
        };
        let published = Published { placeholders: values.clone(), ..published(about) };
        let file = match args.to {
            ExportArg::Sentinel => export::sentinel(&published, language),
            ExportArg::CloudSiem => export::cloud_siem(&published, language),
            _ => export::sigmahq(&published, language),
        };
        let Some(file) = told(file, about, args.strict, talk, &mut count) else { continue };
        write(&args.output, &file)?;
        count.files += 1;
        if args.to == ExportArg::SigmaRegression
            && let Some(pack) = packs.iter().find(|p| about.pack.as_ref() == Some(&p.id))
        {
            regression(pack, about, &published, language, &args.output, &mut count)?;
        }
    }
    finish(&count, talk)
}

fn finish(count: &Count, talk: Talk) -> Result<Exit, Failure> {
    if !talk.quiet {
        let files = say::count(count.files, "file", "files");
        say::line(&format!("{files} written, {} of them with losses; {} left out", count.lossy, count.refused));
    }
    Ok(if count.refused > 0 { Exit::Wrong } else { Exit::Done })
}

/// What is known of a detection.
fn published(about: &About) -> Published {
    Published {
        name: about.name.clone(),
        id: about.id.clone(),
        title: about.title.clone(),
        description: about.description.clone(),
        severity: about.severity.to_string().to_lowercase(),
        confidence: about.confidence.map(|c| c.to_string().to_lowercase()),
        techniques: about.attack.clone(),
        tactics: about.tactics.clone(),
        references: about.references.clone(),
        false_positives: about.false_positives.clone(),
        author: about.author.clone(),
        date: about.date.clone(),
        text: about.text.clone(),
        ..Published::default()
    }
}

/// Says what is lost or refused; the file, where it is to be written.
fn told(file: Result<File, Diagnostics>, about: &About, strict: bool, talk: Talk, count: &mut Count) -> Option<File> {
    match file {
        Ok(file) if strict && !file.losses.is_empty() => {
            let losses = Diagnostics(file.losses.iter().map(Loss::diagnostic).collect());
            say::diagnostics(&losses, &about.text, &about.file, talk);
            count.refused += 1;
            None
        }
        Ok(file) => {
            let losses = Diagnostics(file.losses.iter().map(Loss::diagnostic).collect());
            say::some_diagnostics(&losses, &about.text, &about.file, talk);
            count.lossy += usize::from(!file.losses.is_empty());
            Some(file)
        }
        Err(refused) => {
            say::diagnostics(&refused, &about.text, &about.file, talk);
            count.refused += 1;
            None
        }
    }
}

fn write(folder: &Path, file: &File) -> Result<(), Failure> {
    let path = place(folder, &file.path)?;
    std::fs::write(&path, &file.text).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

/// A path in the folder, whose own folder is there.
fn place(folder: &Path, path: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(path);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent).map_err(|e| Failure::usage(format!("{}: {e}", parent.display())))?;
    Ok(path)
}

/// The pack's atomic tests: `atomics/T1059.011/T1059.011.yaml`.
fn atomics(pack: &Pack, folder: &Path, count: &mut Count) -> Result<(), Failure> {
    for file in pack.atomics.iter().map(|a| &a.path) {
        let text = pack.files.read(file).map_err(|e| Failure::usage(format!("{}: {e}", pack.files.name(file))))?;
        let name = Path::new(file).file_name().map_or_else(|| file.clone(), |n| n.to_string_lossy().into_owned());
        let technique = name.trim_end_matches(".yaml").trim_end_matches(".yml").to_owned();
        let path = place(folder, &format!("atomics/{technique}/{technique}.yaml"))?;
        std::fs::write(&path, text).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
        count.files += 1;
    }
    Ok(())
}

/// The recordings on which a detection is to fire, and their `info.yml`.
fn regression(
    pack: &Pack,
    about: &About,
    published: &Published,
    language: Language,
    folder: &Path,
    count: &mut Count,
) -> Result<(), Failure> {
    let at = pack.detections.iter().position(|d| Some(&d.id) == about.short.as_ref());
    let fires = |case: &Case| {
        let expected = case.expect.iter().find(|e| Some(e.detection) == at)?;
        match expected.outcome {
            Outcome::Fires(count) if case.kind == CaseKind::Attack => Some(count),
            _ => None,
        }
    };
    let mut data = Vec::new();
    for (case, matches) in pack.cases.iter().filter_map(|case| Some((case, fires(case)?))) {
        // A recording of several files would need to be put together.
        let [file] = case.telemetry.as_slice() else { continue };
        let kind = Path::new(file).extension().map_or_else(|| "log".to_owned(), |e| e.to_string_lossy().into_owned());
        data.push(Regression {
            title: case.title.clone(),
            file: file.clone(),
            matches,
            kind,
            provider: file.contains("sysmon/").then(|| "Microsoft-Windows-Sysmon".to_owned()),
        });
    }
    if data.is_empty() {
        return Ok(());
    }
    let Ok((info, copies)) = export::regression(published, language, &data) else { return Ok(()) };
    write(folder, &info)?;
    count.files += 1;
    for (from, to) in copies {
        let bytes = pack.files.read(&from).map_err(|e| Failure::usage(format!("{}: {e}", pack.files.name(&from))))?;
        let path = place(folder, &to)?;
        std::fs::write(&path, bytes).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
        count.files += 1;
    }
    Ok(())
}
