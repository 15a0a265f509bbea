//! The YAML of Atomic Red Team.

use crate::pack::yaml;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The atomic tests of a technique.
#[derive(Clone, Debug, Deserialize)]
pub struct Technique {
    /// Its ATT&CK id.
    pub attack_technique: String,
    /// Its name.
    #[serde(default)]
    pub display_name: String,
    /// The tests.
    #[serde(rename = "atomic_tests")]
    pub tests: Vec<AtomicTest>,
}

/// A test.
#[derive(Clone, Debug, Deserialize)]
pub struct AtomicTest {
    /// Its name.
    pub name: String,
    /// Its GUID; may be empty.
    #[serde(default, rename = "auto_generated_guid")]
    pub guid: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// Where it runs: `linux`, `macos`, `windows`, and others.
    #[serde(default)]
    pub supported_platforms: Vec<String>,
    /// What may be changed in its commands, by name.
    #[serde(default, deserialize_with = "maybe")]
    pub input_arguments: BTreeMap<String, Argument>,
    /// What runs the commands of the dependencies; the executor's own unless it is given.
    #[serde(default)]
    pub dependency_executor_name: Option<String>,
    /// What must be there.
    #[serde(default, deserialize_with = "maybe")]
    pub dependencies: Vec<Dependency>,
    /// What is run.
    pub executor: Executor,
}

/// Something that may be changed in a test's commands.
#[derive(Clone, Debug, Deserialize)]
pub struct Argument {
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// `string`, `integer`, `path`, `url`, …
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What it is unless it is given.
    #[serde(default)]
    pub default: Option<Scalar>,
}

/// Something that must be there before a test runs.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// Succeeds where it is there.
    #[serde(default)]
    pub prereq_command: Option<String>,
    /// Brings it there.
    #[serde(default)]
    pub get_prereq_command: Option<String>,
}

/// What a test runs.
#[derive(Clone, Debug, Deserialize)]
pub struct Executor {
    /// What runs it.
    pub name: ExecutorName,
    /// Whether it needs the rights of an administrator.
    #[serde(default)]
    pub elevation_required: bool,
    /// The command.
    #[serde(default)]
    pub command: Option<String>,
    /// What undoes it.
    #[serde(default)]
    pub cleanup_command: Option<String>,
    /// What a person does, where nothing can run it.
    #[serde(default)]
    pub steps: Option<String>,
}

/// What runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorName {
    /// `sh`
    Sh,
    /// `bash`
    Bash,
    /// `cmd.exe`
    CommandPrompt,
    /// `powershell` or `pwsh`
    Powershell,
    /// A person.
    Manual,
}

impl ExecutorName {
    /// Its name in the schema.
    pub fn name(self) -> &'static str {
        match self {
            ExecutorName::Sh => "sh",
            ExecutorName::Bash => "bash",
            ExecutorName::CommandPrompt => "command_prompt",
            ExecutorName::Powershell => "powershell",
            ExecutorName::Manual => "manual",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        use ExecutorName::{Bash, CommandPrompt, Manual, Powershell, Sh};
        [Sh, Bash, CommandPrompt, Powershell, Manual].into_iter().find(|e| e.name() == name)
    }
}

/// A default is text, a number or a truth value.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true`
    Bool(bool),
    /// `4444`
    Integer(i64),
    /// `0.5`
    Float(f64),
    /// `text`
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Integer(value) => write!(f, "{value}"),
            Scalar::Float(value) => write!(f, "{value}"),
            Scalar::Text(value) => f.write_str(value),
        }
    }
}

/// A key without a value is as good as none.
fn maybe<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// The tests in a file.
///
/// # Errors
/// What is wrong with it, with its place.
pub fn read(text: &str) -> Result<Technique, Diagnostics> {
    let technique: Technique = serde_saphyr::from_str(text).map_err(|e| yaml(&e))?;
    let mut wrong = Diagnostics::default();
    for test in &technique.tests {
        let place = text.find(&test.name).map_or(Span::at(0), |at| Span::new(at, at + test.name.len()));
        let manual = test.executor.name == ExecutorName::Manual;
        if !manual && test.executor.command.as_deref().is_none_or(|c| c.trim().is_empty()) {
            wrong.push(Diagnostic::error("PACK0019", place, "a test has a `command`, unless its executor is `manual`"));
        }
        if let Some(name) = test.dependency_executor_name.as_deref().filter(|n| ExecutorName::named(n).is_none()) {
            wrong.push(Diagnostic::error("PACK0019", place, format!("`{name}` is not an executor")));
        }
    }
    if wrong.is_empty() { Ok(technique) } else { Err(wrong) }
}

/// Values that YAML cuts off: behind a space `#` begins a comment, and `#{name}` is lost in silence. Published files have
/// them too.
pub fn cut_off(text: &str, technique: &Technique) -> Diagnostics {
    let mut wrong = Diagnostics::default();
    // What was read, as text, has all that was not lost.
    let read = format!("{technique:?}");
    if read.matches("#{").count() >= text.matches("#{").count() {
        return wrong;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let value = line.split_once(": ").map_or("", |(_, v)| v.trim_start());
        let plain = !value.starts_with(['"', '\'', '|', '>', '#']) && !line.trim_start().starts_with('#');
        if let (true, Some(at)) = (plain, line.find(" #{")) {
            let message = "a `#` behind a space begins a comment in YAML, and what follows is lost";
            let place = Span::new(start + at + 1, start + line.trim_end().len());
            wrong.push(Diagnostic::error("PACK0019", place, message).help("put the value in quotes"));
        }
        start += line.len();
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_lose_is_found() {
        let text = "attack_technique: T1\natomic_tests:\n  - name: One\n    executor:\n      name: sh\n      command: run #{it}\n";
        let lost = |text: &str| cut_off(text, &read(text).unwrap());
        let found = lost(text);
        let first = found.iter().next().unwrap();
        assert_eq!((first.code, first.span.of(text)), ("PACK0019", "#{it}"));
        assert!(lost(&text.replace("run #{it}", "\"run #{it}\"")).is_empty());
        assert!(lost(&text.replace("run #{it}", "|\n        run #{it}")).is_empty());
    }
}
