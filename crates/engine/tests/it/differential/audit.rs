//! Audit logs: records of executions as the kernel and the daemon write them, in both dialects.

use super::dice::Dice;
use super::events::Event;
use std::fmt::Write as _;

/// A text as the kernel writes one: quoted, or in hex where it must, and now and then where it need not.
fn text(dice: &mut Dice<'_>, text: &str) -> String {
    let must = text.bytes().any(|b| b == b'"' || b <= b' ' || b > b'~');
    match dice.below(12) {
        11 => hex(text.as_bytes()).to_lowercase(),
        9 | 10 => hex(text.as_bytes()),
        _ if must => hex(text.as_bytes()),
        _ => format!("\"{text}\""),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// An argument: whole, or in several parts as the kernel writes long ones.
fn argument(dice: &mut Dice<'_>, at: usize, value: &str) -> String {
    if !dice.once_in(10) || value.len() < 4 {
        return format!(" a{at}={}", text(dice, value));
    }
    let cut = 1 + dice.below(value.len() - 2);
    let (first, rest) = value.as_bytes().split_at(cut);
    let digits = 2 * value.len();
    format!(" a{at}_len={digits} a{at}[0]={} a{at}[1]={}", hex(first), hex(rest))
}

/// The records of one execution, a line each.
pub(super) fn audit(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let stamp = format!("audit({}.{:03}:{}):", 1_767_225_600 + at / 3, at % 1_000, 100 + at);
    let node = if dice.once_in(4) { "node=h " } else { "" };
    let mut out = String::new();
    let mut record = |kind: &str, body: &str, names: &str| {
        let end = if names.is_empty() { String::new() } else { format!("\u{1d}{names}") };
        let _ = writeln!(out, "{node}type={kind} msg={stamp} {body}{end}");
    };
    let (pid, parent) = (1_000 + at, 1_000 + dice.below(at + 1));
    let program = format!("{}/{}", e.folder, e.file);
    let names = match dice.below(3) {
        0 => format!("ARCH=x86_64 SYSCALL=execve AUID=\"{0}\" UID=\"{0}\" EUID=\"root\"", e.account.replace('"', "'")),
        _ => String::new(),
    };
    let (comm, exe) = (text(dice, &e.file), text(dice, &program));
    let success = if dice.once_in(12) { "no exit=-2" } else { "yes exit=0" };
    let call = format!(
        "arch=c000003e syscall=59 success={success} a0=55d0 a1=55d1 a2=55d2 a3=8 items=2 ppid={parent} pid={pid} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm={comm} exe={exe} key=(null)"
    );
    record("SYSCALL", &call, &names);
    let arguments: Vec<&str> = e.line.split(' ').collect();
    let mut body = format!("argc={}", arguments.len());
    for (place, value) in arguments.iter().enumerate() {
        body.push_str(&argument(dice, place, value));
    }
    // A relay loses a record now and then.
    if !dice.once_in(16) {
        record("EXECVE", &body, "");
    }
    if !dice.once_in(4) {
        record("CWD", &format!("cwd={}", text(dice, &e.more)), "");
    }
    if dice.once_in(2) {
        record("PATH", &format!("item=0 name={} inode=1 mode=0100755 nametype=NORMAL", text(dice, &program)), "");
    }
    if dice.once_in(2) {
        record("PROCTITLE", &format!("proctitle={}", hex(e.line.replace(' ', "\0").as_bytes())), "");
    }
    if dice.once_in(2) {
        record("EOE", "", "");
    }
    // What is written between lines is the caller's.
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// Puts some lines of the text behind their neighbours: events overlap when several processors write them.
pub(super) fn shuffled(dice: &mut Dice<'_>, text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    for _ in 0..dice.below(8) {
        let at = lines.len().saturating_sub(2 + dice.below(40));
        if at > 0 {
            lines.swap(at, at - 1);
        }
    }
    lines.join("\n")
}
