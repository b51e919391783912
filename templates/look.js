
// What the page shows at the moment: the view, kept in step with the address and the tools.
function makeLook(page) {
  const { report, gallery } = page;
  let view = readView("");
  const tools = makeTools(report, gallery.tools, (chosen, step) => {
    change({ ...view, ...chosen }, step);
    page.announce(gallery.status());
  });
  const address = makeAddress(adopt, reveal);

  function show() {
    tools.fill(view);
    gallery.show(view);
    page.cursor.settle();
  }

  function change(next, step) {
    view = next;
    show();
    address.write(view, step);
  }

  function adopt(next) {
    view = next;
    show();
    const card = report.byKey.get(view.open);
    if (card) page.cursor.enlarge(card);
    else page.cursor.viewer.close();
  }

  // A link to what a filter hides shows all cards again; one to what is folded unfolds it.
  function reveal(target) {
    page.cursor.viewer.close();
    if (target.closest(".card[hidden]")) {
      view = readView("");
      show();
    }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const card = cardAt(report, target);
    if (card) page.cursor.focus(card);
    target.scrollIntoView();
  }

  // A cell of a matrix or a rule is a link to its images.
  document.addEventListener("click", (event) => {
    const fragment = event.target.closest('a[href^="#"]')?.getAttribute("href").slice(1) ?? "";
    if (fragment === "" || !isView(fragment) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    change(readView(fragment), true);
    page.announce(gallery.status());
    gallery.tools.scrollIntoView();
    page.cursor.active()?.element.focus({ preventScroll: true });
  });

  return {
    arrive: address.arrive,
    view: () => view,
    refresh: () => gallery.show(view),
    opened(key, step) {
      if (view.open === key) return;
      view = { ...view, open: key };
      address.write(view, step);
    },
    // The back button closes the enlarged view, and closing it is a step back.
    closed() {
      if (view.open === "") return;
      view = { ...view, open: "" };
      if (history.state?.opened) history.back();
      else address.write(view, false);
    },
  };
}
