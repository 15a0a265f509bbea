//! From what a query needs of columns to what raw events must show.

use super::View;
use super::expr::{Expr, Function};
use crate::event::Family;
use crate::formats::auditd;
use crate::needles::{self, Clause, Literal, Needles};
use crate::source::{Format, Settings, Source};
use crate::types::ColumnType;
use std::borrow::Cow;

/// What a scan looks for in raw events before it decodes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LooksFor {
    /// Pieces of text, in lower case: an event that shows none is passed over.
    Pieces(Vec<String>),
    /// Every event is decoded, for that reason.
    Nothing(&'static str),
}

impl View {
    /// What an event of `source` must show one of for the view's rows to fulfil all of `clauses`: of the clauses that
    /// say something about raw events, the one that is rarest. `None` where none does.
    pub fn needles(&self, source: &Source, clauses: &[Clause]) -> Option<Needles> {
        if source.settings.decode_all {
            return None;
        }
        let all = clauses.iter().filter_map(|clause| self.needles_of(source, clause));
        all.min_by(|a, b| a.frequency().total_cmp(&b.frequency()))
    }

    /// What is looked for in raw events of `source`, for people.
    pub fn looks_for(&self, source: &Source, clauses: &[Clause]) -> LooksFor {
        if clauses.is_empty() {
            return LooksFor::Nothing("no filter needs a text that can be looked for");
        }
        let Some(needles) = self.needles(source, clauses) else {
            return LooksFor::Nothing("what the filters need is not written in these events as it is compared");
        };
        let pieces = match source.format {
            Format::Evtx => needles.in_binary(),
            Format::Parquet => return LooksFor::Nothing("nothing is looked for in this format"),
            _ => Some(needles.pieces().to_vec()),
        };
        pieces.map_or(LooksFor::Nothing("what the filters need may be a number or a time in binary"), LooksFor::Pieces)
    }

    fn needles_of(&self, source: &Source, clause: &Clause) -> Option<Needles> {
        let feeds: Vec<_> = self.feeds().iter().filter(|f| source.format.families().contains(&f.family)).collect();
        let (mut shown, mut titles) = (Vec::new(), false);
        for literal in clause {
            let literal = match self.column_type(&literal.column) {
                Some(ColumnType::Dynamic) => {
                    Cow::Owned(Literal { text: needles::outside_of_escapes(&literal.text), ..literal.clone() })
                }
                _ => Cow::Borrowed(literal),
            };
            for feed in &feeds {
                // A column that nothing feeds has no text to hold the literal.
                let Some(expr) = self.source_of(feed, &literal.column) else { continue };
                match (At { family: feed.family, settings: &source.settings }).says(&expr, &literal) {
                    Says::Shown { folds } => {
                        shown.push(Literal { folds: literal.folds || folds, ..literal.clone().into_owned() });
                        expr.fields(&mut |field| titles |= auditd::shows_title(field));
                    }
                    Says::Never => {}
                    Says::Nothing => return None,
                }
            }
        }
        Some(Needles::of(&shown)?.with_titles(titles))
    }
}

/// What follows for the raw event when the value of an expression holds a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Each piece of the literal stands in it, perhaps with letters that fold to its own.
    Shown { folds: bool },
    /// It cannot be: the value never holds it.
    Never,
    /// Nothing.
    Nothing,
}

impl Says {
    /// Of two of which the value may be either.
    fn or(self, other: Says) -> Says {
        match (self, other) {
            (Says::Nothing, _) | (_, Says::Nothing) => Says::Nothing,
            (Says::Shown { folds: a }, Says::Shown { folds: b }) => Says::Shown { folds: a || b },
            (Says::Never, other) | (other, Says::Never) => other,
        }
    }
}

/// Whose events are asked.
#[derive(Clone, Copy)]
struct At<'s> {
    family: Family,
    settings: &'s Settings,
}

