//! `sessionize`: messages of several kinds woven into sessions.
//!
//! Each step is an anchor pattern. `$name` in it stands for what an earlier step took out under that name; a name that
//! several steps take out must hold the same value in all of them (documented: an inner join). The time of the messages
//! plays no part.

use super::capture::{Anchors, pack, unpack};
use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::collections::HashMap;
use std::sync::Arc;

/// How many sessions there may be, and how many pairs of a partial session and a message are looked at.
const SESSIONS: usize = 1_000_000;
const PAIRS: usize = 20_000_000;

/// `sumo_sessionize(texts, steps)`: a session's values packed, in the order of the fields' first mention, for each.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sessionize {
    signature: Signature,
}

impl Sessionize {
    pub(super) fn new() -> Self {
        Sessionize { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Sessionize {
    fn name(&self) -> &str {
        "sumo_sessionize"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = arrays[0].as_list::<i32>();
        let steps = arrays[1].as_string_view();
        let mut out = ListBuilder::new(StringViewBuilder::new());
        for row in 0..lists.len() {
            if lists.is_valid(row) {
                let texts = lists.value(row);
                let texts: Vec<&str> = texts.as_string_view().iter().flatten().collect();
                for session in weave(&texts, steps.value(row))? {
                    let mut packed = String::new();
                    session.iter().for_each(|value| pack(value, &mut packed));
                    out.values().append_value(packed);
                }
            }
            out.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish()) as ArrayRef))
    }
}

/// A piece of a pattern.
enum Piece {
    Text(String),
    Star,
    /// The number of an earlier field.
    Field(usize),
}

struct Step {
    pieces: Vec<Piece>,
    /// The fields that the stars fill, by their numbers.
    takes: Vec<usize>,
}

/// Packs the steps for the function: each is its pattern and its fields.
pub fn steps<'a>(all: impl Iterator<Item = (&'a str, Vec<&'a str>)>) -> String {
    let mut packed = String::new();
    for (pattern, names) in all {
        let mut step = String::new();
        std::iter::once(pattern).chain(names).for_each(|part| pack(part, &mut step));
        pack(&step, &mut packed);
    }
    packed
}

fn read(packed: &str) -> (Vec<Step>, usize) {
    let mut names: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for step in unpack(packed) {
        let mut parts = unpack(step);
        let pieces = pieces(parts.next().unwrap_or_default(), &names);
        let mut takes = Vec::new();
        for name in parts {
            let known = names.iter().position(|n| n.eq_ignore_ascii_case(name));
            takes.push(known.unwrap_or(names.len()));
            if known.is_none() {
                names.push(name.to_owned());
            }
        }
        steps.push(Step { pieces, takes });
    }
    (steps, names.len())
}

fn pieces(pattern: &str, names: &[String]) -> Vec<Piece> {
    let mut pieces = vec![Piece::Text(String::new())];
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        let field = names.iter().position(|n| c == '$' && n.eq_ignore_ascii_case(&after[..end]));
        match (c, field) {
            (_, Some(field)) => {
                pieces.extend([Piece::Field(field), Piece::Text(String::new())]);
                rest = &after[end..];
                continue;
            }
            ('*', _) => pieces.extend([Piece::Star, Piece::Text(String::new())]),
            _ => {
                if let Some(Piece::Text(text)) = pieces.last_mut() {
                    text.push(c);
                }
            }
        }
        rest = after;
    }
    pieces
}

impl Step {
    /// The pattern with the session's values in the places of its variables.
    fn anchors(&self, session: &[&str]) -> Anchors {
        let mut literals = vec![String::new()];
        for piece in &self.pieces {
            let text = match piece {
                Piece::Star => {
                    literals.push(String::new());
                    continue;
                }
                Piece::Text(text) => text.as_str(),
                Piece::Field(field) => session.get(*field).copied().unwrap_or_default(),
            };
            if let Some(last) = literals.last_mut() {
                last.push_str(text);
            }
        }
        Anchors::between(&literals)
    }

    /// Whether the literals stand in the text in their order, which they must whatever the variables are.
    fn may_match(&self, text: &str) -> bool {
        let mut rest = text;
        self.pieces.iter().all(|piece| match piece {
            Piece::Text(literal) => match rest.find(literal.as_str()) {
                Some(at) => {
                    rest = &rest[at + literal.len()..];
                    true
                }
                None => false,
            },
            _ => true,
        })
    }
}

fn weave<'t>(texts: &[&'t str], packed: &str) -> Result<Vec<Vec<&'t str>>> {
    let (steps, fields) = read(packed);
    let mut sessions: Vec<Vec<&str>> = vec![vec![""; fields]];
    let mut bound = vec![false; fields];
    let mut looked_at = 0usize;
    for step in &steps {
        let candidates: Vec<&str> = texts.iter().copied().filter(|t| step.may_match(t)).collect();
        let variables: Vec<usize> =
            step.pieces.iter().filter_map(|p| if let Piece::Field(f) = p { Some(*f) } else { None }).collect();
        // Sessions with the same variables look for the same texts.
        let mut same: HashMap<Vec<&str>, Vec<&Vec<&str>>> = HashMap::new();
        for session in &sessions {
            same.entry(variables.iter().map(|v| session[*v]).collect()).or_default().push(session);
        }
        let joins: Vec<usize> = step.takes.iter().copied().filter(|t| bound[*t]).collect();
        let mut next = Vec::new();
        for group in same.values() {
            looked_at += candidates.len();
            if looked_at > PAIRS {
                return exec_err!("`sessionize` would look at more than {PAIRS} pairs of messages; narrow the search");
            }
            let Some(first) = group.first() else { continue };
            let anchors = step.anchors(first);
            let mut by_join: HashMap<Vec<&str>, Vec<&Vec<&str>>> = HashMap::new();
            for session in group {
                by_join.entry(joins.iter().map(|j| session[*j]).collect()).or_default().push(session);
            }
            for text in &candidates {
                let Some(captures) = anchors.captures(text) else { continue };
                let taken = |field: usize| {
                    let at = step.takes.iter().position(|t| *t == field);
                    at.and_then(|at| captures.get(at).copied()).unwrap_or_default()
                };
                let key: Vec<&str> = joins.iter().map(|j| taken(*j)).collect();
                for session in by_join.get(&key).into_iter().flatten() {
                    let mut longer = (*session).clone();
                    step.takes.iter().zip(&captures).for_each(|(field, value)| longer[*field] = value);
                    next.push(longer);
                    if next.len() > SESSIONS {
                        return exec_err!("`sessionize` would make more than {SESSIONS} sessions; narrow the search");
                    }
                }
            }
        }
        step.takes.iter().for_each(|t| bound[*t] = true);
        sessions = next;
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_steps_look_for_what_earlier_ones_took_out() {
        let all = steps([("id=* from=*;", vec!["id", "from"]), ("done $id in *ms", vec!["ms"])].into_iter());
        let texts = ["id=7 from=a;", "id=8 from=b;", "done 7 in 5ms", "done 9 in 1ms", "x done 8 in 6ms"];
        let mut found = weave(&texts, &all).expect("sessions");
        found.sort();
        assert_eq!(found, [vec!["7", "a", "5"], vec!["8", "b", "6"]]);
        let joined = steps([("a=*;", vec!["k"]), ("b=*,*;", vec!["k", "v"])].into_iter());
        assert_eq!(weave(&["a=1;", "b=1,x;", "b=2,y;"], &joined).expect("sessions"), [["1", "x"]]);
    }
}
