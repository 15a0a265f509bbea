//! User names from a given passwd file. Never this machine's: the log is of another.

use std::collections::HashMap;
use std::io;
use std::path::Path;

/// Names by uid.
#[derive(Clone, Debug, Default)]
pub(super) struct Users(HashMap<u32, String>);

impl Users {
    /// Reads `name:x:uid:…` lines; the first name of a uid counts.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut users = HashMap::new();
        for line in String::from_utf8_lossy(&std::fs::read(path)?).lines() {
            let mut parts = line.split(':');
            if let (Some(name), _, Some(Ok(uid))) = (parts.next(), parts.next(), parts.next().map(str::parse::<u32>)) {
                users.entry(uid).or_insert_with(|| name.to_owned());
            }
        }
        Ok(Users(users))
    }

    pub(super) fn name(&self, uid: u32) -> Option<&str> {
        self.0.get(&uid).map(String::as_str)
    }
}
