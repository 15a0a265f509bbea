//! What a conversion loses, and what it refuses.

use parallax_diagnostics::{Diagnostic, Span};

/// A step at which the result says something else than the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Which kind of loss; listed in `docs/convert.md`.
    pub code: &'static str,
    /// What it does to the events that are found.
    pub effect: Effect,
    /// Where the source text says what is lost.
    pub at: Span,
    /// What is lost, in words.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a loss does to the events that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None: only what is shown of them differs.
    Shown,
    /// More may be found.
    Widens,
    /// Fewer may be found.
    Narrows,
    /// Others may be found.
    Either,
}

impl Effect {
    /// The same under a negation.
    #[must_use]
    pub fn negated(self, yes: bool) -> Self {
        match (self, yes) {
            (Effect::Widens, true) => Effect::Narrows,
            (Effect::Narrows, true) => Effect::Widens,
            (other, _) => other,
        }
    }

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Shown => "shown",
            Effect::Widens => "widened",
            Effect::Narrows => "narrowed",
            Effect::Either => "changed",
        }
    }

    /// Whether it explains an event that only the result finds.
    pub fn explains_more(self) -> bool {
        matches!(self, Effect::Widens | Effect::Either)
    }

    /// Whether it explains an event that only the source finds.
    pub fn explains_fewer(self) -> bool {
        matches!(self, Effect::Narrows | Effect::Either)
    }
}

impl Loss {
    /// As a message about the source text.
    pub fn diagnostic(&self) -> Diagnostic {
        let d = Diagnostic::warning(self.code, self.at, self.message.clone()).label(self.effect.word());
        match &self.help {
            Some(help) => d.help(help.clone()),
            None => d,
        }
    }
}

/// Losses as they come up; the same one at the same place once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(pub Vec<Loss>);

impl Losses {
    /// Adds one.
    pub fn add(&mut self, code: &'static str, effect: Effect, at: Span, message: impl Into<String>) {
        self.push(Loss { code, effect, at, message: message.into(), help: None });
    }

    /// Adds one with what to do about it.
    pub fn push(&mut self, loss: Loss) {
        if !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }
}

/// A named refusal.
pub(crate) fn refuse(code: &'static str, at: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, at, message)
}

/// The codes of losses and refusals.
pub mod codes {
    /// A missing value and an empty one, or `-`, are not told apart.
    pub const MISSING: &str = "CONV0101";
    /// A term became a text.
    pub const TERM: &str = "CONV0102";
    /// Any value of the event became some of its columns, or its text.
    pub const KEYWORD: &str = "CONV0103";
    /// Other telemetry is searched than the source says.
    pub const TELEMETRY: &str = "CONV0104";
    /// A bound on the time of events is left out.
    pub const WINDOW: &str = "CONV0105";
    /// Columns, order or their names are left out.
    pub const COLUMNS: &str = "CONV0106";
    /// A limit on the rows is left out.
    pub const LIMIT: &str = "CONV0107";
    /// A field is not the same in all telemetry of the target.
    pub const FIELD: &str = "CONV0108";
    /// Case of letters beyond ASCII.
    pub const CASE: &str = "CONV0109";
    /// A count is made over other windows.
    pub const COUNT: &str = "CONV0110";
    /// Title, level and the like were made up.
    pub const META: &str = "CONV0111";

    /// The target has no such field.
    pub const NO_FIELD: &str = "CONV0201";
    /// The target has no table for the log source, or Sigma no log source for the table.
    pub const NO_TABLE: &str = "CONV0202";
    /// A regular expression that the target cannot run.
    pub const REGEX: &str = "CONV0203";
    /// An operator that looks at more than one event.
    pub const OPERATOR: &str = "CONV0204";
    /// An expression that is no test of a field.
    pub const EXPRESSION: &str = "CONV0205";
    /// A document that is no rule over single events.
    pub const DOCUMENT: &str = "CONV0206";
    /// Nothing is left to test.
    pub const NOTHING: &str = "CONV0207";
    /// The target cannot say it.
    pub const NO_FORM: &str = "CONV0208";
    /// A loss, under `--strict`.
    pub const STRICT: &str = "CONV0209";
    /// A defect: the result does not parse.
    pub const DEFECT: &str = "CONV0299";
}
