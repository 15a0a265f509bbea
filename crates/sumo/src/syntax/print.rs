//! Tree to text. What is printed parses to the same tree.

use super::text::{encode, encode_regex};
use super::tree::{
    Aggregate, Expr, ExprKind, FillKey, GroupKey, Json, KeyValue, Name, Operator, OperatorKind, Parse, ParseStyle,
    Query, Scope, ScopeKind, ScopeOp, SortKey, Subquery, Text, TimesliceWidth, Xml,
};
use std::fmt::Write;

/// The query in the canonical spelling, an operator a line.
pub fn print(query: &Query) -> String {
    print_query(query, "\n")
}

fn print_query(query: &Query, separator: &str) -> String {
    let mut text = query.scope.as_ref().map_or(String::new(), |s| print_scope(s, 0));
    for (index, operator) in query.operators.iter().enumerate() {
        match &operator.kind {
            OperatorKind::Placeholder(name) => {
                let _ = write!(text, "{separator}{}", print_parameter(name));
            }
            _ if index == 0 && query.scope.is_none() => text.push_str(&print_first(operator)),
            _ => {
                let _ = write!(text, "{separator}| {}", print_operator(operator));
            }
        }
    }
    text
}

/// The stage that a query without a scope begins with. It begins with an operator's word as it is, though that may be a
/// field here (`parse = "x" as a`): a parenthesis or a quoted name would read as a scope.
fn print_first(operator: &Operator) -> String {
    let OperatorKind::Assign { value, alias: to } = &operator.kind else { return print_operator(operator) };
    let text = print_expr(value);
    let unquoted = text.strip_prefix("%\"").and_then(|rest| rest.split_once('"'));
    let text = unquoted.map_or_else(|| text.clone(), |(word, rest)| format!("{word}{rest}"));
    format!("{text}{}", alias(to.as_ref()))
}

/// `outer`: 0 at the top, 1 inside OR, 2 inside AND or NOT.
fn print_scope(scope: &Scope, outer: u8) -> String {
    let (text, own) = match &scope.kind {
        ScopeKind::All(terms) if terms.is_empty() => (if outer == 0 { String::new() } else { "()".into() }, 3),
        ScopeKind::All(terms) => (list(terms, " ", |t| print_scope(t, 2)), 1),
        ScopeKind::Any(terms) => (list(terms, " OR ", |t| print_scope(t, 1)), 0),
        ScopeKind::Not(inner) => (format!("NOT {}", print_scope(inner, 2)), 3),
        ScopeKind::Keyword(word) => (word.clone(), 3),
        ScopeKind::Phrase(text) => (encode(text), 3),
        ScopeKind::Field { name, op, value, quoted } => {
            let value = if *quoted { encode(&value.text) } else { value.text.clone() };
            let op = match op {
                ScopeOp::Eq => "=",
                ScopeOp::Ne => "!=",
                ScopeOp::Lt => "<",
                ScopeOp::Le => "<=",
                ScopeOp::Gt => ">",
                ScopeOp::Ge => ">=",
            };
            // `=` before a value that begins with one would read as `==`.
            let space = if value.starts_with('=') { " " } else { "" };
            (format!("{}{op}{space}{value}", scope_name(name)), 3)
        }
        ScopeKind::In { name, values } => {
            (format!("{} in ({})", scope_name(name), list(values, ", ", |v| encode(&v.text))), 3)
        }
        ScopeKind::Parameter(name) => (print_parameter(name), 3),
        ScopeKind::Subquery(inner) => (print_subquery(inner), 3),
    };
    if own < outer { format!("({text})") } else { text }
}

fn print_subquery(subquery: &Subquery) -> String {
    let space = if subquery.options.is_empty() { "" } else { " " };
    format!("[subquery{space}{}: {}]", subquery.options, print_query(&subquery.query, " "))
}

fn scope_name(name: &Name) -> String {
    let plain = name.text.chars().all(|c| c.is_alphanumeric() || "_.@-".contains(c)) && !name.text.is_empty();
    if plain { name.text.clone() } else { format!("%{}", encode(&name.text)) }
}

