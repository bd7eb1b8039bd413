// What every engine on a volume says in the same words: how it is opened, and where its space is.

import Accounting
import KeyValue
import Primitives
import Storage

/// The volume of an environment: formatted when the environment creates, otherwise opened.
func openVolume(_ environment: EngineEnvironment, engineTag: String) throws(StorageError) -> Volume {
  let configuration = VolumeConfiguration(engineTag: engineTag, seed: environment.seed)
  if environment.creates {
    return try Volume.create(
      channel: environment.channel, budget: environment.budget,
      configuration: configuration)
  }
  return try Volume.open(
    channel: environment.channel, budget: environment.budget,
    configuration: configuration)
}

/// A space report of the engine's named parts, with what the volume itself holds beside them.
func volumeSpaceReport(_ volume: Volume, parts: [(name: String, byteCount: UInt64)]) -> SpaceReport {
  var all = parts.map { SpaceReport.Part(name: $0.name, byteCount: $0.byteCount) }
  all.append(SpaceReport.Part(name: "superblocks", byteCount: UInt64(2 * volume.transferUnitByteCount)))
  all.sort { $0.name < $1.name }
  return SpaceReport(
    allocatedByteCount: all.reduce(0) { $0 + $1.byteCount }, parts: all)
}
