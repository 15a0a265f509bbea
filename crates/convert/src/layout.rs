//! Conditions as text: on one line where they fit, else a part a line.

/// A condition to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doc {
    /// A comparison or a call.
    Leaf(String),
    /// `head (a, b, …)`: a comparison with a list.
    List {
        /// What stands before the list.
        head: String,
        /// What stands in it.
        items: Vec<String>,
    },
    /// All of them.
    All(Vec<Doc>),
    /// Any of them.
    Any(Vec<Doc>),
    /// Not that.
    Not(Box<Doc>),
}

/// How a language writes the words.
pub(crate) struct Words {
    pub(crate) not: &'static str,
}

const WIDTH: usize = 110;
const STEP: usize = 4;

impl Doc {
    pub(crate) fn all(docs: Vec<Doc>) -> Doc {
        one_or(docs, Doc::All)
    }

    pub(crate) fn any(docs: Vec<Doc>) -> Doc {
        one_or(docs, Doc::Any)
    }

    /// The condition where it stands alone, after `head` of that many characters, lines going on below `indent`.
    pub(crate) fn text(&self, words: &Words, head: usize, indent: usize) -> String {
        let mut out = String::new();
        self.write(words, &mut out, head, indent, Place::Alone);
        out
    }

    fn flat(&self, words: &Words, place: Place) -> String {
        let join = |docs: &[Doc], word: &str, inner: Place| {
            docs.iter().map(|d| d.flat(words, inner)).collect::<Vec<_>>().join(word)
        };
        match self {
            Doc::Leaf(text) => text.clone(),
            Doc::List { head, items } => format!("{head} ({})", items.join(", ")),
            Doc::All(docs) => join(docs, " and ", Place::InAll),
            Doc::Any(docs) if place == Place::InAll => format!("({})", join(docs, " or ", Place::InAny)),
            Doc::Any(docs) => join(docs, " or ", Place::InAny),
            Doc::Not(inner) => format!("{}({})", words.not, inner.flat(words, Place::Alone)),
        }
    }

    fn write(&self, words: &Words, out: &mut String, column: usize, indent: usize, place: Place) {
        let flat = self.flat(words, place);
        // `a and b or c` needs no parenthesis, but whoever reads it does.
        let bare = matches!(self, Doc::All(_)) && place == Place::InAny;
        let flat = if bare { format!("({flat})") } else { flat };
        if column + flat.len() <= WIDTH {
            return out.push_str(&flat);
        }
        let inner = indent + STEP;
        match self {
            Doc::Leaf(text) => out.push_str(text),
            Doc::List { head, items } => {
                out.push_str(head);
                out.push_str(" (");
                line(out, inner);
                let mut at = inner;
                for (i, item) in items.iter().enumerate() {
                    let more = if i + 1 < items.len() { ", " } else { "" };
                    if at > inner && at + item.len() > WIDTH {
                        while out.ends_with(' ') {
                            out.pop();
                        }
                        line(out, inner);
                        at = inner;
                    }
                    out.push_str(item);
                    out.push_str(more);
                    at += item.len() + more.len();
                }
                line(out, indent);
                out.push(')');
            }
            Doc::All(docs) | Doc::Any(docs) => {
                let (word, within) =
                    if matches!(self, Doc::All(_)) { ("and ", Place::InAll) } else { ("or ", Place::InAny) };
                let closed = place != Place::Alone;
                if closed {
                    out.push('(');
                    line(out, inner);
                }
                for (i, doc) in docs.iter().enumerate() {
                    if i > 0 {
                        line(out, inner);
                        out.push_str(word);
                    }
                    doc.write(words, out, inner + word.len(), inner, within);
                }
                if closed {
                    line(out, indent);
                    out.push(')');
                }
            }
            Doc::Not(doc) => {
                out.push_str(words.not);
                out.push('(');
                line(out, inner);
                doc.write(words, out, inner, inner, Place::Alone);
                line(out, indent);
                out.push(')');
            }
        }
    }
}

/// Where a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Alone,
    InAll,
    InAny,
}

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn one_or(mut docs: Vec<Doc>, many: fn(Vec<Doc>) -> Doc) -> Doc {
    if docs.len() == 1 { docs.remove(0) } else { many(docs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_a_part_a_line() {
        let leaf = |n: usize| Doc::Leaf("x".repeat(n));
        let words = Words { not: "not" };
        let short = Doc::All(vec![leaf(3), Doc::Any(vec![leaf(2), leaf(1)])]);
        assert_eq!(short.text(&words, 0, 0), "xxx and (xx or x)");
        let long = Doc::All(vec![leaf(60), Doc::Not(Box::new(Doc::Any(vec![leaf(60), leaf(60)])))]);
        let text = long.text(&words, 8, 0);
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.lines().nth(1) == Some("    and not("), "{text}");
    }
}