fn list<T>(items: &[T], separator: &str, each: impl Fn(&T) -> String) -> String {
    items.iter().map(each).collect::<Vec<_>>().join(separator)
}

/// A field's name, quoted where a bare word would read as something else.
pub(crate) fn print_name(name: &str) -> String {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '@' || c == '$');
    let plain =
        starts && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '$')) && !name.ends_with('.');
    let placeholder = (name.starts_with("{{") && name.ends_with("}}") && name.matches('}').count() == 2)
        || (name.starts_with("${") && name.find('}') == Some(name.len() - 1));
    if placeholder || (plain && !WORDS.iter().any(|w| w.eq_ignore_ascii_case(name))) {
        name.to_owned()
    } else {
        format!("%{}", encode(name))
    }
}

/// Words that are something else in one place or another.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "matches",
    "contains",
    "as",
    "by",
    "group",
    "asc",
    "desc",
    "ascending",
    "descending",
    "null",
    "true",
    "false",
    "nodrop",
    "multi",
    "nocase",
    "field",
    "row",
    "rows",
    "column",
    "columns",
    "on",
    "from",
    "for",
    "with",
    "timewindow",
    "extract",
    "delim",
    "escape",
    "quote",
    "consecutive",
    "buckets",
    "bucket",
    "maxresults",
    "keywords",
    "all",
    "values",
    "auto",
    "keys",
    "takelast",
];

fn names(names: &[Name]) -> String {
    list(names, ", ", |n| print_name(&n.text))
}

fn strings(texts: &[Text]) -> String {
    list(texts, ", ", |t| encode(&t.text))
}

fn alias(name: Option<&Name>) -> String {
    name.map_or(String::new(), |n| format!(" as {}", print_name(&n.text)))
}

fn aliases(all: &[Name]) -> String {
    if all.is_empty() { String::new() } else { format!(" as {}", names(all)) }
}

fn by(keys: &[Name]) -> String {
    if keys.is_empty() { String::new() } else { format!(" by {}", names(keys)) }
}

fn source(name: Option<&Name>) -> String {
    name.map_or(String::new(), |n| format!(" field={}", print_name(&n.text)))
}

fn flag(yes: bool, word: &str) -> String {
    if yes { format!(" {word}") } else { String::new() }
}

fn sort_keys(keys: &[SortKey]) -> String {
    list(keys, ", ", |k| format!("{}{}", print_expr(&k.value), if k.ascending { " asc" } else { " desc" }))
}

fn optional(value: Option<&Expr>) -> String {
    value.map_or(String::new(), |v| format!(" {}", print_expr(v)))
}

