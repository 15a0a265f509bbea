//! Queries: filters over columns and what is computed of them, in all three languages.

use super::dice::Dice;
use super::events::WORDS;
use super::files::Kind;
use parallax_engine::Dialect;

/// A query over files of that kind.
pub(super) fn query(dice: &mut Dice<'_>, kind: Kind) -> (Dialect, String) {
    match dice.below(6) {
        0 | 1 if kind != Kind::Own => (Dialect::Sumo, sumo(dice, kind)),
        2 if matches!(kind, Kind::Process | Kind::Audit) => (Dialect::Sigma, sigma(dice)),
        _ => (Dialect::Kql, kql(dice, kind)),
    }
}

/// A word, a part of one, or two of them.
fn word(dice: &mut Dice<'_>) -> String {
    let word = dice.of(&WORDS);
    match dice.below(6) {
        0 => {
            let chars: Vec<char> = word.chars().collect();
            let from = dice.below(chars.len());
            chars[from..(from + 3 + dice.below(6)).min(chars.len())].iter().collect()
        }
        1 => format!("{word}{}", dice.of(&WORDS)),
        2 => format!("{word} {}", dice.of(&WORDS)),
        3 => word.to_lowercase(),
        _ => word.to_owned(),
    }
}

/// A text between quotes, as KQL and Sumo have it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

/// Some texts between quotes.
fn list(dice: &mut Dice<'_>) -> String {
    (0..1 + dice.below(3)).map(|_| quoted(&word(dice))).collect::<Vec<_>>().join(", ")
}

/// A regular expression with a text in it.
fn expression(dice: &mut Dice<'_>) -> String {
    let mut escaped = String::new();
    for c in word(dice).chars() {
        if !c.is_alphanumeric() && c.is_ascii() && !matches!(c, '<' | '>' | '"' | '\'' | '&' | ',' | ' ') {
            escaped.push('\\');
        }
        escaped.push(match c {
            '\n' => 'n',
            '\t' => 't',
            c => c,
        });
    }
    match dice.below(8) {
        0 => format!("(?i){escaped}"),
        1 => format!("^{escaped}$"),
        2 => format!("(?i)({escaped}|whoami)"),
        3 => format!("({escaped}|.o.t)"),
        4 => format!("{escaped}.*(exe|jit)+"),
        5 => format!("({escaped})?lua"),
        6 => format!("(?:{escaped}){{1,2}}"),
        _ => escaped,
    }
}

fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process | Kind::Audit => {
            &["FileName", "FolderPath", "ProcessCommandLine", "AccountName", "InitiatingProcessFileName"]
        }
        Kind::Syslog => &["SyslogMessage", "ProcessName", "HostName", "Computer"],
        Kind::Own => &["file", "path", "text", "who"],
    }
}

/// A text of KQL over columns.
fn value(dice: &mut Dice<'_>, kind: Kind) -> String {
    let column = dice.of(columns(kind));
    match dice.below(22) {
        0 => format!("tolower({column})"),
        1 => format!("toupper({column})"),
        2 => format!("trim(\" \", {column})"),
        3 => format!("substring({column}, 0, 8)"),
        4 => format!("strcat({column}, \" \", {})", dice.of(columns(kind))),
        5 => format!("strcat({column}, {})", dice.of(columns(kind))),
        6 => format!("strcat(\"name: \", {column}, \";\")"),
        7 => format!("strcat_delim(\"-\", {column}, {})", dice.of(columns(kind))),
        8 => format!("extract(@\"(\\S+)\", 1, {column})"),
        9 => format!("tostring(split({column}, \" \")[0])"),
        10 => format!("tostring(split({column}, @\"\\\")[-1])"),
        11 => format!("tostring(split({column}, \" \"))"),
        12 => format!("tostring(parse_path({column}).Filename)"),
        13 => format!("coalesce({column}, {})", quoted(&word(dice))),
        14 => format!("iff({column} has \"lua\", \"none\", {})", dice.of(columns(kind))),
        15 => format!("case({column} == \"x\", {}, tolower({column}))", quoted(&word(dice))),
        16 if kind == Kind::Process => "tostring(AdditionalFields.x)".to_owned(),
        17 if kind == Kind::Process => "tostring(AdditionalFields)".to_owned(),
        16 | 17 if kind == Kind::Own => "tostring(nested.x)".to_owned(),
        18 => format!("tostring(parse_json(strcat('{{\"a\":\"', {column}, '\"}}')).a)"),
        19 => format!("replace_string({column}, \"x\", \"lua\")"),
        20 => format!("tostring(strlen({column}))"),
        _ => column.to_owned(),
    }
}

