//! Damaged and hostile input costs itself alone, and is said.

use super::evtx_writer;
use super::same::{evtx, json, json_shapes, kind, nt_log_event, syslog, through, xml};
use super::sample::{Sample, samples};
use super::shapes;
use super::support::request;
use parallax_telemetry::event::{Family, Kind, Reader};
use parallax_telemetry::{Input, Report};
use proptest::prelude::*;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// `n` events with ids from 1 on, so that several chunks are filled.
fn many(n: u64) -> Vec<Sample> {
    let samples = samples();
    (0..n).map(|i| Sample { record_id: i + 1, ..samples[i as usize % samples.len()].clone() }).collect()
}

fn reasons(report: &Report) -> Vec<String> {
    report.damages().into_iter().map(|d| d.reason).collect()
}

#[test]
fn evtx_cut_within_a_chunk() {
    let events = many(30);
    let mut file = evtx_writer::file(&events, 10);
    // The third chunk's records end somewhere below 30 kB; keep its header and about half of them.
    file.truncate(4096 + 2 * 65536 + 8000);
    let (seen, report) = through(&file, evtx, &request(&["@id"]));
    let ids: Vec<u64> = seen.iter().map(|e| e.position).collect();
    assert!(ids.len() > 20 && ids.len() < 30, "whole records of the cut chunk are delivered: {ids:?}");
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    assert_eq!(reasons(&report)[0], "the file is truncated: it ends within a chunk");
}

#[test]
fn evtx_cut_between_chunks() {
    let mut file = evtx_writer::file(&many(30), 10);
    file.truncate(4096 + 2 * 65536);
    let (seen, report) = through(&file, evtx, &request(&["@id"]));
    assert_eq!(seen.len(), 20);
    assert_eq!(reasons(&report), ["the file is truncated: 2 of 3 chunks are there"]);
}

#[test]
fn evtx_damaged_chunk_costs_itself_alone() {
    let mut file = evtx_writer::file(&many(30), 10);
    file[4096 + 65536..4096 + 65536 + 8].copy_from_slice(b"garbage!");
    let (seen, report) = through(&file, evtx, &request(&["@id"]));
    let ids: Vec<u64> = seen.iter().map(|e| e.position).collect();
    assert_eq!(ids, (1..=10).chain(21..=30).collect::<Vec<u64>>());
    assert_eq!(report.damaged(), 1, "{:?}", reasons(&report));
}

#[test]
fn evtx_changed_record_is_said() {
    let mut file = evtx_writer::file(&many(30), 10);
    let name: Vec<u8> = "lua54.dll".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = memchr::memmem::find(&file, &name).expect("a value");
    file[at] = b'L';
    let (seen, report) = through(&file, evtx, &request(&["ImageLoaded"]));
    assert_eq!((seen.len(), report.damaged()), (30, 0));
    assert_eq!(report.notes().get("EVTX chunks whose checksum does not fit, read all the same"), Some(&1));
}

#[test]
fn evtx_damaged_record_costs_itself_alone() {
    let events = many(30);
    let mut file = evtx_writer::file(&events, 30);
    // The second record's binary XML: not a token there is.
    let second = memchr::memmem::find_iter(&file, b"**\0\0").nth(1).expect("a record");
    file[second + 24..second + 40].fill(0xEE);
    let (seen, report) = through(&file, evtx, &request(&["@id"]));
    assert!(report.damaged() > 0);
    let ids: Vec<u64> = seen.iter().map(|e| e.position).collect();
    assert!(!ids.contains(&2) && ids.contains(&1) && ids.contains(&30), "{ids:?}");
}

#[test]
fn evtx_without_anything() {
    for (content, reason) in [
        (&b""[..], "the file ends within its header: no event can be read"),
        (b"ElfFile\0 and no more", "the file ends within its header: no event can be read"),
    ] {
        let (seen, report) = through(content, evtx, &request(&["@id"]));
        assert_eq!((seen.len(), reasons(&report)), (0, vec![reason.to_owned()]));
    }
    let (seen, report) = through(&[b'x'; 5000], evtx, &request(&["@id"]));
    assert_eq!((seen.len(), report.damaged()), (0, 1));
}

