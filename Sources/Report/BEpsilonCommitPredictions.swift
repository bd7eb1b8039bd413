// The Bε-tree's two ways of becoming durable, predicted: bytes, syncs and nodes of an update by operations per commit.
//
// Assumed, and nowhere measured: the memory holds the tree, so what is written is what durable states write; a log's cell takes
// 8 bytes beside key and value, its record 17 more.

import CostModel
import Primitives
import Results

extension Predictions.Conditions {
  /// Whether a durable commit copies nodes; otherwise it appends to the log.
  private var copiesNodes: Bool { parameters["durability"] == "copy-on-write" }

  /// Operations between two durable trees: durable commits where there is no log, or the engine's checkpoints, or the phase.
  private var durableTreeOperations: Double {
    var interval = max(1, operations ?? records)
    if copiesNodes, syncEveryCommits > 0 { interval = min(interval, batchOperations * syncEveryCommits) }
    if let own = number("checkpoint_operations") { interval = min(interval, max(own, batchOperations)) }
    if let own = number("checkpoint_log_bytes") {
      interval = min(interval, max(own / (recordByteCount + 8), batchOperations))
    }
    return interval
  }

  /// Bytes an operation appends to the log, 0 where there is none.
  private var appendedByteCount: Double {
    if copiesNodes { return 0 }
    let batch = 17 + batchOperations * (8 + recordByteCount)
    if syncEveryCommits == 0 { return batch / batchOperations }
    // The last unit of each durable append is written again by the next one.
    return (batch * syncEveryCommits + transferUnitByteCount) / (batchOperations * syncEveryCommits)
  }

  /// The nodes of a durable tree, for each operation since the one before; nil when something is not known.
  private var durableNodes: BEpsilonCommitModel.Nodes? {
    guard let tree = bufferedTraffic, let model = BEpsilonCommitModel(tree: tree) else { return nil }
    var nodes = model.nodes(operationCount: durableTreeOperations)
    nodes.count /= durableTreeOperations
    nodes.byteCount /= durableTreeOperations
    return nodes
  }

  /// Bytes of an update of a Bε-tree.
  var durableUpdateByteCount: Double? {
    guard let nodes = durableNodes, capacityByteCount > 0 else { return nil }
    let volume = VolumeCommitModel(
      transferUnitByteCount: transferUnitByteCount, usedByteCount: 2 * records * recordByteCount,
      capacityByteCount: capacityByteCount)
    let commit = volume.commitByteCount(pageCount: nodes.count * durableTreeOperations)
    return nodes.byteCount + commit / durableTreeOperations + appendedByteCount
  }

  /// Nodes an update writes.
  var durableUpdateNodeCount: Double? { durableNodes?.count }

  /// Syncs of an update.
  var durableUpdateSyncCount: Double? {
    let tree = VolumeCommitModel.syncsPerCommit / durableTreeOperations
    if copiesNodes { return tree }
    guard syncEveryCommits > 0, let segment = number("log_segment_bytes") else { return nil }
    // A segment that the log grows by before it is cut is a superblock more.
    let logged = durableTreeOperations * (recordByteCount + 8)
    let growth =
      VolumeCommitModel.syncsPerCommit * DeterministicMath.floor(logged / segment) / durableTreeOperations
    return tree + growth + 1 / (batchOperations * syncEveryCommits)
  }
}

extension Predictions {
  private static func update(
    _ predict: @escaping @Sendable (Conditions) -> Double?
  ) -> @Sendable (Conditions) -> Double? {
    { run in
      guard run.operation == "overwrite", run.distribution == "uniform" else { return nil }
      return predict(run)
    }
  }

  static let bufferedCommitModels: [Model] = [
    Model(
      name: "be_tree_durable_put", engine: "bepsilon", phaseKind: "write", metric: "device_write_bytes",
      per: "operations",
      words:
        "the root and the nodes that flushes reached between two durable trees (Cárdenas, CACM 1975), with the superblock; a "
        + "log's appends beside it",
      predict: update { $0.durableUpdateByteCount }),
    Model(
      name: "be_tree_durable_nodes", engine: "bepsilon", phaseKind: "write", metric: "statistic_node_writes",
      per: "operations", words: "the root and the nodes that flushes reached between two durable trees",
      predict: update { $0.durableUpdateNodeCount }),
    Model(
      name: "be_tree_durable_syncs", engine: "bepsilon", phaseKind: "write", metric: "device_sync_count",
      per: "operations",
      words: "two for each durable tree and each segment more of the log, and one for each durable append",
      predict: update { $0.durableUpdateSyncCount }),
  ]
}
