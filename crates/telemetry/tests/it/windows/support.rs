//! Reading into memory, for comparing.

use parallax_telemetry::event::{Event, Kind, Reader, Request, Value};
use parallax_telemetry::input::{Compression, Input};
use parallax_telemetry::report::Report;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// An event with its values as text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) position: u64,
    pub(crate) values: Vec<Option<String>>,
}

/// The text by which a value is compared.
pub(crate) fn shown(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Missing => return None,
        Value::Text(text) | Value::Json(text) => text.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Real(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Time(t) => format!("t{t}"),
    })
}

pub(crate) fn request(fields: &[&str]) -> Request {
    Request { fields: fields.iter().map(|f| (*f).to_owned()).collect(), ..Request::default() }
}

/// Everything that `reader` gives for `request`.
pub(crate) fn read(reader: &mut dyn Reader, request: &Request) -> (Vec<Seen>, Report) {
    let report = Report::new();
    let mut seen = Vec::new();
    let mut sink = |e: &Event<'_>| {
        seen.push(Seen { kind: e.kind, position: e.position, values: e.values.iter().map(shown).collect() });
        ControlFlow::Continue(())
    };
    reader.read(request, &report, &mut sink).expect("the reader goes on");
    (seen, report)
}

/// A plain file as an input.
pub(crate) fn input(path: &Path) -> Input {
    Input::file(path, Compression::None)
}

/// All files below `folder` that end in `.extension`, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The folder that an environment variable names; says so where it does not.
pub(crate) fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    folder
}
