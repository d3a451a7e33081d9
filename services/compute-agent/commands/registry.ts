import type { CommandName } from '../../../shared/messaging/commands.ts';
import { abortCopy } from './abort-copy.ts';
import { admit } from './admit.ts';
import { adopt } from './adopt.ts';
import { check } from './check.ts';
import { connect } from './connect.ts';
import { copy } from './copy.ts';
import type { CommandDefinition } from './definition.ts';
import { destroy } from './destroy.ts';
import { discardExtract } from './discard-extract.ts';
import { discardSource } from './discard-source.ts';
import { discardTarget } from './discard-target.ts';
import { extract } from './extract.ts';
import { limit } from './limit.ts';
import { pauseCopy } from './pause-copy.ts';
import { powerOff } from './power-off.ts';
import { powerOn } from './power-on.ts';
import { prepare } from './prepare.ts';
import { precopy } from './precopy.ts';
import { reboot } from './reboot.ts';
import { restore } from './restore.ts';
import { retire } from './retire.ts';
import { spawn } from './spawn.ts';
import { stop } from './stop.ts';
import { survey } from './survey.ts';
import { unadmit } from './unadmit.ts';
import { unadopt } from './unadopt.ts';
import { unrestore } from './unrestore.ts';
import { unretire } from './unretire.ts';
import { unwithdraw } from './unwithdraw.ts';
import { upload } from './upload.ts';
import { verify } from './verify.ts';
import { withdraw } from './withdraw.ts';

type Registry = { readonly [Name in CommandName]: CommandDefinition<Name> };

/** Everything that a scheduler may ask of this host. The type makes a command without a definition an error. */
export const commandRegistry: Registry = {
  spawn,
  destroy,
  power_on: powerOn,
  power_off: powerOff,
  reboot,
  survey,
  admit,
  unadmit,
  connect,
  stop,
  precopy,
  copy,
  limit,
  pause_copy: pauseCopy,
  abort_copy: abortCopy,
  verify,
  prepare,
  retire,
  unretire,
  adopt,
  unadopt,
  extract,
  upload,
  discard_extract: discardExtract,
  check,
  discard_source: discardSource,
  withdraw,
  unwithdraw,
  restore,
  unrestore,
  discard_target: discardTarget,
};

export const commandNames = Object.keys(commandRegistry) as readonly CommandName[];
