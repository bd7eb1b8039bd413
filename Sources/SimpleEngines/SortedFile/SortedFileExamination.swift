// The sorted file, looked at in an image: every block, its fill, the order of its keys, the numbers in the root.

import KeyValue
import Primitives
import Storage

extension SortedFileEngine {
  /// Reads every block by itself, so that one that is wrong does not hide the others; then the order of the keys.
  public static func examine(_ image: EngineImage, _ report: inout StructureReport) throws(StorageError) {
    guard let volume = image.volume else { return }
    let root = volume.root
    var run = SortedFileRun(blockByteCount: volume.transferUnitByteCount)
    if !root.isEmpty {
      // The root says the size of a block; no parameter is needed.
      let blockByteCount = root.count >= 8 ? root[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) } : 0
      guard blockByteCount > 0, blockByteCount % volume.transferUnitByteCount == 0 else {
        report.addFinding(
          "sorted file root", offset: 0,
          "its blocks of \(blockByteCount) bytes are no multiple of the transfer unit")
        return
      }
      run = try SortedFileRun(
        decoding: root, blockByteCount: blockByteCount, transferUnitByteCount: volume.transferUnitByteCount,
        capacityByteCount: volume.channel.capacityByteCount)
    }
    report.addFact("block_bytes", String(run.blockByteCount))
    report.addFact("blocks", String(run.blockCount))
    report.addFact("entries", String(run.entryCount))
    report.addFact("key_and_value_bytes", String(run.logicalByteCount))
    report.addFact("pieces", String(run.pieces.count))
    for piece in run.pieces {
      report.claim(
        Extent(offset: piece.offset, byteCount: piece.blockCount * run.blockByteCount), "sorted file piece")
    }
    var walk = Walk()
    for number in 0..<run.blockCount {
      let extent = run.extent(ofBlock: number)
      do throws(StorageError) {
        let block = try SortedFileBlock(
          try volume.readBlock(extent, type: SortedFileBlock.type, cause: .verification), number: number,
          offset: extent.offset)
        walk.add(block, number: number, offset: extent.offset, &report)
        report.addPart(
          block.isContinuation ? "continuation block" : "entry block", byteCount: UInt64(extent.byteCount),
          usedByteCount: UInt64(VolumeBlock.headerByteCount + block.block.payloadByteCount),
          entryCount: UInt64(block.entryCount))
      } catch {
        try report.note(error)
        walk.isWhole = false
      }
    }
    if !walk.isWhole { return }
    if walk.missingByteCount > 0 {
      report.addFinding(
        "sorted file", offset: run.pieces.last?.offset ?? 0,
        "its last value lacks \(walk.missingByteCount) bytes")
    }
    if walk.entryCount != run.entryCount || walk.logicalByteCount != run.logicalByteCount {
      report.addFinding(
        "sorted file root", offset: 0,
        "the file has \(walk.entryCount) entries of \(walk.logicalByteCount) bytes, its root says "
          + "\(run.entryCount) of \(run.logicalByteCount)")
    }
  }

  /// What is carried from block to block.
  private struct Walk {
    var isWhole = true
    var entryCount: UInt64 = 0
    var logicalByteCount: UInt64 = 0
    var missingByteCount = 0
    var head = 0
    var previous: [UInt8]?

    mutating func add(
      _ block: SortedFileBlock, number: Int, offset: UInt64, _ report: inout StructureReport
    ) {
      func bad(_ detail: String) { report.addFinding("sorted file block", offset: offset, detail) }
      if block.isContinuation {
        let count = block.continuation.count
        if !isWhole { return }
        if block.head != head || count > missingByteCount || count == 0 {
          bad("it does not continue the value of block \(head)")
        }
        missingByteCount = max(0, missingByteCount - count)
        return
      }
      if missingByteCount > 0 && isWhole { bad("the value before it lacks \(missingByteCount) bytes") }
      missingByteCount = 0
      head = number
      for index in 0..<block.entryCount {
        let key = block.key(index)
        let isBehind = previous.map { $0.withUnsafeBytes { compareKeys($0, key) } < 0 } ?? true
        if !isBehind { bad("its entry \(index) is not behind the one before") }
        previous = [UInt8](key)
        let value = block.value(index)
        entryCount += 1
        logicalByteCount += UInt64(key.count + value.bytes.count + value.missingByteCount)
        missingByteCount = value.missingByteCount
      }
    }
  }
}
