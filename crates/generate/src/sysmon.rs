//! Sysmon's events: of a hundred about 14 process creations, 20 image loads, 20 connections, 12 name queries, 12 registry values,
//! 8 file creations, 8 exits and 6 opened processes.

use crate::fleet::{self, DEVICES, PROGRAMS};
use crate::random::{Random, mix};
use crate::text::{self, Moment};
use crate::{Block, Chunk, Plan, lua, tables};

/// What every event has.
pub(crate) struct Head<'t> {
    code: i64,
    number: u64,
    time: Moment,
    host: &'t str,
    user: &'t str,
}

/// Takes an event's fields in the order in which Sysmon writes them.
pub(crate) trait Shape {
    fn begin(&mut self, head: &Head<'_>, out: &mut Vec<u8>);
    fn field(&mut self, name: &str, value: &str, out: &mut Vec<u8>);
    fn number(&mut self, name: &str, value: i64, out: &mut Vec<u8>);
    fn end(&mut self, out: &mut Vec<u8>);
    fn linux(&self) -> bool {
        false
    }
}

/// A flat object, as NXLog forwards them.
#[derive(Default)]
pub(crate) struct Json {
    times: Vec<u8>,
}

impl Shape for Json {
    fn begin(&mut self, head: &Head<'_>, out: &mut Vec<u8>) {
        self.times.clear();
        head.time.write(b' ', 3, &mut self.times);
        out.extend_from_slice(b"{\"EventTime\":\"");
        out.extend_from_slice(&self.times);
        out.extend_from_slice(b"\",\"Hostname\":\"");
        out.extend_from_slice(head.host.as_bytes());
        out.extend_from_slice(b"\",\"EventID\":");
        text::number(head.code, out);
        out.extend_from_slice(b",\"SourceName\":\"Microsoft-Windows-Sysmon\",\"ProviderGuid\":\"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}\",\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Severity\":\"INFO\",\"SeverityValue\":2,\"UserID\":\"S-1-5-18\",\"RecordNumber\":");
        text::number(head.number as i64, out);
    }

    fn field(&mut self, name: &str, value: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        text::json(value, out);
        out.push(b'"');
    }

    fn number(&mut self, name: &str, value: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        text::number(value, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"EventReceivedTime\":\"");
        out.extend_from_slice(&self.times);
        out.extend_from_slice(b"\",\"SourceModuleName\":\"sysmon_in\",\"SourceModuleType\":\"im_msvistalog\"}\n");
    }
}

/// What Windows renders, or a syslog line of Sysmon for Linux.
pub(crate) struct Xml {
    pub(crate) linux: bool,
}

impl Shape for Xml {
    fn begin(&mut self, head: &Head<'_>, out: &mut Vec<u8>) {
        if self.linux {
            head.time.syslog(out);
            out.push(b' ');
            out.extend_from_slice(head.host.as_bytes());
            out.extend_from_slice(b" sysmon[812]: <Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>");
        } else {
            out.extend_from_slice(b"<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Name=\"Microsoft-Windows-Sysmon\" Guid=\"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}\"/><EventID>");
        }
        text::number(head.code, out);
        out.extend_from_slice(b"</EventID><Version>5</Version><Level>4</Level><Task>");
        text::number(head.code, out);
        out.extend_from_slice(
            b"</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime=\"",
        );
        head.time.write(b'T', 6, out);
        out.extend_from_slice(b"Z\"/><EventRecordID>");
        text::number(head.number as i64, out);
        out.extend_from_slice(
            b"</EventRecordID><Correlation/><Execution ProcessID=\"2816\" ThreadID=\"3740\"/><Channel>",
        );
        out.extend_from_slice(if self.linux {
            b"Linux-Sysmon/Operational"
        } else {
            b"Microsoft-Windows-Sysmon/Operational"
        });
        out.extend_from_slice(b"</Channel><Computer>");
        out.extend_from_slice(head.host.as_bytes());
        out.extend_from_slice(b"</Computer><Security UserId=\"");
        out.extend_from_slice(if self.linux { b"0" } else { b"S-1-5-18" });
        out.extend_from_slice(b"\"/></System><EventData>");
    }

    fn field(&mut self, name: &str, value: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<Data Name=\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\">");
        text::xml(value, out);
        out.extend_from_slice(b"</Data>");
    }

    fn number(&mut self, name: &str, value: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<Data Name=\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\">");
        text::number(value, out);
        out.extend_from_slice(b"</Data>");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</EventData></Event>\n");
    }

    fn linux(&self) -> bool {
        self.linux
    }
}

