//! Where Cloud SIEM keeps records.

/// Which partition records of a type are kept in (documented: “Partitions for Cloud SIEM records”).
pub(super) fn partition(record_type: &str) -> Option<&'static str> {
    Some(match record_type {
        "Audit" | "AuditChange" | "AuditFile" | "AuditResourceAccess" => "sec_record_audit",
        "Authentication" | "AuthenticationPrivilegeEscalation" => "sec_record_authentication",
        "Email" => "sec_record_email",
        "Endpoint" | "EndpointModuleLoad" | "EndpointProcess" => "sec_record_endpoint",
        "Network" | "NetworkDHCP" | "NetworkDNS" | "NetworkFlow" | "NetworkHTTP" | "NetworkProxy" => {
            "sec_record_network"
        }
        "Notification" | "NotificationVulnerability" => "sec_record_notification",
        _ => return None,
    })
}
