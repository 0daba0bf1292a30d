// Says which credentials the clouds' official JavaScript clients find. For each line of its input,
// {cloud, home, environment, config}, it prints one: {access_key, secret_key, security_token}
// (huawei: with project_id), or {error}. Every call goes to SERVER, whatever its host: that is sent along in `x-asked-for`.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { urlToHttpOptions } from 'node:url';

const require = createRequire(`${process.cwd()}/`);  // Where the clients are installed.
const http = require('http');
const https = require('https');

function reroute(server) {
  const request = http.request;
  const port = { 'http:': 80, 'https:': 443 };
  const rerouted = (protocol) => (...args) => {
    const callback = args.findLast((arg) => typeof arg === 'function');
    const parts = args.filter((arg) => arg !== callback).map((arg) =>
      typeof arg === 'string' || arg instanceof URL ? urlToHttpOptions(new URL(arg)) : arg);
    const options = Object.assign({}, ...parts);
    const scheme = options.protocol || protocol;
    const named = options.port && Number(options.port) !== port[scheme] ? `:${options.port}` : '';
    const asked = `${scheme}//${options.hostname || options.host}${named}`;
    const headers = { ...options.headers, 'x-asked-for': asked };
    return request({ ...options, protocol: 'http:', host: server.hostname,
                     hostname: server.hostname, port: server.port, agent: false, headers },
                   callback);
  };
  const get = (send) => (...args) => {
    const sent = send(...args);
    sent.end();
    return sent;
  };
  http.request = rerouted('http:');
  https.request = rerouted('https:');
  http.get = get(http.request);
  https.get = get(https.request);
}

const clients = {
  async alibaba() {
    const Credential = require('@alicloud/credentials').default;
    const found = await new Credential().getCredential();
    return { access_key: found.accessKeyId, secret_key: found.accessKeySecret,
             security_token: found.securityToken || '' };
  },
  async huawei({ region }) {
    const { ClientBuilder } = require('@huaweicloud/huaweicloud-sdk-core/ClientBuilder');
    const { Region } = require('@huaweicloud/huaweicloud-sdk-core/region/region');
    const { AuthCache } = require('@huaweicloud/huaweicloud-sdk-core/internal/services/authcache');
    AuthCache.instance().authMap.clear();  // It remembers projects from case to case.
    const client = new ClientBuilder((made) => made)
      .withRegion(new Region(region, `https://swr-api.${region}.myhuaweicloud.com`))
      .withOptions({ customUserAgent: 'credentials' }).build();
    require('log4js').configure({  // It logs whole requests, keys and all.
      appenders: { out: { type: 'stderr' } },
      categories: { default: { appenders: ['out'], level: 'off' } },
    });
    await client.sendRequest({ method: 'GET', url: '/v2/manage/namespaces', headers: {},
                               contentType: 'application/json', queryParams: {}, pathParams: {} });
    const { ak, sk, securityToken, projectId } = client.credential;
    return { access_key: ak, secret_key: sk, security_token: securityToken || '',
             project_id: projectId || '' };
  },
};

async function find({ cloud, home, environment, config }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment, { HOME: home });
  try {
    return await clients[cloud](config);
  } catch (problem) {
    return { error: String(problem.message || problem) };
  }
}

reroute(new URL(process.env.SERVER));
console.log = console.error;  // The clients' own words.
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await find(JSON.parse(line)))}\n`);
}
