//! `compare timeshift 1d`: the query's aggregate beside what it was at earlier times.
//!
//! The query up to here is planned once for each time range: the session's own, and that shifted back. Times among the
//! results are shifted forward again, so that slices stand beside each other. What published queries go by, and the
//! documentation does not say: the fields keep their names; those of an earlier time are called `f_1d`, `f_alias`,
//! `f_21d_avg`; a group that only one of the times has lacks the other's values.

use super::rows::{Field, Rows, column, same};
use super::values::{Ty, Value, choose};
use super::{Planner, Planning, TIME, built, codes};
use crate::syntax::{At, Query};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use parallax_diagnostics::Diagnostic;

/// At most that many earlier times are looked at (documented).
const MOST: usize = 7;

/// The main query, for operators that run what stands before them again.
#[derive(Clone)]
pub(super) struct Main {
    pub(super) query: Query,
    compared: bool,
}

impl Main {
    pub(super) fn new(query: &Query) -> Self {
        Main { query: query.clone(), compared: false }
    }
}

/// `timeshift 7d 3 avg as f`.
#[derive(Debug, PartialEq)]
struct Comparison {
    count: i64,
    unit: &'static str,
    times: usize,
    function: Option<&'static str>,
    alias: Option<String>,
}

impl Comparison {
    /// How far back the n-th time lies, in milliseconds.
    fn shift(&self, n: usize) -> Option<i64> {
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == self.unit)?;
        self.count.checked_mul(i64::try_from(n).ok()?)?.checked_mul(*unit)
    }

    /// What is put behind a field's name for the n-th time.
    fn suffix(&self, n: usize) -> String {
        let back = |n: usize| format!("{}{}", self.count.saturating_mul(i64::try_from(n).unwrap_or(1)), self.unit);
        match (&self.alias, self.function) {
            (Some(alias), _) => alias.clone(),
            (None, Some(function)) => format!("{}_{function}", back(self.times)),
            (None, None) => back(n),
        }
    }
}

