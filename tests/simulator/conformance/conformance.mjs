// Drives a running simulator with the clouds' own JavaScript clients, unchanged: what they sign has
// to be accepted, what is signed with a wrong secret refused, and the lists they walk have to equal
// the simulator's truth. Usage: SIMULATOR=127.0.0.1:10068 node conformance.mjs (in the folder that
// has node_modules).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const alibaba = require('@alicloud/openapi-core');
const $dara = require('@darabonba/typescript');
const RpcClient = require('@alicloud/pop-core').RPCClient;
const huawei = require('@huaweicloud/huaweicloud-sdk-core');
const swr = require('@huaweicloud/huaweicloud-sdk-swr/v2/public-api');
const log4js = require('log4js');

const address = process.env.SIMULATOR;
assert(address, 'SIMULATOR=host:port is not set');
const projectId = '0123456789abcdef0123456789abcdef';
const pagesMax = 1000;

/** One caller of each kind: (action, parameters) → decoded body. */
function alibabaCaller(secret, { signature, method = 'POST' } = {}) {
  const { $OpenApiUtil, OpenApiUtil } = alibaba;
  const client = new alibaba.default(new $OpenApiUtil.Config({
    accessKeyId: 'demo-access-key-id', accessKeySecret: secret, endpoint: address,
    protocol: 'http', regionId: 'demo-region', signatureAlgorithm: signature,
  }));
  return async (action, parameters) => (await client.callApi(
    new $OpenApiUtil.Params({
      action, version: '2018-12-01', protocol: 'HTTP', pathname: '/', method, authType: 'AK',
      style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
    }),
    new $OpenApiUtil.OpenApiRequest({ query: OpenApiUtil.query(parameters) }),
    new $dara.RuntimeOptions({ readTimeout: 10000, connectTimeout: 5000 }))).body;
}

function popCaller(secret, method) {
  const client = new RpcClient({
    accessKeyId: 'demo-access-key-id', accessKeySecret: secret, endpoint: `http://${address}`,
    apiVersion: '2018-12-01',
  });
  return (action, parameters) => client.request(action, parameters, { method });
}

function swrClient(secret) {
  const credentials = new huawei.BasicCredentials()
    .withAk('demo-access-key').withSk(secret).withProjectId(projectId);
  const client = swr.SwrClient.newBuilder().withCredential(credentials)
    .withEndpoint(`http://${address}`).withOptions({ customUserAgent: 'conformance' }).build();
  log4js.configure({  // The client logs whole requests, keys and all.
    appenders: { out: { type: 'stderr' } },
    categories: { default: { appenders: ['out'], level: 'off' } },
  });
  return client;
}

async function* pages(fetchPage) {
  for (let page = 0; page < pagesMax; ++page) {
    const rows = await fetchPage(page);
    yield* rows;
    if (rows.length === 0) return;
  }
  assert.fail('a list without end');
}

function classOf(record) {
  const status = record.BuildStatus.toUpperCase();
  if (status === 'SUCCESS') return 'success';
  if (status === 'FAILED') return 'failed';
  if (status === 'CANCELED' || status === 'CANCELLED') return 'canceled';
  return record.EndTime === '' ? null : 'other';
}

/// Of the whole instance, by "namespace/repository" of the side that is ours.
async function walkSyncs(call) {
  const classes = { SUCCESS: 'success', ERROR: 'failed', CANCELED: 'canceled', CANCELLED: 'canceled' };
  const counts = new Map();
  const tasks = pages(async (page) => (await call('ListRepoSyncTask', {
    InstanceId: 'cri-demo', PageNo: page + 1, PageSize: 100 })).SyncTasks);
  for await (const task of tasks) {
    const ours = task.ImageFrom.InstanceId === 'cri-demo' ? task.ImageFrom : task.ImageTo;
    const name = `${ours.RepoNamespaceName}/${ours.RepoName}`;
    if (!counts.has(name)) counts.set(name, noSyncs());
    const entry = counts.get(name);
    const status = classes[task.TaskStatus.toUpperCase()];
    if (status) ++entry.syncs[status];
    else ++entry.syncs_in_progress;
  }
  return counts;
}

const noSyncs = () =>
  ({ syncs: { success: 0, failed: 0, canceled: 0, other: 0 }, syncs_in_progress: 0 });

/// What the event centre told of builds, by "namespace/repository".
async function walkEvents(call) {
  const builds = new Map();
  const events = pages(async (page) => (await call('ListEventCenterRecord', {
    InstanceId: 'cri-demo', EventType: 'cr:Artifact:BuildCompleted',
    PageNo: page + 1, PageSize: 100 })).Records);
  for await (const event of events) {
    const name = `${event.Namespace}/${event.RepoName}`;
    builds.set(name, (builds.get(name) ?? 0) + 1);
  }
  return builds;
}

async function walkAcr(call) {
  const syncs = await walkSyncs(call);
  const truth = [];
  const repositories = pages(async (page) => (await call('ListRepository', {
    InstanceId: 'cri-demo', PageNo: page + 1, PageSize: 100 })).Repositories);
  for await (const repository of repositories) {
    const entry = {
      repo_namespace: repository.RepoNamespaceName, repo: repository.RepoName,
      builds: { success: 0, failed: 0, canceled: 0, other: 0 }, in_progress: 0,
      ...(syncs.get(`${repository.RepoNamespaceName}/${repository.RepoName}`) ?? noSyncs()),
    };
    const records = pages(async (page) => (await call('ListRepoBuildRecord', {
      InstanceId: 'cri-demo', RepoId: repository.RepoId, PageNo: page + 1, PageSize: 100 })).BuildRecords);
    for await (const record of records) {
      const name = classOf(record);
      if (name === null) ++entry.in_progress;
      else ++entry.builds[name];
    }
    truth.push(entry);
  }
  return truth;
}

