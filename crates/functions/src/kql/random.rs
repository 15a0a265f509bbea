//! `rand` and `new_guid`: the same for the same values, so that a query over the same input gives the same rows.
//!
//! The first argument tells one call of a query from the next; the rest are what tells one row from the next.

use crate::udf::{Functions, Row};
use std::fmt::Write as _;

pub(super) fn register(f: &mut Functions) {
    f.real("rand(long, any...) real", |r| Some(unit(mixed(r, 0))));
    // One of 0, 1, … below a bound, which stands first.
    f.real("rand_below(real, long, any...) real", |r| {
        let bound = r.real(0)?.trunc();
        let drawn = unit(mixed(r, 1));
        Some(if bound >= 1.0 { (drawn * bound).floor() } else { drawn })
    });
    f.text("new_guid(long, any...) guid", |r, w| {
        let (high, low) = (mixed(r, 0), scramble(mixed(r, 0)));
        // Version 4, variant 1 (RFC 9562).
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(0b11 << 62)) | (0b10 << 62);
        write!(w, "{:08x}-{:04x}-{:04x}-", high >> 32, (high >> 16) & 0xffff, high & 0xffff).ok()?;
        write!(w, "{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff).ok()
    });
}

/// From nothing up to one, one itself left out.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The arguments from `from` on as one number.
fn mixed(r: &Row<'_>, from: usize) -> u64 {
    (from..r.len()).fold(0x9e37_79b9_7f4a_7c15, |so_far, i| {
        let value = match (r.text(i), r.long(i), r.bool(i)) {
            (Some(text), ..) => {
                text.bytes().fold(text.len() as u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
            }
            (_, Some(n), _) => n as u64,
            (.., Some(b)) => u64::from(b),
            _ => r.real(i).map_or(u64::MAX, f64::to_bits),
        };
        scramble(so_far ^ scramble(value))
    })
}

/// The finaliser of SplitMix64.
fn scramble(v: u64) -> u64 {
    let v = v.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let v = (v ^ (v >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let v = (v ^ (v >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    v ^ (v >> 31)
}
