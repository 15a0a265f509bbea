//! One audit record: a line's header and the fields of its body.

use memchr::{memchr, memmem, memrchr};

/// What separates the record as the kernel wrote it from the names that `log_format = ENRICHED` adds.
const ENRICHMENT: u8 = 0x1d;

/// How far into a line its `type=` may stand: a syslog or journal prefix is shorter.
const MAX_PREFIX: usize = 512;

/// The record types that decide how records are joined and decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordType {
    Syscall,
    Execve,
    Sockaddr,
    Path,
    Cwd,
    Proctitle,
    Eoe,
    UserCmd,
    /// An event of its own: messages from user space and from the daemon, and kernel records without a system call.
    Alone,
    /// Goes with a system call: `LOGIN`, `CONFIG_CHANGE`, `AVC`, `BPRM_FCAPS`, ….
    Joined,
}

impl RecordType {
    /// The type of that name. Names that no table knows are taken as part of an event that more records may follow.
    pub(super) fn of(name: &[u8]) -> Self {
        let known = if name.first().is_some_and(u8::is_ascii_digit) { type_name(name) } else { name };
        match known {
            b"SYSCALL" => RecordType::Syscall,
            b"EXECVE" => RecordType::Execve,
            b"SOCKADDR" => RecordType::Sockaddr,
            b"PATH" => RecordType::Path,
            b"CWD" => RecordType::Cwd,
            b"PROCTITLE" => RecordType::Proctitle,
            b"EOE" => RecordType::Eoe,
            b"USER_CMD" => RecordType::UserCmd,
            _ if alone(name) => RecordType::Alone,
            _ => RecordType::Joined,
        }
    }

    /// Whether nothing of the same event follows such a record. `EOE` is seen only where a dispatcher passed it on.
    pub(super) fn ends_event(self) -> bool {
        matches!(self, RecordType::Proctitle | RecordType::Eoe | RecordType::Alone | RecordType::UserCmd)
    }
}

/// Types that user space (1100–1299, 2000–2999) or the daemon (1200s) writes, and the kernel's own lone records. `LOGIN`
/// and the `ANOM_*` of the kernel are not among them: a SYSCALL with the same serial follows (seen in captures).
fn alone(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 18] = [
        b"USER_",
        b"CRED_",
        b"DAEMON_",
        b"SERVICE_",
        b"SYSTEM_",
        b"ACCT_",
        b"GRP_",
        b"ROLE_",
        b"LABEL_",
        b"VIRT_",
        b"CRYPTO_",
        b"RESP_",
        b"ADD_",
        b"DEL_",
        b"CHUSER_",
        b"CHGRP_",
        b"DEV_",
        b"FS_",
    ];
    const NAMES: [&[u8]; 13] = [
        b"USER",
        b"TTY",
        b"SECCOMP",
        b"KERNEL",
        b"ANOM_ABEND",
        b"NETFILTER_PKT",
        b"TRUSTED_APP",
        b"SOFTWARE_UPDATE",
        b"CHUSER_ID",
        b"CHGRP_ID",
        b"TEST",
        b"USYS_CONFIG",
        b"ANOM_LOGIN_FAILURES",
    ];
    PREFIXES.iter().any(|p| name.starts_with(p)) || NAMES.contains(&name)
}

/// The type's name where the record has its number.
pub(super) fn type_name(name: &[u8]) -> &[u8] {
    numbered(name).unwrap_or(name)
}

/// The names of the types that come as numbers in kernel messages (`audit: type=1300 audit(…)`).
fn numbered(number: &[u8]) -> Option<&'static [u8]> {
    Some(match number {
        b"1006" => b"LOGIN",
        b"1112" => b"USER_LOGIN",
        b"1123" => b"USER_CMD",
        b"1300" => b"SYSCALL",
        b"1302" => b"PATH",
        b"1305" => b"CONFIG_CHANGE",
        b"1306" => b"SOCKADDR",
        b"1307" => b"CWD",
        b"1309" => b"EXECVE",
        b"1320" => b"EOE",
        b"1326" => b"SECCOMP",
        b"1327" => b"PROCTITLE",
        b"1400" => b"AVC",
        b"1701" => b"ANOM_ABEND",
        _ => return None,
    })
}

