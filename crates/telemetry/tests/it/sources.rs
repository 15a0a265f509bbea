//! Discovery and recognition.

use crate::support::sources;
use parallax_telemetry::source::{Options, Settings, discover, recognise};
use parallax_telemetry::{Family, Format, Report};
use std::fs;
use std::io::Write;

fn format(text: &str) -> Option<Format> {
    recognise(text.as_bytes(), true).map(|r| r.format)
}

#[test]
fn recognised_by_content() {
    let audit = "type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e";
    for (text, expected) in [
        (audit, Some(Format::Auditd)),
        (&format!("node=web1 {audit}"), Some(Format::Auditd)),
        (&format!("half a line\n{audit}"), Some(Format::Auditd)),
        ("ElfFile\0\0\0", Some(Format::Evtx)),
        ("PAR1....", Some(Format::Parquet)),
        ("<Event xmlns='x'><System/></Event>", Some(Format::WindowsXml)),
        ("\u{feff}<?xml version=\"1.0\"?>\n<Events><Event></Event></Events>", Some(Format::WindowsXml)),
        ("<html></html>", None),
        ("<13>Oct 11 22:14:15 web1 sysmon: <Event><System></System></Event>", Some(Format::SysmonLinux)),
        ("Oct 11 22:14:15 web1 sshd[7]: hello", Some(Format::Syslog)),
        ("2024-01-02T03:04:05+00:00 web1 sshd[7]: hello", Some(Format::Syslog)),
        ("{\"a\":1}\n{\"a\":2}\n", Some(Format::JsonLines)),
        ("{\"a\":1}", Some(Format::Json)),
        ("[{\"a\":1},\n{\"a\":2}]", Some(Format::Json)),
        ("{\n  \"a\": 1\n}", Some(Format::Json)),
        (
            "{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Image\":\"x\"}\n",
            Some(Format::WindowsJson),
        ),
        ("a,b\n1,2\n", Some(Format::Csv)),
        ("\u{feff}\"Timestamp [UTC]\",DeviceName,ActionType\n", Some(Format::DefenderCsv)),
        ("TimeGenerated [Local Time],DeviceId,ActionType\n", Some(Format::DefenderCsv)),
        ("just words, and more of them\nin two lines\n", None),
        ("\0\0\0\0", None),
    ] {
        assert_eq!(format(text), expected, "{text}");
    }
    let mut wide = vec![0xff, 0xfe];
    "<Events><Event></Event></Events>".encode_utf16().for_each(|u| wide.extend(u.to_le_bytes()));
    assert_eq!(recognise(&wide, true).map(|r| r.format), Some(Format::WindowsXml));
}

/// What PowerShell's `>` and `Export-Csv -Encoding Unicode` write.
#[test]
fn utf16_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("a.csv", "a,b\r\nü,2\r\n"), ("a.json", "[\r\n {\"a\": \"ü\", \"b\": 2}\r\n]")] {
        let path = dir.path().join(name);
        let mut wide = vec![0xff, 0xfe];
        text.encode_utf16().for_each(|u| wide.extend(u.to_le_bytes()));
        fs::write(&path, wide).unwrap();
        let source = crate::support::source(&path);
        let report = Report::new();
        let view = parallax_telemetry::View::of(&source, &report).unwrap().unwrap();
        assert_eq!(crate::support::rows(&source, &view, &["a", "b"], &report), ["ü | 2"], "{name}");
    }
}

#[test]
fn mixed_lines_show_their_families() {
    let text = concat!(
        "{\"Timestamp\":\"2024-01-01T00:00:00Z\",\"DeviceName\":\"a\",\"ActionType\":\"ProcessCreated\"}\n",
        "{\"Event\":{\"System\":{\"EventID\":4688,\"Channel\":\"Security\"},\"EventData\":{}}}\n",
        "{\"winlog\":{\"event_id\":1,\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_data\":{\"Image\":\"x\"}}}\n",
        "{\"anything\":1}\n",
    );
    let found = recognise(text.as_bytes(), true).unwrap();
    assert_eq!(found.format, Format::DefenderJson);
    assert_eq!(found.seen, [Family::Defender, Family::Security, Family::Sysmon, Family::Generic]);
}

