//! Which packs.

use crate::exit::Failure;
use crate::policy::Talk;
use parallax_detect::{EMBEDDED, Pack};
use std::path::Path;

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

/// Whether `only` names the member, as `id` or `pack/id`.
pub(super) fn chosen(only: &[String], pack: &str, id: &str) -> bool {
    only.is_empty()
        || only.iter().any(|o| o == id || o.strip_prefix(pack).and_then(|o| o.strip_prefix('/')) == Some(id))
}
