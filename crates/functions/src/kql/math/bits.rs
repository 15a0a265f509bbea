//! Bits of longs.

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    f.long("binary_and(long, long) long", |r| Some(r.long(0)? & r.long(1)?));
    f.long("binary_or(long, long) long", |r| Some(r.long(0)? | r.long(1)?));
    f.long("binary_xor(long, long) long", |r| Some(r.long(0)? ^ r.long(1)?));
    f.long("binary_not(long) long", |r| Some(!r.long(0)?));
    // The amount is taken modulo 64; a negative one is null (documented).
    f.long("binary_shift_left(long, long) long", |r| {
        let (v, n) = (r.long(0)?, u32::try_from(r.long(1)?).ok()?);
        Some(v.wrapping_shl(n % 64))
    });
    f.long("binary_shift_right(long, long) long", |r| {
        let (v, n) = (r.long(0)?, u32::try_from(r.long(1)?).ok()?);
        Some(v.wrapping_shr(n % 64))
    });
    f.long("bitset_count_ones(long) long", |r| Some(i64::from(r.long(0)?.count_ones())));
}