#[test]
fn rotated_audit_logs_are_one_source() {
    let dir = tempfile::tempdir().unwrap();
    let line = |n: u32| format!("type=LOGIN msg=audit(170000000{n}.123:{n}): pid=1\n");
    fs::write(dir.path().join("audit.log"), line(3)).unwrap();
    fs::write(dir.path().join("audit.log.2"), line(1)).unwrap();
    let mut packed = flate2::write::GzEncoder::new(
        fs::File::create(dir.path().join("audit.log.10.gz")).unwrap(),
        Default::default(),
    );
    packed.write_all(line(0).as_bytes()).unwrap();
    packed.finish().unwrap();
    fs::write(dir.path().join("other.log"), line(5)).unwrap();
    let (found, report) = sources(dir.path());
    assert_eq!(report.damaged(), 0);
    let parts: Vec<Vec<String>> = found
        .iter()
        .map(|s| s.inputs.iter().filter_map(|i| Some(i.path.as_ref()?.file_name()?.to_str()?.to_owned())).collect())
        .collect();
    assert_eq!(parts, [vec!["audit.log.10.gz", "audit.log.2", "audit.log"], vec!["other.log"]]);
    assert!(found[0].name.ends_with("audit.log"));
}

#[test]
fn folders_globs_and_links() {
    let dir = tempfile::tempdir().unwrap();
    let sub = dir.path().join("sub");
    fs::create_dir(&sub).unwrap();
    fs::write(sub.join("a.jsonl"), "{\"a\":1}\n{\"a\":2}\n").unwrap();
    fs::write(sub.join("b.csv"), "a,b\n1,2\n").unwrap();
    fs::write(sub.join("notes.md"), "words\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path(), sub.join("loop")).unwrap();
        std::os::unix::fs::symlink(sub.join("a.jsonl"), dir.path().join("again.jsonl")).unwrap();
    }
    let formats = |paths: &[String]| {
        let report = Report::new();
        let found = discover(paths, &Options::default(), &report);
        (found.iter().map(|s| s.format).collect::<Vec<_>>(), report)
    };
    let (found, report) = formats(&[dir.path().display().to_string()]);
    assert_eq!(found, [Format::JsonLines, Format::Csv]);
    assert_eq!((report.damaged(), report.notes().len()), (0, 1));
    let (found, _) = formats(&[format!("{}/*/*.csv", dir.path().display())]);
    assert_eq!(found, [Format::Csv]);
    let (found, _) = formats(&[format!("{}/s?b", dir.path().display())]);
    assert_eq!(found, [Format::JsonLines, Format::Csv]);
    let (found, report) = formats(&[sub.join("notes.md").display().to_string()]);
    assert_eq!((found.len(), report.damaged()), (0, 1));
}

#[test]
fn what_the_user_says_wins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my-rows.txt");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    let options = Options {
        format: Some(Format::Syslog),
        settings: Settings { table: Some("mine".to_owned()), ..Settings::default() },
        ..Options::default()
    };
    let found = discover(&[path.display().to_string()], &options, &Report::new());
    assert_eq!((found[0].format, found[0].table_name()), (Format::Syslog, "mine".to_owned()));
    assert_eq!(discover(&[path.display().to_string()], &Options::default(), &Report::new())[0].table_name(), "my_rows");
}

#[test]
fn a_stream_can_be_read_again() {
    let input = parallax_telemetry::Input::spool(&b"{\"a\":1}\n"[..]).unwrap();
    let path = input.disk_path().unwrap().to_owned();
    for _ in 0..2 {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut input.open().unwrap(), &mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n");
    }
    assert_eq!(input.name(), "<stdin>");
    drop(input);
    assert!(!path.exists());
}
