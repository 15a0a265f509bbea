//! The part of a SYSCALL record that decides what the event is and what it does to the process table.

use super::record::{Fields, Raw, space, value};
use super::syscalls::{self, Call};

/// Fields of a SYSCALL record, as they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Syscall<'a> {
    arch: Option<u32>,
    number: Option<u32>,
    /// `yes`, `no`, or nothing: a call that never returns has none.
    success: Option<bool>,
    pub(super) exit: i64,
    a0: u64,
    pub(super) ppid: Option<u32>,
    pub(super) pid: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) comm: Option<Raw<'a>>,
    pub(super) exe: Option<Raw<'a>>,
}

/// `CLONE_THREAD`: the new task is a thread of its parent.
const CLONE_THREAD: u64 = 0x0001_0000;

impl<'a> Syscall<'a> {
    /// Reads the fields that the kernel wrote (without the enrichment). `exe` is the last of those that matter.
    pub(super) fn read(body: &'a [u8]) -> Self {
        Self::usual(body).unwrap_or_else(|| Self::any(body))
    }

    /// Of a record that has the kernel's fields in the kernel's order: no name is looked for.
    fn usual(body: &'a [u8]) -> Option<Self> {
        let mut rest = body;
        let mut s = Syscall {
            arch: hex(plain(&mut rest, b" arch=")?).and_then(|n| u32::try_from(n).ok()),
            number: decimal(plain(&mut rest, b" syscall=")?),
            ..Syscall::default()
        };
        // A call that never returns has neither.
        if let Some(success) = plain(&mut rest, b" success=") {
            s.success = Some(success == b"yes");
            s.exit = std::str::from_utf8(plain(&mut rest, b" exit=")?).ok().and_then(|t| t.parse().ok()).unwrap_or(0);
        }
        s.a0 = hex(plain(&mut rest, b" a0=")?).unwrap_or(0);
        plain(&mut rest, b" a1=")?;
        plain(&mut rest, b" a2=")?;
        plain(&mut rest, b" a3=")?;
        plain(&mut rest, b" items=")?;
        s.ppid = decimal(plain(&mut rest, b" ppid=")?);
        s.pid = decimal(plain(&mut rest, b" pid=")?);
        plain(&mut rest, b" auid=")?;
        s.uid = decimal(plain(&mut rest, b" uid=")?);
        plain(&mut rest, b" gid=")?;
        plain(&mut rest, b" euid=")?;
        plain(&mut rest, b" suid=")?;
        plain(&mut rest, b" fsuid=")?;
        plain(&mut rest, b" egid=")?;
        plain(&mut rest, b" sgid=")?;
        plain(&mut rest, b" fsgid=")?;
        plain(&mut rest, b" tty=")?;
        plain(&mut rest, b" ses=")?;
        let (comm, used) = value(rest.strip_prefix(b" comm=")?);
        s.comm = Some(comm);
        let (exe, _) = value(rest[b" comm=".len() + used..].strip_prefix(b" exe=")?);
        s.exe = Some(exe);
        Some(s)
    }

    fn any(body: &'a [u8]) -> Self {
        let mut s = Syscall::default();
        for (name, value) in Fields::new(body) {
            match name {
                b"arch" => s.arch = hex(value.bytes()).and_then(|n| u32::try_from(n).ok()),
                b"syscall" => s.number = decimal(value.bytes()),
                b"success" => s.success = Some(value.bytes() == b"yes"),
                b"exit" => s.exit = std::str::from_utf8(value.bytes()).ok().and_then(|t| t.parse().ok()).unwrap_or(0),
                b"a0" => s.a0 = hex(value.bytes()).unwrap_or(0),
                b"ppid" => s.ppid = decimal(value.bytes()),
                b"pid" => s.pid = decimal(value.bytes()),
                b"uid" => s.uid = decimal(value.bytes()),
                b"comm" => s.comm = Some(value),
                b"exe" => {
                    s.exe = Some(value);
                    break;
                }
                _ => {}
            }
        }
        s
    }

