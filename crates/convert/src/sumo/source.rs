//! Which telemetry a search is about, as far as its conditions say.

use super::read::Reading;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Condition, Field, Is, LogSource, Test};
use crate::pattern::{self, Shape};
use parallax_diagnostics::Span;

/// Takes the conditions that choose telemetry apart from those on events.
pub(super) fn split(
    condition: &Condition,
    given: Option<&LogSource>,
    losses: &mut Losses,
) -> Reading<(LogSource, Condition)> {
    let parts = match condition {
        Condition::All(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let mut kinds: Vec<Kind> = Vec::new();
    let mut texts = Vec::new();
    let mut left = Vec::new();
    for part in parts {
        let tests = part.tests();
        texts.extend(tests.iter().filter(|(t, _)| is_metadata(t)).filter_map(|(t, _)| text_of(t)));
        let at = tests.first().map_or(Span::at(0), |(t, _)| t.at);
        let of: Option<Vec<Kind>> = tests.iter().map(|(t, negated)| kind(t).filter(|_| !negated)).collect();
        match of {
            Some(of) => {
                let said: Vec<Kind> = of.into_iter().filter(|k| *k != Kind::Any).collect();
                losses.add(
                    codes::TELEMETRY,
                    Effect::Either,
                    at,
                    "what is searched is said by the rule's log source instead",
                );
                kinds.extend(said);
            }
            _ if tests.iter().all(|(t, _)| is_metadata(t)) => {
                losses.add(
                    codes::TELEMETRY,
                    Effect::Either,
                    at,
                    "what is searched is said by the rule's log source instead",
                );
            }
            _ if tests.iter().any(|(t, _)| is_metadata(t)) => {
                let message = "this joins the place of messages with what stands in them";
                return Err(refuse(codes::NO_FORM, at, message));
            }
            _ => left.push(part),
        }
    }
    let rest = Condition::all(left);
    if let Some(given) = given {
        return Ok((given.clone(), rest));
    }
    let words = texts.join(" ").to_ascii_lowercase();
    let logs = chosen(&kinds, &words, &rest);
    logs.map(|(logs, kept)| (logs, Condition::all([kept, rest]))).ok_or_else(|| {
        refuse(codes::NO_TABLE, Span::at(0), "what telemetry this search is about cannot be told from its text")
            .help("say it with `--logsource`, as in `--logsource category=process_creation,product=windows`")
    })
}

/// What an event is, by a number or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of any kind: a place of messages.
    Any,
    /// Of Sysmon's category for that number.
    Sysmon(&'static str, u32),
    /// A process creation of the Security log.
    Security,
    /// An execution that Linux audit recorded.
    Audit,
    /// Of Defender.
    Defender(&'static str),
}

impl Kind {
    fn category(self) -> Option<&'static str> {
        match self {
            Kind::Any => None,
            Kind::Sysmon(category, _) => Some(category),
            Kind::Security | Kind::Audit => Some("process_creation"),
            Kind::Defender(category) => Some(category),
        }
    }
}

fn kind(test: &Test) -> Option<Kind> {
    if is_metadata(test) {
        return Some(Kind::Any);
    }
    let name = test.field.as_ref()?.name.to_ascii_lowercase();
    let Is::Like(p) = &test.is else { return None };
    let Shape::Exact(value) = pattern::shape(p) else { return None };
    match (name.as_str(), value.as_str()) {
        ("eventid", "1") => Some(Kind::Sysmon("process_creation", 1)),
        ("eventid", "3") => Some(Kind::Sysmon("network_connection", 3)),
        ("eventid", "7") => Some(Kind::Sysmon("image_load", 7)),
        ("eventid", "11") => Some(Kind::Sysmon("file_event", 11)),
        ("eventid", "22") => Some(Kind::Sysmon("dns_query", 22)),
        ("eventid", "4688") => Some(Kind::Security),
        ("type", "EXECVE") => Some(Kind::Audit),
        ("actiontype", "ProcessCreated") => Some(Kind::Defender("process_creation")),
        _ => None,
    }
}

/// The log source, and conditions that have to stay.
fn chosen(kinds: &[Kind], words: &str, rest: &Condition) -> Option<(LogSource, Condition)> {
    let nothing = Condition::Always(true);
    let source = |category: Option<&str>, product: Option<&str>, service: Option<&str>| LogSource {
        category: category.map(str::to_owned),
        product: product.map(str::to_owned),
        service: service.map(str::to_owned),
    };
    let product = || match (words.contains("windows"), words.contains("linux") || words.contains("auditd")) {
        (true, false) => Some("windows"),
        (false, true) => Some("linux"),
        _ => None,
    };
    if let Some(first) = kinds.first().and_then(|k| k.category()) {
        // One kind of event, however it was recorded. A bare number is Sysmon's where nothing speaks against it.
        let foreign = words.contains("security") && kinds.iter().all(|k| matches!(k, Kind::Sysmon(..)));
        if kinds.iter().all(|k| k.category() == Some(first)) && !foreign {
            let windows =
                kinds.iter().all(|k| matches!(k, Kind::Sysmon(..) | Kind::Security)) && !words.contains("linux");
            let audit = kinds.iter().all(|k| *k == Kind::Audit);
            let product = if audit { Some("linux") } else { product().filter(|p| *p != "windows" || windows) };
            let product = product.or(if words.is_empty() && windows { Some("windows") } else { None });
            return Some((source(Some(first), product, None), nothing));
        }
        let ids = kinds.iter().map(|k| match k {
            Kind::Sysmon(_, id) => Some(*id),
            Kind::Security => Some(4688),
            _ => None,
        });
        let ids: Vec<u32> = ids.collect::<Option<Vec<_>>>()?;
        let tests = ids.iter().map(|id| {
            let is = pattern::pattern(Shape::Exact(id.to_string()), crate::middle::Case::Ignored).map(Is::Like);
            is.map_or(Condition::Always(false), |is| Condition::test(Field::whole("EventID"), is, Span::at(0)))
        });
        let kept = Condition::any(tests.collect::<Vec<_>>());
        let service = if words.contains("security") { "security" } else { "sysmon" };
        return Some((source(None, Some("windows"), Some(service)), kept));
    }
    if words.contains("security") && words.contains("windows") {
        return Some((source(None, Some("windows"), Some("security")), nothing));
    }
    if words.contains("sysmon") && !words.contains("linux") {
        return Some((source(None, Some("windows"), Some("sysmon")), nothing));
    }
    if words.contains("windows") {
        return Some((source(None, Some("windows"), None), nothing));
    }
    if words.contains("cloudtrail") {
        return Some((source(None, Some("aws"), Some("cloudtrail")), nothing));
    }
    let names = |name: &str| rest.tests().iter().any(|(t, _)| t.field.as_ref().is_some_and(|f| f.name == name));
    if words.contains("auditd") {
        return Some((source(None, Some("linux"), Some("auditd")), nothing));
    }
    if names("EventID") {
        return Some((source(None, Some("windows"), None), nothing));
    }
    None
}

/// Whether a test is about where a message comes from.
fn is_metadata(test: &Test) -> bool {
    let name = |f: &Field| f.name.to_ascii_lowercase();
    test.field.as_ref().is_some_and(|f| {
        matches!(
            name(f).as_str(),
            "_sourcecategory" | "_source" | "_sourcename" | "_collector" | "_index" | "_view" | "_datatier" | "index"
        )
    })
}

fn text_of(test: &Test) -> Option<String> {
    let Is::Like(p) = &test.is else { return None };
    let texts = p.parts.iter().filter_map(|p| match p {
        crate::middle::Piece::Text(t) => Some(t.as_str()),
        _ => None,
    });
    Some(texts.collect::<Vec<_>>().join(" "))
}
