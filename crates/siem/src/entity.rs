//! What a Signal is about.

use std::fmt;

/// An actor: a host, a user, an address, …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// Its type, as the vendor writes it: `_hostname`, `_username`, `_ip`, …
    pub kind: String,
    /// Its value.
    pub value: String,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.trim_start_matches('_'), self.value)
    }
}

/// The entity type of a schema attribute (documented: “Entities in messages are mapped to entity-type schema
/// attributes”), for rules that name only the attribute.
pub(crate) fn kind_of(attribute: &str) -> &'static str {
    let name = attribute.strip_suffix("_raw").unwrap_or(attribute);
    match name {
        "commandLine" => "_command",
        "baseImage" | "parentBaseImage" | "grandparentBaseImage" => "_process",
        "file_path" | "file_basename" | "repository" => "_file",
        "http_url" => "_url",
        "http_userAgent" => "_useragent",
        "http_referer_fqdn" | "http_url_fqdn" => "_domain",
        "resource" => "_resource",
        _ if name.starts_with("file_hash_") => "_hash",
        _ if name.ends_with("_hostname") => "_hostname",
        _ if name.ends_with("_username") => "_username",
        _ if name.ends_with("_email") => "_email",
        _ if name.ends_with("_mac") => "_mac",
        _ if name.ends_with("_ip") || name.ends_with("Ip") => "_ip",
        _ => "_custom",
    }
}
