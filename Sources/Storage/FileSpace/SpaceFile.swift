// One file of a file space: its size, and where its bytes lie on the device.
//
//   file     0 ─────────── 256 KiB ─────────── 512 KiB ──┐ byteCount          allocatedByteCount
//   region   │ device @ 1,179,648 │ device @ 4,325,376  ·│····················│
//
// Invariants
// 1. Regions follow each other without gaps in the file; each is a whole number of chunks; their sum is at least
//    the file's size.
// 2. No byte at or beyond `writtenEnd` was written to the device since the file got the region it lies in, unless
//    it lies below `staleEnd`: there, bytes of a longer or crashed past may be left, and are zeroed before the
//    file grows over them.
// 3. A tail is the present content of its unit, as the device has it.

import Accounting

/// Whose bytes a request carries.
public struct Attribution: Equatable, Sendable {
  /// Why the bytes move.
  public var cause: Cause
  /// The level they belong to, or none.
  public var level: Level

  /// An attribution; most causes of a guest have no level.
  @inlinable public init(_ cause: Cause, _ level: Level = .none) {
    self.cause = cause
    self.level = level
  }
}

/// A handle on a file, made by `FileSpace.open`. Valid until the file is deleted or the space is closed.
public final class SpaceFile {
  /// The file's number; never used again for another file of the same space.
  public let id: UInt32
  /// The file's name.
  public let name: String
  /// The file's size in bytes.
  public internal(set) var byteCount: UInt64

  /// Consecutive bytes of the file that are consecutive on the device.
  struct Region: Equatable {
    var fileOffset: UInt64
    var deviceOffset: UInt64
    var byteCount: UInt64
    var fileEnd: UInt64 { fileOffset + byteCount }
    var deviceEnd: UInt64 { deviceOffset + byteCount }
  }

  /// One unit's content, kept because the next write is likely to continue it.
  struct Tail {
    /// The unit's number in the file, `.max` for none.
    var unit = UInt64.max
    let memory: UnsafeMutableRawPointer
  }

  var regions: ContiguousArray<Region> = []
  var allocatedByteCount: UInt64 = 0
  var writtenEnd: UInt64 = 0
  var staleEnd: UInt64 = 0
  /// Where the last write ended.
  var lastWriteEnd: UInt64 = 0
  var isDeleted = false
  /// How many units of the gather buffer belong to this file.
  var gatheredUnitCount = 0
  /// The unit the last write ended in, and the file's last unit.
  var tails: (recent: Tail, last: Tail)
  private var lastRegion = 0

  init(id: UInt32, name: String, byteCount: UInt64, transferUnitByteCount: Int) {
    self.id = id
    self.name = name
    self.byteCount = byteCount
    tails = (
      Tail(memory: .allocate(byteCount: transferUnitByteCount, alignment: 4_096)),
      Tail(memory: .allocate(byteCount: transferUnitByteCount, alignment: 4_096))
    )
  }

  deinit {
    tails.recent.memory.deallocate()
    tails.last.memory.deallocate()
  }

  /// The region that holds `offset`, which lies within the allocated bytes.
  func region(at offset: UInt64) -> Region {
    let guess = regions[lastRegion]
    if offset >= guess.fileOffset && offset < guess.fileEnd { return guess }
    var low = 0
    var high = regions.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if regions[middle].fileOffset <= offset { low = middle } else { high = middle }
    }
    lastRegion = low
    return regions[low]
  }

  /// Adds device bytes at the end, joining them to the last region when they continue it.
  func appendRegion(deviceOffset: UInt64, byteCount: UInt64) {
    if let last = regions.last, last.deviceEnd == deviceOffset {
      regions[regions.count - 1].byteCount += byteCount
    } else {
      regions.append(
        Region(fileOffset: allocatedByteCount, deviceOffset: deviceOffset, byteCount: byteCount))
    }
    allocatedByteCount += byteCount
  }

  /// Gives up everything from `keptByteCount` (whole chunks) on.
  ///
  /// - Returns: what was given up, as device ranges.
  func removeRegions(from keptByteCount: UInt64) -> [(deviceOffset: UInt64, byteCount: UInt64)] {
    var removed: [(deviceOffset: UInt64, byteCount: UInt64)] = []
    while let last = regions.last, last.fileEnd > keptByteCount {
      if last.fileOffset >= keptByteCount {
        removed.append((last.deviceOffset, last.byteCount))
        regions.removeLast()
      } else {
        let kept = keptByteCount - last.fileOffset
        removed.append((last.deviceOffset + kept, last.byteCount - kept))
        regions[regions.count - 1].byteCount = kept
      }
    }
    allocatedByteCount = min(allocatedByteCount, keptByteCount)
    lastRegion = 0
    return removed
  }

  /// The kept content of `unit`, if it is kept.
  func tail(of unit: UInt64) -> UnsafeMutableRawPointer? {
    if tails.recent.unit == unit { return tails.recent.memory }
    if tails.last.unit == unit { return tails.last.memory }
    return nil
  }
}