/// What stands before a record's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// The value of `node=`; empty where there is none.
    pub(super) node: &'a [u8],
    /// The record type's name as it stands (see [`type_name`]).
    pub(super) name: &'a [u8],
    /// Where in the line the name begins.
    pub(super) name_at: usize,
    /// `audit(…)` as it stands.
    pub(super) stamp: &'a [u8],
    /// Nanoseconds since the epoch.
    pub(super) time: i64,
    /// The event's number.
    pub(super) serial: u64,
    /// Where in the line the fields begin.
    pub(super) body: usize,
}

/// Reads a line's header; `None` where the line is no audit record.
pub(super) fn header(line: &[u8]) -> Option<Header<'_>> {
    let mut at = 0;
    let mut node: &[u8] = b"";
    if let Some(rest) = line.strip_prefix(b"node=") {
        let end = memchr(b' ', rest)?;
        node = &rest[..end];
        at = 5 + end + 1;
    }
    if !line[at..].starts_with(b"type=") {
        // A syslog or journal line around the record.
        let head = &line[at..line.len().min(at + MAX_PREFIX)];
        if let Some(i) = memmem::find(head, b"node=").filter(|&i| i > 0 && head[i - 1] == b' ') {
            let rest = &head[i + 5..];
            let end = memchr(b' ', rest)?;
            node = &rest[..end];
            at += i + 5 + end + 1;
        }
        at += memmem::find(&line[at..line.len().min(at + MAX_PREFIX)], b"type=")?;
    }
    at += 5;
    let end = at + memchr(b' ', &line[at..])?;
    let (name, name_at) = (&line[at..end], at);
    at = end + 1;
    if line[at..].starts_with(b"msg=") {
        at += 4;
    }
    if name.is_empty() || !line[at..].starts_with(b"audit(") {
        return None;
    }
    let stamp = at;
    at += 6;
    let (seconds, n) = digits(&line[at..])?;
    at += n;
    let mut nanos = 0;
    if line.get(at) == Some(&b'.') {
        let (fraction, n) = digits(&line[at + 1..])?;
        if n > 9 {
            return None;
        }
        nanos = fraction * 10u64.pow(9 - n as u32);
        at += 1 + n;
    }
    if line.get(at) != Some(&b':') {
        return None;
    }
    let (serial, n) = digits(&line[at + 1..])?;
    at += 1 + n;
    if line.get(at) != Some(&b')') {
        return None;
    }
    at += 1;
    let stamp = &line[stamp..at];
    if line.get(at) == Some(&b':') {
        at += 1;
    }
    let time = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanos as i64)?;
    Some(Header { node, name, name_at, stamp, time, serial, body: at })
}

/// Where the first space is.
#[inline]
pub(super) fn space(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        // Eight bytes at once: the lowest that is a space becomes the lowest high bit.
        let other = u64::from_le_bytes(*eight) ^ (ONES * 0x20);
        let spaces = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if spaces != 0 {
            return Some(at + spaces.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    text[at..].iter().position(|b| *b == b' ').map(|i| at + i)
}

/// Whether a line is a record as the daemon writes it, without anything before it.
pub(super) fn is_record(line: &[u8]) -> bool {
    let at = match line.strip_prefix(b"node=") {
        Some(rest) => memchr(b' ', rest).map_or(line.len(), |at| "node=".len() + at + 1),
        None => 0,
    };
    let Some(rest) = line[at..].strip_prefix(b"type=") else { return false };
    let Some(space) = rest.iter().position(|b| *b == b' ').filter(|at| *at > 0) else { return false };
    stamp(&rest[space..]).is_some()
}

/// The length of ` msg=audit(1795308858.690:8523):`, with which a text begins. `None` where it does not, or where the
/// numbers are larger than those of any record.
pub(super) fn stamp(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (before, most) in [(&b" msg=audit("[..], 10), (b".", 9), (b":", 18)] {
        at += text[at..].starts_with(before).then_some(before.len())?;
        let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        at += (1..=most).contains(&digits).then_some(digits)?;
    }
    let closed = text[at..].starts_with(b")");
    closed.then(|| at + 1 + usize::from(text.get(at + 1) == Some(&b':')))
}

/// The time and the serial of ` msg=audit(1795308858.690:8523):`.
pub(super) fn stamped(text: &[u8]) -> Option<(i64, u64)> {
    let text = text.strip_prefix(b" msg=audit(")?;
    let (seconds, n) = digits(text)?;
    let (mut nanos, mut at) = (0, n);
    if text.get(at) == Some(&b'.') {
        let (fraction, n) = digits(&text[at + 1..])?;
        nanos = fraction * 10u64.pow(9u32.checked_sub(u32::try_from(n).ok()?)?);
        at += 1 + n;
    }
    let (serial, _) = digits(text[at..].strip_prefix(b":")?)?;
    let time = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanos as i64)?;
    Some((time, serial))
}

/// A decimal number at the beginning of `text`, and its length.
#[inline]
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    // So many digits are a number of 64 bits, whatever they are.
    const SAFE: usize = 19;
    let mut value = 0u64;
    let mut n = 0;
    while let Some(d) = text.get(n).filter(|b| b.is_ascii_digit()) {
        let d = u64::from(d - b'0');
        value = if n < SAFE { value * 10 + d } else { value.checked_mul(10)?.checked_add(d)? };
        n += 1;
    }
    (n > 0).then_some((value, n))
}