fn print_operator(operator: &Operator) -> String {
    match &operator.kind {
        OperatorKind::Where(condition) => format!("where {}", print_expr(condition)),
        OperatorKind::Assign { value, alias: to } => {
            // A parenthesis keeps `count / 2 as x` from reading as an aggregate.
            let text = print_expr(value);
            let bare =
                matches!(value.kind, ExprKind::Binary(..) | ExprKind::In { .. } | ExprKind::Or(_) | ExprKind::And(_))
                    || matches!(value.kind, ExprKind::Conditional(..));
            format!("{}{}", if bare { format!("({text})") } else { text }, alias(to.as_ref()))
        }
        OperatorKind::Eval(items) => {
            format!("eval {}", list(items, ", ", |(n, v)| format!("{} = {}", print_name(&n.text), print_expr(v))))
        }
        OperatorKind::Parse(parse) => print_parse(parse),
        OperatorKind::Json(json) => print_json(json),
        OperatorKind::KeyValue(kv) => print_key_value(kv),
        OperatorKind::Split(split) => {
            let options = split.options.iter().fold(String::new(), |mut text, (name, value)| {
                let _ = write!(text, " {name}={}", encode(&value.text));
                text
            });
            let word = if split.csv { "csv" } else { "split" };
            let from = split.source.as_ref().map_or(String::new(), |n| format!(" {}", print_name(&n.text)));
            let fields = if split.fields.is_empty() {
                "_".to_owned()
            } else {
                list(&split.fields, ", ", |(at, name)| format!("{at} as {}", print_name(&name.text)))
            };
            format!("{word}{from}{options} extract {fields}")
        }
        OperatorKind::Xml(Xml { source: from, paths, names, nodrop }) => {
            format!(
                "parse xml{} {}{}{}",
                source(from.as_ref()),
                strings(paths),
                aliases(names),
                flag(*nodrop, "nodrop")
            )
        }
        OperatorKind::Fields { remove, names: fields, table } => {
            let word = if *table { "table" } else { "fields" };
            format!("{word}{} {}", flag(*remove, "-"), names(fields))
        }
        OperatorKind::Sort(keys) => format!("sort by {}", sort_keys(keys)),
        OperatorKind::Limit(count) => format!("limit {}", print_expr(count)),
        OperatorKind::Top { count, fields, by } => {
            let by = if by.is_empty() { String::new() } else { format!(" by {}", sort_keys(by)) };
            format!("top {} {}{by}", print_expr(count), names(fields))
        }
        OperatorKind::TopK { count, fields, by: groups } => {
            let ranked = fields.iter().fold(String::new(), |text, n| text + ", " + &print_name(&n.text));
            format!("topk({}{ranked}){}", print_expr(count), by(groups))
        }
        OperatorKind::Aggregate(aggregate) => print_aggregate(aggregate),
        OperatorKind::Timeslice(slice) => {
            let width = match &slice.width {
                TimesliceWidth::Every(width) => print_expr(width),
                TimesliceWidth::Buckets(count) => format!("{} buckets", print_expr(count)),
            };
            let from = slice.source.as_ref().map_or(String::new(), |n| format!(" {}", print_name(&n.text)));
            format!("timeslice {width}{from}{}", alias(slice.alias.as_ref()))
        }
        OperatorKind::Transpose { rows, columns, names: wanted } => {
            let rows = if rows.is_empty() { String::new() } else { format!(" row {}", names(rows)) };
            let star = |n: &Name| if n.text == "*" { "*".to_owned() } else { print_name(&n.text) };
            let wanted = if wanted.is_empty() { String::new() } else { format!(" as {}", list(wanted, ", ", star)) };
            format!("transpose{rows} column {}{wanted}", names(columns))
        }
        OperatorKind::FillMissing(fill) => {
            let keys = list(&fill.keys, ", ", |key| match key {
                FillKey::Timeslice(width, name) => {
                    let name = name.as_ref().map_or(String::new(), |n| format!(" in {}", print_name(&n.text)));
                    format!("timeslice({}){name}", width.as_ref().map_or(String::new(), print_expr))
                }
                FillKey::Values(values, name) => {
                    format!("values({}) in {}", list(values, ", ", print_expr), print_name(&name.text))
                }
                FillKey::All(name) => format!("values all in {}", print_name(&name.text)),
            });
            let with = fill.with.iter().fold(String::new(), |text, (value, fields)| {
                format!("{text} with {} for {}", print_expr(value), names(fields))
            });
            format!("fillmissing {keys}{with}{}", flag(fill.take_last, "takelast"))
        }
        OperatorKind::Running(running) => format!(
            "{} {}{}{}{}",
            running.function.name(),
            print_name(&running.field.text),
            optional(running.count.as_ref()),
            by(&running.by),
            alias(running.alias.as_ref())
        ),
        OperatorKind::Dedup { consecutive, count, fields } => {
            format!("dedup{}{}{}", flag(*consecutive, "consecutive"), optional(count.as_ref()), by(fields))
        }
        OperatorKind::Join(join) => {
            let tables =
                list(&join.tables, ", ", |(q, n)| format!("({}) as {}", print_query(q, " "), print_name(&n.text)));
            let on = list(&join.on, " and ", |(a, b)| format!("{} = {}", print_name(&a.text), print_name(&b.text)));
            let window = join.window.as_ref().map_or(String::new(), |w| format!(" timewindow {}", print_expr(w)));
            format!("join {tables} on {on}{window}")
        }
        OperatorKind::Filter { name, child } => {
            format!("filter {} in ({})", print_name(&name.text), print_query(child, " "))
        }
        OperatorKind::Lookup(lookup) => {
            let columns = list(&lookup.columns, ", ", |(c, a)| format!("{}{}", print_name(&c.text), alias(a.as_ref())));
            let columns = if columns.is_empty() { "*".to_owned() } else { columns };
            let from = print_place(&lookup.from.text);
            let on = list(&lookup.on, ", ", |(a, b)| format!("{} = {}", print_name(&a.text), print_name(&b.text)));
            format!("lookup {columns} from {from} on {on}")
        }
        OperatorKind::WithTime(name) => format!("withtime {}", print_name(&name.text)),
        OperatorKind::Bin { name, options } => {
            let options = list(options, ", ", |(n, v)| format!("{n}={}", print_expr(v)));
            format!("bin {} {options}", print_name(&name.text)).trim_end().to_owned()
        }
        OperatorKind::GeoIp(name, more) if more.is_empty() => format!("geoip {}", print_name(&name.text)),
        OperatorKind::GeoIp(name, more) => format!("geoip {}, {}", print_name(&name.text), names(more)),
        OperatorKind::Cat(path) => format!("cat {}", print_place(&path.text)),
        OperatorKind::Save { append, path } => format!("save{} {}", flag(*append, "append"), print_place(&path.text)),
        OperatorKind::Compose { fields, max_results, keywords } => {
            let max = max_results.as_ref().map_or(String::new(), |m| format!(" maxresults={}", print_expr(m)));
            format!("compose {}{max}{}", names(fields), flag(*keywords, "keywords"))
        }
        OperatorKind::Placeholder(name) => print_parameter(name),
        OperatorKind::Verbatim { name, arguments } => format!("{name} {arguments}").trim_end().to_owned(),
    }
}

