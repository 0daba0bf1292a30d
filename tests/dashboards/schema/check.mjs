// Holds each dashboard against the types of @grafana/schema; what they do not name is an error, too.
//   node check.mjs WORK_FOLDER DASHBOARD.json…
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [work, ...dashboards] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(work), 'package.json'));
const ts = require('typescript');
const here = import.meta.dirname;
const modules = path.join(work, 'node_modules');
const project = path.join(work, 'project');

const filesBelow = (folder) => fs.readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith('.d.ts')).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]);

// A text of JSON is not a member of a TypeScript enumeration, so these become unions of their values.
const ENUM = /export (?:declare )?(?:const )?enum (\w+) \{([^}]*)\}/g;
const MEMBER = /(\w+) = ("[^"]*"|-?\d+)/g;
const withoutComments = (text) => text.replace(/\/\*[^]*?\*\//g, '');

function writeTypes(files, folder) {
  const values = new Map();
  for (const [, text] of files) {
    for (const [, name, body] of withoutComments(text).matchAll(ENUM)) {
      for (const [, member, value] of body.matchAll(MEMBER)) values.set(`${name}.${member}`, value);
    }
  }
  for (const [name, text] of files) {
    const unions = withoutComments(text)
      .replace(ENUM, (_, type, body) => `export type ${type} = ${[...body.matchAll(MEMBER)].map((each) => each[2]).join(' | ')};`)
      .replace(/(?:\b\w+\.)?\b([A-Z]\w*\.\w+)\b/g, (all, member) => values.get(member) ?? all)
      .replaceAll("'@grafana/schema'", `'${'../'.repeat(name.split(path.sep).length - 1) || './'}common/common.gen'`);
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, unions);
  }
}

fs.rmSync(project, { recursive: true, force: true });
const types = path.join(modules, '@grafana/schema/dist/types');
writeTypes(filesBelow(types).filter(([name]) => /^(common|raw|schema.dashboard.v2)\b/.test(name)), path.join(project, 'types'));
const prometheus = 'schema10/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen.d.ts';
writeTypes([['prometheus.d.ts', fs.readFileSync(path.join(modules, prometheus), 'utf8')
  .replaceAll("'@grafana/schema'", "'./types/common/common.gen'")]], project);
const { defaultDashboard } = require('@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen');
fs.writeFileSync(path.join(project, 'types/version.d.ts'),
  `export declare const newest: ${defaultDashboard.schemaVersion};\n`);
fs.copyFileSync(path.join(here, 'grafana.ts'), path.join(project, 'grafana.ts'));

// One line before the JSON's own, so that what is wrong is told by its line in the JSON.
const sources = dashboards.map((dashboard) => {
  const file = path.join(project, `${path.basename(dashboard, '.json')}.ts`);
  const text = fs.readFileSync(dashboard, 'utf8');
  const panels = JSON.stringify(JSON.parse(text).panels.map((panel) => panel.type));
  fs.writeFileSync(file, `import type { Dashboard } from './grafana'; export const dashboard: Dashboard<${panels}> =\n${text}`);
  return file;
});
const program = ts.createProgram(sources, {
  strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const findings = ts.getPreEmitDiagnostics(program);
for (const each of findings) {
  const at = each.file?.getLineAndCharacterOfPosition(each.start ?? 0);
  const place = each.file ? `${path.basename(each.file.fileName)}:${at.line}` : '';
  console.log(`${place}: ${ts.flattenDiagnosticMessageText(each.messageText, '\n  ')}`);
}
console.log(`${dashboards.length} dashboards, schema version ${defaultDashboard.schemaVersion}, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
