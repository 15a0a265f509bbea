//! zlib and gzip within base64.

use super::base64;
use crate::udf::Functions;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::{Read, Write as _};

/// What a text decompresses to is no longer than this (Kusto's limit of a string is 1 MB; ours leaves room).
const MOST: u64 = 16 << 20;

pub(super) fn register(f: &mut Functions) {
    f.text("zlib_decompress_from_base64_string(string) string", |r, w| {
        inflate(w, ZlibDecoder::new(&base64::decode(r.str(0))?[..]))
    });
    f.text("gzip_decompress_from_base64_string(string) string", |r, w| {
        inflate(w, GzDecoder::new(&base64::decode(r.str(0))?[..]))
    });
    f.text("zlib_compress_to_base64_string(string) string", |r, w| {
        let mut z = ZlibEncoder::new(Vec::new(), Compression::none());
        z.write_all(r.str(0).as_bytes()).ok()?;
        base64::encode(w, &z.finish().ok()?);
        Some(())
    });
    f.text("gzip_compress_to_base64_string(string) string", |r, w| {
        let mut z = GzEncoder::new(Vec::new(), Compression::none());
        z.write_all(r.str(0).as_bytes()).ok()?;
        let mut bytes = z.finish().ok()?;
        // Kusto stores, and leaves the byte that tells how hard it tried at zero (measured).
        bytes[8] = 0;
        base64::encode(w, &bytes);
        Some(())
    });
}

/// What is damaged, too long or no UTF-8 is empty (measured).
fn inflate(w: &mut String, from: impl Read) -> Option<()> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MOST {
        return None;
    }
    w.push_str(&String::from_utf8(bytes).ok()?);
    Some(())
}
