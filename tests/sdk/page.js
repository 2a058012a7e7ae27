// Runs inside of the browser's page, beside the real SDK: drives one device through one
// connection attempt and writes down what an application would see.

// Every socket that the SDK opens is counted: what is raised before the second one belongs to the
// first attempt. The SDKs go on trying for ever by themselves.
const RealWebSocket = window.WebSocket;
let opened = 0;
let onSocket = () => {};
window.WebSocket = class extends RealWebSocket {
  constructor(...args) {
    super(...args);
    opened += 1;
    onSocket(opened);
  }
};

// What the page throws without anybody catching it: bad JSON does that inside of the SDK.
const thrown = [];
window.addEventListener('error', (event) => thrown.push(String(event.message)));

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const v2 = ({ token, host }, saw) => {
  const device = new Twilio.Device(token, { chunderw: host, logLevel: 'silent' });
  device.on('registered', () => saw.state('registered'));
  device.on('unregistered', () => saw.state('unregistered'));
  device.on('error', (error) => saw.error(error.code, error.name));
  device.register().catch(() => saw.state('register rejected'));
  return { leave: () => device.unregister().catch(() => {}), end: () => device.destroy() };
};

const v1 = ({ token, host }, saw) => {
  const device = new Twilio.Device();
  device.on('ready', () => saw.state('registered'));
  device.on('offline', () => saw.state('unregistered'));
  device.on('error', (error) => saw.error(error.code, error.twilioError?.code));
  device.setup(token, { chunderw: host, debug: false, sounds: {}, enableRingingState: true });
  return { leave: () => device.unregisterPresence(), end: () => device.destroy() };
};

/**
 * One device, from its first frame to its leaving. Ends when the SDK opens a second socket, when
 * nothing new has been seen for `quietMs` after something was, or after `silentMs` of nothing.
 */
window.attempt = async (want) => {
  const started = performance.now();
  const errors = [];
  const states = [];
  let last = started;
  let over = false;
  const saw = {
    error: (code, detail) => {
      if (opened < 2 && !over) errors.push({ code, detail });
      last = performance.now();
    },
    state: (state) => {
      if (opened < 2 && !over && states.at(-1) !== state) states.push(state);
      last = performance.now();
    },
  };
  let second = false;
  onSocket = (count) => {
    second = count > 1;
  };
  const device = (want.sdk === 'v1' ? v1 : v2)(want, saw);
  for (;;) {
    await sleep(20);
    const heard = errors.length > 0 || states.some((state) => state !== 'unregistered');
    const quiet = performance.now() - last;
    if (second || (heard && quiet > want.quietMs) || quiet > want.silentMs) break;
  }
  if (want.leave && states.at(-1) === 'registered') {
    device.leave();
    const asked = performance.now();
    while (states.at(-1) === 'registered' && performance.now() - asked < want.quietMs) await sleep(20);
  }
  over = true;
  device.end();
  return { errors, states, thrown, sockets: opened, tookMs: Math.round(performance.now() - started) };
};
