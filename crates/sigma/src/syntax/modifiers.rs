//! What the modifiers behind a field's name say, taken together.

use super::encode::Wide;
use super::said::Said;
use crate::tree::{Order, Part, TimePart};
use parallax_diagnostics::{Diagnostic, Span, did_you_mean};
use rsigma_parser::Modifier;
use std::str::FromStr;

/// All names of modifiers, for "did you mean".
const NAMES: [&str; 35] = [
    "contains",
    "startswith",
    "endswith",
    "all",
    "base64",
    "base64offset",
    "wide",
    "utf16le",
    "utf16be",
    "utf16",
    "windash",
    "re",
    "cidr",
    "cased",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "lt",
    "lte",
    "neq",
    "i",
    "ignorecase",
    "m",
    "multiline",
    "s",
    "dotall",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "any",
];

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Regex { ignore_case: bool, multi_line: bool, dot_all: bool },
    Network,
    Compare(Order),
    Exists,
    TimePart(TimePart),
    Field(Part),
}

/// Something done to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It may stand there: anywhere, at the start, at the end.
    Place(Part),
    Base64,
    Base64Offset,
    Wide(Wide),
    Windash,
    Expand,
}

/// What a chain of modifiers says.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) kind: Kind,
    /// In the order of the text.
    pub(crate) steps: Vec<Step>,
    pub(crate) all: bool,
    pub(crate) negated: bool,
    pub(crate) cased: bool,
}

impl Chain {
    /// Reads the names of modifiers, each with its place.
    pub(crate) fn read(names: &[(&str, Span)], said: &mut Said) -> Option<Chain> {
        let mut chain = Chain { kind: Kind::Text, steps: Vec::new(), all: false, negated: false, cased: false };
        // A misspelt one must not hide what is wrong with the next.
        let mut good = true;
        let mut seen: Vec<Modifier> = Vec::new();
        for (name, span) in names {
            let Ok(modifier) = Modifier::from_str(name) else {
                said.push(unknown(name, *span));
                good = false;
                continue;
            };
            if seen.contains(&modifier) && modifier != Modifier::Base64 {
                said.warn("SIGMA0602", *span, format!("`{name}` is there twice"), "leave one out");
                continue;
            }
            seen.push(modifier);
            good &= chain.add(modifier, name, *span, said).is_some();
        }
        let end = names.last().map_or(Span::at(0), |(_, span)| *span);
        good &= chain.fits(names.first().map_or(end, |(_, span)| span.to(end)), said).is_some();
        good.then_some(chain)
    }

    fn add(&mut self, modifier: Modifier, name: &str, span: Span, said: &mut Said) -> Option<()> {
        match modifier {
            Modifier::All => self.all = true,
            Modifier::Neq => self.negated = true,
            Modifier::Cased => self.cased = true,
            Modifier::Contains => self.place(Part::Somewhere),
            Modifier::StartsWith => self.place(Part::Start),
            Modifier::EndsWith => self.place(Part::End),
            Modifier::Base64 => self.steps.push(Step::Base64),
            Modifier::Base64Offset => self.steps.push(Step::Base64Offset),
            Modifier::Wide => self.steps.push(Step::Wide(Wide::Little)),
            Modifier::Utf16be => self.steps.push(Step::Wide(Wide::Big)),
            Modifier::Utf16 => self.steps.push(Step::Wide(Wide::Marked)),
            Modifier::WindAsh => self.steps.push(Step::Windash),
            Modifier::Expand => self.steps.push(Step::Expand),
            Modifier::IgnoreCase | Modifier::Multiline | Modifier::DotAll => {
                return self.flag(modifier, name, span, said);
            }
            _ => return self.is(kind(modifier)?, name, span, said),
        }
        Some(())
    }

    fn place(&mut self, part: Part) {
        self.steps.push(Step::Place(part));
    }

    fn is(&mut self, kind: Kind, name: &str, span: Span, said: &mut Said) -> Option<()> {
        if self.kind != Kind::Text {
            let help = "a value is one of: a text, `re`, `cidr`, a comparison, `exists`, `fieldref`, a part of a time";
            return said.refuse(
                "SIGMA0302",
                span,
                format!("`{name}` can't be joined with the modifier before it"),
                help,
            );
        }
        self.kind = kind;
        Some(())
    }

