//! Functions whose documentation leaves a rule open: each call of one is planned with a warning that names the rule.

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::value::Value;
use crate::syntax::tree::Call;
use datafusion::common::ScalarValue;
use parallax_diagnostics::Diagnostic;

const SEASON: &str = "the season's length is found by autocorrelation (give it to be sure)";
const FENCES: &str = "an anomaly's score is its distance from the nearer percentile in lengths of the range between them, \
                      scaled by the normal distribution";
const SPLIT: &str = "the split is the first point of the right line, and each line counts its points from 1";

/// Arguments that choose one of a few words.
const CHOICES: &[(&str, usize, &[&str])] = &[
    ("series_decompose", 2, TRENDS),
    ("series_decompose_anomalies", 3, TRENDS),
    ("series_decompose_anomalies", 5, FENCE_KINDS),
    ("series_decompose_forecast", 3, TRENDS),
    ("series_outliers", 1, FENCE_KINDS),
];
const TRENDS: &[&str] = &["avg", "linefit", "none"];
const FENCE_KINDS: &[&str] = &["ctukey", "tukey"];

impl Binder<'_> {
    /// Refuses a word that an argument cannot be, and warns of what the call's result rests on.
    pub(super) fn inferred(&self, call: &Call, arguments: &[Value]) -> Result<()> {
        let name = call.name.text.as_str();
        for (_, at, words) in CHOICES.iter().filter(|(function, ..)| *function == name) {
            let (Some(value), Some(written)) = (arguments.get(*at), call.arguments.get(*at)) else { continue };
            if value.clone().folded().text().is_some_and(|text| !words.contains(&text)) {
                let known = words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(", ");
                return fail(error::OPTION, written.span, format!("`{name}` knows {known} here"));
            }
        }
        let detects = |at: usize| {
            let given = arguments.get(at).map(|v| v.clone().folded());
            given.is_none_or(|v| {
                !matches!(v.constant(), Some(ScalarValue::Int32(Some(n))) if *n >= 0)
                    && !matches!(v.constant(), Some(ScalarValue::Int64(Some(n))) if *n >= 0)
            })
        };
        let season = |at: usize| detects(at).then_some(SEASON);
        let rules: Vec<&str> = match name {
            "series_decompose" | "series_seasonal" => season(1).into_iter().collect(),
            "series_decompose_forecast" => season(2).into_iter().collect(),
            "series_decompose_anomalies" => season(2).into_iter().chain([FENCES]).collect(),
            "series_periods_detect" | "series_periods_validate" => vec![SEASON],
            "series_outliers" => vec![FENCES],
            "series_fit_2lines" | "series_fit_2lines_dynamic" => vec![SPLIT],
            _ => return Ok(()),
        };
        if !rules.is_empty() {
            let sentence =
                format!("the documentation of `{name}` leaves open how it counts: here {}", rules.join(", and "));
            self.note(Diagnostic::warning(error::GUESS, call.span, sentence));
        }
        Ok(())
    }
}
