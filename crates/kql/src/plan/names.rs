//! What result columns are called: part of the language (measured against the official binder).

use super::functions::{Naming, aggregates, scalars};
use crate::syntax::tree::{self, Expr, ExprKind, Literal, Selector};
use std::cell::Cell;
use std::collections::HashSet;

/// The name that an expression suggests for its column; none where it gets a numbered one.
pub(crate) fn suggested(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Paren(inner) => suggested(inner),
        ExprKind::Path { base, selector } => {
            // What has no name of its own leaves the name to the last step.
            let prefix = suggested(base).map_or_else(String::new, |b| format!("{b}_"));
            match selector {
                Selector::Name(name) => Some(format!("{prefix}{}", name.text)),
                Selector::Index(index) if !prefix.is_empty() => Some(format!("{prefix}{}", index_name(index)?)),
                _ => None,
            }
        }
        ExprKind::Index { base, index } => Some(format!("{}_{}", suggested(base)?, index_name(index)?)),
        ExprKind::Call(call) => of_call(call),
        _ => None,
    }
}

fn index_name(index: &Expr) -> Option<String> {
    match &index.kind {
        ExprKind::Literal(Literal::String { value, .. }) => Some(value.clone()),
        ExprKind::Literal(Literal::Long(Some(n))) => Some(n.to_string()),
        ExprKind::Literal(Literal::Int(Some(n))) => Some(n.to_string()),
        _ => None,
    }
}

fn of_call(call: &tree::Call) -> Option<String> {
    let name = call.name.text.as_str();
    let Some(function) = scalars().get(name) else { return of_aggregate(call) };
    match &function.naming {
        Naming::Numbered => None,
        Naming::First => first_argument(call).filter(|n| !n.is_empty()),
        Naming::Whole(name) => Some(name.clone()),
        Naming::Prefix(prefix) => Some(format!("{prefix}{}", first_argument(call).unwrap_or_default())),
    }
}

fn first_argument(call: &tree::Call) -> Option<String> {
    let argument = call.arguments.first()?;
    // `bin(Day=Timestamp, 1d)`
    if let tree::Naming::One(name) = &argument.naming {
        return Some(name.text.clone());
    }
    let first = &argument.value;
    // `column_ifexists("a", …)` is called after the column that its text names.
    if matches!(call.name.text.as_str(), "column_ifexists" | "columnifexists")
        && let ExprKind::Literal(Literal::String { value, .. }) = &first.kind
    {
        return Some(value.clone());
    }
    suggested(first)
}

/// The name of an aggregate's column: `count_`, `dcount_X`, `percentile_X_95`.
pub(crate) fn of_aggregate(call: &tree::Call) -> Option<String> {
    let name = call.name.text.as_str();
    let first = first_argument(call);
    match name {
        "take_any" | "arg_max" | "arg_min" | "argmax" | "argmin" => first,
        "percentile" => {
            let which = call.arguments.get(1).and_then(|a| number_name(&a.value))?;
            Some(format!("percentile_{}_{which}", first.unwrap_or_default()))
        }
        "percentilew" => {
            let which = call.arguments.get(2).and_then(|a| number_name(&a.value))?;
            Some(format!("percentile_{}_{which}", first.unwrap_or_default()))
        }
        "percentiles_array" => Some(format!("percentiles_{}", first.unwrap_or_default())),
        // The documentation's example calls it so; the official binder says `percentiles_`.
        "percentilesw_array" => Some(format!("percentile_{}", first.unwrap_or_default())),
        // Both columns, as the product names it (measured); the official binder says the first one's name alone.
        "covariance" | "covariancep" | "covarianceif" | "covariancepif" => {
            let second = call.arguments.get(1).and_then(|a| suggested(&a.value)).unwrap_or_default();
            Some(format!("{name}_{}_{second}", first.unwrap_or_default()))
        }
        _ => match &aggregates().get(name)?.naming {
            Naming::Numbered => None,
            Naming::First => first,
            Naming::Whole(name) => Some(name.clone()),
            Naming::Prefix(prefix) => Some(format!("{prefix}{}", first.unwrap_or_default())),
        },
    }
}

/// A number within a column's name: `99.9` is written `99_9`.
pub(crate) fn number_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(Literal::Long(Some(n))) => Some(n.to_string()),
        ExprKind::Literal(Literal::Int(Some(n))) => Some(n.to_string()),
        ExprKind::Literal(Literal::Real(Some(n))) => Some(n.to_string().replace('.', "_")),
        _ => None,
    }
}

/// Names that are taken, and how a name that is taken becomes another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
    /// Those that a `*` took.
    starred: HashSet<String>,
}

impl Names {
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Names { taken: names.into_iter().map(str::to_owned).collect(), ..Names::default() }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// As [`Names::unique`], for a column of a `*`.
    pub(crate) fn starred(&mut self, name: &str) -> String {
        let name = self.unique(name);
        self.starred.insert(name.clone());
        name
    }

    /// A name that the query gives: taken as it is, or where a `*` has it already, with a number. None where it stands
    /// twice.
    pub(crate) fn given(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            true => Some(name.to_owned()),
            false if self.starred.contains(name) => Some(self.unique(name)),
            false => None,
        }
    }

    /// The name, or the name with the first free number after it: `a`, `a1`, `a2`.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let mut candidate = name.to_string();
        let mut n = 0;
        while !self.taken.insert(candidate.clone()) {
            n += 1;
            candidate = format!("{name}{n}");
        }
        candidate
    }

    /// The next `Column1`, `Column2`, …: they count on through the whole query (as the official binder does).
    pub(crate) fn numbered(&mut self, count: &Cell<usize>) -> String {
        count.set(count.get() + 1);
        self.unique(&format!("Column{}", count.get()))
    }
}
