
// The cards that are shown, in their order.
function makeGallery(report, decisionOf) {
  const tools = document.getElementById("tools");
  const shownOf = tools.querySelector(".shown");
  const collator = new Intl.Collator("en", { numeric: true });
  const level = (card) => report.severities.indexOf(card.severity);
  // Cards without the value come last.
  const byNumber = (value) => (one, other) => (value(one) ?? Infinity) - (value(other) ?? Infinity);
  const byText = (value) => (one, other) => collator.compare(value(one) ?? "\uffff", value(other) ?? "\uffff");
  const ORDERS = {
    place: byNumber((card) => card.place),
    confidence: byNumber((card) => card.confidence),
    file: byText((card) => card.file),
    label: byText((card) => card.label),
    severity: byNumber(level),
  };
  let ordered = [...report.cards];
  let shown = ordered;

  function accepts(view) {
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const isDecided = { undecided: (answer) => !answer, decided: Boolean };
    const matches = isDecided[view.decision] ?? ((answer) => answer === view.decision);
    return (card) =>
      (view.rule === "" || card.rules.includes(view.rule)) &&
      (view.label === "" || card.label === view.label) &&
      (view.suggested === "" || card.suggested === view.suggested) &&
      (view.severity === "" || card.severity === view.severity) &&
      (view.status === "" || card.status === view.status) &&
      (view.decision === "" || matches(decisionOf(card)?.decision)) &&
      words.every((word) => card.text.includes(word));
  }

  // Moves elements only where the order changes. An element that moves loses its focus, which is given back.
  function place(wanted) {
    if (wanted.every((card, index) => card === ordered[index])) return;
    ordered = wanted;
    const focused = document.activeElement;
    const fragment = document.createDocumentFragment();
    for (const card of ordered) fragment.append(card.element);
    report.gallery.append(fragment);
    if (report.gallery.contains(focused)) focused.focus({ preventScroll: true });
  }

  function sorted(cards, view) {
    const order = ORDERS[view.sort] ?? ORDERS.place;
    return cards.toSorted((one, other) => order(one, other) || ORDERS.place(one, other));
  }

  // Writes come after all reading, so that the browser lays out once.
  function show(view) {
    const accepted = accepts(view);
    place(sorted(report.cards, view));
    shown = ordered.filter(accepted);
    const visible = new Set(shown);
    for (const card of ordered) {
      if (card.element.hidden === visible.has(card)) card.element.hidden = !card.element.hidden;
    }
    shownOf.textContent = `${shown.length} of ${report.cards.length} shown`;
    report.gallery.classList.toggle("bare", shown.length === 0);
  }

  return {
    tools,
    show,
    shown: () => shown,
    status: () => shownOf.textContent,
    // A new order of review. What stands before `card` stays where it is, so that nothing moves under the eyes.
    reorder(files, view, card) {
      const places = new Map(files.map((file, index) => [file, index + 1]));
      for (const each of report.cards) each.place = places.get(each.file) ?? files.length + each.place;
      const fixed = card ? ordered.slice(0, ordered.indexOf(card) + 1) : [];
      const seen = new Set(fixed);
      place([...fixed, ...sorted(ordered.filter((each) => !seen.has(each)), view)]);
      shown = ordered.filter((each) => !each.element.hidden);
    },
    // How many cards stand in a row.
    columns: () => Math.max(1, getComputedStyle(report.gallery).gridTemplateColumns.split(" ").length),
  };
}

// The form above the gallery: what can be chosen is what the cards have. `changed(view, step)` is told of a choice.
function makeTools(report, tools, changed) {
  const controls = FILTERS.concat("sort").map((name) => tools.elements.namedItem(name)).filter(Boolean);
  const titles = {
    rule: new Map(report.rules.map((rule) => [rule.name, rule.title])),
    status: new Map(Object.entries(report.statuses)),
  };
  const valuesOf = {
    rule: (card) => card.rules,
    label: (card) => [card.label],
    suggested: (card) => [card.suggested],
    severity: (card) => [card.severity],
    status: (card) => [card.status],
  };
  const orderOf = {
    rule: report.rules.map((rule) => rule.name),
    label: report.classes,
    suggested: report.classes,
    severity: report.severities,
    status: Object.keys(report.statuses),
  };

  for (const [name, values] of Object.entries(valuesOf)) {
    const select = tools.elements.namedItem(name);
    if (!select) continue;
    const counts = new Map();
    for (const value of report.cards.flatMap(values)) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    const known = orderOf[name].filter((value) => counts.has(value));
    for (const value of [...known, ...[...counts.keys()].filter((value) => !orderOf[name].includes(value))]) {
      select.append(new Option(`${titles[name]?.get(value) ?? report.nameOf(value)} (${counts.get(value)})`, value));
    }
    // A choice of one thing is none.
    (select.closest("label") ?? select).hidden = counts.size < 2;
  }

  // The order of review is the usual one, which a link need not name.
  const valueOf = ({ name, value }) => (name === "sort" && value === "place" ? "" : value);
  const chosen = () => Object.fromEntries(controls.map((control) => [control.name, valueOf(control)]));
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", (event) => changed(chosen(), event.target.name !== "q"));
  tools.addEventListener("click", (event) => {
    if (event.target.closest("[data-action=reset]")) changed(readView(""), true);
  });
  tools.hidden = false;
  tools.closest(".group").classList.add("scripted"); // a selector with :has() would be tried again for every card

  return {
    // A link may name what no card has: the control says so, instead of showing another value.
    fill(view) {
      for (const control of controls) {
        const wanted = view[control.name] || (control.name === "sort" ? "place" : "");
        if (control.options && ![...control.options].some((option) => option.value === wanted)) {
          control.append(new Option(wanted, wanted));
        }
        control.value = wanted;
      }
    },
  };
}
