//! The names of columns and what feeds them from telemetry say the same.

use parallax_convert::middle::FieldPart;
use parallax_convert::names;

const MAPPINGS: [(&str, &str); 4] = [
    ("DeviceProcessEvents", include_str!("../../../telemetry/src/mappings/DeviceProcessEvents.toml")),
    ("DeviceNetworkEvents", include_str!("../../../telemetry/src/mappings/DeviceNetworkEvents.toml")),
    ("DeviceFileEvents", include_str!("../../../telemetry/src/mappings/DeviceFileEvents.toml")),
    ("DeviceImageLoadEvents", include_str!("../../../telemetry/src/mappings/DeviceImageLoadEvents.toml")),
];

/// A column that Sysmon feeds from a field as it is, or from a part of one, is that field's, or that part's.
#[test]
fn columns_are_what_feeds_them() {
    let mut held = 0;
    for (name, text) in MAPPINGS {
        let table = names::table(name).unwrap();
        let mapping: toml::Table = toml::from_str(text).unwrap();
        let feeds =
            |column: &str| mapping["columns"].get(column).and_then(|c| c.get("sysmon")).and_then(|f| f.as_str());
        for (field, column) in table.columns() {
            if let Some(feed) = feeds(column).filter(|f| f.chars().all(char::is_alphanumeric)) {
                assert_eq!(feed, field, "{name}.{column}");
                held += 1;
            }
        }
        for (column, field) in table.parts() {
            let Some(feed) = feeds(column) else { continue };
            let expected = match &field.part {
                FieldPart::Base => format!("basename({})", field.name),
                FieldPart::Account => format!("after({}, \"\\\")", field.name),
                FieldPart::Domain => format!("before({}, \"\\\")", field.name),
                FieldPart::Hash(key) => format!("hash({}, \"{key}\")", field.name),
                FieldPart::Whole => field.name.clone(),
            };
            assert_eq!(feed, expected, "{name}.{column}");
            held += 1;
        }
    }
    assert!(held > 30, "{held}");
}
