//! Addresses within a text: `has_ipv4` and its family.
//!
//! An address counts where no letter or digit touches it (measured), and only if it is one (`127.0.0.256` is not).

use crate::kql::json;
use crate::matcher::is_term;
use crate::udf::{Functions, Row};
use serde_json::Value;
use std::net::Ipv4Addr;

pub(super) fn register(f: &mut Functions) {
    for name in ["has_ipv4", "has_any_ipv4"] {
        f.bool(&format!("{name}(string, dynamic...) bool"), |r| {
            let wanted = texts(r, 1);
            Some(addresses(r.str(0)).any(|a| wanted.iter().any(|w| w == a)))
        });
    }
    for name in ["has_ipv4_prefix", "has_any_ipv4_prefix"] {
        f.bool(&format!("{name}(string, dynamic...) bool"), |r| {
            let wanted = texts(r, 1);
            let is_prefix = |w: &str, a: &str| (w.ends_with('.') && a.starts_with(w)) || w == a;
            Some(addresses(r.str(0)).any(|a| wanted.iter().any(|w| is_prefix(w, a))))
        });
    }
}

/// The texts of arguments from `i` on, each a string or an array of them.
pub(super) fn texts(r: &Row<'_>, i: usize) -> Vec<String> {
    let mut all = Vec::new();
    for v in (i..r.len()).filter_map(|i| r.text(i)).filter_map(json::value) {
        match v {
            Value::Array(items) => all.extend(items.iter().map(json::text_of)),
            v => all.push(json::text_of(&v)),
        }
    }
    all
}

fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_digit() || c == '.';
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(start) = text[from..].find(|c: char| c.is_ascii_digit()).map(|i| i + from) {
            let end = text[start..].find(|c| !part(c)).map_or(text.len(), |i| i + start);
            from = end;
            let candidate = text[start..end].trim_end_matches('.');
            let touched = text[..start].chars().next_back().is_some_and(|c| is_term(c) || c == '.')
                || (candidate.len() == end - start && text[end..].chars().next().is_some_and(is_term));
            if !touched && candidate.parse::<Ipv4Addr>().is_ok() {
                return Some(candidate);
            }
        }
        None
    })
}
