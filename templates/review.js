
// Taking decisions, and showing them: on their cards, in the enlarged view, and in the bar that counts them.
function makeReview(page) {
  const { report, gallery, decisions, cursor } = page;
  const bar = document.getElementById("review");
  const message = bar.querySelector(".message");

  const progress = () => `${decisions.count()} of ${report.cards.length}`;

  function decide(card, action, to) {
    if (!card.content) {
      page.announce(`${card.file} cannot be read, so that a decision could not name its content.`);
      return;
    }
    const isGiven = action === "relabel" && to === card.label; // the digit of the given label says that it is right
    const next = following(card);
    const enlarged = cursor.viewer.card() !== null;
    const isHere = enlarged || card.element.contains(document.activeElement);
    decisions.take(card, isGiven ? "keep" : action, to);
    page.announce(`${card.file}: ${inWords(decisions.of(card), report.nameOf)}. ${progress()} decided.`);
    page.look.refresh();
    if (isHere && next) cursor.show(next);
    else if (enlarged) showAnswers(card, cursor.viewer.dialog);
    else if (isHere && card.element.hidden) gallery.tools.elements.namedItem("decision").focus();
  }

  // The next card that is not decided; where there is none, the next one.
  function following(card) {
    const shown = gallery.shown();
    const rest = shown.slice(shown.indexOf(card) + 1);
    return rest.find((each) => !decisions.of(each)) ?? rest[0] ?? null;
  }

  // Takes back what was decided on the card; where nothing was, the last decision that was made.
  function undo(card) {
    let changed = card;
    if (decisions.of(card)) decisions.drop(card);
    else changed = decisions.undo();
    page.announce(changed ? `${changed.file}: taken back. ${progress()} decided.` : "There is nothing to take back.");
    page.look.refresh();
    if (changed) cursor.show(changed);
  }

  function clear() {
    const count = decisions.count();
    if (count === 0) return;
    decisions.clear();
    page.look.refresh();
    page.announce(`${count} taken back. U on a card brings them back.`);
  }

  function act(action, card, to) {
    if (action === "enlarge") cursor.enlarge(card);
    else if (action === "heat" && cursor.viewer.card()) cursor.viewer.toggleHeat();
    else if (action === "heat") card.element.classList.toggle("heated");
    else if (action === "undo") undo(card);
    else decide(card, action, to);
  }

  // Only what changed is written: there may be thousands of cards.
  function show() {
    for (const card of report.cards) {
      const record = decisions.of(card);
      if (write(card.element, record)) setAttribute(card.element, "data-decision", record?.decision);
    }
    const bound = bar.querySelector("progress");
    bound.max = report.cards.length;
    bound.value = decisions.count();
    bar.querySelector(".progressed").textContent = progress();
    if (page.storage.trouble()) say(page.storage.trouble());
  }

  function write(part, record) {
    const line = part.querySelector(".decision");
    const text = inWords(record, report.nameOf);
    if (line.textContent === text) return false;
    line.textContent = text;
    line.hidden = !record;
    return true;
  }

  // The menu of classes is made when a card is first touched: of thousands of cards each may have hundreds of classes.
  function showAnswers(card, part) {
    const menu = part.querySelector("[name=to]");
    if (menu && menu.dataset.key !== card.key) {
      const digits = classesByDigit(report, card);
      const names = new Set([...card.candidates, ...report.classes]);
      names.delete(card.label);
      const digitOf = (name) => (digits.includes(name) ? `${digits.indexOf(name) + 1} ` : "");
      const numbered = (name) => digitOf(name) + report.nameOf(name);
      menu.replaceChildren(...[...names].map((name) => new Option(numbered(name), name)));
      menu.dataset.key = card.key;
    }
    if (part === cursor.viewer.dialog) write(part, decisions.of(card));
  }

  // A click on one of the answers of a card or of the enlarged view.
  function answer(event, card, part) {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (!card || ![...ANSWERS, "undo"].includes(action)) return;
    showAnswers(card, part);
    const to = action === "relabel" ? part.querySelector("[name=to]").value : undefined;
    if (action !== "relabel" || to) act(action, card, to);
  }

  function say(sentence) {
    message.textContent = sentence;
  }

  bar.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    const records = decisions.all();
    if (action === "export-json") download(asJson(report, records), "application/json", "decisions.json");
    else if (action === "export-csv") download(asCsv(records), "text/csv", "decisions.csv");
    else if (action === "clear") clear();
  });
  bar.hidden = false;
  return {
    act,
    answer,
    show,
    showAnswers,
    say,
    // What the server says: the decisions that it holds, the order of the rest, and whether the rest is worth the time.
    hear(heard, waiting) {
      const own = decisions.all().filter((record) => waiting.has(record.file));
      const theirs = heard.decisions.filter((record) => isDecision(record) && !waiting.has(record.file));
      decisions.adopt([...theirs, ...own]);
      gallery.reorder(heard.order, page.look.view(), cursor.current());
      say(heard.message);
      bar.classList.toggle("enough", heard.enough);
    },
  };
}

function setAttribute(part, name, value) {
  if (value === undefined) part.removeAttribute(name);
  else part.setAttribute(name, value);
}
