//! Syslog lines of a few daemons; what runs under sudo stands in them whole.

use crate::fleet::{self, DEVICES};
use crate::text::Moment;
use crate::{Block, Chunk, Plan, lua, tables};

/// The usual ones first.
#[rustfmt::skip]
const LINES: [&str; 14] = [
    "sshd[{n}]: Failed password for invalid user {u} from 203.0.113.{o} port {n} ssh2", "systemd[1]: Started Session {n} of User {u}.",
    "CRON[{n}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)", "kernel: [{n}.{n}] IN=eth0 OUT= MAC={x}{x} SRC=203.0.113.7 DST=10.0.0.{o} LEN=40 PROTO=TCP SPT={n} DPT=23 WINDOW=1024 SYN",
    "sshd[{n}]: Accepted publickey for {u} from 10.0.3.17 port {n} ssh2: ED25519 SHA256:{x}{x}{x}", "sshd[{n}]: pam_unix(sshd:session): session opened for user {u}(uid=1001) by (uid=0)",
    "dockerd[812]: time=\"2026-03-02T10:11:12.{n}Z\" level=info msg=\"ignoring event\" container={x}{x}{x}{x} module=libcontainerd", "systemd-logind[611]: Removed session {n}.",
    "postfix/smtpd[{n}]: connect from unknown[203.0.113.{o}]", "nginx: 10.0.0.7 - {u} \"GET /api/v1/jobs/{n}?trace={x} HTTP/1.1\" 200 {n} \"-\" \"curl/8.5\"",
    "sudo:   {u} : TTY=pts/0 ; PWD=/home/{u} ; USER=root ; COMMAND=/usr/bin/systemctl reload nginx", "su[{n}]: (to root) {u} on pts/1",
    "dhclient[702]: DHCPACK of 10.0.0.{o} from 10.0.0.1 (xid=0x{x})", "app[{n}]: request {g} took {n} ms for {u}@{h}",
];

/// Appends the events of a block.
pub(crate) fn block(plan: &Plan, block: &Block, out: &mut Chunk) {
    const PRIORITIES: [&[u8]; 5] = [b"<38>", b"<30>", b"<78>", b"<86>", b"<4>"];
    let mut r = block.random();
    let (mut host, mut user, mut line, mut sudo) = (String::new(), String::new(), String::new(), String::new());
    for at in block.events.clone() {
        let device = r.skewed(DEVICES) / 10 * 10 + 9;
        [&mut host, &mut user].into_iter().for_each(String::clear);
        fleet::host(device, &mut host);
        fleet::user(fleet::account(device, &mut r), &mut user);
        if plan.matching > 0.0 && r.chance(plan.matching) {
            let run = lua::linux(&mut r);
            fleet::expand(run.line, &user, &mut r, &mut sudo);
            let command = sudo.split_once('\0').map_or("", |(_, rest)| rest).replace('\0', " ");
            line.clear();
            line.push_str("sudo:   ");
            let parts =
                [&user, " : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=", run.folder, "/", run.name, " ", &command];
            parts.into_iter().for_each(|part| line.push_str(part));
        } else {
            let form = *r.pick_skewed(&LINES);
            fleet::expand(form, &user, &mut r, &mut line);
        }
        out.bytes.extend_from_slice(r.pick_skewed::<&[u8]>(&PRIORITIES));
        Moment::new(tables::START + at as i64 * 3_000).syslog(&mut out.bytes);
        out.bytes.push(b' ');
        out.bytes.extend_from_slice(host.as_bytes());
        out.bytes.push(b' ');
        out.bytes.extend_from_slice(line.as_bytes());
        out.bytes.push(b'\n');
        out.end();
    }
}
