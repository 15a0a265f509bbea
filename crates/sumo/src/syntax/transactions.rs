//! The arguments of `transaction`, `transactionize`, `merge`, `sessionize` and `trace`. The tree keeps these operators
//! as they stand; their arguments are read when they are planned.

use super::codes;
use super::cursor::{Cursor, Result, Token};
use super::tree::{AggregateItem, At, Expr, Name, Query, Text};

/// `merge f strategy as g, …`; without fields `_raw`.
pub(crate) struct Merge {
    pub(crate) items: Vec<MergeItem>,
}

/// A field that `merge` makes one of many.
pub(crate) struct MergeItem {
    pub(crate) field: Name,
    pub(crate) strategy: Strategy,
    pub(crate) alias: Option<Name>,
}

/// How.
pub(crate) enum Strategy {
    /// All values in the order of time, with a text between them.
    Join(String),
    /// Each value once.
    Distinct,
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// `transactionize f, g as prefix maxSpan=5m … (child)`.
#[derive(Default)]
pub(crate) struct Transactionize {
    pub(crate) fields: Vec<Name>,
    pub(crate) alias: Option<Name>,
    pub(crate) max_span: Option<Expr>,
    pub(crate) max_pause: Option<Expr>,
    pub(crate) max_logs: Option<Expr>,
    /// The text, and whether groups that lack it are left out.
    pub(crate) starts: Option<(Text, bool)>,
    pub(crate) ends: Option<(Text, bool)>,
    pub(crate) drop_orphans: bool,
    pub(crate) child: Option<Query>,
}

/// `transaction on f, g fringe=10m with … results by …`.
pub(crate) struct Transaction {
    pub(crate) on: Vec<Name>,
    pub(crate) fringe: Option<Expr>,
    pub(crate) states: Vec<State>,
    pub(crate) results: Results,
    pub(crate) showing: Vec<Showing>,
}

/// A state of a transaction.
pub(crate) struct State {
    /// What a message is in this state by: a glob, or the whole value of a field.
    pub(crate) pattern: Text,
    pub(crate) glob: bool,
    /// Where it is looked for; `_raw` where nothing is said.
    pub(crate) field: Option<Name>,
    pub(crate) name: Name,
}

/// What rows `transaction` gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Results {
    Transactions,
    States,
    Flow,
}

/// `sum(x) for state as f`.
pub(crate) struct Showing {
    pub(crate) item: AggregateItem,
    pub(crate) state: Option<Name>,
}

/// `trace + "re" "start"`.
pub(crate) struct Trace {
    /// Forward in time, backward, or neither.
    pub(crate) forward: Option<bool>,
    pub(crate) pattern: Text,
    pub(crate) seed: Text,
}

/// `threatlookup singleIndicator source="s" f`.
pub(crate) struct Threat {
    pub(crate) single: bool,
    pub(crate) source: Option<Text>,
    pub(crate) fields: Vec<Name>,
}

/// Reads the arguments of the operator that stands at `at` by `read`.
fn arguments<'a, T>(text: &'a str, at: At, read: impl FnOnce(&mut Cursor<'a>) -> Result<T>) -> Result<T> {
    let mut cursor = Cursor::new(text);
    cursor.pos = at.0.start;
    cursor.bump()?;
    let read = read(&mut cursor)?;
    match cursor.peek()? {
        Token::End | Token::Symbol("|" | ")" | "]") | Token::Parameter(_) => Ok(read),
        _ => Err(cursor.unexpected("`|` or the end of the query", codes::UNEXPECTED)),
    }
}

/// The arguments of `merge`.
pub(crate) fn merge(text: &str, at: At) -> Result<Merge> {
    arguments(text, at, |c| {
        let mut items = Vec::new();
        if c.at_end()? {
            return Ok(Merge { items });
        }
        loop {
            let field = c.name()?;
            let strategy = if c.eat_word("takedistinct")? {
                Strategy::Distinct
            } else if c.eat_word("takefirst")? {
                Strategy::First
            } else if c.eat_word("takelast")? {
                Strategy::Last
            } else if c.eat_word("join")? {
                Strategy::Join(if c.eat_word("with")? { c.string()?.text } else { "\n".to_owned() })
            } else {
                Strategy::Join("\n".to_owned())
            };
            let alias = if c.eat_word("as")? { Some(c.name()?) } else { None };
            c.listed(items.len())?;
            items.push(MergeItem { field, strategy, alias });
            if !c.eat(",")? {
                return Ok(Merge { items });
            }
        }
    })
}

