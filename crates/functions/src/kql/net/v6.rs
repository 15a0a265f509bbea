//! `ipv6_…`, `parse_ipv6…`. An IPv4 address counts as `::ffff:a.b.c.d`.

use super::address::{V6, canonical, mask6};
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.text("parse_ipv6(string) string", |r, w| {
        w.push_str(&canonical(V6::parse(r.str(0))?.masked()));
        Some(())
    });
    f.text("parse_ipv6_mask(string, long) string", |r, w| {
        let v = V6::parse(r.str(0))?;
        let prefix = u32::try_from(r.long(1)?).ok().filter(|p| *p <= 128)?;
        w.push_str(&canonical(V6 { prefix: v.prefix.min(prefix), ..v }.masked()));
        Some(())
    });
    f.long("ipv6_compare(string, string, long?) long", compare);
    f.bool("ipv6_is_match(string, string, long?) bool", |r| Some(compare(r)? == 0));
    f.bool("ipv6_is_in_range(string, string) bool", |r| {
        Some(inside(V6::parse_to_compare(r.str(0))?, V6::parse_to_compare(r.str(1))?))
    });
    f.bool("ipv6_is_in_any_range(string, dynamic...) bool", |r| {
        let address = V6::parse_to_compare(r.str(0))?;
        let ranges = super::within::texts(r, 1);
        Some(ranges.iter().any(|range| V6::parse_to_compare(range).is_some_and(|range| inside(address, range))))
    });
}

fn compare(r: &Row<'_>) -> Option<i64> {
    let (a, b) = (V6::parse_to_compare(r.str(0))?, V6::parse_to_compare(r.str(1))?);
    let prefix = if r.len() > 2 { u32::try_from(r.long(2)?).ok().filter(|p| *p <= 128)? } else { 128 };
    let mask = mask6(prefix.min(a.prefix).min(b.prefix));
    Some((a.bits & mask).cmp(&(b.bits & mask)) as i64)
}

fn inside(address: V6, range: V6) -> bool {
    let mask = mask6(range.prefix);
    address.masked() & mask == range.bits & mask
}
