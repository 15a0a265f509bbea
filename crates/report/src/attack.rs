//! ATT&CK ids as addresses.

/// The page of a technique: `T1059.011` is at `techniques/T1059/011/`. Nothing where the id is none.
pub(crate) fn technique_url(id: &str) -> Option<String> {
    is_technique(id).then(|| format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/")))
}

/// Whether a text is the id of a technique: `T1059` or `T1059.011`.
pub(crate) fn is_technique(id: &str) -> bool {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    match id.strip_prefix('T').map(|rest| rest.split_once('.').map_or((rest, None), |(a, b)| (a, Some(b)))) {
        Some((technique, sub)) => digits(technique, 4) && sub.is_none_or(|s| digits(s, 3)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_addresses() {
        assert_eq!(technique_url("T1059.011").as_deref(), Some("https://attack.mitre.org/techniques/T1059/011/"));
        assert_eq!(technique_url("T1059").as_deref(), Some("https://attack.mitre.org/techniques/T1059/"));
        for wrong in ["T1059.11", "TA0002", "T1059/../x", "", "T10591", "T1059.011 "] {
            assert_eq!(technique_url(wrong), None, "{wrong}");
        }
    }
}
