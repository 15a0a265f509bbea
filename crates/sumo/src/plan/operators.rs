//! One stage after another.

use super::rows::{Rows, same};
use super::scope::truth;
use super::values::{Ty, Value, text_literal};
use super::{Planner, Planning, RAW, built, codes};
use crate::syntax::{At, Expr as Tree, ExprKind, Name, Operator, OperatorKind, print_expr};
use datafusion::logical_expr::{Expr, lit};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn operator(&mut self, rows: &mut Rows, operator: &Operator) -> Planning<()> {
        // Only operators that stand directly one after the other are alternatives of each other.
        if !matches!(operator.kind, OperatorKind::Parse(_)) {
            rows.chain.clear();
        }
        self.after_transpose(rows, operator)?;
        self.apply(rows, operator)?;
        if !matches!(operator.kind, OperatorKind::Parse(_)) {
            rows.chain.clear();
        }
        Ok(())
    }

    fn apply(&mut self, rows: &mut Rows, operator: &Operator) -> Planning<()> {
        let at = operator.at;
        match &operator.kind {
            OperatorKind::Where(condition) => {
                let condition = self.condition(rows, condition)?;
                built(rows.filter(condition), at)
            }
            OperatorKind::Assign { value, alias } => self.assignment(rows, value, alias.as_ref(), at),
            OperatorKind::Eval(items) => self.eval(rows, items, at),
            OperatorKind::Parse(parse) => self.parse(rows, parse, at),
            OperatorKind::Json(json) => self.json(rows, json, at),
            OperatorKind::KeyValue(kv) => self.key_value(rows, kv, at),
            OperatorKind::Split(split) => self.split(rows, split, at),
            OperatorKind::Xml(xml) => self.xml(rows, xml, at),
            OperatorKind::Fields { remove, names, table } => {
                if *table {
                    let list = names.iter().map(|n| n.text.clone()).collect::<Vec<_>>().join(", ");
                    self.extension(at, "`table`", Some(format!("fields {list}")))?;
                }
                self.fields(rows, *remove, names)
            }
            OperatorKind::Sort(keys) => self.sort(rows, keys, at),
            OperatorKind::Limit(count) => self.limit(rows, count, at),
            OperatorKind::Top { count, fields, by } => self.top(rows, count, fields, by, at),
            OperatorKind::TopK { count, fields, by } => self.topk(rows, count, fields, by, at),
            OperatorKind::Dedup { consecutive, count, fields } => {
                self.dedup(rows, *consecutive, count.as_ref(), fields, at)
            }
            OperatorKind::Aggregate(aggregate) => self.aggregate(rows, aggregate, at),
            OperatorKind::Timeslice(slice) => self.timeslice(rows, slice, at),
            OperatorKind::Transpose { rows: keep, columns, names } => self.transpose(rows, keep, columns, names, at),
            OperatorKind::FillMissing(fill) => self.fill_missing(rows, fill, at),
            OperatorKind::Running(running) => self.running(rows, running, at),
            OperatorKind::Join(join) => self.join(rows, join, at),
            OperatorKind::Filter { name, child } => self.filter(rows, name, child, at),
            OperatorKind::Lookup(lookup) => self.lookup(rows, lookup, at),
            OperatorKind::WithTime(name) => self.with_time(rows, name, at),
            OperatorKind::Bin { name, options } => self.bin(rows, name, options, at),
            OperatorKind::GeoIp(name, more) => self.geoip(rows, name, more, at),
            OperatorKind::Cat(path) => self.cat(rows, path, at),
            OperatorKind::Save { append, path } => self.save(*append, path, at),
            OperatorKind::Compose { .. } => self.refuse(at, "`compose` only ends a subquery", ""),
            OperatorKind::Placeholder(name) => {
                Err(Diagnostic::error(codes::NO_PARAMETER, at.0, format!("the parameter `{name}` has no value")))
            }
            OperatorKind::Verbatim { name: "compare", arguments } => self.compare(rows, arguments, at),
            OperatorKind::Verbatim { name: "outlier", arguments } => self.outlier(rows, arguments, at),
            OperatorKind::Verbatim { name: "threatip", .. } => self.threatip(rows, at),
            OperatorKind::Verbatim { name: "threatlookup", .. } => self.threatlookup(rows, at),
            OperatorKind::Verbatim { name: "predict", .. } => self.predict(rows, at),
            OperatorKind::Verbatim { name: "merge", .. } => self.merge(rows, at),
            OperatorKind::Verbatim { name: "transactionize", .. } => self.transactionize(rows, at),
            OperatorKind::Verbatim { name: "transaction", .. } => self.transaction(rows, at),
            OperatorKind::Verbatim { name: "sessionize", .. } => self.sessionize(rows, at),
            OperatorKind::Verbatim { name: "trace", .. } => self.trace_chain(rows, at),
            OperatorKind::Verbatim { name, .. } => self.verbatim(name, at),
        }
    }

    /// Operators that are recognised and refused.
    fn verbatim(&self, name: &str, at: At) -> Planning<()> {
        match name {
            "infer" | "benchmark" | "logreduce" | "summarize" | "logcompare" | "logexplain" => Err(cloud(name, at)),
            "timeshift" | "quantize" | "metrics" | "eval" => {
                self.refuse(at, "metrics queries are not supported", "only log searches are")
            }
            _ => self.refuse(at, format!("`{name}` is not supported"), ""),
        }
    }

    /// `expr as f`; without `as`, a cast changes its field and a comparison changes nothing.
    fn assignment(&mut self, rows: &mut Rows, tree: &Tree, alias: Option<&Name>, at: At) -> Planning<()> {
        let value = self.expression(rows, tree)?;
        let value = if value.ty == Ty::Bool && !self.drops(tree) { truth(&value) } else { value };
        let name = match (alias, &tree.kind) {
            (Some(alias), _) => alias.text.clone(),
            // `num(x)`, `toLong(x)`, `urldecode(x)` alone change the field (documented for casts).
            (None, ExprKind::Call(_, arguments))
                if matches!(arguments.first().map(|a| &a.kind), Some(ExprKind::Field(_))) =>
            {
                match &arguments[0].kind {
                    ExprKind::Field(name) => name.clone(),
                    _ => return Ok(()),
                }
            }
            _ => {
                self.pointless(tree, at);
                return Ok(());
            }
        };
        let id = self.assign(rows, &name, &value, at)?;
        // Functions over addresses are documented to drop the rows whose address is none.
        if self.drops(tree) {
            built(rows.filter(super::rows::column(&id).is_not_null()), at)?;
        }
        Ok(())
    }

    fn drops(&self, tree: &Tree) -> bool {
        let ExprKind::Call(name, _) = &tree.kind else { return false };
        ["isprivateip", "ispublicip", "isreservedip", "isnan", "isinfinity"]
            .iter()
            .any(|n| n.eq_ignore_ascii_case(name))
    }

    fn pointless(&mut self, tree: &Tree, at: At) {
        let mut d =
            Diagnostic::warning(codes::NO_ALIAS, at.0, "this expression has no `as`, so its value goes nowhere");
        if let ExprKind::Binary(crate::syntax::BinaryOp::Eq, left, right) = &tree.kind
            && let ExprKind::Field(name) = &left.kind
        {
            let text = format!("{} as {name}", print_expr(right));
            d = d.label("a comparison, not an assignment").help(format!("to assign, write `{text}`")).fix(at.0, text);
        }
        self.diagnostics.push(d);
    }

    /// `eval f = expr`: an extension that plainly means `expr as f`.
    fn eval(&mut self, rows: &mut Rows, items: &[(Name, Tree)], at: At) -> Planning<()> {
        let documented = items
            .iter()
            .map(|(name, value)| format!("{} as {}", value.at.0.of(self.text), name.at.0.of(self.text)))
            .collect::<Vec<_>>()
            .join("\n| ");
        self.extension(at, "`eval`", Some(documented))?;
        for (name, value) in items {
            self.assignment(rows, value, Some(name), at)?;
        }
        Ok(())
    }

    /// `fields a, b` shows those, in that order; `fields - a` takes away. The plan is left alone: what nothing reads is
    /// not computed.
    fn fields(&mut self, rows: &mut Rows, remove: bool, names: &[Name]) -> Planning<()> {
        if remove {
            for name in names {
                // Removing what is not there is no error: published queries remove `_count` and the like in passing.
                if let Some(shown) = &mut rows.shown {
                    shown.retain(|s| !same(s, &name.text));
                }
                rows.fields.retain(|f| !same(&f.name, &name.text));
                rows.removed.push(name.text.clone());
            }
            return Ok(());
        }
        for name in names {
            self.field(rows, &name.text, name.at)?;
        }
        let kept = |n: &str| n.starts_with('_') || names.iter().any(|k| same(&k.text, n));
        rows.fields.retain(|f| kept(&f.name));
        let mut shown: Vec<String> = Vec::new();
        for name in names {
            if !shown.iter().any(|s| same(s, &name.text)) {
                shown.push(name.text.clone());
            }
        }
        rows.shown = Some(shown);
        rows.open = false;
        Ok(())
    }

    /// The number that an operator takes.
    pub(super) fn number(&self, tree: &Tree, least: i64, most: i64) -> Planning<usize> {
        let wrong = || {
            Diagnostic::error(codes::BAD_ARGUMENT, tree.at.0, format!("this is a whole number from {least} to {most}"))
        };
        let ExprKind::Number(number) = &tree.kind else { return Err(wrong()) };
        let value = number.whole().filter(|n| (least..=most).contains(n)).ok_or_else(wrong)?;
        usize::try_from(value).map_err(|_| wrong())
    }

    /// The text that `parse` and its kin read.
    pub(super) fn source(&mut self, rows: &mut Rows, name: Option<&Name>, at: At) -> Planning<Expr> {
        let value = match name {
            Some(name) => self.field(rows, &name.text, name.at)?,
            None => self.field(rows, RAW, at)?,
        };
        Ok(value.to_text())
    }

    /// `withtime f`: the value with the time of its message.
    fn with_time(&mut self, rows: &mut Rows, name: &Name, at: At) -> Planning<()> {
        let value = self.field(rows, &name.text, name.at)?;
        let time = self.field(rows, super::TIME, at)?;
        let pair = super::values::call("sumo_withtime", vec![value.to_text(), time.to_long()]);
        self.assign(rows, &format!("{}_withtime", name.text), &Value::new(pair, Ty::Text), at)?;
        Ok(())
    }
}

/// The refusal of what needs the real product's data.
pub(super) fn cloud(what: &str, at: At) -> Diagnostic {
    Diagnostic::error(codes::NEEDS_CLOUD, at.0, format!("`{what}` needs data or models of Sumo Logic's cloud"))
        .help("remove the operator; what follows may need fields that it makes")
}

/// A literal of text, for operators.
pub(super) fn text(text: &str) -> Expr {
    text_literal(text)
}

/// A literal whole number.
pub(super) fn long(value: i64) -> Expr {
    lit(value)
}
