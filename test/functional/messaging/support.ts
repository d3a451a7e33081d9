import { createLogger, type Logger } from '../../../shared/logging/logger.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export const silent: Logger = createLogger({ process_name: 'test', level: 'silent' });

/** Waits until something is true; fails with its name. Level-triggered, so it cannot miss a moment. */
export async function until(
  name: string,
  isTrue: () => boolean | Promise<boolean>,
  seconds = 20,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain until ${name}`);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The same URL through a proxy that can be cut. */
export async function throughProxy(url: string): Promise<{ proxy: TcpProxy; url: string }> {
  const parsed = new URL(url);
  const proxy = await startTcpProxy({ host: parsed.hostname, port: Number(parsed.port) });
  parsed.hostname = '127.0.0.1';
  parsed.port = String(proxy.port);
  return { proxy, url: parsed.href };
}
