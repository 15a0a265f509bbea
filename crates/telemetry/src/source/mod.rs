//! Finding what to read: paths to sources.

mod discover;
mod read;
mod recognise;

pub use discover::{Options, discover};
pub use recognise::recognise;

pub use crate::format::{Format, Recognised};

use crate::event::Family;
use crate::input::Input;
use crate::needles::Needles;
use crate::store::Stored;
use std::io;

/// What a user says about a source that its bytes do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The host whose events these are, where they do not say themselves (audit logs without `node=`).
    pub host: Option<String>,
    /// Sumo's `_sourceCategory`; each format has a default.
    pub category: Option<String>,
    /// Sumo's `_collector`.
    pub collector: Option<String>,
    /// The name of the source's own table; by default the file's stem, made an identifier.
    pub table: Option<String>,
    /// A passwd file to name the numeric users of audit logs.
    pub passwd: Option<std::path::PathBuf>,
    /// Minutes that local times of the source are ahead of UTC (portal CSV with `[Local Time]` headers).
    pub utc_offset_minutes: i32,
    /// Decode every event, also those in which nothing is found that a query looks for. The answers are the same: to hold
    /// the two against each other.
    pub decode_all: bool,
    /// On how many threads a source that can't be cut into parts may be read; none says one.
    pub threads: usize,
}

/// One file or stream, or the ordered parts of one log.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name to show: the newest part's for a rotated log.
    pub name: String,
    /// The parts, oldest first.
    pub inputs: Vec<Input>,
    /// What they are.
    pub format: Format,
    /// The families seen in the first bytes. A long file may hold others further on.
    pub seen: Vec<Family>,
    /// What the user said.
    pub settings: Settings,
    /// Where it stands in a store, if it comes from one.
    pub stored: Option<Stored>,
}

impl Source {
    /// The name of the source's own table.
    pub fn table_name(&self) -> String {
        self.settings.table.clone().unwrap_or_else(|| identifier(&self.name))
    }

    /// The bytes of its inputs on disk.
    pub fn size(&self) -> u64 {
        self.inputs.iter().map(Input::size).sum()
    }

    /// The source in parts of about `size` bytes that can be read side by side; their events one after the other are
    /// the source's. Only JSON lines are cut up: what an event of another format means may depend on those before it.
    pub fn parts(&self, size: u64) -> Vec<Source> {
        let json = matches!(self.format, Format::DefenderJson | Format::WindowsJson | Format::JsonLines);
        match self.inputs.as_slice() {
            [input] if json => {
                let parts = crate::formats::json::parts(input, size);
                parts.into_iter().map(|part| Source { inputs: vec![part], ..self.clone() }).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// Of a source in a store, how many frames its originals have, and how many of them are not unpacked for somebody who
    /// looks for needles.
    pub fn frames(&self, needles: Option<&Needles>) -> Option<(usize, usize)> {
        self.stored.as_ref()?;
        let sound = self.format != Format::Syslog;
        let frames = self.inputs.iter().filter_map(|input| input.frames(needles, sound));
        Some(frames.fold((0, 0), |(all, out), (a, o)| (all + a, out + o)))
    }

    /// The lines of a source of JSON lines that begin within these bytes.
    pub fn within(&self, bytes: std::ops::Range<u64>) -> Source {
        Source { inputs: self.inputs.iter().map(|input| input.within(bytes.clone())).collect(), ..self.clone() }
    }

    /// The schema that a Parquet file declares. Its rows are read column by column by an engine of its own, from
    /// [`Input::disk_path`].
    pub fn parquet_schema(&self) -> io::Result<arrow::datatypes::SchemaRef> {
        let path = self.inputs.first().and_then(Input::plain_path);
        let path = path.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "a packed Parquet file"))?;
        let builder =
            parquet::arrow::arrow_reader::ArrowReaderMetadata::load(&std::fs::File::open(path)?, Default::default());
        Ok(builder.map_err(io::Error::other)?.schema().clone())
    }
}

/// A file name as an identifier: the stem, everything but ASCII letters, digits and `_` made `_`.
fn identifier(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = base.trim_start_matches('.').split('.').next().unwrap_or(base);
    let mut id: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if id.is_empty() || id == "_stdin_" {
        id = "stdin".to_owned();
    }
    if id.starts_with(|c: char| c.is_ascii_digit()) {
        id.insert(0, '_');
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        assert_eq!(identifier("/a/b/my-events.2024.jsonl.gz"), "my_events");
        assert_eq!(identifier("2024.csv"), "_2024");
        assert_eq!(identifier("<stdin>"), "stdin");
        assert_eq!(identifier(".hidden.json"), "hidden");
    }

    #[test]
    fn format_names_come_back() {
        for f in Format::ALL {
            assert_eq!(Format::from_name(f.name()), Some(f));
        }
    }
}
