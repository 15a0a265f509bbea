//! Texts of JSON into room that is there already.

use super::members::plain;

/// Appends the text of a JSON string, given without its quotes. Where it has escapes of more than one letter, or is no
/// JSON, nothing is appended and `false` comes back: others know more.
pub(crate) fn append(inner: &str, out: &mut String) -> bool {
    let start = out.len();
    out.reserve(inner.len());
    let mut rest = inner;
    loop {
        let (text, escape) = rest.split_at(plain(rest.as_bytes()));
        out.push_str(text);
        let c = match escape.as_bytes() {
            [] => return true,
            [b'\\', c @ (b'"' | b'\\' | b'/'), ..] => char::from(*c),
            [b'\\', b'b', ..] => '\u{8}',
            [b'\\', b'f', ..] => '\u{c}',
            [b'\\', b'n', ..] => '\n',
            [b'\\', b'r', ..] => '\r',
            [b'\\', b't', ..] => '\t',
            _ => {
                out.truncate(start);
                return false;
            }
        };
        out.push(c);
        rest = &escape[2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_a_parser_reads_it(inner in "([a-zé ]|\\\\[\\\\/bfnrtux\"]|\\\\u00e9|\"|\u{1}|\\\\){0,12}") {
            let mut out = String::from("before");
            let taken = append(&inner, &mut out);
            let parsed = serde_json::from_str::<String>(&format!("\"{inner}\""));
            match parsed {
                Ok(text) if taken => prop_assert_eq!(out, format!("before{text}")),
                Ok(_) => prop_assert!(inner.contains("\\u")),
                Err(_) => prop_assert!(!taken),
            }
            if !taken {
                let mut out = String::from("before");
                append(&inner, &mut out);
                prop_assert_eq!(out, "before");
            }
        }
    }
}
