//! Texts with `{{field}}`.

/// A text with places for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// An expression, by its place in [`Template::expressions`].
    Value(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, behind)) = after.split_once("}}") else { break };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(name.trim().to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Template { parts }
    }

    /// The expressions between braces.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| if let Part::Value(name) = p { Some(name.as_str()) } else { None })
    }

    /// The text with its values; a missing one is empty.
    pub(crate) fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(name) => out.push_str(value(name).unwrap_or_default()),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn values_stand_in_their_places() {
        let template = Template::parse("Lua by {{ user_username }} on {{fields['Computer']}}{{none}}; {{open");
        assert_eq!(template.expressions().collect::<Vec<_>>(), ["user_username", "fields['Computer']", "none"]);
        let filled = template.fill(|name| match name {
            "user_username" => Some("anna"),
            "fields['Computer']" => Some("ws-1"),
            _ => None,
        });
        assert_eq!(filled, "Lua by anna on ws-1; {{open");
    }
}
