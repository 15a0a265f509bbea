//! The rows of each table.

use crate::fleet::{self, DEVICES, PROGRAMS, RARE, TAIL};
use crate::random::{Random, mix};
use crate::rows::{Columns, Kind, Put};
use crate::{Block, Plan, Table, lua};
use Kind::{Long, Text, Time};

#[rustfmt::skip]
const PROCESS: Columns = &[
    ("Timestamp", Time), ("DeviceId", Text), ("DeviceName", Text), ("ActionType", Text), ("FileName", Text), ("FolderPath", Text), ("SHA1", Text),
    ("SHA256", Text), ("MD5", Text), ("FileSize", Long), ("ProcessVersionInfoCompanyName", Text), ("ProcessId", Long), ("ProcessCommandLine", Text),
    ("ProcessIntegrityLevel", Text), ("ProcessCreationTime", Time), ("AccountDomain", Text), ("AccountName", Text), ("AccountSid", Text), ("LogonId", Long),
    ("InitiatingProcessFileName", Text), ("InitiatingProcessFolderPath", Text), ("InitiatingProcessSHA256", Text), ("InitiatingProcessId", Long),
    ("InitiatingProcessCommandLine", Text), ("InitiatingProcessAccountName", Text), ("InitiatingProcessParentFileName", Text), ("ReportId", Long),
    ("AdditionalFields", Text),
];

#[rustfmt::skip]
const LOGON: Columns = &[
    ("Timestamp", Time), ("DeviceId", Text), ("DeviceName", Text), ("ActionType", Text), ("AccountName", Text), ("LogonType", Text), ("LogonId", Long),
    ("RemoteIP", Text), ("ReportId", Long),
];

#[rustfmt::skip]
const DEVICE: Columns = &[
    ("Timestamp", Time), ("DeviceId", Text), ("DeviceName", Text), ("OSPlatform", Text), ("MachineGroup", Text), ("ReportId", Long),
];

/// The columns of a table, and what Defender calls it.
pub(crate) fn columns(table: Table) -> (Columns, &'static str) {
    match table {
        Table::Process => (PROCESS, "DeviceProcessEvents"),
        Table::Logon => (LOGON, "DeviceLogonEvents"),
        Table::Device => (DEVICE, "DeviceInfo"),
    }
}

pub(crate) fn fill<P: Put>(table: Table, plan: &Plan, block: &Block, out: &mut P) {
    let mut r = block.random();
    let mut texts = Texts::default();
    for row in block.events.clone() {
        match table {
            Table::Process => process(row, time(row, block.of, &mut r), plan, &mut r, &mut texts, out),
            Table::Logon => logon(row, time(row, block.of, &mut r), &mut r, out),
            Table::Device => device(row, out),
        }
        out.end_row();
    }
}

/// Buffers, to be used again for each row.
#[derive(Default)]
struct Texts {
    host: String,
    user: String,
    line: String,
    parent: String,
    folder: String,
    name: String,
    more: String,
}

const DAY: i64 = 86_400_000_000;
/// Monday, 2 March 2026.
pub(crate) const START: i64 = 1_772_409_600_000_000;

/// A week, busier by day than by night, nearly in order: events arrive up to two minutes late.
fn time(row: u64, rows: u64, r: &mut Random) -> i64 {
    let at = (row as f64 / rows as f64) * 7.0 * DAY as f64;
    let turn = at / DAY as f64 * std::f64::consts::TAU;
    let by_day = at - (turn.sin() * 0.12 * DAY as f64);
    START + by_day.max(0.0) as i64 + r.below(120_000_000) as i64
}

fn device_id(device: u64, out: &mut String) {
    out.clear();
    fleet::hash(device ^ 0xDE71CE, 40, out);
}

/// The process of a program that stays: the same whenever it starts another on that machine, for some hours.
fn stays(device: u64, program: usize, at: i64) -> i64 {
    4 * (1 + mix(device ^ (program as u64) << 20 ^ ((at / (DAY / 4)) as u64) << 32) % 12_000) as i64
}

/// A program that was started.
struct Started {
    file: &'static str,
    company: &'static str,
    parent: usize,
    /// Its number in [`PROGRAMS`], if it is one of them.
    known: Option<usize>,
    system: bool,
    /// Of which file.
    which: u64,
}

