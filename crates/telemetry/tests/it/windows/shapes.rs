//! Our events in every shape that a collector gives them.

use super::sample::Sample;
use serde_json::{Map, Value, json};

/// Text for XML.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;").replace('\r', "&#13;").replace('\n', "&#xA;")
}

/// As `wevtutil` writes it, or with single quotes.
pub(crate) fn xml(e: &Sample, quote: char) -> String {
    let q = |text: &str| format!("{quote}{}{quote}", escaped(text));
    let data: String =
        e.data.iter().map(|(name, value)| format!("<Data Name={}>{}</Data>", q(name), escaped(value))).collect();
    format!(
        "<Event xmlns={}><System><Provider Name={} Guid={}/><EventID>{}</EventID><Version>{}</Version><Level>4</Level>\
         <Task>{}</Task><Opcode>0</Opcode><Keywords>{}</Keywords><TimeCreated SystemTime={}/>\
         <EventRecordID>{}</EventRecordID><Correlation/><Execution ProcessID={} ThreadID={}/><Channel>{}</Channel>\
         <Computer>{}</Computer><Security UserID={}/></System><EventData>{data}</EventData></Event>",
        q("http://schemas.microsoft.com/win/2004/08/events/event"),
        q(e.provider),
        q(e.guid),
        e.event_id,
        e.version,
        e.task,
        e.keywords(),
        q(&e.time()),
        e.record_id,
        q(&e.process_id.to_string()),
        q(&e.thread_id.to_string()),
        e.channel,
        e.computer,
        q("S-1-5-18"),
    )
}

/// As an event viewer's "save as XML" does: indented, in one document.
pub(crate) fn xml_document(events: &[Sample]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<Events>");
    for event in events {
        out.push_str(&xml(event, '\'').replace("><", ">\r\n  <").replace(">\r\n  </Data>", "></Data>"));
        out.push_str("\r\n");
    }
    out + "</Events>"
}

fn object(e: &Sample) -> Map<String, Value> {
    e.data.iter().map(|(n, v)| (n.clone(), Value::String(v.clone()))).collect()
}

/// evtx_dump: numbers where the text is one, attributes under `attributes`, the event id as `id` gives it.
pub(crate) fn evtx_dump(e: &Sample, attributes: &str, id: fn(u16) -> Value) -> Value {
    let data: Map<String, Value> = e
        .data
        .iter()
        .map(|(n, v)| {
            let number = v.parse::<u32>().ok().filter(|n| n.to_string() == *v);
            (n.clone(), number.map_or_else(|| Value::String(v.clone()), Value::from))
        })
        .collect();
    json!({"Event": {
        attributes: {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {
            "Provider": {attributes: {"Name": e.provider, "Guid": e.guid}},
            "EventID": id(e.event_id), "Version": e.version, "Level": 4, "Task": e.task, "Opcode": 0,
            "Keywords": e.keywords(), "TimeCreated": {attributes: {"SystemTime": e.time()}},
            "EventRecordID": e.record_id, "Correlation": null,
            "Execution": {attributes: {"ProcessID": e.process_id, "ThreadID": e.thread_id}},
            "Channel": e.channel, "Computer": e.computer, "Security": {attributes: {"UserID": "S-1-5-18"}}
        },
        "EventData": data
    }})
}

/// XML made into JSON by a general converter.
pub(crate) fn xml_to_json(e: &Sample) -> Value {
    let data: Vec<Value> = e.data.iter().map(|(n, v)| json!({"@Name": n, "#text": v})).collect();
    json!({"Event": {"@xmlns": "x", "System": {
        "Provider": {"@Name": e.provider, "@Guid": e.guid}, "EventID": e.event_id.to_string(),
        "Version": e.version.to_string(), "Level": "4", "Task": e.task.to_string(), "Opcode": "0",
        "Keywords": e.keywords(), "TimeCreated": {"@SystemTime": e.time()}, "EventRecordID": e.record_id.to_string(),
        "Execution": {"@ProcessID": e.process_id.to_string(), "@ThreadID": e.thread_id.to_string()},
        "Channel": e.channel, "Computer": e.computer, "Security": {"@UserID": "S-1-5-18"}
    }, "EventData": {"Data": data}}})
}

/// Winlogbeat 7 and later.
pub(crate) fn winlogbeat7(e: &Sample) -> Value {
    json!({
        "@timestamp": e.time(), "agent": {"type": "winlogbeat", "version": "8.11.0"}, "ecs": {"version": "8.0.0"},
        "event": {"code": e.event_id.to_string(), "provider": e.provider, "kind": "event", "created": "2030-01-01T00:00:00Z"},
        "host": {"name": "collector"}, "log": {"level": "information"},
        "winlog": {
            "api": "wineventlog", "channel": e.channel, "computer_name": e.computer, "event_id": e.event_id.to_string(),
            "provider_name": e.provider, "provider_guid": e.guid, "record_id": e.record_id, "version": e.version,
            "opcode": "0", "task": e.task.to_string(), "keywords": e.keywords(), "event_data": object(e),
            "process": {"pid": e.process_id, "thread": {"id": e.thread_id}},
            "user": {"identifier": "S-1-5-18", "name": "SYSTEM"}
        }
    })
}

/// Any nested object with its names dotted, as some pipelines keep it.
pub(crate) fn dotted(value: &Value) -> Value {
    fn walk(prefix: &str, value: &Value, out: &mut Map<String, Value>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    walk(&name, value, out);
                }
            }
            value => {
                out.insert(prefix.to_owned(), value.clone());
            }
        }
    }
    let mut out = Map::new();
    walk("", value, &mut out);
    Value::Object(out)
}

