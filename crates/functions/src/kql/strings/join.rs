//! Taking strings apart and putting them together.

use crate::kql::json;
use crate::udf::{Body, Consts, Functions, Row};
use datafusion::common::Result;
use memchr::memchr;
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    f.text("strcat(string...) string", |r, w| {
        (0..r.len()).for_each(|i| w.push_str(r.str(i)));
        Some(())
    });
    f.text("strcat_delim(string, string...) string", |r, w| {
        for i in 1..r.len() {
            if i > 1 {
                w.push_str(r.str(0));
            }
            w.push_str(r.str(i));
        }
        Some(())
    });
    for name in ["strcat_array", "array_strcat"] {
        f.text(&format!("{name}(dynamic, string) string"), |r, w| {
            for (i, v) in json::array(r.text(0)?)?.iter().enumerate() {
                if i > 0 {
                    w.push_str(r.str(1));
                }
                w.push_str(&json::text_of(v));
            }
            Some(())
        });
    }
    f.text("split(string, string, long?) dynamic", split);
    f.compiled("replace_strings(string, dynamic, dynamic) string", &[1, 2], replace_strings);
    f.text("parse_csv(string) dynamic", |r, w| {
        let fields = first_record(r.str(0));
        json::write_value(w, &Value::from(fields));
        Some(())
    });
}

/// An array of the parts; with an index, of that part alone, or empty where there is none (documented).
fn split(r: &Row<'_>, w: &mut String) -> Option<()> {
    let (text, delimiter) = (r.str(0), r.str(1));
    let wanted = if r.len() > 2 { Some(usize::try_from(r.long(2)?).unwrap_or(usize::MAX)) } else { None };
    w.push('[');
    let mut write = |i: usize, part: &str| {
        if wanted.is_none_or(|n| n == i) {
            if i > 0 && wanted.is_none() {
                w.push(',');
            }
            json::write_string(w, part);
        }
    };
    parts(text, delimiter).enumerate().for_each(|(i, part)| write(i, part));
    w.push(']');
    Some(())
}

/// What `split` gives: an empty delimiter splits nothing.
pub(crate) fn parts<'t>(text: &'t str, delimiter: &str) -> impl Iterator<Item = &'t str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        // Most delimiters are one byte, and most parts short: no searcher is set up for each text.
        let at = match delimiter.as_bytes() {
            [] => None,
            [byte] => memchr(*byte, text.as_bytes()),
            _ => text.find(delimiter),
        };
        rest = at.map(|at| &text[at + delimiter.len()..]);
        Some(at.map_or(text, |at| &text[..at]))
    })
}

/// One lookup after the other, in what none before it has matched: a replacement is not looked at again (measured). A
/// lookup that is no string is ignored; what has no string to become stays as it is, and counts as matched (documented).
fn replace_strings(c: &Consts) -> Result<Body> {
    let list = |i: usize| c.text(i).and_then(json::array).unwrap_or_default();
    let mut with = list(2).into_iter();
    let pairs: Vec<(String, Option<String>)> = list(1)
        .into_iter()
        .map(|lookup| (lookup, with.next()))
        .filter_map(|(lookup, with)| {
            let lookup = lookup.as_str().filter(|l| !l.is_empty())?.to_owned();
            Some((lookup, with.and_then(|w| w.as_str().map(str::to_owned))))
        })
        .collect();
    Ok(Body::text(move |r, w| {
        replace_each(w, r.str(0), &pairs);
        Some(())
    }))
}

fn replace_each(w: &mut String, text: &str, pairs: &[(String, Option<String>)]) {
    let Some(((lookup, with), rest)) = pairs.split_first() else { return w.push_str(text) };
    let with = with.as_deref().unwrap_or(lookup);
    for (i, part) in text.split(lookup.as_str()).enumerate() {
        if i > 0 {
            w.push_str(with);
        }
        replace_each(w, part, rest);
    }
}

/// The fields of the first record (documented: no more is read).
fn first_record(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            '\n' if !quoted => break,
            '\r' if !quoted && chars.peek() == Some(&'\n') => break,
            c => field.push(c),
        }
    }
    fields
}
