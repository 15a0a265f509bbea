//! Plugins whose documentation leaves a rule open: each call of one is planned with a warning that names the rule.

use super::Plugin;
use crate::plan::error;
use parallax_diagnostics::Diagnostic;

const BEFORE_START: &str = "the windows of the first bins reach back before the start";
const BOUNDARY: &str = "a row that is exactly the lookback ago is outside of it, and periods count from the start";
const COHORTS: &str = "a cohort without ids has no rows";
const CLOSED: &str = "of patterns that hold for the same rows the one with the most columns is given, and the order is by \
                      columns times rows";
const LATER: &str = "a step is later than the one before, and never at the same time";
const SESSIONS: &str = "a row at the start of the analysis begins no session, and bins are those of `bin`";
const TYPES: &str =
    "numbers of several types become the widest, and other types that differ are an error of their column";

/// Without bounds there is no start to count from.
pub(super) const FROM_ZERO: &str = "without a start the bins are those of `bin`";

const RULES: [(&str, &str); 9] = [
    ("active_users_count", BOUNDARY),
    ("activity_engagement", BEFORE_START),
    ("basket", CLOSED),
    ("funnel_sequence_completion", LATER),
    ("new_activity_metrics", COHORTS),
    ("schema_merge", TYPES),
    ("sequence_detect", LATER),
    ("session_count", SESSIONS),
    ("sliding_window_counts", BEFORE_START),
];

impl Plugin<'_, '_> {
    /// Warns of what the call's result rests on.
    pub(super) fn warn_of_inferred(&self) {
        let name = self.call.name.text.as_str();
        if let Some((_, rule)) = RULES.iter().find(|(plugin, _)| *plugin == name) {
            self.inferred(rule);
        }
    }

    pub(super) fn inferred(&self, rule: &str) {
        let name = &self.call.name.text;
        let sentence = format!("the documentation of `{name}` leaves open how it counts: here {rule}");
        self.binder.note(Diagnostic::warning(error::GUESS, self.call.span, sentence));
    }
}
