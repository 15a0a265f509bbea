//! Rules over the matches of rules.

use super::meta::{meta, strings};
use super::said::Said;
use super::yaml::{Data, Entry, Node, get};
use crate::tree::{Correlation, CorrelationKind, CorrelationOrder, Order};
use parallax_diagnostics::{Diagnostic, Span};
use rsigma_parser::value::Timespan;

const KINDS: [&str; 8] = [
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
];
const KEYS: [&str; 9] =
    ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate", "window"];

/// Reads a correlation.
pub(crate) fn correlation(entries: &[Entry], section: &Entry, span: Span, said: &mut Said) -> Option<Correlation> {
    let meta = meta(entries, span, said);
    let Some(inner) = section.value.map() else {
        return said.error("SIGMA0501", section.value.span, "a correlation is a map");
    };
    for entry in inner {
        if !KEYS.contains(&entry.key.as_str()) && entry.key != "gap" {
            let d = Diagnostic::error("SIGMA0502", entry.key_span, format!("a correlation has no `{}`", entry.key));
            said.push(d.suggest(&entry.key, KEYS));
        } else if entry.key == "window" && entry.value.text() != Some("sliding") || entry.key == "gap" {
            let help = "leave it out: windows slide, as the specification says";
            said.push(
                Diagnostic::error("SIGMA0503", entry.key_span, "this kind of window is beyond the specification")
                    .help(help),
            );
        }
    }
    let conditions = get(inner, "condition").map(|e| &e.value);
    let kind = kind(inner, section, conditions, said);
    let rules = rules(inner, section, said);
    let timespan = timespan(inner, section, said);
    let (kind, rules, timespan, meta) = (kind?, rules?, timespan?, meta?);
    let (bounds, fields, condition) = bounds(kind, conditions, section, said)?;
    let aliases = aliases(inner, &rules, said)?;
    let texts = |key, said: &mut Said| get(inner, key).map_or_else(Vec::new, |e| strings(&e.value, key, said));
    Some(Correlation {
        group_by: texts("group-by", said),
        generate: generate(entries, inner, said)?,
        meta,
        kind,
        rules,
        timespan,
        bounds,
        fields,
        condition,
        aliases,
    })
}

fn kind(inner: &[Entry], section: &Entry, condition: Option<&Node>, said: &mut Said) -> Option<CorrelationKind> {
    let Some(entry) = get(inner, "type") else {
        let help = format!("one of {}", KINDS.join(", "));
        return said.refuse("SIGMA0501", section.key_span, "a correlation has a `type`", help);
    };
    let percentile = || {
        let entry = condition.and_then(Node::map).and_then(|m| get(m, "percentile"))?;
        match entry.value.data() {
            Data::Number(value, ..) => Some(*value),
            _ => None,
        }
    };
    Some(match entry.value.text().unwrap_or_default() {
        "event_count" => CorrelationKind::EventCount,
        "value_count" => CorrelationKind::ValueCount,
        "temporal" => CorrelationKind::Temporal,
        "temporal_ordered" => CorrelationKind::TemporalOrdered,
        "value_sum" => CorrelationKind::ValueSum,
        "value_avg" => CorrelationKind::ValueAvg,
        "value_median" => CorrelationKind::ValueMedian,
        "value_percentile" => match percentile() {
            Some(p) if (0.0..=100.0).contains(&p) => CorrelationKind::ValuePercentile(p),
            _ => {
                let help = "write `percentile: 95` in the condition, a number from 0 to 100";
                return said.refuse("SIGMA0504", entry.value.span, "which percentile is not said", help);
            }
        },
        other => {
            let d = Diagnostic::error("SIGMA0502", entry.value.span, format!("there is no correlation `{other}`"));
            said.push(d.suggest(other, KINDS));
            return None;
        }
    })
}

fn rules(inner: &[Entry], section: &Entry, said: &mut Said) -> Option<Vec<String>> {
    let rules = get(inner, "rules").map_or_else(Vec::new, |e| strings(&e.value, "rules", said));
    if rules.is_empty() {
        let help = "list their ids or names: `rules: [failed_login]`";
        return said.refuse(
            "SIGMA0501",
            section.key_span,
            "a correlation names the rules whose matches it takes",
            help,
        );
    }
    Some(rules)
}

