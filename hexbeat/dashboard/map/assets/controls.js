/* The controls at the map's edges: back to the wards, scale, sources. All text from data is set as text. */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const NARROW_PX = 520;
  const LOW_PX = 400;

  Hexbeat.isNarrow = (map) => map.getSize().x < NARROW_PX;

  /** A control that is one element; clicks and wheel stay with it. */
  Hexbeat.addControl = (map, position, element) => {
    const control = L.control({ position });
    control.onAdd = () => {
      L.DomEvent.disableClickPropagation(element);
      L.DomEvent.disableScrollPropagation(element);
      return element;
    };
    return control.addTo(map);
  };

  Hexbeat.element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  function addFitButton(map) {
    const bar = Hexbeat.element("div", "leaflet-bar hexbeat-fit");
    const button = Hexbeat.element("button", "", "\u2922");
    button.type = "button";
    button.title = "Show all chosen wards";
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => Hexbeat.fitAgain(map));
    bar.append(button);
    Hexbeat.addControl(map, "topleft", bar);
  }

  /** Scale and sources: at the foot of the map; on a narrow one at its head, the sources folded, clear of the legend. */
  function addScaleAndSources(map, lines) {
    const details = Hexbeat.element("details", "hexbeat-sources");
    details.append(Hexbeat.element("summary", "", "Map sources"));
    lines.forEach((line) => details.append(Hexbeat.element("p", "", line)));
    const sources = Hexbeat.addControl(map, "bottomright", details);
    const scale = L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    const arrange = () => {
      const narrow = Hexbeat.isNarrow(map) || map.getSize().y < LOW_PX; // side by side, the sources would cover the area
      if (details.classList.contains("hexbeat-narrow") === narrow) return;
      details.classList.toggle("hexbeat-narrow", narrow);
      details.open = !narrow;
      details.hidden = !lines.length;
      [sources, scale].forEach((control) => control.setPosition(narrow ? "topright" : "bottomright"));
    };
    details.open = true;
    arrange();
    map.on("resize", arrange);
  }

  /** More sources, of what is drawn later. */
  Hexbeat.addCredits = (map, lines) => {
    const details = map.getContainer().querySelector(".hexbeat-sources");
    lines.forEach((line) => details.append(Hexbeat.element("p", "", line)));
  };

  /** The wheel scrolls the page until the map has been clicked; with Ctrl, and by pinching, it always zooms. */
  function letThePageScroll(map) {
    const container = map.getContainer();
    map.scrollWheelZoom.disable();
    container.addEventListener("focusin", () => map.scrollWheelZoom.enable());
    container.addEventListener("focusout", () => map.scrollWheelZoom.disable());
    const onlyWithCtrl = (event) => {
      if (event.ctrlKey || event.metaKey) map.scrollWheelZoom.enable();
    };
    container.addEventListener("wheel", onlyWithCtrl, { capture: true, passive: true });
  }

  function nameTheMap(map, title) {
    const container = map.getContainer();
    // Leaflet takes the focus when a finger comes down. If the page scrolled then, the tap would miss its place.
    container.focus = () => HTMLElement.prototype.focus.call(container, { preventScroll: true });
    container.setAttribute("role", "application");
    container.setAttribute(
      "aria-label",
      `Map of ${title}. Arrow keys pan, plus and minus zoom, Alt with arrow keys goes from cell to cell, Enter chooses one. The table says the same.`,
    );
  }

  /** The base map's script calls this: it draws everything except the cells. */
  Hexbeat.base = (map, options) => {
    const area = Hexbeat.areaOf(options.wards);
    map.hexbeat = { area, tiled: Boolean(options.tiles) };
    map.getContainer().classList.toggle("hexbeat-tiled", map.hexbeat.tiled);
    Hexbeat.isDark();
    addScaleAndSources(map, [...area.attribution, ...(options.attribution || [])]); // first: the view stands clear of it
    Hexbeat.openView(map, options.view, area.bounds);
    Hexbeat.drawWards(map, area);
    const drawStreets = () => options.streets && Hexbeat.drawStreets(map, options.streets);
    if (options.tiles) Hexbeat.drawTiles(map, options.tiles, options.tiles.under ? () => {} : drawStreets);
    if (!options.tiles || options.tiles.under) drawStreets();
    addFitButton(map);
    letThePageScroll(map);
    nameTheMap(map, area.title);
  };
})();
