// Layered drawing of who calls whom: callers left, what they call right of them. The same graph always gets the same
// drawing. After Sugiyama, Tagawa and Toda (1981): break cycles, assign layers, order by barycentre, place.

/** A call relation by node names. */
export interface Link {
  client: string;
  server: string;
}

/** Where a node is drawn; x and y are its centre. */
export interface Placed {
  name: string;
  layer: number;
  x: number;
  y: number;
}

/** The drawing. */
export interface Drawing {
  width: number;
  height: number;
  nodes: Map<string, Placed>;
}

/** Sizes of the drawing, in pixels. */
export interface Spacing {
  nodeWidth: number;
  nodeHeight: number;
  /** Free space between layers and between the nodes of a layer. */
  layerGap: number;
  nodeGap: number;
}

/** Places every node; links to unknown nodes are ignored. */
export function layout(names: readonly string[], links: readonly Link[], spacing: Spacing): Drawing {
  const nodes = [...new Set(names)].sort();
  const known = new Set(nodes);
  const usable = links.filter((l) => l.client !== l.server && known.has(l.client) && known.has(l.server));
  const acyclic = withoutCycles(nodes, usable);
  const layers = order(assignLayers(nodes, acyclic), acyclic);
  return place(layers, acyclic, spacing);
}

/** Turns round the links that close a cycle in a depth-first walk, so that the rest of the layout may assume there is none. */
function withoutCycles(nodes: string[], links: Link[]): Link[] {
  const out = outgoing(links);
  const incoming = new Set(links.map((l) => l.server));
  const state = new Map<string, "open" | "done">();
  const result: Link[] = [];
  const visit = (node: string) => {
    state.set(node, "open");
    for (const server of out.get(node) ?? []) {
      if (state.get(server) === "open") {
        result.push({ client: server, server: node });
        continue;
      }
      result.push({ client: node, server });
      if (!state.has(server)) visit(server);
    }
    state.set(node, "done");
  };
  for (const n of nodes) if (!incoming.has(n) && !state.has(n)) visit(n);
  for (const n of nodes) if (!state.has(n)) visit(n);
  return result;
}

/** Longest way from a source, so that every link points right. */
function assignLayers(nodes: string[], links: Link[]): string[][] {
  const out = outgoing(links);
  const waiting = new Map(nodes.map((n) => [n, 0]));
  for (const l of links) waiting.set(l.server, waiting.get(l.server)! + 1);
  const layer = new Map(nodes.map((n) => [n, 0]));
  const ready = nodes.filter((n) => waiting.get(n) === 0);
  for (let n = ready.shift(); n !== undefined; n = ready.shift()) {
    for (const server of out.get(n) ?? []) {
      layer.set(server, Math.max(layer.get(server)!, layer.get(n)! + 1));
      waiting.set(server, waiting.get(server)! - 1);
      if (waiting.get(server) === 0) ready.push(server);
    }
  }
  const layers: string[][] = [];
  for (const n of nodes) {
    const l = layer.get(n)!;
    while (layers.length <= l) layers.push([]);
    layers[l]!.push(n);
  }
  return layers;
}

/** Orders each layer by the mean position of its neighbours, to and fro, and keeps the order with the fewest crossings. */
function order(layers: string[][], links: Link[]): string[][] {
  let current = layers;
  let best = layers;
  let fewest = crossings(layers, links);
  for (let round = 0; round < 12 && fewest > 0; round++) {
    current = sweep(current, links, round % 2 === 0);
    const n = crossings(current, links);
    if (n < fewest) [best, fewest] = [current, n];
  }
  return best;
}

