//! `keyvalue "key"`: the value of a key in a message.

use super::pattern::regex;
use crate::udf::{Body, Functions};
use datafusion::common::plan_err;

pub(super) fn register(f: &mut Functions) {
    // The second argument is the key, or, for the form with a regular expression of two groups, the key, a NUL and the
    // expression.
    f.compiled_once("keyvalue(string, string) dynamic", &[1], |c| {
        let (key, pattern) = match c.str(1).split_once('\0') {
            Some((key, pattern)) => (key.to_owned(), Some(pattern)),
            None => (c.str(1).to_owned(), None),
        };
        let inferred;
        let pattern = match pattern {
            Some(pattern) => pattern,
            None => {
                inferred = infer(&key);
                &inferred
            }
        };
        let regex = match regex(pattern) {
            Ok(regex) => regex,
            Err(why) => return plan_err!("the regular expression `{pattern}` cannot be used: {why}"),
        };
        let pairs = c.str(1).contains('\0');
        Ok(Body::text(move |r, out| {
            let text = r.text(0)?;
            let mut found = regex.captures_iter(text);
            let captures =
                if pairs { found.find(|c| c.get(1).is_some_and(|k| k.as_str() == key))? } else { found.next()? };
            let value = if pairs { captures.get(2) } else { captures.iter().skip(1).flatten().next() };
            out.push_str(value?.as_str());
            Some(())
        }))
    });
}

/// The key as a word of its own, a delimiter (`=`, `:`, `->`), and a value: quoted, or up to white space or a
/// separator. The real product's list of expressions is not published.
fn infer(key: &str) -> String {
    let key = regex::escape(key);
    format!(r#"(?:^|[^\w.-])["']?{key}["']?\s*(?:=|:|->)\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s,;&|\]\)\}}]+))"#)
}
