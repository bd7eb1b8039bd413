// Goal: the nodes of a Bε-tree's durable states are those that can be worked out by hand, and batches share them.
// Method: hand-made geometry; limits of one operation and of very many; order in the operations.

import CostModel
import Testing

@Suite struct BEpsilonCommitTests {
  private func tree(buffer: Double = 63_488, entries: Double = 1e5) -> BEpsilonTreeTraffic {
    BEpsilonTreeTraffic(
      entryCount: entries, entryByteCount: 124, nodeByteCount: 65_536, fanout: 16, bufferByteCount: buffer,
      basementByteCount: 16_384, pivotByteCount: 48, cacheByteCount: 256e6, dirtyByteCount: 192e6,
      checkpointByteCount: 64e6, unitByteCount: 4_096)
  }

  @Test func levelsEndInOneRoot() throws {
    let model = try #require(BEpsilonCommitModel(tree: tree()))
    let children = 0.6931471805599453 * 17
    #expect(model.levels.count == 4 && model.levels.last == 1)
    #expect(abs(model.levels[0] / model.levels[1] - children) < 1e-9)
    #expect(BEpsilonCommitModel(tree: tree(buffer: 0)) == nil)
    #expect(BEpsilonCommitModel(tree: tree(entries: 100)) == nil)
    // n buffers evenly between nothing and the fullest: that one is 2 ÷ (n + 1) of all.
    #expect(abs(model.flushByteCount(level: 1) - 2 * 63_488 / (children + 1)) < 1e-9)
  }

  @Test func oneOperationWritesTheRootAndLittleMore() throws {
    let model = try #require(BEpsilonCommitModel(tree: tree()))
    let nodes = model.nodes(operationCount: 1)
    #expect(nodes.count > 1 && nodes.count < 1.05)
    // A head of one unit, and what is in the root's buffers.
    let content = 63_488 - model.flushByteCount(level: 3) / 2
    #expect(nodes.byteCount >= 4_096 + content && nodes.byteCount < 1.1 * (2 * 4_096 + content))
  }

  @Test func manyOperationsWriteEveryNodeOnce() throws {
    let model = try #require(BEpsilonCommitModel(tree: tree()))
    let all = model.levels.reduce(0, +)
    #expect(abs(model.nodes(operationCount: 1e7).count / all - 1) < 1e-3)
  }

  @Test func batchesShareNodes() throws {
    let model = try #require(BEpsilonCommitModel(tree: tree()))
    var last = Double.infinity
    for count in [1.0, 10, 100, 1_000, 10_000] {
      let nodes = model.nodes(operationCount: count)
      #expect(nodes.byteCount / count < last)
      last = nodes.byteCount / count
    }
  }
}
