//! A finding: one line to judge it by, and everything that is known behind it.

use super::text::{Space, line, marked, short};
use super::{Places, capital, count, grouped, instant, millis, technique};
use crate::evidence::{Child, Process, Tree};
use crate::model::{Document, Entry, Reason};
use maud::{Markup, PreEscaped, html};
use parallax_detect::Event;
use parallax_detect::pack::Severity;
use std::collections::BTreeSet;

/// The section's head, up to the list.
pub(super) fn before(document: &Document, places: &Places<'_>) -> Markup {
    let (shown, all) = (document.entries.len(), document.totals.findings);
    html! {
        (PreEscaped("<section id=\"findings\">"))
        h2 { "Findings" }
        @if all == 0 { p.none { "Nothing was found." } }
        @if shown < all {
            p.card.care role="note" {
                (grouped(shown)) " of " (grouped(all)) " findings are shown here: the worst, and the first of every detection as far as there is room. "
                code { "--limit" } " shows more; " code { "parallax detect" } " gives all of them as data."
            }
        }
        @for remark in &document.remarks { p.card.care role="note" { (line(remark)) } }
        @if shown > 1 { (filter(document, places)) }
        (PreEscaped("<div id=\"list\">"))
    }
}

/// The controls; the script shows them.
fn filter(document: &Document, places: &Places<'_>) -> Markup {
    let events = || document.entries.iter().map(|e| e.finding.event.as_ref());
    let hosts: BTreeSet<&str> = events().map(|e| e.and_then(|e| e.host.as_deref()).unwrap_or_default()).collect();
    // By what people call them.
    let rules: BTreeSet<(&str, &str)> =
        document.entries.iter().map(|e| (places.title(&e.finding.rule), e.finding.rule.as_str())).collect();
    let severities: BTreeSet<Severity> = document.entries.iter().map(|e| e.finding.severity).collect();
    html! {
        div.filter #filter hidden role="search" aria-label="Filter the findings" {
            input #filter-text type="search" placeholder="Text in the finding" aria-label="Text in the finding" autocomplete="off" spellcheck="false";
            @for severity in severities.iter().rev() {
                button type="button" data-severity=(severity) aria-pressed="true" class=(severity) { (capital(severity.word())) }
            }
            select #filter-host aria-label="Host" {
                option value="" { "All hosts" }
                // An empty name is a name too.
                @for host in &hosts { option value=(format!("={host}")) { @if host.is_empty() { "no host" } @else { (short(host, 60)) } } }
            }
            select #filter-rule aria-label="Detection" {
                option value="" { "All detections" }
                @for (title, rule) in &rules { option value=(format!("={rule}")) { (short(title, 70)) } }
            }
            select #filter-order aria-label="Order" {
                option value="rank" { "Worst first" }
                option value="time" { "Oldest first" }
            }
            button #filter-span type="button" hidden aria-label="Remove the time range" {}
            button #filter-open type="button" { "Open all" }
            output #filter-shown aria-live="polite" {}
        }
        p.keys #keys hidden {
            kbd { "/" } " filter, " kbd { "j" } " " kbd { "k" } " next and previous finding, " kbd { "Enter" } " opens, " kbd { "x" }
            " opens or closes all. A column of the timeline filters by its time."
        }
    }
}

/// One finding.
pub(super) fn finding(entry: &Entry, rank: usize, places: &Places<'_>) -> Markup {
    let f = &entry.finding;
    let nothing = Event::default();
    let event = f.event.as_ref().unwrap_or(&nothing);
    let host = event.host.as_deref().unwrap_or_default();
    html! {
        details id=(format!("f-{}", f.id)) class=(format!("f s-{}", f.severity)) data-severity=(f.severity) data-host=(host)
            data-rule=(f.rule) data-rank=(rank) data-time=[event.time.map(millis)] {
            summary {
                span class=(format!("badge {}", f.severity)) { (capital(f.severity.word())) }
                @match event.time {
                    Some(time) => time datetime=(parallax_engine::value::datetime(time)) { (instant(time)) },
                    None => span.dim { "no time of its own" },
                }
                span.who {
                    @if !host.is_empty() { b.v { (short(host, 60)) } " " }
                    @if let Some(user) = &event.user { span.v.dim { (short(user, 60)) } " " }
                    (line(&f.title))
                }
                (headline(entry, event))
            }
            div.body {
                div.two {
                    (facts(entry, event, places))
                    (why(entry))
                }
                (several(entry, places))
                @if let Some(tree) = &entry.tree { (processes(tree, entry, places)) }
                (columns(entry))
                @if let Some(raw) = &entry.raw {
                    details.more { summary { "Event as recorded" } pre.raw tabindex="0" { (super::text::block(raw)) } }
                }
            }
        }
    }
}

