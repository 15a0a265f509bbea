//! What each shape's names mean: for every object a table from a name to what is to be done with its value.

use super::super::vocabulary::Sys;
use super::shape::Shape;

/// What to do with the value of a name.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Nothing.
    Skip,
    /// It is a property.
    Property(Sys),
    /// It is an object with names of its own; a plain value there is the property.
    Under(Table, Option<Sys>),
    /// It is one field of the event's data, under its own name.
    Data,
    /// It holds the event's data: an object, an array, or a text of JSON or XML.
    Fields,
    /// It holds a publisher's own elements: an object of objects.
    UserFields,
    /// It is a text with a whole event in it.
    Inner,
}

/// What to do with each name of an object.
pub(crate) type Table = fn(&str) -> Act;

use Act::{Data, Fields, Inner, Property, Skip, Under, UserFields};

/// The table of the shape's outermost object.
pub(crate) fn top(shape: Shape) -> Table {
    match shape {
        Shape::EvtxDump => evtx_dump,
        Shape::Winlogbeat7 => winlogbeat7,
        Shape::Winlogbeat6 => winlogbeat6,
        Shape::EventData => event_data,
        Shape::SecurityEvent => security_event,
        Shape::Flat => flat,
        Shape::Wazuh => wazuh,
        Shape::Inner => inner,
    }
}

fn evtx_dump(name: &str) -> Act {
    match name {
        "Event" | "_source" | "result" => Under(evtx_dump, None),
        "System" => Under(system, None),
        "EventData" => Fields,
        "UserData" => UserFields,
        "RenderingInfo" => Under(rendering, None),
        "Message" => Property(Sys::Message),
        _ => Skip,
    }
}

fn rendering(name: &str) -> Act {
    if name == "Message" { Property(Sys::Message) } else { Skip }
}

/// The `System` part as the event schema spells it.
fn system(name: &str) -> Act {
    match name {
        "Provider" | "Provider_attributes" => Under(provider, Some(Sys::Provider)),
        "EventID" => Under(event_id, Some(Sys::EventId)),
        "EventID_attributes" => Under(event_id, None),
        "Version" => Property(Sys::Version),
        "Level" => Property(Sys::Level),
        "Task" => Property(Sys::Task),
        "Opcode" => Property(Sys::Opcode),
        "Keywords" => Property(Sys::Keywords),
        "TimeCreated" | "TimeCreated_attributes" => Under(time_created, Some(Sys::SystemTime)),
        "EventRecordID" | "EventRecordId" => Property(Sys::RecordId),
        "Correlation" | "Correlation_attributes" => Under(correlation, None),
        "Execution" | "Execution_attributes" => Under(execution, None),
        "Channel" => Property(Sys::Channel),
        "Computer" => Property(Sys::Computer),
        "Security" | "Security_attributes" => Under(security, None),
        _ => Skip,
    }
}

/// Whether the name only wraps an element's attributes.
fn wraps(name: &str) -> bool {
    matches!(name, "#attributes" | "X_attributes" | "attributes" | "$")
}

fn provider(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "Name" => Property(Sys::Provider),
        "Guid" => Property(Sys::ProviderGuid),
        name if wraps(name) => Under(provider, None),
        _ => Skip,
    }
}

fn event_id(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "#text" | "Value" | "value" | "_" => Property(Sys::EventId),
        "Qualifiers" => Property(Sys::Qualifiers),
        name if wraps(name) => Under(event_id, None),
        _ => Skip,
    }
}

fn time_created(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "SystemTime" => Property(Sys::SystemTime),
        name if wraps(name) => Under(time_created, None),
        _ => Skip,
    }
}

fn correlation(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "ActivityID" => Property(Sys::ActivityId),
        "RelatedActivityID" => Property(Sys::RelatedActivityId),
        name if wraps(name) => Under(correlation, None),
        _ => Skip,
    }
}

fn execution(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "ProcessID" => Property(Sys::ProcessId),
        "ThreadID" => Property(Sys::ThreadId),
        name if wraps(name) => Under(execution, None),
        _ => Skip,
    }
}

fn security(name: &str) -> Act {
    match name.trim_start_matches('@') {
        "UserID" | "UserId" => Property(Sys::UserSid),
        name if wraps(name) => Under(security, None),
        _ => Skip,
    }
}

