//! Which packs.

use crate::args::ConfigArgs;
use crate::exit::Failure;
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::pack::{MANIFEST, bind, unknown_lists};
use parallax_detect::{EMBEDDED, Pack};
use parallax_engine::Config;
use std::path::{Path, PathBuf};

/// The packs in the given folders; without any, those that are built in.
pub(super) fn open(paths: &[String], talk: Talk) -> Result<Vec<Pack>, Failure> {
    let wrong = |e: parallax_detect::PackError| Failure::wrong(e.render(talk.style));
    let mut packs: Vec<Pack> = Vec::new();
    if paths.is_empty() {
        for pack in EMBEDDED {
            packs.push(Pack::embedded(pack).map_err(wrong)?);
        }
    }
    for path in paths {
        // The manifest itself may be named too.
        let path = Path::new(path);
        let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        let pack = Pack::open(folder).map_err(wrong)?;
        if packs.iter().any(|p| p.id == pack.id) {
            return Err(Failure::usage(format!("two packs are named `{}`", pack.id)));
        }
        packs.push(pack);
    }
    Ok(packs)
}

/// The configuration with the lists of the packs; `scratch` is a folder for what is built in.
pub(super) fn config(packs: &[&Pack], args: &ConfigArgs, scratch: &Path, talk: Talk) -> Result<Config, Failure> {
    let config = policy::config(args, talk)?;
    check_lists(packs, &config, args, talk)?;
    bind(packs, None, &config, scratch).map_err(Failure::usage)
}

/// The configuration for a query's file: with the lists of the pack that the file lies in.
pub(super) fn config_around(file: Option<&str>, args: &ConfigArgs, talk: Talk) -> Result<Config, Failure> {
    let folder = file.and_then(folder_around);
    let pack = folder.map(|folder| Pack::open_without_cases(&folder)).transpose();
    let pack = pack.map_err(|e| Failure::wrong(e.render(talk.style)))?;
    // A pack in a folder needs no other.
    config(&pack.iter().collect::<Vec<_>>(), args, Path::new(""), talk)
}

/// Says which lists are replaced that no pack has: one of the command line is a mistake, one of the configuration may be
/// another pack's.
pub(super) fn check_lists(packs: &[&Pack], config: &Config, args: &ConfigArgs, talk: Talk) -> Result<(), Failure> {
    for (id, sentence) in unknown_lists(packs, config) {
        if args.lists.iter().any(|l| l.split_once('=').is_some_and(|(name, _)| name == id)) {
            return Err(Failure::usage(format!("--list: {sentence}")));
        }
        if !talk.quiet && !packs.is_empty() {
            say::line(&format!("note: {sentence}"));
        }
    }
    Ok(())
}

/// The pack in whose folder a file lies.
pub(super) fn around(file: &str, talk: Talk) -> Result<Option<Pack>, Failure> {
    let pack = folder_around(file).map(|folder| Pack::open(&folder)).transpose();
    pack.map_err(|e| Failure::wrong(e.render(talk.style)))
}

fn folder_around(file: &str) -> Option<PathBuf> {
    let whole = Path::new(file).canonicalize().unwrap_or_else(|_| Path::new(file).to_owned());
    whole.ancestors().skip(1).find(|f| f.join(MANIFEST).is_file()).map(Path::to_owned)
}

/// Whether `only` names the member, as `id` or `pack/id`.
pub(super) fn chosen(only: &[String], pack: &str, id: &str) -> bool {
    only.is_empty()
        || only.iter().any(|o| o == id || o.strip_prefix(pack).and_then(|o| o.strip_prefix('/')) == Some(id))
}
