// seeds.mjs VECTORS OUT TARGET...: the first inputs of the fuzz targets, taken from the test vectors.
//
// Every hex string of a vector file that a target's rule names becomes one file OUT/TARGET/HASH.
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

const seen = Object.fromEntries(targets.map((t) => [t, 0]));
const MOST = 300; // a corpus that is read in a second
for (const path of files(vectors)) {
  const wanted = targets.filter((t) => (rules[t] ?? anything)[0].test(path) && seen[t] < MOST);
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
console.log(JSON.stringify(seen));
