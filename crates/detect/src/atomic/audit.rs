//! What Linux's audit daemon writes while a command runs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where auditd writes unless it is told otherwise.
pub const LOG: &str = "/var/log/audit/audit.log";

/// The rule that makes auditd record what programs are started.
pub const RULE: &str = "auditctl -a always,exit -F arch=b64 -S execve,execveat -k exec";

/// The most that is taken of a log.
const MOST: u64 = 256 << 20;
/// For how long nothing must be written before everything counts as written, and how long is waited at most.
const QUIET: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(4);

/// A place in an audit log, from which on it is read later.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
    at: u64,
    identity: u64,
}

/// What was written since the mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The lines, whole.
    pub bytes: Vec<u8>,
    /// What there is to say of it.
    pub notes: Vec<String>,
}

/// The end of the log as it is now.
///
/// # Errors
/// There is no log, or it can't be read: a sentence that says what to do.
pub fn mark(path: &Path) -> Result<Mark, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no {shown}: auditd is not installed, not running, or writes elsewhere (--audit-log FILE)")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{shown} can't be read by this user: run as root, or be one of its group")
        }
        _ => format!("{shown} can't be read: {e}"),
    })?;
    let about = file.metadata().map_err(|e| format!("{shown} can't be read: {e}"))?;
    if !about.is_file() {
        return Err(format!("{shown} is no file"));
    }
    Ok(Mark { path: path.to_owned(), at: about.len(), identity: identity(&about) })
}

/// Whether the kernel has a rule that records what programs are started. Nothing where that can't be asked.
pub fn has_rule() -> Option<bool> {
    let mut list = Command::new("auditctl");
    let list = list.arg("-l").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if !list.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&list.stdout);
    Some(text.lines().any(|l| l.contains("execve") || l.contains("-S all")))
}

#[cfg(unix)]
fn identity(about: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
}

impl Mark {
    /// Waits until nothing is written any more, and takes what was written since. A log that was rotated meanwhile is
    /// followed.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn written(&self) -> io::Result<Written> {
        let until = Instant::now() + PATIENCE;
        let (mut length, mut since) = (self.length(), Instant::now());
        while Instant::now() < until && (since.elapsed() < QUIET || length == 0) {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.length();
            if now != length {
                (length, since) = (now, Instant::now());
            }
        }
        let mut written = Written::default();
        let about = std::fs::metadata(&self.path)?;
        let rotated = identity(&about) != self.identity;
        if rotated {
            let before = self.path.with_extension("log.1");
            match std::fs::metadata(&before) {
                Ok(about) if identity(&about) == self.identity => take(&before, self.at, &mut written)?,
                _ => written.notes.push("the log was rotated, and what was written before that is lost".to_owned()),
            }
        }
        let from = match (rotated, about.len() < self.at) {
            (true, _) => 0,
            (false, true) => {
                written.notes.push("the log was emptied, and what was written before that is lost".to_owned());
                0
            }
            (false, false) => self.at,
        };
        take(&self.path, from, &mut written)?;
        // A record that is being written is not one yet.
        let whole = written.bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        written.bytes.truncate(whole);
        Ok(written)
    }

    /// Bytes written since, as far as can be told without reading.
    fn length(&self) -> u64 {
        match std::fs::metadata(&self.path) {
            Ok(about) if identity(&about) == self.identity => about.len().saturating_sub(self.at),
            Ok(about) => about.len().max(1),
            Err(_) => 0,
        }
    }
}

fn take(path: &Path, from: u64, written: &mut Written) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let left = MOST.saturating_sub(written.bytes.len() as u64);
    let taken = file.take(left).read_to_end(&mut written.bytes)?;
    if taken as u64 == left {
        written.notes.push(format!("more than {} MiB were written; the rest is left out", MOST >> 20));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn only_what_comes_after_the_mark_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        assert!(mark(&log).unwrap_err().contains("auditd is not installed"));
        std::fs::write(&log, "old\n").unwrap();
        let mark = mark(&log).unwrap();
        let mut file = File::options().append(true).open(&log).unwrap();
        file.write_all(b"new\nnewer\nhalf").unwrap();
        assert_eq!(mark.written().unwrap(), Written { bytes: b"new\nnewer\n".to_vec(), notes: Vec::new() });
    }

    #[cfg(unix)]
    #[test]
    fn a_rotated_log_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        std::fs::write(&log, "old\n").unwrap();
        let mark = mark(&log).unwrap();
        File::options().append(true).open(&log).unwrap().write_all(b"before\n").unwrap();
        std::fs::rename(&log, folder.path().join("audit.log.1")).unwrap();
        std::fs::write(&log, "after\n").unwrap();
        assert_eq!(mark.written().unwrap().bytes, b"before\nafter\n");
    }
}
