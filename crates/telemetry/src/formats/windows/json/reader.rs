//! Files of Windows events in JSON.

use super::super::gather::Compiled;
use super::decode::{Decoded, decode};
use super::elements::Elements;
use super::shape::Shape;
use crate::event::{Event, Reader, Request, Sink, Value};
use crate::input::Input;
use crate::lines::Lines;
use crate::report::Report;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

/// Reads JSON: one event a line, objects over several lines, or one array of events. Shapes may be mixed.
pub struct JsonReader {
    inputs: Vec<Input>,
}

impl JsonReader {
    /// A reader of `inputs`, one after the other.
    pub fn new(inputs: Vec<Input>) -> Self {
        JsonReader { inputs }
    }
}

impl Reader for JsonReader {
    fn read(&mut self, request: &Request, report: &Report, sink: &mut dyn Sink) -> io::Result<()> {
        let compiled = Compiled::new(request);
        for (file, input) in self.inputs.iter().enumerate() {
            let name = input.name();
            let mut one = One {
                compiled: &compiled,
                report,
                sink,
                name: &name,
                file: file as u32,
                shape: None,
                others: 0,
                values: Vec::new(),
            };
            let flow = match one.read(input) {
                Ok(flow) => flow,
                Err(e) => {
                    report.damage(&name, None, e.to_string());
                    continue;
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// One file being read.
struct One<'r> {
    compiled: &'r Compiled,
    report: &'r Report,
    sink: &'r mut dyn Sink,
    name: &'r str,
    file: u32,
    /// The last event's shape: the next one's, nearly always.
    shape: Option<Shape>,
    others: u64,
    values: Vec<Value<'static>>,
}

impl One<'_> {
    fn read(&mut self, input: &Input) -> io::Result<ControlFlow<()>> {
        let mut reader = super::super::utf16::decoded(input.open()?);
        let flow = if is_document(reader.fill_buf()?) { self.elements(reader)? } else { self.lines(reader)? };
        if self.others > 0 {
            self.report.note("JSON objects that are no Windows event", self.others);
        }
        Ok(flow)
    }

    fn lines(&mut self, reader: Box<dyn BufRead + Send>) -> io::Result<ControlFlow<()>> {
        let mut lines = Lines::new(reader);
        while let Some(line) = lines.next()? {
            if let Some(length) = line.oversized {
                self.report.add_bytes(length);
                self.report.damage(self.name, Some(line.offset), format!("a line of {length} bytes was passed over"));
                continue;
            }
            self.report.add_bytes(line.bytes.len() as u64 + 1);
            if self.object(line.bytes, line.offset).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn elements(&mut self, reader: Box<dyn BufRead + Send>) -> io::Result<ControlFlow<()>> {
        let mut elements = Elements::new(reader);
        let mut read = 0;
        while let Some(element) = elements.next()? {
            if element.oversized {
                self.report.damage(self.name, Some(element.offset), "an object longer than 16 MiB was passed over");
            } else if !element.whole {
                self.report.damage(self.name, Some(element.offset), "the file ends within this object");
            } else if self.object(element.bytes, element.offset).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.report.add_bytes(elements.read() - read);
            read = elements.read();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn object(&mut self, bytes: &[u8], offset: u64) -> ControlFlow<()> {
        let bytes = bytes.trim_ascii();
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.is_empty() {
            return ControlFlow::Continue(());
        }
        let text = String::from_utf8_lossy(bytes);
        let mut values: Vec<Value<'_>> = std::mem::take(&mut self.values);
        let mut decoded = match self.shape {
            Some(shape) => decode(&text, shape, self.compiled, &mut values),
            None => Decoded::NotThis,
        };
        if decoded == Decoded::NotThis
            && let Some(shape) = Shape::of(&text)
        {
            self.shape = Some(shape);
            decoded = decode(&text, shape, self.compiled, &mut values);
        }
        let mut flow = ControlFlow::Continue(());
        match decoded {
            Decoded::Event { kind, recovered } => {
                if recovered > 0 {
                    self.report.note("events recovered from malformed text", 1);
                }
                self.report.add_events(1);
                flow = self.sink.event(&Event { kind, file: self.file, position: offset, values: &values });
            }
            Decoded::Unwanted => {}
            Decoded::Broken(reason) => self.report.damage(self.name, Some(offset), reason),
            Decoded::NotThis => match sonic_rs::from_str::<serde::de::IgnoredAny>(&text) {
                Ok(_) => self.others += 1,
                Err(e) => {
                    let reason = e.to_string();
                    self.report.damage(self.name, Some(offset), reason.lines().next().unwrap_or("not valid JSON"));
                }
            },
        }
        values.clear();
        self.values = values.into_iter().map(|_| Value::Missing).collect();
        flow
    }
}

/// Whether the text is an array, or its first object goes over several lines.
fn is_document(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin).trim_ascii_start();
    match begin.first() {
        Some(b'[') => true,
        Some(b'{') => {
            let line = begin.split(|b| *b == b'\n').next().unwrap_or(begin).trim_ascii_end();
            begin.len() > line.len() && matches!(line.last(), Some(b'{' | b',' | b'['))
        }
        _ => false,
    }
}
