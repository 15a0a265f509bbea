//! Which networks of a table hold an address: what `ipv4_lookup` and `ipv6_lookup` join by.
//!
//! | name | arguments | result |
//! |---|---|---|
//! | `kql_networks_v4`, `kql_networks_v6` | string | aggregate: all networks among the texts, as a sorted table |
//! | `kql_networks_of_v4`, `kql_networks_of_v6` | such a table, string | list: the keys of the networks that match the address; null where there is none |
//! | `kql_network_key_v4`, `kql_network_key_v6` | string | the key of a network; null where the text is none |
//!
//! An address with a prefix is a network itself. Two networks match if one lies within the other, as `ipv4_is_match` has
//! it. In a table sorted by address and then by length, what lies within a network stands right behind it, and what holds
//! an address is found from the entry before it, upwards: each entry knows the next larger network that holds it.

use super::address::{V4, V6};
use crate::kql::aggregate::adapter::State;
use crate::udf::{Functions, Row};
use arrow::array::{Array, AsArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) fn register(f: &mut Functions) {
    f.text("network_key_v4(string) dynamic", |r, w| {
        Network::parse(r.str(0), false)?.key(w);
        Some(())
    });
    f.text("network_key_v6(string) dynamic", |r, w| {
        Network::parse(r.str(0), true)?.key(w);
        Some(())
    });
    for (name, six) in [("kql_networks_of_v4", false), ("kql_networks_of_v6", true)] {
        f.udf(ScalarUDF::from(NetworksOf {
            name,
            six,
            signature: Signature::new(TypeSignature::VariadicAny, Volatility::Immutable),
        }));
    }
}

/// A network: its bits stand at the high end, so that both kinds of address are counted alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    bits: u128,
    length: u8,
}

impl Network {
    fn parse(text: &str, six: bool) -> Option<Self> {
        if six {
            let v = V6::parse_to_compare(text)?;
            return Some(Network { bits: v.masked(), length: v.prefix as u8 });
        }
        let v = V4::parse(text)?;
        Some(Network { bits: u128::from(v.masked()) << 96, length: v.prefix as u8 })
    }

    /// The last address of it.
    fn last(self) -> u128 {
        self.bits | u128::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }

    fn holds(self, other: Network) -> bool {
        self.length <= other.length && self.bits <= other.bits && other.bits <= self.last()
    }

    fn key(self, w: &mut String) {
        // An IPv4 network takes twelve characters at most, which a view holds in itself.
        let _ = match self.bits & (u128::MAX >> 32) {
            0 => write!(w, "{:x}/{}", self.bits >> 96, self.length),
            _ => write!(w, "{:x}:{}", self.bits, self.length),
        };
    }
}

/// All networks of a column.
#[derive(Default)]
pub(in crate::kql) struct Networks<const SIX: bool> {
    all: Vec<Network>,
}

impl<const SIX: bool> Networks<SIX> {
    /// Sorted, each once.
    fn sort(&mut self) {
        self.all.sort_unstable();
        self.all.dedup();
    }
}

impl<const SIX: bool> State for Networks<SIX> {
    fn returns(_: &[DataType]) -> DataType {
        DataType::BinaryView
    }

    fn add(&mut self, row: &Row<'_>) {
        self.all.extend(row.text(0).and_then(|text| Network::parse(text, SIX)));
    }

    fn save(&self, out: &mut Vec<u8>) {
        for network in &self.all {
            out.extend_from_slice(&network.bits.to_le_bytes());
            out.push(network.length);
        }
    }

    fn merge(&mut self, saved: &[u8]) {
        for one in saved.chunks_exact(17) {
            let (Some((bits, _)), Some(length)) = (one.split_first_chunk::<16>(), one.last()) else { continue };
            self.all.push(Network { bits: u128::from_le_bytes(*bits), length: *length });
        }
    }

    fn finish(&mut self, _: &DataType) -> Result<ScalarValue> {
        self.sort();
        Ok(ScalarValue::BinaryView(Some(Table::write(&self.all))))
    }

    fn size(&self) -> usize {
        self.all.capacity() * size_of::<Network>()
    }
}

/// A sorted table of networks in bytes: of each its bits, its length, and the place of the one around it.
#[derive(Clone, Copy)]
struct Table<'b>(&'b [u8]);

/// The bytes of an entry.
const WIDTH: usize = 16 + 1 + 4;

/// The place of no entry.
const NONE: u32 = u32::MAX;

