//! A machine: its sessions and services, and what they do next.

use super::records::{Call, Record};
use crate::random::Random;
use crate::{Block, Plan, fleet, lua, tables};

const UNSET: i64 = 4_294_967_295;

/// On whose behalf something runs.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) id: i64,
    pub(crate) name: &'static str,
    pub(crate) login: i64,
    pub(crate) login_name: &'static str,
    pub(crate) session: i64,
    pub(crate) terminal: &'static str,
    home: &'static str,
}

/// A process.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) id: i64,
    pub(crate) parent: i64,
    pub(crate) who: Who,
    pub(crate) exe: String,
    /// Parted by NUL.
    pub(crate) arguments: String,
}

impl Process {
    pub(crate) fn name(&self) -> &str {
        self.exe.rsplit('/').next().unwrap_or_default()
    }
}

#[rustfmt::skip]
const PEOPLE: [(i64, &str, &str); 6] = [
    (1001, "deploy", "/home/deploy"), (1002, "alice", "/home/alice"), (1003, "jonas", "/home/jonas"), (1004, "ansible", "/home/ansible"),
    (1005, "li.wei", "/home/li.wei"), (1006, "backup", "/srv/backup"),
];
#[rustfmt::skip]
const SERVICES: [(i64, &str, &str, &str); 6] = [
    (0, "root", "/usr/sbin/cron", "/usr/sbin/CRON\0-f"), (0, "root", "/usr/bin/containerd-shim-runc-v2", "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0{x}{x}{x}{x}"),
    (999, "telegraf", "/usr/bin/telegraf", "/usr/bin/telegraf\0-config\0/etc/telegraf/telegraf.conf"), (33, "www-data", "/usr/sbin/php-fpm8.2", "php-fpm: pool www"),
    (113, "postgres", "/usr/lib/postgresql/15/bin/postgres", "postgres: checkpointer "), (0, "root", "/usr/lib/systemd/systemd", "/sbin/init"),
];
const NODES: [&str; 8] = ["web01", "build-02", "db-1", "web02", "jump-3", "ci-7", "cache-4", "mail-1"];

