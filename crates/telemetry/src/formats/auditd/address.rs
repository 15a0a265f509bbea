//! Socket addresses: the hex of a `saddr` field.

use super::decode::{looks_hex, unhex};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address that a process gave to `connect`, `bind`, `sendto`, ….
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `inet`, `inet6`, `local`, `netlink`, …: the names that auditd's own tools use; a number where there is none.
    pub(super) family: Cow<'static, str>,
    pub(super) ip: Option<String>,
    pub(super) port: Option<u16>,
    /// A Unix socket's path; one in the abstract namespace begins with `@`.
    pub(super) path: Option<Vec<u8>>,
}

/// Decodes `struct sockaddr` as a little-endian machine lays it out (the family is the only number whose order depends
/// on the machine; ports and addresses are big-endian everywhere). The family's high byte is zero for every family there
/// is, so a big-endian machine's is recognised by a zero first byte.
pub(super) fn decode(hex: &[u8]) -> Option<Address> {
    if !looks_hex(hex) {
        return None;
    }
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    unhex(hex, &mut bytes);
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let number = if first == 0 { second } else { first };
    let mut address = Address { family: family(number), ip: None, port: None, path: None };
    let port = || bytes.get(2..4).map(|p| u16::from_be_bytes([p[0], p[1]]));
    match number {
        1 => {
            let path = &bytes[2..];
            let abstract_name = path.first() == Some(&0) && path.get(1).is_some_and(|&b| b != 0);
            let path = if abstract_name { &path[1..] } else { path };
            let end = path.iter().position(|&b| b == 0).unwrap_or(path.len());
            let mut name = if abstract_name { b"@".to_vec() } else { Vec::new() };
            name.extend_from_slice(&path[..end]);
            address.path = (!name.is_empty()).then_some(name);
        }
        2 => {
            address.port = port();
            address.ip = bytes.get(4..8).map(|b| Ipv4Addr::new(b[0], b[1], b[2], b[3]).to_string());
        }
        10 => {
            address.port = port();
            address.ip =
                bytes.get(8..24).and_then(|b| <[u8; 16]>::try_from(b).ok()).map(|b| Ipv6Addr::from(b).to_string());
        }
        _ => {}
    }
    Some(address)
}

/// Linux's address families, as `ausearch -i` names them.
fn family(number: u8) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        0 => "unspec",
        1 => "local",
        2 => "inet",
        3 => "ax25",
        4 => "ipx",
        5 => "appletalk",
        6 => "netrom",
        7 => "bridge",
        8 => "atmpvc",
        9 => "x25",
        10 => "inet6",
        15 => "key",
        16 => "netlink",
        17 => "packet",
        29 => "can",
        31 => "bluetooth",
        38 => "alg",
        40 => "vsock",
        44 => "xdp",
        n => return Cow::Owned(n.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip_port(hex: &str) -> (String, Option<String>, Option<u16>) {
        let a = decode(hex.as_bytes()).unwrap();
        (a.family.into_owned(), a.ip, a.port)
    }

    #[test]
    fn internet_addresses() {
        let v4 = ("inet".to_owned(), Some("127.0.0.1".to_owned()), Some(4444));
        assert_eq!(ip_port("0200115C7F0000010000000000000000"), v4);
        assert_eq!(ip_port("0002115C7F0000010000000000000000"), v4);
        let v6 = "0A00115C00000000000000000000000000000000000000010000000000";
        assert_eq!(ip_port(&format!("{v6}00")), ("inet6".to_owned(), Some("::1".to_owned()), Some(4444)));
        assert_eq!(ip_port("0200"), ("inet".to_owned(), None, None));
    }

    #[test]
    fn unix_sockets_end_at_the_first_zero() {
        let path = |hex: &str| decode(hex.as_bytes()).unwrap().path;
        assert_eq!(path("01002F746D702F7800FF41").as_deref(), Some(&b"/tmp/x"[..]));
        assert_eq!(path("0100006162630000").as_deref(), Some(&b"@abc"[..]));
        assert_eq!(path("0100"), None);
        assert_eq!(decode(b"100000000000000000000000").unwrap().family, "netlink");
        assert_eq!(decode(b"xyz"), None);
    }
}
