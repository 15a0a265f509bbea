//! The rows of each table.

use super::fleet::{self, ACCOUNTS, DEVICES, PROGRAMS, RARE, TAIL};
use super::random::{Random, mix};
use super::write::{Done, Kind, Put};
use Kind::{Long, Text, Time};
use std::fmt::Write as _;

type Columns = &'static [(&'static str, Kind)];

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
pub(crate) fn columns(table: &str) -> Option<(Columns, &'static str)> {
    match table {
        "process" => Some((PROCESS, "DeviceProcessEvents")),
        "logon" => Some((LOGON, "DeviceLogonEvents")),
        "device" => Some((DEVICE, "DeviceInfo")),
        _ => None,
    }
}

pub(crate) fn fill(table: &str, rows: u64, out: &mut dyn Put) -> Done {
    let mut r = Random::new(table.len() as u64);
    let mut text = Texts::default();
    for row in 0..rows {
        match table {
            "process" => process(row, time(row, rows, &mut r), &mut r, &mut text, out),
            "logon" => logon(row, time(row, rows, &mut r), &mut r, out),
            _ => device(row, out),
        }
        out.end_row()?;
    }
    Ok(())
}

/// Buffers, to be used again for each row.
#[derive(Default)]
struct Texts {
    host: String,
    user: String,
    line: String,
    parent: String,
    folder: String,
    hash: String,
    more: String,
}

const DAY: i64 = 86_400_000_000;
/// Monday, 2 March 2026.
const START: i64 = 1_772_409_600_000_000;

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

fn process(row: u64, at: i64, r: &mut Random, t: &mut Texts, out: &mut dyn Put) {
    let device = r.skewed(DEVICES);
    // A machine has two users of its own; some accounts go everywhere.
    let account = if r.once_in(20) { r.skewed(ACCOUNTS) } else { (device * 3 / 2 + r.below(2)) % ACCOUNTS };
    [&mut t.host, &mut t.user].into_iter().for_each(String::clear);
    fleet::host(device, &mut t.host);
    fleet::user(account, &mut t.user);
    let mut often = r.below(1000) as u32;
    let known = PROGRAMS.iter().position(|p| {
        let found = often < p.often;
        often = often.saturating_sub(p.often);
        found
    });
    let which;
    let mut name = String::new();
    let (file, company, parent, system);
    t.folder.clear();
    if r.once_in(10_000) {
        let (rare, line) = r.pick(&RARE);
        (file, company, parent, system, which) = (*rare, "", &PROGRAMS[7], false, mix(rare.len() as u64));
        t.folder.push_str(r"C:\Users\Public");
        fleet::expand(line, &t.user, r, &mut t.line);
    } else if let Some(n) = known {
        let p = &PROGRAMS[n];
        (file, company, parent, system) = (p.name, p.company, &PROGRAMS[p.parent], p.system);
        // Several versions of each are about.
        which = mix(n as u64 + 1000 * r.skewed(40));
        t.folder.push_str(p.folder);
        let line = r.pick(p.lines);
        fleet::expand(line, &t.user, r, &mut t.line);
    } else {
        which = r.skewed(TAIL) + 1_000_000;
        let _ = write!(name, "tool-{:x}.exe", mix(which) as u32);
        let _ = write!(t.folder, r"C:\Users\{}\AppData\Local\Temp\{:x}", t.user, mix(which) as u16);
        (file, company, parent, system) = (name.as_str(), "", &PROGRAMS[1], false);
        t.line.clear();
        let _ = write!(t.line, r#""{}\{file}" --session {} --update"#, t.folder, r.below(1_000_000));
    }
    fleet::expand(parent.lines[0], &t.user, r, &mut t.parent);
    let separator = if t.folder.starts_with('/') { '/' } else { '\\' };
    let _ = write!(t.folder, "{separator}{file}");
    let (domain, shown) = if system { ("NT AUTHORITY", "SYSTEM") } else { ("corp", t.user.as_str()) };
    let mut id = String::with_capacity(40);
    device_id(device, &mut id);
    let mut hash = |digits, of: u64| {
        t.hash.clear();
        fleet::hash(of, digits, &mut t.hash);
        t.hash.clone()
    };

    out.time(at);
    out.text(&id);
    out.text(&t.host);
    out.text("ProcessCreated");
    out.text(file);
    out.text(&t.folder);
    out.text(&hash(40, which ^ 1));
    out.text(&hash(64, which ^ 2));
    out.text(&hash(32, which ^ 3));
    out.long((mix(which) % 4_000_000) as i64);
    out.text(company);
    out.long(4 * r.below(12_000) as i64);
    out.text(&t.line);
    out.text(if system { "System" } else { r.pick::<&str>(&["Medium", "Medium", "Medium", "High", "Low"]) });
    out.time(at - r.below(2_000_000) as i64);
    out.text(domain);
    out.text(shown);
    t.more.clear();
    let _ = match system {
        true => write!(t.more, "S-1-5-18"),
        false => write!(t.more, "S-1-5-21-1004336348-1177238915-682003330-{}", account + 1000),
    };
    out.text(&t.more);
    out.long(if system { 999 } else { (mix(account) & 0xff_ffff) as i64 });
    out.text(parent.name);
    let _ = {
        t.more.clear();
        write!(t.more, r"{}{}{}", parent.folder, if parent.folder.starts_with('/') { '/' } else { '\\' }, parent.name)
    };
    out.text(&t.more);
    out.text(&hash(64, mix(parent.name.len() as u64)));
    out.long(4 * r.below(12_000) as i64);
    out.text(&t.parent);
    out.text(shown);
    out.text(PROGRAMS[parent.parent].name);
    out.long(row as i64 + 1);
    additional(r, which, &mut t.more);
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
    let _ = write!(out, r#"{{"ModuleILPathHash":{},"Tags":["#, mix(which) % 1_000_000);
    let list = |all: &[&str], n: u64, r: &mut Random, out: &mut String| {
        let first = r.below(all.len() as u64);
        for i in 0..n {
            let item = all[((first + i) % all.len() as u64) as usize];
            let _ = write!(out, r#"{}"{item}""#, if i > 0 { "," } else { "" });
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
    let _ = write!(out, r#","Note":"user said \"{}\""}}"#, r.below(1000));
}

fn logon(row: u64, at: i64, r: &mut Random, out: &mut dyn Put) {
    let device = r.skewed(DEVICES);
    let account = if r.once_in(20) { r.skewed(ACCOUNTS) } else { (device * 3 / 2 + r.below(2)) % ACCOUNTS };
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

fn device(row: u64, out: &mut dyn Put) {
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
