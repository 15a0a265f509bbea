//! Match lists: indicators of one kind, with which records are compared when they come in.

use serde_json::{Value, json};

/// A match list.
#[derive(Clone, Debug)]
pub struct MatchList {
    /// Its name, as rules ask for it.
    pub name: String,
    /// What its items are: `SrcIp`, `Hostname`, `Username`, …, or an attribute's name.
    pub column: String,
    /// Its items.
    pub items: Vec<String>,
}

impl MatchList {
    /// The attributes that its items are compared with (documented: “Match Fields Reference”).
    pub(crate) fn fields(&self) -> Vec<&str> {
        let (_, fields) = self.target();
        if fields.is_empty() { vec![&self.column] } else { fields.to_vec() }
    }

    /// How items are compared, and with which attributes; an empty list for a column that is an attribute.
    fn target(&self) -> (&'static str, &'static [&'static str]) {
        const SOURCES: &[&str] = &["srcDevice_ip", "srcDevice_natIp", "device_ip", "device_natIp"];
        const DESTINATIONS: &[&str] = &["dstDevice_ip", "dstDevice_natIp", "dns_replyIp"];
        const ADDRESSES: &[&str] = &[
            "srcDevice_ip",
            "srcDevice_natIp",
            "device_ip",
            "device_natIp",
            "dstDevice_ip",
            "dstDevice_natIp",
            "dns_replyIp",
        ];
        const HASHES: &[&str] = &[
            "file_hash_md5",
            "file_hash_sha1",
            "file_hash_sha256",
            "file_hash_ssdeep",
            "file_hash_imphash",
            "file_hash_pehash",
        ];
        const HOSTS: &[&str] =
            &["device_hostname", "dstDevice_hostname", "srcDevice_hostname", "http_hostname", "bro_ssl_serverName"];
        const DOMAINS: &[&str] = &["dns_queryDomain", "dns_replyDomain", "http_url_rootDomain", "http_url_fqdn"];
        let plain: String = self.column.chars().filter(char::is_ascii_alphabetic).collect();
        match plain.to_ascii_lowercase().as_str() {
            "ip" | "ipaddress" => ("address", ADDRESSES),
            "srcip" | "sourceip" | "sourceipaddress" => ("address", SOURCES),
            "dstip" | "destinationip" | "destinationipaddress" => ("address", DESTINATIONS),
            "hostname" => ("text", HOSTS),
            "domain" => ("domain", DOMAINS),
            "username" => ("text", &["user_username", "fromUser_username"]),
            "filehash" => ("text", HASHES),
            "url" => ("text", &["http_url"]),
            _ => ("text", &[]),
        }
    }

    /// As `sumo_listmatches` takes it; `place` gives the argument that holds an attribute.
    pub(crate) fn definition(&self, mut place: impl FnMut(&str) -> usize) -> Value {
        let fields: Vec<usize> = self.fields().into_iter().map(&mut place).collect();
        json!({
            "name": self.name, "column": self.column, "kind": self.target().0, "fields": fields, "items": self.items,
        })
    }
}
