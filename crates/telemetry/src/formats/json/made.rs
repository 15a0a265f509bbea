//! Lines for tests: what decides, put together as no product would.

use proptest::prelude::*;

/// Lines of the parts that decide, put together as no product would.
pub(super) fn line() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "\"1\"",
        "4688",
        "\"4688\"",
        "3",
        "\"3\"",
        "1.0",
        "65537",
        "70224",
        "1e0",
        "\" 1\"",
        "\"\\u0031\"",
        "null",
        "\"\"",
        "{\"#text\":1}",
        "{\"Value\":\"3\"}",
        "\"Security\"",
        "\"Microsoft-Windows-Sysmon\"",
        "\"Microsoft-Windows-Sysmon/Operational\"",
        "\"<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID></System></Event>\"",
        "\"\\u003cEvent\\u003e\\u003cSystem\\u003e\\u003cEventID\\u003e4688\\u003c/EventID\\u003e\\u003cChannel\\u003eSecurity\\u003c/Channel\\u003e\"",
        "\"<Event><System><EventID>3</EventID></System></Event>\"",
        "\"instance of Win32_NTLogEvent {\\n EventCode = 4688;\\n Logfile = \\\"Security\\\";\\n};\"",
        "\"AdvancedHunting-DeviceProcessEvents\"",
        "\"AdvancedHunting-DeviceNetworkEvents\"",
        "\"Device\\u0050rocessEvents\"",
        "\"DeviceProcessEvents_CL\"",
        "\"ProcessCreated\"",
        "\"OpenProcess\"",
        "\"ConnectionSuccess\"",
        "\"x\"",
    ]);
    let name = prop::sample::select(vec![
        "EventID",
        "EventId",
        "EventCode",
        "event_id",
        "code",
        "event.code",
        "Event.System.EventID",
        "winlog.event_id",
        "winlog.channel",
        "winlog.provider_name",
        "Event\\u0049D",
        "\\u0065vent_id",
        "EventID_attributes",
        "eventID",
        "Channel",
        "Provider",
        "SourceName",
        "log_name",
        "EventData",
        "EventSourceName",
        "Type",
        "SyslogMessage",
        "_raw",
        "message",
        "category",
        "properties",
        "Timestamp",
        "DeviceId",
        "DeviceName",
        "ActionType",
        "ProcessCommandLine",
        "RemoteIP",
        "$table",
        "Image",
        "data.win.system.eventID",
        "data.win.system.channel",
    ]);
    let around = prop::sample::select(vec![
        "Event",
        "System",
        "winlog",
        "event",
        "win",
        "data",
        "system",
        "_source",
        "result",
        "properties",
        "records",
        "EventData",
        "EventID",
    ]);
    let members = |value: BoxedStrategy<String>| {
        prop::collection::vec((name.clone().prop_map(str::to_owned), value), 0..6)
            .prop_map(|all| all.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect::<Vec<_>>().join(","))
    };
    let leaf = members(value.clone().prop_map(str::to_owned).boxed());
    let inner = (leaf.clone(), around.clone(), leaf.clone(), any::<bool>()).prop_map(|(a, name, b, list)| match list {
        true => format!("\"{name}\":[{{{b}}}],{a}"),
        false => format!("\"{name}\":{{{b}}},{a}"),
    });
    let outer = (inner.clone(), around, leaf.clone()).prop_map(|(a, name, b)| format!("{b},\"{name}\":{{{a}}}"));
    prop_oneof![2 => leaf, 2 => inner, 1 => outer]
        .prop_map(|members| format!("{{{}}}", members.trim_matches(',').replace(",,", ",").replace(",}", "}")))
}

mod tests {
    use super::*;
    use crate::event::{Event, Kind, RawText, Request, Value};
    use crate::formats::json::row::Rows;
    use crate::report::Report;
    use std::collections::HashMap;
    use std::ops::ControlFlow;

    const FIELDS: [&str; 16] = [
        "Image",
        "EventID",
        "Channel",
        "eventid",
        "CommandLine",
        "UtcTime",
        "Provider",
        "code",
        "@eventid",
        "@provider",
        "@channel",
        "@time",
        "@host",
        "Type",
        "param1",
        "ActionType",
    ];

    type Seen = Vec<(Kind, u64, Vec<Option<String>>)>;

    /// What a reader delivers of lines; those of one reader know each other's names.
    fn read(lines: &[&str], late: bool) -> (Seen, u64) {
        let fields = FIELDS.map(str::to_owned).to_vec();
        let request = Request { late, fields, ..Request::default() };
        let (mut seen, mut known) = (Seen::new(), HashMap::new());
        let mut sink = |event: &Event<'_>| {
            let value = |slot: usize| match event.late {
                Some(late) => {
                    let (mut text, value) = (String::from("x"), late.value(slot).into_text());
                    let there = late.text_into(slot, &mut text);
                    assert_eq!(there.then(|| &text[1..]), value.as_deref());
                    match late.raw(slot) {
                        RawText::Unknown => {}
                        RawText::Missing => assert_eq!(value, None),
                        RawText::Text { raw, form } => {
                            // The same text of the same form is the same value.
                            let known = known
                                .entry((raw.to_owned(), form))
                                .or_insert_with(|| value.as_deref().map(str::to_owned));
                            assert_eq!(known.as_deref(), value.as_deref());
                        }
                    }
                    value.map(String::from)
                }
                None => event.values.get(slot).cloned().and_then(Value::into_text).map(String::from),
            };
            seen.push((event.kind, event.position, (0..FIELDS.len()).map(value).collect()));
            ControlFlow::Continue(())
        };
        let report = Report::new();
        let mut rows = Rows::new(&request, &report, &mut sink);
        for (at, line) in lines.iter().enumerate() {
            let _ = rows.element(line, at as u64 * 10_000);
        }
        drop(rows);
        (seen, report.damaged())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn values_taken_late_are_those_taken_at_once(lines in prop::collection::vec(line(), 1..6), again in any::<bool>()) {
            let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            if again {
                // The same names once more.
                lines.extend(lines.clone());
            }
            prop_assert_eq!(read(&lines, true), read(&lines, false));
        }
    }
}
