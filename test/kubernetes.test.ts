import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import { readConfig, settings } from '../src/config.js';

interface Manifest {
  kind: string;
  metadata: { name: string };
}

interface Probe {
  httpGet: { path: string; port: number | string };
}

interface Container {
  image: string;
  livenessProbe: Probe;
  readinessProbe: Probe;
  securityContext: object;
  volumeMounts: object[];
  lifecycle: { preStop: { exec: { command: string[] } } };
  envFrom: { configMapRef: { name: string } }[];
  env: { name: string; valueFrom: { secretKeyRef: { optional: boolean } } }[];
  ports: { name: string; containerPort: number }[];
}

interface Pod {
  terminationGracePeriodSeconds: number;
  securityContext: object;
  containers: Container[];
  volumes: { emptyDir: { sizeLimit: string } }[];
}

interface StatefulSet extends Manifest {
  spec: {
    replicas?: number;
    serviceName: string;
    template: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> };
      spec: Pod;
    };
  };
}

interface Predictor extends Manifest {
  spec: { predictor: Pod };
}

interface Service extends Manifest {
  spec: { selector: Record<string, string>; ports: { port: number; targetPort: string }[] };
}

const LEAVING_SECONDS = 3;
const GIBIBYTE = 1024 ** 3;

function read<T extends Manifest>(name: string, folder = 'kubernetes'): T {
  return parse(readFileSync(`${folder}/ae-ano-detection.${name}.yml`, 'utf8')) as T;
}

describe('the manifests', () => {
  const configMap = read<Manifest & { data: Record<string, string> }>('config-map');
  const stateful = read<StatefulSet>('stateful');
  const pod = stateful.spec.template.spec;
  const [container] = pod.containers;
  const config = readConfig(configMap.data);
  const services = ['service', 'engines-service'].map((name) => read<Service>(name));

  it('configure what the service knows, with values that it takes', () => {
    expect([...Object.keys(settings), 'ORT_DISABLE_TELEMETRY']).to.include.members(Object.keys(configMap.data));
    expect(container.envFrom[0].configMapRef.name).to.equal(configMap.metadata.name);
  });

  it('wait for a pod that drains for as long as it may take', () => {
    const preStop = Number(container.lifecycle.preStop.exec.command[1]);
    const longest = preStop + config.shutdownGraceSeconds + LEAVING_SECONDS;
    expect(pod.terminationGracePeriodSeconds).to.be.above(longest);
  });

  it('have room in /tmp for all uploads that may wait', () => {
    expect(pod.volumes[0].emptyDir.sizeLimit).to.equal('1Gi');
    const uploads = config.maxTasks + 2 * config.workers;
    expect(uploads * config.maxUploadBytes).to.be.below(GIBIBYTE);
  });

  it('tell Prometheus where the metrics are', () => {
    const { annotations } = stateful.spec.template.metadata;
    expect(annotations).to.include({
      'prometheus.io/port': String(config.port),
      'prometheus.io/path': '/metrics',
    });
  });

  it('keep the token for reloads out of the config map', () => {
    expect(configMap.data).not.to.have.property('RELOAD_TOKEN');
    expect(container.env.map(({ name, valueFrom }) => [name, valueFrom.secretKeyRef.optional])).to.deep.equal([
      ['RELOAD_TOKEN', true],
    ]);
  });

  it('find each other by their names, labels and ports', () => {
    for (const { spec } of services) {
      expect(stateful.spec.template.metadata.labels).to.include(spec.selector);
      expect(spec.ports[0].targetPort).to.equal(container.ports[0].name);
    }
    expect(container.ports[0].containerPort).to.equal(config.port);
    const names = services.map(({ metadata }) => metadata.name);
    expect(names).to.include(stateful.spec.serviceName);
    expect(names.map((name) => `http://${name}:8282`)).to.include(config.serviceUrl);
  });

  it('leave the number of pods to the autoscaler', () => {
    const { spec } = read<Manifest & { spec: { scaleTargetRef: object } }>('autoscaler');
    expect(spec.scaleTargetRef).to.include({ kind: stateful.kind, name: stateful.metadata.name });
    expect(stateful.spec).not.to.have.property('replicas');
  });

  it('can be applied as a folder to a cluster without KServe', () => {
    const files = readdirSync('kubernetes').filter((file) => file.endsWith('.yml'));
    const groups = files.map(
      (file) => (parse(readFileSync(`kubernetes/${file}`, 'utf8')) as { apiVersion: string }).apiVersion,
    );
    expect(groups).to.have.length(7);
    expect(groups.filter((group) => group.includes('kserve'))).to.deep.equal([]);
  });

  it('run the same pod under KServe: as locked up, drained as long, reading the same configuration', () => {
    const { spec } = read<Predictor>('inference-service', 'kubernetes/examples');
    const [served] = spec.predictor.containers;
    const same = ['image', 'lifecycle', 'securityContext', 'volumeMounts', 'envFrom'] as const;
    for (const key of same) expect(served[key], key).to.deep.equal(container[key]);
    expect(served.ports[0].containerPort).to.equal(config.port);
    const { terminationGracePeriodSeconds, securityContext, volumes } = spec.predictor;
    expect({ terminationGracePeriodSeconds, securityContext, volumes }).to.deep.equal({
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
      securityContext: pod.securityContext,
      volumes: pod.volumes,
    });
    for (const key of ['livenessProbe', 'readinessProbe'] as const) {
      const { port, ...request } = container[key].httpGet;
      expect(port).to.equal(container.ports[0].name);
      expect(served[key], key).to.deep.equal({ ...container[key], httpGet: { ...request, port: config.port } });
    }
  });
});
