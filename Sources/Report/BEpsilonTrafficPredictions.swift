// The Bε-tree's transfers predicted with their constants: from a run's sizes and settings to what an insert and a cold query move,
// in blocks of the disk-access machine and in seconds of the affine model.
//
// Assumed, and nowhere measured:
//   - a cell takes 8 bytes beside key and value, a child or a basement 48 in its node's head;
//   - the engine's division of its memory: five nodes and three sixty-fourths of it are kept apart, three quarters of the rest
//     may be dirty.

import CostModel
import Primitives
import Results

extension Predictions.Conditions {
  /// The tree of a run of `bepsilon`; nil when the record does not say what it needs.
  var bufferedTraffic: BEpsilonTreeTraffic? {
    guard let node = number("node_bytes"), let fanout = nodeFanout, let basement = number("basement_bytes"),
      let checkpoint = checkpointByteCount
    else { return nil }
    let unit = parameters["unit"] == "bytes" ? 1 : number("entry_bytes") ?? 128
    let cell = recordByteCount + 8
    let cache = memoryByteCount * (1 - 3 / 64) - 5 * node
    guard fanout >= 2, node >= 2 * cell, cache > 0 else { return nil }
    var traffic = BEpsilonTreeTraffic(
      entryCount: records, entryByteCount: cell, nodeByteCount: node, fanout: fanout,
      bufferByteCount: max(0, DeterministicMath.floor(node / unit) - fanout) * unit,
      basementByteCount: basement, pivotByteCount: 48, cacheByteCount: cache, dirtyByteCount: 0.75 * cache,
      checkpointByteCount: checkpoint, unitByteCount: transferUnitByteCount)
    traffic.sharesBuffers = parameters["buffer_layout"] == "shared"
    traffic.coldQueryCount = beginsCold ? operations : nil
    return traffic
  }

  /// Bytes of log between two checkpoints.
  private var checkpointByteCount: Double? {
    guard let logged = number("checkpoint_log_bytes") else { return nil }
    guard let operations = number("checkpoint_operations") else { return logged }
    return min(logged, operations * (recordByteCount + 8))
  }
}

extension Predictions {
  /// The block the record's DAM column counts in, in bytes.
  private static let blockByteCount = 4_096.0

  static let bufferedTrafficModels: [Model] = [
    Model(
      name: "be_tree_insert_blocks", engine: "bepsilon", phaseKind: "load", metric: "dam_ios_4096",
      per: "operations",
      words:
        "DAM, blocks of 4 KiB: the log, and on each level that is not cached a node read and written for the messages one flush "
        + "moves, 2(B − F) ÷ children (Bender et al., TOPC 2021, Theorem 4, with fills of ln 2); random keys",
      predict: { run in
        guard run.loadOrder == "random" else { return nil }
        return run.bufferedTraffic?.insertCost.blockCount(blockByteCount: blockByteCount)
      }),
    Model(
      name: "be_tree_insert_affine", engine: "bepsilon", phaseKind: "load", metric: "affine_ms",
      per: "operations",
      words:
        "affine: the same transfers, s for each and t for each byte of the study's profile (Bender et al., TOPC 2021, Lemma 8)",
      predict: { run in
        guard run.loadOrder == "random", let profile = run.profile else { return nil }
        return run.bufferedTraffic.map { 1_000 * $0.insertCost.seconds(profile) }
      }),
    Model(
      name: "be_tree_get", engine: "bepsilon", phaseKind: "read", metric: "device_read_bytes",
      per: "operations",
      words:
        "a head, one child's buffer and a basement for each that is not cached; whole nodes where children share a buffer "
        + "(Bender et al., TOPC 2021, Lemma 8, Theorem 9); uniform keys",
      predict: { run in
        guard run.operation == "get_hit", run.distribution == "uniform" else { return nil }
        return run.bufferedTraffic?.pointCost.readByteCount
      }),
    Model(
      name: "be_tree_get_reads", engine: "bepsilon", phaseKind: "read", metric: "device_read_count",
      per: "operations",
      words:
        "DAM: a read for each head, buffer and basement on the way that is not cached, upper levels first; for each node and "
        + "basement where children share a buffer; uniform keys",
      predict: { run in
        guard run.operation == "get_hit", run.distribution == "uniform" else { return nil }
        return run.bufferedTraffic?.pointCost.readCount
      }),
    Model(
      name: "be_tree_get_affine", engine: "bepsilon", phaseKind: "read", metric: "affine_ms",
      per: "operations",
      words:
        "affine: the same reads, s for each and t for each byte of the study's profile (Bender et al., TOPC 2021, Theorem 9; "
        + "Lemma 8 where children share a buffer)",
      predict: { run in
        guard run.operation == "get_hit", run.distribution == "uniform", let profile = run.profile else {
          return nil
        }
        return run.bufferedTraffic.map { 1_000 * $0.pointCost.seconds(profile) }
      }),
  ]
}

extension BEpsilonTreeTraffic.Cost {
  /// Seconds on a device of a profile.
  fileprivate func seconds(_ profile: DeviceProfile) -> Double {
    seconds(reads: AffineModel(readsOf: profile), writes: AffineModel(writesOf: profile))
  }
}
