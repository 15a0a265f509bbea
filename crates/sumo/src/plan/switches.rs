//! Points that the documentation leaves open, each with its default.

use super::codes;
use parallax_catalog::Context;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// The switches of this language, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct Switches {
    /// `sumo.parse-anchor-case`: `sensitive` (default) or `insensitive`.
    pub(super) anchor_nocase: bool,
    /// `sumo.matches-question`: `literal` (default) or `any`.
    pub(super) question_any: bool,
    /// `sumo.matches-regex`: `find` (default) or `whole`.
    pub(super) regex_whole: bool,
    /// `sumo.misread-forms`: `meant` (default) or `documented`.
    pub(super) as_documented: bool,
    /// `sumo.audit-records`: `joined` (default) or `raw`.
    pub(super) raw_audit: bool,
    /// `sumo.query-start`, `sumo.query-end`: milliseconds since the epoch.
    pub(super) range: (Option<i64>, Option<i64>),
}

/// Every switch with its values, the default first.
const CHOICES: [(&str, [&str; 2]); 5] = [
    ("sumo.parse-anchor-case", ["sensitive", "insensitive"]),
    ("sumo.matches-question", ["literal", "any"]),
    ("sumo.matches-regex", ["find", "whole"]),
    ("sumo.misread-forms", ["meant", "documented"]),
    ("sumo.audit-records", ["joined", "raw"]),
];

impl Switches {
    pub(super) fn read(context: &Context) -> Result<Self, Diagnostics> {
        let mut switches = Switches::default();
        for (name, value) in context.switches.iter().filter(|(name, _)| name.starts_with("sumo.")) {
            let known = ["sumo.query-start", "sumo.query-end"];
            if let Some(at) = known.iter().position(|k| k == name) {
                let number = value.parse().map_err(|_| wrong(name, value, "a number of milliseconds since 1970"))?;
                let slot = if at == 0 { &mut switches.range.0 } else { &mut switches.range.1 };
                *slot = Some(number);
                continue;
            }
            let Some((_, choices)) = CHOICES.iter().find(|(choice, _)| choice == name) else {
                let names = CHOICES.iter().map(|(n, _)| *n).chain(known);
                return Err(Diagnostic::error(
                    codes::BAD_SWITCH,
                    Span::default(),
                    format!("there is no switch `{name}`"),
                )
                .suggest(name, names)
                .into());
            };
            let on = match choices.iter().position(|c| c == value) {
                Some(at) => at == 1,
                None => return Err(wrong(name, value, &format!("`{}` or `{}`", choices[0], choices[1])).into()),
            };
            match name.as_str() {
                "sumo.parse-anchor-case" => switches.anchor_nocase = on,
                "sumo.matches-question" => switches.question_any = on,
                "sumo.misread-forms" => switches.as_documented = on,
                "sumo.matches-regex" => switches.regex_whole = on,
                _ => switches.raw_audit = on,
            }
        }
        Ok(switches)
    }
}

fn wrong(name: &str, value: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_SWITCH, Span::default(), format!("the switch `{name}` is {wanted}, not `{value}`"))
}