    /// What was called. The name of the enrichment is used only for architectures whose numbers are not known here.
    pub(super) fn call(&self, enriched: impl FnOnce() -> &'a [u8]) -> Call {
        let call = match (self.arch, self.number) {
            (Some(arch), Some(_)) if syscalls::arch_name(arch).is_none() => {
                Fields::find(enriched(), b"SYSCALL").map_or(Call::Other, |name| syscalls::by_name(name.bytes()))
            }
            (Some(arch), Some(number)) => syscalls::by_number(arch, number).0,
            _ => Call::Other,
        };
        match call {
            // socketcall(SYS_CONNECT, …)
            Call::Multiplexed if self.a0 == 3 => Call::Connect,
            Call::Multiplexed => Call::Other,
            Call::Clone if self.a0 & CLONE_THREAD != 0 && !self.is_clone3() => Call::Other,
            call => call,
        }
    }

    /// `clone3` has its flags in memory, where no record shows them.
    fn is_clone3(&self) -> bool {
        self.number == Some(435)
    }

    /// The call's and the architecture's names, where they are known here.
    pub(super) fn names(&self) -> (Option<&'static str>, Option<&'static str>) {
        let Some(arch) = self.arch else { return (None, None) };
        (self.number.and_then(|n| syscalls::by_number(arch, n).1), syscalls::arch_name(arch))
    }

    /// Whether the record says that the call failed.
    pub(super) fn failed(&self) -> bool {
        self.success == Some(false)
    }

    /// Whether the record says that the call succeeded.
    pub(super) fn succeeded(&self) -> bool {
        self.success == Some(true)
    }
}

/// The value behind that name, with which `rest` begins, up to the next space. `None` where it is quoted, or may have
/// more around it.
#[inline]
fn plain<'a, const N: usize>(rest: &mut &'a [u8], name: &[u8; N]) -> Option<&'a [u8]> {
    let text = rest.strip_prefix(name)?;
    let end = space(text)?;
    let (value, after) = text.split_at(end);
    let other = matches!(value.first(), Some(b'"' | b'\'' | b'{')) || matches!(value.last(), Some(b',' | b')'));
    if other && value != b"(none)" {
        return None;
    }
    *rest = after;
    Some(value)
}

pub(super) fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 10 {
        return None;
    }
    let value = text.iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))?;
    u32::try_from(value).ok()
}

fn hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.iter().try_fold(0u64, |n, b| Some(n << 4 | u64::from(char::from(*b).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_usual_record() {
        let body = br#" arch=c000003e syscall=59 success=yes exit=0 a0=7ffe a1=1 a2=2 a3=3 items=2 ppid=1 pid=2 auid=1000 uid=7 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=2 comm="a b" exe="/bin/x" key=(null)"#;
        let s = Syscall::usual(body).unwrap();
        assert_eq!((s.number, s.ppid, s.pid, s.uid, s.exit), (Some(59), Some(1), Some(2), Some(7), 0));
        assert_eq!(format!("{s:?}"), format!("{:?}", Syscall::any(body)));
    }

    proptest! {
        /// Damaged in any way, the record says the same read either way.
        #[test]
        fn both_ways_agree(
            numbers in prop::collection::vec("[0-9a-f-]{0,11}|\\(none\\)|\"[ x]\"|yes|x=1|,|[(]1[)]", 20),
            returns: bool,
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..3, "[ =\"'{},()a0-9]"), 0..3),
        ) {
            let names = ["arch", "syscall", "success", "exit", "a0", "a1", "a2", "a3", "items", "ppid", "pid", "auid", "uid",
                "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid"];
            let fields = names.iter().zip(&numbers).filter(|(n, _)| returns || !matches!(**n, "success" | "exit"));
            let mut text: Vec<u8> = fields.flat_map(|(n, v)| format!(" {n}={v}").into_bytes()).collect();
            text.extend(b" tty=pts0 ses=1 comm=\"sh\" exe=2F62696E key=(null)");
            for (at, how, with) in edits {
                let at = at.index(text.len());
                match how {
                    0 => text[at] = with.as_bytes()[0],
                    1 => drop(text.remove(at)),
                    _ => text.insert(at, with.as_bytes()[0]),
                }
            }
            prop_assert_eq!(format!("{:?}", Syscall::read(&text)), format!("{:?}", Syscall::any(&text)));
        }
    }
}