/// `{{name}}`; a macro has its own quotes.
pub(super) fn print_parameter(name: &str) -> String {
    if name.starts_with('`') { name.to_owned() } else { format!("{{{{{name}}}}}") }
}

fn print_place(place: &str) -> String {
    let odd = place.contains(|c: char| c.is_whitespace() || matches!(c, '|' | ')' | '"'))
        || place.starts_with("//")
        || place.starts_with("/*")
        || place.eq_ignore_ascii_case("append");
    match (odd, place.find("://")) {
        (false, _) => place.to_owned(),
        (true, Some(at)) => format!("{}{}", &place[..at + 3], encode(&place[at + 3..])),
        (true, None) => encode(place),
    }
}

fn print_parse(parse: &Parse) -> String {
    let (word, pattern) = match parse.style {
        ParseStyle::Anchor => ("parse", encode(&parse.pattern.text)),
        ParseStyle::Regex => ("parse regex", encode_regex(&parse.pattern.text, '"')),
    };
    let more = parse.more.iter().fold(String::new(), |text, (p, n)| text + ", " + &encode(&p.text) + &aliases(n));
    format!(
        "{word}{}{} {pattern}{}{more}{}{}",
        flag(parse.nocase, "nocase"),
        source(parse.source.as_ref()),
        aliases(&parse.names),
        flag(parse.multi, "multi"),
        flag(parse.nodrop, "nodrop")
    )
}

fn print_json(json: &Json) -> String {
    let mut text = format!("json{}", source(json.source.as_ref()));
    if let Some(auto) = &json.auto {
        text.push_str(" auto");
        if let Some(depth) = &auto.max_depth {
            let _ = write!(text, " maxdepth {}", depth.text());
        }
        text += &flag(auto.extract_arrays, "extractarrays");
        text += &flag(auto.refonly, "refonly");
        if !auto.keys.is_empty() {
            let _ = write!(text, " keys {}", strings(&auto.keys));
        }
    }
    if !json.paths.is_empty() {
        let _ = write!(text, " {}", strings(&json.paths));
    }
    text + &aliases(&json.names) + &flag(json.nodrop, "nodrop")
}

