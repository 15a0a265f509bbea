//! The match lists of Cloud SIEM that a record's values stand on.
//!
//! A value must be the item (documented). Addresses may also lie in an item that is a network, and an item that is a
//! domain of two parts stands for all names below it (documented: `google.com` matches `mail.google.com`, but
//! `mail.google.com` does not match `test.mail.google.com`).

use crate::udf::{Body, Functions, Row};
use datafusion::common::plan_err;
use serde::Deserialize;
use std::collections::HashSet;
use std::net::IpAddr;

pub(super) fn register(f: &mut Functions) {
    // The lists as JSON, then the values that they are compared with; null where no list has any of them.
    f.compiled("listmatches(string, string...) dynamic", &[0], |c| {
        let lists: Vec<Definition> = match serde_json::from_str(c.str(0)) {
            Ok(lists) => lists,
            Err(e) => return plan_err!("match lists cannot be read: {e}"),
        };
        let lists: Vec<List> = lists.into_iter().map(List::new).collect();
        Ok(Body::text(move |row, out| write(&lists, row, out)))
    });
}

#[derive(Deserialize)]
struct Definition {
    name: String,
    column: String,
    /// Whether items are addresses, domains or plain text.
    kind: Kind,
    /// The arguments that are compared.
    fields: Vec<usize>,
    items: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Address,
    Domain,
    Text,
}

struct List {
    /// What a match is written as: the list and its column.
    written: String,
    kind: Kind,
    fields: Vec<usize>,
    items: HashSet<String>,
    networks: Vec<(u128, u128)>,
}

impl List {
    fn new(list: Definition) -> Self {
        let text = |t: &str| serde_json::Value::from(t).to_string();
        let written = format!("{},{}", text(&list.name), text(&format!("column:{}", list.column)));
        let networks = if list.kind == Kind::Address {
            list.items.iter().filter_map(|item| network(item)).collect()
        } else {
            Vec::new()
        };
        List { written, kind: list.kind, fields: list.fields, items: list.items.into_iter().collect(), networks }
    }

    fn has(&self, value: &str) -> bool {
        if self.items.contains(value) {
            return true;
        }
        match self.kind {
            Kind::Text => false,
            Kind::Address => {
                !self.networks.is_empty()
                    && value.trim().parse().ok().is_some_and(|ip: IpAddr| {
                        let bits = number(ip);
                        self.networks.iter().any(|(network, mask)| bits & mask == *network)
                    })
            }
            Kind::Domain => {
                let mut parts = value.rsplitn(3, '.');
                let (Some(last), Some(second), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
                    return false;
                };
                self.items.contains(&format!("{second}.{last}"))
            }
        }
    }
}

fn write(lists: &[List], row: &Row<'_>, out: &mut String) -> Option<()> {
    let mut any = false;
    for list in lists {
        if list.fields.iter().filter_map(|field| row.text(*field)).any(|value| list.has(value)) {
            out.push(if any { ',' } else { '[' });
            out.push_str(&list.written);
            any = true;
        }
    }
    any.then(|| out.push(']'))
}

/// Both kinds of addresses in one space, version 4 where version 6 maps it.
fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn network(item: &str) -> Option<(u128, u128)> {
    let (address, length) = item.split_once('/')?;
    let address: IpAddr = address.trim().parse().ok()?;
    let length: u32 = length.trim().parse().ok()?;
    let length = if address.is_ipv4() { length.checked_add(96)? } else { length };
    let mask = match length {
        0 => 0,
        1..=128 => u128::MAX << (128 - length),
        _ => return None,
    };
    Some((number(address) & mask, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(kind: &str, items: &[&str]) -> List {
        let definition = serde_json::json!({ "name": "l", "column": "c", "kind": kind, "fields": [1], "items": items });
        List::new(serde_json::from_value(definition).unwrap())
    }

    #[test]
    fn items_networks_and_domains() {
        let ips = list("address", &["192.0.2.1", "198.51.100.0/24", "2001:db8::/32", "0.0.0.0/99"]);
        for (value, expected) in [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("198.51.100.77", true),
            ("198.51.101.1", false),
            ("2001:db8::5", true),
            ("2001:db9::5", false),
            ("x", false),
        ] {
            assert_eq!(ips.has(value), expected, "{value}");
        }
        let domains = list("domain", &["google.com", "mail.example.org"]);
        for (value, expected) in [
            ("google.com", true),
            ("mail.google.com", true),
            ("a.b.google.com", true),
            ("notgoogle.com", false),
            ("mail.example.org", true),
            ("example.org", false),
            ("test.mail.example.org", false),
        ] {
            assert_eq!(domains.has(value), expected, "{value}");
        }
        assert!(!list("text", &["anna"]).has("Anna"));
    }
}
