/** A real Prometheus in a temporary folder. It ends with the process that started it. */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { until } from './control-plane.ts';
import { prometheusPath, promtoolPath } from './debian.ts';
import { freePorts } from './free-ports.ts';

export interface Prometheus {
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** What it knows from the start: samples with timestamps in the OpenMetrics text format. */
  readonly history?: string;
  /** `host:port` of what it scrapes, at /metrics. */
  readonly targets?: readonly string[];
  /** Labels of the targets. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Between two scrapes. Default 1s. */
  readonly scrapeInterval?: string;
}

/** @throws Unavailable when the part cannot be had, Error when it does not start */
export async function prometheusServer({
  history,
  targets = [],
  labels = {},
  scrapeInterval = '1s',
}: PrometheusOptions = {}): Promise<Prometheus> {
  const binary = await prometheusPath();
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-prometheus-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  if (history !== undefined) {
    const file = join(folder, 'history.txt');
    writeFileSync(file, history);
    await execa(await promtoolPath(), ['tsdb', 'create-blocks-from', 'openmetrics', file, data]);
  }
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: scrapeInterval },
      scrape_configs: [{ job_name: 'mesh', static_configs: [{ targets, labels }] }],
    }),
  );
  const [port] = await freePorts(1);
  const address = `http://127.0.0.1:${port}`;
  const log = join(folder, 'prometheus.log');
  const child = execa(
    binary,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    {
      all: true,
      buffer: false,
      cleanup: true,
      reject: false,
      forceKillAfterDelay: 2000,
    },
  );
  child.all?.pipe(createWriteStream(log));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await child;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(`Prometheus is ready (log: ${log})`, 30_000, async () => {
      const response = await fetch(`${address}/-/ready`);
      if (!response.ok) {
        throw new Error(await response.text());
      }
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, stop };
}