/// What runs; its folder, name (of one in the long tail) and command line go to the buffers.
fn started(plan: &Plan, r: &mut Random, t: &mut Texts) -> Started {
    t.folder.clear();
    t.name.clear();
    if plan.matching > 0.0 && r.chance(plan.matching) {
        let run = lua::windows(r);
        t.folder.push_str(run.folder);
        fleet::expand(run.line, &t.user, r, &mut t.line);
        let which = mix(run.name.len() as u64);
        return Started { file: run.name, company: "Lua.org", parent: 7, known: None, system: false, which };
    }
    if r.once_in(10_000) {
        let (file, line) = *r.pick(&RARE);
        t.folder.push_str(r"C:\Users\Public");
        fleet::expand(line, &t.user, r, &mut t.line);
        return Started { file, company: "", parent: 7, known: None, system: false, which: mix(file.len() as u64) };
    }
    if let Some(n) = fleet::run(r) {
        let p = &PROGRAMS[n];
        // Several versions of each are about.
        let which = mix(n as u64 + 1000 * r.skewed(40));
        t.folder.push_str(p.folder);
        let line = r.pick(p.lines);
        fleet::expand(line, &t.user, r, &mut t.line);
        // People run commands too, not only services.
        let system = p.system && !(p.parent != 0 && r.once_in(3));
        return Started { file: p.name, company: p.company, parent: p.parent, known: Some(n), system, which };
    }
    let which = r.skewed(TAIL) + 1_000_000;
    t.name.push_str("tool-");
    fleet::hex(mix(which), 8, &mut t.name);
    t.name.push_str(".exe");
    t.folder.push_str(r"C:\Users\");
    t.folder.push_str(&t.user);
    t.folder.push_str(r"\AppData\Local\Temp\");
    fleet::hex(mix(which), 4, &mut t.folder);
    t.line.clear();
    t.line.push('"');
    [&t.folder, r"\", &t.name, "\" --session "].into_iter().for_each(|part| t.line.push_str(part));
    fleet::number(r.below(1_000_000), &mut t.line);
    t.line.push_str(" --update");
    Started { file: "", company: "", parent: 1, known: None, system: false, which }
}

fn process<P: Put>(row: u64, at: i64, plan: &Plan, r: &mut Random, t: &mut Texts, out: &mut P) {
    let device = r.skewed(DEVICES);
    let account = fleet::account(device, r);
    [&mut t.host, &mut t.user].into_iter().for_each(String::clear);
    fleet::host(device, &mut t.host);
    fleet::user(account, &mut t.user);
    let s = started(plan, r, t);
    let file = if s.file.is_empty() { t.name.as_str() } else { s.file };
    let parent = &PROGRAMS[s.parent];
    fleet::expand(parent.lines[0], &t.user, r, &mut t.parent);
    t.folder.push(if t.folder.starts_with('/') { '/' } else { '\\' });
    t.folder.push_str(file);
    let (domain, shown) = if s.system { ("NT AUTHORITY", "SYSTEM") } else { ("corp", t.user.as_str()) };
    let mut hash = |of: u64, digits: usize, out: &mut P| {
        t.more.clear();
        fleet::hash(of, digits, &mut t.more);
        out.plain(&t.more);
    };

    out.time(at);
    hash(device ^ 0xDE71CE, 40, out);
    out.plain(&t.host);
    out.plain("ProcessCreated");
    out.plain(file);
    out.text(&t.folder);
    hash(s.which ^ 1, 40, out);
    hash(s.which ^ 2, 64, out);
    hash(s.which ^ 3, 32, out);
    out.long((mix(s.which) % 4_000_000) as i64);
    out.plain(s.company);
    // A program that others come from stays; of the others each run is a new process.
    out.long(match s.known {
        Some(n) if PROGRAMS.iter().any(|p| p.parent == n) && r.once_in(2) => stays(device, n, at),
        _ => 4 * (1 + r.below(12_000)) as i64,
    });
    out.text(&t.line);
    out.plain(if s.system { "System" } else { r.pick::<&str>(&["Medium", "Medium", "Medium", "High", "Low"]) });
    out.time(at - r.below(2_000_000) as i64);
    out.plain(domain);
    out.plain(shown);
    t.more.clear();
    if s.system {
        t.more.push_str("S-1-5-18");
    } else {
        t.more.push_str("S-1-5-21-1004336348-1177238915-682003330-");
        fleet::number(account + 1000, &mut t.more);
    }
    out.plain(&t.more);
    out.long(if s.system { 999 } else { (mix(account) & 0xff_ffff) as i64 });
    out.plain(parent.name);
    t.more.clear();
    t.more.push_str(parent.folder);
    t.more.push(if parent.folder.starts_with('/') { '/' } else { '\\' });
    t.more.push_str(parent.name);
    out.text(&t.more);
    t.more.clear();
    fleet::hash(mix(parent.name.len() as u64), 64, &mut t.more);
    out.plain(&t.more);
    out.long(stays(device, s.parent, at));
    out.text(&t.parent);
    out.plain(shown);
    out.plain(PROGRAMS[parent.parent].name);
    out.long(row as i64 + 1);
    additional(r, s.which, &mut t.more);
    out.text(&t.more);
}

/// A bag with an array of tags and, sometimes, of modules; nothing for one event in ten.
fn additional(r: &mut Random, which: u64, out: &mut String) {
    const TAGS: [&str; 8] =
        ["signed", "first-seen", "remote", "elevated", "interactive", "scheduled", "lolbin", "script host"];
    const MODULES: [&str; 6] = ["ntdll.dll", "kernel32.dll", "ws2_32.dll", "amsi.dll", "clr.dll", "winhttp.dll"];
    out.clear();
    if r.once_in(10) {
        return;
    }
    out.push_str(r#"{"ModuleILPathHash":"#);
    fleet::number(mix(which) % 1_000_000, out);
    out.push_str(r#","Tags":["#);
    let list = |all: &[&str], n: u64, r: &mut Random, out: &mut String| {
        let first = r.below(all.len() as u64);
        for i in 0..n {
            let item = all[((first + i) % all.len() as u64) as usize];
            out.push_str(if i > 0 { ",\"" } else { "\"" });
            out.push_str(item);
            out.push('"');
        }
    };
    let tags = r.skewed(5);
    list(&TAGS, tags, r, out);
    out.push(']');
    if r.once_in(4) {
        out.push_str(r#","Modules":["#);
        let modules = 1 + r.below(4);
        list(&MODULES, modules, r, out);
        out.push(']');
    }
    out.push_str(r#","Note":"user said \""#);
    fleet::number(r.below(1000), out);
    out.push_str(r#"\""}"#);
}

fn logon<P: Put>(row: u64, at: i64, r: &mut Random, out: &mut P) {
    let device = r.skewed(DEVICES);
    let account = fleet::account(device, r);
    let (mut id, mut host, mut user) = (String::new(), String::new(), String::new());
    device_id(device, &mut id);
    fleet::host(device, &mut host);
    fleet::user(account, &mut user);
    out.time(at);
    out.text(&id);
    out.text(&host);
    out.text(if r.once_in(12) { "LogonFailed" } else { "LogonSuccess" });
    out.text(&user);
    out.text(["Interactive", "Network", "Network", "Network", "RemoteInteractive"][r.below(5) as usize]);
    out.long((mix(account) & 0xff_ffff) as i64);
    out.text(&format!("10.{}.{}.{}", r.below(4), r.skewed(256), r.below(256)));
    out.long(row as i64 + 1);
}

fn device<P: Put>(row: u64, out: &mut P) {
    let (mut id, mut host) = (String::new(), String::new());
    device_id(row, &mut id);
    fleet::host(row, &mut host);
    out.time(START + row as i64);
    out.text(&id);
    out.text(&host);
    out.text(match row % 10 {
        0..=4 => "Windows11",
        5 | 6 => "Windows10",
        7 | 8 => "WindowsServer2022",
        _ => "Linux",
    });
    out.text(["Berlin", "Pune", "Austin", "Osaka"][(mix(row) % 4) as usize]);
    out.long(row as i64 + 1);
}
