//! Text functions.

use super::capture::pack;
use super::convert::number;
use super::pattern::regex;
use crate::udf::{Body, Functions};
use datafusion::common::plan_err;

pub(super) fn register(f: &mut Functions) {
    // Missing arguments are empty text (documented).
    f.text("concat(string...) dynamic", |r, out| {
        (0..r.len()).for_each(|i| out.push_str(r.str(i)));
        Some(())
    });
    f.long("length(string) long", |r| i64::try_from(r.str(0).chars().count()).ok());
    f.bool("isblank(string) bool", |r| Some(r.str(0).trim().is_empty()));
    f.text("tolowercase(string) dynamic", |r, out| {
        out.push_str(&r.text(0)?.to_lowercase());
        Some(())
    });
    f.text("touppercase(string) dynamic", |r, out| {
        out.push_str(&r.text(0)?.to_uppercase());
        Some(())
    });
    f.text("trim(string) dynamic", |r, out| {
        out.push_str(r.text(0)?.trim());
        Some(())
    });
    // From `start` up to, not with, `end`; an end beyond the text is its end (documented).
    f.text("substring(string, long, long?) dynamic", |r, out| {
        let start = usize::try_from(r.long(1)?.max(0)).ok()?;
        let end = if r.len() > 2 { usize::try_from(r.long(2)?.max(0)).ok()? } else { usize::MAX };
        out.extend(r.text(0)?.chars().skip(start).take(end.saturating_sub(start)));
        Some(())
    });
    f.text("replace(string, string, string) dynamic", |r, out| {
        let (text, what) = (r.text(0)?, r.str(1));
        out.push_str(&if what.is_empty() { text.to_owned() } else { text.replace(what, r.str(2)) });
        Some(())
    });
    // `$1`, `${name}` and `$0` stand for groups (documented).
    f.compiled("replace_regex(string, string, string) dynamic", &[1, 2], |c| {
        let regex = match regex(c.str(1)) {
            Ok(regex) => regex,
            Err(why) => return plan_err!("the regular expression `{}` cannot be used: {why}", c.str(1)),
        };
        let with = braced(c.str(2));
        Ok(Body::text(move |r, out| {
            out.push_str(&regex.replace_all(r.text(0)?, with.as_str()));
            Some(())
        }))
    });
    f.compiled("format(string, string...) dynamic", &[0], |c| {
        let parts = template(c.str(0));
        Ok(Body::text(move |r, out| {
            let mut argument = 1;
            for part in &parts {
                match part {
                    Part::Text(text) => out.push_str(text),
                    Part::Argument(spec) => {
                        // A missing value is an error in the real product; here it gives no text at all.
                        out.push_str(&spec.apply(r.text(argument)?)?);
                        argument += 1;
                    }
                }
            }
            Some(())
        }))
    });
    f.text("tourl(string, string?) dynamic", |r, out| {
        out.push_str(r.text(0)?);
        Some(())
    });
    f.compiled("split(string, string) dynamic", &[1], |c| {
        let mut options = c.str(1).chars();
        let (delimiter, escape, quote) =
            (options.next().unwrap_or(','), options.next().unwrap_or('\\'), options.next().unwrap_or('"'));
        Ok(Body::text(move |r, out| {
            columns(r.text(0)?, delimiter, escape, quote).iter().for_each(|column| pack(column, out));
            Some(())
        }))
    });
    f.bool("luhn(string) bool", |r| {
        let digits: Vec<u32> = r.str(0).chars().filter_map(|c| c.to_digit(10)).collect();
        let sum: u32 =
            digits.iter().rev().enumerate().map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 }).sum();
        Some(!digits.is_empty() && sum.is_multiple_of(10))
    });
}

/// `$1x` is group 1 and an x, as in Java; the `regex` crate would read a name. A backslash takes the next `$` or backslash
/// as it is (documented).
fn braced(with: &str) -> String {
    let mut out = String::new();
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\'
            && let Some(next) = chars.next_if(|n| matches!(n, '$' | '\\'))
        {
            out.push_str(if next == '$' { "$$" } else { "\\" });
            continue;
        }
        out.push(c);
        if c == '$' && chars.peek().is_some_and(char::is_ascii_digit) {
            out.push('{');
            while let Some(d) = chars.next_if(char::is_ascii_digit) {
                out.push(d);
            }
            out.push('}');
        }
    }
    out
}