/// What is seen of a finding that is closed: the command line, or what the rule publishes.
fn headline(entry: &Entry, event: &Event) -> Markup {
    if let Some(command) = event.command_line.as_deref().filter(|c| !c.is_empty()) {
        return html! { code.cmd { (marked(command, &marks_in(command, &entry.reasons), Space::Line)) } };
    }
    if let Some(reason) = entry.reasons.iter().find(|r| !r.marks.is_empty()) {
        let field = reason.field.as_deref().unwrap_or_default();
        return html! { code.cmd { (line(field)) " " (marked(&reason.value, &reason.marks, Space::Line)) } };
    }
    if let Some(first) = entry.finding.related.iter().find_map(|r| r.event.command_line.as_deref()) {
        return html! { code.cmd { (count(entry.finding.related.len(), "event", "events")) ": " (line(first)) } };
    }
    let columns: Vec<String> =
        entry.finding.columns.iter().filter(|(_, v, _)| !v.is_empty()).map(|(n, v, _)| format!("{n}={v}")).collect();
    html! { code.cmd { (short(&columns.join("  "), 400)) } }
}

/// What the reasons mark in a text that is the value that they looked at.
fn marks_in(text: &str, reasons: &[Reason]) -> Vec<(usize, usize)> {
    let same = reasons.iter().filter(|r| r.value == text);
    // That the whole of it was meant marks nothing.
    same.flat_map(|r| r.marks.iter().copied()).filter(|m| *m != (0, text.len())).collect()
}

fn facts(entry: &Entry, event: &Event, places: &Places<'_>) -> Markup {
    let f = &entry.finding;
    let fact = |name: &str, value: Option<Markup>| {
        html! { @if let Some(value) = value { dt { (name) } dd { (value) } } }
    };
    let text = |value: &Option<String>| {
        value
            .as_ref()
            .filter(|v| !v.is_empty())
            .map(|v| html! { span.v { (marked(v, &marks_in(v, &entry.reasons), Space::Line)) } })
    };
    html! {
        section {
            h4 { "What happened" }
            dl.facts {
                (fact("When", event.time.map(|t| html! { time datetime=(parallax_engine::value::datetime(t)) { (instant(t)) } " UTC" })))
                (fact("Host", text(&event.host)))
                (fact("User", text(&event.user)))
                (fact("Process", text(&event.image).map(|image| html! { (image) @if let Some(id) = event.process_id { " " span.dim { "id " (id) } } })))
                (fact("Command line", text(&event.command_line)))
                (fact("Parent", text(&event.parent_image)))
                (fact("Its command line", text(&event.parent_command_line)))
                dt { "Detection" }
                dd {
                    @match places.page(&f.rule) {
                        Some(page) => a href=(format!("#{page}")) { (line(&f.title)) },
                        None => (line(&f.title)),
                    }
                    " " span.dim.v { (line(&f.rule)) }
                }
                (fact("Events", (f.count > 1).then(|| html! { (grouped(usize::try_from(f.count).unwrap_or(usize::MAX))) })))
                @if let Some((from, to)) = f.window { (fact("From", Some(html! { (instant(from)) }))) (fact("To", Some(html! { (instant(to)) }))) }
                @for entity in &f.entities {
                    dt { (line(&entity.kind)) }
                    dd { @for (at, (name, value)) in entity.fields.iter().enumerate() { @if at > 0 { br; } span.dim { (line(name)) } " " span.v { (line(value)) } } }
                }
                @for (name, value) in &f.details { dt { (line(name)) } dd.v { (line(value)) } }
                (fact("ATT&CK", (!f.attack.is_empty()).then(|| html! {
                    @for (at, id) in f.attack.iter().enumerate() { @if at > 0 { ", " } (technique(id, "")) }
                })))
                @let also = event.source.as_deref().zip(event.record).map_or(&[][..], |(s, r)| places.all(s, r));
                @if also.len() > 1 {
                    dt { "Also found by" }
                    dd { @for (id, title) in also.iter().filter(|(id, _)| *id != f.id) { a href=(format!("#f-{id}")) { (line(title)) } br; } }
                }
                (fact("Recorded in", event.source.as_ref().map(|s| html! {
                    span.v { (line(s)) } @if let Some(record) = event.record { span.dim { " at " (record) } }
                })))
                dt { "Finding" } dd.v.dim { (line(&f.id)) }
            }
        }
    }
}

/// The events that were put together.
fn several(entry: &Entry, places: &Places<'_>) -> Markup {
    let f = &entry.finding;
    html! {
        @if !f.related.is_empty() {
            section {
                h4 { "Events" }
                div.wide { table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Host" } th scope="col" { "What" } th scope="col" { "Rule" } } }
                    tbody {
                        @for related in &f.related {
                            @let e = &related.event;
                            @let found = e.source.as_deref().zip(e.record).and_then(|(s, r)| places.finding(s, r));
                            tr {
                                td.t { @if let Some(time) = e.time { (instant(time)) } }
                                td.v.h { (line(e.host.as_deref().unwrap_or_default())) }
                                td.v {
                                    (line(e.command_line.as_deref().or(e.image.as_deref()).unwrap_or_default()))
                                    @if let Some(id) = found.filter(|id| *id != f.id) { " " a href=(format!("#f-{id}")) { "finding" } }
                                }
                                td.dim title=(related.rule) { (line(places.title(&related.rule))) }
                            }
                        }
                    }
                } }
                @let more = f.count.saturating_sub(f.related.len() as u64);
                @if more > 0 { p.dim { "and " (more) " more" } }
            }
        }
    }
}

