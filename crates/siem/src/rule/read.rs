//! Reading the vendor's JSON: the content catalog's form, and the form of the API and of exported rules, whose keys are
//! the same in camel case.
//!
//! A document is a rule, a list of rules, an object of rules by their ids, or `{"rules": …, "tuningExpressions": […],
//! "matchLists": […]}`.

use super::{Aggregate, Function, Kind, Mapping, MatchList, Rule, Selector, Severity, Tuning, When};
use crate::entity::kind_of;
use serde_json::{Map, Value};

/// What stands in a file.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// Tuning expressions.
    pub tunings: Vec<Tuning>,
    /// Match lists.
    pub lists: Vec<MatchList>,
}

/// Why something is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {why}")]
pub struct ReadError {
    /// The rule's id or name, or where it stands.
    pub rule: String,
    /// A sentence.
    pub why: String,
}

type Reading<T> = Result<T, ReadError>;

impl Rules {
    /// Reads a document. What is no rule is told, the rest is read.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn read(text: &str) -> Result<(Rules, Vec<ReadError>), serde_json::Error> {
        let mut rules = Rules::default();
        let mut wrong = Vec::new();
        rules.document(serde_json::from_str(text)?, &mut wrong);
        Ok((rules, wrong))
    }

    fn document(&mut self, value: Value, wrong: &mut Vec<ReadError>) {
        match value {
            Value::Array(items) => {
                for (place, item) in items.into_iter().enumerate() {
                    self.one(&format!("rule {}", place + 1), None, item, wrong);
                }
            }
            Value::Object(mut map) if map.contains_key("rules") => {
                let tunings = map.remove("tuningExpressions").or_else(|| map.remove("tuning_expressions"));
                if let Some(Value::Array(items)) = tunings {
                    for (place, item) in items.into_iter().enumerate() {
                        match tuning(item) {
                            Some(tuning) => self.tunings.push(tuning),
                            None => wrong.push(ReadError {
                                rule: format!("tuning expression {}", place + 1),
                                why: "it has no `expression`".to_owned(),
                            }),
                        }
                    }
                }
                let lists = map.remove("matchLists").or_else(|| map.remove("match_lists"));
                if let Some(Value::Array(items)) = lists {
                    for (place, item) in items.into_iter().enumerate() {
                        let rule = format!("match list {}", place + 1);
                        match list(item) {
                            Some(list) => self.lists.push(list),
                            None => {
                                let why = "it needs a `name`, a `targetColumn` and `items`".to_owned();
                                wrong.push(ReadError { rule, why });
                            }
                        }
                    }
                }
                self.document(map.remove("rules").unwrap_or_default(), wrong);
            }
            // A rule has a name; an object of rules has objects.
            Value::Object(map) if !map.contains_key("name") && map.values().all(Value::is_object) => {
                for (id, item) in map {
                    self.one(&id, Some(&id), item, wrong);
                }
            }
            other => self.one("the rule", None, other, wrong),
        }
    }

    fn one(&mut self, place: &str, id: Option<&str>, value: Value, wrong: &mut Vec<ReadError>) {
        let Value::Object(map) = value else {
            let why = "a rule is an object".to_owned();
            return wrong.push(ReadError { rule: place.to_owned(), why });
        };
        match rule(&Keys::new(place, map)) {
            Ok(rule) => self.rules.push(Rule { id: id.map_or(rule.id, str::to_owned), ..rule }),
            Err(e) => wrong.push(e),
        }
    }
}

fn tuning(value: Value) -> Option<Tuning> {
    let Value::Object(map) = value else { return None };
    let keys = Keys::new("", map);
    if keys.get("enabled") == Some(&Value::Bool(false)) {
        // A disabled one is as if it did not exist (documented); it is joined to no rule.
        return Some(Tuning {
            name: keys.text("name")?,
            expression: keys.text("expression")?,
            exclude: false,
            rules: Some(vec![]),
        });
    }
    Some(Tuning {
        name: keys.text("name").unwrap_or_default(),
        expression: keys.text("expression")?,
        exclude: keys.flag("exclude"),
        rules: if keys.flag("is_global") { None } else { Some(keys.texts("rule_ids")) },
    })
}

/// Items are texts, or objects with a `value`.
fn list(value: Value) -> Option<MatchList> {
    let Value::Object(map) = value else { return None };
    let keys = Keys::new("", map);
    let items = keys.get("items")?.as_array()?.iter();
    let items = items.filter_map(|item| item.as_str().or_else(|| item.get("value")?.as_str()));
    Some(MatchList {
        name: keys.text("name")?,
        column: keys.text("target_column")?,
        items: items.map(str::to_owned).collect(),
    })
}

