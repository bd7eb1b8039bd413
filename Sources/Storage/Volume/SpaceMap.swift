// The space map and the pending log: which units are allocated, written whole now and then and as changes in between.
//
//   space map index block           chunk block k
//   payload  0  4  chunk count      payload  0  8  chunk number k
//            4  4  zero                      8  …  bitmap: unit k·c + i is allocated ⇔ bit i mod 8 of byte i ÷ 8
//            8 16  per chunk:                      c = 8 × (transfer unit − 24) units in a chunk
//                  first unit 8 (0: chunk is empty), checksum 4, zero 4
//
//   pending log extent              one record: one or more whole units, a block of its own
//   [record of epoch e][record …]   payload  0  8  generation: the epoch that wrote the space map
//   records begin on a unit, so              8  8  epoch of the commit
//   that adding one rewrites none           16  8  unit of the pending log at which the record begins
//                                           24  4  allocated runs
//                                           28  4  freed runs
//                                           32  8  per run: unit count and first unit, packed (VolumeTypes.swift)
//
// Replay: start from the bitmap of the space map; for each record in order set its allocated runs and clear its freed
// ones. Superblock n says how many units hold records, so there is no guessing where the log ends: a record that is
// missing, of another generation, another volume or another position is corruption. Runs freed by epoch n itself are
// deferred (superblock n-1 may still be needed), all older ones are free. Replay writes nothing and can be repeated.
//
// The first record after a checkpoint carries the checkpoint's own epoch and only freed runs; they are already clear
// in the map.
//
// Invariants
// 1. map bits ± pending records = the units allocated in the durable state of the superblock.
// 2. A pointer carries the checksum of the block it points to, so an older block of the same place is not believed.
// 3. Map blocks and pending extents are themselves allocated units of the map (superblocks included).

import Primitives

/// The space map as written: where its blocks lie and which chunks changed since.
struct SpaceMapState {
  let transferUnitByteCount: Int
  /// Units in a chunk, a multiple of 64.
  let chunkUnitCount: Int
  var chunkUnits: [Int] = []
  var chunkChecksums: [UInt32] = []
  var dirtyChunks = UnitBitmap()

  static let indexEntryByteCount = 16
  static let indexHeadByteCount = 8

  init(transferUnitByteCount: Int) {
    self.transferUnitByteCount = transferUnitByteCount
    chunkUnitCount = (transferUnitByteCount - VolumeBlock.headerByteCount - 8) * 8
  }

  /// Chunks that cover the units below `usedEnd`.
  func chunkCount(for usedEnd: Int) -> Int { (usedEnd + chunkUnitCount - 1) / chunkUnitCount }

  /// Units of the index block for `chunkCount` chunks.
  func indexUnitCount(for chunkCount: Int) -> Int {
    let byteCount =
      VolumeBlock.headerByteCount + Self.indexHeadByteCount + Self.indexEntryByteCount * chunkCount
    return (byteCount + transferUnitByteCount - 1) / transferUnitByteCount
  }

  /// The chunks a run of units touches.
  func chunks(of range: Range<Int>) -> Range<Int> {
    range.lowerBound / chunkUnitCount..<((range.upperBound - 1) / chunkUnitCount + 1)
  }
}

/// One record of the pending log.
struct PendingRecord: Equatable {
  static let headByteCount = 32
  var generation: UInt64
  var epoch: UInt64
  var position: UInt64
  var allocated: [Range<Int>]
  var freed: [Range<Int>]

  /// Runs as stored: a run longer than a packed extent is several.
  static func storedRunCount(_ runs: [Range<Int>]) -> Int {
    runs.reduce(0) {
      $0 + ($1.count + PackedExtent.maximumUnitCount - 1) / PackedExtent.maximumUnitCount
    }
  }

  /// Units a record of this many stored runs takes.
  static func unitCount(runCount: Int, transferUnitByteCount: Int) -> Int {
    let byteCount = VolumeBlock.headerByteCount + headByteCount + 8 * runCount
    return (byteCount + transferUnitByteCount - 1) / transferUnitByteCount
  }

  /// Writes the payload.
  ///
  /// - Returns: its length in bytes.
  func encode(into payload: UnsafeMutableRawBufferPointer) -> Int {
    let image = ImageWriter(payload)
    image.store(generation, at: 0)
    image.store(epoch, at: 8)
    image.store(position, at: 16)
    image.store(UInt32(Self.storedRunCount(allocated)), at: 24)
    image.store(UInt32(Self.storedRunCount(freed)), at: 28)
    var offset = Self.headByteCount
    for run in allocated + freed {
      var start = run.lowerBound
      while start < run.upperBound {
        let count = min(run.upperBound - start, PackedExtent.maximumUnitCount)
        image.store(PackedExtent.pack(start: UInt64(start), count: UInt64(count)), at: offset)
        start += count
        offset += 8
      }
    }
    return offset
  }

  /// Decodes a payload whose checksum was right.
  static func decode(
    _ payload: UnsafeRawBufferPointer, offset: UInt64, usedEndUnit: Int
  ) throws(StorageError) -> PendingRecord {
    let image = ImageReader(payload)
    let allocatedCount = Int(image.load(UInt32.self, at: 24))
    let freedCount = Int(image.load(UInt32.self, at: 28))
    guard payload.count == headByteCount + 8 * (allocatedCount + freedCount) else {
      throw .corrupted(
        structure: "pending log record", offset: offset,
        detail: "\(allocatedCount) + \(freedCount) runs do not make \(payload.count) bytes")
    }
    var runs: [Range<Int>] = []
    for index in 0..<(allocatedCount + freedCount) {
      let (start, count) = PackedExtent.unpack(image.load(UInt64.self, at: headByteCount + 8 * index))
      guard start >= 2, count > 0, start < UInt64(usedEndUnit), count <= UInt64(usedEndUnit) - start else {
        throw .corrupted(
          structure: "pending log record", offset: offset,
          detail: "its run of \(count) units at unit \(start) is not in the used part of the volume")
      }
      runs.append(Int(start)..<Int(start + count))
    }
    return PendingRecord(
      generation: image.load(UInt64.self, at: 0), epoch: image.load(UInt64.self, at: 8),
      position: image.load(UInt64.self, at: 16), allocated: Array(runs[..<allocatedCount]),
      freed: Array(runs[allocatedCount...]))
  }
}

/// Sorts runs and joins those that touch.
func coalesced(_ runs: [Range<Int>]) -> [Range<Int>] {
  var result: [Range<Int>] = []
  for run in runs.sorted(by: { $0.lowerBound < $1.lowerBound }) {
    if let last = result.last, last.upperBound == run.lowerBound {
      result[result.count - 1] = last.lowerBound..<run.upperBound
    } else {
      result.append(run)
    }
  }
  return result
}
