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

/** Loudness of a stream, frame by frame, as its listener has it. */
const listen = (stream) => {
  const player = new Audio();
  player.srcObject = stream;
  player.play().catch(() => {});
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return () => {
    analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  };
};

/** A level that an agent would hear: -46 dBFS. */
const AUDIBLE = 0.005;
/** Until then the far end speaks itself; what is heard later is our own voice coming back. */
const ECHO_FROM_MS = 1000;

const callV2 = async ({ token, host, direction, codecs }, saw) => {
  const device = new Twilio.Device(token, { chunderw: host, logLevel: 'silent', codecPreferences: codecs });
  device.on('error', (error) => saw.error('device', error.code, error.name));
  // What a sample a second says that is spoken.
  let codec;
  const watch = (call) => {
    call.on('sample', (sample) => (codec = sample.codecName));
    call.on('ringing', () => saw.state('ringing'));
    call.on('accept', () => saw.state('accept', () => call.getRemoteStream()));
    call.on('disconnect', () => saw.state('disconnect'));
    call.on('cancel', () => saw.state('cancel'));
    call.on('error', (error) => saw.error('call', error.code, error.name));
  };
  if (direction === 'outbound') {
    watch(await device.connect({ params: {} }));
  } else {
    device.on('registered', () => saw.state('registered'));
    device.on('incoming', (call) => {
      saw.state('incoming');
      watch(call);
      call.accept();
    });
    await device.register().catch(() => {});
  }
  return { hangUp: () => device.disconnectAll(), end: () => device.destroy(), codec: () => codec };
};

const callV1 = async ({ token, host, direction }, saw) => {
  const device = new Twilio.Device();
  device.on('error', (error) => saw.error('device', error.code, error.twilioError?.code));
  device.on('connect', (call) => saw.state('accept', () => call.getRemoteStream()));
  device.on('disconnect', () => saw.state('disconnect'));
  device.on('incoming', (call) => {
    saw.state('incoming');
    call.accept();
  });
  const ready = new Promise((done) => device.on('ready', done));
  device.setup(token, { chunderw: host, debug: false, sounds: {}, enableRingingState: true });
  await Promise.race([ready, sleep(5000)]);
  saw.state('registered');
  if (direction === 'outbound') device.connect({});
  return { hangUp: () => device.disconnectAll(), end: () => device.destroy() };
};

/**
 * One call of a real device, for `holdMs` from its acceptance, or `silentMs` if nothing comes.
 * `heard` is the share of the time after the far end's own sound in which something was audible.
 */
window.call = async (want) => {
  const errors = [];
  const states = [];
  let level;
  let accepted;
  let over = false;
  const saw = {
    error: (from, code, detail) => {
      // 2.x goes on trying after a lost socket; what counts is what came of the first.
      if (opened < 2 && !over) errors.push({ from, code, detail });
    },
    state: (state, stream) => {
      if (over) return;
      states.push(state);
      window.sawState?.(state);
      if (stream) accepted = { at: performance.now(), stream };
    },
  };
  const started = performance.now();
  let now = started;
  const device = await (want.sdk === 'v1' ? callV1 : callV2)(want, saw);
  let loud = 0;
  let looked = 0;
  for (;;) {
    await sleep(20);
    now = performance.now();
    if (accepted && !level) {
      const stream = accepted.stream();
      if (stream) level = listen(stream);
    }
    if (level && now - accepted.at > ECHO_FROM_MS) {
      looked += 1;
      if (level() > AUDIBLE) loud += 1;
    }
    const held = accepted && now - accepted.at > want.holdMs;
    if (held || (!accepted && now - started > want.silentMs)) break;
  }
  const wasUp = states.at(-1) !== 'disconnect';
  over = true;
  device.hangUp();
  await sleep(200);
  device.end();
  return { errors, states, thrown, heard: looked ? loud / looked : 0, wasUp, codec: device.codec?.() };
};
