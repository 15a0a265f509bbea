//! Numbers with their suffixes: `1.5M`, `1Ki`, `5m`.

use super::codes;
use parallax_diagnostics::{Diagnostic, Span};

/// A number as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// The digits, as written.
    pub digits: String,
    /// The suffix.
    pub unit: Unit,
}

/// What stands after the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing.
    None,
    /// A multiple: `K`, `M`, `B`/`G`, `T`, `P`, or binary `Ki` … `Pi`.
    Scale(&'static str, u64),
    /// A length of time in milliseconds: `ms`, `s`, `m`, `h`, `d`, `w`.
    Time(&'static str, u64),
}

/// Documented with field expressions. `m` is a minute and `M` a million.
const SCALES: [(&str, u64); 11] = [
    ("K", 1_000),
    ("M", 1_000_000),
    ("B", 1_000_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
];
const TIMES: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

impl Number {
    /// Reads digits and suffix.
    pub(super) fn read(text: &str, span: Span) -> Result<Number, Diagnostic> {
        let mut split = text.find(|c: char| c.is_ascii_alphabetic() || c == '_').unwrap_or(text.len());
        if text[split..].starts_with(['e', 'E'])
            && text[split + 1..].starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-')
        {
            split += 2 + text[split + 2..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - split - 2);
        }
        let (digits, suffix) = text.split_at(split);
        let unit = if suffix.is_empty() {
            Unit::None
        } else if let Some((name, by)) = SCALES.iter().find(|(name, _)| *name == suffix) {
            Unit::Scale(name, *by)
        } else if let Some((name, by)) = TIMES.iter().find(|(name, _)| *name == suffix) {
            Unit::Time(name, *by)
        } else {
            return Err(Diagnostic::error(codes::BAD_NUMBER, span, format!("`{suffix}` is no suffix of a number"))
                .help("the suffixes are K M B G T P, Ki Mi Gi Ti Pi, and for time ms s m h d w"));
        };
        let number = Number { digits: digits.to_owned(), unit };
        if number.value().is_finite() {
            Ok(number)
        } else {
            Err(Diagnostic::error(codes::BAD_NUMBER, span, format!("`{text}` is not a number in range")))
        }
    }

    fn factor(&self) -> u64 {
        match self.unit {
            Unit::None => 1,
            Unit::Scale(_, by) | Unit::Time(_, by) => by,
        }
    }

    /// Its value; lengths of time are in milliseconds.
    pub fn value(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let factor = self.factor() as f64;
        self.digits.parse::<f64>().map_or(f64::NAN, |v| v * factor)
    }

    /// Its value if it is a whole number that a `long` holds.
    pub fn whole(&self) -> Option<i64> {
        self.digits.parse::<i64>().ok()?.checked_mul(i64::try_from(self.factor()).ok()?)
    }

    /// As it was written.
    pub fn text(&self) -> String {
        let suffix = match self.unit {
            Unit::None => "",
            Unit::Scale(name, _) | Unit::Time(name, _) => name,
        };
        format!("{}{suffix}", self.digits)
    }
}
