//! Events as they were recorded.

use super::{Place, by_source};
use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use parallax_engine::Session;
use parallax_telemetry::{Report, scan, view};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// The most bytes of an event that are kept.
const MOST: usize = 16 * 1024;

/// The text of each event as it stood in its file (of an EVTX record, its XML), cut where it is very long. A file is
/// read as far as its last wanted event.
pub fn raw_events(session: &Session, places: &[Place]) -> HashMap<Place, String> {
    let wanted = by_source(places);
    let mut found = HashMap::new();
    let fields = vec!["_raw".to_owned()];
    let columns: Vec<String> = ["_raw", "$source", "$record"].map(str::to_owned).to_vec();
    for source in session.sources() {
        let names = source.inputs.iter().map(|i| i.name());
        let mut left: HashSet<Place> = names
            .filter_map(|name| wanted.get(&name).map(|records| (name, records)))
            .flat_map(|(name, records)| records.iter().map(move |r| (name.clone(), *r)))
            .collect();
        if left.is_empty() {
            continue;
        }
        let view = view::messages(&fields, false);
        // What cannot be read was told when the findings were made.
        let report = Report::new();
        let _ = scan::scan(source, &view, &columns, 256, &report, &mut |batch| {
            let text = |column: usize, row: usize| {
                let column = batch.column(column);
                column.as_string_view_opt().filter(|c| c.is_valid(row)).map(|c| c.value(row))
            };
            let records = batch.column(2).as_primitive_opt::<Int64Type>();
            for row in 0..batch.num_rows() {
                let Some(record) = records.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else { continue };
                let Some(name) = text(1, row) else { continue };
                let place = (name.to_owned(), record);
                if left.remove(&place)
                    && let Some(raw) = text(0, row)
                {
                    found.insert(place, cut(raw));
                }
            }
            if left.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    found
}

fn cut(text: &str) -> String {
    if text.len() <= MOST {
        return text.to_owned();
    }
    let mut end = MOST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n… cut: {} of {} bytes are shown", &text[..end], end, text.len())
}
