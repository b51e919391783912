
// In `auditor serve`, decisions go to the server as they are made, and the order of the rest comes back. What cannot be
// sent waits in the browser and is sent again.
const FIRST_WAIT = 2_000; // milliseconds
const LONGEST_WAIT = 30_000;
const MOST_AT_ONCE = 500; // decisions in a request

function makeServer(token, { report, decisions, storage, review }) {
  let unsent = [];
  let busy = false;
  let timer = 0;
  let wait = FIRST_WAIT;
  let atOnce = MOST_AT_ONCE;

  async function ask(options) {
    const response = await fetch("review", { ...options, headers: { "X-Auditor-Token": token, ...options.headers } });
    const text = await response.text();
    return { status: response.status, answer: response.ok ? JSON.parse(text) : null, text };
  }

  function post(batch) {
    const headers = { "Content-Type": "application/json" };
    return ask({ method: "POST", headers, body: JSON.stringify({ decisions: batch.map(message) }) });
  }

  // A decision, or that there is none any more.
  function message(file) {
    const { content, label } = report.byFile.get(file) ?? {};
    return decisions.get(file) ?? { file, content, label, decision: null };
  }

  function sendLater() {
    clearTimeout(timer);
    timer = setTimeout(send, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }

  function keepUnsent(files) {
    unsent = files;
    storage.save([], decisions.get, unsent);
  }

  // One request at a time. A batch that the server refuses goes again one by one, so that one bad record holds up none.
  async function send() {
    if (busy) return;
    busy = true;
    try {
      do {
        const batch = unsent.slice(0, atOnce);
        const sent = new Map(batch.map((file) => [file, decisions.get(file)]));
        const { status, answer, text } = batch.length ? await post(batch) : await ask({ method: "GET" });
        // What was decided anew while the request ran goes again.
        const done = (file) => sent.has(file) && sent.get(file) === decisions.get(file);
        if (answer) {
          wait = FIRST_WAIT;
          keepUnsent(unsent.filter((file) => !done(file)));
          review.hear(answer, new Set(unsent));
        } else if (status === 400 && batch.length > 1) {
          atOnce = 1;
        } else if (status === 400 && batch.length === 1) {
          keepUnsent(unsent.slice(1));
          review.say(`The server did not take the decision on ${batch[0]}: ${reason(text)}`);
        } else {
          const advice = status === 403 ? "Open the address that `auditor serve` printed." : "It is sent again.";
          review.say(`The server refused (${status}): ${reason(text)} The decisions stay in this browser. ${advice}`);
          sendLater();
          return;
        }
      } while (unsent.length);
      atOnce = MOST_AT_ONCE;
    } catch {
      const what = unsent.length === 1 ? "1 decision stays" : `${unsent.length} decisions stay`;
      const still = "Is `auditor serve` still running?";
      review.say(`The server cannot be reached. ${still} ${what} in this browser and will be sent.`);
      sendLater();
    } finally {
      busy = false;
    }
  }

  function reason(text) {
    try {
      return `${JSON.parse(text).error}.`;
    } catch {
      return text.trim();
    }
  }

  return {
    // What changed; nothing just asks for what the server holds.
    send(files) {
      clearTimeout(timer);
      keepUnsent([...unsent.filter((file) => !files.includes(file)), ...files]);
      send();
    },
    unsent: () => unsent,
  };
}
