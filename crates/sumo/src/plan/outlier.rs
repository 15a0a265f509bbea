//! `outlier`: values that lie far from the mean of those before them.
//!
//! Documented: mean and standard deviation of the trailing `window` points, bounds at `threshold` deviations, an
//! indicator for a point outside of them, a violation for `consecutive` indicators in a row. Not documented, and decided
//! here: the window ends before the point that is judged, the deviation is that of a sample, and a point with fewer
//! than two before it is none. The newest slice of the query is not left out, since recorded data have no slice that is
//! still filling.

use super::rows::{Rows, column, same};
use super::values::{Ty, Value, choose, coalesce};
use super::{Planner, Planning, built, codes};
use crate::syntax::At;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::{average::avg_udaf, stddev::stddev_udaf, sum::sum_udaf};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, lit,
};
use parallax_diagnostics::Diagnostic;

/// What the operator's arguments say.
struct Options {
    field: String,
    by: Vec<String>,
    window: u64,
    threshold: f64,
    consecutive: u64,
    up: bool,
    down: bool,
}

impl Planner<'_> {
    pub(super) fn outlier(&mut self, rows: &mut Rows, arguments: &str, at: At) -> Planning<()> {
        let options = read(arguments).ok_or_else(|| {
            Diagnostic::error(codes::BAD_ARGUMENT, at.0, "these are no arguments of `outlier`")
                .help("write `outlier field by f, g window=10, threshold=3, consecutive=1, direction=+-`")
        })?;
        let Some(slice) = rows.fields.iter().find(|f| same(&f.name, "_timeslice") || f.ty == Ty::Time).cloned() else {
            return self.refuse(
                at,
                "`outlier` needs time slices",
                "put `timeslice 1h` before, and group by `_timeslice`",
            );
        };
        let value = self.field(rows, &options.field, at)?.to_double();
        let mut partition = Vec::new();
        for name in &options.by {
            partition.push(self.field(rows, name, at)?.expr);
        }
        let over = |function: WindowFunctionDefinition, argument: Expr, from: u64, to: u64| {
            let bound = |n: u64| match n {
                0 => WindowFrameBound::CurrentRow,
                n => WindowFrameBound::Preceding(ScalarValue::UInt64(Some(n))),
            };
            let frame = WindowFrame::new_bounds(WindowFrameUnits::Rows, bound(from), bound(to));
            let call = Expr::from(WindowFunction::new(function, vec![argument]));
            let order = vec![column(&slice.id).sort(true, true)];
            built(call.partition_by(partition.clone()).order_by(order).window_frame(frame).build(), at)
        };
        let (mean, deviation) = (self.id(), self.id());
        let windows = vec![
            over(avg_udaf().into(), value.clone(), options.window, 1)?.alias(&mean),
            over(stddev_udaf().into(), value.clone(), options.window, 1)?.alias(&deviation),
        ];
        rows.plan = built(rows.builder().window(windows).and_then(LogicalPlanBuilder::build), at)?;
        rows.chain.extend([mean.clone(), deviation.clone()]);
        let reach = column(&deviation) * lit(options.threshold);
        let (lower, upper) = (column(&mean) - reach.clone(), column(&mean) + reach);
        let above = if options.up { value.clone().gt(upper.clone()) } else { lit(false) };
        let below = if options.down { value.clone().lt(lower.clone()) } else { lit(false) };
        let field = &options.field;
        let double = |expr| Value::new(expr, Ty::Double);
        self.assign(rows, &format!("{field}_error"), &double(value - column(&mean)), at)?;
        self.assign(rows, &format!("{field}_lower"), &double(lower), at)?;
        self.assign(rows, &format!("{field}_upper"), &double(upper), at)?;
        self.assign(rows, &format!("{field}_std"), &double(column(&deviation)), at)?;
        let outside = Value::new(choose(above.or(below), lit(1i64), lit(0i64)), Ty::Long);
        let indicator = self.assign(rows, &format!("{field}_indicator"), &outside, at)?;
        let run = self.id();
        let sum = over(sum_udaf().into(), column(&indicator), options.consecutive - 1, 0)?.alias(&run);
        rows.plan = built(rows.builder().window(vec![sum]).and_then(LogicalPlanBuilder::build), at)?;
        rows.chain.push(run.clone());
        let enough =
            coalesce(column(&run), lit(0i64)).gt_eq(lit(i64::try_from(options.consecutive).unwrap_or(i64::MAX)));
        let violation = Value::new(choose(enough, lit(1i64), lit(0i64)), Ty::Long);
        self.assign(rows, &format!("{field}_violation"), &violation, at)?;
        rows.chain.clear();
        Ok(())
    }
}

/// `field [by a, b] [window=5, threshold=3, consecutive=2, direction=+-]`
fn read(arguments: &str) -> Option<Options> {
    let words: Vec<&str> = arguments.split([',', ' ', '\t', '\n', '\r']).filter(|w| !w.is_empty()).collect();
    let (field, rest) = words.split_first()?;
    let name = |text: &str| text.trim_start_matches("%\"").trim_end_matches('"').to_owned();
    let mut options = Options {
        field: name(field),
        by: Vec::new(),
        window: 10,
        threshold: 3.0,
        consecutive: 1,
        up: true,
        down: true,
    };
    for word in rest {
        let Some((key, value)) = word.split_once('=') else {
            if !word.eq_ignore_ascii_case("by") {
                options.by.push(name(word));
            }
            continue;
        };
        match key.to_ascii_lowercase().as_str() {
            "window" => options.window = value.parse().ok().filter(|n| (1..=1000).contains(n))?,
            "threshold" => options.threshold = value.parse().ok()?,
            "consecutive" => options.consecutive = value.parse().ok().filter(|n| (1..=1000).contains(n))?,
            "direction" => (options.up, options.down) = (value.contains('+'), value.contains('-')),
            _ => return None,
        }
    }
    Some(options)
}
