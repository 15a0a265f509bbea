//! Files of events, in every format.

use super::audit;
use super::dice::Dice;
use super::events::Event;
use super::spell;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What a file's events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Process creations, as rows of Defender or as events of Sysmon.
    Process,
    /// Messages of syslog.
    Syslog,
    /// Rows of no known product.
    Own,
    /// Executions that the audit daemon tells of.
    Audit,
}

/// A file that was written.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) name: &'static str,
}

/// What a row is written by, and what the text begins and ends with.
type Writer = fn(&mut Dice<'_>, &Event, usize) -> String;

/// Events at the beginning that nothing is looked for in, so that searching has begun.
const BEFORE: usize = 1_010;

/// Of what a store says what stands where.
const WIDE: [&str; 5] = ["defender.json", "sysmon.log", "sysmon.json", "syslog.log", "own.json"];

/// A format: its file's name, what its events are, who writes them, and whether many must come before.
pub(super) type Format = (&'static str, Kind, Writer, bool);

pub(super) fn format(dice: &mut Dice<'_>) -> Format {
    let all: [Format; 14] = [
        ("defender.json", Kind::Process, defender, true),
        ("array.json", Kind::Process, defender, true),
        ("value.json", Kind::Process, defender, true),
        ("defender.csv", Kind::Process, defender_csv, false),
        ("lines.xml", Kind::Process, xml, false),
        ("pretty.xml", Kind::Process, pretty, false),
        ("one.xml", Kind::Process, xml, false),
        ("sysmon.log", Kind::Process, sysmon_linux, true),
        ("wmi.txt", Kind::Process, wmi, false),
        ("sysmon.json", Kind::Process, sysmon_json, true),
        ("syslog.log", Kind::Syslog, syslog, true),
        ("own.json", Kind::Own, own, true),
        ("audit.log", Kind::Audit, audit::audit, true),
        ("audit.log", Kind::Audit, audit::audit, false),
    ];
    dice.of(&all)
}

/// Writes a file; one that goes into a store is longer now and then.
pub(super) fn write(dice: &mut Dice<'_>, format: Format, folder: &Path, stored: bool) -> io::Result<File> {
    let (name, _, writer, before) = format;
    let between = match name {
        "array.json" | "value.json" => ",\n",
        "one.xml" => "",
        _ => "\n",
    };
    let mut text = match name {
        "array.json" => "[\n".to_owned(),
        "value.json" => "{\"@odata\":\"x\",\"value\":[\n".to_owned(),
        "defender.csv" => {
            "Timestamp,DeviceName,ActionType,FileName,FolderPath,ProcessCommandLine,AccountName,InitiatingProcessFileName,AdditionalFields\n".to_owned()
        }
        _ => String::new(),
    };
    let plain = Event { file: "svchost".into(), line: "-k".into(), more: "m".into(), ..Event::default() };
    // So much stands between them then that a store keeps them in several frames.
    let wide = stored && WIDE.contains(&name) && dice.once_in(3);
    let padded = Event { line: format!("-k {}", "svc".repeat(400)), ..plain.clone() };
    let filler = writer(&mut Dice::new(&[]), if wide { &padded } else { &plain }, 0);
    let fill = |text: &mut String, times: usize| (0..times).for_each(|_| text.extend([filler.as_str(), between]));
    fill(&mut text, if before { BEFORE } else { 3 });
    for at in 0..4 + dice.below(12) {
        let event = Event::new(dice);
        text.push_str(&writer(dice, &event, at + 1));
        text.push_str(between);
        fill(&mut text, if wide { 200 } else { 0 });
    }
    if name == "audit.log" {
        text = audit::shuffled(dice, &text);
    }
    text.push_str(&filler);
    text.push_str(match name {
        "array.json" => "\n]",
        "value.json" => "\n]}",
        _ if dice.once_in(2) => "\n",
        _ => "",
    });
    let path = folder.join(name);
    std::fs::write(&path, packed(dice, name, text)?)?;
    Ok(File { path, name })
}

/// The bytes of a text: as it stands, in UTF-16, or packed.
fn packed(dice: &mut Dice<'_>, name: &str, text: String) -> io::Result<Vec<u8>> {
    let sixteen = !name.ends_with(".log");
    Ok(match dice.below(8) {
        0 => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(text.as_bytes())?;
            out.finish()?
        }
        1 => zstd::encode_all(text.as_bytes(), 1)?,
        2 if sixteen => [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        3 if sixteen => [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        _ => text.into_bytes(),
    })
}

fn members(dice: &mut Dice<'_>, all: &[(&str, &str)]) -> String {
    let one = |(name, text): &(&str, &str)| format!("\"{name}\":{}", spell::json(dice, text));
    all.iter().map(one).collect::<Vec<_>>().join(",")
}

/// The object of further fields.
fn more(dice: &mut Dice<'_>, e: &Event) -> String {
    format!("{{\"x\":{},\"n\":12.50}}", spell::json(dice, &e.more))
}

fn defender(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let texts = members(
        dice,
        &[
            ("FileName", &e.file),
            ("FolderPath", &e.folder),
            ("ProcessCommandLine", &e.line),
            ("AccountName", &e.account),
            ("InitiatingProcessFileName", &e.parent),
        ],
    );
    let more = more(dice, e);
    // Exports keep the object as a text.
    let more = if dice.once_in(2) { spell::json(dice, &more) } else { more };
    format!(
        "{{\"Timestamp\":\"2026-01-01T00:00:{:02}.000Z\",\"DeviceName\":\"h\",\"ActionType\":\"ProcessCreated\",{texts},\"AdditionalFields\":{more},\"ProcessId\":{at}}}",
        at % 60
    )
}

fn defender_csv(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let more = more(dice, e);
    let cells = [&e.file, &e.folder, &e.line, &e.account, &e.parent, &more];
    let cells: Vec<String> = cells.iter().map(|cell| spell::csv(dice, cell)).collect();
    format!("2026-01-01T00:00:{:02}.000Z,h,ProcessCreated,{}", at % 60, cells.join(","))
}

/// What Sysmon tells of an execution.
fn told(e: &Event) -> [(&'static str, String); 5] {
    [
        ("Image", format!("{}\\{}", e.folder, e.file)),
        ("CommandLine", e.line.clone()),
        ("User", format!("LAB\\{}", e.account)),
        ("ParentImage", e.parent.clone()),
        ("Product", e.more.clone()),
    ]
}

fn data(dice: &mut Dice<'_>, e: &Event, at: usize, between: &str) -> String {
    let mut out = String::new();
    for (name, text) in told(e) {
        let text = spell::xml(dice, &text);
        let _ = write!(out, "<Data Name=\"{name}\">{text}</Data>{between}");
    }
    let _ = write!(out, "<Data Name=\"ProcessId\">{at}</Data>{between}");
    out
}

fn event_xml(dice: &mut Dice<'_>, e: &Event, at: usize, provider: &str, between: &str) -> String {
    let data = data(dice, e, at, between);
    format!(
        "<Event>{between}<System>{between}<Provider Name=\"{provider}\"/><EventID>1</EventID><TimeCreated SystemTime=\"2026-01-01T00:00:00Z\"/><EventRecordID>{at}</EventRecordID><Computer>h</Computer></System>{between}<EventData>{between}{data}</EventData>{between}</Event>"
    )
}

fn xml(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    event_xml(dice, e, at, "Microsoft-Windows-Sysmon", "")
}

fn pretty(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    event_xml(dice, e, at, "Microsoft-Windows-Sysmon", "\n  ")
}

fn sysmon_linux(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let text = event_xml(dice, e, at, "Linux-Sysmon", "");
    let text = match dice.below(8) {
        // Relays cut lines, and lose the ends of entities.
        7 => text.chars().take(400).collect(),
        6 => text.replace(';', ""),
        _ => text,
    };
    format!("Jan  1 00:00:00 h sysmon: {text}")
}

fn sysmon_json(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    if dice.once_in(3) {
        // The event's own text in a member.
        let text = if dice.once_in(2) { xml(dice, e, at) } else { wmi(dice, e, at) };
        return format!("{{\"_raw\":{}}}", spell::json(dice, &text));
    }
    let data = members(
        dice,
        &[
            ("Image", &format!("{}\\{}", e.folder, e.file)),
            ("CommandLine", &e.line),
            ("User", &e.account),
            ("ParentImage", &e.parent),
            ("Product", &e.more),
        ],
    );
    format!(
        "{{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"ProviderName\":\"Microsoft-Windows-Sysmon\",\"Computer\":\"h\",\"SystemTime\":\"2026-01-01T00:00:00Z\",\"EventData\":{{{data},\"ProcessId\":{at}}}}}"
    )
}

fn wmi(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let mut message = String::from("Process Create:\\n");
    for (name, text) in told(e) {
        let text = spell::wmi(dice, &text);
        let _ = write!(message, "{name}: {text}\\n");
    }
    format!(
        "instance of Win32_NTLogEvent\n{{\n\tComputerName = \"h\";\n\tEventCode = 1;\n\tLogfile = \"Microsoft-Windows-Sysmon/Operational\";\n\tMessage = \"{message}ProcessId: {at}\\n\";\n\tRecordNumber = {at};\n\tSourceName = \"Microsoft-Windows-Sysmon\";\n\tTimeGenerated = \"20260101000000.000000-000\";\n\tType = \"Information\";\n}};"
    )
}

fn syslog(_: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let name: String = e.parent.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("<{}>Jan  1 00:00:00 host-{} {name}[{at}]: {} {}", at % 190, e.account.len(), e.line, e.more)
}

fn own(dice: &mut Dice<'_>, e: &Event, at: usize) -> String {
    let texts = members(dice, &[("file", &e.file), ("path", &e.folder), ("text", &e.line), ("who", &e.account)]);
    let more = more(dice, e);
    format!("{{{texts},\"nested\":{more},\"number\":{at}}}")
}
