//! The few system calls that an audit reader has to know by number. A RAW log has only numbers, and they differ between
//! architectures; an ENRICHED one has names. Numbers are from the kernel's own system call tables.

/// What a system call means for the process table and for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Exec,
    Connect,
    Clone,
    Fork,
    ExitGroup,
    /// i386's multiplexer: `a0` tells which.
    Multiplexed,
    Other,
}

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ARM: u32 = 0x4000_0028;
const RISCV64: u32 = 0xc000_00f3;
const LOONGARCH64: u32 = 0xc000_0102;
/// Set in the numbers of x86-64's x32 variant.
const X32: u32 = 0x4000_0000;

/// The meaning of a number on an architecture (both as the record has them: `arch` hex, `syscall` decimal) and its name.
pub(super) fn by_number(arch: u32, number: u32) -> (Call, Option<&'static str>) {
    use Call::*;
    let name = match (arch, number) {
        (X86_64, 59) | (I386 | ARM, 11) | (AARCH64 | RISCV64 | LOONGARCH64, 221) => "execve",
        (X86_64, 322) | (I386, 358) | (ARM, 387) | (AARCH64 | RISCV64 | LOONGARCH64, 281) => "execveat",
        (X86_64, n) if n == X32 | 520 => "execve",
        (X86_64, n) if n == X32 | 545 => "execveat",
        (X86_64, n) if n & X32 != 0 => return by_number(arch, n & !X32),
        (X86_64, 42) | (I386, 362) | (ARM, 283) | (AARCH64 | RISCV64 | LOONGARCH64, 203) => "connect",
        (X86_64, 56) | (I386 | ARM, 120) | (AARCH64 | RISCV64 | LOONGARCH64, 220) => "clone",
        (X86_64 | I386 | AARCH64 | ARM | RISCV64 | LOONGARCH64, 435) => "clone3",
        (X86_64, 57) | (I386 | ARM, 2) => "fork",
        (X86_64, 58) | (I386 | ARM, 190) => "vfork",
        (X86_64, 231) | (I386, 252) | (ARM, 248) | (AARCH64 | RISCV64 | LOONGARCH64, 94) => "exit_group",
        (X86_64, 60) | (I386 | ARM, 1) | (AARCH64 | RISCV64 | LOONGARCH64, 93) => "exit",
        (I386, 102) => "socketcall",
        _ => return (Other, None),
    };
    (by_name(name.as_bytes()), Some(name))
}

/// The meaning of a name, as ENRICHED logs and `audit.log` readers give it.
pub(super) fn by_name(name: &[u8]) -> Call {
    match name {
        b"execve" | b"execveat" => Call::Exec,
        b"connect" => Call::Connect,
        b"clone" | b"clone3" => Call::Clone,
        b"fork" | b"vfork" => Call::Fork,
        b"exit_group" => Call::ExitGroup,
        b"socketcall" => Call::Multiplexed,
        // `exit` ends a thread: the record's `pid` is its whole process, which may go on.
        _ => Call::Other,
    }
}

/// The architecture's name as ENRICHED logs have it.
pub(super) fn arch_name(arch: u32) -> Option<&'static str> {
    Some(match arch {
        X86_64 => "x86_64",
        I386 => "i386",
        AARCH64 => "aarch64",
        ARM => "arm",
        RISCV64 => "riscv64",
        LOONGARCH64 => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_means_different_calls() {
        assert_eq!(by_number(X86_64, 59), (Call::Exec, Some("execve")));
        assert_eq!(by_number(I386, 59), (Call::Other, None));
        assert_eq!(by_number(I386, 11), (Call::Exec, Some("execve")));
        assert_eq!(by_number(X86_64, 11), (Call::Other, None));
        assert_eq!(by_number(AARCH64, 221), (Call::Exec, Some("execve")));
        assert_eq!(by_number(X86_64, X32 | 520), (Call::Exec, Some("execve")));
        assert_eq!(by_number(X86_64, X32 | 42), (Call::Connect, Some("connect")));
        assert_eq!(by_number(0xdead, 59), (Call::Other, None));
    }
}