/// Splits what follows a header into the kernel's fields and the enrichment.
pub(super) fn enrichment(body: &[u8]) -> (&[u8], &[u8]) {
    match memchr(ENRICHMENT, body) {
        Some(i) => (&body[..i], &body[i + 1..]),
        None => (body, b""),
    }
}

/// A field's value as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw<'a> {
    /// Within double quotes (here without them): literal.
    Quoted(&'a [u8]),
    /// Within double quotes of which the closing one is not there: the record was cut off.
    Cut(&'a [u8]),
    /// Up to the next space: a number, a word, or hex.
    Bare(&'a [u8]),
    /// `msg='…'`: more fields.
    Nested(&'a [u8]),
    /// `SADDR={ … }`, braces taken off.
    Braced(&'a [u8]),
}

impl<'a> Raw<'a> {
    /// The bytes, whatever stood around them.
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Raw::Quoted(b) | Raw::Cut(b) | Raw::Bare(b) | Raw::Nested(b) | Raw::Braced(b) => b,
        }
    }
}

/// The fields of a body, in order. Words without `=` (`avc:  denied  { read } for`, `op=add rule`) are passed over.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    text: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Fields { text }
    }

    /// The first field called `name`, without regard to ASCII case, in `msg='…'` too; what stands outside of it goes
    /// before.
    pub(super) fn find(text: &'a [u8], name: &[u8]) -> Option<Raw<'a>> {
        let mut nested = None;
        for (n, value) in Fields::new(text) {
            if let Raw::Nested(inner) = value {
                nested.get_or_insert(inner);
            }
            if n.eq_ignore_ascii_case(name) && !matches!(value, Raw::Nested(_)) {
                return Some(value);
            }
        }
        let inner = nested?;
        if name.eq_ignore_ascii_case(b"msg") {
            return Some(Raw::Nested(inner));
        }
        Fields::new(inner).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], Raw<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let text = self.text;
        let mut at = 0;
        loop {
            while at < text.len() && matches!(text[at], b' ' | b',' | b'(') {
                at += 1;
            }
            let start = at;
            while at < text.len() && text[at] != b'=' && text[at] != b' ' {
                at += 1;
            }
            if at >= text.len() {
                self.text = b"";
                return None;
            }
            if text[at] == b' ' || at == start {
                at += 1;
                continue;
            }
            let name = &text[start..at];
            let rest = &text[at + 1..];
            let (value, used) = value(rest);
            self.text = &rest[used..];
            return Some((name, value));
        }
    }
}

