//! `format_datetime` and `format_timespan`.

use crate::english::MONTHS;
use crate::kql::values::{Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};
use crate::udf::{Body, Functions};
use datafusion::common::{Result, exec_err};
use std::fmt::Write as _;

pub(super) fn register(f: &mut Functions) {
    f.compiled("format_datetime(datetime, string) string", &[1], |c| {
        let pieces = pieces(c.str(1), "yMdHhmsfFt")?;
        Ok(Body::text(move |r, w| {
            let civil = Civil::of(r.long(0)?);
            pieces.iter().try_for_each(|p| instant(w, p, &civil))
        }))
    });
    f.compiled("format_timespan(timespan, string) string", &[1], |c| {
        let pieces = pieces(c.str(1), "dHhmsfF")?;
        Ok(Body::text(move |r, w| {
            let ticks = r.long(0)?;
            if ticks < 0 {
                w.push('-');
            }
            pieces.iter().try_for_each(|p| span(w, p, ticks.unsigned_abs() as i64))
        }))
    });
}

enum Piece {
    /// A specifier and how often it stands.
    Field(char, usize),
    Plain(char),
}

/// A format is specifiers and the documented delimiters; another letter is an error.
fn pieces(format: &str, fields: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if fields.contains(c) {
            let mut n = 1;
            while chars.next_if_eq(&c).is_some() {
                n += 1;
            }
            pieces.push(Piece::Field(c, n));
        } else if c.is_alphabetic() {
            return exec_err!("`{c}` is no part of a format; `{fields}` are");
        } else {
            pieces.push(Piece::Plain(c));
        }
    }
    Ok(pieces)
}

fn instant(w: &mut String, piece: &Piece, c: &Civil) -> Option<()> {
    let (field, n) = match piece {
        Piece::Plain(p) => return write!(w, "{p}").ok(),
        Piece::Field(field, n) => (*field, *n),
    };
    let twelve = if c.hour % 12 == 0 { 12 } else { c.hour % 12 };
    match field {
        'y' if n <= 2 => write!(w, "{:0n$}", c.year % 100).ok(),
        'y' => write!(w, "{:0n$}", c.year).ok(),
        'M' if n == 3 => write!(w, "{}", month(c.month).get(..3)?).ok(),
        'M' if n > 3 => write!(w, "{}", month(c.month)).ok(),
        'M' => write!(w, "{:0n$}", c.month).ok(),
        'd' => write!(w, "{:0n$}", c.day, n = n.min(2)).ok(),
        'H' => write!(w, "{:0n$}", c.hour, n = n.min(2)).ok(),
        'h' => write!(w, "{twelve:0n$}", n = n.min(2)).ok(),
        'm' => write!(w, "{:0n$}", c.minute, n = n.min(2)).ok(),
        's' => write!(w, "{:0n$}", c.second, n = n.min(2)).ok(),
        't' => write!(w, "{}", if c.hour < 12 { "AM" } else { "PM" }.get(..n.min(2))?).ok(),
        _ => fraction(w, field, n, c.fraction),
    }
}

fn month(n: i64) -> &'static str {
    usize::try_from(n - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("")
}

/// `fff` prints so many digits, `FFF` no zeros at the end.
fn fraction(w: &mut String, field: char, n: usize, ticks: i64) -> Option<()> {
    let digits = format!("{ticks:07}");
    let digits = digits.get(..n.min(7))?;
    w.push_str(if field == 'F' { digits.trim_end_matches('0') } else { digits });
    Some(())
}

fn span(w: &mut String, piece: &Piece, t: i64) -> Option<()> {
    let (field, n) = match piece {
        Piece::Plain(p) => return write!(w, "{p}").ok(),
        Piece::Field(field, n) => (*field, *n),
    };
    match field {
        'd' => write!(w, "{:0n$}", t / TICKS_PER_DAY).ok(),
        'H' | 'h' => write!(w, "{:0n$}", t / TICKS_PER_HOUR % 24).ok(),
        'm' => write!(w, "{:0n$}", t / TICKS_PER_MINUTE % 60).ok(),
        's' => write!(w, "{:0n$}", t / TICKS_PER_SECOND % 60).ok(),
        _ => fraction(w, field, n, t % TICKS_PER_SECOND),
    }
}
