
// What a reviewer decided: one record a file, as `decisions.json` has them.
const ANSWERS = ["keep", "relabel", "remove", "unsure"];

function isTexts(value) {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

// Whether something read from outside is a decision. Storage may hold anything: other pages write into it too.
function isDecision(record) {
  return (
    typeof record === "object" &&
    record !== null &&
    typeof record.file === "string" &&
    /^[0-9a-f]{64}$/.test(record.content) &&
    (record.label === null || typeof record.label === "string") &&
    ANSWERS.includes(record.decision) &&
    (record.decision === "relabel" ? typeof record.to === "string" : (record.to ?? null) === null) &&
    isTexts(record.rules) &&
    isTexts(record.findings) &&
    typeof record.at === "string" &&
    !Number.isNaN(Date.parse(record.at)) &&
    typeof record.author === "string"
  );
}

function isAbout(record, card) {
  return record.content === card.content && record.label === card.label;
}

function makeDecision(card, decision, to) {
  const record = { file: card.file, content: card.content, label: card.label, decision };
  if (decision === "relabel") record.to = to;
  return Object.assign(record, {
    rules: card.rules,
    findings: card.findings,
    at: new Date().toISOString(),
    author: "",
  });
}

// `called` gives the name of a class that people read.
function inWords(record, called) {
  if (!record) return "";
  const words = { keep: "Label is right", remove: "To be removed", unsure: "Unsure" };
  return words[record.decision] ?? `Relabel: ${called(record.to)}`;
}

// Decisions on the cards of this page and of the others, and the way back. `changed(files)` is told what changed.
function makeDecisions(report, changed) {
  let records = new Map();
  const steps = [];

  // A record counts where it is about the image and the label that the page shows.
  function of(card) {
    const record = records.get(card.file);
    return record && isAbout(record, card) ? record : null;
  }

  function put(changes) {
    for (const [file, record] of changes) {
      if (record) records.set(file, record);
      else records.delete(file);
    }
    changed(changes.map(([file]) => file));
  }

  function take(changes) {
    steps.push(changes.map(([file]) => [file, records.get(file) ?? null]));
    put(changes);
  }

  return {
    of,
    take: (card, decision, to) => take([[card.file, makeDecision(card, decision, to)]]),
    drop: (card) => take([[card.file, null]]),
    // All on this page.
    clear: () => take(report.cards.filter(of).map((card) => [card.file, null])),
    // Takes the last step back; the card that it was about, null where there was none.
    undo() {
      const step = steps.pop();
      if (!step) return null;
      put(step);
      return report.byFile.get(step[0]?.[0]) ?? null;
    },
    // What is kept elsewhere takes the place of what is here.
    adopt(others) {
      records = new Map(others.map((record) => [record.file, record]));
      changed([]);
    },
    all: () => [...records.values()].sort((one, other) => (one.file < other.file ? -1 : 1)),
    get: (file) => records.get(file) ?? null,
    count: () => report.cards.filter(of).length,
  };
}