impl<'b> Table<'b> {
    fn write(sorted: &[Network]) -> Vec<u8> {
        let mut out = Vec::with_capacity(sorted.len() * WIDTH);
        let mut around: Vec<u32> = Vec::new();
        for (at, network) in sorted.iter().enumerate() {
            while around.last().is_some_and(|&a| !sorted[a as usize].holds(*network)) {
                around.pop();
            }
            out.extend_from_slice(&network.bits.to_le_bytes());
            out.push(network.length);
            out.extend_from_slice(&around.last().copied().unwrap_or(NONE).to_le_bytes());
            around.push(u32::try_from(at).unwrap_or(NONE));
        }
        out
    }

    fn len(self) -> usize {
        self.0.len() / WIDTH
    }

    fn get(self, at: usize) -> Option<(Network, u32)> {
        let entry = self.0.get(at * WIDTH..(at + 1) * WIDTH)?;
        let (bits, rest) = entry.split_first_chunk::<16>()?;
        let (length, around) = rest.split_first()?;
        let network = Network { bits: u128::from_le_bytes(*bits), length: *length };
        Some((network, u32::from_le_bytes(around.try_into().ok()?)))
    }

    /// How many entries are no greater than that network.
    fn until(self, network: Network) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some((entry, _)) if entry <= network => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// The networks that match one.
    fn matching(self, network: Network, mut each: impl FnMut(Network)) {
        let behind = self.until(network);
        let mut at = behind.checked_sub(1);
        while let Some((entry, around)) = at.and_then(|at| self.get(at)) {
            if entry.holds(network) {
                each(entry);
            }
            at = (around != NONE).then_some(around as usize);
        }
        for at in behind..self.len() {
            match self.get(at) {
                Some((entry, _)) if network.holds(entry) => each(entry),
                _ => break,
            }
        }
    }
}

/// The keys of the networks of a table that match an address.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NetworksOf {
    name: &'static str,
    six: bool,
    signature: Signature,
}

impl ScalarUDFImpl for NetworksOf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [tables, addresses] = arrays.as_slice() else {
            return exec_err!("{} takes a table of networks and an address", self.name);
        };
        let (Some(tables), Some(addresses)) = (tables.as_binary_view_opt(), addresses.as_string_view_opt()) else {
            return exec_err!("{} takes a table of networks and an address", self.name);
        };
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        let mut key = String::new();
        for row in 0..addresses.len() {
            let address = addresses.is_valid(row).then(|| Network::parse(addresses.value(row), self.six)).flatten();
            let mut any = false;
            if let (Some(address), true) = (address, tables.is_valid(row)) {
                Table(tables.value(row)).matching(address, |network| {
                    key.clear();
                    network.key(&mut key);
                    lists.values().append_value(&key);
                    any = true;
                });
            }
            lists.append(any);
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(networks: &[&str], address: &str) -> Vec<String> {
        let mut all = Networks::<false> { all: networks.iter().filter_map(|t| Network::parse(t, false)).collect() };
        all.sort();
        let bytes = Table::write(&all.all);
        let mut keys = Vec::new();
        Table(&bytes).matching(Network::parse(address, false).expect("an address"), |n| {
            keys.push(format!("{}/{}", std::net::Ipv4Addr::from_bits((n.bits >> 96) as u32), n.length));
        });
        keys
    }

    #[test]
    fn networks_around_and_within() {
        let table = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "10.2.0.0/16", "no address"];
        assert_eq!(found(&table, "10.1.9.9"), ["10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"]);
        assert_eq!(found(&table, "10.1.0.0/20"), ["10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "10.1.2.0/24"]);
        assert_eq!(found(&table, "192.0.2.1"), ["0.0.0.0/0"]);
        assert!(found(&["10.0.0.0/8"], "11.0.0.0").is_empty());
        assert!(found(&[], "11.0.0.0").is_empty());
    }

    proptest! {
        /// As comparing with each network.
        #[test]
        fn as_one_by_one(networks in prop::collection::vec((any::<u8>(), 0u32..=32), 0..40), of in (any::<u8>(), 0u32..=32)) {
            // Few distinct bits, so that networks lie within one another.
            let text = |(bits, length): &(u8, u32)| {
                format!("{}/{length}", std::net::Ipv4Addr::from_bits(u32::from(*bits).wrapping_mul(0x1010_1100)))
            };
            let parsed: Vec<Network> = networks.iter().filter_map(|n| Network::parse(&text(n), false)).collect();
            let of = Network::parse(&text(&of), false).expect("a network");
            let mut expected: Vec<Network> = parsed.iter().copied().filter(|n| n.holds(of) || of.holds(*n)).collect();
            expected.sort();
            expected.dedup();
            let mut all = Networks::<false> { all: parsed };
            all.sort();
            let bytes = Table::write(&all.all);
            let mut got = Vec::new();
            Table(&bytes).matching(of, |n| got.push(n));
            got.sort();
            prop_assert_eq!(got, expected);
        }
    }
}
