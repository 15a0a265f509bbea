//! Files of atomic tests: those of a pack, or those below a folder.

use super::{AtomicTest, cut_off, read};
use crate::pack::{InFile, Pack, PackError};
use parallax_diagnostics::{Diagnostic, Diagnostics, Severity, Span};
use std::io;
use std::path::{Path, PathBuf};

/// A test, and where it stands.
#[derive(Clone, Debug)]
pub struct Found {
    /// The technique that its file is of.
    pub technique: String,
    /// Its place in the file, from 1.
    pub number: usize,
    /// The test.
    pub test: AtomicTest,
    /// The file, for people.
    pub file: String,
    /// The folder of the techniques' folders, which `PathToAtomicsFolder` stands for; none for what is built in.
    pub folder: Option<PathBuf>,
}

impl Found {
    /// `T1059.011-1`
    pub fn id(&self) -> String {
        format!("{}-{}", self.technique, self.number)
    }

    /// Whether that names it: its id, its name without case, or its GUID.
    pub fn is(&self, name: &str) -> bool {
        let guid = !self.test.guid.is_empty() && self.test.guid.eq_ignore_ascii_case(name);
        guid || self.id().eq_ignore_ascii_case(name) || self.test.name.eq_ignore_ascii_case(name)
    }
}

/// The tests of a pack.
pub fn find_in_pack(pack: &Pack) -> Vec<Found> {
    let mut all = Vec::new();
    for file in &pack.atomics {
        let name = pack.files.name(&file.path);
        let folder = pack.files.folder_of().map(|f| f.join(&file.path)).and_then(|f| above(&f));
        for (at, test) in file.tests.iter().enumerate() {
            all.push(Found {
                technique: file.technique.clone(),
                number: at + 1,
                test: test.clone(),
                file: name.clone(),
                folder: folder.clone(),
            });
        }
    }
    all
}

/// The tests in a file, or in all YAML files below a folder that hold any; and what is to be said of the files: in a folder
/// one that is wrong leaves the others.
///
/// # Errors
/// Nothing can be read there, or the file is wrong.
pub fn find(path: &Path) -> Result<(Vec<Found>, PackError), PackError> {
    let (mut files, mut said) = (Vec::new(), PackError { problems: Vec::new() });
    if path.is_dir() {
        walk(path, &mut files).map_err(|e| unreadable(path, &e))?;
    } else {
        files.push(path.to_owned());
    }
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|e| unreadable(&file, &e))?;
        // In a folder there are other files too: indexes of tests, for instance.
        if path.is_dir() && !text.lines().any(|l| l.starts_with("atomic_tests:")) {
            continue;
        }
        let name = file.display().to_string();
        let wrong = |diagnostics, text| InFile { file: name.clone(), text, diagnostics };
        let technique = match read(&text) {
            Ok(technique) => technique,
            Err(diagnostics) if path.is_dir() => {
                said.problems.push(wrong(diagnostics, text));
                continue;
            }
            Err(diagnostics) => return Err(PackError { problems: vec![wrong(diagnostics, text)] }),
        };
        let mut lost = cut_off(&text, &technique);
        lost.0.iter_mut().for_each(|d| d.severity = Severity::Warning);
        if !lost.is_empty() {
            said.problems.push(wrong(lost, text));
        }
        let folder = above(&file);
        for (at, test) in technique.tests.into_iter().enumerate() {
            all.push(Found {
                technique: technique.attack_technique.clone(),
                number: at + 1,
                test,
                file: name.clone(),
                folder: folder.clone(),
            });
        }
    }
    Ok((all, said))
}

/// A file is `atomics/T1059.011/T1059.011.yaml`, by custom.
fn above(file: &Path) -> Option<PathBuf> {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = file.parent()?;
    let custom = folder.file_name() == file.file_stem();
    Some(if custom { folder.parent()?.to_owned() } else { folder.to_owned() })
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        // A link may lead back.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, e: &io::Error) -> PackError {
    let problem = Diagnostic::error("PACK0005", Span::at(0), format!("can't be read: {e}"));
    let diagnostics = Diagnostics::from(problem);
    PackError { problems: vec![InFile { file: path.display().to_string(), text: String::new(), diagnostics }] }
}