    fn flag(&mut self, modifier: Modifier, name: &str, span: Span, said: &mut Said) -> Option<()> {
        let Kind::Regex { ignore_case, multi_line, dot_all } = &mut self.kind else {
            let help = format!("write `|re|{name}`");
            return said.refuse("SIGMA0302", span, format!("`{name}` is a flag of `re` and stands behind it"), help);
        };
        match modifier {
            Modifier::IgnoreCase => *ignore_case = true,
            Modifier::Multiline => *multi_line = true,
            _ => *dot_all = true,
        }
        Some(())
    }

    /// Whether the kind of value takes what is done to it.
    fn fits(&mut self, span: Span, said: &mut Said) -> Option<()> {
        let places = self.steps.iter().filter(|s| matches!(s, Step::Place(_))).count();
        let others = self.steps.iter().any(|s| !matches!(s, Step::Place(_) | Step::Expand));
        let expands = self.steps.contains(&Step::Expand);
        match self.kind {
            Kind::Text => {}
            Kind::Regex { .. } => {
                if others || self.steps.iter().any(|s| matches!(s, Step::Place(Part::Start | Part::End))) {
                    let help = "say it in the expression: `^` is the start and `$` the end of the value";
                    return said.refuse("SIGMA0302", span, "a regular expression takes no modifiers of texts", help);
                }
                if places > 0 {
                    said.warn(
                        "SIGMA0602",
                        span,
                        "`contains` adds nothing to `re`: it is searched for anywhere",
                        "leave it out",
                    );
                }
                if self.cased {
                    said.warn(
                        "SIGMA0602",
                        span,
                        "`cased` adds nothing to `re`: case counts unless `i` is said",
                        "leave it out",
                    );
                }
            }
            Kind::Field(_) => {
                if others || expands || places > 1 {
                    let help = "`fieldref` goes with `contains`, `startswith` or `endswith`, `cased`, `neq` and `all`";
                    return said.refuse("SIGMA0302", span, "the name of a field can't be encoded", help);
                }
                if let Some(Step::Place(part)) = self.steps.first() {
                    self.kind = Kind::Field(*part);
                }
            }
            Kind::Network | Kind::Compare(_) | Kind::Exists | Kind::TimePart(_) => {
                if !self.steps.is_empty() || self.cased {
                    let help = "leave out the modifiers that are about texts";
                    return said.refuse("SIGMA0302", span, "these modifiers can't stand together", help);
                }
                if self.kind == Kind::Exists && (self.all || self.negated) {
                    let help = "write `true` or `false` as the value";
                    return said.refuse("SIGMA0302", span, "`exists` stands alone", help);
                }
            }
        }
        Some(())
    }
}

fn kind(modifier: Modifier) -> Option<Kind> {
    Some(match modifier {
        Modifier::Re => Kind::Regex { ignore_case: false, multi_line: false, dot_all: false },
        Modifier::Cidr => Kind::Network,
        Modifier::Exists => Kind::Exists,
        Modifier::FieldRef => Kind::Field(Part::Whole),
        Modifier::Lt => Kind::Compare(Order::Less),
        Modifier::Lte => Kind::Compare(Order::LessOrEqual),
        Modifier::Gt => Kind::Compare(Order::Greater),
        Modifier::Gte => Kind::Compare(Order::GreaterOrEqual),
        Modifier::Minute => Kind::TimePart(TimePart::Minute),
        Modifier::Hour => Kind::TimePart(TimePart::Hour),
        Modifier::Day => Kind::TimePart(TimePart::Day),
        Modifier::Week => Kind::TimePart(TimePart::Week),
        Modifier::Month => Kind::TimePart(TimePart::Month),
        Modifier::Year => Kind::TimePart(TimePart::Year),
        _ => return None,
    })
}

fn unknown(name: &str, span: Span) -> Diagnostic {
    let lower = name.to_ascii_lowercase();
    let d = Diagnostic::error("SIGMA0301", span, format!("there is no modifier `{name}`"));
    if NAMES.contains(&lower.as_str()) && lower != "any" {
        return d.help(format!("modifiers are lower-case: `{lower}`")).fix(span, lower);
    }
    match name {
        "any" => d.help("several values are alternatives anyway: leave it out"),
        "not" | "ne" => d.help("the modifier is called `neq`"),
        "regex" | "regexp" => d.help("the modifier is called `re`"),
        "equals" | "eq" => d.help("a value without a modifier is the whole text: leave it out"),
        _ => match did_you_mean(name, NAMES) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help("`docs/sigma.md` lists the modifiers"),
        },
    }
}
