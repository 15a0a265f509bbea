//! How long a number, an escape or a guid at the beginning of some bytes is.

use super::is_name_byte;

pub(super) fn digits(rest: &[u8]) -> usize {
    rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

pub(super) fn at(rest: &[u8], index: usize) -> u8 {
    rest.get(index).copied().unwrap_or(0)
}

/// `1.5`, `1.`, `1e3`; but `1..2` is a range.
pub(super) fn real(rest: &[u8]) -> Option<usize> {
    let mut n = digits(rest);
    if at(rest, n) == b'.' && (at(rest, n + 1) != b'.' || at(rest, n + 2) == b'.') {
        n += 1;
        n += digits(&rest[n..]);
        n += exponent(&rest[n..]).unwrap_or(0);
    } else {
        n += exponent(&rest[n..])?;
    }
    (!is_name_byte(at(rest, n))).then_some(n)
}

pub(super) fn exponent(rest: &[u8]) -> Option<usize> {
    if !matches!(at(rest, 0), b'e' | b'E') {
        return None;
    }
    let sign = usize::from(matches!(at(rest, 1), b'+' | b'-'));
    let n = digits(&rest[1 + sign..]);
    (n > 0).then_some(1 + sign + n)
}

pub(super) fn long(rest: &[u8]) -> Option<usize> {
    let hex = at(rest, 0) == b'0' && matches!(at(rest, 1), b'x' | b'X');
    let n = if hex { 2 + rest[2..].iter().take_while(|b| b.is_ascii_hexdigit()).count() } else { digits(rest) };
    if hex && n == 2 {
        return None;
    }
    (!is_name_byte(at(rest, n))).then_some(n)
}

pub(super) fn timespan(rest: &[u8]) -> Option<usize> {
    let mut n = digits(rest);
    if at(rest, n) == b'.' {
        let fraction = digits(&rest[n + 1..]);
        if fraction > 0 {
            n += 1 + fraction;
        }
    }
    let word = rest[n..].iter().take_while(|&&b| is_name_byte(b)).count();
    super::super::values::timespan_unit(&rest[n..n + word]).map(|_| n + word)
}

/// The length of the escape that `rest` begins with.
pub(super) fn escape(rest: &[u8]) -> Option<usize> {
    let hex = |count: usize| {
        let found = rest.get(2..2 + count)?;
        found.iter().all(u8::is_ascii_hexdigit).then_some(2 + count)
    };
    match at(rest, 1) {
        b'\\' | b'\'' | b'"' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' => Some(2),
        b'u' => hex(4),
        b'U' => hex(8),
        b'x' => hex(2),
        _ => {
            let octal = rest[1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            match octal {
                0 => None,
                3 if at(rest, 1) > b'3' => Some(3),
                n => Some(1 + n),
            }
        }
    }
}

pub(super) fn is_raw_guid(rest: &[u8]) -> bool {
    rest.len() >= 36
        && rest[..36].iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
