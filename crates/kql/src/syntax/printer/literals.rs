//! Literals.

use super::super::tree::{Json, Literal};
use super::super::values;
use super::Printer;
use std::fmt::Write as _;

const SECOND: u64 = 10_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Printer {
    pub(super) fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::String { value, hidden } => self.string(value, *hidden),
            Literal::Bool(Some(value)) => self.push(if *value { "true" } else { "false" }),
            Literal::Int(Some(value)) => self.format(format_args!("int({value})")),
            Literal::Long(Some(value)) if *value >= 0 => self.format(format_args!("{value}")),
            Literal::Long(Some(value)) => self.format(format_args!("long({value})")),
            Literal::Real(Some(value)) => self.real(*value),
            Literal::Decimal(Some(value)) => self.format(format_args!("decimal({value})")),
            Literal::DateTime(Some(ticks)) => self.datetime(*ticks),
            Literal::TimeOfDay(ticks) => {
                let seconds = ticks / 10_000_000;
                let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
                self.format(format_args!("datetime({hour:02}:{minute:02}:{:02})", seconds % 60));
            }
            Literal::Timespan(Some(ticks)) => self.timespan(*ticks),
            Literal::Guid(Some(value)) => self.format(format_args!("guid({value})")),
            Literal::Dynamic(json) => {
                self.push("dynamic(");
                self.json(json);
                self.push(")");
            }
            null => self.format(format_args!("{}(null)", null.ty().name())),
        }
    }

    fn format(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(arguments);
    }

    fn real(&mut self, value: f64) {
        if value.is_nan() {
            self.push("real(nan)");
        } else if value.is_infinite() {
            self.push(if value > 0.0 { "real(+inf)" } else { "real(-inf)" });
        } else if value.is_sign_negative() {
            self.format(format_args!("real({value:?})"));
        } else {
            self.format(format_args!("{value:?}"));
        }
    }

    fn timespan(&mut self, ticks: i64) {
        let magnitude = ticks.unsigned_abs();
        let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (SECOND / 1000, "ms"), (1, "tick")];
        if let Some((unit, suffix)) = units.iter().find(|(unit, _)| ticks >= 0 && magnitude.is_multiple_of(*unit)) {
            return self.format(format_args!("{}{suffix}", magnitude / unit));
        }
        let sign = if ticks < 0 { "-" } else { "" };
        let (days, rest) = (magnitude / DAY, magnitude % DAY);
        let (h, m, s, f) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND, rest % SECOND);
        self.format(format_args!("time({sign}{days}.{h:02}:{m:02}:{s:02}.{f:07})"));
    }

    fn datetime(&mut self, ticks: i64) {
        let (day, rest) = (ticks.div_euclid(values::DAY), ticks.rem_euclid(values::DAY).unsigned_abs());
        let (year, month, day) = values::civil(day);
        self.format(format_args!("datetime({year:04}-{month:02}-{day:02}"));
        if rest > 0 {
            let (h, m, s, f) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND, rest % SECOND);
            self.format(format_args!("T{h:02}:{m:02}:{s:02}.{f:07}Z"));
        }
        self.push(")");
    }

    /// A string; verbatim where that saves doubling backslashes.
    pub(super) fn string(&mut self, text: &str, hidden: bool) {
        if hidden {
            self.push("h");
        }
        let verbatim = text.contains('\\') && !text.contains(|c: char| c == '"' || c.is_control());
        if verbatim {
            self.format(format_args!("@\"{text}\""));
            return;
        }
        self.push("\"");
        for c in text.chars() {
            match c {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                c if c.is_control() => self.format(format_args!("\\u{:04x}", u32::from(c))),
                c => self.out.push(c),
            }
        }
        self.push("\"");
    }

    fn json(&mut self, json: &Json) {
        match json {
            Json::Null => self.push("null"),
            Json::Placeholder(name) => self.format(format_args!("{{{name}}}")),
            Json::Scalar(Literal::Long(Some(value))) => self.format(format_args!("{value}")),
            Json::Scalar(Literal::Real(Some(value))) if value.is_finite() => self.format(format_args!("{value:?}")),
            Json::Scalar(literal) => self.literal(literal),
            Json::Array(items) => {
                self.push("[");
                self.list(items, Self::json);
                self.push("]");
            }
            Json::Object(pairs) => {
                // A space, lest `{` and a word read as a placeholder.
                self.push("{ ");
                self.list(pairs, |p, (key, value)| {
                    p.string(key, false);
                    p.push(": ");
                    p.json(value);
                });
                self.push(" }");
            }
        }
    }
}
