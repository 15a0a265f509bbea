//! `ipv4_…`, `parse_ipv4…`, `format_ipv4…`. What is no address is null, or empty.

use super::address::{V4, mask4};
use crate::kql::json;
use crate::udf::{Functions, Row};
use serde_json::Value;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

pub(super) fn register(f: &mut Functions) {
    f.long("parse_ipv4(string) long", |r| Some(i64::from(V4::parse(r.str(0))?.masked())));
    f.long("parse_ipv4_mask(string, long) long", |r| Some(i64::from(with_prefix(r.str(0), r.long(1)?)?.masked())));
    f.long("ipv4_compare(string, string, long?) long", compare);
    f.bool("ipv4_is_match(string, string, long?) bool", |r| Some(compare(r)? == 0));
    f.bool("ipv4_is_in_range(string, string) bool", |r| Some(inside(V4::parse(r.str(0))?, V4::parse(r.str(1))?)));
    f.bool("ipv4_is_in_any_range(string, dynamic...) bool", |r| {
        let address = V4::parse(r.str(0))?;
        Some(
            super::within::texts(r, 1).iter().any(|range| V4::parse(range).is_some_and(|range| inside(address, range))),
        )
    });
    f.bool("ipv4_is_private(string) bool", |r| {
        let address = V4::parse(r.str(0))?;
        let private = [("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16)];
        Some(private.iter().any(|(net, prefix)| {
            let net = V4 { bits: net.parse::<Ipv4Addr>().map_or(0, Ipv4Addr::to_bits), prefix: *prefix };
            address.prefix >= *prefix && inside(V4 { prefix: 32, ..address }, net)
        }))
    });
    f.long("ipv4_netmask_suffix(string) long", |r| Some(i64::from(V4::parse(r.str(0))?.prefix)));
    f.text("format_ipv4(string, long?) string", |r, w| {
        write!(w, "{}", Ipv4Addr::from_bits(formatted(V4::parse(r.str(0))?, r)?.masked())).ok()
    });
    f.text("format_ipv4_long(long, long?) string", |r, w| {
        let bits = u32::try_from(r.long(0)?).ok()?;
        write!(w, "{}", Ipv4Addr::from_bits(formatted(V4 { bits, prefix: 32 }, r)?.masked())).ok()
    });
    f.text("format_ipv4_mask(string, long?) string", |r, w| {
        let v = formatted(V4::parse(r.str(0))?, r)?;
        write!(w, "{}/{}", Ipv4Addr::from_bits(v.masked()), v.prefix).ok()
    });
    f.text("format_ipv4_mask_long(long, long?) string", |r, w| {
        let v = formatted(V4 { bits: u32::try_from(r.long(0)?).ok()?, prefix: 32 }, r)?;
        write!(w, "{}/{}", Ipv4Addr::from_bits(v.masked()), v.prefix).ok()
    });
    f.text("ipv4_range_to_cidr_list(string, string) dynamic", |r, w| {
        let list = cidrs(V4::parse(r.str(0))?.bits, V4::parse(r.str(1))?.bits)?;
        json::write_value(w, &Value::from(list));
        Some(())
    });
}

fn with_prefix(text: &str, prefix: i64) -> Option<V4> {
    let v = V4::parse(text)?;
    let prefix = u32::try_from(prefix).ok().filter(|p| *p <= 32)?;
    Some(V4 { prefix: v.prefix.min(prefix), ..v })
}

fn formatted(v: V4, r: &Row<'_>) -> Option<V4> {
    let prefix = if r.len() > 1 { u32::try_from(r.long(1)?).ok().filter(|p| *p <= 32)? } else { 32 };
    Some(V4 { prefix: v.prefix.min(prefix), ..v })
}

/// The fewest bits of the three prefixes count (documented).
fn compare(r: &Row<'_>) -> Option<i64> {
    let (a, b) = (V4::parse(r.str(0))?, V4::parse(r.str(1))?);
    let prefix = if r.len() > 2 { u32::try_from(r.long(2)?).ok().filter(|p| *p <= 32)? } else { 32 };
    let mask = mask4(prefix.min(a.prefix).min(b.prefix));
    Some((a.bits & mask).cmp(&(b.bits & mask)) as i64)
}

fn inside(address: V4, range: V4) -> bool {
    let mask = mask4(range.prefix);
    address.masked() & mask == range.bits & mask
}

/// The fewest blocks that cover a range exactly.
fn cidrs(start: u32, end: u32) -> Option<Vec<String>> {
    let (mut at, end) = (u64::from(start), u64::from(end));
    let mut list = Vec::new();
    while at <= end {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let fits = 63 - (end - at + 1).leading_zeros();
        let size = aligned.min(fits);
        list.push(format!("{}/{}", Ipv4Addr::from_bits(u32::try_from(at).ok()?), 32 - size));
        at += 1 << size;
    }
    Some(list)
}
