//! `parse_command_line`: as Windows' own `CommandLineToArgvW` splits (the only kind documented).

use crate::kql::json;
use crate::udf::Functions;
use serde_json::Value;

pub(super) fn register(f: &mut Functions) {
    f.text("parse_command_line(string, string) dynamic", |r, w| {
        if !r.str(1).eq_ignore_ascii_case("windows") || r.str(0).is_empty() {
            return None;
        }
        json::write_value(w, &Value::from(arguments(r.str(0))));
        Some(())
    });
}

fn arguments(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = line;
    // The program's name knows no escapes: up to its closing quote, or to white space.
    if let Some(after) = rest.strip_prefix('"') {
        let end = after.find('"').unwrap_or(after.len());
        all.push(after[..end].to_owned());
        rest = after.get(end + 1..).unwrap_or("");
    } else {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        all.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    let mut chars = rest.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if chars.peek().is_none() {
            return all;
        }
        let (mut argument, mut quoted) = (String::new(), false);
        while let Some(&c) = chars.peek() {
            if !quoted && matches!(c, ' ' | '\t') {
                break;
            }
            chars.next();
            match c {
                '\\' => {
                    let mut slashes = 1;
                    while chars.next_if_eq(&'\\').is_some() {
                        slashes += 1;
                    }
                    // Before a quote two stand for one, and an odd one keeps the quote.
                    if chars.peek() == Some(&'"') {
                        argument.extend(std::iter::repeat_n('\\', slashes / 2));
                        if slashes % 2 == 1 {
                            chars.next();
                            argument.push('"');
                        }
                    } else {
                        argument.extend(std::iter::repeat_n('\\', slashes));
                    }
                }
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    argument.push('"');
                }
                '"' => quoted = !quoted,
                c => argument.push(c),
            }
        }
        all.push(argument);
    }
}
