//! Addresses with prefixes.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct V4 {
    pub(super) bits: u32,
    pub(super) prefix: u32,
}

/// An IPv6 address (an IPv4 one as `::ffff:a.b.c.d`) and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct V6 {
    pub(super) bits: u128,
    pub(super) prefix: u32,
}

fn split(text: &str, most: u32) -> Option<(&str, u32)> {
    let text = text.trim();
    match text.split_once('/') {
        None => Some((text, most)),
        Some((address, prefix)) => Some((address, prefix.parse().ok().filter(|p| *p <= most)?)),
    }
}

pub(super) fn mask4(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0)
}

pub(super) fn mask6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0)
}

impl V4 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = split(text, 32)?;
        Some(V4 { bits: address.parse::<Ipv4Addr>().ok()?.to_bits(), prefix })
    }

    pub(super) fn masked(self) -> u32 {
        self.bits & mask4(self.prefix)
    }
}

impl V6 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(v4) = V4::parse(text) {
            return Some(V6 { bits: Ipv4Addr::from_bits(v4.bits).to_ipv6_mapped().to_bits(), prefix: v4.prefix + 96 });
        }
        let (address, mut prefix) = split(text, 128)?;
        let bits = address.parse::<Ipv6Addr>().ok()?.to_bits();
        // Behind an IPv4 tail the prefix is of IPv4's 32 bits (measured).
        if address.contains('.') && text.contains('/') && prefix <= 32 {
            prefix += 96;
        }
        Some(V6 { bits, prefix })
    }

    /// As [`V6::parse`], but `::a.b.c.d` is that IPv4 address (measured for comparisons).
    pub(super) fn parse_to_compare(text: &str) -> Option<Self> {
        let mut v = Self::parse(text)?;
        if text.contains('.') && v.bits >> 32 == 0 {
            v.bits |= 0xffff << 32;
        }
        Some(v)
    }

    pub(super) fn masked(self) -> u128 {
        self.bits & mask6(self.prefix)
    }
}

/// An address in full: eight groups of four digits.
pub(super) fn canonical(bits: u128) -> String {
    let groups: Vec<String> = (0..8).rev().map(|i| format!("{:04x}", (bits >> (16 * i)) as u16)).collect();
    groups.join(":")
}
