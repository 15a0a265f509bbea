//! `` `name` `` and `` `name(a, b)` ``: parts of queries that the configuration names.
//!
//! A macro is put in as text, as a parameter is. How arguments are written in a search is not documented; here they stand
//! in parentheses behind the name, divided by commas, and take the places of `{{argument}}` as they are written.

use super::codes;
use parallax_catalog::Catalog;
use parallax_diagnostics::{Diagnostic, Span};

/// How deep macros may stand in macros.
const DEPTH: usize = 8;
/// How long an expanded macro may be.
const LONGEST: usize = 1 << 18;

/// Where macros stand in a text: outside of strings and comments.
pub(super) fn places(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let last_end = text.rfind("*/").unwrap_or(0);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") && !text[..at].ends_with(':') {
            at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") && at + 2 <= last_end {
            at += 2 + text[at + 2..].find("*/").unwrap_or_default() + 2;
        } else if bytes[at] == b'"' {
            at += 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if bytes[at] == b'`' {
            let Some(end) = text[at + 1..].find('`') else { break };
            found.push(Span::new(at, at + end + 2));
            at += end + 2;
        } else {
            at += 1;
        }
    }
    found
}

/// What the macro at a place stands for. `written` is what is between the quotes.
pub(super) fn expand(written: &str, span: Span, catalog: &dyn Catalog) -> Result<String, Diagnostic> {
    within(written, span, catalog, 0)
}

fn within(written: &str, span: Span, catalog: &dyn Catalog, depth: usize) -> Result<String, Diagnostic> {
    let wrong = |message: String| Diagnostic::error(codes::NO_MACRO, span, message);
    if depth >= DEPTH {
        return Err(wrong(format!("macros stand more than {DEPTH} deep in each other")));
    }
    let (name, given) = match written.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')').unwrap_or(rest)),
        None => (written.trim(), ""),
    };
    let Some(found) = catalog.externals().macro_text(name) else {
        return Err(
            wrong(format!("there is no macro `{name}`")).help("give its text in the configuration: `[sumo.macros]`")
        );
    };
    let given: Vec<&str> = given.split(',').map(str::trim).filter(|g| !g.is_empty()).collect();
    if given.len() != found.arguments.len() {
        let message = format!("the macro `{name}` takes {} arguments, not {}", found.arguments.len(), given.len());
        return Err(wrong(message));
    }
    let mut text = found.text;
    for (argument, value) in found.arguments.iter().zip(given) {
        text = text.replace(&format!("{{{{{argument}}}}}"), value);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for place in places(&text) {
        out.push_str(&text[from..place.start]);
        out.push_str(&within(&text[place.start + 1..place.end - 1], span, catalog, depth + 1)?);
        from = place.end;
        if out.len() > LONGEST {
            return Err(wrong(format!("the macro `{name}` stands for more than {LONGEST} bytes")));
        }
    }
    out.push_str(&text[from..]);
    Ok(out)
}
