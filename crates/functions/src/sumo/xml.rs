//! `parse xml`: a forward, absolute subset of XPath over a small reader.
//!
//! Supported: `/a/b`, `/a/b[2]`, `/a/b[last()]`, `/a/b[@k='v']`, `/a/b[k='v']`, `/text()`, `/@k`. Names are compared
//! as they are written, prefix included (documented: not aware of namespaces).

use crate::udf::{Body, Functions};

pub(super) fn register(f: &mut Functions) {
    f.compiled_once("xml(string, string) dynamic", &[1], |c| {
        let path = steps(c.str(1));
        Ok(Body::text(move |r, out| {
            let text = r.text(0)?;
            let root = read(&text[text.find('<')?..])?;
            find(&[&root], path.as_deref()?, out)
        }))
    });
}

enum Step {
    Child(String, Vec<Condition>),
    Text,
    Attribute(String),
}

enum Condition {
    Position(usize),
    Last,
    Attribute(String, String),
    Child(String, String),
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    while !rest.is_empty() {
        let mut depth = 0;
        let end = rest.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '[') - i32::from(*c == ']');
            *c == '/' && depth == 0
        });
        let (part, next) = end.map_or((rest, ""), |(at, _)| (&rest[..at], &rest[at + 1..]));
        rest = next;
        if part == "text()" {
            steps.push(Step::Text);
        } else if let Some(name) = part.strip_prefix('@') {
            steps.push(Step::Attribute(name.to_owned()));
        } else {
            let (name, mut tail) = part.split_at(part.find('[').unwrap_or(part.len()));
            let mut conditions = Vec::new();
            while let Some(inner) = tail.strip_prefix('[') {
                let close = inner.find(']')?;
                conditions.push(condition(inner[..close].trim())?);
                tail = &inner[close + 1..];
            }
            steps.push(Step::Child(name.to_owned(), conditions));
        }
    }
    Some(steps)
}

fn condition(text: &str) -> Option<Condition> {
    if text == "last()" {
        return Some(Condition::Last);
    }
    if let Ok(position) = text.parse() {
        return Some(Condition::Position(position));
    }
    let (name, value) = text.split_once('=')?;
    let value = value.trim().trim_matches(['"', '\'']).to_owned();
    Some(match name.trim().strip_prefix('@') {
        Some(name) => Condition::Attribute(name.to_owned(), value),
        None => Condition::Child(name.trim().to_owned(), value),
    })
}

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn all_text(&self) -> String {
        self.children.iter().fold(self.text.clone(), |text, child| text + &child.all_text())
    }
}

/// Walks the path from the candidates for its first step.
fn find(level: &[&Element], path: &[Step], out: &mut String) -> Option<()> {
    let (step, rest) = path.split_first()?;
    let Step::Child(name, conditions) = step else { return None };
    let mut matching: Vec<&Element> = level.iter().copied().filter(|e| name == "*" || e.name == *name).collect();
    for condition in conditions {
        matching = match condition {
            Condition::Position(n) => matching.get(n.checked_sub(1)?).copied().into_iter().collect(),
            Condition::Last => matching.last().copied().into_iter().collect(),
            Condition::Attribute(k, v) => matching.into_iter().filter(|e| e.attribute(k) == Some(v)).collect(),
            Condition::Child(k, v) => matching
                .into_iter()
                .filter(|e| e.children.iter().any(|c| c.name == *k && c.all_text().trim() == v))
                .collect(),
        };
    }
    for element in matching {
        let found = match rest.first() {
            None => {
                out.push_str(element.all_text().trim());
                Some(())
            }
            Some(Step::Text) => {
                out.push_str(element.text.trim());
                Some(())
            }
            Some(Step::Attribute(name)) => element.attribute(name).map(|v| out.push_str(v)),
            Some(Step::Child(..)) => find(&element.children.iter().collect::<Vec<_>>(), rest, out),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The document's root element. What is not well-formed ends where it breaks.
fn read(mut text: &str) -> Option<Element> {
    let mut open: Vec<Element> = vec![Element::default()];
    while let Some(at) = text.find('<') {
        open.last_mut()?.text.push_str(&unescape(&text[..at]));
        text = &text[at..];
        if let Some(rest) = text.strip_prefix("<!--") {
            text = &rest[rest.find("-->")? + 3..];
        } else if let Some(rest) = text.strip_prefix("<![CDATA[") {
            let end = rest.find("]]>")?;
            open.last_mut()?.text.push_str(&rest[..end]);
            text = &rest[end + 3..];
        } else if text.starts_with("<?") || text.starts_with("<!") {
            text = &text[text.find('>')? + 1..];
        } else {
            let end = tag_end(text)?;
            let tag = &text[1..end];
            text = &text[end + 1..];
            if tag.starts_with('/') {
                close(&mut open);
                if open.len() == 1 {
                    break;
                }
            } else {
                let empty = tag.ends_with('/');
                // Deeper documents are not what logs hold; they would only cost stack.
                if open.len() > 200 {
                    return None;
                }
                open.push(element(tag.trim_end_matches('/')));
                if empty {
                    close(&mut open);
                }
            }
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop()?.children.into_iter().next()
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let (Some(done), Some(parent)) = (open.pop(), open.last_mut())
    {
        parent.children.push(done);
    }
}

fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| match (quote, c) {
        (Some(q), c) if q == c => {
            quote = None;
            None
        }
        (None, '"' | '\'') => {
            quote = Some(c);
            None
        }
        (None, '>') => Some(at),
        _ => None,
    })
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_at(tag.find(char::is_whitespace).unwrap_or(tag.len()));
    let mut attributes = Vec::new();
    while let Some((key, tail)) = rest.split_once('=') {
        let tail = tail.trim_start();
        let Some(quote) = tail.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let Some(end) = tail[1..].find(quote) else { break };
        attributes.push((key.trim().to_owned(), unescape(&tail[1..=end])));
        rest = &tail[end + 2..];
    }
    Element { name: name.to_owned(), attributes, ..Element::default() }
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at) else {
            out.push('&');
            rest = &rest[1..];
            continue;
        };
        let entity = &rest[1..end];
        let number = entity.strip_prefix('#').and_then(|n| match n.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => n.parse().ok(),
        });
        match (entity, number.and_then(char::from_u32)) {
            (_, Some(c)) => out.push(c),
            ("lt", _) => out.push('<'),
            ("gt", _) => out.push('>'),
            ("amp", _) => out.push('&'),
            ("quot", _) => out.push('"'),
            ("apos", _) => out.push('\''),
            _ => out.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}
