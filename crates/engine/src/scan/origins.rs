//! Of which columns a computed text is a piece, or what else it may be.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use parallax_telemetry::needles::{self, Literal};

/// A column of whose text a value is a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'e> {
    pub(crate) column: &'e str,
    /// Whether letters beyond ASCII may have become ASCII ones.
    folds: bool,
    /// Whether the column's text is JSON out of which the value comes.
    escaped: bool,
    /// Whether the value may be JSON that was written anew.
    written: bool,
}

/// What a text may be, or be put together of, that is in no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made<'e> {
    Text(&'e str),
    /// Digits and the signs of a number, or words that stand for one.
    Number,
    /// An instant or a span of time.
    Time,
}

/// Where a value comes from, whatever the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins<'e> {
    columns: Vec<Origin<'e>>,
    made: Vec<Made<'e>>,
}

/// A value comes from no more columns than this.
const MOST: usize = 16;

impl<'e> Origins<'e> {
    /// Where `value` comes from; `None` where it may be another text.
    pub(crate) fn of(value: &'e Expr) -> Option<Self> {
        match value {
            Expr::Column(c) => Some(Origins {
                columns: vec![Origin { column: &c.name, folds: false, escaped: false, written: false }],
                made: Vec::new(),
            }),
            Expr::Alias(a) => Origins::of(&a.expr),
            Expr::Literal(constant, _) if constant.is_null() => Some(Origins::default()),
            Expr::Literal(..) => Some(Origins { columns: Vec::new(), made: vec![Made::Text(text(value)?)] }),
            Expr::Case(case) => {
                let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                Origins::all(results.chain(case.else_expr.as_deref()), Origins::of)
            }
            Expr::ScalarFunction(call) => Origins::of_call(call.func.name(), &call.args),
            _ => None,
        }
    }

    fn of_call(name: &str, args: &'e [Expr]) -> Option<Self> {
        let of = |at: usize| Origins::of(args.get(at)?);
        match name {
            // Upper case makes two letters of some.
            "kql_tolower" | "sumo_tolowercase" => Some(of(0)?.each(|o| o.folds = true)),
            // What an anchor or a group catches stands in the text.
            "sumo_parse_anchor"
            | "sumo_parse_regex"
            | "sumo_capture"
            | "sumo_trim"
            | "sumo_substring"
            | "kql_trim_ws"
            | "kql_substring"
            | "kql_tostring_string"
            | "kql_tostring_guid" => of(0),
            "kql_trim" | "kql_trim_start" | "kql_trim_end" => of(1),
            "kql_extract" => of(2),
            "kql_tostring_dynamic" => Origins::within(args.first()?),
            "kql_tostring_int"
            | "kql_tostring_long"
            | "kql_tostring_real"
            | "kql_tostring_decimal"
            | "kql_tostring_bool"
            | "sumo_text_of_real"
            | "sumo_text_of_long"
            | "sumo_text_of_bool" => Some(Origins { columns: Vec::new(), made: vec![Made::Number] }),
            "kql_tostring_datetime" | "kql_tostring_timespan" => {
                Some(Origins { columns: Vec::new(), made: vec![Made::Time] })
            }
            "kql_strcat" | "sumo_concat" => Origins::together(args.iter().collect()),
            "kql_strcat_delim" => {
                let (between, args) = args.split_first()?;
                let parts =
                    args.iter().enumerate().flat_map(|(at, arg)| (at > 0).then_some(between).into_iter().chain([arg]));
                Origins::together(parts.collect())
            }
            // A member of JSON, or several of which one is taken out.
            "sumo_json" | "sumo_json_paths" | "sumo_json_auto" => {
                Some(of(0)?.each(|o| (o.escaped, o.written) = (true, true)))
            }
            "sumo_json_part" | "sumo_json_text" => of(0),
            _ => None,
        }
    }

