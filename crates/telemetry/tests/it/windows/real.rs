//! Public collections of real events, where the machine has them.

use super::support::{files, folder, input, read, request};
use parallax_telemetry::event::{Family, Kind};
use parallax_telemetry::formats::json::JsonReader;
use parallax_telemetry::formats::windows::EvtxReader;
use parallax_telemetry::report::Report;

const FIELDS: &[&str] = &["@time", "@host", "@id", "Image", "NewProcessName", "CommandLine", "ParentImage"];

#[derive(Debug, Default, PartialEq)]
struct Counts {
    files: usize,
    events: usize,
    sysmon_1: usize,
    sysmon_1_with_image: usize,
    sysmon_1_with_command_line: usize,
    security_4688: usize,
    security_4688_with_name: usize,
    security_4688_with_command_line: usize,
    without_time: usize,
    without_host: usize,
}

impl Counts {
    fn add(&mut self, seen: &[super::support::Seen]) {
        self.files += 1;
        // Rows of other products stand among them.
        for event in
            seen.iter().filter(|e| matches!(e.kind.family, Family::Sysmon | Family::Security | Family::Windows))
        {
            self.events += 1;
            let has = |i: usize| usize::from(event.values[i].as_ref().is_some_and(|v| !v.is_empty()));
            self.without_time += 1 - has(0);
            self.without_host += 1 - has(1);
            if event.kind == Kind::new(Family::Sysmon, 1) {
                self.sysmon_1 += 1;
                self.sysmon_1_with_image += has(3);
                self.sysmon_1_with_command_line += has(5);
            }
            if event.kind == Kind::new(Family::Security, 4688) {
                self.security_4688 += 1;
                self.security_4688_with_name += has(4);
                self.security_4688_with_command_line += has(5);
            }
        }
    }
}

fn say(report: &Report, path: &std::path::Path) {
    for (note, n) in report.notes() {
        eprintln!("{}: {n} {note}", path.display());
    }
    for damage in report.damages() {
        eprintln!("{}: {} ({:?})", path.display(), damage.reason, damage.position);
    }
}

#[test]
fn hayabusa_sample_evtx() {
    let Some(folder) = folder("PARALLAX_HAYABUSA") else { return };
    let mut counts = Counts::default();
    for path in files(&folder, "evtx") {
        let (seen, report) = read(&mut EvtxReader::new(vec![input(&path)]), &request(FIELDS));
        say(&report, &path);
        counts.add(&seen);
    }
    eprintln!("{counts:#?}");
    assert_eq!((counts.files, counts.events), (593, 24_661));
    assert_eq!((counts.sysmon_1, counts.security_4688), (1521, 1366));
    assert_eq!((counts.without_time, counts.without_host), (0, 0));
}

/// What is told from a record's binary form alone is what decoding it tells.
#[test]
fn hayabusa_kinds_without_decoding() {
    let Some(folder) = folder("PARALLAX_HAYABUSA") else { return };
    for path in files(&folder, "evtx") {
        let (all, _) = read(&mut EvtxReader::new(vec![input(&path)]), &request(&["@id"]));
        let mut kinds: Vec<Kind> = all.iter().map(|e| e.kind).collect();
        kinds.sort_by_key(|k| (k.family, k.code));
        kinds.dedup();
        for kind in kinds {
            let mut wanted = request(&["@id"]);
            wanted.kinds = vec![kind];
            let (seen, _) = read(&mut EvtxReader::new(vec![input(&path)]), &wanted);
            let expected: Vec<_> = all.iter().filter(|e| e.kind == kind).cloned().collect();
            assert_eq!(seen, expected, "{kind:?} in {}", path.display());
        }
    }
}

#[test]
fn otrf_security_datasets() {
    let Some(folder) = folder("PARALLAX_OTRF") else { return };
    let mut counts = Counts::default();
    for path in files(&folder, "json") {
        let (seen, report) = read(&mut JsonReader::new(vec![input(&path)]), &request(FIELDS));
        say(&report, &path);
        counts.add(&seen);
    }
    eprintln!("{counts:#?}");
    assert_eq!((counts.sysmon_1, counts.security_4688), (2079, 1715));
    // As many as have these in the files, by another program's reading.
    assert_eq!((counts.sysmon_1_with_image, counts.sysmon_1_with_command_line), (2079, 2079));
    assert_eq!((counts.security_4688_with_name, counts.security_4688_with_command_line), (1715, 1637));
    assert_eq!((counts.without_time, counts.without_host), (0, 0));
}
