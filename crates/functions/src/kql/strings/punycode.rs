//! Punycode (RFC 3492): of a text, and of the labels of a domain's name, where it stands behind `xn--`.

use crate::udf::Functions;

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;

/// Longer texts are no names, and would take quadratic time.
const LONGEST: usize = 4096;

pub(super) fn register(f: &mut Functions) {
    f.text("punycode_from_string(string) string", |r, w| encode(w, r.str(0)));
    f.text("punycode_to_string(string) string", |r, w| {
        w.push_str(&decode(r.str(0))?);
        Some(())
    });
    f.text("punycode_domain_to_string(string) string", |r, w| {
        of_labels(w, r.str(0), |w, label| {
            if label.is_ascii() {
                w.push_str(label);
                return Some(());
            }
            w.push_str(PREFIX);
            encode(w, label)
        })
    });
    f.text("punycode_domain_from_string(string) string", |r, w| {
        of_labels(w, r.str(0), |w, label| {
            match label.strip_prefix(PREFIX) {
                Some(encoded) => w.push_str(&decode(encoded)?),
                None => w.push_str(label),
            }
            Some(())
        })
    });
}

/// What stands before an encoded label.
const PREFIX: &str = "xn--";

/// Each label by `f`; the full stops of other scripts become dots (measured). Nothing where a label fails (documented).
fn of_labels(w: &mut String, domain: &str, f: impl Fn(&mut String, &str) -> Option<()>) -> Option<()> {
    let start = w.len();
    for (i, label) in domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).enumerate() {
        if i > 0 {
            w.push('.');
        }
        if f(w, label).is_none() {
            w.truncate(start);
            return None;
        }
    }
    Some(())
}

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + 38)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

fn encode(w: &mut String, text: &str) -> Option<()> {
    if text.len() > LONGEST {
        return None;
    }
    let basic: String = text.chars().filter(char::is_ascii).collect();
    w.push_str(&basic);
    if !basic.is_empty() {
        w.push('-');
    }
    let (mut n, mut delta, mut bias) = (128u32, 0u32, 72u32);
    let start = u32::try_from(basic.len()).ok()?;
    let (mut done, all) = (start, u32::try_from(text.chars().count()).ok()?);
    while done < all {
        let next = text.chars().map(u32::from).filter(|c| *c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for c in text.chars().map(u32::from) {
            if c < n {
                delta = delta.checked_add(1)?;
            } else if c == n {
                let (mut q, mut k) = (delta, BASE);
                loop {
                    let t = threshold(k, bias);
                    if q < t {
                        break;
                    }
                    w.push(digit(t + (q - t) % (BASE - t)));
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                w.push(digit(q));
                bias = adapt(delta, done + 1, done == start);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(())
}

fn digit(v: u32) -> char {
    char::from(if v < 26 { b'a' + v as u8 } else { b'0' + (v - 26) as u8 })
}

fn decode(text: &str) -> Option<String> {
    let (basic, rest) = text.rsplit_once('-').unwrap_or(("", text));
    if !basic.is_ascii() || text.len() > LONGEST {
        return None;
    }
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (i, 1u32, BASE);
        loop {
            let v = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'A'..=b'Z' => u32::from(b - b'A'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(v.checked_mul(weight)?)?;
            let t = threshold(k, bias);
            if v < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
            k += BASE;
        }
        let points = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(i - before, points, before == 0);
        n = n.checked_add(i / points)?;
        i %= points;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}
