
// The enlarged view: the picture with one of its heatmaps over it, as strong as the slider says.
function makeViewer({ showAnswers, moved, closed }) {
  const dialog = document.getElementById("viewer");
  const photo = dialog.querySelector("img.photo");
  const heat = dialog.querySelector("img.heat");
  const slider = dialog.querySelector(".slider");
  const layers = dialog.querySelector(".layers");
  const place = dialog.querySelector(".place");
  let card = null;

  const layersOf = () => [...card.element.querySelectorAll("img.heat[data-layer]")];

  function blend() {
    heat.style.opacity = slider.value / slider.max;
    slider.setAttribute("aria-valuetext", `heatmap ${Math.round((100 * slider.value) / slider.max)} %`);
  }

  function choose(layer) {
    heat.hidden = !layer;
    slider.disabled = !layer;
    (slider.closest("label") ?? slider).hidden = !layer;
    if (!layer) return;
    heat.src = layer.src;
    heat.alt = layer.alt;
    for (const button of layers.children) button.setAttribute("aria-pressed", String(button.value === layer.dataset.layer));
  }

  function show(next, number, count) {
    card = next;
    const source = card.element.querySelector("img.photo");
    photo.className = source.className; // "wide" or "upright", by which it fills its box
    for (const name of ["src", "alt", "width", "height"]) photo.setAttribute(name, source.getAttribute(name));
    const found = layersOf();
    layers.replaceChildren(
      ...found.map((layer) => {
        const button = element("button", "layer", layer.dataset.name ?? layer.alt);
        button.type = "button";
        button.value = layer.dataset.layer;
        return button;
      }),
    );
    layers.hidden = found.length < 2;
    choose(found[0]);
    for (const name of ["labels", "line"]) {
      dialog.querySelector(`.${name}`).replaceChildren(...copies(card.element.querySelector(`.${name}`)));
    }
    dialog.querySelector(".line").className = `line ${card.severity}`; // its mark is drawn by it
    dialog.querySelector(".answers").hidden = !card.content;
    dialog.querySelector(".file").textContent = card.file;
    place.textContent = `${number} of ${count}`;
    showAnswers(card, dialog);
    if (!dialog.open) {
      dialog.showModal();
      dialog.focus();
    }
  }

  slider.addEventListener("input", blend);
  blend();
  layers.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(layersOf().find((layer) => layer.dataset.layer === button.value));
  });
  dialog.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action === "previous") moved(-1);
    else if (action === "next") moved(1);
    else if (action === "close" || event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => closed(card));
  return {
    dialog,
    show,
    card: () => (dialog.open ? card : null),
    close: () => dialog.open && dialog.close(),
    // From the picture alone to the heatmap alone, and back.
    toggleHeat() {
      slider.value = Number(slider.value) > 0 ? 0 : slider.max;
      blend();
    },
  };
}

// The contents of a part of a card, without the names that only one element may have.
function copies(part) {
  if (!part) return [];
  const copy = part.cloneNode(true);
  for (const named of copy.querySelectorAll("[id]")) named.removeAttribute("id");
  return [...copy.childNodes];
}