const UNITS: [(&str, i64); 5] = [("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

impl Planner<'_> {
    pub(super) fn compare(&mut self, rows: &mut Rows, arguments: &str, at: At) -> Planning<()> {
        let comparisons = read(arguments).ok_or_else(|| {
            Diagnostic::error(codes::BAD_ARGUMENT, at.0, "these are no arguments of `compare`")
                .help("write `compare timeshift 1d`, `timeshift 1d 7`, `timeshift 1d 5 avg as f`")
        })?;
        // A time that two comparisons look at is looked at once.
        let mut shifts = vec![0];
        for comparison in &comparisons {
            // More are refused below.
            for n in 1..=comparison.times.min(MOST + 1) {
                let too_far = || Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`compare` looks back too far");
                let shift = comparison.shift(n).ok_or_else(too_far)?;
                if !shifts.contains(&shift) {
                    shifts.push(shift);
                }
            }
        }
        if shifts.len() > MOST + 1 {
            let message = format!("`compare` looks at more than {MOST} earlier times");
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, message));
        }
        if rows.raw {
            return self.refuse(at, "`compare` stands after an aggregate", "");
        }
        let Some(Main { query, compared: false }) = self.main.take() else {
            return self.refuse(at, "`compare` can be used once, in the main query", "");
        };
        let (Some(start), Some(end)) = self.switches.range else {
            return Err(Diagnostic::error(codes::NEEDS_RANGE, at.0, "`compare` needs the query's time range")
                .help("set the switches `sumo.query-start` and `sumo.query-end` (milliseconds since 1970), and read input that reaches back before them"));
        };
        if shifts.iter().any(|shift| start.checked_sub(*shift).is_none()) {
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, at.0, "`compare` looks back too far"));
        }
        let first = shifts.iter().map(|s| start - s).min().unwrap_or(start);
        if self.context.earliest.is_some_and(|e| e.div_euclid(1_000_000) > first) {
            let message = "`compare` looks at times that lie before those that are read";
            return Err(Diagnostic::error(codes::NEEDS_RANGE, at.0, message).help(
                "leave out `--from`: the switches `sumo.query-start` and `sumo.query-end` say what is compared",
            ));
        }
        let mut before = query.clone();
        before.operators = query.operators.iter().take_while(|o| o.at.0 != at.0).cloned().collect();
        let mut runs = Vec::new();
        for shift in shifts {
            runs.push((shift, self.earlier_run(&before, (start - shift, end - shift))?));
        }
        self.beside(rows, &runs, &comparisons, at)?;
        self.main = Some(Main { query, compared: true });
        Ok(())
    }

    /// The query up to here over another time range.
    fn earlier_run(&mut self, query: &Query, range: (i64, i64)) -> Planning<Rows> {
        // What is to be said about it has been said.
        let said = self.diagnostics.clone();
        let own = std::mem::replace(&mut self.switches.range, (Some(range.0), Some(range.1)));
        self.bounds = Some(range);
        let mut planned = || {
            let mut rows = self.messages(query.at)?;
            if let Some(scope) = &query.scope {
                self.scope(&mut rows, scope)?;
                rows.chain.clear();
            }
            self.child(&mut rows, query, query.at)?;
            Ok(rows)
        };
        let rows = planned();
        self.bounds = None;
        self.switches.range = own;
        self.diagnostics = said;
        rows
    }

    /// The messages, of the time range that is looked at.
    pub(super) fn messages(&mut self, at: At) -> Planning<Rows> {
        let mut rows = self.scan(at)?;
        if let Some((start, end)) = self.bounds {
            let time = self.field(&mut rows, TIME, at)?.to_long();
            built(rows.filter(time.clone().gt_eq(lit(start)).and(time.lt(lit(end)))), at)?;
        }
        Ok(rows)
    }

    /// All runs as one: a row for each group, the values of each run in columns of their own.
    fn beside(&mut self, rows: &mut Rows, runs: &[(i64, Rows)], comparisons: &[Comparison], at: At) -> Planning<()> {
        let shown = |f: &Field| rows.shown.as_ref().is_none_or(|s| s.iter().any(|n| same(n, &f.name)));
        let is_key = |f: &Field| rows.groups.iter().any(|g| same(g, &f.name));
        if let Some(lost) = rows.groups.iter().find(|g| rows.find(g).is_none()) {
            let message = format!("`compare` puts groups beside each other, and `{lost}` is gone");
            return self.refuse(at, message, "remove it after `compare`");
        }
        let keys: Vec<Field> = rows.fields.iter().filter(|f| is_key(f)).cloned().collect();
        let values: Vec<Field> = rows.fields.iter().filter(|f| !is_key(f) && shown(f)).cloned().collect();
        let key_ids: Vec<String> = keys.iter().map(|_| self.id()).collect();
        let value_ids: Vec<Vec<String>> = runs.iter().map(|_| values.iter().map(|_| self.id()).collect()).collect();
        let missing = |ty: Ty| datafusion::logical_expr::cast(lit(ScalarValue::Null), ty.arrow());
        let mut all: Option<LogicalPlan> = None;
        for (index, (shift, run)) in runs.iter().enumerate() {
            let mut columns = Vec::new();
            for (key, id) in keys.iter().zip(&key_ids) {
                let value = run.find(&key.name).map_or_else(Value::null, Field::value);
                let value = if key.ty == Ty::Time { value.to_long() + lit(*shift) } else { value.to(key.ty) };
                columns.push(value.alias(id));
            }
            for (other, ids) in value_ids.iter().enumerate() {
                for (value, id) in values.iter().zip(ids) {
                    let here = run.find(&value.name).filter(|_| other == index);
                    columns.push(here.map_or_else(|| missing(value.ty), |f| f.value().to(value.ty)).alias(id));
                }
            }
            let part = built(run.builder().project(columns).and_then(LogicalPlanBuilder::build), at)?;
            all = Some(match all {
                None => part,
                Some(all) => built(LogicalPlanBuilder::from(all).union(part).and_then(LogicalPlanBuilder::build), at)?,
            });
        }
        let Some(all) = all else { return Ok(()) };
        let groups = keys.iter().zip(&key_ids).map(|(k, id)| (k.name.clone(), column(id), k.ty)).collect();
        let mut items = Vec::new();
        let mut combined = Vec::new();
        for (value, id) in values.iter().zip(&value_ids[0]) {
            items.push((value.name.clone(), self.id(), max(column(id)), value.ty));
        }
        for comparison in comparisons {
            let run = |n: usize| runs.iter().position(|(shift, _)| Some(*shift) == comparison.shift(n));
            let of: Vec<&Vec<String>> = (1..=comparison.times).filter_map(|n| value_ids.get(run(n)?)).collect();
            for (at, value) in values.iter().enumerate() {
                let name = |n: usize| format!("{}_{}", value.name, comparison.suffix(n));
                let ids: Vec<String> = of.iter().map(|_| self.id()).collect();
                for (n, id) in ids.iter().enumerate() {
                    // Names that no query can write stand for what is combined below.
                    let own = if comparison.function.is_some() { format!("${id}") } else { name(n + 1) };
                    items.push((own, id.clone(), max(column(&of[n][at])), value.ty));
                }
                if let Some(function) = comparison.function {
                    combined.push((name(comparison.times), function, ids, value.ty));
                }
            }
        }
        rows.plan = all;
        rows.layer = None;
        let wanted = |name: &str| !name.starts_with('$');
        self.aggregate_into(rows, groups, items, at)?;
        for (name, function, ids, ty) in combined {
            let each: Vec<Value> = ids.iter().map(|id| Value::new(column(id), ty)).collect();
            let value = combine(function, &each);
            self.assign(rows, &name, &value, at)?;
        }
        rows.fields.retain(|f| wanted(&f.name));
        if let Some(shown) = &mut rows.shown {
            shown.retain(|s| wanted(s));
        }
        Ok(())
    }
}

