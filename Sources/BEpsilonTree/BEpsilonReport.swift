// What the engine says of itself: settings, counters, space, and whether everything is as it must be.

import Accounting
import KeyValue
import Primitives
import Storage

extension BEpsilonTreeEngine {
  /// What survives a crash.
  public var durabilityClass: DurabilityClass {
    syncEveryCommits == 0 ? .prefix : .everyCommits(syncEveryCommits)
  }

  /// Effective settings, sorted by name.
  public func settingsReadBack() -> [(name: String, value: String)] {
    let geometry = settings.geometry
    return [
      ("basement_bytes", String(settings.basementByteCount)),
      ("buffer_bytes", String(geometry.bufferByteCount)),
      ("buffer_layout", settings.layout.rawValue),
      ("buffer_units", String(geometry.bufferUnitCount)),
      ("cache_bytes", String(table.capacityByteCount)),
      ("checkpoint_log_bytes", String(settings.checkpointLogByteCount)),
      ("checkpoint_operations", String(settings.checkpointOperationCount)),
      ("durability", settings.durability.rawValue),
      ("epsilon_configured", String(settings.configuredEpsilon)),
      ("epsilon_of_fanout", String(geometry.effectiveEpsilon)),
      ("fanout", String(geometry.fanout)),
      ("flush_policy", settings.policy.rawValue),
      ("headroom_bytes", String(settings.headroomByteCount)),
      ("maximum_key_bytes", String(limits.maximumKeyByteCount)),
      ("maximum_value_bytes", String(limits.maximumValueByteCount)),
      ("merge_threshold_percent", String(settings.mergeThresholdPercent)),
      ("minimum_flush_bytes", String(settings.minimumFlushByteCount)),
      ("node_bytes", String(geometry.nodeByteCount)),
      ("node_units", String(geometry.nodeUnitCount)),
      ("pass_through_bytes", String(settings.passThroughByteCount)),
      ("promotion", String(settings.promotes)),
      ("sequential_bypass", String(settings.bypassesBuffers)),
      ("transfer_unit_bytes", String(volume.transferUnitByteCount)),
      ("unit_bytes", String(geometry.unit.byteCount)),
    ]
  }

  /// Counters, sorted by name.
  public func statistics() -> [(name: String, value: UInt64)] {
    let counts = table.counts.pointee
    return [
      ("bypassed_operations", counts.bypassed),
      ("cache_evictions", counts.evictions),
      ("cache_held_used_bytes", UInt64(table.heldByteCount)),
      ("checkpoints", counts.checkpoints),
      ("flushes_to_inner_nodes", counts.flushesToInner),
      ("flushes_to_leaves", counts.flushesToLeaf),
      ("inner_splits", counts.innerSplits),
      ("interior_used_bytes", UInt64(table.shape.innerByteCount)),
      ("leaf_splits", counts.leafSplits),
      ("leaf_used_bytes", UInt64(table.shape.leafByteCount)),
      ("messages_flushed_to_inner_nodes", counts.messagesToInner),
      ("messages_flushed_to_leaves", counts.messagesToLeaf),
      ("node_merges", counts.merges),
      ("node_reads", counts.nodesRead),
      ("node_writes", counts.nodesWritten),
      ("nodes_inspected", counts.nodesInspected),
      ("part_reads", counts.partsRead),
      ("passed_through_messages", counts.passedThrough),
      ("postponed_flushes", postponedFlushCount),
      ("promoted_messages", counts.promoted),
      ("root_collapses", counts.rootCollapses),
    ]
  }

  /// Where the bytes on the device are.
  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    let accounting = volume.accounting()
    let parts: [(String, UInt64)] = [
      ("dead_versions", accounting.deferredByteCount + UInt64(table.copies?.releasedByteCount ?? 0)),
      ("interior", UInt64(table.shape.innerByteCount)),
      ("leaf", UInt64(table.shape.leafByteCount)),
      ("log", accounting.logByteCount),
      ("metadata", accounting.metadataByteCount),
    ]
    return SpaceReport(
      allocatedByteCount: accounting.allocatedByteCount,
      parts: parts.map { SpaceReport.Part(name: $0.0, byteCount: $0.1) },
      largestFreeExtentByteCount: accounting.largestFreeExtentByteCount)
  }

  /// Reads everything: the volume's structures, every node and part, and compares the counts.
  public func verify() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      for finding in try volume.verify() where !finding.isHarmless {
        throw .corrupted(structure: finding.structure, offset: finding.offset, detail: finding.detail)
      }
      _ = try TreeChecker(table).check()
    }
  }
}