fn timespan(inner: &[Entry], section: &Entry, said: &mut Said) -> Option<i64> {
    let Some(entry) = get(inner, "timespan").or_else(|| get(inner, "timeframe")) else {
        return said.refuse("SIGMA0501", section.key_span, "a correlation has a `timespan`", "write `timespan: 5m`");
    };
    let text = entry.value.text().unwrap_or_default();
    // Months and years are not of one length; the specification has days as its longest unit.
    let seconds = Timespan::parse(text).ok().filter(|_| !text.ends_with(['M', 'y'])).map(|t| t.seconds);
    match seconds.filter(|s| *s > 0).and_then(|s| i64::try_from(s).ok()?.checked_mul(1_000_000_000)) {
        Some(nanoseconds) => Some(nanoseconds),
        None => {
            let help = "a whole number and a unit: `30s`, `5m`, `1h`, `7d`, `2w`";
            said.refuse("SIGMA0505", entry.value.span, format!("`{text}` is no timespan"), help)
        }
    }
}

type Bounds = (Vec<(CorrelationOrder, f64)>, Vec<String>, Option<String>);

fn bounds(kind: CorrelationKind, node: Option<&Node>, section: &Entry, said: &mut Said) -> Option<Bounds> {
    let temporal = matches!(kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
    let Some(node) = node else {
        if temporal {
            return Some((Vec::new(), Vec::new(), None));
        }
        let help = "write `condition: {gte: 10}`";
        return said.refuse("SIGMA0501", section.key_span, "this correlation has a `condition`", help);
    };
    if let Some(text) = node.text() {
        if temporal {
            return Some((Vec::new(), Vec::new(), Some(text.to_owned())));
        }
        return said.refuse("SIGMA0506", node.span, "a count is compared", "write `condition: {gte: 10}`");
    }
    let mut bounds = Vec::new();
    let mut fields = Vec::new();
    for entry in node.map().unwrap_or_default() {
        let order = match entry.key.as_str() {
            "field" => {
                fields = strings(&entry.value, "field", said);
                continue;
            }
            "percentile" => continue,
            "lt" => CorrelationOrder::Is(Order::Less),
            "lte" => CorrelationOrder::Is(Order::LessOrEqual),
            "gt" => CorrelationOrder::Is(Order::Greater),
            "gte" => CorrelationOrder::Is(Order::GreaterOrEqual),
            "neq" => CorrelationOrder::Is(Order::NotEqual),
            "eq" => CorrelationOrder::Equal,
            other => {
                let d = Diagnostic::error("SIGMA0502", entry.key_span, format!("there is no comparison `{other}`"));
                said.push(d.help("one of gt, gte, lt, lte, eq, neq"));
                return None;
            }
        };
        bounds.push((order, super::values::number(&entry.value, said)?));
    }
    if bounds.is_empty() {
        return said.refuse("SIGMA0506", node.span, "the condition compares nothing", "write `condition: {gte: 10}`");
    }
    let counts = matches!(kind, CorrelationKind::EventCount) || temporal;
    if !counts && fields.is_empty() {
        return said.refuse(
            "SIGMA0506",
            node.span,
            "the field whose values are taken is not said",
            "write `field: User` beside the comparison",
        );
    }
    Some((bounds, fields, None))
}

type Alias = (String, Vec<(String, String)>);

fn aliases(inner: &[Entry], rules: &[String], said: &mut Said) -> Option<Vec<Alias>> {
    let Some(entry) = get(inner, "aliases") else { return Some(Vec::new()) };
    let Some(entries) = entry.value.map() else {
        return said.error("SIGMA0507", entry.value.span, "aliases are a map of names");
    };
    let mut out = Vec::new();
    for alias in entries {
        let Some(map) = alias.value.map() else {
            return said.refuse(
                "SIGMA0507",
                alias.value.span,
                "an alias is a map",
                "write `rule_name: field` for each rule",
            );
        };
        let mut fields = Vec::new();
        for e in map {
            let Some(field) = e.value.text() else {
                return said.error("SIGMA0507", e.value.span, "an alias stands for the name of a field");
            };
            if !rules.contains(&e.key) {
                said.warn(
                    "SIGMA0619",
                    e.key_span,
                    format!("the correlation does not take `{}`", e.key),
                    "the alias has no use for it",
                );
            }
            fields.push((e.key.clone(), field.to_owned()));
        }
        out.push((alias.key.clone(), fields));
    }
    Some(out)
}

fn generate(entries: &[Entry], inner: &[Entry], said: &mut Said) -> Option<bool> {
    match get(entries, "generate").or_else(|| get(inner, "generate")) {
        None => Some(false),
        Some(entry) => super::values::truth(&entry.value, said),
    }
}