/// The arguments of `transactionize`.
pub(crate) fn transactionize(text: &str, at: At) -> Result<Transactionize> {
    arguments(text, at, |c| {
        let mut read = Transactionize { fields: c.names()?, ..Transactionize::default() };
        if c.eat_word("as")? {
            read.alias = Some(c.name()?);
        }
        loop {
            c.eat(",")?;
            if c.eat("(")? {
                read.child = Some(c.deeper(|c| c.query(false))?);
                c.expect(")")?;
                return Ok(read);
            }
            let Token::Word(option) = c.peek()? else { return Ok(read) };
            let option = option.to_ascii_lowercase();
            c.bump()?;
            c.expect("=")?;
            match option.as_str() {
                "maxspan" => read.max_span = Some(c.count()?),
                "maxpause" => read.max_pause = Some(c.count()?),
                "maxlogs" => read.max_logs = Some(c.count()?),
                "startswith" => read.starts = Some(strict(c)?),
                "endswith" => read.ends = Some(strict(c)?),
                "keeporphans" => read.drop_orphans = !truth(c)?,
                _ => {
                    let mut d = c.unexpected("an option of `transactionize`", codes::UNEXPECTED);
                    d.help = Some("there are maxSpan, maxPause, maxLogs, startsWith, endsWith, keepOrphans".to_owned());
                    return Err(d);
                }
            }
        }
    })
}

/// `"text" [;strict]`.
fn strict(c: &mut Cursor<'_>) -> Result<(Text, bool)> {
    let text = c.string()?;
    let strict = c.eat(";")?;
    if strict {
        c.expect_word("strict")?;
    }
    Ok((text, strict))
}

fn truth(c: &mut Cursor<'_>) -> Result<bool> {
    if c.eat_word("true")? {
        return Ok(true);
    }
    c.expect_word("false").map(|()| false)
}

/// The arguments of `transaction`.
pub(crate) fn transaction(text: &str, at: At) -> Result<Transaction> {
    arguments(text, at, |c| {
        c.expect_word("on")?;
        let on = c.names()?;
        let mut fringe = None;
        if c.eat_word("fringe")? {
            c.expect("=")?;
            fringe = Some(c.count()?);
        }
        let mut states = Vec::new();
        loop {
            c.listed(states.len())?;
            let with = c.eat_word("with")?;
            if !with && (states.is_empty() || !matches!(c.peek()?, Token::Text(_))) {
                if states.is_empty() {
                    c.expect_word("with")?;
                }
                break;
            }
            read_states(c, &mut states)?;
            c.eat(",")?;
        }
        let (mut results, mut showing) = (Results::Transactions, Vec::new());
        if c.eat_word("results")? {
            c.expect_word("by")?;
            results = match c.peek()? {
                Token::Word(w) if ["transactions", "transaction"].iter().any(|k| k.eq_ignore_ascii_case(w)) => {
                    Results::Transactions
                }
                Token::Word(w) if ["states", "state"].iter().any(|k| k.eq_ignore_ascii_case(w)) => Results::States,
                Token::Word(w) if w.eq_ignore_ascii_case("flow") => Results::Flow,
                _ => return Err(c.unexpected("`transactions`, `states` or `flow`", codes::UNEXPECTED)),
            };
            c.bump()?;
        }
        if c.eat_word("showing")? {
            loop {
                showing.push(shown(c)?);
                if !c.eat(",")? {
                    break;
                }
            }
        }
        Ok(Transaction { on, fringe, states, results, showing })
    })
}

