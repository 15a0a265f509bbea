//! Functions with several results: each a column of its own in `extend`, `project` and `print`.
//!
//! | function | columns |
//! |---|---|
//! | `series_stats(x)`, `series_fit_line(x)`, `series_decompose(x)`, … | `series_stats_x_min`, … |
//! | `array_sort_asc(a, b)`, `array_sort_desc` | `a_sorted`, `b_sorted` |

use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::names::suggested;
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call, try_invoke};
use crate::syntax::tree::{Call, Expr, ExprKind};

const STATS: [(&str, Type); 7] = [
    ("min", Type::Real),
    ("min_idx", Type::Long),
    ("max", Type::Real),
    ("max_idx", Type::Long),
    ("avg", Type::Real),
    ("stdev", Type::Real),
    ("variance", Type::Real),
];

const FIT_LINE: [(&str, Type); 6] = [
    ("rsquare", Type::Real),
    ("slope", Type::Real),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("interception", Type::Real),
    ("line_fit", Type::Dynamic),
];

const FIT_2LINES: [(&str, Type); 15] = [
    ("rsquare", Type::Real),
    ("split_idx", Type::Long),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("line_fit", Type::Dynamic),
    ("right_rsquare", Type::Real),
    ("right_slope", Type::Real),
    ("right_interception", Type::Real),
    ("right_variance", Type::Real),
    ("right_rvariance", Type::Real),
    ("left_rsquare", Type::Real),
    ("left_slope", Type::Real),
    ("left_interception", Type::Real),
    ("left_variance", Type::Real),
    ("left_rvariance", Type::Real),
];

const DECOMPOSE: [(&str, Type); 4] =
    [("baseline", Type::Dynamic), ("seasonal", Type::Dynamic), ("trend", Type::Dynamic), ("residual", Type::Dynamic)];

const ANOMALIES: [(&str, Type); 3] =
    [("ad_flag", Type::Dynamic), ("ad_score", Type::Dynamic), ("baseline", Type::Dynamic)];

const FIT_POLY: [(&str, Type); 5] = [
    ("rsquare", Type::Real),
    ("coefficients", Type::Dynamic),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("poly_fit", Type::Dynamic),
];

const FOURIER: [(&str, Type); 2] = [("real", Type::Dynamic), ("imag", Type::Dynamic)];

const PERIODS: [(&str, Type); 2] = [("periods", Type::Dynamic), ("scores", Type::Dynamic)];

impl Binder<'_> {
    /// The results with their names, where the expression has several.
    pub(crate) fn several_results(&self, expr: &Expr, rows: &Rows<'_>) -> Result<Option<Vec<(String, Value)>>> {
        let ExprKind::Call(call) = &expr.kind else { return Ok(None) };
        let name = call.name.text.as_str();
        match name {
            "series_stats" => self.members_of(call, "series_stats_dynamic", &STATS, rows).map(Some),
            "series_fit_line" => self.members_of(call, "series_fit_line_dynamic", &FIT_LINE, rows).map(Some),
            "series_fit_2lines" => self.members_of(call, "series_fit_2lines_columns", &FIT_2LINES, rows).map(Some),
            "series_decompose" | "series_decompose_forecast" => {
                self.members_of(call, &format!("{name}_dynamic"), &DECOMPOSE, rows).map(Some)
            }
            "series_decompose_anomalies" => {
                self.members_of(call, "series_decompose_anomalies_dynamic", &ANOMALIES, rows).map(Some)
            }
            "series_periods_detect" | "series_periods_validate" => {
                self.members_of(call, &format!("{name}_dynamic"), &PERIODS, rows).map(Some)
            }
            "series_fit_poly" => self.members_of(call, "series_fit_poly_dynamic", &FIT_POLY, rows).map(Some),
            "series_fft" | "series_ifft" => self.members_of(call, &format!("{name}_dynamic"), &FOURIER, rows).map(Some),
            "array_sort_asc" | "array_sort_desc" => self.sorted_arrays(call, rows).map(Some),
            _ => Ok(None),
        }
    }

    /// Each member of the bag that a function of the library gives for the call.
    fn members_of(
        &self,
        call: &Call,
        function: &str,
        fields: &[(&str, Type)],
        rows: &Rows<'_>,
    ) -> Result<Vec<(String, Value)>> {
        let name = &call.name.text;
        let args = self.converted_arguments(call, rows)?;
        self.inferred(call, &args)?;
        let of = call.arguments.first().and_then(|a| suggested(&a.value)).unwrap_or_default();
        let Some(bag) = try_invoke(function, &args, Type::Dynamic, call.span)? else {
            return fail(error::NO_FUNCTION, call.span, format!("this form of `{name}` is not supported"));
        };
        fields
            .iter()
            .map(|(field, ty)| {
                let key = Value::string(*field).expr;
                let member = Value::new(raw_call("kql_member", vec![bag.expr.clone(), key], call.span)?, Type::Dynamic);
                Ok((format!("{name}_{of}_{field}"), convert(member, *ty, call.span)?))
            })
            .collect()
    }

    /// The first array sorted, and the others in the same order.
    fn sorted_arrays(&self, call: &Call, rows: &Rows<'_>) -> Result<Vec<(String, Value)>> {
        let mut args = Vec::new();
        let mut names = Vec::new();
        for a in &call.arguments {
            let value = self.scalar(&a.value, rows)?;
            if value.ty == Type::Dynamic {
                names.push(suggested(&a.value).unwrap_or_default());
            }
            args.push(value);
        }
        let count = names.len();
        let all = crate::plan::value::invoke(&call.name.text, args, Type::Dynamic, call.span)?;
        let mut results = Vec::with_capacity(count);
        for (at, name) in names.into_iter().enumerate() {
            let value = if count == 1 {
                all.clone()
            } else {
                let at = Value::long(at as i64).expr;
                Value::new(raw_call("kql_element", vec![all.expr.clone(), at], call.span)?, Type::Dynamic)
            };
            results.push((format!("{name}_sorted"), value.folded()));
        }
        Ok(results)
    }
}
