//! From TOML to a [`Config`], with a place for everything that is wrong.

use super::reader::{Reader, Section, VALUE, Value, span};
use super::{Config, ExternalData, Kql, NamedTable, Placeholder, SavedTables, Sigma, Sumo, Watchlist, rules};
use parallax_catalog::external::{Macro, lookup_place};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The text is no TOML.
const SYNTAX: &str = "CONF0001";

pub(super) fn config(text: &str, folder: &Path) -> Result<Config, Diagnostics> {
    let root = DeTable::parse(text).map_err(|e| {
        let span = e.span().map_or(Span::at(0), |s| Span::new(s.start, s.end));
        Diagnostic::error(SYNTAX, span, first_line(e.message()))
    })?;
    let mut reader = Reader { folder, wrong: Diagnostics::default() };
    let mut config = Config::default();
    let whole = Section { table: root.get_ref(), name: "" };
    whole.each(&mut reader, &["kql", "sumo", "sigma", "lists"], |r, key, _, value| {
        let name = key.to_owned();
        let Some(section) = r.section(&name, value) else { return };
        match key {
            "kql" => config.kql = kql(r, &section),
            "sumo" => config.sumo = sumo(r, &section),
            "sigma" => config.sigma = sigma(r, &section),
            _ => config.lists = section.all(r, |r, _, _, value| r.path(value)),
        }
    });
    match reader.wrong.is_empty() {
        true => Ok(config),
        false => {
            reader.wrong.0.sort_by_key(|d| d.span);
            Err(reader.wrong)
        }
    }
}

fn kql(r: &mut Reader<'_>, section: &Section<'_, '_>) -> Kql {
    let mut out = Kql::default();
    let keys = ["externaldata", "watchlists", "file_profiles", "geo", "user_agents", "functions", "schemas", "tables"];
    section.each(r, &keys, |r, key, _, value| {
        let name = format!("kql.{key}");
        let Some(inner) = r.section(&name, value) else { return };
        match key {
            "externaldata" => out.externaldata = externaldata(r, &inner),
            "watchlists" => out.watchlists = inner.all(r, watchlist),
            "file_profiles" => out.file_profiles = inner.file(r),
            "geo" => out.networks = inner.file(r),
            "user_agents" => out.user_agents = inner.file(r),
            "functions" => inner.each(r, &["folders"], |r, _, _, value| out.functions = r.paths(value)),
            "schemas" => inner.each(r, &["folders"], |r, _, _, value| out.schemas = r.paths(value)),
            _ => out.tables = inner.all(r, table),
        }
    });
    out
}

fn sumo(r: &mut Reader<'_>, section: &Section<'_, '_>) -> Sumo {
    let mut out = Sumo::default();
    section.each(r, &["lookups", "save", "macros", "field-extraction"], |r, key, _, value| {
        if key == "field-extraction" {
            out.extraction_rules = rules::rules(r, value);
            return;
        }
        if key == "save" {
            out.save = saved_tables(r, value);
            return;
        }
        let name = format!("sumo.{key}");
        let Some(inner) = r.section(&name, value) else { return };
        match key {
            "lookups" => {
                let all = inner.all(r, address);
                out.lookups = all.into_iter().map(|(k, f)| (lookup_place(&k).to_owned(), f)).collect();
            }
            _ => out.macros = inner.all(r, sumo_macro),
        }
    });
    out
}

fn sigma(r: &mut Reader<'_>, section: &Section<'_, '_>) -> Sigma {
    let mut out = Sigma::default();
    section.each(r, &["placeholders"], |r, _, _, value| {
        let Some(inner) = r.section("sigma.placeholders", value) else { return };
        let all = inner.all(r, |r, _, _, value| Some(r.texts(value)));
        let values = |texts: Vec<String>| texts.into_iter().map(|value| Placeholder { value, until: None }).collect();
        out.placeholders = all.into_iter().map(|(name, texts)| (name, values(texts))).collect();
    });
    out
}