fn winlogbeat7(name: &str) -> Act {
    match name {
        "winlog" => Under(winlog, None),
        "log" => Under(log, None),
        "event" => Under(ecs_event, None),
        "message" => Property(Sys::Message),
        "@timestamp" => Property(Sys::SystemTime),
        "_source" | "result" => Under(winlogbeat7, None),
        _ => Skip,
    }
}

fn winlog(name: &str) -> Act {
    match name {
        "event_id" => Property(Sys::EventId),
        "provider_name" => Property(Sys::Provider),
        "provider_guid" => Property(Sys::ProviderGuid),
        "channel" => Property(Sys::Channel),
        "computer_name" => Property(Sys::Computer),
        "record_id" => Property(Sys::RecordId),
        "version" => Property(Sys::Version),
        "level" => Property(Sys::Level),
        "task" => Property(Sys::Task),
        "opcode" => Property(Sys::Opcode),
        "keywords" => Property(Sys::Keywords),
        "time_created" => Property(Sys::SystemTime),
        "activity_id" => Property(Sys::ActivityId),
        "related_activity_id" => Property(Sys::RelatedActivityId),
        "process" => Under(beat_process, None),
        "user" => Under(beat_user, None),
        "event_data" => Fields,
        "user_data" => Fields,
        _ => Skip,
    }
}

fn beat_process(name: &str) -> Act {
    match name {
        "pid" => Property(Sys::ProcessId),
        "thread" => Under(beat_thread, None),
        _ => Skip,
    }
}

fn beat_thread(name: &str) -> Act {
    if name == "id" { Property(Sys::ThreadId) } else { Skip }
}

fn beat_user(name: &str) -> Act {
    if name == "identifier" { Property(Sys::UserSid) } else { Skip }
}

fn log(name: &str) -> Act {
    if name == "level" { Property(Sys::Level) } else { Skip }
}

fn ecs_event(name: &str) -> Act {
    match name {
        "code" => Property(Sys::EventId),
        "provider" => Property(Sys::Provider),
        _ => Skip,
    }
}

fn winlogbeat6(name: &str) -> Act {
    match name {
        "event_id" => Property(Sys::EventId),
        "log_name" | "channel" => Property(Sys::Channel),
        "source_name" => Property(Sys::Provider),
        "provider_guid" => Property(Sys::ProviderGuid),
        "computer_name" => Property(Sys::Computer),
        "record_number" | "record_id" => Property(Sys::RecordId),
        "process_id" => Property(Sys::ProcessId),
        "thread_id" => Property(Sys::ThreadId),
        "version" => Property(Sys::Version),
        "level" => Property(Sys::Level),
        "task" => Property(Sys::Task),
        "opcode" => Property(Sys::Opcode),
        "keywords" => Property(Sys::Keywords),
        "activity_id" => Property(Sys::ActivityId),
        "related_activity_id" => Property(Sys::RelatedActivityId),
        "user" => Under(beat_user, None),
        "message" => Property(Sys::Message),
        "@timestamp" => Property(Sys::SystemTime),
        "event_data" | "user_data" => Fields,
        "_source" | "result" => Under(winlogbeat6, None),
        // Logstash can lift the data up beside the beat's own names, which are all lower case.
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Data,
        _ => Skip,
    }
}

/// Sentinel's `WindowsEvent` and `Event`, and Sumo's JSON, which keeps the schema's structure.
fn event_data(name: &str) -> Act {
    match name {
        "EventID" | "EventId" | "EventCode" => Under(event_id, Some(Sys::EventId)),
        "EventData" | "EventData_dynamic" => Fields,
        "UserData" => UserFields,
        "EventLevel" => Property(Sys::Level),
        "Source" | "ProviderName" | "SourceName" => Property(Sys::Provider),
        "ProviderGuid" => Property(Sys::ProviderGuid),
        "EventLog" => Property(Sys::Channel),
        "SystemProcessId" => Property(Sys::ProcessId),
        "SystemThreadId" => Property(Sys::ThreadId),
        "SystemUserId" => Property(Sys::UserSid),
        "TimeGenerated" => Property(Sys::SystemTime),
        "Message" | "RenderedDescription" => Property(Sys::Message),
        "RenderingInfo" => Under(rendering, None),
        "_source" | "result" => Under(event_data, None),
        name => system(name),
    }
}

