//! Writes Sysmon events as JSON lines, as a collector forwards them: `cargo run --release -p parallax-telemetry
//! --example sysmon_lines -- 1000000 > sysmon.json`. The same number gives the same bytes.

use std::io::{self, BufWriter, Write};

/// A source of numbers that look random and are the same everywhere (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One of several, the first ones far more often than the last ones, as programs and users are.
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        let n = self.next() as usize % (from.len() * from.len());
        from[from.len() - 1 - n.isqrt().min(from.len() - 1)]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from_digit((self.next() >> 11) as u32 % 16, 16).unwrap_or('0')).collect()
    }
}

const PROGRAMS: [(&str, &str); 12] = [
    ("svchost.exe", "C:\\\\Windows\\\\System32\\\\svchost.exe -k netsvcs -p -s Schedule"),
    ("conhost.exe", "\\\\??\\\\C:\\\\Windows\\\\system32\\\\conhost.exe 0xffffffff -ForceV1"),
    ("chrome.exe", "\\\"C:\\\\Program Files\\\\Google\\\\Chrome\\\\chrome.exe\\\" --type=renderer --lang=en-US"),
    ("powershell.exe", "powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\\\ops\\\\inventory.ps1"),
    ("cmd.exe", "cmd.exe /c dir C:\\\\Users\\\\Public /s > C:\\\\Temp\\\\listing.txt"),
    ("taskhostw.exe", "taskhostw.exe Install $(Arg0)"),
    ("wmiprvse.exe", "C:\\\\Windows\\\\system32\\\\wbem\\\\wmiprvse.exe -secured -Embedding"),
    ("msiexec.exe", "C:\\\\Windows\\\\system32\\\\msiexec.exe /V"),
    ("rundll32.exe", "rundll32.exe shell32.dll,Control_RunDLL desk.cpl"),
    ("reg.exe", "reg query HKLM\\\\Software\\\\Microsoft\\\\Windows\\\\CurrentVersion\\\\Run"),
    ("lua.exe", "lua.exe -e \\\"local s = require('socket')\\\" C:\\\\Users\\\\Public\\\\a.lua"),
    ("whoami.exe", "whoami /all"),
];
const USERS: [&str; 6] = [
    "NT AUTHORITY\\\\SYSTEM",
    "CORP\\\\amira",
    "CORP\\\\jonas",
    "CORP\\\\svc-backup",
    "CORP\\\\li.wei",
    "CORP\\\\admin",
];
const HOSTS: [&str; 8] = ["ws-014", "ws-102", "srv-db1", "srv-web2", "ws-230", "dc-01", "ws-077", "jump-3"];
/// Process creations, network connections, file creations, image loads and queries of names, by event id.
const KINDS: [&str; 5] = ["1", "7", "11", "3", "22"];

fn main() -> io::Result<()> {
    let lines: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for at in 0..lines {
        line(&mut out, &mut numbers, at)?;
    }
    out.flush()
}

fn line(out: &mut impl Write, n: &mut Numbers, at: u64) -> io::Result<()> {
    let kind = n.pick(&KINDS);
    let programs: Vec<usize> = (0..PROGRAMS.len()).collect();
    let mut program = || {
        let names: Vec<&str> = programs.iter().map(|p| PROGRAMS[*p].0).collect();
        let name = n.pick(&names);
        PROGRAMS.iter().find(|p| p.0 == name).copied().unwrap_or(PROGRAMS[0])
    };
    let ((image, command), (parent, parent_command)) = (program(), program());
    let (user, host) = (n.pick(&USERS), n.pick(&HOSTS));
    let (seconds, millis) = (at / 40, at % 40 * 25);
    let time = format!(
        "2026-03-{:02} {:02}:{:02}:{:02}.{millis:03}",
        1 + seconds / 86_400 % 28,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60
    );
    write!(
        out,
        r#"{{"EventTime":"{time}","Hostname":"{host}.corp.example","EventID":{kind},"SourceName":"Microsoft-Windows-Sysmon","Channel":"Microsoft-Windows-Sysmon/Operational","RecordNumber":{at},"Severity":"INFO","UtcTime":"{time}","ProcessGuid":"{{{}-{}-{}-0000-001000000000}}","ProcessId":{},"Image":"C:\\Windows\\System32\\{image}","User":"{user}""#,
        n.hex(8),
        n.hex(4),
        n.hex(4),
        n.next() % 20_000,
    )?;
    match kind {
        "1" => write!(
            out,
            r#","CommandLine":"{command}","CurrentDirectory":"C:\\Windows\\system32\\","IntegrityLevel":"System","Hashes":"SHA256={},IMPHASH={}","ParentProcessId":{},"ParentImage":"C:\\Windows\\System32\\{parent}","ParentCommandLine":"{parent_command}""#,
            n.hex(64),
            n.hex(32),
            n.next() % 20_000
        )?,
        "3" => write!(
            out,
            r#","Protocol":"tcp","Initiated":true,"SourceIp":"10.0.{}.{}","SourcePort":{},"DestinationIp":"203.0.113.{}","DestinationPort":443"#,
            n.next() % 8,
            n.next() % 250,
            49_152 + n.next() % 16_000,
            n.next() % 250
        )?,
        "7" => write!(
            out,
            r#","ImageLoaded":"C:\\Windows\\System32\\{}.dll","Hashes":"SHA256={}","Signed":"true","Signature":"Microsoft Windows""#,
            n.hex(6),
            n.hex(64)
        )?,
        "11" => write!(out, r#","TargetFilename":"C:\\Users\\Public\\{}.tmp","CreationUtcTime":"{time}""#, n.hex(10))?,
        _ => write!(
            out,
            r#","QueryName":"{}.example","QueryStatus":"0","QueryResults":"::ffff:203.0.113.9;""#,
            n.hex(7)
        )?,
    }
    writeln!(
        out,
        r#","Message":"{image} on {host} did what event {kind} says","EventReceivedTime":"{time}","SourceModuleName":"sysmon_in","SourceModuleType":"im_msvistalog"}}"#
    )
}
