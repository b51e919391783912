
// Where the reviewer is: the card that the keys act on, in the gallery or enlarged.
function makeCursor(page) {
  const { report, gallery } = page;
  let active = null;
  let invoker = null; // what had the focus before the enlarged view

  const viewer = makeViewer({
    showAnswers: (card, part) => page.review.showAnswers(card, part),
    moved: (step) => go(step, viewer.card()),
    closed,
  });

  // One card at a time is a stop of the Tab key.
  function activate(card) {
    if (active) active.element.tabIndex = -1;
    active = card;
    if (active) active.element.tabIndex = 0;
  }

  function focus(card) {
    activate(card);
    card.element.focus({ preventScroll: true });
    card.element.scrollIntoView({ block: "nearest" });
  }

  function current() {
    return viewer.card() ?? cardAt(report, document.activeElement);
  }

  // To the card so many places on; a step over rows stops at the edge.
  function go(step, card) {
    const shown = gallery.shown();
    const from = shown.indexOf(card);
    const wanted = card ? from + step : shown.indexOf(active);
    const place = Math.min(Math.max(wanted, 0), shown.length - 1);
    const next = Math.abs(step) > 1 && place !== wanted ? card : shown[place];
    if (next) show(next);
  }

  function show(card) {
    if (viewer.card()) enlarge(card);
    else if (!card.element.hidden) focus(card);
  }

  function enlarge(card) {
    const shown = gallery.shown();
    const isOpen = viewer.card() !== null;
    if (!isOpen) invoker = document.activeElement;
    activate(card);
    viewer.show(card, shown.indexOf(card) + 1, shown.length);
    page.look.opened(card.key, !isOpen);
  }

  function closed(card) {
    page.look.closed();
    if (card.element.hidden) return;
    focus(card);
    if (card.element.contains(invoker)) invoker.focus({ preventScroll: true });
  }

  return {
    viewer,
    current,
    go,
    show,
    focus,
    enlarge,
    activate,
    // After a filter: what was active where it is still shown, else the first card.
    settle: () => activate(active && !active.element.hidden ? active : (gallery.shown()[0] ?? null)),
    active: () => active,
  };
}

function cardAt(report, target) {
  return report.byKey.get(target?.closest(".card")?.dataset.key) ?? null;
}
