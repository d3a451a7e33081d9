import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a metric is, for documents and for the reader of a scrape. */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence; the unit is in the name. */
  readonly help: string;
  readonly labels: readonly string[];
}

/** Called before a scrape; sets what is only known when it is asked for. */
export type Collect = () => Promise<void> | void;

/** The metrics of one process, or of the cluster, with their declarations. Nothing is shared between two sets. */
export class MetricSet {
  readonly #registry = new Registry();
  readonly #declarations: MetricDeclaration[] = [];
  readonly #collects: Collect[] = [];
  #scrape: Promise<string> | null = null;

  counter<Label extends string = never>(
    name: `drover_${string}_total`,
    help: string,
    labels: readonly Label[] = [],
  ): Counter<Label> {
    this.#declarations.push({ name, type: 'counter', help, labels });
    return new Counter({ name, help, labelNames: labels, registers: [this.#registry] });
  }

  gauge<Label extends string = never>(
    name: `drover_${string}`,
    help: string,
    labels: readonly Label[] = [],
  ): Gauge<Label> {
    this.#declarations.push({ name, type: 'gauge', help, labels });
    return new Gauge({ name, help, labelNames: labels, registers: [this.#registry] });
  }

  histogram<Label extends string = never>(
    name: `drover_${string}_seconds`,
    help: string,
    buckets: readonly number[],
    labels: readonly Label[] = [],
  ): Histogram<Label> {
    this.#declarations.push({ name, type: 'histogram', help, labels });
    const options = { name, help, labelNames: labels, buckets: [...buckets] };
    return new Histogram({ ...options, registers: [this.#registry] });
  }

  /** Runs before each scrape, in the order in which they were added. */
  beforeScrape(collect: Collect): void {
    this.#collects.push(collect);
  }

  /** Memory, processor time, event loop and garbage collection of this process, under their usual names. */
  withProcessFigures(): this {
    collectDefaultMetrics({ register: this.#registry });
    return this;
  }

  get declarations(): readonly MetricDeclaration[] {
    return this.#declarations;
  }

  get content_type(): string {
    return this.#registry.contentType;
  }

  /** The text of a scrape. Those who ask while one is made share it: what is read is counted once, and asked for once. */
  async text(): Promise<string> {
    this.#scrape ??= this.#make().finally(() => {
      this.#scrape = null;
    });
    return await this.#scrape;
  }

  async #make(): Promise<string> {
    for (const collect of this.#collects) await collect();
    return await this.#registry.metrics();
  }
}

/** Sets one gauge per value of its label; those that are not named are 0 and do not vanish. */
export function setEach<Label extends string>(
  gauge: Gauge<Label>,
  label: Label,
  known: readonly string[],
  values: Readonly<Record<string, number>>,
): void {
  for (const value of known) {
    const labels = { [label]: value } as Record<Label, string>;
    gauge.set(labels, values[value] ?? 0);
  }
}
