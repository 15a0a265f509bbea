//! Findings, as they come.

use super::forms::{Form, Parts, columns, row};
use crate::args::{FindingFormat, Format};
use crate::output::{Rows, to_stdout};
use crate::progress::Progress;
use crate::say;
use parallax_detect::{Finding, Pen, Pens, TakeFindings};
use parallax_report::navigator::Layer;
use parallax_report::sarif;
use std::io::{self, IsTerminal, Write, stdout};

/// Writes findings as they come.
pub(super) struct Writer<'p> {
    to: To,
    /// Bar and findings would stand on one line of a terminal.
    progress: Option<&'p Progress>,
}

enum To {
    Text(Text),
    Rows(Box<dyn Rows>),
    Navigator(Layer),
    Sarif(sarif::Found),
}

/// What pens write.
struct Text {
    form: Form,
    pen: Box<dyn Pen>,
    out: io::Stdout,
    /// What is not yet written out.
    text: Vec<u8>,
    any: bool,
}

/// So much is written at once.
const ROOM: usize = 64 << 10;

impl<'p> Writer<'p> {
    pub(super) fn new(format: FindingFormat, progress: &'p Progress) -> io::Result<Self> {
        let to = match (format, Form::of(format)) {
            (_, Some(form)) => {
                let (pen, text) = (form.pen(), form.beginning()?);
                To::Text(Text { form, pen, out: stdout(), text, any: false })
            }
            (FindingFormat::Navigator, None) => To::Navigator(Layer::default()),
            (FindingFormat::Sarif, None) => To::Sarif(sarif::Found::default()),
            (_, None) => To::Rows(to_stdout(Format::Parquet, columns())?),
        };
        Ok(Writer { to, progress: stdout().is_terminal().then_some(progress) })
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self.to {
            To::Text(mut text) => {
                text.text.extend(text.form.end(text.any).bytes());
                text.write_out()?;
                text.out.flush()
            }
            To::Rows(out) => out.finish(),
            To::Navigator(layer) => {
                if layer.without() > 0 {
                    let n = say::count(layer.without(), "finding is", "findings are");
                    say::line(&format!("note: {n} not in the layer: the detection names no technique"));
                }
                print(&layer.json("Parallax", "The number of findings of each technique"))
            }
            To::Sarif(found) => {
                if found.left_out() > 0 {
                    let n = say::count(found.left_out(), "finding is", "findings are");
                    say::line(&format!(
                        "warning: {n} left out: a SARIF log has no more than {} results",
                        sarif::RESULTS
                    ));
                }
                print(&found.json(VERSION))
            }
        }
    }
}

impl TakeFindings for Writer<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        if let Some(progress) = self.progress {
            progress.clear();
        }
        match &mut self.to {
            To::Text(text) => text.finding(finding).and_then(|()| text.shown(self.progress)),
            To::Rows(out) => out.row(&row(finding, &Parts::of(finding))),
            To::Navigator(layer) => {
                layer.add(finding);
                Ok(())
            }
            To::Sarif(found) => {
                found.add(finding);
                Ok(())
            }
        }
    }

    fn pens(&self) -> Option<Pens> {
        let To::Text(Text { form, .. }) = &self.to else { return None };
        let form = form.clone();
        Some(Box::new(move || form.pen()))
    }

    fn written(&mut self, written: &[u8]) -> io::Result<()> {
        if let Some(progress) = self.progress {
            progress.clear();
        }
        match &mut self.to {
            To::Text(text) => text.written(written).and_then(|()| text.shown(self.progress)),
            _ => Err(io::Error::other("findings were written in a form that is not asked for")),
        }
    }
}

impl Text {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let begin = self.text.len();
        self.pen.write(finding, &mut self.text);
        if !std::mem::replace(&mut self.any, true) {
            self.text.drain(begin..begin + self.form.before_first());
        }
        if self.text.len() >= ROOM { self.write_out() } else { Ok(()) }
    }

    fn written(&mut self, written: &[u8]) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.any, true);
        let written = &written[if first { self.form.before_first() } else { 0 }..];
        if self.text.len() + written.len() >= ROOM {
            self.write_out()?;
        }
        if written.len() >= ROOM {
            return self.out.write_all(written);
        }
        self.text.extend_from_slice(written);
        Ok(())
    }

    /// Who looks on sees findings as they come.
    fn shown(&mut self, terminal: Option<&Progress>) -> io::Result<()> {
        if terminal.is_some() { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn print(value: &serde_json::Value) -> io::Result<()> {
    writeln!(stdout(), "{}", serde_json::to_string_pretty(value).unwrap_or_default())
}
