//! `like`, `rlike` and `matches`.

use super::super::syntax::{Kind, Node, Pattern};
use super::value::{Ty, Value, call, text_literal};
use super::{Planner, Planning, codes};
use datafusion::logical_expr::Expr;
use parallax_diagnostics::{Diagnostic, Span};

impl Planner<'_> {
    pub(super) fn like(&mut self, text: &Node, pattern: &Pattern, with: &Node) -> Planning<Value> {
        let text = self.value(text)?;
        if let Kind::Regex(regex) = &with.kind {
            self.check_regex(regex, with.span)?;
            return Ok(matched("sumo_rlike", text, vec![text_literal(regex)]));
        }
        let value = self.value(with)?;
        if value.ty == Ty::Null || text.ty == Ty::Null {
            return Ok(Value::is_false());
        }
        match pattern {
            Pattern::Rlike => {
                if let Some(regex) = value.constant() {
                    self.check_regex(regex, with.span)?;
                }
                Ok(present(matched("sumo_rlike", text, vec![value.clone().text()]), value))
            }
            Pattern::Matches => {
                if let Some(glob) = value.constant()
                    && glob.contains(['|', '(', '^'])
                {
                    let message = "in quotes this is a glob, in which only `*` is special";
                    let d = Diagnostic::warning(codes::REGEX_LIKE, with.span, message);
                    self.diagnostics.push(d.help("a regular expression stands between slashes"));
                }
                Ok(present(matched("sumo_matches", text, vec![value.clone().text()]), value))
            }
            Pattern::Like(escape) => {
                let escape = match escape {
                    Some(text) if text.chars().count() == 1 => text.as_str(),
                    Some(_) => {
                        let message = "`escape` takes one character";
                        return Err(Diagnostic::error(codes::BAD_ARGUMENT, with.span, message));
                    }
                    None if self.scope.switches.plain_backslash => "",
                    None => "\\",
                };
                if let Some(constant) = value.constant() {
                    self.check_like(constant, escape, with.span);
                }
                Ok(present(matched("sumo_like", text, vec![value.clone().text(), text_literal(escape)]), value))
            }
        }
    }

    /// Refuses what does not compile, where it stands.
    fn check_regex(&self, regex: &str, span: Span) -> Planning<()> {
        match parallax_functions::sumo::Pattern::new(regex) {
            Ok(_) => Ok(()),
            Err(why) => Err(Diagnostic::error(codes::BAD_REGEX, span, why)),
        }
    }

    /// Warns of `\%`, which published rules write where they mean a backslash and anything after it.
    fn check_like(&mut self, pattern: &str, escape: &str, span: Span) {
        let odd = |at: usize| pattern[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
        let ends = pattern.ends_with('%') && odd(pattern.len() - 1);
        if escape == "\\" && ends {
            let message = "`\\%` is a percent sign, not a backslash with anything after it";
            let d = Diagnostic::warning(codes::ESCAPED_WILDCARD, span, message);
            self.diagnostics.push(d.help("write `\\\\%` for a backslash and what follows it"));
        }
    }
}

fn matched(function: &str, text: Value, more: Vec<Expr>) -> Value {
    let arguments = std::iter::once(text.text()).chain(more).collect();
    Value::new(call(function, arguments), Ty::Bool)
}

/// A missing pattern matches nothing.
fn present(found: Value, pattern: Value) -> Value {
    if pattern.constant().is_some() {
        return found;
    }
    Value::new(pattern.text().is_not_null().and(found.expr), Ty::Bool)
}
