//! Encodings: base64, URLs, hexadecimal, code points.

use super::base64;
use crate::kql::json;
use crate::udf::{Functions, Row};
use serde_json::Value;
use std::fmt::Write as _;

/// A GUID's bytes in the order of its digits: the first three groups are little-endian.
const LITTLE_ENDIAN: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

pub(super) fn register(f: &mut Functions) {
    for name in ["base64_encode_tostring", "base64_encodestring"] {
        f.text(&format!("{name}(string) string"), |r, w| {
            base64::encode(w, r.str(0).as_bytes());
            Some(())
        });
    }
    // What is no base64, or no UTF-8 inside, is empty (measured).
    for name in ["base64_decode_tostring", "base64_decodestring"] {
        f.text(&format!("{name}(string) string"), |r, w| {
            w.push_str(&String::from_utf8(base64::decode(r.str(0))?).ok()?);
            Some(())
        });
    }
    f.text("base64_decode_toarray(string) dynamic", |r, w| {
        json::write_value(w, &Value::from(base64::decode(r.str(0))?));
        Some(())
    });
    f.text("base64_encode_fromarray(dynamic) string", |r, w| {
        let bytes: Option<Vec<u8>> = json::array(r.text(0)?)?.iter().map(|v| u8::try_from(v.as_u64()?).ok()).collect();
        base64::encode(w, &bytes?);
        Some(())
    });
    f.text("base64_decode_toguid(string) guid", |r, w| {
        let b: [u8; 16] = base64::decode(r.str(0))?.try_into().ok()?;
        for (i, at) in LITTLE_ENDIAN.into_iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                w.push('-');
            }
            write!(w, "{:02x}", b[at]).ok()?;
        }
        Some(())
    });
    f.text("base64_encode_fromguid(guid) string", |r, w| {
        let digits: String = r.text(0)?.chars().filter(char::is_ascii_hexdigit).collect();
        let b = u128::from_str_radix(&digits, 16).ok()?.to_be_bytes();
        base64::encode(w, &LITTLE_ENDIAN.map(|at| b[at]));
        Some(())
    });
    f.text("url_decode(string) string", |r, w| {
        w.push_str(&String::from_utf8_lossy(&url_decode(r.str(0))));
        Some(())
    });
    f.text("url_encode(string) string", |r, w| url_encode(w, r.str(0), "+"));
    f.text("url_encode_component(string) string", |r, w| url_encode(w, r.str(0), "%20"));
    f.text("tohex_int(int, long?) string", |r, w| hex(w, r, u64::from(r.long(0)? as i32 as u32)));
    f.text("tohex_long(long, long?) string", |r, w| hex(w, r, r.long(0)? as u64));
    for name in ["unicode_codepoints_from_string", "to_utf8"] {
        f.text(&format!("{name}(string) dynamic"), |r, w| {
            json::write_value(w, &Value::from(r.str(0).chars().map(|c| c as u32).collect::<Vec<_>>()));
            Some(())
        });
    }
    for name in ["make_string", "unicode_codepoints_to_string"] {
        f.text(&format!("{name}(dynamic...) string"), |r, w| {
            (0..r.len()).try_for_each(|i| code_points(w, &json::value(r.text(i)?)?))
        });
    }
}

fn code_points(w: &mut String, v: &Value) -> Option<()> {
    match v {
        Value::Array(items) => items.iter().try_for_each(|v| code_points(w, v)),
        v => {
            w.push(char::from_u32(u32::try_from(v.as_u64()?).ok()?)?);
            Some(())
        }
    }
}

/// At least as many digits as asked for.
fn hex(w: &mut String, r: &Row<'_>, v: u64) -> Option<()> {
    let width = usize::try_from(r.long(1).unwrap_or(0)).unwrap_or(0).min(64);
    write!(w, "{v:0width$x}").ok()
}

pub(super) fn url_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let hex = (b == b'%')
            .then(|| bytes.get(i + 1..i + 3))
            .flatten()
            .and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok().filter(|h| !h.starts_with('+'))?, 16).ok());
        match hex {
            Some(v) => {
                out.push(v);
                i += 3;
            }
            None => {
                out.push(if b == b'+' { b' ' } else { b });
                i += 1;
            }
        }
    }
    out
}

/// Letters, digits and `-_.!*()` stay; hexadecimal digits are small (documented by example).
fn url_encode(w: &mut String, text: &str, space: &str) -> Option<()> {
    for b in text.bytes() {
        match b {
            b' ' => w.push_str(space),
            b if b.is_ascii_alphanumeric() || b"-_.!*()".contains(&b) => w.push(char::from(b)),
            b => write!(w, "%{b:02x}").ok()?,
        }
    }
    Some(())
}
