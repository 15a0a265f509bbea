//! The records of a file, one after the other, as texts.

use parallax_catalog::external::{Field, FileFormat, Layout, Step};
use parallax_telemetry::{Input, Report};
use sonic_rs::PointerNode;
use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

/// The largest file that is read at once: JSON over several lines, and raw text.
const MOST: u64 = 1 << 30;

/// What is done with the values of each record.
pub(super) type Each<'e> = dyn FnMut(&[Option<Cow<'_, str>>]) -> ControlFlow<()> + 'e;

/// Goes through the records of a file. `None` is a value that the record does not have. A JSON value is its JSON.
pub(super) fn records(input: &Input, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    match layout.format {
        FileFormat::Delimited(separator) => delimited(input, separator, layout, report, each),
        FileFormat::Lines => lines(input, layout, report, &mut |line, _| {
            let only = |f: &Field| matches!(f, Field::At(0)).then_some(Cow::Borrowed(line));
            each(&layout.fields.iter().map(only).collect::<Vec<_>>())
        }),
        FileFormat::Raw => {
            let text = whole(input, report)?;
            let only = |f: &Field| matches!(f, Field::At(0)).then_some(Cow::Borrowed(text.as_str()));
            let _ = each(&layout.fields.iter().map(only).collect::<Vec<_>>());
            Ok(())
        }
        FileFormat::JsonLines => {
            let name = input.name();
            lines(input, layout, report, &mut |line, number| match object(line) {
                true => each(&json_fields(line, layout)),
                false => {
                    report.damage(&name, Some(number), "this line is no JSON object");
                    ControlFlow::Continue(())
                }
            })
        }
        FileFormat::Json => json(input, layout, report, each),
    }
}

fn delimited(input: &Input, separator: u8, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(without_mark(input)?);
    let mut record = csv::ByteRecord::new();
    let mut first = layout.skip_first;
    let mut before = 0;
    while reader.read_byte_record(&mut record).map_err(io::Error::other)? {
        report.add_bytes(reader.position().byte() - before);
        before = reader.position().byte();
        if std::mem::take(&mut first) {
            continue;
        }
        let values = layout.fields.iter().map(|field| match field {
            Field::At(at) => record.get(*at).map(String::from_utf8_lossy),
            Field::Path(_) => None,
        });
        if each(&values.collect::<Vec<_>>()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Lines that are not empty, with their numbers.
fn lines(
    input: &Input,
    layout: &Layout,
    report: &Report,
    each: &mut dyn FnMut(&str, u64) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut reader = without_mark(input)?;
    let mut first = layout.skip_first;
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let n = reader.read_until(b'\n', &mut bytes)?;
        if n == 0 {
            break;
        }
        report.add_bytes(n as u64);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        if line.is_empty() || std::mem::take(&mut first) {
            continue;
        }
        if each(line, number).is_break() {
            break;
        }
    }
    Ok(())
}

fn json(input: &Input, layout: &Layout, report: &Report, each: &mut Each<'_>) -> io::Result<()> {
    let text = whole(input, report)?;
    let name = input.name();
    let mut first = layout.skip_first;
    let mut one = |value: &str| {
        if std::mem::take(&mut first) {
            return ControlFlow::Continue(());
        }
        match object(value) {
            true => each(&json_fields(value, layout)),
            false => {
                report.damage(&name, None, "a record is no JSON object");
                ControlFlow::Continue(())
            }
        }
    };
    let mut at = 0;
    // Whether the values stand in an array, and another may follow.
    let mut inside = false;
    while let Some(begin) = text[at..].find(|c: char| !c.is_whitespace()) {
        at += begin;
        match (&text.as_bytes()[at], inside) {
            (b'[', false) => inside = true,
            (b']', true) => inside = false,
            (b',', true) => {}
            _ => match extent(&text[at..]) {
                Ok(length) => {
                    if one(&text[at..at + length]).is_break() {
                        break;
                    }
                    at += length;
                    continue;
                }
                Err(why) => {
                    report.damage(&name, Some(at as u64), format!("no JSON from here on: {why}"));
                    return Ok(());
                }
            },
        }
        at += 1;
    }
    if inside && at >= text.len() {
        report.damage(&name, Some(at as u64), "the file ends within an array");
    }
    Ok(())
}

/// Where the JSON value ends with which a text begins. What is between its brackets is not looked at.
fn extent(text: &str) -> Result<usize, &'static str> {
    // Parsers go as deep as the text does.
    const DEEPEST: usize = 128;
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err("it is nested too deeply");
                }
            }
            b'}' | b']' if depth == 0 => return if at == 0 { Err("a bracket closes nothing") } else { Ok(at) },
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ if depth == 0 && at > 0 && (byte == b',' || byte.is_ascii_whitespace()) => return Ok(at),
            _ => {}
        }
    }
    if depth == 0 && !quoted { Ok(text.len()) } else { Err("the file ends within a value") }
}

