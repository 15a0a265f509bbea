//! Whether there are events of log sources of which none was decoded.

use crate::execute::Instant;
use parallax_telemetry::logsource::Sorter;
use parallax_telemetry::scan::rows;
use parallax_telemetry::{Format, LogSource, Report, Source, view};
use std::ops::ControlFlow;

/// Looks for events of the log sources that have none so far, until each has one; what is found is counted as one.
///
/// Where events were passed over because they show nothing that a rule looks for, some of these may be among them.
/// What can't be read was told when it was read first. `false` where time is up.
pub(super) fn look<'s>(
    sources: impl Iterator<Item = &'s Source>,
    wanted: &[LogSource],
    seen: &mut [u64],
    deadline: Option<Instant>,
) -> bool {
    let mut missing: Vec<usize> = (0..seen.len()).filter(|at| seen[*at] == 0).collect();
    let report = Report::new();
    let is_late = || deadline.is_some_and(|deadline| deadline <= Instant::now());
    for source in sources.filter(|s| s.format != Format::Parquet) {
        if missing.is_empty() {
            break;
        }
        let some: Vec<LogSource> = missing.iter().map(|at| wanted[*at].clone()).collect();
        let mut sorter = Sorter::new(&some);
        let columns = sorter.columns().to_vec();
        let view = sorter.narrow(&view::logs(&columns));
        let mut found = vec![false; some.len()];
        // What it is called by was told when it was read.
        let _ = rows(source, &view, &columns, &report, &mut |row| {
            sorter.of(row).iter().for_each(|at| found[*at as usize] = true);
            if is_late() || found.iter().all(|f| *f) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let there = |place: usize| found.get(place).copied().unwrap_or(false);
        missing.iter().enumerate().filter(|(place, _)| there(*place)).for_each(|(_, at)| seen[*at] = 1);
        missing.retain(|at| seen[*at] == 0);
    }
    !is_late()
}
