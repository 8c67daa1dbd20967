// Loads npm packages from the place where `install` put them.
//
// A build out of tree keeps its packages in the build folder, where Node's own lookup (from the importing
// file upwards) never goes.  The bindings are an ES module without a `require` entry, so the file is looked
// up with `require.resolve` and then loaded with `import`, which works from Node 18.20 on.
import { createRequire } from 'node:module'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const here = path.dirname(fileURLToPath(import.meta.url))

// The folder that holds node_modules: INTEROP_MODULES, else tests/interop itself.
export const modulesDir = process.env.INTEROP_MODULES || path.dirname(here)

const require = createRequire(path.join(modulesDir, 'package.json'))

export async function load(name) {
  return import(pathToFileURL(require.resolve(name)).href)
}

// The version written in the package that is really installed.
export function packageVersion(name) {
  let dir = path.dirname(require.resolve(name))
  while (!existsSync(path.join(dir, 'package.json')) ||
         JSON.parse(readFileSync(path.join(dir, 'package.json'))).name !== name)
    dir = path.dirname(dir)
  return JSON.parse(readFileSync(path.join(dir, 'package.json'))).version
}
