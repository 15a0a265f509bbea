//! `[[sumo.field-extraction]]`: Sumo's field extraction rules, written here or as the vendor's API returns them.

use super::reader::{Reader, VALUE, Value, span};
use parallax_catalog::external::ExtractionRule;
use parallax_diagnostics::Span;
use serde::Deserialize;
use std::path::Path;
use toml::de::DeValue;

pub(super) fn rules(r: &mut Reader<'_>, value: &Value<'_>) -> Vec<ExtractionRule> {
    let DeValue::Array(items) = value.get_ref() else {
        r.say(VALUE, span(value), "rules are a list of tables: `[[sumo.field-extraction]]`");
        return Vec::new();
    };
    items.iter().flat_map(|item| one(r, item)).collect()
}

/// A rule, or those of a file.
fn one(r: &mut Reader<'_>, value: &Value<'_>) -> Vec<ExtractionRule> {
    let at = span(value);
    let Some(section) = r.section("sumo.field-extraction", value) else { return Vec::new() };
    let (mut name, mut scope, mut parse, mut file) = (None, None, None, None);
    let mut enabled = true;
    section.each(r, &["name", "scope", "parse", "enabled", "file"], |r, key, _, value| match key {
        "name" => name = r.text(value),
        // An empty scope is all data.
        "scope" => scope = value.get_ref().as_str().map(str::to_owned).or_else(|| r.text(value)),
        "parse" => parse = r.text(value).map(|text| (text, span(value))),
        "enabled" => match value.get_ref() {
            DeValue::Boolean(yes) => enabled = *yes,
            _ => r.say(VALUE, span(value), "this is `true` or `false`"),
        },
        _ => file = r.path(value).map(|path| (path, span(value))),
    });
    if let Some((path, at)) = file {
        if name.is_some() || scope.is_some() || parse.is_some() {
            r.say(VALUE, at, "a file has its rules' names, scopes and expressions itself");
            return Vec::new();
        }
        let found = if enabled { from_file(r, &path, at) } else { Vec::new() };
        return found.into_iter().filter(|rule| sound(r, rule, at)).collect();
    }
    let (Some(name), Some((expression, at_parse))) = (name, parse) else {
        r.say(VALUE, heading(at), "a rule needs a `name` and a `parse` expression, or a `file`");
        return Vec::new();
    };
    let rule = ExtractionRule { name, scope: scope.unwrap_or_default(), expression };
    if enabled && sound(r, &rule, at_parse) { vec![rule] } else { Vec::new() }
}

/// The beginning of a table; all of it would be underlined else.
fn heading(at: Span) -> Span {
    Span::new(at.start, at.end.min(at.start + 1))
}

/// Whether the language takes the rule.
fn sound(r: &mut Reader<'_>, rule: &ExtractionRule, at: Span) -> bool {
    let Err(wrong) = parallax_sumo::Rule::parse(&rule.name, &rule.scope, &rule.expression) else { return true };
    for d in wrong.iter() {
        let help = d.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
        r.say(VALUE, at, format!("the rule `{}`: {}{help}", rule.name, d.message));
    }
    false
}

/// What the API returns: a page of rules, or one.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Page { data: Vec<Entry> },
    List(Vec<Entry>),
    One(Entry),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    scope: String,
    parse_expression: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

fn from_file(r: &mut Reader<'_>, path: &Path, at: Span) -> Vec<ExtractionRule> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            r.say(VALUE, at, format!("{}: {e}", path.display()));
            return Vec::new();
        }
    };
    let entries = match serde_json::from_str(&text) {
        Ok(File::Page { data }) => data,
        Ok(File::List(list)) => list,
        Ok(File::One(one)) => vec![one],
        Err(e) if e.is_data() => {
            let what = "rules as the API returns them have a `name`, a `scope` and a `parseExpression` each";
            r.say(VALUE, at, format!("{}: {what}", path.display()));
            return Vec::new();
        }
        Err(e) => {
            r.say(VALUE, at, format!("{}: this is no JSON: {e}", path.display()));
            return Vec::new();
        }
    };
    let rule = |e: Entry| ExtractionRule { name: e.name, scope: e.scope, expression: e.parse_expression };
    entries.into_iter().filter(|e| e.enabled).map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use std::path::Path;

    fn wrong(text: &str) -> String {
        let all = Config::parse(text, Path::new("conf")).expect_err(text);
        all.iter().map(|d| format!("{:?}: {}", d.span.of(text), d.message)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rules_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let page = r#"{"data":[
            {"id":"1","name":"b","scope":"_sourceCategory=b","parseExpression":"json \"x\"","enabled":true,"fieldNames":["x"]},
            {"id":"2","name":"off","scope":"","parseExpression":"json \"y\"","enabled":false}],"next":null}"#;
        std::fs::write(folder.path().join("rules.json"), page).unwrap();
        let text = r#"
            [[sumo.field-extraction]]
            name = "a"
            scope = "_sourceCategory=a error"
            parse = 'parse "user=* " as user nodrop | num(n)'
            [[sumo.field-extraction]]
            file = "rules.json"
            [[sumo.field-extraction]]
            name = "off"
            parse = 'json "z"'
            enabled = false
            "#;
        let rules = Config::parse(text, folder.path()).unwrap().sumo.extraction_rules;
        let shown: Vec<_> = rules.iter().map(|r| (r.name.as_str(), r.scope.as_str(), r.expression.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("a", "_sourceCategory=a error", r#"parse "user=* " as user nodrop | num(n)"#),
                ("b", "_sourceCategory=b", r#"json "x""#)
            ]
        );
    }

    #[test]
    fn what_the_product_would_not_take_is_an_error_here() {
        let rule = |scope: &str, parse: &str| {
            wrong(&format!("[[sumo.field-extraction]]\nname = 'r'\nscope = '{scope}'\nparse = '{parse}'"))
        };
        for (text, message) in [
            (rule("*", "json auto"), "this form of `json` is not allowed in a field extraction rule"),
            (rule("*", "parse regex \"(?<a>x)\" multi"), "this form of `parse` is not allowed"),
            (rule("*", "where a = 1"), "this form of `where` is not allowed"),
            (rule("user=x", "json \"a\""), "names metadata (`_sourceCategory` …) and words only"),
            (rule("* | count", "json \"a\""), "a scope has no operators"),
            (rule("*", "json \"a"), "'json \"a'\": the rule `r`: this string has no end"),
            (
                wrong("[[sumo.field-extraction]]\nname = 'r'"),
                "a rule needs a `name` and a `parse` expression, or a `file`",
            ),
            (wrong("[[sumo.field-extraction]]\nfile = 'there-is-none.json'"), "conf/there-is-none.json: "),
            (wrong("[sumo]\nfield-extraction = 1"), "rules are a list of tables: `[[sumo.field-extraction]]`"),
            (wrong("[sumo]\nrules = 1"), "there is no key `rules` in `sumo`"),
        ] {
            assert!(text.contains(message) || text.replace("\\\"", "\"").contains(message), "{text}\n{message}");
        }
    }
}
