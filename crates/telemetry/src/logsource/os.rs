//! Which operating system an event is of, where only the form of its paths tells.

/// An operating system, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Os {
    Windows,
    Linux,
    Mac,
    /// Linux or macOS.
    Unix,
    Unknown,
}

impl Os {
    /// The product of a rule; `None` where it is no operating system.
    pub(super) fn of_product(product: &str) -> Option<Os> {
        Some(match product {
            "windows" => Os::Windows,
            "linux" => Os::Linux,
            "macos" => Os::Mac,
            _ => return None,
        })
    }

    /// Told by a path.
    pub(super) fn of_path(path: &str) -> Os {
        const MACOS: [&str; 7] =
            ["/Applications/", "/Users/", "/System/", "/Library/", "/private/", "/Volumes/", "/opt/homebrew/"];
        const LINUX: [&str; 9] =
            ["/home/", "/root/", "/proc/", "/snap/", "/usr/lib64/", "/lib64/", "/lib/", "/boot/", "/run/"];
        let bytes = path.as_bytes();
        let drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        match bytes.first() {
            Some(b'/') if MACOS.iter().any(|p| path.starts_with(p)) => Os::Mac,
            Some(b'/') if LINUX.iter().any(|p| path.starts_with(p)) => Os::Linux,
            Some(b'/') => Os::Unix,
            Some(b'\\') => Os::Windows,
            _ if drive || path.contains('\\') => Os::Windows,
            _ => Os::Unknown,
        }
    }

    /// Whether an event of which this is known may be of `wanted`.
    pub(super) fn may_be(self, wanted: Os) -> bool {
        match self {
            Os::Unknown => true,
            Os::Unix => wanted != Os::Windows,
            known => known == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell() {
        for (path, os) in [
            (r"C:\Windows\a.exe", Os::Windows),
            (r"\Device\HarddiskVolume3\a.exe", Os::Windows),
            (r"%SystemRoot%\a", Os::Windows),
            ("/usr/bin/lua", Os::Unix),
            ("/home/a/b", Os::Linux),
            ("/Users/a/b", Os::Mac),
            ("lua", Os::Unknown),
            ("", Os::Unknown),
        ] {
            assert_eq!(Os::of_path(path), os, "{path}");
        }
        assert!(Os::Unix.may_be(Os::Mac) && !Os::Unix.may_be(Os::Windows) && Os::Unknown.may_be(Os::Windows));
    }
}
