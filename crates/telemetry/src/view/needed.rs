//! From what a query needs of columns to what raw events must show.

use super::View;
use super::expr::{Expr, Function};
use crate::needles::{Clause, Literal, Needles};
use crate::source::{Format, Source};

impl View {
    /// What an event of `source` must show one of for the view's rows to fulfil all of `clauses`: of the clauses that
    /// say something about raw events, the one that is rarest. `None` where none does.
    pub fn needles(&self, source: &Source, clauses: &[Clause]) -> Option<Needles> {
        let all = clauses.iter().filter_map(|clause| self.needles_of(source, clause));
        all.min_by(|a, b| a.frequency().total_cmp(&b.frequency()))
    }

    /// The pieces of text of which a raw event of `source` must show one, in lower case; `None` where all are decoded:
    /// nothing follows from the clauses, or nothing is looked for in that format.
    pub fn looks_for(&self, source: &Source, clauses: &[Clause]) -> Option<Vec<String>> {
        let needles = self.needles(source, clauses)?;
        match source.format {
            Format::Evtx => needles.in_binary(),
            Format::JsonLines | Format::WindowsJson | Format::DefenderJson => Some(needles.pieces().to_vec()),
            _ => None,
        }
    }

    fn needles_of(&self, source: &Source, clause: &Clause) -> Option<Needles> {
        let feeds: Vec<_> = self.feeds().iter().filter(|f| source.format.families().contains(&f.family)).collect();
        let mut shown = Vec::new();
        for literal in clause {
            for feed in &feeds {
                // A column that nothing feeds has no text to hold the literal.
                let Some(expr) = self.source_of(feed, &literal.column) else { continue };
                match says(&expr, literal) {
                    Says::Shown => shown.push((literal.text.as_str(), literal.folds)),
                    Says::Never => {}
                    Says::Nothing => return None,
                }
            }
        }
        Needles::new(shown)
    }
}

/// What follows for the raw event when the value of an expression holds a literal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Each piece of the literal stands in it.
    Shown,
    /// It cannot be: the value never holds it.
    Never,
    /// Nothing.
    Nothing,
}

fn says(expr: &Expr, literal: &Literal) -> Says {
    let all = |parts: &mut dyn Iterator<Item = &Expr>| {
        parts.fold(Says::Never, |said, part| match (said, says(part, literal)) {
            (Says::Nothing, _) | (_, Says::Nothing) => Says::Nothing,
            (Says::Shown, _) | (_, Says::Shown) => Says::Shown,
            _ => Says::Never,
        })
    };
    match expr {
        Expr::Field(name) if name.starts_with('@') => pseudo(name),
        Expr::Field(_) => Says::Shown,
        Expr::Const(text) => match text.to_ascii_lowercase().contains(&literal.text.to_ascii_lowercase()) {
            // Every event has it.
            true => Says::Nothing,
            false => Says::Never,
        },
        Expr::First(parts) => all(&mut parts.iter()),
        // What is cut out of a value stands in the value, and no piece of a literal reaches over a slash.
        Expr::Call(
            Function::Basename
            | Function::Dirname
            | Function::Before
            | Function::After
            | Function::Unless
            | Function::Hash
            | Function::Lower
            | Function::Guid,
            parts,
        ) => all(&mut parts.iter().take(1)),
        Expr::Call(Function::Path, parts) => all(&mut parts.iter()),
        // The value that decides, then pairs of a text and what it stands for; the words between are not the result.
        Expr::Call(Function::Case, parts) => all(&mut parts.iter().skip(2).step_by(2)),
        Expr::Call(Function::Join | Function::All, parts) => match parts.split_first() {
            // Text put between values parts no piece only where it is never within one.
            Some((Expr::Const(between), rest))
                if !between.is_empty() && between.chars().all(|c| matches!(c, '\\' | '/' | ' ' | '"' | ',')) =>
            {
                all(&mut rest.iter())
            }
            _ => Says::Nothing,
        },
        Expr::Call(..) => Says::Nothing,
    }
}

/// Pseudo-fields whose text stands in the event as it is, or as values of it with white space between.
fn pseudo(name: &str) -> Says {
    match name {
        "@raw" | "@message" | "@cmdline" | "@user_cmd" => Says::Shown,
        _ => Says::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_of_an_expression() {
        let of = |expr: &str, text: &str| {
            let literal = Literal { column: String::new(), text: text.to_owned(), folds: false };
            says(&Expr::parse(expr).unwrap(), &literal)
        };
        assert!(of(r#"all("\", Domain, Name)"#, r"LAB\anna") == Says::Shown);
        assert!(of(r#"case(x, "1", "SetValue")"#, "Delete") == Says::Never);
        assert!(of(r#"case(x, "1", "SetValue")"#, "setvalue") == Says::Nothing);
        // A literal may begin in one of the parts and end in the next.
        assert!(of(r#"all("", "SHA1=", SHA1)"#, "SHA1=AB") == Says::Nothing);
        assert!(of("registry(Key)", "HKLM") == Says::Nothing);
        assert!(of("details(Type, Data)", "DWORD") == Says::Nothing);
    }
}
