import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { joinWrites } from '../../../shared/database/joined-writes.ts';

function recorder(): { readonly stream: Writable; readonly sent: string[][] } {
  const sent: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      sent.push([chunk]);
      done();
    },
    writev: (chunks, done) => {
      sent.push(chunks.map(({ chunk }) => chunk as string));
      done();
    },
  });
  joinWrites(stream);
  return { stream, sent };
}

describe('joined writes', () => {
  it('sends what one turn writes together, in order, with what its promises add', async () => {
    const { stream, sent } = recorder();
    stream.write('begin');
    stream.write('select');
    void Promise.resolve().then(() => stream.write('commit'));
    expect(sent).toEqual([]);
    await setImmediate();
    expect(sent).toEqual([['begin', 'select', 'commit']]);
  });

  it('sends the next turn by itself', async () => {
    const { stream, sent } = recorder();
    stream.write('one');
    await setImmediate();
    stream.write('two');
    await setImmediate();
    expect(sent).toEqual([['one'], ['two']]);
  });

  it('leaves a writer alone that corks for itself', async () => {
    const { stream, sent } = recorder();
    stream.cork();
    stream.write('parse');
    stream.write('bind');
    stream.uncork();
    stream.write('sync');
    await setImmediate();
    expect(sent).toEqual([['parse', 'bind', 'sync']]);
  });

  it('still calls back each write', async () => {
    const { stream } = recorder();
    await new Promise((resolve) => stream.write('one', resolve));
    expect(stream.writableLength).toBe(0);
  });
});