#[test]
fn evtx_that_went_on_over_its_oldest_chunk() {
    // As many as are read at once, and more.
    for chunks in [1, 3, 4, 5, 17, 40] {
        let file = evtx_writer::file(&many(chunks * 3), 3);
        for first in [1, 2, chunks / 2, chunks - 1].into_iter().filter(|first| *first < chunks) {
            let mut turned = file.clone();
            turned[4096..].rotate_left(first as usize * 65536);
            let (seen, report) = through(&turned, evtx, &request(&["@id"]));
            let ids: Vec<u64> = seen.iter().map(|e| e.position).collect();
            assert_eq!(ids, (1..=chunks * 3).collect::<Vec<_>>(), "{chunks} chunks from {first}");
            assert_eq!((report.damaged(), report.bytes()), (0, file.len() as u64));
        }
    }
}

#[test]
fn evtx_cut_anywhere_is_read_as_a_stream_is() {
    let file = evtx_writer::file(&many(57), 3);
    for length in
        [4095, 4096, 4097, 4096 + 40, 4096 + 65536 - 1, 4096 + 4 * 65536, 4096 + 16 * 65536 + 900, file.len() - 1]
    {
        let mut plain = tempfile::NamedTempFile::new().expect("a file");
        plain.write_all(&file[..length]).expect("room");
        let mut packed = tempfile::NamedTempFile::new().expect("a file");
        packed.write_all(&zstd::encode_all(&file[..length], 1).expect("memory")).expect("room");
        let read = |input| super::support::read(&mut *evtx(input), &request(&["@id"]));
        let (seen, report) = read(Input::sniff(plain.path()).expect("a file"));
        let (streamed, said) = read(Input::sniff(packed.path()).expect("a file"));
        assert_eq!(seen, streamed, "{length} bytes");
        let [mut reasons, mut said_of] = [&report, &said].map(reasons);
        // That the file is cut is known before or after.
        reasons.sort();
        said_of.sort();
        assert_eq!((reasons, report.bytes()), (said_of, said.bytes()), "{length} bytes");
    }
}

#[test]
fn evtx_packed() {
    let events = many(700);
    let file = evtx_writer::file(&events, 10);
    let mut packed = tempfile::NamedTempFile::new().expect("a file");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&file).expect("memory");
    packed.write_all(&encoder.finish().expect("memory")).expect("room");
    let input = Input::file(packed.path(), parallax_telemetry::input::Compression::Gzip);
    let (seen, report) = super::support::read(&mut *evtx(input), &request(&["@id"]));
    assert_eq!((seen.len(), report.damaged(), report.bytes()), (700, 0, file.len() as u64));
    let (plain, _) = through(&file, evtx, &request(&["@id"]));
    assert_eq!(seen, plain);
}

#[test]
fn xml_cut_events_are_recovered() {
    let events = samples();
    let whole = shapes::xml(&events[0], '"');
    let cut = &whole[..whole.find("ParentImage").expect("a field")];
    let content = format!("{whole}\n{cut}\n{whole}\n{cut}");
    let (seen, report) = through(content.as_bytes(), xml, &request(&["CommandLine", "ParentImage"]));
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|e| e.kind == Kind::new(Family::Sysmon, 1) && e.values[0] == seen[0].values[0]));
    assert_eq!(seen.iter().map(|e| e.values[1].is_some()).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(report.notes().get("events recovered that have no end"), Some(&2));
    assert_eq!(report.damaged(), 0);
}

#[test]
fn xml_without_an_event() {
    let (seen, report) = through(b"<html><body>no</body></html>", xml, &request(&["@id"]));
    assert_eq!((seen.len(), reasons(&report)), (0, vec!["no event was found".to_owned()]));
}

