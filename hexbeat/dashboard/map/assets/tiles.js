/* A council's own tiles below everything else. Only the origin of this page is told to the service, no filter and no place.
 * Where no tile comes, as on a network that blocks the service, the map says so and draws the area's own streets.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const PANE = "hexbeat-tiles";
  const FAILURES = 6; // without one tile that came
  const LARGEST_ZOOM = 19;

  function buildLayer({ address, wms }) {
    const options = { pane: PANE, maxNativeZoom: LARGEST_ZOOM, maxZoom: LARGEST_ZOOM, referrerPolicy: "strict-origin" };
    // Leaflet counts rows from the north; {-y} from the south.
    return wms ? L.tileLayer.wms(address, { ...options, ...wms }) : L.tileLayer(address, options);
  }

  /** Draw the tiles, and call `instead` once if none of them comes. */
  Hexbeat.drawTiles = (map, tiles, instead) => {
    const pane = map.createPane(PANE);
    pane.style.zIndex = 200;
    pane.setAttribute("aria-hidden", "true");
    const layer = buildLayer(tiles);
    let failed = 0;
    const fail = () => {
      failed += 1;
      if (failed < FAILURES) return;
      layer.off("tileerror", fail).remove();
      map.hexbeat.tiled = false;
      map.getContainer().classList.remove("hexbeat-tiled");
      const note = Hexbeat.element("p", "hexbeat-no-tiles", "The map tiles cannot be loaded now.");
      note.setAttribute("role", "status");
      Hexbeat.addCredits(map, tiles.under ? [] : tiles.credits);
      Hexbeat.addControl(map, "topright", note);
      instead();
    };
    layer.on("tileerror", fail).on("tileload", () => layer.off("tileerror", fail));
    layer.addTo(map);
  };
})();
