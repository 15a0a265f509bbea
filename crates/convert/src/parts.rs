//! Tests of a part of a field, as tests of the whole field.

use crate::middle::{Case, Condition, Field, FieldPart, Is, Pattern, Piece, Regex, Test};
use crate::pattern::{self, Shape};

/// The test as tests of whole fields, exactly; the test itself where that cannot be said.
pub(crate) fn whole(test: &Test) -> Condition {
    let original = || Condition::Test(test.clone());
    let Some(field) = &test.field else { return original() };
    let (before, inner, after, plain) = match &field.part {
        FieldPart::Whole => return original(),
        // Of a path.
        FieldPart::Base => (r"(^|[\\/])", r"[^\\/]*", "$", true),
        FieldPart::Account => (r"(^|\\)", r"[^\\]*", "$", true),
        FieldPart::Domain => ("^", r"[^\\]*", r"\\", false),
        FieldPart::Hash(key) => return hash(test, field, key),
    };
    let on = |is: Is| Condition::test(Field::whole(field.name.clone()), is, test.at);
    let like = |shape: Shape, case: Case| pattern::pattern(shape, case).map_or_else(original, |p| on(Is::Like(p)));
    let separators: &[&str] = if field.part == FieldPart::Base { &["\\", "/"] } else { &["\\"] };
    let expression = |text: String, case: Case| {
        let ignore_case = case == Case::Ignored;
        on(Is::Matches(Regex { text, ignore_case, multi_line: false, dot_all: true }))
    };
    match &test.is {
        Is::Null | Is::Exists(_) => on(test.is.clone()),
        Is::Like(p) => match pattern::shape(p) {
            Shape::Anything => on(Is::Exists(true)),
            // What has a separator in it is no part.
            Shape::Exact(t) | Shape::Contains(t) | Shape::Starts(t) | Shape::Ends(t)
                if separators.iter().any(|s| t.contains(s)) =>
            {
                Condition::Always(false)
            }
            Shape::Exact(t) if field.part == FieldPart::Domain => like(Shape::Starts(format!("{t}\\")), p.case),
            Shape::Exact(t) if !t.is_empty() => Condition::any(
                (separators.iter().map(|s| like(Shape::Ends(format!("{s}{t}")), p.case)))
                    .chain([like(Shape::Exact(t.clone()), p.case)])
                    .collect::<Vec<_>>(),
            ),
            Shape::Ends(t) if plain && !t.is_empty() => like(Shape::Ends(t), p.case),
            Shape::Starts(t) if field.part == FieldPart::Domain => on(Is::Like(Pattern {
                parts: vec![Piece::Text(t), Piece::Any, Piece::Text("\\".to_owned()), Piece::Any],
                case: p.case,
            })),
            _ => expression(format!("{before}{}{after}", within(p, inner)), p.case),
        },
        Is::Term(term) => {
            let mut inside = term.clone();
            inside.case = Case::Counts;
            let text = pattern::term(&inside);
            // Within the part nothing is a separator; its ends are ends of terms.
            let text = text.replace("(^|", "(").replace("($|", "(");
            let (open, close) = ends(&text, inner);
            expression(format!("{before}{open}{}{close}{after}", core(&text)), term.case)
        }
        _ => original(),
    }
}

/// A pattern's text between the ends of a part.
fn within(pattern: &Pattern, any: &str) -> String {
    let one = any.trim_end_matches('*');
    let pieces = pattern.parts.iter().map(|piece| match piece {
        Piece::Text(t) => pattern::escape(t),
        Piece::One => one.to_owned(),
        Piece::Any => any.to_owned(),
    });
    pieces.collect()
}

const BOUND: &str = r"([^\p{L}\p{Nd}])";

/// What stands before and after a term within a part: nothing, or text that ends in no letter or digit.
fn ends(term: &str, inner: &str) -> (String, String) {
    let one = r"[^\p{L}\p{Nd}\\/]";
    let open = if term.starts_with(BOUND) { format!("({inner}{one})?") } else { inner.to_owned() };
    let close = if term.ends_with(BOUND) { format!("({one}{inner})?") } else { inner.to_owned() };
    (open, close)
}

fn core(term: &str) -> &str {
    let term = term.strip_prefix(BOUND).unwrap_or(term);
    term.strip_suffix(BOUND).unwrap_or(term)
}

/// A value of `SHA1=…,SHA256=…`.
fn hash(test: &Test, field: &Field, key: &str) -> Condition {
    let on = |is: Is| Condition::test(Field::whole(field.name.clone()), is, test.at);
    let like = |text: String, case| pattern::pattern(Shape::Contains(text), case).map(|p| on(Is::Like(p)));
    let Is::Like(p) = &test.is else { return Condition::Test(test.clone()) };
    let length = match key {
        "MD5" => 32,
        "SHA1" => 40,
        _ => 64,
    };
    match pattern::shape(p) {
        // A whole hash ends where it ends; a shorter text is never equal to one.
        Shape::Exact(t) if t.len() == length => {
            like(format!("{key}={t}"), p.case).unwrap_or_else(|| Condition::Test(test.clone()))
        }
        _ => on(Is::Matches(Regex {
            text: format!("(^|,){key}={}(,|$)", within(p, "[^,]*")),
            ignore_case: p.case == Case::Ignored,
            multi_line: false,
            dot_all: true,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middle::Term;
    use crate::missing::answer;
    use parallax_diagnostics::Span;

    fn holds(condition: &Condition, value: &str) -> bool {
        match condition {
            Condition::Any(parts) => parts.iter().any(|c| holds(c, value)),
            Condition::All(parts) => parts.iter().all(|c| holds(c, value)),
            Condition::Not(inner) => !holds(inner, value),
            Condition::Test(t) => answer(&t.is, Some(value)).unwrap_or(false),
            Condition::Always(yes) => *yes,
        }
    }

    #[test]
    fn a_part_and_the_whole_say_the_same() {
        let paths = [
            "/usr/bin/lua",
            r"C:\Tools\lua.exe",
            "lua",
            r"C:\lua\x.exe",
            "/opt/my-lua",
            r"C:\a\my lua.exe",
            "/lua5.4/sh",
            "",
            r"C:\Tools\Lua.exe",
            r"\\host\share\luac.exe",
            "/usr/bin/lua5.4",
        ];
        let text = |s: &str| Piece::Text(s.to_owned());
        let like = |parts: &[Piece]| Is::Like(Pattern { parts: parts.to_vec(), case: Case::Ignored });
        let term = |t: &str, start, end| Is::Term(Term { text: t.to_owned(), start, end, case: Case::Ignored });
        let tests = [
            like(&[text("lua")]),
            like(&[text("lua.exe")]),
            like(&[text("lua"), Piece::Any]),
            like(&[Piece::Any, text(".exe")]),
            like(&[Piece::Any, text("lua"), Piece::Any]),
            like(&[text("l"), Piece::One, text("a"), Piece::Any]),
            like(&[text("a\\b")]),
            term("lua", true, true),
            term("lua", true, false),
            term("exe", false, true),
            term(".exe", true, true),
        ];
        for is in tests {
            let field = Field { name: "Image".to_owned(), part: FieldPart::Base };
            let condition = whole(&Test { field: Some(field), is: is.clone(), at: Span::at(0) });
            for path in paths {
                let base = path.rsplit(['\\', '/']).next().unwrap_or_default();
                assert_eq!(
                    holds(&condition, path),
                    answer(&is, Some(base)).unwrap(),
                    "{is:?} of {path}: {condition:?}"
                );
            }
        }
    }
}