/// A rule's keys, in snake case, and what to call it.
struct Keys {
    rule: String,
    map: Map<String, Value>,
}

impl Keys {
    fn new(place: &str, map: Map<String, Value>) -> Self {
        let map: Map<String, Value> = map.into_iter().map(|(key, value)| (snake(&key), value)).collect();
        let named = ["id_compiled", "id", "name"].iter().find_map(|k| map.get(*k).and_then(Value::as_str));
        Keys { rule: named.unwrap_or(place).to_owned(), map }
    }

    fn wrong(&self, why: impl Into<String>) -> ReadError {
        ReadError { rule: self.rule.clone(), why: why.into() }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_str().filter(|t| !t.trim().is_empty()).map(str::to_owned)
    }

    fn needed(&self, key: &str) -> Reading<String> {
        self.text(key).ok_or_else(|| self.wrong(format!("it has no `{key}`")))
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        }
    }

    /// A length of time in milliseconds.
    fn millis(&self, key: &str) -> Option<i64> {
        #[allow(clippy::cast_possible_truncation)]
        self.number(key).map(|n| n as i64)
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let items = self.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|v| v.as_str()).filter(|t| !t.is_empty()).map(str::to_owned).collect()
    }

    fn objects(&self, key: &str) -> impl Iterator<Item = Keys> {
        let items = self.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|v| v.as_object()).map(|map| Keys::new(&self.rule, map.clone()))
    }
}

/// `nameExpression` as `name_expression`.
fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

fn rule(keys: &Keys) -> Reading<Rule> {
    let name = keys.needed("name")?;
    let kind = kind(keys)?;
    // Signals of these have the name of the rule (documented).
    let named_by_rule = matches!(kind, Kind::Threshold { .. } | Kind::Chain { .. } | Kind::Aggregation { .. });
    let signal_name = keys.text("name_expression").filter(|_| !named_by_rule).unwrap_or_else(|| name.clone());
    let description = keys.text("description_expression").or_else(|| keys.text("description")).unwrap_or_default();
    let id = match keys.get("id_compiled").or_else(|| keys.get("id")) {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => name.clone(),
    };
    Ok(Rule {
        id,
        signal_name,
        summary: keys.text("summary_expression").unwrap_or_default(),
        description,
        prototype: keys.flag("is_prototype"),
        enabled: keys.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        tags: keys.texts("tags"),
        suppression: keys.millis("suppression_window_size"),
        entities: entities(keys)?,
        severity: severity(keys)?,
        kind,
        name,
    })
}

fn entities(keys: &Keys) -> Reading<Vec<Selector>> {
    let mut entities = Vec::new();
    for selector in keys.objects("entity_selectors") {
        let expression = selector.needed("expression")?;
        let kind = selector.text("entity_type").unwrap_or_else(|| kind_of(&expression).to_owned());
        entities.push(Selector { kind, expression });
    }
    if let Some(expression) = keys.text("asset_field").filter(|_| entities.is_empty()) {
        entities.push(Selector { kind: kind_of(&expression).to_owned(), expression });
    }
    if entities.is_empty() {
        return Err(keys.wrong("it names no entity (`entity_selectors`): a Signal is about one"));
    }
    Ok(entities)
}

fn severity(keys: &Keys) -> Reading<Severity> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let small = |n: f64| n.clamp(0.0, 10.0) as u8;
    let mapping = keys.get("score_mapping").or_else(|| keys.get("severity_mapping"));
    let Some(mapping) = mapping.and_then(Value::as_object) else {
        let score = keys.number("score").or_else(|| keys.number("severity"));
        return score.map(|n| Severity::constant(small(n))).ok_or_else(|| keys.wrong("it has no `score`"));
    };
    let inner = Keys::new(&keys.rule, mapping.clone());
    let default = inner.number("default").map(small);
    // A published rule takes the field's value and gives no default: nothing is said of a record without the field.
    let default = default.or_else(|| inner.text("field").map(|_| 1));
    let default = default.ok_or_else(|| keys.wrong("`score_mapping` has no `default`"))?;
    match inner.text("type").as_deref() {
        None | Some("constant") => Ok(Severity::constant(default)),
        Some("fieldValue" | "fieldValueMapping") => {
            let lines = inner.objects("mapping").map(|line| mapping_line(keys, &line));
            Ok(Severity { default, field: Some(inner.needed("field")?), mapping: lines.collect::<Reading<_>>()? })
        }
        Some(other) => Err(keys.wrong(format!("a score mapping of the type `{other}` is not known"))),
    }
}

