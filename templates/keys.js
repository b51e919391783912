
// Everything can be done with the keyboard. Keys act on the card that has the focus, or on the enlarged one; never while
// somebody types, and never with Control, Alt or Meta.
const FEW_CLASSES = 9; // so many have a digit each; with more, a digit is one of the card's candidates

// The classes that the digits stand for: 1 is the first.
function classesByDigit(report, card) {
  const few = report.classes.length <= FEW_CLASSES;
  return (few ? report.classes : card.candidates).slice(0, FEW_CLASSES);
}

function isTyping(target) {
  if (target.closest("select, textarea, [contenteditable]")) return true;
  return target.matches("input") && target.type !== "range";
}

function listenToKeys(page) {
  const { report, cursor, gallery, review } = page;
  const LETTERS = { k: "keep", x: "remove", "?": "unsure", u: "undo", h: "heat" };

  function onArrow(event, card) {
    if (event.target.matches("input[type=range]")) return;
    const sideways = event.key === "ArrowRight" || event.key === "ArrowLeft";
    // Up and down scroll the page until the gallery has the focus, and the enlarged view.
    if (!sideways && (!card || cursor.viewer.card())) return;
    if (!card && event.target !== document.body) return;
    event.preventDefault();
    const step = sideways ? 1 : gallery.columns();
    cursor.go(event.key === "ArrowRight" || event.key === "ArrowDown" ? step : -step, card);
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isTyping(event.target)) return;
    const card = cursor.current();
    if (event.key.startsWith("Arrow")) onArrow(event, card);
    if (!card || event.repeat) return;
    const isDigit = /^[1-9]$/.test(event.key);
    const to = isDigit ? classesByDigit(report, card)[Number(event.key) - 1] : undefined;
    let action = to === undefined ? LETTERS[event.key.toLowerCase()] : "relabel";
    if (event.key === "Enter" && event.target === card.element) action = "enlarge";
    if (!action) return;
    event.preventDefault();
    review.act(action, card, to);
  });
}

function showKeys(report, after) {
  const few = report.classes.length > 1 && report.classes.length <= FEW_CLASSES;
  const digits = few ? report.classes.map((name, index) => [`${index + 1}`, report.nameOf(name)]) : [["1\u20139", "relabel"]];
  const help = element("p", "keys");
  const entries = [
    ["\u2190\u2191\u2192\u2193", "move"], ["K", "label is right"], ...digits, ["X", "remove"], ["?", "unsure"],
    ["U", "undo"], ["H", "heatmap"], ["Enter", "enlarge"], ["Esc", "close"],
  ];
  for (const [key, meaning] of entries) {
    const entry = element("span", "entry");
    const name = document.createElement("bdi");
    name.textContent = meaning;
    entry.append(element("kbd", "", key), " ", name);
    help.append(entry, " ");
  }
  after.after(help);
}
