// Goal: every formula gives the papers' own worked numbers.
// Method: tables and examples recomputed to the printed digits; limits and identities between models.

import Primitives
import Testing

@testable import CostModel

@Suite struct CostModelTests {
  func near(_ value: Double, _ expected: Double, _ tolerance: Double) -> Bool {
    abs(value - expected) <= tolerance
  }

  // MARK: Devices

  @Test func damRoundsUp() {
    #expect(DAMModel.blockCount(byteCount: 0, blockByteCount: 4_096) == 0)
    #expect(DAMModel.blockCount(byteCount: 1, blockByteCount: 4_096) == 1)
    #expect(DAMModel.blockCount(byteCount: 4_096, blockByteCount: 4_096) == 1)
    #expect(DAMModel.blockCount(byteCount: 4_097, blockByteCount: 4_096) == 2)
    #expect(DAMModel.blockCount(byteCount: .max, blockByteCount: 1) == .max)
  }

  @Test func affineChargesASetupPerTransfer() throws {
    let device = AffineModel(readsOf: try DeviceProfile.named("hdd-wd-black-2011"))
    #expect(near(device.seconds(byteCount: 4_096), 0.012035, 1e-12))
    #expect(near(device.seconds(transferCount: 10, byteCount: 40_960), 0.12035, 1e-12))
    #expect(near(device.setups(byteCount: device.halfBandwidthByteCount), 2, 1e-12))
    let virtual = AffineModel(readsOf: DeviceProfile.ssdVirtual)
    #expect(near(virtual.halfBandwidthByteCount / 1_024, 39, 0.6))
    let writes = AffineModel(writesOf: DeviceProfile.ssdVirtual)
    #expect(near(writes.halfBandwidthByteCount / 1_024, 77, 1))
  }

  @Test func pdamStepsAreCeilings() {
    let device = PDAMModel(parallelBlockCount: 4, blockByteCount: 4_096)
    #expect(device.stepCount(blockCount: 0) == 0)
    #expect(device.stepCount(blockCount: 4) == 1)
    #expect(device.stepCount(blockCount: 5) == 2)
    // One batch: 1 + 1 + 3 blocks in flight together.
    #expect(device.stepCount(transferByteCounts: [4_096, 100, 8_193]) == 2)
    #expect((1...6).map(device.throughputBlocksPerStep) == [1, 2, 3, 4, 4, 4])
    #expect(PDAMModel(DeviceProfile.ssdVirtual) == device)
  }

  // MARK: B-tree

  /// The WD Black with the paper's printed α = 0.0029 per 4 KiB.
  let printedWDBlack = AffineModel(setupSeconds: 0.012, secondsPerByte: 0.012 * 0.0029 / 4_096)
  let nodeByteCounts: [Double] = [12, 14, 16, 18, 20, 22, 24].map { Double(1 << $0) }

  @Test func relativeCostsReproduceTheTable() {
    // TOPC 2021, Table 3 evaluated for 32-byte entries, in setups × log2(N/M).
    let bTree = [0.143, 0.112, 0.095, 0.091, 0.116, 0.234, 0.678]
    let insert = [0.0127, 0.0050, 0.0021, 0.0010, 0.00064, 0.00064, 0.00094]
    let query = [0.143, 0.111, 0.091, 0.077, 0.067, 0.059, 0.054]
    for (index, bytes) in nodeByteCounts.enumerated() {
      let entries = bytes / 32
      let tree = BTreeModel(
        entryCount: 1e9, cachedEntryCount: 1e6, nodeEntryCount: entries, entryByteCount: 32)
      #expect(near(tree.relativePointSetups(printedWDBlack), bTree[index], 0.0006), "node \(bytes)")
      let inserted = BEpsilonTreeModel.relativeInsertSetupsOfSquareRootTree(
        nodeEntryCount: entries, entryByteCount: 32, printedWDBlack)
      #expect(abs(inserted / insert[index] - 1) < 0.05, "node \(bytes): \(inserted)")
      let queried = BEpsilonTreeModel.relativeQuerySetupsOfSquareRootTree(
        nodeEntryCount: entries, entryByteCount: 32, printedWDBlack)
      #expect(near(queried, query[index], 0.0006), "node \(bytes)")
      // The relative form times log2(N/M) is the whole form.
      let whole = tree.relativePointSetups(printedWDBlack) * DeterministicMath.log2(1_000)
      #expect(near(tree.pointSetups(printedWDBlack), whole, 1e-9))
    }
  }

