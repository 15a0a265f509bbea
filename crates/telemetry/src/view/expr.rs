//! The small language in which mapping data says where a column comes from.
//!
//! ```text
//! expression = term { "|" term }            the first that is not missing
//! term       = field | "text" | 'text' | function "(" expression { "," expression } ")"
//! field      = a name of the source, in brackets where it is not one word, or a pseudo-field such as @time
//! ```

use crate::event::{Late, Value};
use crate::source::Source;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A field of the event.
    Field(String),
    /// Fixed text.
    Const(String),
    /// The first of several that is not missing.
    First(Vec<Expr>),
    /// A function.
    Call(Function, Vec<Expr>),
}

/// The functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `basename(path)`: what follows the last `/` or `\`.
    Basename,
    /// `dirname(path)`: what stands before it.
    Dirname,
    /// `before(text, separator)`: what stands before the separator; missing where there is none.
    Before,
    /// `after(text, separator)`: what follows the separator; all where there is none.
    After,
    /// `hash(text, "SHA256")`: that one of `SHA1=…,SHA256=…`, in lower case.
    Hash,
    /// `hex(number)`: a number written as `0x1f4` or in decimal.
    Hex,
    /// `lower(text)`
    Lower,
    /// `join(separator, a, b, …)`: those that are not missing, the separator between.
    Join,
    /// `all(separator, a, b, …)`: as `join`, missing where one of them is.
    All,
    /// `case(value, "1", a, "2", b, …)`: what follows the text that the value equals.
    Case,
    /// `unless(value, "text")`: the value, missing where it is that text.
    Unless,
    /// `path(folder, name)`: the folder, completed with the name where it lacks it.
    Path,
    /// `guid(text)`: without braces, in lower case.
    Guid,
    /// `millis(time)`: an instant as milliseconds since the Unix epoch.
    Millis,
    /// `time(text)`: the instant that a text is; missing where it is none.
    Time,
    /// `length(text)`: its length in bytes.
    Length,
    /// `bool(text)`: true for `true`, `1`, `yes`, in any case.
    Bool,
    /// `private(ip)`: whether an address is of a private range; missing where it is no address.
    Private,
    /// `registry(key)`: a registry key as Sysmon writes it: `HKLM\…`, `HKU\…`.
    Registry,
    /// `details(type, data)`: a registry value as Sysmon writes it: `DWORD (0x00000001)`.
    Details,
    /// `json(object, "a.b")`: that member of a JSON object, or of a text that holds one.
    Json,
    /// `partition(type)`: the partition of Cloud SIEM that keeps records of a type.
    Partition,
    /// `host()`: the host that the user said the source is of.
    Host,
    /// `category()`: the source's category, by default the family's.
    Category,
    /// `collector()`: the collector that the user named.
    Collector,
    /// `source()`: the source's name.
    Source,
    /// `file()`: the input's name.
    File,
    /// `position()`: where the event stands in it.
    Position,
}

impl Function {
    /// The function of that name with the number of arguments it takes.
    fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        const MANY: usize = 64;
        Some(match name {
            "basename" => (Function::Basename, 1..=1),
            "dirname" => (Function::Dirname, 1..=1),
            "before" => (Function::Before, 2..=2),
            "after" => (Function::After, 2..=2),
            "hash" => (Function::Hash, 2..=2),
            "hex" => (Function::Hex, 1..=1),
            "lower" => (Function::Lower, 1..=1),
            "join" => (Function::Join, 2..=MANY),
            "all" => (Function::All, 2..=MANY),
            "case" => (Function::Case, 3..=MANY),
            "unless" => (Function::Unless, 2..=2),
            "path" => (Function::Path, 2..=2),
            "guid" => (Function::Guid, 1..=1),
            "millis" => (Function::Millis, 1..=1),
            "time" => (Function::Time, 1..=1),
            "length" => (Function::Length, 1..=1),
            "bool" => (Function::Bool, 1..=1),
            "private" => (Function::Private, 1..=1),
            "registry" => (Function::Registry, 1..=1),
            "details" => (Function::Details, 2..=2),
            "json" => (Function::Json, 2..=2),
            "partition" => (Function::Partition, 1..=1),
            "host" => (Function::Host, 0..=0),
            "category" => (Function::Category, 0..=0),
            "collector" => (Function::Collector, 0..=0),
            "source" => (Function::Source, 0..=0),
            "file" => (Function::File, 0..=0),
            "position" => (Function::Position, 0..=0),
            _ => return None,
        })
    }
}

