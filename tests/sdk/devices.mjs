// Real devices on request. Reads one JSON object a line from standard input
//   {"id": "…", "page": 0, "sdk": "v2", "host": "127.0.0.1:1234", "token": "…", …}
// and answers each with one line {"id": "…", "errors": […], "states": […], …} on standard output.
// Requests for different pages run side by side. Usage: node devices.mjs AUTHORITY.pem
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { launch } from './browser.mjs';

const SDKS = { v2: '@twilio/voice-sdk', v1: 'twilio-client' };
const QUIET_MS = 1500;
// The SDK gives a socket 5 s to open; with 7 s a silent partner is told from a slow one.
const SILENT_MS = 7000;

const here = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const scripts = { '/page.js': here('page.js') };
for (const [sdk, name] of Object.entries(SDKS)) {
  scripts[`/${sdk}.js`] = here(`node_modules/${name}/dist/twilio.min.js`);
  scripts[`/${sdk}`] = `<!doctype html><title>${name}</title><script src="/page.js"></script><script src="/${sdk}.js"></script>`;
}

const server = createServer((request, response) => {
  const body = scripts[request.url];
  const type = request.url.endsWith('.js') ? 'text/javascript' : 'text/html';
  response.writeHead(body ? 200 : 404, { 'content-type': `${type}; charset=utf-8` }).end(body ?? '');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;

const { browser, close } = await launch(process.argv[2]);
const pages = new Map();

/** Runs requests for one page one after the other; a page that is gone is opened anew. */
function onPage(request) {
  const before = pages.get(request.page) ?? Promise.resolve();
  const after = before.then(async (page) => {
    const open = page ?? (await browser.newPage());
    try {
      await open.goto(`${origin}/${request.sdk}`);
      // States are told at once, so that whoever waits for one can go on.
      if (request.direction) {
        open.asker = request.id;
        const tell = (state) => console.log(JSON.stringify({ id: open.asker, state }));
        // Exposed to a page once; the page outlives many requests.
        if (!open.tells) await open.exposeFunction('sawState', tell);
        open.tells = true;
      }
      const seen = await open.evaluate((want) => (want.direction ? window.call(want) : window.attempt(want)), {
        quietMs: QUIET_MS,
        silentMs: SILENT_MS,
        ...request,
      });
      console.log(JSON.stringify({ id: request.id, ...seen }));
      return open;
    } catch (error) {
      console.log(JSON.stringify({ id: request.id, broken: error.message }));
      await open.close().catch(() => {});
      return undefined;
    }
  });
  pages.set(request.page, after);
}

console.log(JSON.stringify({ browser: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim()) onPage(JSON.parse(line));
}
await Promise.all(pages.values());
await close();
server.close();
