interface Exporter<Items> {
  export(items: Items, done: (result: { readonly code: number; readonly error?: Error }) => void): void;
}

/** A collector that is away stays away for many batches: `onLost` is called with the first one, and again after it was back. */
export function tellOnce<Items>(exporter: Exporter<Items>, onLost: (error: unknown) => void): void {
  const send = exporter.export.bind(exporter);
  let isLost = false;
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0 && !isLost) onLost(result.error);
      isLost = result.code !== 0;
      // What was lost is lost: for the SDK it is as well sent, or it would report each batch in its own way.
      done({ code: 0 });
    });
}
