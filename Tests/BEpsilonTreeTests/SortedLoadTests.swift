// Goal: a sorted load writes its data once: bytes of leaves, inner nodes and long values ≤ 1.3 × the logical bytes, for values from
// 16 to 6,000 bytes and nodes from 4 KiB to 1 MiB, wherever whole transfer units allow it.
// Method: ascending keys into an empty tree, bytes by cause from the ledger; where rounding forbids 1.3 the bound is computed here
// from the entries that fit into a leaf and the units they take, and the tree is held to it within a twentieth.

import Accounting
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct SortedLoadTests {
  static let nodes = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20]
  static let values = [16, 100, 500, 1_000, 4_096, 6_000]

  /// What no tree with these leaves can go below: bytes written for each byte of key and value.
  ///
  /// - A value beyond a quarter of a node lies in an extent of its own: 4,096 bytes and a block's head take two units of 4 KiB.
  /// - A leaf that is cut has a head of a unit; its basements may be full.
  /// - A leaf of one block holds as many whole entries as fit into its units.
  /// - An inner node takes a unit at least, and the load leaves it one child short of F.
  private func bound(node: Int, value: Int, fanout: Int) -> Double {
    let unit = 4_096
    func rounded(_ byteCount: Int) -> Int { (byteCount + unit - 1) / unit * unit }
    let logical = 16 + value
    if value > node / 4 { return Double(rounded(VolumeBlock.headerByteCount + value)) / Double(logical) }
    let cell = 8 + logical
    let isCut = node > 64 << 10
    let count = (node - (isCut ? node / 32 : 0) - 128) / cell
    let head = VolumeBlock.headerByteCount + NodeImage.headByteCount + NodeImage.partByteCount
    let leaf = isCut ? unit + count * cell : rounded(head + count * cell)
    let inner = Double(unit) / Double(leaf) / Double(max(2, fanout - 1) - 1)
    return Double(leaf) * (1 + inner) / Double(count * logical)
  }

  @Test(arguments: nodes, values)
  func aSortedLoadWritesEachByteOnce(node: Int, value: Int) throws {
    let bench = try Bench(
      [
        // A checkpoint writes the leaf that is not full yet: at most one in thirty-two.
        "node_bytes": .integer(node), "checkpoint_log_bytes": .integer(max(4 << 20, 32 * node)),
        "log_segment_bytes": .integer(256 << 10),
      ], memoryByteCount: node < 1 << 20 ? 4 << 20 : 16 << 20)
    let total = max(8 << 20, 48 * node)
    let count = total / (16 + value) / 50 * 50
    let bytes = [UInt8](repeating: 7, count: value)
    for start in stride(from: 0, to: count, by: 50) {
      var batch = WriteBatch()
      for index in start..<(start + 50) { batch.put(key(index), bytes) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.checkpoint()
    let written = bench.channel.ledger.total(.write, CauseClass.data).transferredByteCount
    let amplification = Double(written) / Double(count * (16 + value))
    let fanout = bench.engine.settings.geometry.fanout
    let bound = bound(node: node, value: value, fanout: fanout)
    #expect(amplification <= max(1.3, 1.05 * bound), "\(amplification), bound \(bound), F \(fanout)")
    try bench.engine.verify()
  }
}