    /// Where the texts within a dynamic come from.
    fn within(value: &'e Expr) -> Option<Self> {
        let written = |origins: Self| origins.each(|o| o.written = true);
        match value {
            Expr::Alias(a) => Origins::within(&a.expr),
            Expr::Column(_) | Expr::Literal(..) => Origins::of(value).map(written),
            Expr::Case(case) => {
                let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                Origins::all(results.chain(case.else_expr.as_deref()), Origins::within)
            }
            Expr::ScalarFunction(call) => {
                let args = &call.args;
                match call.func.name() {
                    // One member of it: its own names are left behind.
                    "kql_member" => match args.first()? {
                        Expr::ScalarFunction(path) if path.func.name() == "kql_parse_path" => {
                            Origins::of(path.args.first()?).map(written)
                        }
                        whole => Origins::within(whole),
                    },
                    "kql_element" => Origins::within(args.first()?),
                    "kql_split" | "kql_captures" | "kql_dynamic_string" => Origins::of(args.first()?).map(written),
                    "kql_extract_all" | "kql_extractall" => Origins::of(args.last()?).map(written),
                    "kql_parse_json_string" => {
                        Some(Origins::of(args.first()?)?.each(|o| (o.escaped, o.written) = (true, true)))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Where a value comes from that is one of several.
    fn all(values: impl Iterator<Item = &'e Expr>, of: fn(&'e Expr) -> Option<Self>) -> Option<Self> {
        let mut all = Origins::default();
        for value in values {
            let Origins { columns, made } = of(value)?;
            all.columns.extend(columns);
            all.made.extend(made);
        }
        all.columns.dedup();
        (all.columns.len() <= MOST).then_some(all)
    }

    /// Where a text comes from that is put together: no piece of a literal may reach from one part into the next.
    fn together(parts: Vec<&'e Expr>) -> Option<Self> {
        let last = |part: &Expr| text(part).and_then(|t| t.chars().next_back());
        let first = |part: &Expr| text(part).and_then(|t| t.chars().next());
        let apart =
            |two: &[&Expr]| last(two[0]).is_some_and(needles::parts) || first(two[1]).is_some_and(needles::parts);
        if parts.iter().any(|part| text(part) == Some("")) || !parts.windows(2).all(apart) {
            return None;
        }
        Origins::all(parts.into_iter(), Origins::of)
    }

    fn each(mut self, change: impl Fn(&mut Origin<'e>)) -> Self {
        self.columns.iter_mut().for_each(change);
        self
    }

    /// What `literal`, which the value holds, says of columns: one of these must be there. `None` where that does not
    /// follow, for the value may be made of something else that holds a piece of it.
    pub(crate) fn literals(&self, literal: &Literal) -> Option<Vec<Literal>> {
        // A text without a piece may be anywhere.
        if needles::runs(&literal.text).next().is_none() || self.made.iter().any(|made| made.may_hold(literal)) {
            return None;
        }
        let one = |origin: &Origin<'_>| Literal {
            column: origin.column.to_owned(),
            text: if origin.written { needles::outside_of_escapes(&literal.text) } else { literal.text.clone() },
            folds: literal.folds || origin.folds,
            escaped: literal.escaped || origin.escaped,
        };
        Some(self.columns.iter().map(one).collect())
    }
}

impl Made<'_> {
    /// Whether a piece of the literal may stand in it. A literal may reach over its end, so each of its pieces counts.
    fn may_hold(self, literal: &Literal) -> bool {
        let mut pieces = needles::runs(&literal.text).map(str::to_ascii_lowercase);
        match self {
            Made::Text(text) => {
                let text = text.to_ascii_lowercase();
                literal.folds && !text.is_ascii() || pieces.any(|piece| text.contains(&piece))
            }
            Made::Number => pieces.any(|piece| {
                ["true", "false", "infinity", "nan"].iter().any(|word| word.contains(&piece))
                    || piece.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e'))
            }),
            Made::Time => {
                pieces.any(|p| p.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b't' | b'z')))
            }
        }
    }
}

/// A constant text.
pub(crate) fn text(e: &Expr) -> Option<&str> {
    match e {
        Expr::Literal(
            ScalarValue::Utf8View(Some(t)) | ScalarValue::Utf8(Some(t)) | ScalarValue::LargeUtf8(Some(t)),
            _,
        ) => Some(t),
        Expr::Alias(a) => text(&a.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit, when};
    use parallax_functions::kql;

    fn call(name: &str, args: Vec<Expr>) -> Expr {
        kql::scalar(name).expect(name).call(args)
    }

    fn literals(value: &Expr, text: &str) -> Option<Vec<String>> {
        let found = Origins::of(value)?.literals(&Literal::new("", text))?;
        Some(found.into_iter().map(|l| format!("{}:{}", l.column, l.text)).collect())
    }

    fn some(all: &[&str]) -> Option<Vec<String>> {
        Some(all.iter().map(|one| (*one).to_owned()).collect())
    }

    #[test]
    fn parts_of_a_text_stay_apart_or_say_nothing() {
        let path = call("kql_strcat", vec![col("a"), lit("\\"), col("b")]);
        assert_eq!(literals(&path, "lua.exe"), some(&["a:lua.exe", "b:lua.exe"]));
        assert_eq!(literals(&call("kql_strcat", vec![col("a"), col("b")]), "lua.exe"), None);
        assert_eq!(literals(&call("kql_strcat", vec![col("a"), lit(""), col("b")]), "lua.exe"), None);
        let named = call("kql_strcat", vec![lit("name: "), col("a")]);
        assert_eq!(literals(&named, "lua"), some(&["a:lua"]));
        assert_eq!(literals(&named, "me: lua"), some(&["a:me: lua"]));
        assert_eq!(literals(&named, "ame: lua"), None);
        let joined = call("kql_strcat_delim", vec![lit(" "), col("a"), col("b")]);
        assert_eq!(literals(&joined, "lua"), some(&["a:lua", "b:lua"]));
    }

    #[test]
    fn one_of_several_values() {
        let either = when(col("c").eq(lit("x")), lit("none")).otherwise(col("a")).unwrap();
        assert_eq!(literals(&either, "lua"), some(&["a:lua"]));
        assert_eq!(literals(&either, "none"), None);
        assert_eq!(literals(&call("kql_tostring_long", vec![col("n")]), "lua"), some(&[]));
        assert_eq!(literals(&call("kql_tostring_long", vec![col("n")]), "123"), None);
        assert_eq!(literals(&call("kql_tostring_long", vec![col("n")]), "12"), None);
        assert_eq!(literals(&either, "no"), None);
    }

    #[test]
    fn texts_within_dynamics() {
        let last = call("kql_element", vec![call("kql_split", vec![col("a"), lit("\\")]), lit(-1_i64)]);
        let last = call("kql_tostring_dynamic", vec![last]);
        assert_eq!(literals(&last, "cmd.exe"), some(&["a:cmd.exe"]));
        // The n may be that of a line end.
        assert_eq!(literals(&last, "net.exe"), some(&["a:et.exe"]));
        let member = call("kql_member", vec![call("kql_parse_json_string", vec![col("a")]), lit("x")]);
        let member = call("kql_tostring_dynamic", vec![member]);
        let found = Origins::of(&member).unwrap();
        assert!(found.literals(&Literal::new("", "cmd")).unwrap()[0].escaped);
    }
}