#[derive(Default)]
struct Texts {
    host: String,
    user: String,
    image: String,
    line: String,
    a: String,
    b: String,
}

/// Appends the events of a block.
pub(crate) fn block<S: Shape>(plan: &Plan, shape: &mut S, block: &Block, out: &mut Chunk) {
    let mut r = block.random();
    let mut t = Texts::default();
    for number in block.events.clone() {
        let lua = plan.matching > 0.0 && r.chance(plan.matching);
        let code = match (lua || plan.only_processes, r.below(100)) {
            (true, _) | (_, 0..=13) => 1,
            (_, 14..=33) if shape.linux() => 11,
            (_, 14..=33) => 7,
            (_, 34..=53) => 3,
            (_, 54..=65) if shape.linux() => 23,
            (_, 54..=65) => 22,
            (_, 66..=77) if shape.linux() => 9,
            (_, 66..=77) => 13,
            (_, 78..=85) => 11,
            (_, 86..=93) => 5,
            _ if shape.linux() => 5,
            _ => 10,
        };
        event(code, lua, number, shape, &mut r, &mut t, &mut out.bytes);
        out.end();
    }
}

fn event<S: Shape>(code: i64, lua: bool, number: u64, shape: &mut S, r: &mut Random, t: &mut Texts, out: &mut Vec<u8>) {
    let mut device = r.skewed(DEVICES);
    if shape.linux() {
        device = device / 10 * 10 + 9;
    }
    let account = fleet::account(device, r);
    [&mut t.host, &mut t.user].into_iter().for_each(String::clear);
    fleet::host(device, &mut t.host);
    if !shape.linux() {
        t.user.push_str("CORP\\");
    }
    fleet::user(account, &mut t.user);
    let time = tables::START + number as i64 * 4_000 + r.below(3_000) as i64;
    let (program, system) = image(lua, shape.linux(), r, t);
    if system {
        t.user.clear();
        t.user.push_str(if shape.linux() { "root" } else { "NT AUTHORITY\\SYSTEM" });
    }
    let head = Head { code, number: number + 1, time: Moment::new(time), host: &t.host, user: &t.user };
    shape.begin(&head, out);
    shape.field("RuleName", "-", out);
    let mut when = Vec::with_capacity(32);
    head.time.write(b' ', 3, &mut when);
    shape.field("UtcTime", std::str::from_utf8(&when).unwrap_or_default(), out);
    let of = Process { which: mix(device ^ (program as u64) << 12 ^ (number / 5_000)), user: head.user };
    if code == 10 {
        guid(shape, "SourceProcessGUID", of.which, &mut t.a, out);
        shape.number("SourceProcessId", of.id(), out);
        shape.number("SourceThreadId", (of.which >> 50) as i64, out);
        shape.field("SourceImage", &t.image, out);
        guid(shape, "TargetProcessGUID", mix(of.which), &mut t.a, out);
        shape.number("TargetProcessId", (mix(of.which) >> 48) as i64, out);
        shape.field("TargetImage", r"C:\Windows\system32\svchost.exe", out);
        shape.field("GrantedAccess", r.pick_skewed::<&str>(&["0x1000", "0x1400", "0x1fffff", "0x1410"]), out);
        shape.field("CallTrace", r"C:\Windows\SYSTEM32\ntdll.dll+9d8a4|C:\Windows\System32\KERNELBASE.dll+2c13e|C:\Windows\system32\sysmain.dll+7af5", out);
        shape.field("SourceUser", of.user, out);
        shape.field("TargetUser", r"NT AUTHORITY\SYSTEM", out);
    } else {
        guid(shape, "ProcessGuid", of.which, &mut t.a, out);
        shape.number("ProcessId", of.id(), out);
        shape.field("Image", &t.image, out);
        match code {
            1 => created(program, lua, &of, shape, r, (&t.line, &mut t.a, &mut t.b), out),
            3 => connected(&of, head.host, shape, r, &mut t.a, out),
            7 => loaded(&of, shape, r, (&mut t.a, &mut t.b), out),
            11 | 23 => written(code, &of, shape, r, (&mut t.a, &when), out),
            13 => set(&of, shape, r, &mut t.a, out),
            22 => asked(&of, shape, r, &mut t.a, out),
            9 => {
                shape.field("Device", "/dev/sda1", out);
                shape.field("User", of.user, out);
            }
            _ => shape.field("User", of.user, out),
        }
    }
    shape.end(out);
}

struct Process<'t> {
    which: u64,
    user: &'t str,
}

impl Process<'_> {
    fn id(&self) -> i64 {
        4 * (1 + self.which % 12_000) as i64
    }
}

