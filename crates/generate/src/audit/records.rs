//! Records, as the kernel and auditd write them.

use super::world::{Process, World};
use crate::text;

/// Writes the records of one event.
pub(crate) struct Record<'o> {
    pub(crate) enriched: bool,
    /// `msg=audit(1795308873.182:9288): `
    stamp: [u8; 64],
    stamp_len: usize,
    node: &'static str,
    out: &'o mut Vec<u8>,
}

/// A system call.
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    /// Whether it succeeded and what it returned; `exit_group` does neither.
    pub(crate) exit: Option<i64>,
    pub(crate) arguments: [u64; 4],
    pub(crate) items: i64,
    pub(crate) key: &'static str,
}

impl<'o> Record<'o> {
    pub(crate) fn new(world: &World, enriched: bool, out: &'o mut Vec<u8>) -> Self {
        let mut stamp = Vec::with_capacity(64);
        stamp.extend_from_slice(b" msg=audit(");
        text::number(world.micros / 1_000_000, &mut stamp);
        stamp.push(b'.');
        text::padded((world.micros / 1_000 % 1_000).unsigned_abs(), 3, &mut stamp);
        stamp.push(b':');
        text::number(world.serial as i64, &mut stamp);
        stamp.extend_from_slice(b"): ");
        let mut kept = [0; 64];
        kept[..stamp.len()].copy_from_slice(&stamp);
        Record { enriched, stamp: kept, stamp_len: stamp.len(), node: world.node, out }
    }

    fn begin(&mut self, kind: &str) {
        self.add("node=");
        self.add(self.node);
        self.add(" type=");
        self.add(kind);
        self.out.extend_from_slice(&self.stamp[..self.stamp_len]);
    }

    fn add(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn field(&mut self, name: &str, value: i64) {
        self.add(name);
        text::number(value, self.out);
    }

    /// A value that a user chose: in quotes, or as hexadecimal digits where it holds a quote, a blank or anything odd.
    fn untrusted(&mut self, name: &str, value: &[u8]) {
        self.add(name);
        if value.iter().any(|b| *b == b'"' || !(0x21..0x7f).contains(b)) {
            text::bytes_upper(value, self.out);
        } else {
            self.out.push(b'"');
            self.out.extend_from_slice(value);
            self.out.push(b'"');
        }
    }

    fn named(&mut self, name: &str, value: &str) {
        self.add(name);
        self.add("=\"");
        self.add(value);
        self.add("\"");
    }

    fn end(&mut self) {
        self.out.push(b'\n');
    }

    /// What begins the part that auditd adds.
    fn names(&mut self) -> bool {
        if self.enriched {
            self.out.push(0x1d);
        }
        self.enriched
    }

    pub(crate) fn syscall(&mut self, call: &Call, p: &Process) {
        self.begin("SYSCALL");
        self.field("arch=c000003e syscall=", call.number);
        if let Some(exit) = call.exit {
            self.add(if exit < 0 { " success=no" } else { " success=yes" });
            self.field(" exit=", exit);
        }
        for (name, value) in [" a0=", " a1=", " a2=", " a3="].into_iter().zip(call.arguments) {
            self.add(name);
            let digits = (16 - value.leading_zeros() as usize / 4).max(1);
            text::hex(value, digits, self.out);
        }
        self.field(" items=", call.items);
        self.field(" ppid=", p.parent);
        self.field(" pid=", p.id);
        self.field(" auid=", p.who.login);
        for name in [" uid=", " gid=", " euid=", " suid=", " fsuid=", " egid=", " sgid=", " fsgid="] {
            self.field(name, p.who.id);
        }
        self.add(" tty=");
        self.add(p.who.terminal);
        self.field(" ses=", p.who.session);
        let comm = p.name();
        self.untrusted(" comm=", &comm.as_bytes()[..comm.len().min(15)]);
        self.untrusted(" exe=", p.exe.as_bytes());
        self.named(" key", call.key);
        if self.names() {
            self.add("ARCH=x86_64 SYSCALL=");
            self.add(call.name);
            self.named(" AUID", p.who.login_name);
            for name in [" UID", " GID", " EUID", " SUID", " FSUID", " EGID", " SGID", " FSGID"] {
                self.named(name, p.who.name);
            }
        }
        self.end();
    }

    /// Arguments are parted by NUL.
    pub(crate) fn execve(&mut self, arguments: &[u8]) {
        self.begin("EXECVE");
        let all = arguments.split(|b| *b == 0);
        self.field("argc=", all.clone().count() as i64);
        for (at, argument) in all.enumerate() {
            self.field(" a", at as i64);
            self.untrusted("=", argument);
        }
        self.end();
    }

    pub(crate) fn cwd(&mut self, folder: &str) {
        self.begin("CWD");
        self.untrusted("cwd=", folder.as_bytes());
        self.end();
    }

    pub(crate) fn path(&mut self, item: i64, name: &str, kind: &str, mode: &str) {
        self.begin("PATH");
        self.field("item=", item);
        self.untrusted(" name=", name.as_bytes());
        self.field(
            " inode=",
            131_072 + (crate::random::mix(name.len() as u64 + name.as_bytes()[name.len() / 2] as u64) % 900_000) as i64,
        );
        self.add(" dev=fe:00 mode=");
        self.add(mode);
        self.add(" ouid=0 ogid=0 rdev=00:00 nametype=");
        self.add(kind);
        self.add(" cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0");
        if self.names() {
            self.add("OUID=\"root\" OGID=\"root\"");
        }
        self.end();
    }

    pub(crate) fn proctitle(&mut self, arguments: &[u8]) {
        self.begin("PROCTITLE");
        self.untrusted("proctitle=", &arguments[..arguments.len().min(128)]);
        self.end();
    }

    pub(crate) fn sockaddr(&mut self, address: [u8; 4], port: u16) {
        self.begin("SOCKADDR");
        self.add("saddr=0200");
        text::bytes_upper(&port.to_be_bytes(), self.out);
        text::bytes_upper(&address, self.out);
        self.add("0000000000000000");
        if self.names() {
            self.add("SADDR={ saddr_fam=inet laddr=");
            for (at, part) in address.into_iter().enumerate() {
                self.field(if at == 0 { "" } else { "." }, i64::from(part));
            }
            self.field(" lport=", i64::from(port));
            self.add(" }");
        }
        self.end();
    }

    /// What a daemon reports: `message` stands in single quotes.
    pub(crate) fn user(&mut self, kind: &str, p: &Process, message: &[&str]) {
        self.begin(kind);
        self.field("pid=", p.id);
        self.field(" uid=", p.who.id);
        self.field(" auid=", p.who.login);
        self.field(" ses=", p.who.session);
        self.add(" msg='");
        message.iter().for_each(|part| self.add(part));
        self.add("'");
        if self.names() {
            self.named("UID", p.who.name);
            self.named(" AUID", p.who.login_name);
        }
        self.end();
    }

    pub(crate) fn login(&mut self, p: &Process) {
        self.begin("LOGIN");
        self.field("pid=", p.id);
        self.field(" uid=0 old-auid=4294967295 auid=", p.who.login);
        self.field(" tty=(none) old-ses=4294967295 ses=", p.who.session);
        self.add(" res=1");
        if self.names() {
            self.add("UID=\"root\" OLD-AUID=\"unset\"");
            self.named(" AUID", p.who.login_name);
        }
        self.end();
    }
}
