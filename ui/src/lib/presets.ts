/** Common selections to start with. */
import type { ListedPackage } from './packages'

export interface Preset {
  name: string
  /** Import paths. */
  packages: string[]
}

/** By the display names of the main module's packages. */
const known: [name: string, packages: string[]][] = [
  ['NATS and Redis', ['nats', 'redis']],
  ['Kafka to S3', ['kafka', 'aws']],
  ['MQTT to InfluxDB', ['mqtt', 'influxdb']],
  ['AMQP to SQL', ['amqp09', 'sql']],
  ['HTTP, with Prometheus', ['prometheus']],
  ['Files and JavaScript', ['javascript', 'msgpack', 'avro']],
]

/** Presets whose packages all exist and can be built for the platform. */
export function presets(packages: ListedPackage[], whyNot: (listed: ListedPackage) => string | undefined): Preset[] {
  const offered = new Map(packages.filter((listed) => whyNot(listed) === undefined).map(({ name, path }) => [name, path]))
  return known.flatMap(([name, wanted]) => {
    const paths = wanted.flatMap((short) => offered.get(short) ?? [])
    return paths.length === wanted.length ? [{ name, packages: paths }] : []
  })
}
