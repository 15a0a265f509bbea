//! `tests/cases/*.tsv`: function, arguments (JSON), expected value (JSON), where the rule comes from.

use crate::call::{Shape, call};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let (mut cases, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "tsv")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            cases += 1;
            if let Err(why) = run(line) {
                wrong.push(format!("{name}:{}: {line}\n    {why}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 40, "only {cases} cases found");
}

fn run(line: &str) -> Result<(), String> {
    let mut parts = line.split('\t');
    let (Some(function), Some(args), Some(expected), Some(_source)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("four columns are needed".into());
    };
    let args: Vec<Value> = serde_json::from_str(args).map_err(|e| format!("arguments: {e}"))?;
    let expected: Value = serde_json::from_str(expected).map_err(|e| format!("expected: {e}"))?;
    for shape in [Shape::Constants, Shape::FirstIsColumn, Shape::Columns] {
        let got = call(&format!("kql_{function}"), &args, shape)?;
        if !same(&got, &expected) {
            return Err(format!("{shape:?}: got {got}"));
        }
    }
    Ok(())
}

/// Reals to 12 digits: what the documentation prints.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x == y,
            _ => {
                let (x, y) = (x.as_f64().unwrap_or(f64::NAN), y.as_f64().unwrap_or(f64::NAN));
                x == y || (x - y).abs() <= 1e-12 * x.abs().max(y.abs())
            }
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}
