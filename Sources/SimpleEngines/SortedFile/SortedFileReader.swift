// Reads a sorted file: one block by number, an entry by key, a value that spans blocks, and the whole file in order.
//
// Invariants
// 1. A block is verified for its place when it enters memory, and asked for its number.
// 2. Nothing is cached: every block inspected is a block read.

import Accounting
import KeyValue
import Primitives
import Storage

/// Counters of reading.
struct SortedFileCounts {
  var blocks: UInt64 = 0
  var records: UInt64 = 0
}

/// Reads blocks of one file.
struct SortedFileReader {
  let volume: Volume
  let run: SortedFileRun
  private(set) var counts = SortedFileCounts()

  init(_ volume: Volume, _ run: SortedFileRun) {
    self.volume = volume
    self.run = run
  }

  /// Counts an entry that a cursor showed.
  mutating func countRecord() { counts.records += 1 }

  /// Reads block `number`.
  mutating func block(_ number: Int) throws(StorageError) -> SortedFileBlock {
    let extent = run.extent(ofBlock: number)
    let block = try volume.readBlock(extent, type: SortedFileBlock.type, cause: .sortedRun)
    counts.blocks += 1
    return try SortedFileBlock(block, number: number, offset: extent.offset)
  }

  /// Reads consecutive blocks in one batch.
  mutating func blocks(_ numbers: Range<Int>) throws(StorageError) -> [SortedFileBlock] {
    let extents = numbers.map { run.extent(ofBlock: $0) }
    var read: [VolumeBlock] = []
    read.reserveCapacity(extents.count)
    try volume.readBlocks(extents, type: SortedFileBlock.type, cause: .sortedRun) { read.append($1) }
    counts.blocks += UInt64(read.count)
    var result: [SortedFileBlock] = []
    result.reserveCapacity(read.count)
    for (index, block) in read.enumerated() {
      result.append(
        try SortedFileBlock(block, number: numbers.lowerBound + index, offset: extents[index].offset))
    }
    return result
  }

  /// The block in which `key` is if it is anywhere: the last one whose first key is not after it; nil when `key` is
  /// before the first. Binary search, O(log blocks) reads; one read with a fence.
  mutating func block(
    for key: UnsafeRawBufferPointer, fence: SortedFileFence?
  ) throws(StorageError) -> SortedFileBlock? {
    if let fence {
      guard let number = fence.block(for: key, inspected: &counts.records) else { return nil }
      return try headBlock(number)
    }
    var found: SortedFileBlock?
    var low = 0
    var high = run.blockCount
    while low < high {
      let middle = (low + high) / 2
      var block = try block(middle)
      if block.isContinuation {
        // The block that holds the key may be known already.
        if let found, found.number == block.head {
          low = middle + 1
          continue
        }
        block = try headBlock(block.head)
      }
      counts.records += 1
      if compareKeys(block.key(0), key) <= 0 {
        found = block
        low = middle + 1
      } else {
        high = block.number
      }
    }
    return found
  }

  /// Reads a block that must hold a key.
  mutating func headBlock(_ number: Int) throws(StorageError) -> SortedFileBlock {
    let block = try block(number)
    guard !block.isContinuation else { throw corruption(number, "it holds no key where one is expected") }
    return block
  }

  /// How many continuation blocks a value with this many missing bytes has.
  func continuationCount(missingByteCount: Int) -> Int {
    let room = run.blockByteCount - VolumeBlock.headerByteCount - SortedFileBlock.headerByteCount
    return (missingByteCount + room - 1) / room
  }

