//! Field extraction rules: fields that the real product takes out of messages when they come in.
//!
//! A rule is a scope and a few operators. Its fields are assigned to a message that is within its scope and from which
//! all of them can be taken; a message that is not keeps what it has (documented: all or nothing). Only rules with a
//! field that the query reads are planned, before everything else, so that the query sees their fields as it sees those
//! of the source. A rule sees the message and its metadata, no other fields: when it is applied, there are none yet.

use super::extraction::bare;
use super::rows::{Field, Rows, Watched, column, same};
use super::scope::balanced;
use super::values::{Ty, Value, choose, coalesce};
use super::{Planner, Planning, RAW, codes};
use crate::syntax::{self, At, ExprKind, Operator, OperatorKind, ParseStyle, Query, Scope, ScopeKind};
use datafusion::logical_expr::Operator as Combine;
use parallax_catalog::Catalog;
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};
use parallax_functions::sumo::Pattern;

/// The longest expression (documented).
const LONGEST: usize = 16_384;

const ALLOWED: &str = "allowed are `parse`, `parse regex`, `csv`, `json`, `keyvalue`, `fields` and `num` (documented)";

/// A rule that was read.
#[derive(Clone, Debug)]
pub struct Rule {
    name: String,
    /// What its places are places of: the scope, a pipe and the expression.
    text: String,
    query: Query,
    fields: Vec<String>,
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// What the real product would not take. Places are of the scope, followed by ` | ` and the expression.
    pub fn parse(name: &str, scope: &str, expression: &str) -> Result<Self, Diagnostics> {
        let scope = Some(scope.trim()).filter(|s| !s.is_empty()).unwrap_or("*");
        let expression = expression.trim().trim_start_matches('|').trim_start();
        let refuse = |at: Span, why: &str, help: &str| Err(Diagnostic::error(codes::RULE, at, why).help(help).into());
        if !syntax::parse(scope)?.query.operators.is_empty() {
            return refuse(Span::new(0, scope.len()), "a scope has no operators", "they belong into the expression");
        }
        let text = format!("{scope} | {expression}");
        if expression.len() > LONGEST {
            let at = Span::new(scope.len() + 3, text.len());
            return refuse(at, "an expression has at most 16,384 characters (documented)", "make two rules of it");
        }
        let query = syntax::parse(&text)?.query;
        if let Some(scope) = &query.scope {
            check_scope(scope)?;
        }
        let mut fields: Vec<String> = Vec::new();
        for operator in &query.operators {
            if !allowed(operator) {
                let word = operator.at.0.of(&text).split_whitespace().next().unwrap_or_default();
                let why = format!("this form of `{word}` is not allowed in a field extraction rule");
                return Err(Diagnostic::error(codes::RULE, operator.at.0, why).help(ALLOWED).into());
            }
            assigned(operator, &mut fields);
        }
        Ok(Rule { name: name.to_owned(), text, query, fields })
    }

    /// The fields that it takes out.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|f| same(f, name))
    }
}

/// The rules that a catalog gives.
pub(super) fn given(catalog: &dyn Catalog) -> Result<Vec<Rule>, Diagnostics> {
    let rules = catalog.externals().extraction_rules();
    let read = |r: &parallax_catalog::external::ExtractionRule| {
        Rule::parse(&r.name, &r.scope, &r.expression).map_err(|d| unusable(&r.name, d).into())
    };
    rules.iter().map(read).collect()
}

/// A rule that is wrong, said where the query is all that has places.
fn unusable(rule: &str, diagnostics: Diagnostics) -> Diagnostic {
    let why = diagnostics.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ");
    Diagnostic::error(codes::RULE, Span::default(), format!("the field extraction rule `{rule}` can't be used: {why}"))
}

