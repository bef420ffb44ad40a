/**
 * Anchors and aliases in a YAML document that is edited. An edit of one phase must not change
 * another phase that shares a list with it through an alias. An alias must come after its anchor,
 * also when the phase with the anchor is removed or moved.
 */
import { Alias, isAlias, isNode, isScalar, isSeq, visit } from 'yaml';
import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';

/** The node that an alias refers to. Other nodes are returned unchanged. */
export function resolveAlias(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** The value of a scalar, or of an alias of a scalar, as a string. Undefined for other nodes. */
export function scalarString(document: Document, node: unknown): string | undefined {
  const scalar = resolveAlias(document, node);
  return isScalar(scalar) ? String(scalar.value) : undefined;
}

/**
 * The list of a field, ready to be changed. A list that is shared through an alias is copied first,
 * so that the change does not affect the other phases.
 * @returns undefined when the field is absent or not a list
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

/** Whether the node is shared: it is an alias, or an alias refers to it. */
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

/** The nodes that have an anchor, by the name of the anchor. */
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

/**
 * Repairs a document after an edit. An alias whose anchor was removed, or comes after it now, is
 * replaced by the node itself. Further uses of the node become aliases.
 * @param anchors result of `collectAnchors` before the edit
 */
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
