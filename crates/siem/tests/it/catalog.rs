//! The vendor's published rules, when the folder of the content catalog is named.

use parallax_siem::{Compiled, Rules};
use parallax_sumo::siem::Switches;

#[test]
fn published_rules_are_read_and_compiled() {
    let Ok(folder) = std::env::var("PARALLAX_CLOUD_SIEM") else {
        eprintln!("skipped: PARALLAX_CLOUD_SIEM is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/audit/rules.json")).expect("the rules");
    let (rules, wrong) = Rules::read(&text).expect("JSON");
    let total = rules.rules.len() + wrong.len();
    let compiled = Compiled::new(rules, Switches::default());
    println!(
        "{} of {total} published rules run; {} attributes are filled by nothing",
        compiled.len(),
        compiled.unfilled.len()
    );
    wrong.iter().for_each(|e| println!("{e}"));
    let refused = compiled.said.iter().filter(|w| w.refuses());
    refused.for_each(|w| println!("{}: {}: {}", w.rule, w.place, w.diagnostics));
    assert!(compiled.len() * 100 >= total * 98);
}
