// Layered drawing of who calls whom: callers left, what they call right of them. The same graph always gets the same
// drawing. After Sugiyama, Tagawa and Toda (1981): break cycles, assign layers, let links that pass over a layer take a
// place in it, order by barycentre, place.

/** A call relation by node names. */
export interface Link {
  client: string;
  server: string;
}

/** A point of the drawing. */
export interface Point {
  x: number;
  y: number;
}

/** Where a node is drawn; x and y are its centre. */
export interface Placed extends Point {
  name: string;
  layer: number;
}

/** The drawing. */
export interface Drawing {
  width: number;
  height: number;
  nodes: Map<string, Placed>;
  /** For each link the centres of the gaps between nodes that it goes through, in its direction; most have none. */
  bends: Point[][];
}

/** Sizes of the drawing, in pixels. */
export interface Spacing {
  nodeWidth: number;
  nodeHeight: number;
  /** Free space between layers and between the nodes of a layer. */
  layerGap: number;
  nodeGap: number;
}

/** Nodes that stand in the first or the last layer, whatever their links say. All others stand between them. */
export type Ends = ReadonlyMap<string, "first" | "last">;

/** A link that points right. */
interface Arc {
  from: string;
  to: string;
  /** The link that it is drawn for; -1 where that runs the other way. */
  link: number;
}

/** Places every node; links to unknown nodes are ignored. */
export function layout(
  names: readonly string[],
  links: readonly Link[],
  spacing: Spacing,
  ends: Ends = new Map(),
): Drawing {
  const nodes = [...new Set(names)].sort();
  const arcs = withoutCycles(nodes, links, ends);
  const layers = assignLayers(nodes, arcs, ends);
  const { short, lanes } = splitLong(layers, arcs);
  const { width, height, places } = place(order(layers, short), short, spacing);
  return {
    width,
    height,
    nodes: new Map([...places].filter(([name]) => !isLane(name))),
    bends: links.map((_, i) => (lanes.get(i) ?? []).map((lane) => places.get(lane)!)),
  };
}

/**
 * Turns round the links that run against the ends, and those that close a cycle in a depth-first walk, so that the rest of
 * the layout may assume that there are none.
 */
function withoutCycles(nodes: string[], links: readonly Link[], ends: Ends): Arc[] {
  const known = new Set(nodes);
  const usable = links
    .map((l, link) => ({ from: l.client, to: l.server, link }))
    .filter((a) => a.from !== a.to && known.has(a.from) && known.has(a.to))
    .map((a) => (ends.get(a.from) === "last" || ends.get(a.to) === "first" ? { from: a.to, to: a.from, link: -1 } : a));
  const out = groupBy(
    usable,
    (a) => a.from,
    (a) => a,
  );
  const incoming = new Set(usable.map((a) => a.to));
  const state = new Map<string, "open" | "done">();
  const result: Arc[] = [];
  const visit = (node: string) => {
    state.set(node, "open");
    for (const arc of out.get(node) ?? []) {
      if (state.get(arc.to) === "open") {
        result.push({ from: arc.to, to: node, link: -1 });
        continue;
      }
      result.push(arc);
      if (!state.has(arc.to)) visit(arc.to);
    }
    state.set(node, "done");
  };
  for (const n of nodes) if (!incoming.has(n) && !state.has(n)) visit(n);
  for (const n of nodes) if (!state.has(n)) visit(n);
  return result;
}

/** Longest way from a source, so that every arc points right. */
function assignLayers(nodes: string[], arcs: Arc[], ends: Ends): string[][] {
  const out = outgoing(arcs);
  const waiting = new Map(nodes.map((n) => [n, 0]));
  for (const a of arcs) waiting.set(a.to, waiting.get(a.to)! + 1);
  const start = [...ends.values()].includes("first") ? 1 : 0;
  const layer = new Map(nodes.map((n) => [n, ends.get(n) === "first" ? 0 : start]));
  const ready = nodes.filter((n) => waiting.get(n) === 0);
  for (let n = ready.shift(); n !== undefined; n = ready.shift()) {
    for (const to of out.get(n) ?? []) {
      layer.set(to, Math.max(layer.get(to)!, layer.get(n)! + 1));
      waiting.set(to, waiting.get(to)! - 1);
      if (waiting.get(to) === 0) ready.push(to);
    }
  }
  const last = Math.max(start, ...layer.values());
  for (const [n, end] of ends) if (end === "last" && layer.has(n)) layer.set(n, last);
  const layers: string[][] = Array.from({ length: last + 1 }, () => []);
  for (const n of nodes) layers[layer.get(n)!]!.push(n);
  return layers.filter((l) => l.length > 0);
}

/**
 * Puts lanes into the layers that arcs pass over, so that nodes make room for them. Arcs to one node share a lane in a
 * layer: they run together from there on. Lanes are added to layers.
 */
function splitLong(layers: string[][], arcs: Arc[]): { short: Arc[]; lanes: Map<number, string[]> } {
  const layerOf = layersOf(layers);
  const short = new Map<string, Arc>();
  const lanes = new Map<number, string[]>();
  for (const a of arcs) {
    const passed: string[] = [];
    for (let l = layerOf.get(a.from)! + 1; a.link >= 0 && l < layerOf.get(a.to)!; l++) {
      const lane = `${lanePrefix}${l} ${a.to}`;
      if (!layers[l]!.includes(lane)) layers[l]!.push(lane);
      passed.push(lane);
    }
    lanes.set(a.link, passed);
    const stops = [a.from, ...passed, a.to];
    for (let i = 1; i < stops.length; i++) {
      const [from, to] = [stops[i - 1]!, stops[i]!];
      short.set(JSON.stringify([from, to]), { from, to, link: a.link });
    }
  }
  return { short: [...short.values()], lanes };
}