fn security_event(name: &str) -> Act {
    match name {
        "EventID" => Property(Sys::EventId),
        "EventSourceName" => Property(Sys::Provider),
        "Channel" => Property(Sys::Channel),
        "Computer" => Property(Sys::Computer),
        "Level" => Property(Sys::Level),
        "Task" => Property(Sys::Task),
        "Opcode" => Property(Sys::Opcode),
        "Keywords" => Property(Sys::Keywords),
        "Version" => Property(Sys::Version),
        "EventRecordId" => Property(Sys::RecordId),
        "SystemProcessId" => Property(Sys::ProcessId),
        "SystemThreadId" => Property(Sys::ThreadId),
        "SystemUserId" => Property(Sys::UserSid),
        "TimeGenerated" => Property(Sys::SystemTime),
        "EventData" | "EventData_dynamic" => Fields,
        "_source" | "result" => Under(security_event, None),
        "TenantId"
        | "SourceSystem"
        | "Activity"
        | "MG"
        | "ManagementGroupName"
        | "Type"
        | "_ResourceId"
        | "SourceComputerId"
        | "EventOriginId"
        | "TimeCollected"
        | "InstanceId"
        | "PartitionKey"
        | "RowKey"
        | "StorageAccount"
        | "AzureDeploymentID"
        | "AzureTableName" => Skip,
        _ => Data,
    }
}

/// NXLog's names for the properties; everything else is data.
fn flat(name: &str) -> Act {
    match name {
        "EventID" | "EventCode" | "EventId" => Property(Sys::EventId),
        "SourceName" | "ProviderName" | "Provider" => Under(provider, Some(Sys::Provider)),
        "ProviderGuid" => Property(Sys::ProviderGuid),
        "Channel" => Property(Sys::Channel),
        "Hostname" | "Computer" | "ComputerName" => Property(Sys::Computer),
        "Version" => Property(Sys::Version),
        "Level" => Property(Sys::Level),
        "Task" => Property(Sys::Task),
        "Opcode" | "OpcodeValue" => Property(Sys::Opcode),
        "Keywords" => Property(Sys::Keywords),
        "RecordNumber" | "EventRecordID" => Property(Sys::RecordId),
        "ExecutionProcessID" => Property(Sys::ProcessId),
        "ThreadID" | "ExecutionThreadID" => Property(Sys::ThreadId),
        "UserID" => Property(Sys::UserSid),
        "ActivityID" => Property(Sys::ActivityId),
        "RelatedActivityID" => Property(Sys::RelatedActivityId),
        "Message" => Property(Sys::Message),
        "SystemTime" => Property(Sys::SystemTime),
        "EventTime" | "TimeCreated" => Property(Sys::EventTime),
        "@timestamp" => Property(Sys::Collected),
        "_source" | "result" => Under(flat, None),
        "EventReceivedTime" | "SourceModuleName" | "SourceModuleType" | "Severity" | "SeverityValue"
        | "EventTypeOrignal" | "Category" | "tags" | "port" | "host" | "@version" | "@metadata" | "message" => Skip,
        _ => Data,
    }
}

fn wazuh(name: &str) -> Act {
    match name {
        "data" | "_source" | "result" => Under(wazuh, None),
        "win" => Under(wazuh_win, None),
        "timestamp" => Property(Sys::Collected),
        _ => Skip,
    }
}

fn wazuh_win(name: &str) -> Act {
    match name {
        "system" => Under(wazuh_system, None),
        "eventdata" | "eventData" => Fields,
        "userdata" | "userData" => UserFields,
        _ => Skip,
    }
}

fn wazuh_system(name: &str) -> Act {
    match name {
        "providerName" => Property(Sys::Provider),
        "providerGuid" => Property(Sys::ProviderGuid),
        "eventID" => Property(Sys::EventId),
        "version" => Property(Sys::Version),
        "level" => Property(Sys::Level),
        "task" => Property(Sys::Task),
        "opcode" => Property(Sys::Opcode),
        "keywords" => Property(Sys::Keywords),
        "systemTime" => Property(Sys::SystemTime),
        "eventRecordID" => Property(Sys::RecordId),
        "processID" => Property(Sys::ProcessId),
        "threadID" => Property(Sys::ThreadId),
        "channel" => Property(Sys::Channel),
        "computer" => Property(Sys::Computer),
        "message" => Property(Sys::Message),
        _ => Skip,
    }
}

fn inner(name: &str) -> Act {
    match name {
        "SyslogMessage" | "_raw" | "message" | "Message" | "event" | "raw" => Inner,
        "_source" | "result" => Under(inner, None),
        _ => Skip,
    }
}
