// What every engine on a volume says in the same words: how it is opened, and where its space is.

import Accounting
import KeyValue
import Primitives
import Storage

extension EngineEnvironment {
  /// What limits and effective sizes are made from.
  func setting(_ parameters: ParameterSet) -> EngineSetting {
    EngineSetting(
      parameters: parameters, memoryBudgetByteCount: budget.limitByteCount,
      transferUnitByteCount: channel.transferUnitByteCount,
      capacityByteCount: channel.device.capacityByteCount, syncEveryCommits: syncEveryCommits)
  }
}

/// The longest value of an engine that holds a few values in memory at once: the largest power of two of which thirty-two
/// fit into the memory, at most 1 MiB.
func largestValueByteCount(memoryBudgetByteCount: Int) -> Int {
  min(1 << 20, 1 << (Int.bitWidth - 1 - (memoryBudgetByteCount / 32).leadingZeroBitCount))
}

/// Where `largestValueByteCount` comes from.
func largestValueReason(memoryBudgetByteCount: Int) -> String {
  "the largest power of two within 1/32 of the memory, \(memoryBudgetByteCount) bytes, at most 1 MiB"
}

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

/// A space report of the engine's named parts, with what the volume itself holds beside them. The parts sum to the
/// live bytes, or to the log's for an engine that lives in a log.
func volumeSpaceReport(
  _ accounting: VolumeAccounting, parts: [(name: String, byteCount: UInt64)]
) -> SpaceReport {
  var all = parts.map { SpaceReport.Part(name: $0.name, byteCount: $0.byteCount) }
  all.append(SpaceReport.Part(name: "dead_versions", byteCount: accounting.deferredByteCount))
  all.append(SpaceReport.Part(name: "metadata", byteCount: accounting.metadataByteCount))
  all.sort { $0.name < $1.name }
  return SpaceReport(
    allocatedByteCount: accounting.allocatedByteCount, parts: all,
    largestFreeExtentByteCount: accounting.largestFreeExtentByteCount)
}

/// Checks the volume's own structures against the device, and that it counts the engine's bytes as the engine does:
/// an extent that nobody knows, or that two know, is found here.
func verifyVolume(_ volume: Volume, liveByteCount: UInt64) throws(StorageError) {
  for finding in try volume.verify() where !finding.isHarmless {
    throw .corrupted(structure: finding.structure, offset: finding.offset, detail: finding.detail)
  }
  let counted = volume.accounting().liveByteCount
  guard counted == liveByteCount else {
    throw .corrupted(
      structure: "volume accounting", offset: 0,
      detail: "the volume counts \(counted) live bytes, the engine \(liveByteCount)")
  }
}
