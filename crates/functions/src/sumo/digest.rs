//! `hash(text, algorithm)`: MD5 (the default), SHA-1, SHA-256. Written out here because nothing else needs them; they
//! name values, they do not protect any.

use crate::udf::{Body, Functions};
use datafusion::common::plan_err;

pub(super) fn register(f: &mut Functions) {
    f.compiled("hash(string, string?) dynamic", &[1], |c| {
        let function: fn(&[u8]) -> Vec<u8> = match c.text(1).unwrap_or("md5").to_ascii_lowercase().as_str() {
            "md5" => md5,
            "sha1" => sha1,
            "sha2_256" | "sha256" | "sha_256" => sha256,
            "murmur3_128" => murmur3,
            other => return plan_err!("there is no hash `{other}`; there are {}", HASHES.join(", ")),
        };
        Ok(Body::text(move |r, out| {
            function(r.text(0)?.as_bytes()).iter().for_each(|b| out.push_str(&format!("{b:02x}")));
            Some(())
        }))
    });
}

/// The algorithms; the documentation names the third in two ways.
pub const HASHES: [&str; 6] = ["md5", "sha1", "sha2_256", "murmur3_128", "sha_256", "sha256"];

/// MurmurHash3 of 128 bits for 64-bit machines, without a seed, the lower half first.
fn murmur3(message: &[u8]) -> Vec<u8> {
    const C: [u64; 2] = [0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f];
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, byte| (word << 8) | u64::from(*byte));
    let mix = |k: u64, from: usize, turn: u32| k.wrapping_mul(C[from]).rotate_left(turn).wrapping_mul(C[1 - from]);
    let last = |mut k: u64| {
        for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
            k = (k ^ (k >> 33)).wrapping_mul(factor);
        }
        k ^ (k >> 33)
    };
    let (mut a, mut b) = (0u64, 0u64);
    let blocks = message.chunks_exact(16);
    let rest = blocks.remainder();
    for block in blocks {
        a = (a ^ mix(word(&block[..8]), 0, 31))
            .rotate_left(27)
            .wrapping_add(b)
            .wrapping_mul(5)
            .wrapping_add(0x52dc_e729);
        b = (b ^ mix(word(&block[8..]), 1, 33))
            .rotate_left(31)
            .wrapping_add(a)
            .wrapping_mul(5)
            .wrapping_add(0x3849_5ab5);
    }
    b ^= mix(word(rest.get(8..).unwrap_or_default()), 1, 33);
    a ^= mix(word(&rest[..rest.len().min(8)]), 0, 31);
    let length = message.len() as u64;
    (a, b) = (a ^ length, b ^ length);
    a = a.wrapping_add(b);
    b = b.wrapping_add(a);
    (a, b) = (last(a), last(b));
    a = a.wrapping_add(b);
    b = b.wrapping_add(a);
    [a.to_le_bytes(), b.to_le_bytes()].concat()
}

/// The message with its padding: a one bit, zeros, and its length in bits.
fn padded(message: &[u8], length: fn(u64) -> [u8; 8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend(length(message.len() as u64 * 8));
    bytes
}

fn md5(message: &[u8]) -> Vec<u8> {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(message, u64::to_le_bytes).chunks_exact(64) {
        let words: Vec<u32> = block.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (mix, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let constant = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(constant).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (s, v) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(v);
        }
    }
    state.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn sha1(message: &[u8]) -> Vec<u8> {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(message, u64::to_be_bytes).chunks_exact(64) {
        let mut words: Vec<u32> = block.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
        for i in 16..80 {
            words.push((words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (mix, constant) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (s, v) in state.iter_mut().zip([a, b, c, d, e]) {
            *s = s.wrapping_add(v);
        }
    }
    state.iter().flat_map(|s| s.to_be_bytes()).collect()
}

/// The first 32 bits of the fractional part of a root of each of the first primes: SHA-256's constants.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn roots(count: usize, root: fn(f64) -> f64) -> Vec<u32> {
    let prime = |n: &u32| (2..*n).all(|d| !n.is_multiple_of(d));
    (2..).filter(prime).take(count).map(|p| (root(f64::from(p)).fract() * 4_294_967_296.0) as u32).collect()
}

fn sha256(message: &[u8]) -> Vec<u8> {
    let constants = roots(64, f64::cbrt);
    let mut state = roots(8, f64::sqrt);
    for block in padded(message, u64::to_be_bytes).chunks_exact(64) {
        let mut w: Vec<u32> = block.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = state.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(constants[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0.wrapping_add(majority));
        }
        for (s, v) in state.iter_mut().zip(v) {
            *s = s.wrapping_add(v);
        }
    }
    state.iter().flat_map(|s| s.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::{md5, murmur3, sha1, sha256};

    /// The test vectors of RFC 1321, RFC 3174 and FIPS 180-4.
    #[test]
    fn digests_of_abc() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(murmur3(b"")), "00000000000000000000000000000000");
        let fox = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(hex(murmur3(fox)), "6c1b07bc7bbc4be347939ac4a93c437a");
        assert_eq!(hex(md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