fn condition(dice: &mut Dice<'_>, kind: Kind, depth: u8) -> String {
    if depth < 3 {
        match dice.below(9) {
            0 | 1 => return format!("({} and {})", condition(dice, kind, depth + 1), condition(dice, kind, depth + 1)),
            2 | 3 => return format!("({} or {})", condition(dice, kind, depth + 1), condition(dice, kind, depth + 1)),
            4 => return format!("not({})", condition(dice, kind, depth + 1)),
            5 => {
                return format!(
                    "(iff({}, 2, 0) + iff({}, 1, 0) {})",
                    condition(dice, kind, depth + 1),
                    condition(dice, kind, depth + 1),
                    dice.of(&["> 0", ">= 2", "== 1", "< 1", ">= 0", "!= 3"])
                );
            }
            _ => {}
        }
    }
    const OPERATORS: [&str; 22] = [
        "has",
        "!has",
        "has_cs",
        "contains",
        "!contains",
        "contains_cs",
        "startswith",
        "startswith_cs",
        "!startswith",
        "endswith",
        "endswith_cs",
        "hasprefix",
        "hassuffix",
        "hasprefix_cs",
        "==",
        "!=",
        "=~",
        "!~",
        "!hasprefix",
        "hassuffix_cs",
        "==",
        "contains",
    ];
    let value = value(dice, kind);
    match dice.below(10) {
        0 => format!("{value} in ({})", list(dice)),
        1 => format!("{value} in~ ({})", list(dice)),
        2 => format!("{value} has_any ({})", list(dice)),
        3 => format!("{value} has_all ({})", list(dice)),
        4 | 5 => format!("{value} matches regex {}", quoted(&expression(dice))),
        6 => format!("isnotempty({value})"),
        _ => format!("{value} {} {}", dice.of(&OPERATORS), quoted(&word(dice))),
    }
}

fn kql(dice: &mut Dice<'_>, kind: Kind) -> String {
    let table = match kind {
        Kind::Process | Kind::Audit => "DeviceProcessEvents",
        Kind::Syslog => "Syslog",
        Kind::Own => "own",
    };
    let shown = columns(kind).join(", ");
    let c = condition(dice, kind, 0);
    let column = dice.of(columns(kind));
    match dice.below(13) {
        0 => format!(
            "{table} | extend v = {} | where v has {} | project v, {shown}",
            value(dice, kind),
            quoted(&word(dice))
        ),
        1 => format!("let t = datatable(n: string)[{}]; {table} | where {column} in (t) | project {shown}", list(dice)),
        2 => format!(
            "let t = datatable(n: string)[{}]{}; {table} | where {column} {} (t) and {c} | project {shown}",
            list(dice),
            dice.of(&["", " | where n has \"lua\"", " | extend n = tolower(n)"]),
            dice.of(&["has_any", "has_all", "in~", "!in"])
        ),
        3 => format!(
            "{table} | join kind={} (datatable(n: string, m: long)[{}, 1]) on $left.{column} == $right.n | project {column}, m",
            dice.of(&["inner", "leftouter", "leftsemi", "leftanti", "rightouter", "fullouter", "innerunique"]),
            quoted(&word(dice))
        ),
        4 => format!(
            "{table} | extend p = split({column}, \" \") | mv-expand p to typeof(string) | where p == {} | project p, {shown}",
            quoted(&word(dice))
        ),
        5 => format!(
            "union ({table} | where {c} | project {shown}), ({table} | project {shown}) | where {} | project {shown}",
            condition(dice, kind, 1)
        ),
        6 => format!("{table} | where * has {} | project {shown}", quoted(&word(dice))),
        7 => format!(
            "{table} | parse-where {column} with * {} rest | where {c} | project rest, {shown}",
            quoted(&word(dice))
        ),
        8 => format!(
            "{table} | summarize n = count() by {column} | where {column} has {} | sort by {column} asc",
            quoted(&word(dice))
        ),
        9 => format!("{table} | where {c} | take 3 | where {} | project {shown}", condition(dice, kind, 2)),
        10 => format!("search in ({table}) {} | project {shown}", quoted(&word(dice))),
        _ => format!("{table} | where {c} | project {shown}"),
    }
}

fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process => {
            &["Image", "CommandLine", "User", "ParentImage", "Product", "FileName", "ProcessCommandLine", "_raw"]
        }
        Kind::Audit => &["Image", "CommandLine", "User", "ParentImage", "exe", "comm", "_raw"],
        _ => &["_raw", "message", "host"],
    }
}

fn sumo_value(dice: &mut Dice<'_>, kind: Kind) -> String {
    let field = dice.of(fields(kind));
    match dice.below(8) {
        0 => format!("toLowerCase({field})"),
        1 => format!("concat({field}, \" \", {})", dice.of(fields(kind))),
        2 => format!("concat({field}, {})", dice.of(fields(kind))),
        3 => format!("substring({field}, 0, 9)"),
        4 => format!("trim({field})"),
        5 => format!("if({field} = \"x\", \"none\", {field})"),
        _ => field.to_owned(),
    }
}