/// The mean, the lowest or the highest of the values that are there.
fn combine(function: &str, values: &[Value]) -> Value {
    let doubles = values.iter().map(Value::to_double);
    let nothing = || lit(ScalarValue::Float64(None));
    if function == "avg" {
        let there = |v: &Expr, yes: Expr, no: Expr| choose(v.clone().is_not_null(), yes, no);
        let (mut sum, mut count) = (lit(0.0), lit(0.0));
        for value in doubles {
            sum = sum + there(&value, value.clone(), lit(0.0));
            count = count + there(&value, lit(1.0), lit(0.0));
        }
        return Value::new(choose(count.clone().gt(lit(0.0)), sum / count, nothing()), Ty::Double);
    }
    let best = doubles.reduce(|a, b| {
        let better = if function == "min" { a.clone().lt(b.clone()) } else { a.clone().gt(b.clone()) };
        choose(b.clone().is_null().or(better), a, b)
    });
    Value::new(best.unwrap_or_else(nothing), Ty::Double)
}

/// `[with] timeshift 1d [7] [avg] [as f], …`.
fn read(arguments: &str) -> Option<Vec<Comparison>> {
    let text: String = arguments.lines().map(|l| l.split("//").next().unwrap_or(l)).collect::<Vec<_>>().join(" ");
    let mut all: Vec<Comparison> = Vec::new();
    for (index, part) in text.split(',').enumerate() {
        let mut words = part.split_whitespace().peekable();
        if index == 0 {
            words.next_if(|w| w.eq_ignore_ascii_case("with"));
        }
        words.next().filter(|w| w.eq_ignore_ascii_case("timeshift"))?;
        let span = words.next()?.to_ascii_lowercase();
        let (unit, _) = UNITS.iter().find(|(unit, _)| span.ends_with(unit))?;
        let count = span.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
        let times = match words.peek().and_then(|w| w.parse::<usize>().ok()) {
            Some(n) => {
                words.next();
                n
            }
            None => 1,
        };
        let functions = ["avg", "min", "max"];
        let function = words.peek().and_then(|w| functions.into_iter().find(|f| f.eq_ignore_ascii_case(w)));
        if function.is_some() {
            words.next();
        }
        let alias = match words.next() {
            Some(word) if word.eq_ignore_ascii_case("as") => Some(words.next()?.to_owned()),
            Some(_) => return None,
            None => None,
        };
        // What several times under one name are called is not documented.
        if words.next().is_some() || times == 0 || (times > 1 && alias.is_some() && function.is_none()) {
            return None;
        }
        let one = Comparison { count, unit, times, function, alias };
        let named = |c: &Comparison| c.suffix(1);
        if all.iter().any(|c| named(c) == named(&one)) {
            return None;
        }
        all.push(one);
    }
    Some(all)
}