/// Sysmon for Linux through relays that drop `;` and cut lines at 2 kB, between banners.
#[test]
fn sysmon_for_linux_as_relays_leave_it() {
    let mut e = samples().remove(0);
    e.provider = "Linux-Sysmon";
    e.channel = "Linux-Sysmon/Operational";
    let command = "sh -c \"lua5.4 -e 'os.execute(\\\"id\\\")' 2>&1 && true <in\"";
    for (name, value) in &mut e.data {
        match name.as_str() {
            "CommandLine" => command.clone_into(value),
            "Image" => "/usr/bin/dash".clone_into(value),
            _ => {}
        }
    }
    let line = shapes::syslog_line(&e);
    let cut = &line[..line.find("ParentCommandLine").expect("a field") + 40];
    let bare = line.replace("&lt;in", "<in");
    let content = format!(
        "Sysmon v1.3.3 - Monitors system events\nMar  2 10:20:29 h sysmon[1]: started\n\n{line}\n{}\n{cut}\n{bare}\n",
        line.replace(';', "")
    );
    let (seen, report) = through(content.as_bytes(), syslog, &request(&["Image", "CommandLine", "@host"]));
    assert_eq!(seen.len(), 4);
    for event in &seen {
        assert_eq!(event.kind, Kind::new(Family::Sysmon, 1));
        let expected = ["/usr/bin/dash", command, "WS-042.corp.example"].map(|v| Some(v.to_owned()));
        assert_eq!(event.values, expected);
    }
    assert_eq!(report.notes().get("events recovered from malformed text"), Some(&3));
    assert_eq!(report.notes().get("syslog lines that are no Sysmon event"), Some(&2));
}

#[test]
fn json_cut_in_half() {
    let events = samples();
    for (what, _, make, _) in json_shapes() {
        let line = make(&events[0]).to_string();
        let content = format!("{line}\n{}\n{line}\n", &line[..line.len() / 2]);
        let (seen, report) = through(content.as_bytes(), json, &request(&["CommandLine"]));
        assert_eq!((seen.len(), report.damaged()), (2, 1), "{what}: {:?}", reasons(&report));
    }
}

