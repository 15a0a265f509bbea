//! What a file is, by its first bytes. Names are not looked at.

use crate::format::{Format, Recognised};
use crate::formats::windows::{self, NT_LOG_EVENT};
use crate::formats::{csv, json};

/// Recognises the (decompressed) beginning of a file. `whole` says that there is no more than that.
pub fn recognise(head: &[u8], whole: bool) -> Option<Recognised> {
    if let Some(found) = binary(head) {
        return Some(found);
    }
    if let Some(text) = utf16(head) {
        // Audit logs are never so written, and their reader does not decode it.
        return recognise(text.as_bytes(), whole).filter(|r| r.format != Format::Auditd);
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.iter().take(4096).any(|b| *b == 0) {
        return None;
    }
    let text = windows::lossy(head);
    let start = text.trim_start();
    match start.as_bytes().first()? {
        b'{' | b'[' => json::recognise(start, whole).or_else(|| lines(start)),
        b'<' if !is_priority(start) => {
            (start.contains("<Event>") || start.contains("<Event ") || start.contains("<Events"))
                .then(|| found(Format::WindowsXml))
                .flatten()
        }
        // Within JSON too, as somebody's `_raw`; here it is the file's own text.
        b'i' if start.starts_with(NT_LOG_EVENT) => found(Format::WindowsText),
        _ => lines(start).or_else(|| csv::recognise(start, whole)),
    }
}

/// Recognises a binary format by its first bytes.
pub(super) fn binary(head: &[u8]) -> Option<Recognised> {
    match head {
        [b'P', b'A', b'R', b'1', ..] => found(Format::Parquet),
        _ if head.starts_with(b"ElfFile\0") => found(Format::Evtx),
        _ => None,
    }
}

fn found(format: Format) -> Option<Recognised> {
    Some(Recognised { format, seen: Vec::new() })
}

/// Formats that a line shows. The first lines may be damaged or banners, so several are looked at.
fn lines(text: &str) -> Option<Recognised> {
    const LOOKED_AT: usize = 200;
    let mut syslog = 0;
    let mut any = 0;
    for line in text.lines().filter(|l| !l.trim().is_empty()).take(LOOKED_AT) {
        any += 1;
        if is_audit(line) {
            return found(Format::Auditd);
        }
        if is_syslog(line) {
            syslog += 1;
            if line.contains("<Event>") || line.contains("<Event ") || line.contains("Linux-Sysmon") {
                return found(Format::SysmonLinux);
            }
        }
    }
    (syslog > 0 && syslog * 2 >= any).then(|| found(Format::Syslog)).flatten()
}

/// `type=… msg=audit(…`, with or without `node=…` before it.
fn is_audit(line: &str) -> bool {
    let rest = match line.strip_prefix("node=") {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest),
        None => line,
    };
    rest.starts_with("type=") && rest.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("msg=audit("))
}

/// `<13>` at the beginning of a syslog line.
fn is_priority(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('<') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits) && rest.as_bytes().get(digits) == Some(&b'>')
}

/// Either syslog: `Oct 11 22:14:15 host …` or an ISO time and a host.
fn is_syslog(line: &str) -> bool {
    if is_priority(line) {
        return true;
    }
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = line.split_ascii_whitespace();
    let Some(first) = words.next() else { return false };
    if MONTHS.contains(&first) {
        return words.next().is_some_and(|d| d.parse::<u8>().is_ok())
            && words.next().is_some_and(|t| t.len() >= 8 && t.as_bytes()[2] == b':');
    }
    let b = first.as_bytes();
    b.len() >= 19
        && b[4] == b'-'
        && b[10] == b'T'
        && !first.contains(',')
        && crate::time::parse(first).is_some()
        && words.count() >= 2
}

/// The text of UTF-16 with a byte order mark.
fn utf16(head: &[u8]) -> Option<String> {
    let decode = |f: fn([u8; 2]) -> u16| {
        // A character that the sample's end cuts is left out.
        let units: Vec<u16> = head[2..].chunks_exact(2).map(|c| f([c[0], c[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match head {
        [0xff, 0xfe, ..] => Some(decode(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(decode(u16::from_be_bytes)),
        _ => None,
    }
}
