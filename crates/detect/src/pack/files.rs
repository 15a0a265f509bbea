//! Where a pack's files are: in a folder, or built into the program.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A pack that was built into a program: the name of its folder, and its files by their paths within it.
#[derive(Debug)]
pub struct EmbeddedPack {
    /// The folder's name.
    pub name: &'static str,
    /// Path (with `/`) and content of each file.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// The files of a pack.
#[derive(Clone, Debug)]
pub struct Files(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Embedded { name: &'static str, files: &'static [(&'static str, &'static [u8])] },
}

impl Files {
    pub(super) fn folder(path: &Path) -> Self {
        Files(Place::Folder(path.to_owned()))
    }

    pub(super) fn embedded(pack: &EmbeddedPack) -> Self {
        Files(Place::Embedded { name: pack.name, files: pack.files })
    }

    /// How messages name the file `path` of the pack.
    pub fn name(&self, path: &str) -> String {
        match &self.0 {
            Place::Folder(folder) => folder.join(path).display().to_string(),
            Place::Embedded { name, .. } => format!("<built in>/{name}/{path}"),
        }
    }

    /// The folder that the pack is, unless it is built in.
    pub fn folder_of(&self) -> Option<&Path> {
        match &self.0 {
            Place::Folder(folder) => Some(folder),
            Place::Embedded { .. } => None,
        }
    }

    /// A file's content.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match &self.0 {
            Place::Folder(folder) => std::fs::read(folder.join(path)),
            Place::Embedded { files, .. } => files
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, content)| content.to_vec())
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file in the pack")),
        }
    }

    /// Whether there is such a file or folder.
    pub fn exists(&self, path: &str) -> bool {
        match &self.0 {
            Place::Folder(folder) => folder.join(path).exists(),
            Place::Embedded { files, .. } => files.iter().any(|(name, _)| below(name, path)),
        }
    }

    /// A path on disk for the file or folder `path`: its own, or a copy under `scratch`.
    pub fn on_disk(&self, path: &str, scratch: &Path) -> io::Result<PathBuf> {
        match &self.0 {
            Place::Folder(folder) => Ok(folder.join(path)),
            Place::Embedded { name, files } => {
                for (file, content) in files.iter().filter(|(file, _)| below(file, path)) {
                    write_once(&scratch.join(name).join(file), content, scratch)?;
                }
                Ok(scratch.join(name).join(path))
            }
        }
    }
}

/// Writes a file that others may be reading or writing: it is there whole or not at all.
fn write_once(path: &Path, content: &[u8], scratch: &Path) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if path.exists() {
        return Ok(());
    }
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    let partial = scratch.join(format!(".partial-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&partial, content)?;
    std::fs::rename(partial, path)
}

/// Whether `file` is `path`, or lies in the folder `path`.
fn below(file: &str, path: &str) -> bool {
    file.strip_prefix(path.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `path` stays inside the pack: relative, and without `..`.
pub(super) fn is_inside(path: &str) -> bool {
    let path = Path::new(path);
    path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) && path.file_name().is_some()
}
