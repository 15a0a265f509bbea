//! The texts in JSON, one after the other.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Calls with each text, number and truth value in a JSON text, whatever the depth; names of members are none. Nothing
/// is kept, and what has no escapes is not copied.
pub fn each_value(json: &str, each: &mut dyn FnMut(&str)) {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // What is no JSON any more has no values.
    let _ = Texts(each).deserialize(&mut deserializer);
}

struct Texts<'f>(&'f mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        (self.0)(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        (self.0)(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        (self.0)(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        // As JSON has it: Rust writes large numbers out.
        if let Some(number) = serde_json::Number::from_f64(value) {
            (self.0)(&number.to_string());
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        (self.0)(value);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Texts(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Texts(self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_depth() {
        let mut texts = Vec::new();
        let json = r#"{"a": "x\\y", "b": [1, -2, 1.5, 1e300, true, null, {"c": "\u00e9"}], "d": ""}"#;
        each_value(json, &mut |t| texts.push(t.to_owned()));
        assert_eq!(texts, ["x\\y", "1", "-2", "1.5", "1e+300", "true", "é", ""]);
        each_value("no JSON", &mut |t| panic!("{t}"));
    }
}