/// Winlogbeat 5 and 6.
pub(crate) fn winlogbeat6(e: &Sample) -> Value {
    json!({
        "@timestamp": e.time(), "beat": {"version": "6.7.0"}, "host": {"name": "collector"}, "level": "Information",
        "log_name": e.channel, "source_name": e.provider, "provider_guid": e.guid, "computer_name": e.computer,
        "event_id": e.event_id, "record_number": e.record_id.to_string(), "process_id": e.process_id,
        "thread_id": e.thread_id, "version": e.version, "task": e.task.to_string(), "opcode": "0",
        "keywords": e.keywords(), "type": "wineventlog", "user": {"identifier": "S-1-5-18"}, "event_data": object(e)
    })
}

/// Winlogbeat 6 whose data a pipeline has lifted to the top.
pub(crate) fn logstash(e: &Sample) -> Value {
    let mut out = winlogbeat6(e);
    let map = out.as_object_mut().expect("an object");
    map.remove("event_data");
    map.extend(object(e));
    out
}

/// NXLog's `to_json`: all beside each other, keywords a signed number, time local.
pub(crate) fn nxlog(e: &Sample) -> Value {
    let mut out = json!({
        "EventTime": "2026-03-02 11:20:30", "Hostname": e.computer, "Keywords": e.keywords as i64, "Level": 4,
        "SeverityValue": 2, "Severity": "INFO", "EventID": e.event_id, "SourceName": e.provider,
        "ProviderGuid": e.guid, "Version": e.version, "Task": e.task, "OpcodeValue": 0, "RecordNumber": e.record_id,
        "ExecutionProcessID": e.process_id, "ThreadID": e.thread_id, "Channel": e.channel, "UserID": "S-1-5-18",
        "EventReceivedTime": "2026-03-02 11:20:31", "SourceModuleName": "in", "SourceModuleType": "im_msvistalog"
    });
    out.as_object_mut().expect("an object").extend(object(e));
    out
}

/// A row of Sentinel's `WindowsEvent`.
pub(crate) fn windows_event(e: &Sample, text: bool) -> Value {
    let data = Value::Object(object(e));
    json!({
        "TenantId": "redacted", "TimeGenerated": e.time(), "Provider": e.provider, "Channel": e.channel,
        "Computer": e.computer, "Task": e.task, "EventLevel": 4, "EventLevelName": "Information",
        "EventData": if text { Value::String(data.to_string()) } else { data }, "EventID": e.event_id,
        "EventRecordId": e.record_id.to_string(), "Keywords": e.keywords(), "Opcode": "0", "Version": e.version,
        "SystemProcessId": e.process_id, "SystemThreadId": e.thread_id, "SystemUserId": "S-1-5-18",
        "Type": "WindowsEvent"
    })
}

/// A row of Sentinel's `SecurityEvent`: the data as columns, or as XML.
pub(crate) fn security_event(e: &Sample, as_xml: bool) -> Value {
    let mut out = json!({
        "TenantId": "redacted", "TimeGenerated": e.time(), "SourceSystem": "OpsManager", "Computer": e.computer,
        "EventSourceName": e.provider, "Channel": e.channel, "Task": e.task, "Level": "4", "EventID": e.event_id,
        "Activity": format!("{} - of ours", e.event_id), "EventRecordId": e.record_id.to_string(),
        "Keywords": e.keywords(), "Opcode": "0", "Version": e.version, "SystemProcessId": e.process_id,
        "SystemThreadId": e.thread_id, "SystemUserId": "S-1-5-18", "Type": "SecurityEvent"
    });
    let map = out.as_object_mut().expect("an object");
    if as_xml {
        let data: String =
            e.data.iter().map(|(n, v)| format!("\r\n  <Data Name=\"{n}\">{}</Data>", escaped(v))).collect();
        map.insert("EventData".into(), format!("<EventData xmlns=\"x\">{data}\r\n</EventData>").into());
    } else {
        map.extend(object(e));
    }
    out
}

