//! `keyvalue "key"`: the value of a key in a message.

use super::capture::pack;
use super::pattern::regex;
use crate::udf::{Body, Functions};
use datafusion::common::{Result, plan_err};
use regex::Regex;

/// What stands between a key and its value (documented).
const DELIMITERS: &str = "=|:|->";
/// A value: quoted, or up to white space or a separator.
const VALUE: &str = r#"(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s,;&|\]\)\}]+))"#;

pub(super) fn register(f: &mut Functions) {
    // The second argument is the key; or the key, a NUL and an expression with a group for the key and one for the
    // value; or the key, U+0001 and an expression whose one group is the value; or the key, U+0002 and what stands
    // between it and its value.
    f.compiled("keyvalue(string, string) dynamic", &[1], |c| {
        if let Some((key, pattern)) = c.str(1).split_once('\0') {
            return pairs(key.to_owned(), pattern);
        }
        if let Some((key, pattern)) = c.str(1).split_once('\u{1}') {
            return behind(key.to_owned(), pattern);
        }
        let (key, delimiter) = c.str(1).split_once('\u{2}').unwrap_or((c.str(1), ""));
        first_of(compile(&inferred(&regex::escape(key), delimiter))?)
    });
    // The same of `keyvalue auto`, whose fields' names have `_` in the place of what a name can't have.
    f.compiled("keyvalue_auto(string, string, string) dynamic", &[1, 2], |c| {
        let key: String = (c.str(1).chars())
            .map(|c| if c == '_' { "[^A-Za-z0-9\\s]".to_owned() } else { regex::escape(c.encode_utf8(&mut [0; 4])) })
            .collect();
        // The last of several counts (documented).
        let regex = compile(&inferred(&key, c.str(2)))?;
        Ok(Body::text(move |r, out| {
            let captures = regex.captures_iter(r.text(0)?).last()?;
            out.push_str(captures.iter().skip(1).flatten().next()?.as_str());
            Some(())
        }))
    });
    // The keys of a message, as fields are named, packed.
    f.compiled("keyvalue_keys(string, string) dynamic", &[1], |c| {
        let regex = compile(&inferred(r"([A-Za-z_][\w.@/-]*)", c.str(1)))?;
        Ok(Body::text(move |r, out| {
            for captures in regex.captures_iter(r.text(0)?) {
                let Some(key) = captures.get(1) else { continue };
                let clean = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
                pack(&key.as_str().chars().map(clean).collect::<String>(), out);
            }
            (!out.is_empty()).then_some(())
        }))
    });
}

fn compile(pattern: &str) -> Result<Regex> {
    match regex(pattern) {
        Ok(regex) => Ok(regex),
        Err(why) => plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
    }
}

/// The first match's value.
fn first_of(regex: Regex) -> Result<Body> {
    Ok(Body::text(move |r, out| {
        let captures = regex.captures(r.text(0)?)?;
        out.push_str(captures.iter().skip(1).flatten().next()?.as_str());
        Some(())
    }))
}

/// The value beside the key, by an expression with two groups.
fn pairs(key: String, pattern: &str) -> Result<Body> {
    let regex = compile(pattern)?;
    Ok(Body::text(move |r, out| {
        let mut found = regex.captures_iter(r.text(0)?);
        let captures = found.find(|c| c.get(1).is_some_and(|k| k.as_str() == key))?;
        out.push_str(captures.get(2)?.as_str());
        Some(())
    }))
}

/// The match that is the closest behind the first place of the key.
fn behind(key: String, pattern: &str) -> Result<Body> {
    let regex = compile(pattern)?;
    Ok(Body::text(move |r, out| {
        let text = r.text(0)?;
        let from = text.find(&key)? + key.len();
        out.push_str(regex.captures_at(text, from)?.get(1)?.as_str());
        Some(())
    }))
}

/// The key as a word of its own, a delimiter, and a value. The real product's list of expressions is not published.
fn inferred(key: &str, delimiter: &str) -> String {
    let delimiter = if delimiter.is_empty() { DELIMITERS.to_owned() } else { regex::escape(delimiter) };
    format!(r#"(?:^|[^\w.-])["']?{key}["']?\s*(?:{delimiter})\s*{VALUE}"#)
}