fn why(entry: &Entry) -> Markup {
    html! {
        section {
            h4 { "Why it fired" }
            @if entry.reasons.is_empty() {
                p.none {
                    @if !entry.finding.related.is_empty() { "Several events together fulfil it; they stand below." }
                    @else if entry.finding.event.is_some() { "The detection's conditions could not be followed for this event." }
                    @else { "The finding stands for several events together." }
                }
            }
            @let all = told(&entry.reasons);
            @let marked = all.iter().take_while(|t| !t.marks.is_empty()).count();
            // What marks nothing (a field that is no exception, a score above zero) is behind what does.
            @let (first, rest) = all.split_at(if marked == 0 { all.len() } else { marked });
            ul.why { @for told in first { (reason(told)) } }
            @if !rest.is_empty() {
                details.more {
                    summary { (count(rest.len(), "more condition that held", "more conditions that held")) }
                    ul.why { @for told in rest { (reason(told)) } }
                }
            }
        }
    }
}

fn reason(told: &Told<'_>) -> Markup {
    html! {
        li {
            @if let Some(field) = told.field { b { (line(field)) } " " }
            span.v { (marked(told.value, &told.marks, Space::Line)) }
            @for test in &told.tests { br; code { (short(test, 400)) } }
        }
    }
}

/// What is told of one value of one field.
struct Told<'r> {
    field: Option<&'r str>,
    value: &'r str,
    marks: Vec<(usize, usize)>,
    tests: Vec<&'r str>,
}

/// The reasons, those about one value together, and first those that say where in it.
fn told(reasons: &[Reason]) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for reason in reasons {
        let same = |t: &&mut Told<'_>| t.field == reason.field.as_deref() && t.value == reason.value;
        match all.iter_mut().find(same) {
            Some(told) => {
                told.marks.extend(&reason.marks);
                told.tests.push(&reason.test);
            }
            None => all.push(Told {
                field: reason.field.as_deref(),
                value: &reason.value,
                marks: reason.marks.clone(),
                tests: vec![&reason.test],
            }),
        }
    }
    all.sort_by_key(|t| t.marks.is_empty());
    all
}

fn processes(tree: &Tree, entry: &Entry, places: &Places<'_>) -> Markup {
    html! {
        section {
            h4 { "Processes" }
            ul.tree { (down(&tree.ancestors, tree, entry, places)) }
            @if tree.more > 0 { p.dim { "and " (count(tree.more, "more process", "more processes")) " that it started" } }
        }
    }
}

/// The ancestors one within the other, and at the end the process itself with what it started.
fn down(ancestors: &[Process], tree: &Tree, entry: &Entry, places: &Places<'_>) -> Markup {
    match ancestors.split_first() {
        Some((first, rest)) => html! {
            li { (process(first, entry, places, false)) ul { (down(rest, tree, entry, places)) } }
        },
        None => html! {
            li.own { (process(&tree.own, entry, places, true)) (started(&tree.children, entry, places)) }
        },
    }
}

fn started(children: &[Child], entry: &Entry, places: &Places<'_>) -> Markup {
    html! {
        @if !children.is_empty() {
            ul { @for child in children { li { (process(&child.process, entry, places, false)) (started(&child.children, entry, places)) } } }
        }
    }
}

fn process(p: &Process, entry: &Entry, places: &Places<'_>, own: bool) -> Markup {
    let name = p.image.rsplit(['/', '\\']).next().unwrap_or_default();
    let found = p.place.as_ref().filter(|_| !own).and_then(|(source, record)| places.finding(source, *record));
    html! {
        span.p {
            b.v title=(p.image) { @if name.is_empty() { "?" } @else { (line(name)) } }
            span.dim {
                @if let Some(id) = p.id { " id " (id) }
                @if !p.user.is_empty() { " as " span.v { (line(&p.user)) } }
                @if let Some(time) = p.time { " at " (instant(time)) }
                @if p.place.is_none() { " named by its child; its own start is not in the inputs" }
            }
            @if let Some(id) = found { " " a href=(format!("#f-{id}")) { "finding" } }
            @if !p.command_line.is_empty() { code { (marked(&p.command_line, &if own { marks_in(&p.command_line, &entry.reasons) } else { Vec::new() }, Space::Line)) } }
        }
    }
}

fn columns(entry: &Entry) -> Markup {
    let f = &entry.finding;
    html! {
        @if !f.columns.is_empty() {
            details.more open[f.event.is_none()] {
                summary { "Columns of the result (" (f.columns.len()) ")" }
                div.wide { table { tbody {
                    @for (name, value, _) in &f.columns {
                        tr { td.v.dim { (line(name)) } td.v { (marked(value, &marks_in(value, &entry.reasons), Space::Line)) } }
                    }
                } } }
            }
        }
    }
}