  @Test func optimalNodeSizesReproduceTheTable() throws {
    let rows: [(String, Double, Double)] = [
      ("hdd-seagate-2006", 230, 269), ("hdd-hitachi-2009", 167, 196), ("hdd-wd-black-2011", 179, 210),
      ("hdd-seagate-2012", 405, 467), ("hdd-wd-red-2018", 302, 350),
    ]
    for (name, small, large) in rows {
      let device = AffineModel(readsOf: try DeviceProfile.named(name))
      let optimum32 = BTreeModel.optimalNodeByteCount(entryByteCount: 32, device) / 1_024
      let optimum116 = BTreeModel.optimalNodeByteCount(entryByteCount: 116, device) / 1_024
      #expect(abs(optimum32 / small - 1) < 0.02, "\(name): \(optimum32) KiB")
      #expect(abs(optimum116 / large - 1) < 0.02, "\(name): \(optimum116) KiB")
      // A minimum: both neighbours cost more.
      func cost(_ bytes: Double) -> Double {
        BTreeModel(entryCount: 1e9, cachedEntryCount: 1e6, nodeEntryCount: bytes / 32, entryByteCount: 32)
          .relativePointSetups(device)
      }
      let best = cost(optimum32 * 1_024)
      #expect(cost(optimum32 * 1_100) > best && cost(optimum32 * 950) > best)
    }
  }

  @Test func bTreeTransfers() {
    // 128 entries per node: 10⁹ entries, 10⁶ cached, log_129(1,000) = 1.42 levels.
    let tree = BTreeModel(entryCount: 1e9, cachedEntryCount: 1e6, nodeEntryCount: 128, entryByteCount: 32)
    #expect(near(tree.pointTransferCount, 1.4214, 1e-4))
    #expect(near(tree.rangeTransferCount(resultEntryCount: 129), 2 + tree.pointTransferCount, 1e-12))
    #expect(tree.worstCaseWriteAmplification == 128)
    let cached = BTreeModel(entryCount: 100, cachedEntryCount: 1_000, nodeEntryCount: 128, entryByteCount: 32)
    #expect(cached.pointTransferCount == 0)
    let inBytes = BTreeModel(
      entryCount: 1e9, entryByteCount: 32, cacheByteCount: 32e6, nodeByteCount: 4_096)
    #expect(inBytes == tree)
    let range = tree.rangeSetups(resultEntryCount: 1_280, printedWDBlack)
    #expect(near(range, 11 * 1.0029 + tree.pointSetups(printedWDBlack), 1e-9))
    #expect(near(tree.pointSeconds(printedWDBlack), 0.012 * tree.pointSetups(printedWDBlack), 1e-12))
  }