/// The value at the beginning of `rest`, and how many bytes it takes. What is cut off before its closing quote reaches
/// to the end.
#[inline]
pub(super) fn value(rest: &[u8]) -> (Raw<'_>, usize) {
    let closed = |close: Option<usize>| close.map_or((rest.len(), rest.len()), |i| (i + 1, i + 2));
    match rest.first() {
        Some(b'"') => {
            let close = memchr(b'"', &rest[1..]);
            let (end, used) = closed(close);
            let text = &rest[1..end];
            (if close.is_some() { Raw::Quoted(text) } else { Raw::Cut(text) }, used)
        }
        Some(b'\'') => {
            let (end, used) = closed(memrchr(b'\'', &rest[1..]));
            (Raw::Nested(&rest[1..end]), used)
        }
        Some(b'{') => {
            let (end, used) = closed(memchr(b'}', &rest[1..]));
            (Raw::Braced(rest[1..end].trim_ascii()), used)
        }
        _ => {
            let end = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
            let mut bare = &rest[..end];
            // Old releases wrote `(hostname=?, addr=?, terminal=ssh res=success)`.
            if matches!(bare, [.., b',' | b')']) && !bare.contains(&b'(') {
                while let [shorter @ .., b',' | b')'] = bare {
                    bare = shorter;
                }
            }
            (Raw::Bare(bare), end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let s = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        Fields::new(text.as_bytes()).map(|(n, v)| (s(n), s(v.bytes()))).collect()
    }

    #[test]
    fn headers_of_every_form() {
        let h = header(b"node=a type=SYSCALL msg=audit(12.345:6): arch=1").unwrap();
        assert_eq!((h.node, h.name, h.time, h.serial), (&b"a"[..], &b"SYSCALL"[..], 12_345_000_000, 6));
        assert_eq!(h.stamp, b"audit(12.345:6)");
        let h = header(b"type=EOE msg=audit(12.345:6): ").unwrap();
        assert_eq!((h.node, h.name), (&b""[..], &b"EOE"[..]));
        let h = header(b"Nov 21 19:00:00 web kernel: audit: type=1300 audit(1.5:7): arch=1").unwrap();
        assert_eq!((type_name(h.name), h.time, h.serial), (&b"SYSCALL"[..], 1_500_000_000, 7));
        let h = header(b"Nov 21 19:00:00 web audisp-syslog: node=n type=CWD msg=audit(1.000:7): cwd=\"/\"").unwrap();
        assert_eq!((h.node, h.name), (&b"n"[..], &b"CWD"[..]));
        for bad in
            ["", "type=", "node=x", "type=A msg=audit(", "type=A msg=audit(1.2:)", "type=A msg=audit(x:1): ", "words"]
        {
            assert!(header(bad.as_bytes()).is_none(), "{bad}");
            assert!(!is_record(bad.as_bytes()), "{bad}");
        }
        assert!(
            is_record(b"type=EOE msg=audit(12.345:6): ")
                && is_record(b"node=a type=CWD msg=audit(12.345:6): cwd=\"/\"")
        );
        assert!(!is_record(b"type=CWD msg=audit(11/20/2026 10:11:12.345:6) : cwd=/"));
    }

    proptest::proptest! {
        #[test]
        fn spaces_are_found(text in "[a-z!\u{a0} ]{0,30}") {
            proptest::prop_assert_eq!(space(text.as_bytes()), text.bytes().position(|b| b == b' '));
        }
    }

    #[test]
    fn fields_of_every_form() {
        assert_eq!(
            all(r#" a=1 b="x y" msg='op=PAM:x acct="root" res=ok' c={ d=e } f=(null)"#)
                .iter()
                .map(|(n, v)| format!("{n}→{v}"))
                .collect::<Vec<_>>(),
            ["a→1", "b→x y", "msg→op=PAM:x acct=\"root\" res=ok", "c→d=e", "f→(null)"]
        );
        let text = br#"pid=1 msg='op=x pid=2 acct="root" (hostname=h, terminal=ssh res=success)'"#;
        let find = |n: &str| Fields::find(text, n.as_bytes()).map(|v| String::from_utf8_lossy(v.bytes()).into_owned());
        assert_eq!(find("PID").as_deref(), Some("1"));
        assert_eq!(find("acct").as_deref(), Some("root"));
        assert_eq!(find("hostname").as_deref(), Some("h"));
        assert_eq!(find("res").as_deref(), Some("success"));
        assert_eq!(find("nothing"), None);
    }
}
