//! A tree's debug form, on as few lines as are still readable.

/// What fits on so many characters stands on one line.
const WIDTH: usize = 100;

/// A line, or what stands between brackets.
struct Node {
    head: String,
    parts: Vec<Node>,
    /// The closing bracket; empty for a line.
    tail: String,
}

/// Sets the text of `{:#?}` anew: what fits on a line stands on one, and a place is `from..to`.
pub(super) fn compact(debug: &str) -> String {
    let mut lines = debug.lines().map(str::trim);
    let mut out = String::new();
    for node in nodes(&mut lines) {
        node.write(&mut out, 0);
    }
    out
}

/// The nodes up to the end, or to the bracket that closes them.
fn nodes<'l>(lines: &mut impl Iterator<Item = &'l str>) -> Vec<Node> {
    let mut all = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with([')', '}', ']']) {
            break;
        }
        // Text in quotes ends with its quote, or with the comma behind it: a bracket at the end opens.
        let tail = match line.chars().last() {
            Some('(') => ")",
            Some('{') => "}",
            Some('[') => "]",
            _ => "",
        };
        let parts = if tail.is_empty() { Vec::new() } else { nodes(lines) };
        let node = Node { head: line.trim_end_matches(',').to_owned(), parts, tail: tail.to_owned() };
        all.push(node.place().joined());
    }
    all
}

impl Node {
    /// A place in the text in its short form.
    fn place(mut self) -> Self {
        let after = |node: &Node, name: &str| node.head.strip_prefix(name).map(str::to_owned);
        if self.head.ends_with("Span {")
            && let [start, end] = self.parts.as_slice()
            && let (Some(start), Some(end)) = (after(start, "start: "), after(end, "end: "))
        {
            let head = format!("{}{start}..{end}", self.head.trim_end_matches("Span {"));
            return Node { head, parts: Vec::new(), tail: String::new() };
        }
        if self.head.ends_with("At(") && self.parts.len() == 1 && self.parts[0].parts.is_empty() {
            let place = self.parts.remove(0).head;
            return Node {
                head: format!("{}{place}", self.head.trim_end_matches("At(")),
                parts: Vec::new(),
                tail: String::new(),
            };
        }
        self
    }

    /// What wraps one thing stands on the line of that thing.
    fn joined(mut self) -> Self {
        if self.tail == ")" && self.parts.len() == 1 && !self.parts[0].tail.is_empty() {
            let inner = self.parts.remove(0);
            return Node { head: self.head + &inner.head, parts: inner.parts, tail: inner.tail + &self.tail };
        }
        self
    }

    fn flat(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Node::flat).collect();
        let space = if self.tail.starts_with('}') && !parts.is_empty() { " " } else { "" };
        format!("{}{space}{}{space}{}", self.head, parts.join(", "), self.tail)
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let flat = self.flat();
        if self.parts.is_empty() || indent.len() + flat.chars().count() <= WIDTH {
            out.push_str(&format!("{indent}{flat}\n"));
            return;
        }
        out.push_str(&format!("{indent}{}\n", self.head));
        for part in &self.parts {
            part.write(out, depth + 1);
        }
        out.push_str(&format!("{indent}{}\n", self.tail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_diagnostics::Span;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only shown")]
    enum Tree {
        Leaf { text: &'static str, span: Span },
        All(Vec<Tree>),
    }

    #[test]
    fn what_fits_stands_on_one_line() {
        let leaf = |text| Tree::Leaf { text, span: Span::new(1, 2) };
        let tree =
            Tree::All(vec![leaf("a (\n{"), Tree::All(vec![]), leaf("b"), leaf("longer than the others together")]);
        let wanted = [
            "All([",
            "  Leaf { text: \"a (\\n{\", span: 1..2 }",
            "  All([])",
            "  Leaf { text: \"b\", span: 1..2 }",
            "  Leaf { text: \"longer than the others together\", span: 1..2 }",
            "])",
        ];
        assert_eq!(compact(&format!("{tree:#?}")).lines().collect::<Vec<_>>(), wanted);
    }
}
