//! Writing numbers, times and escaped text without the machinery of formatting: half of the time would go there.

const HEX: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// A number in decimal digits.
pub(crate) fn number(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let (mut at, mut left) = (digits.len(), value.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// A number in so many decimal digits, with zeros before it.
pub(crate) fn padded(value: u64, digits: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + digits, b'0');
    let mut left = value;
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (left % 10) as u8;
        left /= 10;
    }
}

/// The lowest so many hexadecimal digits of a number.
pub(crate) fn hex(value: u64, digits: usize, out: &mut Vec<u8>) {
    for at in (0..digits).rev() {
        out.push(HEX[(value >> (4 * at)) as usize & 15]);
    }
}

/// Bytes as hexadecimal digits in capitals, as auditd writes them.
pub(crate) fn bytes_upper(bytes: &[u8], out: &mut Vec<u8>) {
    for b in bytes {
        out.extend_from_slice(&[UPPER[usize::from(b >> 4)], UPPER[usize::from(b & 15)]]);
    }
}

/// What a JSON text holds between its quotes.
pub(crate) fn json(text: &str, out: &mut Vec<u8>) {
    escaped(text, out, |b| match b {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        _ => None,
    });
}

/// Character data of XML, as Windows escapes it.
pub(crate) fn xml(text: &str, out: &mut Vec<u8>) {
    escaped(text, out, |b| match b {
        b'"' => Some("&quot;"),
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\'' => Some("&apos;"),
        _ => None,
    });
}

fn escaped(text: &str, out: &mut Vec<u8>, escape: impl Fn(u8) -> Option<&'static str>) {
    let mut rest = text.as_bytes();
    while let Some((at, instead)) = rest.iter().enumerate().find_map(|(i, b)| Some((i, escape(*b)?))) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(instead.as_bytes());
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// A moment of the Gregorian calendar.
pub(crate) struct Moment {
    pub(crate) year: i64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    /// Of the day.
    pub(crate) second: u64,
    /// Of the second.
    pub(crate) micros: u64,
}

impl Moment {
    /// From microseconds since the Unix epoch.
    pub(crate) fn new(micros: i64) -> Moment {
        let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000) as u64);
        // From days to a date: Howard Hinnant's `civil_from_days`.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
        let year = yoe + era * 400 + i64::from(month <= 2);
        Moment { year, month: month as u64, day: day as u64, second: rest / 1_000_000, micros: rest % 1_000_000 }
    }

    /// `2026-03-02`, what stands between date and time, `10:11:12.`, and so many digits of the second's fraction.
    pub(crate) fn write(&self, between: u8, digits: u32, out: &mut Vec<u8>) {
        padded(self.year.unsigned_abs(), 4, out);
        out.push(b'-');
        padded(self.month, 2, out);
        out.push(b'-');
        padded(self.day, 2, out);
        out.push(between);
        self.clock(out);
        out.push(b'.');
        padded(self.micros / 10u64.pow(6 - digits), digits as usize, out);
    }

    /// `10:11:12`
    pub(crate) fn clock(&self, out: &mut Vec<u8>) {
        padded(self.second / 3_600, 2, out);
        out.push(b':');
        padded(self.second / 60 % 60, 2, out);
        out.push(b':');
        padded(self.second % 60, 2, out);
    }

    /// `Mar  2 10:11:12`
    pub(crate) fn syslog(&self, out: &mut Vec<u8>) {
        const MONTHS: [&[u8]; 12] =
            [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
        out.extend_from_slice(MONTHS[(self.month - 1) as usize]);
        out.push(b' ');
        if self.day < 10 {
            out.push(b' ');
        }
        number(self.day as i64, out);
        out.push(b' ');
        self.clock(out);
    }
}
