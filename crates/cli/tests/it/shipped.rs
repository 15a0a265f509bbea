//! The pack that ships: what its tests (`parallax test`, all of them in `.ci/run`) do not look at.

use crate::run;
use std::collections::BTreeMap;

const PACK: &str = "../../../../packs/T1059.011";

/// Each hardened Sigma rule stands twice: in the pack, for every product and with the allow-list, and once for each
/// product under `sigma/`, as others take it. Both find the same events.
#[test]
fn rules_of_the_products_find_what_the_pack_finds() {
    let telemetry = format!("{PACK}/telemetry");
    let events = |args: &[&str], name: &dyn Fn(&serde_json::Value) -> Option<String>| {
        let common = ["--input", &telemetry, "--format", "ndjson", "-q"];
        let said = run(&[&["detect"], args, &common].concat());
        let mut found: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
        for line in said.lines().filter(|l| l.starts_with('{')) {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let event = (row["source"].as_str().unwrap_or("").to_owned(), row["record"].as_u64().unwrap_or(0));
            if let Some(name) = name(&row) {
                found.entry(name).or_default().push(event);
            }
        }
        found.values_mut().for_each(|events| events.sort());
        assert!(!found.is_empty(), "{said}");
        found
    };
    let ours = events(&[PACK, "--only", "*-sigma"], &|row| {
        let rule = row["rule"].as_str()?;
        rule.strip_prefix("T1059.011/")?.strip_suffix("-sigma").map(str::to_owned)
    });
    let folders = ["windows", "linux", "macos"].map(|os| format!("{PACK}/sigma/{os}"));
    let theirs = events(&[&folders[0], &folders[1], &folders[2]], &|row| {
        let behaviours = [
            ("Lua Code With", "one-liner"),
            ("Shell Or Tool", "child"),
            ("Network Connection", "connection"),
            ("Lua Abuse", "host"),
            ("Renamed", "renamed"),
            ("Lua Library", "library"),
        ];
        let title = row["title"].as_str()?;
        behaviours.iter().find(|(start, _)| title.starts_with(start)).map(|(_, behaviour)| (*behaviour).to_owned())
    });
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (behaviour, events) in &ours {
        let (mut there, mut here) = (theirs[behaviour].clone(), events.clone());
        // A rule for macOS also looks at what may be Linux: Defender's rows do not say which of the two they are of.
        there.dedup();
        here.dedup();
        // Of the parent's original file name only Defender tells, under a name that Sigma's taxonomy does not have.
        here.retain(|event| there.contains(event) || !event.0.ends_with("defender/evasion-renamed-child.json"));
        assert_eq!(here, there, "{behaviour}");
    }
}
