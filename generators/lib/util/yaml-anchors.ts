/**
 * Anchors and aliases in a document that is edited: an edit of one phase must not change another that shares a list with it, and an alias
 * must come after its anchor, also when the phase with the anchor goes or moves.
 */
import { Alias, isAlias, isNode, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';

/** What an alias stands for; other nodes stand for themselves. */
export function meant(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** The text of a scalar or of what an alias of one stands for; undefined for everything else. */
export function textOf(document: Document, node: unknown): string | undefined {
  const scalar = meant(document, node);
  return isScalar(scalar) ? String(scalar.value) : undefined;
}

/** The list of a field, the phase's own: when it is shared it is copied first. Undefined when there is none. */
export function ownList(document: Document, map: YAMLMap, key: string): YAMLSeq | undefined {
  const node = map.get(key, true) as unknown;
  const list = meant(document, node);
  if (!isSeq(list)) return undefined;
  if (node === list && !isShared(document, list)) return list;
  const copy = withoutAnchors(list) as YAMLSeq;
  map.set(key, copy);
  if (list.anchor !== undefined) settleAnchors(document, new Map([[list.anchor, list]]));
  return copy;
}

/** Whether something else would change with this node. */
export function isShared(document: Document, node: unknown): boolean {
  if (isAlias(node)) return true;
  const anchor = isNode(node) && !isAlias(node) ? node.anchor : undefined;
  let found = false;
  if (anchor !== undefined)
    visit(document, {
      Alias(_key, alias) {
        if (alias.source !== anchor) return undefined;
        found = true;
        return visit.BREAK;
      },
    });
  return found;
}

function withoutAnchors(node: Node): Node {
  const copy = node.clone() as Node;
  const forget = (_: unknown, part: Node): void => {
    if (!isAlias(part)) delete part.anchor;
  };
  visit(copy as never, { Scalar: forget as never, Map: forget as never, Seq: forget as never });
  return copy;
}

/** Everything that aliases stand for, by anchor. */
export function anchorsOf(document: Document): ReadonlyMap<string, Node> {
  const anchors = new Map<string, Node>();
  const note = (_: unknown, node: Node): void => {
    if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
  };
  visit(document, { Scalar: note, Map: note, Seq: note });
  return anchors;
}

/** After an edit: an alias whose anchor has gone, or comes after it now, takes its place. */
export function settleAnchors(document: Document, anchors: ReadonlyMap<string, Node>): void {
  const seen = new Set<Node>();
  const defined = new Set<string>();
  const place = (_: unknown, node: Node): Node | undefined => {
    if (isAlias(node) || node.anchor === undefined) return undefined;
    if (seen.has(node)) return new Alias(node.anchor);
    seen.add(node);
    defined.add(node.anchor);
    return undefined;
  };
  visit(document, {
    Alias(_key, alias) {
      return defined.has(alias.source) ? undefined : anchors.get(alias.source);
    },
    Scalar: place,
    Map: place,
    Seq: place,
  });
}
