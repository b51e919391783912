// The page is complete without these scripts: they filter, sort, enlarge, and take decisions. Whatever comes from data
// goes into the page as text, never as markup.
"use strict";

// What the page says of itself, with the element of each card; null on a page without cards.
function readReport() {
  const gallery = document.getElementById("gallery");
  const source = document.getElementById("report-data");
  if (!gallery || !source) return null;
  const report = JSON.parse(source.textContent);
  for (const card of report.cards) card.element = document.getElementById(card.key);
  report.gallery = gallery;
  report.byKey = new Map(report.cards.map((card) => [card.key, card]));
  // What people call a class: the synset ids of ImageNet have names.
  const names = new Map(Object.entries(report.names));
  report.nameOf = (name) => names.get(name) ?? name;
  report.byFile = new Map(report.cards.map((card) => [card.file, card]));
  return report;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

// A sentence for screen readers; the same sentence twice is said twice. An open dialog silences what lies outside it, so
// that it has a place of its own.
function makeAnnouncer() {
  const places = [document.body, document.getElementById("viewer")].map((part) => {
    const live = element("p", "unseen");
    live.setAttribute("role", "status");
    part.append(live);
    return live;
  });
  return (sentence) => {
    for (const live of places) live.textContent = live.textContent === sentence ? `${sentence}\u00a0` : sentence;
  };
}

// The view lies in the fragment, so that a link shows it again: `#rule=blurry&open=c3`. A fragment without "=" is an
// anchor of the page and says nothing of the view.
const FILTERS = ["rule", "label", "suggested", "severity", "status", "decision", "q"];
const VIEW = [...FILTERS, "sort", "open"];

function isView(fragment) {
  return fragment === "" || fragment.includes("=");
}

function readView(fragment) {
  const found = new URLSearchParams(fragment);
  return Object.fromEntries(VIEW.map((name) => [name, found.get(name) ?? ""]));
}

function writeView(view) {
  const stated = VIEW.filter((name) => view[name] !== "").map((name) => [name, view[name]]);
  return new URLSearchParams(stated).toString();
}

// Keeps the address in step with the view. `adopt(view)` shows a view that came with the address: a link, the back
// button, or the first one. `reveal(element)` makes room for the target of a plain anchor.
function makeAddress(adopt, reveal) {
  const fragment = () => location.hash.slice(1);

  function arrive() {
    if (isView(fragment())) {
      adopt(readView(fragment()));
      return;
    }
    const target = document.getElementById(decoded(fragment()));
    if (target) reveal(target);
  }

  addEventListener("hashchange", arrive);
  return {
    arrive,
    // `step`: a new step of the browser's history; else the present one is replaced, as while somebody types.
    write(view, step) {
      const text = writeView(view);
      if (text === fragment() || (text === "" && !isView(fragment()))) return;
      const url = text === "" ? location.pathname + location.search : `#${text}`;
      if (step) history.pushState({ opened: view.open !== "" }, "", url);
      else history.replaceState(history.state, "", url);
    },
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
