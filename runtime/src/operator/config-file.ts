/**
 * Reads autopilot-operator.yaml strictly: one message with file, line and column for each unknown
 * field and each wrong value.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, Pair, YAMLMap } from 'yaml';
import { isExplicitNo } from '../util/explicit-no.ts';
import { closestName } from '../util/spelling.ts';
import type { OperatorConfig } from './config.ts';
import type { FieldReader, FieldReaders } from './config-fields.ts';
import { CONFIG_FIELDS, METRICS_FIELDS } from './config-fields.ts';

/** @returns the text of the file; undefined when the file does not exist. */
export async function readConfigFile(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined;
    }
    throw new Error(`cannot read ${file}: ${error.message}`, { cause: error });
  });
}

/**
 * Reads the switch `paused` in the folder of the configuration file. In a cluster it is a key of a
 * ConfigMap that the chart mounts and does not own, so that a pause is no edit of the release.
 *
 * @param file path of the configuration file.
 * @returns true for every content but an explicit no; false when there is no such file.
 */
export async function readPauseSwitch(file: string): Promise<boolean> {
  const content = await readConfigFile(join(dirname(file), 'paused'));
  return content !== undefined && !isExplicitNo(content.trim());
}

/**
 * @param content the text of the file. Empty fields count as absent.
 * @param file the file name in messages.
 * @returns the fields as they are written; every value has passed its check.
 * @throws Error with one line for each problem, in the order of the file.
 */
export function parseConfigFile(content: string, file: string): OperatorConfig {
  return new ConfigFileParser(content, file).parse();
}

/** A line `paused: VALUE` at the top of the file, without a comment. */
const STOP_SWITCH = /^(["']?)paused\1[ \t]*:[ \t]*(["']?)([^#\r\n]*?)\2[ \t]*(#.*)?$/gim;

/**
 * Whether the text of a configuration that may be wrong asks for a pause. It is read line by line,
 * because the file may be no YAML. Every value but an explicit no asks.
 */
export function hasStopSwitch(content: string): boolean {
  return [...content.matchAll(STOP_SWITCH)].some(([, , , value]) => !isExplicitNo(value));
}

interface Problem {
  /** Offset in the file. */
  readonly offset: number;
  readonly message: string;
}

class ConfigFileParser {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #problems: Problem[] = [];

  constructor(content: string, file: string) {
    this.#file = file;
    this.#document = parseDocument(content, { lineCounter: this.#lines, prettyErrors: false });
  }

  parse(): OperatorConfig {
    for (const { pos, message } of this.#document.errors) {
      this.#report(pos[0], message.split('\n')[0] ?? '');
    }
    const config = this.#problems.length === 0 ? this.#readDocument() : {};
    if (this.#problems.length > 0) {
      throw new Error(this.#formatProblems());
    }
    return config;
  }

  #readDocument(): OperatorConfig {
    const top = this.#document.contents;
    if (isMap(top)) {
      return this.#readMap(top, CONFIG_FIELDS, '');
    }
    if (top !== null && !(isScalar(top) && top.value === null)) {
      this.#report(0, 'must be a mapping of fields');
    }
    return {};
  }

  #readMap(map: YAMLMap, readers: FieldReaders, path: string): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const pair of map.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : '';
      const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
      if (read === undefined) {
        this.#reportUnknown(pair, `${path}${name}`, name, Object.keys(readers));
        continue;
      }
      const value = this.#readField(pair, read, `${path}${name}`);
      if (value !== undefined) {
        values[name] = value;
      }
    }
    return values;
  }

  /** Returns undefined when the field is empty or wrong. */
  #readField({ key, value }: Pair, read: FieldReader, path: string): unknown {
    try {
      if (path === 'metrics' && isMap(value)) {
        return this.#readMap(value, METRICS_FIELDS, 'metrics.');
      }
      const plain: unknown = (value as YAMLMap | null)?.toJS(this.#document);
      if (plain === null || plain === undefined) {
        return undefined;
      }
      read(plain);
      return plain;
    } catch (error) {
      this.#report(offsetOf(value) ?? offsetOf(key), `${path} ${(error as Error).message}`);
      return undefined;
    }
  }

  #reportUnknown({ key }: Pair, path: string, name: string, known: readonly string[]): void {
    const closest = closestName(name, known);
    const advice =
      closest === undefined ? `; known: ${known.join(', ')}` : `, did you mean '${closest}'?`;
    this.#report(offsetOf(key), `${path} is not a known field${advice}`);
  }

  #report(offset: number | undefined, message: string): void {
    this.#problems.push({ offset: offset ?? 0, message });
  }

  #formatProblems(): string {
    return this.#problems
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset, message }) => {
        const { line, col } = this.#lines.linePos(offset);
        return `${this.#file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}`;
      })
      .join('\n');
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as { readonly range?: readonly number[] } | null)?.range?.[0];
}
