import { listenToFiles } from './choices.js';
import { byId } from './dom.js';
import { SAMPLE } from './service.js';
import { Session } from './session.js';

const session = new Session();
// People choose while the service has yet to say which models it has.
listenToFiles((file) => void session.open({ name: file.name, file }));
byId('sample', HTMLButtonElement).addEventListener('click', () => void session.open(SAMPLE));
byId('cancel', HTMLButtonElement).addEventListener('click', () => {
  session.cancel();
  byId('file', HTMLInputElement).focus();
});
await session.start();
