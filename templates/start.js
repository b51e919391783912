
// Puts the parts together; a page without cards has nothing to do.
function start(report) {
  const page = { report, announce: makeAnnouncer(), storage: makeStorage(report) };
  page.decisions = makeDecisions(report, (files) => {
    if (files.length) {
      page.server?.send(files);
      page.storage.save(files, page.decisions.get, page.server?.unsent() ?? []);
    }
    page.review.show();
  });
  page.gallery = makeGallery(report, page.decisions.of);
  page.cursor = makeCursor(page);
  page.review = makeReview(page);
  page.look = makeLook(page);

  const { cursor, review, storage, decisions } = page;
  report.gallery.addEventListener("click", (event) => {
    const card = cardAt(report, event.target);
    if (card && event.target.closest("button.enlarge")) cursor.enlarge(card);
    else review.answer(event, card, card?.element);
  });
  for (const type of ["focusin", "pointerover"]) {
    report.gallery.addEventListener(type, (event) => {
      const card = cardAt(report, event.target);
      if (!card) return;
      review.showAnswers(card, card.element);
      if (type === "focusin" && card !== cursor.active()) cursor.activate(card);
    });
  }
  cursor.viewer.dialog.addEventListener("click", (event) => {
    review.answer(event, cursor.viewer.card(), cursor.viewer.dialog);
  });
  listenToKeys(page);
  showKeys(report, page.gallery.tools);
  for (const card of report.cards) card.element.querySelector(".answers").hidden = !card.content;

  const token = document.querySelector("meta[name=auditor-live]")?.content;
  if (!token) {
    storage.inherit();
    storage.watch(() => decisions.adopt(storage.read().decisions));
  }
  const { decisions: kept, unsent } = storage.read();
  decisions.adopt(kept);
  if (token) {
    document.querySelector(".foot p").textContent = "Served by auditor on this machine, which keeps the decisions.";
    page.server = makeServer(token, page);
    page.server.send(unsent);
  }
  page.look.arrive();
}

const report = readReport();
if (report) start(report);
