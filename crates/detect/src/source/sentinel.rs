//! Analytics rules of Microsoft Sentinel, as the public repository keeps them in YAML.
//!
//! Keys and their values: documented (“Query Style Guide” of the repository's wiki, “Scheduled analytics rules in
//! Microsoft Sentinel”), and as the repository's own validation reads them.

use super::loaded::Fault;
use super::{About, Body, Kind, Rule, tags};
use crate::pack::Severity;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_engine::Dialect;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What an analytics rule says beside its query.
#[derive(Clone, Debug, PartialEq)]
pub struct Analytics {
    /// How often it runs, in nanoseconds; a minute for a near-real-time rule.
    pub frequency: i64,
    /// How far back it looks, in nanoseconds.
    pub period: i64,
    /// How many rows make an alert.
    pub trigger: Trigger,
    /// Whether each row is an alert of its own.
    pub per_row: bool,
    /// The most alerts of a run; the last one is of all rows where there would be more.
    pub most: usize,
    /// For how long it does not run after an alert, in nanoseconds.
    pub suppression: Option<i64>,
    /// Entities: their kind, and identifiers with the columns that hold them.
    pub entities: Vec<(String, Vec<(String, String)>)>,
    /// Columns that hold entities as JSON.
    pub entity_columns: Vec<String>,
    /// A title with `{{Column}}`.
    pub name_format: Option<String>,
    /// A description with `{{Column}}`.
    pub description_format: Option<String>,
    /// The column that says how bad it is.
    pub severity_column: Option<String>,
    /// The column that says which tactics.
    pub tactics_column: Option<String>,
    /// More properties of the alert, and the columns that hold them.
    pub properties: Vec<(String, String)>,
    /// Names, and the columns to show under them.
    pub details: Vec<(String, String)>,
    /// Whether an alert becomes an incident.
    pub incident: bool,
}

/// A number of rows to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// More than that.
    GreaterThan(u64),
    /// Less than that.
    LessThan(u64),
    /// That many.
    Equal(u64),
    /// Not that many.
    NotEqual(u64),
}

impl Trigger {
    /// Whether so many rows make an alert.
    pub fn holds(self, rows: u64) -> bool {
        match self {
            Trigger::GreaterThan(n) => rows > n,
            Trigger::LessThan(n) => rows < n,
            Trigger::Equal(n) => rows == n,
            Trigger::NotEqual(n) => rows != n,
        }
    }
}

const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The most alerts of a run (documented): of a scheduled rule, of a near-real-time one.
const MOST: (usize, usize) = (150, 30);

/// Keys that say nothing about what the rule does.
const SILENT: [&str; 14] = [
    // What belongs under `metadata` stands beside it in many published rules.
    "source",
    "author",
    "support",
    "categories",
    "threatAnalysisTactics",
    "threatAnalysisTechniques",
    "requiredDataConnectors",
    "metadata",
    "description-detailed",
    "templateVersion",
    "alertRuleTemplateName",
    "lastUpdatedDateUTC",
    "createdDateUTC",
    "subTechniques",
];

/// Reads an analytics rule, or a hunting query, which is one without a schedule.
pub(super) fn read(file: &str, text: &str) -> Result<(Rule, Option<Fault>), Fault> {
    let fault = |d: Diagnostic| Fault::new(file, text, d);
    let value: Value = serde_saphyr::from_str(text).map_err(|e| {
        let at = e.location().and_then(|l| l.span().byte_offset()).unwrap_or(0) as usize;
        let message = e.without_snippet().to_string();
        fault(Diagnostic::error("DETECT0010", Span::at(at), message.lines().next().unwrap_or_default()))
    })?;
    let Value::Object(map) = value else {
        return Err(fault(Diagnostic::error("DETECT0010", Span::at(0), "not an analytics rule")));
    };
    let mut reader = Reader { text, map, problems: Diagnostics::default(), known: Vec::new() };
    let (about, analytics) = reader.rule(file);
    reader.unknown();
    let (errors, remarks): (Vec<_>, Vec<_>) =
        reader.problems.0.into_iter().partition(|d| d.severity == parallax_diagnostics::Severity::Error);
    if !errors.is_empty() {
        return Err(Fault::new(file, text, Diagnostics(errors)));
    }
    let body = analytics.map_or(Body::Query, |a| Body::Sentinel(Box::new(a)));
    let remarks = (!remarks.is_empty()).then(|| Fault::new(file, text, Diagnostics(remarks)));
    Ok((Rule { about: Arc::new(about), body }, remarks))
}

struct Reader<'a> {
    text: &'a str,
    map: Map<String, Value>,
    problems: Diagnostics,
    known: Vec<&'static str>,
}

