//! What benchmarks run over is what it claims to be: recognised, whole, and as many events as were made.

use parallax_generate::{Plan, Shape, Size, Table, What, bytes};
use parallax_telemetry::source::{Options, discover};
use parallax_telemetry::{Event, Report, Request};
use std::ops::ControlFlow;

const EVENTS: u64 = 1_500;

#[test]
fn generated_inputs_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (What::Table(Table::Process, Shape::Json), "process.jsonl", "DefenderJson"),
        (What::Table(Table::Process, Shape::Csv), "process.csv", "DefenderCsv"),
        (What::Auditd { enriched: true }, "enriched.log", "Auditd"),
        (What::Auditd { enriched: false }, "raw.log", "Auditd"),
        (What::SysmonJson, "sysmon.json", "WindowsJson"),
        (What::SysmonXml, "sysmon.xml", "WindowsXml"),
        (What::SysmonLinux, "sysmon.log", "SysmonLinux"),
        (What::Syslog, "messages", "Syslog"),
    ];
    for (what, name, format) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes(&Plan::new(what).matching(0.01), Size::Rows(EVENTS))).unwrap();
        let report = Report::new();
        let paths = [path.to_string_lossy().into_owned()];
        let (mut events, mut formats) = (0, Vec::new());
        for source in discover(&paths, &Options::default(), &report) {
            formats.push(format!("{:?}", source.format));
            let mut reader = source.reader().unwrap();
            reader
                .read(&Request::default(), &report, &mut |_: &Event<'_>| {
                    events += 1;
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        assert_eq!(report.damaged(), 0, "{name}: {:?}", report.damages());
        assert_eq!(formats, [format], "{name}");
        assert_eq!(events, EVENTS, "{name}");
    }
}
