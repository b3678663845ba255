import { Block } from '@hashlane/resp';
import t from 'tap';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { parseCopy } from './request-copy.ts';
import { ScriptGate } from './script-gate.ts';

const PING = parseCopy(Block.of('*1\r\n$4\r\nPING\r\n'));

/** A gate, and who was dispatched after being held there. */
function makeGate() {
  const dispatched: Connection[] = [];
  const gate = new ScriptGate({
    turn: { run: (work: () => void) => work() },
    dispatcher: { dispatchAgain: (connection: Connection) => dispatched.push(connection) },
  } as unknown as Gateway);
  gate.isNeeded = true;
  return { dispatched, gate };
}

function makeConnection(): Connection {
  return { replyMode: 'on', outstanding: 1, hold() {}, release() {} } as unknown as Connection;
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

t.test('a snapshot waits for scripts, and scripts that come after it wait for it', async (t) => {
  const { dispatched, gate } = makeGate();
  const early = makeConnection();
  const late = makeConnection();
  t.ok(gate.enters(early, 'script', PING), 'nobody is inside');
  const sent = Promise.withResolvers<void>();
  let hasBegun = false;
  const saved = gate.run(async (leave) => {
    hasBegun = true;
    await sent.promise;
    leave();
  });
  t.notOk(gate.enters(late, 'script', PING), 'it waits behind the snapshot');
  t.ok(late.isWaitingAtGate);
  await turns();
  t.notOk(hasBegun, 'a script is on its way');
  gate.settled(early);
  await turns();
  t.ok(hasBegun);
  t.strictSame(dispatched, [], 'the marks are on their way');
  sent.resolve();
  await saved;
  await turns();
  t.equal(dispatched.length, 1);
  t.equal(dispatched[0], late);
  t.notOk(late.isWaitingAtGate);
});

t.test('who goes while it waits lets the others through', async (t) => {
  const { dispatched, gate } = makeGate();
  const [script, gone, other] = [makeConnection(), makeConnection(), makeConnection()];
  t.ok(gate.enters(script, 'script', PING));
  t.notOk(gate.enters(gone, 'command', PING));
  gone.outstanding = 0;
  gate.forget(gone);
  t.ok(gate.enters(other, 'script', PING), 'nobody of the other kind waits any more');
  gate.settled(script);
  gate.settled(other);
  await turns();
  t.strictSame(dispatched, []);
  t.ok(gate.enters(makeConnection(), 'command', PING), 'nobody is left inside');
});
