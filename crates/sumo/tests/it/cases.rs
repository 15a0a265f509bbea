//! The cases in `tests/cases`: a query, messages, and the rows or the messages that they give.

use crate::support::{Messages, context, run};
use parallax_catalog::external::ExtractionRule;
use parallax_diagnostics::{Severity, Style};
use parallax_sumo::{parse, plan};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    messages: BTreeMap<String, Vec<Value>>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    query: String,
    /// Why the result is what it is: documented, inferred, seen.
    source: Option<String>,
    #[serde(default)]
    input: Vec<Value>,
    /// The name of messages that several cases share.
    messages: Option<String>,
    columns: Option<Vec<String>>,
    types: Option<Vec<String>>,
    /// `"<null>"` is null.
    rows: Option<Vec<Vec<Value>>>,
    /// The rows may come in any order.
    #[serde(default)]
    unordered: bool,
    error: Option<String>,
    /// What the error points at.
    at: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    /// The query after all fixes.
    fixed: Option<String>,
    /// Lookup tables, by their places.
    #[serde(default)]
    tables: BTreeMap<String, Vec<Value>>,
    /// There is a folder for tables, and this is what is saved: the place, `append`, `library`.
    saved: Option<Vec<String>>,
    /// Texts of macros, `{{name}}` of the arguments in them.
    #[serde(default)]
    macros: BTreeMap<String, String>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    switches: BTreeMap<String, String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Field extraction rules: name, scope, expression.
    #[serde(default)]
    rules: Vec<[String; 3]>,
}

#[test]
fn cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("the cases").map(|e| e.expect("a file").path()).collect();
    paths.sort();
    let (mut failures, mut count) = (Vec::new(), 0);
    // Expressions of Cloud SIEM have cases of another shape.
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml") && p.file_stem().is_some_and(|s| s != "siem"));
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a case file");
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for case in &file.case {
            count += 1;
            if let Err(why) = check(case, &file.messages) {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                failures.push(format!("{file}: {}\n{}\n{why}\n", case.name, case.query));
            }
        }
    }
    println!("{count} cases");
    assert!(failures.is_empty(), "{} of {count} cases fail:\n\n{}", failures.len(), failures.join("\n"));
}

fn check(case: &Case, shared: &BTreeMap<String, Vec<Value>>) -> Result<(), String> {
    let _ = &case.source;
    let input = match &case.messages {
        Some(name) => shared.get(name).ok_or(format!("there are no messages `{name}`"))?,
        None => &case.input,
    };
    let mut messages = Messages::new(input);
    for (place, rows) in &case.tables {
        messages = messages.table(place, rows);
    }
    messages.macros.clone_from(&case.macros);
    let rule = |[name, scope, expression]: [String; 3]| ExtractionRule { name, scope, expression };
    messages.saves = case.saved.is_some();
    messages.rules = case.rules.iter().cloned().map(rule).collect();
    let mut context = context();
    context.strict = case.strict;
    context.switches.clone_from(&case.switches);
    context.parameters.clone_from(&case.parameters);
    let planned = parse(&case.query).and_then(|tree| plan(&tree, &messages, &context));
    let planned = planned.and_then(|p| match p.save.as_ref().and_then(|s| s.refused.clone()) {
        Some(why) => Err(why.into()),
        None => Ok(p),
    });
    // What needs a table that is not there can be planned, but does not run.
    let planned = planned.and_then(|p| if p.unreached.is_empty() { Ok(p) } else { Err(p.unreached) });
    let planned = match planned {
        Ok(planned) => planned,
        Err(diagnostics) => {
            let shown = diagnostics.render(&case.query, &case.name, Style::Plain);
            let first = diagnostics.0.first().ok_or("an error without a message")?;
            if case.error.as_deref() != Some(first.code) {
                return Err(format!("expected {:?}\n{shown}", case.error));
            }
            return match &case.at {
                Some(at) if first.span.of(&case.query) != at => Err(format!("expected to point at `{at}`\n{shown}")),
                _ => Ok(()),
            };
        }
    };
    if let Some(code) = &case.error {
        return Err(format!("expected the error {code}, but it was planned"));
    }
    let warned: Vec<&str> =
        planned.diagnostics.iter().filter(|d| d.severity == Severity::Warning).map(|d| d.code).collect();
    if warned != case.warnings {
        return Err(format!("warnings {warned:?}, expected {:?}", case.warnings));
    }
    if let Some(fixed) = &case.fixed {
        let mut text = case.query.clone();
        let mut fixes: Vec<_> = planned.diagnostics.iter().filter_map(|d| d.fix.clone()).collect();
        fixes.sort_by_key(|f| std::cmp::Reverse(f.span.start));
        for fix in fixes {
            text.replace_range(fix.span.start..fix.span.end, &fix.replacement);
        }
        if text != *fixed {
            return Err(format!("fixed as\n{text}\nexpected\n{fixed}"));
        }
    }
    let saved = planned.save.as_ref().map(|s| {
        let flags = [(s.append, "append"), (s.library, "library")];
        std::iter::once(s.place.as_str()).chain(flags.iter().filter(|f| f.0).map(|f| f.1)).map(str::to_owned).collect()
    });
    if saved != case.saved {
        return Err(format!("saves {saved:?}, expected {:?}", case.saved));
    }
    let answer = run(&planned)?;
    if let Some(columns) = &case.columns
        && answer.columns != *columns
    {
        return Err(format!("columns {:?}, expected {columns:?}", answer.columns));
    }
    if let Some(types) = &case.types
        && answer.types != *types
    {
        return Err(format!("types {:?}, expected {types:?}", answer.types));
    }
    let Some(expected) = &case.rows else { return Ok(()) };
    let null = |v: &Value| if v == "<null>" { Value::Null } else { v.clone() };
    let mut expected: Vec<Vec<Value>> = expected.iter().map(|r| r.iter().map(null).collect()).collect();
    let mut rows = answer.rows;
    if case.unordered {
        expected.sort_by_key(|r| json!(r).to_string());
        rows.sort_by_key(|r| json!(r).to_string());
    }
    if rows != expected {
        let show = |rows: &[Vec<Value>]| rows.iter().map(|r| format!("  {}", json!(r))).collect::<Vec<_>>().join("\n");
        return Err(format!("rows\n{}\nexpected\n{}", show(&rows), show(&expected)));
    }
    Ok(())
}

/// The published detection with all fixes applied is documented search language, and gives the same rows.
#[test]
fn the_published_detection_can_be_mended() {
    let file: File = toml::from_str(include_str!("../cases/published.toml")).expect("the case");
    let case = &file.case[0];
    let messages = Messages::new(&case.input);
    let mut context = context();
    let planned = parse(&case.query).and_then(|tree| plan(&tree, &messages, &context)).expect("it plans");
    let mut text = case.query.clone();
    let mut fixes: Vec<_> = planned.diagnostics.iter().filter_map(|d| d.fix.clone()).collect();
    fixes.sort_by_key(|f| std::cmp::Reverse(f.span.start));
    for fix in fixes {
        text.replace_range(fix.span.start..fix.span.end, &fix.replacement);
    }
    context.strict = true;
    let mended = parse(&text).and_then(|tree| plan(&tree, &messages, &context)).expect("it is documented");
    assert!(mended.diagnostics.is_empty(), "{}", mended.diagnostics);
    assert_eq!(run(&mended).expect("it runs").rows, run(&planned).expect("it runs").rows);
}
