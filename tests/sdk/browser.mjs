// Debian's own Chromium with a home of its own, so that the simulator's test authority stands in
// its own certificate store: a certificate fault is refused by the browser itself, and a good
// certificate is accepted without any flag that would ignore certificates.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const CHROMIUM = '/usr/bin/chromium';

/** Starts Chromium; `authority` is the PEM file of the certificate authority to trust. */
export async function launch(authority) {
  const home = mkdtempSync(join(tmpdir(), 'ringcheck-sdk-'));
  trust(home, authority);
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    userDataDir: join(home, 'profile'),
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
    args: [
      '--no-sandbox', // CI runs as root in a container
      '--disable-dev-shm-usage',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      // Nothing but this machine is ever contacted, whatever the SDK or the browser would like.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
  const close = async () => {
    await browser.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { browser, close };
}

/** Puts a certificate authority into the store of NSS below this home, where Chromium looks. */
function trust(home, authority) {
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  const certutil = (...args) => execFileSync('certutil', ['-d', `sql:${store}`, ...args], { stdio: 'pipe' });
  certutil('-N', '--empty-password');
  certutil('-A', '-n', 'ringcheck test authority', '-t', 'C,,', '-i', authority);
}
