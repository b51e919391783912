// The page is complete without this: it only narrows the cards to one rule.
(() => {
  const filters = document.querySelector(".filters");
  if (!filters) return;
  const buttons = [...filters.querySelectorAll("button")];

  function show(key) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.key === key));
    for (const group of document.querySelectorAll(".group")) {
      let any = false;
      for (const card of group.querySelectorAll(".card")) {
        card.hidden = key !== "" && !card.dataset.filters.split(" ").includes(key);
        any ||= !card.hidden;
      }
      group.classList.toggle("bare", !any);
    }
  }

  filters.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(button.dataset.key);
  });
  // A link to a finding whose card is filtered away shows all cards again.
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.closest("[hidden]")) return;
    show("");
    target.scrollIntoView();
  });
  filters.hidden = false;
})();