fn print_key_value(kv: &KeyValue) -> String {
    let mut text = format!("keyvalue{}", source(kv.source.as_ref()));
    text += &flag(kv.auto, "auto");
    text += &flag(kv.infer, "infer");
    text += &flag(kv.refonly, "refonly");
    if let Some(regex) = &kv.regex {
        let _ = write!(text, " regex {}", encode_regex(&regex.text, '"'));
    }
    for (option, value) in &kv.delimiters {
        let _ = write!(text, " {option}={}", encode(&value.text));
    }
    if !kv.keys.is_empty() {
        let _ = write!(text, " keys {}", strings(&kv.keys));
    }
    text + &aliases(&kv.names) + &flag(kv.nodrop, "nodrop")
}

fn print_aggregate(aggregate: &Aggregate) -> String {
    let items = list(&aggregate.items, ", ", |item| {
        let arguments = list(&item.arguments, ", ", print_argument);
        let arguments = if item.arguments.is_empty() { String::new() } else { format!("({arguments})") };
        format!("{}{arguments}{}", item.function, alias(item.alias.as_ref()))
    });
    let key = |k: &GroupKey| format!("{}{}", print_expr(&k.value), alias(k.alias.as_ref()));
    let by = if aggregate.by.is_empty() { String::new() } else { format!(" by {}", list(&aggregate.by, ", ", key)) };
    format!("{}{items}{by}", if aggregate.stats { "stats " } else { "" })
}

fn print_argument(expr: &Expr) -> String {
    if matches!(&expr.kind, ExprKind::Field(name) if name == "*") { "*".to_owned() } else { print_expr(expr) }
}

/// An expression in its canonical spelling.
pub(crate) fn print_expr(expr: &Expr) -> String {
    print_inner(expr, 0)
}

/// `outer`: how tightly what stands around binds.
fn print_inner(expr: &Expr, outer: u8) -> String {
    let (text, own) = match &expr.kind {
        ExprKind::Field(name) => (print_name(name), 9),
        ExprKind::Text(text) => (encode(text), 9),
        ExprKind::Number(number) => (number.text(), 9),
        ExprKind::Bool(yes) => (yes.to_string(), 9),
        ExprKind::Null => ("null".to_owned(), 9),
        ExprKind::Regex(text) => (encode_regex(text, '/'), 9),
        ExprKind::Parameter(name) => (print_parameter(name), 9),
        ExprKind::Not(inner) => (format!("!{}", print_inner(inner, 8)), 8),
        ExprKind::Negate(inner) => (format!("-{}", print_inner(inner, 8)), 8),
        ExprKind::Or(terms) => (list(terms, " or ", |t| print_inner(t, 2)), 1),
        ExprKind::And(terms) => (list(terms, " and ", |t| print_inner(t, 3)), 2),
        ExprKind::Binary(op, left, right) => {
            let p = op.precedence();
            (format!("{} {} {}", print_inner(left, p), op.text(), print_inner(right, p + 1)), p)
        }
        ExprKind::In { value, list: items, negated } => {
            let word = if *negated { "not in" } else { "in" };
            let items = match items.as_slice() {
                [Expr { kind: ExprKind::Subquery(s), .. }] => print_subquery(s),
                _ => format!("({})", list(items, ", ", print_argument)),
            };
            (format!("{} {word} {items}", print_inner(value, 4)), 4)
        }
        ExprKind::Conditional(c, a, b) => {
            (format!("{} ? {} : {}", print_inner(c, 1), print_inner(a, 1), print_inner(b, 1)), 0)
        }
        ExprKind::Call(name, arguments) => (format!("{name}({})", list(arguments, ", ", print_argument)), 9),
        ExprKind::Subquery(s) => (print_subquery(s), 9),
    };
    if own < outer { format!("({text})") } else { text }
}
