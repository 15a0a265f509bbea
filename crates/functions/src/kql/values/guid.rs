//! GUIDs.

/// Reads a GUID in any of .NET's forms (with or without hyphens, in braces or parentheses): canonical, lower-case.
pub fn parse_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = (text.strip_prefix('{').and_then(|t| t.strip_suffix('}')))
        .or_else(|| text.strip_prefix('(').and_then(|t| t.strip_suffix(')')))
        .unwrap_or(text);
    let digits: String = inner.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let hyphens: Vec<usize> = inner.bytes().enumerate().filter(|(_, b)| *b == b'-').map(|(i, _)| i).collect();
    // Of the four hyphens any may be left out (documented by example).
    let shaped = (hyphens.iter().enumerate()).all(|(n, at)| [8, 12, 16, 20].contains(&(at - n)));
    if !shaped || digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}