fn sumo_condition(dice: &mut Dice<'_>, kind: Kind, depth: u8) -> String {
    if depth < 2 {
        match dice.below(8) {
            7 => {
                return format!(
                    "(if({}, 2, 0) + if({}, 1, 0) {})",
                    sumo_condition(dice, kind, depth + 1),
                    sumo_condition(dice, kind, depth + 1),
                    dice.of(&["> 0", ">= 2", "= 1", "< 1", ">= 0", "!= 3"])
                );
            }
            0 | 1 => {
                return format!(
                    "({} and {})",
                    sumo_condition(dice, kind, depth + 1),
                    sumo_condition(dice, kind, depth + 1)
                );
            }
            2 => {
                return format!(
                    "({} or {})",
                    sumo_condition(dice, kind, depth + 1),
                    sumo_condition(dice, kind, depth + 1)
                );
            }
            3 => return format!("!({})", sumo_condition(dice, kind, depth + 1)),
            _ => {}
        }
    }
    let value = sumo_value(dice, kind);
    match dice.below(7) {
        0 => format!("{value} = {}", quoted(&word(dice))),
        1 => format!("{value} in ({})", list(dice)),
        2 => format!("{value} matches /{}/", expression(dice).replace('/', "\\/")),
        3 => format!("contains({value}, {})", quoted(&word(dice))),
        4 => format!("{value} matches {}", quoted(&format!("*{}*{}*", word(dice), word(dice)))),
        _ => format!("{value} matches {}", quoted(&format!("*{}*", word(dice)))),
    }
}

fn scope(dice: &mut Dice<'_>, kind: Kind) -> String {
    let plain = |text: String| text.replace(['"', '\\', '\n', '\t', '*'], "");
    match dice.below(9) {
        0 => dice.of(&["lua", "whoami", "lua*", "l?a", "*jit", "cmd.exe", "os.execute"]).to_owned(),
        1 => quoted(&plain(word(dice))),
        2 => format!("\"{}* {}\"", plain(word(dice)), plain(word(dice))),
        3 => format!("{}={}", dice.of(fields(kind)), quoted(&plain(word(dice)))),
        4 => format!("{}={}*", dice.of(fields(kind)), dice.of(&["lua", "mask", "MAS", "os"])),
        5 => format!("({} OR {})", scope(dice, kind), scope(dice, kind)),
        6 => format!("({} AND {})", scope(dice, kind), scope(dice, kind)),
        7 => format!("* NOT {}", dice.of(&["lua", "whoami"])),
        _ => "*".to_owned(),
    }
}

fn sumo(dice: &mut Dice<'_>, kind: Kind) -> String {
    let scope = scope(dice, kind);
    let shown = "fields _raw, Image, CommandLine";
    let field = dice.of(fields(kind));
    match dice.below(8) {
        0 => scope,
        1 => format!(
            "{scope} | parse field={field} \"{}*\" as rest | where rest matches \"*lua*\"",
            dice.of(&["l", "lua", "os."])
        ),
        2 => format!(
            "{scope} | parse regex field={field} \"(?<a>{})\" | where {}",
            expression(dice).replace('"', "."),
            sumo_condition(dice, kind, 1)
        ),
        3 => format!(
            "{scope} | json field=_raw \"AdditionalFields.x\" as j | where j matches {} | {shown}",
            quoted(&format!("*{}*", word(dice)))
        ),
        4 => format!(
            "{scope} | json field=_raw \"FileName\", \"ProcessCommandLine\" as f, l nodrop | where f = {} or {} | {shown}",
            quoted(&word(dice)),
            sumo_condition(dice, kind, 1)
        ),
        5 => format!(
            "{scope} | {} as v | where v matches {} | {shown}",
            sumo_value(dice, kind),
            quoted(&format!("*{}*", word(dice)))
        ),
        _ => format!("{scope} | where {} | {shown}", sumo_condition(dice, kind, 0)),
    }
}

fn sigma(dice: &mut Dice<'_>) -> String {
    const MODIFIERS: [&str; 10] = [
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|contains|all",
        "|cased",
        "|contains|cased",
        "|re",
        "|re|i",
        "|contains|windash",
    ];
    let mut selections = String::new();
    for name in ["first", "other"] {
        selections.push_str(&format!("  {name}:\n"));
        for field in ["Image", "CommandLine", "ParentImage"].into_iter().take(1 + dice.below(2)) {
            let modifier = dice.of(&MODIFIERS);
            let text = |dice: &mut Dice<'_>| match modifier.starts_with("|re") {
                true => expression(dice),
                false => match dice.below(4) {
                    0 => format!("{}*{}", word(dice), word(dice)),
                    _ => word(dice),
                },
            };
            let single = |text: String| format!("'{}'", text.replace('\'', "''").replace(['\n', '\t'], " "));
            let values: Vec<String> = (0..1 + dice.below(3)).map(|_| single(text(dice))).collect();
            selections.push_str(&format!("    {field}{modifier}: [{}]\n", values.join(", ")));
        }
    }
    let condition = dice.of(&["first", "first or other", "first and not other", "first and other", "not first"]);
    format!(
        "title: t\nlogsource:\n  product: {}\n  category: process_creation\ndetection:\n{selections}  condition: {condition}\n",
        dice.of(&["windows", "linux"])
    )
}
