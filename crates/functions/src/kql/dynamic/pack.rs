//! Values into arrays and property bags.

use super::json;
use crate::udf::{Functions, Row};

pub(super) fn register(f: &mut Functions) {
    f.text("pack_array(dynamic...) dynamic", |r, w| {
        w.push('[');
        for i in 0..r.len() {
            if i > 0 {
                w.push(',');
            }
            w.push_str(r.text(i).unwrap_or("null"));
        }
        w.push(']');
        Some(())
    });
    // Keys and values in turn.
    for name in ["bag_pack", "pack", "pack_dictionary"] {
        f.text(&format!("{name}(any...) dynamic"), |r, w| bag(r, w, |_| true));
    }
    f.text("pack_all_nonempty(any...) dynamic", |r, w| bag(r, w, |v| !matches!(v, "null" | "\"\"")));
}

/// Of several values of one key the last counts.
fn bag(r: &Row<'_>, w: &mut String, keep: impl Fn(&str) -> bool) -> Option<()> {
    w.push('{');
    for i in (0..r.len()).step_by(2) {
        let (key, value) = (r.str(i), r.text(i + 1).unwrap_or("null"));
        let overwritten = (i + 2..r.len()).step_by(2).any(|j| r.str(j) == key);
        if overwritten || !keep(value) {
            continue;
        }
        if w.len() > 1 {
            w.push(',');
        }
        json::write_string(w, key);
        w.push(':');
        w.push_str(value);
    }
    w.push('}');
    Some(())
}
