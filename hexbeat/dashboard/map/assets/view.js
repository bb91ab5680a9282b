/* Where the map looks. It opens on the area or the chosen wards, and a person's own zoom and centre survive filters,
 * another layer and a change of page: they are kept for the tab, under the map's key. A new choice of wards moves the map
 * again. Maps that share a key look at the same place: each follows when another is moved. One that has only been fitted
 * is fitted again, because maps of different sizes show the same wards at different zooms. On a much smaller map, as
 * after a window of a desk became one of a phone, a person's own view is shown whole, and is theirs again where there is
 * room. A cell chosen elsewhere, as in a list, is looked at if it is out of sight or tiny, until it is let go.
 * What is fitted stands clear of the buttons, the sources and the legend. On paper the map shows what it shows here.
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const BUTTONS_PX = 48;
  const SOURCES_PX = 40;
  const GAP_PX = 16;
  const EDGE_PX = 10;
  const STREET_ZOOM = 16;
  const MOST = 0.45; // of the map that a legend may take; a larger one lies over it
  const MUCH_SMALLER = 0.7; // of its width or height: less, and a view of the person's own is fitted
  const SIGHT_PX = 20; // nearer to the edge a chosen cell is out of sight
  const TINY_PX = 8; // a smaller chosen cell is hard to find, also in sight: the map moves to it
  const CELL_PX = 12; // and zooms until it has this size
  const PAPER_PX = [680, 430]; // what fits on A4 upright with its list; page.css makes the frame as large

  function recall(key) {
    try {
      return JSON.parse(sessionStorage.getItem(key));
    } catch {
      return null; // no storage here, as in some saved pages
    }
  }

  function remember(key, view) {
    try {
      sessionStorage.setItem(key, JSON.stringify(view));
    } catch {
      // the map works without a memory
    }
  }

  function sizeOf(map) {
    const { x, y } = map.getSize();
    return [x, y];
  }

  /** The width of the whole window: maps side by side are smaller too, and look where the single one did. */
  function findWindowWidth() {
    try {
      return window.top.innerWidth;
    } catch {
      return window.innerWidth; // in a page of another origin
    }
  }

  /** How much smaller a map is than `size` was: 1 for as large or larger, 0.5 for half of its width or its height. */
  function findShrinkage(map, size) {
    const [x, y] = sizeOf(map);
    return size && x && y ? Math.min(1, x / size[0], y / size[1]) : 1;
  }

  /** The legend; folded if it would take too much of the map, unless a person has opened it. */
  function foldLegend(map) {
    const legend = map.getContainer().querySelector(".hexbeat-legend");
    if (!legend || legend.dataset.chosen) return legend;
    const narrow = Hexbeat.isNarrow(map);
    const isTooLarge = () =>
      narrow ? legend.offsetHeight > map.getSize().y * MOST : legend.offsetWidth > map.getSize().x * MOST;
    if (legend.open && map.getSize().y > 0 && isTooLarge()) legend.open = false;
    return legend;
  }

  /** Room for the legend: beside it, on a narrow map above it. It only grows, so that another legend moves no map back. */
  function findRoom(map) {
    const legend = foldLegend(map);
    const frames = map.getContainer().querySelector(".hexbeat-frames"); // on a narrow map it stands on the legend
    const narrow = Hexbeat.isNarrow(map);
    const sources = map.getContainer().querySelector(".hexbeat-sources");
    const foot = Math.max(SOURCES_PX, sources ? sources.offsetHeight + GAP_PX : 0);
    const room = (map.hexbeat.room = map.hexbeat.room || { left: BUTTONS_PX, bottom: SOURCES_PX });
    const [side, length, most] = narrow
      ? ["bottom", (legend ? legend.offsetHeight : 0) + (frames ? frames.offsetHeight + GAP_PX : 0), map.getSize().y * MOST]
      : ["left", legend ? legend.offsetWidth : 0, map.getSize().x * MOST];
    if (length <= most) room[side] = Math.max(room[side], length + GAP_PX);
    return narrow ? { left: BUTTONS_PX, bottom: room.bottom } : { left: room.left, bottom: foot };
  }

  /** A map in a hidden tab has no size yet, and one whose frame is just being opened has less than its controls take. It
   * is fitted when it has room.
   */
  function fitNow(map, bounds, options) {
    const { left, bottom } = findRoom(map);
    const { x, y } = map.getSize();
    map.hexbeat.waiting = x <= left + EDGE_PX || y <= bottom + EDGE_PX;
    if (map.hexbeat.waiting) {
      map.once("resize", () => fitNow(map, bounds, { animate: false }));
      return;
    }
    map.hexbeat.given = `${left} ${bottom}`;
    map.hexbeat.fitting = true;
    map.once("moveend", () => {
      map.hexbeat.own = { centre: map.getCenter(), zoom: map.getZoom(), size: sizeOf(map) };
      map.hexbeat.fitting = false;
    });
    map.fitBounds(bounds, { paddingTopLeft: [left, EDGE_PX], paddingBottomRight: [EDGE_PX, bottom], ...options });
  }

  /** Whether a map still looks where it was fitted. */
  function isAsFitted(map) {
    const { own } = map.hexbeat;
    return Boolean(own) && map.getZoom() === own.zoom && map.getCenter().equals(own.centre, 1e-6);
  }

  /** Whether a map still looks where it was fitted, and its legend has since come to need more room. */
  function isInTheWay(map) {
    if (!isAsFitted(map)) return false;
    const { left, bottom } = findRoom(map);
    return map.hexbeat.given !== `${left} ${bottom}`;
  }

  Hexbeat.openView = (map, key, home) => {
    const kept = key && recall(key);
    map.hexbeat.home = home;
    map.hexbeat.fitted = kept ? kept.fitted : "";
    map.hexbeat.found = kept ? kept.found : 0;
    map.hexbeat.before = kept ? kept.before : null;
    map.hexbeat.chosen = kept ? kept.chosen : "";
    look(map, kept);
    if (key) shareView(map, key);
    printWhole(map);
  };

  /** Look where a person looked on this map or one that shares its key (null: nowhere yet). */
  function look(map, kept, { asIs = false } = {}) {
    map.hexbeat.adapted = null;
    if (kept && !kept.byFit && asIs) map.setView(kept.centre, kept.zoom, { animate: false });
    else if (kept && !kept.byFit) lookThere(map, kept);
    else fitNow(map, kept && kept.fitted ? JSON.parse(kept.fitted) : map.hexbeat.home, { animate: false });
  }

  /** A view that was chosen on a much larger map is shown whole. It stays what was chosen, for when there is room again. */
  function lookThere(map, kept) {
    const isNarrower = findWindowWidth() < MUCH_SMALLER * kept.page;
    const shrinkage = isNarrower ? findShrinkage(map, kept.size) : 1;
    let { zoom } = kept;
    if (shrinkage < MUCH_SMALLER) {
      const snap = map.options.zoomSnap || 1;
      zoom = Math.max(map.getMinZoom(), Math.floor((zoom + Math.log2(shrinkage)) / snap) * snap);
      map.hexbeat.adapted = { centre: kept.centre, zoom };
    }
    map.setView(kept.centre, zoom, { animate: false });
  }

  /** Whether a map looks at a place as it did: its middle within a pixel or two, which a change of size may cost. */
  function isAt(map, view) {
    if (!view || map.getZoom() !== view.zoom) return false;
    return map.project(map.getCenter()).distanceTo(map.project(view.centre)) <= 2;
  }

  /** The storage event comes to the other frames of the tab only, and not to the one that wrote. */
  function shareView(map, key) {
    let following = false;
    map.on("moveend", () => {
      if (following || Hexbeat.printing) return;
      const { fitted, found, chosen, before, fitting, waiting, adapted } = map.hexbeat;
      if (isAt(map, adapted)) return; // what the person chose is kept
      const byFit = Boolean(fitting || waiting || isAsFitted(map)); // a change of its size moves a map too
      const kept = recall(key);
      const isSame = kept && !kept.byFit && kept.size && isAt(map, kept);
      const { size, page } = isSame ? kept : { size: sizeOf(map), page: findWindowWidth() };
      remember(key, { fitted, found, chosen, before, byFit, size, page, centre: map.getCenter(), zoom: map.getZoom() });
    });
    map.on("resize", () => {
      if (Hexbeat.printing || map.hexbeat.onPaper || map.hexbeat.waiting) return;
      const kept = recall(key);
      const { own, adapted } = map.hexbeat;
      if (kept && !kept.byFit && (isAt(map, adapted) || isAt(map, kept))) look(map, kept);
      else if (isAt(map, own) && findShrinkage(map, own.size) < MUCH_SMALLER) fitWanted(map);
    });
    window.addEventListener("storage", (event) => {
      const view = event.key === key && event.storageArea === sessionStorage && recall(key);
      if (!view) return;
      following = true;
      map.hexbeat.fitted = view.fitted;
      map.hexbeat.found = view.found;
      map.hexbeat.before = view.before;
      map.hexbeat.chosen = view.chosen;
      if (!view.byFit || !isAsFitted(map)) look(map, view, { asIs: true });
      following = false;
    });
  }

  /** Before it is printed a map takes the size that it has on paper, and shows what it showed; afterwards it is as before. */
  function printWhole(map) {
    let before = null;
    window.addEventListener("beforeprint", () => {
      const { style } = map.getContainer();
      map.hexbeat.onPaper = true;
      before = { width: style.width, height: style.height, centre: map.getCenter(), zoom: map.getZoom() };
      const bounds = map.getBounds();
      const sizes = [Math.min(PAPER_PX[0], window.innerWidth), Math.min(PAPER_PX[1], window.innerHeight)];
      [style.width, style.height] = sizes.map((length) => `${length}px`);
      map.invalidateSize({ animate: false });
      map.fitBounds(bounds, { animate: false });
    });
    window.addEventListener("afterprint", () => {
      if (!before) return;
      const { style } = map.getContainer();
      [style.width, style.height] = [before.width, before.height];
      map.invalidateSize({ animate: false });
      map.setView(before.centre, before.zoom, { animate: false });
      before = null;
      map.hexbeat.onPaper = false;
    });
  }

  /** Look at `bounds` ([[south, west], [north, east]], null: the whole area) unless the map has done so already. */
  Hexbeat.fit = (map, bounds) => {
    const wanted = bounds ? JSON.stringify(bounds) : "";
    if (!map.hexbeat) return;
    const again = map.hexbeat.fitted === wanted;
    if (again && !isInTheWay(map)) return;
    map.hexbeat.fitted = wanted;
    fitNow(map, bounds || map.hexbeat.home, again ? { animate: false } : {});
  };

  /** Look at a place that the person looked for, unless the map has gone there already: then it stays where it is. */
  Hexbeat.goTo = (map, { at, bounds, number }) => {
    if (!map.hexbeat || map.hexbeat.found === number) return;
    map.hexbeat.found = number;
    if (bounds) fitNow(map, bounds, { animate: false });
    else map.setView(at, Math.max(map.getZoom(), STREET_ZOOM), { animate: false });
  };

  /** Look at a cell that was chosen (its outline; null: none), unless it is plain to see. Once it is let go, the map looks
   * where the person looked before, if they have not moved it meanwhile.
   */
  Hexbeat.showChosen = (map, outline) => {
    if (!map.hexbeat) return;
    if (!Hexbeat.noteChosen(map, outline)) return;
    if (outline) lookAtCell(map, L.latLngBounds(outline));
    else goBack(map);
  };

  /** Whether another cell is chosen than before. One that was chosen on the map itself is noted, and moves nothing. */
  Hexbeat.noteChosen = (map, outline) => {
    const { lat, lng } = outline ? L.latLngBounds(outline).getCenter() : { lat: 0, lng: 0 };
    const name = outline ? `${lat.toFixed(4)} ${lng.toFixed(4)}` : "";
    if (!map.hexbeat || (map.hexbeat.chosen || "") === name) return false;
    map.hexbeat.chosen = name;
    return true;
  };

  function lookAtCell(map, bounds) {
    const centre = bounds.getCenter();
    const { x, y } = map.latLngToContainerPoint(centre);
    const [width, height] = sizeOf(map);
    const cell = map.project(bounds.getNorthEast()).x - map.project(bounds.getSouthWest()).x;
    const isSeen = Math.min(x, y, width - x, height - y) >= SIGHT_PX && cell >= TINY_PX;
    if (map.hexbeat.waiting || isSeen) return;
    const before = map.hexbeat.before && isAt(map, map.hexbeat.before.moved) ? map.hexbeat.before : null;
    const zoom = map.getZoom() + Math.max(0, Math.ceil(Math.log2(CELL_PX / cell)));
    map.hexbeat.before = {
      ...(before || { byFit: isAsFitted(map), centre: map.getCenter(), zoom: map.getZoom() }),
      moved: { centre, zoom },
    };
    map.setView(centre, zoom, { animate: false });
  }

  /** Whether a map looks at the cell it went to, be it shown whole in a window that has become narrower since. */
  function isAtCell(map, { centre, zoom }) {
    const { adapted } = map.hexbeat;
    return isAt(map, { centre, zoom }) || (isAt(map, adapted) && isAt(map, { centre, zoom: adapted.zoom }));
  }

  function goBack(map) {
    const { before } = map.hexbeat;
    map.hexbeat.before = null;
    if (!before || !isAtCell(map, before.moved)) return;
    if (before.byFit) fitWanted(map);
    else map.setView(before.centre, before.zoom, { animate: false });
  }

  /** The legend has changed: a map that is as it was fitted moves clear of it, and names of wards give way to it. */
  Hexbeat.clearLegend = (map) => {
    if (!map.hexbeat || !map.hexbeat.clearControls) return;
    if (isInTheWay(map)) fitWanted(map);
    else map.hexbeat.clearControls();
  };

  /** Look at the chosen wards, or at the whole area. */
  function fitWanted(map, options = { animate: false }) {
    const { fitted, home } = map.hexbeat;
    fitNow(map, fitted ? JSON.parse(fitted) : home, options);
  }

  Hexbeat.fitAgain = (map) => fitWanted(map, {});
})();