impl Expr {
    /// Parses an expression.
    pub fn parse(text: &str) -> Result<Expr, String> {
        let mut p = Parser { rest: text.trim_start() };
        let expr = p.expr()?;
        if p.rest.is_empty() { Ok(expr) } else { Err(format!("unexpected `{}` in `{text}`", p.rest)) }
    }

    /// Calls `f` with each field.
    pub fn fields(&self, f: &mut dyn FnMut(&str)) {
        match self {
            Expr::Field(name) => f(name),
            Expr::Const(_) => {}
            Expr::First(parts) | Expr::Call(_, parts) => parts.iter().for_each(|p| p.fields(f)),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expr(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.term()?];
        while self.eat('|') {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::First(parts) })
    }

    fn term(&mut self) -> Result<Expr, String> {
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let rest = &self.rest[1..];
            let (text, rest) = rest.split_once(quote).ok_or_else(|| format!("no end of `{}`", self.rest))?;
            self.rest = rest.trim_start();
            return Ok(Expr::Const(text.to_owned()));
        }
        if let Some(rest) = self.rest.strip_prefix('[') {
            let (name, rest) = rest.split_once(']').ok_or_else(|| format!("no end of `{}`", self.rest))?;
            self.rest = rest.trim_start();
            return Ok(Expr::Field(name.to_owned()));
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_@$.#:-".contains(c));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() {
            return Err(format!("a field, a text or a function expected at `{}`", self.rest));
        }
        self.rest = rest.trim_start();
        if !self.eat('(') {
            return Ok(Expr::Field(name.to_owned()));
        }
        let (function, counts) = Function::named(name).ok_or_else(|| format!("no function `{name}`"))?;
        let mut arguments = Vec::new();
        while !self.eat(')') {
            if !arguments.is_empty() && !self.eat(',') {
                return Err(format!("`,` or `)` expected at `{}`", self.rest));
            }
            arguments.push(self.expr()?);
        }
        if !counts.contains(&arguments.len()) {
            return Err(format!("`{name}` does not take {} arguments", arguments.len()));
        }
        Ok(Expr::Call(function, arguments))
    }
}

/// An expression whose fields are slots of an event's values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Slot(usize),
    Const(String),
    First(Vec<Node>),
    Call(Function, Vec<Node>),
}

/// What an expression is computed over.
pub(crate) struct Scope<'a> {
    pub(crate) values: &'a [Value<'a>],
    /// Where the values come from, if they are not there already.
    pub(crate) late: Option<&'a dyn Late>,
    /// Whether empty text is a value.
    pub(crate) empty: bool,
    /// Texts that mean that there is nothing.
    pub(crate) missing: &'a [String],
    pub(crate) file: &'a str,
    pub(crate) position: u64,
    pub(crate) source: &'a Source,
    /// The family's category, for a source without its own.
    pub(crate) category: &'a str,
}

impl Node {
    /// Resolves fields by `slot`.
    pub(crate) fn new(expr: &Expr, slot: &mut dyn FnMut(&str) -> usize) -> Self {
        match expr {
            Expr::Field(name) => Node::Slot(slot(name)),
            Expr::Const(text) => Node::Const(text.clone()),
            Expr::First(parts) => Node::First(parts.iter().map(|p| Node::new(p, slot)).collect()),
            Expr::Call(f, parts) => Node::Call(*f, parts.iter().map(|p| Node::new(p, slot)).collect()),
        }
    }

    /// Whether an event's kind does not matter beyond what its fields are.
    pub(crate) fn is_kindless(&self) -> bool {
        match self {
            Node::Slot(_) | Node::Const(_) => true,
            Node::First(parts) => parts.iter().all(Node::is_kindless),
            Node::Call(function, parts) => *function != Function::Category && parts.iter().all(Node::is_kindless),
        }
    }