// No name of a node begins with it, as far as they are texts that somebody can read.
const lanePrefix = "\0lane ";
const laneHeight = 6;

function isLane(name: string): boolean {
  return name.startsWith(lanePrefix);
}

/** Orders each layer by the mean position of its neighbours, to and fro, and keeps the order with the fewest crossings. */
function order(layers: string[][], arcs: Arc[]): string[][] {
  let current = layers;
  let best = layers;
  let fewest = crossings(layers, arcs);
  for (let round = 0; round < 12 && fewest > 0; round++) {
    current = sweep(current, arcs, round % 2 === 0);
    const n = crossings(current, arcs);
    if (n < fewest) [best, fewest] = [current, n];
  }
  return best;
}

function sweep(layers: string[][], arcs: Arc[], forward: boolean): string[][] {
  const position = positions(layers);
  const neighbours = forward ? incomingOf(arcs) : outgoing(arcs);
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

/** Counts the pairs of arcs out of one layer that cross. Every pair is compared: 600 arcs take some milliseconds. */
function crossings(layers: string[][], arcs: Arc[]): number {
  const position = positions(layers);
  const layerOf = layersOf(layers);
  let n = 0;
  const ends = (a: Arc) => [position.get(a.from)!, position.get(a.to)!] as const;
  for (const group of groupBy(arcs, (a) => layerOf.get(a.from)!, ends).values())
    for (let i = 0; i < group.length; i++)
      for (let j = i + 1; j < group.length; j++)
        if ((group[i]![0] - group[j]![0]) * (group[i]![1] - group[j]![1]) < 0) n++;
  return n;
}

/** Puts nodes at even heights, then draws each towards its neighbours as far as its layer's order allows. */
function place(layers: string[][], arcs: Arc[], s: Spacing) {
  const room = (n: string) => (isLane(n) ? laneHeight : s.nodeHeight) + s.nodeGap;
  const tall = (l: string[]) => l.reduce((sum, n) => sum + room(n), 0);
  const height = Math.max(s.nodeHeight + s.nodeGap, ...layers.map(tall));
  const center = new Map<string, number>();
  for (const l of layers) {
    let top = (height - tall(l)) / 2;
    for (const n of l) {
      center.set(n, top + room(n) / 2);
      top += room(n);
    }
  }
  const neighbours = [incomingOf(arcs), outgoing(arcs)];
  for (let round = 0; round < 8; round++) {
    for (const l of layers) align(l, center, neighbours[round % 2]!, room, height);
  }
  const places = new Map<string, Placed>();
  layers.forEach((l, i) => {
    for (const name of l) {
      places.set(name, { name, layer: i, x: s.nodeWidth / 2 + i * (s.nodeWidth + s.layerGap), y: center.get(name)! });
    }
  });
  return { width: layers.length * (s.nodeWidth + s.layerGap) - s.layerGap, height, places };
}

function align(
  layer: string[],
  center: Map<string, number>,
  near: Map<string, string[]>,
  room: (name: string) => number,
  height: number,
) {
  const wanted = layer.map((n) => {
    const list = near.get(n) ?? [];
    return list.length ? list.reduce((sum, m) => sum + center.get(m)!, 0) / list.length : center.get(n)!;
  });
  // Down, each under the one above; then up from the bottom edge.
  const apart = (k: number) => (room(layer[k - 1]!) + room(layer[k]!)) / 2;
  for (let k = 1; k < wanted.length; k++) wanted[k] = Math.max(wanted[k]!, wanted[k - 1]! + apart(k));
  for (let k = wanted.length - 1, limit = height; k >= 0; k--) {
    wanted[k] = Math.min(wanted[k]!, limit - room(layer[k]!) / 2);
    limit = wanted[k]! - room(layer[k]!) / 2;
  }
  let floor = 0;
  layer.forEach((n, k) => {
    const at = Math.max(wanted[k]!, floor + room(n) / 2);
    center.set(n, at);
    floor = at + room(n) / 2;
  });
}

function layersOf(layers: string[][]): Map<string, number> {
  return new Map(layers.flatMap((l, i) => l.map((n) => [n, i] as const)));
}

function positions(layers: string[][]): Map<string, number> {
  return new Map(layers.flatMap((l) => l.map((n, k) => [n, relative(k, l.length)] as const)));
}

function relative(index: number, length: number): number {
  return (index + 0.5) / length;
}

function outgoing(arcs: Arc[]): Map<string, string[]> {
  return groupBy(
    arcs,
    (a) => a.from,
    (a) => a.to,
  );
}

function incomingOf(arcs: Arc[]): Map<string, string[]> {
  return groupBy(
    arcs,
    (a) => a.to,
    (a) => a.from,
  );
}

function groupBy<T, K, V>(list: readonly T[], key: (t: T) => K, value: (t: T) => V): Map<K, V[]> {
  const out = new Map<K, V[]>();
  for (const t of list) {
    const group = out.get(key(t));
    if (group) group.push(value(t));
    else out.set(key(t), [value(t)]);
  }
  return out;
}
