//! Arrays made from nothing: `range`, `repeat`, `zip`.

use super::{Value, array, element, json, put};
use crate::kql::values::{TICKS_PER_HOUR, format_datetime, format_timespan};
use crate::udf::{Functions, Row};

/// No range is longer (documented).
const MOST: usize = 1_048_576;

pub(super) fn register(f: &mut Functions) {
    f.text("range_long(long, long, long?) dynamic", |r, w| put(w, steps(r, 1)?));
    f.text("range_datetime(datetime, datetime, timespan?) dynamic", |r, w| {
        put(w, steps(r, TICKS_PER_HOUR)?.into_iter().map(format_datetime).collect::<Vec<_>>())
    });
    f.text("range_timespan(timespan, timespan, timespan?) dynamic", |r, w| {
        put(w, steps(r, TICKS_PER_HOUR)?.into_iter().map(format_timespan).collect::<Vec<_>>())
    });
    f.text("range_real(real, real, real?) dynamic", |r, w| {
        let (from, to) = (r.real(0)?, r.real(1)?);
        let step = if r.len() > 2 { r.real(2)? } else { 1.0 };
        if step == 0.0 || !step.is_finite() {
            return None;
        }
        let all =
            (0..MOST).map(|i| from + i as f64 * step).take_while(|v| if step > 0.0 { *v <= to } else { *v >= to });
        put(w, all.collect::<Vec<_>>())
    });
    f.text("repeat(dynamic, long) dynamic", |r, w| {
        let n = usize::try_from(r.long(1)?).ok()?.min(MOST);
        put(w, vec![element(r, 0); n])
    });
    f.text("zip(dynamic...) dynamic", |r, w| {
        let arrays = (0..r.len()).map(|i| array(r, i)).collect::<Option<Vec<_>>>()?;
        let longest = arrays.iter().map(Vec::len).max().unwrap_or(0);
        w.push('[');
        for i in 0..longest {
            if i > 0 {
                w.push(',');
            }
            let tuple: Vec<Value> = arrays.iter().map(|a| a.get(i).cloned().unwrap_or(Value::Null)).collect();
            json::write_value(w, &Value::from(tuple));
        }
        w.push(']');
        Some(())
    });
}

fn steps(r: &Row<'_>, default: i64) -> Option<Vec<i64>> {
    let (from, to) = (r.long(0)?, r.long(1)?);
    let step = if r.len() > 2 { r.long(2)? } else { default };
    if step == 0 {
        return None;
    }
    let inside = |v: &i64| if step > 0 { *v <= to } else { *v >= to };
    Some(std::iter::successors(Some(from), |v| v.checked_add(step)).take_while(inside).take(MOST).collect())
}
