//! Addresses.

use crate::udf::Functions;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn register(f: &mut Functions) {
    f.long("ipv4tonumber(string) long", |r| Some(i64::from(u32::from(v4(r.text(0)?)?))));
    f.bool("isvalidip(string) bool", |r| Some(r.str(0).parse::<IpAddr>().is_ok()));
    f.bool("isvalidipv4(string) bool", |r| Some(v4(r.str(0)).is_some()));
    f.bool("isvalidipv6(string) bool", |r| Some(r.str(0).parse::<Ipv6Addr>().is_ok()));
    // These three have no answer for what is no address: such a row is dropped (documented).
    f.bool("isprivateip(string) bool", |r| Some(v4(r.text(0)?)?.is_private()));
    f.bool("ispublicip(string) bool", |r| {
        let address = v4(r.text(0)?)?;
        Some(!address.is_private() && !reserved(address))
    });
    f.bool("isreservedip(string) bool", |r| Some(reserved(v4(r.text(0)?)?)));
    f.text("getcidrprefix(string, string) dynamic", |r, out| {
        let prefix = u32::from(v4(r.text(0)?)?) & mask(r.text(1)?)?;
        out.push_str(&Ipv4Addr::from(prefix).to_string());
        Some(())
    });
    f.bool("comparecidrprefix(string, string, string) bool", |r| {
        let (Some(a), Some(b), Some(mask)) = (v4(r.str(0)), v4(r.str(1)), mask(r.str(2))) else { return Some(false) };
        Some(u32::from(a) & mask == u32::from(b) & mask)
    });
    f.text("maskfromcidr(string) dynamic", |r, out| {
        out.push_str(&Ipv4Addr::from(mask(r.text(0)?)?).to_string());
        Some(())
    });
    // Kilometres along the surface of a sphere of the Earth's mean radius.
    f.real("haversine(real, real, real, real) real", |r| {
        let radians = |i| r.real(i).map(f64::to_radians);
        let (lat1, lon1, lat2, lon2) = (radians(0)?, radians(1)?, radians(2)?, radians(3)?);
        let a = ((lat2 - lat1) / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * ((lon2 - lon1) / 2.0).sin().powi(2);
        // The radius by which the documentation's example gives 3512.71 km; with the mean radius it would be 3511.71.
        Some(2.0 * 6372.8 * a.sqrt().asin())
    });
}

fn v4(text: &str) -> Option<Ipv4Addr> {
    text.trim().parse().ok()
}

fn mask(bits: &str) -> Option<u32> {
    let bits: u32 = bits.trim().parse().ok().filter(|b| *b <= 32)?;
    Some(u32::MAX.checked_shl(32 - bits).unwrap_or(0))
}

/// The blocks of RFC 5735 besides the private ones.
fn reserved(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    matches!((a, b, c), (0 | 127, ..) | (169, 254, _) | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _))
        || matches!((a, b, c), (198, 51, 100) | (203, 0, 113))
        || address.is_private()
        || a >= 224
}
