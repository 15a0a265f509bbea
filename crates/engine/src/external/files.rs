//! Which file stands for a place that a query names.
//!
//! A query is somebody else's text: it reads files below one folder and no others. An address is never fetched; the
//! configuration may say which file stands for it.

use crate::config::ExternalData;
use parallax_catalog::external::{Unreached, is_url};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Files {
    folder: PathBuf,
    /// The longest address first: of several that fit, the closest.
    addresses: Vec<(String, PathBuf)>,
}

impl Files {
    /// Files for the places of lookup tables; no other files are read for them.
    pub(super) fn places(lookups: &BTreeMap<String, PathBuf>) -> Self {
        Files::new(&ExternalData { folder: None, addresses: lookups.clone() })
    }

    /// The file that the configuration gives for a place.
    pub(super) fn given(&self, place: &str) -> Option<PathBuf> {
        self.addresses.iter().find_map(|(address, file)| fits(address, file, place))
    }

    pub(super) fn new(config: &ExternalData) -> Self {
        let mut addresses: Vec<_> = config.addresses.iter().map(|(a, f)| (a.clone(), f.clone())).collect();
        addresses.sort_by_key(|(address, _)| (address.contains('*'), std::cmp::Reverse(address.len())));
        Files { folder: config.folder.clone().unwrap_or_default(), addresses }
    }

    pub(super) fn find(&self, place: &str) -> Result<PathBuf, Unreached> {
        if let Some(file) = self.given(place) {
            return Ok(file);
        }
        if is_url(place) {
            return Err(Unreached::Remote);
        }
        self.below(place)
    }

    /// The file at a path, which must lie below the folder, links included.
    fn below(&self, place: &str) -> Result<PathBuf, Unreached> {
        let root = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let outside = || Unreached::Failed(format!("{place}: this lies outside of the folder {}", root.display()));
        let path = self.folder.join(place);
        let real = match (path.canonicalize(), root.canonicalize()) {
            (Ok(path), Ok(root)) => path.starts_with(root),
            // Whether something is there is nobody's business who must not read it.
            _ => !escapes(Path::new(place)),
        };
        if real { Ok(path) } else { Err(outside()) }
    }
}

fn escapes(place: &Path) -> bool {
    place.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir))
}

/// The file for a place, where the address fits it.
fn fits(address: &str, file: &Path, place: &str) -> Option<PathBuf> {
    let Some((before, after)) = address.split_once('*') else {
        return (address == place).then(|| file.to_owned());
    };
    let middle = place.strip_prefix(before)?.strip_suffix(after)?;
    let path = file.to_string_lossy();
    if !path.contains('*') {
        return Some(file.to_owned());
    }
    (!escapes(Path::new(middle))).then(|| PathBuf::from(path.replacen('*', middle, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_for_files() {
        let pairs = [
            ("https://example.org/a.csv", "one.csv"),
            ("https://example.org/*", "site/*"),
            ("https://example.org/feeds/*.txt", "feeds/*"),
            ("https://other.org/*", "other.csv"),
        ];
        let addresses = pairs.iter().map(|(a, f)| ((*a).to_owned(), PathBuf::from(f))).collect();
        let files = Files::new(&ExternalData { folder: None, addresses });
        let find = |place| files.find(place).map(|p| p.display().to_string());
        assert_eq!(find("https://example.org/a.csv").as_deref(), Ok("one.csv"));
        assert_eq!(find("https://example.org/x/b.csv").as_deref(), Ok("site/x/b.csv"));
        assert_eq!(find("https://example.org/feeds/c.txt").as_deref(), Ok("feeds/c"));
        assert_eq!(find("https://other.org/anything?x=1").as_deref(), Ok("other.csv"));
        assert_eq!(find("https://elsewhere.org/"), Err(Unreached::Remote));
        assert_eq!(find("https://example.org/../../secret"), Err(Unreached::Remote));
        assert_eq!(find("list.csv").as_deref(), Ok("list.csv"));
        for outside in ["/etc/passwd", "../secret", "a/../../b"] {
            assert!(matches!(find(outside), Err(Unreached::Failed(_))), "{outside}");
        }
    }
}
