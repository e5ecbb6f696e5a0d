// What a published manifest lacks: whatever leads to sources, and what only this repository can run.

const SOURCE = "@stagefold/source";

/** @param {unknown} exports @returns {unknown} */
function withoutSources(exports) {
  if (typeof exports !== "object" || exports === null) return exports;
  const kept = Object.entries(exports).filter(([condition]) => condition !== SOURCE);
  return Object.fromEntries(kept.map(([condition, target]) => [condition, withoutSources(target)]));
}

module.exports = {
  hooks: {
    /** @param {Record<string, unknown>} manifest */
    beforePacking({ devDependencies: _dev, scripts: _scripts, ...manifest }) {
      return "exports" in manifest ? { ...manifest, exports: withoutSources(manifest.exports) } : manifest;
    },
  },
};
