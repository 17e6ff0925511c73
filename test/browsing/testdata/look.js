// What is wrong with this page, as a list of sentences. Names and roles as of
// accname and HTML-AAM, as far as our pages need them; contrast as of WCAG 2.2,
// 1.4.3 (4.5:1, 3:1 for large letters).
(() => {
  const wrong = [], seen = new Set();
  const complain = (text) => { if (!seen.has(text)) { seen.add(text); wrong.push(text); } };
  const tell = (e) => `<${e.tagName.toLowerCase()}${e.id ? " id=" + e.id : ""}${e.className && e.className.baseVal === undefined ? " class=" + e.className : ""}> ${(e.textContent || "").trim().slice(0, 40)}`;
  const visible = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getClientRects().length > 0;

  if (!document.documentElement.lang) complain("the page has no lang");
  if (!document.title) complain("the page has no title");
  for (const [what, n] of [["h1", 1], ["main", 1]]) {
    const found = document.querySelectorAll(what).length;
    if (found !== n) complain(`${found} <${what}>, want ${n}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) complain(`the id ${id} is there twice`);
  let level = 0;
  for (const h of document.querySelectorAll("h1,h2,h3,h4")) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) complain(`a heading skips a level: ${tell(h)}`);
    level = n;
  }

  const name = (e) => (e.getAttribute("aria-label") || (e.labels && [...e.labels].map((l) => l.textContent).join(" ")) ||
    [...(e.querySelectorAll ? e.querySelectorAll("img") : [])].map((i) => i.alt).join(" ") + (e.textContent || "") || e.getAttribute("title") || "").trim();
  for (const e of document.querySelectorAll("a[href],button,summary,[role=button],[role=log],[role=img],[role=group],dialog,nav")) if (!name(e)) complain(`has no name: ${tell(e)} ${e.outerHTML.slice(0, 80)}`);
  for (const e of document.querySelectorAll("input:not([type=hidden]),select,textarea")) {
    if (!e.getAttribute("aria-label") && !(e.labels && e.labels.length)) complain(`a field has no label: ${e.outerHTML.slice(0, 80)}`);
  }
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) complain(`a picture has no alt: ${e.src}`);
  for (const e of document.querySelectorAll("svg")) if (!e.closest("[aria-hidden]") && e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label")) complain("an svg has no label");
  for (const t of document.querySelectorAll("table")) if (!t.querySelector("th")) complain("a table has no headings");
  for (const e of document.querySelectorAll("th")) if (!e.hasAttribute("scope")) complain(`a heading of a table has no scope: ${tell(e)}`);
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) complain(`tabindex above 0: ${tell(e)}`);
  for (const e of document.querySelectorAll("[style],[onclick],[onload],[onerror]")) complain(`inline style or script: ${tell(e)}`);
  for (const e of document.querySelectorAll("*")) {
    const c = getComputedStyle(e);
    if ((c.overflowY === "auto" || c.overflowY === "scroll") && e.scrollHeight > e.clientHeight + 1 && e.tabIndex < 0 && e.tagName !== "HTML" && e.tagName !== "BODY" && e.tagName !== "UL" && e.tagName !== "TEXTAREA")
      complain(`scrolls, and the keyboard cannot reach it: ${tell(e)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) {
    const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && visible(e)).pop();
    complain(`wider than the window: ${document.documentElement.scrollWidth} of ${innerWidth}${wide ? ": " + tell(wide) : ""}`);
  }

  const foot = document.querySelector("footer");
  const end = foot ? foot.getBoundingClientRect().bottom + scrollY : 0;
  if (foot && document.documentElement.scrollHeight > Math.max(innerHeight, end) + 1) complain(`longer than what is on it: ${document.documentElement.scrollHeight}, and the footer ends at ${Math.round(end)}`);

  const parse = (text) => {
    const n = (text.match(/[\d.]+/g) || []).map(Number);
    if (text.startsWith("color(srgb")) return [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1];
    return [n[0], n[1], n[2], n[3] ?? 1];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0.99) return c;
    }
    return [255, 255, 255, 1];
  };
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.closest("svg") || !visible(e) || e.closest(".hide,.skip")) continue;
    const style = getComputedStyle(e), a = light(parse(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    if (ratio < (large ? 3 : 4.5)) complain(`contrast ${ratio.toFixed(2)}:1: ${tell(e)} ${style.color} on ${ground(e).slice(0, 3)}`);
  }
  return wrong;
})()
