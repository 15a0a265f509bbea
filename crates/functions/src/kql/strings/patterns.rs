//! Functions over regexes. The regex, where constant, is compiled once.

use super::regex;
use crate::kql::json;
use crate::udf::{Body, Consts, Functions, Row};
use datafusion::common::{Result, exec_err};
use regex::{Captures, Regex};

pub(super) fn register(f: &mut Functions) {
    f.compiled("extract(string, long, string) string", &[0], |c| {
        let regex = regex(c.str(0))?;
        Ok(Body::text(move |r, w| {
            let group = usize::try_from(r.long(1)?).ok()?;
            w.push_str(regex.captures(r.str(2))?.get(group)?.as_str());
            Some(())
        }))
    });
    for name in ["extract_all", "extractall"] {
        f.compiled(&format!("{name}(string, any, string?) dynamic"), &[0], extract_all);
    }
    for name in ["replace_regex", "replace"] {
        f.compiled(&format!("{name}(string, string, string) string"), &[1, 2], |c| {
            let (regex, with) = (regex(c.str(1))?, rewrite(c.str(2)));
            Ok(Body::text(move |r, w| {
                w.push_str(&regex.replace_all(r.str(0), with.as_str()));
                Some(())
            }))
        });
    }
    f.compiled("trim(string, string) string", &[0], |c| trim(c, true, true));
    f.compiled("trim_start(string, string) string", &[0], |c| trim(c, true, false));
    f.compiled("trim_end(string, string) string", &[0], |c| trim(c, false, true));
    f.compiled("indexof_regex(string, string, long?, long?, long?) long", &[1], |c| {
        let regex = regex(c.str(1))?;
        Ok(Body::long(move |r| indexof_regex(&regex, r)))
    });
    f.compiled("countof(string, string, string?) long", &[1, 2], countof);
    f.text("regex_quote(string) string", |r, w| {
        w.push_str(&regex::escape(r.str(0)));
        Some(())
    });
}

/// Kusto's replacement (`\1` is a group, `\\` a backslash) as the regex crate's (`${1}`, `$$`).
fn rewrite(with: &str) -> String {
    let mut out = String::with_capacity(with.len());
    let mut chars = with.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match chars.next() {
                Some(d) if d.is_ascii_digit() => {
                    out.push_str("${");
                    out.push(d);
                    out.push('}');
                }
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// All leading and trailing matches go (documented).
fn trim(c: &Consts, start: bool, end: bool) -> Result<Body> {
    let leading = regex(&format!(r"\A(?:{})+", c.str(0)))?;
    let trailing = regex(&format!(r"(?:{})+\z", c.str(0)))?;
    Ok(Body::text(move |r, w| {
        let mut text = r.str(1);
        if start && let Some(m) = leading.find(text) {
            text = &text[m.end()..];
        }
        if end && let Some(m) = trailing.find(text) {
            text = &text[..m.start()];
        }
        w.push_str(text);
        Some(())
    }))
}

/// One group: an array of its matches; several: an array of arrays; the groups may be chosen by number or name. No
/// match is null (documented).
fn extract_all(c: &Consts) -> Result<Body> {
    let regex = regex(c.str(0))?;
    if !(1..=16).contains(&(regex.captures_len() - 1)) {
        return exec_err!("extract_all: the regex needs between 1 and 16 capture groups");
    }
    Ok(Body::text(move |r, w| {
        let chosen = if r.len() > 2 { chosen(&regex, r.text(1)?)? } else { (1..regex.captures_len()).collect() };
        let text = r.str(r.len() - 1);
        w.push('[');
        for captures in regex.captures_iter(text) {
            if w.len() > 1 {
                w.push(',');
            }
            write_groups(w, &captures, &chosen);
        }
        w.push(']');
        (w.len() > 2).then_some(())
    }))
}

fn chosen(regex: &Regex, groups: &str) -> Option<Vec<usize>> {
    let groups = json::array(groups)?;
    groups
        .iter()
        .map(|g| match g.as_u64() {
            Some(n) => usize::try_from(n).ok().filter(|n| *n < regex.captures_len()),
            None => regex.capture_names().position(|n| n.is_some() && n == g.as_str()),
        })
        .collect()
}

fn write_groups(w: &mut String, captures: &Captures<'_>, chosen: &[usize]) {
    let group = |i: usize| captures.get(i).map_or("", |m| m.as_str());
    if let [one] = chosen {
        return json::write_string(w, group(*one));
    }
    w.push('[');
    for (i, n) in chosen.iter().enumerate() {
        if i > 0 {
            w.push(',');
        }
        json::write_string(w, group(*n));
    }
    w.push(']');
}

/// Measured: a negative start is null; matches do not overlap; `length` bounds where a match may begin.
fn indexof_regex(regex: &Regex, r: &Row<'_>) -> Option<i64> {
    let text = r.str(0);
    let start = if r.len() > 2 { r.long(2)? } else { 0 };
    let span = if r.len() > 3 { r.long(3)? } else { -1 };
    let occurrence = if r.len() > 4 { r.long(4)? } else { 1 };
    if start < 0 || span < -1 || occurrence < 1 {
        return None;
    }
    let from = text.char_indices().nth(start as usize).map_or(text.len(), |(i, _)| i);
    let Some(m) = regex.find_iter(&text[from..]).nth(occurrence as usize - 1) else { return Some(-1) };
    let index = text[..from + m.start()].chars().count() as i64;
    Some(if span >= 0 && index >= start.saturating_add(span) { -1 } else { index })
}

/// Plain occurrences may overlap, those of a regex do not (documented: `countof("aaaa", "aa")` is 3).
fn countof(c: &Consts) -> Result<Body> {
    if c.str(2).eq_ignore_ascii_case("regex") {
        let regex = regex(c.str(1))?;
        return Ok(Body::long(move |r| Some(regex.find_iter(r.str(0)).count() as i64)));
    }
    Ok(Body::long(|r| {
        let (text, lookup) = (r.str(0), r.str(1));
        if lookup.is_empty() {
            return Some(0);
        }
        let (mut from, mut n) = (0, 0);
        while let Some(at) = text.get(from..).and_then(|t| t.find(lookup)) {
            n += 1;
            from += at + text[from + at..].chars().next().map_or(1, char::len_utf8);
        }
        Some(n)
    }))
}
