
// Decisions outlive the page in the browser's storage, where there is any: it may be forbidden, full, or hold rubbish.
// One entry is {"format_version": 1, "decisions": [...], "unsent": [files], "pages": [numbers]}: `unsent` waits for a
// server, `pages` have taken over what was decided in an earlier run.
const STORE = "auditor-decisions ";

function makeStorage(report) {
  const keyOf = (name, run) => STORE + JSON.stringify([name, run]);
  const own = keyOf(report.name, report.run);
  let trouble = "";

  function read(key) {
    const empty = { decisions: [], unsent: [], pages: [] };
    try {
      const found = JSON.parse(localStorage.getItem(key));
      if (found?.format_version !== 1) return empty;
      return {
        decisions: Array.isArray(found.decisions) ? found.decisions.filter(isDecision) : [],
        unsent: isTexts(found.unsent) ? found.unsent : [],
        pages: Array.isArray(found.pages) ? found.pages.filter(Number.isInteger) : [],
      };
    } catch {
      return empty;
    }
  }

  function write(entry) {
    try {
      localStorage.setItem(own, JSON.stringify({ format_version: 1, ...entry }));
      trouble = "";
    } catch (error) {
      const why = error.name === "QuotaExceededError" ? "its storage is full" : "it allows this page no storage";
      trouble = `This browser cannot keep the decisions (${why}): export them before you close the page.`;
    }
  }

  function earlier() {
    let keys = [];
    try {
      keys = Object.keys(localStorage).filter((key) => key.startsWith(STORE) && key !== own);
    } catch {
      return [];
    }
    return keys.flatMap((key) => {
      try {
        return JSON.parse(key.slice(STORE.length))[0] === report.name ? read(key).decisions : [];
      } catch {
        return [];
      }
    });
  }

  return {
    trouble: () => trouble,
    read: () => read(own),
    // Other tabs and pages of this run write into the same entry: only the files that changed here are replaced.
    save(files, recordOf, unsent) {
      const entry = read(own);
      const changed = new Set(files);
      const decisions = entry.decisions.filter((record) => !changed.has(record.file));
      for (const file of files) if (recordOf(file)) decisions.push(recordOf(file));
      write({ decisions, unsent, pages: entry.pages });
    },
    // What an earlier run of the same name knows of this page's images, by content and label; once for a page, so
    // that what is undone stays undone.
    inherit() {
      const entry = read(own);
      if (entry.pages.includes(report.page)) return;
      const latest = new Map();
      for (const record of earlier().sort((one, other) => Date.parse(one.at) - Date.parse(other.at))) {
        latest.set(JSON.stringify([record.content, record.label]), record);
      }
      const known = new Set(entry.decisions.map((record) => record.file));
      for (const card of report.cards) {
        const record = latest.get(JSON.stringify([card.content, card.label]));
        if (!record || known.has(card.file)) continue;
        if (record.decision === "relabel" && !report.classes.includes(record.to)) continue;
        entry.decisions.push({ ...record, file: card.file, rules: card.rules, findings: card.findings });
      }
      write({ ...entry, pages: [...entry.pages, report.page] });
    },
    // Tells what another tab wrote.
    watch(changed) {
      addEventListener("storage", (event) => event.key === own && changed());
    },
  };
}