/// What runs: its number among the programs and whether it is the system's; its path and command line go to the buffers.
fn image(lua: bool, linux: bool, r: &mut Random, t: &mut Texts) -> (usize, bool) {
    let user = t.user.rsplit('\\').next().unwrap_or_default().to_owned();
    t.image.clear();
    if lua && linux {
        let run = lua::linux(r);
        fleet::expand(run.line, &user, r, &mut t.line);
        t.line = t.line.replace('\0', " ");
        [run.folder, "/", run.name].into_iter().for_each(|part| t.image.push_str(part));
        return (21, false);
    }
    if lua {
        let run = lua::windows(r);
        fleet::expand(run.line, &user, r, &mut t.line);
        [run.folder, "\\", run.name].into_iter().for_each(|part| t.image.push_str(part));
        return (7, false);
    }
    // The last three of the programs are those of Linux.
    let at = if linux { 21 + r.below(3) as usize } else { fleet::run(r).unwrap_or(2) % 21 };
    let p = &PROGRAMS[at];
    let line = *r.pick_skewed(p.lines);
    fleet::expand(line, &user, r, &mut t.line);
    [p.folder, if linux { "/" } else { "\\" }, p.name].into_iter().for_each(|part| t.image.push_str(part));
    (at, p.system)
}

fn guid<S: Shape>(shape: &mut S, name: &str, of: u64, text: &mut String, out: &mut Vec<u8>) {
    text.clear();
    text.push('{');
    fleet::guid(of, text);
    text.push('}');
    shape.field(name, text, out);
}

fn hashes<S: Shape>(which: u64, shape: &mut S, text: &mut String, out: &mut Vec<u8>) {
    if shape.linux() {
        return shape.field("Hashes", "-", out);
    }
    text.clear();
    for (name, digits) in [("SHA1=", 40), (",MD5=", 32), (",SHA256=", 64), (",IMPHASH=", 32)] {
        text.push_str(name);
        fleet::hash(which ^ digits as u64, digits, text);
    }
    text.make_ascii_uppercase();
    shape.field("Hashes", text, out);
}

fn created<S: Shape>(
    program: usize,
    lua: bool,
    of: &Process<'_>,
    shape: &mut S,
    r: &mut Random,
    (line, a, b): (&str, &mut String, &mut String),
    out: &mut Vec<u8>,
) {
    let p = &PROGRAMS[program];
    let company = if lua { "Lua.org" } else { p.company };
    let linux = shape.linux();
    let known = |text: &'static str| if linux { "-" } else { text };
    let (version, company) = (known("10.0.22621.3007 (WinBuild.160101.0800)"), known(company));
    let name = known(if lua { "-" } else { p.name });
    let folder = if shape.linux() { "/" } else { r"C:\Windows\system32\" };
    let level = if shape.linux() { "no level" } else { r.pick_skewed::<&str>(&["System", "Medium", "High", "Low"]) };
    for (field, value) in [
        ("FileVersion", version),
        ("Description", name),
        ("Product", company),
        ("Company", company),
        ("OriginalFileName", name),
        ("CommandLine", line),
        ("CurrentDirectory", folder),
        ("User", of.user),
    ] {
        shape.field(field, value, out);
    }
    guid(shape, "LogonGuid", mix(of.which >> 40), a, out);
    a.clear();
    a.push_str("0x");
    fleet::hex(of.which >> 40, 5, a);
    shape.field("LogonId", a, out);
    shape.number("TerminalSessionId", (of.which % 3) as i64, out);
    shape.field("IntegrityLevel", level, out);
    hashes(mix(program as u64 + 1000 * r.skewed(40)), shape, b, out);
    let parent = &PROGRAMS[p.parent.max(if shape.linux() { 21 } else { 0 })];
    guid(shape, "ParentProcessGuid", mix(of.which ^ 7), a, out);
    shape.number("ParentProcessId", 4 * (1 + mix(of.which ^ 7) % 12_000) as i64, out);
    a.clear();
    [parent.folder, if shape.linux() { "/" } else { "\\" }, parent.name].into_iter().for_each(|part| a.push_str(part));
    shape.field("ParentImage", a, out);
    fleet::expand(parent.lines[0], "", r, a);
    shape.field("ParentCommandLine", a, out);
    shape.field("ParentUser", of.user, out);
}

fn connected<S: Shape>(
    of: &Process<'_>,
    host: &str,
    shape: &mut S,
    r: &mut Random,
    text: &mut String,
    out: &mut Vec<u8>,
) {
    let mut address = |parts: [u64; 4]| {
        text.clear();
        for (at, part) in parts.into_iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "." });
            fleet::number(part, text);
        }
        text.clone()
    };
    shape.field("User", of.user, out);
    shape.field("Protocol", if r.once_in(5) { "udp" } else { "tcp" }, out);
    shape.field("Initiated", if r.once_in(8) { "false" } else { "true" }, out);
    shape.field("SourceIsIpv6", "false", out);
    shape.field("SourceIp", &address([10, 0, r.below(8), r.below(250)]), out);
    shape.field("SourceHostname", host, out);
    shape.number("SourcePort", 49_152 + r.below(16_000) as i64, out);
    shape.field("SourcePortName", "-", out);
    shape.field("DestinationIsIpv6", "false", out);
    shape.field("DestinationIp", &address([203, 0, 113, r.skewed(250)]), out);
    shape.field("DestinationHostname", "-", out);
    shape.number("DestinationPort", *r.pick_skewed(&[443, 80, 53, 445, 389, 88, 3389]), out);
    shape.field("DestinationPortName", "-", out);
}