fn saved_tables(r: &mut Reader<'_>, value: &Value<'_>) -> Option<SavedTables> {
    if value.get_ref().as_str().is_some() {
        return r.path(value).map(|folder| SavedTables { folder, keys: BTreeMap::new() });
    }
    let section = r.section("sumo.save", value)?;
    let (mut folder, mut keys) = (None, BTreeMap::new());
    section.each(r, &["folder", "keys"], |r, key, _, value| match key {
        "folder" => folder = r.path(value),
        _ => {
            if let Some(inner) = r.section("sumo.save.keys", value) {
                let all = inner.all(r, |r, _, _, value| Some(r.texts(value)));
                keys = all.into_iter().map(|(place, names)| (lookup_place(&place).to_owned(), names)).collect();
            }
        }
    });
    if folder.is_none() {
        r.say(VALUE, span(value), "`sumo.save` needs a `folder`");
    }
    Some(SavedTables { folder: folder?, keys })
}

fn sumo_macro(r: &mut Reader<'_>, _: &str, at: Span, value: &Value<'_>) -> Option<Macro> {
    if value.get_ref().as_str().is_some() {
        return Some(Macro { text: r.text(value)?, arguments: Vec::new() });
    }
    let section = r.section("a macro", value)?;
    let (mut text, mut arguments) = (None, Vec::new());
    section.each(r, &["text", "arguments"], |r, key, _, value| match key {
        "text" => text = r.text(value),
        _ => arguments = r.texts(value),
    });
    if text.is_none() {
        r.say(VALUE, at, "a macro needs a `text`");
    }
    Some(Macro { text: text?, arguments })
}

fn externaldata(r: &mut Reader<'_>, section: &Section<'_, '_>) -> ExternalData {
    let mut out = ExternalData::default();
    section.each(r, &["folder", "addresses"], |r, key, _, value| match key {
        "folder" => out.folder = r.path(value),
        _ => {
            if let Some(inner) = r.section("kql.externaldata.addresses", value) {
                out.addresses = inner.all(r, address);
            }
        }
    });
    out
}

fn address(r: &mut Reader<'_>, key: &str, at: Span, value: &Value<'_>) -> Option<PathBuf> {
    let path = r.path(value)?;
    let stars = |text: &str| text.matches('*').count();
    let target = value.get_ref().as_str().unwrap_or_default();
    if stars(key) > 1 {
        r.say(VALUE, at, "an address has at most one `*`");
        return None;
    }
    if stars(target) > stars(key) {
        r.say(VALUE, span(value), "a file's path has a `*` only where its address has one");
        return None;
    }
    Some(path)
}

fn watchlist(r: &mut Reader<'_>, _: &str, at: Span, value: &Value<'_>) -> Option<Watchlist> {
    if value.get_ref().as_str().is_some() {
        return Some(Watchlist { file: r.path(value)?, search_key: None });
    }
    let section = r.section("a watchlist", value)?;
    let (mut file, mut search_key) = (None, None);
    section.each(r, &["file", "search_key"], |r, key, _, value| match key {
        "file" => file = r.path(value),
        _ => search_key = r.text(value),
    });
    if file.is_none() {
        r.say(VALUE, at, "a watchlist needs a `file`");
    }
    Some(Watchlist { file: file?, search_key })
}

