//! `parse-kv`: columns out of a text of keys and values.

use super::expand::put;
use crate::plan::Binder;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation, id};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call, to_string};
use crate::syntax::tree::{ColumnDef, Expr, ExprKind, Literal, OptionValue, Options};
use datafusion::logical_expr::lit;
use parallax_diagnostics::Span;
use serde_json::{Map, Value as Json, json};

impl Binder<'_> {
    pub(super) fn parse_kv(
        &self,
        input: Relation,
        (value, keys, options): (&Expr, &[ColumnDef], &Options),
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let columns = self.schema(keys)?;
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|k| k.name.text == key.name.text) {
                return super::columns::duplicate(&key.name.text, key.span);
            }
        }
        let how = how(&columns, options, span)?;
        let text = to_string(self.scalar(value, &Rows::of(scope, &input))?, value.span)?;
        let found = self.ids.fresh();
        let call = raw_call("kql_key_values", vec![text.expr, Value::dynamic(how).expr], span)?;
        let mut out = input.compute(span, vec![(found.clone(), call)])?;
        let mut new = Vec::new();
        for (at, (name, ty)) in columns.into_iter().enumerate() {
            let element = raw_call("kql_element", vec![id(&found), lit(at as i64)], span)?;
            let text = convert(Value::new(element, Type::Dynamic), Type::String, span)?;
            let typed = convert(text, ty, span)?;
            let own = self.ids.fresh();
            new.push((own.clone(), typed.expr));
            put(&mut out.columns, Column { name, ty, id: own });
        }
        out.compute(span, new)
    }
}

/// The settings, as the function library takes them.
fn how(columns: &[(String, Type)], options: &Options, span: Span) -> Result<String> {
    let mut how = Map::new();
    let keys: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    how.insert("keys".into(), json!(keys));
    let mut several = |name: &str, text: &str| {
        let all = how.entry(name).or_insert_with(|| json!([]));
        if let Json::Array(all) = all {
            all.push(json!(text));
        }
    };
    let word = |name: &str| options.word(name).filter(|(text, _)| !text.is_empty());
    for option in &options.0 {
        let Some((text, at)) = option.word() else { continue };
        let most = match option.name.text.as_str() {
            "quote" => 2,
            "escape" => 1,
            _ => continue,
        };
        if !(1..=most).contains(&text.chars().count()) {
            return fail(
                error::OPTION,
                at,
                format!("`{}` takes a text of {most} characters at most", option.name.text),
            );
        }
        several(if most == 2 { "quotes" } else { "escapes" }, text);
    }
    match (word("regex"), word("pair_delimiter"), word("kv_delimiter")) {
        (Some((regex, at)), None, None) => {
            match parallax_functions::kql::compile_regex(regex) {
                Ok(compiled) if compiled.captures_len() == 3 => {}
                Ok(_) => {
                    return fail(error::OPTION, at, "the regular expression needs two groups: a key and its value");
                }
                Err(e) => {
                    let why = format!("this is not a regular expression: {e}");
                    return fail(error::OPTION, at, why);
                }
            }
            how.insert("regex".into(), json!(regex));
        }
        (Some((_, at)), ..) => return fail(error::OPTION, at, "either a regular expression or delimiters"),
        (None, Some((pair, _)), Some((value, _))) => {
            how.insert("pair".into(), json!(pair));
            how.insert("value".into(), json!(value));
            how.insert("greedy".into(), json!(is_true(options, "greedy")));
        }
        (None, None, None) => {}
        _ => return fail(error::OPTION, span, "`pair_delimiter` and `kv_delimiter` go together"),
    }
    Ok(Json::Object(how).to_string())
}

fn is_true(options: &Options, name: &str) -> bool {
    let value = options.get(name).map(|o| &o.value);
    matches!(value, Some(OptionValue::Expr(e)) if matches!(&e.kind, ExprKind::Literal(Literal::Bool(Some(true)))))
}
