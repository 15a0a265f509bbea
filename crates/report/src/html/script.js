"use strict";
(() => {
  const all = [...document.querySelectorAll("details.f")];
  const bar = document.getElementById("filter");
  const open = (f) => { f.open = true; };
  const target = () => {
    const f = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (f && f.matches("details")) { open(f); f.scrollIntoView(); }
  };
  addEventListener("hashchange", target);
  target();
  if (!bar) return;

  const text = document.getElementById("filter-text");
  const host = document.getElementById("filter-host");
  const rule = document.getElementById("filter-rule");
  const order = document.getElementById("filter-order");
  const shown = document.getElementById("filter-shown");
  const span = document.getElementById("filter-span");
  const severities = [...bar.querySelectorAll("button[data-severity]")];
  const columns = [...document.querySelectorAll("#timeline .column")];
  const list = document.getElementById("list");
  const texts = new Map();
  let times = null;

  const words = (f) => {
    let t = texts.get(f);
    if (t === undefined) { t = f.textContent.toLowerCase(); texts.set(f, t); }
    return t;
  };
  const apply = () => {
    const off = new Set(severities.filter((b) => b.getAttribute("aria-pressed") === "false").map((b) => b.dataset.severity));
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const f of all) {
      const d = f.dataset;
      const yes = !off.has(d.severity)
        && (!host.value || d.host === host.value.slice(1))
        && (!rule.value || d.rule === rule.value.slice(1))
        && (!times || (d.time && +d.time >= times[0] && +d.time < times[1]))
        && wanted.every((w) => words(f).includes(w));
      f.hidden = !yes;
      if (yes) n += 1;
    }
    shown.textContent = n === all.length ? `${n} shown` : `${n} of ${all.length} shown`;
    span.hidden = !times;
    columns.forEach((c) => c.classList.toggle("on", !!times && +c.dataset.from === times[0]));
  };
  const sort = () => {
    const key = order.value === "time"
      ? (a, b) => (a.dataset.time || Infinity) - (b.dataset.time || Infinity)
      : (a, b) => a.dataset.rank - b.dataset.rank;
    list.append(...[...all].sort(key));
  };
  severities.forEach((b) => b.addEventListener("click", () => {
    b.setAttribute("aria-pressed", b.getAttribute("aria-pressed") === "true" ? "false" : "true");
    apply();
  }));
  let wait = 0;
  text.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(apply, 120); });
  host.addEventListener("change", apply);
  rule.addEventListener("change", apply);
  order.addEventListener("change", sort);
  span.addEventListener("click", () => { times = null; apply(); });
  columns.forEach((c) => c.addEventListener("click", (e) => {
    e.preventDefault();
    const from = +c.dataset.from;
    times = times && times[0] === from ? null : [from, +c.dataset.to];
    span.textContent = `${c.dataset.label} \u00d7`;
    apply();
    if (times) document.getElementById("findings").scrollIntoView();
  }));
  document.getElementById("filter-open").addEventListener("click", () => {
    const seen = all.filter((f) => !f.hidden);
    const any = seen.some((f) => !f.open);
    seen.forEach((f) => { f.open = any; });
  });

  const step = (by) => {
    const seen = [...list.children].filter((f) => !f.hidden);
    if (!seen.length) return;
    const at = seen.indexOf(document.activeElement && document.activeElement.closest("details.f"));
    const next = seen[at < 0 ? (by > 0 ? 0 : seen.length - 1) : Math.min(seen.length - 1, Math.max(0, at + by))];
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement && document.activeElement.tagName);
    if (typing) {
      if (e.key === "Escape") document.activeElement.blur();
      return;
    }
    if (e.key === "/") { e.preventDefault(); text.focus(); }
    else if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "x") document.getElementById("filter-open").click();
  });
  bar.hidden = false;
  document.getElementById("keys").hidden = false;
  apply();
})();
