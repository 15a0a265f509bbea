//! Conditions over Cloud SIEM's normalised records.

use super::text::name;
use super::write::{Form, Writer};
use crate::about;
use crate::layout::Words;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Detection, Field};
use crate::missing;
use crate::parts;
use parallax_diagnostics::{Diagnostics, Span};

/// The attribute of a field; a field of the source's own where no attribute holds it.
pub(super) fn attribute(field: &Field) -> String {
    let attribute = match field.name.as_str() {
        "Image" => "baseImage",
        "CommandLine" => "commandLine",
        "ParentImage" => "parentBaseImage",
        "ParentCommandLine" => "parentCommandLine",
        "ProcessId" => "pid",
        "ParentProcessId" => "parentPid",
        "User" => "user_username",
        "Computer" => "device_hostname",
        "SourceIp" => "srcDevice_ip",
        "SourcePort" => "srcPort",
        "SourceHostname" => "srcDevice_hostname",
        "DestinationIp" => "dstDevice_ip",
        "DestinationPort" => "dstPort",
        "DestinationHostname" => "dstDevice_hostname",
        "QueryName" => "dns_query",
        "TargetFilename" | "TargetObject" => "file_path",
        other => return own(other),
    };
    name(attribute)
}

/// A field of the source's own.
pub(super) fn own(name: &str) -> String {
    format!("fields['{}']", name.replace('\'', ""))
}

/// The names of schema attributes that stand for a field of Sigma.
pub(crate) fn attributes(detection: &Detection) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (test, _) in detection.condition.tests() {
        let Some(field) = &test.field else { continue };
        let name = attribute(field);
        if !name.starts_with("fields[") && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The records of a log source.
fn source(detection: &Detection) -> Option<&'static str> {
    let logs = &detection.logs;
    let windows = logs.product.as_deref() == Some("windows");
    let linux = logs.product.as_deref() == Some("linux");
    Some(match logs.category.as_deref()? {
        "process_creation" if windows => {
            "metadata_deviceEventId in (\"Microsoft-Windows-Sysmon/Operational-1\", \"Security-4688\", \
             \"AdvancedHunting-DeviceProcessEvents\")\nand !(baseImage matches /^\\//)"
        }
        "process_creation" if linux => {
            "((normalizedAction = \"create\" and normalizedResource = \"process\")\n    \
             or metadata_deviceEventId = \"AdvancedHunting-DeviceProcessEvents\")\nand baseImage matches /^\\//"
        }
        "process_creation" => {
            "((normalizedAction = \"create\" and normalizedResource = \"process\")\n    \
             or metadata_deviceEventId in (\"Security-4688\", \"AdvancedHunting-DeviceProcessEvents\"))"
        }
        "network_connection" => {
            "(metadata_deviceEventId in (\"Microsoft-Windows-Sysmon/Operational-3\", \"Linux-Sysmon/Operational-3\",\n    \
             \"AdvancedHunting-DeviceNetworkEvents\")\n    \
             or (metadata_vendor = \"Laurel\" and !isNull(dstDevice_ip)))"
        }
        "file_event" => {
            "(metadata_deviceEventId in (\"Microsoft-Windows-Sysmon/Operational-11\", \"Linux-Sysmon/Operational-11\")\n    \
             or (metadata_deviceEventId = \"AdvancedHunting-DeviceFileEvents\" and action in (\"FileCreated\", \"FileModified\")))"
        }
        "image_load" => "metadata_deviceEventId = \"Microsoft-Windows-Sysmon/Operational-7\"",
        "dns_query" => "metadata_deviceEventId = \"Microsoft-Windows-Sysmon/Operational-22\"",
        _ => return None,
    })
}

/// The expression of a rule over records.
pub(crate) fn expression(detection: &Detection) -> Result<(String, Losses), Diagnostics> {
    let source = source(detection).ok_or_else(|| {
        let message = format!("which records are of the log source {} is not known", about::logs(&detection.logs));
        Diagnostics::from(refuse(codes::NO_TABLE, Span::at(0), message))
    })?;
    let libraries = detection.logs.category.as_deref() == Some("image_load");
    let mut writer = Writer {
        losses: Losses::default(),
        source: Vec::new(),
        nothing: Vec::new(),
        endpoint: false,
        form: if libraries { Form::LibraryRecord } else { Form::Record },
    };
    if libraries {
        let message = "libraries that Defender saw are left out: their records have no attribute for the library";
        writer.losses.add(codes::TELEMETRY, Effect::Narrows, Span::at(0), message);
    }
    let condition = missing::paired(&detection.condition.map(&mut |t| parts::whole(t)));
    let doc = writer.doc(&condition, false)?;
    let text = crate::layout::Doc::all(vec![crate::layout::Doc::Leaf(source.to_owned()), doc]);
    let text = text.text(&Words { not: "!" }, 0, 0);
    if let Err(e) = parallax_sumo::siem::parse(&text) {
        let message = format!("the converted expression does not parse: {e}\n{text}");
        return Err(refuse(codes::DEFECT, Span::at(0), message).into());
    }
    Ok((text, writer.losses))
}
