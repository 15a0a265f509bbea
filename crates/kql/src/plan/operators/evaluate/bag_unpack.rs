//! `bag_unpack`: the members of bags as columns.
//!
//! The columns are those that the query declares, `evaluate bag_unpack(d) : (a:string, b:long)`, or else those that the
//! data has, which is looked at first.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error, fail};
use crate::plan::operators::columns::duplicate;
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::{Rows, Scope};
use crate::plan::types::Type;
use crate::plan::value::{Value, convert, raw_call};
use crate::syntax::tree::{Call, EvaluateSchema, ExprKind, Naming};
use parallax_diagnostics::Span;

impl Binder<'_> {
    pub(super) fn bag_unpack(
        &self,
        input: Relation,
        call: &Call,
        schema: Option<&EvaluateSchema>,
        scope: &Scope,
        span: Span,
    ) -> Result<Relation> {
        let Some(bag) = call.arguments.first() else {
            return fail(error::ARGUMENTS, call.span, "`bag_unpack` takes a column");
        };
        let ExprKind::Name(name) = &bag.value.kind else {
            return fail(error::SHAPE, bag.span, "`bag_unpack` takes a column's name");
        };
        let value = self.scalar(&bag.value, &Rows::of(scope, &input))?;
        if value.ty != Type::Dynamic {
            return fail(
                error::TYPE,
                bag.span,
                format!("a dynamic value is unpacked, and this is a {}", value.ty.name()),
            );
        }
        let options = self.unpacking(call, scope)?;
        let kept: Vec<Column> = input.columns.iter().filter(|c| c.name != name.text).cloned().collect();
        let mut open = false;
        let (mut columns, members) = match schema {
            Some(schema) => {
                let declared = self.schema(&schema.columns)?;
                // A declared column is one of the input, or a member of the bag.
                let mut columns: Vec<Column> = if schema.star { kept.clone() } else { Vec::new() };
                let mut members = Vec::new();
                for (name, ty) in declared {
                    match kept.iter().find(|c| c.name == name && c.ty == ty) {
                        Some(own) if !schema.star => columns.push(own.clone()),
                        _ if columns.iter().any(|c| c.name == name) => return duplicate(&name, span),
                        _ => {
                            let key = name.strip_prefix(&options.prefix).unwrap_or(&name).to_string();
                            columns.push(Column { name, ty, id: self.ids.fresh() });
                            members.push((columns.len() - 1, key));
                        }
                    }
                }
                (columns, members)
            }
            None => {
                let found = self.members_in_data(&input, &value, call)?.unwrap_or_default();
                open = found.is_empty();
                self.unpacked(kept, found, &options, span)?
            }
        };
        let mut new = Vec::new();
        for (at, key) in members {
            let column = &mut columns[at];
            column.id = self.ids.fresh();
            let member = raw_call("kql_member", vec![value.expr.clone(), Value::string(key).expr], span)?;
            new.push((column.id.clone(), convert(Value::new(member, Type::Dynamic), column.ty, span)?.expr));
        }
        let mut out = input.compute(span, new)?;
        out.columns = columns;
        out.open |= open;
        Ok(out)
    }

    /// The options of `bag_unpack`, by place or by name.
    fn unpacking(&self, call: &Call, scope: &Scope) -> Result<Unpacking> {
        let mut options = Unpacking::default();
        for (at, a) in call.arguments.iter().enumerate().skip(1) {
            let place = ["", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"].get(at).copied();
            let option = match &a.naming {
                Naming::One(name) => name.text.as_str(),
                _ => place.unwrap_or(""),
            };
            let value = self.scalar(&a.value, &Rows::none(scope))?.folded();
            let Some(text) = value.text() else {
                return fail(error::CONSTANT, a.span, "an option of `bag_unpack` must be a constant");
            };
            match (option, text) {
                ("OutputColumnPrefix", prefix) => options.prefix = prefix.to_string(),
                ("columnsConflict", "error") => options.conflict = Conflict::Refuse,
                ("columnsConflict", "replace_source") => options.conflict = Conflict::Replace,
                ("columnsConflict", "keep_source") => options.conflict = Conflict::Keep,
                ("ignoredProperties", json) => match serde_json::from_str(json) {
                    Ok(names) => options.ignored = names,
                    Err(_) => return fail(error::TYPE, a.span, "the ignored members are an array of texts"),
                },
                _ => return fail(error::OPTION, a.span, "`bag_unpack` has no such option"),
            }
        }
        Ok(options)
    }

    /// The input's columns, then the members by name, each with its key; and where a name is there already, what the
    /// option says.
    fn unpacked(
        &self,
        mut columns: Vec<Column>,
        found: Vec<(String, Type)>,
        options: &Unpacking,
        span: Span,
    ) -> Result<(Vec<Column>, Members)> {
        let mut members = Vec::new();
        for (key, ty) in found {
            if options.ignored.contains(&key) {
                continue;
            }
            let name = format!("{}{key}", options.prefix);
            match (columns.iter().position(|c| c.name == name), options.conflict) {
                (None, _) => {
                    columns.push(Column { name, ty, id: String::new() });
                    members.push((columns.len() - 1, key));
                }
                (Some(at), Conflict::Replace) => {
                    columns[at].ty = ty;
                    members.push((at, key));
                }
                (Some(_), Conflict::Keep) => {}
                (Some(_), Conflict::Refuse) => {
                    let message = format!("the bags have a member `{key}`, and there is a column `{name}` already");
                    return Err(Box::new(
                        (*error(error::DUPLICATE, span, message))
                            .help("say which one stays: `columnsConflict='replace_source'` or `'keep_source'`"),
                    ));
                }
            }
        }
        Ok((columns, members))
    }
}

/// The places of columns that are members of the bag, each with its key.
type Members = Vec<(usize, String)>;

/// How `bag_unpack` works.
#[derive(Default)]
struct Unpacking {
    /// Stands before the names of new columns.
    prefix: String,
    conflict: Conflict,
    /// Members that become no columns.
    ignored: Vec<String>,
}

/// What becomes of a member whose column is there already.
#[derive(Clone, Copy, Default)]
enum Conflict {
    #[default]
    Refuse,
    Replace,
    Keep,
}