async function walkSwr(client) {
  const truth = [];
  const { namespaces } = await client.listNamespaces(new swr.ListNamespacesRequest());
  for (const { name } of namespaces) {
    const repositories = pages((page) => client.listReposDetails(new swr.ListReposDetailsRequest()
      .withNamespace(name).withLimit('10').withOffset(String(page * 10))));
    for await (const repository of repositories) {
      if (repository.namespace !== name) continue;  // The filter matches parts of names too.
      const spelled = repository.name.replaceAll('/', '$');
      const deletions = { date_rule: 0, tag_rule: 0, other: 0 };
      const histories = pages(async (page) => (await client.listRetentionHistories(
        new swr.ListRetentionHistoriesRequest().withNamespace(name).withRepository(spelled)
          .withFilter(`limit::50|offset::${page * 50}`))).retention_log);
      for await (const row of histories) {
        const kind = JSON.parse(row.rule_type).template;
        ++deletions[kind in deletions ? kind : 'other'];
      }
      const rules = await client.listRetentions(new swr.ListRetentionsRequest()
        .withNamespace(name).withRepository(spelled));
      assert(rules.length <= 1);
      const syncs = { success: 0, failed: 0, canceled: 0, other: 0 };
      let waiting = 0;
      const jobs = pages(async (page) => client.showSyncJob(new swr.ShowSyncJobRequest()
        .withNamespace(name).withRepository(spelled)
        .withFilter(`limit::50|offset::${page * 50}|order::desc`)));
      for await (const { status } of jobs) {
        const ends = { success: 'success', failed: 'failed', timeout: 'failed', cancel: 'canceled' };
        if (status === 'waiting' || status === 'running') ++waiting;
        else ++syncs[ends[status] ?? 'other'];
      }
      truth.push({ repo_namespace: name, repo: repository.name, deletions, syncs,
        syncs_in_progress: waiting });
    }
  }
  return truth;
}

const sorted = (list) => [...list].sort((a, b) =>
  `${a.repo_namespace}/${a.repo}` < `${b.repo_namespace}/${b.repo}` ? -1 : 1);

async function refused(promise, pattern) {
  await assert.rejects(promise, (error) => {
    const text = `${error.code} ${error.errorCode} ${error.message} ${error.errorMsg}`;
    assert.match(text, pattern);
    return true;
  });
}

async function check(name, body) {
  await body();
  console.log(`ok: ${name}`);
}

const frozen = await fetch(`http://${address}/control`,
  { method: 'POST', body: JSON.stringify({ speed: 0, faults: 'none' }) });
assert.equal(frozen.status, 200);
const truth = await (await fetch(`http://${address}/truth`)).json();

const acrCallers = {
  'openapi-core, V3, POST': (secret) => alibabaCaller(secret),
  'openapi-core, V3, GET': (secret) => alibabaCaller(secret, { method: 'GET' }),
  'openapi-core, V1, POST': (secret) => alibabaCaller(secret, { signature: 'v2' }),
  'openapi-core, V1, GET': (secret) => alibabaCaller(secret, { signature: 'v2', method: 'GET' }),
  'pop-core, V1, POST': (secret) => popCaller(secret, 'POST'),
  'pop-core, V1, GET': (secret) => popCaller(secret, 'GET'),
};
for (const [name, make] of Object.entries(acrCallers)) {
  await check(`acr: ${name}: every list walked equals the truth`, async () =>
    assert.deepEqual(sorted(await walkAcr(make('demo-access-key-secret'))), sorted(truth.acr)));
  await check(`acr: ${name}: events are told by GET alone, one for each build that ended`, async () => {
    const call = make('demo-access-key-secret');
    if (name.endsWith('POST')) return refused(walkEvents(call), /UnsupportedHTTPMethod/);
    const ended = truth.acr.map(({ repo_namespace, repo, builds }) => [`${repo_namespace}/${repo}`,
      Object.values(builds).reduce((sum, count) => sum + count, 0)]).filter(([, count]) => count > 0);
    assert.deepEqual(await walkEvents(call), new Map(ended));
  });
  await check(`acr: ${name}: a wrong secret is refused`, () =>
    refused(make('wrong')('ListInstance', {}), /SignatureDoesNotMatch/));
  await check(`acr: ${name}: odd characters are signed alike`, async () => {
    const answer = await make('demo-access-key-secret')('ListRepository',
      { InstanceId: 'cri-demo', RepoName: "a b*c~d+e/f!'(é)😀", RepoStatus: '' });
    assert.equal(answer.TotalCount, '0');
  });
}

const client = swrClient('demo-secret-key');
await check('swr: every list walked equals the truth', async () =>
  assert.deepEqual(sorted(await walkSwr(client)), sorted(truth.swr)));
await check('swr: odd characters are signed alike', async () => {
  const odd = await client.listReposDetails(new swr.ListReposDetailsRequest()
    .withName("a b*c~d!'(é)😀").withLimit('1').withOffset('0'));
  assert.equal(odd.length, 0);
});
await check('swr: a wrong secret is refused, and five of them lock the key', async () => {
  const wrong = swrClient('wrong');
  for (let i = 0; i < 5; ++i) {
    await refused(wrong.listNamespaces(new swr.ListNamespacesRequest()), /APIGW\.0301/);
  }
  await refused(client.listNamespaces(new swr.ListNamespacesRequest()), /reach the limit/);
});
