
// Decisions as files, made in the page: nothing is sent anywhere.
const COLUMNS = ["file", "label", "decision", "to", "rules", "findings", "content", "at", "author"];

function asJson(report, records) {
  const document = {
    format: "auditor-decisions",
    format_version: 1,
    name: report.name,
    run: report.run,
    root: report.root,
    exported_at: new Date().toISOString(),
    decisions: records,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

// RFC 4180. A spreadsheet would take a text that starts like a formula for one: an apostrophe stands before it.
function asCsv(records) {
  const cell = (value) => {
    const text = Array.isArray(value) ? value.join(" ") : (value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const rows = [COLUMNS, ...records.map((record) => COLUMNS.map((column) => record[column]))];
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function download(text, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may ask where to save it first
}
