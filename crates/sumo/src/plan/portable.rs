//! Forms that the real product runs, but not as those mean them who write them.

use super::rows::{Rows, same};
use super::values::{Ty, Value, call, coalesce, text_literal};
use super::{Planner, Planning, codes};
use crate::syntax::At;
use parallax_diagnostics::Diagnostic;

/// Fields of Splunk's data model of processes, and the field that has the same in logs of process creations.
const SPLUNK: [(&str, &str); 13] = [
    ("process", "CommandLine"),
    ("process_exec", "Image"),
    ("process_path", "Image"),
    ("process_name", "end of Image"),
    ("process_id", "ProcessId"),
    ("process_guid", "ProcessGuid"),
    ("process_hash", "Hashes"),
    ("original_file_name", "OriginalFileName"),
    ("parent_process", "ParentCommandLine"),
    ("parent_process_exec", "ParentImage"),
    ("parent_process_path", "ParentImage"),
    ("parent_process_name", "end of ParentImage"),
    ("parent_process_id", "ParentProcessId"),
];

/// Its entry, by the name alone or in its model: `Processes.process_name`.
fn splunk_field(name: &str) -> Option<(&'static str, &'static str)> {
    let leaf = name.strip_prefix("Processes.").unwrap_or(name);
    SPLUNK.iter().find(|(known, _)| same(known, leaf)).copied()
}

impl Planner<'_> {
    /// Reports what the real product reads otherwise than it is meant, or refuses it under `strict`.
    pub(super) fn misread(&mut self, at: At, code: &'static str, why: &str, documented: String) -> Planning<()> {
        let help = format!("write `{documented}`");
        if self.context.strict {
            return Err(Diagnostic::error(codes::STRICT, at.0, why).help(help).fix(at.0, documented));
        }
        self.diagnostics.push(Diagnostic::warning(code, at.0, why).help(help).fix(at.0, documented));
        Ok(())
    }

    /// Gives fields that have the name of another product's data model what they stand for, where a message has none of
    /// that name.
    pub(super) fn splunk_fields(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        for name in self.reads.clone() {
            let Some((_, own)) = splunk_field(&name) else { continue };
            let ruled = self.rules.iter().any(|rule| rule.fields().iter().any(|f| same(f, &name)));
            let Some(field) = rows.find(&name).filter(|_| !ruled).cloned() else { continue };
            self.say_splunk(&name, own, at)?;
            let (from, last) = own.strip_prefix("end of ").map_or((own, false), |from| (from, true));
            self.in_rule = true;
            let value = self.field(rows, from, at).map(|v| v.to_text());
            self.in_rule = false;
            let value = match last {
                true => call("sumo_replace_regex", vec![value?, text_literal(r"^.*[\\/]"), text_literal("")]),
                false => value?,
            };
            let value = coalesce(field.value().to_text(), value);
            self.assign(rows, &name, &Value::new(value, Ty::Text), at)?;
        }
        Ok(())
    }

    fn say_splunk(&mut self, name: &str, own: &str, at: At) -> Planning<()> {
        let span = self.mentions.iter().find(|(n, _)| same(n, name)).map_or(at.0, |(_, at)| at.0);
        let why = format!("`{name}` is a field of Splunk's data model; in the real product no log of processes has it");
        let d = match self.context.strict {
            true => Diagnostic::error(codes::STRICT, span, why),
            false => Diagnostic::warning(codes::SPLUNK_FIELD, span, why),
        };
        let d = match own.strip_prefix("end of ") {
            Some(from) => d.help(format!("compare the end of `{from}`: `{from} matches \"*\\…\"`")),
            None => d.help(format!("write `{own}`")).fix(span, own),
        };
        if self.context.strict {
            return Err(d);
        }
        if !self.diagnostics.iter().any(|known| known.message == d.message) {
            self.diagnostics.push(d);
        }
        Ok(())
    }
}

/// Whether a pattern of `matches "…"` can be nothing but a regular expression.
pub(super) fn is_plainly_a_regex(text: &str) -> bool {
    let flags = text.starts_with("(?");
    let anchored = text.starts_with('^') || (text.ends_with('$') && text.contains(".*"));
    let begins = text.starts_with(".*") && text.len() > 2;
    let tokens = ["\\d+", "\\d{", "\\w+", "\\s+", "\\s*", "]+", "]*", "]{", ".+"].iter().any(|t| text.contains(t));
    let alternatives = text
        .find('(')
        .is_some_and(|open| text[open..].find(')').is_some_and(|end| text[open..open + end].contains('|')));
    if !(flags || anchored || begins || tokens || alternatives) {
        return false;
    }
    // A star that repeats nothing is a glob's.
    let mut before = None;
    for c in text.chars() {
        if c == '*' && matches!(before, None | Some('*' | '(' | '|' | '^' | '\\')) {
            return false;
        }
        before = Some(c);
    }
    // In `\Temp\*` the star is a glob's; in `lua.*` the point may be one.
    let mark = flags || anchored || begins || alternatives || tokens;
    mark && parallax_functions::sumo::regex(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_plainly_a_regex;

    #[test]
    fn what_may_be_a_glob_stays_one() {
        for glob in
            ["*lua*", "lua.*", "*.exe", "C:\\data*", "*\\Temp\\*", "*(x86)*", "a|b", "$*", "*(lua|luajit)*", "[abc]"]
        {
            assert!(!is_plainly_a_regex(glob), "{glob}");
        }
        for regex in ["(?i).*lua.*", "^C:.*lua\\d+\\.exe$", ".*lua.*", "(lua|luajit)", "lua[0-9]+", "a\\s+b", "lua.+"] {
            assert!(is_plainly_a_regex(regex), "{regex}");
        }
    }
}
