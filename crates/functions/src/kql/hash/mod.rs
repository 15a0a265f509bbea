//! Hashes. The cryptographic ones are of a value's text (measured: an instant's is its ISO form).

mod xxhash;

use crate::udf::{Functions, Row};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;
use std::fmt::Write as _;
use xxhash::xxh64;

pub(super) fn register(f: &mut Functions) {
    f.text("hash_md5(string) string", |r, w| hex(w, &Md5::digest(r.str(0))));
    f.text("hash_sha1(string) string", |r, w| hex(w, &Sha1::digest(r.str(0))));
    f.text("hash_sha256(string) string", |r, w| hex(w, &Sha256::digest(r.str(0))));
    for name in ["hash", "hash_xxhash64"] {
        f.long(&format!("{name}_string(string, long?) long"), |r| bounded(r, xxh64(r.str(0).as_bytes())));
        f.long(&format!("{name}_guid(guid, long?) long"), |r| bounded(r, xxh64(r.text(0)?.as_bytes())));
        for ty in ["long", "datetime", "timespan"] {
            f.long(&format!("{name}_{ty}({ty}, long?) long"), |r| bounded(r, xxh64(&r.long(0)?.to_le_bytes())));
        }
        f.long(&format!("{name}_int(int, long?) long"), |r| bounded(r, xxh64(&(r.long(0)? as i32).to_le_bytes())));
        f.long(&format!("{name}_real(real, long?) long"), |r| bounded(r, xxh64(&r.real(0)?.to_le_bytes())));
    }
}

fn hex(w: &mut String, bytes: &[u8]) -> Option<()> {
    bytes.iter().try_for_each(|b| write!(w, "{b:02x}")).ok()
}

/// With a second argument the hash modulo it (documented).
fn bounded(r: &Row<'_>, hash: u64) -> Option<i64> {
    if r.len() < 2 {
        return Some(hash as i64);
    }
    let modulus = u64::try_from(r.long(1)?).ok().filter(|m| *m > 0)?;
    Some((hash % modulus) as i64)
}