fn table(r: &mut Reader<'_>, _: &str, at: Span, value: &Value<'_>) -> Option<NamedTable> {
    if value.get_ref().as_str().is_some() {
        return Some(NamedTable { file: Some(r.path(value)?), columns: Vec::new() });
    }
    let section = r.section("a table", value)?;
    let mut out = NamedTable::default();
    section.each(r, &["file", "schema"], |r, key, _, value| match key {
        "file" => out.file = r.path(value),
        _ => out.columns = r.schema(value),
    });
    if out.file.is_none() && out.columns.is_empty() {
        r.say(VALUE, at, "a table needs a `file`, a `schema`, or both");
        return None;
    }
    Some(out)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("this is no TOML")
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_catalog::ColumnType;

    fn parse(text: &str) -> Result<Config, String> {
        let shown =
            |d: Diagnostics| d.iter().map(|d| format!("{} {:?}: {}", d.code, d.span.of(text), d.message)).collect();
        config(text, Path::new("conf")).map_err(|d| {
            let all: Vec<String> = shown(d);
            all.join("; ")
        })
    }

    #[test]
    fn everything_is_read() {
        let config = parse(
            r#"
            [kql.externaldata]
            folder = "lists"
            addresses."https://example.org/a.csv" = "lists/a.csv"
            addresses."https://example.org/feeds/*" = "feeds/*"
            [kql.watchlists]
            Plain = "w/plain.csv"
            Keyed = { file = "w/keyed.json", search_key = "Name" }
            [kql.file_profiles]
            file = "profiles.csv"
            [kql.geo]
            file = "/abs/networks.csv"
            [kql.functions]
            folders = ["f", "g"]
            [kql.schemas]
            folders = ["s"]
            [kql.tables]
            A_CL = "a.csv"
            B_CL = { schema = "TimeGenerated:datetime, n : long" }
            "#,
        );
        let kql = config.map(|c| c.kql).unwrap_or_default();
        assert_eq!(kql.externaldata.folder.as_deref(), Some(Path::new("conf/lists")));
        assert_eq!(kql.externaldata.addresses.len(), 2);
        assert_eq!(kql.watchlists["Keyed"].search_key.as_deref(), Some("Name"));
        assert_eq!(kql.watchlists["Plain"].file, Path::new("conf/w/plain.csv"));
        assert_eq!(kql.networks.as_deref(), Some(Path::new("/abs/networks.csv")));
        assert_eq!(kql.functions.len(), 2);
        assert_eq!(kql.schemas, [Path::new("conf/s")]);
        assert_eq!(kql.tables["B_CL"].columns[1].ty, ColumnType::Long);
        assert_eq!(parse(""), Ok(Config::default()));
        let lists = parse("[lists]\nallow = \"mine.csv\"\n[sigma.placeholders]\nAdmins = [\"root\", \"adm*\"]");
        let lists = lists.unwrap_or_default();
        assert_eq!(lists.lists["allow"], Path::new("conf/mine.csv"));
        assert_eq!(lists.placeholder("Admins", 0).as_deref(), Some(&["root".to_owned(), "adm*".to_owned()][..]));
        assert_eq!(lists.placeholder("Others", 0), None);
        let sumo = parse(
            r#"
            [sumo.lookups]
            'path://"/Library/Users/me/Bad"' = "bad.csv"
            "shared/*" = "shared/*.csv"
            [sumo.save]
            folder = "saved"
            keys = { 'path://"/Library/t"' = ["name"] }
            [sumo.macros]
            slices = "timeslice 5m"
            of = { text = "where user = \"{{name}}\"", arguments = ["name"] }
            "#,
        );
        let sumo = sumo.map(|c| c.sumo).unwrap_or_default();
        assert_eq!(sumo.lookups["/Library/Users/me/Bad"], Path::new("conf/bad.csv"));
        assert_eq!(sumo.lookups.len(), 2);
        let saved = sumo.save.unwrap_or_default();
        assert_eq!(
            (saved.folder.as_path(), &saved.keys["/Library/t"][..]),
            (Path::new("conf/saved"), &["name".to_owned()][..])
        );
        let short = parse("[sumo]\nsave = \"saved\"").map(|c| c.sumo.save.unwrap_or_default());
        assert_eq!(short, Ok(SavedTables { folder: PathBuf::from("conf/saved"), keys: BTreeMap::new() }));
        assert_eq!(sumo.macros["of"].arguments, ["name"]);
        assert_eq!(sumo.macros["slices"].text, "timeslice 5m");
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let wrong = |text| parse(text).expect_err(text);
        assert_eq!(wrong("[kql.watchlist]"), "CONF0002 \"watchlist\": there is no key `watchlist` in `kql`");
        assert_eq!(wrong("kql = 1"), "CONF0003 \"1\": `kql` is a table: `[kql]`");
        assert_eq!(wrong("[kql.geo]\nfile = 1"), "CONF0003 \"1\": a text is expected here");
        assert_eq!(wrong("[kql.watchlists]\na = {}"), "CONF0003 \"a\": a watchlist needs a `file`");
        assert_eq!(
            wrong("[kql.tables]\na = { schema = \"x:text\" }\nb = {}"),
            "CONF0003 \"a\": a table needs a `file`, a `schema`, or both; \
             CONF0003 \"\\\"x:text\\\"\": `x:text` is no column: write `name:type`; \
             CONF0003 \"b\": a table needs a `file`, a `schema`, or both"
        );
        assert!(wrong("[kql").starts_with("CONF0001"));
    }
}