fn mapping_line(keys: &Keys, line: &Keys) -> Reading<Mapping> {
    let number = |key: &str| line.number(key).ok_or_else(|| keys.wrong(format!("a score mapping has no `{key}`")));
    let when = match line.text("type").as_deref() {
        None | Some("equal" | "eq") => match line.get("from") {
            Some(Value::String(text)) => When::Equal(text.clone()),
            Some(other) => When::Equal(other.to_string()),
            None => return Err(keys.wrong("a score mapping has no `from`")),
        },
        Some("lt" | "less_than" | "lessThan") => When::Less(number("from")?),
        Some("gt" | "greater_than" | "greaterThan") => When::Greater(number("from")?),
        Some("range" | "between") => When::Between(number("from")?, number("from_end")?),
        Some("ne" | "not_in_record" | "notInRecord" | "missing") => When::Missing,
        Some(other) => return Err(keys.wrong(format!("a score mapping of the type `{other}` is not known"))),
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let to = number("to")?.clamp(0.0, 10.0) as u8;
    Ok(Mapping { when, to })
}

/// What kind of rule it is: what it says, else the keys that only one kind has.
fn kind(keys: &Keys) -> Reading<Kind> {
    let said = keys.text("pattern_type").or_else(|| keys.text("rule_type")).or_else(|| keys.text("type"));
    let said = said.map(|s| s.to_ascii_lowercase().replace([' ', '-'], "_"));
    let has = |key: &str| keys.get(key).is_some();
    match said.as_deref() {
        Some("match" | "templated_match") => matched(keys),
        Some("threshold") => threshold(keys),
        Some("chain") => chain(keys),
        Some("aggregation") => aggregation(keys),
        Some("first_seen") => first_seen(keys),
        Some("outlier") => outlier(keys),
        Some(other) => Err(keys.wrong(format!("rules of the type `{other}` are not known"))),
        None if has("expressions_and_limits") => chain(keys),
        None if has("deviation_threshold") => outlier(keys),
        None if has("trigger_expression") => aggregation(keys),
        None if has("filter_expression") => first_seen(keys),
        None if has("limit") => threshold(keys),
        None => matched(keys),
    }
}

fn matched(keys: &Keys) -> Reading<Kind> {
    Ok(Kind::Match { expression: keys.needed("expression")? })
}

fn threshold(keys: &Keys) -> Reading<Kind> {
    Ok(Kind::Threshold {
        expression: keys.needed("expression")?,
        limit: limit(keys)?,
        window: window(keys)?,
        group_by: keys.texts("group_by_fields"),
        distinct: if keys.flag("count_distinct") { Some(keys.needed("count_field")?) } else { None },
    })
}

fn chain(keys: &Keys) -> Reading<Kind> {
    let steps = keys.objects("expressions_and_limits").map(|s| Ok((s.needed("expression")?, limit(&s)?)));
    let steps = steps.collect::<Reading<Vec<_>>>()?;
    if steps.len() < 2 {
        return Err(keys.wrong("a chain has two expressions at least (`expressions_and_limits`)"));
    }
    let group_by = keys.texts("group_by_fields");
    Ok(Kind::Chain { steps, ordered: keys.flag("ordered"), window: window(keys)?, group_by })
}

fn aggregation(keys: &Keys) -> Reading<Kind> {
    Ok(Kind::Aggregation {
        expression: keys.needed("match_expression")?,
        functions: functions(keys)?,
        trigger: keys.needed("trigger_expression")?,
        window: window(keys)?,
        group_by: keys.texts("group_by_fields"),
        by_entity: keys
            .get("group_by_asset")
            .or_else(|| keys.get("group_by_entity"))
            .and_then(Value::as_bool)
            .unwrap_or(true),
    })
}

fn first_seen(keys: &Keys) -> Reading<Kind> {
    let mut values = keys.texts("value_fields");
    values.extend(keys.text("value_expression").filter(|_| values.is_empty()));
    if values.is_empty() {
        return Err(keys.wrong("it does not say which values are to be new (`value_fields`)"));
    }
    let global = keys.text("baseline_type").is_none_or(|t| t.eq_ignore_ascii_case("global"));
    let (baseline, retention) = baseline(keys);
    Ok(Kind::FirstSeen {
        expression: keys.needed("filter_expression")?,
        values,
        group_by: if global { Vec::new() } else { keys.texts("group_by_fields") },
        baseline,
        retention,
    })
}

fn outlier(keys: &Keys) -> Reading<Kind> {
    let (baseline, retention) = baseline(keys);
    let mut functions = functions(keys)?;
    if functions.len() != 1 {
        return Err(keys.wrong("an outlier rule has one aggregation"));
    }
    Ok(Kind::Outlier {
        expression: keys.needed("match_expression")?,
        function: functions.remove(0),
        window: window(keys)?,
        group_by: keys.texts("group_by_fields"),
        baseline,
        retention,
        deviations: keys.number("deviation_threshold").ok_or_else(|| keys.wrong("it has no `deviation_threshold`"))?,
        floor: keys.number("floor_value").unwrap_or(1.0),
    })
}

/// Learning 30 days and keeping 90 are the defaults (documented).
fn baseline(keys: &Keys) -> (i64, i64) {
    const DAY: i64 = 86_400_000;
    let baseline = keys.millis("baseline_window_size").unwrap_or(30 * DAY);
    (baseline, keys.millis("retention_window_size").unwrap_or(90 * DAY))
}

fn functions(keys: &Keys) -> Reading<Vec<Function>> {
    let one = |f: Keys| {
        let name = f.needed("function")?;
        let aggregate = Aggregate::named(&name).ok_or_else(|| keys.wrong(format!("`{name}` is not an aggregate")))?;
        let argument = f.texts("arguments").into_iter().next().unwrap_or_else(|| "true".to_owned());
        Ok(Function { name: f.needed("name")?, aggregate, argument })
    };
    let functions = keys.objects("aggregation_functions").map(one).collect::<Reading<Vec<_>>>()?;
    if functions.is_empty() { Err(keys.wrong("it has no `aggregation_functions`")) } else { Ok(functions) }
}

fn limit(keys: &Keys) -> Reading<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let limit = keys.number("limit").filter(|n| *n >= 1.0).map(|n| n as u64);
    limit.ok_or_else(|| keys.wrong("it has no `limit` of 1 or more"))
}

