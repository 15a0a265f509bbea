//! The part of a SYSCALL record that decides what the event is and what it does to the process table.

use super::record::{Fields, Raw};
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