/// Whether a text is one JSON object.
fn object(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('{')
        && extent(text) == Ok(text.len())
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The values of a JSON object. A JSON null is none.
fn json_fields<'t>(object: &'t str, layout: &Layout) -> Vec<Option<Cow<'t, str>>> {
    let value = |field: &Field| {
        let Field::Path(steps) = field else { return None };
        let path = steps.iter().map(|step| match step {
            Step::Member(name) => PointerNode::Key(name.as_str().to_owned().into()),
            Step::Element(at) => PointerNode::Index(*at),
        });
        let value = match steps.is_empty() {
            true => Cow::Borrowed(object),
            false => Cow::Owned(sonic_rs::get(object, path).ok()?.as_raw_str().to_owned()),
        };
        (value != "null").then_some(value)
    };
    layout.fields.iter().map(value).collect()
}

/// The names in a file's records, in the order in which they first come: a header's, or those of the first objects.
pub(super) fn names(input: &Input, format: FileFormat) -> io::Result<Vec<String>> {
    const LOOKED_AT: usize = 10_000;
    let mut names: Vec<String> = Vec::new();
    let mut seen = 0;
    let quiet = Report::new();
    let fields = match format {
        FileFormat::Delimited(separator) => {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(separator)
                .has_headers(false)
                .flexible(true)
                .from_reader(without_mark(input)?);
            let mut record = csv::ByteRecord::new();
            reader.read_byte_record(&mut record).map_err(io::Error::other)?;
            return Ok(record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect());
        }
        _ => vec![Field::Path(Vec::new())],
    };
    let layout = Layout { format, skip_first: false, fields };
    records(input, &layout, &quiet, &mut |values| {
        let object = values.first().and_then(Option::as_deref).unwrap_or("{}");
        for (key, _) in sonic_rs::to_object_iter(object).map_while(Result::ok) {
            if !names.iter().any(|n| *n == *key) {
                names.push(key.to_string());
            }
        }
        seen += 1;
        if seen < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(names)
}

/// The text without a byte order mark.
fn without_mark(input: &Input) -> io::Result<Box<dyn BufRead + Send>> {
    let mut reader = input.open_text()?;
    if reader.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        reader.consume(3);
    }
    Ok(reader)
}

fn whole(input: &Input, report: &Report) -> io::Result<String> {
    let mut bytes = Vec::new();
    let n = without_mark(input)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if n as u64 > MOST {
        return Err(io::Error::other("more than 1 GiB of JSON in one piece; write one object a line, as `json`"));
    }
    report.add_bytes(n as u64);
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const FORMATS: [FileFormat; 5] =
        [FileFormat::Delimited(b','), FileFormat::Lines, FileFormat::Raw, FileFormat::JsonLines, FileFormat::Json];

    /// The values of each record, and how many things could not be read.
    fn read(bytes: &[u8], format: FileFormat, fields: Vec<Field>) -> (Vec<Vec<Option<String>>>, u64) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let input = Input::sniff(file.path()).unwrap();
        let (report, mut all) = (Report::new(), Vec::new());
        let layout = Layout { format, skip_first: false, fields };
        let done = records(&input, &layout, &report, &mut |values| {
            all.push(values.iter().map(|v| v.as_deref().map(str::to_owned)).collect());
            ControlFlow::Continue(())
        });
        (all, report.damaged() + u64::from(done.is_err()))
    }

    fn member(name: &str) -> Field {
        Field::Path(vec![Step::Member(name.to_owned())])
    }

    #[test]
    fn json_that_is_cut_or_spoilt_is_damage() {
        let a = |text: &str| read(text.as_bytes(), FileFormat::Json, vec![member("a")]);
        let one = || vec![vec![Some("1".to_owned())]];
        assert_eq!(a("{\"a\":1}"), (one(), 0));
        assert_eq!(a(" [ {\"a\" : 1} ] \n"), (one(), 0));
        assert_eq!(a("{\"a\":1}\n{\"a\":"), (one(), 1));
        assert_eq!(a("{\"a\":1} x"), (one(), 1));
        assert_eq!(a("[{\"a\":1}, 5]"), (one(), 1));
        assert_eq!(a(""), (vec![], 0));
        assert_eq!(a("{\"b\":1}{\"a\":null}"), (vec![vec![None], vec![None]], 0));
    }

    /// Whatever the bytes are: no panic, no endless loop, and of an even cut nothing is taken twice.
    #[test]
    fn hostile_bytes() {
        let seeds: [&[u8]; 6] = [
            b"a,b\n\"c\nd\",\"e\"\"\"\n,,\r\n",
            b"{\"a\":{\"b\":[1,{\"c\":\"\\u00e9\"}]}}\n{\"a\":[]}\n",
            b"[[[{\"a\":1}]],{\"a\":\"\\ud800\"}]",
            b"\xef\xbb\xbf\xff\xfe\x00\n\n{",
            b"\x1f\x8b\x08\x00",
            b"{\"a\":1,\"a\":2}{\"\":{}}",
        ];
        let fields =
            || vec![Field::At(0), Field::At(7), member("a"), Field::Path(vec![]), Field::Path(vec![Step::Element(1)])];
        for seed in seeds {
            for cut in 0..=seed.len() {
                for format in FORMATS {
                    let (rows, _) = read(&seed[..cut], format, fields());
                    assert!(rows.len() <= cut.max(1), "{format:?} of {:?}", &seed[..cut]);
                }
            }
        }
        let deep = [b"[".repeat(100_000), b"{\"a\":".repeat(100_000)].concat();
        for format in FORMATS {
            read(&deep, format, fields());
        }
    }
}
