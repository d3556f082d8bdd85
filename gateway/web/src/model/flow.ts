// The data flow as it is drawn: what the contract's graph has, with the smallest producers folded into one box when there
// are many, and one line between two boxes whatever takes it.

import { type FlowEdge, FlowEffect, type FlowNode, FlowRole } from "../gen/triflow/ingestion/v1/ingestion_pb";
import type { Ends, Link } from "./graph";

/** A box of the drawing. */
export interface FlowBox {
  id: string;
  name: string;
  role: FlowRole;
  /** What leaves a producer, or comes to anything else: items a second, and items since start. */
  rate: number;
  items: bigint;
}

/** A line of the drawing: the edges between two boxes, at least one. client and server are the ids of the boxes. */
export interface FlowWay extends Link {
  edges: FlowEdge[];
  rate: number;
  /** The one that takes most away: lossy before enriching before lossless. */
  effect: FlowEffect;
}

/** The drawing without its places. */
export interface FlowPicture {
  boxes: FlowBox[];
  ways: FlowWay[];
  /** Producers stand first, sinks last. */
  ends: Ends;
  /** The producers that one box stands for, those with most items first. */
  folded: FlowBox[];
}

/** The id of the box that stands for the folded producers; it sorts behind those of the contract. */
export const others = "~others";

/** Draws at most so many producers, those with most items; the last box stands for all others. */
export function flowPicture(
  nodes: readonly FlowNode[],
  edges: readonly FlowEdge[],
  mostProducers: number,
): FlowPicture {
  const boxes = new Map<string, FlowBox>();
  for (const n of nodes) if (!boxes.has(n.id)) boxes.set(n.id, box(n.id, n.name, n.role));
  for (const e of edges) count(boxes, e);
  const folded = fold(boxes, mostProducers);
  const small = new Set(folded.map((b) => b.id));
  const ways = new Map<string, FlowWay>();
  for (const e of edges) {
    const [client, server] = [small.has(e.from) ? others : e.from, e.to];
    if (!boxes.has(client) || !boxes.has(server)) continue;
    const key = JSON.stringify([client, server]);
    const way = ways.get(key) ?? { client, server, edges: [], rate: 0, effect: FlowEffect.UNSPECIFIED };
    ways.set(key, way);
    way.edges.push(e);
    way.rate += e.itemsPerSecond;
    if (weight(e.effect) > weight(way.effect)) way.effect = e.effect;
  }
  const ends = new Map<string, "first" | "last">();
  for (const b of boxes.values()) {
    if (b.role === FlowRole.PRODUCER) ends.set(b.id, "first");
    if (b.role === FlowRole.SINK) ends.set(b.id, "last");
  }
  return { boxes: [...boxes.values()], ways: [...ways.values()], ends, folded };
}

/** The lines that telemetry of a box comes by or goes by, from its producers to its sinks, by their index. */
export function throughBox(ways: readonly FlowWay[], id: string): Set<number> {
  const found = new Set<number>();
  const walk = (from: "client" | "server", to: "client" | "server") => {
    const seen = new Set([id]);
    for (const at of seen)
      ways.forEach((w, i) => {
        if (w[from] !== at) return;
        found.add(i);
        seen.add(w[to]);
      });
  };
  walk("client", "server");
  walk("server", "client");
  return found;
}

function box(id: string, name: string, role: FlowRole): FlowBox {
  return { id, name, role, rate: 0, items: 0n };
}

function count(boxes: Map<string, FlowBox>, e: FlowEdge) {
  const [from, to] = [boxes.get(e.from), boxes.get(e.to)];
  if (from?.role === FlowRole.PRODUCER) add(from, e.itemsPerSecond, e.items);
  if (to && to.role !== FlowRole.PRODUCER) add(to, e.itemsPerSecond, e.items);
}

function add(b: FlowBox, rate: number, items: bigint) {
  b.rate += rate;
  b.items += items;
}

/** Replaces the smallest producers by one box, and gives them. By items, as rates change too often to stand by. */
function fold(boxes: Map<string, FlowBox>, most: number): FlowBox[] {
  const producers = [...boxes.values()].filter((b) => b.role === FlowRole.PRODUCER);
  if (producers.length <= most) return [];
  producers.sort((a, b) => Number(b.items - a.items) || (a.id < b.id ? -1 : 1));
  const small = producers.slice(most - 1);
  const rest = box(others, `${small.length} more`, FlowRole.PRODUCER);
  for (const b of small) {
    add(rest, b.rate, b.items);
    boxes.delete(b.id);
  }
  boxes.set(others, rest);
  return small;
}

function weight(e: FlowEffect): number {
  return [FlowEffect.UNSPECIFIED, FlowEffect.LOSSLESS, FlowEffect.ENRICHING, FlowEffect.LOSSY].indexOf(e);
}
