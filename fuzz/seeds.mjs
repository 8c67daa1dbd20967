// seeds.mjs VECTORS OUT TARGET...: the first inputs of the fuzz targets, taken from the test vectors.
//
// Every hex string of a vector file that a target's rule names becomes one file OUT/TARGET/HASH.  Targets whose
// inputs no vector has get theirs from the end of this file.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [vectors, out, ...targets] = process.argv.slice(2);

// target -> [pattern of file names, pattern of the path of keys inside the file]
const rules = {
  identity_update: [/identity\.json$/, /update$/],
  group_content: [/(group-messages|content-types|x25519-welcome)\.json$/, /(encodedContent|content)$/],
  group_extensions: [/x25519-welcome\.json$/, /extensions\.data$/],
  key_package: [/key-packages\.json$/, /keyPackage$/],
  node_request: [/(identity|key-packages|group-messages)\.json$/, /(update|keyPackage|data)$/],
  passkey: [/identity\.json$/, /update$/],
  welcome: [/welcome.*\.json$/, /(welcome\.data|welcomeMetadata|mlsMessage|plaintext\.metadata)$/],
  proto_check: [/\.json$/, /(update|data|keyPackage|encodedContent)$/i],
};
const anything = [/\.json$/, /(message|data|key_?package|welcome|commit|update|content|group_info)/i];

const longEnough = (s) => s.length >= 8 && s.length <= 200000 && s.length % 2 === 0 && /^[0-9a-f]+$/.test(s);

function* files(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (name.endsWith('.json')) yield path;
  }
}

function walk(value, path, found) {
  if (typeof value === 'string') {
    if (longEnough(value)) found(path, value);
  } else if (value && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) walk(inner, Array.isArray(value) ? path : `${path}.${key}`, found);
  }
}

// ---- inputs that are written here ----

const hex64 = 'ab'.repeat(32), hex32 = 'cd'.repeat(16);

// One request of each method that doc/rpc.md names, with whatever params any of them takes.
function requests() {
  const doc = readFileSync(join(vectors, '..', 'doc', 'rpc.md'), 'utf8');
  const params = [
    '{}',
    JSON.stringify({ id: hex32, text: 'a', name: 'b', target: hex64, peer: hex64, peers: [{ inboxId: hex64 }], limit: 5 }),
    JSON.stringify({ id: 1, targets: [hex64], beforeNs: '17', upToNs: '5', consentStates: ['allowed'], kinds: ['messages'] }),
    JSON.stringify({ records: [{ entityType: 'inboxId', entity: hex64, state: 'denied' }], ids: ['abcd'], set: { name: 'deny' } }),
    JSON.stringify({ entityType: 'conversationId', entity: hex32, content: { type: 'reply', reference: hex64, text: 'c' } }),
    JSON.stringify({ mode: 'external', address: `0x${'11'.repeat(20)}`, signature: `0x${'22'.repeat(65)}`, requestId: hex32 }),
  ];
  const methods = [...new Set(doc.match(/`[a-z]+\.[A-Za-z]+`/g).map((m) => m.slice(1, -1)))];
  return methods.flatMap((m) => params.map((p) => `${m} ${p}`));
}

const len = (bytes) => [bytes.length, ...bytes];
const text = (s) => [...Buffer.from(s)];
const consent = (type, entity) => [8, type, 16, 3, 26, ...len(text(entity)), 32, 200, 1];
const hmac = [10, ...len(Array(42).fill(7)), 16, 200, 1];
// DeviceSyncContent { preference_updates = 4 { updates = 1 { consent = 1 | hmac = 2 } } }; a longer one takes two bytes of length.
function preferences(update) {
  const one = [10, ...len(update)];
  return Buffer.from([34, ...(one.length < 128 ? [one.length] : [one.length | 128, 1]), ...one]);
}

const written = {
  preferences: () => [
    preferences([10, ...len(consent(2, hex64))]),
    preferences([10, ...len(consent(1, hex32))]),
    preferences([18, ...len(hmac)]),
  ],
  rpc_request: requests,
  terminal_input: () => [
    '0/help\r', '0/block maria\r/undo\r', '0hello\r\x1bg', '1\x1ba\x1bc\x1bs', '2/dm 0x1111111111111111111111111111111111111111\r',
    '0\x01\x05\x0b\x19\x17\x15', '4a\tb\x1b[A\x1b[B', '5/set clock off\r/search a\r', '0\u{1f468}\u200d\u{1f469}e\u0301\u202e\r',
    Buffer.concat([Buffer.from('0'), Buffer.from([0xd2, 0x41, 0x0a, 0x42, 0xd3])]),
  ],
  arguments: () => [
    'list\n--json', `init\n--new\n--db-key\n0x${hex64}\n--label=desk`, `--wallet-key=${hex64}\ninit`, 'dm\n--\n--offline\n-',
    'conversations\nlist\n--consent\nallowed,unknown\n--type=dm\n--env\ndev', '-h', '--log\nx\n--log-level\ndebug\nsync',
  ],
  key_text: () => [hex64, `0x${hex64}`, `${hex64}\n`, `0x${'12'.repeat(20)}`, '0X' + 'Ab'.repeat(65), `${hex32}\r\n`],
  lock_file: () => ['4711                \n', '0', '-5', '99999999999999999999', '', ' 12 34'],
  config_file: () => ['[ui]\nclock = off\ncolour=on ; why\n# more\n', 'env = dev\nnode = https://example.org:443\n[ui]\nlines = off', '[ui\n', '[ui]\r\nclock = off\r\n'],
};

const seen = Object.fromEntries(targets.map((t) => [t, 0]));
const MOST = 300; // a corpus that is read in a second
for (const path of files(vectors)) {
  const wanted = targets.filter((t) => !written[t] && (rules[t] ?? anything)[0].test(path) && seen[t] < MOST);
  if (!wanted.length) continue;
  walk(JSON.parse(readFileSync(path, 'utf8')), '', (keys, hex) => {
    for (const t of wanted) {
      if (seen[t] >= MOST || !(rules[t] ?? anything)[1].test(keys)) continue;
      const bytes = Buffer.from(hex, 'hex');
      mkdirSync(join(out, t), { recursive: true });
      writeFileSync(join(out, t, createHash('sha256').update(bytes).digest('hex').slice(0, 16)), bytes);
      seen[t] += 1;
    }
  });
}
for (const t of targets.filter((name) => written[name])) {
  mkdirSync(join(out, t), { recursive: true });
  for (const seed of written[t]()) {
    writeFileSync(join(out, t, createHash('sha256').update(seed).digest('hex').slice(0, 16)), seed);
    seen[t] += 1;
  }
}
console.log(JSON.stringify(seen));
