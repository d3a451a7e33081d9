import type { FrameConnection } from '../frame-connection.ts';
import { ConnectionClosed } from '../frame-connection.ts';
import type { Frame } from '../frame-reader.ts';
import {
  frameTypes,
  PROTOCOL,
  PROTOCOL_VERSION,
  ProtocolError,
  TABLE_FRAME_BYTES_MAX,
  TEXT_FRAME_BYTES_MAX,
  textFrame,
  type Failed,
} from '../protocol.ts';
import { readFailed, readWelcome } from '../protocol-texts.ts';

/** The receiver has said that it will not or cannot go on, and why. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';
  readonly failed: Failed;

  constructor(failed: Failed) {
    super(failed.reason);
    this.failed = failed;
  }
}

const LIMITS: Readonly<Record<number, number>> = {
  [frameTypes.welcome]: TEXT_FRAME_BYTES_MAX,
  [frameTypes.holdings]: TABLE_FRAME_BYTES_MAX,
  [frameTypes.ready]: TEXT_FRAME_BYTES_MAX,
  [frameTypes.acknowledged]: TABLE_FRAME_BYTES_MAX,
  [frameTypes.done]: TEXT_FRAME_BYTES_MAX,
  [frameTypes.failed]: TEXT_FRAME_BYTES_MAX,
};

/** One stream to a receiver, as the sender uses it. */
export class ReceiverLink {
  readonly connection: FrameConnection;
  readonly #frames: AsyncGenerator<Frame, void, undefined>;
  readonly #onDestroy: () => void;
  /** Why the transport broke, when it knows better than the stream. */
  readonly #explain: () => Error | null;

  constructor(
    connection: FrameConnection,
    transport: { readonly destroy: () => void; readonly explain: () => Error | null },
  ) {
    this.connection = connection;
    this.#frames = connection.frames((type) => LIMITS[type] ?? 0, { reuse: false });
    this.#onDestroy = transport.destroy;
    this.#explain = transport.explain;
  }

  /** The next frame. @throws ConnectionClosed, ProtocolError, RemoteFailure */
  async next(): Promise<Frame> {
    const { value, done } = await this.#frames.next();
    if (done === true || value === undefined) {
      throw this.#explain() ?? new ConnectionClosed('the receiver has closed the connection');
    }
    if (value.type === frameTypes.failed) throw new RemoteFailure(readFailed(value.body));
    return value;
  }

  /** Says hello and checks who answers. @throws ConnectionClosed, ProtocolError, RemoteFailure */
  async greet(hello: {
    readonly migration_id: string;
    readonly session: string;
    readonly stream: number;
  }): Promise<void> {
    await this.connection.write(
      textFrame('hello', { protocol: PROTOCOL, version: PROTOCOL_VERSION, ...hello }),
    );
    const frame = await this.next();
    if (frame.type !== frameTypes.welcome) throw new ProtocolError('the receiver does not say welcome');
    const welcome = readWelcome(frame.body);
    if (welcome.version !== PROTOCOL_VERSION || welcome.migration_id !== hello.migration_id) {
      throw new ProtocolError('the receiver welcomes somebody else');
    }
  }

  destroy(): void {
    this.connection.destroy();
    this.#onDestroy();
  }
}
