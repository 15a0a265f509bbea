//! What logs may say to those who look at them.

use crate::browser::{Page, browser};
use crate::made;
use serde_json::json;

/// Command lines that try to be something else than text.
pub(crate) const LINES: &[&str] = &[
    "lua -e \"os.execute('<script>alert(1)</script>')\"",
    "lua -e os.execute(</style><style>body{display:none}</style>)",
    "lua -e os.execute(\"><img src=x onerror=alert(2)>) </code></details></main>",
    "lua -e os.execute(' onmouseover=alert(3) x=\"' autofocus onfocus='alert(4)')",
    "lua javascript:alert(5) os.execute( <a href=javascript:alert(6)>x</a> <iframe srcdoc='<script>alert(7)</script>'>",
    "lua -e os.execute( <!-- --> <![CDATA[ ]]> <svg/onload=alert(8)> &lt;b&gt; &#x3c;",
    "lua \u{202e}gpj.exe\u{202c} os.execute(\u{0}\u{1b}[31m\u{7}\r\n\t\u{200b}x\u{feff}\u{2066}",
    "lua -e os.execute( ]]></script><script src=http://127.0.0.1:9/x.js></script>",
    "lua os.execute( {{constructor.constructor('alert(9)')()}} ${alert(10)} %3Cscript%3E",
];

/// The elements that a report is made of. Nothing of the data becomes another, and none of these has an attribute that
/// runs something.
const ELEMENTS: &[&str] = &[
    "a",
    "article",
    "b",
    "blockquote",
    "body",
    "br",
    "button",
    "circle",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "footer",
    "g",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "input",
    "kbd",
    "li",
    "line",
    "link",
    "main",
    "mark",
    "meta",
    "nav",
    "ol",
    "option",
    "output",
    "p",
    "pre",
    "rect",
    "s",
    "script",
    "section",
    "select",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "ul",
];

/// The tags of a page, comments and text left out. Style and script are the page's own and hold no tag.
fn tags(page: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        let tail = &rest[open + 1..];
        let end = tail.find('>').expect("a tag ends");
        let tag = &tail[..end];
        assert!(!tag.contains('<'), "a sign that is not escaped: {tag}");
        tags.push(tag);
        rest = &tail[end + 1..];
        for raw in ["style", "script"] {
            if tag == raw {
                rest = &rest[rest.find(&format!("</{raw}>")).expect("it ends")..];
            }
        }
    }
    tags
}

#[test]
fn no_element_and_no_attribute_comes_from_data() {
    let page = made::hostile(LINES);
    let mut scripts = 0;
    for tag in tags(&page) {
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        assert!(ELEMENTS.contains(&name) || name == "!DOCTYPE", "<{tag}>");
        scripts += usize::from(tag == "script");
        // Attributes stand in double quotes, in which data has none.
        for (at, part) in tag.split('"').enumerate() {
            let names = at % 2 == 0;
            assert!(!names || !part.split_whitespace().any(|a| a.to_lowercase().starts_with("on")), "<{tag}>");
        }
        if let Some((_, to)) = tag.split_once(" href=\"") {
            let to = &to[..to.find('"').unwrap()];
            assert!(
                to.starts_with('#')
                    || to.starts_with("https://attack.mitre.org/")
                    || to.starts_with("https://example.org/")
                    || to == "data:,",
                "<{tag}>"
            );
        }
        assert!(!tag.contains(" src=") || !name.starts_with("script"), "<{tag}>");
        assert!(!tag.contains(" style="), "the policy would refuse it: <{tag}>");
    }
    assert_eq!(scripts, 1);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "no control character is left");
    assert!(!page.contains('\u{202e}') || page.matches('\u{202e}').count() == page.matches("=\u{202e}").count());
}

/// What a person needs of a page, by the browser itself.
const CONTRAST: &str = r#"(() => {
  const rgb = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = (c) => { const f = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  const bad = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg, script, [hidden]") || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
  }
  return [...bad];
})()"#;

