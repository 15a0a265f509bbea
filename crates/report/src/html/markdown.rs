//! A pack's Markdown as HTML. Raw HTML in it is shown as text; links lead to the web or to a place in the text, and
//! nothing is fetched: of a picture its description is shown.

use super::code::code;
use super::text::{block, line};
use maud::{Markup, PreEscaped, Render};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

/// The text as HTML, its headings below `level`. `place` says where in this file a link leads that is not to the web.
pub(crate) fn markdown(text: &str, level: u8, place: &dyn Fn(&str) -> Option<String>) -> Markup {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer =
        Writer { out: String::with_capacity(text.len() * 2), level, place, code: None, head: false, ends: Vec::new() };
    for event in Parser::new_ext(text, options) {
        writer.event(event);
    }
    PreEscaped(writer.out)
}

struct Writer<'p> {
    out: String,
    level: u8,
    place: &'p dyn Fn(&str) -> Option<String>,
    /// The language and text of the code block that is open.
    code: Option<(String, String)>,
    /// Whether this row of a table is its head.
    head: bool,
    /// How the open links end.
    ends: Vec<&'static str>,
}

impl Writer<'_> {
    fn tag(&mut self, tag: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push('>');
    }

    fn event(&mut self, event: Event<'_>) {
        if let (Some((_, text)), Event::Text(more)) = (&mut self.code, &event) {
            text.push_str(more);
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => block(&text).render_to(&mut self.out),
            Event::Code(text) => {
                self.tag("code");
                line(&text).render_to(&mut self.out);
                self.tag("/code");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.tag("br"),
            Event::Rule => self.tag("hr"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "\u{2611} " } else { "\u{2610} " }),
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                line(&text).render_to(&mut self.out);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.tag("p"),
            Tag::Heading { level, .. } => {
                let name = self.heading(level);
                self.tag(&name);
            }
            Tag::BlockQuote(_) => self.tag("blockquote"),
            Tag::CodeBlock(kind) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(None) => self.tag("ul"),
            Tag::List(Some(1)) => self.tag("ol"),
            Tag::List(Some(first)) => self.tag(&format!("ol start=\"{first}\"")),
            Tag::Item => self.tag("li"),
            Tag::Table(_) => self.tag("div class=\"wide\"><table"),
            Tag::TableHead => {
                self.head = true;
                self.tag("thead><tr");
            }
            Tag::TableRow => self.tag("tr"),
            Tag::TableCell => self.tag(if self.head { "th scope=\"col\"" } else { "td" }),
            Tag::Emphasis => self.tag("em"),
            Tag::Strong => self.tag("strong"),
            Tag::Strikethrough => self.tag("s"),
            Tag::Link { link_type, dest_url, .. } => self.link(link_type, &dest_url),
            // Of a picture, its description.
            Tag::Image { .. } => self.tag("em"),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.tag("/p"),
            TagEnd::Heading(level) => {
                let name = self.heading(level);
                self.tag(&format!("/{name}"));
            }
            TagEnd::BlockQuote(_) => self.tag("/blockquote"),
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    self.tag("pre class=\"code\" tabindex=\"0\"><code");
                    code(&language, text.trim_end_matches('\n')).render_to(&mut self.out);
                    self.tag("/code></pre");
                }
            }
            TagEnd::List(ordered) => self.tag(if ordered { "/ol" } else { "/ul" }),
            TagEnd::Item => self.tag("/li"),
            TagEnd::Table => self.tag("/tbody></table></div"),
            TagEnd::TableHead => {
                self.head = false;
                self.tag("/tr></thead><tbody");
            }
            TagEnd::TableRow => self.tag("/tr"),
            TagEnd::TableCell => self.tag(if self.head { "/th" } else { "/td" }),
            TagEnd::Emphasis | TagEnd::Image => self.tag("/em"),
            TagEnd::Strong => self.tag("/strong"),
            TagEnd::Strikethrough => self.tag("/s"),
            TagEnd::Link => {
                let end = self.ends.pop().unwrap_or_default();
                self.out.push_str(end);
            }
            _ => {}
        }
    }

    fn heading(&self, level: HeadingLevel) -> String {
        format!("h{}", (self.level + level as u8).min(6))
    }

    fn link(&mut self, kind: LinkType, to: &str) {
        let web = (to.starts_with("https://") || to.starts_with("http://")) && kind != LinkType::Email;
        if web {
            self.out.push_str("<a rel=\"noreferrer noopener\" href=\"");
            to.render_to(&mut self.out);
            self.out.push_str("\">");
            self.ends.push("</a>");
        } else if let Some(place) = (self.place)(to) {
            self.out.push_str("<a href=\"");
            place.render_to(&mut self.out);
            self.out.push_str("\">");
            self.ends.push("</a>");
        } else {
            // A file of the pack is not here.
            self.tag("span class=\"ref\"");
            self.ends.push("</span>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        markdown(text, 2, &|to| (to == "other.md").then(|| "#other".to_owned())).into_string()
    }

    #[test]
    fn the_parts_of_a_document() {
        let text = html(
            "# Title\n\n[o](other.md)\n\nA *b* `c<d>` [e](https://example.org/?a=1&b=\"2\").\n\n1. one\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```kql\nT | where a == 1\n```\n",
        );
        for wanted in [
            "<h3>Title</h3>",
            "<a href=\"#other\">o</a>",
            "<em>b</em>",
            "<code>c&lt;d&gt;</code>",
            "href=\"https://example.org/?a=1&amp;b=&quot;2&quot;\"",
            "<ol><li>one</li>",
            "<th scope=\"col\">a</th>",
            "<td>2</td>",
            "<span class=\"tk\">where</span>",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }

    #[test]
    fn nothing_of_it_is_markup() {
        let text = html(
            "<script>alert(1)</script>\n\nx <img src=x onerror=alert(1)> ![p](https://example.org/p.png) [j](javascript:alert(1)) [f](../x.md)\n\n<div>\n</style>\n</div>\n",
        );
        for never in ["<script", "<img", "<div", "</style", "javascript:", "href"] {
            assert!(!text.contains(never), "{never} in {text}");
        }
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
}
