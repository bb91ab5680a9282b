/* Where the map looks. It opens on the area or the chosen wards, and a person's own zoom and centre survive filters
 * and a change of page: they are kept for the tab, under the map's key. A new choice of wards moves the map again.
 * Maps that share a key look at the same place: each follows when another is moved.
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const PADDING = { paddingTopLeft: [48, 10], paddingBottomRight: [10, 40] }; // clear of buttons and sources

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

  /** A map in a hidden tab has no size yet; it is fitted when it gets one. */
  function fitNow(map, bounds, options) {
    if (map.getSize().x > 0) map.fitBounds(bounds, { ...PADDING, ...options });
    else map.once("resize", () => map.fitBounds(bounds, { ...PADDING, animate: false }));
  }

  Hexbeat.openView = (map, key, home) => {
    const kept = key && recall(key);
    map.hexbeat.home = home;
    map.hexbeat.fitted = kept ? kept.fitted : "";
    if (kept) map.setView(kept.centre, kept.zoom, { animate: false });
    else fitNow(map, home, { animate: false });
    if (key) shareView(map, key);
  };

  /** The storage event comes to the other frames of the tab only, and not to the one that wrote. */
  function shareView(map, key) {
    let following = false;
    map.on("moveend", () => {
      if (!following) remember(key, { fitted: map.hexbeat.fitted, centre: map.getCenter(), zoom: map.getZoom() });
    });
    window.addEventListener("storage", (event) => {
      const view = event.key === key && event.storageArea === sessionStorage && recall(key);
      if (!view) return;
      following = true;
      map.hexbeat.fitted = view.fitted;
      map.setView(view.centre, view.zoom, { animate: false });
      following = false;
    });
  }

  /** Look at `bounds` ([[south, west], [north, east]], null: the whole area) unless the map has done so already. */
  Hexbeat.fit = (map, bounds) => {
    const wanted = bounds ? JSON.stringify(bounds) : "";
    if (!map.hexbeat || map.hexbeat.fitted === wanted) return;
    map.hexbeat.fitted = wanted;
    fitNow(map, bounds || map.hexbeat.home, {});
  };

  Hexbeat.fitAgain = (map) => {
    fitNow(map, map.hexbeat.fitted ? JSON.parse(map.hexbeat.fitted) : map.hexbeat.home, {});
  };
})();
