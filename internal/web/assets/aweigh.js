// What makes the pages live. Each page is complete without it.
"use strict";

// Times in the viewer's own zone, UTC on hover.
const dayTime = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });

function localise(root) {
  const year = new Date().getFullYear();
  for (const t of root.querySelectorAll("time")) {
    const at = new Date(t.dateTime);
    if (isNaN(at)) continue;
    t.textContent = (t.hasAttribute("data-clock") ? clock : at.getFullYear() === year ? dayTime : full).format(at);
    t.title = t.dateTime.replace("T", " ").replace("Z", " UTC");
  }
}

// How long something has lasted goes on.
function tick() {
  for (const e of document.querySelectorAll("[data-since]")) {
    const s = Math.max(0, Math.round((Date.now() - new Date(e.dataset.since)) / 1000));
    e.textContent = s < 60 ? s + "s" : s < 3600 ? Math.floor(s / 60) + "m" + (s % 60) + "s" : Math.floor(s / 3600) + "h" + Math.floor(s / 60) % 60 + "m";
  }
}

// Live: when the store has changed, the parts of the page that are marked are
// fetched again. What has not changed is not touched, so that nobody loses the
// place that they read or the field that they type in.
let fetching = false, again = false;

async function refresh() {
  if (document.hidden) { again = true; return; }
  if (fetching) { again = true; return; }
  fetching = true; again = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(fresh);
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || next.innerHTML === part.innerHTML || part.contains(document.activeElement) && document.activeElement.matches("input, textarea")) continue;
      const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
      part.replaceChildren(...next.childNodes);
      if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
    const count = document.querySelector("nav a[href='/incidents']"), newCount = fresh.querySelector("nav a[href='/incidents']");
    if (count && newCount && count.innerHTML !== newCount.innerHTML) count.innerHTML = newCount.innerHTML;
    document.title = fresh.title;
  } catch { /* the stream says when the watcher is away */ } finally {
    fetching = false;
    if (again && !document.hidden) setTimeout(refresh, 1000);
  }
}

function follow() {
  const says = document.getElementById("live"), events = new EventSource("/events");
  let lost = false;
  events.onopen = () => { says.textContent = "Live"; if (lost) refresh(); lost = false; };
  events.onerror = () => { says.textContent = "Not live: the watcher does not answer"; lost = true; };
  events.addEventListener("changed", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });
  addEventListener("pagehide", () => events.close());
}

// The output of a start as it comes.
const mostLines = 5000;

function followOutput(box) {
  const events = new EventSource(box.dataset.stream);
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.scrollTop = box.scrollHeight;
  events.addEventListener("lines", (e) => {
    const stay = atEnd();
    document.getElementById("silent")?.remove();
    for (const line of JSON.parse(e.data).lines) {
      const row = document.createElement("div"), link = document.createElement("a"), text = document.createElement("span"), time = document.createElement("time");
      row.id = "o" + line.offset;
      if (line.stream === "stderr") row.className = "err";
      link.href = "?at=" + line.offset + "#" + row.id;
      link.setAttribute("aria-label", "Link to this line");
      time.dateTime = line.time;
      time.setAttribute("data-clock", "");
      link.append(time);
      text.textContent = line.text;
      row.append(link, text);
      localise(row);
      const open = document.getElementById(row.id);
      if (open) open.replaceWith(row); else box.append(row);
    }
    while (box.childElementCount > mostLines) box.firstElementChild.remove();
    if (stay) box.scrollTop = box.scrollHeight;
  });
  events.addEventListener("over", () => { events.close(); refresh(); });
  addEventListener("pagehide", () => events.close());
}

// Ctrl-K finds a service, a start or an incident.
function finder() {
  const form = document.getElementById("finder");
  if (!form) return;
  form.querySelector("kbd").hidden = false;
  const box = document.createElement("dialog");
  box.setAttribute("aria-label", "Find");
  box.innerHTML = '<input type="search" role="combobox" aria-expanded="true" aria-controls="found" aria-autocomplete="list" aria-label="Find a service, start or incident" placeholder="Service, or the beginning of an id" autocomplete="off" spellcheck="false"><ul id="found" role="listbox" aria-label="Found"></ul><p>↑ ↓ to choose, Enter to go, Esc to close</p>';
  document.body.append(box);
  const input = box.querySelector("input"), list = box.querySelector("ul");
  let found = [], chosen = 0, asked = 0;

  const choose = (n) => {
    chosen = Math.max(0, Math.min(n, found.length - 1));
    [...list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === chosen)));
    const li = list.children[chosen];
    input.setAttribute("aria-activedescendant", li ? li.id : "");
    li?.scrollIntoView({ block: "nearest" });
  };
  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch("/find?q=" + encodeURIComponent(input.value), { headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return;
    found = await answer.json();
    list.replaceChildren(...found.map((f, i) => {
      const li = document.createElement("li"), what = document.createElement("small");
      li.id = "found-" + i;
      li.setAttribute("role", "option");
      what.textContent = f.kind + (f.what ? ", " + f.what : "");
      li.append(f.name, what);
      li.onclick = () => { location.href = f.url; };
      li.onmousemove = () => { if (chosen !== i) choose(i); };
      return li;
    }));
    choose(0);
  };
  const open = () => { box.showModal(); input.select(); ask(); };
  input.oninput = ask;
  input.onkeydown = (e) => {
    if (e.key === "ArrowDown") { choose(chosen + 1); e.preventDefault(); }
    if (e.key === "ArrowUp") { choose(chosen - 1); e.preventDefault(); }
    if (e.key === "Enter" && found[chosen]) { location.href = found[chosen].url; e.preventDefault(); }
  };
  box.onclick = (e) => { if (e.target === box) box.close(); };
  addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); if (box.open) box.close(); else open(); }
  });
}

// Colours change at once, and are remembered by the server.
function theme() {
  const form = document.getElementById("theme"), button = form.querySelector("button");
  const after = { auto: "dark", dark: "light", light: "auto" }, names = { auto: "Auto", dark: "Dark", light: "Light" };
  form.onsubmit = (e) => {
    e.preventDefault();
    const next = button.value;
    fetch("/theme", { method: "POST", body: new URLSearchParams({ theme: next, back: "/status" }), redirect: "manual" });
    document.documentElement.dataset.theme = next;
    button.value = after[next];
    button.title = "Colours: " + next;
    button.firstChild.textContent = names[next];
  };
}

localise(document);
setInterval(tick, 1000);
finder();
theme();
if (document.body.hasAttribute("data-follow")) follow();
const output = document.querySelector("[data-stream]");
if (output) followOutput(output);