/// Only what is known of a message when it comes in: words, and built-in metadata (documented).
fn check_scope(scope: &Scope) -> Result<(), Diagnostics> {
    let refuse = |what: &str| Err(Diagnostic::error(codes::RULE, scope.at.0, what).into());
    match &scope.kind {
        ScopeKind::All(terms) | ScopeKind::Any(terms) => terms.iter().try_for_each(check_scope),
        ScopeKind::Not(inner) => check_scope(inner),
        ScopeKind::Field { name, .. } | ScopeKind::In { name, .. } if !name.text.starts_with('_') => {
            refuse("the scope of a field extraction rule names metadata (`_sourceCategory` …) and words only")
        }
        ScopeKind::Parameter(_) | ScopeKind::Subquery(_) => {
            refuse("a field extraction rule has no parameters and no subqueries")
        }
        _ => Ok(()),
    }
}

fn allowed(operator: &Operator) -> bool {
    match &operator.kind {
        OperatorKind::Parse(parse) => !parse.multi && !parse.nocase,
        OperatorKind::Json(json) => json.auto.is_none(),
        OperatorKind::KeyValue(pairs) => !pairs.keys.is_empty(),
        OperatorKind::Split(split) => split.csv,
        OperatorKind::Fields { table, .. } => !table,
        OperatorKind::Assign { value, .. } => match &value.kind {
            ExprKind::Call(name, arguments) => {
                name.eq_ignore_ascii_case("num") && matches!(arguments.as_slice(), [one] if is_field(one))
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_field(expr: &syntax::Expr) -> bool {
    matches!(expr.kind, ExprKind::Field(_))
}

/// The fields after an operator.
fn assigned(operator: &Operator, fields: &mut Vec<String>) {
    let mut add = |name: &str| {
        if !fields.iter().any(|f| same(f, name)) {
            fields.push(name.to_owned());
        }
    };
    match &operator.kind {
        OperatorKind::Parse(parse) => {
            let patterns =
                std::iter::once((&parse.pattern, &parse.names)).chain(parse.more.iter().map(|(p, n)| (p, n)));
            for (pattern, names) in patterns {
                names.iter().for_each(|n| add(&n.text));
                // A pattern that does not compile is said to be wrong when it is planned.
                if names.is_empty()
                    && parse.style == ParseStyle::Regex
                    && let Ok(pattern) = Pattern::new(&pattern.text)
                {
                    pattern.names().iter().for_each(|(_, name)| add(name));
                }
            }
        }
        OperatorKind::Json(json) if json.names.is_empty() => json.paths.iter().for_each(|p| add(&p.text)),
        OperatorKind::Json(json) => json.names.iter().for_each(|n| add(&n.text)),
        OperatorKind::KeyValue(pairs) if pairs.names.is_empty() => pairs.keys.iter().for_each(|k| add(&bare(k).text)),
        OperatorKind::KeyValue(pairs) => pairs.names.iter().for_each(|n| add(&n.text)),
        OperatorKind::Split(split) => split.fields.iter().for_each(|(_, n)| add(&n.text)),
        OperatorKind::Assign { alias: Some(alias), .. } => add(&alias.text),
        OperatorKind::Fields { remove, names, .. } => {
            fields.retain(|f| names.iter().any(|n| same(&n.text, f)) != *remove);
        }
        _ => {}
    }
}

/// What a rule gives for a field: the conditions' columns, and the value.
struct Given<'r> {
    rule: &'r Rule,
    field: String,
    conditions: Vec<String>,
    value: Value,
}

impl<'a> Planner<'a> {
    /// Assigns the fields that rules take out, as far as the query reads them.
    pub(super) fn extraction_rules(&mut self, rows: &mut Rows, at: At) -> Planning<()> {
        let rules: &'a [Rule] = self.rules;
        let reads = self.reads.clone();
        let wanted: Vec<&Rule> = rules.iter().filter(|rule| reads.iter().any(|name| rule.has(name))).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let base = rows.fields.clone();
        rows.watched = Some(Watched::default());
        base.iter().for_each(|field| rows.live_on(&field.id));
        let before = (std::mem::take(&mut self.diagnostics), std::mem::take(&mut self.autos), self.text);
        let mut given: Vec<Given<'_>> = Vec::new();
        self.in_rule = true;
        for rule in wanted {
            self.text = &rule.text;
            let planned = self.rule(rows, rule, &base, &mut given);
            planned.map_err(|d| unusable(&rule.name, d.into()))?;
        }
        self.in_rule = false;
        (self.diagnostics, self.autos, self.text) = before;
        rows.fields = base;
        (rows.open, rows.shown) = (true, None);
        rows.removed.clear();
        rows.chain.clear();
        for name in &reads {
            let of: Vec<&Given<'_>> = given.iter().filter(|g| same(&g.field, name)).collect();
            if !of.is_empty() {
                self.extracted(rows, name, &of, at)?;
            }
        }
        rows.watched = None;
        Ok(())
    }

    /// Plans one rule beside everything that is there; its conditions become columns.
    fn rule<'r>(
        &mut self,
        rows: &mut Rows,
        rule: &'r Rule,
        base: &[Field],
        given: &mut Vec<Given<'r>>,
    ) -> Planning<()> {
        rows.fields = base.iter().filter(|f| !rule.has(&f.name)).cloned().collect();
        (rows.raw, rows.open, rows.shown) = (true, false, None);
        rows.removed.clear();
        rows.chain.clear();
        let conditions = |rows: &Rows| rows.watched.as_ref().map_or_else(Vec::new, |w| w.conditions.clone());
        let before = conditions(rows).len();
        if let Some(scope) = &rule.query.scope {
            self.scope(rows, scope)?;
        }
        if let Some(within) = conditions(rows).get(before) {
            // Messages outside of the scope are not taken apart.
            let raw = self.field(rows, RAW, rule.query.at)?;
            let raw = choose(column(within), raw.expr, Value::null().expr);
            self.assign(rows, RAW, &Value::new(raw, Ty::Text), rule.query.at)?;
        }
        for index in 0..rule.query.operators.len() {
            self.stage(rows, &rule.query, index)?;
        }
        let conditions = conditions(rows).split_off(before);
        for field in &rule.fields {
            let read = self.reads.iter().any(|r| same(r, field));
            if let Some(found) = rows.find(field).filter(|_| read).cloned() {
                rows.live_on(&found.id);
                let (field, conditions) = (field.clone(), conditions.clone());
                given.push(Given { rule, field, conditions, value: found.value() });
            }
        }
        Ok(())
    }

    /// The field as the first rule gives it that gives it, else as it was.
    fn extracted(&mut self, rows: &mut Rows, name: &str, given: &[&Given<'_>], at: At) -> Planning<()> {
        let number = given.iter().all(|g| g.value.ty == Ty::Double);
        let ty = if number { Ty::Double } else { Ty::Text };
        let own = rows.find(name).map_or_else(Value::null, Field::value);
        let value = given.iter().rev().fold(own.to(ty), |rest, g| {
            let conditions = g.conditions.iter().map(|id| column(id)).collect();
            let value = match balanced(conditions, Combine::And) {
                Some(all) => choose(all, g.value.to(ty), Value::null().to(ty)),
                None => g.value.to(ty),
            };
            coalesce(value, rest)
        });
        self.assign(rows, name, &Value::new(value, ty), at)?;
        let span = self.mentions.iter().find(|(n, _)| same(n, name)).map_or(at.0, |(_, at)| at.0);
        let mut names: Vec<String> = Vec::new();
        for rule in given.iter().map(|g| format!("`{}`", g.rule.name)) {
            if !names.contains(&rule) {
                names.push(rule);
            }
        }
        let said = match names.as_slice() {
            [one] => format!("`{name}` is what the field extraction rule {one} takes out of messages"),
            several => format!(
                "`{name}` is what the field extraction rules {} take out of messages; of those that fit a message the \
                 first counts (in the real product any of them may)",
                several.join(", ")
            ),
        };
        if !self.diagnostics.iter().any(|d| d.message == said) {
            self.diagnostics.push(Diagnostic::note(codes::EXTRACTED, span, said));
        }
        Ok(())
    }
}
