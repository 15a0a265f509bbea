//! All rules of SigmaHQ, where `PARALLAX_SIGMA` names a checkout.

use parallax_convert::{Language, Losses, Options, convert, sigma};
use parallax_engine::{Context, Dialect, Session};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rule files below a folder of the checkout.
pub(crate) fn rules(folder: &str) -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("PARALLAX_SIGMA") else {
        eprintln!("skipped: PARALLAX_SIGMA is not set");
        return None;
    };
    let mut files = Vec::new();
    walk(&Path::new(&root).join(folder), &mut files);
    files.sort();
    Some(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "yml") {
            files.push(path);
        }
    }
}

/// Each rule becomes a query that plans, or is refused by name.
#[test]
fn every_rule_is_a_query_or_refused_by_name() {
    let Some(files) = rules("rules") else { return };
    let session = Session::open(&[], parallax_engine::Options::default()).unwrap();
    let context = Context::at(1_700_000_000_000_000_000);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let verbose = std::env::var_os("PARALLAX_VERBOSE").is_some();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let kind = if file.to_string_lossy().contains("process_creation") { "process creation" } else { "other" };
        for located in parallax_sigma::read(&text, &parallax_sigma::Options::default()).documents {
            for (to, dialect) in [(Language::Kql, Dialect::Kql), (Language::Sumo, Dialect::Sumo)] {
                let converted =
                    sigma::read(&located).and_then(|d| convert(&d, Losses::default(), to, &Options::default()));
                let outcome = match converted {
                    Ok(converted) => match session.check(dialect, &converted.text, &context) {
                        Ok(_) if converted.losses.is_empty() => "exact".to_owned(),
                        Ok(_) => {
                            for loss in &converted.losses {
                                *counts
                                    .entry(format!("{kind:16} {to:?} loss {} {:?}", loss.code, loss.effect))
                                    .or_default() += 1;
                            }
                            "lossy".to_owned()
                        }
                        Err(e) => {
                            wrong.push(format!("{} {to:?}: {e}\n{}", file.display(), converted.text));
                            "does not plan".to_owned()
                        }
                    },
                    Err(refused) => {
                        let first = refused.iter().next().unwrap();
                        assert!(
                            first.code.starts_with("CONV02") && first.code != "CONV0299",
                            "{}: {refused}",
                            file.display()
                        );
                        if verbose {
                            eprintln!("{}: {refused}", file.display());
                        }
                        format!("refused {}", first.code)
                    }
                };
                *counts.entry(format!("{kind:16} {to:?} {outcome}")).or_default() += 1;
            }
        }
    }
    for (what, n) in &counts {
        eprintln!("{n:6} {what}");
    }
    assert!(
        wrong.is_empty(),
        "{} do not plan, the first:\n{}",
        wrong.len(),
        &wrong[0].chars().take(2000).collect::<String>()
    );
}

/// Each rule, written as Sigma again, says the same.
#[test]
fn every_rule_written_again_says_the_same() {
    let Some(files) = rules("rules") else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        for located in parallax_sigma::read(&text, &parallax_sigma::Options::default()).documents {
            let parallax_sigma::tree::Document::Rule(rule) = &located.document else { continue };
            let detection = sigma::of_rule(rule);
            let written = match sigma::write(&detection) {
                Ok((written, _)) => written,
                Err(e) => {
                    wrong.push(format!("{}: {e}", file.display()));
                    continue;
                }
            };
            count += 1;
            let again = parallax_sigma::parse(&written).unwrap();
            let [parallax_sigma::tree::Document::Rule(again)] = again.as_slice() else { panic!("{written}") };
            if normal(&again.condition) != normal(&rule.condition) || again.logsource != rule.logsource {
                wrong.push(format!("{}:\n{written}", file.display()));
            }
        }
    }
    eprintln!("{count} rules say the same, {} do not", wrong.len());
    for w in &wrong {
        eprintln!("{}", w.chars().take(1500).collect::<String>());
    }
    assert!(wrong.is_empty(), "{}", wrong[0].chars().take(3000).collect::<String>());
}

/// A condition in an order that does not depend on how it was written.
fn normal(condition: &parallax_sigma::tree::Condition) -> String {
    use parallax_sigma::tree::Condition as C;
    let join = |name: &str, parts: &[C]| {
        let mut parts: Vec<String> = parts.iter().map(normal).collect();
        parts.sort();
        parts.dedup();
        if parts.len() == 1 { parts.remove(0) } else { format!("{name}({})", parts.join(", ")) }
    };
    match condition {
        C::And(parts) => join("and", parts),
        C::Or(parts) => join("or", parts),
        C::Not(inner) => format!("not({})", normal(inner)),
        C::Test(test) => format!("{test:?}"),
    }
}