function sweep(layers: string[][], links: Link[], forward: boolean): string[][] {
  const position = positions(layers);
  const neighbours = forward ? incomingOf(links) : outgoing(links);
  const result = layers.map((l) => [...l]);
  const indexes = layers.map((_, i) => i);
  if (!forward) indexes.reverse();
  for (const i of indexes) {
    const weight = new Map<string, number>();
    for (const n of result[i]!) {
      const near = neighbours.get(n) ?? [];
      weight.set(n, near.length ? near.reduce((sum, m) => sum + position.get(m)!, 0) / near.length : position.get(n)!);
    }
    result[i]!.sort((a, b) => weight.get(a)! - weight.get(b)! || (a < b ? -1 : 1));
    result[i]!.forEach((n, k) => {
      position.set(n, relative(k, result[i]!.length));
    });
  }
  return result;
}

function crossings(layers: string[][], links: Link[]): number {
  const position = positions(layers);
  const layerOf = new Map(layers.flatMap((l, i) => l.map((n) => [n, i] as const)));
  let n = 0;
  for (let i = 0; i < links.length; i++) {
    for (let j = i + 1; j < links.length; j++) {
      const [a, b] = [links[i]!, links[j]!];
      if (layerOf.get(a.client) !== layerOf.get(b.client) || layerOf.get(a.server) !== layerOf.get(b.server)) continue;
      const from = position.get(a.client)! - position.get(b.client)!;
      const to = position.get(a.server)! - position.get(b.server)!;
      if (from * to < 0) n++;
    }
  }
  return n;
}

/** Puts nodes at even heights, then draws each towards its neighbours as far as its layer's order allows. */
function place(layers: string[][], links: Link[], s: Spacing): Drawing {
  const pitch = s.nodeHeight + s.nodeGap;
  const tallest = Math.max(1, ...layers.map((l) => l.length));
  const height = tallest * pitch;
  const center = new Map<string, number>();
  for (const l of layers) {
    l.forEach((n, k) => {
      center.set(n, height / 2 + (k - (l.length - 1) / 2) * pitch);
    });
  }
  const neighbours = [incomingOf(links), outgoing(links)];
  for (let round = 0; round < 8; round++) {
    for (const l of layers) align(l, center, neighbours[round % 2]!, pitch, height);
  }
  const nodes = new Map<string, Placed>();
  layers.forEach((l, i) => {
    for (const name of l) {
      nodes.set(name, { name, layer: i, x: s.nodeWidth / 2 + i * (s.nodeWidth + s.layerGap), y: center.get(name)! });
    }
  });
  return { width: layers.length * (s.nodeWidth + s.layerGap) - s.layerGap, height, nodes };
}

function align(
  layer: string[],
  center: Map<string, number>,
  near: Map<string, string[]>,
  pitch: number,
  height: number,
) {
  const wanted = layer.map((n) => {
    const list = near.get(n) ?? [];
    return list.length ? list.reduce((sum, m) => sum + center.get(m)!, 0) / list.length : center.get(n)!;
  });
  // Down, each at least one pitch under the one above; then up from the bottom edge.
  for (let k = 1; k < wanted.length; k++) wanted[k] = Math.max(wanted[k]!, wanted[k - 1]! + pitch);
  let limit = height - pitch / 2;
  for (let k = wanted.length - 1; k >= 0; k--) {
    wanted[k] = Math.min(wanted[k]!, limit);
    limit = wanted[k]! - pitch;
  }
  let floor = pitch / 2;
  layer.forEach((n, k) => {
    const at = Math.max(wanted[k]!, floor);
    center.set(n, at);
    floor = at + pitch;
  });
}

function positions(layers: string[][]): Map<string, number> {
  return new Map(layers.flatMap((l) => l.map((n, k) => [n, relative(k, l.length)] as const)));
}

function relative(index: number, length: number): number {
  return (index + 0.5) / length;
}

function outgoing(links: Link[]): Map<string, string[]> {
  return group(links, (l) => [l.client, l.server]);
}

function incomingOf(links: Link[]): Map<string, string[]> {
  return group(links, (l) => [l.server, l.client]);
}

function group(links: Link[], ends: (l: Link) => [string, string]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const l of links) {
    const [from, to] = ends(l);
    const list = out.get(from);
    if (list) list.push(to);
    else out.set(from, [to]);
  }
  return out;
}
