//! Sigma's tags and ATT&CK's names for the same things.

/// The technique ids among tags such as `attack.t1059.011`, upper-case.
pub(super) fn techniques(tags: &[String]) -> Vec<String> {
    let ids = tags.iter().filter_map(|t| after_attack(t)).filter(|rest| is_technique(rest));
    unique(ids.map(|rest| rest.to_ascii_uppercase()))
}

/// The tactics among tags such as `attack.defense-evasion`, as ATT&CK spells them.
pub(super) fn tactics(tags: &[String]) -> Vec<String> {
    let names = tags.iter().filter_map(|t| after_attack(t)).filter(|rest| !is_id(rest));
    unique(names.map(|rest| {
        let words = rest.split(['-', '_', ' ']).filter(|w| !w.is_empty());
        let words = words.map(|w| match w.to_ascii_lowercase().as_str() {
            small @ ("and" | "or" | "of") => small.to_owned(),
            word => capital(word),
        });
        words.collect::<Vec<_>>().join(" ")
    }))
}

/// The tags that say the same as those techniques and tactics.
pub(super) fn of(techniques: &[String], tactics: &[String]) -> Vec<String> {
    let tactics = tactics.iter().map(|t| format!("attack.{}", spaced(t).to_ascii_lowercase().replace(' ', "-")));
    tactics.chain(techniques.iter().map(|t| format!("attack.{}", t.to_ascii_lowercase()))).collect()
}

/// `DefenseEvasion` as `Defense Evasion`.
pub(super) fn spaced(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    let mut last = ' ';
    for c in word.chars() {
        if c.is_ascii_uppercase() && last.is_ascii_lowercase() {
            out.push(' ');
        }
        out.push(c);
        last = c;
    }
    // `CommandAndControl`.
    out.replace(" And ", " and ")
}

/// The tactics of ATT&CK, for enterprise, mobile and industry.
const TACTICS: [&str; 18] = [
    "Reconnaissance",
    "Resource Development",
    "Initial Access",
    "Execution",
    "Persistence",
    "Privilege Escalation",
    "Defense Evasion",
    "Stealth",
    "Defense Impairment",
    "Credential Access",
    "Discovery",
    "Lateral Movement",
    "Collection",
    "Command and Control",
    "Exfiltration",
    "Impact",
    "Impair Process Control",
    "Inhibit Response Function",
];

/// The tactic of that name, with or without spaces.
pub(crate) fn tactic(name: &str) -> Option<String> {
    let plain = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
    TACTICS.iter().find(|t| plain(t) == plain(name)).map(|t| (*t).to_owned())
}

fn after_attack(tag: &str) -> Option<&str> {
    let (space, rest) = tag.split_once('.')?;
    space.eq_ignore_ascii_case("attack").then_some(rest)
}

fn is_technique(rest: &str) -> bool {
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = rest.strip_prefix(['t', 'T']) else { return false };
    match rest.split_once('.') {
        Some((main, sub)) => digits(main, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// Techniques, groups (`g0016`), software (`s0154`), tactics (`ta0002`), and their like.
fn is_id(rest: &str) -> bool {
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    letters <= 2 && rest.as_bytes().get(letters).is_some_and(u8::is_ascii_digit)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn unique(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut out = Vec::new();
    all.for_each(|one| {
        if !out.contains(&one) {
            out.push(one);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_techniques_and_tactics() {
        let tags: Vec<String> = [
            "attack.command-and-control",
            "attack.defense_evasion",
            "attack.t1059.011",
            "attack.T1059",
            "attack.g0016",
            "cve.2021-1",
            "attack.ta0002",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(techniques(&tags), ["T1059.011", "T1059"]);
        assert_eq!(tactics(&tags), ["Command and Control", "Defense Evasion"]);
        assert_eq!(
            of(&["T1059".into()], &["CommandAndControl".into(), "Lateral Movement".into()]),
            ["attack.command-and-control", "attack.lateral-movement", "attack.t1059"]
        );
    }
}
