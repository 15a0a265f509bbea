//! A detection on a page of its own: what it looks for, how, on what, and how well.

use super::code::code;
use super::markdown::markdown;
use super::text::line;
use super::{anchor, capital, count, technique};
use crate::model::{Document, Hunt, PackPage, Page, TestLine};
use maud::{Markup, PreEscaped, html};

/// The section's head.
pub(super) fn before(document: &Document) -> Markup {
    html! {
        (PreEscaped("<section id=\"detections\">"))
        @if !document.pages.is_empty() { h2 { "Detections" } }
        @if document.without_page > 0 {
            p.dim { (count(document.without_page, "detection that found nothing has", "detections that found nothing have")) " no page here; " code { "--detections" } " shows all." }
        }
        @if document.pages.len() > 3 {
            nav.card aria-label="Detections" {
                ul { @for page in &document.pages { li { a href=(format!("#{}", anchor(&page.rule))) { (line(&page.title)) } " " span.dim.v { (line(&page.rule)) } } } }
            }
            br;
        }
    }
}

/// A pack's own documents and hunting queries.
pub(super) fn pack(pack: &PackPage) -> Markup {
    let place = |path: &str| anchor(&format!("{}/{path}", pack.id));
    // Documents refer to each other by their files.
    let link = |from: &str, to: &str| {
        let file = to.split('#').next().unwrap_or_default();
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        let known = pack.documents.iter().find(|d| d.path == path || d.path == file)?;
        Some(format!("#{}", place(&known.path)))
    };
    html! {
        article.card.d id=(format!("p-{}", anchor(&pack.id))) {
            header {
                p.over { "Pack " (line(&pack.id)) " " (line(&pack.version)) }
                h3 { (line(&pack.title)) }
                @if !pack.summary.is_empty() { p.prose { (line(&pack.summary)) } }
                @if let Some((good, all)) = pack.tested {
                    p class=(if good == all { "good" } else { "bad" }) {
                        @if good == all { "Every expectation of " (count(all, "case", "cases")) " holds." }
                        @else { (count(all - good, "case", "cases")) " of " (all) " not as expected." }
                    }
                }
            }
            @for document in &pack.documents {
                details.more id=(place(&document.path)) {
                    summary { (line(&document.title)) }
                    div.prose { (markdown(&document.text, 3, &|to| link(&document.path, to))) }
                }
            }
            @if !pack.hunts.is_empty() {
                details.more { summary { "Hunting queries (" (pack.hunts.len()) ")" } @for hunt in &pack.hunts { (self::hunt(hunt)) } }
            }
        }
    }
}

fn hunt(hunt: &Hunt) -> Markup {
    html! {
        section {
            h4 { (line(&hunt.title)) }
            @if !hunt.purpose.is_empty() { p.prose { (line(&hunt.purpose)) } }
            @for (dialect, text) in &hunt.queries { (query(dialect, text)) }
            @if !hunt.reading.is_empty() { p.prose { (line(&hunt.reading)) } }
        }
    }
}

fn query(dialect: &str, text: &str) -> Markup {
    html! {
        p.dim { (language(dialect)) }
        pre.code tabindex="0" { code { (code(dialect, text.trim_end())) } }
    }
}

fn language(dialect: &str) -> &str {
    match dialect {
        "kql" => "KQL",
        "sumo" => "Sumo Logic search",
        "sigma" => "Sigma",
        other => other,
    }
}

/// One detection.
pub(super) fn page(page: &Page, document: &Document) -> Markup {
    let found = document.totals.rules.get(&page.rule).copied();
    html! {
        article.card.d id=(anchor(&page.rule)) {
            header {
                p.over {
                    @for technique in page.techniques.iter().take(3) { (line(&technique.id)) " · " }
                    (language(&page.dialect)) " · " span.v { (line(&page.rule)) }
                }
                h3 { (line(&page.title)) }
                p {
                    span class=(format!("badge {}", page.severity)) { (capital(page.severity.word())) } " severity"
                    @if let Some(confidence) = page.confidence { ", " (confidence) " confidence" }
                    @if document.inputs.is_some() { " · " (count(found.unwrap_or_default(), "finding", "findings")) " in these inputs" }
                }
                @if !page.description.is_empty() { div.prose { (paragraphs(&page.description)) } }
            }
            (attack(page))
            section { h4 { "Query" } (query(&page.dialect, &page.text)) p.dim.v { (line(&page.file)) } }
            (sources(page))
            (list("False positives", &page.false_positives))
            (tests(&page.tests))
            (references(page))
        }
    }
}

/// Text in paragraphs, as rules write it.
fn paragraphs(text: &str) -> Markup {
    html! { @for part in text.split("\n\n").filter(|p| !p.trim().is_empty()) { p { (super::text::block(part.trim())) } } }
}