fn loaded<S: Shape>(
    of: &Process<'_>,
    shape: &mut S,
    r: &mut Random,
    (a, b): (&mut String, &mut String),
    out: &mut Vec<u8>,
) {
    const LIBRARIES: [&str; 12] = [
        "ntdll.dll",
        "kernel32.dll",
        "KernelBase.dll",
        "user32.dll",
        "ws2_32.dll",
        "amsi.dll",
        "clr.dll",
        "winhttp.dll",
        "dbghelp.dll",
        "vaultcli.dll",
        "samlib.dll",
        "taskschd.dll",
    ];
    let library = *r.pick_skewed(&LIBRARIES);
    a.clear();
    [r"C:\Windows\System32\", library].into_iter().for_each(|part| a.push_str(part));
    shape.field("ImageLoaded", a, out);
    shape.field("FileVersion", "10.0.22621.3007 (WinBuild.160101.0800)", out);
    shape.field("Description", library, out);
    shape.field("Product", "Microsoft Windows Operating System", out);
    shape.field("Company", "Microsoft Corporation", out);
    shape.field("OriginalFileName", library, out);
    hashes(mix(library.len() as u64 + 100 * r.skewed(20)), shape, b, out);
    shape.field("Signed", "true", out);
    shape.field("Signature", "Microsoft Windows", out);
    shape.field("SignatureStatus", "Valid", out);
    shape.field("User", of.user, out);
}

fn written<S: Shape>(
    code: i64,
    of: &Process<'_>,
    shape: &mut S,
    r: &mut Random,
    (text, when): (&mut String, &[u8]),
    out: &mut Vec<u8>,
) {
    let file = if shape.linux() { "/tmp/{x}/part-{n}" } else { r"C:\Users\{u}\AppData\Local\Temp\{x}.tmp" };
    let user = of.user.rsplit('\\').next().unwrap_or_default();
    fleet::expand(file, user, r, text);
    shape.field("TargetFilename", text, out);
    if code == 11 {
        shape.field("CreationUtcTime", std::str::from_utf8(when).unwrap_or_default(), out);
    }
    shape.field("User", of.user, out);
}

fn set<S: Shape>(of: &Process<'_>, shape: &mut S, r: &mut Random, text: &mut String, out: &mut Vec<u8>) {
    const KEYS: [&str; 4] = [
        r"HKLM\System\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{{g}}\LeaseObtainedTime",
        r"HKU\S-1-5-21-1004336348-1177238915-682003330-{n}\Software\Vendor\{x}\LastRun",
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Agent{n}",
        r"HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\{x}",
    ];
    let key = *r.pick_skewed(&KEYS);
    fleet::expand(key, "", r, text);
    shape.field("EventType", "SetValue", out);
    shape.field("TargetObject", text, out);
    fleet::expand("DWORD (0x{x})", "", r, text);
    shape.field("Details", text, out);
    shape.field("User", of.user, out);
}

fn asked<S: Shape>(of: &Process<'_>, shape: &mut S, r: &mut Random, text: &mut String, out: &mut Vec<u8>) {
    const NAMES: [&str; 5] =
        ["{h}", "telemetry.vendor.example", "cdn-{n}.content.example", "login.example", "{x}.tracker.example"];
    let name = *r.pick_skewed(&NAMES);
    fleet::expand(name, "", r, text);
    shape.field("QueryName", text, out);
    shape.field("QueryStatus", if r.once_in(15) { "9003" } else { "0" }, out);
    fleet::expand("::ffff:203.0.113.{o};", "", r, text);
    shape.field("QueryResults", text, out);
    shape.field("User", of.user, out);
}