  @Test func inPlaceWriteAmplification() {
    #expect(BTreeModel.inPlaceWriteAmplification(pageByteCount: 8_192, recordByteCount: 128) == 64)
    #expect(
      BTreeModel.inPlaceWriteAmplification(pageByteCount: 8_192, recordByteCount: 128, logsWholePages: true)
        == 128)
    #expect(near(BTreeModel.randomFill, 0.693, 0.001))
  }

  // MARK: Copy on write

  @Test func pathCopying() {
    // One operation copies one node per level, and the overhead.
    let levels = CopyOnWriteModel.levelNodeCounts(entryCount: 1e6, leafEntryCount: 25, fanout: 150)
    #expect(levels == [40_000, 267, 2, 1])
    let tree = CopyOnWriteModel(
      pageByteCount: 4_096, levelNodeCounts: levels, commitOverheadByteCount: 8_192)
    #expect(near(tree.writtenBytesPerOperation(batchOperationCount: 1), 4 * 4_096 + 8_192, 1e-4))
    // 1,000 uniform operations: 40,000(1 − (1 − 1/40,000)^1000) = 987.6 leaves, 260.7 of 267, both, the root.
    let pages = tree.pagesPerCommit(batchOperationCount: 1_000)
    #expect(near(pages, 987.6 + 260.7 + 2 + 1, 0.5), "\(pages)")
    // Very large commits write the whole tree once.
    #expect(near(tree.pagesPerCommit(batchOperationCount: 1e9), 40_270, 1e-6))
    let perOperation = tree.writtenBytesPerOperation(batchOperationCount: 1_000)
    let amplification = tree.writeAmplification(batchOperationCount: 1_000, recordByteCount: 116)
    #expect(near(amplification, perOperation / 116, 1e-12))
  }

  // MARK: Bε-tree

  @Test func workedExampleOfFAST15() {
    // 1 TB of 1 KB records, 1 MB nodes, fanout 10: height 7, 14 transfers per 100 items; a B-tree pays 2: 14.3 times.
    let inserted = BEpsilonTreeModel.insertTransferCount(
      leafCount: 1e6, fanout: 10, entryByteCount: 1e3, nodeByteCount: 1e6)
    #expect(near(inserted, 0.14, 1e-12))
    #expect(near(BTreeModel.insertTransferCountInnerCached / inserted, 14.3, 0.05))
  }

  @Test func fanoutAndBuffer() {
    // F = max(2, ⌊B^ε⌋), buffer B − F.
    let rows: [(Double, Double, Double)] = [
      (512, 0.5, 22), (32, 0.25, 2), (512, 1, 512), (512, 0, 2), (8_192, 0.3, 14), (10_000, 0.5, 100),
      (4_096, 0.75, 512),
      (65_536, 0.25, 16), (1_000_000, 0.5, 1_000), (1_024, 0.3, 8), (1_024, 0.4, 16),
    ]
    for (entries, epsilon, fanout) in rows {
      let tree = BEpsilonTreeModel(
        entryCount: 1e6, cachedEntryCount: 1e3, nodeEntryCount: entries, epsilon: epsilon, entryByteCount: 100
      )
      #expect(tree.fanout == fanout, "B \(entries) ε \(epsilon): \(tree.fanout)")
      #expect(tree.bufferEntryCount == entries - fanout)
    }
  }

  @Test func endPointsOfEpsilon() {
    func tree(_ epsilon: Double) -> BEpsilonTreeModel {
      BEpsilonTreeModel(
        entryCount: 1e8, cachedEntryCount: 1e5, nodeEntryCount: 4_096, epsilon: epsilon, entryByteCount: 32)
    }
    let bTree = BTreeModel(entryCount: 1e8, cachedEntryCount: 1e5, nodeEntryCount: 4_096, entryByteCount: 32)
    // ε = 1: queries as a B-tree, inserts two transfers per level.
    #expect(near(tree(1).pointTransferCount, bTree.pointTransferCount, 1e-4))
    #expect(near(tree(1).insertTransferCount, 2 * bTree.pointTransferCount, 1e-3))
    // ε = ½: queries twice as dear, inserts cheaper by ε·B^(1 − ε) = 32.
    #expect(near(tree(0.5).pointTransferCount / tree(1).pointTransferCount, 2, 1e-9))
    #expect(near(tree(1).insertTransferCount / tree(0.5).insertTransferCount, 32, 1e-9))
    #expect(near(tree(0.5).writeAmplification, 2 * 64 * tree(0.5).uncachedLevelCount, 1e-9))
    #expect(near(tree(0.5).effectiveEpsilon, 0.5, 1e-12))
    #expect(
      near(tree(0.5).rangeTransferCount(resultEntryCount: 4_097), 2 + tree(0.5).pointTransferCount, 1e-12))
    #expect(tree(0).fanout == 2)
    // The textbook table says the same, constants aside.
    let book = BEpsilonTreeModel.textbookInsertTransferCount(
      entryCount: 1e8, nodeEntryCount: 4_096, epsilon: 0.5)
    let bookQuery = BEpsilonTreeModel.textbookQueryTransferCount(
      entryCount: 1e8, nodeEntryCount: 4_096, epsilon: 0.5)
    #expect(near(book, bookQuery / 64, 1e-12))
    // A flush by pointer is cheaper to write for every fanout.
    #expect(tree(0.5).pointerFlushWriteAmplification < tree(0.5).writeAmplification)
    #expect(
      BEpsilonTreeModel.queryLowerBoundShape(entryCount: 1e8, cachedEntryCount: 1e5, insertFactor: 64 * 3.3)
        < tree(0.5).pointTransferCount)
  }

  @Test func affineFormsOfTheTheorems() {
    // Lemma 8 and Theorem 9 by hand: B = 1,024, F = 16, α = 1/1,024 per entry, H = log_16(4,096) = 3.
    let device = AffineModel(setupSeconds: 1, secondsPerByte: 1.0 / 1_024 / 32)
    let tree = BEpsilonTreeModel(
      entryCount: 4_096 * 1_000, cachedEntryCount: 1_000, nodeEntryCount: 1_024, fanout: 16,
      entryByteCount: 32)
    #expect(near(tree.uncachedLevelCount, 3, 1e-12))
    #expect(near(tree.insertSetups(device), (1.0 / 64 + 1.0 / 64) * 3, 1e-12))
    #expect(near(tree.wholeNodePointSetups(device), 2 * 3, 1e-12))
    let segment = (1 + 1.0 / 16 + 1.0 / 64) * 3
    #expect(near(tree.segmentPointSetups(device, includesWeightBalance: false), segment, 1e-12))
    #expect(near(tree.segmentPointSetups(device), segment * 1.25, 1e-12))
  }

  // MARK: Simple engines

  @Test func logAndSortedFile() {
    let log = AppendLogModel(recordCount: 20_000, recordByteCount: 128)
    #expect(log.getHitReadByteCount == 20_001 * 64)
    #expect(log.getMissReadByteCount == 2_560_000)
    #expect(log.putWrittenByteCount(batchOperationCount: 1, transferUnitByteCount: 4_096) == 4_096)
    #expect(log.putWrittenByteCount(batchOperationCount: 32, transferUnitByteCount: 4_096) == 128)
    let file = SortedFileModel(recordCount: 1_000, recordByteCount: 100)
    #expect(file.shiftingInsertWrittenByteCount == 50_100)
    #expect(file.mergingInsertWrittenByteCount(batchOperationCount: 10) == 10_100)
    // 100,000 bytes are 25 blocks of 4 KiB: 5 probes.
    #expect(file.getReadTransferCount(blockByteCount: 4_096) == 5)
    // Σ over commits of the file after each.
    var sum = 0.0
    for commit in 1...100 { sum += Double(commit) * 10 * 100 }
    #expect(
      SortedFileModel.mergingLoadWrittenByteCount(
        recordCount: 1_000, recordByteCount: 100, batchOperationCount: 10)
        == sum)
  }

  // MARK: LSM-tree

  @Test func worstCaseAndUniformWriteAmplification() {
    // FAST 2016's model with 1,000-byte items: (N, uniform, worst case).
    let rows: [(Double, Double, Double)] = [
      (1e5, 6.8, 14.2), (1e6, 12.9, 25.2), (1e7, 19.3, 36.2), (1e8, 25.8, 47.2), (1e9, 32.3, 58.2),
    ]
    for (keys, uniform, worst) in rows {
      let tree = LeveledLSMModel(keyCount: keys, itemByteCount: 1_000)
      #expect(near(tree.worstCaseWriteAmplification, worst, 0.06), "N \(keys): \(tree.worstCaseStages)")
      #expect(near(tree.uniformWriteAmplification, uniform, 0.06), "N \(keys): \(tree.uniformStages)")
    }
    let stages = LeveledLSMModel(keyCount: 1e7, itemByteCount: 1_000).uniformStages
    for (stage, expected) in zip(stages, [1, 1, 1.62, 4.76, 6.08, 4.87]) {
      #expect(near(stage, expected, 0.01), "\(stages)")
    }
  }

  @Test func distinctKeys() {
    let tree = LeveledLSMModel(keyCount: 1e6, itemByteCount: 1_000)
    #expect(near(tree.uniqueKeyCount(requestCount: 1), 1, 1e-6))
    #expect(near(tree.uniqueKeyCount(requestCount: 1e6), 632_121, 1))
    for requests in [10, 1e4, 1e6, 5e6] {
      let unique = tree.uniqueKeyCount(requestCount: requests)
      #expect(abs(tree.requestCount(uniqueKeyCount: unique) / requests - 1) < 1e-6)
    }
    // A small level has not had time for repeats: its places are visited every 2u requests.
    #expect(abs(tree.compactionInterval(levelItemCount: 100) / 200 - 1) < 1e-3)
    // Data within one level: no interval, no second level.
    let small = LeveledLSMModel(keyCount: 5_000, itemByteCount: 1_000)
    #expect(small.levelItemCounts == [5_000] && small.uniformStages.count == 3)
  }

  @Test func closedForms() {
    // Total fanout 1,024 is cheapest at 6.93 levels.
    #expect(near(LSMFormulas.optimalLevelCount(totalFanout: 1_024), 6.93, 0.005))
    let at7 = LSMFormulas.leveledWriteAmplification(levelCount: 7, totalFanout: 1_024)
    for count in [5.0, 6, 8, 9] {
      #expect(LSMFormulas.leveledWriteAmplification(levelCount: count, totalFanout: 1_024) > at7)
    }
    #expect(near(LSMFormulas.leveledSpaceAmplificationBound(sizeRatio: 10), 1.111, 0.001))
    // 5 bits per entry: 0.0905.
    #expect(near(LSMFormulas.falsePositiveRate(bitsPerEntry: 5), 0.0905, 0.00005))
  }
}