/// Commands, the usual ones first; arguments are parted by NUL.
#[rustfmt::skip]
const COMMANDS: [(&str, &[&str]); 40] = [
    ("/usr/bin/dash", &["/bin/sh\0-c\0/usr/bin/test -x /opt/agent/run && /opt/agent/run --once {n}", "sh\0-c\0command -v debian-sa1 > /dev/null && debian-sa1 1 1"]),
    ("/usr/bin/grep", &["grep\0-c\0^processor\0/proc/cpuinfo", "grep\0-rn\0TODO({u})\0src/{x}", "grep\0-E\0^(cpu|mem) usage\0/var/lib/agent/{x}.stat"]),
    ("/usr/bin/sed", &["sed\0-e\0s/\\s\\+/ /g\0/proc/loadavg", "sed\0-n\0{n}p\0/etc/services"]),
    ("/usr/bin/cat", &["cat\0/proc/net/dev", "cat\0/sys/class/thermal/thermal_zone0/temp", "cat\0/home/{u}/notes {n}.txt"]),
    ("/usr/bin/gawk", &["awk\0{print $1}", "awk\0-F:\0$3 >= 1000 {print $1}\0/etc/passwd"]),
    ("/usr/bin/sleep", &["sleep\x001", "sleep\x0060"]), ("/usr/bin/date", &["date\0+%s", "date\0-u\0+%Y-%m-%dT%H:%M:%SZ"]),
    ("/usr/bin/bash", &["bash\0/opt/deploy/run.sh\0--host\0{h}\0--build\0{n}", "/bin/bash\0-c\0set -e; cd /srv/app && ./bin/migrate --to {x}"]),
    ("/usr/bin/ls", &["ls\0--color=auto\0-la", "ls\0/srv/releases/{x}"]), ("/usr/bin/cut", &["cut\0-d\0 \0-f\x001", "cut\0-c1-8"]),
    ("/usr/bin/git", &["git\0rev-parse\0HEAD", "git\0fetch\0--prune\0origin\0+refs/heads/*:refs/remotes/origin/*", "git\0status\0--porcelain=v2"]),
    ("/usr/bin/python3.11", &["python3\0/opt/etl/load.py\0--batch\0{g}", "/usr/bin/python3\0-m\0pip\0install\0package-{n}", "python3\0-c\0import json,sys; print(len(json.load(sys.stdin)))"]),
    ("/usr/bin/curl", &["curl\0-fsS\0--max-time\x005\0http://127.0.0.1:8080/healthz?id={x}", "curl\0-H\0Authorization: Bearer {x}{x}{x}{x}\0https://{h}/api/v1/jobs/{n}"]),
    ("/usr/bin/ps", &["ps\0-eo\0pid,ppid,comm", "ps\0auxww"]), ("/usr/bin/systemctl", &["systemctl\0is-active\0nginx.service", "systemctl\0show\0--property=MainPID\0app@{n}.service"]),
    ("/usr/bin/docker", &["docker\0ps\0--format\0{{.ID}}", "docker\0exec\0app-{n}\0/bin/true"]), ("/usr/bin/runc", &["runc\0--root\0/var/run/docker/runtime-runc/moby\0exec\0{x}{x}{x}{x}"]),
    ("/usr/bin/id", &["id\0-un", "id\0-u\0{u}"]), ("/usr/bin/uname", &["uname\0-r", "uname\0-m"]), ("/usr/bin/hostname", &["hostname\0-f"]),
    ("/usr/bin/tr", &["tr\0[:upper:]\0[:lower:]", "tr\0-d\0\\n"]), ("/usr/bin/head", &["head\0-n\x001"]), ("/usr/bin/wc", &["wc\0-l"]), ("/usr/bin/sort", &["sort\0-u", "sort\0-k2,2nr"]),
    ("/usr/bin/find", &["find\0/var/log\0-name\0*.gz\0-mtime\0+{n}\0-delete", "find\0.\0-type\0f\0-newer\0.stamp {x}"]), ("/usr/bin/df", &["df\0-P\0/"]), ("/usr/bin/stat", &["stat\0-c\0%Y\0/srv/app/current"]),
    ("/usr/bin/make", &["make\0-j8\0assets", "make\0test\0PKG={x}"]), ("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1", &["/usr/libexec/gcc/x86_64-linux-gnu/12/cc1\0-quiet\0-I\0include\0src/{x}.c\0-o\0/tmp/cc{x}.s"]),
    ("/usr/bin/node", &["node\0/srv/web/node_modules/.bin/tsc\0--build\0--id\0{n}"]), ("/usr/bin/ssh", &["ssh\0-o\0BatchMode=yes\0{u}@{h}\0uptime"]), ("/usr/bin/rsync", &["rsync\0-a\0--delete\0/srv/data/\0{h}:/backup/{x}/"]),
    ("/usr/bin/tar", &["tar\0czf\0/tmp/{x}.tgz\0/var/log/app"]), ("/usr/bin/openssl", &["openssl\0x509\0-noout\0-enddate\0-in\0/etc/ssl/certs/{x}.pem"]), ("/usr/bin/psql", &["psql\0-At\0-c\0select count(*) from jobs where id > {n}"]),
    ("/usr/bin/sudo", &["sudo\0-n\0systemctl\0reload\0nginx"]), ("/usr/sbin/logrotate", &["/usr/sbin/logrotate\0/etc/logrotate.conf"]), ("/usr/bin/dpkg", &["dpkg\0-l\0libssl3"]),
    ("/usr/bin/vim.basic", &["vim\0config {n}.yaml"]), ("/usr/bin/mkdir", &["mkdir\0-p\0/srv/releases/{x}"]),
];

/// What there is, and what time it is.
pub(crate) struct World {
    pub(crate) r: Random,
    pub(crate) node: &'static str,
    pub(crate) micros: i64,
    pub(crate) serial: u64,
    next_id: i64,
    /// Shells of sessions and services: what starts things.
    roots: Vec<Process>,
    /// What they started, the latest last.
    running: Vec<Process>,
    /// How far the sessions have come with logging in: this many steps are left.
    logging_in: usize,
    text: String,
}

impl World {
    pub(crate) fn new(block: &Block) -> World {
        let mut r = block.random();
        let mut world = World {
            node: r.pick_skewed::<&str>(&NODES),
            r,
            micros: 0,
            serial: 0,
            // Far from those of the blocks around.
            next_id: 1_000 + (block.events.start % 4_000_000) as i64,
            roots: Vec::new(),
            running: Vec::new(),
            logging_in: 0,
            text: String::new(),
        };
        for (id, name, exe, arguments) in SERVICES {
            let who =
                Who { id, name, login: UNSET, login_name: "unset", session: UNSET, terminal: "(none)", home: "/" };
            fleet::expand(arguments, "", &mut world.r, &mut world.text);
            let (parent, own) = (1, if exe.ends_with("systemd") { 1 } else { 400 + world.roots.len() as i64 });
            world.roots.push(Process { id: own, parent, who, exe: exe.to_owned(), arguments: world.text.clone() });
        }
        for _ in 0..3 {
            let (id, name, home) = *world.r.pick_skewed(&PEOPLE);
            let session = 100 + (block.events.start / 170) as i64 % 100_000 + world.roots.len() as i64;
            let terminal = *world.r.pick(&["pts0", "pts1", "pts2", "(none)"]);
            let who = Who { id, name, login: id, login_name: name, session, terminal, home };
            let parent = world.id();
            world.roots.push(Process {
                id: parent + 1,
                parent,
                who,
                exe: "/usr/bin/bash".to_owned(),
                arguments: "-bash".to_owned(),
            });
            world.id();
        }
        world.logging_in = 3 * LOGIN_STEPS;
        world
    }

