//! Bytes → events → Arrow batches.
//!
//! A **source** is one file or stream (or, for rotated logs, an ordered group of files) whose format is recognised by
//! its content. A format's [`Reader`] turns bytes into [`Event`]s, of which only the asked fields are decoded. A
//! **view** (a table's or a message's shape) says, in data, which of the source's fields feeds each column. A **scan**
//! reads a source through a view into Arrow batches.
//!
//! This crate knows bytes, formats and fields. It knows no query language and no query engine.

pub mod event;
pub mod format;
pub mod formats;
pub mod input;
pub mod lines;
pub mod logsource;
pub mod needles;
pub mod report;
pub mod scan;
pub mod source;
pub mod store;
pub mod time;
pub mod types;
pub mod view;

pub use event::{Event, Family, Kind, Late, RawText, Reader, Request, Sink, Value};
pub use format::Format;
pub use input::Input;
pub use logsource::LogSource;
pub use report::{Damage, Report};
pub use source::Source;
pub use types::ColumnType;
pub use view::View;
