//! KQL: writing and reading.

mod condition;
mod read;
mod rows;
mod test;
mod write;

pub(crate) use condition::parse_network;
pub use read::read;
pub use write::write;

/// A string literal: verbatim where backslashes would need escapes.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains('\\') && !text.contains(['\n', '\r', '\t']) && !text.chars().any(char::is_control) {
        return format!("@\"{}\"", text.replace('"', "\"\""));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