    /// To the next event, some milliseconds later.
    pub(crate) fn tick(&mut self, at: u64) {
        self.serial = 1_000 + at;
        self.micros = tables::START + at as i64 * 7_000;
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn expand(&mut self, line: &str, user: &str) -> String {
        fleet::expand(line, user, &mut self.r, &mut self.text);
        self.text.clone()
    }
}

/// The next thing that happens.
pub(crate) fn event(plan: &Plan, w: &mut World, out: &mut Record<'_>) {
    if plan.matching > 0.0 && w.r.chance(plan.matching) {
        let run = lua::linux(&mut w.r);
        return execute(w, &format!("{}/{}", run.folder, run.name), run.line, out);
    }
    if w.logging_in > 0 && w.r.once_in(3) {
        w.logging_in -= 1;
        return log_in(w, out);
    }
    match w.r.below(100) {
        0..=29 => {
            let (exe, lines) = *w.r.pick_skewed(&COMMANDS);
            let line = *w.r.pick(lines);
            execute(w, exe, line, out);
        }
        30..=51 => leave(w, out),
        52..=60 => fork(w, out),
        61..=80 => open(w, out),
        81..=86 => connect(w, out),
        _ => report(w, out),
    }
}

const LOGIN_STEPS: usize = 5;

fn log_in(w: &mut World, out: &mut Record<'_>) {
    let (session, step) = (2 - w.logging_in / LOGIN_STEPS, LOGIN_STEPS - 1 - w.logging_in % LOGIN_STEPS);
    let shell = w.roots[SERVICES.len() + session].clone();
    let who = Who { id: 0, name: "root", ..shell.who };
    let sshd =
        Process { id: shell.parent, parent: 700, who, exe: "/usr/sbin/sshd".to_owned(), arguments: String::new() };
    let of = shell.who.name;
    let tail = r#" exe="/usr/sbin/sshd" hostname=10.0.3.17 addr=10.0.3.17 terminal=ssh res=success"#;
    match step {
        0 => out.user(
            "USER_AUTH",
            &sshd,
            &["op=PAM:authentication grantors=pam_permit,pam_unix acct=\"", of, "\"", tail],
        ),
        1 => out.user("USER_ACCT", &sshd, &["op=PAM:accounting grantors=pam_unix acct=\"", of, "\"", tail]),
        2 => out.login(&Process { who: shell.who, ..sshd }),
        3 => {
            out.user(
                "USER_START",
                &sshd,
                &["op=PAM:session_open grantors=pam_unix,pam_limits acct=\"", of, "\"", tail],
            );
        }
        _ => executed(w, &shell, out),
    }
}

fn some_parent(w: &mut World) -> Process {
    if !w.running.is_empty() && w.r.once_in(4) {
        let at = w.r.below(w.running.len() as u64) as usize;
        w.running[at].clone()
    } else {
        let at = w.r.below(w.roots.len() as u64) as usize;
        w.roots[at].clone()
    }
}

fn some_running(w: &mut World) -> Process {
    if w.running.is_empty() {
        return some_parent(w);
    }
    let back = w.r.skewed(w.running.len() as u64) as usize;
    w.running[w.running.len() - 1 - back].clone()
}

fn execute(w: &mut World, exe: &str, line: &str, out: &mut Record<'_>) {
    let parent = some_parent(w);
    let arguments = w.expand(line, parent.who.name);
    let child = Process { id: w.id(), parent: parent.id, who: parent.who, exe: exe.to_owned(), arguments };
    executed(w, &child, out);
    if w.running.len() == 24 {
        w.running.remove(0);
    }
    w.running.push(child);
}

fn executed(w: &mut World, child: &Process, out: &mut Record<'_>) {
    let arguments = [w.r.bits() >> 17 | 1 << 46, w.r.bits() >> 17 | 1 << 46, w.r.bits() >> 17 | 1 << 46, 8];
    let call = Call { number: 59, name: "execve", exit: Some(0), arguments, items: 2, key: "exec" };
    out.syscall(&call, child);
    out.execve(child.arguments.as_bytes());
    out.cwd(child.who.home);
    out.path(0, &child.exe, "NORMAL", "0100755");
    out.path(1, "/lib64/ld-linux-x86-64.so.2", "NORMAL", "0100755");
    out.proctitle(child.arguments.as_bytes());
}

fn leave(w: &mut World, out: &mut Record<'_>) {
    let process = some_running(w);
    w.running.retain(|p| p.id != process.id);
    let status = if w.r.once_in(12) { 1 } else { 0 };
    let call = Call {
        number: 231,
        name: "exit_group",
        exit: None,
        arguments: [status, 0xe7, 0x3c, 0x7ffd_0000_0000 + w.r.below(1 << 20)],
        items: 0,
        key: "tree",
    };
    out.syscall(&call, &process);
    out.proctitle(process.arguments.as_bytes());
}

fn fork(w: &mut World, out: &mut Record<'_>) {
    let parent = some_parent(w);
    let child = w.next_id + 1;
    let call = Call {
        number: 56,
        name: "clone",
        exit: Some(child),
        arguments: [0x120_0011, 0, 0, 0x7f52_b66b_4a10],
        items: 0,
        key: "tree",
    };
    out.syscall(&call, &parent);
    out.proctitle(parent.arguments.as_bytes());
}

fn open(w: &mut World, out: &mut Record<'_>) {
    const FILES: [&str; 8] = [
        "/etc/passwd",
        "/etc/shadow",
        "/var/log/app/{x}.log",
        "/srv/releases/{x}/config.yaml",
        "/etc/ssl/private/{h}.key",
        "/home/{u}/.ssh/known_hosts",
        "/etc/sudoers.d/{u}",
        "/tmp/{x} {n}",
    ];
    let process = some_running(w);
    let file = *w.r.pick_skewed(&FILES);
    let file = w.expand(file, process.who.name);
    let exit = if w.r.once_in(9) { -13 } else { 3 + w.r.below(30) as i64 };
    let call = Call {
        number: 257,
        name: "openat",
        exit: Some(exit),
        arguments: [0xffff_ff9c, w.r.bits() >> 17, 0x80000, 0],
        items: 1,
        key: "files",
    };
    out.syscall(&call, &process);
    out.cwd(process.who.home);
    out.path(0, &file, if exit < 0 { "UNKNOWN" } else { "NORMAL" }, "0100640");
    out.proctitle(process.arguments.as_bytes());
}

fn connect(w: &mut World, out: &mut Record<'_>) {
    let process = some_running(w);
    let exit = if w.r.once_in(2) { -115 } else { 0 };
    let call = Call {
        number: 42,
        name: "connect",
        exit: Some(exit),
        arguments: [3 + w.r.below(20), w.r.bits() >> 17, 0x10, w.r.below(1 << 40)],
        items: 0,
        key: "net",
    };
    out.syscall(&call, &process);
    let address = if w.r.once_in(3) {
        [203, 0, 113, w.r.below(255) as u8]
    } else {
        [10, 0, w.r.below(4) as u8, w.r.skewed(255) as u8]
    };
    out.sockaddr(address, *w.r.pick_skewed(&[443, 5432, 53, 80, 6379, 22, 8086]));
    out.proctitle(process.arguments.as_bytes());
}

fn report(w: &mut World, out: &mut Record<'_>) {
    const UNITS: [&str; 5] = ["logrotate", "apt-daily", "man-db", "fstrim", "systemd-tmpfiles-clean"];
    let cron = w.roots[0].clone();
    let cron = Process { id: w.id(), ..cron };
    let tail = r#" acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success"#;
    match w.r.below(7) {
        0 => out.user("USER_ACCT", &cron, &["op=PAM:accounting grantors=pam_permit", tail]),
        1 => out.user("CRED_ACQ", &cron, &["op=PAM:setcred grantors=pam_permit", tail]),
        2 => out.user(
            "USER_START",
            &cron,
            &["op=PAM:session_open grantors=pam_loginuid,pam_env,pam_permit,pam_unix,pam_limits", tail],
        ),
        3 => out.user("CRED_DISP", &cron, &["op=PAM:setcred grantors=pam_permit", tail]),
        4 => out.user(
            "USER_END",
            &cron,
            &["op=PAM:session_close grantors=pam_loginuid,pam_env,pam_permit,pam_unix,pam_limits", tail],
        ),
        n => {
            let init = w.roots[SERVICES.len() - 1].clone();
            let unit = *w.r.pick(&UNITS);
            let kind = if n == 5 { "SERVICE_START" } else { "SERVICE_STOP" };
            out.user(
                kind,
                &init,
                &[
                    "unit=",
                    unit,
                    r#" comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success"#,
                ],
            );
        }
    }
}