    /// The value for one event.
    pub(crate) fn value<'a>(&'a self, scope: &Scope<'a>) -> Value<'a> {
        match self {
            Node::Slot(slot) if scope.late.is_some() => match scope.late.map(|late| late.value(*slot)) {
                Some(Value::Text(t)) if t.is_empty() && !scope.empty || scope.missing.iter().any(|m| *m == *t) => {
                    Value::Missing
                }
                value => value.unwrap_or_default(),
            },
            Node::Slot(slot) => match scope.values.get(*slot) {
                None | Some(Value::Missing) => Value::Missing,
                Some(Value::Text(t)) if t.is_empty() && !scope.empty => Value::Missing,
                Some(Value::Text(t)) if scope.missing.iter().any(|m| *m == **t) => Value::Missing,
                Some(Value::Text(t)) => Value::text(t),
                Some(Value::Json(t)) => Value::Json(Cow::Borrowed(t)),
                Some(other) => other.clone(),
            },
            Node::Const(text) => Value::text(text),
            Node::First(parts) => parts.iter().map(|p| p.value(scope)).find(|v| !v.is_missing()).unwrap_or_default(),
            Node::Call(function, arguments) => call(*function, arguments, scope),
        }
    }
}

/// A value as text, if it has one.
pub(crate) fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.into_text()
}

/// The part of a text that `f` chooses, borrowed where the text is.
fn part<'a>(text: Cow<'a, str>, f: impl Fn(&str) -> Option<&str>) -> Value<'a> {
    match text {
        Cow::Borrowed(t) => f(t).filter(|t| !t.is_empty()).map_or(Value::Missing, Value::text),
        Cow::Owned(t) => {
            f(&t).filter(|t| !t.is_empty()).map_or(Value::Missing, |t| Value::Text(Cow::Owned(t.to_owned())))
        }
    }
}

fn is_separator(c: char) -> bool {
    c == '/' || c == '\\'
}

fn basename(path: &str) -> &str {
    path.rsplit(is_separator).next().unwrap_or(path)
}