/// `5m`, `24h`, `T05M`, `T24H`, `T05D`, or `CUSTOM` with the milliseconds beside it.
fn window(keys: &Keys) -> Reading<i64> {
    let millis = || keys.millis("window_size").or_else(|| keys.millis("window_size_milliseconds"));
    let named = keys.text("window").or_else(|| keys.text("window_size"));
    let parsed = named.as_deref().and_then(duration).or_else(millis);
    parsed.filter(|w| *w > 0).ok_or_else(|| keys.wrong("it has no `window` that is a length of time"))
}

fn duration(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches('T');
    let cut = digits.find(|c: char| !c.is_ascii_digit())?;
    let n: i64 = digits[..cut].parse().ok()?;
    n.checked_mul(match &digits[cut..] {
        "s" | "S" => 1_000,
        "m" | "M" => 60_000,
        "h" | "H" => 3_600_000,
        "d" | "D" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        for (text, millis) in [
            ("5m", Some(300_000)),
            ("T24H", Some(86_400_000)),
            ("T05D", Some(432_000_000)),
            ("CUSTOM", None),
            ("5", None),
        ] {
            assert_eq!(duration(text), millis, "{text}");
        }
    }

    #[test]
    fn both_spellings_of_keys_and_all_shapes_of_documents() {
        let catalog = r#"{"A-1": {"name": "n", "expression": "a = 1", "score": 3, "asset_field": "device_ip"}}"#;
        let exported = r#"[{"name": "n", "expression": "a = 1", "entitySelectors":
            [{"entityType": "_ip", "expression": "device_ip"}], "severityMapping": {"type": "constant", "default": 3}}]"#;
        for (text, id) in [(catalog, "A-1"), (exported, "n")] {
            let (rules, wrong) = Rules::read(text).unwrap();
            assert!(wrong.is_empty(), "{wrong:?}");
            let rule = &rules.rules[0];
            assert_eq!((rule.id.as_str(), rule.severity.default, rule.entities[0].kind.as_str()), (id, 3, "_ip"));
        }
    }

    #[test]
    fn what_is_no_rule_is_told_and_the_rest_is_read() {
        let text = r#"[{"name": "n"}, 5, {"name": "m", "expression": "a", "score": 1, "asset_field": "device_ip"}]"#;
        let (rules, wrong) = Rules::read(text).unwrap();
        assert_eq!((rules.rules.len(), wrong.len()), (1, 2));
        assert_eq!(wrong[0].to_string(), "n: it has no `expression`");
    }
}
