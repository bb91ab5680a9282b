/* Where the map looks. It opens on the area or the chosen wards, and a person's own zoom and centre survive filters,
 * another layer and a change of page: they are kept for the tab, under the map's key. A new choice of wards moves the map
 * again. Maps that share a key look at the same place: each follows when another is moved. One that has only been fitted
 * is fitted again, because maps of different sizes show the same wards at different zooms.
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
      map.hexbeat.own = { centre: map.getCenter(), zoom: map.getZoom() };
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
    look(map, kept);
    if (key) shareView(map, key);
    printWhole(map);
  };

  /** Look where a person looked on this map or one that shares its key (null: nowhere yet). */
  function look(map, kept) {
    if (kept && !kept.byFit) map.setView(kept.centre, kept.zoom, { animate: false });
    else fitNow(map, kept && kept.fitted ? JSON.parse(kept.fitted) : map.hexbeat.home, { animate: false });
  }

  /** The storage event comes to the other frames of the tab only, and not to the one that wrote. */
  function shareView(map, key) {
    let following = false;
    map.on("moveend", () => {
      if (following || Hexbeat.printing) return;
      const { fitted, found, fitting, waiting } = map.hexbeat;
      const byFit = Boolean(fitting || waiting || isAsFitted(map)); // a change of its size moves a map too
      remember(key, { fitted, found, byFit, centre: map.getCenter(), zoom: map.getZoom() });
    });
    window.addEventListener("storage", (event) => {
      const view = event.key === key && event.storageArea === sessionStorage && recall(key);
      if (!view) return;
      following = true;
      map.hexbeat.fitted = view.fitted;
      map.hexbeat.found = view.found;
      if (!view.byFit || !isAsFitted(map)) look(map, view);
      following = false;
    });
  }

  /** Before it is printed a map takes the size that it has on paper, and shows what it showed; afterwards it is as before. */
  function printWhole(map) {
    let before = null;
    window.addEventListener("beforeprint", () => {
      const { style } = map.getContainer();
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

  /** The legend has changed: a map that is as it was fitted moves clear of it, and names of wards give way to it. */
  Hexbeat.clearLegend = (map) => {
    if (!map.hexbeat || !map.hexbeat.clearControls) return;
    const { fitted, home } = map.hexbeat;
    if (isInTheWay(map)) fitNow(map, fitted ? JSON.parse(fitted) : home, { animate: false });
    else map.hexbeat.clearControls();
  };

  Hexbeat.fitAgain = (map) => {
    fitNow(map, map.hexbeat.fitted ? JSON.parse(map.hexbeat.fitted) : map.hexbeat.home, {});
  };
})();
