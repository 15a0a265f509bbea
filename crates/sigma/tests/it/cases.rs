//! `tests/cases/rules`: a rule a file, with events that fulfil it and events that do not. Each is asked of the rule's
//! plan and of the matcher of many rules, and of the rule as it is printed.

use crate::support::{Logs, run};
use parallax_catalog::Context;
use parallax_diagnostics::{Diagnostics, Style};
use parallax_sigma::tree::{Condition, Document, Rule};
use parallax_sigma::{Options, Rules, Scratch, read};
use parallax_telemetry::Value;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A case: `# …` says what it shows and by which rule; the rule (its head may be left out), then `=== events` with `yes`
/// or `no` before each, `=== says` with the codes of what is said of it, `=== placeholders` as a JSON object.
struct Case {
    rule: String,
    events: Vec<(bool, Map<String, Json>)>,
    says: Vec<String>,
    placeholders: BTreeMap<String, Vec<String>>,
}

impl Case {
    fn read(text: &str) -> Case {
        let mut parts = text.split("\n=== ");
        let rule = parts.next().unwrap_or_default();
        let head = if rule.lines().any(|l| l.starts_with("title:") || l.starts_with("action:")) {
            ""
        } else {
            "title: T\nlogsource:\n    category: process_creation\n"
        };
        let mut case = Case {
            rule: format!("{head}{rule}\n"),
            events: Vec::new(),
            says: Vec::new(),
            placeholders: BTreeMap::new(),
        };
        for part in parts {
            let (name, body) = part.split_once('\n').unwrap_or((part, ""));
            let lines = body.lines().filter(|l| !l.trim().is_empty());
            match name.trim() {
                "events" => case.events.extend(lines.map(event)),
                "says" => case.says.extend(lines.map(|l| l.trim().to_owned())),
                "placeholders" => case.placeholders = serde_json::from_str(body).expect("an object of lists"),
                other => panic!("there is no section {other}"),
            }
        }
        case
    }
}

fn event(line: &str) -> (bool, Map<String, Json>) {
    let (verdict, json) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
    let yes = match verdict {
        "yes" => true,
        "no" => false,
        other => panic!("yes or no, not {other}"),
    };
    let mut event: Map<String, Json> = serde_json::from_str(json).unwrap_or_else(|e| panic!("{line}: {e}"));
    event.retain(|_, v| !v.is_null());
    let whole = Json::Object(event.clone()).to_string();
    event.entry("@raw").or_insert_with(|| Json::String(whole.clone()));
    event.entry("@fields").or_insert(Json::String(whole));
    (yes, event)
}

fn codes(said: &Diagnostics) -> Vec<String> {
    said.iter().map(|d| d.code.to_owned()).collect()
}

/// What each event is answered by the rules of a text, joined by or.
fn by_matcher(rules: &[Rule], events: &[Map<String, Json>]) -> Vec<bool> {
    let compiled = Rules::new(rules);
    assert!(compiled.refused().is_empty(), "{:?}", compiled.refused());
    let mut scratch = Scratch::default();
    let sources: Vec<u32> = (0..compiled.sources().len() as u32).collect();
    let each = |event: &Map<String, Json>| {
        let values = |at: usize| match event.get(&compiled.fields()[at]) {
            None => Value::Missing,
            Some(Json::String(text)) => Value::text(text),
            Some(Json::Bool(b)) => Value::Bool(*b),
            Some(Json::Number(n)) => match n.as_i64() {
                Some(n) => Value::Int(n),
                None => Value::Real(n.as_f64().unwrap_or_default()),
            },
            Some(other) => Value::Json(other.to_string().into()),
        };
        !compiled.matches(values, &sources, &mut scratch).is_empty()
    };
    events.iter().map(each).collect()
}

fn check(file: &Path) -> Result<usize, String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let case = Case::read(&text);
    let read = read(&case.rule, &Options { placeholders: case.placeholders.clone() });
    if codes(&read.diagnostics) != case.says {
        let said = read.diagnostics.render(&case.rule, "rule", Style::Plain);
        return Err(format!("says {:?}, not {:?}\n{said}", codes(&read.diagnostics), case.says));
    }
    if read.diagnostics.has_errors() {
        return Ok(0);
    }
    let events: Vec<Map<String, Json>> = case.events.iter().map(|(_, e)| e.clone()).collect();
    let wanted: Vec<bool> = case.events.iter().map(|(yes, _)| *yes).collect();
    let logs = Logs::new(&events);
    let planned = parallax_sigma::plan_all(&read, &logs, &Context { provenance: true, ..Context::at(0) })
        .map_err(|d| d.to_string())?;
    let answered = run(&planned, &events)?;
    let rules: Vec<Rule> = read
        .documents
        .iter()
        .filter_map(|l| if let Document::Rule(rule) = &l.document { Some(rule.clone()) } else { None })
        .collect();
    let filters = read.documents.len() > rules.len();
    for (at, (yes, event)) in case.events.iter().enumerate() {
        if answered[at] != *yes {
            return Err(format!("the plan says {} to {event:?}\n{}", answered[at], planned.plan.display_indent()));
        }
    }
    if filters {
        return Ok(events.len());
    }
    let matched = by_matcher(&rules, &events);
    if matched != wanted {
        return Err(format!("the matcher says {matched:?}, not {wanted:?}"));
    }
    for rule in &rules {
        let printed = parallax_sigma::syntax::print(rule);
        let again = parallax_sigma::parse(&printed).map_err(|d| format!("{d}\n{printed}"))?;
        let [Document::Rule(again)] = again.as_slice() else { return Err(printed) };
        if again.condition != rule.condition && !constant(&rule.condition) {
            return Err(format!("printed, it is another rule\n{printed}"));
        }
    }
    Ok(events.len())
}

/// What always or never holds has no spelling of its own.
fn constant(condition: &Condition) -> bool {
    matches!(condition, Condition::And(parts) | Condition::Or(parts) if parts.is_empty())
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rules");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).expect("the cases").flatten().map(|e| e.path()).collect();
    files.sort();
    files
}

#[test]
fn cases() {
    let (mut events, mut wrong) = (0, Vec::new());
    let files = files();
    for file in &files {
        match check(file) {
            Ok(n) => events += n,
            Err(why) => wrong.push(format!("{}: {why}", file.file_name().unwrap_or_default().to_string_lossy())),
        }
    }
    eprintln!("{} cases, {events} events", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