/// The columns of a line: a quote keeps delimiters together, an escape takes the next character as it is.
fn columns(line: &str, delimiter: char, escape: char, quote: char) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == quote && quoted && quote == escape_of(escape, quote) && chars.peek() == Some(&quote) {
            chars.next();
            push(&mut all, quote);
        } else if c == quote {
            quoted = !quoted;
        } else if c == escape && chars.peek().is_some_and(|n| [delimiter, escape, quote].contains(n)) {
            if let Some(next) = chars.next() {
                push(&mut all, next);
            }
        } else if c == delimiter && !quoted {
            all.push(String::new());
        } else {
            push(&mut all, c);
        }
    }
    all
}

/// Two quotes in a row stand for one when the quote is its own escape, and by CSV's habit with the default escape.
fn escape_of(escape: char, quote: char) -> char {
    if escape == '\\' { quote } else { escape }
}

fn push(all: &mut [String], c: char) {
    if let Some(last) = all.last_mut() {
        last.push(c);
    }
}

enum Part {
    Text(String),
    Argument(Spec),
}

/// One `%…` of a Java format string.
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    comma: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

fn template(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            plain.push(c);
            continue;
        }
        let mut spec =
            Spec { left: false, zero: false, plus: false, comma: false, width: 0, precision: None, conversion: 's' };
        while let Some(flag) = chars.next_if(|c| "-0+,".contains(*c)) {
            match flag {
                '-' => spec.left = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                _ => spec.comma = true,
            }
        }
        while let Some(d) = chars.next_if(char::is_ascii_digit) {
            spec.width = (spec.width * 10 + d as usize - '0' as usize).min(1000);
        }
        if chars.next_if_eq(&'.').is_some() {
            let mut precision = 0;
            while let Some(d) = chars.next_if(char::is_ascii_digit) {
                precision = (precision * 10 + d as usize - '0' as usize).min(100);
            }
            spec.precision = Some(precision);
        }
        match chars.next() {
            Some('%') => plain.push('%'),
            Some('n') => plain.push('\n'),
            Some(conversion) => {
                parts.push(Part::Text(std::mem::take(&mut plain)));
                spec.conversion = conversion;
                parts.push(Part::Argument(spec));
            }
            None => plain.push('%'),
        }
    }
    parts.push(Part::Text(plain));
    parts
}

impl Spec {
    fn apply(&self, value: &str) -> Option<String> {
        let mut text = match self.conversion {
            's' | 'S' => {
                let text: String = value.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
                if self.conversion == 'S' { text.to_uppercase() } else { text }
            }
            'd' => format!("{:.0}", number(value)?.trunc()),
            'f' => fixed(number(value)?, self.precision.unwrap_or(6)),
            'e' => format!("{:.*e}", self.precision.unwrap_or(6), number(value)?),
            #[allow(clippy::cast_possible_truncation)]
            'x' => format!("{:x}", number(value)? as i64),
            #[allow(clippy::cast_possible_truncation)]
            'X' => format!("{:X}", number(value)? as i64),
            _ => value.to_owned(),
        };
        if self.comma && matches!(self.conversion, 'd' | 'f') {
            text = grouped(&text);
        }
        if self.plus && matches!(self.conversion, 'd' | 'f' | 'e') && !text.starts_with('-') {
            text.insert(0, '+');
        }
        let missing = self.width.saturating_sub(text.chars().count());
        Some(match (self.left, self.zero) {
            (true, _) => text + &" ".repeat(missing),
            (_, true) if text.starts_with(['-', '+']) => format!("{}{}{}", &text[..1], "0".repeat(missing), &text[1..]),
            (_, true) => "0".repeat(missing) + &text,
            _ => " ".repeat(missing) + &text,
        })
    }
}

/// Decimals as Java rounds them: halves up, on the digits that the number is shown with.
fn fixed(value: f64, places: usize) -> String {
    let shown = format!("{}", value.abs());
    let (whole, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(places)).collect();
    if fraction.as_bytes().get(places).is_some_and(|d| *d >= b'5') {
        let mut at = digits.len();
        loop {
            if at == 0 {
                digits.insert(0, b'1');
                break;
            }
            at -= 1;
            if digits[at] < b'9' {
                digits[at] += 1;
                break;
            }
            digits[at] = b'0';
        }
    }
    let point = digits.len() - places;
    let text: String = digits.iter().map(|d| char::from(*d)).collect();
    let sign = if value < 0.0 { "-" } else { "" };
    if places == 0 { format!("{sign}{text}") } else { format!("{sign}{}.{}", &text[..point], &text[point..]) }
}

fn grouped(text: &str) -> String {
    let digits = text.trim_start_matches('-');
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    format!("{}{out}{fraction}", if text.starts_with('-') { "-" } else { "" })
}
