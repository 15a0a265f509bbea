//! A test's commands with its arguments in their places.

use super::{AtomicTest, ExecutorName};
use std::collections::BTreeMap;
use std::path::Path;

/// The word that stands for the folder of the techniques' folders.
const FOLDER: &str = "PathToAtomicsFolder";

/// What a test runs, ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// The values of its arguments.
    pub arguments: BTreeMap<String, String>,
    /// What runs the command.
    pub executor: ExecutorName,
    /// The command; of a manual test, what is to be done.
    pub command: String,
    /// What undoes it.
    pub cleanup: Option<String>,
    /// What must be there, in order.
    pub dependencies: Vec<Needed>,
    /// What runs the dependencies' commands.
    pub dependency_executor: ExecutorName,
}

/// Something that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What it is.
    pub description: String,
    /// Succeeds where it is there.
    pub check: Option<String>,
    /// Brings it there.
    pub get: Option<String>,
}

/// Puts arguments into a test's commands; `folder` is the one that `PathToAtomicsFolder` stands for.
///
/// # Errors
/// An argument that there is none of, or one that has no value; a sentence.
pub fn commands(
    test: &AtomicTest,
    given: &BTreeMap<String, String>,
    folder: Option<&Path>,
) -> Result<Commands, String> {
    let known = || test.input_arguments.keys().map(String::as_str);
    if let Some(name) = given.keys().find(|n| !test.input_arguments.contains_key(*n)) {
        let near = parallax_diagnostics::did_you_mean(name, known()).map(|n| format!("; did you mean `{n}`?"));
        return Err(format!("the test has no argument `{name}`{}", near.unwrap_or_default()));
    }
    let mut arguments = BTreeMap::new();
    for (name, argument) in &test.input_arguments {
        let value = match (given.get(name), &argument.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default.to_string(),
            (None, None) => return Err(format!("the argument `{name}` has no default: give it with --arg {name}=…")),
        };
        arguments.insert(name.clone(), value);
    }
    // A default may name other arguments; a value that is given means what it says.
    let plain = arguments.clone();
    for (name, value) in &mut arguments {
        if !given.contains_key(name) {
            *value = placed(value, &plain, folder);
        }
    }
    let text = |template: &str| -> Result<String, String> {
        let text = placed(template, &arguments, folder);
        match unknown(template, &arguments) {
            Some(name) => Err(format!("a command names `#{{{name}}}`, which is not an argument of the test")),
            None => Ok(text),
        }
    };
    let maybe = |template: &Option<String>| -> Result<Option<String>, String> {
        let some = template.as_deref().map(str::trim_end).filter(|t| !t.trim().is_empty());
        some.map(text).transpose()
    };
    let executor = &test.executor;
    let dependencies = test.dependencies.iter().map(|d| {
        let (check, get) = (maybe(&d.prereq_command)?, maybe(&d.get_prereq_command)?);
        Ok(Needed { description: text(d.description.trim())?, check, get })
    });
    Ok(Commands {
        executor: executor.name,
        command: maybe(if executor.name == ExecutorName::Manual { &executor.steps } else { &executor.command })?
            .unwrap_or_default(),
        cleanup: maybe(&executor.cleanup_command)?,
        dependencies: dependencies.collect::<Result<_, String>>()?,
        dependency_executor: test
            .dependency_executor_name
            .as_deref()
            .and_then(ExecutorName::named)
            .unwrap_or(executor.name),
        arguments,
    })
}

/// The template with `#{name}` replaced by the arguments' values, each place once: what a value holds stays as it is.
fn placed(template: &str, arguments: &BTreeMap<String, String>, folder: Option<&Path>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("#{") {
        out.push_str(&folded(&rest[..at], folder));
        let inner = &rest[at + 2..];
        match inner.split_once('}').and_then(|(name, after)| Some((arguments.get(name)?, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push_str("#{");
                rest = inner;
            }
        }
    }
    out.push_str(&folded(rest, folder));
    out
}

fn folded(text: &str, folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => text.replace(&format!("${FOLDER}"), FOLDER).replace(FOLDER, &folder.display().to_string()),
        None => text.to_owned(),
    }
}

/// A name in `#{…}` that is no argument. Shells have such forms of their own (`${#a}` is not one), so only what looks like a
/// name counts.
fn unknown(template: &str, arguments: &BTreeMap<String, String>) -> Option<String> {
    let mut rest = template;
    while let Some(at) = rest.find("#{") {
        rest = &rest[at + 2..];
        let name = rest.split_once('}').map_or("", |(name, _)| name);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if is_name && !arguments.contains_key(name) {
            return Some(name.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::read;

    const TEST: &str = r##"
attack_technique: T1059.011
atomic_tests:
  - name: One
    input_arguments:
      interpreter: { description: which, type: string, default: lua }
      program: { description: what, type: string, default: "print('#{interpreter}')" }
      port: { description: where, type: integer, default: 4444 }
    dependencies:
      - { description: "#{interpreter} is there", prereq_command: "command -v #{interpreter}" }
    executor:
      name: sh
      command: "#{interpreter} -e \"#{program}\" #{port} PathToAtomicsFolder/x ${#PATH}\n"
      cleanup_command: ""
"##;

    #[test]
    fn arguments_stand_in_their_places() {
        let test = &read(TEST).unwrap().tests[0];
        let all = commands(test, &BTreeMap::new(), Some(Path::new("/atomics"))).unwrap();
        assert_eq!(all.command, "lua -e \"print('lua')\" 4444 /atomics/x ${#PATH}");
        assert_eq!((all.cleanup, all.dependency_executor), (None, ExecutorName::Sh));
        assert_eq!(all.dependencies[0].check.as_deref(), Some("command -v lua"));
        let given = [("program".to_owned(), "#{port} PathToAtomicsFolder".to_owned())].into();
        let all = commands(test, &given, Some(Path::new("/atomics"))).unwrap();
        assert_eq!(all.command, "lua -e \"#{port} PathToAtomicsFolder\" 4444 /atomics/x ${#PATH}");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let test = &read(TEST).unwrap().tests[0];
        let given = |name: &str| [(name.to_owned(), String::new())].into();
        let said = commands(test, &given("interpeter"), None).unwrap_err();
        assert_eq!(said, "the test has no argument `interpeter`; did you mean `interpreter`?");
        let text = TEST.replace("#{port} Path", "#{prt} Path");
        let said = commands(&read(&text).unwrap().tests[0], &BTreeMap::new(), None).unwrap_err();
        assert_eq!(said, "a command names `#{prt}`, which is not an argument of the test");
        let text = TEST.replace(", default: 4444", "");
        let said = commands(&read(&text).unwrap().tests[0], &BTreeMap::new(), None).unwrap_err();
        assert_eq!(said, "the argument `port` has no default: give it with --arg port=…");
    }
}
