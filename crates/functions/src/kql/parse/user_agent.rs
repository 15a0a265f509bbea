//! `parse_user_agent`: browser, operating system and device, by a list of patterns in the format of the public
//! `regexes.yaml` of uap-core, which a user gives.
//!
//! The format is a small part of YAML: three lists of entries, each a `regex` and what takes the place of its groups.

use crate::kql::json;
use datafusion::common::{Result, exec_err};
use fancy_regex::{Captures, Regex};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

/// How many answers are kept: agents repeat, and each is asked of many patterns.
const KEPT: usize = 16_384;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Family and version of the browser.
    Browser,
    /// Family and version of the operating system.
    System,
    /// Family, brand and model of the device.
    Device,
}

impl Part {
    /// By the language's word.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "browser" => Part::Browser,
            "os" => Part::System,
            "device" => Part::Device,
            _ => return None,
        })
    }

    /// The list's key in the file, the member of the result, and its members with the keys of what replaces them.
    fn layout(self) -> (&'static str, &'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Part::Browser => (
                "user_agent_parsers",
                "Browser",
                &[
                    ("Family", "family_replacement"),
                    ("MajorVersion", "v1_replacement"),
                    ("MinorVersion", "v2_replacement"),
                    ("Patch", "v3_replacement"),
                ],
            ),
            Part::System => (
                "os_parsers",
                "OperatingSystem",
                &[
                    ("Family", "os_replacement"),
                    ("MajorVersion", "os_v1_replacement"),
                    ("MinorVersion", "os_v2_replacement"),
                    ("Patch", "os_v3_replacement"),
                    ("PatchMinor", "os_v4_replacement"),
                ],
            ),
            Part::Device => (
                "device_parsers",
                "Device",
                &[("Family", "device_replacement"), ("Brand", "brand_replacement"), ("Model", "model_replacement")],
            ),
        }
    }
}

/// A pattern and what takes the place of its groups.
#[derive(Debug, Default)]
struct Entry {
    line: usize,
    regex: String,
    flags: String,
    replacements: HashMap<String, String>,
    compiled: OnceLock<Option<Box<Regex>>>,
}

/// The patterns of a file.
#[derive(Debug, Default)]
pub struct UserAgents {
    lists: HashMap<String, Vec<Entry>>,
    answers: Mutex<HashMap<(Part, String), Vec<String>>>,
}

impl UserAgents {
    /// Reads a file of patterns.
    ///
    /// # Errors
    /// A line is not of the format, or the file has none of the three lists.
    pub fn read(text: &str) -> std::result::Result<Self, String> {
        let mut lists: HashMap<String, Vec<Entry>> = HashMap::new();
        let mut list = String::new();
        for (at, line) in text.lines().enumerate() {
            let number = at + 1;
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') || content == "---" {
                continue;
            }
            let (item, pair) = match content.strip_prefix("- ") {
                Some(rest) => (true, rest.trim_start()),
                None => (false, content),
            };
            let wrong = || format!("line {number}: `key: value` is expected");
            let (key, value) = pair.split_once(':').ok_or_else(wrong)?;
            if !line.starts_with([' ', '-']) {
                list = key.trim().to_owned();
                continue;
            }
            let value = scalar(value.trim()).ok_or_else(wrong)?;
            let entries = lists.entry(list.clone()).or_default();
            if item {
                entries.push(Entry { line: number, ..Entry::default() });
            }
            let entry = entries.last_mut().ok_or_else(wrong)?;
            match key.trim() {
                "regex" => entry.regex = value,
                "regex_flag" => entry.flags = value,
                other => {
                    entry.replacements.insert(other.to_owned(), value);
                }
            }
        }
        let known = [Part::Browser, Part::System, Part::Device].map(|p| p.layout().0);
        if !known.iter().any(|k| lists.contains_key(*k)) {
            return Err(format!("none of the lists `{}` is there", known.join("`, `")));
        }
        Ok(UserAgents { lists, answers: Mutex::default() })
    }

    /// What is known of an agent, as JSON.
    ///
    /// # Errors
    /// A pattern is no regular expression.
    pub fn describe(&self, agent: &str, parts: &[Part]) -> Result<String> {
        let mut out = String::from("{");
        for (i, part) in parts.iter().enumerate() {
            let (_, member, names) = part.layout();
            if i > 0 {
                out.push(',');
            }
            json::write_string(&mut out, member);
            out.push_str(":{");
            for (j, ((name, _), value)) in names.iter().zip(self.answer(*part, agent)?).enumerate() {
                if j > 0 {
                    out.push(',');
                }
                json::write_string(&mut out, name);
                out.push(':');
                json::write_string(&mut out, &value);
            }
            out.push('}');
        }
        out.push('}');
        Ok(out)
    }

    fn answer(&self, part: Part, agent: &str) -> Result<Vec<String>> {
        let key = (part, agent.to_owned());
        if let Some(known) = self.answers.lock().ok().and_then(|a| a.get(&key).cloned()) {
            return Ok(known);
        }
        let found = self.find(part, agent)?;
        if let Ok(mut answers) = self.answers.lock()
            && answers.len() < KEPT
        {
            answers.insert(key, found.clone());
        }
        Ok(found)
    }

    /// By the first pattern that matches; of none the family is `Other`.
    fn find(&self, part: Part, agent: &str) -> Result<Vec<String>> {
        let (list, _, names) = part.layout();
        for entry in self.lists.get(list).into_iter().flatten() {
            let regex = entry.compiled.get_or_init(|| {
                let flags = if entry.flags.is_empty() { String::new() } else { format!("(?{})", entry.flags) };
                Regex::new(&format!("{flags}{}", entry.regex)).ok().map(Box::new)
            });
            let Some(regex) = regex else {
                return exec_err!("user agents, line {}: this is not a regular expression", entry.line);
            };
            // A pattern that gives up on a text does not match it.
            let Ok(Some(groups)) = regex.captures(agent) else { continue };
            let values = names.iter().enumerate().map(|(i, (_, key))| {
                // What nothing replaces is its group; a device has no groups but its name.
                let group = match (part, i) {
                    (Part::Device, 1) => None,
                    (Part::Device, _) => Some(1),
                    _ => Some(i + 1),
                };
                match (entry.replacements.get(*key), group) {
                    (Some(with), _) => replaced(with, &groups),
                    (None, Some(group)) => groups.get(group).map_or_else(String::new, |g| g.as_str().to_owned()),
                    (None, None) => String::new(),
                }
            });
            return Ok(values.collect());
        }
        let mut none = vec![String::new(); names.len()];
        "Other".clone_into(&mut none[0]);
        Ok(none)
    }
}