impl At<'_> {
    fn says(self, expr: &Expr, literal: &Literal) -> Says {
        let all = |parts: &[Expr]| self.any(parts.iter(), literal);
        match expr {
            Expr::Field(name) => self.field(name, literal),
            Expr::Const(text) => constant(text, literal),
            Expr::First(parts) => all(parts),
            // What is cut out of a value stands in the value, and no piece of a literal reaches over a slash.
            Expr::Call(
                Function::Basename
                | Function::Dirname
                | Function::Before
                | Function::After
                | Function::Unless
                | Function::Hash
                | Function::Guid,
                parts,
            ) => all(&parts[..1]),
            Expr::Call(Function::Lower, parts) => match all(&parts[..1]) {
                Says::Shown { .. } => Says::Shown { folds: true },
                other => other,
            },
            Expr::Call(Function::Path, parts) => all(parts),
            // The value that decides, then pairs of a text and what it stands for; the words between are not the result.
            Expr::Call(Function::Case, parts) => self.any(parts.iter().skip(2).step_by(2), literal),
            Expr::Call(Function::Join | Function::All, parts) => match parts.split_first() {
                Some((Expr::Const(between), rest)) if apart(between, rest) => all(rest),
                _ => Says::Nothing,
            },
            Expr::Call(Function::Host, _) => {
                self.settings.host.as_deref().map_or(Says::Never, |t| constant(t, literal))
            }
            Expr::Call(Function::Collector, _) => {
                self.settings.collector.as_deref().map_or(Says::Never, |t| constant(t, literal))
            }
            Expr::Call(..) => Says::Nothing,
        }
    }

    fn any<'e>(self, parts: impl Iterator<Item = &'e Expr>, literal: &Literal) -> Says {
        parts.fold(Says::Never, |said, part| said.or(self.says(part, literal)))
    }

    fn field(self, name: &str, literal: &Literal) -> Says {
        const SHOWN: Says = Says::Shown { folds: false };
        let windows = matches!(self.family, Family::Sysmon | Family::Security | Family::Windows);
        let audit = matches!(self.family, Family::Auditd | Family::AuditRecord);
        match name {
            // Much of an audit event comes from tables and from other events.
            _ if audit => match auditd::shows(name, self.settings.passwd.is_some()) {
                true => SHOWN,
                false => Says::Nothing,
            },
            // Some collectors write a number.
            _ if name.eq_ignore_ascii_case("keywords") => Says::Nothing,
            _ if !name.starts_with('@') => SHOWN,
            "@raw" | "@message" | "@host" => SHOWN,
            "@process" if self.family == Family::Syslog => SHOWN,
            "@provider" | "@channel" if windows => SHOWN,
            // As it stood or written anew: then its own words and those of escapes are not the event's.
            "@eventdata.xml" | "@eventdata.json" if windows => {
                let numbered = needles::runs(&literal.text).any(|piece| piece.to_ascii_lowercase().contains("param"));
                if numbered || constant(WRITTEN, literal) != Says::Never { Says::Nothing } else { SHOWN }
            }
            _ => Says::Nothing,
        }
    }
}

/// The words that an event's data written anew has of itself.
const WRITTEN: &str = "EventData UserData Data Name xmlns http://schemas.microsoft.com/win/2004/08/events/event \
                       lt gt amp quot apos true false";

/// Of a value that is, or has in it, that text whatever the event. A literal may reach over its end: so each of its
/// pieces counts.
fn constant(text: &str, literal: &Literal) -> Says {
    let text = text.to_ascii_lowercase();
    let held = |piece: &str| text.contains(&piece.to_ascii_lowercase());
    match needles::runs(&literal.text).any(held) || literal.folds && !text.is_ascii() {
        true => Says::Nothing,
        false => Says::Never,
    }
}

/// Whether values put together with a text between them stay apart: no piece of a literal reaches from one into the
/// next.
fn apart(between: &str, parts: &[Expr]) -> bool {
    let ends = |part: &Expr, last: bool| match part {
        Expr::Const(text) if last => text.chars().next_back().is_some_and(needles::parts),
        Expr::Const(text) => text.chars().next().is_some_and(needles::parts),
        _ => false,
    };
    match between.is_empty() {
        true => parts.windows(2).all(|two| ends(&two[0], true) || ends(&two[1], false)),
        false => between.chars().all(needles::parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_of_an_expression() {
        let settings = Settings { host: Some("web-01".to_owned()), ..Settings::default() };
        let of = |expr: &str, text: &str| {
            let at = At { family: Family::Sysmon, settings: &settings };
            at.says(&Expr::parse(expr).unwrap(), &Literal::new("", text))
        };
        let shown = Says::Shown { folds: false };
        assert_eq!(of(r#"all("\", Domain, Name)"#, r"LAB\anna"), shown);
        assert_eq!(of(r#"case(x, "1", "SetValue")"#, "Delete"), Says::Never);
        assert_eq!(of(r#"case(x, "1", "SetValue")"#, "setvalue"), Says::Nothing);
        // A literal may begin in one of the parts and end in the next.
        assert_eq!(of(r#"all("", "SHA1=", SHA1)"#, "SHA1=AB"), Says::Nothing);
        assert_eq!(of(r#"all("", "SHA1=", SHA1)"#, "0123abcd"), shown);
        assert_eq!(of(r#"all("", SHA1, MD5)"#, "0123abcd"), Says::Nothing);
        assert_eq!(of(r#"all("", "<a>", @eventdata.xml, "</a>")"#, "lua.exe"), shown);
        assert_eq!(of(r#"all("", "<a>", @eventdata.xml, "</a>")"#, "&quot;lua.exe"), Says::Nothing);
        assert_eq!(of("lower(Image)", "mask"), Says::Shown { folds: true });
        assert_eq!(of("@host | host()", "dc-02"), shown);
        assert_eq!(of("@host | host()", "web-01.lab"), shown);
        assert_eq!(of("@host | host()", "WEB-01"), Says::Nothing);
        assert_eq!(of("Keywords", "0x8020000000000000"), Says::Nothing);
        assert_eq!(of("registry(Key)", "HKLM"), Says::Nothing);
        assert_eq!(of("details(Type, Data)", "DWORD"), Says::Nothing);
    }
}
