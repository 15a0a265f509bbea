//! A condition over the rules of a temporal correlation: `a and (b or not c)`.

use std::collections::BTreeSet;

/// The most ways in which a condition may hold.
const WAYS: usize = 512;

/// One way in which a condition holds: these rules matched, in the order of the text, and those did not. By their place
/// in the correlation's `rules`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) matched: Vec<usize>,
    pub(super) not: BTreeSet<usize>,
}

/// All ways in which the condition holds. `place` finds a rule by a name that it goes by, `named` those of a pattern.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(super) fn ways(
    text: &str,
    place: &dyn Fn(&str) -> Option<usize>,
    named: &dyn Fn(&str) -> Vec<usize>,
) -> Result<Vec<Way>, String> {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0, place, named };
    let all = parser.or(false)?;
    match parser.next() {
        Some(rest) => Err(format!("`{rest}` is not expected here in the condition `{text}`")),
        None => Ok(all),
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut from = 0;
        for (at, c) in word.char_indices().filter(|(_, c)| matches!(c, '(' | ')')) {
            if from < at {
                out.push(&word[from..at]);
            }
            out.push(&word[at..at + c.len_utf8()]);
            from = at + c.len_utf8();
        }
        if from < word.len() {
            out.push(&word[from..]);
        }
    }
    out
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    place: &'a dyn Fn(&str) -> Option<usize>,
    named: &'a dyn Fn(&str) -> Vec<usize>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn eat(&mut self, word: &str) -> bool {
        let there = self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    /// Alternatives; `negated` where they stand under a `not`, which turns them into what must hold together.
    fn or(&mut self, negated: bool) -> Result<Vec<Way>, String> {
        let mut all = self.and(negated)?;
        while self.eat("or") {
            let more = self.and(negated)?;
            all = if negated { both(all, more)? } else { either(all, more)? };
        }
        Ok(all)
    }

    fn and(&mut self, negated: bool) -> Result<Vec<Way>, String> {
        let mut all = self.one(negated)?;
        while self.eat("and") {
            let more = self.one(negated)?;
            all = if negated { either(all, more)? } else { both(all, more)? };
        }
        Ok(all)
    }

    fn one(&mut self, negated: bool) -> Result<Vec<Way>, String> {
        if self.eat("not") {
            return self.one(!negated);
        }
        if self.eat("(") {
            let inner = self.or(negated)?;
            return if self.eat(")") { Ok(inner) } else { Err("a `)` is missing in the condition".into()) };
        }
        let Some(word) = self.next() else { return Err("the condition ends where a rule is expected".into()) };
        if self.peek().is_some_and(|t| t.eq_ignore_ascii_case("of")) {
            self.at += 1;
            let Some(pattern) = self.next() else { return Err("`of` names no rules".into()) };
            return self.of(word, pattern, negated);
        }
        let place = (self.place)(word).ok_or_else(|| format!("`{word}` is none of the rules of the correlation"))?;
        Ok(vec![leaf(place, negated)])
    }

    fn of(&self, how_many: &str, pattern: &str, negated: bool) -> Result<Vec<Way>, String> {
        let places = (self.named)(pattern);
        if places.is_empty() {
            return Err(format!("`{pattern}` names none of the rules of the correlation"));
        }
        let all = match how_many.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            other => return Err(format!("`{other} of` is not `1 of`, `any of` or `all of`")),
        };
        let leaves = places.into_iter().map(|p| vec![leaf(p, negated)]);
        let mut joined: Option<Vec<Way>> = None;
        for one in leaves {
            joined = Some(match joined {
                None => one,
                // Not all of them is one of them not.
                Some(before) if all != negated => both(before, one)?,
                Some(before) => either(before, one)?,
            });
        }
        Ok(joined.unwrap_or_default())
    }
}

fn leaf(place: usize, negated: bool) -> Way {
    match negated {
        true => Way { matched: Vec::new(), not: BTreeSet::from([place]) },
        false => Way { matched: vec![place], not: BTreeSet::new() },
    }
}

fn either(mut a: Vec<Way>, b: Vec<Way>) -> Result<Vec<Way>, String> {
    a.extend(b);
    few(a)
}

fn both(a: Vec<Way>, b: Vec<Way>) -> Result<Vec<Way>, String> {
    let mut out = Vec::new();
    for x in &a {
        for y in &b {
            let mut way = x.clone();
            y.matched.iter().for_each(|p| {
                if !way.matched.contains(p) {
                    way.matched.push(*p);
                }
            });
            way.not.extend(&y.not);
            // What must and must not match never holds.
            if !way.matched.iter().any(|p| way.not.contains(p)) && !out.contains(&way) {
                out.push(way);
            }
        }
    }
    few(out)
}

fn few(ways: Vec<Way>) -> Result<Vec<Way>, String> {
    match ways.len() {
        n if n > WAYS => Err(format!("the condition can hold in more than {WAYS} ways")),
        _ => Ok(ways),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Both = (Vec<usize>, Vec<usize>);

    fn of(text: &str) -> Result<Vec<Both>, String> {
        let names = ["a", "b", "c"];
        let place = |n: &str| names.iter().position(|m| *m == n);
        let named = |_: &str| vec![0, 1, 2];
        let ways = ways(text, &place, &named)?;
        Ok(ways.into_iter().map(|w| (w.matched, w.not.into_iter().collect())).collect())
    }

    #[test]
    fn ways_of_conditions() {
        assert_eq!(of("a and b"), Ok(vec![(vec![0, 1], vec![])]));
        assert_eq!(of("(a or b) and not c"), Ok(vec![(vec![0], vec![2]), (vec![1], vec![2])]));
        assert_eq!(of("a and not (b or c)"), Ok(vec![(vec![0], vec![1, 2])]));
        assert_eq!(of("a and not (b and c)"), Ok(vec![(vec![0], vec![1]), (vec![0], vec![2])]));
        assert_eq!(of("1 of them"), Ok(vec![(vec![0], vec![]), (vec![1], vec![]), (vec![2], vec![])]));
        assert_eq!(of("all of *"), Ok(vec![(vec![0, 1, 2], vec![])]));
        assert_eq!(of("a and not a"), Ok(vec![]));
        assert!(of("a and").is_err() && of("d").is_err() && of("(a").is_err() && of("a b").is_err());
    }
}