fn attack(page: &Page) -> Markup {
    html! {
        @if !page.techniques.is_empty() || !page.tactics.is_empty() {
            section {
                h4 { "MITRE ATT&CK" }
                dl.facts {
                    @if !page.tactics.is_empty() { dt { (if page.tactics.len() == 1 { "Tactic" } else { "Tactics" }) } dd { (line(&page.tactics.join(", "))) } }
                    @if !page.techniques.is_empty() {
                        dt { (if page.techniques.len() == 1 { "Technique" } else { "Techniques" }) }
                        dd { @for (at, t) in page.techniques.iter().enumerate() { @if at > 0 { br; } (technique(&t.id, &t.name)) } }
                    }
                }
            }
        }
    }
}

fn sources(page: &Page) -> Markup {
    html! {
        @if !page.data_sources.is_empty() || !page.reads.is_empty() || !page.events.is_empty() {
            section {
                h4 { "Data sources" }
                @if !page.data_sources.is_empty() { ul.chips { @for s in &page.data_sources { li { (line(s)) } } } }
                @if !page.reads.is_empty() {
                    table.reads { tbody {
                        @for read in &page.reads {
                            tr {
                                td.v { (line(&read.name)) }
                                td {
                                    @match read.offered {
                                        Some(true) => { span.good { "in these inputs" } @if !read.formats.is_empty() { span.dim { " from " (read.formats.join(", ")) } } }
                                        Some(false) => span.bad { "not in these inputs" },
                                        None => {},
                                    }
                                }
                            }
                        }
                    } }
                }
                @if !page.events.is_empty() {
                    table.reads { tbody {
                        @for (events, can, lacks) in &page.events {
                            tr {
                                td { (line(events)) }
                                td {
                                    @if *can { span.good { "can make it fire" } } @else { span.bad { "cannot make it fire" } }
                                    @if !lacks.is_empty() { span.dim { "; has no " } span.v { (line(&lacks.join(", "))) } }
                                }
                            }
                        }
                    } }
                }
            }
        }
    }
}

fn list(title: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() { section { h4 { (title) } ul { @for item in items { li { (line(item)) } } } } }
    }
}

fn tests(tests: &[TestLine]) -> Markup {
    let ran = tests.iter().any(|t| t.actual.is_some());
    html! {
        @if !tests.is_empty() {
            section {
                h4 { "Tests" }
                p.dim {
                    @if ran {
                        @let bad = tests.iter().filter(|t| t.holds == Some(false)).count();
                        @if bad == 0 { span.good { "All as expected" } } @else { span.bad { (count(bad, "result", "results")) " not as expected" } } " on "
                    }
                    (count(tests.len(), "case", "cases")) ": " (kinds(tests)) "."
                    @if !ran { " As declared; " code { "--test" } " runs them." }
                }
                details.more open[tests.len() <= 12 || tests.iter().any(|t| t.holds == Some(false))] {
                summary { "Cases" }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Case" } th scope="col" { "Kind" } th scope="col" { "Expected" }
                        @if ran { th scope="col" { "Result" } }
                    } }
                    tbody { @for test in tests { tr {
                        td { (line(&test.title)) br; span.dim.v { (line(&test.case)) } }
                        td { (line(&test.kind)) }
                        td { (line(&test.expected)) @if !test.reason.is_empty() { br; span.dim { (line(&test.reason)) } } }
                        @if ran { td {
                            @if let Some(actual) = &test.actual {
                                span class=(if test.holds == Some(true) { "good" } else { "bad" }) { (line(actual)) @if test.holds == Some(false) { " (unexpected)" } }
                            }
                        } }
                    } } }
                } }
                }
            }
        }
    }
}

/// How often what is expected.
fn kinds(tests: &[TestLine]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for test in tests {
        let what = test.expected.split(',').next().unwrap_or_default();
        match kinds.iter_mut().find(|(known, _)| *known == what) {
            Some((_, n)) => *n += 1,
            None => kinds.push((what, 1)),
        }
    }
    kinds.iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
}

fn references(page: &Page) -> Markup {
    html! {
        @if !page.references.is_empty() || !page.facts.is_empty() {
            section {
                @if !page.references.is_empty() {
                    h4 { "References" }
                    ul { @for r in &page.references { li {
                        @if r.starts_with("https://") || r.starts_with("http://") { a rel="noreferrer noopener" href=(r) { (line(r)) } }
                        @else { (line(r)) }
                    } } }
                }
                @if !page.facts.is_empty() { dl.facts { @for (name, value) in &page.facts { dt { (line(name)) } dd { (line(value)) } } } }
            }
        }
    }
}