/// A value of the file: quoted in one of YAML's two ways, or plain.
fn scalar(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        let mut out = String::new();
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    out.push('\'');
                }
                '\'' => return Some(out),
                c => out.push(c),
            }
        }
        return None;
    }
    if let Some(rest) = text.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => return Some(out),
                '\\' => match chars.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    other => out.push(other),
                },
                c => out.push(c),
            }
        }
        return None;
    }
    Some(text.split(" #").next().unwrap_or(text).trim().to_owned())
}

/// `$1` and its kind are the groups.
fn replaced(with: &str, groups: &Captures<'_, str>) -> String {
    let mut out = String::with_capacity(with.len());
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().and_then(|d| d.to_digit(10))) {
            ('$', Some(digit)) => {
                chars.next();
                out.push_str(groups.get(digit as usize).map_or("", |g| g.as_str()));
            }
            _ => out.push(c),
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
# patterns
user_agent_parsers:
  - regex: '(Web''Get)/(\d+)\.(\d+)'   # a quote
  - regex: "(Probe)-(\\d+)"
    family_replacement: 'Probe of $2'
    v1_replacement: '$2'
os_parsers:
  - regex: (?!Plan9)(Plan)(\d)
    os_v1_replacement: 'v$2'
device_parsers:
  - regex: 'box ([a-z]+)'
    regex_flag: 'i'
    brand_replacement: 'Acme'
    model_replacement: 'Box $1'
"#;

    fn described(agent: &str, part: Part) -> String {
        UserAgents::read(FILE).unwrap().describe(agent, &[part]).unwrap()
    }

    #[test]
    fn the_first_pattern_that_matches_answers() {
        assert_eq!(
            described("x Web'Get/12.3", Part::Browser),
            r#"{"Browser":{"Family":"Web'Get","MajorVersion":"12","MinorVersion":"3","Patch":""}}"#
        );
        assert_eq!(
            described("Probe-7", Part::Browser),
            r#"{"Browser":{"Family":"Probe of 7","MajorVersion":"7","MinorVersion":"","Patch":""}}"#
        );
        assert_eq!(
            described("Plan8", Part::System),
            r#"{"OperatingSystem":{"Family":"Plan","MajorVersion":"v8","MinorVersion":"","Patch":"","PatchMinor":""}}"#
        );
        assert_eq!(
            described("BOX Blue", Part::Device),
            r#"{"Device":{"Family":"Blue","Brand":"Acme","Model":"Box Blue"}}"#
        );
        assert_eq!(described("?", Part::Device), r#"{"Device":{"Family":"Other","Brand":"","Model":""}}"#);
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        assert!(UserAgents::read("a,b\n1,2\n").unwrap_err().starts_with("line 1"));
        assert!(UserAgents::read("other:\n  - regex: 'x'\n").unwrap_err().contains("user_agent_parsers"));
    }
}
