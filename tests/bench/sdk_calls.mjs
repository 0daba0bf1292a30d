// CPU time of one call of the cloud's own JavaScript client: the same lists that the exporter reads,
// page by page, forgotten at once. Usage: SIMULATOR=host:port node sdk_calls.mjs CALLS (in the folder
// that has node_modules).
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const alibaba = require('@alicloud/openapi-core');
const $dara = require('@darabonba/typescript');

const warmUp = 200;
const callsMax = Number(process.argv[2] ?? 2000);
const { $OpenApiUtil, OpenApiUtil } = alibaba;
const client = new alibaba.default(new $OpenApiUtil.Config({
  accessKeyId: 'demo-access-key-id', accessKeySecret: 'demo-access-key-secret',
  endpoint: process.env.SIMULATOR, protocol: 'http', regionId: 'demo-region',
}));

async function call(action, parameters) {
  const answer = await client.callApi(
    new $OpenApiUtil.Params({
      action, version: '2018-12-01', protocol: 'HTTP', pathname: '/', method: 'POST', authType: 'AK',
      style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
    }),
    new $OpenApiUtil.OpenApiRequest({
      query: OpenApiUtil.query({ InstanceId: 'cri-demo', ...parameters }),
    }),
    new $dara.RuntimeOptions({ readTimeout: 10000, connectTimeout: 5000, keepAlive: true }));
  return answer.body;
}

const { Repositories: repositories } = await call('ListRepository', { PageNo: 1, PageSize: 100 });
let rows = 0;
let begun = process.cpuUsage();
for (let calls = -warmUp; calls < callsMax; ++calls) {
  if (calls === 0) {
    begun = process.cpuUsage();
    rows = 0;
  }
  const { RepoId } = repositories[(calls + warmUp) % repositories.length];
  const page = await call('ListRepoBuildRecord', { RepoId, PageNo: 1, PageSize: 100 });
  rows += page.BuildRecords.length;
}
const { user, system } = process.cpuUsage(begun);
console.log(`${((user + system) / callsMax).toFixed(0)} ${(rows / callsMax).toFixed(1)}`);
process.exit(0);
