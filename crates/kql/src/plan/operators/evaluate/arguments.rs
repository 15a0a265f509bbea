//! What a plugin is given: columns, constants, and columns that slice the result.

use super::Plugin;
use crate::plan::error::{self, Result, fail};
use crate::plan::relation::{Column, Relation};
use crate::plan::scope::Rows;
use crate::plan::types::Type;
use crate::plan::value::{Value, convert};
use crate::syntax::tree::{Argument, Call, Expr, ExprKind, Naming};

/// The arguments of a call.
pub(super) struct Arguments<'c> {
    all: Vec<&'c Argument>,
}

impl<'c> Arguments<'c> {
    pub(super) fn of(call: &'c Call, least: usize, most: usize) -> Result<Self> {
        let all: Vec<&Argument> = call.arguments.iter().collect();
        if (least..=most).contains(&all.len()) {
            return Ok(Arguments { all });
        }
        let how_many = match (least, most) {
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let message = format!("`{}` takes {how_many} arguments, and these are {}", call.name.text, all.len());
        fail(error::ARGUMENTS, call.span, message)
    }

    /// The argument of that name, which stands at its place or behind its name anywhere.
    pub(super) fn option(&self, at: usize, name: &str) -> Option<&'c Argument> {
        let named = self.all.iter().find(|a| matches!(&a.naming, Naming::One(n) if n.text == name));
        named.or_else(|| self.all.get(at).filter(|a| matches!(a.naming, Naming::None))).copied()
    }

    pub(super) fn get(&self, at: usize) -> Option<&'c Argument> {
        self.all.get(at).copied()
    }

    pub(super) fn from(&self, at: usize) -> &[&'c Argument] {
        self.all.get(at..).unwrap_or_default()
    }
}

impl std::ops::Index<usize> for Arguments<'_> {
    type Output = Argument;

    fn index(&self, at: usize) -> &Argument {
        self.all[at]
    }
}

impl Plugin<'_, '_> {
    /// The input's column that an argument names.
    pub(super) fn column(&self, argument: &Argument, input: &Relation) -> Result<Column> {
        let Some(name) = name_of(&argument.value) else {
            return fail(error::SHAPE, argument.span, "a column's name is expected here");
        };
        match input.column(name) {
            Some(column) => Ok(column.clone()),
            None => {
                let known = input.columns.iter().map(|c| c.name.as_str());
                Err(self.binder.unknown_name(name, argument.span, format!("there is no column `{name}`"), known))
            }
        }
    }

    /// Columns of the input.
    pub(super) fn columns(&self, arguments: &[&Argument], input: &Relation) -> Result<Vec<Column>> {
        arguments.iter().map(|a| self.column(a, input)).collect()
    }

    /// Whether an argument names a column.
    pub(super) fn is_column(&self, argument: &Argument, input: &Relation) -> bool {
        name_of(&argument.value).is_some_and(|name| input.column(name).is_some())
    }

    /// A scalar that reads no column.
    pub(super) fn scalar(&self, argument: &Argument) -> Result<Value> {
        Ok(self.binder.scalar(&argument.value, &Rows::none(self.scope))?.folded())
    }

    /// As [`Plugin::scalar`], of that type.
    pub(super) fn scalar_as(&self, argument: &Argument, ty: Type) -> Result<Value> {
        let value = self.scalar(argument)?;
        let fits = value.ty == ty || (value.ty.is_number() && ty.is_number()) || value.ty == Type::Dynamic;
        if !fits {
            let message = format!("a {} is expected here, and this is a {}", ty.name(), value.ty.name());
            return fail(error::TYPE, argument.span, message);
        }
        Ok(convert(value, ty, argument.span)?.folded())
    }

    /// A whole number that is known when the query is planned.
    pub(super) fn whole(&self, argument: &Argument) -> Result<i64> {
        match self.scalar(argument)?.integer() {
            Some(n) => Ok(n),
            None => fail(error::CONSTANT, argument.span, "a constant whole number is needed"),
        }
    }

    /// As [`Plugin::whole`], and not negative.
    pub(super) fn count(&self, argument: &Argument) -> Result<usize> {
        let n = self.whole(argument)?;
        usize::try_from(n).or_else(|_| fail(error::OPTION, argument.span, "a number of rows is not negative"))
    }

    /// A flag, `true` or `false`.
    pub(super) fn flag(&self, argument: &Argument) -> Result<bool> {
        use datafusion::common::ScalarValue;
        match self.scalar(argument)?.constant() {
            Some(ScalarValue::Boolean(Some(yes))) => Ok(*yes),
            _ => fail(error::CONSTANT, argument.span, "`true` or `false` is needed"),
        }
    }
}

/// The name that an expression is.
pub(super) fn name_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(&name.text),
        ExprKind::Paren(inner) => name_of(inner),
        _ => None,
    }
}