impl Reader<'_> {
    fn rule(&mut self, file: &str) -> (About, Option<Analytics>) {
        let query = self.text_of("query").unwrap_or_default();
        if query.trim().is_empty() {
            self.error("DETECT0011", "query", "the rule has no `query`");
        }
        let kind = self.kind();
        let mut about = About::new(String::new(), kind.unwrap_or(Kind::Query), Dialect::Kql, file.to_owned(), query);
        let stem = std::path::Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
        about.id = self.text_of("id");
        about.title = self.text_of("name").or_else(|| self.text_of("displayName")).or(stem.clone()).unwrap_or_default();
        about.name = about.id.clone().or(stem).unwrap_or_default();
        about.short = Some(about.title.clone());
        about.description = unquoted(&self.text_of("description").unwrap_or_default());
        about.status = self.text_of("status").map(|s| s.to_ascii_lowercase());
        about.version = self.text_of("version");
        about.tactics = self.texts("tactics").iter().map(|t| tags::spaced(t)).collect();
        about.attack = self.texts("relevantTechniques").iter().map(|t| t.to_ascii_uppercase()).collect();
        about.attack.extend(self.texts("techniques").iter().map(|t| t.to_ascii_uppercase()));
        about.tags = tags::of(&about.attack, &about.tactics);
        about.tags.extend(self.tags());
        about.data_sources = self.connectors();
        if let Some(severity) = self.text_of("severity") {
            match Severity::from_word(&severity.to_ascii_lowercase()) {
                Some(severity) => (about.severity, about.severity_given) = (severity, true),
                None => self.error("DETECT0012", "severity", &format!("`{severity}` is not a severity")),
            }
        }
        if self.flag("enabled") == Some(false) {
            self.warn("DETECT0025", "enabled", "the rule is disabled; it runs here all the same");
        }
        let analytics = kind.map(|kind| self.analytics(kind));
        (about, analytics)
    }

    /// Scheduled, near-real-time, or no schedule at all: a hunting query.
    fn kind(&mut self) -> Option<Kind> {
        let kind = self.text_of("kind");
        let timed = self.map.contains_key("queryFrequency") || self.map.contains_key("triggerOperator");
        match kind.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("scheduled") => Some(Kind::Scheduled),
            Some("nrt") => Some(Kind::NearRealTime),
            None if timed => Some(Kind::Scheduled),
            None => None,
            Some(_) => {
                let kind = kind.unwrap_or_default();
                self.error("DETECT0013", "kind", &format!("a rule of kind `{kind}` has no query that could be run"));
                None
            }
        }
    }

    fn analytics(&mut self, kind: Kind) -> Analytics {
        let nrt = kind == Kind::NearRealTime;
        let (frequency, period) = match nrt {
            true => (MINUTE, MINUTE),
            false => (self.length("queryFrequency"), self.length("queryPeriod")),
        };
        if nrt {
            self.known.extend(["queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"]);
        } else {
            self.check(frequency, period);
        }
        let trigger = if nrt { Trigger::GreaterThan(0) } else { self.trigger() };
        let grouping = self.object("eventGroupingSettings");
        let kind_of_grouping = grouping.get("aggregationKind").and_then(Value::as_str).unwrap_or("SingleAlert");
        let per_row = kind_of_grouping.eq_ignore_ascii_case("AlertPerResult");
        if !per_row && !kind_of_grouping.eq_ignore_ascii_case("SingleAlert") {
            let why = format!("`{kind_of_grouping}` is neither `SingleAlert` nor `AlertPerResult`");
            self.error("DETECT0014", "aggregationKind", &why);
        }
        let suppressed = self.flag("suppressionEnabled").unwrap_or(false);
        let duration = self.map.contains_key("suppressionDuration").then(|| self.length("suppressionDuration"));
        let suppression = duration.filter(|_| suppressed);
        if suppressed && suppression.is_none() {
            self.error("DETECT0015", "suppressionEnabled", "`suppressionDuration` does not say for how long");
        }
        let incident = self.object("incidentConfiguration").get("createIncident").and_then(Value::as_bool);
        let incident = incident.or_else(|| self.flag("createIncident")).unwrap_or(true);
        self.known.push("createIncident");
        let details = self.object("customDetails");
        let mut analytics = Analytics {
            frequency,
            period,
            trigger,
            per_row,
            most: if nrt { MOST.1 } else { MOST.0 },
            suppression,
            entities: self.entities(),
            entity_columns: self.entity_columns(),
            name_format: None,
            description_format: None,
            severity_column: None,
            tactics_column: None,
            properties: Vec::new(),
            details: details.iter().map(|(n, c)| (n.clone(), text(c).unwrap_or_default())).collect(),
            incident,
        };
        self.alert_details(&mut analytics);
        analytics
    }

    /// Documented: 5 minutes to 14 days, and no gaps between the times that are looked at.
    fn check(&mut self, frequency: i64, period: i64) {
        for (key, length) in [("queryFrequency", frequency), ("queryPeriod", period)] {
            if length > 0 && !(5 * MINUTE..=14 * DAY).contains(&length) {
                self.warn("DETECT0016", key, &format!("the service takes a `{key}` of 5 minutes to 14 days"));
            }
        }
        if period < frequency {
            self.warn("DETECT0017", "queryPeriod", "the service refuses to look back less far than the last run");
        }
    }

    fn alert_details(&mut self, analytics: &mut Analytics) {
        let mut all = self.object("alertDetailsOverride");
        let mut take = |key: &str| all.remove(key).and_then(|v| text(&v)).filter(|t| !t.is_empty());
        analytics.name_format = take("alertDisplayNameFormat");
        analytics.description_format = take("alertDescriptionFormat").map(|t| unquoted(&t));
        analytics.severity_column = take("alertSeverityColumnName").or_else(|| take("alertSeverity"));
        analytics.tactics_column = take("alertTacticsColumnName").or_else(|| take("alertTactics"));
        for one in all.remove("alertDynamicProperties").iter().filter_map(Value::as_array).flatten() {
            let get = |key: &str| one.get(key).and_then(text);
            match (get("alertProperty"), get("value")) {
                (Some(name), Some(column)) => analytics.properties.push((name, column)),
                _ => self.warn("DETECT0018", "alertDynamicProperties", "a property without name or column"),
            }
        }
        for key in all.keys() {
            let known = ["alertDynamicProperties"];
            if !known.contains(&key.as_str()) {
                self.warn("DETECT0019", key, &format!("`{key}` is not a key of `alertDetailsOverride`"));
            }
        }
    }

    fn trigger(&mut self) -> Trigger {
        let threshold = match self.take("triggerThreshold") {
            Some(value) => match text(&value).and_then(|t| t.parse::<u64>().ok()) {
                Some(n) => n,
                None => {
                    self.error("DETECT0020", "triggerThreshold", "not a number of rows");
                    0
                }
            },
            None => 0,
        };
        let operator = self.text_of("triggerOperator").unwrap_or_else(|| "gt".into());
        match operator.to_ascii_lowercase().as_str() {
            "gt" | "greaterthan" => Trigger::GreaterThan(threshold),
            "lt" | "lessthan" => Trigger::LessThan(threshold),
            "eq" | "equal" => Trigger::Equal(threshold),
            "ne" | "notequal" => Trigger::NotEqual(threshold),
            _ => {
                let why = format!("`{operator}` is not an operator: `gt`, `lt`, `eq`, `ne`");
                self.error("DETECT0021", "triggerOperator", &why);
                Trigger::GreaterThan(threshold)
            }
        }
    }

    fn entities(&mut self) -> Vec<(String, Vec<(String, String)>)> {
        let Some(Value::Array(all)) = self.take("entityMappings") else { return Vec::new() };
        let mut out = Vec::new();
        for one in &all {
            let kind = one.get("entityType").and_then(text);
            let fields = one.get("fieldMappings").and_then(Value::as_array).into_iter().flatten();
            let fields = fields.filter_map(|f| Some((text(f.get("identifier")?)?, text(f.get("columnName")?)?)));
            let fields: Vec<_> = fields.collect();
            match kind {
                Some(kind) if !fields.is_empty() => out.push((kind, fields)),
                _ => self.warn("DETECT0022", "entityMappings", "an entity without type or fields"),
            }
        }
        out
    }

    fn entity_columns(&mut self) -> Vec<String> {
        let Some(Value::Array(all)) = self.take("sentinelEntitiesMappings") else { return Vec::new() };
        all.iter().filter_map(|one| one.get("columnName").and_then(text)).collect()
    }

    fn tags(&mut self) -> Vec<String> {
        let Some(Value::Array(all)) = self.take("tags") else { return Vec::new() };
        let one = |v: &Value| match v {
            Value::Object(map) => map.iter().filter_map(|(k, v)| Some(format!("{k}.{}", text(v)?))).collect(),
            v => text(v).into_iter().collect::<Vec<_>>(),
        };
        all.iter().flat_map(one).collect()
    }

    fn connectors(&mut self) -> Vec<String> {
        let Some(Value::Array(all)) = self.map.get("requiredDataConnectors").cloned() else { return Vec::new() };
        let types = all
            .iter()
            .filter_map(|c| c.get("dataTypes").or_else(|| c.get("datatypes")))
            .filter_map(Value::as_array)
            .flatten();
        types.filter_map(text).collect()
    }

    /// A length of time: `5m`, `1h`, `7d`, `1.02:30:00`, `PT1H`.
    fn length(&mut self, key: &'static str) -> i64 {
        let Some(value) = self.text_of(key) else {
            self.error("DETECT0023", key, &format!("a scheduled rule needs `{key}`"));
            return DAY;
        };
        length(&value).unwrap_or_else(|| {
            self.error("DETECT0024", key, &format!("`{value}` is not a length of time such as `5m`, `1h`, `7d`"));
            DAY
        })
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.map.get(key).cloned().filter(|v| !v.is_null())
    }

    fn text_of(&mut self, key: &'static str) -> Option<String> {
        self.take(key).and_then(|v| text(&v))
    }

    fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.take(key).and_then(|v| v.as_bool().or_else(|| text(&v)?.to_ascii_lowercase().parse().ok()))
    }

    fn texts(&mut self, key: &'static str) -> Vec<String> {
        match self.take(key) {
            Some(Value::Array(all)) => all.iter().filter_map(text).filter(|t| !t.is_empty()).collect(),
            Some(one) => text(&one).filter(|t| !t.is_empty()).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn object(&mut self, key: &'static str) -> Map<String, Value> {
        match self.take(key) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// A key that nobody reads says something that is not done.
    fn unknown(&mut self) {
        self.known.extend(SILENT);
        let unknown: Vec<String> = self.map.keys().filter(|k| !self.known.contains(&k.as_str())).cloned().collect();
        for key in unknown {
            self.warn("DETECT0019", &key, &format!("`{key}` is not a key of an analytics rule; it is passed over"));
        }
    }

    fn error(&mut self, code: &'static str, key: &str, why: &str) {
        self.problems.push(Diagnostic::error(code, place(self.text, key), why));
    }

    fn warn(&mut self, code: &'static str, key: &str, why: &str) {
        self.problems.push(Diagnostic::warning(code, place(self.text, key), why));
    }
}

fn place(text: &str, key: &str) -> Span {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            return Span::new(at + indent, at + line.trim_end().len());
        }
        at += line.len();
    }
    Span::at(0)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim_end().to_owned()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// Many descriptions stand in quotes within a block.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(text).trim().to_owned()
}