#[test]
fn a_browser_shows_it_without_complaint() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no browser; install chromium, or name one in PARALLAX_BROWSER");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, made::hostile(LINES)).unwrap();
    let url = format!("file://{}", file.display());
    let mut page = Page::open(&browser);
    let watch = "window.alert = () => { window.alerted = true; };\
                 document.addEventListener('securitypolicyviolation', (e) => { (window.refused ||= []).push(e.violatedDirective); });";
    page.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": watch }));
    page.go(&url);

    let findings = LINES.len();
    assert_eq!(page.value("document.querySelectorAll('details.f').length"), json!(findings));
    assert_eq!(page.value("document.querySelectorAll('script').length"), json!(1));
    let never = "document.querySelectorAll('img, iframe, object, embed, form, base, video, audio, svg script, foreignObject').length";
    assert_eq!(page.value(never), json!(0));
    let attributes = "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => /^on|^style$|^srcdoc$/i.test(n))";
    assert_eq!(page.value(attributes), json!([]));
    page.picture("light-closed", false);

    // Everything opened, what the log says is read as it says it.
    page.key("x");
    assert_eq!(page.value("document.querySelectorAll('details.f[open]').length"), json!(findings));
    for text in [
        "<script>alert(1)</script>",
        "</style><style>body{display:none}</style>",
        "<img src=x onerror=alert(2)>",
        "javascript:alert(5)",
        "&lt;b&gt; &#x3c;",
    ] {
        let seen = format!("document.querySelector('#list').innerText.includes({})", json!(text));
        assert_eq!(page.value(&seen), json!(true), "{text}");
    }
    assert_eq!(page.value("document.querySelectorAll('#list .cmd mark').length >= 9"), json!(true));
    assert_eq!(
        page.value("[...document.querySelectorAll('#list .cmd .ctl')].some((e) => e.title === 'U+202E')"),
        json!(true)
    );

    for scheme in ["light", "dark"] {
        page.media("screen", scheme);
        assert_eq!(page.value(CONTRAST), json!([]), "{scheme}: texts that are hard to read");
        page.picture(&format!("{scheme}-open"), true);
    }
    let ground = |page: &mut Page| page.value("getComputedStyle(document.body).backgroundColor");
    let dark = ground(&mut page);
    page.media("screen", "light");
    assert_ne!(ground(&mut page), dark);
    // Nothing runs out of a small screen.
    for width in [1280, 390] {
        let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false });
        page.call("Emulation.setDeviceMetricsOverride", size);
        assert_eq!(page.value("document.documentElement.scrollWidth <= innerWidth"), json!(true), "{width}");
    }
    page.picture("small", false);
    page.call("Emulation.clearDeviceMetricsOverride", json!({}));

    works_by_keys_and_controls(&mut page, findings);

    assert_eq!(page.value("window.alerted === undefined && window.refused === undefined"), json!(true));
    assert_eq!(page.complaints(), Vec::<String>::new());
    assert_eq!(page.requests(), std::slice::from_ref(&url));

    // What the policy is for: nothing is fetched even if something asks.
    let fetched = page.value("fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused')");
    assert_eq!(fetched, json!("refused"));
    assert_eq!(page.value("window.refused"), json!(["connect-src"]));
    let run = "(() => { try { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); } catch (e) {} return window.ran === undefined; })()";
    assert_eq!(page.value(run), json!(true));

    // Without script, everything can still be read.
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    page.go(&url);
    assert_eq!(page.value("document.querySelectorAll('details.f:not([hidden])').length"), json!(findings));
    assert_eq!(page.value("document.getElementById('filter').hidden"), json!(true));
}

fn works_by_keys_and_controls(page: &mut Page, findings: usize) {
    let shown = "document.querySelectorAll('details.f:not([hidden])').length";
    page.key("x");
    assert_eq!(page.value("document.querySelectorAll('details.f[open]').length"), json!(0));
    page.key("j");
    page.key("j");
    page.key("k");
    assert_eq!(
        page.value("document.activeElement === document.querySelector('#list > details > summary')"),
        json!(true)
    );
    page.key("Enter");
    assert_eq!(page.value("document.querySelector('#list > details').open"), json!(true));
    page.key("/");
    assert_eq!(page.value("document.activeElement.id"), json!("filter-text"));
    let typed = |page: &mut Page, text: &str| {
        let set = format!(
            "(async () => {{ const t = document.getElementById('filter-text'); t.value = {}; t.dispatchEvent(new Event('input')); await new Promise((r) => setTimeout(r, 300)); return {shown}; }})()",
            json!(text)
        );
        page.value(&set)
    };
    assert_eq!(typed(page, "ONERROR=alert(2)"), json!(1));
    assert_eq!(typed(page, ""), json!(findings));
    let click = |page: &mut Page, what: &str| {
        page.value(&format!(
            "document.querySelector({}).dispatchEvent(new MouseEvent('click', {{ bubbles: true, cancelable: true }}))",
            json!(what)
        ));
    };
    click(page, "button[data-severity]");
    assert_eq!(page.value(shown), json!(0));
    click(page, "button[data-severity]");
    click(page, "#timeline .column");
    assert_eq!(page.value(&format!("{shown} < {findings} && {shown} > 0")), json!(true));
    click(page, "#filter-span");
    assert_eq!(page.value(shown), json!(findings));
    let select = "(() => { const s = document.getElementById('filter-host'); s.selectedIndex = 1; s.dispatchEvent(new Event('change')); return s.options.length; })()";
    assert_eq!(page.value(select), json!(3));
    assert_eq!(page.value(&format!("{shown} < {findings} && {shown} > 0")), json!(true));
    // On paper there are no controls.
    page.media("print", "light");
    assert_eq!(page.value("getComputedStyle(document.getElementById('filter')).display"), json!("none"));
    page.media("screen", "light");
}
