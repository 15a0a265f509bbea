//! The registry's keys and values as Sysmon writes them.

use crate::event::Value;
use std::borrow::Cow;

/// How other sources name the roots, and Sysmon's abbreviations. The longer of two that fit stands first.
const ROOTS: [(&str, &str); 11] = [
    (r"\REGISTRY\MACHINE", "HKLM"),
    (r"\REGISTRY\USER", "HKU"),
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_CURRENT_CONFIG", "HKCC"),
    ("HKEY_USERS", "HKU"),
    (r"MACHINE\", r"HKLM\"),
    (r"USER\", r"HKU\"),
    ("HKLM", "HKLM"),
    ("HKU", "HKU"),
];

/// A key with Sysmon's abbreviation for its root.
pub(super) fn key<'a>(text: Cow<'a, str>) -> Value<'a> {
    let begins = |root: &str| text.get(..root.len()).is_some_and(|t| t.eq_ignore_ascii_case(root));
    let short = match ROOTS.iter().find(|(root, _)| begins(root)) {
        // Defender names the user below HKEY_CURRENT_USER.
        Some((root, "HKCU")) if text[root.len()..].starts_with("\\S-1-") => ["HKU", &text[root.len()..]].concat(),
        Some((root, short)) if root != short => [short, &text[root.len()..]].concat(),
        _ => text.into_owned(),
    };
    Value::Text(Cow::Owned(current_control_set(short)))
}

/// A key below a numbered control set, as below the current one (documented: Sysmon, registry events).
fn current_control_set(key: String) -> String {
    const BELOW: &str = r"HKLM\SYSTEM\ControlSet00";
    let rest =
        key.get(..BELOW.len()).filter(|k| k.eq_ignore_ascii_case(BELOW)).and_then(|_| key.get(BELOW.len() + 1..));
    match rest {
        Some(rest) if rest.is_empty() || rest.starts_with('\\') => {
            [&key[..r"HKLM\SYSTEM\".len()], "CurrentControlSet", rest].concat()
        }
        _ => key,
    }
}

/// A value of a registry type: `REG_DWORD`, `Dword`, or the message number that the Security channel has (`%%1876`).
pub(super) fn data<'a>(kind: Option<&str>, data: Cow<'a, str>) -> Value<'a> {
    let is = |names: [&str; 3]| kind.is_some_and(|k| names.iter().any(|n| n.eq_ignore_ascii_case(k)));
    let number = || match data.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => data.trim().parse::<u64>().ok(),
    };
    if is(["REG_DWORD", "Dword", "%%1876"])
        && let Some(n) = number()
    {
        return Value::Text(Cow::Owned(format!("DWORD (0x{n:08x})")));
    }
    if is(["REG_QWORD", "Qword", "%%1883"])
        && let Some(n) = number()
    {
        return Value::Text(Cow::Owned(format!("QWORD (0x{:08x}-0x{:08x})", n >> 32, n & 0xFFFF_FFFF)));
    }
    if is(["REG_BINARY", "Binary", "%%1875"]) {
        return Value::text("Binary Data");
    }
    Value::Text(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_sysmon_writes_them() {
        for (text, expected) in [
            (r"\REGISTRY\MACHINE\SOFTWARE\a", r"HKLM\SOFTWARE\a"),
            (r"\Registry\User\S-1-5-21\a", r"HKU\S-1-5-21\a"),
            (r"HKEY_LOCAL_MACHINE\SYSTEM", r"HKLM\SYSTEM"),
            (r"HKEY_CURRENT_USER\S-1-5\a", r"HKU\S-1-5\a"),
            (r"HKEY_CURRENT_USER\Software", r"HKCU\Software"),
            (r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x", r"HKLM\SYSTEM\CurrentControlSet\Services\x"),
            (r"HKLM\System\ControlSet00", r"HKLM\System\ControlSet00"),
            (r"HKLM\System\ControlSet0012\x", r"HKLM\System\ControlSet0012\x"),
            (r"HKLM\a", r"HKLM\a"),
            (r"\REGISTRY\A\{guid}", r"\REGISTRY\A\{guid}"),
        ] {
            assert_eq!(key(text.into()), Value::text(expected));
        }
        for (kind, text, expected) in [
            (Some("%%1876"), "1", "DWORD (0x00000001)"),
            (Some("Dword"), "0xff", "DWORD (0x000000ff)"),
            (Some("Qword"), "4294967298", "QWORD (0x00000001-0x00000002)"),
            (Some("Binary"), "00 01", "Binary Data"),
            (Some("%%1873"), "text", "text"),
            (Some("Dword"), "none", "none"),
            (None, "1", "1"),
        ] {
            assert_eq!(data(kind, text.into()), Value::text(expected), "{kind:?} {text}");
        }
    }
}