/// A length of time in nanoseconds: a number with `s`, `m`, `h` or `d`; days, hours, minutes and seconds with colons; or
/// ISO 8601 without months and years.
pub(crate) fn length(text: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000_000;
    let text = text.trim();
    let unit = |c: char| match c.to_ascii_lowercase() {
        's' => Some(SECOND),
        'm' => Some(MINUTE),
        'h' => Some(60 * MINUTE),
        'd' => Some(DAY),
        'w' => Some(7 * DAY),
        _ => None,
    };
    if let Some(iso) = text.strip_prefix(['P', 'p']) {
        let (mut sum, mut digits, mut time) = (0i64, String::new(), false);
        for c in iso.chars() {
            match c {
                'T' | 't' => time = true,
                c if c.is_ascii_digit() => digits.push(c),
                'M' | 'm' if !time => return None,
                c => {
                    sum = sum.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit(c)?)?)?;
                    digits.clear();
                }
            }
        }
        return digits.is_empty().then_some(sum).filter(|s| *s > 0);
    }
    if text.contains(':') {
        let (days, clock) = text.split_once('.').filter(|(d, _)| !d.contains(':')).unwrap_or(("0", text));
        let mut parts = clock.split(':').map(|p| p.parse::<i64>().ok());
        let (hours, minutes) = (parts.next()??, parts.next()??);
        let seconds = parts.next().unwrap_or(Some(0))?;
        let days: i64 = days.parse().ok()?;
        return Some(days * DAY + hours * 60 * MINUTE + minutes * MINUTE + seconds * SECOND).filter(|s| *s > 0);
    }
    let cut = text.find(|c: char| !c.is_ascii_digit())?;
    let n: i64 = text[..cut].parse().ok()?;
    let mut letters = text[cut..].trim().chars();
    let length = n.checked_mul(unit(letters.next()?)?)?;
    letters.next().is_none().then_some(length).filter(|l| *l > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(length("5m"), Some(5 * MINUTE));
        assert_eq!(length("14d"), Some(14 * DAY));
        assert_eq!(length("PT1H30M"), Some(90 * MINUTE));
        assert_eq!(length("P2DT1H"), Some(2 * DAY + 60 * MINUTE));
        assert_eq!(length("01:00:00"), Some(60 * MINUTE));
        assert_eq!(length("1.00:30:00"), Some(DAY + 30 * MINUTE));
        assert_eq!(length("P1M"), None);
        assert_eq!(length("5"), None);
        assert_eq!(length("0m"), None);
    }
}