/// Wazuh's archives: names begin in lower case, and backslashes are doubled.
pub(crate) fn wazuh(e: &Sample) -> Value {
    let lower = |name: &str| name[..1].to_ascii_lowercase() + &name[1..];
    let data: Map<String, Value> =
        e.data.iter().map(|(n, v)| (lower(n), Value::String(v.replace('\\', "\\\\")))).collect();
    json!({
        "timestamp": "2026-03-02T10:20:40.000+0000", "rule": {"level": 3}, "agent": {"name": "WS-042"},
        "decoder": {"name": "windows_eventchannel"},
        "data": {"win": {"system": {
            "providerName": e.provider, "providerGuid": e.guid, "eventID": e.event_id.to_string(),
            "version": e.version.to_string(), "level": "4", "task": e.task.to_string(), "opcode": "0",
            "keywords": e.keywords(), "systemTime": e.time(), "eventRecordID": e.record_id.to_string(),
            "processID": e.process_id.to_string(), "threadID": e.thread_id.to_string(), "channel": e.channel,
            "computer": e.computer, "severityValue": "INFORMATION"
        }, "eventdata": data}}
    })
}

/// Sumo's JSON from a Windows event source.
pub(crate) fn sumo(e: &Sample) -> Value {
    json!({
        "TimeCreated": e.time(), "EventID": e.event_id, "Task": e.task, "Keywords": e.keywords(),
        "Channel": e.channel, "Opcode": 0, "Security": {"UserID": "S-1-5-18"},
        "Provider": {"Name": e.provider, "Guid": e.guid}, "EventRecordID": e.record_id,
        "Execution": {"ThreadID": e.thread_id, "ProcessID": e.process_id}, "Version": e.version,
        "Computer": e.computer, "Level": 4, "EventData": object(e)
    })
}

/// A row of Sentinel's `Syslog` around event XML.
pub(crate) fn syslog_row(e: &Sample) -> Value {
    json!({"TimeGenerated": e.time(), "Computer": "relay", "Facility": "user", "SyslogMessage": xml(e, '"'), "Type": "Syslog"})
}

/// A line of syslog around event XML.
pub(crate) fn syslog_line(e: &Sample) -> String {
    format!("Mar  2 10:20:30 relay sysmon: {}", xml(e, '"'))
}

/// WMI's text of an event, as Sumo's legacy Windows source sends it.
pub(crate) fn nt_log_event(e: &Sample) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let of = |name: &str| e.data.iter().find(|(n, _)| n == name).map_or("-", |(_, v)| v.as_str());
    let message = if e.channel == "Security" {
        format!(
            "A new process has been created.\n\nCreator Subject:\n\tSecurity ID:\t\t{}\n\tAccount Name:\t\t{}\n\t\
             Account Domain:\t\t{}\n\tLogon ID:\t\t{}\n\nTarget Subject:\n\tSecurity ID:\t\t{}\n\tAccount Name:\t\t{}\n\t\
             Account Domain:\t\t{}\n\tLogon ID:\t\t{}\n\nProcess Information:\n\tNew Process ID:\t\t{}\n\t\
             New Process Name:\t{}\n\tToken Elevation Type:\t{}\n\tMandatory Label:\t\t{}\n\tCreator Process ID:\t{}\n\t\
             Creator Process Name:\t{}\n\tProcess Command Line:\t{}\n\nThe type of token says what the process may do.",
            of("SubjectUserSid"),
            of("SubjectUserName"),
            of("SubjectDomainName"),
            of("SubjectLogonId"),
            of("TargetUserSid"),
            of("TargetUserName"),
            of("TargetDomainName"),
            of("TargetLogonId"),
            of("NewProcessId"),
            of("NewProcessName"),
            of("TokenElevationType"),
            of("MandatoryLabel"),
            of("ProcessId"),
            of("ParentProcessName"),
            of("CommandLine"),
        )
    } else if e.channel == "System" {
        format!("The system time has changed to {} from {}.", of("NewTime"), of("OldTime"))
    } else {
        "Process Create:\n".to_owned() + &e.data.iter().map(|(n, v)| format!("{n}: {v}\n")).collect::<String>()
    };
    let time = e.time().replace(['-', ':', 'T'], "");
    let time = format!("{}+000", &time[..time.len() - 2]);
    let strings: Vec<String> = e.data.iter().map(|(_, v)| quoted(v)).collect();
    format!(
        "instance of Win32_NTLogEvent\n{{\n\tCategory = {};\n\tComputerName = {};\n\tEventCode = {};\n\t\
         EventIdentifier = {};\n\tEventType = 3;\n\tInsertionStrings = {{{}}};\n\tLogfile = {};\n\tMessage = {};\n\t\
         RecordNumber = {};\n\tSourceName = {};\n\tTimeGenerated = {};\n\tTimeWritten = {};\n\tType = {};\n}};\n",
        e.task,
        quoted(e.computer),
        e.event_id,
        0x4000_0000 + u32::from(e.event_id),
        strings.join(", "),
        quoted(e.channel),
        quoted(message.trim_end()),
        e.record_id,
        quoted(e.provider),
        quoted(&time),
        quoted(&time),
        quoted(if e.channel == "Security" { "Audit Success" } else { "Information" }),
    )
}