/// What takes time or memory beyond its length is an attack.
#[test]
fn hostile_xml() {
    let begin = Instant::now();
    let head = "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID></System>";
    let m = 1 << 18;
    let hostile = [
        format!("{head}<UserData>{}", "<a>".repeat(2 * m)),
        format!("{head}<EventData><Data Name='Image'>{}</Data></EventData></Event>", "&amp;".repeat(2 * m)),
        format!("{head}<EventData><Data Name='Image'>{}</Data></EventData></Event>", "&#".repeat(2 * m)),
        format!("{head}<EventData><Data Name='Image'>{}", "<![CDATA[".repeat(m)),
        format!("{head}<EventData>{}", "<Data Name='".repeat(m)),
        format!("{head}{}", "<a b=\"".repeat(m)),
        format!("{head}<EventData>{}</EventData></Event>", "<Data Name='x'></".repeat(m / 2)),
        format!("{head}{}", "<!--".repeat(2 * m)),
        format!("{head}<EventData a='{}'><Data Name='Image'>x</Data></EventData></Event>", "x".repeat(100 << 20)),
        format!("<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;\">]>{head}</Event>", "x".repeat(m)),
        "<Event ".repeat(2 * m),
        "<Event>".repeat(m / 8),
    ];
    let good = shapes::xml(&samples()[0], '"');
    for (i, text) in hostile.into_iter().enumerate() {
        let (seen, report) =
            through(format!("{good}\n{text}\n{good}\n").as_bytes(), xml, &request(&["Image", "@fields"]));
        assert!(seen.len() >= 2, "{i}: the events around it are delivered: {} {:?}", seen.len(), reasons(&report));
        assert!(report.damaged() > 0 || !report.notes().is_empty() || i == 1 || i == 9, "{i}: it is said");
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn hostile_json() {
    let begin = Instant::now();
    let (m, flat) = (1 << 20, "{\"EventID\":1,\"Channel\":\"Security\",\"SourceName\":\"x\",\"A\":");
    let fields: Vec<String> = (0..100_000).map(|i| format!("\"k{i}\":\"v\"")).collect();
    let hostile = [
        format!("{flat}{}1{}}}", "{\"a\":".repeat(m), "}".repeat(m)),
        format!("{flat}{}{}}}", "[".repeat(4 * m), "]".repeat(4 * m)),
        format!("{{\"Event\":{{\"System\":{{\"EventID\":{}1{}}}}}}}", "{\"#text\":".repeat(m), "}".repeat(m)),
        format!("{{\"winlog{}\":1,\"EventID\":1,\"Channel\":\"x\"}}", ".event_data".repeat(m)),
        format!("{{\"Event\":{{\"System\":{{\"EventID\":1}},\"EventData\":{{{}}}}}}}", fields.join(",")),
    ];
    let good = shapes::nxlog(&samples()[0]).to_string();
    for text in hostile {
        let content = format!("{good}\n{text}\n{good}\n");
        let (seen, _) = through(content.as_bytes(), json, &request(&["@fields", "@eventdata.xml", "Image"]));
        let around = seen.iter().filter(|e| e.kind == Kind::new(Family::Sysmon, 1)).count();
        assert_eq!(around, 2, "the events around it are delivered");
    }
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

fn readers() -> [fn(Input) -> Box<dyn Reader>; 5] {
    [evtx, xml, json, syslog, nt_log_event]
}

/// One of our files, whole.
fn documents() -> Vec<Vec<u8>> {
    let events = samples();
    let mut out = vec![evtx_writer::file(&events, 3), shapes::xml_document(&events).into_bytes()];
    out.push(events.iter().map(|e| shapes::syslog_line(e) + "\n").collect::<String>().into_bytes());
    out.push(events.iter().map(shapes::nt_log_event).collect::<String>().into_bytes());
    for (_, _, make, _) in json_shapes() {
        out.push(events.iter().map(|e| make(e).to_string() + "\n").collect::<String>().into_bytes());
    }
    out
}

const EVERYTHING: &[&str] =
    &["@time", "@id", "@raw", "@fields", "@eventdata.xml", "@eventdata.dataitem", "@message", "Image", "CommandLine"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6000)) {
        for reader in readers() {
            through(&bytes, reader, &request(EVERYTHING));
        }
    }

    #[test]
    fn mutated_documents_never_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3usize), 1..40),
    ) {
        let documents = documents();
        let mut bytes = which.get(&documents).clone();
        // Of an event log file, change what means something: the header and the first records.
        let end = bytes.len().min(12_000);
        for (at, to, how) in changes {
            let at = at.index(end.min(bytes.len()));
            match how {
                0 => bytes[at] = to,
                1 => bytes[at] ^= 1 << (to % 8),
                _ => { bytes.remove(at); }
            }
        }
        for reader in readers() {
            through(&bytes, reader, &request(EVERYTHING));
        }
    }

    #[test]
    fn cut_documents_lose_only_their_end(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let documents = documents();
        let which = which.index(documents.len());
        let reader = match which { 0 => evtx, 1 => xml, 2 => syslog, 3 => nt_log_event, _ => json };
        let bytes = &documents[which];
        let (whole, _) = through(bytes, reader, &request(EVERYTHING));
        prop_assert_eq!(whole.iter().map(|e| e.kind).collect::<Vec<_>>(), samples().iter().map(kind).collect::<Vec<_>>());
        let (seen, report) = through(&bytes[..at.index(bytes.len())], reader, &request(EVERYTHING));
        let n = seen.len().saturating_sub(1);
        prop_assert_eq!(&seen[..n], &whole[..n]);
        // Text cut between two events does not show it; an event log file says how long it should be.
        prop_assert!(which > 0 || seen.len() == whole.len() || report.damaged() > 0);
    }
}