fn call<'a>(function: Function, arguments: &'a [Node], scope: &Scope<'a>) -> Value<'a> {
    let get = |i: usize| arguments.get(i).and_then(|n| text(n.value(scope)));
    match function {
        Function::File => return Value::text(scope.file),
        Function::Source => return Value::text(&scope.source.name),
        Function::Category => return Value::text(scope.source.settings.category.as_deref().unwrap_or(scope.category)),
        Function::Host => return scope.source.settings.host.as_deref().map(Value::text).unwrap_or_default(),
        Function::Collector => return scope.source.settings.collector.as_deref().map(Value::text).unwrap_or_default(),
        Function::Position => return Value::Int(i64::try_from(scope.position).unwrap_or(i64::MAX)),
        Function::Join | Function::All => return join(function, arguments, scope),
        Function::Case => return case(arguments, scope),
        Function::Time => return instant(arguments, scope).map_or(Value::Missing, Value::Time),
        Function::Millis => {
            return instant(arguments, scope).map_or(Value::Missing, |t| Value::Int(t.div_euclid(1_000_000)));
        }
        Function::Details => {
            return get(1).map_or(Value::Missing, |data| super::registry::data(get(0).as_deref(), data));
        }
        _ => {}
    }
    let Some(first) = get(0) else {
        // A folder may be missing where the name is not.
        return if function == Function::Path { arguments[1].value(scope) } else { Value::Missing };
    };
    match function {
        Function::Basename => part(first, |p| Some(basename(p))),
        Function::Dirname => part(first, |p| p.rfind(is_separator).map(|i| &p[..i])),
        Function::Before => {
            let Some(separator) = get(1) else { return Value::Missing };
            part(first, |t| t.split_once(&*separator).map(|(before, _)| before))
        }
        Function::After => {
            let Some(separator) = get(1) else { return Value::Text(first) };
            part(first, |t| t.split_once(&*separator).map_or(Some(t), |(_, after)| Some(after)))
        }
        Function::Hash => {
            let Some(name) = get(1) else { return Value::Missing };
            let mut found = first.split(',').filter_map(|h| h.split_once('='));
            let hash = found.find(|(n, _)| n.trim().eq_ignore_ascii_case(&name)).map(|(_, h)| h.trim());
            // A hash that was not computed is written as zeros.
            hash.filter(|h| !h.bytes().all(|b| b == b'0'))
                .map_or(Value::Missing, |h| Value::Text(Cow::Owned(h.to_ascii_lowercase())))
        }
        Function::Hex => match first.strip_prefix("0x").or_else(|| first.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16)
                .ok()
                .and_then(|n| i64::try_from(n).ok())
                .map_or(Value::Missing, Value::Int),
            None => first.parse().map_or(Value::Missing, Value::Int),
        },
        Function::Lower => Value::Text(Cow::Owned(first.to_lowercase())),
        Function::Guid => Value::Text(Cow::Owned(first.trim_matches(|c| c == '{' || c == '}').to_ascii_lowercase())),
        Function::Length => Value::Int(i64::try_from(first.len()).unwrap_or(i64::MAX)),
        Function::Partition => {
            super::partition::partition(&first).map_or(Value::Missing, |p| Value::Text(Cow::Borrowed(p)))
        }
        Function::Registry => super::registry::key(first),
        Function::Json => get(1).map_or(Value::Missing, |path| member(&first, &path)),
        Function::Private => private(&first).map_or(Value::Missing, Value::Bool),
        Function::Bool => Value::Bool(["true", "1", "yes"].iter().any(|t| first.eq_ignore_ascii_case(t))),
        Function::Unless => match get(1) {
            Some(other) if other == first => Value::Missing,
            _ => Value::Text(first),
        },
        Function::Path => match get(1) {
            Some(name) if !basename(&first).eq_ignore_ascii_case(&name) => complete(first, &name),
            _ => Value::Text(first),
        },
        _ => Value::Missing,
    }
}

/// The first argument as an instant.
fn instant<'a>(arguments: &'a [Node], scope: &Scope<'a>) -> Option<i64> {
    match arguments[0].value(scope) {
        Value::Time(t) => Some(t),
        Value::Int(n) => Some(crate::time::epoch(n)),
        Value::Text(t) => crate::time::parse(&t),
        _ => None,
    }
}

/// A folder with a file's name after it, in the folder's own style.
fn complete<'a>(folder: Cow<'a, str>, name: &str) -> Value<'a> {
    if name.is_empty() {
        return Value::Text(folder);
    }
    let separator = if folder.contains('\\') { '\\' } else { '/' };
    let mut path = folder.trim_end_matches(is_separator).to_owned();
    let _ = write!(path, "{separator}{name}");
    Value::Text(Cow::Owned(path))
}

fn join<'a>(function: Function, arguments: &'a [Node], scope: &Scope<'a>) -> Value<'a> {
    let Some(separator) = text(arguments[0].value(scope)) else { return Value::Missing };
    let mut out: Option<Cow<'a, str>> = None;
    for argument in &arguments[1..] {
        match (text(argument.value(scope)), &mut out) {
            (None, _) if function == Function::All => return Value::Missing,
            (None, _) => {}
            (Some(t), None) => out = Some(t),
            (Some(t), Some(out)) => {
                let out = out.to_mut();
                out.push_str(&separator);
                out.push_str(&t);
            }
        }
    }
    out.map_or(Value::Missing, Value::Text)
}

fn case<'a>(arguments: &'a [Node], scope: &Scope<'a>) -> Value<'a> {
    let Some(value) = text(arguments[0].value(scope)) else { return Value::Missing };
    let mut pairs = arguments[1..].chunks_exact(2);
    pairs
        .find(|pair| text(pair[0].value(scope)).is_some_and(|t| t == value))
        .map_or(Value::Missing, |pair| pair[1].value(scope))
}

