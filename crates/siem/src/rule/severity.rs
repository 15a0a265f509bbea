//! How bad a Signal is: a constant, or by a field of the record.

/// The severity of a rule's Signals.
#[derive(Clone, Debug, PartialEq)]
pub struct Severity {
    /// Where nothing else is said: 1 (lowest) to 10.
    pub default: u8,
    /// The record's field that decides.
    pub field: Option<String>,
    /// What its values mean, the first that holds; without any, the field's value is the severity.
    pub mapping: Vec<Mapping>,
}

/// One line of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// When it holds.
    pub when: When,
    /// The severity then.
    pub to: u8,
}

/// When a line holds.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// The same text, or the same number: `4` is `4.0`.
    Equal(String),
    /// Less, as a number.
    Less(f64),
    /// Greater, as a number.
    Greater(f64),
    /// Between both or one of them, as a number.
    Between(f64, f64),
    /// The record has no such field.
    Missing,
}

impl Severity {
    /// One severity for all.
    pub fn constant(severity: u8) -> Self {
        Severity { default: severity, field: None, mapping: Vec::new() }
    }

    /// The severity, the field's value being that.
    pub fn of(&self, value: Option<&str>) -> u8 {
        if self.field.is_none() {
            return self.default;
        }
        let number = value.and_then(|v| v.trim().parse::<f64>().ok());
        if self.mapping.is_empty() {
            // Severities are whole and end at ten (documented).
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return number.map_or(self.default, |n| n.round().clamp(0.0, 10.0) as u8);
        }
        let holds = |when: &When| match when {
            When::Missing => value.is_none(),
            When::Equal(text) => match (number, text.trim().parse::<f64>()) {
                (Some(a), Ok(b)) => a == b,
                _ => value == Some(text.as_str()),
            },
            When::Less(than) => number.is_some_and(|n| n < *than),
            When::Greater(than) => number.is_some_and(|n| n > *than),
            When::Between(low, high) => number.is_some_and(|n| *low <= n && n <= *high),
        };
        self.mapping.iter().find(|m| holds(&m.when)).map_or(self.default, |m| m.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_holds_decides() {
        let line = |when, to| Mapping { when, to };
        let severity = Severity {
            default: 1,
            field: Some("severity".to_owned()),
            mapping: vec![
                line(When::Equal("4".into()), 2),
                line(When::Less(4.0), 3),
                line(When::Between(5.0, 10.0), 4),
                line(When::Greater(10.0), 5),
                line(When::Equal("high".into()), 6),
                line(When::Missing, 7),
            ],
        };
        for (value, expected) in [
            (Some("4.0"), 2),
            (Some("3"), 3),
            (Some("4.5"), 1),
            (Some("5"), 4),
            (Some("10"), 4),
            (Some("10.1"), 5),
            (Some("high"), 6),
            (Some("High"), 1),
            (Some(""), 1),
            (None, 7),
        ] {
            assert_eq!(severity.of(value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_field_without_a_mapping_is_the_severity() {
        let severity = Severity { default: 2, field: Some("s".to_owned()), mapping: Vec::new() };
        assert_eq!([severity.of(Some("8")), severity.of(Some("99")), severity.of(None)], [8, 10, 2]);
        assert_eq!(Severity::constant(3).of(Some("8")), 3);
    }
}
