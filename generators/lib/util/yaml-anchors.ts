/**
 * Anchors and aliases in a document that is edited: an edit of one phase must not change another
 * that shares a list with it, and an alias
 * must come after its anchor, also when the phase with the anchor goes or moves.
 */
import { Alias, isAlias, isNode, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';

/** What an alias stands for; other nodes stand for themselves. */
export function resolveAlias(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** The text of a scalar or of what an alias of one stands for; undefined for everything else. */
export function scalarString(document: Document, node: unknown): string | undefined {
  const scalar = resolveAlias(document, node);
  return isScalar(scalar) ? String(scalar.value) : undefined;
}

/**
 * The list of a field, the phase's own: when it is shared it is copied first. Undefined when there
 * is none.
 */
export function getOwnList(document: Document, map: YAMLMap, key: string): YAMLSeq | undefined {
  const node = map.get(key, true) as unknown;
  const list = resolveAlias(document, node);
  if (!isSeq(list)) {
    return undefined;
  }
  if (node === list && !isAliased(document, list)) {
    return list;
  }
  const copy = cloneWithoutAnchors(list) as YAMLSeq;
  map.set(key, copy);
  if (list.anchor !== undefined) {
    repairAnchors(document, new Map([[list.anchor, list]]));
  }
  return copy;
}

/** Whether something else would change with this node. */
export function isAliased(document: Document, node: unknown): boolean {
  if (isAlias(node)) {
    return true;
  }
  const anchor = isNode(node) && !isAlias(node) ? node.anchor : undefined;
  let found = false;
  if (anchor !== undefined) {
    visit(document, {
      Alias(_key, alias) {
        if (alias.source !== anchor) {
          return undefined;
        }
        found = true;
        return visit.BREAK;
      },
    });
  }
  return found;
}

function cloneWithoutAnchors(node: Node): Node {
  const copy = node.clone() as Node;
  const removeAnchor = (_: unknown, part: Node): void => {
    if (!isAlias(part)) {
      delete part.anchor;
    }
  };
  visit(copy as never, {
    Scalar: removeAnchor as never,
    Map: removeAnchor as never,
    Seq: removeAnchor as never,
  });
  return copy;
}

/** Everything that aliases stand for, by anchor. */
export function collectAnchors(document: Document): ReadonlyMap<string, Node> {
  const anchors = new Map<string, Node>();
  const addAnchor = (_: unknown, node: Node): void => {
    if (!isAlias(node) && node.anchor !== undefined) {
      anchors.set(node.anchor, node);
    }
  };
  visit(document, { Scalar: addAnchor, Map: addAnchor, Seq: addAnchor });
  return anchors;
}

/** After an edit: an alias whose anchor has gone, or comes after it now, takes its place. */
export function repairAnchors(document: Document, anchors: ReadonlyMap<string, Node>): void {
  const seen = new Set<Node>();
  const defined = new Set<string>();
  const visitAnchored = (_: unknown, node: Node): Node | undefined => {
    if (isAlias(node) || node.anchor === undefined) {
      return undefined;
    }
    if (seen.has(node)) {
      return new Alias(node.anchor);
    }
    seen.add(node);
    defined.add(node.anchor);
    return undefined;
  };
  visit(document, {
    Alias(_key, alias) {
      return defined.has(alias.source) ? undefined : anchors.get(alias.source);
    },
    Scalar: visitAnchored,
    Map: visitAnchored,
    Seq: visitAnchored,
  });
}
