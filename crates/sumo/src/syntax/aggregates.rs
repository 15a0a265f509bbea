//! `count by f`, `sum(x) as y, avg(z) by f`.

use super::codes;
use super::cursor::{Cursor, Result, Token};
use super::tree::{Aggregate, AggregateItem, Expr, ExprKind, GroupKey, OperatorKind};
use super::words::{AGGREGATES, find};

impl Cursor<'_> {
    /// Aggregates and their groups. `stats` was written before.
    pub(super) fn aggregate(&mut self, stats: bool) -> Result<OperatorKind> {
        let mut items = Vec::new();
        let mut by = Vec::new();
        loop {
            items.push(self.aggregate_item()?);
            // `count a, b` groups by a and b; `count, sum(x)` goes on with aggregates.
            if self.implicit_groups()? {
                by = self.group_keys()?;
                break;
            }
            let comma = self.eat(",")?;
            match self.peek()? {
                Token::Word(w) if find(AGGREGATES, w).is_some() && (comma || self.call_follows()?) => {}
                _ if comma => return Err(self.unexpected("an aggregate", codes::UNEXPECTED)),
                _ => break,
            }
        }
        if by.is_empty() {
            self.eat_word("group")?;
            if self.eat_word("by")? {
                by = self.group_keys()?;
            }
        }
        Ok(OperatorKind::Aggregate(Aggregate { items, by, stats }))
    }

    fn call_follows(&mut self) -> Result<bool> {
        let (pos, last) = (self.pos, self.last);
        self.bump()?;
        let yes = self.at_symbol("(")?;
        (self.pos, self.last) = (pos, last);
        Ok(yes)
    }

    /// Whether names stand here that group the `count` before them.
    fn implicit_groups(&mut self) -> Result<bool> {
        Ok(match self.peek()? {
            Token::Word(w) => {
                let keyword = ["by", "group", "as"].iter().any(|k| k.eq_ignore_ascii_case(w));
                let aggregate = find(AGGREGATES, w).is_some() && self.call_follows()?;
                !(keyword || aggregate)
            }
            Token::Quoted(_) => true,
            _ => false,
        })
    }

    fn aggregate_item(&mut self) -> Result<AggregateItem> {
        let start = self.here()?;
        let function = match self.peek()? {
            Token::Word(w) if find(AGGREGATES, w).is_some() => w.to_ascii_lowercase(),
            _ => return Err(self.unexpected("an aggregate", codes::UNEXPECTED)),
        };
        self.bump()?;
        let arguments = if self.eat("(")? { self.arguments()? } else { Vec::new() };
        let alias = if self.eat_word("as")? { Some(self.name()?) } else { None };
        Ok(AggregateItem { function, arguments, alias, at: self.since(start) })
    }

    fn group_keys(&mut self) -> Result<Vec<GroupKey>> {
        let parenthesised = self.at_symbol("(")? && self.parenthesised_list()?;
        if parenthesised {
            self.bump()?;
        }
        let mut keys = Vec::new();
        loop {
            let value = match self.peek()? {
                // Published lists have a comma too many.
                Token::Symbol("|" | ")") | Token::End if !keys.is_empty() => break,
                Token::Number(_) => {
                    let name = self.expression()?;
                    Expr { kind: name.kind, at: name.at }
                }
                Token::Parameter(p) => {
                    let start = self.here()?;
                    self.bump()?;
                    Expr { kind: ExprKind::Parameter(p.to_owned()), at: self.since(start) }
                }
                _ => self.expression()?,
            };
            let alias = if self.eat_word("as")? { Some(self.name()?) } else { None };
            keys.push(GroupKey { value, alias });
            if !self.eat(",")? {
                break;
            }
        }
        if parenthesised {
            self.expect(")")?;
        }
        Ok(keys)
    }

    /// Whether the parenthesis here holds a list rather than begins an expression.
    fn parenthesised_list(&mut self) -> Result<bool> {
        let (pos, last) = (self.pos, self.last);
        let mut depth = 0;
        let list = loop {
            match self.bump()? {
                Token::Symbol("(") => depth += 1,
                Token::Symbol(",") if depth == 1 => break true,
                Token::Symbol(")") if depth == 1 => {
                    break matches!(self.peek()?, Token::End | Token::Symbol("|" | ")"));
                }
                Token::Symbol(")") => depth -= 1,
                Token::End => break false,
                _ => {}
            }
        };
        (self.pos, self.last) = (pos, last);
        Ok(list)
    }
}
