//! One self-contained HTML file.
//!
//! Nothing is fetched: style and script stand in the file, and the content policy allows those two by their hashes and
//! nothing else. Without script everything can be read; the script filters, sorts and moves the focus.

mod code;
mod finding;
mod markdown;
mod page;
mod summary;
mod text;
mod timeline;

use crate::model::Document;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Write};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the report.
///
/// # Errors
/// What `out` says.
pub fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let places = Places::of(document);
    // Piece by piece: what was written need not be kept.
    let mut put = |piece: Markup| out.write_all(piece.0.as_bytes());
    put(head(document))?;
    put(html! { (PreEscaped("<main class=\"wrap\">")) })?;
    if document.inputs.is_some() {
        put(summary::summary(document, &places))?;
        put(timeline::timeline(document, &places))?;
        put(finding::before(document, &places))?;
        for (rank, entry) in document.entries.iter().enumerate() {
            put(finding::finding(entry, rank, &places))?;
        }
        put(html! { (PreEscaped("</div></section>")) })?;
    }
    put(page::before(document))?;
    for pack in &document.packs {
        put(page::pack(pack))?;
    }
    for page in &document.pages {
        put(page::page(page, document))?;
    }
    put(html! { (PreEscaped("</section></main>")) })?;
    put(foot(document))
}

/// Where things stand in the file.
pub(crate) struct Places<'d> {
    /// The findings of the events behind them, worst first: their anchors and titles.
    findings: HashMap<(&'d str, i64), Vec<(&'d str, &'d str)>>,
    /// The titles of rules.
    titles: HashMap<&'d str, &'d str>,
    /// The anchors of detections.
    pages: HashMap<&'d str, String>,
}

impl<'d> Places<'d> {
    fn of(document: &'d Document) -> Self {
        let mut findings: HashMap<_, Vec<_>> = HashMap::new();
        for entry in &document.entries {
            if let Some(event) = &entry.finding.event
                && let Some(place) = event.source.as_deref().zip(event.record)
            {
                findings.entry(place).or_default().push((entry.finding.id.as_str(), entry.finding.title.as_str()));
            }
        }
        let pages = document.pages.iter().map(|p| (p.rule.as_str(), anchor(&p.rule))).collect();
        let titles = document.runs.iter().map(|r| (r.rule.as_str(), r.title.as_str())).collect();
        Places { findings, titles, pages }
    }

    /// The anchor of the worst finding of that event.
    fn finding<'s>(&'s self, source: &'s str, record: i64) -> Option<&'s str> {
        self.all(source, record).first().map(|(id, _)| *id)
    }

    /// The anchors and titles of all findings of that event.
    fn all<'s>(&'s self, source: &'s str, record: i64) -> &'s [(&'s str, &'s str)] {
        self.findings.get(&(source, record)).map_or(&[], Vec::as_slice)
    }

    /// What people call a rule.
    fn title<'s>(&'s self, rule: &'s str) -> &'s str {
        self.titles.get(rule).copied().unwrap_or(rule)
    }

    fn page(&self, rule: &str) -> Option<&str> {
        self.pages.get(rule).map(String::as_str)
    }
}

/// The anchor of a detection: its name where that is plain, made plain and told apart by a hash otherwise.
pub(crate) fn anchor(rule: &str) -> String {
    let plain: String =
        rule.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' }).collect();
    if plain == rule.replace('/', "-") {
        return format!("d-{plain}");
    }
    let hash = Sha256::digest(rule.as_bytes());
    format!("d-{plain}-{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2])
}

/// What may be loaded and run: this style and this script. Pictures may only be written out in the file, which is for
/// the empty one that keeps browsers from asking a server for an icon.
pub fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn head(document: &Document) -> Markup {
    let made = &document.made;
    let found = document.totals.findings;
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            meta name="color-scheme" content="light dark";
            meta name="generator" content=(made.program);
            title { (document.title) }
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        a.skip href=(if document.inputs.is_some() { "#findings" } else { "#detections" }) { "Skip to the content" }
        header.top {
            div.wrap {
                h1 { (text::line(&document.title)) }
                @if !made.command.is_empty() { p { code { (text::line(&made.command)) } } }
                @if !made.reference.is_empty() { p { "Reference time " (text::line(&made.reference)) } }
                nav.toc aria-label="Contents" {
                    @if document.inputs.is_some() {
                        a href="#summary" { "Summary" }
                        a href="#timeline" { "Timeline" }
                        a href="#findings" { "Findings (" (found) ")" }
                    }
                    @if !document.pages.is_empty() { a href="#detections" { "Detections (" (document.pages.len()) ")" } }
                }
            }
        }
    }
}

fn foot(document: &Document) -> Markup {
    let made = &document.made;
    html! {
        footer.wrap {
            p {
                "Made by " (made.program)
                @if !made.time.is_empty() { " at " (made.time) }
                ". Times are UTC. What the logs say is shown as text; characters that cannot be seen are shown by their code ("
                span.ctl { "U+202E" } ")."
            }
        }
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>\n"))
    }
}

/// An instant for people: to the millisecond, in UTC.
pub(crate) fn instant(ticks: i64) -> String {
    let text = parallax_engine::value::datetime(ticks);
    let text = text.trim_end_matches('Z').replacen('T', " ", 1);
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{}", fraction.get(..3).unwrap_or(fraction)),
        None => text,
    }
}

/// Milliseconds since 1970.
pub(crate) fn millis(ticks: i64) -> i64 {
    const EPOCH: i64 = 62_135_596_800 * 10_000_000;
    (ticks - EPOCH).div_euclid(10_000)
}

/// A count of things.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n)) }
}

/// A number with its thousands apart.
pub(crate) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A word with a capital letter.
pub(crate) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A technique with its page.
pub(crate) fn technique(id: &str, name: &str) -> Markup {
    let words = html! { (text::line(id)) @if !name.is_empty() { " " (text::line(name)) } };
    match crate::attack::technique_url(id) {
        Some(url) => html! { a rel="noreferrer noopener" href=(url) { (words) } },
        None => words,
    }
}