/// A member of a JSON object, by its dotted path.
fn member(object: &str, path: &str) -> Value<'static> {
    use crate::formats::json::value;
    let object = object.trim();
    let found = object.starts_with('{').then(|| value::path(object, path)).flatten();
    match found.map_or(Value::Missing, value::decode) {
        Value::Text(t) => Value::Text(Cow::Owned(t.into_owned())),
        Value::Json(t) => Value::Json(Cow::Owned(t.into_owned())),
        Value::Int(n) => Value::Int(n),
        Value::Real(x) => Value::Real(x),
        Value::Bool(b) => Value::Bool(b),
        Value::Time(_) | Value::Missing => Value::Missing,
    }
}

/// Whether an address is of a private, loopback or link-local range.
fn private(text: &str) -> Option<bool> {
    Some(match text.trim().parse().ok()? {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(expr: &str, fields: &[(&str, &str)]) -> Option<String> {
        let expr = Expr::parse(expr).unwrap();
        let mut names: Vec<String> = Vec::new();
        let node = Node::new(&expr, &mut |name| {
            names.push(name.to_owned());
            names.len() - 1
        });
        let of = |n: &String| fields.iter().find(|(f, _)| f == n).map_or(Value::Missing, |(_, v)| Value::text(v));
        let values: Vec<Value<'_>> = names.iter().map(of).collect();
        let missing = ["-".to_owned()];
        let source = Source {
            name: "f".to_owned(),
            inputs: Vec::new(),
            format: crate::source::Format::Json,
            seen: Vec::new(),
            settings: crate::source::Settings::default(),
            stored: None,
        };
        let scope = Scope {
            values: &values,
            late: None,
            empty: false,
            missing: &missing,
            file: "f",
            position: 7,
            source: &source,
            category: "c",
        };
        text(node.value(&scope)).map(Cow::into_owned)
    }

    #[test]
    fn functions() {
        let image = [("Image", r"C:\Windows\System32\cmd.exe"), ("User", r"NT AUTHORITY\SYSTEM"), ("None", "-")];
        for (expr, expected) in [
            ("basename(Image)", Some("cmd.exe")),
            ("dirname(Image)", Some(r"C:\Windows\System32")),
            (r#"before(User, "\")"#, Some("NT AUTHORITY")),
            (r#"after(User, "\")"#, Some("SYSTEM")),
            (r#"None | Absent | "x""#, Some("x")),
            ("None", None),
            (r#"join("\", None, Image)"#, Some(r"C:\Windows\System32\cmd.exe")),
            (r#"all("\", None, Image)"#, None),
            (r#"case("11", "10", "a", "11", "b")"#, Some("b")),
            (r#"hash("SHA1=AB,MD5=00,SHA256=CD", "sha256")"#, Some("cd")),
            (r#"hash("SHA1=AB,MD5=00", "MD5")"#, None),
            (r#"hex("0x1f4")"#, Some("500")),
            (r#"hex("500")"#, Some("500")),
            (r#"path("C:\a", "b.exe")"#, Some(r"C:\a\b.exe")),
            (r#"path("C:\a\B.exe", "b.exe")"#, Some(r"C:\a\B.exe")),
            (r#"path(None, "b")"#, Some("b")),
            (r#"registry("\REGISTRY\MACHINE\Software\a")"#, Some(r"HKLM\Software\a")),
            (r#"details("Dword", "16")"#, Some("DWORD (0x00000010)")),
            (r#"json('{"a":{"b":"c"}}', "a.b")"#, Some("c")),
            (r#"json(Image, "a")"#, None),
            ("[Image] | None", Some(r"C:\Windows\System32\cmd.exe")),
            (r#"guid("{AB-CD}")"#, Some("ab-cd")),
            (r#"millis("1970-01-01T00:00:01.5Z")"#, Some("1500")),
            (r#"millis(time("x") | "1970-01-01T00:00:02Z")"#, Some("2000")),
            ("position()", Some("7")),
        ] {
            assert_eq!(eval(expr, &image).as_deref(), expected, "{expr}");
        }
        for bad in ["", "a b", "f(x)", "basename(", "basename(a, b)", "\"x"] {
            assert!(Expr::parse(bad).is_err(), "{bad}");
        }
    }
}
