//! The same arguments give the same bytes, and as many events as were asked for.

use parallax_generate::{Plan, Shape, Size, Table, What, bytes, write};

const ALL: [What; 10] = [
    What::Table(Table::Process, Shape::Json),
    What::Table(Table::Process, Shape::Csv),
    What::Table(Table::Logon, Shape::Json),
    What::Table(Table::Device, Shape::Json),
    What::Auditd { enriched: true },
    What::Auditd { enriched: false },
    What::SysmonJson,
    What::SysmonXml,
    What::SysmonLinux,
    What::Syslog,
];

#[test]
fn threads_change_nothing() {
    for what in ALL {
        for size in [Size::Rows(3_000), Size::Bytes(1_234_567)] {
            let plan = Plan::new(what).matching(0.01);
            let one = bytes(&plan, size);
            let mut four = Vec::new();
            write(&plan, size, 4, &mut four).unwrap();
            assert!(one == four, "{what:?} {size:?}");
        }
    }
}

#[test]
fn as_much_as_was_asked_for() {
    for what in ALL {
        let plan = Plan::new(what);
        for rows in [0, 1, 511, 512, 513, 2_000] {
            assert_eq!(write(&plan, Size::Rows(rows), 2, &mut Vec::new()).unwrap(), rows, "{what:?}");
        }
        let some = bytes(&plan, Size::Bytes(100_000));
        assert!((100_000..110_000).contains(&some.len()), "{what:?}: {}", some.len());
        assert_eq!(some.last(), Some(&b'\n'));
        assert!(std::str::from_utf8(&some).is_ok());
    }
}

/// Nothing shows a literal of the published queries where no event shall match; as hexadecimal digits neither, but for
/// numbers that happen to look so.
#[test]
fn the_share_that_matches() {
    let shows = |text: &[u8]| String::from_utf8_lossy(text).to_ascii_lowercase().matches("lua").count();
    for what in ALL {
        // Base64 may spell anything.
        let base64 = matches!(what, What::Table(Table::Process, _) | What::SysmonJson | What::SysmonXml);
        let none = shows(&bytes(&Plan::new(what).matching(0.0), Size::Rows(4_000)));
        assert!(none <= if base64 { 5 } else { 0 }, "{what:?}: {none}");
    }
    let half = bytes(&Plan::new(ALL[0]).matching(0.5), Size::Rows(4_000));
    let lines = half.split(|b| *b == b'\n').filter(|line| shows(line) > 0).count();
    assert!((1_900..2_100).contains(&lines), "{lines}");
}