  /// Gathers a value that spans blocks into `buffer`.
  mutating func gather(
    _ index: Int, of block: SortedFileBlock, into buffer: inout ValueBuffer, limit: Int
  ) throws(StorageError) {
    let (first, missing) = block.value(index)
    guard first.count + missing <= limit else {
      throw corruption(block.number, "its value has \(first.count + missing) bytes, the limit is \(limit)")
    }
    buffer.assign(first)
    var left = missing
    var number = block.number + 1
    while left > 0 {
      guard number < run.blockCount else { throw corruption(block.number, "its value ends outside the file") }
      let next = try self.block(number)
      guard next.isContinuation, next.head == block.number, next.continuation.count <= left,
        !next.continuation.isEmpty
      else { throw corruption(number, "it does not continue block \(block.number)") }
      buffer.apply(.append, operand: next.continuation, maximumValueByteCount: limit)
      left -= next.continuation.count
      number += 1
    }
  }

  func corruption(_ number: Int, _ detail: String) -> StorageError {
    .corrupted(
      structure: "sorted file block", offset: run.extent(ofBlock: number).offset, detail: detail)
  }
}

/// The entries of a file from the first to the last, a batch of blocks at a time.
struct SortedFileStream: ~Copyable {
  private(set) var reader: SortedFileReader
  private let batchBlockCount: Int
  private let limit: Int
  private var loaded: [SortedFileBlock] = []
  private var nextBlock = 0
  private var blockIndex = 0
  private var entryIndex = -1
  private var gathered: ValueBuffer
  private var valueIsGathered = false
  /// False at the end.
  private(set) var hasCurrent = false

  init(_ reader: SortedFileReader, batchBlockCount: Int, maximumValueByteCount: Int) {
    self.reader = reader
    self.batchBlockCount = batchBlockCount
    limit = maximumValueByteCount
    gathered = ValueBuffer(reservedByteCount: maximumValueByteCount)
  }

  /// The current key, valid until `advance`.
  var key: UnsafeRawBufferPointer { loaded[blockIndex].key(entryIndex) }

  /// The current value, valid until `advance`.
  var value: UnsafeRawBufferPointer {
    valueIsGathered ? gathered.bytes : loaded[blockIndex].value(entryIndex).bytes
  }

  /// Moves to the next entry.
  mutating func advance() throws(StorageError) {
    entryIndex += 1
    while blockIndex >= loaded.count || entryIndex >= loaded[blockIndex].entryCount {
      if blockIndex < loaded.count {
        blockIndex += 1
        entryIndex = 0
        continue
      }
      guard nextBlock < reader.run.blockCount else {
        hasCurrent = false
        return
      }
      let end = min(nextBlock + batchBlockCount, reader.run.blockCount)
      loaded.removeAll()
      loaded = try reader.blocks(nextBlock..<end)
      nextBlock = end
      blockIndex = 0
      entryIndex = 0
    }
    let block = loaded[blockIndex]
    valueIsGathered = false
    if block.value(entryIndex).missingByteCount > 0 {
      // Its continuations are next in the file: read them for this value, then go on behind them.
      let count = reader.continuationCount(missingByteCount: block.value(entryIndex).missingByteCount)
      try gather(block)
      valueIsGathered = true
      let behind = block.number + 1 + count
      if behind > nextBlock {
        loaded = [block]
        blockIndex = 0
        nextBlock = behind
      }
    }
    hasCurrent = true
  }

  /// Gathers the value from blocks that are loaded, and reads only those that are not.
  private mutating func gather(_ block: SortedFileBlock) throws(StorageError) {
    let (first, missing) = block.value(entryIndex)
    guard first.count + missing <= limit else {
      throw reader.corruption(
        block.number, "its value has \(first.count + missing) bytes, the limit is \(limit)")
    }
    gathered.assign(first)
    var left = missing
    var number = block.number + 1
    while left > 0 {
      guard number < reader.run.blockCount else {
        throw reader.corruption(block.number, "its value ends outside the file")
      }
      let index = blockIndex + (number - block.number)
      let next = index < loaded.count ? loaded[index] : try reader.block(number)
      guard next.isContinuation, next.head == block.number, next.continuation.count <= left,
        !next.continuation.isEmpty
      else { throw reader.corruption(number, "it does not continue block \(block.number)") }
      gathered.apply(.append, operand: next.continuation, maximumValueByteCount: limit)
      left -= next.continuation.count
      number += 1
    }
  }
}