/// `"match" [in f] as s`, or `states a [as b], c [in f]`.
fn read_states(c: &mut Cursor<'_>, states: &mut Vec<State>) -> Result<()> {
    if c.eat_word("states")? {
        let first = states.len();
        loop {
            c.listed(states.len())?;
            let value = c.name()?;
            let name = if c.eat_word("as")? { c.name()? } else { value.clone() };
            let pattern = Text { text: value.text, at: value.at };
            states.push(State { pattern, glob: false, field: None, name });
            if !c.eat(",")? || c.at_word("with")? {
                break;
            }
        }
        if c.eat_word("in")? {
            let field = c.name()?;
            states[first..].iter_mut().for_each(|s| s.field = Some(field.clone()));
        }
        return Ok(());
    }
    let pattern = c.string()?;
    let field = if c.eat_word("in")? { Some(c.name()?) } else { None };
    c.expect_word("as")?;
    states.push(State { pattern, glob: true, field, name: c.name()? });
    Ok(())
}

fn shown(c: &mut Cursor<'_>) -> Result<Showing> {
    let start = c.here()?;
    let Token::Word(function) = c.peek()? else {
        return Err(c.unexpected("an aggregate", codes::UNEXPECTED));
    };
    let function = function.to_ascii_lowercase();
    c.bump()?;
    let arguments = if c.eat("(")? { c.arguments()? } else { Vec::new() };
    let state = if c.eat_word("for")? { Some(c.name()?) } else { None };
    let alias = if c.eat_word("as")? { Some(c.name()?) } else { None };
    let at = c.since(start);
    Ok(Showing { item: AggregateItem { function, arguments, alias, at }, state })
}

/// The steps of `sessionize`: patterns and their fields.
pub(crate) fn sessionize(text: &str, at: At) -> Result<Vec<(Text, Vec<Name>)>> {
    arguments(text, at, |c| {
        let mut steps = Vec::new();
        loop {
            c.listed(steps.len())?;
            let parenthesised = c.eat("(")?;
            let pattern = c.string()?;
            if parenthesised {
                c.expect(")")?;
            }
            c.expect_word("as")?;
            steps.push((pattern, c.names()?));
            if !c.eat(",")? {
                return Ok(steps);
            }
        }
    })
}

/// `predict f by 1m model=ar, …`.
pub(crate) struct Predict {
    pub(crate) field: Name,
    pub(crate) step: Expr,
    /// The options, as they stand.
    pub(crate) options: Vec<(String, At)>,
}

/// The arguments of `predict`.
pub(crate) fn predict(text: &str, at: At) -> Result<Predict> {
    arguments(text, at, |c| {
        let field = c.name()?;
        c.expect_word("by")?;
        let mut read = Predict { field, step: c.count()?, options: Vec::new() };
        while !c.at_end()? {
            c.eat(",")?;
            let option = c.name()?;
            c.expect("=")?;
            if let Token::Word(_) | Token::Number(_) = c.peek()? {
                c.bump()?;
            } else {
                return Err(c.unexpected("a value", codes::UNEXPECTED));
            }
            read.options.push((option.text, option.at));
        }
        Ok(read)
    })
}

/// The arguments of `threatip` and `threatlookup`.
pub(crate) fn threat(text: &str, at: At) -> Result<Threat> {
    arguments(text, at, |c| {
        let mut read = Threat { single: c.eat_word("singleindicator")?, source: None, fields: Vec::new() };
        if c.at_word("source")? {
            let (pos, last) = (c.pos, c.last);
            c.bump()?;
            if c.eat("=")? {
                read.source = Some(c.string()?);
            } else {
                (c.pos, c.last) = (pos, last);
            }
        }
        read.fields = c.names()?;
        Ok(read)
    })
}

/// The arguments of `trace`.
pub(crate) fn trace(text: &str, at: At) -> Result<Trace> {
    arguments(text, at, |c| {
        let forward = if c.eat("+")? {
            Some(true)
        } else if c.eat("-")? {
            Some(false)
        } else {
            None
        };
        Ok(Trace { forward, pattern: c.regex_string()?, seed: c.string()? })
    })
}
